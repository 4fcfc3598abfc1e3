"""Training is an act, and every step that is kept can be returned to."""

import math
from dataclasses import replace

import pytest
import torch

from kanwidget.explorer.commands.beginnings import Reset
from kanwidget.explorer.commands.edges import Drag, Fix
from kanwidget.explorer.commands.history import BackToBest, Goto, GoToStep, Redo, Undo
from kanwidget.explorer.commands.network import Prune, Refine
from kanwidget.explorer.commands.training import Start
from kanwidget.explorer.describe.history import history
from kanwidget.explorer.describe.snapshot import status
from kanwidget.explorer.guide.best import best, better
from kanwidget.explorer.session import recorder
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import copied, error_of
from tests.unit.explorer.states import everything, network, train


def labels(session):
    return [state["label"] for state in history(session)["states"]]


def rmse(session):
    """RMSE on the test data, computed here."""
    data = session.run.trainer.data
    with torch.no_grad():
        return float((session.model(data.test_input) - data.test_label).square().mean().sqrt())


# ---- training as an act


def test_steps_between_two_acts_are_one_node(session):
    train(session, 3)
    train(session, 2)
    session.apply(Fix((0, 0, 0), "sin"))
    train(session, 1)
    assert labels(session) == ["start", "5 steps", "x₁ → h₁,₁: sin", "1 step"]
    assert [state["step"] for state in history(session)["states"]] == [0, 0, 5, 5]


def test_plain_training_is_undone_and_redone(session):
    start = network(session.model)
    train(session, 4)
    trained = everything(session)[:2]
    assert session.tree.can_undo
    session.apply(Undo())
    assert network(session.model) == start
    assert session.run.last_record.step == 0
    session.apply(Redo())
    assert everything(session)[:2] == trained


def test_further_steps_after_a_return_are_a_node_of_their_own(session):
    train(session, 3)
    three = network(session.model)
    session.apply(Fix((0, 0, 0), "sin"))
    session.apply(Undo())
    train(session, 2)
    assert labels(session) == ["start", "3 steps", "x₁ → h₁,₁: sin", "2 steps"]
    session.apply(Goto(1))
    assert network(session.model) == three


def test_a_training_that_takes_no_step_leaves_no_node(session):
    session.run.trainer.stop_reason = "converged"
    session.run.state = "running"
    session.advance(1.0)
    assert labels(session) == ["start"]


def test_steps_within_a_drag_belong_to_it(session):
    session.apply(Drag((0, 0, 0), 1, 0.5, commit=False))
    train_within(session)
    session.apply(Drag((0, 0, 0), 1, 0.25))
    assert [node.kind for node in session.tree.nodes.values()] == ["start", "drag"]


def train_within(session):
    session.run.start(2)
    while session.running:
        session.advance(10.0)


def test_undo_while_training_takes_the_act_back_with_the_steps_since(session):
    train(session, 2)
    before = network(session.model)
    session.apply(Start(50))
    session.apply(Fix((0, 0, 0), "sin"))
    session.advance(0.0)
    session.apply(Undo())
    assert session.running
    assert network(session.model) == before
    assert session.script.statements()[-1] == "explorer.undo(2)"
    session.advance(0.0)
    assert session.tree.can_redo
    session.apply(Redo())
    assert session.model.layer(0).state(0, 0) == "symbolic"


def test_undo_of_a_plain_training_pauses_it(session):
    start = network(session.model)
    session.apply(Start(50))
    session.advance(0.0)
    session.apply(Undo())
    assert not session.running
    assert network(session.model) == start


# ---- one state, one error


def test_every_state_says_the_error_that_a_return_to_it_gives(session):
    train(session, 4)
    session.apply(Fix((0, 0, 0), "sin"))
    train(session, 3)
    session.apply(Prune(edges=((0, 0, 0),)))
    session.apply(Reset(3))
    train(session, 2)
    told = history(session)["states"]
    for state in told:
        session.apply(Goto(state["id"]))
        assert state["error"] == state["latest"] == pytest.approx(rmse(session), rel=1e-12)
        assert status(session, "blocking")["test"] == state["error"]


def test_the_current_state_says_its_error_now(session):
    train(session, 1)
    train(session, 4)
    current = history(session)["states"][-1]
    assert current["error"] == pytest.approx(rmse(session), rel=1e-12)


