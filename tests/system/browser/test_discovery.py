"""Formulas found by themselves, with a mouse: the search is watched, held and ended; one becomes the network, and the code repeats it."""

import pytest

from tests.system.browser.notebook import SETUP, Explorer, Notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600, func_only=True)]
#: Noise, units, and a column that has no say.
TABLE = """import numpy as np, pandas as pd
from kanwidget import KANExplorer
rng = np.random.default_rng(1)
p, T, c = rng.uniform(0.5, 9, 200), rng.uniform(280, 900, 200), rng.normal(size=200)
rate = 4.2 * p**2 / T * (1 + 0.01 * rng.standard_normal(200))
table = pd.DataFrame({"p [bar]": p, "T [K]": T, "c": c, "rate [1/s]": rate})
explorer = KANExplorer(table, target="rate [1/s]", width=[3, 2, 1])
explorer"""
#: Whether the session's code makes its network again, bit for bit.
REPLAYS = """
def _replays():
    import torch
    names = {"data": table}
    exec(explorer.code(), names)
    pairs = list(zip(explorer.model.parameters(), names["model"].parameters(), strict=True))
    names["explorer"].close()
    return all(torch.equal(a, b) for a, b in pairs)
"""
ROWS = "[data-kw-hall]"
RUN, STEP = '[data-kw-action="find-formulas"]', '[data-kw-action="step-discover"]'
LAST = "[...document.querySelectorAll('.kanwidget [data-kw-hall]')].at(-1)"
#: Whether the last row errs as little as the noise does, whatever its formula is written like.
ACCURATE = f"Number({LAST}?.querySelector('b').lastChild.textContent) < 0.01"


@pytest.fixture
def opened(page, lab):
    lab.write("discovery.ipynb", [SETUP, TABLE])
    notebook = Notebook(page, lab, "discovery.ipynb")
    notebook.run_all()
    notebook.finished()
    return notebook, Explorer(page).see()


def test_a_kernel_that_restarts_leaves_formulas_to_read_and_a_sentence(page, opened):
    notebook, view = opened
    panel = page.locator('[data-kw-panel="discovery"]')
    page.locator('[data-kw-tab="discovery"]').click()
    view.control("search-seconds").select_option("1200")
    page.locator(RUN).click()
    view.until(f"e.querySelectorAll('{ROWS}').length > 1")
    notebook.restart()
    view.until_status("disconnected")
    assert panel.locator(".kw-sentence").inner_text() == "The kernel is gone: run the cell again to search anew"
    assert page.locator(RUN).is_disabled()
    assert page.locator('[data-kw-action="stop-search"]').is_hidden()
    page.locator(ROWS).first.hover()
    assert panel.locator(".kw-caption").inner_text() != ""


def until_run_says(view, *words):
    view.until(f"a.includes(e.querySelector('{RUN}').textContent)", list(words))


def until_step_pauses(view, pauses):
    """The button among the steps, which hears of a search later than its tab, does what the test is to click."""
    usable = f"!e.querySelector('{STEP}').disabled"
    view.until(f"{usable} && e.querySelector('{STEP}').textContent.includes('❚❚') === a", pauses)


def test_found_watched_taken_and_repeated(page, opened, screens, tmp_path):
    notebook, view = opened
    # With time enough that it goes on until the test ends it.
    page.locator('[data-kw-tab="discovery"]').click()
    view.control("search-seconds").select_option("1200")
    page.locator(RUN).click()
    # It grows, and can be held while other acts go on.
    view.until(f"e.querySelectorAll('{ROWS}').length > 0")
    until_run_says(view, "Pause")
    until_step_pauses(view, True)
    view.click("step-discover")
    until_run_says(view, "Go on")
    view.click("step")
    view.until_step(1)
    assert "Paused after" in page.locator('[data-kw-panel="discovery"] .kw-sentence').inner_text()
    page.locator('[data-kw-tab="formula"]').click()
    until_step_pauses(view, False)
    view.click("step-discover")
    page.locator('[data-kw-tab="discovery"][aria-selected="true"]').wait_for()
    page.wait_for_function(f"() => {ACCURATE}")
    view.click("stop-search")
    until_run_says(view, "Search again")  # once its formulas are finished
    # Pointing shows it, a click makes it the network.
    best = page.locator(ROWS).last
    text = best.get_attribute("data-kw-text")
    best.hover()
    assert page.locator('[data-kw-panel="discovery"] .kw-caption').count() == 1
    best.locator(".kw-hall-row").click()
    view.until(f"{LAST}.hasAttribute('data-current')")
    assert view.root.screenshot(path=screens / "discovery.png")
    view.until("e.querySelector('[data-kw-formula]').dataset.kwFormula.includes('p [bar]')")
    assert notebook.evaluate("_replays()", REPLAYS) == "True"
    # The saved page has the rows, and nothing to click.
    path = tmp_path / "page.html"
    notebook.evaluate(f"explorer.save_html({str(path)!r})")
    view.click("undo")
    view.until(f"!{LAST}.hasAttribute('data-current')")
    assert notebook.evaluate("_replays()", REPLAYS) == "True"
    assert notebook.complaints() == []
    page.goto(path.as_uri())
    page.locator('[data-kw-tab="discovery"]').click()
    assert page.locator(ROWS).last.get_attribute("data-kw-text") == text
    assert page.locator(RUN).is_hidden()
    page.locator(ROWS).first.locator('[data-kw-action="compare"]').click()
    page.locator(ROWS).last.hover()
    # A finished front may be the law alone.
    assert page.locator('[data-kw-panel="discovery"] .kw-caption').count() == min(2, page.locator(ROWS).count())
    assert view.root.screenshot(path=screens / "discovery-page.png")
