"""Symbolic functions for the edges of a network: suggest, fix and unfix.

Edges are given in pykan's order: layer l, input node i, output subnode j.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NoReturn

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core import splines
from kanwidget.core.layer import Layer
from kanwidget.core.network import Network
from kanwidget.core.primitives import Primitive, inner_point, primitive
from kanwidget.core.records import EdgeRef, SymbolicFit
from kanwidget.core.threads import limit_threads
from kanwidget.symbolic.fits.custom import BrokenPrimitive, blamed, called
from kanwidget.symbolic.fits.fitting import fit_primitives, record
from kanwidget.symbolic.fits.spaces import numbers_of, spline_spaces
from kanwidget.symbolic.formulas.rescaling import scaled_params
from kanwidget.symbolic.writing.forms import Params
from kanwidget.symbolic.writing.text import equation

#: Points an interval of the grid at which the spline of a correction agrees with the function.
_DENSITY = 8


@limit_threads
def fix_symbolic(
    network: Network,
    l: int,  # noqa: E741
    i: int,
    j: int,
    name: str,
    x: Tensor | None,
    *,
    params: Sequence[float] | None = None,
    keep_spline: bool = False,
) -> SymbolicFit:
    """Replace an edge by c·f(a·x + b) + d, fitted to the edge's current curve. Changes the network in place.

    The layer keeps the replaced spline for `unfix_symbolic`. Edges that share parameters are fixed together.

    Args:
        network: The network.
        l: The edge's layer.
        i: Its input node.
        j: Its output subnode.
        name: The primitive's name.
        x: Inputs of the network, shape `(n, n_features)`. None will do with `params`: R² is nan then, and nobody says that the function
            is defined where data will be.
        params: a, b, c and d in the units of the data; fitted by default.
        keep_spline: Keep a spline as a correction. The edge is then the sum of symbol and spline: its former function, as far
            as a spline on this grid can follow. The correction shows the part that the symbol misses.

    Returns:
        The fit.

    Raises:
        ValueError: For an edge or a primitive that doesn't exist, for a pruned edge without `params`, or if the primitive
            isn't defined on the edge's data.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([1, 1])
        >>> x = torch.linspace(-1, 1, 50, dtype=torch.float64)[:, None]
        >>> fix_symbolic(model, 0, 0, 0, "sin", x, params=(3, 0, 1, 0)).equation, model.layer(0).state(0, 0)
        ('sin(3*x)', 'symbolic')
    """
    layer = network.check_edge(l, i, j, "fix_symbolic")
    function = primitive(name, where="fix_symbolic")
    if layer.levels[i]:
        advice = "It has a value for each level; merge or drop levels in the table."
        _check.fail("i", "fix_symbolic", "an input of numbers", f"input {i}, whose values are words", advice)
    asked, tied = EdgeRef(l, i, j), [EdgeRef(l, *pair) for pair in tied_edges(layer, i, j)]
    # The edge that was asked for comes first: all are fitted in its units, since they are one function of scaled numbers.
    group = [asked, *(edge for edge in tied if edge != asked)]
    if params is None and layer.state(i, j) == "pruned":
        advice = "Restore it first with restore_edge, or give params: a pruned edge is 0, and so would be every fit."
        _check.fail("l, i, j", "fix_symbolic", "those of an edge that isn't pruned", (l, i, j), advice)
    if x is None:
        if params is None:
            _check.fail("x", "fix_symbolic", "given, unless params are", x)
        fit = _unseen_fit(function, params)
    else:
        # Inputs and values of all edges below each other, `(edges·n, 1)`: one curve.
        samples = [column.T.reshape(-1, 1) for column in _group_samples(network, group, x)]
        fit = _fit_params(function, *samples) if params is None else _fit_with_params(function, params, *samples)
    for edge in group:
        replace_spline(network, edge, fit, keep_spline, owner=tied[0], in_units_of=asked)
    return fit


@limit_threads
def unfix_symbolic(network: Network, l: int, i: int, j: int) -> None:  # noqa: E741
    """Remove an edge's symbolic function. Changes the network in place.

    A replaced spline comes back unchanged; a correction becomes the sum of spline and symbol. Edges without a symbolic function
    stay as they are. Edges that share parameters are freed together.

    Args:
        network: The network.
        l: The edge's layer.
        i: Its input node.
        j: Its output subnode.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([1, 1])
        >>> x = torch.linspace(-1, 1, 50, dtype=torch.float64)[:, None]
        >>> _ = fix_symbolic(model, 0, 0, 0, "x", x)
        >>> unfix_symbolic(model, 0, 0, 0)
        >>> model.layer(0).state(0, 0)
        'spline'
    """
    layer = network.check_edge(l, i, j, "unfix_symbolic")
    group = tied_edges(layer, i, j)
    for source, target in group:
        state = layer.state(source, target)
        if state == "both" and (source, target) == group[0]:  # the first edge owns the coefficients of all
            _add_to_spline(layer, source, target, +1.0)
        if state in ("both", "symbolic"):
            layer.set_symbol(source, target, None)
            layer.spline_on[target, source] = True


def edge_samples(network: Network, edges: Sequence[EdgeRef], x: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs and values of edges of one layer in own units (the data's), `(n, len(edges))` each, for inputs x, `(n, n_features)`."""
    (index, *_), sources, targets = zip(*edges, strict=True)
    with torch.no_grad():
        trace = network.trace(x)
    return trace.nodes[index][:, sources], trace.edges[index][:, targets, sources]


