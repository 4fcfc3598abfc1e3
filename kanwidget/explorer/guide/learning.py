"""What the errors of a training say: that they are flat, or that the network learns the noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kanwidget.core import StepRecord
from kanwidget.explorer.session.undo import error_of

#: Steps without a gain after which an error counts as flat: at least so many, and this part of all steps.
_FLAT_STEPS, _FLAT_PART = 30, 1 / 3
#: The gain that counts: a tenth of the error.
_GAIN = 0.9
#: How far the test error must lie above its least value to be called risen, and how many steps behind that value lies.
_RISEN, _RISEN_STEPS = 1.15, 10


def flat_steps(records: Sequence[StepRecord]) -> int:
    """For how many steps the error has been flat: 0 while it still falls.

    The error is the one on the test data, without test data that on the training data.

    Args:
        records: Of the training since its beginning or the last act.

    Examples:
        >>> falling = [StepRecord(step, 0.5**step, None, 0.0, 0.0) for step in range(1, 21)]
        >>> flat = [StepRecord(20 + step, 0.5**20, None, 0.0, 0.0) for step in range(1, 41)]
        >>> flat_steps(falling), flat_steps([*falling, *flat])
        (0, 40)
    """
    # The last steps, which are to bring no gain: 30 of them, in a long training a third of all.
    window = max(_FLAT_STEPS, math.ceil(len(records) * _FLAT_PART))
    if len(records) <= window:
        return 0
    errors = [error_of(record) for record in records]
    least = min(errors)
    # It still falls where these have brought it down by more than a tenth, from the least error of all steps before.
    if not math.isfinite(least) or min(errors[:-window]) * _GAIN > least:
        return 0
    # The first step that was about as good as any later one.
    first = next(i for i, error in enumerate(errors) if error * _GAIN <= least)
    return len(errors) - 1 - first


@dataclass(frozen=True, slots=True)
class Overfit:
    """The test error rises while the training error falls."""

    best_step: int
    best_error: float
    error: float


def overfit(records: Sequence[StepRecord]) -> Overfit | None:
    """Whether the network learns the noise of its training rows: the test error has risen, and the training error has fallen.

    Args:
        records: Of the training since its beginning or the last act.

    Examples:
        >>> train, test = (1.0, 0.5, 0.3, 0.2), (1.0, 0.6, 0.8, 0.9)
        >>> steps = [StepRecord(i, a, b, 0.0, 0.0) for i, (a, b) in enumerate(zip(train, test))]
        >>> overfit([*steps, *[StepRecord(4 + i, 0.2, 0.9, 0.0, 0.0) for i in range(12)]])
        Overfit(best_step=1, best_error=0.6, error=0.9)
        >>> overfit(steps[:2]) is None
        True
    """
    tested = [(record.test_loss, record) for record in records if record.test_loss is not None]
    if len(tested) <= _RISEN_STEPS:
        return None
    best_error, best = min(tested, key=lambda pair: pair[0])
    error, record = tested[-1]
    risen = error > _RISEN * best_error and record.step >= best.step + _RISEN_STEPS
    if not risen or record.train_loss >= best.train_loss:
        return None
    return Overfit(best.step, best_error, error)
