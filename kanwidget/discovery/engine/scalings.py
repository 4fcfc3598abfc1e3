"""Products by units: columns and target whose units fit together depend on fewer numbers, which have none.

A change of base units changes no law. Of n columns with r independent dimensions, y over a product of r of them is a function of n - r
products without dimension. A law with a constant that isn't among the columns, such as one of nature, keeps some of these symmetries
only: which ones, the derivatives of a surrogate say. In logarithms each is a weighted sum of derivatives that is constant.

References:
    Buckingham, "On physically similar systems; illustrations of the use of dimensional equations", Phys. Rev. 4 (1914) 345.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from kanwidget.discovery.engine.reductions import Reduction, Sample, names_of, near_constant
from kanwidget.discovery.engine.trees import Tree, number

Exponents = tuple[Fraction, ...]
Matrix = list[list[Fraction]]

#: Choices of the columns that the others are divided by: those that are looked at, and those that are returned.
_LOOKED_AT, _CHOICES = 300, 3
#: Most terms of a symmetry's denominators.
_DENOMINATOR = 4
#: What an exponent that isn't whole costs, in units of exponents.
_ROOT = 0.5
#: The part of rows that symmetries are looked for in.
_PART = 0.9
#: Products of this size keep the size that coherent units give them.
_SMALL, _LARGE = 0.02, 50.0


@dataclass(frozen=True, slots=True)
class Dimensions:
    """The units of columns and target, as exponents of the same dimensions."""

    columns: tuple[Exponents | None, ...]
    """Of each column; None where it isn't known: the column takes no part in products."""
    target: Exponents | None
    sizes: tuple[float, ...]
    """The unit of each column, in base units."""

    @property
    def parts(self) -> list[int]:
        """The columns whose dimensions are known."""
        return [i for i, exponents in enumerate(self.columns) if exponents is not None]

    @property
    def matrix(self) -> Matrix:
        """A row for each independent dimension: exponents of the columns, and of the target in the end."""
        if self.target is None:
            return []
        vectors = [exponents for exponents in (*self.columns, self.target) if exponents is not None]
        return reduced([list(row) for row in zip(*vectors, strict=True)])[0]

    def in_units(self, units: Sequence[float]) -> Dimensions:
        """Those of columns that are measured in multiples of their units."""
        sizes = tuple(size * unit for size, unit in zip(self.sizes, units, strict=True))
        return Dimensions(self.columns, self.target, sizes)


def reduced(rows: Matrix) -> tuple[Matrix, list[int]]:
    """The reduced row echelon form without rows of zeros, and the columns of the pivots.

    Examples:
        >>> rows, pivots = reduced([[Fraction(2), Fraction(4)], [Fraction(1), Fraction(2)]])
        >>> [[str(entry) for entry in row] for row in rows], pivots
        ([['1', '2']], [0])
    """
    rows, pivots = [list(row) for row in rows], []
    for column in range(len(rows[0]) if rows else 0):
        done = len(pivots)
        first = next((i for i in range(done, len(rows)) if rows[i][column]), None)
        if first is None:
            continue
        rows[done], rows[first] = rows[first], rows[done]
        rows[done] = [entry / rows[done][column] for entry in rows[done]]
        for i, row in enumerate(rows):
            if i != done and row[column]:
                rows[i] = [entry - row[column] * other for entry, other in zip(row, rows[done], strict=True)]
        pivots.append(column)
    return rows[: len(pivots)], pivots


def products_by_units(dimensions: Dimensions, whole: Tensor, names: Sequence[str], target: str) -> list[Reduction]:
    """Smaller tables of products without dimension, for a law that holds no constant with one; none where y can't be reached.

    Args:
        dimensions: Of columns and target.
        whole: The columns, `(columns, rows)`.
        names: Of the columns, for words.
        target: The target's name.
    """
    return _Products(dimensions, whole, names, target).by(dimensions.matrix, "by its units")


def products_by_symmetries(
    dimensions: Dimensions, whole: Tensor, sample: Sample, names: Sequence[str], target: str
) -> list[Reduction]:
    """Smaller tables by those changes of units that the data are seen to keep; the law may hold constants with dimensions.

    Args:
        dimensions: Of columns and target.
        whole: The columns, `(columns, rows)`.
        sample: Derivatives by the columns.
        names: Of the columns, for words.
        target: The target's name.
    """
    matrix = dimensions.matrix
    kept = _symmetries(matrix, dimensions.parts, sample)
    if not kept:
        return []
    says = "by its units" if len(kept) == len(matrix) else "by units and a constant with one"
    return _Products(dimensions, whole, names, target).by(kept, says)


def _symmetries(matrix: Matrix, parts: Sequence[int], sample: Sample) -> Matrix:
    """The combinations of dimensions whose change of units leaves the law as it is."""
    if not matrix or bool((sample.x[list(parts)] == 0).any()):
        return []
    elasticity = (sample.gradient * sample.x / sample.y)[list(parts)]
    rows = torch.tensor([[float(entry) for entry in row] for row in matrix], dtype=sample.x.dtype)
    off = elasticity.T @ rows[:, :-1].T - rows[:, -1]
    size = off.norm(dim=1)
    off = off[size <= size.quantile(_PART)]
    basis = torch.linalg.svd(off, full_matrices=False).Vh if len(off) >= len(matrix) else off[:0]
    for count in range(len(basis), 0, -1):
        weights = _simple(basis[-count:])
        if all(near_constant(off @ _floats(row) / _floats(row).abs().sum(), 0.0, sample.tolerance) for row in weights):
            return [[sum(w * entry for w, entry in zip(row, column, strict=True)) for column in zip(*matrix, strict=True)]  # type: ignore[misc]
                    for row in weights]  # fmt: skip
    return []


