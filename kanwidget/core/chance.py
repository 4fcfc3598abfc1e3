"""Whether one thing predicts rows as well as another, but for what noise makes of it by chance: the one answer for all who compare."""

from __future__ import annotations

import math

import torch
from torch import Tensor

#: A mean squared error that is this much larger is the same.
_SAME = 1.05
#: Two standard errors of the paired differences are chance, but not more than this: the error rises by a tenth at most.
_CHANCE, _MOST = 2.0, 1.2
#: Mean squared errors below this, in scaled numbers, are round-off.
EXACT = 1e-20


def is_as_good(before: Tensor, after: Tensor, allowance: float = 0.0, *, noiseless: bool = False) -> bool:
    """Whether losses of rows aren't worse than before, or by no more than the rows' noise could have made them by chance.

    Args:
        before: Squared errors in scaled numbers, or cross-entropies, of each row, `(rows,)`, of a network or formula.
        after: The same of what shall replace it.
        allowance: A mean loss that is allowed in any case.
        noiseless: Whether the rows have no noise: then no difference is by chance.

    Examples:
        >>> before = torch.tensor([1.0, 2.0, 1.5, 0.5])
        >>> is_as_good(before, 1.01 * before), is_as_good(before, 2 * before)
        (True, False)
    """
    if not bool(torch.isfinite(after).all()):
        return False
    difference, old, new = after - before, float(before.mean()), float(after.mean())
    if new <= max(_SAME * old, allowance, EXACT):  # a twentieth more is the same, and so is round-off
        return True
    if noiseless or len(difference) < 3:  # two differences say nothing of their spread
        return False
    # Two standard errors of the mean difference of the same rows. With few rows they are large: there is a limit of a fifth more.
    chance = _CHANCE * float(difference.std()) / math.sqrt(len(difference))
    return new <= _MOST * old and float(difference.mean()) <= chance
