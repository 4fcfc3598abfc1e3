"""When an error counts as flat, and when as overfitting."""

import math

import pytest

from kanwidget.core import StepRecord
from kanwidget.explorer.guide.learning import flat_steps, overfit


def records(errors, train=None):
    train = errors if train is None else train
    return [StepRecord(i, a, b, 0.0, 0.0) for i, (a, b) in enumerate(zip(train, errors, strict=True), 1)]


FALLING = [0.9**i for i in range(100)]


@pytest.mark.parametrize(
    ("errors", "steps"),
    [
        ([], 0),
        (FALLING, 0),
        ([1.0] * 30, 0),  # too few to say so
        ([1.0] * 31, 30),
        (FALLING + [FALLING[-1]] * 40, 0),  # a third of all steps have to pass
        (
            FALLING + [FALLING[-1]] * 60,
            61,
        ),  # the last falling step was a tenth better than the one before, within the gain
        ([1.0] * 40 + [0.5] * 10, 0),  # it falls again
        ([1.0, 0.1] + [0.5] * 40, 40),  # it has risen, which is no gain either
        ([math.nan] * 50, 0),
    ],
)
def test_flat_steps(errors, steps):
    assert flat_steps(records(errors)) == steps


def test_without_test_data_the_training_error_counts():
    assert flat_steps([StepRecord(i, 1.0, None, 0.0, 0.0) for i in range(40)]) == 39


def test_overfitting_needs_a_risen_test_error_and_a_fallen_training_error():
    rising = [1.0, 0.5, *[0.8] * 12]
    falling_train = [1.0, 0.4, *[0.1] * 12]
    found = overfit(records(rising, falling_train))
    assert (found.best_step, found.best_error, found.error) == (2, 0.5, 0.8)
    assert overfit(records(rising, rising)) is None  # the training error has risen, too: λ, say
    assert overfit(records([1.0, 0.5, *[0.55] * 12], falling_train)) is None  # hardly risen
    assert overfit(records(rising[:6], falling_train[:6])) is None  # just a moment ago
    assert overfit([StepRecord(i, 1.0, None, 0.0, 0.0) for i in range(40)]) is None