def _floats(row: Sequence[Fraction]) -> Tensor:
    return torch.tensor([float(entry) for entry in row], dtype=torch.float64)


def _simple(vectors: Tensor) -> Matrix:
    """Simple numbers near a basis of what some vectors span."""
    rows = vectors.clone()
    for i in range(len(rows)):
        pivot = int(rows[i].abs().argmax())
        rows[i] = rows[i] / rows[i, pivot]
        others = torch.arange(len(rows)) != i
        rows[others] -= rows[others, pivot, None] * rows[i]
    return [[Fraction(entry).limit_denominator(_DENOMINATOR) for entry in row] for row in rows.tolist()]


class _Products:
    """Products of columns by exponents."""

    def __init__(self, dimensions: Dimensions, whole: Tensor, names: Sequence[str], target: str) -> None:
        self.dimensions, self.whole, self.names, self.target = dimensions, whole, names, target

    def by(self, matrix: Matrix, says: str) -> list[Reduction]:
        """Reductions by some symmetries, those with the simplest exponents first; none where y can't be reached."""
        rows, pivots = reduced(matrix)
        count = len(self.dimensions.parts)
        if not rows or count in pivots:
            return []
        choices = []
        for base in itertools.islice(itertools.combinations(range(count), len(rows)), _LOOKED_AT):
            order = [*base, *(i for i in range(count + 1) if i not in base)]
            solved, own = reduced([[row[i] for i in order] for row in rows])
            if own == list(range(len(base))):
                exponents = {i: [row[place] for row in solved] for place, i in enumerate(order) if place >= len(base)}
                choices.append((sum(map(_cost, itertools.chain(*exponents.values()))), base, exponents))
        choices.sort(key=lambda choice: choice[:2])
        found = [self._reduction(base, exponents, says) for _, base, exponents in choices[:_CHOICES]]
        return list(dict.fromkeys(found))

    def _reduction(self, base: Sequence[int], exponents: dict[int, list[Fraction]], says: str) -> Reduction:
        """Y over a product of the base columns, of the others over such products."""
        parts = self.dimensions.parts
        columns: list[Tree] = [("x", i) for i in range(len(self.names)) if i not in parts]
        for place, powers in exponents.items():
            if place < len(parts):
                least = math.lcm(*(power.denominator for power in powers))
                columns.append(self._product([(place, Fraction(least)), *zip(base, (-least * p for p in powers), strict=True)]))
        target = list(zip(base, exponents[len(parts)], strict=True))
        factor = _monomial([(parts[place], power) for place, power in target])
        over = names_of(factor, self.names)
        left = self.target if factor == number(1) else f"{self.target}/{over}"
        text = f"{says} {left} depends on {', '.join(names_of(tree, self.names) for tree in columns) or 'nothing'} only"
        return Reduction(tuple(columns), factor, text)

    def _product(self, powers: Sequence[tuple[int, Fraction]]) -> Tree:
        """A product of the columns that take part; in coherent units where these make it of order one."""
        parts, sizes = self.dimensions.parts, self.dimensions.sizes
        tree = _monomial([(parts[place], power) for place, power in powers])
        logs = [(float(power) * math.log(sizes[parts[place]]), parts[place], float(power)) for place, power in powers]
        factor = math.exp(sum(log for log, _, _ in logs))
        middle = factor * math.prod(float(self.whole[i].abs().median()) ** power for _, i, power in logs)
        rounded = float(f"{factor:.12g}")
        return tree if rounded == 1 or not _SMALL <= middle <= _LARGE else ("mul", number(rounded), tree)


def _cost(exponent: Fraction) -> float:
    return float(abs(exponent)) + _ROOT * (exponent.denominator > 1)


def _monomial(powers: Sequence[tuple[int, Fraction]]) -> Tree:
    """A product of powers of columns, as short as it can be written."""
    powers = [(i, power) for i, power in powers if power]
    if not powers:
        return number(1)
    root = math.lcm(*(power.denominator for _, power in powers))
    above = _whole([(i, int(root * power)) for i, power in powers if power > 0])
    below = _whole([(i, int(-root * power)) for i, power in powers if power < 0])
    tree = above or number(1)
    if below is not None:
        tree = ("div", above, below) if above is not None else ("inv", below)
    return tree if root == 1 else ("sqrt", tree) if root == 2 else ("pow", tree, number(1 / root))


def _whole(powers: Sequence[tuple[int, int]]) -> Tree | None:
    """A product of whole powers; None of none."""
    tree: Tree | None = None
    for i, power in powers:
        base: Tree = ("x", i)
        base = base if power == 1 else ("sq", base) if power == 2 else ("cube", base) if power == 3 else ("pow", base, number(power))
        tree = base if tree is None else ("mul", tree, base)
    return tree
