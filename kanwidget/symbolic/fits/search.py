"""Starts of fits: every primitive's shapes on one common grid, compared with all edges in a matrix product.

In t ∈ [-1, 1], the edge's input scaled by its range, f(α·t + β) doesn't depend on the edge. So the shapes of a primitive (`shapes`)
are computed once and cached; c and d are linear, so how well a shape fits is a correlation, and the search over all edges,
primitives and starts is three matrix products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.core.primitives import Primitive, is_built_in
from kanwidget.symbolic.fits.curves import Curves, best_split, cells
from kanwidget.symbolic.fits.custom import blamed
from kanwidget.symbolic.fits.shapes import CELLS, Shapes, pair_table, pairs, shapes, tabulate

#: Starts that are polished, per edge and primitive.
STARTS = 3


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


@dataclass(frozen=True, slots=True)
class _Dictionary:
    """The shapes of several primitives, one after the other, in groups of shapes that are alike."""

    shapes: Shapes
    squares: Tensor
    """Of the curves."""
    slot: Tensor
    """Index of the shape's group in a table (primitives, groups)."""
    width: int
    """Columns of that table."""


def _group_columns(group: Tensor) -> Tensor:
    """Columns for the groups of a primitive, with a gap of one between families: groups of two families are never neighbors."""
    groups, index = torch.unique(group, return_inverse=True)
    steps = torch.diff(groups, prepend=groups[:1]).clamp(max=2)
    return steps.cumsum(0)[index]


def _dictionary(primitives: tuple[Primitive, ...]) -> _Dictionary:
    parts = tuple(shapes(primitive, not is_built_in(primitive.name)) for primitive in primitives)
    ranks = [_group_columns(part.group) for part in parts]
    width = max(int(rank.max()) + 1 for rank in ranks)
    sizes = torch.tensor([len(part.slope) for part in parts])
    number = torch.repeat_interleave(torch.arange(len(parts)), sizes)
    together = Shapes(*map(torch.cat, zip(*parts, strict=True)))
    return _Dictionary(together, together.curves**2, torch.cat(ranks) + number * width, width)


_cached_dictionary = lru_cache(maxsize=4)(_dictionary)


def prepare(primitives: Sequence[Primitive]) -> None:
    """Compute the shapes of some primitives now, so that the first search with them is as fast as the others.

    Examples:
        >>> from kanwidget.core.primitives import primitives
        >>> prepare(primitives(["sin", "exp"]))
    """
    shared = tuple(primitive for primitive in primitives if primitive.name != "0" and _shared(primitive))
    if shared:
        _cached_dictionary(shared)


def search(data: Curves, primitives: tuple[Primitive, ...]) -> FitParameters:
    """The best few starts of every primitive for every edge, ordered by primitive.

    Args:
        data: The edges.
        primitives: The primitives, without the constant.
    """
    of_edges = _StartSearch(data)
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
    """Whether the shapes in t are the same for all edges, and certain to be sound."""
    return is_built_in(primitive.name) and (all(primitive.free) or primitive.absorbed is not None)


