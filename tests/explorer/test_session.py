"""The behaviour of a session: no notebook, no thread."""

import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kanwidget import KAN
from kanwidget.explorer import commands as c
from kanwidget.explorer import undo
from kanwidget.explorer.session import Session
from tests.explorer.conftest import dataset
from tests.explorer.states import everything, network, train

ACTS = [
    c.Fix((0, 0, 0), "sin"),
    c.Fix((0, 1, 0), None),
    c.Fix((0, 0, 1), "x^2", keep_spline=True),
    c.Prune(edges=((0, 0, 0), (1, 2, 0))),
    c.Prune(node=(1, 1)),
    c.Prune(node_th=0.2, edge_th=0.3),
    c.Refine(7),
    c.Refine(2),
    c.Auto(0.5),
    c.Drag((0, 1, 2), 3, 0.75),
    c.Pin((0, 0, 0)),
    c.Lock(0, ((0, 0), (1, 0))),
    c.Reset(),
    c.Reset(5),
]
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
    c.Pin((0, 0, 9)),
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
]


def names(command):
    return repr(command).replace(" ", "")


def test_trains_and_stops_where_it_is_told(session):
    train(session, 5)
    assert (len(session.records), session.now.step, session.state, session.reason) == (5, 5, "done", "steps done")
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


@pytest.mark.parametrize("act", ACTS, ids=names)
def test_every_act_is_undone_and_redone_bit_for_bit(session, act):
    train(session, 3)
    before, memory = network(session.model), everything(session)[1]
    session.apply(act)
    after = network(session.model)
    assert after != before
    train(session, 2)
    trained, kept = network(session.model), everything(session)[1]
    session.apply(c.Undo())
    assert network(session.model) == before
    assert everything(session)[1] == memory
    assert len(session.records) == 3
    session.apply(c.Redo())
    assert network(session.model) == trained
    assert everything(session)[1] == kept


@pytest.mark.parametrize("act", ACTS, ids=names)
def test_training_goes_on_as_if_an_act_had_never_been(session, model, data, act):
    train(session, 3)
    session.apply(act)
    session.apply(c.Undo())
    train(session, 2)
    plain = Session(model, data)
    train(plain, 3)
    train(plain, 2)
    assert network(session.model) == network(plain.model)


@pytest.mark.parametrize("opt", ["LM", "LBFGS", "Adam"])
def test_undo_gives_the_optimiser_back(model, data, opt):
    session, plain = Session(model, data, opt=opt), Session(model, data, opt=opt)
    for one in (session, plain):
        train(one, 4)
    session.apply(c.Refine(6))
    train(session, 2)
    session.apply(c.Undo())
    for one in (session, plain):
        train(one, 3)
    assert network(session.model) == network(plain.model)


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


def test_unfix_and_restore(session):
    spline = network(session.model)
    session.apply(c.Fix((0, 0, 0), "sin"))
    session.apply(c.Unfix((0, 0, 0)))
    assert session.model.layer(0).state(0, 0) == "spline"
    session.apply(c.Prune(edges=((0, 0, 0),)))
    session.apply(c.Restore(((0, 0, 0),)))
    x = session.x
    assert torch.allclose(session.model(x), session.initial(x))
    for _ in range(4):
        session.apply(c.Undo())
    assert network(session.model) == spline


def test_a_new_act_after_undo_is_a_branch_and_both_are_kept(session):
    session.apply(c.Fix((0, 0, 0), "sin"))
    first = network(session.model)
    session.apply(c.Undo())
    session.apply(c.Fix((0, 0, 0), "exp"))
    second = network(session.model)
    tree = session.tree
    assert [(n.id, n.parent) for n in tree.nodes.values()] == [(0, None), (1, 0), (2, 0)]
    session.apply(c.Goto(1))
    assert network(session.model) == first
    session.apply(c.Goto(2))
    assert network(session.model) == second
    session.apply(c.Undo())
    session.apply(c.Redo())
    assert network(session.model) == second


def test_leaving_a_state_keeps_its_latest_training(session):
    session.apply(c.Refine(5))
    session.apply(c.Undo())
    train(session, 3)
    here = network(session.model)
    session.apply(c.Redo())
    session.apply(c.Goto(0))
    assert network(session.model) == here
    assert session.now.step == 3


def held(session):
    return [node.id for node in session.tree.nodes.values() if node.kept]


