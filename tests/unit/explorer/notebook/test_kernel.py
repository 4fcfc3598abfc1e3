"""In a real kernel: clicks are heard while a cell runs, nothing is left behind, and the kernel ends cleanly.

The front end here is this test: it opens a subshell as JupyterLab does and sends a view's messages through it.
"""

import contextlib
import queue
import textwrap
import time

import pytest

from kanwidget.explorer.protocol.records import VERSION
from tests.support.ports import share_ports

client = pytest.importorskip("jupyter_client", reason="pip install 'kanwidget[lab]'")
pytest.importorskip("ipykernel", reason="pip install 'kanwidget[lab]'")

PATIENCE = 60
SETUP = """
import threading, time, torch
from kanwidget import KAN, KANExplorer, create_dataset
data = create_dataset(lambda x: torch.sin(2 * x[:, [0]]) + x[:, [1]] ** 2, n_var=2, train_num=200, test_num=100)
model = KAN([2, 3, 1], seed=1)
def names(count):
    # Once there are so many: the thread of an explorer that was closed ends a moment later.
    while True:
        found = sorted(t.name for t in threading.enumerate() if t.name.startswith("kanwidget"))
        if len(found) == count:
            return found
        time.sleep(0.01)
"""
CELL = "explorer = KANExplorer(model, data, opt='Adam', lamb=1e-3)\nexplorer"


_VIEW = "application/vnd.jupyter.widget-view+json"


def _is_view(message):
    return message["msg_type"] == "display_data" and _VIEW in message["content"]["data"]


class Kernel:
    """A kernel with what it has said, and one view."""

    def __init__(self, name="python3", setup=SETUP):
        share_ports()
        self.manager = client.KernelManager(kernel_name=name)
        self.manager.start_kernel()
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)
        self.heard, self.subshell, self.seq = [], None, 0
        self.run(setup)

    def send(self, code, cell="cell"):
        """Begin to run a cell; the id of its message."""
        message = self.client.session.msg("execute_request", {"code": code, "silent": False, "store_history": True})
        message["content"] |= {"user_expressions": {}, "allow_stdin": False, "stop_on_error": True}
        message["metadata"]["cellId"] = cell
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def run(self, code, cell="cell"):
        """Run a cell to its end; what it printed or returned."""
        return self.finish(self.send(code, cell))

    def finish(self, request):
        self.until(
            lambda m: (
                m["msg_type"] == "status"
                and m["content"]["execution_state"] == "idle"
                and m["parent_header"].get("msg_id") == request
            )
        )
        mine = [m for m in self.heard if m["parent_header"].get("msg_id") == request]
        failed = [m["content"]["traceback"] for m in mine if m["msg_type"] == "error"]
        assert not failed, "\n".join(failed[0])
        text = [m["content"]["text"] for m in mine if m["msg_type"] == "stream"]
        return "".join(text) + "".join(
            m["content"]["data"]["text/plain"] for m in mine if m["msg_type"] == "execute_result" or _is_view(m)
        )

    def until(self, condition, begin=0):
        """The first message, from that place on, of which it is true; waits for it."""
        place = begin
        deadline = time.monotonic() + PATIENCE
        while True:
            while place < len(self.heard):
                if condition(self.heard[place]):
                    return self.heard[place]
                place += 1
            assert time.monotonic() < deadline, f"the message never came; the last ones: {self.last_words()}"
            self.listen()

    def listen(self):
        """Wait a second for a message; whether one came."""
        with contextlib.suppress(queue.Empty):
            self.heard.append(self.client.get_iopub_msg(timeout=1))
            return True
        return False

    def last_words(self):
        """What was heard last, for people."""
        return [(m["msg_type"], str(m["content"])[:200]) for m in self.heard[-5:]]

    def open_subshell(self):
        """A second shell, as the page opens it; None where the kernel has none."""
        self.client.control_channel.send(self.client.session.msg("create_subshell_request", {}))
        try:
            reply = self.client.control_channel.get_msg(timeout=5)
        except queue.Empty:
            return None
        self.subshell = reply["content"].get("subshell_id")
        return self.subshell

    def views(self):
        """Ids of the explorers' comms, in order."""
        opened = [m for m in self.heard if m["msg_type"] == "comm_open"]
        return [m["content"]["comm_id"] for m in opened if "snapshot" in m["content"]["data"].get("state", {})]

    def click(self, kind, **body):
        """Say something as the newest view."""
        self.seq += 1
        content = {"v": VERSION, "kind": kind, "seq": self.seq, **body}
        message = self.client.session.msg(
            "comm_msg", {"comm_id": self.views()[-1], "data": {"method": "custom", "content": content}}
        )
        message["header"]["subshell_id"] = self.subshell
        self.client.shell_channel.send(message)
        return self.seq

    def told(self, kind, condition=lambda body: True, begin=0):
        """A message of that kind from the newest explorer."""

        def fits(message):
            content = message["content"].get("data", {}).get("content", {}) if message["msg_type"] == "comm_msg" else {}
            return content.get("kind") == kind and condition(content)

        return self.until(fits, begin)["content"]["data"]["content"]

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel()


