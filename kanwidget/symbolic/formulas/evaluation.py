"""The value of a sympy expression on data, without generating or running code.

`sympy.lambdify` knows no erf or Bessel function for NumPy, makes the cube root of a negative number complex, and executes
source text. Here the expression is walked instead, with torch's functions, which also gives derivatives.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from kanwidget import _check
from kanwidget._types import Elementwise
from kanwidget.core.network import Network
from kanwidget.core.primitives import primitives
from kanwidget.core.records import EdgeRef
from kanwidget.symbolic.formulas.words import SWITCH, level_mean
from kanwidget.symbolic.functions import from_sympy_node, nested
from kanwidget.symbolic.writing.naming import edge_name

if TYPE_CHECKING:
    import sympy

#: Names in print of the functions that are still splines, where these are few.
_LETTERS = "fgh"
#: Sums and products of several operands, by sympy's names.
_OPERATIONS = {"Add": nested(torch.add), "Mul": nested(torch.mul)}


def to_numpy(
    exprs: sympy.Expr | Sequence[sympy.Expr], variables: Sequence[sympy.Symbol], network: Network | None = None
) -> Callable[[Any], np.ndarray[Any, Any]]:
    """A function of an array that computes expressions in float64.

    Args:
        exprs: One expression, or a list.
        variables: The symbol of each column.
        network: Where the expressions come from, if some of its edges are numeric.

    Returns:
        A function of an array of shape `(n, len(variables))`; it returns `(n,)` for one expression, `(n, len(exprs))` for a list.

    Examples:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> to_numpy(sympy.cbrt(x) + 1, [x])([[-8.0], [27.0]])
        array([-1.,  4.])
    """
    several = isinstance(exprs, Sequence)
    listed = list(exprs) if isinstance(exprs, Sequence) else [exprs]
    symbols = list(variables)
    functions = {} if network is None else numeric_functions(network, torch.float64)

    def compute(x: Any) -> np.ndarray[Any, Any]:
        """The expressions on the rows of x, `(n, columns)`."""
        columns = torch.as_tensor(np.array(x, dtype=np.float64))
        if columns.ndim != 2 or columns.shape[1] != len(symbols):
            _check.fail("x", "to_numpy", f"an array of shape (n, {len(symbols)})", x)
        values = dict(zip(symbols, columns.unbind(1), strict=True))
        with torch.no_grad():
            outputs = [evaluate(expr, values, functions, like=columns[:, 0]) for expr in listed]
        result: np.ndarray[Any, Any] = (torch.stack(outputs, 1) if several else outputs[0]).numpy()
        return result

    return compute


def evaluate(
    expr: sympy.Basic, values: Mapping[sympy.Symbol, Tensor], functions: Mapping[str, Elementwise], *, like: Tensor
) -> Tensor:
    """The value of an expression, of the shape of `like`; equal parts are computed once.

    Args:
        expr: The expression.
        values: A tensor for every symbol.
        functions: Undefined functions by name, beside the primitives.
        like: Gives shape, type and device.
    """
    return _Evaluation(values, functions, like).value(expr).expand_as(like)


def has_values(expr: sympy.Basic) -> bool:
    """Whether no part of an expression is infinite, undefined or imaginary.

    Examples:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> has_values(1 / x), has_values((1 / x).xreplace({x: sympy.Integer(0)}))
        (True, False)
    """
    import sympy

    return not expr.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I)


class _Evaluation:
    """The values of an expression and of its parts on some rows."""

    def __init__(self, values: Mapping[Any, Tensor], functions: Mapping[str, Elementwise], like: Tensor) -> None:
        """Take a tensor for every symbol, undefined functions by name, and a tensor of the result's shape.

        `known` has the values of the parts of expressions that were computed already.
        """
        self.symbols, self.like = values, like
        self.functions = {row.name: row.fn for row in primitives()} | dict(functions)
        self.known: dict[Any, Tensor] = {}

    def value(self, node: Any) -> Tensor:
        """The value of a part, computed once."""
        if node not in self.known:
            self.known[node] = self._computed(node)
        return self.known[node]

    def _computed(self, node: Any) -> Tensor:
        """The value of a node from those of its operands: `(rows,)`, or a single number; refused for unknown symbols and functions."""
        import sympy

        if node in self.symbols:
            return self.symbols[node]
        if isinstance(node, sympy.Symbol):
            expected = f"the symbols of the expression; {node.name!r} is missing"
            _check.fail("variables", "to_numpy", expected, list(self.symbols))
        if node.is_Number or node.is_NumberSymbol:
            return self.like.new_tensor(float(node))  # of the type of `like`, a tensor of the shape of the result
        if isinstance(node, sympy.Pow):
            return self._power(self.value(node.base), node.exp)
        if isinstance(node, sympy.Piecewise):
            return self._piecewise(node)
        applied = from_sympy_node(node)
        if applied is not None:
            function, operands = applied
            return function.values(*map(self.value, operands))
        undefined = isinstance(node, sympy.core.function.AppliedUndef)
        name, table = (str(node.func), self.functions) if undefined else (type(node).__name__, _OPERATIONS)
        if name not in table:
            advice = "Pass the network, if it is one of its edges."
            _check.fail("expr", "to_numpy", "made of known functions", name, advice)
        return table[name](*map(self.value, node.args))

    def _power(self, base: Tensor, exponent: Any) -> Tensor:
        """The values `base` to the power of a sympy exponent, all real: the cube root of a negative number is negative."""
        if not exponent.is_Number:
            return base ** self.value(exponent)
        value = float(exponent)
        if exponent.is_Rational and abs(int(exponent.p)) == 1 and exponent.q == 3:
            root = torch.sign(base) * base.abs() ** (1 / 3)
            return root if value > 0 else 1 / root
        if value in (0.5, -0.5):
            return torch.sqrt(base) if value > 0 else 1 / torch.sqrt(base)
        return base ** int(value) if value.is_integer() else base**value

    def _piecewise(self, node: Any) -> Tensor:
        """The values of sympy's `Piecewise`, `(rows,)`: of the first part whose condition holds, nan where none does."""
        result = torch.full_like(self.like, math.nan)  # `like` has the shape of the result
        for value, condition in reversed(node.args):  # earlier parts are written over later ones
            result = torch.where(self._holds(condition), self.value(value).expand_as(self.like), result)
        return result

    def _holds(self, condition: Any) -> Tensor:
        """On which rows, those of `like`, a condition of a `Piecewise` holds: a comparison, or several with `And` and `Or`."""
        import sympy

        if condition in (sympy.true, sympy.false):
            return torch.full_like(self.like, condition == sympy.true, dtype=torch.bool)
        if isinstance(condition, (sympy.And, sympy.Or)):
            combine = torch.logical_and if isinstance(condition, sympy.And) else torch.logical_or
            return functools.reduce(combine, map(self._holds, condition.args))
        compare = {"<": torch.lt, "<=": torch.le, ">": torch.gt, ">=": torch.ge, "==": torch.eq, "!=": torch.ne}
        return compare[condition.rel_op](self.value(condition.lhs), self.value(condition.rhs))


