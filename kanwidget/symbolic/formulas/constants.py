"""The constants of a formula: rounding, and refitting with standard errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from kanwidget import _check
from kanwidget._types import Elementwise
from kanwidget.core.threads import limit_threads
from kanwidget.symbolic.formulas.regression.problem import Problem

if TYPE_CHECKING:
    import sympy


#: Constants smaller than this part of all that rounding leaves are round-off.
_ROUND_OFF = 1e-15


def ex_round(expr: sympy.Expr, digits: int) -> sympy.Expr:
    """Round the constants to so many decimals.

    Where that would divide by zero or make the expression infinite, the constants keep so many significant digits instead; and where
    a variable would vanish, those do that bring it in: a column of large numbers has a small factor.

    Args:
        expr: An expression.
        digits: Decimals, ≥ 0.

    Examples:
        >>> import sympy
        >>> x, pressure = sympy.symbols("x pressure")
        >>> ex_round(1.2345 * sympy.sin(3.14159 * x) + 1e-9, 2)
        1.23*sin(3.14*x)
        >>> ex_round(1.2345 * x + 1.2345e-5 * pressure, 2)
        1.2e-5*pressure + 1.23*x
    """
    import sympy

    _check.integer(digits, "digits", "ex_round", low=0)
    floats = sorted(expr.atoms(sympy.Float), key=float)
    places = {number: _float(round(float(number), digits)) for number in floats}
    short = {number: _float(float(f"{float(number):.{max(digits, 1)}g}")) for number in floats}
    rounded = expr.xreplace(places)
    if rounded.has(sympy.zoo, sympy.nan, sympy.oo):
        return expr.xreplace(short)
    lost = expr.free_symbols - rounded.free_symbols
    if not lost:
        return rounded
    least = _ROUND_OFF * min((abs(float(number)) for number in floats if places[number] != 0), default=0.0)
    for number in floats:
        if places[number] == 0 and abs(float(number)) > least:
            with_it = places | {number: short[number]}
            if lost & expr.xreplace(with_it).free_symbols:
                places = with_it
    return expr.xreplace(places)


def _float(value: float) -> sympy.Expr:
    """A constant; 0 and 1 as integers, so that they vanish from sums and products."""
    import sympy

    return sympy.Integer(int(value)) if value in (0.0, 1.0, -1.0) else sympy.Float(value)


@limit_threads
def refit(
    expr: sympy.Expr,
    variables: Sequence[sympy.Symbol],
    x: Tensor,
    y: Tensor,
    functions: dict[str, Elementwise] | None = None,
) -> tuple[sympy.Expr, dict[sympy.Float, tuple[float, float]]]:
    """Fit all constants of an expression to data by least squares.

    Every `Float` of the expression is a parameter of its own, decimal exponents of positive numbers among them; integers, fractions and
    π aren't. The standard errors
    are those of nonlinear regression, s²·(JᵀJ)⁻¹ with s² the residual variance; a constant that the data don't determine has
    an infinite one.

    Args:
        expr: The expression.
        variables: The symbol of each column of x.
        x: Shape `(n, len(variables))`.
        y: Shape `(n,)` or `(n, 1)`.
        functions: The numeric edges in it, from `numeric_functions(network)`.

    Returns:
        The expression with its new constants, and each constant's value and standard error.

    Examples:
        >>> import sympy, torch
        >>> t = sympy.Symbol("t")
        >>> x = torch.linspace(0, 1, 20, dtype=torch.float64)[:, None]
        >>> fitted, errors = refit(1.9 * sympy.sin(3.1 * t), [t], x, 2 * torch.sin(3 * x))
        >>> ex_round(fitted, 6)
        2.0*sin(3.0*t)
    """
    fit = Problem(variables, x, y, functions).fit(expr)
    return fit.expression, fit.table