@pytest.fixture(scope="module")
def kernel():
    kernel = Kernel()
    yield kernel
    kernel.stop()


@pytest.mark.slow
def test_the_cell_shows_a_view_and_a_deterministic_text(kernel):
    assert kernel.run(CELL, "a").startswith("KANExplorer([2, 3, 1], step=0, train=")
    assert kernel.views()
    shown = next(n for n in reversed(range(len(kernel.heard))) if _is_view(kernel.heard[n]))
    assert set(kernel.heard[shown]["content"]["data"]) == {_VIEW, "text/plain"}
    picture = kernel.until(lambda m: m["msg_type"] == "display_data", shown + 1)
    assert "kanwidget-still" in picture["content"]["data"]["text/html"]


@pytest.mark.slow
def test_the_last_picture_comes_by_itself(kernel):
    begin = len(kernel.heard)
    kernel.run(CELL, "a")
    drawn = kernel.until(lambda m: m["msg_type"] == "update_display_data", begin)
    assert "data:image/png;base64" in drawn["content"]["data"]["text/html"]


@pytest.mark.slow
def test_clicks_are_heard_while_a_cell_sleeps(kernel, tmp_path):
    if kernel.open_subshell() is None:
        pytest.skip("this ipykernel has no subshells: a click waits for the running cell")
    kernel.run(CELL, "a")
    go = tmp_path / "go"
    request = kernel.send(f"import pathlib\nwhile not pathlib.Path({str(go)!r}).exists():\n    time.sleep(0.02)")
    begin = len(kernel.heard)
    kernel.click("control", action="start")
    kernel.told("status", lambda c: c["status"]["state"] == "running", begin)
    kernel.told("status", lambda c: c["status"]["step"] >= 3, begin)
    seq = kernel.click("select", edges=[[0, 0, 0]])
    kernel.told("ack", lambda c: c["of"] == seq, begin)
    assert kernel.told("candidates", lambda c: c["candidates"]["rows"], begin)["candidates"]["edge"] == [0, 0, 0]
    kernel.click("control", action="pause")
    kernel.told("status", lambda c: c["status"]["state"] == "paused", begin)
    ended = [m for m in kernel.heard[begin:] if m["parent_header"].get("msg_id") == request]
    assert not [m for m in ended if m["content"].get("execution_state") == "idle"], "all that came after the cell's end"
    go.touch()
    kernel.finish(request)


def test_pushes_go_on_while_a_cell_waits(kernel):
    kernel.run(CELL, "a")
    begin = len(kernel.heard)
    kernel.run("explorer.start(); explorer.wait(steps=30); explorer.pause()")
    frames = [
        m for m in kernel.heard[begin:] if m["content"].get("data", {}).get("content", {}).get("kind") == "metrics"
    ]
    assert frames


def test_running_the_cell_again_leaves_no_thread_behind(kernel):
    kernel.run("explorer.close()")
    kernel.run(CELL + ".start()", "again")
    assert kernel.run("len(names(1))") == "1"
    kernel.run(CELL + ".start()", "again")
    assert kernel.run("len(names(1)), explorer.status['state']").startswith("(1, ")
    kernel.run("explorer.close()")
    assert kernel.run("names(0)") == "[]"


