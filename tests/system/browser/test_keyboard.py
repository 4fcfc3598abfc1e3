"""A whole session with the keyboard alone: from the notebook's cell into the explorer, and from training to the file."""

import csv

import pytest

from tests.system.browser.notebook import SETUP, Explorer, Notebook

pytestmark = pytest.mark.browser
#: lamb keeps it from converging before the test is over.
CELL = "explorer = KANExplorer(model, data, opt='Adam', lamb=1e-3)\nexplorer"
#: Noise keeps the search from coming to its end before the test does.
TABLE = """import numpy as np, pandas as pd
rng = np.random.default_rng(1)
p, T = rng.uniform(0.5, 9, 200), rng.uniform(280, 900, 200)
table = pd.DataFrame({"p [bar]": p, "T [K]": T, "rate [1/s]": 4.2 * p**2 / T * (1 + 0.01 * rng.standard_normal(200))})
KANExplorer(table, target="rate [1/s]", width=[2, 2, 1])"""
ROWS = "[data-kw-hall]"
MOUSE = ("mousedown", "pointerdown", "touchstart")

#: The element with the focus, whether its focus ring is visible, and whether it lies in the visible area.
FOCUSED = """() => {
  const one = document.activeElement;
  const inside = one.closest('.kanwidget') !== null;
  const accent = document.createElement('i');
  accent.style.color = 'var(--kw-accent)';
  (one.closest('.kanwidget') ?? document.body).append(accent);
  const colour = getComputedStyle(accent).color;
  accent.remove();
  const ringed = (node) => {
    const style = getComputedStyle(node);
    const drawn = node instanceof SVGElement && style.stroke === colour && parseFloat(style.strokeWidth) >= 2;
    const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
    return drawn || outlined || style.boxShadow !== 'none';
  };
  const drawn = one instanceof SVGElement ? [one, ...one.children] : [one];
  const [box, frame] = [one, one.closest('.kw-frame') ?? document.body].map((node) => node.getBoundingClientRect());
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  return {
    inside,
    html: one.outerHTML.slice(0, 160),
    marked: one.matches(':focus-visible') && drawn.some(ringed),
    // Chromium makes every drawing that listens to its focus a stop, which nobody meant.
    meant: !(one instanceof SVGElement) || one.hasAttribute('tabindex'),
    seen: box.width > 0 && x >= frame.left && x <= frame.right && y >= frame.top && y <= frame.bottom,
  };
}"""

#: All texts of the live region, and all mouse events of the page.
LISTEN = """(kinds) => {
  window.spoken = [];
  window.mice = [];
  const voice = document.querySelector('[data-kw-voice]');
  const note = () => window.spoken.push(voice.textContent);
  new MutationObserver(note).observe(voice, { childList: true, characterData: true, subtree: true });
  for (const kind of kinds) addEventListener(kind, (event) => window.mice.push(event.type), true);
}"""


class Keys:
    """A user at the keyboard. Wherever the focus stands within the explorer it must be visible, and it must not get lost."""

    def __init__(self, page):
        self.page, self.entered = page, False

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def at(self, selector):
        return self.page.evaluate("s => document.activeElement.matches(s)", selector)

    def wait_at(self, selector):
        """Wait until the focus stands there, and look at it."""
        self.page.wait_for_function("s => document.activeElement.matches(s)", arg=selector)
        return self.look()

    def look(self):
        found = self.page.evaluate(FOCUSED)
        assert found["inside"] or not self.entered, f"the focus was lost to {found['html']}"
        self.entered = found["inside"]
        if self.entered:
            assert found["meant"], f"what isn't to be used is a stop: {found['html']}"
            assert found["marked"], f"the focus can't be seen on {found['html']}"
            assert found["seen"], f"the focus is out of sight on {found['html']}"
        return self

    def to(self, selector, key="Tab", most=60):
        """Press a key until the focus stands there; how often."""
        for count in range(most + 1):
            self.look()
            if self.at(selector):
                return count
            self.press(key)
        raise AssertionError(f"{most} times {key} don't lead to {selector}")

    def focused(self, attribute):
        return self.page.evaluate("a => document.activeElement.getAttribute(a)", attribute)


