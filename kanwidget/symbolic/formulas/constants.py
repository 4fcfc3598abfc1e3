"""The constants of a formula: rounding, and refitting with standard errors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget._types import Elementwise
from kanwidget.core.threads import limit_threads
from kanwidget.symbolic.formulas.evaluation import evaluate

if TYPE_CHECKING:
    import sympy

_STEPS = 100


def ex_round(expr: sympy.Expr, digits: int) -> sympy.Expr:
    """Round the constants to so many decimals.

    Where that would divide by zero or make the expression infinite, the constants keep so many significant digits instead.

    Args:
        expr: An expression.
        digits: Decimals, ≥ 0.

    Examples:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> ex_round(1.2345 * sympy.sin(3.14159 * x) + 1e-9, 2)
        1.23*sin(3.14*x)
    """
    import sympy

    _check.integer(digits, "digits", "ex_round", low=0)
    floats = sorted(expr.atoms(sympy.Float), key=float)
    rounded = expr.xreplace({number: _float(round(float(number), digits)) for number in floats})
    if rounded.has(sympy.zoo, sympy.nan, sympy.oo):
        significant = max(digits, 1)
        return expr.xreplace({number: _float(float(f"{float(number):.{significant}g}")) for number in floats})
    return rounded


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

    Every `Float` of the expression is a parameter of its own; integers, fractions, π and exponents aren't. The standard errors
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
        >>> import sympy
        >>> t = sympy.Symbol("t")
        >>> x = torch.linspace(0, 1, 20, dtype=torch.float64)[:, None]
        >>> fitted, errors = refit(1.9 * sympy.sin(3.1 * t), [t], x, 2 * torch.sin(3 * x))
        >>> ex_round(fitted, 6)
        2.0*sin(3.0*t)
    """
    import sympy

    columns, target = samples(x, y, variables, "refit")
    template, symbols, start = parametrize(expr)
    if not symbols:
        return expr, {}
    columns_by_symbol = dict(zip(variables, columns.unbind(1), strict=True))
    values, jacobian, residual = _least_squares(template, symbols, start, columns_by_symbol, target, functions or {})
    errors = _covariance(jacobian, residual).diagonal().sqrt()
    constants = [sympy.Float(value) for value in values.tolist()]
    table: dict[Any, tuple[float, float]] = {}
    for constant, value, error in zip(constants, values.tolist(), errors.tolist(), strict=True):
        table[constant] = max((value, error), table.get(constant, (value, error)), key=lambda pair: pair[1])
    return template.xreplace(dict(zip(symbols, constants, strict=True))), table


def linearize(
    expr: sympy.Expr,
    variables: Sequence[sympy.Symbol],
    x: Tensor,
    y: Tensor,
    functions: dict[str, Elementwise] | None = None,
) -> tuple[Any, list[Any], Tensor, Tensor]:
    """A fitted expression with a symbol for each constant, the symbols, their values, and the covariance of these.

    The variance of a constant that the data don't determine is infinite.
    """
    columns, target = samples(x, y, variables, "in_units")
    template, symbols, values = parametrize(expr)
    if not symbols:
        return template, [], values, torch.zeros(0, 0, dtype=torch.float64)
    columns_by_symbol = dict(zip(variables, columns.unbind(1), strict=True))
    fitted, jacobian = _model(template, symbols, values, columns_by_symbol, len(target), functions or {})
    return template, symbols, values, _covariance(jacobian, target - fitted)


def samples(x: Tensor, y: Tensor, variables: Sequence[Any], where: str) -> tuple[Tensor, Tensor]:
    """The data in float64, x `(n, variables)` and y `(n,)`, after a check of their shapes."""
    if not isinstance(x, Tensor) or x.ndim != 2 or x.shape[1] != len(variables):
        _check.fail("x", where, f"a tensor of shape (n, {len(variables)})", x)
    if not isinstance(y, Tensor) or y.numel() != x.shape[0]:
        _check.fail("y", where, f"a tensor of {x.shape[0]} numbers", y)
    return x.detach().to("cpu", torch.float64), y.detach().to("cpu", torch.float64).reshape(-1)


