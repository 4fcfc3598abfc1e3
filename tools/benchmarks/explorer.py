"""What the explorer costs: `python -m tools.benchmarks.explorer` prints a table, with `--browser` also what a person sees.

Click to candidates over 50 clicks, the time from a pause to the last step (with a free kernel, and while another thread sleeps or
computes), live training against blocking training in steps a second, with a front end that only acknowledges; frames a second beside
other processes on all cores; sizes of the bundle and of saved notebooks. In the browser the same from click to picture, the drawing of
networks up to 2,600 edges, and with `--minutes 10` what memory a long training takes. `--only NAME` measures one part. Nothing here is
a test.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import torch

from kanwidget import KAN, KANExplorer, create_dataset
from kanwidget.explorer.protocol.records import VERSION

_CLICKS = 50
_STEPS, _PAIRS = 300, 5
#: Seconds of a training whose frames are counted, and until a page on the same cores has drawn one.
_WATCHED, _DRAWING = 10.0, 0.03


def problem():
    """The first tutorial: exp(sin πx + y²), 1,000 points."""
    return create_dataset(lambda x: torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2), n_var=2)


class Page:
    """Acknowledges frames, by default at once, and remembers when which message came."""

    def __init__(self, explorer, delay=0.0):
        self.explorer, self.seq, self.delay = explorer, 0, delay
        self.changed = threading.Condition()
        self.messages = []
        explorer._publisher.connect(self.receive, store=lambda snapshot: None)

    def receive(self, message, buffers):
        with self.changed:
            self.messages.append((time.perf_counter(), message))
            self.changed.notify_all()
        if "frame" in message and self.delay:
            threading.Timer(self.delay, self.say, ["frame_ack"], {"frame": message["frame"]}).start()
        elif "frame" in message:
            self.say("frame_ack", frame=message["frame"])

    def say(self, kind, **body):
        self.seq += 1
        self.explorer._router.handle({"v": VERSION, "kind": kind, "seq": self.seq, **body})

    def until(self, condition, begin, timeout=60):
        """When the first message came of which this is true."""
        deadline, place = time.perf_counter() + timeout, begin
        with self.changed:
            while True:
                for when, message in self.messages[place:]:
                    place += 1
                    if condition(message):
                        return when
                if not self.changed.wait(max(0.0, deadline - time.perf_counter())):
                    raise TimeoutError


def quantiles(values):
    ordered = sorted(values)
    return f"p50 {statistics.median(ordered):7.1f} ms   p95 {ordered[int(0.95 * (len(ordered) - 1))]:7.1f} ms"


def clicks(running):
    """Milliseconds from a click on an edge to its candidates."""
    with KANExplorer(KAN([2, 5, 1], seed=42), problem(), opt="Adam" if running else "auto", lamb=1e-3) as explorer:
        page = Page(explorer)
        explorer.fit(10)
        explorer.candidates((0, 0, 0))  # the tables of shapes are made once
        if running:
            explorer.start()
        edges, spent = explorer.model.edge_refs(), []
        for number in range(_CLICKS):
            if not running and number % len(edges) == 0:
                explorer.step()  # what was found before is remembered for as long as nothing has changed
            edge, begin = list(edges[number % len(edges)]), len(page.messages)
            started = time.perf_counter()
            page.say("select", edges=[edge])
            when = page.until(
                lambda m, edge=edge: (
                    m["kind"] == "candidates" and m["candidates"]["edge"] == edge and not m["candidates"]["busy"]
                ),
                begin,
            )
            spent.append((when - started) * 1e3)
            if not running:
                # The formula is written after the candidates; a person doesn't click within it.
                explorer._driver.ask(lambda: None)
        return spent


def pauses(other):
    """Milliseconds from a pause to the last step, while something else happens."""
    spent = []
    with KANExplorer(KAN([2, 5, 1], seed=42), problem(), opt="Adam", lamb=1e-3) as explorer:
        page = Page(explorer)
        for _ in range(10):
            begin = len(page.messages)
            page.say("control", action="start")
            page.until(lambda m: m["kind"] == "status" and m["status"]["state"] == "running", begin)
            explorer.wait(steps=5)
            stop = threading.Event()
            thread = threading.Thread(target=other, args=(stop,))
            thread.start()
            time.sleep(0.05)
            begin, started = len(page.messages), time.perf_counter()
            page.say("control", action="pause")
            when = page.until(lambda m: m["kind"] == "status" and m["status"]["state"] == "paused", begin)
            spent.append((when - started) * 1e3)
            stop.set()
            thread.join()
    return spent


def computing(stop):
    """A cell in a loop of pure Python."""
    while not stop.is_set():
        sum(range(1000))


def speed(live, selected):
    """Steps of Levenberg-Marquardt, which a penalty keeps from converging, a second and a second of its thread's processor time.

    From the first step to the last one: what is sent once after the last step isn't part of the training.
    """
    with KANExplorer(KAN([2, 5, 1], seed=42), problem(), lamb=1e-2) as explorer:
        if live:
            Page(explorer)
        if selected:
            explorer.select(0, 0, 0)
        explorer.fit(5)
        times = []
        explorer.on_step(lambda _: times.append((time.perf_counter(), time.thread_time())))
        if live:
            explorer.start(_STEPS)
            explorer.wait()
        else:
            explorer.fit(_STEPS)
        return tuple((len(times) - 1) / (end - begin) for begin, end in zip(times[0], times[-1], strict=True))


def ratios(selected):
    """Live against blocking: medians of pairs that were run in turn, so that what else the machine does falls on both."""
    pairs = [(speed(False, False), speed(True, selected)) for _ in range(_PAIRS)]
    wall, processor = ([live[k] / blocking[k] for blocking, live in pairs] for k in (0, 1))
    return f"{statistics.median(wall):.2f}, by processor time {statistics.median(processor):.2f}"


@contextlib.contextmanager
def busy_processes(count):
    """Other processes that take what processor time they get."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in others:
            process.kill()
            process.wait()


