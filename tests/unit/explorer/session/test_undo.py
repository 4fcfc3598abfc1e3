"""The undo tree: every act is a state, to which one comes back bit for bit."""

import pytest
import torch

from kanwidget.explorer.commands.beginnings import Reset
from kanwidget.explorer.commands.edges import Drag, Fix, Freeze, Lock, Restore, Unfix
from kanwidget.explorer.commands.history import Goto, Redo, Undo
from kanwidget.explorer.commands.network import AutoSymbolic, Prune, Refine
from kanwidget.explorer.commands.training import Set
from kanwidget.explorer.describe import snapshot as describe
from kanwidget.explorer.session import undo
from kanwidget.explorer.session.session import Session
from tests.unit.explorer.states import everything, network, train

ACTS = [
    Fix((0, 0, 0), "sin"),
    Fix((0, 1, 0), None),
    Fix((0, 0, 1), "x^2", keep_spline=True),
    Prune(edges=((0, 0, 0), (1, 2, 0))),
    Prune(node=(1, 1)),
    Prune(node_th=0.2, edge_th=0.3),
    Refine(7),
    Refine(2),
    AutoSymbolic(0.5, lib=("x", "x^2", "sin")),
    Drag((0, 1, 2), 3, 0.75),
    Freeze((0, 0, 0)),
    Lock(0, ((0, 0), (1, 0))),
    Reset(),
    Reset(5),
]


def names(command):
    return repr(command).replace(" ", "")


@pytest.mark.parametrize("act", ACTS, ids=names)
def test_every_act_is_undone_and_redone_bit_for_bit(session, act):
    train(session, 3)
    before, memory = network(session.model), everything(session)[1]
    session.apply(act)
    after = network(session.model)
    assert after != before
    train(session, 2)
    trained, kept = network(session.model), everything(session)[1]
    session.apply(Undo(2))
    assert network(session.model) == before
    assert everything(session)[1] == memory
    assert len(session.run.records) == 3
    session.apply(Redo())
    assert network(session.model) == after
    session.apply(Redo())
    assert network(session.model) == trained
    assert everything(session)[1] == kept


@pytest.mark.parametrize("act", ACTS, ids=names)
def test_training_goes_on_as_if_an_act_had_never_been(session, model, data, act):
    train(session, 3)
    session.apply(act)
    session.apply(Undo())
    train(session, 2)
    plain = Session(model, data)
    train(plain, 3)
    train(plain, 2)
    assert network(session.model) == network(plain.model)


@pytest.mark.slow
@pytest.mark.parametrize("opt", ["LM", "LBFGS", "Adam"])
def test_undo_gives_the_optimiser_back(model, data, opt):
    session, plain = Session(model, data, opt=opt), Session(model, data, opt=opt)
    for one in (session, plain):
        train(one, 4)
    session.apply(Refine(6))
    train(session, 2)
    session.apply(Undo(2))
    for one in (session, plain):
        train(one, 3)
    assert network(session.model) == network(plain.model)


def test_unfix_and_restore(session):
    spline = network(session.model)
    session.apply(Fix((0, 0, 0), "sin"))
    session.apply(Unfix((0, 0, 0)))
    assert session.model.layer(0).state(0, 0) == "spline"
    session.apply(Prune(edges=((0, 0, 0),)))
    session.apply(Restore(((0, 0, 0),)))
    x = session.x
    assert torch.allclose(session.model(x), session.run.initial(x))
    for _ in range(4):
        session.apply(Undo())
    assert network(session.model) == spline


def test_a_new_act_after_undo_is_a_branch_and_both_are_kept(session):
    session.apply(Fix((0, 0, 0), "sin"))
    first = network(session.model)
    session.apply(Undo())
    session.apply(Fix((0, 0, 0), "exp"))
    second = network(session.model)
    tree = session.tree
    assert [(n.id, n.parent) for n in tree.nodes.values()] == [(0, None), (1, 0), (2, 0)]
    session.apply(Goto(1))
    assert network(session.model) == first
    session.apply(Goto(2))
    assert network(session.model) == second
    session.apply(Undo())
    session.apply(Redo())
    assert network(session.model) == second


def test_leaving_a_state_keeps_its_latest_training(session):
    session.apply(Refine(5))
    session.apply(Undo())
    train(session, 3)
    here = network(session.model)
    session.apply(Redo())
    session.apply(Goto(2))
    assert network(session.model) == here
    assert session.run.last_record.step == 3


def held(session):
    return [node.id for node in session.tree.nodes.values() if node.checkpoints]


def test_the_oldest_ends_of_branches_are_forgotten_first(session, monkeypatch):
    monkeypatch.setattr(undo, "MOST_STATES", 4)
    start = network(session.model)
    session.apply(Fix((0, 0, 0), "sin"))
    session.apply(Fix((0, 1, 0), "sin"))
    session.apply(Goto(0))
    for name in ("x", "x^2", "exp"):
        session.apply(Fix((0, 0, 0), name))
    before = everything(session)
    assert held(session) == [0, 3, 4, 5]
    for gone in (1, 2):
        with pytest.raises(ValueError, match=f"must be a state that is still kept, .*; got {gone}"):
            session.apply(Goto(gone))
    assert everything(session) == before
    assert len(session.tree.nodes) == 6
    session.apply(Goto(0))
    assert network(session.model) == start