def parametrize(expr: Any) -> tuple[Any, list[Any], Tensor]:
    """The expression with a symbol instead of each Float, the symbols, and the values of the Floats."""
    import sympy

    symbols: list[Any] = []
    values: list[float] = []

    def visit(node: Any) -> Any:
        if isinstance(node, sympy.Float):
            symbols.append(sympy.Dummy(f"c{len(symbols)}"))
            values.append(float(node))
            return symbols[-1]
        if not node.args:
            return node
        if isinstance(node, sympy.Pow):
            return node.func(visit(node.base), node.exp if node.exp.is_Number else visit(node.exp))
        return node.func(*(visit(arg) for arg in node.args))

    template = visit(expr)
    return template, symbols, torch.tensor(values, dtype=torch.float64)


def _model(
    template: Any,
    symbols: list[Any],
    values: Tensor,
    columns_by_symbol: dict[Any, Tensor],
    n: int,
    functions: dict[str, Elementwise],
) -> tuple[Tensor, Tensor]:
    """Values `(n,)` and Jacobian `(n, constants)`.

    Each constant has a copy for every sample: the value of sample i depends only on the i-th copies, so the gradient of the sum is
    the whole Jacobian, in one backward pass.
    """
    with torch.enable_grad():
        copies = values[:, None].expand(-1, n).clone().requires_grad_(True)
        tensors = columns_by_symbol | dict(zip(symbols, copies.unbind(0), strict=True))
        like = torch.zeros(n, dtype=torch.float64)
        value = evaluate(template, tensors, functions, like=like)
        (gradient,) = torch.autograd.grad(value.sum(), copies)
    return value.detach(), gradient.T


def _least_squares(
    template: Any,
    symbols: list[Any],
    start: Tensor,
    columns_by_symbol: dict[Any, Tensor],
    target: Tensor,
    functions: dict[str, Elementwise],
) -> tuple[Tensor, Tensor, Tensor]:
    """Levenberg-Marquardt with each constant scaled by its own column of the Jacobian."""
    values, damping = start, 1e-3
    fitted, jacobian = _model(template, symbols, values, columns_by_symbol, len(target), functions)
    if not bool(torch.isfinite(fitted).all() and torch.isfinite(jacobian).all()):
        # A start outside of a function's domain has no direction of descent, and no constant is determined.
        return values, torch.zeros_like(jacobian), target
    for _ in range(_STEPS):
        residual = target - fitted
        scale = jacobian.norm(dim=0).clamp(min=1e-300)
        scaled = jacobian / scale
        lhs = torch.cat([scaled, math.sqrt(damping) * torch.eye(len(values), dtype=torch.float64)])
        rhs = torch.cat([residual, torch.zeros(len(values), dtype=torch.float64)])
        step = torch.linalg.lstsq(lhs, rhs[:, None], driver="gelsd").solution[:, 0] / scale
        trial = values + step
        trial_fitted, trial_jacobian = _model(template, symbols, trial, columns_by_symbol, len(target), functions)
        squares, trial_squares = float(residual.square().sum()), float((target - trial_fitted).square().sum())
        if math.isfinite(trial_squares) and bool(torch.isfinite(trial_jacobian).all()) and trial_squares <= squares:
            values, fitted, jacobian, damping = trial, trial_fitted, trial_jacobian, max(damping * 0.2, 1e-15)
            if squares - trial_squares <= 1e-14 * squares:
                break
        elif damping > 1e8:
            break
        else:
            damping *= 10
    return values, jacobian, target - fitted


def _covariance(jacobian: Tensor, residual: Tensor) -> Tensor:
    """s²·(JᵀJ)⁻¹; the variance is infinite where a constant lies in a direction that changes nothing."""
    n, count = jacobian.shape
    scale = jacobian.norm(dim=0)
    safe = torch.where(scale > 0, scale, 1.0)
    _, s, vh = torch.linalg.svd(jacobian / safe, full_matrices=True)
    s = torch.cat([s, torch.zeros(count - len(s), dtype=s.dtype)])
    null = s < 1e-9 * s.max()
    inverse = torch.where(null, 0.0, 1 / torch.where(null, 1.0, s)) ** 2
    unit = (vh.T * inverse) @ vh / safe[:, None] / safe
    loose = ((vh[null] ** 2).sum(0) > 1e-6) | (scale == 0)
    covariance = unit * float(residual.square().sum()) / max(n - count, 1)
    covariance.diagonal().masked_fill_(loose, torch.inf)
    return covariance