def frames(selected, processes):
    """Frames a second and milliseconds a step of trainings, and the share of their thread's processor time that isn't the steps'."""
    with busy_processes(processes), KANExplorer(KAN([2, 5, 1], seed=42), problem(), lamb=1e-3) as explorer:
        page = Page(explorer, _DRAWING)
        run, spent, thread = explorer._session.run, [], []
        take = run.step

        def timed_step():
            started = time.thread_time()
            topics = take()
            spent.append(time.thread_time() - started)
            thread.append(time.thread_time())
            return topics

        run.step = timed_step
        counted, processor, seconds, seed = 0, 0.0, 0.0, 0
        while seconds < _WATCHED:  # it converges after some sixty steps
            explorer.reset(seed)
            if selected:
                explorer.select(1, 0, 0)
            first, begin, started = len(thread), len(page.messages), time.perf_counter()
            explorer.start(_STEPS)
            explorer.wait()
            seconds += time.perf_counter() - started
            counted += sum("frame" in message for _, message in page.messages[begin:])
            processor += thread[-1] - thread[first] + spent[first]
            seed += 1
        return counted / seconds, seconds / len(spent) * 1e3, 1 - sum(spent) / processor


def frame_rates():
    """Print frames a second, alone and beside other processes."""
    cores = os.cpu_count() or 1
    for processes in (0, cores, 2 * cores):
        for selected in (False, True):
            rate, step, share = frames(selected, processes)
            name = f"{processes} busy processes, {'an' if selected else 'no'} edge selected"
            print(f"frames: {name:40s} {rate:5.1f} a second, {step:6.1f} ms a step, {share:.0%} of the time not steps")


# Installed in the page, so that neither the way to it nor the steering of the browser counts: from the trusted event of the
# mouse to the first frame in which the condition holds.
_WATCH = """
(what) => new Promise((resolve) => {
  const root = document.querySelector('.kanwidget');
  const drawn = {
    candidates: () => root.querySelector(`[data-kw-edge="${what.edge}"]`).getAttribute('aria-pressed') === 'true'
      && root.querySelector('[role=list][aria-label=Candidates]').getAttribute('aria-busy') === 'false'
      && root.querySelectorAll('[data-kw-candidate][data-kw-r2]').length > 0,
    paused: () => root.dataset.kwStatus === 'paused',
  }[what.kind];
  root.addEventListener('click', (event) => {
    const look = () => (drawn() ? resolve(performance.now() - event.timeStamp) : requestAnimationFrame(look));
    requestAnimationFrame(look);
  }, { capture: true, once: true });
})
"""
_PAUSES = 20


def timed(view, what, target):
    """Milliseconds in the page from a click of the mouse on an element until it shows what it must."""
    page = view.page
    page.evaluate(f"(what) => {{ window.took = ({_WATCH})(what); }}", what)
    target.click()
    return page.evaluate("() => window.took")


def seen_clicks(view):
    """Clicks on one edge after the other, until their candidates are drawn."""
    keys = view.root.locator("[data-kw-edge]").evaluate_all("all => all.map(e => e.dataset.kwEdge)")
    view.select(keys[-1])
    view.candidates(1)  # the tables of shapes are made once
    spent = []
    for number in range(_CLICKS):
        key = keys[number % len(keys)]
        if number % len(keys) == 0:  # what was found before is remembered for as long as nothing has changed
            step = view.step
            view.click("step")
            view.until_step(step + 1)
        spent.append(timed(view, {"kind": "candidates", "edge": key}, view.edge(key)))
    return spent


