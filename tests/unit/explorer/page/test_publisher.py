"""What a page is told and when, with a clock that only moves when it is told to."""

import math

import numpy as np
import pytest
import torch

from kanwidget import KAN
from kanwidget.explorer.commands.edges import Drag, Fix, Lock
from kanwidget.explorer.commands.history import Undo
from kanwidget.explorer.commands.network import AutoSymbolic, Refine
from kanwidget.explorer.commands.training import Pause, Start
from kanwidget.explorer.commands.view import Rank, Select
from kanwidget.explorer.describe import snapshot as describe
from kanwidget.explorer.page.publisher import SNAPSHOT_SECONDS, Publisher
from kanwidget.explorer.page.rate_limits import FRAME_SECONDS, PATIENCE_SECONDS
from kanwidget.explorer.protocol.records import VERSION
from kanwidget.explorer.protocol.topics import EVERYTHING
from kanwidget.explorer.session import candidates, samples
from kanwidget.explorer.session.session import Session
from tests.unit.explorer.states import train


@pytest.fixture
def publisher(session, clock):
    return Publisher(session, clock=clock)


@pytest.fixture
def page(publisher, page_of):
    page = page_of(publisher)
    publisher.flush()
    page.clear()
    return page


def steps(publisher, count):
    publisher.session.apply(Start()) if not publisher.session.running else None
    for _ in range(count):
        publisher.mark_changed(publisher.session.advance(0.0))


def rows(message, buffers, name="metrics"):
    offset, shape = message["arrays"][name]
    values = np.frombuffer(buffers[0], "<f4")[offset : offset + math.prod(shape)]
    return values.reshape(shape)


def test_one_frame_is_on_its_way_and_changes_gather(publisher, page, clock):
    steps(publisher, 1)
    publisher.flush()
    assert page.kinds() == ["history", "metrics", "curves", "status"]
    assert page.messages[-1]["frame"] == 1
    page.clear()
    for _ in range(5):
        clock.now += 0.3
        steps(publisher, 1)
        publisher.flush()
    assert page.kinds() == []
    publisher.frames.acknowledge(1)
    publisher.flush()
    assert page.kinds() == ["metrics", "curves", "status"]
    assert rows(page.messages[0], page.buffers[0])[:, 0].tolist() == [2, 3, 4, 5, 6]
    assert page.messages[0]["first"] == 1


def test_at_most_ten_frames_a_second(session, clock, page_of):
    publisher = Publisher(session, clock=clock)
    page = page_of(publisher, acknowledges=True)
    for _ in range(100):
        steps(publisher, 1)
        publisher.flush()
        clock.now += 0.01
    frames = [m["frame"] for m in page.messages if "frame" in m]
    assert 9 <= len(frames) <= 11
    told = sum(m["arrays"]["metrics"][1][0] for m in page.messages if m["kind"] == "metrics")
    assert 90 <= told <= 100


def test_a_lost_acknowledgement_is_given_up(publisher, page, clock):
    steps(publisher, 1)
    publisher.flush()
    page.clear()
    steps(publisher, 1)
    clock.now += PATIENCE_SECONDS - 0.1
    publisher.flush()
    assert page.kinds() == []
    while publisher.send_costly():
        page.clear()
    assert publisher.next_wait() == pytest.approx(0.1)
    clock.now += 0.2
    publisher.flush()
    assert page.kinds() == ["metrics", "curves", "status"]


def test_hello_frees_the_line_and_is_answered_with_everything(publisher, page, clock):
    steps(publisher, 2)
    publisher.flush()
    page.clear()
    publisher.send_hello_ack()
    assert page.kinds() == ["hello_ack"]
    assert rows(page.messages[0]["snapshot"], page.buffers[0]).shape == (2, 5)
    steps(publisher, 1)
    clock.now += FRAME_SECONDS
    publisher.flush()
    assert page.kinds()[-3:] == ["metrics", "curves", "status"]


