"""Room on the page: nothing is cut off, nothing jumps, and the formula is there to its end."""

import pytest

from tests.system.browser.layout import CLIPPED
from tests.system.browser.notebook import SETTLE
from tests.system.browser.test_gallery import shown  # noqa: F401

pytestmark = pytest.mark.browser
#: A wide window, one of 1280 × 720 with the file browser open (also at another zoom), and pages of 900 and 420 px.
SIZES = {"wide": (1484, 1000), "laptop": (950, 720), "with files": (848, 720), "900": (884, 760), "420": (404, 800)}
TABS = ("curves", "parity", "surface", "formula", "edges", "front")


def resized(page, size):
    page.set_viewport_size({"width": SIZES[size][0] + 16, "height": SIZES[size][1]})
    page.evaluate("document.querySelector('nav')?.remove()")
    page.evaluate(SETTLE)


def top(page, selector):
    return page.locator(selector).first.bounding_box()["y"]


#: What can't be scrolled into the drawing's window: keys of nodes.
UNREACHABLE = """() => {
  const stage = document.querySelector('.kw-network .kw-stage');
  return [...stage.querySelectorAll('[data-kw-node]')].filter((node) => {
    node.scrollIntoView({ block: 'nearest' });
    const [one, all] = [node.getBoundingClientRect(), stage.getBoundingClientRect()];
    return one.top < all.top - 1 || one.bottom > all.bottom + 1;
  }).map((node) => node.dataset.kwNode);
}"""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["units", "worked", "names_long", "classes", "formula"])
def test_nothing_is_cut_off_with_an_edge_selected(shown, name, size):  # noqa: F811
    page = shown(name, "light")
    resized(page, size)
    for tab in TABS:
        page.locator(f'[data-kw-tab="{tab}"]').click()
        page.evaluate(SETTLE)
        assert page.evaluate(CLIPPED) == [], tab
    assert page.problems == []


def test_a_narrow_notebook_keeps_every_button(shown):  # noqa: F811
    """A notebook of 420 px leaves 280 px to an output."""
    page = shown("worked", "light")
    page.set_viewport_size({"width": 280, "height": 800})
    page.evaluate("document.querySelector('nav')?.remove()")
    page.evaluate(SETTLE)
    frame = page.locator(".kw-frame").bounding_box()
    for button in page.locator(".kw-toolbar button:visible").all():
        box = button.bounding_box()
        assert box["x"] + box["width"] <= frame["x"] + frame["width"]


@pytest.mark.parametrize("size", SIZES)
def test_the_test_above_sees_what_is_cut_off(shown, size):  # noqa: F811
    page = shown("units", "light")
    resized(page, size)
    page.locator(".kw-history").evaluate("e => { e.style.overflow = 'hidden'; e.style.height = '12px'; }")
    assert page.evaluate(CLIPPED)


@pytest.mark.parametrize("size", ["laptop", "with files", "900"])
@pytest.mark.parametrize("name", ["units", "products"])
def test_beside_a_surface_and_an_edge_the_network_is_whole(shown, name, size):  # noqa: F811
    page = shown(name, "light", "&open=surface")
    resized(page, size)
    assert page.evaluate(UNREACHABLE) == []
    assert page.locator("[data-kw-panel=surface] canvas").bounding_box()["height"] > 150
    page.locator(".kw-right").evaluate("e => e.scrollTo(0, e.scrollHeight)")
    page.evaluate(SETTLE)
    inspector, column = (page.locator(one).bounding_box() for one in (".kw-inspector", ".kw-right"))
    assert inspector["y"] + inspector["height"] <= column["y"] + column["height"] + 1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("tab", ["curves", "surface", "formula"])
def test_tabs_stay_in_their_column_when_an_edge_is_selected(shown, size, tab):  # noqa: F811
    page = shown("empty", "light")
    resized(page, size)
    page.locator(f'[data-kw-tab="{tab}"]').click()
    page.evaluate(SETTLE)
    left, wide = (page.locator(".kw-tabs").bounding_box()[one] for one in ("x", "width"))
    page.locator('[data-kw-edge="0-1-2"]').click()
    page.wait_for_selector("[data-kw-candidate]")
    page.evaluate(SETTLE)
    after = page.locator(".kw-tabs").bounding_box()
    assert abs(after["x"] - left) < 1
    assert abs(after["width"] - wide) < 12  # room for a scrollbar
    if size != "420":
        body = page.locator(".kw-body").bounding_box()
        assert body["y"] - 1 <= after["y"] < body["y"] + 40, "the strip stays in sight"


@pytest.mark.parametrize("size", ["wide", "laptop", "with files"])
def test_tabs_have_one_row_beside_their_button(shown, size):  # noqa: F811
    page = shown("worked", "light")
    resized(page, size)
    page.locator('[data-kw-tab="surface"]').click()
    page.evaluate(SETTLE)
    assert len({round(tab.bounding_box()["y"]) for tab in page.locator("[data-kw-tab]:visible").all()}) == 1


