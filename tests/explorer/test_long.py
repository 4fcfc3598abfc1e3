"""Long trainings and large networks: what is told stays small, and what is done stays quick."""

import json

import pytest
import torch

from kanwidget import KAN
from kanwidget.core import Event, StepRecord
from kanwidget.explorer import commands as c
from kanwidget.explorer import describe
from kanwidget.explorer.publisher import Publisher
from kanwidget.explorer.session import Session
from tests.explorer.states import train


@pytest.fixture(scope="module")
def large():
    x = torch.rand(300, 20, dtype=torch.float64)
    return Session(KAN([20, 40, 40, 5], seed=0), (x, x[:, :5]))


def test_the_snapshot_of_2600_edges_is_small(large):
    snapshot = Publisher(large).snapshot()
    buffer = snapshot.pop("buffer")
    assert len(snapshot["structure"]["edges"]) == 2600
    # In a saved notebook the buffer is base64.
    assert len(json.dumps(snapshot)) + len(buffer) * 4 / 3 < 250_000


def test_edges_are_told_in_their_order_and_as_they_are(large, session):
    for one in (large, session):
        layer = one.model.layer(0)
        layer.set_symbol(1, 0, "sin")
        layer.set_symbol(0, 1, "x^2")
        layer.spline_on[0, 1] = layer.spline_on[2, 1] = False
        layer.pinned[1, 1] = True
        told = describe.structure(one)["edges"]
        assert [tuple(edge["key"]) for edge in told] == [tuple(ref) for ref in one.model.edge_refs()]
        for edge, ref in zip(told, one.model.edge_refs(), strict=True):
            found = one.model.layer(ref.layer)
            assert edge["state"] == found.state(ref.source, ref.target)
            assert edge.get("function") == found.symbol(ref.source, ref.target)
            assert edge.get("pinned", False) == bool(found.pinned[ref.target, ref.source])


def test_a_slider_leaves_one_mark_a_step(session):
    train(session, 1)
    for value in range(50):
        session.apply(c.Set(lamb=value / 100))
        session.apply(c.Set(lr=(1 + value) / 100))
    train(session, 1)
    session.apply(c.Set(lamb=0.5))
    marks = [(event.kind, event.step, event.label) for event in session.events]
    assert marks == [("lamb", 1, "lamb = 0.49"), ("lr", 1, "lr = 0.5"), ("lamb", 2, "lamb = 0.5")]


def test_only_so_many_marks_are_told_and_all_latest_acts(session):
    session.events = [Event(i, "fix" if i % 50 == 0 else "lamb", str(i)) for i in range(10_000)]
    told = describe.history(session)["events"]
    assert 350 <= len(told) <= 400
    assert [event["step"] for event in told] == sorted({event["step"] for event in told})
    assert sum(event["kind"] == "fix" for event in told) == 200
    assert told[-1]["label"] == "9999"
    session.events = [Event(i, "prune", str(i)) for i in range(10_000)]
    assert [event["step"] for event in describe.history(session)["events"]] == list(range(9_800, 10_000))


def test_a_hundred_thousand_steps_are_not_gone_through(session):
    """Neither their copies nor their comparison look at every record."""

    class Record(StepRecord):
        def __getattribute__(self, name):
            read[0] += 1
            return super().__getattribute__(name)

    read = [0]
    session.records = [Record(i + 1, 1.0, 1.0, 0.0, i * 1e-3) for i in range(100_000)]
    session.now = session.records[-1]
    publisher = Publisher(session)
    publisher.send = lambda message, buffers: None
    session.apply(c.Fix((0, 0, 0), "sin"))
    session.apply(c.Undo())
    session.apply(c.Redo())
    assert read[0] < 1_000
    model = session.snapshot_model()
    assert len(model.history.records) == 100_000
    assert read[0] < 1_000
    publisher.snapshot()
    assert read[0] < 20_000