def test_interrupting_a_fit_pauses_it(kernel):
    kernel.run(CELL, "a")
    begin = len(kernel.heard)
    request = kernel.send("explorer.fit(steps=10**6)\nprint(explorer.status['state'])")
    kernel.told("status", lambda c: c["status"]["step"] >= 2, begin)
    kernel.manager.interrupt_kernel()
    assert kernel.finish(request).strip() == "paused"


def test_replay_in_another_thread_count_is_the_same(kernel):
    code = """
        torch.set_num_threads(2)
        live = KANExplorer(KAN([2, 3, 1], seed=4), data, lamb=1e-3)
        live.start(); live.wait(steps=4); live.fix("sin", edge=(0, 0, 0)); live.wait(steps=3); live.pause()
        names_ = {"data": data}
        exec(live.code(), names_)
        same = all(torch.equal(a, b) for a, b in zip(live.model.parameters(), names_["model"].parameters()))
        names_["explorer"].close(); live.close()
        print(same)
    """
    assert kernel.run(textwrap.dedent(code)).strip() == "True"


@pytest.mark.slow
def test_a_kernel_that_trains_ends_cleanly():
    kernel = Kernel()
    kernel.run(CELL)
    kernel.run("explorer.start(); explorer.wait(steps=2)")
    process = kernel.manager.provisioner.process
    kernel.client.shutdown()
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    kernel.client.stop_channels()
    kernel.manager.cleanup_resources()
    assert process.poll() == 0


#: A search that never lets go of a processor, and never ends by itself.
BUSY_SEARCH = """
import kanwidget.discovery
from dataclasses import dataclass
import sympy

@dataclass(frozen=True, eq=False)
class Equation:
    sympy: object
    complexity: float

@dataclass(frozen=True)
class Step:
    kind: str
    text: str
    seconds: float
    front: tuple
    best: object = None
    rivals: tuple = ()

class Busy:
    def __init__(self, data, **options):
        self.law, self.number, self.ends = Equation(2.0 * sympy.Symbol("x_1"), 3.0), 0, False

    def __iter__(self):
        return self

    def __next__(self):
        if self.ends:
            raise StopIteration
        self.number += 1
        sum(i * i for i in range(300_000))  # as pure Python does, it keeps the interpreter to itself
        return Step("trying", f"trying part {self.number}", self.number / 10, (self.law,))

    def conclude(self):
        self.ends = True

kanwidget.discovery.discover_steps = Busy
"""


@pytest.mark.slow
def test_a_search_for_formulas_never_blocks_clicks(kernel):
    kernel.run(CELL, "a")
    kernel.run(textwrap.dedent(BUSY_SEARCH))
    begin = len(kernel.heard)
    kernel.click("watch", view="test", panels=["discovery"])
    kernel.click("discover", action="start", seconds=1e6)

    def told(state, begin):
        return kernel.told("discovery", lambda c: c["discovery"]["state"] == state, begin)["discovery"]

    number = kernel.told("discovery", lambda c: c["discovery"]["formulas"], begin)["discovery"]["formulas"][0]["id"]
    for kind, body in (
        ("select", {"edges": [[0, 0, 0]]}),
        ("fix", {"edge": [0, 0, 0], "name": "sin", "keep_spline": False}),
        ("control", {"action": "step"}),
        ("undo", {}),
        ("use_formula", {"id": number}),
        ("undo", {}),
    ):
        since = len(kernel.heard)
        seq = kernel.click(kind, **body)
        assert kernel.told("ack", lambda c, seq=seq: c["of"] == seq, since)["ok"], kind
    assert kernel.run("explorer._session.discoveries.search.state") == "'searching'"
    since = len(kernel.heard)
    kernel.click("discover", action="pause")
    told("paused", since)
    since = len(kernel.heard)
    kernel.click("discover", action="resume")
    told("searching", since)
    since = len(kernel.heard)
    kernel.click("discover", action="stop")
    assert told("stopped", since)["formulas"][0]["text"] == "2*x_1"
    kernel.run("explorer.close()")
