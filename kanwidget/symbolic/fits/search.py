"""Starts of fits: every primitive's shapes on one common grid, compared with all edges in a matrix product.

In t ∈ [-1, 1], the edge's input scaled by its range, f(α·t + β) doesn't depend on the edge. So the shapes of a primitive (`shapes`)
are computed once and cached; c and d are linear, so how well a shape fits is a correlation, and the search over all edges,
primitives and starts is three matrix products.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.core.primitives import Interval, Primitive, Starts, is_built_in
from kanwidget.symbolic.fits.curves import Curves, best_split, cells
from kanwidget.symbolic.fits.custom import BrokenPrimitive, blamed, called

#: Starts that are polished, per edge and primitive.
STARTS = 3
#: Cells of the common grid: at least six a half-wave of the fastest oscillation that is searched (26 half-waves over the range).
CELLS = 160
#: Offset of a second family of groups.
_FAMILY = 1000

#: α, β and the number of the group.
Pair = tuple[float, float, int]


class FitParameters(NamedTuple):
    """Parameters of several fits, or of the starts of fits: u = slope·(t + offset) + shift."""

    primitive: Tensor
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

    def take(self, index: Tensor) -> FitParameters:
        """The fits at these indices."""
        return FitParameters(*(column[index] for column in self))


class _Dictionary(NamedTuple):
    """The shapes of several primitives, one after the other, in groups of shapes that are alike."""

    shapes: _Shapes
    squares: Tensor
    """Of the curves."""
    slot: Tensor
    """Index of the shape's group in a table (primitives, groups)."""
    width: int
    """Columns of that table."""


def _group_columns(group: Tensor) -> Tensor:
    """The column of each shape's group in a table of all groups, `(shapes,)`, from the numbers of the groups, `(shapes,)`.

    A shape is a primitive f(α·t + β) at fixed α and β; a group has shapes that are alike.
    Numbers that follow each other are neighbors there. Between others one column stays empty: a best group is compared with its neighbors,
    and across a gap of the numbers, as between two families, groups aren't alike.
    """
    groups, index = torch.unique(group, return_inverse=True)
    steps = torch.diff(groups, prepend=groups[:1]).clamp(max=2)
    return steps.cumsum(0)[index]


def _dictionary(primitives: tuple[Primitive, ...]) -> _Dictionary:
    """The shapes of primitives, f(α·t + β) at fixed α and β, put together, their groups numbered so that no two primitives share one."""
    parts = tuple(shapes(primitive, not is_built_in(primitive.name)) for primitive in primitives)
    ranks = [_group_columns(part.group) for part in parts]  # of each shape, the number of its group within a primitive
    width = max(int(rank.max()) + 1 for rank in ranks)
    sizes = torch.tensor([len(part.slope) for part in parts])
    # The index of each shape's primitive.
    number = torch.repeat_interleave(torch.arange(len(parts)), sizes)
    together = _Shapes(*map(torch.cat, zip(*parts, strict=True)))
    # With the index of each shape's group in a table (primitives, groups), which has `width` columns.
    return _Dictionary(together, together.curves**2, torch.cat(ranks) + number * width, width)


_cached_dictionary = lru_cache(maxsize=4)(_dictionary)


def prepare(primitives: Sequence[Primitive]) -> None:
    """Compute the shapes of some primitives (f at fixed a and b) now, so that the first search is as fast as the others.

    Examples:
        >>> from kanwidget.core.primitives import primitives
        >>> prepare(primitives(["sin", "exp"]))
    """
    # Those whose shapes are the same for all edges, in the order in which `search` asks for them: they are the key of the cache.
    shared = tuple(primitive for primitive in primitives if primitive.name != "0" and _shared(primitive))
    if shared:
        _cached_dictionary(shared)


