"""The evidence of a fit with constants alone, which have no prices."""

from __future__ import annotations

import math

#: The least mean square of which Schwarz's criterion takes the logarithm.
_LEAST_SQUARE = 1e-300


def schwarz(mean_square: float, rows: int, constants: int) -> float:
    """The logarithm of the evidence of a fit with some constants, where these have no priors, by Schwarz's criterion.

    That is the logarithm of the likelihood, with the mean square as the noise's variance, minus ½·log(rows) for each constant.

    Args:
        mean_square: Mean of the fit's squared residuals, in scaled numbers.
        rows: Number of labels, ≥ 1.
        constants: Number of the fit's constants.

    Examples:
        >>> schwarz(0.01, 100, 2) > schwarz(0.01, 100, 3) > schwarz(0.011, 100, 2)
        True
    """
    likelihood = -rows / 2 * (math.log(2 * math.pi * max(mean_square, _LEAST_SQUARE)) + 1)
    return likelihood - constants / 2 * math.log(rows)
