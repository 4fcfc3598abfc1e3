"""The behaviour of a session: no notebook, no thread."""

import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kanwidget import KAN
from kanwidget.explorer.commands.beginnings import Reset
from kanwidget.explorer.commands.edges import Drag, Fix, Freeze, Lock, Restore, Unfix
from kanwidget.explorer.commands.history import Goto, GoToStep, Redo, Undo
from kanwidget.explorer.commands.network import AddNode, AutoSymbolic, Prune, Refine
from kanwidget.explorer.commands.training import Pause, Set, Start, Step, UsePreset
from kanwidget.explorer.commands.view import Rank, Select, ShowSurface
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.view import SurfaceView
from tests.unit.explorer.conftest import dataset
from tests.unit.explorer.states import everything, network, train

BAD = [
    Fix((0, 5, 0), "sin"),
    Fix((0, 0, 0), "sine"),
    Fix((3, 0, 0), "sin"),
    Unfix((0, 0, 0)),
    Prune(edges=((0, 0, 0), (0, 9, 9))),
    Prune(node=(0, 0)),
    Prune(node=(1, 9)),
    Prune(node_th=-1.0),
    Restore(((0, 0, 0),)),
    Refine(0),
    Refine(1000),
    AutoSymbolic(2.0),
    AutoSymbolic(0.9, lib=("nope",)),
    Drag((0, 0, 0), 99, 0.0),
    Drag((0, 0, 0), 0, math.nan),
    Drag((9, 0, 0), 0, 0.0),
    Freeze((0, 0, 9)),
    Lock(0, ((0, 0),)),
    Lock(7, ((0, 0), (1, 0))),
    Goto(17),
    Set(lamb=-1.0),
    Set(lamb=math.inf),
    Set(opt="SGD"),
    Set(lr=0.0),
    Rank(2.0),
    Select(((0, 0, 0), (0, 0, 7))),
    Start(0),
    Step(0),
    Reset(-1),
    Set(noise=-0.1),
    Set(noise=math.nan),
    Set(batch=16, opt="LM"),
    Set(batch=0),
    AddNode(0),
    AddNode(2),
    AutoSymbolic(0.9, edges=((0, 9, 0),)),
    Freeze((0, 0, 0), further=((0, 0, 9),)),
    ShowSurface(SurfaceView(0, 0)),
    ShowSurface(SurfaceView(0, 1, 1)),
    UsePreset("ripples"),
]


def names(command):
    return repr(command).replace(" ", "")


def test_trains_and_stops_where_it_is_told(session):
    train(session, 5)
    assert (len(session.run.records), session.run.last_record.step, session.run.state, session.run.stop_reason) == (
        5,
        5,
        "done",
        "steps done",
    )
    assert session.run.last_record.train_loss < session.tree.nodes[0].error


def test_is_the_same_training_as_fit(session, model, data):
    train(session, 6)
    model.fit(data, steps=6, progress=False)
    assert network(session.model) == network(model)


def test_works_on_a_copy(model, data):
    before = network(model)
    session = Session(model, data)
    train(session, 2)
    assert network(model) == before
    assert not model.history.records


@pytest.mark.parametrize("bad", BAD, ids=names)
@pytest.mark.parametrize("running", [False, True])
def test_a_bad_command_changes_nothing(session, bad, running):
    train(session, 2)
    session.apply(Select(((0, 0, 1),)))
    if running:
        session.apply(Start(100))
    before = everything(session)
    with pytest.raises((ValueError, TypeError), match=r"must be|argument|one of"):
        session.apply(bad)
    assert everything(session) == before


def test_refining_keeps_the_function(session):
    train(session, 3)
    before = session.model.predict(session.x)
    session.apply(Refine(12))
    assert session.model.grid == 12
    assert float((session.model.predict(session.x) - before).abs().max()) < 1e-12
    session.apply(Refine(4))
    assert float((session.model.predict(session.x) - before).abs().max()) < 0.1


def test_settings_are_marked_and_not_undone(session):
    train(session, 2)
    session.apply(Set(lamb=1e-2))
    session.apply(Set(opt="LBFGS"))
    session.apply(Fix((0, 0, 0), "sin"))
    session.apply(Undo())
    assert session.run.trainer.settings.lamb == 1e-2
    assert session.run.trainer.opt == "LBFGS"
    assert [(e.kind, e.step) for e in session.run.events] == [("lamb", 2), ("opt", 2)]
    assert session.tree.nodes[session.tree.current].kind == "train"


