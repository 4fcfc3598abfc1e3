"""marimo in a real browser: the explorer is shown, trains, pauses, answers clicks, and waits for a cell that runs."""

import sys
import time
from importlib import metadata
from pathlib import Path

import pytest

from tests.system.browser.conftest import PATIENCE, Process
from tests.system.browser.notebook import ROOT, Explorer

pytestmark = pytest.mark.hosts
APP = Path(__file__).with_name("marimo_app.py")
#: The notebook's session, for the test to see when no page shows it; and less patience with pages that were closed. And a cell that
#: runs until there is a file.
MORE = """
@app.cell
def _(explorer):
    import pathlib
    import threading

    from kanwidget.explorer.notebook import widget as page_monitor

    page_monitor.SECONDS = 5

    def keep():
        while True:
            pathlib.Path("state").write_text(explorer.status["state"])
            threading.Event().wait(0.1)

    threading.Thread(target=keep, daemon=True).start()
    return


@app.cell
def _():
    import marimo

    block = marimo.ui.run_button(label="block")
    block
    return (block,)


@app.cell
def _(block):
    import pathlib as path
    import time

    if block.value:
        path.Path("blocked").touch()
        while not path.Path("gate").exists():
            time.sleep(0.02)
        path.Path("blocked").unlink()
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


class Marimo(Process):
    """A server of one notebook: `run` shows its results, `edit` its cells too."""

    def __init__(self, mode, folder):
        app = folder / "app.py"
        head, _, tail = APP.read_text().rpartition("if __name__")
        app.write_text(head.rstrip() + "\n\n" + MORE + tail)
        config = folder / "config" / "marimo"
        config.mkdir(parents=True)
        (config / "marimo.toml").write_text("[runtime]\nauto_instantiate = true\n")  # edit mode runs the cells itself
        environment = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}  # no settings of the user

        def command(port):
            arguments = ["--headless", "--no-token", "--host", "127.0.0.1", "--port", str(port)]
            return [sys.executable, "-m", "marimo", "-y", mode, *arguments, str(app)]

        super().__init__(folder, command, environment, "/health")

    def until_state(self, name):
        """Wait until the session is in a state, whether or not a page shows it."""
        self.until(lambda: (self.folder / "state").read_text() == name)

    def until(self, condition):
        deadline = time.monotonic() + PATIENCE / 1000
        while not condition():
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)


@pytest.fixture(scope="module", params=["run", "edit"])
def marimo(request, browser, ran, tmp_path_factory):
    ran["marimo"] = metadata.version("marimo")
    server = Marimo(request.param, tmp_path_factory.mktemp(request.param))
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
    assert view.candidates(1)
    view.click("pause")
    view.until_status("paused")
    step = view.step
    view.select("0-1-0")
    view.root.locator("[data-kw-candidate][data-best]").locator('[data-kw-action="fix"]').click()
    view.until_state("0-1-0", "symbolic")
    assert view.step == step
    assert page.problems == [], marimo.said()

    # closed while it trains: no view would pause it
    view.click("start")
    view.until_status("running")
    view.until(LIVE, 8)
    marimo.until_state("running")
    page.close()
    marimo.until_state("paused")


def test_a_click_waits_for_a_running_cell(page, marimo):
    """Frames go on, the page shows that the click was received, and the click takes effect when the cell ends."""
    page.goto(marimo.url)
    view = View(page).see()
    view.click("start")
    view.until_status("running")
    page.get_by_role("button", name="block").click()
    marimo.until((marimo.folder / "blocked").exists)
    view.until("(e.during ??= new Set()).add(e.dataset.kwStep), e.during.size > 2")
    view.click("pause")
    view.root.get_by_text("stopping…").first.wait_for(state="visible")
    assert view.status == "running"
    (marimo.folder / "gate").touch()
    view.until_status("paused")
    marimo.until(lambda: not (marimo.folder / "blocked").exists())
    assert page.problems == [], marimo.said()
