"""The digits with which the constants of an equation are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kanwidget.symbolic.writing.precision import digits_by_size

if TYPE_CHECKING:
    from kanwidget.symbolic.formulas.regression.problem import Problem

#: A formula as it is written may miss the rows by this part more, in squares; the most digits that are added for it.
_WORSE, _MOST_MORE = 0.01, 6


def written_digits(problem: Problem, expression: Any, constants: Mapping[Any, tuple[float, float]]) -> dict[float, int]:
    """The digits that the errors of constants allow, and more where the formula as it is written would else miss the rows.

    Constants that make up for each other, as in a line far from its intercept, are known better together than one by one.

    Args:
        problem: The rows.
        expression: With the constants.
        constants: Each with its value and standard error.
    """
    limit = (1 + _WORSE) * problem.deviance(expression)
    for more in range(_MOST_MORE):
        digits = digits_by_size(constants, more)
        if problem.deviance(_rounded(expression, digits)) <= limit:
            return digits
    return digits_by_size(constants)


def _rounded(expression: Any, digits: Mapping[float, int]) -> Any:
    """The expression that a reader takes from the page."""
    import sympy

    numbers = {number: abs(float(number)) for number in expression.atoms(sympy.Float)}
    return expression.xreplace(
        {n: sympy.Float(f"{float(n):.{digits[size] - 1}e}") for n, size in numbers.items() if size in digits}
    )