def test_lamb_acts_on_the_next_step(session):
    train(session, 1)
    assert session.run.last_record.penalty == 0
    session.apply(Set(lamb=1e-1))
    train(session, 1)
    assert session.run.last_record.penalty > 0


def test_an_optimiser_that_cannot_be_used_is_refused(model, data):
    session = Session(model, data, loss=lambda output, label: (output - label).abs().mean())
    before = everything(session)
    with pytest.raises(ValueError, match="opt"):
        session.apply(Set(opt="LM"))
    assert everything(session) == before
    train(session, 1)


def test_pruning_nothing_says_so(session):
    session.apply(Prune(node_th=0.0, edge_th=0.0))
    assert session.view.notice.title == "Nothing to prune"
    assert len(session.tree.nodes) == 1
    session.apply(Refine(5))
    assert session.view.notice is None


@pytest.mark.slow
def test_edges_that_no_formula_fits_are_told(session):
    session.apply(AutoSymbolic(1.0))
    assert "stay splines" in session.view.notice.title


def test_frozen_edges_do_not_train(session):
    session.apply(Freeze((0, 0, 0)))
    before = session.model.layer(0).coef[0, 0].clone()
    train(session, 3)
    assert torch.equal(session.model.layer(0).coef[0, 0], before)
    session.apply(Freeze((0, 0, 0), False))
    train(session, 1)
    assert not torch.equal(session.model.layer(0).coef[0, 0], before)


def test_the_selection_follows_its_edges_through_removed_and_added_nodes(session):
    session.apply(Select(((0, 0, 2), (1, 0, 0), (1, 2, 0))))
    curve = session.model.edge_curve(0, 0, 2, session.x[:, 0]).y
    session.apply(Prune(node=(1, 0)))
    assert session.view.selection == ((0, 0, 1), (1, 1, 0))
    assert torch.equal(session.model.edge_curve(0, 0, 1, session.x[:, 0]).y, curve)
    session.apply(AddNode(1))
    assert session.view.selection == ((0, 0, 1), (1, 1, 0))
    session.apply(Undo())
    session.apply(Undo())
    assert session.view.selection == ((0, 0, 2), (1, 2, 0))


def test_the_selection_follows_a_return_to_a_step_before_a_node_was_removed(session):
    train(session, 2)
    session.apply(Prune(node=(1, 1)))
    session.apply(Select(((0, 1, 1),)))
    session.apply(GoToStep(1))
    assert session.view.selection == ((0, 1, 2),)


def test_reset_with_a_seed_is_another_network_of_the_same_shape(session):
    train(session, 2)
    session.apply(Reset(9))
    assert (session.model.width, session.model.seed, session.run.last_record.step) == ([[2, 0], [3, 0], [1, 0]], 9, 0)
    assert session.run.records == []
    fresh = KAN([2, 3, 1], grid=3, k=3, seed=9)
    assert torch.equal(session.model.layer(0).coef, fresh.layer(0).coef)
    session.apply(Undo())
    assert len(session.run.records) == 2


def test_candidates_are_those_of_the_present_state(session):
    first = session.candidates.of((0, 0, 0))
    session.candidates.of((0, 1, 0))
    assert session.candidates.of((0, 0, 0)) is first
    train(session, 1)
    assert session.candidates.of((0, 0, 0)) is not first
    second = session.candidates.of((0, 0, 0))
    assert second[0] == session.run.model_with_history().suggest_symbolic(0, 0, 0, topk=1)[0]
    session.apply(Rank(simplicity=0.2))
    assert session.candidates.of((0, 0, 0)) is not second


def test_the_library_can_be_limited(model, data):
    session = Session(model, data, lib=["sin", "x^2"])
    assert {fit.name for fit in session.candidates.of((0, 0, 0))} == {"sin", "x^2"}


def test_converged_training_can_be_started_again(data):
    session = Session(KAN([2, 1], grid=3, seed=0), data, update_grid=False)
    session.apply(Start())
    while session.running:
        session.advance(10.0)
    assert (session.run.state, session.run.stop_reason) == ("done", "converged")
    steps = len(session.run.records)
    train(session, 2)
    assert len(session.run.records) > steps