def action(name):
    return f'[data-kw-action="{name}"]'


def said(page, *words):
    """Wait until the live region has said all of these words since the last call."""
    page.wait_for_function("words => words.every((one) => window.spoken.some((text) => text.includes(one)))", arg=words)
    page.evaluate("() => { window.spoken.length = 0; }")


@pytest.fixture
def session(page, lab):
    """A notebook with an explorer, the focus on the cell above it."""
    lab.write("keyboard.ipynb", [SETUP, CELL])
    notebook = Notebook(page, lab, "keyboard.ipynb")
    notebook.run_all()
    notebook.finished()
    view = Explorer(page).see()
    page.evaluate(LISTEN, MOUSE)
    keys = Keys(page)
    page.wait_for_function("() => document.activeElement.closest('.jp-Cell') !== null")
    return notebook, view, keys


def test_a_whole_session_with_the_keyboard_alone(page, session):
    notebook, view, keys = session
    trains(page, view, keys)
    sets(page, view, keys)
    edge = selects(page, view, keys)
    has_a_menu(page, view, keys, edge)
    fixes(page, view, keys, edge)
    shows_data(page, view, keys)
    symbolifies(page, view, keys)
    plays(page, view, keys)
    shows_code(page, view, keys)
    exports(page, view, keys)
    assert page.evaluate("window.mice") == []
    assert notebook.complaints() == []


def test_formulas_are_found_looked_at_and_taken_with_the_keyboard_alone(page, lab):
    lab.write("formulas.ipynb", [SETUP, TABLE])
    notebook = Notebook(page, lab, "formulas.ipynb")
    notebook.run_all()
    notebook.finished()
    view, keys = Explorer(page).see(), Keys(page)
    page.evaluate(LISTEN, MOUSE)
    page.wait_for_function("() => document.activeElement.closest('.jp-Cell') !== null")
    keys.to('[data-kw-tab="curves"]')
    while not keys.at('[data-kw-tab="discovery"]'):
        keys.press("ArrowRight").look()
    keys.to('[data-kw-control="search-seconds"]')
    keys.press("End")
    keys.to(action("find-formulas"), "Shift+Tab")
    keys.press("Enter")
    view.until(f"e.querySelectorAll('{ROWS}').length > 1")
    keys.wait_at(action("find-formulas")).press("Space")
    view.until("e.querySelector('[data-kw-action=find-formulas]').textContent === 'Go on'")
    keys.press("Space")
    looks_at_formulas(page, view, keys)
    keys.to(action("stop-search"), "Shift+Tab")
    keys.press("Enter")
    # With the search its button goes, and the focus stays beside it.
    keys.wait_at(action("find-formulas"))
    view.until("e.querySelector('[data-kw-action=find-formulas]').textContent === 'Search again'")
    compares_formulas(page, view, keys)
    keys.press("End")
    keys.look()
    keys.to(f"{ROWS} .kw-hall-row", "Shift+Tab")
    keys.press("Enter")
    view.until(f"[...e.querySelectorAll('{ROWS}')].at(-1).hasAttribute('data-current')")
    keys.wait_at(f"{ROWS}[data-current] .kw-hall-row").press("Control+z")
    view.until(f"!e.querySelector('{ROWS}[data-current]')")
    keys.wait_at(f"{ROWS}:last-child .kw-hall-row")
    assert page.evaluate("window.mice") == []
    assert notebook.complaints() == []


def looks_at_formulas(page, view, keys):
    """The list is one stop, also while it is redrawn: arrows go through it, and each formula is shown over the data."""
    keys.to(f"{ROWS} .kw-hall-row")
    keys.press("Home").wait_at(f"{ROWS}:first-child .kw-hall-row")
    shown = "document.querySelector('.kanwidget .kw-caption .kw-hall-formula').textContent"
    row = "document.activeElement.querySelector('.kw-hall-formula').textContent"
    page.wait_for_function(f"() => {shown} === {row}")
    keys.press("ArrowDown").look()
    page.wait_for_function(f"() => {shown} === {row}")
    assert keys.at(f"{ROWS} .kw-hall-row")


