"""Rational functions behind a function with an unknown constant: y = c·log(P/Q), y = (P/Q)^c.

For the right c a combination of the monomials of P and of T(y) times those of Q vanishes on all rows. The smallest singular value
shows how nearly one does: it is looked at on a grid of constants, and followed down where it dips.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.discovery.engine.polynomials import Terms, equilibrated, independent, monomials_of, vanishing
from kanwidget.discovery.engine.table import Table
from kanwidget.discovery.engine.targets import Target
from kanwidget.discovery.engine.trees import Tree, constant

#: Degrees of P and Q.
_DEGREES = (1, 2, 3)
_MOST_COLUMNS = 80
_GRID = 41
#: Smallest singular value, and its part of that on the grid, below which a combination may vanish.
_DIP, _DEPTH = 1e-7, 1e-3
#: Steps of golden section: each leaves 0.618 of the interval.
_SECTIONS = 60
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class Link:
    """A function of y with a constant."""

    name: str
    needs: str
    values: Callable[[Tensor, float], Tensor]
    back: Callable[[Tree, float], Tree]
    grid: Callable[[Tensor], Tensor]
    """Constants to begin with, of the values of y."""


def _spread(y: Tensor) -> Tensor:
    return float(y.std(correction=0)) * torch.logspace(-0.7, 1.3, _GRID, dtype=torch.float64)


#: One row a function.
LINKS = (
    Link("exp(y/c)", "log", lambda y, c: torch.exp(y / c), lambda u, c: ("mul", constant(c), ("log", u)), _spread),
    Link(
        "y^(1/c)",
        "",
        lambda y, c: y.abs() ** (1 / c),
        lambda u, c: ("pow", u, constant(c)),
        lambda y: torch.logspace(-1.0, 1.0, _GRID, dtype=torch.float64),
    ),
)


def linked_rationals(table: Table) -> Iterator[str]:
    """Offer functions with a constant of rational functions of the columns."""
    plain: list[Tree] = [("x", index) for index in table.indices]
    for link in LINKS:
        if link.needs and link.needs not in table.operations:
            continue
        if link.name != "exp(y/c)" and not bool((table.y > 0).all()):
            continue
        for degree in _DEGREES:
            if 2 * math.comb(len(plain) + degree, degree) > min(_MOST_COLUMNS, len(table.sample) // 2):
                break
            terms = independent(table, monomials_of(plain, degree))
            for c in dips(_smallest(table, link, terms), link.grid(table.y)):
                target = Target(link.name, _values(link, c), torch.ones_like, _back(link, c))
                table.offer([vanishing(table, target, terms, terms, near=True)], f"{link.name} as a fraction")
            yield f"trying fractions behind {'a logarithm' if link.needs else 'a power'}"


def _values(link: Link, c: float) -> Callable[[Tensor], Tensor]:
    return lambda y: link.values(y, c)


def _back(link: Link, c: float) -> Callable[[Tree, Tensor], Tree]:
    return lambda tree, y: link.back(tree, c)


def _smallest(table: Table, link: Link, terms: Terms) -> Callable[[float], float]:
    """The smallest singular value, of the logarithm of the constant."""
    values = terms[1][table.sample]
    y = table.y[table.sample]

    def smallest(log_c: float) -> float:
        t = link.values(y, math.exp(log_c))
        matrix = torch.cat([values, -values * t[:, None]], 1)
        if not bool(torch.isfinite(matrix).all()):
            return math.inf
        return max(float(torch.linalg.svdvals(equilibrated(matrix)[0])[-1]), 1e-15)

    return smallest


def dips(smallest: Callable[[float], float], constants: Tensor) -> Iterator[float]:
    """Constants at which a combination nearly vanishes.

    Args:
        smallest: The smallest singular value, of the logarithm of the constant.
        constants: The grid, ascending.
    """
    grid = constants.log().tolist()
    heights = [smallest(point) for point in grid]
    for i in range(1, len(grid) - 1):
        if heights[i] <= min(heights[i - 1], heights[i + 1]) and math.isfinite(heights[i]):
            log_c, value = _minimum(smallest, grid[i - 1], grid[i + 1])
            if value < min(_DIP, _DEPTH * heights[i]):
                yield math.exp(log_c)


def _minimum(function: Callable[[float], float], low: float, high: float) -> tuple[float, float]:
    """Golden section."""
    a, b = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    fa, fb = function(a), function(b)
    for _ in range(_SECTIONS):
        if fa < fb:
            high, b, fb = b, a, fa
            a = high - _GOLDEN * (high - low)
            fa = function(a)
        else:
            low, a, fa = a, b, fb
            b = low + _GOLDEN * (high - low)
            fb = function(b)
    return (a, fa) if fa < fb else (b, fb)
