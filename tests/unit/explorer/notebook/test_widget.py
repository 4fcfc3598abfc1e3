"""The adapter to notebooks, on a comm that only writes down."""

import signal
import threading
import types

import comm
import pytest
from comm.base_comm import BaseComm

from kanwidget import KAN, KANExplorer
from kanwidget.explorer.notebook import cells as module
from kanwidget.explorer.notebook import ipython
from kanwidget.explorer.notebook import widget as adapter
from kanwidget.explorer.protocol.records import VERSION


class Comm(BaseComm):
    made = []

    def __init__(self, *args, **kwargs):
        self.sent = []
        super().__init__(*args, **kwargs)
        Comm.made.append(self)

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        self.sent.append((msg_type, data, buffers or []))

    def of(self, method):
        return [(data, buffers) for _, data, buffers in self.sent if data.get("method") == method]


class RoutingComm(Comm):
    """As of ipykernel 7.4: replies go to where the last message came from."""

    def _reply_subshell_for(self, data, default):
        return "the busy one"


@pytest.fixture(autouse=True)
def _comms(monkeypatch):
    Comm.made = []
    monkeypatch.setattr(comm, "create_comm", Comm)
    monkeypatch.setattr(module, "_BY_CELL", {})


@pytest.fixture
def explorer(model, data):
    with KANExplorer(model, data, driver="blocking") as explorer:
        yield explorer


def the_comm(explorer):
    name = explorer.widget.comm.comm_id
    return next(one for one in Comm.made if one.comm_id == name)


def say(explorer, **message):
    explorer.widget.comm.handle_msg(
        {"content": {"data": {"method": "custom", "content": {"v": VERSION, "seq": 1, **message}}}, "buffers": []}
    )


def test_what_the_first_drawing_needs_is_in_the_traits(explorer):
    state = explorer.widget.get_state()
    assert {"snapshot", "_esm", "_css"} <= set(state)
    assert len(set(explorer.widget.keys) - {"_dom_classes", "layout", "tabbable", "tooltip"}) - 6 <= 8
    _, data, buffers = the_comm(explorer).sent[0]
    assert data["state"]["snapshot"]["structure"]["width"] == [[2, 0], [3, 0], [1, 0]]
    assert ["snapshot", "buffer"] in data["buffer_paths"]
    assert sum(map(len, buffers)) == len(explorer.widget.snapshot["buffer"])


def test_a_click_reaches_the_session_and_is_answered(explorer):
    the = the_comm(explorer)
    say(explorer, kind="fix", edge=[0, 0, 0], name="sin", keep_spline=False)
    assert explorer.model.layer(0).symbol(0, 0) == "sin"
    kinds = [data["content"]["kind"] for data, _ in the.of("custom")]
    assert {"structure", "curves", "history", "ack", "formula"} <= set(kinds)
    assert explorer.widget.snapshot["history"]["current"] == 1