def seen_pauses(view):
    """Clicks on Pause, until the state is shown."""
    spent = []
    for _ in range(_PAUSES):
        view.click("start")
        view.until_status("running")
        view.until_step(view.step + 3)
        spent.append(timed(view, {"kind": "paused"}, view.root.locator('[data-kw-action="pause"]')))
    return spent


@contextlib.contextmanager
def lab():
    """JupyterLab and Chromium, on this machine's processors too; a session with the explorer in its second cell."""
    from playwright.sync_api import sync_playwright

    from tests.system.browser.conftest import BROWSER_ARGUMENTS, Server, browser_path
    from tests.system.browser.notebook import SETUP, Explorer, Notebook

    cells = [SETUP, "explorer = KANExplorer(model, data, opt='Adam', lamb=1e-3)\nexplorer"]
    begin = "import pathlib, time\nprint('begun', flush=True)\nwhile not pathlib.Path('end').exists():\n    "
    end = "\nprint('ended')\npathlib.Path('end').unlink()"
    sleeping, computing = f"{begin}time.sleep(1){end}", f"{begin}sum(range(100_000)){end}"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = Server("lab", folder)
        stack.callback(server.stop)
        server.wait()
        server.write("figures.ipynb", [*cells, sleeping, computing])
        chromium = stack.enter_context(sync_playwright()).chromium
        browser = chromium.launch(executable_path=browser_path(), args=BROWSER_ARGUMENTS)
        stack.callback(browser.close)
        page = browser.new_page(viewport={"width": 1500, "height": 1300})
        page.problems = []
        page.set_default_timeout(100_000)
        notebook = Notebook(page, server, "figures.ipynb")
        notebook.run(0)
        notebook.run(1)
        view = Explorer(page).see()
        view.click("step")
        view.until_step(1)
        print(f"browser: Chromium {browser.version}, JupyterLab {notebook.version}, [2, 5, 1], 1,000 points")
        yield notebook, view
        server.shut_down_kernels()


def until_says(notebook, cell, word):
    """Wait until a cell has printed a word: the kernel's own status also tells of clicks."""
    notebook.page.wait_for_function(
        "([name, cell, word]) => JSON.stringify(window.notebookPanel(name).model.cells.get(cell).toJSON().outputs).includes(word)",
        arg=[notebook.name, cell, word],
    )


def in_browser():
    """From the click to the picture, with a kernel that is free, and while cells run."""
    with lab() as (notebook, view):
        print(f"browser: click -> candidates drawn, paused   {quantiles(seen_clicks(view))}")
        print(f"browser: pause -> shown, kernel free         {quantiles(seen_pauses(view))}")
        for cell, name in ((2, "sleeps  "), (3, "computes")):
            notebook.run(cell)
            until_says(notebook, cell, "begun")
            print(f"browser: pause -> shown, a cell {name}     {quantiles(seen_pauses(view))}")
            (notebook.server.folder / "files" / "end").touch()
            until_says(notebook, cell, "ended")


def drawings():
    """Networks of all sizes, on a page from disk."""
    from playwright.sync_api import sync_playwright

    from tests.system.browser.conftest import BROWSER_ARGUMENTS, browser_path
    from tools.benchmarks import drawing

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=BROWSER_ARGUMENTS)
        drawing.report(browser, folder)
        browser.close()


def long(minutes):
    """A training that goes on for minutes."""
    from tools.benchmarks import memory

    with lab() as (notebook, view):
        memory.report(notebook, view, minutes)


def weights():
    """The bundle, and saved notebooks."""
    from tools.benchmarks import sizes

    sizes.bundle()
    sizes.notebooks()


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parts = {"kernel": in_kernel, "frames": frame_rates, "sizes": weights, "drawing": drawings, "browser": in_browser}
    parser.add_argument("--browser", action="store_true", help="measure in JupyterLab and Chromium as well")
    parser.add_argument("--only", choices=[*parts, "memory"], help="measure one part")
    parser.add_argument("--minutes", type=float, default=10, help="how long a training is watched for its memory")
    wanted = parser.parse_args()
    parts["memory"] = lambda: long(wanted.minutes)
    names = [wanted.only] if wanted.only else list(parts) if wanted.browser else ["kernel", "frames", "sizes"]
    for name in names:
        parts[name]()


def in_kernel():
    """Print the figures without a browser."""
    print(f"click -> candidates, paused       {quantiles(clicks(running=False))}")
    print(f"click -> candidates, training     {quantiles(clicks(running=True))}")
    print(f"pause -> last step, idle          {quantiles(pauses(lambda stop: None))}")
    print(f"pause -> last step, cell sleeps   {quantiles(pauses(lambda stop: stop.wait()))}")
    print(f"pause -> last step, cell computes {quantiles(pauses(computing))}")
    for selected in (False, True):
        name = "edge selected" if selected else "nothing selected"
        print(f"live / blocking, {name:16s} {ratios(selected)}")


if __name__ == "__main__":
    main()
