"""The front: a formula for every state that is one, worked out once and within a bounded time."""

import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.explorer.commands.edges import Fix
from kanwidget.explorer.commands.history import Undo
from kanwidget.explorer.describe.errors import error_name, label_spread
from kanwidget.explorer.describe.history import history
from kanwidget.explorer.describe.panels import front as panel
from kanwidget.explorer.describe.panels.front import front, front_points
from kanwidget.explorer.session.session import Session
from tests.unit.explorer.states import everything, fit_formula, train


@pytest.fixture
def small():
    """y = x², which a single edge is."""
    x = torch.linspace(-1, 1, 60, dtype=torch.float64)[:, None]
    data = Dataset(x, x**2, x[::3] * 0.9, (x[::3] * 0.9) ** 2, in_vars=("t [s]",), out_vars=("s [m]",))
    return Session(KAN([1, 1], seed=0), data)


def told(session):
    return {row["id"]: row["text"] for row in front(session)[0]["states"]}


def test_formulas_of_states_as_far_as_they_are_ones(small):
    train(small, 5)
    small.apply(Fix((0, 0, 0), "x^2"))
    train(small, 5)
    rows = front(small, clock=lambda: 0.0)[0]["states"]
    assert [row["text"] for row in rows[:2]] == ["1 curve", "1 curve"]
    assert rows[-1]["text"] == "t [s]^2"
    assert rows[-1]["formula"][0] == "math"
    assert rows[0]["formula"] is None


def test_a_state_that_was_left_is_written_once(small, monkeypatch):
    small.apply(Fix((0, 0, 0), "x^2"))
    train(small, 3)
    front(small, clock=lambda: 0.0)
    calls = []
    monkeypatch.setattr(panel, "state_formula", lambda s, m, node: calls.append(node) or {"id": node})
    front(small)
    assert calls == []
    train(small, 1)
    front(small)
    assert calls == [2]
    small.apply(Undo())
    for _ in range(3):
        front(small)
    assert calls == [2, 2]  # as it was left


def test_further_formulas_wait_for_the_next_message(small):
    small.apply(Fix((0, 0, 0), "x^2"))
    small.apply(Fix((0, 0, 0), "sin"))
    times = iter([0.0, 0.0, 1.0])
    content, _ = front(small, clock=lambda: next(times))
    assert content["busy"]
    assert [row["id"] for row in content["states"]] == [2]
    content, _ = front(small)
    assert not content["busy"]
    assert [row["id"] for row in content["states"]] == [0, 1, 2]


def test_a_running_training_writes_no_formula_of_its_current_state(small):
    small.run.start(None)
    small.advance(0.0)
    assert list(told(small)) == [0]


def test_it_changes_nothing(small):
    train(small, 2)
    before = everything(small)
    front(small)
    assert everything(small) == before


def test_the_noise_is_the_least_error_that_looked_like_noise():
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(400, 1, generator=generator, dtype=torch.float64)
    y = 3 * x + 0.1 * torch.randn(400, 1, generator=generator, dtype=torch.float64)
    session = Session(KAN([1, 1], seed=0), Dataset(x[:300], y[:300], x[300:], y[300:]))
    train(session, 20)
    noise = front(session)[0]["noise"]
    assert noise == pytest.approx(0.1, rel=0.2)
    assert front(session)[0]["noise"] == noise


def test_the_fitted_law_of_a_state_stands_beside_it_with_its_own_error_and_size():
    generator = torch.Generator().manual_seed(0)
    x = 1 + torch.rand(200, 1, generator=generator, dtype=torch.float64)
    y = 3.37 * x + 0.1 * torch.randn(200, 1, generator=generator, dtype=torch.float64)
    session = Session(KAN([1, 1], seed=0), Dataset(x[:150], y[:150], x[150:], y[150:]))
    session.apply(Fix((0, 0, 0), "x"))
    train(session, 3)
    assert front(session)[0]["laws"] == []
    fit_formula(session)
    (law,) = front(session)[0]["laws"]
    assert (law["id"], law["size"], law["as_good"]) == (session.tree.current, 1, True)
    slope = float(law["text"].split("*")[0])
    residual = y[150:] - slope * x[150:]
    assert law["error"] == pytest.approx(float(residual.square().mean().sqrt()), rel=1e-3)
    # It belongs to this state alone, and beats it in the figure.
    train(session, 1)
    assert [row["id"] for row in front(session)[0]["laws"]] == []
    fit_formula(session)
    _, best, _ = front_points(session)
    assert best[0][2] == law["text"]


def test_an_error_is_named_with_its_unit(small, session):
    assert error_name(small) == "test error, in s [m]"
    assert error_name(session).startswith("test error, in ")
    bare = Session(KAN([1, 1]), Dataset(small.data.train_input, small.data.train_label))
    assert error_name(bare) == "training error, in y"
    classes = Session(KAN([1, 2]), Dataset([[0.0], [1.0], [2.0]], torch.tensor([0, 1, 1])))
    assert error_name(classes) == "training cross-entropy"
    assert label_spread(classes) is None


def test_r2_follows_from_the_spread_of_the_labels(small):
    train(small, 4)
    error, data = history(small)["states"][-1]["error"], small.run.trainer.data
    with torch.no_grad():
        residual = data.test_label - small.model(data.test_input)
    r2 = 1 - float(residual.square().sum() / (data.test_label - data.test_label.mean()).square().sum())
    assert 1 - (error / label_spread(small)) ** 2 == pytest.approx(r2, abs=1e-12)