def search(data: Curves, primitives: tuple[Primitive, ...]) -> FitParameters:
    """The best few starts of every primitive for every edge, ordered by primitive: slope and shift of f(slope·t + shift).

    t is the edge's input scaled to [-1, 1].

    Args:
        data: The edges.
        primitives: The primitives, without the constant.
    """
    of_edges = _StartSearch(data)
    # Their shapes are the same for all edges.
    shared = [i for i, primitive in enumerate(primitives) if _shared(primitive)]
    parts = []
    if shared:
        built_in = tuple(primitives[i] for i in shared)
        parts.append(of_edges.shared(built_in, torch.tensor(shared), _cached_dictionary(built_in)))
    for i, primitive in enumerate(primitives):
        if i not in shared:
            with blamed(primitive):
                parts += of_edges.custom(primitive, i)
    starts = FitParameters(*(torch.cat(column) for column in zip(*parts, strict=True)))
    for i, primitive in enumerate(primitives):
        if primitive.starts == "best split":
            # Its derivative is 0, so that nothing can be polished: the best position of its step is computed outright.
            shift = torch.where(starts.primitive == i, -best_split(data)[starts.edge], starts.shift)
            starts = starts._replace(shift=shift)
    return starts.take(starts.primitive.argsort(stable=True))


def _shared(primitive: Primitive) -> bool:
    """Whether the shapes in t, the input scaled to [-1, 1], are the same for all edges, and certain to be sound.

    They are where a and b, or c and d in their place, absorb the middle and range of an edge's input. A registered function may fail.
    """
    return is_built_in(primitive.name) and (all(primitive.free) or primitive.absorbed is not None)


class _StartSearch:
    """The starts of primitives for some edges, by the means of these over cells of t."""

    def __init__(self, data: Curves) -> None:
        """Take the samples of the edges; compute their means and weights over the cells of the common grid of t, `(edges, CELLS)` each."""
        self.data = data
        self.mean, self.weight = cells(data, CELLS)

    def shared(self, primitives: Sequence[Primitive], index: Tensor, dictionary: _Dictionary) -> FitParameters:
        """Starts of functions whose shapes, f(slope·t + shift) at fixed slope and shift, are the same for all edges.

        Args:
            primitives: The functions.
            index: Their numbers among all primitives.
            dictionary: Their shapes, in groups of shapes that are alike.
        """
        known = dictionary.shapes
        r2 = self._correlation(known.curves, dictionary.squares)
        edges, width = len(self.mean), dictionary.width
        slot = dictionary.slot.expand(edges, -1)  # each shape's group in a table (primitives, groups)
        # The best R² in each group, (edges, primitives, groups). It is -1 or more of groups with shapes, -2 of others, -3 beyond the ends.
        best = r2.new_full((edges, len(index) * width), -2.0).scatter_reduce(1, slot, r2, "amax").view(edges, -1, width)
        # One start from each of the best groups that beat both their neighbors: neighbors often lead to the same minimum.
        padded = torch.nn.functional.pad(best, (1, 1), value=-3.0)
        peak = (best >= padded[..., :-2]) & (best >= padded[..., 2:])
        ranked = torch.where(peak, best, best - 3.0).topk(min(STARTS, width), dim=2)  # others come after all peaks
        usable = ranked.values > -1.5  # peaks, with shapes in them
        edge, number, rank = usable.nonzero(as_tuple=True)
        group = number * width + ranked.indices[edge, number, rank]
        champion = _champions(r2, slot, best.flatten(1))[edge, group]
        order = number.argsort(stable=True)
        edge, number, champion = edge[order], number[order], champion[order]
        # c and d absorb the scale of u: the shapes are in units of half the range.
        scale_free = torch.tensor([not primitive.free[0] for primitive in primitives])[number]
        unit = torch.where(scale_free, self.data.half[edge], 1.0)
        zero = torch.zeros_like(unit)
        slope, shift, low, high = (column[champion] for column in (known.slope, known.shift, known.low, known.high))
        return FitParameters(index[number], edge, slope, shift, zero, unit, low, high)

    def custom(self, primitive: Primitive, index: int) -> list[FitParameters]:
        """Starts of a registered function, the primitive of this index, computed alone: beside others it might change their rounding."""
        if not all(primitive.free):  # with a fixed a or b its shapes depend on the range of an edge's input
            return [self._on_edge(primitive, index, edge) for edge in range(len(self.mean))]
        if not len(shapes(primitive, custom=True).slope):
            return []
        return [self.shared((primitive,), torch.tensor([index]), _dictionary((primitive,)))]

    def _on_edge(self, primitive: Primitive, index: int, edge: int) -> FitParameters:
        """Starts of a registered function with a fixed a or b, on one edge: its shapes depend on the range of the edge's input.

        Args:
            primitive: The function.
            index: Its number among all primitives.
            edge: The edge's number.
        """
        middle, half = float(self.data.middle[edge]), float(self.data.half[edge])
        # With b = 0, u = a·x is slope·(t + middle/half).
        offset = 0.0 if primitive.free[1] or not primitive.free[0] else middle / half
        tables = []
        for interval in primitive.intervals:
            # Columns: slope, shift, number of the group, low and high, the interval of u.
            table = _pair_table(pairs(primitive, interval, custom=True), interval)
            if not primitive.free[0]:
                # u = ±x + b is ±half·t + shift.
                table[:, 1] = (table[:, 1] * half) if primitive.free[1] else table[:, 0] * middle
                table[:, 0] *= half
            else:
                table[:, 1] = table[:, 0] * offset
            tables.append(table)
        part = tabulate(primitive, torch.cat(tables))
        r2 = self._correlation(part.curves, part.curves**2, slice(edge, edge + 1))[0]
        top = r2.topk(min(STARTS, len(r2))).indices
        unit = torch.ones(len(top), dtype=torch.float64)
        shift = part.shift[top] if offset == 0.0 else 0.0 * unit
        whose = torch.full_like(top, index), torch.full_like(top, edge)
        return FitParameters(*whose, part.slope[top], shift, offset * unit, unit, part.low[top], part.high[top])

    def _correlation(self, curves: Tensor, squares: Tensor, edges: slice = slice(None)) -> Tensor:
        """R² of every shape for some edges, by the means of their samples over cells of the grid, `(edges, shapes)`.

        It is -1 of shapes that are constant where the edge has samples.

        Args:
            curves: The shapes on the common grid, `(shapes, CELLS)`.
            squares: Their squares.
            edges: Which edges; all by default.
        """
        z, w = self.mean[edges].float(), self.weight[edges].float()
        centered = z - (w * z).sum(1, keepdim=True)
        # Memory bounds this product: one pass over the curves serves both.
        first, covariance = (torch.cat([w, w * centered]) @ curves.T).split(len(w))
        variance = w @ squares.T - first**2
        spread = (w * centered**2).sum(1, keepdim=True)
        scale = (variance * spread).clamp(min=1e-30)
        return torch.where(variance > 1e-6, covariance**2 / scale, -1.0)