@pytest.fixture
def heeded():
    """Ctrl-C, also where whoever runs the tests has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_second_ctrl_c_is_pythons_own(heeded):
    pressed = []

    def twice():
        with module.gentle_interrupt(lambda: pressed.append("paused")):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        twice()
    assert pressed == ["paused"]


def test_in_marimo_a_training_without_a_page_pauses(explorer, monkeypatch):
    heard, widget = [], explorer.widget
    the_comm(explorer).kernel = "marimo"
    monkeypatch.setattr(widget, "_handle", lambda message, buffers: heard.append(message))
    for gone in (False, True):
        monkeypatch.setattr(widget._monitor, "pages_gone", lambda gone=gone: gone)
        widget.send_message({"kind": "curves", "frame": 1}, [])
    assert [(message["kind"], message["action"]) for message in heard] == [("control", "pause")]


def test_buffers_travel_beside_their_message(explorer):
    say(explorer, kind="select", edges=[[0, 0, 0]])
    for data, buffers in the_comm(explorer).of("custom"):
        arrays = data["content"].get("arrays") or data["content"].get("snapshot", {}).get("arrays")
        assert bool(arrays) == bool(buffers and len(buffers[0]))


def test_the_state_of_a_page_cannot_break_the_session(explorer):
    explorer.widget.set_state({"snapshot": {"structure": "nonsense"}})
    assert explorer.status["state"] == "idle"
    explorer.step()
    assert explorer.widget.snapshot["status"]["step"] == 1


def test_writes_wait_for_set_state(explorer):
    widget, order = explorer.widget, []
    with widget._lock:
        writer = threading.Thread(target=lambda: (widget.store({"a": 1}), order.append("stored")))
        writer.start()
        writer.join(0.05)
        order.append("locked")
    writer.join()
    assert order == ["locked", "stored"]


def test_replies_go_to_the_subshell_also_after_the_comm_was_made_anew(explorer, monkeypatch):
    monkeypatch.setattr(comm, "create_comm", RoutingComm)
    widget = adapter.ExplorerWidget(lambda message, buffers: None, {})
    assert widget.comm._reply_subshell_for({}, "default") == "default"
    widget.comm.close()
    widget.comm = None
    widget.open()
    assert widget.comm._reply_subshell_for({}, "default") == "default"
    widget.close()


def test_close_frees_everything(explorer):
    from ipywidgets.widgets.widget import _instances

    widget, the = explorer.widget, the_comm(explorer)
    explorer.close()
    assert the.sent[-1][0] == "comm_close"
    assert widget not in _instances.values()
    before = len(the.sent)
    widget.send_message({"kind": "status"}, [])
    widget.store({})
    assert len(the.sent) == before


def test_a_comm_that_fails_does_not_stop_the_training(model, data):
    with KANExplorer(model, data, driver="thread") as explorer:
        the = the_comm(explorer)
        the.publish_msg = types.MethodType(lambda *_, **__: (_ for _ in ()).throw(OSError("gone")), the)
        explorer.start(3)
        assert explorer.wait()
        assert explorer.status["step"] == 3


# ---- in a kernel


class Kernel:
    def __init__(self, cell, run):
        self.parent = {"header": {"msg_id": run}, "metadata": {"cellId": cell}}

    def get_parent(self):
        return self.parent


@pytest.fixture
def kernel(monkeypatch):
    def set_to(cell, run):
        monkeypatch.setattr(ipython, "_kernel", lambda: Kernel(cell, run))
        import IPython  # noqa: F401 - it is what tells that there is a notebook

    return set_to


def test_running_a_cell_again_closes_what_it_had_made(kernel, model, data):
    kernel("a", "1")
    first, second = KANExplorer(model, data), KANExplorer(model, data)
    kernel("b", "2")
    other = KANExplorer(model, data)
    kernel("a", "3")
    again = KANExplorer(KAN([2, 1]), data)
    assert [one._driver.closed for one in (first, second, other, again)] == [True, True, False, False]
    other.close()
    again.close()


def test_in_a_kernel_the_view_is_shown(kernel, model, data):
    kernel("a", "1")
    with KANExplorer(model, data) as explorer:
        bundle, _ = explorer._repr_mimebundle_()
        assert set(bundle) == {"application/vnd.jupyter.widget-view+json", "text/plain"}
        assert bundle["text/plain"] == repr(explorer)


def test_without_one_a_drawing_is(model, data):
    with KANExplorer(model, data) as explorer:
        bundle = explorer._repr_mimebundle_()
        assert "<svg" in bundle["image/svg+xml"]
        assert bundle["text/plain"] == "KANExplorer([2, 3, 1], step=0, train=0.85, test=0.94, idle)"


def test_two_explorers_of_one_model_are_apart(model, data):
    with KANExplorer(model, data) as one, KANExplorer(model, data) as two:
        one.fix("sin", edge=(0, 0, 0))
        assert two.model.layer(0).state(0, 0) == model.layer(0).state(0, 0) == "spline"


class Events:
    """IPython's, as far as they are used."""

    def __init__(self):
        self.calls = {"pre_run_cell": [], "post_run_cell": []}

    def register(self, name, call):
        self.calls[name].append(call)

    def unregister(self, name, call):
        self.calls[name].remove(call)

    def trigger(self, name):
        for call in self.calls[name]:
            call(None)


def test_a_cell_blocks_the_input_until_a_message_is_handled(model, data, monkeypatch):
    shell = types.SimpleNamespace(events=Events(), kernel=None)
    monkeypatch.setattr(ipython, "shell", lambda: shell)
    with KANExplorer(model, data, driver="blocking") as explorer:
        the_comm(explorer)
        blocked = explorer._publisher.frames.input_blocked
        shell.events.trigger("post_run_cell")
        assert not blocked()
        shell.events.trigger("pre_run_cell")
        assert blocked()
        say(explorer, kind="frame_ack", frame=1)
        assert not blocked()
        shell.events.trigger("pre_run_cell")
        assert blocked()
    assert shell.events.calls == {"pre_run_cell": [], "post_run_cell": []}


def test_without_ipython_the_input_is_never_blocked(explorer):
    the_comm(explorer)
    assert not explorer._publisher.frames.input_blocked()
