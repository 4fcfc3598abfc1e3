"""One session in hosts that treat messages differently; each host here is a comm and a page that behave as badly as allowed.

`pushes`: everything arrives. `drops`: what isn't sent while a message of the page is handled is lost, as reported of Colab once a cell has
ended. `slow`: frames are acknowledged only when nothing else is left to do. `old`: as ipywidgets 7.7, no echo of updates, and buffers
that are views of memory. The browser's half of the same contract is `js/test/app/hosts.test.ts`.
"""

import gc
import queue
import struct
import threading
import time
import types
import weakref

import comm
import pytest
from comm.base_comm import BaseComm

from kanwidget import KAN, KANExplorer
from kanwidget.explorer.notebook import cells
from kanwidget.explorer.notebook import widget as watch
from kanwidget.explorer.protocol.records import VERSION
from tests.unit.explorer.conftest import dataset
from tests.unit.explorer.threads import eventually

PATIENCE = 60
HOSTS = ("pushes", "drops", "slow", "old")
_handling = threading.local()


class HostComm(BaseComm):
    """Messages of the kernel arrive in `inbox`, unless the host drops them."""

    host = "pushes"
    made = []

    def __init__(self, *args, **keys):
        self.inbox, self.lost = queue.Queue(), 0
        HostComm.made.append(self)
        super().__init__(*args, **keys)

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        if self.host == "drops" and msg_type == "comm_msg" and not getattr(_handling, "now", False):
            self.lost += 1
            return
        # A host copies its messages.
        self.inbox.put((msg_type, data, [bytes(b) for b in buffers or []]))


