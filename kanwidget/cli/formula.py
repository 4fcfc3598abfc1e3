"""From a trained network to a formula with as few constants as the data need."""

from __future__ import annotations

import math
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

    Backward elimination: one after the other, the least certain first, a constant below three of its standard errors
    is set to 0, the others are fitted again, and the change stays unless the squared error grows by more than the
    F-test allows at those three standard errors.

    Returns:
        The expression, and the constants that are left with their standard errors.
    """
    from kanwidget.symbolic import numeric_functions, refit, snap_constants, to_numpy

    def squares(formula: Any) -> float:
        return float((y - x.new_tensor(to_numpy(formula, variables, model)(x.numpy())[:, None])).square().sum())

    x, y = data.train_input, data.train_label
    functions = numeric_functions(model)
    given = (variables, x, y, functions)
    expression, table = refit(expression, *given)
    tiny = 1e-10 * max(1.0, float(x.abs().max()), float(y.abs().max()))
    kept: set[str] = set()
    while len(table) <= _MOST_CONSTANTS:
        certainty = {
            c: abs(v) / error if error else 0 for c, (v, error) in table.items() if abs(v) < max(3 * error, tiny)
        }
        doubtful = [c for c in sorted(certainty, key=lambda entry: certainty[entry]) if f"{float(c):.2g}" not in kept]
        if not doubtful:
            break
        trial, errors = refit(expression.xreplace({doubtful[0]: 0 * doubtful[0]}), *given)
        limit = squares(expression) * (1 + 9 / max(1, len(x) - len(table))) + len(x) * tiny**2
        if trial.free_symbols and squares(trial) <= limit:
            expression, table = trial, errors
        else:
            kept.add(f"{float(doubtful[0]):.2g}")
    # A constant that is known to three digits only is near some simple number by chance.
    if all(error < 1e-3 * abs(float(constant)) for constant, (_, error) in table.items()):
        expression = snap_constants(expression, variables, x, y, functions=functions)
    return refit(expression, *given)


def rounded(expression: Any) -> str:
    """The expression in Python's notation, its constants with four digits."""
    floats = [atom for atom in expression.atoms() if atom.is_Float]
    return str(expression.xreplace({number: type(number)(f"{float(number):.4g}") for number in floats}))


def with_error(value: float, error: float) -> str:
    """A constant with its standard error, to the digit that the error leaves.

    Examples:
        >>> with_error(0.999918, 6.4e-5), with_error(212.68, 6.9), with_error(1.0, float("inf"))
        ('0.99992 ± 0.00006', '213 ± 7', '1 (any value)')
    """
    if not math.isfinite(error):
        return f"{value:.4g} (any value)"
    digits = -math.floor(math.log10(error)) if error > 0 else 99
    return f"{value:.{digits}f} ± {error:.{digits}f}" if 0 <= digits <= 8 else f"{value:.4g} ± {error:.1g}"
