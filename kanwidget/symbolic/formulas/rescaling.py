"""Functions of scaled or standardized numbers, written in the units of the data, and back."""

from __future__ import annotations

import math
import sys

import torch

from kanwidget.core.network import Network
from kanwidget.core.primitives import Primitive, primitive
from kanwidget.core.records import EdgeRef
from kanwidget.symbolic.writing.forms import Params

#: Points at which f(p·u + q) = g·f(u) + h is solved for g and h, and checked. All functions with a fixed a or b are defined there.
_PROBES = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
#: Tolerance of that check.
_TOLERANCE = 1e-9
#: Part of a number by which some operations may have rounded it.
_ROUNDING = 16 * sys.float_info.epsilon


def own_function(network: Network, edge: EdgeRef) -> tuple[Primitive, Params] | None:
    """The primitive of an edge and its a, b, c, d in own units, the units of the data; None where it has no function."""
    layer = network.layer(edge.layer)
    name = layer.symbol(edge.source, edge.target)
    if name is None:
        return None
    # Edges that share parameters have them in one place.
    flat = edge.target * layer.in_dim + edge.source
    owner = int(layer.tie_index()[flat]) if layer.ties else flat
    params: Params = tuple(layer.affine.detach().flatten(0, 1)[owner].tolist())
    function, units = primitive(name), network.edge_units(edge)
    if units.x_size != 1 or units.x_centre != 0:
        params = rescale(function, params, units.x_centre, units.x_size)
    a, b, c, d = params
    return function, (a, b, units.y_size * c, units.y_size * d)


def scaled_params(network: Network, edge: EdgeRef, name: str, params: Params) -> Params:
    """The constants a, b, c, d of a function in the scaled numbers of an edge's layer, from those in own units, the units of the data.

    An a or b that c and d can make up for is fixed here, too: whatever the units, a training then begins with the same numbers.
    """
    units = network.edge_units(edge)
    if units.x_size != 1 or units.x_centre != 0:
        params = rescale(primitive(name), params, -units.x_centre / units.x_size, 1 / units.x_size)
    a, b, c, d = params
    return a, b, c / units.y_size, d / units.y_size


def rescale(function: Primitive, params: Params, mean: float, scale: float) -> Params:
    """The constants of c·f(a·x + b) + d that equal `params` applied to (x - mean)/scale, without redundant ones.

    Where c and d absorb a or b (as for powers and exp), these stay fixed here, too: redundant constants would have no standard
    error.

    Examples:
        >>> from kanwidget.core import primitive
        >>> rescale(primitive("x^2"), (1.0, 0.5, 8.0, 1.0), 3.0, 2.0)
        (1.0, -2.0, 2.0, 1.0)
    """
    a, b, c, d = params
    slope, offset = a / scale, _difference(b, a * mean / scale)
    slope = math.copysign(1.0, slope) if abs(abs(slope) - 1) <= _ROUNDING else slope
    # `free` says whether a and b are constants of their own, or fixed since c and d make up for them.
    if all(function.free) or slope == 0:
        return slope, offset, c, d
    new = slope if function.free[0] else math.copysign(1.0, slope)  # a fixed a is 1 or -1
    ratio = slope / new
    # a·(x - mean)/scale + b = ratio·u + shift, in the new u.
    shift = 0.0 if function.free[1] else offset
    # f(old u) is factor·f(new u) + rest: two points give both, the third checks them.
    # Old arguments of order one: of new ones far from it the differences would be round-off.
    first, second, third = function.fn((_PROBES - shift) / ratio).tolist()
    values = function.fn(_PROBES).tolist()
    factor = 1.0 if first == second else (values[0] - values[1]) / (first - second)
    rest = values[0] - factor * first
    if factor == 0 or not abs(factor * third + rest - values[2]) <= _TOLERANCE * abs(values[2] - rest):
        return slope, offset, c, d  # beyond the range of the floats, or c and d don't absorb the change
    return new, (offset / ratio if function.free[1] else 0.0), c * factor, _difference(d, -c * rest)


def _difference(first: float, second: float) -> float:
    """The difference of two numbers, 0 where it is only that of their rounding."""
    return 0.0 if abs(first - second) <= _ROUNDING * abs(first) else first - second