def _champions(r2: Tensor, slot: Tensor, best: Tensor) -> Tensor:
    """The index of the best shape (f at fixed a and b) of each group of similar ones, `(edges, groups)`; 0 of a group without shapes.

    Args:
        r2: Of each shape, `(edges, shapes)`.
        slot: The group of each shape, `(edges, shapes)`.
        best: The largest R² in each group, `(edges, groups)`.
    """
    winner = r2 >= best.gather(1, slot)
    number = torch.where(winner, torch.arange(r2.shape[1]), -1)  # of several the last one counts
    return torch.full(best.shape, -1).scatter_reduce(1, slot, number, "amax").clamp(min=0)


# ---- the shapes of a primitive: f(α·t + β) on a common grid of t ∈ [-1, 1], for a few hundred pairs (α, β) from which a fit can start
#
# Each list of pairs is ordered so that neighboring groups are neighboring functions.


class _Shapes(NamedTuple):
    """The shapes of one primitive. Neighbors in `group` are close, so that starts can be taken near different minima."""

    slope: Tensor
    shift: Tensor
    low: Tensor
    high: Tensor
    group: Tensor
    curves: Tensor
    """On the common grid, centered and scaled, `(shapes, CELLS)`, float32."""


@lru_cache(maxsize=128)
def shapes(primitive: Primitive, custom: bool) -> _Shapes:
    """The shapes f(α·t + β) of a primitive at a few hundred fixed (α, β), on all intervals of its domain; t is the input in [-1, 1].

    `custom` says that it is a registered function, of which only the domain is reliable.
    """
    tables = [_pair_table(pairs(primitive, interval, custom), interval) for interval in primitive.intervals]
    return tabulate(primitive, torch.cat(tables))


