"""The shapes of a primitive: f(α·t + β) on a common grid of t ∈ [-1, 1], for a few hundred pairs (α, β) from which a fit can start.

Each list of pairs is ordered so that neighboring groups are neighboring functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.core.primitives import Interval, Primitive, Starts
from kanwidget.symbolic.fits.custom import called, check_finite

#: Cells of the common grid: eight a half-wave of the fastest oscillation that is searched (20 over the range).
CELLS = 160
#: Offset of a second family of groups.
_FAMILY = 1000

#: α, β and the number of the group.
Pair = tuple[float, float, int]


class Shapes(NamedTuple):
    """The shapes of one primitive. Neighbors in `group` are close, so that starts can be taken near different minima."""

    slope: Tensor
    shift: Tensor
    low: Tensor
    high: Tensor
    group: Tensor
    curves: Tensor
    """On the common grid, centered and scaled, `(shapes, CELLS)`, float32."""


def _common_grid() -> Tensor:
    """Midpoints of the cells."""
    return (torch.arange(CELLS, dtype=torch.float64) + 0.5) * (2 / CELLS) - 1


@lru_cache(maxsize=128)
def shapes(primitive: Primitive, custom: bool) -> Shapes:
    """The shapes of a primitive, in t. `custom` is for registered functions: only the domain of these is reliable."""
    tables = [pair_table(pairs(primitive, interval, custom), interval) for interval in primitive.intervals]
    slope, shift, group, low, high = torch.cat(tables).unbind(1)
    return tabulate(primitive, slope, shift, low, high, group.long())


def tabulate(primitive: Primitive, slope: Tensor, shift: Tensor, low: Tensor, high: Tensor, group: Tensor) -> Shapes:
    """Evaluate; shapes that overflow or leave the domain are dropped."""
    inside = (shift - slope.abs() >= low) & (shift + slope.abs() <= high)
    slope, shift, low, high, group = (column[inside] for column in (slope, shift, low, high, group))
    with torch.no_grad():
        curves = called(primitive, primitive.fn, slope[:, None] * _common_grid() + shift[:, None])
        check_finite(primitive, curves)
    curves = curves - curves.mean(1, keepdim=True)
    size = curves.norm(dim=1, keepdim=True) / math.sqrt(CELLS)
    good = (size > 1e-12 * (1 + curves.abs().amax(1, keepdim=True))) & torch.isfinite(size)
    curves = torch.where(good, curves / size, 0.0)
    return Shapes(slope, shift, low, high, group, curves.float())


def pair_table(listed: list[Pair], interval: Interval) -> Tensor:
    """Columns slope, shift, group, low, high."""
    return torch.tensor([[a, b, g, *interval] for a, b, g in listed], dtype=torch.float64).reshape(-1, 5)


# ---- the pairs (α, β)


def pairs(primitive: Primitive, interval: Interval, custom: bool) -> list[Pair]:
    """(α, β) of the shapes on one interval of the domain."""
    low, high = interval
    if not any(primitive.free):
        return [(1.0, 0.0, 0)]
    if math.isinf(low) and math.isinf(high):
        return _any_line() if custom and all(primitive.free) else _real_line(primitive)
    if math.isfinite(low) and math.isfinite(high):
        return _on_interval(low, high, (1, -1) if custom else (1,))
    two_sided = math.isfinite(low) and (primitive.mirrored or primitive.free[0])
    edge, sides = (low if math.isfinite(low) else high), (1, -1) if two_sided else (1,)
    inward = 1 if math.isfinite(low) else -1
    scales = _geometric(0.1, 30, 12) if primitive.free[0] else [1.0]
    one_sided = [pair for scale in scales for pair in _one_sided(sides, scale)]
    return [(slope, edge + inward * shift, group) for slope, shift, group in one_sided]


def _real_line(primitive: Primitive) -> list[Pair]:
    """For a function that is defined everywhere."""
    free_a, free_b = primitive.free
    if not free_a:
        inside = [i / 24 for i in range(-26, 27)]
        outside = [1 + gap for gap in _geometric(0.12, 30, 16)]
        return [(1.0, b, i) for i, b in enumerate([*(-b for b in reversed(outside)), *inside, *outside])]
    if not free_b:
        return [
            (sign * slope, 0.0, i) for sign in (-1, 1) for i, slope in enumerate(_geometric(0.02, 120, 40), 50 * sign)
        ]
    return _STARTS[primitive.starts]()


def _any_line() -> list[Pair]:
    """For a registered function that is defined everywhere: it may be of any kind."""
    slopes = [*_geometric(0.25, 3, 8), *(3 + 1.5 * i for i in range(1, 20))]
    return _centered([sign * slope for sign in (1, -1) for slope in slopes], 0.8)


def _phases() -> list[Pair]:
    """For waves: six phases of every frequency."""
    slopes = [0.3, 0.6, 0.9, 1.2, *(1.5 + 0.4 * i for i in range(100))]
    return [(slope, math.pi * phase / 6, group) for group, slope in enumerate(slopes) for phase in range(6)]


def _extrema() -> list[Pair]:
    """For an oscillation that fades. Its middle and its other extrema look alike over a short range: each has its own groups."""
    centered = _centered([0.9 + 0.7 * i for i in range(48)], 0.9)
    return [(a, b, group % _FAMILY + _FAMILY * (abs(b) > 2)) for a, b, group in centered]


def _centers(signs: Sequence[int]) -> list[Pair]:
    """For steps and bumps: everywhere and of all widths."""
    return _centered([sign * slope for sign in signs for slope in _geometric(0.25, 80, 18)], 0.6)


_STARTS: dict[Starts, Callable[[], list[Pair]]] = {
    "centers": lambda: _centers((1,)),
    "centers of both signs": lambda: _centers((1, -1)),
    "phases": _phases,
    "extrema": _extrema,
}


def _centered(slopes: Sequence[float], spacing: float) -> list[Pair]:
    """Functions with a center (step, bump) at t₀: u = α·(t - t₀), the finer the steeper.

    Centers amid the data, near their ends and beyond them have groups of their own: from there a fit may slide into a limit
    (sinh into exp).
    """
    listed = []
    for group, slope in enumerate(slopes):
        step = min(max(spacing / abs(slope), 0.04), 0.4)
        half = int(1.6 / step)
        centers = [*(step * i for i in range(-half, half + 1)), *(sign * far for far in (2.5, 4.0) for sign in (-1, 1))]
        listed += [
            (slope, -slope * center, group + _FAMILY * ((abs(center) > 0.8) + (abs(center) > 0.35)))
            for center in centers
        ]
    return listed


def _one_sided(sides: Sequence[int], scale: float) -> list[Pair]:
    """Functions with an end of their domain at u = 0, and a = ±scale: from touching the data to far away.

    Every two decades are a family: close to a singularity, the cells of the grid say little about how close.
    """
    gaps = list(enumerate(_geometric(1e-6, 100, 33)))
    return [
        (side * scale, scale * (1 + gap), _FAMILY * (i // 8 + 10 * (side < 0)) + i) for side in sides for i, gap in gaps
    ]


def _on_interval(low: float, high: float, signs: Sequence[int]) -> list[Pair]:
    """Functions on a finite interval: u(-1) and u(1) at graded fractions of it."""
    near = [10.0**-p for p in (4, 3, 2.3, 1.7, 1.2)]
    fractions = [*near, *(i / 12 for i in range(2, 11)), *(1 - gap for gap in reversed(near))]
    ends = [low + (high - low) * fraction for fraction in fractions]
    listed = []
    for i, start in enumerate(ends):
        for end in ends[i + 1 :]:
            listed += [(sign * (end - start) / 2, (start + end) / 2, i) for sign in signs]
    return listed


def _geometric(low: float, high: float, count: int) -> list[float]:
    return torch.logspace(math.log10(low), math.log10(high), count, dtype=torch.float64).tolist()
