"""Formulas that were fitted to logarithms, written in the data's own units, with the errors of their new constants.

log v = 1.98·log g + 1.12·log h - 6.63 is v = 0.00131·g^1.98·h^1.12: the constants of the second formula are functions of those
of the first, and so are their errors (to first order: the gradient times the covariance).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from kanwidget._types import Elementwise
from kanwidget.core.primitives import primitives
from kanwidget.symbolic.formulas.regression.problem import Fit, Problem, parametrize
from kanwidget.symbolic.formulas.snapping import exact_number
from kanwidget.symbolic.functions import from_sympy_node

if TYPE_CHECKING:
    import sympy

#: Complexity of a function without a primitive, beyond that of x.
_UNKNOWN = 3.0
#: Exponentials of larger numbers are never exact numbers.
_LARGE = 100.0


class Logs(NamedTuple):
    """The columns that are natural logarithms."""

    inputs: tuple[bool, ...]
    """One for each input."""
    output: bool


class InUnits(NamedTuple):
    """A formula in the units of the data."""

    expression: sympy.Expr
    constants: list[tuple[float, float]]
    """Its decimals, in their order, with their standard errors."""


def in_units(
    expr: sympy.Expr,
    variables: Sequence[sympy.Symbol],
    x: Tensor,
    y: Tensor,
    logs: Logs,
    functions: dict[str, Elementwise] | None = None,
) -> InUnits:
    """A formula that was fitted to `x` and `y`, of which some columns are logarithms, in the units of the data.

    Args:
        expr: The formula, with the constants that `refit` left.
        variables: The symbol of each column, the same for the column and for its logarithm.
        x: The columns as they were fitted, shape `(n, len(variables))`.
        y: The labels as they were fitted, shape `(n,)` or `(n, 1)`.
        logs: Which of them are logarithms.
        functions: The numeric edges in the formula.

    Examples:
        >>> import sympy
        >>> a = sympy.Symbol("a")
        >>> u = torch.linspace(0, 1, 9, dtype=torch.float64)[:, None]
        >>> fitted = in_units(sympy.Float(2) * a + 0.5, [a], u, 2 * u + 0.5, Logs((True,), True))
        >>> print(fitted.expression.evalf(4), len(fitted.constants))
        1.649*a**2.0 2
    """
    return fit_in_units(Problem(variables, x, y, functions, where="in_units").at(expr), variables, logs)


def fit_in_units(fit: Fit, variables: Sequence[sympy.Symbol], logs: Logs | None = None) -> InUnits:
    """A fit in the units of the data; where no column is a logarithm, what its constants make up together is one number."""
    read = fit.template if logs is None else _rewritten(fit.template, variables, logs)
    constants_by_symbol = dict(zip(fit.symbols, fit.values.tolist(), strict=True))
    constants: list[tuple[float, float]] = []

    def constant(part: Any) -> Any:
        return _constant(part, constants_by_symbol, fit.symbols, fit.covariance, constants)

    return InUnits(_folded(read, set(fit.symbols), constant), constants)


def exponents(expr: sympy.Expr, variables: Sequence[sympy.Symbol], logs: Logs) -> list[sympy.Float]:
    """The constants of a formula in logarithms that are powers once it is written in the units of the data.

    Examples:
        >>> import sympy
        >>> a = sympy.Symbol("a")
        >>> exponents(2.01 * a + 0.5, [a], Logs((True,), True))
        [2.01000000000000]
    """
    import sympy

    if not logs.output and not any(logs.inputs):
        return []
    template, symbols, values = parametrize(expr)
    read = _rewritten(template, variables, logs)
    powers = {signed for power in read.atoms(sympy.Pow) for signed in (power.exp, -power.exp)}
    return [sympy.Float(value) for symbol, value in zip(symbols, values.tolist(), strict=True) if symbol in powers]


def complexity(expr: sympy.Expr, variables: Sequence[sympy.Symbol], logs: Logs) -> float:
    """The complexity of a formula in the units of the data, constants aside.

    One for every mention of a variable, and for every function and power its complexity beyond that of x: a sum of primitives
    has about the sum of their complexities, and a function that only undoes a logarithm counts for nothing.

    Examples:
        >>> import sympy
        >>> a, b = sympy.symbols("a b")
        >>> complexity(2.1 * a + b, [a, b], Logs((True, True), True)), complexity(2.1 * sympy.exp(a), [a], Logs((False,), False))
        (3.0, 2.0)
    """
    import sympy

    costs = {primitive.name: primitive.complexity - 1 for primitive in primitives()}
    total = 0.0
    for node in sympy.preorder_traversal(_rewritten(expr, variables, logs)):
        if isinstance(node, sympy.Symbol):
            total += 1
        elif isinstance(node, sympy.Pow) and node.free_symbols:
            total += 1 if abs(node.exp) in (1, 2, sympy.Rational(1, 2)) or not node.exp.is_Rational else 1.5
        elif isinstance(node, sympy.Function) and node.free_symbols:
            applied = from_sympy_node(node)
            primitive = applied[0].primitive if applied is not None else None
            total += costs.get(type(node).__name__ if primitive is None else primitive.name, _UNKNOWN)
    return total


def exact_factor(expr: sympy.Expr, table: dict[Any, tuple[float, float]]) -> sympy.Expr:
    """A formula for a logarithm whose additive constant is the logarithm of an exact number, if the data say so.

    Examples:
        >>> import sympy
        >>> x, d = sympy.Symbol("x"), sympy.Float(-0.69314718)
        >>> exact_factor(2 * x + d, {d: (-0.69314718, 1e-8)})
        2*x - log(2)
    """
    import sympy

    for term in sympy.Add.make_args(expr):
        if term in table and abs(table[term][0]) < _LARGE:
            value, error = table[term]
            _, exact = exact_number(math.exp(value), math.exp(value) * error)
            return expr if exact is None else expr - term + sympy.log(exact)
    return expr


def _rewritten(template: Any, variables: Sequence[Any], logs: Logs) -> Any:
    import sympy

    pairs = {v: sympy.log(v) for v, logged in zip(variables, logs.inputs, strict=True) if logged}
    read = template.xreplace(pairs)
    return _without_logs(sympy.exp(read) if logs.output else read) if pairs or logs.output else read


def _without_logs(node: Any) -> Any:
    """exp(c·log x + d) as x^c·exp(d), and 1/(1 + k/x) as x/(x + k)."""
    import sympy

    if not node.args:
        return node
    node = node.func(*(_without_logs(arg) for arg in node.args))
    if isinstance(node, sympy.exp):
        node = _power(node)
    if isinstance(node, sympy.Pow) and node.exp.is_Integer and node.exp < 0 and isinstance(node.base, sympy.Add):
        together = sympy.together(node.base)
        above, below = sympy.fraction(together)
        node = (below / above) ** (-node.exp) if below.free_symbols else node
    return node


def _power(node: Any) -> Any:
    import sympy

    factors, rest = [], []
    for term in sympy.Add.make_args(sympy.expand_mul(node.args[0])):
        logs = [factor for factor in sympy.Mul.make_args(term) if isinstance(factor, sympy.log)]
        if len(logs) == 1:
            factors.append(logs[0].args[0] ** (term / logs[0]))
        else:
            rest.append(term)
    return _without_logs_again(sympy.Mul(*factors)) * sympy.exp(sympy.Add(*rest))


def _without_logs_again(node: Any) -> Any:
    return node if not any(arg.args for arg in node.args) else node.func(*(_without_logs(arg) for arg in node.args))


def _folded(node: Any, symbols: set[Any], constant: Any) -> Any:
    """The expression with every part that holds nothing but constants made one number."""
    import sympy

    free = node.free_symbols
    if free and free <= symbols:
        return constant(node)
    if not free & symbols:
        return node
    if isinstance(node, sympy.exp):
        # exp(5.1 + 0.3·x) reads better as 164·exp(0.3·x).
        outer, inner = _split_exponentials([node], symbols)
        if outer:
            return constant(outer[0]) * _folded(inner[0], symbols, constant)
    if isinstance(node, (sympy.Add, sympy.Mul)):
        fixed = [arg for arg in node.args if arg.free_symbols <= symbols]
        rest = [arg for arg in node.args if not arg.free_symbols <= symbols]
        if isinstance(node, sympy.Mul):
            outer, rest = _split_exponentials(rest, symbols)
            fixed += outer
        together = node.func(*fixed)
        inner = constant(together) if together.free_symbols else together
        return node.func(inner, *(_folded(arg, symbols, constant) for arg in rest))
    return node.func(*(_folded(arg, symbols, constant) for arg in node.args))


def _split_exponentials(factors: list[Any], symbols: set[Any]) -> tuple[list[Any], list[Any]]:
    """Factors exp(c + r) as the factors exp(c), which are constant, and exp(r)."""
    import sympy

    outer, inner = [], []
    for factor in factors:
        terms = sympy.Add.make_args(factor.args[0]) if isinstance(factor, sympy.exp) else ()
        fixed = [term for term in terms if term.free_symbols <= symbols]
        if fixed and len(fixed) < len(terms):
            outer.append(sympy.exp(sympy.Add(*fixed)))
            inner.append(sympy.exp(sympy.Add(*(term for term in terms if term not in fixed))))
        else:
            inner.append(factor)
    return outer, inner


def _constant(part: Any, values: dict[Any, float], symbols: list[Any], covariance: Tensor, constants: list[Any]) -> Any:
    """A number, and its standard error by the gradient."""
    import sympy

    value = float(part.subs(values))
    gradient = torch.tensor([float(part.diff(s).subs(values)) if s in part.free_symbols else 0.0 for s in symbols])
    gradient = gradient.double()
    loose = torch.isinf(covariance.diagonal()) & (gradient != 0)
    finite = torch.where(torch.isfinite(covariance), covariance, 0.0)
    error = float("inf") if bool(loose.any()) else float((gradient @ finite @ gradient).clamp(min=0).sqrt())
    constants.append((value, error))
    return sympy.Float(value)
