"""A symbolic function as a spline, to be subtracted from an edge's spline so that the sum of both stays the same."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from kanwidget.core import splines
from kanwidget.core.layer import Layer
from kanwidget.core.primitives import Primitive, inner_point

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
    values = c * primitive.fn(torch.where(inside, u, inner_point(primitive.intervals[0]))) + d
    inside &= torch.isfinite(values)
    design = splines.basis(points[:, None], layer.knots[source : source + 1].double(), layer.k)[:, 0]
    # The solution of least norm: where the symbol isn't defined its spline is 0.
    coef = torch.linalg.pinv(design[inside], rtol=1e-10) @ values[inside]
    return coef.to(layer.coef)


def _intervals(primitive: Primitive, low: float, high: float) -> list[tuple[float, float]]:
    """All intervals of definition between low and high."""
    if primitive.period is None:
        return list(primitive.intervals)
    start, end = primitive.intervals[0]
    first, last = (math.floor((value - start) / primitive.period) for value in (low, high))
    return [(start + n * primitive.period, end + n * primitive.period) for n in range(first, last + 1)]