def test_a_long_way_is_forgotten_at_its_beginning(session, monkeypatch):
    monkeypatch.setattr(undo, "MOST_STATES", 5)
    states = []
    for value in range(12):
        states.append(network(session.model))
        session.apply(Drag((0, 0, 0), 1, float(value)))
    assert len(held(session)) == 5
    end = network(session.model)
    count = 0
    while session.tree.can_undo:
        session.apply(Undo())
        count += 1
        assert network(session.model) == states[12 - count]
    assert count >= 4
    with pytest.raises(ValueError, match=r"nothing to undo: .* before this state that is still kept"):
        session.apply(Undo())
    while session.tree.can_redo:
        session.apply(Redo())
    assert network(session.model) == end
    session.apply(Freeze((0, 0, 0)))
    assert len(held(session)) == 5


@pytest.mark.parametrize("command", [Undo(), Redo()], ids=names)
def test_undo_at_the_start_and_redo_at_the_end_say_so_and_do_nothing(session, command):
    before = everything(session)
    with pytest.raises(ValueError, match=f"there is nothing to {command.kind}"):
        session.apply(command)
    assert everything(session) == before


def test_a_drag_is_one_act(session):
    start = network(session.model)
    for value in (0.1, 0.2, 0.3):
        session.apply(Drag((0, 0, 0), 2, value, commit=False))
    assert len(session.tree.nodes) == 1
    session.apply(Drag((0, 0, 0), 2, 0.4))
    assert float(session.model.layer(0).coef[0, 0, 2].detach()) == 0.4
    assert [n.label for n in session.tree.nodes.values()] == ["start", "drag x₁ → h₁,₁"]
    # Though no edge is selected, as from Python.
    assert session.tree.nodes[1].edges == ((0, 0, 0),)
    session.apply(Undo())
    assert network(session.model) == start


def test_another_act_ends_a_drag(session):
    session.apply(Drag((0, 0, 0), 2, 0.1, commit=False))
    session.apply(Fix((0, 1, 0), "sin"))
    assert [n.kind for n in session.tree.nodes.values()] == ["start", "drag", "fix"]
    session.apply(Undo())
    assert float(session.model.layer(0).coef[0, 0, 2].detach()) == 0.1


# ---- what is kept


def act(session, value):
    session.apply(Drag((0, 0, 0), 1, float(value)))


def test_the_bytes_of_a_state_are_those_of_its_tensors(session):
    state = session.run.checkpoint()
    tensors = [*state.model.parameters(), *state.model.buffers()]
    assert state.bytes == sum(tensor.numel() * tensor.element_size() for tensor in tensors) > 1000


def test_the_memory_of_an_optimiser_counts(model, data):
    session = Session(model, data, opt="Adam")
    session.apply(Set(opt="LM"))
    before = session.run.checkpoint().bytes
    session.apply(Set(opt="Adam"))
    train(session, 1)
    size = sum(p.numel() * p.element_size() for p in session.model.parameters())
    assert session.run.checkpoint().bytes >= before + 2 * size


def test_states_take_a_bounded_number_of_bytes(session, monkeypatch):
    one = session.run.checkpoint().bytes
    monkeypatch.setattr(undo, "MOST_BYTES", 5 * one)
    for value in range(12):
        act(session, value)
        states = {id(s): s.bytes for node in session.tree.nodes.values() for s in node.checkpoints}
        assert sum(states.values()) <= 5 * one
    assert len(session.tree.nodes) == 13
    assert held(session) == [8, 9, 10, 11, 12]
    end = network(session.model)
    while session.tree.can_undo:
        session.apply(Undo())
    while session.tree.can_redo:
        session.apply(Redo())
    assert network(session.model) == end


def test_the_last_act_can_be_undone_however_large_it_is(session, monkeypatch):
    monkeypatch.setattr(undo, "MOST_BYTES", 1)
    act(session, 1)
    before = network(session.model)
    act(session, 2)
    assert held(session) == [2]
    session.apply(Undo())
    assert network(session.model) == before


def test_the_lists_of_records_of_branches_count(session, monkeypatch):
    train(session, 1)
    records = session.run.records * 20_000
    one = session.run.checkpoint().bytes
    monkeypatch.setattr(undo, "MOST_BYTES", 10 * one + 8 * 50_000)
    for value in range(5):
        session.run.records = list(records)  # as a branch has its own
        act(session, value)
    assert len(held(session)) == 2


def test_the_page_is_told_what_is_forgotten(session, monkeypatch):
    monkeypatch.setattr(undo, "MOST_STATES", 3)
    for value in range(5):
        act(session, value)
    told = describe.history(session)["states"]
    assert [state["kept"] for state in told] == [False, False, False, True, True, True]
    for state in told:
        if state["kept"]:
            session.apply(Goto(state["id"]))
        else:
            with pytest.raises(ValueError, match="256 MB"):
                session.apply(Goto(state["id"]))


def test_a_part_of_a_longer_act_that_fails_is_no_part_of_it(session):
    tree = session.tree
    tree.begin_group()
    back = tree.bookmark()
    tree.add("a part", "fix", session.run.last_record, None)
    assert tree.group == tree.current
    back()
    assert tree.group == -1
    tree.end_group()