class Page:
    """The page's half: acknowledges frames, and asks when it waits for something and hears nothing."""

    def __init__(self, explorer):
        name = explorer.widget.comm.comm_id
        self.comm = next(one for one in HostComm.made if one.comm_id == name)
        self.seq, self.steps, self.states, self.acks, self.said = 0, [], [], set(), []
        self.frames, self.rows, self.candidates, self.closed = [], 0, None, False

    def say(self, kind, **body):
        self.seq += 1
        content = {"v": VERSION, "kind": kind, "seq": self.seq, **body}
        buffers = [memoryview(b"")] if self.comm.host == "old" else []
        _handling.now = True
        try:
            self.comm.handle_msg(
                {"content": {"data": {"method": "custom", "content": content}}, "buffers": buffers, "metadata": {}}
            )
        finally:
            _handling.now = False
        return self.seq

    def until(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.said[-10:]
            try:
                self._hear(*self.comm.inbox.get(timeout=0.2))
            except queue.Empty:
                if self.frames:
                    self.say("frame_ack", frame=self.frames.pop())
                else:
                    self.say("pump", since=self.rows)

    def _hear(self, msg_type, data, buffers):
        if msg_type == "comm_close":
            self.closed = True
        if data.get("method") != "custom":
            assert data.get("method") != "echo_update"
            return
        body = data["content"]
        self.said.append(body["kind"])
        told = body.get("snapshot", body)
        for offset, shape in body.get("arrays", {}).values():
            count = 1
            for size in shape:
                count *= size
            struct.unpack_from(f"<{count}f", buffers[0], 4 * offset)
        if body["kind"] == "ack":
            self.acks.add(body["of"])
        if body["kind"] == "metrics":
            self.rows = body["first"] + body["arrays"]["metrics"][1][0]
        if "status" in told:
            self.states.append(told["status"]["state"])
            self.steps.append(told["status"]["step"])
        if "candidates" in told:
            self.candidates = told["candidates"]
        if "frame" in body:
            self.frames.append(body["frame"])
            if self.comm.host != "slow":
                self.say("frame_ack", frame=self.frames.pop())


@pytest.fixture(params=HOSTS)
def host(request, monkeypatch):
    monkeypatch.setattr(HostComm, "host", request.param)
    monkeypatch.setattr(HostComm, "made", [])
    monkeypatch.setattr(comm, "create_comm", HostComm)
    if request.param == "old":
        monkeypatch.setenv("JUPYTER_WIDGETS_ECHO", "0")
    return request.param


def session(explorer):
    """Train, select an edge, pause, fix, undo: every host can do this, as the page sees it."""
    page = Page(explorer)
    page.say("hello", view="kw1")
    page.say("control", action="start")
    page.until(lambda: "running" in page.states and len(set(page.steps)) >= 4 and page.rows > 0)
    assert page.steps == sorted(page.steps)
    page.say("control", action="pause")
    page.until(lambda: page.states[-1] == "paused")
    stopped = explorer.status["step"]
    page.say("select", edges=[[0, 0, 0]])
    page.until(lambda: page.candidates and page.candidates["rows"] and not page.candidates["busy"])
    assert page.candidates["edge"] == [0, 0, 0]
    page.say("fix", edge=[0, 0, 0], name="sin", keep_spline=False)
    seq = page.say("undo")
    page.until(lambda: any(of >= seq for of in page.acks))
    assert explorer.status["step"] == stopped == page.steps[-1]
    return page


@pytest.mark.slow
@pytest.mark.parametrize("driver", ["thread", "cooperative"])
def test_the_same_session_in_every_host(host, driver):
    with KANExplorer(KAN([2, 3, 1], seed=1), dataset(), opt="Adam", lamb=1e-3, driver=driver) as explorer:
        page = session(explorer)
        assert explorer.states[-1]["label"]
        if driver == "thread":
            assert (page.comm.lost > 0) == (host == "drops")


def test_state_comes_back_as_views_of_memory(host):
    """The state of a trait as a page sends it back: the buffer beside the state, as bytes or a view of them."""
    with KANExplorer(KAN([2, 1]), dataset(), driver="cooperative") as explorer:
        before = explorer.status
        buffer = explorer.widget.snapshot["buffer"]
        the = Page(explorer).comm
        state = {name: value for name, value in explorer.widget.snapshot.items() if name != "buffer"}
        data = {"method": "update", "state": {"snapshot": state}, "buffer_paths": [["snapshot", "buffer"]]}
        the.handle_msg({"content": {"data": data}, "buffers": [memoryview(buffer)], "metadata": {}})
        assert bytes(explorer.widget.snapshot["buffer"]) == bytes(buffer)
        assert explorer.status == before


# ---- leaks


def ours():
    return [one for one in threading.enumerate() if one.name.startswith("kanwidget")]


@pytest.fixture
def begun(monkeypatch):
    """Every thread that is begun from now on."""
    found, start = [], threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", lambda self: (found.append(self.name), start(self))[1])
    return found


@pytest.mark.slow
@pytest.mark.parametrize("host", ["pushes"], indirect=True)
def test_cooperative_begins_no_thread(host, begun):
    before = threading.active_count()
    with KANExplorer(KAN([2, 3, 1], seed=1), dataset(), opt="Adam", lamb=1e-3, driver="cooperative") as explorer:
        session(explorer)
        explorer.start()
        assert explorer.wait(steps=3)
        explorer.fit(2)
        explorer.step()
        assert explorer.formula is not None
        explorer.code()
        explorer.refine(4)
        explorer.prune()
        explorer.undo()
        assert threading.active_count() == before
    assert begun == []


def a_life():
    """Begin, train, close while it trains; returns weak references to the parts."""
    explorer = KANExplorer(KAN([2, 3, 1], seed=1), dataset(), opt="Adam", lamb=1e-3)
    explorer.on_step(lambda record: None)
    page = session(explorer)
    network = explorer._session.model
    made = [explorer, explorer._session, explorer.widget, network, *network.parameters(), explorer._session.x]
    explorer.start()
    explorer.close()
    page.until(lambda: page.closed)
    return [weakref.ref(one) for one in made]


@pytest.mark.slow
def test_close_leaves_nothing(host, monkeypatch):
    from ipywidgets.widgets.widget import _instances

    from kanwidget.explorer.notebook import ipython
    from tests.unit.explorer.notebook.test_widget import Kernel

    monkeypatch.setattr(ipython, "_kernel", lambda: Kernel("cell", "1"))
    monkeypatch.setattr(cells, "_BY_CELL", {})
    import IPython  # noqa: F401 - it is what tells that there is a notebook

    gc.collect()
    widgets, threads = set(_instances), len(ours())
    left = a_life()
    assert len(ours()) == threads
    assert set(_instances) == widgets
    HostComm.made.clear()

    def freed():
        """A thread that is at its end may hold the network a moment longer."""
        gc.collect()
        return all(one() is None for one in left)

    eventually(freed)
    assert [one for _, explorers in cells._BY_CELL.values() for one in explorers] == []


# ---- pages that are closed


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.slow
@pytest.mark.parametrize("host", ["pushes"], indirect=True)
@pytest.mark.parametrize(
    ("kernel", "heard", "cell", "state"),
    [
        ("marimo", True, None, "paused"),
        ("marimo", True, "a cell that runs", "running"),
        ("marimo", False, None, "running"),
        ("jupyter", True, None, "running"),
    ],
)
def test_a_training_that_nobody_sees_pauses_in_marimo_only(host, monkeypatch, kernel, heard, cell, state):
    monkeypatch.setattr(HostComm, "kernel", kernel, raising=False)
    monkeypatch.setattr(watch, "_context", lambda: types.SimpleNamespace(execution_context=cell))
    with KANExplorer(KAN([2, 3, 1], seed=1), dataset(), opt="Adam", lamb=1e-3) as explorer:
        clock = explorer.widget._monitor._clock = Clock()
        page = Page(explorer)
        if heard:
            page.say("hello", view="kw1")
        explorer.start()
        explorer.wait(steps=2)
        clock.now = watch.SECONDS - 1
        explorer.wait(until=lambda record: page.comm.inbox.qsize() > 10)
        assert explorer.status["state"] == "running"
        clock.now = 2 * watch.SECONDS
        frames = page.comm.inbox.qsize()
        explorer.wait(until=lambda record: page.comm.inbox.qsize() > frames + 10)
        assert explorer.status["state"] == state


@pytest.mark.parametrize("host", ["pushes"], indirect=True)
def test_a_call_that_trains_is_not_taken_for_a_page_that_is_closed(host, monkeypatch):
    monkeypatch.setattr(HostComm, "kernel", "marimo", raising=False)
    with KANExplorer(KAN([2, 3, 1], seed=1), dataset(), opt="Adam", lamb=1e-3) as explorer:
        # The publisher has the same clock, so that every step is a frame.
        clock = explorer._publisher.clock = explorer.widget._monitor._clock = Clock()
        page = Page(explorer)
        page.say("hello", view="kw1")
        explorer.on_step(lambda record: setattr(clock, "now", clock.now + watch.SECONDS))
        explorer.fit(20)
        assert page.comm.inbox.qsize() > 20
        assert explorer.status["step"] == 20