def function_names(network: Network) -> dict[str, str]:
    """The name in print of every function that is still a spline, by its name in formulas.

    Up to three are f, g and h, more are f₁, f₂, …, in the order of layers, then of the nodes that they lead to, then of those that
    they come from. `phi_0_1_2` stays the name in expressions, since it says the edge: layer, source, target.

    Examples:
        >>> from kanwidget import KAN
        >>> function_names(KAN([2, 1]))
        {'phi_0_0_0': 'f', 'phi_0_1_0': 'g'}
    """
    refs = [ref for ref in network.edge_refs(active=True) if _has_name(network, ref)]
    refs.sort(key=lambda ref: (ref.layer, ref.target, ref.source))
    few = len(refs) <= len(_LETTERS)
    return {edge_name(*ref): _LETTERS[i] if few else f"f_{i + 1}" for i, ref in enumerate(refs)}


def _has_name(network: Network, ref: EdgeRef) -> bool:
    """Whether a formula has a name for an edge: that of a spline, or of a column of words with more than two different ones (levels).

    With two levels an edge of words is a term that is on or off, and needs no function.
    """
    layer = network.layer(ref.layer)
    state = layer.state(ref.source, ref.target)
    return state in ("spline", "both") or (state == "levels" and layer.levels[ref.source] != SWITCH)


def numeric_functions(network: Network, dtype: torch.dtype | None = None) -> dict[str, Callable[[Any], Any]]:
    """The numeric part of every edge that has one, by the name that it has in formulas.

    That is its spline; of a column of words the value of each, less the mean, which formulas add (see `Words`).

    Each takes a tensor, or anything that NumPy makes an array of, and returns the same: `sympy.lambdify(variables, expr,
    modules=[numeric_functions(network), "numpy"])` computes a formula with numeric edges.

    Examples:
        >>> from kanwidget import KAN
        >>> list(numeric_functions(KAN([2, 1])))
        ['phi_0_0_0', 'phi_0_1_0']
    """
    functions: dict[str, Callable[[Any], Any]] = {}
    for ref in network.edge_refs(active=True):
        if bool(network.layer(ref.layer).spline_on[ref.target, ref.source]):
            words = network.layer(ref.layer).state(ref.source, ref.target) == "levels"
            mean = level_mean(network, ref) if words else 0.0
            functions[edge_name(*ref)] = functools.partial(_numeric_part, network, ref, dtype, mean)
    return functions


def _numeric_part(network: Network, edge: EdgeRef, dtype: torch.dtype | None, mean: float, u: Any) -> Any:
    """Spline and base part of one edge, differentiable in u; of an edge of words the value of each word's number u, less the mean.

    Args:
        network: The network.
        edge: The edge.
        dtype: Of the result; by default that of u.
        mean: What is subtracted.
        u: Values in own units (the data's): a tensor, or anything that NumPy makes an array of; the result is of the same kind and shape.
    """
    layer, units = network.layer(edge.layer), network.edge_units(edge)
    values = u if isinstance(u, Tensor) else torch.from_numpy(np.array(u, dtype=np.float64))
    flat = values.reshape(-1, 1).to(layer.coef)
    # Every input gets these values, and one column is used: writing into one would cost the derivative.
    design = layer.design(((flat - units.x_centre) / units.x_size).expand(-1, layer.in_dim))
    value = design[:, edge.source] @ layer.weight()[edge.target, edge.source].detach()
    value = units.y_size * value - mean
    value = value.reshape(values.shape).to(values.device, values.dtype if dtype is None else dtype)
    return value if isinstance(u, Tensor) else value.detach().numpy()
