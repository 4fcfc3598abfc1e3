"""Whole formulas compared: their price, and their predictions of rows that were left out of the fit.

The function of every edge is chosen by the edge's curve, which the network learnt from noisy data. Only the data can decide
whether the formula as a whole is right: all its constants are fitted to them, and formulas compete by their price.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from kanwidget._types import Elementwise
from kanwidget.symbolic.formulas.constants import refit
from kanwidget.symbolic.formulas.evaluation import evaluate
from kanwidget.symbolic.formulas.regression.noise import noise_floor

if TYPE_CHECKING:
    import sympy

Table = dict[Any, tuple[float, float]]
#: Standard errors within which an exponent may be a simple number.
_NEAR = 2
#: Largest standard error of an exponent that may be whole, a half, a third or a quarter, by denominator: by chance one of the
#: fractions is as near in one case of five at most.
_LARGEST_ERROR = {1: 0.25, 2: 0.025, 3: 0.008, 4: 0.008}


def price(squares: float, rows: int, floor: float, constants: int, complexity: float) -> float:
    """The price of a formula, lower is better: Schwarz's criterion (BIC) for few rows, and one for every unit of complexity.

    n·log(squares/n) is minus twice the log-likelihood but for a constant, and k constants cost k·log n · n/(n - k - 2). A unit of
    complexity thus must make the data more likely by a factor of 1.6.

    Args:
        squares: Sum of the squared residuals.
        rows: Number of rows n.
        floor: The variance of a residual that counts as none: exact formulas differ only by their length.
        constants: Number of fitted constants.
        complexity: Sum over the functions.

    Examples:
        >>> price(4.0, 20, 0.0, 2, 1) < price(3.9, 20, 0.0, 3, 2) < price(20.0, 20, 0.0, 2, 1)
        True

    References:
        McQuarrie, "A small-sample correction for the Schwarz SIC model selection criterion", Statistics & Probability
        Letters 44 (1999).
    """
    few = rows / max(rows - constants - 2, 0.5)
    return rows * math.log(squares / rows + floor + 1e-300) + constants * math.log(max(rows, 2)) * few + complexity


def determined(table: Table) -> bool:
    """Whether no constant has a standard error larger than itself.

    Examples:
        >>> determined({"c": (2209.0, 7e4)}), determined({"c": (0.18, 0.006)})
        (False, True)
    """
    return all(error < abs(value) for value, error in table.values())


def squares(
    expr: sympy.Expr,
    variables: Sequence[sympy.Symbol],
    x: Tensor,
    y: Tensor,
    functions: dict[str, Elementwise] | None = None,
    *,
    logarithm: bool = False,
) -> float:
    """The sum of the squared residuals; infinite where the formula isn't finite.

    With `logarithm`, y and the formula are logarithms, and the residuals are those of their exponentials.

    Examples:
        >>> import sympy
        >>> t = sympy.Symbol("t")
        >>> squares(2 * t, [t], torch.ones(3, 1).double(), torch.ones(3).double())
        3.0
    """
    predicted, true = _values(expr, variables, x, functions), y.reshape(-1)
    total = float((true.exp() - predicted.exp() if logarithm else true - predicted).square().sum())
    return total if math.isfinite(total) else math.inf


def simple_exponents(
    expr: sympy.Expr,
    table: Table,
    powers: Sequence[Any],
    variables: Sequence[sympy.Symbol],
    x: Tensor,
    y: Tensor,
    functions: dict[str, Elementwise] | None = None,
) -> tuple[sympy.Expr, Table, list[tuple[float, float, sympy.Rational]]]:
    """The formula with simple numbers for those exponents that may well be simple, and the replaced values.

    In noisy data an exponent is seldom so certain that no fraction is near, yet powers are more often simple than not. An exponent
    within two standard errors of a whole number becomes it, of a half, third or quarter if its error is small enough to rule out
    chance, and 1 (or -1) if its error is above a quarter; all this if the formula then costs less. A saturation
    v·x^n/(x^n + k) becomes v·x/(x + k) where the data leave n open. All are tried at once, then each alone.

    Args:
        expr: The formula.
        table: Its constants with their errors.
        powers: Those that are exponents, from `exponents`.
        variables: The symbol of each column.
        x: Shape `(n, len(variables))`.
        y: Shape `(n,)` or `(n, 1)`.
        functions: The numeric edges in it.

    Examples:
        >>> import sympy
        >>> t = sympy.Symbol("t")
        >>> x = torch.linspace(0, 1, 9, dtype=torch.float64)[:, None]
        >>> y = 1.5 * x + 1 + 0.01 * torch.cos(40 * x)
        >>> fitted, constants = refit(1.51 * t + 1.0, [t], x, y)
        >>> power = next(c for c in constants if c > 1.2)
        >>> print(simple_exponents(fitted, constants, [power], [t], x, y)[0].evalf(2))
        1.5*t + 1.0
    """
    proposals = {power: simple for power in powers if power in table and (simple := _simple(*table[power]))}
    trials = [proposals] if len(proposals) > 1 else []
    trials += [{power: proposals[power]} for power in sorted(proposals, key=lambda power: table[power][1])]
    data = (variables, x, y, functions)
    costs = _cost(expr, table, data)
    replaced: list[tuple[float, float, Any]] = []
    for trial in trials:
        # Refitting moves the constants: each is identified by its former value.
        exponents = {min(table, key=lambda c: abs(float(c) - float(power))): simple for power, simple in trial.items()}
        trial_formula, trial_table = refit(expr.xreplace(exponents), *data)
        cost = _cost(trial_formula, trial_table, data)
        if cost <= costs and len(trial_table) < len(table):
            replaced += [(*table[power], simple) for power, simple in exponents.items()]
            expr, table, costs = trial_formula, trial_table, cost
            if trial is proposals:
                break
    return expr, table, replaced


def _simple(value: float, error: float) -> sympy.Rational | None:
    """The simple number that an exponent may be, or None."""
    import sympy

    if error > _LARGEST_ERROR[1]:
        return sympy.Integer(1 if value > 0 else -1)
    for denominator, largest in _LARGEST_ERROR.items():
        numerator = round(value * denominator)
        if numerator and error <= largest and abs(value - numerator / denominator) <= _NEAR * error:
            return sympy.Rational(numerator, denominator)
    return None


def _cost(expr: Any, table: Table, data: tuple[Any, ...]) -> float:
    y = data[2]
    return price(squares(expr, *data), len(y), noise_floor(y), len(table), 0)


def leave_one_out(
    expr: sympy.Expr,
    variables: Sequence[sympy.Symbol],
    x: Tensor,
    y: Tensor,
    functions: dict[str, Elementwise] | None = None,
) -> Tensor:
    """For every row the prediction of the formula fitted to all other rows, `(n,)`.

    Examples:
        >>> import sympy
        >>> t = sympy.Symbol("t")
        >>> x = torch.tensor([[1.0], [1.0], [1.0]]).double()
        >>> leave_one_out(sympy.Float(2.0) * t, [t], x, torch.tensor([1.0, 2.0, 6.0]).double()).round(decimals=6).tolist()
        [4.0, 3.5, 1.5]
    """
    predictions = []
    for row in range(len(x)):
        rest = torch.arange(len(x)) != row
        fitted, _ = refit(expr, variables, x[rest], y[rest], functions)
        predictions.append(_values(fitted, variables, x[row : row + 1], functions)[0])
    return torch.stack(predictions)


def _values(expr: Any, variables: Sequence[Any], x: Tensor, functions: dict[str, Elementwise] | None) -> Tensor:
    columns = dict(zip(variables, x.unbind(1), strict=True))
    with torch.no_grad():
        return evaluate(expr, columns, functions or {}, like=x[:, 0])
