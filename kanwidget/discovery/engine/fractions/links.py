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
    independent,
    monomials_of,
    nearly_vanishing,
    smallest_values,
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
    values: Callable[[Tensor, Tensor], Tensor]
    back: Callable[[Tree, float], Tree]
    grid: Callable[[Tensor], Tensor]
    """Constants to begin with, of the values of y."""


def _spread(y: Tensor) -> Tensor:
    """Constants c of exp(y/c) to begin with, ascending: from a fifth of y's standard deviation to twenty times it."""
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
    """Offer y = c·log(P/Q) and y = (P/Q)^c, with polynomials P, Q of the columns: a constant c is right where P - T(y)·Q vanishes.

    T is exp(y/c) or y^(1/c). The table's pool takes the formulas; it yields in words what is tried.
    """
    plain: list[Tree] = [("x", index) for index in table.indices]
    for link in LINKS:
        if link.needs and link.needs not in table.operations:
            continue
        # Powers have real values of numbers above 0 only.
        if link.name != "exp(y/c)" and not bool((table.y > 0).all()):
            continue
        for degree in _DEGREES:
            if 2 * math.comb(len(plain) + degree, degree) > min(_MOST_COLUMNS, len(table.sample) // 2):
                break
            terms = independent(table, monomials_of(plain, degree))
            smallest, log_grid = _smallest(table, link, terms), link.grid(table.y).log()
            for c in dips(smallest, log_grid, smallest(log_grid)):
                # The slope, ones here, isn't asked for where a combination vanishes.
                target = Target(link.name, _values(link, c), torch.ones_like, _back(link, c))
                table.offer(nearly_vanishing(table, target, terms, terms), f"{link.name} as a fraction")
            yield f"trying fractions behind {'a logarithm' if link.needs else 'a power'}"


def _values(link: LinkFamily, c: float) -> Callable[[Tensor], Tensor]:
    """The function T of y that a family of them, such as exp(y/c), has for a constant c."""
    return lambda y: link.values(y, torch.tensor(c, dtype=y.dtype))


def _back(link: LinkFamily, c: float) -> Callable[[Tree, Tensor], Tree]:
    """The inverse of a family's function with a constant c: it makes the tree of y of the tree of T(y). It doesn't need the values of y."""
    return lambda tree, y: link.back(tree, c)


def _smallest(table: EngineTable, link: LinkFamily, terms: Terms) -> Callable[[Tensor], Tensor]:
    """A function that says how nearly a combination of terms and T(y) times terms vanishes, for constants in T.

    It takes logarithms of the constants, `(n,)`, and returns smallest singular values, `(n,)`.

    Args:
        table: The table, whose sample of rows is looked at.
        link: The function of y with the constant.
        terms: The monomials of P and of Q, with their values, `(rows, terms)`.
    """
    values = terms[1][table.sample]
    y = table.y[table.sample]

    def smallest(log_c: Tensor) -> Tensor:
        t = link.values(y, log_c.exp()[:, None])[:, :, None]
        return smallest_values(torch.cat([values.expand(len(t), -1, -1), -values * t], 2))

    return smallest


def dips(smallest: Callable[[Tensor], Tensor], log_grid: Tensor, heights: Tensor) -> list[float]:
    """Constants at which a combination of columns nearly vanishes, ascending: where their smallest singular value has a sharp dip.

    Args:
        smallest: The smallest singular values, of logarithms of the constant, `(n,)`.
        log_grid: Logarithms of the constants to begin with, ascending, `(grid,)`.
        heights: The smallest singular values at these, `(grid,)`.
    """
    middle = torch.arange(1, len(log_grid) - 1)
    middle = middle[_falls(heights[middle - 1], heights[middle], heights[middle + 1])]
    if not len(middle):
        return []
    half = (log_grid[middle + 1] - log_grid[middle - 1]) / 2
    lowest, values = _minima(smallest, log_grid[middle], half, heights[middle])
    return lowest[values < (_DEPTH * heights[middle]).clamp(max=_DIP)].exp().tolist()


def _falls(before: Tensor, height: Tensor, after: Tensor) -> Tensor:
    """Whether a point of a grid, lower than those before and after it, is near a sharp dip: a singular value falls to 0 in straight lines.

    So the point lies well below the higher neighbor; in a shallow valley it doesn't.
    """
    return (height <= torch.minimum(before, after)) & (height <= _SHALLOW * torch.maximum(before, after))


def _minima(
    function: Callable[[Tensor], Tensor], middle: Tensor, half: Tensor, height: Tensor
) -> tuple[Tensor, Tensor]:
    """The lowest points near the middles of intervals, near which the square of a function is a parabola.

    An interval is given up where the function isn't much lower than in its middle after the first steps.

    Args:
        function: From points to values, `(n,)` both.
        middle: The middles of the intervals, `(intervals,)`.
        half: Half of their widths.
        height: The function's values at the middles.

    Returns:
        The lowest points so far, and the function's values there.
    """
    middle, half, height = middle.clone(), half.clone(), height.clone()
    first, rest = height.clone(), torch.arange(len(middle))  # heights to begin with; intervals that aren't given up
    for step in range(_VERTICES):
        # The vertex of the parabola through three squares; where it is open below, or not finite, the middle stays.
        at, width = middle[rest], half[rest]
        low, high = function(torch.cat([at - width, at + width])).chunk(2)
        bend = low**2 + high**2 - 2 * height[rest] ** 2
        bent = (bend > 0) & (bend < math.inf)
        away = (0.5 * width * (low**2 - high**2) / bend).nan_to_num()
        vertex = at + torch.where(bent, torch.minimum(torch.maximum(away, -width), width), 0.0)
        heights = torch.stack([height[rest], low, high, function(vertex)])
        height[rest], lowest = heights.min(0)
        middle[rest] = torch.stack([at, at - width, at + width, vertex]).gather(0, lowest[None])[0]
        # A parabola through a narrower interval tells its vertex more exactly.
        half[rest] *= _NARROWER if step > _FIRST else _NARROW
        if step == _FIRST:
            rest = rest[height[rest] <= (_PROMISING * first[rest]).clamp(min=_DIP)]
            if not len(rest):
                break
    return middle, height
