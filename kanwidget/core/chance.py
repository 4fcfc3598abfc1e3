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
    """Whether losses of rows aren't worse than before, but for what the rows' noise makes of them by chance.

    Args:
        before: Squared errors in scaled numbers, or cross-entropies, of each row.
        after: The same of something else.
        allowance: A mean that is allowed in any case.
        noiseless: Whether nothing is chance.

    Examples:
        >>> before = torch.tensor([1.0, 2.0, 1.5, 0.5])
        >>> is_as_good(before, 1.01 * before), is_as_good(before, 2 * before)
        (True, False)
    """
    if not bool(torch.isfinite(after).all()):
        return False
    difference, old, new = after - before, float(before.mean()), float(after.mean())
    if new <= max(_SAME * old, allowance, EXACT):
        return True
    if noiseless or len(difference) < 3:
        return False
    chance = _CHANCE * float(difference.std()) / math.sqrt(len(difference))
    return new <= _MOST * old and float(difference.mean()) <= chance
