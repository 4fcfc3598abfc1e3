"""Functions that were fitted to standardized inputs, written in the inputs themselves."""

from __future__ import annotations

import math

import torch

from kanwidget.core.primitives import Primitive

#: Where f(p·u + q) = g·f(u) + h is solved for g and h, and looked at. All functions that are free of a or b are defined there.
_PROBES = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
#: How exactly it must hold.
_SAME = 1e-9

Params = tuple[float, float, float, float]


def rescaled(row: Primitive, params: Params, mean: float, scale: float) -> Params:
    """The constants of c·f(a·x + b) + d that make it what `params` make of (x - mean)/scale, without needless ones.

    Where a or b aren't free, since c and d can say the same (as for powers and exp), they are left out here, too: among constants
    of which one says what another says, none would have a standard error.

    Examples:
        >>> from kanwidget.core import primitive
        >>> rescaled(primitive("x^2"), (1.0, 0.5, 8.0, 1.0), 3.0, 2.0)
        (1.0, -2.0, 2.0, 1.0)
    """
    a, b, c, d = params
    slope, offset = a / scale, b - a * mean / scale
    if all(row.free) or slope == 0:
        return slope, offset, c, d
    new = slope if row.free[0] else math.copysign(1.0, slope)
    ratio = slope / new
    # a·(x - mean)/scale + b = ratio·u + shift, in the new u.
    shift = 0.0 if row.free[1] else offset
    first, second, third = row.fn(_PROBES).tolist()
    values = row.fn(ratio * _PROBES + shift).tolist()
    factor = 1.0 if first == second else (values[0] - values[1]) / (first - second)
    rest = values[0] - factor * first
    if factor == 0 or not abs(factor * third + rest - values[2]) <= _SAME * abs(values[2] - rest):
        return slope, offset, c, d  # beyond the range of the floats, or no function for which c and d say the same
    return new, (offset / ratio if row.free[1] else 0.0), c * factor, c * rest + d
