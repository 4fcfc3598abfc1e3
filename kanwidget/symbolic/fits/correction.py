"""A symbolic function as a spline, to be subtracted from an edge's spline so that the sum of both stays the same."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from kanwidget.core import splines
from kanwidget.core.layer import Layer
from kanwidget.core.primitives import Primitive

#: Points an interval at which the spline is to agree.
_DENSITY = 8


def spline_of_symbol(layer: Layer, source: int, target: int, primitive: Primitive) -> Tensor:
    """Coefficients of the spline closest to the edge's c·f(a·x + b) + d on the grid, shape `(G + k,)`.

    Least squares on points of the grid at which the function is defined. Equal constants and knots give equal coefficients, so
    that `unfix_symbolic` adds exactly those that `fix_symbolic` subtracted.
    """
    grid = layer.grid[source].double()
    count = _DENSITY * (len(grid) - 1) + 1
    position = torch.linspace(0, len(grid) - 1, count, dtype=torch.float64, device=grid.device)
    index = position.long().clamp(max=len(grid) - 2)
    points = grid[index] + (position - index) * (grid[index + 1] - grid[index])
    a, b, c, d = layer.affine[target, source].detach().double().unbind()
    u = a * points + b
    inside = torch.zeros_like(u, dtype=torch.bool)
    for low, high in _intervals(primitive, float(u.min()), float(u.max())):
        inside |= (u >= low) & (u <= high) if primitive.closed else (u > low) & (u < high)
    values = c * primitive.fn(torch.where(inside, u, _inner_point(primitive))) + d
    inside &= torch.isfinite(values)
    design = splines.basis(points[:, None], layer.knots[source : source + 1].double(), layer.k)[:, 0]
    coef = _least_squares(design[inside], values[inside])
    return coef.to(layer.coef)


def _intervals(primitive: Primitive, low: float, high: float) -> list[tuple[float, float]]:
    """All intervals of definition between low and high."""
    if primitive.period is None:
        return list(primitive.intervals)
    start, end = primitive.intervals[0]
    first, last = (math.floor((value - start) / primitive.period) for value in (low, high))
    return [(start + n * primitive.period, end + n * primitive.period) for n in range(first, last + 1)]


def _inner_point(primitive: Primitive) -> float:
    """A point of the domain."""
    low, high = primitive.intervals[-1]
    if math.isinf(low) and math.isinf(high):
        return 0.0
    return (
        (low + high) / 2 if math.isfinite(low) and math.isfinite(high) else low + 1 if math.isfinite(low) else high - 1
    )


def _least_squares(design: Tensor, values: Tensor) -> Tensor:
    """The solution of least norm: where the symbol isn't defined its spline is 0."""
    u, s, vh = torch.linalg.svd(design, full_matrices=False)
    significant = s > 1e-10 * s.max() if len(s) else s > 0
    return vh[significant].T @ ((u[:, significant].T @ values) / s[significant])
