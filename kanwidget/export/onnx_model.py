"""A network as an ONNX model in double precision, of operations for which runtimes have that."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import partial, reduce
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kanwidget import _check
from kanwidget.core.primitives import Form
from kanwidget.export.program import Curves, Program, Step, Term
from kanwidget.symbolic.functions import function_of

#: Version of the operators, and of the file: those of 2022, which all runtimes read.
_OPSET, _FILE = 17, 8
#: Functions and operations that have an operator of their name.
_OPERATORS = ("exp", "log", "sqrt", "abs", "sign", "sin", "cos", "tanh", "neg")
_COMBINED = ("add", "mul", "pow")
_E, _E_NEG = ("exp", "u"), ("exp", ("neg", "u"))
#: Functions that runtimes have in single precision only, by others.
_EXPANSIONS: dict[str, Form] = {
    "tan": ("mul", ("sin", "u"), ("pow", ("cos", "u"), -1)),
    "sinh": ("mul", 0.5, ("add", _E, ("neg", _E_NEG))),
    "cosh": ("mul", 0.5, ("add", _E, _E_NEG)),
    "atanh": ("mul", 0.5, ("log", ("mul", ("add", 1, "u"), ("pow", ("add", 1, ("neg", "u")), -1)))),
    "acos": ("add", math.pi / 2, ("neg", ("asin", "u"))),
}
#: Points of the integrals that are J0 for arguments up to some 450, and erf up to 6, beyond which it is ±1.
_POINTS, _ERF_POINTS, _ERF_END = 128, 40, 6.0
_LAST = np.array([-1])


def onnx_model(program: Program) -> bytes:
    """The content of an ONNX file that computes a network: input `x`, `(rows, columns)`, output `y`, `(rows, outputs)`, both double.

    `program` has the network's layers as arrays and formulas.

    Raises:
        ValueError: For a function that ONNX doesn't have.
    """
    import onnx

    graph = _Graph(onnx)
    graph.node("Identity", _outputs(graph, program), output="y")
    make, double = onnx.helper, onnx.TensorProto.DOUBLE
    inputs = [make.make_tensor_value_info("x", double, ["rows", len(program.columns)])]
    outputs = [make.make_tensor_value_info("y", double, ["rows", len(program.outputs)])]
    made = make.make_graph(graph.nodes, "KAN", inputs, outputs, graph.constants)
    model = make.make_model(made, opset_imports=[make.make_opsetid("", _OPSET)], ir_version=_FILE)
    model.producer_name, model.doc_string = "kanwidget", program.title
    levels = {column.name: column.levels.values for column in program.columns if column.levels is not None}
    texts = {"columns": [c.name for c in program.columns], "outputs": program.outputs, "levels": levels}
    make.set_model_props(model, {key: json.dumps(value, ensure_ascii=False) for key, value in texts.items()})
    content: bytes = model.SerializeToString()
    return content


class _Graph:
    """Nodes and constants of a model, each with a name of its own.

    Args:
        onnx: The package.
    """

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx  # the package
        self.nodes: list[Any] = []  # ONNX's operations, each after those whose results it reads
        self.constants: list[Any] = []  # tensors with a name

    def node(self, operator: str, *inputs: Any, output: str = "", **attributes: Any) -> str:
        """Add an operation by its ONNX name; returns the name of its result: `output`, or a new one.

        Inputs are names of results, or numbers and arrays, which become constants.
        """
        output = output or f"n{len(self.nodes)}"
        names = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        self.nodes.append(self._onnx.helper.make_node(operator, names, [output], **attributes))
        return output

    def _constant(self, value: ArrayLike) -> str:
        """Add a constant; returns its name. Arrays of whole numbers are indices, those of truths masks, all else is double."""
        array = np.asarray(value)
        array = array if array.ndim and array.dtype in (np.int64, np.bool_) else array.astype(np.float64)
        name = f"c{len(self.constants)}"
        self.constants.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    def cast(self, value: str, kind: str) -> str:
        """Add the node that converts a value, by its name, to `DOUBLE` or `FLOAT`; returns the name of the result."""
        return self.node("Cast", value, to=getattr(self._onnx.TensorProto, kind))

    def apply(self, form: Form, u: Any) -> Any:
        """The value of a function as a graph's node: its name, or a number for a part of the form without "u".

        A function without an operator in double precision is written by others: its expansion, or the nodes of `_SPECIAL`.

        Args:
            form: The function as nested tuples, `("add", 1, ("exp", "u"))`, with "u" for its argument.
            u: The argument: the name of a node, or a number.
        """
        if not isinstance(form, tuple):
            return u if form == "u" else float({"pi": math.pi, "e": math.e}.get(str(form), form))
        head, *operands = form
        function = function_of(head)
        values = [self.apply(operand, u) for operand in operands]
        if head in _COMBINED:
            return reduce(partial(self.node, head.capitalize()), values)
        (value,) = values
        if head in _OPERATORS:
            return self.node(head.capitalize(), value)
        expansion = _EXPANSIONS.get(str(head), function.expansion if function else None)
        if expansion is not None:
            return self.apply(expansion, value)
        if head in _SPECIAL:
            return _SPECIAL[str(head)](self, value)
        _check.fail("path", "export", "a .c or .py file for this network", ".onnx", f"ONNX has no {head}.")


def _outputs(graph: _Graph, program: Program) -> str:
    """Add the nodes of the whole network; returns the name of the one with the outputs, `(rows, outputs)`, in own units."""
    x = graph.node("Gather", "x", np.array(program.picks), axis=1)
    if program.logs:
        chosen = np.isin(np.arange(len(program.picks)), program.logs)
        # Of columns without a logarithm that of 1 is taken, and not used.
        x = graph.node("Where", chosen, graph.node("Log", graph.node("Where", chosen, x, 1.0)), x)
    x = graph.node("Div", graph.node("Sub", x, program.centre), program.size)
    # Beyond low and high only a part of the way counts: as much as the rows determine of the slopes there.
    if program.reach is not None:
        low, high, below, above = program.reach
        near = graph.node("Min", graph.node("Max", x, low), high)
        share = graph.node("Where", graph.node("Less", x, near), below, above)
        x = graph.node("Add", near, graph.node("Mul", graph.node("Sub", x, near), share))
    for step in program.steps:
        x = _step(graph, step, x)
    y = graph.node("Add", graph.node("Mul", x, program.output_size), program.output_centre)
    if program.output_logs:
        chosen = np.isin(np.arange(len(program.outputs)), program.output_logs)
        y = graph.node("Where", chosen, graph.node("Exp", y), y)
    return y


def _step(graph: _Graph, step: Step, x: str) -> str:
    """Add the nodes of a layer; returns the name of the one with the values of the network's nodes above it, `(rows, nodes)`.

    Args:
        graph: The graph.
        step: The layer: piecewise polynomials (`curves`), the base function, and symbolic edges c·f(a·x + b) + d (`terms`).
        x: The name of the node with the values below, `(rows, inputs)`.
    """
    # Zeros, `(rows, subnodes)`, for any number of rows.
    y = graph.node("MatMul", x, np.zeros((step.inputs, step.subnodes)))
    parts = [_curves(graph, curves, x) for curves in step.curves]
    if step.base is not None:
        values = graph.apply(step.base.form, graph.node("Gather", x, np.array(step.base.sources), axis=1))
        parts.append(graph.node("MatMul", values, step.base.weights))
    groups = ([term for term in step.terms if term.form == form] for form in {term.form: None for term in step.terms})
    parts += [_terms(graph, terms, step, x) for terms in groups]
    for part in parts:
        y = graph.node("Add", y, part)
    # The first factors of all nodes, the second ones, …; of a node that has fewer the column after the last, which is 1.
    result, *factors = map(np.array, zip_longest(*step.nodes, fillvalue=step.subnodes))
    product = graph.node("Gather", y, result, axis=1)
    for factor in factors:
        product = graph.node(
            "Mul", product, graph.node("Gather", graph.node("Pad", y, np.array([0, 0, 0, 1]), 1.0), factor, axis=1)
        )
    return product


def _curves(graph: _Graph, curves: Curves, x: str) -> str:
    """Add the nodes of a layer's piecewise polynomials; returns the name of the one with their sums, `(rows, subnodes)`.

    Which piece an input is in (the knots that it has reached), times its powers, is multiplied by the table of coefficients.

    Args:
        graph: The graph.
        curves: The polynomials.
        x: The name of the node with the values below, `(rows, inputs)`.
    """
    inputs, pieces, powers, sums = curves.table.shape
    x = graph.node("Unsqueeze", graph.node("Gather", x, np.array(curves.sources), axis=1), _LAST)
    # Which knots x has reached, `(rows, sources, pieces - 1)`, how many, which is the piece, and 1 at the piece, `(rows, sources, pieces)`.
    reached = graph.cast(graph.node("GreaterOrEqual", x, curves.knots), "DOUBLE")
    piece = graph.node("ReduceSum", reached, _LAST)
    design = graph.cast(graph.node("Equal", piece, np.arange(float(pieces))), "DOUBLE")
    if powers > 1:
        centre = graph.node("ReduceSum", graph.node("Mul", design, curves.centres), _LAST)
        raised = graph.node("Pow", graph.node("Sub", x, centre), np.arange(float(powers)))
        design = graph.node(
            "Mul", graph.node("Unsqueeze", design, _LAST), graph.node("Unsqueeze", raised, np.array([-2]))
        )
    # 0 keeps the rows; sources, pieces and powers become one axis.
    flat = graph.node("Reshape", design, np.array([0, inputs * pieces * powers]))
    return graph.node("MatMul", flat, curves.table.reshape(-1, sums))


def _terms(graph: _Graph, terms: Sequence[Term], step: Step, x: str) -> str:
    """Add the nodes of symbolic edges c·f(a·x + b) + d with one f; returns the name of the one with their sums, `(rows, subnodes)`.

    Args:
        graph: The graph.
        terms: The edges.
        step: The layer.
        x: The name of the node with the values below, `(rows, inputs)`.
    """
    a, b, c, d = np.array([[term.a, term.b, term.c, term.d] for term in terms]).T
    u = graph.node("Gather", x, np.array([term.source for term in terms]), axis=1)
    value = graph.apply(terms[0].form, graph.node("Add", graph.node("Mul", u, a), b))
    # A matrix, `(edges, subnodes)`, with a 1 where an edge leads.
    targets = np.eye(step.subnodes)[[term.target for term in terms]]
    return graph.node("MatMul", graph.node("Add", graph.node("Mul", value, c), d), targets)


# ---- functions that runtimes have in single precision, or not at all


def _asin(graph: _Graph, u: str) -> str:
    """Add the nodes of arcsin u by `_angle`, from its sine u and its cosine √(1 - u²); returns the name of the last one.

    `u` is the name of a node.
    """
    cosine = graph.node("Sqrt", graph.node("Mul", graph.node("Sub", 1.0, u), graph.node("Add", 1.0, u)))
    return _angle(graph, "Asin", u, u, cosine)


def _atan(graph: _Graph, u: str) -> str:
    """Add the nodes of arctan u by `_angle`, from its sine u/√(1 + u²) and its cosine 1/√(1 + u²); returns the name of the last one.

    `u` is the name of a node.
    """
    length = graph.node("Sqrt", graph.node("Add", graph.node("Mul", u, u), 1.0))
    return _angle(graph, "Atan", u, graph.node("Div", u, length), graph.node("Div", 1.0, length))


def _angle(graph: _Graph, operator: str, u: str, sine: str, cosine: str) -> str:
    """Add the nodes of an angle in double precision, for which runtimes have no operator; returns the name of the last one.

    Args:
        graph: The graph.
        operator: Gives the angle in single precision: `Asin` or `Atan`. The sine of what that lacks is added.
        u: The operator's argument.
        sine: The sine of the angle, in double precision.
        cosine: Its cosine.
    """
    rough = graph.cast(graph.node(operator, graph.cast(u, "FLOAT")), "DOUBLE")
    first = graph.node("Mul", sine, graph.node("Cos", rough))
    second = graph.node("Mul", cosine, graph.node("Sin", rough))
    # The sine of angle - rough: of a difference as small as round-off in single precision it is the difference itself.
    return graph.node("Add", rough, graph.node("Sub", first, second))


def _erf(graph: _Graph, u: str) -> str:
    """Add the nodes of erf u: 2u/√π times the integral of exp(-(ut)²) for t from 0 to 1, by Gauss and Legendre.

    `u` is the name of a node; returns the name of the last one.
    """
    points, weights = np.polynomial.legendre.leggauss(_ERF_POINTS)
    u = graph.node("Min", graph.node("Max", u, -_ERF_END), _ERF_END)
    # The rule is for -1 to 1: its points move to 0 to 1, its weights halve.
    places = graph.node("Mul", graph.node("Unsqueeze", u, _LAST), (points + 1) / 2)
    values = graph.node("Exp", graph.node("Neg", graph.node("Mul", places, places)))
    return graph.node("Mul", u, graph.node("MatMul", values, weights / math.sqrt(math.pi)))


def _j0(graph: _Graph, u: str) -> str:
    """Add the nodes of J₀(u), the mean of cos(u sin t) over a quarter of a turn: Bessel's integral, at the middles of equal steps.

    `u` is the name of a node; returns the name of the last one.
    """
    points = np.sin((np.arange(_POINTS) + 0.5) * (math.pi / 2 / _POINTS))
    values = graph.node("Cos", graph.node("Mul", graph.node("Unsqueeze", u, _LAST), points))
    return graph.node("MatMul", values, np.full(_POINTS, 1 / _POINTS))


_SPECIAL = {"asin": _asin, "atan": _atan, "erf": _erf, "J0": _j0}