def test_acknowledgements_of_other_frames_are_nothing(publisher, page, clock):
    steps(publisher, 1)
    publisher.flush()
    page.clear()
    steps(publisher, 1)
    for frame in (0, 2, None, "1", [1]):
        publisher.frames.acknowledge(frame)
    clock.now += 1
    publisher.flush()
    assert page.kinds() == []


def test_buffers_are_copies(publisher, page):
    steps(publisher, 1)
    publisher.flush()
    kept = [bytes(buffer) for buffers in page.buffers for buffer in buffers]
    sent = [buffer for buffers in page.buffers for buffer in buffers]
    with torch.no_grad():
        for parameter in publisher.session.model.parameters():
            parameter.add_(100.0)
    assert all(type(buffer) is bytes for buffer in sent)
    assert sent == kept


def test_sequence_numbers_rise(publisher, page, clock):
    publisher.session.apply(Select(((0, 0, 0),)))
    publisher.mark_changed(EVERYTHING)
    while publisher.next_wait() is not None:
        publisher.flush()
        _ = publisher.send_costly() or publisher.send_preview()
        clock.now += 0.1
    numbers = [message["seq"] for message in page.messages]
    assert numbers == sorted(set(numbers))
    assert {message["v"] for message in page.messages} == {VERSION}


def test_acts_are_told_at_once_and_before_their_acknowledgement(publisher, page):
    session = publisher.session
    steps(publisher, 1)
    publisher.flush()
    page.clear()
    publisher.mark_changed(session.apply(Fix((0, 0, 0), "sin")))
    publisher.acknowledge(7)
    kinds = page.kinds()
    assert kinds[-1] == "ack"
    assert kinds[:2] == ["structure", "curves"]
    assert {"settings", "history", "status"} <= set(kinds)
    assert page.last("ack")["of"] == 7


def test_a_selection_is_answered_before_its_candidates(publisher, page):
    publisher.mark_changed(publisher.session.apply(Select(((0, 0, 0),))))
    publisher.acknowledge(3)
    assert page.kinds() == ["selection", "candidates", "ack"]
    assert page.messages[1]["candidates"]["busy"]
    assert publisher.next_wait() == 0.0
    assert publisher.send_costly()
    assert page.last("candidates")["candidates"]["rows"]
    assert not page.last("candidates")["candidates"]["busy"]


def test_undo_replaces_the_metrics(publisher, page):
    session = publisher.session
    train(session, 3)
    session.apply(Refine(4))
    train(session, 2)
    publisher.mark_changed(session.apply(Undo()))
    publisher.acknowledge(1)
    message = page.last("metrics")
    assert (message["replace"], message["first"], message["arrays"]["metrics"][1]) == (True, 0, [3, 5])


def test_candidates_are_refreshed_about_once_a_second(publisher, clock, page_of):
    page = page_of(publisher, acknowledges=True)
    publisher.session.apply(Select(((0, 0, 0),)))
    for _ in range(60):
        steps(publisher, 1)
        publisher.flush()
        publisher.send_costly()
        clock.now += 0.05
    found = [m for m in page.messages if m["kind"] == "candidates"]
    assert 2 <= len(found) <= 4
    versions = [m["candidates"]["version"] for m in found]
    assert versions == sorted(set(versions))


def test_snapshots_every_two_seconds_and_when_something_was_done(publisher, clock, page_of):
    page = page_of(publisher, acknowledges=True)
    steps(publisher, 1)
    publisher.flush()
    first = len(page.snapshots)
    for _ in range(10):
        clock.now += SNAPSHOT_SECONDS / 10.5
        steps(publisher, 1)
        publisher.flush()
    assert len(page.snapshots) == first
    clock.now += SNAPSHOT_SECONDS / 10
    steps(publisher, 1)
    publisher.flush()
    assert len(page.snapshots) == first + 1
    publisher.mark_changed(publisher.session.apply(Pause()))
    while publisher.next_wait() is not None:
        publisher.flush()
        publisher.send_costly()
    assert len(page.snapshots) == first + 2
    snapshot = page.snapshots[-1]
    assert snapshot["status"]["state"] == "paused"
    assert snapshot["formula"]["text"]
    assert snapshot["seq"] < page.messages[-1]["seq"]


