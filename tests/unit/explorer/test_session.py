"""The behaviour of a session: no notebook, no thread."""

import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kanwidget import KAN
from kanwidget.explorer.commands import base as c
from kanwidget.explorer.session.session import Session
from tests.unit.explorer.conftest import dataset
from tests.unit.explorer.states import everything, network, train

BAD = [
    c.Fix((0, 5, 0), "sin"),
    c.Fix((0, 0, 0), "sine"),
    c.Fix((3, 0, 0), "sin"),
    c.Unfix((0, 0, 0)),
    c.Prune(edges=((0, 0, 0), (0, 9, 9))),
    c.Prune(node=(0, 0)),
    c.Prune(node=(1, 9)),
    c.Prune(node_th=-1.0),
    c.Restore(((0, 0, 0),)),
    c.Refine(0),
    c.Refine(1000),
    c.Auto(2.0),
    c.Auto(0.9, lib=("nope",)),
    c.Drag((0, 0, 0), 99, 0.0),
    c.Drag((0, 0, 0), 0, math.nan),
    c.Drag((9, 0, 0), 0, 0.0),
    c.Freeze((0, 0, 9)),
    c.Lock(0, ((0, 0),)),
    c.Lock(7, ((0, 0), (1, 0))),
    c.Goto(17),
    c.Set(lamb=-1.0),
    c.Set(lamb=math.inf),
    c.Set(opt="SGD"),
    c.Set(lr=0.0),
    c.Rank(2.0),
    c.Select(((0, 0, 0), (0, 0, 7))),
    c.Start(0),
    c.Step(0),
    c.Reset(-1),
    c.Set(noise=-0.1),
    c.Set(noise=math.nan),
    c.Set(batch=16, opt="LM"),
    c.Set(batch=0),
    c.AddNode(0),
    c.AddNode(2),
    c.Auto(0.9, edges=((0, 9, 0),)),
    c.Freeze((0, 0, 0), more=((0, 0, 9),)),
    c.LookAt(0, 0),
    c.LookAt(0, 1, 1),
    c.UsePreset("ripples"),
]


def names(command):
    return repr(command).replace(" ", "")


def test_trains_and_stops_where_it_is_told(session):
    train(session, 5)
    assert (len(session.records), session.now.step, session.state, session.stop_reason) == (5, 5, "done", "steps done")
    assert session.now.train_loss < session.tree.nodes[0].error


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
    session.apply(c.Select(((0, 0, 1),)))
    if running:
        session.apply(c.Start(100))
    before = everything(session)
    with pytest.raises((ValueError, TypeError), match=r"must be|argument|one of"):
        session.apply(bad)
    assert everything(session) == before


def test_refining_keeps_the_function(session):
    train(session, 3)
    before = session.model.predict(session.x)
    session.apply(c.Refine(12))
    assert session.model.grid == 12
    assert float((session.model.predict(session.x) - before).abs().max()) < 1e-12
    session.apply(c.Refine(4))
    assert float((session.model.predict(session.x) - before).abs().max()) < 0.1


def test_settings_are_marked_and_not_undone(session):
    train(session, 2)
    session.apply(c.Set(lamb=1e-2))
    session.apply(c.Set(opt="LBFGS"))
    session.apply(c.Fix((0, 0, 0), "sin"))
    session.apply(c.Undo())
    assert session.trainer.settings.lamb == 1e-2
    assert session.trainer.opt == "LBFGS"
    assert [(e.kind, e.step) for e in session.events] == [("lamb", 2), ("opt", 2)]
    assert session.tree.current == 0


def test_lamb_acts_on_the_next_step(session):
    train(session, 1)
    assert session.now.penalty == 0
    session.apply(c.Set(lamb=1e-1))
    train(session, 1)
    assert session.now.penalty > 0


def test_an_optimiser_that_cannot_be_used_is_refused(model, data):
    session = Session(model, data, loss=lambda output, label: (output - label).abs().mean())
    before = everything(session)
    with pytest.raises(ValueError, match="opt"):
        session.apply(c.Set(opt="LM"))
    assert everything(session) == before
    train(session, 1)


def test_pruning_nothing_says_so(session):
    session.apply(c.Prune(node_th=0.0, edge_th=0.0))
    assert session.notice.title == "Nothing to prune"
    assert len(session.tree.nodes) == 1
    session.apply(c.Refine(5))
    assert session.notice is None


def test_edges_that_no_formula_fits_are_told(session):
    session.apply(c.Auto(1.0))
    assert "stay splines" in session.notice.title


def test_frozen_edges_do_not_train(session):
    session.apply(c.Freeze((0, 0, 0)))
    before = session.model.layer(0).coef[0, 0].clone()
    train(session, 3)
    assert torch.equal(session.model.layer(0).coef[0, 0], before)
    session.apply(c.Freeze((0, 0, 0), False))
    train(session, 1)
    assert not torch.equal(session.model.layer(0).coef[0, 0], before)


def test_removing_a_node_clears_the_selection(session):
    session.apply(c.Select(((0, 0, 2),)))
    session.apply(c.Prune(node=(1, 0)))
    assert session.selection == ()