def compares_formulas(page, view, keys):
    """Once the search is over: while it goes on a better formula may take the place of one that is compared."""
    keys.to(f"{ROWS} .kw-hall-row")
    keys.press("End").wait_at(f"{ROWS}:last-child .kw-hall-row")
    keys.press("Tab").wait_at(f"{ROWS} {action('compare')}")
    keys.press("Enter")
    view.until(f"e.querySelector('{ROWS} [aria-pressed=true]')")
    keys.press("ArrowUp").look()
    view.until("e.querySelectorAll('.kw-caption').length === 2")
    keys.press("Tab")
    assert not keys.at(f"{ROWS} *")
    keys.press("Shift+Tab").wait_at(f"{ROWS} {action('compare')}")


def trains(page, view, keys):
    keys.to(action("start"))
    keys.press("Enter")
    view.until_status("running")
    said(page, "training")
    view.until_step(5)
    keys.wait_at(action("pause")).press("Space")
    view.until_status("paused")
    said(page, f"paused at step {view.step}")
    assert keys.at(action("start"))


def sets(page, view, keys):
    keys.to('input[type="range"][data-kw-control="lamb"]')
    before = view.accepted("lamb")
    keys.press("ArrowRight", "ArrowRight")
    view.until("Number(e.querySelector('[data-kw-control=lamb]').dataset.kwValue) > a", before)
    keys.to('[data-kw-field="lamb"]')
    keys.press("Control+a")
    page.keyboard.type("0.002")
    keys.press("Enter")
    view.until_accepted("lamb", 0.002)
    keys.to('input[type="range"][data-kw-control="grid"]')
    keys.press("ArrowRight", "ArrowRight")
    view.until_accepted("grid", 5)


def selects(page, view, keys):
    """The network is one stop: arrows go to edges and nodes, Tab goes out of it."""
    keys.to("[data-kw-edge]")
    first = keys.focused("data-kw-edge")
    keys.to("[data-kw-tab]")
    keys.press("Shift+Tab")
    assert keys.focused("data-kw-edge") == first
    keys.press("ArrowRight").wait_at(f'[data-kw-edge]:not([data-kw-edge="{first}"])')
    edge = keys.focused("data-kw-edge")
    keys.press("ArrowUp").wait_at("[data-kw-node]")
    keys.press("ArrowDown").wait_at("[data-kw-edge]")
    keys.to(f'[data-kw-edge="{edge}"]', "ArrowRight" if keys.focused("data-kw-edge") < edge else "ArrowLeft")
    keys.press("Enter")
    view.until("e.querySelector(`[data-kw-edge=\"${a}\"]`).getAttribute('aria-pressed') === 'true'", edge)
    said(page, "selected, spline")
    assert len(view.candidates(2)) >= 2
    keys.look()
    return edge


def has_a_menu(page, view, keys, edge):
    for key in ("Shift+F10", "ContextMenu"):
        keys.press(key).wait_at('[role="menuitem"]')
        items = page.locator('.kw-context [role="menuitem"]').count()
        assert items >= 5
        for _ in range(items):
            keys.press("ArrowDown").look()
        assert keys.at(action("fix-best"))
        keys.press("Escape").wait_at(f'[data-kw-edge="{edge}"]')
    keys.press("Shift+F10").wait_at('[role="menuitem"]')
    keys.to('[role="menuitem"][data-kw-action="freeze"]', "ArrowDown", 8)
    keys.press("Enter").wait_at(f'[data-kw-edge="{edge}"]')
    said(page, "freeze")
    keys.press("Control+z")
    said(page, "error")
    keys.wait_at(f'[data-kw-edge="{edge}"]')


def goes(view, keys, where, chord, edge, state):
    """Back or forward, as soon as the page knows that it can."""
    view.until("!e.querySelector(`[data-kw-action=${a}]`).disabled", where)
    keys.press(chord)
    view.until_state(edge, state)
    keys.look()