def fit_curves(
    network: Network,
    edges: Sequence[EdgeRef],
    x: Tensor,
    library: Sequence[Primitive],
    *,
    numbers: float | None,
    **options: Any,
) -> list[list[SymbolicFit]]:
    """The fits of primitives to the curves of some edges of one layer, each list best first.

    Args:
        network: The network.
        edges: The edges.
        x: Inputs of the network, `(n, n_features)`.
        library: The primitives.
        numbers: How many independent numbers a curve holds; None for those of the edges' splines: residuals that no spline can follow
            then count little.
        **options: Others of `fit_primitives`: `simplicity`, `noise`, `on_broken`.
    """
    inputs, values = edge_samples(network, edges, x)
    spaces = None
    if numbers is None:
        layer = network.layer(edges[0].layer)
        # Splines read scaled numbers, the samples are in own units: the nodes are computed once more.
        with torch.no_grad():
            nodes = network.select(x)
            for level in range(edges[0].layer):
                nodes = network.combine(level + 1, network.layer(level)(nodes))
        numbers, spaces = numbers_of(layer), spline_spaces(layer, edges, nodes)
    return fit_primitives(inputs, values, library, numbers=numbers, spaces=spaces, **options)


def _group_samples(network: Network, group: Sequence[EdgeRef], x: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs and values of edges that share their parameters, each `(n, len(group))`, for inputs x of the network, `(n, n_features)`.

    All are in the own units (the data's) of the first edge: in the layer's scaled numbers the edges are one function.
    """
    inputs, values = edge_samples(network, group, x)
    first, *others = map(network.edge_units, group)
    for column, units in enumerate(others, 1):
        scaled = (inputs[:, column] - units.x_centre) / units.x_size
        inputs[:, column] = first.x_centre + first.x_size * scaled
        values[:, column] *= first.y_size / units.y_size
    return inputs, values


def tied_edges(layer: Layer, source: int, target: int) -> list[tuple[int, int]]:
    """The edges (source, target) that share an edge's parameters, the owner of the parameters first; without a tie the edge alone."""
    flat = target * layer.in_dim + source  # ties are lists of such indices
    members = next((group for group in layer.ties if flat in group), [flat])
    return [(member % layer.in_dim, member // layer.in_dim) for member in members]


def numeric_edges(network: Network) -> list[EdgeRef]:
    """The edges that are splines, in the order of the structure; of tied edges, which share one function, only the owner of it."""
    owners: dict[EdgeRef, None] = {}
    for ref in network.edge_refs(active=True):
        layer = network.layer(ref.layer)
        if layer.state(ref.source, ref.target) == "spline":
            owners[EdgeRef(ref.layer, *tied_edges(layer, ref.source, ref.target)[0])] = None
    return list(owners)


def _fit_params(function: Primitive, inputs: Tensor, values: Tensor) -> SymbolicFit:
    """The fit of one primitive to inputs and values of an edge, `(n, 1)` each, or an error that says why there is none."""
    (fits,) = fit_primitives(inputs, values, [function], on_broken=_refuse_broken)
    if fits:
        return fits[0]
    mean = float(values.double().mean())
    if function.name == "0":
        return _fit_with_params(function, (1.0, 0.0, 0.0, mean), inputs, values)
    low, high = float(inputs.min()), float(inputs.max())
    if float(values.max() - values.min()) <= 1e-6 * float(values.abs().max()):
        # A constant has no fit: it is d, with c = 0. The shift keeps the data within the domain: as they are, from 1 on, or up to -1.
        for shift in (0.0, 1.0 - low, -1.0 - high):
            if function.interval(low + shift, high + shift) is not None:
                return _fit_with_params(function, (1.0, shift, 0.0, mean), inputs, values)
    expected = f"a function that is defined on the edge's data, from {low:.4g} to {high:.4g}, for some a and b"
    _check.fail("name", "fix_symbolic", expected, function.name, "Use suggest_symbolic for the functions that are.")


def _refuse_broken(broken: BrokenPrimitive) -> NoReturn:
    """Report a function that can't be used as an error of `fix_symbolic`."""
    advice = "Mend it, and register it again with register_primitive(…, replace=True)."
    raise ValueError(f"fix_symbolic needs a function that works: {broken}. {advice}") from broken


def _constants(params: Sequence[float]) -> Params:
    """a, b, c and d as given, or an error."""
    if isinstance(params, str) or not hasattr(params, "__len__") or len(params) != 4:
        _check.fail("params", "fix_symbolic", "four numbers: a, b, c and d of c·f(a·x + b) + d", params)
    a, b, c, d = (_check.real(value, "params", "fix_symbolic") for value in params)
    return a, b, c, d


def _unseen_fit(function: Primitive, params: Sequence[float]) -> SymbolicFit:
    """The record of a function with these constants a, b, c and d where there are no data: its R² and score are nan."""
    a, b, c, d = _constants(params)
    try:
        # One value shows whether a registered function works.
        called(function, function.fn, torch.tensor([inner_point(function.intervals[0])], dtype=torch.float64))
        with blamed(function):
            text = equation(function, (a, b, c, d))
    except BrokenPrimitive as broken:
        _refuse_broken(broken)
    # The interval of x on which the function is defined. Which of several it is depends on data: then it isn't known.
    single = function.period is None and len(function.intervals) == 1 and a != 0
    low, high = sorted((end - b) / a for end in function.intervals[0]) if single else (-math.inf, math.inf)
    return SymbolicFit(function.name, (a, b, c, d), math.nan, function.complexity, math.nan, (low, high), text)


def _fit_with_params(function: Primitive, params: Sequence[float], inputs: Tensor, values: Tensor) -> SymbolicFit:
    """The record of a function with these constants a, b, c and d, its R² on inputs and values of an edge, `(n, 1)` each.

    An error where it isn't defined on all of them.
    """
    a, b, c, d = _constants(params)
    x, y = inputs.double(), values.double()
    low, high = sorted((a * float(x.min()) + b, a * float(x.max()) + b))
    if function.interval(low, high) is None:
        expected = f"such that {function.name} is defined on a·x + b, from {low:.4g} to {high:.4g}"
        _check.fail("params", "fix_symbolic", expected, tuple(params), "Leave them out to have them fitted.")
    try:
        residual = (y - (c * called(function, function.fn, a * x + b) + d)).square().sum()
        spread = (y - y.mean()).square().sum()
        r2 = 1 - float(residual / spread) if float(spread) > 0 else float(residual == 0)
        return record(function, (a, b, c, d), r2, float(x.min()), float(x.max()))
    except BrokenPrimitive as broken:
        _refuse_broken(broken)


def replace_spline(
    network: Network,
    edge: EdgeRef,
    fit: SymbolicFit,
    keep_spline: bool,
    owner: EdgeRef,
    in_units_of: EdgeRef | None = None,
) -> None:
    """Give an edge a function, and switch its spline off, or make it the correction that keeps the edge's former function. In place.

    Args:
        network: The network.
        edge: The edge.
        fit: The function, its constants in the own units (the data's) of `in_units_of`.
        keep_spline: Whether the spline stays as a correction.
        owner: The edge that owns the parameters; the edge itself unless it is tied.
        in_units_of: The edge in whose units the fit is; the owner by default.
    """
    layer, (_, source, target) = network.layer(edge.layer), edge
    params = scaled_params(network, in_units_of or owner, fit.name, fit.params)
    state = layer.state(source, target)
    # The correction is the edge's former function as a spline, with a former symbol added to it, minus the new symbol. Tied edges share
    # that of the owner.
    corrected = keep_spline and edge == owner
    if corrected and state in ("symbolic", "pruned"):
        with torch.no_grad():
            layer.coef[target, source] = 0.0
            layer.base[target, source] = 0.0
    if corrected and state in ("symbolic", "both"):
        _add_to_spline(layer, source, target, +1.0)
    layer.set_symbol(source, target, fit.name, params)
    if corrected:
        _add_to_spline(layer, source, target, -1.0)
    layer.spline_on[target, source] = keep_spline


@torch.no_grad()
def _add_to_spline(layer: Layer, source: int, target: int, sign: float) -> None:
    """Add the spline closest to the edge's c·f(a·x + b) + d on the grid to its coefficients (sign 1), or subtract it (-1). In place.

    Least squares on points of the grid at which the function is defined. Equal constants and knots give equal coefficients, so
    that `unfix_symbolic` adds exactly those that `fix_symbolic` subtracted.
    """
    function = primitive(str(layer.symbol(source, target)))
    grid = layer.grid[source].double()
    count = _DENSITY * (len(grid) - 1) + 1  # eight points an interval
    # Equally many points in each interval: the whole part of a position is the interval, the rest how far the point lies in it.
    position = torch.linspace(0, len(grid) - 1, count, dtype=torch.float64, device=grid.device)
    index = position.long().clamp(max=len(grid) - 2)
    points = grid[index] + (position - index) * (grid[index + 1] - grid[index])
    a, b, c, d = layer.affine[target, source].detach().double().unbind()
    u = a * points + b
    inside = torch.zeros_like(u, dtype=torch.bool)
    for low, high in _intervals_within(function, float(u.min()), float(u.max())):
        inside |= (u >= low) & (u <= high) if function.closed else (u > low) & (u < high)
    values = c * function.fn(torch.where(inside, u, inner_point(function.intervals[0]))) + d
    inside &= torch.isfinite(values)
    design = splines.basis(points[:, None], layer.knots[source : source + 1].double(), layer.k)[:, 0]
    # The solution of least norm: where the symbol isn't defined its spline is 0.
    coef = torch.linalg.pinv(design[inside], rtol=1e-10) @ values[inside]
    layer.spline_coef[target, source] += sign * coef.to(layer.coef)


def _intervals_within(primitive: Primitive, low: float, high: float) -> list[tuple[float, float]]:
    """The intervals of u on which f(u) is defined: those between the u `low` and `high` if they are periodic, else all."""
    if primitive.period is None:
        return list(primitive.intervals)
    start, end = primitive.intervals[0]
    first, last = (math.floor((value - start) / primitive.period) for value in (low, high))
    return [(start + n * primitive.period, end + n * primitive.period) for n in range(first, last + 1)]
