"""Where to start a fit: every primitive's shapes on one common grid, compared with all edges in a matrix product.

In t ∈ [-1, 1], the edge's input scaled by its range, f(α·t + β) doesn't depend on the edge. So the shapes of a primitive for a few hundred
pairs (α, β) are computed once and kept; c and d are linear, so how well a shape fits is a correlation, and the search over all
edges, primitives and starts is three matrix products.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.core.primitives import Primitive, is_built_in
from kanwidget.symbolic.fits.curves import Curves, best_split, cells
from kanwidget.symbolic.fits.custom import blamed, called, check_finite

#: Cells of the common grid: eight a half-wave of the fastest oscillation looked for (20 over the range).
CELLS = 160
#: Starts that are polished, per edge and primitive.
STARTS = 3
#: Built-in functions with a fixed a for which c and d absorb a change of scale of u.
_SCALE_FREE = frozenset(
    [
        "abs",
        "sgn",
        "cbrt",
        "log",
        *(f"x^{n}" for n in range(2, 6)),
        "1/x",
        *(f"1/x^{n}" for n in range(2, 6)),
        "x",
        "sqrt",
        "x^1.5",
        "1/sqrt(x)",
    ]
)
#: Offset of a second family of groups.
_FAMILY = 1000
_WAVES = frozenset(["sin", "cos"])


class Guess(NamedTuple):
    """Parameters of several fits: u = slope·(t + offset) + shift."""

    row: Tensor
    """Index of the primitive, increasing, `(fits,)`."""
    edge: Tensor
    slope: Tensor
    shift: Tensor
    offset: Tensor
    """Not 0 only where a fixed b = 0 ties the shift to the slope."""
    unit: Tensor
    """a·x + b = unit·u: the half range where the search left out the scale, else 1."""
    low: Tensor
    """The interval of u on which f is defined."""
    high: Tensor

    def take(self, index: Tensor) -> Guess:
        """Some of the fits."""
        return Guess(*(column[index] for column in self))


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes of one primitive. Neighbours in `group` are close, so that starts can be taken from different valleys."""

    slope: Tensor
    shift: Tensor
    low: Tensor
    high: Tensor
    group: Tensor
    curves: Tensor
    """On the common grid, centred and scaled, `(shapes, CELLS)`, float32."""


def common_grid() -> Tensor:
    """Midpoints of the cells."""
    return (torch.arange(CELLS, dtype=torch.float64) + 0.5) * (2 / CELLS) - 1


# ---- which (α, β) to look at; each list is ordered so that neighbouring groups are neighbouring functions


def _table(pairs: list[tuple[float, float, int]], interval: tuple[float, float]) -> Tensor:
    """Columns slope, shift, group, low, high."""
    return torch.tensor([[a, b, g, *interval] for a, b, g in pairs], dtype=torch.float64).reshape(-1, 5)


def _centred(slopes: Sequence[float], spacing: float) -> list[tuple[float, float, int]]:
    """Functions with a centre (step, bump) at t₀: u = α·(t - t₀), the finer the steeper.

    Centres amid the data, near their ends and beyond them have groups of their own: from there a fit may slide into a limit
    (sinh into exp).
    """
    pairs = []
    for group, slope in enumerate(slopes):
        step = min(max(spacing / abs(slope), 0.04), 0.4)
        half = int(1.6 / step)
        centres = [*(step * i for i in range(-half, half + 1)), *(sign * far for far in (2.5, 4.0) for sign in (-1, 1))]
        pairs += [
            (slope, -slope * centre, group + _FAMILY * ((abs(centre) > 0.8) + (abs(centre) > 0.35)))
            for centre in centres
        ]
    return pairs


