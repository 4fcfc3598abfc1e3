"""Loading another problem is an act: undo brings the whole session back, and the script replays it."""

import pytest

from kanwidget import KANExplorer
from kanwidget.explorer.commands.training import Set, UsePreset
from kanwidget.explorer.describe.snapshot import examples
from kanwidget.explorer.session.presets import PRESETS
from tests.unit.explorer.session.test_script import replay
from tests.unit.explorer.states import everything, network


@pytest.fixture
def explorer():
    with KANExplorer.demo("ripples", seed=2, driver="blocking") as one:
        yield one


def labels(explorer):
    return [state["label"] for state in explorer.states]


def test_undo_brings_the_problem_before_back_and_redo_the_other(explorer):
    session = explorer._session
    explorer.step(3)
    explorer.fix("sin", edge=(0, 0, 0))
    before = everything(session)[:5]
    data, names = session.data, (session.preset, session.in_vars, session.run.initial)
    explorer.use_example("four inputs")
    explorer.step(2)
    other = everything(session)[:5]
    explorer.undo(2)
    assert everything(session)[:5] == before
    assert session.data is data
    assert (session.preset, session.in_vars, session.run.initial) == names
    explorer.redo()
    explorer.redo()
    assert everything(session)[:5] == other
    assert session.preset == "four inputs"
    assert labels(explorer) == ["start", "3 steps", "x₁ → h₁,₁: sin", "load four inputs", "2 steps"]


def test_both_go_on_as_if_they_had_been_alone(explorer):
    explorer.step(3)
    explorer.use_example("product")
    explorer.step(2)
    explorer.goto(1)
    explorer.step(2)
    with KANExplorer.demo("ripples", seed=2, driver="blocking") as alone:
        alone.step(5)
        assert network(alone.model) == network(explorer.model)
    explorer.reset()
    assert explorer.model.width == [[2, 0], [3, 0], [1, 0]]


def test_settings_and_noise_come_back_with_their_problem(explorer):
    explorer._driver.apply(Set(lamb=0.02))
    explorer._driver.apply(Set(noise=0.1))
    labels = explorer._session.run.trainer.data.train_label
    explorer.use_example("product")
    assert explorer._session.run.noise == 0.0
    assert explorer.lamb != 0.02
    explorer.undo()
    assert (explorer.lamb, explorer._session.run.noise) == (0.02, 0.1)
    assert explorer._session.run.trainer.data.train_label is labels


def test_a_load_during_training_ends_it(explorer):
    explorer._session.run.start(None)
    explorer._session.advance(0.0)
    explorer.use_example("product")
    assert explorer.status["state"] == "idle"
    explorer.undo()
    assert explorer.status["state"] == "paused"
    assert explorer.status["step"] == 1


def test_the_film_and_the_front_are_those_of_the_current_problem(explorer):
    explorer.step(3)
    explorer.use_example("product")
    explorer.step(2)
    assert [frame.step for frame in explorer._session.film()] == [0, 1, 2]
    assert {state["id"] for state in explorer.pareto_front} <= {2, 3}
    explorer.undo(2)
    assert [frame.step for frame in explorer._session.film()] == [0, 1, 2, 3]
    assert {state["id"] for state in explorer.pareto_front} <= {0, 1}


def test_the_script_replays_loads_and_returns(explorer):
    explorer.step(2)
    explorer.use_example("product")
    explorer.step(2)
    explorer.undo(2)
    explorer.step(1)
    explorer.goto(2)
    explorer.step(1)
    assert network(replay(explorer.code(), None)) == network(explorer.model)


def test_a_saved_session_remembers_the_first_problem(explorer, tmp_path):
    explorer.step(2)
    explorer.use_example("product")
    explorer.step(2)
    explorer.save_json(tmp_path / "session.json")
    with KANExplorer.load(tmp_path / "session.json", driver="blocking") as loaded:
        assert loaded._session.preset == "product"
        assert labels(loaded) == labels(explorer)
        assert network(replay(loaded.code(), None)) == network(explorer.model)
        loaded.step(1)
        loaded.save_json(tmp_path / "again.json")
    with KANExplorer.load(tmp_path / "again.json", driver="blocking") as again:
        assert "KANExplorer.demo('ripples', seed=2" in again.code()


def test_a_problem_that_is_not_there_leaves_the_session_as_it_was(explorer):
    explorer.step(1)
    before = everything(explorer._session)
    with pytest.raises(ValueError, match="name"):
        explorer._driver.apply(UsePreset("nothing"))
    assert everything(explorer._session) == before


def test_the_gallery_says_of_which_examples_the_three_steps_find_the_formula():
    lines = {row["name"]: row["line"] for row in examples()}
    found = {name for name, line in lines.items() if line.endswith("The three steps find its formula.")}
    assert found == {name for name, preset in PRESETS.items() if preset.reached}
    assert 0 < len(found) < len(PRESETS)
