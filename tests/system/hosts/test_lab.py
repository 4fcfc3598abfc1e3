"""JupyterLab in a real browser, with each version of the kernel: the explorer is shown, trains, pauses and answers a click."""

import contextlib

import nbformat
import pytest

from tests.system.browser.conftest import Server
from tests.system.browser.notebook import SETUP, Explorer, Notebook
from tests.system.hosts import kernels

pytestmark = pytest.mark.hosts
#: lamb keeps it from converging before the test is over.
CELL = "explorer = KANExplorer(model, data, opt='Adam', lamb=1e-3)\nexplorer"
#: Counts the steps that were drawn.
LIVE = "(e.updates ??= new Set()).add(e.dataset.kwStep), e.updates.size > a"


class Lab(Server):
    """JupyterLab whose notebooks name a kernel of some version."""

    def __init__(self, folder, kernel):
        self.kernel = kernel
        super().__init__("lab", folder)

    def write(self, name, cells):
        super().write(name, cells)
        path = self.folder / "files" / name
        notebook = nbformat.read(path, as_version=4)
        notebook.metadata["kernelspec"] |= {"name": self.kernel, "display_name": self.kernel}
        nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def server(browser, kernel_name, tmp_path_factory):
    server = Lab(tmp_path_factory.mktemp("lab"), kernel_name)
    strands = kernel_name in kernels.STRANDS
    try:
        server.wait()
        with kernels.knocking(server.folder / "runtime") if strands else contextlib.nullcontext():
            yield server
    finally:
        server.shut_down_kernels()
        server.stop()


def test_shown_trained_clicked_paused(page, server, kernel_name, ran):
    server.write("smoke.ipynb", [SETUP, CELL])
    notebook = Notebook(page, server, "smoke.ipynb")
    notebook.run_all()
    view = Explorer(page).see()
    found = notebook.evaluate("ipykernel.__version__", "import ipykernel").strip("'")
    assert found == kernels.version(kernel_name)
    ran.setdefault("with ipykernel", []).append(found)
    assert view.root.locator("[data-kw-edge]").count() == 15
    view.click("start")
    view.until_status("running")
    view.until(LIVE, 5)
    view.click("pause")
    view.until_status("paused")
    step = view.step
    view.select("0-0-0")
    assert view.candidates(1)
    assert view.step == step
    assert notebook.complaints() == []


def printed(notebook, index, text):
    """Wait until a cell, which may be running, has printed something."""
    notebook.page.wait_for_function(
        """([name, i, text]) => {
          const { outputs } = window.notebookPanel(name).model.cells.get(i).toJSON();
          return outputs.some((one) => [].concat(one.text ?? '').join('').includes(text));
        }""",
        arg=[notebook.name, index, text],
    )


def test_pause_while_a_cell_sleeps(page, server, kernel_name):
    """A click takes effect at once where the kernel has subshells; elsewhere at the end of the cell, and the page says so meanwhile."""
    wait = "import pathlib, time\nprint('begun')\nwhile not pathlib.Path('gate').exists():\n    time.sleep(0.02)\nprint('over')"
    server.write("sleep.ipynb", [SETUP, CELL, wait])
    notebook = Notebook(page, server, "sleep.ipynb")
    notebook.run(0)
    notebook.run(1)
    view = Explorer(page).see()
    view.click("start")
    view.until(LIVE, 2)
    notebook.run(2)
    printed(notebook, 2, "begun")
    view.until("(e.during ??= new Set()).add(e.dataset.kwStep), e.during.size > 2")  # pushes go on
    view.click("pause")
    if kernel_name in kernels.SUBSHELLS:
        view.until_status("paused")
    else:
        view.root.get_by_text("stopping…").first.wait_for(state="visible")
        assert view.status == "running"
    (server.folder / "files" / "gate").touch()
    printed(notebook, 2, "over")
    view.until_status("paused")
    assert notebook.complaints() == []
