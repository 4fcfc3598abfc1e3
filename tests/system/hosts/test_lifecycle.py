"""The life of a view and its training in JupyterLab: views disappear and return, pages are reloaded, kernels die, messages are dropped."""

import os
import signal

import pytest

from tests.system.browser.notebook import SETUP, Explorer, Notebook

pytestmark = pytest.mark.hosts
#: lamb keeps it from converging before the test is over.
CELL = "explorer = KANExplorer(model, data, opt='Adam', lamb=1e-3)\nexplorer"
#: Counts the steps that were drawn.
LIVE = "(e.updates ??= new Set()).add(e.dataset.kwStep), e.updates.size > a"
COUNT = "n => document.querySelectorAll('.kanwidget').length === n"
#: A host that delivers only messages sent within a handler or a cell; `lost` counts the others.
DROPS = """
import threading
from ipykernel.comm.comm import BaseComm
lost, publish = [], BaseComm.publish_msg
def only_when_asked(self, msg_type, *arguments, **keys):
    if threading.current_thread().name.startswith("kanwidget"):
        lost.append(msg_type)
    else:
        publish(self, msg_type, *arguments, **keys)
BaseComm.publish_msg = only_when_asked
"""


def opened(page, server, name, cells):
    server.write(name, cells)
    notebook = Notebook(page, server, name)
    notebook.run_all()
    return notebook, Explorer(page).see()


def command(notebook, name):
    notebook._activate()
    notebook._do("await window.jupyterapp.commands.execute(a);", name)


def select_cell(notebook, index):
    notebook._do("panel.content.deselectAll(); panel.content.activeCellIndex = a;", index)


def test_a_view_that_is_gone_is_no_stop_and_comes_back(page, lab):
    notebook, view = opened(page, lab, "views.ipynb", [SETUP, CELL, "None"])
    view.click("start")
    view.until(LIVE, 2)
    select_cell(notebook, 1)
    command(notebook, "notebook:clear-cell-output")
    page.wait_for_function(COUNT, arg=0)
    assert notebook.evaluate("explorer.status['state'], explorer.wait(steps=3)") == "('running', True)"
    notebook._do("panel.model.sharedModel.cells[2].setSource('explorer');")
    notebook.run(2)
    view.see()
    view.until_status("running")
    view.until(LIVE, 3)
    # another view of the same output
    select_cell(notebook, 2)
    command(notebook, "notebook:create-output-view")
    page.wait_for_function(COUNT, arg=2)
    page.wait_for_function(
        """() => [...document.querySelectorAll('.kanwidget')].every(
          e => ((e.seen ??= new Set()).add(e.dataset.kwStep), e.seen.size > 3))"""
    )
    page.locator('.kanwidget [data-kw-action="pause"]:visible').first.click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.kanwidget')].every(e => e.dataset.kwStatus === 'paused')"
    )
    assert notebook.complaints() == []


def test_a_page_loaded_anew_while_it_trains(page, lab):
    notebook, view = opened(page, lab, "reload.ipynb", [SETUP, CELL])
    view.click("start")
    view.select("0-0-0")
    view.until(LIVE, 2)
    step = view.step
    notebook.save()
    notebook.reload()
    notebook.show("cell-1")
    view.see()
    view.until_status("running")
    view.until(LIVE, 3)
    assert view.step > step
    view.candidates(1)
    view.click("pause")
    view.until_status("paused")
    assert notebook.complaints() == []


def test_a_kernel_that_dies_leaves_its_last_state_readable(page, lab):
    notebook, view = opened(page, lab, "death.ipynb", [SETUP, CELL])
    process = int(notebook.evaluate("os.getpid()", "import os"))
    view.select("0-0-0")
    view.candidates(1)
    view.click("start")
    view.until(LIVE, 2)
    os.kill(process, signal.SIGKILL)
    view.until_status("disconnected")
    assert view.alert()[0] == "Disconnected"
    assert view.step > 0
    assert view.root.locator("[data-kw-edge]").count() == 15
    assert view.candidates(1)
    assert view.root.locator('[aria-busy="true"]').count() == 0
    assert view.root.get_by_text("stopping…").count() == 0
    assert view.root.locator('[data-kw-action="start"]:enabled, [data-kw-action="pause"]:enabled').count() == 0
    assert page.problems == []


def test_where_pushes_are_dropped_the_page_asks(page, lab):
    notebook, view = opened(page, lab, "drops.ipynb", [DROPS + SETUP, CELL])
    view.click("start")
    view.until_status("running")
    view.until(LIVE, 5)
    view.click("pause")
    view.until_status("paused")
    view.select("0-0-0")
    assert view.candidates(1)
    view.root.locator("[data-kw-candidate][data-best]").locator('[data-kw-action="fix"]').click()
    view.until_state("0-0-0", "symbolic")
    view.click("undo")
    view.until_state("0-0-0", "spline")
    assert int(notebook.evaluate("len(lost)")) > 5
    assert int(notebook.evaluate("explorer.status['step']")) == view.step
    assert notebook.complaints() == []
