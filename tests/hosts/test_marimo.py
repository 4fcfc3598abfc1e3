"""marimo in a real browser: the explorer is shown, trains, pauses, and answers clicks."""

import os
import subprocess
import sys
import time
import urllib.request
from importlib import metadata
from pathlib import Path

import pytest

from tests.browser.conftest import PATIENCE, free_port
from tests.browser.notebook import ROOT, Explorer
from tests.hosts import kernels

pytestmark = pytest.mark.hosts
APP = Path(__file__).with_name("marimo_app.py")
#: The notebook's session, for the test to see when no page shows it; and less patience with pages that were closed.
MONITOR = """
@app.cell
def _(explorer):
    import pathlib
    import threading

    from kanwidget.explorer import watch

    watch.SECONDS = 5

    def keep():
        while True:
            pathlib.Path("state").write_text(explorer.status["state"])
            threading.Event().wait(0.1)

    threading.Thread(target=keep, daemon=True).start()
    return


if __name__"""
#: Counts the steps that were drawn.
LIVE = "(e.updates ??= new Set()).add(e.dataset.kwStep), e.updates.size > a"


class View(Explorer):
    """The explorer in the shadow tree that marimo gives a widget."""

    def until(self, condition, argument=None):
        source = f"""([s, a]) => {{
          const hosts = [...document.querySelectorAll('marimo-anywidget')];
          const e = hosts.map((one) => one.shadowRoot?.querySelector(s)).find(Boolean);
          return e && ({condition});
        }}"""
        return self.page.wait_for_function(source, arg=[ROOT, argument])


class Marimo:
    """A server of one notebook: `run` shows its results, `edit` its cells too."""

    def __init__(self, mode, folder):
        self.port, self.folder = free_port(), folder
        self.url = f"http://127.0.0.1:{self.port}"
        app = folder / "app.py"
        head, _, tail = APP.read_text().rpartition("if __name__")
        app.write_text(head.rstrip() + "\n\n" + MONITOR + tail)
        config = folder / "config" / "marimo"
        config.mkdir(parents=True)
        (config / "marimo.toml").write_text("[runtime]\nauto_instantiate = true\n")  # edit mode runs the cells itself
        self.log = (folder / "server.log").open("w")
        environment = {
            **os.environ,
            "HOME": str(folder),  # no settings of the user
            "XDG_CONFIG_HOME": str(folder / "config"),
            "PYTHONPATH": str(kernels.ROOT),
            "OMP_NUM_THREADS": "1",
        }
        arguments = ["--headless", "--no-token", "--host", "127.0.0.1", "--port", str(self.port)]
        command = [sys.executable, "-m", "marimo", "-y", mode, *arguments, str(app)]
        self.process = subprocess.Popen(command, env=environment, cwd=folder, stdout=self.log, stderr=self.log)

    def wait(self):
        deadline = time.monotonic() + PATIENCE / 1000
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=5):
                    return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self.said()) from None
                time.sleep(0.2)

    def until_state(self, name):
        """Wait until the session is in a state, whether or not a page shows it."""
        deadline = time.monotonic() + PATIENCE / 1000
        while (self.folder / "state").read_text() != name:
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def said(self):
        return Path(self.log.name).read_text()[-3000:]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


@pytest.fixture(scope="module", params=["run", "edit"])
def marimo(request, browser, ran, tmp_path_factory):
    server = Marimo(request.param, tmp_path_factory.mktemp(request.param))
    ran["marimo"] = metadata.version("marimo")
    try:
        server.wait()
        yield server
    finally:
        server.stop()


def test_shown_trained_clicked_paused(page, marimo):
    page.goto(marimo.url)
    view = View(page).see()
    assert view.root.locator("[data-kw-edge]").count() == 15
    view.click("start")
    view.until_status("running")
    view.until(LIVE, 5)
    view.select("0-0-0")
    assert len(view.candidates(8)) >= 8
    view.click("pause")
    view.until_status("paused")
    step = view.step
    view.select("0-1-0")
    view.root.locator("[data-kw-candidate][data-best]").locator('[data-kw-action="fix"]').click()
    view.until_state("0-1-0", "symbolic")
    assert view.step == step
    assert page.problems == [], marimo.said()

    # closed while it trains: nobody would pause it
    view.click("start")
    view.until_status("running")
    view.until(LIVE, 8)
    marimo.until_state("running")
    page.close()
    marimo.until_state("paused")
