"""The digits of a formula's constants: so many decimals, or as many as predictions need, and none for round-off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.symbolic.formulas.evaluation import has_values, to_numpy

if TYPE_CHECKING:
    import sympy

#: Rounding may move predictions by the first part of their spread, or by the second of the noise; all digits that there are.
_MOVE, _OF_NOISE, _ALL_DIGITS = 1e-3, 1 / 3, 17
#: A constant is round-off where predictions without it move by this part of the last digit.
_NOTHING = 1 / 3
#: Of more constants none is looked at alone.
_MOST_CONSTANTS = 200
#: Constants smaller than this part of all that rounding leaves are round-off.
_ROUND_OFF = 1e-15


def rounded(
    network: Network, outputs: Sequence[sympy.Expr], symbols: Sequence[sympy.Symbol], digits: int
) -> list[sympy.Expr]:
    """Expressions with so many significant digits, or more where predictions of the reference data need them.

    Rounding may move these by a thousandth of their spread, or a third of the noise. Constants that move them by less than a third of
    the last digit are round-off and go.

    Args:
        network: Where they come from.
        outputs: One for each output.
        symbols: The symbol of each column.
        digits: Significant digits, ≥ 1.
    """
    # The reference data: at most 512 training inputs, which the network keeps.
    x = network.reference.detach().double().cpu().numpy()
    if not len(x):
        return [shortened(expression, digits) for expression in outputs]
    # What training has learned of the uncertainty: the noise of the labels; none for classes.
    noise = 0.0 if network.posterior is None else network.posterior.noise or 0.0

    def values_of(formula: sympy.Expr) -> Any:
        """The formula's values on the reference data, `(n,)`."""
        return to_numpy(formula, symbols, network)(x)

    results = []
    for expression, unit in zip(outputs, network.output_scale.size.tolist(), strict=True):
        values = values_of(expression)
        spread = float(values.std()) or float(abs(values).max())
        # The noise is in scaled numbers; `unit` makes it one of the output.
        allowed = max(_MOVE * spread, _OF_NOISE * noise * unit)
        found = _without_idle_constants(expression, values_of, _NOTHING * 10.0**-digits * spread)
        for count in range(digits, _ALL_DIGITS + 1):
            short = shortened(found, count)
            if not (abs(values_of(short) - values) > allowed).any():
                break
        results.append(short)
    return results


def _without_idle_constants(expression: Any, values_of: Callable[[Any], Any], nothing: float) -> Any:
    """The expression without constants that say nothing of the reference data: taken away one by one, the smallest first.

    Args:
        expression: The expression.
        values_of: The values of an expression on the reference data, `(n,)`.
        nothing: By how much values may move without a constant that says nothing.
    """
    import sympy

    floats = sorted(expression.atoms(sympy.Float), key=lambda number: abs(float(number)))
    if len(floats) > _MOST_CONSTANTS:
        return expression
    values = values_of(expression)
    for number in floats:
        trial = expression.xreplace({number: sympy.Integer(0)})
        if has_values(trial) and (abs(values_of(trial) - values) <= nothing).all():
            expression = trial
    return expression


def shortened(expression: Any, digits: int) -> Any:
    """An expression with so many significant digits; whole numbers that come out are written as such.

    Examples:
        >>> import sympy
        >>> shortened(1.23456 * sympy.Symbol("x") + 2.0001, 3)
        1.23*x + 2
    """
    import sympy

    def rounded_one(number: Any) -> Any:
        """The number with so many digits; a whole number only while all its digits are significant."""
        value = float(f"{float(number):.{max(1, digits)}g}")
        return sympy.Integer(int(value)) if value == int(value) and abs(value) < 10**digits else sympy.Float(value)

    return expression.xreplace({number: rounded_one(number) for number in expression.atoms(sympy.Float)})


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
    if not has_values(rounded):
        return expr.xreplace(short)
    lost = expr.free_symbols - rounded.free_symbols
    if not lost:
        return rounded
    # Constants below it are round-off, and don't bring their variable back.
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
