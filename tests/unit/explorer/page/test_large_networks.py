"""Long trainings and large networks: what is told stays small, and what is done stays quick."""

import pytest
import torch

from kanwidget import KAN, KANExplorer
from kanwidget.core import Event, StepRecord
from kanwidget.explorer.commands.edges import Fix
from kanwidget.explorer.commands.history import Redo, Undo
from kanwidget.explorer.commands.network import Prune
from kanwidget.explorer.commands.training import Set
from kanwidget.explorer.describe import snapshot as describe
from kanwidget.explorer.describe.candidates import best_candidates
from kanwidget.explorer.page.large_networks import STATES, compact
from kanwidget.explorer.page.publisher import Publisher
from kanwidget.explorer.session.session import Session
from tests.unit.explorer.states import train
from tools.benchmarks.sizes import saved


@pytest.fixture(scope="module")
def large():
    x = torch.rand(300, 20, dtype=torch.float64)
    return Session(KAN([20, 40, 40, 5], seed=0), (x, x[:, :5]))


#: What a notebook may hold of one explorer beside the bundle.
MOST_BYTES = 250 * 1024


@pytest.mark.slow
@pytest.mark.parametrize("most", [False, True], ids=["as it begins", "half of it pruned, others searched"])
def test_the_saved_state_of_2600_edges_is_small(most):
    x = torch.rand(80, 20, dtype=torch.float64)
    with KANExplorer(KAN([20, 40, 40, 5], grid=3, seed=1), (x, x[:, :5]), opt="Adam", driver="blocking") as explorer:
        explorer.fit(5)
        session = explorer._session
        edges = session.model.edge_refs()
        assert len(edges) == 2600
        if most:
            session.apply(Prune(edges=tuple(edges[1::2])))
        explorer.select(0, 0, 0)
        fits = explorer.candidates((0, 0, 0))
        if most:
            for edge in edges[::2]:
                session.candidates.best.put(edge, fits[0], session.version, torch.zeros(2, 2))
            assert len(best_candidates(session)) > 50
        assert saved(explorer) < MOST_BYTES


def test_what_is_stored_of_an_edge_is_what_is_told(session):
    layer = session.model.layer(0)
    layer.set_symbol(1, 0, "sin")
    layer.spline_on[0, 1] = layer.spline_on[2, 1] = False
    layer.frozen[1, 1] = True
    session.candidates.store((0, 0, 0), session.candidates.search((0, 0, 0)))
    snapshot = Publisher(session).snapshot()
    stored = compact(snapshot)
    assert [edge["key"] for edge in stored["structure"]["edges"]] == [[0, 0, 0], [0, 1, 0], [0, 1, 1]]
    assert all(edge in snapshot["structure"]["edges"] for edge in stored["structure"]["edges"])
    offset, (count,) = stored["arrays"]["edges"]
    states = torch.frombuffer(bytearray(stored["buffer"]), dtype=torch.float32)[offset : offset + count].long().tolist()
    assert [STATES[number] for number in states] == [edge["state"] for edge in snapshot["structure"]["edges"]]
    assert stored["buffer"].startswith(snapshot["buffer"])


def test_edges_are_told_in_their_order_and_as_they_are(large, session):
    for one in (large, session):
        layer = one.model.layer(0)
        layer.set_symbol(1, 0, "sin")
        layer.set_symbol(0, 1, "x^2")
        layer.spline_on[0, 1] = layer.spline_on[2, 1] = False
        layer.frozen[1, 1] = True
        told = describe.structure(one)["edges"]
        assert [tuple(edge["key"]) for edge in told] == [tuple(ref) for ref in one.model.edge_refs()]
        for edge, ref in zip(told, one.model.edge_refs(), strict=True):
            found = one.model.layer(ref.layer)
            assert edge["state"] == found.state(ref.source, ref.target)
            assert edge.get("function") == found.symbol(ref.source, ref.target)
            assert edge.get("frozen", False) == bool(found.frozen[ref.target, ref.source])


@pytest.mark.slow
def test_a_slider_leaves_one_mark_a_step(session):
    train(session, 1)
    for value in range(50):
        session.apply(Set(lamb=value / 100))
        session.apply(Set(lr=(1 + value) / 100))
    train(session, 1)
    session.apply(Set(lamb=0.5))
    marks = [(event.kind, event.step, event.label) for event in session.run.events]
    assert marks == [("lamb", 1, "lamb = 0.49"), ("lr", 1, "lr = 0.5"), ("lamb", 2, "lamb = 0.5")]


def test_only_so_many_marks_are_told_and_all_latest_acts(session):
    session.run.events = [Event(i, "fix" if i % 50 == 0 else "lamb", str(i)) for i in range(10_000)]
    told = describe.history(session)["events"]
    assert 350 <= len(told) <= 400
    assert [event["step"] for event in told] == sorted({event["step"] for event in told})
    assert sum(event["kind"] == "fix" for event in told) == 200
    assert told[-1]["label"] == "9999"
    session.run.events = [Event(i, "prune", str(i)) for i in range(10_000)]
    assert [event["step"] for event in describe.history(session)["events"]] == list(range(9_800, 10_000))


def test_a_hundred_thousand_steps_are_not_gone_through(session):
    """Neither their copies nor their comparison look at every record."""

    class Record(StepRecord):
        def __getattribute__(self, name):
            read[0] += 1
            return super().__getattribute__(name)

    read = [0]
    session.run.records = [Record(i + 1, 1.0, 1.0, 0.0, i * 1e-3) for i in range(100_000)]
    session.run.last_record = session.run.records[-1]
    publisher = Publisher(session)
    publisher.connect(lambda message, buffers: None)
    session.apply(Fix((0, 0, 0), "sin"))
    session.apply(Undo())
    session.apply(Redo())
    assert read[0] < 1_000
    model = session.run.model_with_history()
    assert len(model.history.records) == 100_000
    assert read[0] < 1_000
    publisher.snapshot()
    assert read[0] < 20_000
