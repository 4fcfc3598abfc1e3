"""A network as sympy expressions: the exact composition of its edges and nodes."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import torch

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.records import EdgeRef
from kanwidget.core.threads import limit_threads
from kanwidget.symbolic.formulas.deadlines import simplify_within
from kanwidget.symbolic.formulas.rescaling import own_function, rescale
from kanwidget.symbolic.formulas.rounding import rounded, shortened
from kanwidget.symbolic.formulas.words import SWITCH, level_mean
from kanwidget.symbolic.writing import forms
from kanwidget.symbolic.writing.naming import edge_name
from kanwidget.symbolic.writing.sympy_forms import to_sympy

if TYPE_CHECKING:
    import sympy

#: Seconds for `simplify=True`.
_PATIENCE = 10.0


@limit_threads
def symbolic_formula(
    network: Network,
    var: Sequence[Any] | None = None,
    *,
    input_scaler: Sequence[Any] | None = None,
    output_scaler: Sequence[Any] | None = None,
    simplify: bool | float = False,
    round: int | None = None,
) -> tuple[list[sympy.Expr], list[sympy.Symbol]]:
    """The outputs as expressions in the inputs.

    Symbolic edges are c·f(a·x + b) + d. Numeric edges are functions named `phi_l_i_j`, whose values `numeric_functions` gives; an
    edge with a spline correction is the sum of both. Pruned edges are absent.

    Args:
        network: The network.
        var: Name (any text) or sympy symbol of each feature; x_1, x_2, … by default.
        input_scaler: Means and standard deviations of the features, if the network was trained on (x - mean)/std.
        output_scaler: Means and standard deviations of the outputs, likewise.
        simplify: Whether to let sympy simplify the expressions, or for how many seconds it may try; an expression that takes longer
            stays as it is.
        round: Significant digits that constants keep, or more: so many that predictions of the reference data move by less than the
            noise, or a thousandth of their spread. Constants that are nothing but round-off go.

    Returns:
        The expression of each output, and the symbol of each feature.

    Raises:
        ValueError: If the number of names or scalers isn't that of the features or outputs.

    Examples:
        >>> from kanwidget import KAN
        >>> symbolic_formula(KAN([2, 1]))
        ([phi_0_0_0(x_1) + phi_0_1_0(x_2)], [x_1, x_2])
    """
    symbols = variables(network, var)
    outputs, _ = _compose(network, symbols, input_scaler)
    if output_scaler is not None:
        means, deviations = _scaler(output_scaler, network.n_out, "output_scaler")
        outputs = [y * std + mean for y, mean, std in zip(outputs, means, deviations, strict=True)]
    if simplify is not False:
        seconds = _PATIENCE if simplify is True else _check.real(simplify, "simplify", "symbolic_formula", low=0)
        outputs = [simplify_within(y, seconds / len(outputs)) for y in outputs]
    digits = _digits(round, "symbolic_formula")
    if digits is not None and input_scaler is None:
        outputs = rounded(network, outputs, symbols, digits)
    elif digits is not None:
        outputs = [shortened(y, digits) for y in outputs]
    return outputs, symbols


@limit_threads
def edge_parts(
    network: Network, var: Sequence[Any] | None = None, *, input_scaler: Sequence[Any] | None = None
) -> dict[EdgeRef, sympy.Expr]:
    """The expression of every active edge in the inputs, with the expression of its source node in the place of x.

    With these `math_tree` marks the parts of a formula. Arguments are those of `symbolic_formula`.

    Examples:
        >>> from kanwidget import KAN
        >>> edge_parts(KAN([2, 1]))[EdgeRef(0, 1, 0)]
        phi_0_1_0(x_2)
    """
    return _compose(network, variables(network, var, "edge_parts"), input_scaler)[1]


@limit_threads
def formula(network: Network, var: Sequence[Any] | None = None, **options: Any) -> sympy.Expr | list[sympy.Expr]:
    """The expression of a network's output, or a list of them for several; see `symbolic_formula` for the options.

    The outputs of a network for classes are scores, one a class: the largest decides, and the difference of two is the logarithm of
    the odds. `fit_formula` writes these.

    Examples:
        >>> from kanwidget import KAN
        >>> formula(KAN([1, 1]), ["time [s]"])
        phi_0_0_0(time [s])
    """
    _digits(options.get("round"), "formula")
    expressions, _ = symbolic_formula(network, var, **options)
    return expressions[0] if len(expressions) == 1 else expressions


def _digits(round: int | None, where: str) -> int | None:
    """The argument `round` of a function, after a check."""
    if round is None:
        return None
    return _check.integer(round, "round", where, low=1, advice="Significant digits of the constants, such as 3.")


def variables(
    network: Network, var: Sequence[Any] | None = None, where: str = "symbolic_formula"
) -> list[sympy.Symbol]:
    """The symbol of each feature: of its name or symbol in `var`, by default x_1, x_2, … Names may be any text, and are never parsed.

    `where` is the name of the public function, for errors.
    """
    import sympy

    if var is None:
        return [sympy.Symbol(f"x_{i + 1}") for i in range(network.n_features)]
    if isinstance(var, str) or not hasattr(var, "__len__") or len(var) != network.n_features:
        _check.fail("var", where, f"a list of {network.n_features} names, one a feature", var)
    for name in var:
        if not isinstance(name, (str, sympy.Symbol)) or name == "":
            _check.fail("var", where, "made of texts or sympy symbols", name, error=TypeError)
    symbols = [sympy.Symbol(name) if isinstance(name, str) else name for name in var]
    if len(set(symbols)) < len(symbols):
        _check.fail("var", where, "different names", var)
    return symbols


def _scaler(pair: Sequence[Any], count: int, argument: str) -> tuple[list[float], list[float]]:
    """Means and standard deviations as lists of floats, `count` of each, or an error about this argument of `symbolic_formula`.

    `pair` has both, each as a number, list, array or tensor of any shape.
    """
    means: list[float] = []
    deviations: list[float] = []
    if hasattr(pair, "__len__") and len(pair) == 2:
        with suppress(TypeError, ValueError, OverflowError):  # of what are no numbers the check below speaks
            means, deviations = ([float(value) for value in _flat_numbers(part)] for part in pair)
    finite = all(map(math.isfinite, (*means, *deviations)))
    if not len(means) == len(deviations) == count or not finite or 0 in deviations:
        _check.fail(argument, "symbolic_formula", f"means and standard deviations, {count} of each", pair)
    return means, deviations


def _flat_numbers(values: Any) -> list[Any]:
    """A number, list, array or tensor of any shape as a flat list."""
    listed = values.tolist() if hasattr(values, "tolist") else values
    if not isinstance(listed, (list, tuple)):
        return [listed]
    return [number for entry in listed for number in _flat_numbers(entry)]


def _compose(
    network: Network, symbols: list[Any], input_scaler: Sequence[Any] | None
) -> tuple[list[Any], dict[EdgeRef, Any]]:
    """The expression of each output, and of each active edge, in the symbols of the features. All in own units.

    Layer by layer: sums of edges, then products. The first layer reads (x - mean)/std, if there is such a scaler.
    """
    import sympy

    nodes, scales = _inputs(network, symbols, input_scaler)
    parts: dict[EdgeRef, Any] = {}
    for index in range(network.depth):
        layer, active = network.layer(index), network.layer(index).active()
        subnodes = []
        for target in range(layer.out_dim):
            edges = [EdgeRef(index, source, target) for source in range(layer.in_dim) if active[target, source]]
            for edge in edges:
                scale = scales[edge.source] if scales and index == 0 else None
                parts[edge] = _edge_expression(network, edge, nodes[edge.source], scale)
            subnodes.append(sympy.Add(*(parts[edge] for edge in edges)))
        level = index + 1
        groups = [network.subnodes_of(level, node) for node in range(network.nodes_in(level))]
        nodes = [sympy.Mul(*(subnodes[subnode] for subnode in group)) for group in groups]
    return _outputs(network, nodes), parts


def _inputs(
    network: Network, symbols: list[Any], input_scaler: Sequence[Any] | None
) -> tuple[list[Any], list[tuple[float, float]] | None]:
    """The expressions of the input nodes, logarithms among them, and the scales of the first layer.

    Returns:
        The nodes; and for each the mean and deviation by which edges standardize it, (0, 1) where it is a logarithm; None without a scaler.
    """
    import sympy

    columns, logs = network.columns.tolist(), network.scaling.input_log.tolist()
    if input_scaler is None:
        return [sympy.log(symbols[c]) if logs[c] else symbols[c] for c in columns], None
    means, deviations = _scaler(input_scaler, network.n_features, "input_scaler")
    # A logarithm is taken of the standardized column, and so has no scale of its own.
    nodes = [sympy.log((symbols[c] - means[c]) / deviations[c]) if logs[c] else symbols[c] for c in columns]
    return nodes, [(0.0, 1.0) if logs[c] else (means[c], deviations[c]) for c in columns]


def _outputs(network: Network, nodes: list[Any]) -> list[Any]:
    """The outputs in own units from the expressions of the last nodes: edges of sums have the output's unit already, products haven't."""
    import sympy

    scaling = network.scaling
    if not scaling.scales_output:
        return nodes
    outputs = []
    # `output_log`: whether the network gives the logarithm of an output.
    columns = (column.tolist() for column in (scaling.output_centre, scaling.output_size, scaling.output_log))
    for index, (node, centre, size, log) in enumerate(zip(nodes, *columns, strict=True)):
        # Sums come before products, which are in scaled numbers.
        node = node if index < network.width[-1][0] else size * node
        outputs.append(_in_range(sympy.exp(node + centre)) if log else node + centre)
    return outputs


def _edge_expression(network: Network, edge: EdgeRef, node: Any, scale: tuple[float, float] | None) -> Any:
    """The terms of an edge in own units, added: its function, and its curve or its words.

    Args:
        network: The network.
        edge: The edge.
        node: The expression of its source node.
        scale: Mean and standard deviation by which the node is standardized before the edge reads it; None where it isn't.
    """
    import sympy

    layer = network.layer(edge.layer)
    terms = []
    if layer.state(edge.source, edge.target) == "levels":
        terms += _words(network, edge, node)
    elif bool(layer.spline_on[edge.target, edge.source]):
        terms.append(numeric_edge(edge, node, scale))
    symbol = own_function(network, edge)
    if symbol is not None:
        function, params = symbol
        params = params if scale is None else rescale(function, params, *scale)  # for node, not (node - mean)/std
        # The factors that sympy makes may lie beyond the floats: then they move into a power.
        terms.append(_in_range(to_sympy(forms.form_of_fit(function, params, "u"), node)))
    return sympy.Add(*terms)


def _words(network: Network, edge: EdgeRef, node: Any) -> list[Any]:
    """The terms of an edge of words: one that is on or off for two levels, else a function, and the mean that it doesn't hold.

    `node` is the column's symbol: of two levels it is 0 or 1.
    """
    if network.layer(edge.layer).levels[edge.source] > SWITCH:
        return [numeric_edge(edge, node), level_mean(network, edge)]
    # Of two levels (SWITCH): the values of both.
    low, high = network.curve(edge, torch.arange(SWITCH, dtype=network.dtype, device=network.device)).y.tolist()
    return [low, (high - low) * node]


def _in_range(expr: Any) -> Any:
    """A term whose factors are floats: of exp(c·log(x + b) + d) sympy makes e^d·(x + b)^c, and e^d may lie beyond the floats.

    Such a factor moves into the steepest power beside it: (x/k + b/k)^c.
    """
    import sympy

    def moved(product: Any) -> Any:
        """A product whose factor is no normal float, with the factor within its steepest power; any other as it is."""
        factor, rest = product.as_coeff_Mul()
        powers = [part for part in sympy.Mul.make_args(rest) if part.is_Pow and part.exp.is_Float]
        if not powers or sys.float_info.min <= abs(float(factor)) < math.inf:
            return product
        steepest = max(powers, key=lambda power: abs(power.exp))
        base = sympy.expand_mul(abs(factor) ** (1 / steepest.exp) * steepest.base)
        return sympy.sign(factor) * (rest / steepest) * base**steepest.exp

    if all(sys.float_info.min <= abs(float(number)) < math.inf for number in expr.atoms(sympy.Float)):
        return expr
    return expr.replace(lambda node: node.is_Mul, moved)


def numeric_edge(edge: EdgeRef, node: Any, scale: tuple[float, float] | None = None) -> Any:
    """A numeric edge, a spline or values of words, as an undefined function `phi_l_i_j` of its source node's expression `node`.

    With a `scale`, mean and standard deviation, it is a function of (node - mean)/std.
    """
    import sympy

    argument = node if scale is None else (node - scale[0]) / scale[1]
    return sympy.Function(edge_name(*edge))(argument)