def tabulate(primitive: Primitive, table: Tensor) -> _Shapes:
    """The shapes f(slope·t + shift) on the common grid, without those that leave the domain; those that overflow, or are constant, are 0.

    Args:
        primitive: f.
        table: Slope, shift, number of the group, and low and high, the interval of u, of each shape, `(shapes, 5)`.
    """
    slope, shift, _, low, high = table.unbind(1)
    inside = (shift - slope.abs() >= low) & (shift + slope.abs() <= high)  # u at both ends of t
    slope, shift, group, low, high = table[inside].T.contiguous()
    midpoints = (torch.arange(CELLS, dtype=torch.float64) + 0.5) * (2 / CELLS) - 1
    with torch.no_grad():
        curves = called(primitive, primitive.fn, slope[:, None] * midpoints + shift[:, None])
    if curves.numel() and not is_built_in(primitive.name) and not bool(torch.isfinite(curves).any()):
        raise BrokenPrimitive(primitive, "returned no finite number")
    curves = curves - curves.mean(1, keepdim=True)
    size = curves.norm(dim=1, keepdim=True) / math.sqrt(CELLS)
    good = (size > 1e-12 * (1 + curves.abs().amax(1, keepdim=True))) & torch.isfinite(size)
    curves = torch.where(good, curves / size, 0.0)
    return _Shapes(slope, shift, low, high, group.long(), curves.float())


def _pair_table(listed: list[Pair], interval: Interval) -> Tensor:
    """A row for each pair, `(pairs, 5)`, with the columns slope, shift, group, and low and high, the interval of u."""
    return torch.tensor([[a, b, g, *interval] for a, b, g in listed], dtype=torch.float64).reshape(-1, 5)


# ---- the pairs (α, β)


def pairs(primitive: Primitive, interval: Interval, custom: bool) -> list[Pair]:
    """(α, β) and the number of the group of each shape f(α·t + β) on one interval of the domain, in u; t is the input scaled to [-1, 1].

    A group has shapes that are alike, and groups with neighboring numbers are neighbors. `custom` says that the primitive is a registered
    function, whose symmetries nobody knows.
    """
    low, high = interval
    if not any(primitive.free):  # neither a nor b is a parameter
        return [(1.0, 0.0, 0)]
    if math.isinf(low) and math.isinf(high):
        return _any_line() if custom and all(primitive.free) else _real_line(primitive)
    if math.isfinite(low) and math.isfinite(high):
        return _on_interval(low, high, (1, -1) if custom else (1,))
    # The domain ends on one side. Shapes that come to it from the right and from the left, where these are different functions (a is free,
    # or 1 and -1 differ: `mirrored`); of several scales, where c and d don't absorb the scale (a is free).
    edge, inward = (low, 1) if math.isfinite(low) else (high, -1)
    sides = (1, -1) if inward > 0 and (primitive.mirrored or primitive.free[0]) else (1,)
    scales = _geometric(0.1, 30, 12) if primitive.free[0] else [1.0]
    one_sided = [pair for scale in scales for pair in _one_sided(sides, scale)]
    return [(slope, edge + inward * shift, group) for slope, shift, group in one_sided]


def _real_line(primitive: Primitive) -> list[Pair]:
    """The (α, β, group) of shapes f(α·t + β) of a function defined everywhere, t in [-1, 1]; similar shapes share the number of a group."""
    free_a, free_b = primitive.free  # whether a and b are parameters of their own
    if not free_a:
        # Powers, kinks, steps: their zero at positions within the range of t and just beyond it, then farther and farther away.
        inside = [i / 24 for i in range(-26, 27)]
        outside = [1 + gap for gap in _geometric(0.12, 30, 16)]
        return [(1.0, b, i) for i, b in enumerate([*(-b for b in reversed(outside)), *inside, *outside])]
    if not free_b:
        # Exponentials: slopes of both signs, whose groups have numbers far apart.
        return [
            (sign * slope, 0.0, i) for sign in (-1, 1) for i, slope in enumerate(_geometric(0.02, 120, 40), 50 * sign)
        ]
    return _STARTS[primitive.starts]()  # by the name of a rule, such as `phases` for waves


