"""Products of powers of columns as trees, in units in which their size is of order one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from kanwidget.discovery.engine.assembly import power
from kanwidget.discovery.engine.trees import Tree, number, product

#: Products whose size has a logarithm between these keep the size that coherent units give them.
_SMALL, _LARGE = math.log(0.02), math.log(50.0)
#: exp of more than this has no float.
_LARGEST_LOG = 600.0

#: Columns and their exponents.
Powers = Sequence[tuple[int, Fraction]]


def monomial(powers: Powers) -> Tree:
    """A product of powers of columns, as short as it can be written.

    Examples:
        >>> monomial([(0, Fraction(1)), (1, Fraction(-2))])
        ('div', ('x', 0), ('sq', ('x', 1)))
    """
    powers = [(i, power) for i, power in powers if power]
    if not powers:
        return number(1)
    root = math.lcm(*(power.denominator for _, power in powers))
    # Whole powers make a quotient, halves among them the root of one; of other exponents each power stands by itself.
    if root > 2:
        return product([_power(i, exponent) for i, exponent in powers])
    above = _whole([(i, int(root * power)) for i, power in powers if power > 0])
    below = _whole([(i, int(-root * power)) for i, power in powers if power < 0])
    tree = above or number(1)
    if below is not None:
        tree = ("div", above, below) if above is not None else ("inv", below)
    return tree if root == 1 else ("sqrt", tree)


def coherent(powers: Powers, sizes: Sequence[float], middles: Sequence[float], carrier: int | None = None) -> Tree:
    """A product of powers of columns, times the number that puts it into coherent units where it is of order one in these, else as it is.

    1 + x means something of a product in coherent units only.

    Args:
        powers: Columns, by index, and exponents.
        sizes: The unit of each column: what its values are multiplied by to be in coherent units.
        middles: A typical value of each column, in that unit.
        carrier: A column that changes its sign, which is multiplied by the rest.
    """
    tree = monomial(powers)
    if carrier is not None:
        tree = product([("x", carrier), tree]) if powers else ("x", carrier)
        powers = [(carrier, Fraction(1)), *powers]
    # Logarithms of the product's unit, in base units, and of its typical value in these.
    size = sum(float(power) * math.log(sizes[i]) for i, power in powers)
    if min(middles[i] for i, _ in powers) == 0 or abs(size) > _LARGEST_LOG:
        return tree
    middle = size + sum(float(power) * math.log(middles[i]) for i, power in powers)
    factor = float(f"{math.exp(size):.12g}")  # without the round-off of the logarithms
    return tree if factor == 1 or not _SMALL <= middle <= _LARGE else ("mul", number(factor), tree)


def _power(index: int, exponent: Fraction) -> Tree:
    """A power of a column by its index: of a whole number of quarters as short as it can be written, else with an exact exponent."""
    column: Tree = ("x", index)
    return power(column, float(exponent)) if 4 % exponent.denominator == 0 else ("pow", column, number(float(exponent)))


def _whole(powers: Sequence[tuple[int, int]]) -> Tree | None:
    """A product of whole powers of columns, by index; None where there are no powers."""
    return product([power(("x", i), exponent) for i, exponent in powers]) if powers else None


def floats(rows: Sequence[Sequence[Fraction]]) -> Tensor:
    """Rows of fractions as a tensor."""
    return torch.tensor([[float(value) for value in row] for row in rows], dtype=torch.float64)
