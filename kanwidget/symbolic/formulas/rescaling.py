"""Functions that were fitted to standardized inputs, written in the inputs themselves."""

from __future__ import annotations

import math

import torch

from kanwidget.core.primitives import Primitive

#: Points at which f(p·u + q) = g·f(u) + h is solved for g and h, and checked. All functions with a fixed a or b are defined there.
_PROBES = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
#: Tolerance of that check.
_TOLERANCE = 1e-9

Params = tuple[float, float, float, float]


def rescale(primitive: Primitive, params: Params, mean: float, scale: float) -> Params:
    """The constants of c·f(a·x + b) + d that equal `params` applied to (x - mean)/scale, without redundant ones.

    Where c and d absorb a or b (as for powers and exp), these stay fixed here, too: redundant constants would have no standard
    error.

    Examples:
        >>> from kanwidget.core import primitive
        >>> rescale(primitive("x^2"), (1.0, 0.5, 8.0, 1.0), 3.0, 2.0)
        (1.0, -2.0, 2.0, 1.0)
    """
    a, b, c, d = params
    slope, offset = a / scale, b - a * mean / scale
    if all(primitive.free) or slope == 0:
        return slope, offset, c, d
    new = slope if primitive.free[0] else math.copysign(1.0, slope)
    ratio = slope / new
    # a·(x - mean)/scale + b = ratio·u + shift, in the new u.
    shift = 0.0 if primitive.free[1] else offset
    first, second, third = primitive.fn(_PROBES).tolist()
    values = primitive.fn(ratio * _PROBES + shift).tolist()
    factor = 1.0 if first == second else (values[0] - values[1]) / (first - second)
    rest = values[0] - factor * first
    if factor == 0 or not abs(factor * third + rest - values[2]) <= _TOLERANCE * abs(values[2] - rest):
        return slope, offset, c, d  # beyond the range of the floats, or c and d don't absorb the change
    return new, (offset / ratio if primitive.free[1] else 0.0), c * factor, c * rest + d