def test_the_oldest_ends_of_branches_are_forgotten_first(session, monkeypatch):
    monkeypatch.setattr(undo, "MOST_STATES", 4)
    start = network(session.model)
    session.apply(c.Fix((0, 0, 0), "sin"))
    session.apply(c.Fix((0, 1, 0), "sin"))
    session.apply(c.Goto(0))
    for name in ("x", "x^2", "exp"):
        session.apply(c.Fix((0, 0, 0), name))
    before = everything(session)
    assert held(session) == [0, 3, 4, 5]
    for gone in (1, 2):
        with pytest.raises(ValueError, match=f"must be a state that is still kept, .*; got {gone}"):
            session.apply(c.Goto(gone))
    assert everything(session) == before
    assert len(session.tree.nodes) == 6
    session.apply(c.Goto(0))
    assert network(session.model) == start


def test_a_long_way_is_forgotten_at_its_beginning(session, monkeypatch):
    monkeypatch.setattr(undo, "MOST_STATES", 5)
    states = []
    for value in range(12):
        states.append(network(session.model))
        session.apply(c.Drag((0, 0, 0), 1, float(value)))
    assert len(held(session)) == 5
    end = network(session.model)
    count = 0
    while session.tree.can_undo:
        session.apply(c.Undo())
        count += 1
        assert network(session.model) == states[12 - count]
    assert count >= 4
    assert session.apply(c.Undo()) == frozenset()
    while session.tree.can_redo:
        session.apply(c.Redo())
    assert network(session.model) == end
    session.apply(c.Pin((0, 0, 0)))
    assert len(held(session)) == 5


def test_undo_at_the_start_and_redo_at_the_end_do_nothing(session):
    before = everything(session)
    assert session.apply(c.Undo()) == session.apply(c.Redo()) == frozenset()
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


def test_a_drag_is_one_act(session):
    start = network(session.model)
    for value in (0.1, 0.2, 0.3):
        session.apply(c.Drag((0, 0, 0), 2, value, commit=False))
    assert len(session.tree.nodes) == 1
    session.apply(c.Drag((0, 0, 0), 2, 0.4))
    assert float(session.model.layer(0).coef[0, 0, 2].detach()) == 0.4
    assert [n.label for n in session.tree.nodes.values()] == ["start", "drag φ₀,₀,₀"]
    session.apply(c.Undo())
    assert network(session.model) == start


def test_another_act_ends_a_drag(session):
    session.apply(c.Drag((0, 0, 0), 2, 0.1, commit=False))
    session.apply(c.Fix((0, 1, 0), "sin"))
    assert [n.kind for n in session.tree.nodes.values()] == ["start", "drag", "fix"]
    session.apply(c.Undo())
    assert float(session.model.layer(0).coef[0, 0, 2].detach()) == 0.1


def test_pinned_edges_do_not_train(session):
    session.apply(c.Pin((0, 0, 0)))
    before = session.model.layer(0).coef[0, 0].clone()
    train(session, 3)
    assert torch.equal(session.model.layer(0).coef[0, 0], before)
    session.apply(c.Pin((0, 0, 0), False))
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
    assert session.candidates((0, 0, 0)) is first
    train(session, 1)
    assert session.candidates((0, 0, 0)) is not first
    assert session.candidates((0, 0, 0))[0] == session.model.suggest_symbolic(0, 0, 0, topk=1)[0]


def test_the_library_can_be_limited(model, data):
    session = Session(model, data, lib=["sin", "x^2"])
    assert {fit.name for fit in session.candidates((0, 0, 0))} == {"sin", "x^2"}


def test_converged_training_can_be_started_again(data):
    session = Session(KAN([2, 1], grid=3, seed=0), data, update_grid=False)
    session.apply(c.Start())
    while session.running:
        session.advance(10.0)
    assert (session.state, session.reason) == ("done", "converged")
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
    st.builds(c.Unfix, edges),
    st.builds(c.Prune, st.lists(edges, max_size=2).map(tuple)),
    st.builds(c.Prune, node=st.tuples(st.integers(0, 2), st.integers(0, 3))),
    st.builds(c.Restore, st.lists(edges, max_size=2).map(tuple)),
    st.builds(c.Refine, st.integers(-1, 9)),
    st.builds(c.Auto, st.floats(0, 1), lib=st.just(("x", "x^2", "sin"))),
    st.builds(c.Drag, edges, st.integers(0, 9), st.floats(-2, 2), st.booleans()),
    st.builds(c.Pin, edges, st.booleans()),
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
