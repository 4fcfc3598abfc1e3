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

from kanwidget.discovery.engine.fractions.polynomials import (
    Terms,
    equilibrated,
    independent,
    monomials_of,
    nearly_vanishing,
)
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.targets import Target
from kanwidget.discovery.engine.trees import Tree, constant

#: Degrees of P and Q.
_DEGREES = (1, 2, 3)
_MOST_COLUMNS = 80
_GRID = 41
#: Smallest singular value, and its part of that on the grid, below which a combination may vanish.
_DIP, _DEPTH = 1e-7, 1e-3
#: Parabolas that are laid through three points, each on a narrower interval.
_VERTICES, _NARROW, _NARROWER = 10, 0.35, 0.1
#: At the point of the grid that is next to a dip it is below this part of the larger one of its neighbors.
_SHALLOW = 0.6
#: Until that step the singular value falls below so small a part of what it was, where a combination vanishes.
_FIRST, _PROMISING = 2, 0.25


@dataclass(frozen=True, slots=True)
class LinkFamily:
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
    LinkFamily(
        "exp(y/c)", "log", lambda y, c: torch.exp(y / c), lambda u, c: ("mul", constant(c), ("log", u)), _spread
    ),
    LinkFamily(
        "y^(1/c)",
        "",
        lambda y, c: y.abs() ** (1 / c),
        lambda u, c: ("pow", u, constant(c)),
        lambda y: torch.logspace(-1.0, 1.0, _GRID, dtype=torch.float64),
    ),
)


def linked_rationals(table: EngineTable) -> Iterator[str]:
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
            smallest, log_grid = _smallest(table, link, terms), link.grid(table.y).log().tolist()
            for c in dips(smallest, log_grid, [smallest(log_c) for log_c in log_grid]):
                target = Target(link.name, _values(link, c), torch.ones_like, _back(link, c))
                table.offer(nearly_vanishing(table, target, terms, terms), f"{link.name} as a fraction")
            yield f"trying fractions behind {'a logarithm' if link.needs else 'a power'}"


def _values(link: LinkFamily, c: float) -> Callable[[Tensor], Tensor]:
    return lambda y: link.values(y, c)


def _back(link: LinkFamily, c: float) -> Callable[[Tree, Tensor], Tree]:
    return lambda tree, y: link.back(tree, c)


def _smallest(table: EngineTable, link: LinkFamily, terms: Terms) -> Callable[[float], float]:
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


def dips(smallest: Callable[[float], float], log_grid: list[float], heights: list[float]) -> Iterator[float]:
    """Constants at which a combination nearly vanishes.

    Args:
        smallest: The smallest singular value, of the logarithm of the constant.
        log_grid: Logarithms of the constants to begin with, ascending.
        heights: About the smallest singular values of these.
    """
    for i in range(1, len(log_grid) - 1):
        if not _falls(heights[i - 1 : i + 2]):
            continue
        # Where the heights come from squares, those below the root of round-off say nothing.
        exact = [smallest(log_k) for log_k in log_grid[i - 1 : i + 2]]
        if _falls(exact):
            log_c, value = _minimum(smallest, log_grid[i], (log_grid[i + 1] - log_grid[i - 1]) / 2, exact[1])
            if value < min(_DIP, _DEPTH * exact[1]):
                yield math.exp(log_c)


def _falls(heights: list[float]) -> bool:
    """Whether the middle one of three points is near a dip: it falls to 0 in a straight line from either side, no shallow valley."""
    before, height, after = heights
    return height <= min(before, after) and height <= _SHALLOW * max(before, after)


def _minimum(function: Callable[[float], float], middle: float, half: float, height: float) -> tuple[float, float]:
    """The lowest point near the middle of an interval, near which the square is a parabola.

    It is broken off where it isn't much lower than the height in the middle after the first steps.
    """
    first = height
    for step in range(_VERTICES):
        low, high = function(middle - half), function(middle + half)
        bend = low**2 + high**2 - 2 * height**2
        points = [(height, middle), (low, middle - half), (high, middle + half)]
        if 0 < bend < math.inf:
            vertex = middle + min(max(0.5 * half * (low**2 - high**2) / bend, -half), half)
            points.append((function(vertex), vertex))
        height, middle = min(points)
        if step == _FIRST and height > max(_PROMISING * first, _DIP):
            break
        half *= _NARROWER if step > _FIRST else _NARROW
    return middle, height
