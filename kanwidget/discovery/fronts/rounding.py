"""How far rounding has moved the values of a table: those of float32, and numbers that were written with few decimals."""

from __future__ import annotations

import torch
from torch import Tensor

#: Times the last bit of float32: a law's value has been rounded in several operations.
_OPERATIONS = 4.0
#: Most decimals that are looked for, and the largest number that is read so: beyond it any number seems to have them.
_DECIMALS, _LARGEST = 9, 1e11
#: By so much an error may lie above that of decimals, since a formula's constants are fitted to other rows.
_CHANCE = 1.5
#: Rounding that makes more of the spread than this is noise as any other: formulas of all kinds are as near as that.
_COARSE = 1e-4


def rounding(y: Tensor) -> float:
    """The error that rounding may leave of a law, as a root mean square; 0 where values have all digits.

    Args:
        y: The values, `(n,)`, float64.

    Examples:
        >>> y = torch.linspace(1, 2, 50, dtype=torch.float64).sqrt()
        >>> rounding(y), round(rounding(y.float().double()), 7), round(rounding((1e5 * y).round() / 1e5), 8)
        (0.0, 6e-07, 4.33e-06)
    """
    size = float(y.square().mean().sqrt())
    single = _OPERATIONS * torch.finfo(torch.float32).eps * size if torch.equal(y.float().double(), y) else 0.0
    return max(single, _of_decimals(y))


def _of_decimals(y: Tensor) -> float:
    """That of decimals that were left out."""
    largest, spread = float(y.abs().max()), float(y.std(correction=0))
    for decimals in range(_DECIMALS + 1):
        scaled = y * 10.0**decimals
        if largest * 10.0**decimals > _LARGEST:
            return 0.0
        near = 8 * torch.finfo(torch.float64).eps * scaled.abs()
        if bool(((scaled - scaled.round()).abs() <= near).all()):
            error = 10.0**-decimals / 12**0.5
            return _CHANCE * error if error < _COARSE * spread else 0.0
    return 0.0