# ---- back to a step


def test_any_step_is_returned_to(session):
    states = [network(session.model)]
    for _ in range(6):
        train(session, 1)
        states.append(network(session.model))
    end = everything(session)[:3]
    session.apply(GoToStep(2))
    assert network(session.model) == states[2]
    assert session.run.last_record.step == 2
    assert error_of(session.run.last_record) == pytest.approx(rmse(session))
    assert len(session.run.records) == 2
    assert labels(session) == ["start", "6 steps", "back to step 2"]
    session.apply(Undo())
    assert everything(session)[:3] == end
    session.apply(Redo())
    assert network(session.model) == states[2]


def test_training_goes_on_from_there(session, model, data):
    train(session, 6)
    session.apply(GoToStep(2))
    train(session, 3)
    assert [record.step for record in session.run.records] == [1, 2, 3, 4, 5]
    assert labels(session)[-1] == "3 steps"
    assert [frame.step for frame in session.film()] == [0, 1, 2, 3, 4, 5]


def test_a_step_before_an_act_has_the_network_before_it(session):
    train(session, 3)
    three = network(session.model)
    train(session, 2)
    session.apply(Prune(node=(1, 0)))
    train(session, 2)
    session.apply(GoToStep(3))
    assert network(session.model) == three
    assert session.structure_id == session.run.first_structure_id
    assert [event.label for event in session.run.events] == ["back to step 3"]
    assert [frame.label for frame in session.film()] == [None] * 4
    session.apply(Undo())
    assert session.model.width[1] == [2, 0]


def test_the_nearest_kept_step_is_taken(session, monkeypatch):
    monkeypatch.setattr(recorder, "_MIN_FRAMES", 8)
    session.run.recorder = recorder.Recorder(max_frames=8)
    train(session, 40)
    kept = [step.record.step for step in session.run.recorder.steps_of(session.run.records)]
    session.apply(GoToStep(17))
    step = session.run.last_record.step
    assert step == min(kept, key=lambda one: abs(one - 17))
    assert session.script.statements()[-1] == f"explorer.go_to_step({step})"


def test_the_last_step_is_where_it_is(session):
    train(session, 3)
    assert session.apply(GoToStep(3)) == frozenset()
    assert labels(session) == ["start", "3 steps"]


def test_a_step_that_was_not_taken_is_refused(session):
    before = everything(session)
    with pytest.raises(ValueError, match="must be a step that is kept, and none is; got 1"):
        session.apply(GoToStep(1))
    assert everything(session) == before
    train(session, 3)
    before = everything(session)
    for step in (4, -1):
        with pytest.raises(ValueError, match="step"):
            session.apply(GoToStep(step))
    assert everything(session) == before


def test_a_running_training_pauses(session):
    session.apply(Start(50))
    for _ in range(3):
        session.advance(0.0)
    session.apply(GoToStep(1))
    assert not session.running
    assert session.run.state == "paused"


# ---- back to the best


def overfitted(session, worse=3):
    """The records as if the error had risen after the fourth step."""
    for error in (0.5, 0.4, 0.3, 0.057, *[0.1 * i for i in range(1, worse + 1)]):
        session.run._append = _with_error(session, error, replace)
        train(session, 1)
        del session.run._append


def _with_error(session, error, replace):
    append = type(session.run)._append
    return lambda record: append(session.run, replace(record, test_loss=error))


def test_back_to_the_best_step(session):
    overfitted(session)
    assert (best(session).step, better(session).error) == (4, 0.057)
    session.apply(BackToBest())
    assert session.run.last_record.step == 4
    assert labels(session)[-1] == "back to step 4"
    assert session.script.statements()[-1] == "explorer.back_to_best()"
    session.apply(Undo())
    assert session.run.last_record.step == 7


def test_after_a_loss_that_is_no_number_there_is_a_way_back(session):
    overfitted(session)
    session.run._append = _with_error(session, math.nan, replace)
    train(session, 1)
    del session.run._append
    assert better(session).step == 4
    session.apply(BackToBest())
    assert session.run.last_record.step == 4


