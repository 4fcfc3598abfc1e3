"""What is told of a large network after an act, and what a page then knows."""

import json

import numpy as np
import pytest
import torch

from kanwidget import KAN, create_dataset
from kanwidget.explorer.commands.edges import Drag, Fix, Freeze, Lock
from kanwidget.explorer.commands.history import Undo
from kanwidget.explorer.commands.network import Prune
from kanwidget.explorer.commands.training import Pause, Start
from kanwidget.explorer.commands.view import Select
from kanwidget.explorer.describe import snapshot as describe
from kanwidget.explorer.page.large_networks import MANY_EDGES, Deltas, changed
from kanwidget.explorer.page.publisher import Publisher
from kanwidget.explorer.session.session import Session

WIDTH = [10, 20, 2]


class View:
    """A page that knows of structure and curves what messages have told, and how long those were."""

    def __init__(self, publisher):
        self.structure, self.rows, self.bytes = None, {}, 0
        publisher.connect(self.receive)

    def receive(self, message, buffers):
        if message["kind"] in ("structure", "curves"):
            self.bytes += len(json.dumps(message)) + sum(map(len, buffers))
        told = json.loads(json.dumps(message))
        if told["kind"] == "structure":
            if told.get("part"):
                for name in ("nodes", "edges"):
                    new = {tuple(one["key"]): one for one in told["structure"][name]}
                    old = self.structure[name]
                    told["structure"][name] = [new.get(tuple(one["key"]), one) for one in old]
            self.structure = told["structure"]
        if told["kind"] == "curves":
            keys = [one["key"] for one in self.structure["edges"]]
            for key, row in zip(
                keys if told["edges"] is None else told["edges"], array(told, buffers, "curves"), strict=True
            ):
                self.rows[tuple(key)] = row.copy()
            if "importance" in told["arrays"]:
                for key, value in zip(keys, array(told, buffers, "importance"), strict=True):
                    self.rows[tuple(key)][0] = value
        if told["kind"] == "candidates" and "best" in told["candidates"]:
            best = {tuple(one["key"]): one for one in told["candidates"]["best"]}
            for edge in self.structure["edges"]:
                for name in ("best", "best_r2"):
                    edge.pop(name, None)
                    if one := best.get(tuple(edge["key"])):
                        edge[name] = one[name]


def array(message, buffers, name):
    offset, shape = message["arrays"][name]
    return np.frombuffer(buffers[0], "<f4")[offset : offset + int(np.prod(shape))].reshape(shape)


@pytest.fixture
def told():
    data = create_dataset(lambda x: x[:, :2] ** 2, n_var=WIDTH[0], train_num=60, test_num=20)
    session = Session(KAN(WIDTH, seed=1), data, opt="Adam", update_grid=False)
    publisher = Publisher(session, clock=lambda: 0.0)
    view = View(publisher)
    publisher.mark_changed(frozenset(("structure", "curves")))
    publisher.flush()
    return session, publisher, view


def settle(publisher):
    publisher.flush(force=True)
    while publisher.send_costly():
        publisher.flush(force=True)


def same(session, view, structure=True):
    """The page knows what is, but for what a drawing doesn't show; the structure is told with acts."""
    assert not structure or view.structure == json.loads(json.dumps(describe.structure(session)))
    rows = session.samples().thumbnails.float()
    known = torch.tensor(np.stack([view.rows[tuple(ref)] for ref in session.model.edge_refs()]))
    assert torch.equal(known[:, 0], rows[:, 0])
    assert not bool(changed(rows, known).any()) or float((known - rows).abs().max()) < 2e-3 * float(rows.abs().max())


ACTS = {
    "fix": [Fix((0, 3, 4), "sin")],
    "undo": [Fix((0, 3, 4), "sin"), Undo()],
    "prune": [Prune(edges=((1, 3, 1),))],
    "freeze": [Freeze((1, 3, 1))],
    "lock": [Lock(0, ((1, 2), (2, 2)))],
    "drag": [Drag((0, 0, 0), 3, 2.0, False), Drag((0, 0, 0), 3, 2.5, False), Drag((0, 0, 0), 3, 3.0)],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ACTS)
def test_after_an_act_only_what_changed_is_told_and_a_page_knows_all(told, name):
    session, publisher, view = told
    first = view.bytes
    assert len(session.model.edge_refs()) > MANY_EDGES
    for command in ACTS[name]:
        view.bytes = 0
        publisher.mark_changed(session.apply(command))
        settle(publisher)
        same(session, view, structure=session.tree.drag_start is None)
        assert view.bytes < first / 3


def test_another_layout_is_told_whole(told):
    session, publisher, view = told
    publisher.mark_changed(session.apply(Prune(node=(1, 4))))
    settle(publisher)
    assert len(view.structure["edges"]) == 10 * 19 + 19 * 2
    same(session, view)
    publisher.mark_changed(session.apply(Undo()))
    settle(publisher)
    same(session, view)


@pytest.mark.slow
def test_the_best_candidates_of_edges_are_known_after_each_act(told):
    session, publisher, view = told
    for command in (Select(((0, 0, 0),)), Fix((0, 1, 2), "sin"), Drag((0, 0, 0), 1, 3.0), Undo()):
        publisher.mark_changed(session.apply(command))
        settle(publisher)
        same(session, view)
    assert view.structure["edges"][0]["best"]


def test_training_is_told_in_turn_and_a_pause_makes_up_for_it(told):
    session, publisher, view = told
    session.apply(Start())
    for _ in range(3):
        publisher.mark_changed(session.advance(0.0))
        publisher.flush(force=True)
    publisher.mark_changed(session.apply(Pause()))
    settle(publisher)
    same(session, view, structure=False)


@pytest.mark.slow
def test_a_page_that_has_just_come_or_has_missed_something_is_told_whole(told):
    session, publisher, _ = told
    for again in (publisher.send_hello_ack, lambda: publisher.resend_rows(0)):
        publisher.mark_changed(session.apply(Freeze((1, 3, 1))))
        settle(publisher)
        again()
        heard = []
        publisher.connect(lambda message, _, heard=heard: heard.append(message))
        publisher.mark_changed(session.apply(Undo()))
        settle(publisher)
        assert next(one for one in heard if one["kind"] == "curves")["edges"] is None
    assert "part" not in next(one for one in heard if one["kind"] == "structure")


def test_small_changes_add_up():
    deltas, rows = Deltas(), torch.zeros(MANY_EDGES + 1, 5)
    rows[:, 2] = rows[:, 4] = 1.0
    assert deltas.curves(rows) is None
    heard = []
    for step in range(1, 6):
        rows[7, 4] = 1 + step * 4e-4
        heard.append(deltas.curves(rows).tolist())
    assert heard == [[], [], [7], [], []]


def test_what_is_infinite_or_missing_is_compared_as_it_is():
    row = torch.tensor([[1.0, -1, 1, 0, float("inf")], [1.0, -1, 1, float("nan"), 1]])
    assert not changed(row, row.clone()).any()
    other = row.clone()
    other[0, 4], other[1, 3] = 5.0, 0.0
    assert changed(row, other).all()
