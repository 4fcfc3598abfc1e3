"""Extension as a longer act: a grid at a time, live, to be paused, undone as one, and repeated by the script."""

import pytest
import torch

from kanwidget import KAN, KANExplorer, create_dataset
from kanwidget.core.records import History, StepRecord
from kanwidget.explorer.commands import extension
from kanwidget.explorer.commands.base import parse
from kanwidget.explorer.commands.extension import Extend
from kanwidget.explorer.commands.history import Undo
from kanwidget.explorer.commands.training import Pause
from kanwidget.explorer.describe.snapshot import status
from kanwidget.explorer.guide.steps import guidance
from kanwidget.training.extension_trainings import ExtensionStep
from tests.unit.explorer.states import network, train


@pytest.fixture(autouse=True)
def worker(session):
    session.view.work_out_with(lambda job: job(lambda: False, lambda _: None))


@pytest.fixture
def grids(monkeypatch):
    """An extension of three grids, of which the second doesn't help, and its end."""

    def steps(model, data, ladder, **options):
        assert options["starts"] == 1
        for size, loss, helped, reason in (
            (3, 0.5, True, None),
            (6, 0.6, False, None),
            (12, 0.2, True, None),
            (12, 0.2, True, "last grid"),
        ):
            model = model.refine(size)
            history = History([StepRecord(1, loss, None, 0.0, 0.0, validation_loss=loss)])
            yield ExtensionStep((model,), size, "spread", (history,), helped, reason)

    monkeypatch.setattr(extension, "extend_steps", steps)


def to_the_end(session):
    while session.running:
        session.advance(0.0)


def error(explorer, data):
    return float((explorer.model.predict(data) - data.test_label).square().mean().sqrt())


def labels(session):
    return [node.label for node in session.tree.nodes.values()]


def test_grids_that_help_are_chips_and_one_undo_takes_all_back(session, grids):
    train(session, 2)
    before = network(session.model)
    session.apply(Extend())
    assert session.running
    to_the_end(session)
    assert session.run.state == "paused"
    assert labels(session)[-2:] == ["grid 12", "grid 12: all grids have been tried"]
    assert guidance(session).act.step == "simplify"
    assert session.model.grid == 12
    assert session.script.statements()[-1] == "explorer.extend()"
    session.apply(Undo())
    assert network(session.model) == before


def test_it_says_what_it_tries_and_a_pause_keeps_the_best(session, grids):
    session.apply(Extend())
    session.advance(0.0)
    assert guidance(session).sentence == "Extending: grid 3: held-out error 0.5. Trying a finer grid."
    assert status(session, "thread")["process"] == "extending"
    session.advance(0.0)
    session.advance(0.0)
    session.apply(Pause())
    assert session.process is None
    assert session.model.grid == 12
    assert session.script.statements() == ["explorer.extend(grids=3)"]


def test_the_button_sends_it():
    assert parse({"kind": "extend"}) == [Extend()]


@pytest.mark.slow
def test_a_session_really_learns_more_and_its_script_repeats_it():
    data = create_dataset(lambda x: torch.sin(5 * x), n_var=1, train_num=120, test_num=60)
    with KANExplorer(KAN([1, 1], grid=2), data, driver="blocking") as explorer:
        explorer.train()
        before = error(explorer, data)
        explorer.extend()
        assert error(explorer, data) < 1e-3 < before
        assert explorer.grid > 8
        assert "explorer.extend()" in str(explorer.code())
        explorer.undo()
        assert explorer.grid == 2


@pytest.mark.slow
def test_label_noise_counts():
    data = create_dataset(lambda x: torch.sin(5 * x), n_var=1, train_num=200, test_num=60)
    with KANExplorer(KAN([1, 1], grid=2), data, driver="blocking") as explorer:
        explorer.noise = 0.3
        explorer.extend()
        assert error(explorer, data) > 1e-2
