"""Names of columns that are markup, code, or no Latin letters: text wherever they stand, and no script of theirs runs."""

import csv
import json

import pytest
import torch

from kanwidget import KAN, Dataset, KANExplorer
from tests.system.browser.notebook import OUTSIDE, SETTLE, Explorer, Notebook

pytestmark = pytest.mark.browser
INPUTS = (
    '<img src=x onerror="window.pwned=1">',
    "</script><script>window.pwned=1</script>",
    "\u202eשלום עולם\u202c (المتغير)",
    "👩‍🔬🧪 x",
    "w" * 500,
    """it's "quoted" `${window.pwned=1}` \\ """,
    "theta_1",
)
OUTPUTS = ("<svg onload='window.pwned=1'>", "javascript:window.pwned=1//'\"]]>")
LIBRARY = ["x", "x^2", "x^3", "sin", "exp", "tanh", "abs", "gaussian"]


def data():
    draw = torch.Generator().manual_seed(0)
    x = 2 * torch.rand(120, len(INPUTS), generator=draw, dtype=torch.float64) - 1
    y = torch.stack([torch.sin(3 * x[:, 0]) + x[:, 4], x[:, 1] ** 2 - x[:, 6]], dim=1)
    return Dataset(x[:90], y[:90], x[90:], y[90:], in_vars=INPUTS, out_vars=OUTPUTS)


def opened():
    """A session of every kind of act that can be had with keys of edges, on such a table."""
    explorer = KANExplorer(KAN([len(INPUTS), 2, 2], grid=3, seed=1), data(), driver="blocking", lib=LIBRARY)
    explorer.step(4)
    explorer.fix("sin", edge=(0, 0, 0))
    explorer.fix("x^2", edge=(0, 1, 1))
    explorer.undo()
    explorer.prune(edges=[(0, 2, 0)])
    explorer.drag((0, 3, 0), 1, 0.2)
    explorer.step(3)
    explorer.select(0, 4, 0)
    return explorer


@pytest.fixture(scope="module")
def explorer():
    with opened() as explorer:
        yield explorer


CELL = """
from tests.system.browser.test_hostile_names import opened
explorer = opened()
explorer
"""

#: All text that the page shows or tells a screen reader, in one string.
TEXTS = """e => [
  e.textContent,
  ...[...e.querySelectorAll('*')].flatMap(one => ['title', 'aria-label', 'data-kw-formula'].map(a => one.getAttribute(a) ?? '')),
].join('\\n')"""
#: Elements that only a name could have brought.
FOREIGN = "img, script, iframe, object, embed, [onerror], [onload], a[href^='javascript']"


def harmless(page):
    """Nothing ran, nothing was built, and all still stands where it should."""
    assert page.evaluate("window.pwned") is None
    assert page.locator(".kanwidget").first.locator(FOREIGN).count() == 0
    page.evaluate(SETTLE)
    assert page.evaluate(OUTSIDE) == []


def test_the_widget_shows_them_as_text(page, lab, screens):
    lab.write("hostile.ipynb", [CELL])
    notebook = Notebook(page, lab, "hostile.ipynb")
    notebook.run_all()
    view = Explorer(page).see()
    view.candidates(1)  # the line, and below it all that only imitate it
    harmless(page)
    texts = view.root.evaluate(TEXTS)
    for name in (*INPUTS, *OUTPUTS):
        assert "θ" in texts if name == "theta_1" else name[:12] in texts, name
    for name in (*INPUTS[:2], *OUTPUTS):
        assert name in texts
    for tab in ("parity", "surface", "edges", "front", "curves"):
        page.click(f'[data-kw-tab="{tab}"]')
        view.until("e.querySelector(`[data-kw-panel=${a}]`).getBoundingClientRect().height > 40", tab)
        harmless(page)
        page.screenshot(path=screens / f"hostile-{tab}.png")
    for key in ("0-0", "0-4", "0-1-0"):
        page.focus(f'[data-kw-node="{key}"], [data-kw-edge="{key}"]')
        page.keyboard.press("Shift+F10")
        page.wait_for_selector('.kw-context [role="menuitem"]')
        harmless(page)
        page.screenshot(path=screens / f"hostile-menu-{key}.png")
        page.keyboard.press("Escape")
    page.hover('[data-kw-edge="0-1-0"]')
    page.wait_for_selector(".kw-card:visible")
    harmless(page)
    view.click("symbolify")
    view.until("e.querySelector('.kw-symbolify progress').hidden")
    view.range("r2").press("Home")
    view.until("!e.querySelector('[data-kw-action=symbolify-apply]').disabled")
    harmless(page)
    fixed = page.locator("[data-kw-edge][data-kw-state=symbolic]").count()
    view.click("symbolify-apply")
    view.until("e.querySelectorAll('[data-kw-edge][data-kw-state=symbolic]').length > a", fixed)
    view.click("copy-code")
    page.wait_for_selector(".kw-code:visible")
    harmless(page)
    page.screenshot(path=screens / "hostile-formula.png")
    assert notebook.complaints() == []


