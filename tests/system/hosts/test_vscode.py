"""VS Code's widget manager in a page, with a kernel behind it: the explorer is shown, trains, answers clicks, and comes back."""

import pytest

from tests.system.browser.conftest import ROOT, Server
from tests.system.browser.notebook import SETUP, Explorer
from tests.system.hosts.vscode import page as host
from tests.unit.explorer.threads import eventually

pytestmark = pytest.mark.hosts
CELL = "explorer = KANExplorer(model, data, opt='Adam', lamb=1e-3)\nexplorer"
#: A cell that runs until there is a file.
WAIT = "import pathlib, time\npathlib.Path('begun').touch()\nwhile not pathlib.Path('gate').exists():\n    time.sleep(0.02)"
#: Counts the steps that were drawn.
LIVE = "(e.updates ??= new Set()).add(e.dataset.kwStep), e.updates.size > a"


class Window:
    """A page with one kernel."""

    def __init__(self, page, server):
        self.page, self.server, self.url = page, server, f"{server.url}/static/page.html"
        self.open(self.url)
        self.id = page.evaluate("notebook.id")

    def open(self, url):
        self.page.goto(url)
        self.page.wait_for_function("() => window.notebook")

    def run(self, cell):
        return self.page.evaluate("code => notebook.run(code)", cell)

    def evaluate(self, expression):
        return self.page.evaluate("code => notebook.evaluate(code)", expression)

    def reload(self, outputs):
        """As VS Code does with a window: the kernel stays, and outputs are shown again."""
        self.open(f"{self.url}?kernel={self.id}")
        self.page.evaluate(
            "outputs => outputs.reduce((last, one) => last.then(() => notebook.show(one)), Promise.resolve())", outputs
        )

    def file(self, name):
        """A file where the kernel works."""
        return self.server.folder / name

    def complaints(self):
        return [*self.page.evaluate("notebook.problems"), *self.page.problems]


class Kernels(Server):
    """A server of kernels, from which the page comes, too: the browser allows no other one to reach them."""

    def _command(self, port):
        return [*super()._command(port), f"--ServerApp.extra_static_paths={[str(host.make())]}"]


def test_the_version_is_that_of_the_documents():
    version = host.MANAGER.rpartition("@")[2]
    assert f"`@vscode/jupyter-ipywidgets8` {version}" in (ROOT / "docs" / "hosts.md").read_text("utf-8")
    assert f"widget manager {version}" in (ROOT / "README.md").read_text("utf-8")


@pytest.fixture
def window(browser, page, tmp_path):
    server = Kernels("lab", tmp_path)
    try:
        server.wait()
        yield Window(page, server)
    finally:
        server.stop()


def test_the_contract(window, tmp_path, screens):
    window.run(SETUP)
    outputs = window.run(CELL)
    view = Explorer(window.page).see()
    assert view.root.locator("[data-kw-edge]").count() == 15
    # The theme is that of the editor, not the light one that the manager brings along.
    assert "kw-dark" in view.root.get_attribute("class")
    assert view.root.locator(".kw-frame").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(31, 31, 31)"
    # What stands in for a lost view isn't seen beside it.
    assert window.page.locator("#outputs > :visible").count() == 1
    view.select("0-0-0")
    assert view.candidates(1)
    view.click("start")
    view.until_status("running")
    view.until(LIVE, 5)
    view.click("pause")
    view.until_status("paused")
    step = view.step
    assert window.evaluate("explorer.status['step']") == str(step)
    window.page.screenshot(path=screens / "vscode-manager.png")
    window.reload(outputs)
    again = Explorer(window.page).see()
    again.until("e.dataset.kwStep === a", str(step))
    again.click("step")
    again.until_step(step + 1)
    with window.page.expect_download() as begun:
        again.root.locator('[data-kw-menu="export"]').click()
        again.root.locator('[data-kw-action="export-json"]').click()
    begun.value.save_as(tmp_path / "session.json")
    assert window.evaluate(f"KANExplorer.load({str(tmp_path / 'session.json')!r}).status['step']") == str(again.step)
    assert window.complaints() == []


def test_a_click_waits_for_a_cell_that_runs_and_pictures_go_on(window):
    """The manager opens no subshell: a click is heard when the cell has ended, and the page says so meanwhile."""
    window.run(SETUP)
    window.run(CELL)
    view = Explorer(window.page).see()
    view.click("start")
    view.until(LIVE, 2)
    window.page.evaluate("code => void notebook.run(code)", WAIT)
    eventually(window.file("begun").exists)
    view.until("(e.during ??= new Set()).add(e.dataset.kwStep), e.during.size > 2")
    view.click("pause")
    view.until("e.querySelector('[data-kw-action=pause]')?.innerText.includes('Stopping')")
    step = view.step
    view.until_step(step + 3)
    window.file("gate").touch()
    view.until_status("paused")
    assert window.complaints() == []