def test_an_interrupted_long_step_is_discarded(session):
    train(session, 2)
    before = network(session.model)
    session.run.interrupt_with(lambda: True)
    session.apply(Start())
    session.run.trainer.interrupted = lambda: True
    session.advance(0.1)
    assert session.run.state == "paused"
    assert len(session.run.records) == 2
    assert network(session.model) == before
    session.run.trainer.interrupted = lambda: False
    train(session, 1)


def test_an_error_in_a_callback_keeps_everything(session):
    def fail(record):
        raise KeyError("mine")

    session.run._callbacks.append(fail)
    session.apply(Start())
    with pytest.raises(KeyError, match="mine"):
        session.advance(0.1)
    assert session.run.state == "error"
    assert len(session.run.records) == session.run.last_record.step == 1
    session.run._callbacks.clear()
    train(session, 1)
    assert session.run.last_record.step == 2


def test_ctrl_c_within_a_step_counts_what_was_done(session):
    def interrupt(record):
        raise KeyboardInterrupt

    session.run._callbacks.append(interrupt)
    session.apply(Start())
    with pytest.raises(KeyboardInterrupt):
        session.advance(0.1)
    assert len(session.run.records) == session.run.trainer.step_count == 1


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"in_vars": ["a"]}, "in_vars"),
        ({"in_vars": "ab"}, "in_vars"),
        ({"out_vars": [""]}, "out_vars"),
        ({"lib": ["sine"]}, "sin"),
        ({"steps": 0}, "steps"),
        ({"opt": "lm"}, "opt"),
        ({"lamb": -1}, "lamb"),
        ({"bogus": 1}, "options"),
    ],
)
def test_arguments_are_checked(model, data, arguments, name):
    with pytest.raises((ValueError, KeyError, TypeError), match=name):
        Session(model, data, **arguments)


def test_only_a_kan_is_explored(data):
    with pytest.raises(TypeError, match="model"):
        Session(torch.nn.Linear(2, 1), data)


# ---- any sequence of commands

edges = st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 3))
anything = st.one_of(
    st.builds(Fix, edges, st.sampled_from(["sin", "x", "log", "nonsense", None]), st.booleans()),
    st.builds(Fix, edges, st.sampled_from(["sin", "x^2"]), further=st.lists(edges, max_size=2).map(tuple)),
    st.builds(Unfix, edges),
    st.builds(Prune, st.lists(edges, max_size=2).map(tuple)),
    st.builds(Prune, node=st.tuples(st.integers(0, 2), st.integers(0, 3))),
    st.builds(Restore, st.lists(edges, max_size=2).map(tuple)),
    st.builds(Refine, st.integers(-1, 9)),
    st.builds(AutoSymbolic, st.floats(0, 1), lib=st.just(("x", "x^2", "sin"))),
    st.builds(Drag, edges, st.integers(0, 9), st.floats(-2, 2), st.booleans()),
    st.builds(Freeze, edges, st.booleans()),
    st.builds(
        Lock, st.integers(0, 2), st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=3).map(tuple)
    ),
    st.builds(Set, lamb=st.floats(-0.1, 0.1), opt=st.sampled_from(["auto", "LM", "Adam", None])),
    st.builds(Reset, st.sampled_from([None, 0, 3])),
    st.builds(Select, st.lists(edges, max_size=2).map(tuple)),
    st.builds(Goto, st.integers(0, 6)),
    st.builds(Step, st.integers(1, 2)),
    st.sampled_from([Undo(), Redo(), Start(), Pause()]),
)


@pytest.mark.slow
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(anything, max_size=12))
def test_any_sequence_leaves_a_sound_session(sequence):
    session = Session(KAN([2, 2, 1], grid=3, seed=1), dataset())
    for command in sequence:
        before = everything(session) if session.tree.drag_start is None else None
        try:
            session.apply(command)
        except ValueError:
            assert before is None or everything(session) == before
        session.advance(0.0)
        assert all(bool(torch.isfinite(p).all()) for p in session.model.parameters())
        assert session.run.trainer.network is session.model
        assert session.run.last_record.step == session.run.trainer.step_count == len(session.run.records)
        assert session.tree.current in session.tree.nodes
    session.apply(Pause())
    while session.tree.can_undo:
        session.apply(Undo())
    assert session.tree.current == 0