def fixes(page, view, keys, edge):
    # through the candidates: the button of each is a stop
    names = [name for name, _ in view.candidates(2)]
    for name in names[:3]:
        keys.to(f'[data-kw-candidate="{name}"] {action("fix")}')
    keys.press("Enter")
    view.until_state(edge, "symbolic")
    said(page, "error")
    keys.look()
    # the undo button beside the notice, which disappears with it
    keys.to(action("undo-last"), "Shift+Tab")
    keys.press("Enter")
    view.until_state(edge, "spline")
    view.until("!e.querySelector('.kw-effect:not([hidden])')")
    keys.look()
    keys.to(f'[data-kw-edge="{edge}"]', "Shift+Tab")
    view.candidates(2)
    keys.press("Delete")
    view.until_state(edge, "pruned")
    said(page, "error")
    keys.look()
    goes(view, keys, "undo", "Control+z", edge, "spline")
    goes(view, keys, "redo", "Control+Shift+z", edge, "pruned")
    goes(view, keys, "undo", "Control+z", edge, "spline")
    keys.press("Escape")
    view.until("e.querySelectorAll('[data-kw-edge][aria-pressed=true]').length === 0")
    said(page, "no edge selected")


def shows_data(page, view, keys):
    def opens(name, key="ArrowRight"):
        """Another tab, with its panel, which comes with the next frame."""
        keys.press(key).wait_at(f'[data-kw-tab="{name}"][aria-selected="true"]')
        view.until("e.querySelector(`[data-kw-panel=${a}]`).getBoundingClientRect().height > 40", name)

    keys.to('[data-kw-tab="curves"]')
    for name in ("parity", "surface", "formula", "discovery", "edges", "front"):
        opens(name)
    opens("edges", "ArrowLeft")
    view.until("e.querySelector('[data-sort=edge]')?.getBoundingClientRect().height > 0")
    # the table: sorted and selected from with keys
    keys.press("Tab").to('[data-sort="edge"]')
    keys.press("Enter")
    view.until("e.querySelector('[data-sort=edge]').closest('th').getAttribute('aria-sort') !== null")
    keys.look()
    keys.to("tbody tr button")
    keys.press("Enter")
    view.until("e.querySelectorAll('[data-kw-edge][aria-pressed=true]').length === 1")
    said(page, "selected")
    keys.to('[data-kw-tab="edges"]', "Shift+Tab")
    opens("front")
    view.until("e.querySelector('[data-kw-front][tabindex=\"0\"]')")
    keys.press("Tab").to("[data-kw-front]")
    keys.to('[data-kw-tab="front"]', "Shift+Tab")
    keys.press("ArrowRight").wait_at('[data-kw-tab="curves"]')


def symbolifies(page, view, keys):
    keys.to(action("symbolify"), "Shift+Tab")
    keys.press("Enter").wait_at('input[data-kw-control="r2"]')
    view.until("e.querySelector('.kw-symbolify progress').hidden")
    keys.press("Home")
    keys.look()
    view.until("!e.querySelector('[data-kw-action=symbolify-apply]').disabled")
    assert view.root.locator("[data-kw-edge][data-marked]").count() > 0
    keys.to(action("symbolify-apply"))
    keys.press("Enter").wait_at(action("symbolify"))
    # Not of all that were marked: functions before them change what comes in.
    view.until("e.querySelectorAll('[data-kw-edge][data-kw-state=symbolic]').length > 0")
    said(page, "error")


def plays(page, view, keys):
    """Space runs and pauses wherever it has no other meaning."""
    keys.to(".kw-output")
    keys.press("Space")
    view.until_status("running")
    said(page, "training")
    keys.press("Space")
    view.until_status("paused")
    keys.wait_at(".kw-output")


def shows_code(page, view, keys):
    """A dialog, which gives the focus back."""
    keys.to(action("copy-code"), "Shift+Tab")
    for close in ("Escape", "Enter"):
        keys.press("Enter").wait_at(".kw-code pre")
        if close == "Enter":
            keys.to(".kw-code button", "Shift+Tab")
        keys.press(close).wait_at(action("copy-code"))


def exports(page, view, keys):
    keys.to('[data-kw-menu="export"]')
    keys.press("Enter").wait_at('[role="menuitem"]')
    keys.to(action("export-csv"), "ArrowDown", 6)
    with page.expect_download() as download:
        keys.press("Enter")
    rows = list(csv.reader(download.value.path().read_text().splitlines()))
    assert len(rows) == view.step + 1
    keys.wait_at('[data-kw-menu="export"]')