def _one_sided(edge: float, sides: Sequence[int], scale: float = 1.0) -> list[tuple[float, float, int]]:
    """Functions with an end of their domain at u = edge, and a = ±1: from touching the data to far away.

    Every two decades are a family: close to a singularity, the cells of the grid say little about how close.
    """
    gaps = list(enumerate(_geometric(1e-6, 100, 33)))
    return [
        (side * scale, edge + scale * (1 + gap), _FAMILY * (i // 8 + 10 * (side < 0)) + i)
        for side in sides
        for i, gap in gaps
    ]


def _geometric(low: float, high: float, count: int) -> list[float]:
    return torch.logspace(math.log10(low), math.log10(high), count, dtype=torch.float64).tolist()


def _between(low: float, high: float, signs: Sequence[int]) -> list[tuple[float, float, int]]:
    """Functions on a finite interval: u(-1) and u(1) at graded places in it."""
    near = [10.0**-p for p in (4, 3, 2.3, 1.7, 1.2)]
    places = [*near, *(i / 12 for i in range(2, 11)), *(1 - gap for gap in reversed(near))]
    ends = [low + (high - low) * place for place in places]
    pairs = []
    for i, left in enumerate(ends):
        for right in ends[i + 1 :]:
            pairs += [(sign * (right - left) / 2, (left + right) / 2, i) for sign in signs]
    return pairs


def _real_line(row: Primitive) -> list[tuple[float, float, int]]:
    """(α, β) for a function that is defined everywhere."""
    free_a, free_b = row.free
    if not free_a:
        inside = [i / 24 for i in range(-26, 27)]
        outside = [1 + gap for gap in _geometric(0.12, 30, 16)]
        return [(1.0, b, i) for i, b in enumerate([*(-b for b in reversed(outside)), *inside, *outside])]
    if not free_b:
        return [
            (sign * slope, 0.0, i) for sign in (-1, 1) for i, slope in enumerate(_geometric(0.02, 120, 40), 50 * sign)
        ]
    if row.name in _WAVES:
        slopes = [0.3, 0.6, 0.9, 1.2, *(1.5 + 0.4 * i for i in range(100))]
        return [(slope, math.pi * phase / 6, group) for group, slope in enumerate(slopes) for phase in range(6)]
    if row.name == "J0":
        # Its middle and its other extrema look alike over a short range: each has its own groups.
        pairs = _centred([0.9 + 0.7 * i for i in range(48)], 0.9)
        return [(a, b, group % _FAMILY + _FAMILY * (abs(b) > 2)) for a, b, group in pairs]
    signs = (1, -1) if row.name == "softplus" else (1,)
    return _centred([sign * slope for sign in signs for slope in _geometric(0.25, 80, 18)], 0.6)


def _any_line(row: Primitive) -> list[tuple[float, float, int]]:
    """(α, β) for a function about which only its domain is known."""
    slopes = [*_geometric(0.25, 3, 8), *(3 + 1.5 * i for i in range(1, 20))]
    return _centred([sign * slope for sign in (1, -1) for slope in slopes], 0.8)


def _pairs(row: Primitive, interval: tuple[float, float], custom: bool) -> list[tuple[float, float, int]]:
    low, high = interval
    if not any(row.free):
        return [(1.0, 0.0, 0)]
    if math.isinf(low) and math.isinf(high):
        return _any_line(row) if custom and all(row.free) else _real_line(row)
    if math.isfinite(low) and math.isfinite(high):
        return _between(low, high, (1, -1) if custom else (1,))
    edge, sides = (low, (1, -1) if row.mirrored or row.free[0] else (1,)) if math.isfinite(low) else (high, (1,))
    inward = 1 if math.isfinite(low) else -1
    scales = _geometric(0.1, 30, 12) if row.free[0] else [1.0]
    pairs = [pair for scale in scales for pair in _one_sided(0.0, sides, scale)]
    return [(slope, edge + inward * shift, group) for slope, shift, group in pairs]


@lru_cache(maxsize=128)
def shapes(row: Primitive, custom: bool) -> Shapes:
    """The shapes of a primitive, in t."""
    table = torch.cat([_table(_pairs(row, interval, custom), interval) for interval in row.intervals])
    slope, shift, group, low, high = table.unbind(1)
    return _tabulate(row, slope, shift, low, high, group.long())


def _tabulate(row: Primitive, slope: Tensor, shift: Tensor, low: Tensor, high: Tensor, group: Tensor) -> Shapes:
    """Evaluate, and leave out what overflows or leaves the domain."""
    fits = (shift - slope.abs() >= low) & (shift + slope.abs() <= high)
    slope, shift, low, high, group = (column[fits] for column in (slope, shift, low, high, group))
    with torch.no_grad():
        curves = called(row, row.fn, slope[:, None] * common_grid() + shift[:, None])
        check_finite(row, curves)
    curves = curves - curves.mean(1, keepdim=True)
    size = curves.norm(dim=1, keepdim=True) / math.sqrt(CELLS)
    good = (size > 1e-12 * (1 + curves.abs().amax(1, keepdim=True))) & torch.isfinite(size)
    curves = torch.where(good, curves / size, 0.0)
    return Shapes(slope, shift, low, high, group, curves.float())


@dataclass(frozen=True, slots=True)
class _Dictionary:
    """The shapes of several primitives, one after the other, and which group of valleys each belongs to."""

    slope: Tensor
    shift: Tensor
    low: Tensor
    high: Tensor
    curves: Tensor
    squares: Tensor
    slot: Tensor
    """Place of the shape's group in a table (rows, groups)."""
    width: int
    """Columns of that table."""


def _columns(group: Tensor) -> Tensor:
    """Numbers for groups, with one left out between families, so that each family has peaks of its own."""
    found, place = torch.unique(group, return_inverse=True)
    steps = torch.diff(found, prepend=found[:1]).clamp(max=2)
    return steps.cumsum(0)[place]


def _dictionary(rows: tuple[Primitive, ...]) -> _Dictionary:
    parts = tuple(shapes(row, not is_built_in(row.name)) for row in rows)
    ranks = [_columns(part.group) for part in parts]
    width = max(int(rank.max()) + 1 for rank in ranks)
    sizes = torch.tensor([len(part.slope) for part in parts])
    row = torch.repeat_interleave(torch.arange(len(parts)), sizes)
    curves = torch.cat([part.curves for part in parts])
    slope, shift, low, high = (
        torch.cat([getattr(part, name) for part in parts]) for name in ("slope", "shift", "low", "high")
    )
    return _Dictionary(slope, shift, low, high, curves, curves**2, torch.cat(ranks) + row * width, width)


_known_dictionary = lru_cache(maxsize=4)(_dictionary)


def prepare(rows: Sequence[Primitive]) -> None:
    """Compute the shapes of some primitives now, so that the first search with them is as fast as the others.

    Examples:
        >>> from kanwidget.core.primitives import primitives
        >>> prepare(primitives(["sin", "exp"]))
    """
    shared = tuple(row for row in rows if row.name != "0" and _shared(row))
    if shared:
        _known_dictionary(shared)


def search(data: Curves, rows: tuple[Primitive, ...]) -> Guess:
    """The best few starts of every primitive for every edge, ordered by primitive.

    Args:
        data: The edges.
        rows: The primitives, without the constant.
    """
    mean, weight = cells(data, CELLS)
    shared = [i for i, row in enumerate(rows) if _shared(row)]
    found = []
    if shared:
        table = _known_dictionary(tuple(rows[i] for i in shared))
        found.append(_search_shared(mean, weight, data, table, torch.tensor(shared), rows))
    for i, row in enumerate(rows):
        if i not in shared:
            with blamed(row):
                found += _search_custom(mean, weight, data, rows, i)
    guess = Guess(*(torch.cat(column) for column in zip(*found, strict=True)))
    for i, row in enumerate(rows):
        if row.name == "sgn":
            # Its derivative is 0, so that nothing can be polished: the best place for its step is found outright.
            guess = guess._replace(shift=torch.where(guess.row == i, -best_split(data)[guess.edge], guess.shift))
    return guess.take(guess.row.argsort(stable=True))


def _shared(row: Primitive) -> bool:
    """Whether the shapes in t are the same for all edges, and known to be sound."""
    return is_built_in(row.name) and (all(row.free) or row.name in _SCALE_FREE or row.name == "exp")


def _correlation(curves: Tensor, squares: Tensor, mean: Tensor, weight: Tensor) -> Tensor:
    """R² of every shape for every edge, `(edges, shapes)`."""
    z, w = mean.float(), weight.float()
    centred = z - (w * z).sum(1, keepdim=True)
    # The table is longer than what is asked of it: read once for both.
    first, covariance = (torch.cat([w, w * centred]) @ curves.T).split(len(w))
    variance = w @ squares.T - first**2
    spread = (w * centred**2).sum(1, keepdim=True)
    scale = (variance * spread).clamp(min=1e-30)
    return torch.where(variance > 1e-6, covariance**2 / scale, -1.0)


def _search_custom(mean: Tensor, weight: Tensor, data: Curves, rows: tuple[Primitive, ...], index: int) -> list[Guess]:
    """A user's function, apart from the others: what it is must not move them by a bit."""
    row = rows[index]
    if not all(row.free):
        return [_search_own(mean[e], weight[e], data, row, index, e) for e in range(len(mean))]
    if not len(shapes(row, custom=True).slope):
        return []
    return [_search_shared(mean, weight, data, _dictionary((row,)), torch.tensor([index]), rows)]


def _search_shared(
    mean: Tensor, weight: Tensor, data: Curves, table: _Dictionary, index: Tensor, rows: tuple[Primitive, ...]
) -> Guess:
    r2 = _correlation(table.curves, table.squares, mean, weight)
    edges, width = len(mean), table.width
    slot = table.slot.expand(edges, -1)
    best = r2.new_full((edges, len(index) * width), -2.0).scatter_reduce(1, slot, r2, "amax").view(edges, -1, width)
    # One start from each of the highest peaks among the groups: neighbours lead to the same place.
    padded = torch.nn.functional.pad(best, (1, 1), value=-3.0)
    peak = (best >= padded[..., :-2]) & (best >= padded[..., 2:])
    ranked = torch.where(peak, best, best - 3.0).topk(min(STARTS, width), dim=2)
    usable = ranked.values > -1.5
    edge, row, column = usable.nonzero(as_tuple=True)
    chosen = row * width + ranked.indices[edge, row, column]
    champion = _champions(r2, slot, best.flatten(1))[edge, chosen]
    order = row.argsort(stable=True)
    edge, row, champion = edge[order], row[order], champion[order]
    scale_free = torch.tensor([not rows[i].free[0] for i in index.tolist()])[row]
    unit = torch.where(scale_free, data.half[edge], 1.0)
    zero = torch.zeros_like(unit)
    columns = (table.slope, table.shift)
    slope, shift = (column[champion] for column in columns)
    return Guess(index[row], edge, slope, shift, zero, unit, table.low[champion], table.high[champion])


def _champions(r2: Tensor, slot: Tensor, best: Tensor) -> Tensor:
    """Which shape is the best of each group, `(edges, groups)`."""
    winner = r2 >= best.gather(1, slot)
    number = torch.where(winner, torch.arange(r2.shape[1]), -1)
    return torch.full(best.shape, -1).scatter_reduce(1, slot, number, "amax").clamp(min=0)


def _search_own(mean: Tensor, weight: Tensor, data: Curves, row: Primitive, index: int, edge: int) -> Guess:
    """A user's function with a fixed a or b: its shapes depend on the range of the edge's input."""
    middle, half = float(data.middle[edge]), float(data.half[edge])
    offset = 0.0 if row.free[1] or not row.free[0] else middle / half
    tables = []
    for interval in row.intervals:
        table = _table(_pairs(row, interval, custom=True), interval)
        if not row.free[0]:
            table[:, 1] = (table[:, 1] * half) if row.free[1] else table[:, 0] * middle
            table[:, 0] *= half
        else:
            table[:, 1] = table[:, 0] * offset
        tables.append(table)
    slope, shift, group, low, high = torch.cat(tables).unbind(1)
    part = _tabulate(row, slope, shift, low, high, group.long())
    r2 = _correlation(part.curves, part.curves**2, mean[None], weight[None])[0]
    top = r2.topk(min(STARTS, len(r2))).indices
    one = torch.ones(len(top), dtype=torch.float64)
    shift = part.shift[top] if offset == 0.0 else 0.0 * one
    whole = torch.full_like(top, 1)
    return Guess(whole * index, whole * edge, part.slope[top], shift, offset * one, one, part.low[top], part.high[top])
