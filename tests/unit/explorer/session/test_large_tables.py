"""An explorer on a large table: its training begins with a sample of the rows, and says so."""

import pytest
import torch

from kanwidget import KAN, KANExplorer
from kanwidget.core import EdgeRef
from kanwidget.datasets import Dataset
from kanwidget.explorer.commands.beginnings import Reset
from kanwidget.explorer.commands.edges import Fix
from kanwidget.explorer.commands.history import Undo
from kanwidget.explorer.commands.training import Pause, Set, Start
from kanwidget.explorer.describe.snapshot import status
from kanwidget.explorer.session.session import Session
from kanwidget.training.steps import trainer as trainers


def table(count=3000):
    generator = torch.Generator().manual_seed(0)
    x = 2 * torch.rand(count, 2, generator=generator, dtype=torch.float64) - 1
    noise = 0.05 * torch.randn(count, 1, generator=generator, dtype=torch.float64)
    y = torch.sin(2 * x[:, [0]]) + x[:, [1]] ** 2 + noise
    half = count // 2
    return Dataset(x[:half], y[:half], x[half:], y[half:])


DATA = table()


@pytest.fixture
def session():
    return Session(KAN([2, 2, 1], seed=1), DATA, rows=64)


def marks(session):
    return [event.label for event in session.run.events if event.kind == "rows"]


def train(session, until):
    session.apply(Start(None))
    while not until():
        session.advance(0.0)
    session.apply(Pause())


def test_the_page_says_how_many_rows_are_trained_on(session):
    assert status(session, "thread")["rows"] == [64, 1500]
    train(session, lambda: session.run.trainer.rows.complete)
    assert "rows" not in status(session, "thread")
    assert marks(session) == [f"training on {count} 1,500 rows" for count in ("64 of", "256 of", "all")]


def test_settings_before_the_first_step_leave_the_mark(session):
    session.apply(Set(lamb=0.01))
    assert marks(session) == ["training on 64 of 1,500 rows"]


def test_an_act_begins_with_the_sample_again(session):
    train(session, lambda: session.run.trainer.rows.complete)
    session.apply(Fix(EdgeRef(0, 0, 0), "sin"))
    assert status(session, "thread")["rows"] == [64, 1500]
    train(session, lambda: session.run.trainer.rows.complete)
    session.apply(Undo())
    assert status(session, "thread")["rows"] == [64, 1500]
    session.apply(Reset())
    assert status(session, "thread")["rows"] == [64, 1500]


def test_a_slider_acts_on_the_sample(session):
    train(session, lambda: session.run.trainer.rows.complete)
    damping = session.run.trainer.optimizer.damping.item()
    session.apply(Set(lamb=0.01))
    assert status(session, "thread")["rows"] == [64, 1500]
    assert session.run.trainer.optimizer.damping.item() == damping
    assert session.run.last_record.penalty > 0


def test_a_setting_that_is_refused_leaves_the_rows():
    session = Session(KAN([2, 2, 1], seed=1), DATA, rows=64, opt="Adam", loss=lambda y, t: (y - t).abs().mean())
    session.run.trainer.rows.take(256)
    with pytest.raises(ValueError, match="opt"):
        session.apply(Set(opt="LM"))
    assert status(session, "thread")["rows"] == [256, 1500]
    assert session.run.trainer.rows.settings.opt == "Adam"


def test_a_training_that_has_converged_on_all_rows_is_done(session):
    train(session, lambda: not session.running)
    assert session.run.stop_reason == "converged"
    assert session.run.trainer.rows.complete


@pytest.mark.slow
def test_the_script_takes_the_same_rows(tmp_path):
    namespace = {"data": DATA, "model": KAN([2, 2, 1], seed=1)}
    with KANExplorer(namespace["model"], DATA, rows=64, driver="blocking") as explorer:
        explorer.fit(30)
        explorer.fix("sin", edge=(0, 0, 0))
        explorer.fit(20)
        explorer.undo()
        explorer.fit(12)
        code, expected = explorer.code(), explorer.model
    exec(code, namespace)
    with namespace["explorer"] as replayed:
        pairs = zip(expected.parameters(), replayed.model.parameters(), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)


def test_saved_sessions_go_on(tmp_path):
    with KANExplorer(KAN([2, 2, 1], seed=1), DATA, rows=64, driver="blocking") as explorer:
        explorer.fit(25)
        explorer.save_json(tmp_path / "session.json")
        error = explorer.status["test"]
    with KANExplorer.load(tmp_path / "session.json", driver="blocking") as explorer:
        assert explorer.status["test"] == error
        explorer.fit(30)
        assert explorer.status["test"] < 1.02 * error


def test_a_pause_does_not_wait_for_a_step_on_all_rows(session, monkeypatch):
    """It comes within such a step, after every single operation; the training then goes on as without it."""
    monkeypatch.setattr(trainers, "_LONG_ROWS", 100)
    monkeypatch.setattr("kanwidget.explorer.session.training_run._LONG_STEP", 0.0)
    asked = [0]
    train(session, lambda: session.run.trainer.rows.complete)
    steps = session.run.last_record.step

    def interrupted():
        asked[0] += 1
        return asked[0] == 40

    session.run.interrupt_with(interrupted)
    session.apply(Start(None))
    while session.running:
        session.advance(0.0)
    assert session.run.state == "paused"
    assert asked[0] == 40
    assert session.run.last_record.step == steps
