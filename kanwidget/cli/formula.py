"""From a trained network to a formula with as few constants as the data need."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kanwidget.datasets import Dataset
    from kanwidget.kan import KAN

#: Formulas with more constants than this are left as they are: nobody reads them, and each trial is a fit.
_MOST_CONSTANTS = 8


def needed_constants(
    expression: Any, variables: Sequence[Any], data: Dataset, model: KAN
) -> tuple[Any, dict[Any, tuple[float, float]]]:
    """The expression without the constants that may as well be 0, with simple numbers where the data agree.

    Returns:
        The expression, and the constants that are left with their standard errors.
    """
    from kanwidget.symbolic import numeric_functions, refit, snap_constants

    given = (variables, data.train_input, data.train_label, numeric_functions(model))
    expression, table = refit(expression, *given)
    certain = all(error < 1e-3 * abs(value) for value, error in table.values())
    if len(table) > _MOST_CONSTANTS and not certain:
        return expression, table
    return refit(snap_constants(expression, *given[:3], functions=given[3]), *given)


def rounded(expression: Any) -> str:
    """The expression in Python's notation, its constants with four digits."""
    floats = [atom for atom in expression.atoms() if atom.is_Float]
    text = str(expression.xreplace({number: type(number)(f"{float(number):.4g}") for number in floats}))
    # 54170000.0 is 5.417e+07: the zeros would look like digits that are known.
    return re.sub(r"(?<![\w.])\d{6,}\.0\b", lambda found: f"{float(found[0]):.4g}", text)


def with_error(value: float, error: float) -> str:
    """A constant with its standard error, to the digit that the error leaves.

    Examples:
        >>> with_error(0.999918, 6.4e-5), with_error(212.68, 16.9), with_error(1.0, float("inf"))
        ('0.99992 ± 0.00006', '210 ± 20', '1 (any value)')
        >>> with_error(54173456.7, 8e6)
        '5.4e+07 ± 8e+06'
    """
    if not math.isfinite(error):
        return f"{value:.4g} (any value)"
    digits = -math.floor(math.log10(error)) if error > 0 else 99
    if 0 <= digits <= 8:
        return f"{value:.{digits}f} ± {error:.{digits}f}"
    if -4 <= digits < 0:
        return f"{round(value, digits):.0f} ± {round(error, digits):.0f}"
    places = math.floor(math.log10(abs(value))) + digits if value and error > 0 else 3
    return f"{value:.{min(max(places, 0), 9)}e} ± {error:.0e}"