@pytest.mark.parametrize("width", [[2, 5, 1], [10, 20, 20, 3], [20, 30, 5]])
def test_snapshots_stay_small(width):
    from kanwidget import create_dataset

    data = create_dataset(lambda x: x[:, : width[-1]], n_var=width[0], train_num=300, test_num=100)
    session = Session(KAN(width, grid=5), data, update_grid=False)
    record = session.run.last_record
    session.run.records = [record] * 20_000
    session.apply(Select(((0, 0, 0),)))
    session.candidates.of((0, 0, 0))
    import json

    snapshot = Publisher(session).snapshot()
    buffer = snapshot.pop("buffer")
    assert len(buffer) + len(json.dumps(snapshot)) <= 250_000


def test_a_loss_that_is_no_number_is_told_with_what_to_do_about_it(session, page_of):
    publisher = Publisher(session)
    page = page_of(publisher, acknowledges=True)
    with torch.no_grad():
        session.model.layer(0).coef.fill_(float("nan"))
    session.run.trainer.rebuild()
    publisher.mark_changed(session.apply(Start()))
    publisher.mark_changed(session.advance(0.01))
    publisher.flush()
    told = page.last("error")["error"]
    assert (session.run.state, told["title"]) == ("done", "Stalled")
    assert "size of the labels" in told["hint"]


def test_large_networks_send_some_thumbnails_a_frame(clock, page_of):
    from kanwidget import create_dataset

    data = create_dataset(lambda x: x[:, [0]], n_var=10, train_num=40, test_num=10)
    session = Session(KAN([10, 30, 1]), data, opt="Adam", update_grid=False)
    publisher = Publisher(session, clock=clock)
    page = page_of(publisher, acknowledges=True)
    publisher.flush()
    seen = set()
    for _ in range(4):
        page.clear()
        steps(publisher, 1)
        clock.now += 0.2
        publisher.flush()
        keys = page.last("curves")["edges"]
        assert len(keys) <= 200
        assert page.last("curves")["arrays"]["curves"][1] == [len(keys), 36]
        seen |= {tuple(key) for key in keys}
    assert len(seen) == 330
    publisher.mark_changed(session.apply(Pause()))
    publisher.flush()
    assert page.last("curves")["edges"] is None


def test_long_histories_are_thinned(publisher, page):
    session = publisher.session
    train(session, 1)
    session.run.records = [session.run.last_record] * 12_000
    publisher.resend_rows(0)
    publisher.flush(force=True)
    message = page.last("metrics")
    count = message["arrays"]["metrics"][1][0]
    assert count <= 5000
    assert message["first"] + count == 12_000


def best(session, edge=0):
    return describe.structure(session)["edges"][edge].get("best_r2")


def test_the_best_known_candidate_belongs_to_the_state_that_is_shown(session):
    train(session, 2)
    found = session.candidates.of((0, 0, 0))[0].r2
    assert best(session) == found
    session.apply(Fix((0, 1, 2), "sin"))
    assert best(session) == found  # this edge is the same as before
    session.apply(Drag((0, 0, 0), 1, 3.0))
    assert best(session) is None
    session.apply(Undo())
    assert best(session) == found
    train(session, 1)
    assert best(session) is None
    session.candidates.of((0, 0, 0))
    session.apply(Rank(1.0))
    assert best(session) is None