@pytest.mark.parametrize("width", [420, 760, 1200])
def test_a_saved_page_shows_them_as_text(page, explorer, tmp_path, width):
    path = tmp_path / "hostile.html"
    explorer.save_html(path, title=INPUTS[0])
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(path.as_uri())
    view = Explorer(page).see()
    harmless(page)
    assert page.title() == INPUTS[0]
    assert all(name in view.root.evaluate(TEXTS) for name in (*INPUTS[:2], *OUTPUTS))
    for key in ("0-1-0", "0-6-1", "1-1-1"):
        view.select(key)
        view.candidates(1)
        harmless(page)


def test_a_drawing_shows_them_as_text(page, explorer, tmp_path):
    path = tmp_path / "hostile.svg"
    explorer.save_svg(path)
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.tagName") == "svg"
    assert page.evaluate("window.pwned") is None
    assert page.locator("parsererror, script, img, foreignObject, [onload], [onerror]").count() == 0


def test_within_a_page_a_drawing_shows_them_as_text(page, explorer, tmp_path):
    """As notebooks do, which put it between other elements."""
    explorer.save_svg(tmp_path / "hostile.svg")
    drawing = (tmp_path / "hostile.svg").read_text(encoding="utf-8")
    page.set_content(
        f"<!doctype html><title>page</title><div>{drawing[drawing.index('<svg') :]}</div><p id=end>end</p>"
    )
    page.wait_for_selector("#end")
    assert page.evaluate("window.pwned") is None
    assert page.locator("script, img, foreignObject, [onload], [onerror]").count() == 0


def test_tables_and_states_are_read_back(explorer, tmp_path):
    explorer.save_csv(tmp_path / "hostile.csv")
    with (tmp_path / "hostile.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    columns = explorer.to_dict()
    assert header == list(columns)
    assert [float(row[header.index("train_loss")]) for row in rows] == columns["train_loss"]
    explorer.save_json(tmp_path / "hostile.json")
    text = (tmp_path / "hostile.json").read_text(encoding="utf-8")
    assert all(json.dumps(name)[1:-1] in text or name in text for name in INPUTS)
    with KANExplorer.load(tmp_path / "hostile.json", data()) as again:
        assert again._session.in_vars == INPUTS
        assert again._session.out_vars == OUTPUTS


@pytest.mark.parametrize("given", [False, True])
def test_the_session_as_code_still_runs(explorer, given):
    table = data()
    if given:
        table = Dataset(table.train_input, table.train_label, table.test_input, table.test_label)
        explorer = KANExplorer(
            KAN([len(INPUTS), 2, 2], grid=3, seed=1),
            table,
            in_vars=list(INPUTS),
            out_vars=list(OUTPUTS),
            driver="blocking",
            lib=LIBRARY,
        )
        explorer.step(3)
        explorer.fix("sin", edge=(0, 0, 0))
    code = explorer.code()
    names = {"data": table}
    exec(compile(code, "session", "exec"), names)
    ours, theirs = explorer.model, names["explorer"].model
    assert torch.equal(ours(table.test_input), theirs(table.test_input))
    assert names["explorer"]._session.in_vars == INPUTS
    names["explorer"].close()
    if given:
        explorer.close()
