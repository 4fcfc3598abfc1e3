"""The whole path in JupyterLab and in Notebook, in a real browser: run, watch, move sliders, click, fix, undo, reload."""

import pytest

from tests.browser.notebook import SETUP, Explorer, Notebook

pytestmark = pytest.mark.browser
#: lamb keeps it from converging before the test is over.
CELL = "explorer = KANExplorer(model, data, opt='Adam', lamb=1e-3)\nexplorer"
LIVE = "(e.updates ??= new Set()).add(e.dataset.kwStep), e.updates.size >= a"


@pytest.fixture(params=["lab", "classic"])
def server(request):
    server = request.getfixturevalue(request.param)
    yield server
    server.shut_down_kernels()


def opened(page, server, name, cells, run=None):
    server.write(name, cells)
    notebook = Notebook(page, server, name)
    for index in range(run or 0):
        notebook.run(index)
    if run is None:
        notebook.run_all()
    return notebook, Explorer(page).see()


def test_the_whole_path(page, server, screens):
    kind = server.application
    notebook, view = opened(
        page, server, "path.ipynb", [SETUP, CELL, "print(explorer.code())", "repr(explorer)"], run=2
    )
    assert (view.status, view.step) == ("idle", 0)
    page.screenshot(path=screens / f"{kind}-1-start.png")

    # ten or more live updates, the step rising
    view.click("start")
    view.until_status("running")
    view.until(LIVE, 10)
    steps = view.root.evaluate("e => [...e.updates].map(Number)")
    assert steps == sorted(set(steps))

    # the sliders act while it runs
    view.type("lamb", 0.01)
    view.type("grid", 7)
    before = view.step
    view.until_step(before + 5)
    assert view.status == "running"
    page.screenshot(path=screens / f"{kind}-2-running.png")

    view.click("pause")
    view.until_status("paused")
    stopped = view.step
    view.select("0-0-0")
    found = view.candidates(8)
    assert len({name for name, _ in found}) == len(found) >= 8
    page.screenshot(path=screens / f"{kind}-3-candidates.png")

    best = found[0][0]
    view.root.locator(f'[data-kw-candidate="{best}"] [data-kw-action="fix"]').click()
    view.until("e.querySelector('[data-kw-edge=\"0-0-0\"]').dataset.kwState === 'symbolic'")
    page.screenshot(path=screens / f"{kind}-4-fixed.png")
    view.click("undo")
    view.until("e.querySelector('[data-kw-edge=\"0-0-0\"]').dataset.kwState === 'spline'")
    assert view.step == stopped

    notebook.run(2)
    notebook.run(3)
    code = notebook.output(2)
    assert f"explorer.fix('{best}', edge=(0, 0, 0))" in code
    assert "explorer.lamb = 0.01" in code
    assert "explorer.refine(7)" in code
    assert "explorer.undo()" in code
    assert f"step={stopped}" in notebook.output(3)

    # a page that is loaded anew shows the same
    notebook.save()
    formula = view.root.locator("[data-kw-formula]").get_attribute("data-kw-formula")
    notebook.open()
    view.see()
    view.until("e.dataset.kwStep === String(a)", stopped)
    view.until_status("paused")
    assert view.control("lamb").get_attribute("data-kw-value") == "0.01"
    assert view.control("grid").get_attribute("data-kw-value") == "7"
    view.until("e.querySelector('[data-kw-edge=\"0-0-0\"]').getAttribute('aria-pressed') === 'true'")
    assert view.root.locator("[data-kw-formula]").get_attribute("data-kw-formula") == formula
    page.screenshot(path=screens / f"{kind}-5-reloaded.png")
    notebook.theme("JupyterLab Dark")
    view.until("e.closest('body').dataset.jpThemeLight === 'false'")
    view.candidates(8)
    page.screenshot(path=screens / f"{kind}-6-dark.png")
    notebook.theme("JupyterLab Light")
    assert page.problems == []
    assert server.tracebacks() == 0


def test_errors_are_shown_and_the_session_goes_on(page, lab):
    _, view = opened(page, lab, "errors.ipynb", [SETUP, CELL])
    view.click("prune")
    shown = """e.querySelector('[role="alert"]:not([hidden])')?.textContent.includes('Nothing to prune')"""
    view.until(f"{shown} || e.querySelectorAll('[data-kw-state-id]').length > 1")
    view.click("step")
    view.until_step(1)
    assert page.problems == []


def test_pause_is_heard_while_a_cell_runs(page, lab):
    notebook, view = opened(page, lab, "busy.ipynb", [SETUP, CELL, "import time\ntime.sleep(30)", "print('after')"])
    view.click("start")
    view.until_step(3)
    view.click("pause")
    view.until_status("paused")
    assert notebook.outputs(3) == 0


def test_running_the_cell_again_stops_the_old_one(page, lab):
    count = "import threading\nprint(sum(t.name.startswith('kanwidget-explorer') for t in threading.enumerate()))"
    notebook, view = opened(page, lab, "again.ipynb", [SETUP, CELL, "None", count], run=2)
    view.click("start")
    view.until_step(2)
    notebook.run(1)
    page.wait_for_function(
        "() => { const all = document.querySelectorAll('.kanwidget'); return all.length === 1 && all[0].dataset.kwStatus === 'idle'; }"
    )
    view.click("step")
    view.until_step(1)
    notebook.run(3)
    assert notebook.output(3).strip() == "1"


def test_two_views_of_one_explorer_show_the_same(page, lab):
    _, view = opened(page, lab, "two.ipynb", [SETUP, CELL, "explorer"])
    page.wait_for_function("() => document.querySelectorAll('.kanwidget').length === 2")
    view.click("start")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.kanwidget')].every(e => Number(e.dataset.kwStep) >= 5)"
    )
    view.click("pause")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.kanwidget')].every(e => e.dataset.kwStatus === 'paused')"
    )
    page.wait_for_function(
        "() => new Set([...document.querySelectorAll('.kanwidget')].map(e => e.dataset.kwStep)).size === 1"
    )


def test_a_kernel_that_is_restarted_is_shown_as_gone(page, lab):
    notebook, view = opened(page, lab, "restart.ipynb", [SETUP, CELL])
    view.click("start")
    view.until_step(2)
    notebook.restart()
    view.until_status("disconnected")
    assert view.root.locator("[data-kw-edge]").count() >= 15


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_saved_page_needs_no_kernel(browser, screens, tmp_path, scheme):
    import torch

    from kanwidget import KAN, KANExplorer, create_dataset

    data = create_dataset(
        lambda x: torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2), n_var=2, train_num=200, test_num=100
    )
    path = tmp_path / "explorer.html"
    with KANExplorer(KAN([2, 3, 1], seed=1), data, in_vars=["</script><b>x</b>", "x<y & z"]) as explorer:
        explorer.fit(20)
        explorer.fix("sin", edge=(0, 0, 0))
        explorer.save_html(path)
    context = browser.new_context(viewport={"width": 1200, "height": 900}, color_scheme=scheme, offline=True)
    page = context.new_page()
    problems = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(path.as_uri())
    view = Explorer(page).see()
    assert view.step == 20
    view.until("e.querySelector('[data-kw-edge=\"0-0-0\"]').dataset.kwState === 'symbolic'")
    for key in ("0-1-0", "1-2-0"):
        view.select(key)
        assert len(view.candidates(8)) >= 8
    page.screenshot(path=screens / f"report-{scheme}.png", full_page=True)
    assert page.locator("b", has_text="x").count() == 0 or "</script>" not in page.content().split("<body>")[0]
    assert problems == []
    context.close()