def test_the_best_step_is_kept_where_the_film_is_thinned(session, monkeypatch):
    monkeypatch.setattr(recorder, "_MIN_FRAMES", 8)
    session.run.recorder = recorder.Recorder(max_frames=8)
    session.run.recorder.interval = 8
    overfitted(session, worse=30)
    assert best(session).step == 4


def test_the_best_is_looked_for_since_the_last_act(session):
    overfitted(session)
    session.apply(Fix((0, 0, 0), "sin"))
    assert best(session) is None
    train(session, 2)
    assert best(session).step >= session.tree.last_act().step == 7


def test_the_state_just_after_an_act_may_be_the_best(session):
    session.apply(Refine(7))
    fixed = network(session.model)
    session.tree.nodes[1].error = 0.0
    train(session, 2)
    session.tree.nodes[1].last_error = 0.0
    session.apply(BackToBest())
    assert network(session.model) == fixed
    assert session.tree.current == 1


def test_at_the_best_a_notice_says_so(session):
    train(session, 3)
    session.apply(BackToBest())
    assert session.view.notice.title == "Already at the best"
    assert labels(session) == ["start", "3 steps"]


def test_the_script_replays_returns(data, model):
    session = Session(model, data)
    train(session, 5)
    session.apply(GoToStep(2))
    train(session, 2)
    session.apply(Fix((0, 0, 0), "sin"))
    train(session, 1)
    session.apply(Undo())
    session.apply(Undo())
    replayed = Session(model, data)
    commands = {"step": train, "go_to_step": lambda s, n: s.apply(GoToStep(n)), "undo": lambda s: s.apply(Undo())}
    commands["fix"] = lambda s, name, edge, **_: s.apply(Fix(edge, name))

    class Explorer:
        def __getattr__(self, name):
            return lambda *args, **options: commands[name](replayed, *args, **options)

    exec("\n".join(session.script.statements()), {"explorer": Explorer()})
    assert network(replayed.model) == network(session.model)
    assert labels(replayed) == labels(session)


def test_a_network_with_other_scales_has_its_error_in_the_same_unit(session):
    record = session.run.last_record
    other = copied(session.model)
    other.output_scale = (torch.tensor([3.0], dtype=torch.float64), torch.tensor([7.0], dtype=torch.float64))
    before = copied(session.model)
    session.adopt(other)
    session.run.network_changed()
    data = session.data
    error = (other(data.test_input) - data.test_label).square().mean().sqrt().detach()
    assert session.run.last_record.test_loss == pytest.approx(float(error))
    session.adopt(before)
    session.run.network_changed()
    assert session.run.last_record.test_loss == pytest.approx(record.test_loss)


def test_a_return_to_the_step_where_one_is_does_nothing(session):
    train(session, 6)
    session.apply(GoToStep(3))
    before = everything(session)
    session.apply(GoToStep(3))
    assert everything(session) == before


def test_steps_that_a_return_has_left_behind_can_be_gone_to_again(session):
    train(session, 8)
    last = network(session.model)
    session.apply(GoToStep(3))
    assert [record.step for record in session.later_records()] == [4, 5, 6, 7, 8]
    session.apply(GoToStep(6))
    assert session.run.last_record.step == 6
    assert [record.step for record in session.run.records] == [1, 2, 3, 4, 5, 6]
    assert [record.step for record in session.later_records()] == [7, 8]
    session.apply(GoToStep(8))  # the end is the state that was left, and no new one
    assert network(session.model) == last
    assert session.tree.nodes[session.tree.current].kind == "train"
    assert session.later_records() == []


def test_a_new_training_or_act_takes_the_place_of_what_was_left_behind(session):
    train(session, 8)
    session.apply(GoToStep(3))
    train(session, 1)
    assert session.later_records() == []
    session.apply(GoToStep(2))
    assert "replaced" in session.apply(Fix((0, 0, 0), "sin"))
    assert session.later_records() == []


def test_the_chart_has_the_error_that_an_act_has_made(session):
    train(session, 5)
    before = session.run.last_record.test_loss
    session.apply(Prune(edges=((0, 0, 0),)))
    ((step, old, new),) = history(session)["acts"]
    assert (step, old, new) == (5, before, session.run.last_record.test_loss)
    assert history(session)["states"][-1]["edges"] == [[0, 0, 0]]