class _StartSearch:
    """The starts of primitives for some edges, by the means of these over cells of t."""

    def __init__(self, data: Curves) -> None:
        self.data = data
        self.mean, self.weight = cells(data, CELLS)

    def shared(self, primitives: Sequence[Primitive], index: Tensor, dictionary: _Dictionary) -> FitParameters:
        """Starts of functions whose shapes are the same for all edges.

        Args:
            primitives: The functions.
            index: Their numbers among all primitives.
            dictionary: Their shapes.
        """
        known = dictionary.shapes
        r2 = self._correlation(known.curves, dictionary.squares)
        edges, width = len(self.mean), dictionary.width
        slot = dictionary.slot.expand(edges, -1)
        best = r2.new_full((edges, len(index) * width), -2.0).scatter_reduce(1, slot, r2, "amax").view(edges, -1, width)
        # One start from each of the best groups that beat both their neighbors: neighbors often lead to the same minimum.
        padded = torch.nn.functional.pad(best, (1, 1), value=-3.0)
        peak = (best >= padded[..., :-2]) & (best >= padded[..., 2:])
        ranked = torch.where(peak, best, best - 3.0).topk(min(STARTS, width), dim=2)
        usable = ranked.values > -1.5
        edge, number, rank = usable.nonzero(as_tuple=True)
        group = number * width + ranked.indices[edge, number, rank]
        champion = _champions(r2, slot, best.flatten(1))[edge, group]
        order = number.argsort(stable=True)
        edge, number, champion = edge[order], number[order], champion[order]
        scale_free = torch.tensor([not primitive.free[0] for primitive in primitives])[number]
        unit = torch.where(scale_free, self.data.half[edge], 1.0)
        zero = torch.zeros_like(unit)
        slope, shift, low, high = (column[champion] for column in (known.slope, known.shift, known.low, known.high))
        return FitParameters(index[number], edge, slope, shift, zero, unit, low, high)

    def custom(self, primitive: Primitive, index: int) -> list[FitParameters]:
        """Starts of a registered function. Apart from all others: it must not change their results by a bit."""
        if not all(primitive.free):
            return [self._on_edge(primitive, index, edge) for edge in range(len(self.mean))]
        if not len(shapes(primitive, custom=True).slope):
            return []
        return [self.shared((primitive,), torch.tensor([index]), _dictionary((primitive,)))]

    def _on_edge(self, primitive: Primitive, index: int, edge: int) -> FitParameters:
        """A registered function with a fixed a or b, on one edge: its shapes depend on the range of the edge's input."""
        middle, half = float(self.data.middle[edge]), float(self.data.half[edge])
        offset = 0.0 if primitive.free[1] or not primitive.free[0] else middle / half
        tables = []
        for interval in primitive.intervals:
            table = pair_table(pairs(primitive, interval, custom=True), interval)
            if not primitive.free[0]:
                table[:, 1] = (table[:, 1] * half) if primitive.free[1] else table[:, 0] * middle
                table[:, 0] *= half
            else:
                table[:, 1] = table[:, 0] * offset
            tables.append(table)
        slope, shift, group, low, high = torch.cat(tables).unbind(1)
        part = tabulate(primitive, slope, shift, low, high, group.long())
        r2 = self._correlation(part.curves, part.curves**2, slice(edge, edge + 1))[0]
        top = r2.topk(min(STARTS, len(r2))).indices
        unit = torch.ones(len(top), dtype=torch.float64)
        shift = part.shift[top] if offset == 0.0 else 0.0 * unit
        ones = torch.full_like(top, 1)
        return FitParameters(
            ones * index, ones * edge, part.slope[top], shift, offset * unit, unit, part.low[top], part.high[top]
        )

    def _correlation(self, curves: Tensor, squares: Tensor, edges: slice = slice(None)) -> Tensor:
        """R² of every shape for some edges, `(edges, shapes)`."""
        z, w = self.mean[edges].float(), self.weight[edges].float()
        centered = z - (w * z).sum(1, keepdim=True)
        # Memory bounds this product: one pass over the curves serves both.
        first, covariance = (torch.cat([w, w * centered]) @ curves.T).split(len(w))
        variance = w @ squares.T - first**2
        spread = (w * centered**2).sum(1, keepdim=True)
        scale = (variance * spread).clamp(min=1e-30)
        return torch.where(variance > 1e-6, covariance**2 / scale, -1.0)


def _champions(r2: Tensor, slot: Tensor, best: Tensor) -> Tensor:
    """Index of the best shape of each group, `(edges, groups)`."""
    winner = r2 >= best.gather(1, slot)
    number = torch.where(winner, torch.arange(r2.shape[1]), -1)
    return torch.full(best.shape, -1).scatter_reduce(1, slot, number, "amax").clamp(min=0)
