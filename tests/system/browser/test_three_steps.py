"""From a fresh page to the formula by the highlighted buttons alone, with a mouse; keys, examples and the way back to the cell."""

import pytest

from tests.system.browser.notebook import SETUP, Explorer, Notebook

pytestmark = pytest.mark.browser
DEMO = "from kanwidget import KANExplorer\nexplorer = KANExplorer.demo()\nexplorer"
TABLE = """import numpy as np, pandas as pd
from kanwidget import KANExplorer
rng = np.random.default_rng(1)
T, p, v = rng.uniform(260, 340, 400), rng.uniform(0.6e5, 1.4e5, 400), rng.uniform(0.5, 3, 400)
n = p * v / (8.314 * T) * (1 + 0.02 * rng.standard_normal(400))
table = pd.DataFrame({"T (K)": T, "p [Pa]": p, "v_x": v, "c": rng.normal(size=400), "n_dot": n})
explorer = KANExplorer(table, target="n_dot")
explorer"""
NEXT = "[data-kw-next]"


def opened(page, lab, name, cell):
    lab.write(name, [SETUP, cell])
    notebook = Notebook(page, lab, name)
    notebook.run_all()
    notebook.finished()
    return notebook, Explorer(page).see()


#: The session rests, and the page says something new: what is next, or that it is done.
RESTS = """before => {
  const explorer = document.querySelector('.kanwidget');
  const sentence = explorer.querySelector('.kw-guide > .kw-sentence').textContent;
  const decided = explorer.querySelector('[data-kw-next]') !== null || sentence.startsWith('Done');
  return explorer.dataset.kwStatus !== 'running' && sentence !== before && decided;
}"""


#: Nothing has to be scrolled to see it: it lies within the window of the notebook.
IN_SIGHT = """selector => {
  const [all, one] = [document.querySelector('.jp-WindowedPanel-outer'), document.querySelector(selector)];
  return one.getBoundingClientRect().bottom <= all.getBoundingClientRect().bottom + 1;
}"""


def follow(page):
    """Click what is highlighted until nothing is; how often."""
    clicks = 0
    while page.locator(NEXT).count():
        before = page.locator(".kw-guide > .kw-sentence").inner_text()
        page.locator(NEXT).click()
        page.wait_for_function(RESTS, arg=before)
        clicks += 1
        assert clicks < 8
    return clicks


def test_the_demo_ends_in_its_exact_formula(page, lab):
    notebook, _ = opened(page, lab, "steps-demo.ipynb", DEMO)
    assert follow(page) <= 4
    assert page.locator(".kw-guide > .kw-sentence").inner_text().startswith("Done: y = exp(")
    assert page.locator('[data-kw-tab="formula"][aria-selected="true"]').count() == 1
    assert notebook.complaints() == []


def test_a_table_with_noise_ends_in_its_law(page, lab):
    page.set_viewport_size({"width": 1280, "height": 720})
    notebook, _ = opened(page, lab, "steps-table.ipynb", TABLE)
    assert follow(page) <= 6
    assert page.locator(".kw-guide > .kw-sentence").inner_text() == "Done: n_dot = 0.1204·p [Pa]·v_x/T (K)."
    page.wait_for_selector('[data-kw-panel="formula"] .kw-constants:visible')
    page.wait_for_function(IN_SIGHT, arg='[data-kw-panel="formula"] .kw-constants')
    assert "The rest looks like noise" in page.locator(".kw-notice").inner_text()
    page.locator('[data-kw-action="dismiss-notice"]').click()
    page.locator('.kw-notice[data-kw-notice="noise_level"]').wait_for(state="hidden")
    assert notebook.complaints() == []


def test_examples_keys_and_the_way_back_to_the_cell(page, lab):
    notebook, _ = opened(page, lab, "steps-dialogs.ipynb", DEMO)
    page.locator('[data-kw-menu="again"]').click()
    page.locator('[data-kw-action="examples"]').click()
    page.locator('[data-kw-example="product"]').click()
    page.wait_for_function("() => document.querySelector('[data-kw-menu=again]').textContent === 'product'")
    page.locator('[data-kw-edge="0-0-0"]').click()
    page.keyboard.press("?")
    assert page.locator('[data-kw-dialog="keys"]').is_visible()
    page.keyboard.press("Escape")
    assert page.locator('[data-kw-dialog="keys"]').is_hidden()
    for _ in range(3):  # what was open, the selection, and out
        page.keyboard.press("Escape")
    assert page.evaluate("() => document.activeElement.closest('.kanwidget') === null")
    assert page.evaluate("() => document.activeElement.closest('.jp-Cell, .jp-Notebook') !== null")
    assert notebook.complaints() == []