def test_reset_with_a_seed_is_another_network_of_the_same_shape(session):
    train(session, 2)
    session.apply(c.Reset(9))
    assert (session.model.width, session.model.seed, session.now.step) == ([[2, 0], [3, 0], [1, 0]], 9, 0)
    assert session.records == []
    fresh = KAN([2, 3, 1], grid=3, k=3, seed=9)
    assert torch.equal(session.model.layer(0).coef, fresh.layer(0).coef)
    session.apply(c.Undo())
    assert len(session.records) == 2


def test_candidates_are_those_of_the_present_state(session):
    first = session.candidates((0, 0, 0))
    session.candidates((0, 1, 0))
    assert session.candidates((0, 0, 0)) is first
    train(session, 1)
    assert session.candidates((0, 0, 0)) is not first
    second = session.candidates((0, 0, 0))
    assert second[0] == session.model.suggest_symbolic(0, 0, 0, topk=1)[0]
    session.apply(c.Rank(simplicity=0.2))
    assert session.candidates((0, 0, 0)) is not second


def test_the_library_can_be_limited(model, data):
    session = Session(model, data, lib=["sin", "x^2"])
    assert {fit.name for fit in session.candidates((0, 0, 0))} == {"sin", "x^2"}


def test_converged_training_can_be_started_again(data):
    session = Session(KAN([2, 1], grid=3, seed=0), data, update_grid=False)
    session.apply(c.Start())
    while session.running:
        session.advance(10.0)
    assert (session.state, session.stop_reason) == ("done", "converged")
    steps = len(session.records)
    train(session, 2)
    assert len(session.records) > steps


def test_an_interrupted_long_step_is_discarded(session):
    train(session, 2)
    before = network(session.model)
    session.interrupted = lambda: True
    session._step_started = -1e9
    session.apply(c.Start())
    session._interrupted = session.trainer.interrupted = lambda: True
    session.advance(0.1)
    assert session.state == "paused"
    assert len(session.records) == 2
    assert network(session.model) == before
    session.trainer.interrupted = lambda: False
    train(session, 1)


def test_an_error_in_a_callback_keeps_everything(session):
    def fail(record):
        raise KeyError("mine")

    session.callbacks.append(fail)
    session.apply(c.Start())
    with pytest.raises(KeyError, match="mine"):
        session.advance(0.1)
    assert session.state == "error"
    assert len(session.records) == session.now.step == 1
    session.callbacks.clear()
    train(session, 1)
    assert session.now.step == 2


def test_ctrl_c_within_a_step_counts_what_was_done(session):
    def interrupt(record):
        raise KeyboardInterrupt

    session.callbacks.append(interrupt)
    session.apply(c.Start())
    with pytest.raises(KeyboardInterrupt):
        session.advance(0.1)
    assert len(session.records) == session.trainer.step_count == 1


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
    st.builds(c.Fix, edges, st.sampled_from(["sin", "x", "log", "nonsense", None]), st.booleans()),
    st.builds(c.Fix, edges, st.sampled_from(["sin", "x^2"]), more=st.lists(edges, max_size=2).map(tuple)),
    st.builds(c.Unfix, edges),
    st.builds(c.Prune, st.lists(edges, max_size=2).map(tuple)),
    st.builds(c.Prune, node=st.tuples(st.integers(0, 2), st.integers(0, 3))),
    st.builds(c.Restore, st.lists(edges, max_size=2).map(tuple)),
    st.builds(c.Refine, st.integers(-1, 9)),
    st.builds(c.Auto, st.floats(0, 1), lib=st.just(("x", "x^2", "sin"))),
    st.builds(c.Drag, edges, st.integers(0, 9), st.floats(-2, 2), st.booleans()),
    st.builds(c.Freeze, edges, st.booleans()),
    st.builds(
        c.Lock, st.integers(0, 2), st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=3).map(tuple)
    ),
    st.builds(c.Set, lamb=st.floats(-0.1, 0.1), opt=st.sampled_from(["auto", "LM", "Adam", None])),
    st.builds(c.Reset, st.sampled_from([None, 0, 3])),
    st.builds(c.Select, st.lists(edges, max_size=2).map(tuple)),
    st.builds(c.Goto, st.integers(0, 6)),
    st.builds(c.Step, st.integers(1, 2)),
    st.sampled_from([c.Undo(), c.Redo(), c.Start(), c.Pause()]),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(anything, max_size=12))
def test_any_sequence_leaves_a_sound_session(sequence):
    session = Session(KAN([2, 2, 1], grid=3, seed=1), dataset())
    for command in sequence:
        before = everything(session) if session.dragging is None else None
        try:
            session.apply(command)
        except ValueError:
            assert before is None or everything(session) == before
        session.advance(0.0)
        assert all(bool(torch.isfinite(p).all()) for p in session.model.parameters())
        assert session.trainer.network is session.model
        assert session.now.step == session.trainer.step_count == len(session.records)
        assert session.tree.current in session.tree.nodes
    session.apply(c.Pause())
    while session.tree.can_undo:
        session.apply(c.Undo())
    assert session.tree.current == 0