def test_while_training_the_best_known_candidate_may_lag_but_not_across_acts(session, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(candidates.time, "monotonic", lambda: now[0])
    session.apply(Start())
    session.advance(0.0)
    found = session.candidates.of((0, 0, 0))[0].r2
    session.advance(0.0)
    assert best(session) == found
    now[0] = candidates.LAG_SECONDS + 1
    assert best(session) is None
    session.candidates.of((0, 0, 0))
    session.advance(0.0)
    assert best(session) is not None
    session.apply(Drag((0, 0, 0), 1, 3.0))
    assert best(session) is None


def test_nobody_listens(session):
    publisher = Publisher(session)
    train(session, 1)
    publisher.mark_changed(EVERYTHING)
    publisher.flush()
    assert publisher.next_wait() is None
    assert not publisher.send_costly()


def test_missing_values_are_nan_in_arrays_and_null_in_json(model):
    from kanwidget import Dataset

    data = Dataset(torch.rand(20, 2), torch.rand(20, 1))
    session = Session(model, data)
    train(session, 2)
    table = describe.metrics(session.run.records, 1000)
    assert torch.isnan(table[:, 3]).all()
    assert describe.status(session, "thread")["test"] is None


def test_thumbnails_follow_the_structure(session):
    table = session.samples().thumbnails
    refs = session.model.edge_refs()
    assert table.shape == (len(refs), 36)
    for row, (layer, source, target) in zip(table, refs, strict=True):
        x = torch.linspace(float(row[1]), float(row[2]), 33, dtype=torch.float64)
        assert torch.allclose(row[3:], session.model.curve((layer, source, target), x).y, atol=1e-9)
        assert float(row[0]) == float(session.scores().edge_scores[layer][target, source])


@pytest.mark.parametrize("k", [0, 1, 3])
def test_handles_stand_where_their_coefficient_acts(data, k):
    session = Session(KAN([2, 1], grid=5, k=k), data)
    arrays, _ = samples.edge_detail(session.model, (0, 0, 0), session.x)
    handles, layer = arrays["handles"], session.model.layer(0)
    assert handles.shape == (2, 5 + k)
    for index, place in enumerate(handles[0].tolist()):
        x = torch.linspace(float(arrays["knots"][0]), float(arrays["knots"][-1]), 2001, dtype=torch.float64)
        bump = layer.design(x[:, None].expand(-1, 2))[:, 0, index]
        middle = float((bump * x).sum() / bump.sum())
        assert abs(place - middle) < (0.35 if index in (0, 4 + k) else 0.15) * (x[-1] - x[0])


def test_a_formula_too_long_to_read_is_not_written(data):
    from kanwidget.explorer.describe.formula import formula

    told = formula(Session(KAN([2, 15, 15, 1]), data))
    assert told["latex"] == ""
    assert "too long" in str(told["outputs"])
    assert told["active"] == 2 * 15 + 15 * 15 + 15


@pytest.mark.slow
def test_the_formula_uses_the_users_names(model, data):
    from kanwidget.explorer.describe.formula import formula

    session = Session(model, data, in_vars=["mass", "mass"], out_vars=["<b>y</b>"])
    session.apply(AutoSymbolic(-5.0))
    told = formula(session)
    assert told["fixed"] == told["active"] == 9
    assert told["text"].startswith("<b>y</b> = ")
    assert "mass_1" in told["text"]
    assert "def " in told["python"]


def test_groups_of_locked_edges_have_numbers_of_their_own(session):
    session.apply(Lock(0, ((0, 0), (1, 0))))
    session.apply(Lock(1, ((0, 0), (1, 0))))
    groups = {}
    for edge in describe.structure(session)["edges"]:
        if "tied" in edge:
            groups.setdefault(edge["tied"], []).append(tuple(edge["key"]))
    assert groups == {0: [(0, 0, 0), (0, 1, 0)], 1: [(1, 0, 0), (1, 1, 0)]}


def test_a_busy_panel_leaves_the_session_free(publisher, page):
    """Its result is worked out beside the session, and comes to the thread that would wait here."""
    publisher._changed.add("forms")
    publisher.send_panels_and_preview()
    assert [message["forms"]["busy"] for message in page.messages if message["kind"] == "forms"] == [True]
    assert "forms" not in publisher._changed
