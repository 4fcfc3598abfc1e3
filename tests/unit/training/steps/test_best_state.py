"""The best state of a training: which step it is."""

import pytest

from kanwidget import KAN
from kanwidget.core.records import StepRecord
from kanwidget.training.objective.loss import LOSSES
from kanwidget.training.steps.best_state import BestState


def record(step, train_loss, penalty, validation_loss=None):
    return StepRecord(step, train_loss, None, penalty, 0.0, validation_loss=validation_loss)


@pytest.mark.parametrize(
    ("records", "step"),
    [
        ([record(1, 1.0, 0.2), record(2, 0.9, 0.5)], 1),  # 1 + 0.2 against 0.81 + 0.5
        ([record(1, 1.0, 0.5), record(2, 1.1, 0.1)], 2),
        ([record(1, 1.0, 0.2, 3.0), record(2, 2.0, 0.5, 2.0)], 2),  # held-out rows decide where there are some
    ],
)
def test_the_best_step_has_the_least_objective_or_error_on_held_out_rows(records, step):
    network, best = KAN([1, 1], grid=2), BestState(LOSSES["mse"])
    for one in records:
        network.layer(0).coef.data.fill_(one.step)
        best.update(network, one)
    best.restore()
    assert (network.layer(0).coef == step).all()