def _any_line() -> list[Pair]:
    """The (α, β, group) of shapes f(α·t + β), t in [-1, 1], of a registered function that is defined everywhere.

    It may be of any kind: slopes of both signs, centers everywhere. Similar shapes share the number of a group.
    """
    slopes = [*_geometric(0.25, 3, 8), *(3 + 1.5 * i for i in range(1, 20))]
    return _centered([sign * slope for sign in (1, -1) for slope in slopes], 0.8)  # centers 0.8 apart in u


def _phases() -> list[Pair]:
    """The (α, β, group) for waves: six phases β within half a period of every frequency α; each frequency has a group, as similar shapes.

    The sign of c makes up for the other half.
    """
    slopes = [0.3, 0.6, 0.9, 1.2, *(1.5 + 0.4 * i for i in range(100))]
    return [(slope, math.pi * phase / 6, group) for group, slope in enumerate(slopes) for phase in range(6)]


def _extrema() -> list[Pair]:
    """The (α, β, group) for an oscillation that fades, f(α·t + β), t in [-1, 1]; similar shapes share the number of a group.

    Its middle and its other extrema look alike over a short range: each has its own groups, whose numbers are 1000 (`_FAMILY`) apart.
    """
    centered = _centered([0.9 + 0.7 * i for i in range(48)], 0.9)  # centers 0.9 apart in u
    # With |β| ≤ 2 the middle of the data lies at the middle of the oscillation.
    return [(a, b, group % _FAMILY + _FAMILY * (abs(b) > 2)) for a, b, group in centered]


def _centers(signs: Sequence[int]) -> list[Pair]:
    """The (α, β, group) for steps and bumps of all widths everywhere, slopes α of these signs, 1 and -1; similar ones share a group."""
    return _centered([sign * slope for sign in signs for slope in _geometric(0.25, 80, 18)], 0.6)


_STARTS: dict[Starts, Callable[[], list[Pair]]] = {
    "centers": lambda: _centers((1,)),
    "centers of both signs": lambda: _centers((1, -1)),
    "phases": _phases,
    "extrema": _extrema,
}


def _centered(slopes: Sequence[float], spacing: float) -> list[Pair]:
    """The (α, β, group) of functions with a center (step, bump) at t₀: u = α·(t - t₀). Similar shapes share the number of a group.

    Centers amid the data, near their ends and beyond them have groups of their own, whose numbers are 1000 (`_FAMILY`) apart: from there
    a fit may slide into a limit (sinh into exp).

    Args:
        slopes: The slopes α, not 0.
        spacing: Distance of neighboring centers in u: the steeper a function, the more centers it has in t.
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
    """The (α, β, group) of functions with an end of their domain at u = 0, which touches the data or lies far away.

    Similar shapes share a group's number. Every two decades have numbers of their own, 1000 (`_FAMILY`) apart, and so their own starts:
    close to a singularity, the cells of the grid say little about how close.

    Args:
        sides: 1 where the end lies below the data, -1 above; both or one.
        scale: The size of the slope α.
    """
    gaps = list(enumerate(_geometric(1e-6, 100, 33)))  # from the data to the end, in half ranges; four a decade
    return [
        (side * scale, scale * (1 + gap), _FAMILY * (i // 8 + 10 * (side < 0)) + i) for side in sides for i, gap in gaps
    ]


def _on_interval(low: float, high: float, signs: Sequence[int]) -> list[Pair]:
    """The (α, β, group) of functions on an interval of u, low to high: the data reach from one part of it to another.

    Similar shapes share a group's number. With -1 among the `signs` they also run the other way. The fractions are dense near both ends.
    """
    near = [10.0**-p for p in (4, 3, 2.3, 1.7, 1.2)]
    fractions = [*near, *(i / 12 for i in range(2, 11)), *(1 - gap for gap in reversed(near))]
    ends = [low + (high - low) * fraction for fraction in fractions]
    listed = []
    for i, start in enumerate(ends):
        for end in ends[i + 1 :]:
            listed += [(sign * (end - start) / 2, (start + end) / 2, i) for sign in signs]
    return listed


def _geometric(low: float, high: float, count: int) -> list[float]:
    """So many numbers from low to high, each the same factor larger than the one before."""
    return torch.logspace(math.log10(low), math.log10(high), count, dtype=torch.float64).tolist()