@pytest.mark.parametrize(("width", "sentences"), [(864, 5), (720, 4)])
def test_a_long_sentence_is_seen_beside_the_steps(shown, width, sentences):  # noqa: F811
    page = shown("worked", "light")
    resized(page, "with files")
    page.set_viewport_size({"width": width, "height": 720})
    sentence = page.locator(".kw-guide > .kw-sentence")
    sentence.evaluate("(e, n) => { e.textContent = 'Done: a formula of many words. '.repeat(n); }", sentences)
    page.evaluate(SETTLE)
    assert sentence.evaluate("e => e.scrollHeight <= e.clientHeight + 1")
    box, guide = sentence.bounding_box(), page.locator(".kw-slot:first-child").first.bounding_box()
    assert box["y"] + box["height"] <= guide["y"] + guide["height"] + 1


def test_in_one_column_tabs_stay_with_what_they_show(shown):  # noqa: F811
    page = shown("worked", "light")
    page.set_viewport_size({"width": 720, "height": 500})
    page.evaluate(SETTLE)
    place = lambda: top(page, ".kw-tabs") - top(page, ".kw-tabbed")  # noqa: E731
    before = place()
    page.locator(".kw-tabbed").evaluate("e => scrollBy(0, e.getBoundingClientRect().top + 60)")
    assert place() == before


def test_levels_of_words_have_the_width_beside_a_file_browser(shown):  # noqa: F811
    page = shown("worked", "light")
    resized(page, "with files")
    page.evaluate("""() => {
      const detail = document.querySelector('.kw-detail');
      for (const part of detail.children) part.hidden = !part.matches('.kw-spline, .kw-merges');
    }""")
    page.evaluate(SETTLE)
    detail, plot = (page.locator(one).bounding_box()["width"] for one in (".kw-detail", ".kw-spline"))
    assert plot > 0.9 * detail


@pytest.mark.parametrize("size", ["wide", "laptop", "with files"])
def test_a_banner_moves_nothing(shown, size):  # noqa: F811
    page = shown("error", "light")
    resized(page, size)
    before = top(page, ".kw-body"), top(page, ".kw-network svg")
    assert page.locator(".kw-error").is_visible()
    page.locator('[data-kw-action="dismiss-error"]').click()
    page.evaluate(SETTLE)
    assert (top(page, ".kw-body"), top(page, ".kw-network svg")) == before


@pytest.mark.parametrize("size", ["wide", "laptop", "with files"])
def test_a_long_status_moves_nothing(shown, size):  # noqa: F811
    page = shown("training", "light")
    resized(page, size)
    before = top(page, ".kw-body")
    words = "stopped: the loss is not finite since a step of a very long story about a training"
    page.locator(".kw-status b").evaluate(f"e => {{ e.textContent = '{words}'; }}")
    assert top(page, ".kw-body") == before


def test_branches_and_formulas_grow_below_the_network(shown):  # noqa: F811
    """A long formula and many branches take room below: the network keeps its place and its size."""
    boxes = []
    for name in ("one_edge", "formula", "worked"):
        page = shown(name, "light")
        resized(page, "laptop")
        boxes.append({one: page.locator(".kw-body").bounding_box()[one] for one in ("y", "height")})
    assert boxes[0] == boxes[1] == boxes[2]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["formula", "units", "names_long"])
def test_the_formula_is_never_faded_and_there_to_its_end(shown, name, size):  # noqa: F811
    page = shown(name, "light")
    resized(page, size)
    output = page.locator('[data-kw-panel="formula"] .kw-output')
    assert output.evaluate("e => getComputedStyle(e).maskImage") == "none"
    assert output.bounding_box()["width"] > 0.9 * page.locator(".kw-frame").bounding_box()["width"]
    hidden = output.evaluate("e => e.scrollHeight - e.clientHeight")
    bar = output.evaluate("e => parseFloat(getComputedStyle(e, '::-webkit-scrollbar').width)")
    assert hidden <= 1 or bar >= 8, "a formula that scrolls has a bar that doesn't vanish"
    output.evaluate("e => e.scrollTo(0, e.scrollHeight)")
    end, box = output.locator("math").last.bounding_box(), output.bounding_box()
    assert end["y"] + end["height"] <= box["y"] + box["height"] + 1


def test_a_part_of_the_formula_lights_its_edge_and_the_other_way_round(shown):  # noqa: F811
    page = shown("formula", "light")
    resized(page, "wide")
    part = page.locator('[data-kw-panel="formula"] [data-edges]').first
    key = part.get_attribute("data-edges").split(" ")[0]
    part.hover()
    page.wait_for_selector(f'[data-kw-edge="{key}"][data-hover]')
    page.locator(".kw-formula h2").hover()
    page.wait_for_selector(f'[data-kw-edge="{key}"]:not([data-hover])')
    page.locator(f'[data-kw-edge="{key}"]').hover()
    page.wait_for_selector(f'[data-kw-panel="formula"] [data-edges~="{key}"][data-lit]')
    page.locator(".kw-formula h2").hover()
    part.click()
    page.wait_for_selector(f'[data-kw-edge="{key}"][aria-pressed="true"]')
    assert page.problems == []


def test_a_selection_of_the_formula_is_copied_as_latex(browser, gallery):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{gallery('formula')}&theme=light")
    page.wait_for_selector("body[data-answered=hello]")
    page.locator('[data-kw-panel="formula"] .kw-output').evaluate("e => getSelection().selectAllChildren(e)")
    copied = page.evaluate(
        """() => new Promise((done) => {
          addEventListener('copy', (event) => done(event.clipboardData.getData('text/plain')));
          document.execCommand('copy');
        })"""
    )
    assert copied.startswith("y = ")
    assert "\\sin" in copied
    assert "\n" not in copied
    context.close()
