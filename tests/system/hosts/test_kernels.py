"""Each version of the kernel: training, pushes and clicks while a cell of the user runs.

What is asserted is an order of events: whether a click is answered before the cell ends. A cell runs until the test lets it end. The table
printed at the end has times too; they depend on the machine.
"""

import time

import pytest

from tests.system.hosts import kernels
from tests.unit.explorer.notebook.test_kernel import CELL, SETUP, Kernel

pytestmark = pytest.mark.hosts

#: Each says when it has begun, and ends once there is a file.
CELLS = {
    "idle": None,
    "sleeping": "while not gate.exists(): time.sleep(0.02)",
    "torch": "while not gate.exists(): torch.mm(big, big)",
    # Between two looks at the file it keeps Python's lock for some milliseconds (see explorer/drivers/thread.py).
    "Python loop": "while not gate.exists(): sum(i * i for i in range(100_000))",
    "awaiting": "while not gate.exists(): await asyncio.sleep(0.02)",
}
#: Kernel and cell in which a click through the main shell is heard all the same.
MAIN_HEARS = {("ipykernel-7.4", "awaiting")}
MORE = "import asyncio, pathlib; big = torch.rand(300, 300); gate = pathlib.Path({gate!r})"
#: Frames that are waited for.
FRAMES = 6


class Host(Kernel):
    """A kernel of some version, and a page that acknowledges frames, as the real one does."""

    def __init__(self, name, folder):
        self.gate, self.strands = folder / "gate", name in kernels.STRANDS
        self.knocked, self.other = time.monotonic(), None
        super().__init__(name, SETUP + MORE.format(gate=str(self.gate)))

    def listen(self):
        """Acknowledge frames, as the page does."""
        if super().listen():
            frame = said(self.heard[-1]).get("frame")
            if frame is not None:
                self.click("frame_ack", frame=frame)
        if self.strands and time.monotonic() > self.knocked + kernels.KNOCK:
            self.close_knock()
            self.knocked, self.other = time.monotonic(), kernels.knock(self.manager.connection_file)

    def close_knock(self):
        if self.other is not None:
            self.other.stop_channels()
            self.other = None

    def stop(self):
        self.close_knock()
        super().stop()

    def frames(self, count, begin):
        """Wait until a training that runs has shown so many frames."""
        seen = set()

        def enough(message):
            body = said(message)
            if "frame" in body and body["status"]["state"] == "running":
                seen.add(body["status"]["step"])
            return len(seen) > count

        self.until(enough, begin)

    def ended(self, request):
        """Where a cell's end stands among all messages, None before it."""
        for place, message in enumerate(self.heard):
            idle = message["content"].get("execution_state") == "idle"
            if idle and message["parent_header"].get("msg_id") == request:
                return place
        return None

    def answered(self, seq):
        """Where the answer to a click stands."""
        message = self.until(lambda m: said(m).get("kind") == "ack" and said(m)["of"] == seq)
        return self.heard.index(message)


def said(message):
    """The payload of a message of an explorer."""
    return message["content"].get("data", {}).get("content", {}) if message["msg_type"] == "comm_msg" else {}


@pytest.fixture(scope="module")
def running():
    """The kernel that runs, by its name: the next version takes its place."""
    hosts = {}
    yield hosts
    for host in hosts.values():
        host.stop()


@pytest.fixture
def kernel(kernel_name, running, tmp_path_factory):
    if kernel_name not in running:
        while running:
            running.popitem()[1].stop()
        running[kernel_name] = host = Host(kernel_name, tmp_path_factory.mktemp(kernel_name))
        host.page = host.open_subshell()
        assert (host.page is not None) == (kernel_name in kernels.SUBSHELLS)
        host.run(CELL, "a")
    return running[kernel_name]


@pytest.fixture
def row(kernel, kernel_name, table):
    """Puts a figure into the table of all kernels."""
    rows = table.setdefault("click → pause, frames a second, while a cell runs", [["kernel", "clicks through", *CELLS]])

    def put(route, cell, text):
        start = [kernels.version(kernel_name), route]
        if rows[-1][:2] != start:
            rows.append([*start, *("–" for _ in CELLS)])
        rows[-1][2 + list(CELLS).index(cell)] = text

    return put


def cases():
    """The main shell is looked at closely only where there is no other."""
    for name in kernels.VERSIONS:
        subshell = name in kernels.SUBSHELLS
        for cell in ("idle", "sleeping", "awaiting") if subshell else CELLS:
            yield name, "main", cell
        for cell in CELLS if subshell else ():
            yield name, "subshell", cell


@pytest.mark.parametrize(("kernel_name", "route", "cell"), list(cases()), indirect=["kernel_name"])
def test_training_shows_and_pauses_while_a_cell_runs(kernel, kernel_name, row, route, cell):
    kernel.subshell = kernel.page if route == "subshell" else None
    kernel.gate.unlink(missing_ok=True)
    kernel.run("explorer.start()")
    request = None if CELLS[cell] is None else kernel.send(f"print('begun')\n{CELLS[cell]}\nprint('over')")
    begin = len(kernel.heard)
    if request is not None:
        kernel.until(lambda m: m["msg_type"] == "stream" and "begun" in m["content"]["text"], begin)
    heard = cell == "idle" or route == "subshell" or (kernel_name, cell) in MAIN_HEARS
    begin, started = len(kernel.heard), time.monotonic()
    kernel.frames(FRAMES, begin)
    rate = FRAMES / (time.monotonic() - started)

    clicked, at = time.monotonic(), len(kernel.heard)
    seq = kernel.click("control", action="pause")
    if heard:
        answer = kernel.answered(seq)
        text = f"{1000 * (time.monotonic() - clicked):.0f} ms"
        assert request is None or kernel.ended(request) is None, "the click was heard only after the cell's end"
    else:
        kernel.frames(1, at)  # it trains on
        kernel.gate.touch()
        kernel.finish(request)
        answer = kernel.answered(seq)
        assert kernel.ended(request) < answer, "better than expected: the click did not wait for the cell"
        text = "waits"
    assert said(kernel.heard[answer])["ok"]
    kernel.told("status", lambda c: c["status"]["state"] == "paused", at)
    row(route, cell, f"{text}, {rate:.1f} Hz")
    kernel.gate.touch()
    if request is not None:
        kernel.finish(request)
    assert kernel.run("explorer.status['state']") == "'paused'"
