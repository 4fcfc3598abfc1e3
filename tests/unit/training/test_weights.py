"""Weights of rows count in every error: of training, test and validation rows, in fit, explorer and simplification."""

import math

import pytest
import torch

from kanwidget import KAN, Dataset, KANExplorer
from kanwidget.simplification.held_out import held_out
from tests.support.networks import uniform

X, NOISE = uniform(90, 2, seed=0), uniform(90, 1, seed=1)
Y = X[:, :1] * X[:, 1:] + 0.1 * NOISE
WEIGHT = uniform(90, 1, seed=2, low=0.0)[:, 0]
DATA = Dataset(X[:50], Y[:50], X[50:70], Y[50:70], X[70:], Y[70:])
PARTS = {"train": slice(0, 50), "test": slice(50, 70), "val": slice(70, 90)}
NAMES = {"train": "train_loss", "test": "test_loss", "val": "validation_loss"}


def rmse(model, part):
    """The weighted error, computed here."""
    rows = PARTS[part]
    weight = WEIGHT[rows] / WEIGHT[rows].sum()
    return math.sqrt(float((weight * (model.predict(X[rows]) - Y[rows])[:, 0].square()).sum()))


def test_held_out_errors_count_the_weights_of_their_rows():
    model = KAN([2, 2, 1])
    record = list(model.fit_steps(DATA, steps=3, sample_weight=WEIGHT))[-1]
    for part in PARTS:
        assert getattr(record, f"{NAMES[part]}") == pytest.approx(rmse(model, part), rel=1e-9)


def test_weights_may_stand_in_the_dataset():
    model, other = KAN([2, 2, 1]), KAN([2, 2, 1])
    weights = {f"{part}_weight": WEIGHT[rows] for part, rows in PARTS.items()}
    data = Dataset(*(getattr(DATA, f"{p}_{k}") for p in PARTS for k in ("input", "label")), **weights)
    one = model.fit(data, steps=3, progress=False)
    two = other.fit(DATA, steps=3, progress=False, sample_weight=WEIGHT.tolist())
    assert [(r.train_loss, r.test_loss, r.validation_loss) for r in one.records] == [
        (r.train_loss, r.test_loss, r.validation_loss) for r in two.records
    ]
    with pytest.raises(ValueError, match="`test_weight` argument of Dataset must be 20 finite numbers ≥ 0"):
        Dataset(X[:50], Y[:50], X[50:70], Y[50:70], test_weight=[1.0])
    with pytest.raises(ValueError, match="without weights of rows beside a loss of your own"):
        KAN([2, 1]).fit(data, "Adam", loss=lambda y, label: (y - label).abs().mean(), progress=False)


def test_weights_of_the_training_rows_alone_leave_the_others():
    model = KAN([2, 2, 1])
    record = list(model.fit_steps(DATA, steps=2, sample_weight=WEIGHT[:50]))[-1]
    residual = model.predict(DATA.test_input) - DATA.test_label
    assert record.test_loss == pytest.approx(float(residual.square().mean().sqrt()), rel=1e-9)
    with pytest.raises(ValueError, match="must be 50 finite numbers ≥ 0, not all 0, or 90 with those of the held-out"):
        model.fit(DATA, steps=1, progress=False, sample_weight=WEIGHT[:60])


def test_a_training_without_held_out_weight_says_a_plain_error():
    model, weight = KAN([2, 1]), WEIGHT.clone()
    weight[50:] = 0.0
    record = list(model.fit_steps(DATA, steps=1, sample_weight=weight))[-1]
    assert math.isfinite(record.test_loss)


def test_samples_of_a_large_table_keep_the_weights_of_held_out_rows():
    model = KAN([2, 2, 1])
    training = model.fit_steps(DATA, steps=None, rows=20, sample_weight=WEIGHT)
    assert next(training).test_loss == pytest.approx(rmse(model, "test"), rel=1e-9)


def test_an_explorer_shows_weighted_errors_and_hands_weights_to_the_simplification():
    data = Dataset(X[:50], Y[:50], X[50:70], Y[50:70])
    with KANExplorer(KAN([2, 2, 1]), data, sample_weight=WEIGHT[:70], driver="blocking") as explorer:
        explorer.step(2)
        session = explorer._session
        assert explorer.status["test"] == pytest.approx(rmse(explorer.model, "test"), rel=1e-9)
        held = held_out(explorer.model, session.run.trainer.data, "simplify")
        assert held.error(explorer.model) == pytest.approx(rmse(explorer.model, "test"), rel=1e-9)


def test_a_simplification_holds_rows_out_with_their_weights():
    model = KAN([2, 2, 1])
    data = Dataset(X, Y, train_weight=WEIGHT)
    held = held_out(model, data, "simplify")
    rows = [int((row == X).all(1).nonzero()) for row in held.data.test_input]
    weight = WEIGHT[rows] / WEIGHT[rows].sum()
    expected = math.sqrt(float((weight * (model.predict(X[rows]) - Y[rows])[:, 0].square()).sum()))
    assert held.error(model) == pytest.approx(expected, rel=1e-9)
    assert len(held.data.train_weight) + len(rows) == len(X)
    everywhere = held.row_losses(model, everywhere=True)
    total = (WEIGHT / WEIGHT.mean() * (model.predict(X) - Y)[:, 0].square()).mean()
    assert float(everywhere.mean()) == pytest.approx(float(total), rel=1e-9)


@pytest.mark.slow
def test_a_law_is_found_in_spite_of_rows_that_do_not_count():
    """A third of the rows is wrong, and has no weight: neither training nor held-out errors may see it."""
    y, weight = X[:, :1] ** 2 + 3 * X[:, 1:], torch.ones(90)
    y[::3] += 5.0
    weight[::3] = 0.0
    model = KAN([2, 1, 1])
    step = list(simplified(model, Dataset(X, y, train_weight=weight)))[-1]
    assert step.error < 1e-6


def simplified(model, data):
    from kanwidget.simplification import simplify_steps

    return simplify_steps(model, data, lib=["x", "x^2"])
