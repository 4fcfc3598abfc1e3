"""Fitted formulas as they are read: one number for what several constants make up together, with its error; and how long they are.

exp(5.1 + 0.3·x) is 164·exp(0.3·x): the constants of the second formula are functions of those of the first, and so are their
errors (to first order: the gradient times the covariance).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from kanwidget.core.primitives import primitives
from kanwidget.symbolic.formulas.regression.problem import Fit
from kanwidget.symbolic.functions import from_sympy_node

if TYPE_CHECKING:
    import sympy

#: Complexity of a function without a primitive, beyond that of x.
_UNKNOWN = 3.0


class InUnits(NamedTuple):
    """A formula in the units of the data."""

    expression: sympy.Expr
    constants: dict[sympy.Float, tuple[float, float]]
    """Its decimals, each with its value and standard error; the larger error where two have one value."""


def fit_in_units(fit: Fit) -> InUnits:
    """A fit with one number for what its constants make up together."""
    import sympy

    values = dict(zip(fit.symbols, fit.values.tolist(), strict=True))
    undetermined = torch.isinf(fit.covariance.diagonal())
    covariance = torch.where(torch.isfinite(fit.covariance), fit.covariance, 0.0)
    constants: dict[Any, tuple[float, float]] = {}

    def number(part: Any) -> Any:
        """The value of a part, and its standard error by the gradient."""
        value = float(part.subs(values))
        slopes = [float(part.diff(s).subs(values)) if s in part.free_symbols else 0.0 for s in fit.symbols]
        gradient = torch.tensor(slopes, dtype=torch.float64)
        error = float((gradient @ covariance @ gradient).clamp(min=0).sqrt())
        if bool((undetermined & (gradient != 0)).any()):
            error = math.inf
        constant = sympy.Float(value)
        _, former = constants.get(constant, (value, 0.0))
        constants[constant] = (value, max(error, former))
        return constant

    return InUnits(_folded(fit.template, set(fit.symbols), number), constants)


def complexity(expr: sympy.Expr) -> float:
    """The complexity of a formula, constants aside.

    One for every mention of a variable, and for every function and power its complexity beyond that of x: a sum of primitives
    has about the sum of their complexities.

    Examples:
        >>> import sympy
        >>> a, b = sympy.symbols("a b")
        >>> complexity(2.1 * a + b), complexity(2.1 * sympy.exp(a))
        (2.0, 2.0)
    """
    import sympy

    costs = {primitive.name: primitive.complexity - 1 for primitive in primitives()}
    total = 0.0
    for node in sympy.preorder_traversal(expr):
        if isinstance(node, sympy.Symbol):
            total += 1
        elif isinstance(node, sympy.Pow) and node.free_symbols:
            total += 1 if abs(node.exp) in (1, 2, sympy.Rational(1, 2)) or not node.exp.is_Rational else 1.5
        elif isinstance(node, sympy.Function) and node.free_symbols:
            applied = from_sympy_node(node)
            primitive = applied[0].primitive if applied is not None else None
            total += costs.get(type(node).__name__ if primitive is None else primitive.name, _UNKNOWN)
    return total


def _folded(node: Any, symbols: set[Any], number: Callable[[Any], Any]) -> Any:
    """The expression with every part that holds nothing but constants made one number."""
    import sympy

    free = node.free_symbols
    if free and free <= symbols:
        return number(node)
    if not free & symbols:
        return node
    if isinstance(node, sympy.exp):
        # exp(5.1 + 0.3·x) reads better as 164·exp(0.3·x).
        outer, inner = _split_exponentials([node], symbols)
        if outer:
            return number(outer[0]) * _folded(inner[0], symbols, number)
    if isinstance(node, (sympy.Add, sympy.Mul)):
        fixed = [arg for arg in node.args if arg.free_symbols <= symbols]
        rest = [arg for arg in node.args if not arg.free_symbols <= symbols]
        if isinstance(node, sympy.Mul):
            outer, rest = _split_exponentials(rest, symbols)
            fixed += outer
        together = node.func(*fixed)
        inner = number(together) if together.free_symbols else together
        return node.func(inner, *(_folded(arg, symbols, number) for arg in rest))
    return node.func(*(_folded(arg, symbols, number) for arg in node.args))


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
