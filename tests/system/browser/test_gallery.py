"""Every state of the gallery in a real browser, from disk and without a network: nothing complains, overflows or is inaccessible."""

import json
from urllib.parse import parse_qs

import pytest

from tests.system.browser.axe import AXE, violations
from tests.system.browser.notebook import CURRENT_IS_SEEN, OUTSIDE, SETTLE, Explorer
from tools.gallery.states import STATES

pytestmark = pytest.mark.browser
WIDTHS = (420, 600, 760, 900, 1000, 1600)
THEMES = ("light", "dark")
#: Sizes don't depend on the theme: dark pages are looked at where the drawing stands above the tabs, and where beside them.
SEEN = {"light": WIDTHS, "dark": (420, 1000)}
#: Menus and dialogs that open over a state, and the selector of each.
OPENED = {
    "menu": ".kw-context",
    "node menu": ".kw-context",
    "symbolify": ".kw-symbolify li",
    "again": ".kw-again",
    "export": ".kw-context",
    "parity": "[data-kw-panel=parity] path.kw-c1",
    "surface": "[data-kw-panel=surface] canvas",
    "edges": "[data-kw-panel=edges] tbody tr",
    "front": "[data-kw-front]",
    "discovery": "[data-kw-hall]",
}

#: Below 760 px the explorer scrolls within itself: a picture of all of it needs all of its height.
UNROLL = """() => {
  const frame = document.querySelector('.kw-frame');
  frame.style.height = '';
  if (frame.scrollHeight > frame.clientHeight) frame.style.height = `${frame.scrollHeight + 2}px`;
}"""


@pytest.fixture
def shown(context, gallery, request):
    """Opens a state; errors and requests to a network are in `page.problems`."""
    emulated = getattr(request, "param", {})
    page = context(**{"viewport": {"width": 1000, "height": 760}, "offline": True} | emulated).new_page()
    page.problems = []
    page.on(
        "console", lambda m: page.problems.append(f"{m.type}: {m.text}") if m.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: page.problems.append(f"exception: {error}"))
    page.on("dialog", lambda dialog: (page.problems.append(f"a dialog: {dialog.message}"), dialog.dismiss()))
    page.on(
        "request",
        lambda r: None if r.url.startswith(("file:", "blob:", "data:")) else page.problems.append(f"request: {r.url}"),
    )

    def show(name, theme, more="", width=None):
        if width:
            page.set_viewport_size({"width": width, "height": 760})
        page.goto(f"{gallery(name)}&theme={theme}{more}")
        page.wait_for_selector(".kanwidget")
        opened = parse_qs(more).get("open", [None])[0]
        if opened:
            page.wait_for_selector("body[data-opened]")
            page.wait_for_selector(OPENED[opened])
            # Not the locator's own scrolling, which waits until nothing moves: a state that trains never stops moving.
            page.locator(OPENED[opened]).first.evaluate("e => e.scrollIntoView({ block: 'nearest' })")
        elif not more:
            page.wait_for_selector("body[data-answered=hello]")
        page.evaluate(SETTLE)
        return page

    yield show
    page.close()


@pytest.mark.parametrize("name", STATES)
def test_every_state_at_every_width(shown, screens, name):
    for theme in THEMES:
        page = shown(name, theme)
        for width in SEEN[theme]:
            page.set_viewport_size({"width": width, "height": 760})
            page.evaluate(SETTLE)
            assert page.evaluate(OUTSIDE) == [], f"at {width} px"
            page.evaluate(UNROLL)
            page.evaluate(SETTLE)
            page.locator(".kanwidget").screenshot(path=screens / f"gallery-{name}-{theme}-{width}.png")
            html = page.locator(".kanwidget").evaluate("e => e.outerHTML")
            assert not any(sign in html for sign in ("NaN", "undefined", "[object")), f"at {width} px"
    assert page.problems == []


def test_names_stay_text(shown):
    """No name became an element, and none was cut out."""
    page = shown("names_hostile", "light")
    assert page.locator(".kanwidget :is(img, script, b:text-is('out'))").count() == 0
    titles = page.locator("[data-kw-node] title").all_text_contents()
    assert "<img src=x onerror=alert(1)>" in titles
    assert "<b>out</b>" in titles
    assert page.problems == []


@pytest.mark.parametrize("width", [420, 1000])
def test_clicks_are_answered(shown, width):
    page = shown("worked", "light")
    page.set_viewport_size({"width": width, "height": 760})
    edges = page.locator('[data-kw-edge][aria-pressed="false"]')
    key = edges.first.get_attribute("data-kw-edge")
    edges.first.click()
    page.wait_for_selector("body[data-answered=select]")
    page.wait_for_selector(f'[data-kw-edge="{key}"][aria-pressed="true"]')
    page.wait_for_selector("[data-kw-candidate]")
    assert page.problems == []


def test_the_history_is_at_the_present(shown):
    page = shown("worked", "light")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 760})
        Explorer(page).until(CURRENT_IS_SEEN)


@pytest.mark.parametrize("tab", ["curves", "surface", "edges"])
@pytest.mark.parametrize("width", [420, 800, 1000])
def test_an_edge_is_selected_without_a_jump(shown, width, tab):
    """Without a selected edge the data stand in its area. Neither the drawing nor the table moves under the click that selects an edge."""
    page = shown("empty", "light", width=width)
    page.locator(f'[data-kw-tab="{tab}"]').click()
    page.evaluate(SETTLE)
    data, body = (page.locator(one).bounding_box() for one in (".kw-tabbed", ".kw-body"))
    if width == 1000 and tab != "edges":
        assert data["height"] > 0.85 * body["height"]
    key = "0-1-2"
    clicked = page.locator(f'[data-row="{key}"]' if tab == "edges" else f'[data-kw-edge="{key}"]')
    clicked.scroll_into_view_if_needed()
    before = clicked.bounding_box()
    clicked.click()
    page.wait_for_selector(f'[data-kw-edge="{key}"][aria-pressed="true"]')
    page.wait_for_selector("[data-kw-candidate]")
    page.evaluate(SETTLE)
    after = clicked.bounding_box()
    moved = [
        abs(after[one] + after[side] / 2 - before[one] - before[side] / 2)
        for one, side in (("x", "width"), ("y", "height"))
    ]
    assert width == 420 or max(moved) < 1  # there the page within scrolls to what was asked for
    assert page.problems == []


def test_what_fits_at_1000_px(shown):
    """The toolbar is one row, the width of the network is written in full, and Fix is visible beside a tall tab."""
    page = shown("worked", "light", "&open=surface", 1000)
    assert page.locator(".kw-toolbar").bounding_box()["height"] < 50
    assert page.locator(".kw-network .kw-head > .kw-dim").evaluate("e => e.scrollWidth <= e.clientWidth")
    fix, cards = (
        page.locator(one).first.bounding_box()
        for one in ('[data-kw-action="fix"]:visible', ".kw-scroll:has(> .kw-candidates)")
    )
    assert fix["y"] + fix["height"] <= cards["y"] + cards["height"]


@pytest.mark.parametrize("theme", THEMES)
def test_within_a_shadow_root(shown, screens, theme):
    page = shown("worked", theme, "&shadow=1")
    page.wait_for_selector("[data-kw-candidate]")
    background = page.locator(".kw-frame").evaluate("e => getComputedStyle(e).backgroundColor")
    assert background == ("rgb(17, 17, 17)" if theme == "dark" else "rgb(255, 255, 255)")
    page.locator(".kanwidget").screenshot(path=screens / f"gallery-shadow-{theme}.png")
    assert page.problems == []


def test_without_a_kernel_nothing_is_offered_that_needs_one(shown, screens):
    page = shown("training", "light", "&saved=1")
    page.wait_for_selector('.kanwidget[data-kw-link="none"]')
    for action in ("start", "pause", "fix", "prune", "symbolify", "export-svg"):
        assert page.locator(f'[data-kw-action="{action}"]:visible').count() == 0
    page.locator(".kanwidget").screenshot(path=screens / "gallery-saved.png")
    assert page.problems == []


#: What axe looks at: names and roles at both widths, and colours in both themes.
LOOKS = (("light", 420), ("light", 1000), ("dark", 1000))


@pytest.mark.parametrize("name", ["empty", "worked", "error", "many_edges", "names_long"])
def test_axe_finds_nothing(shown, name):
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci --prefix js")
    found = {}
    for theme, width in LOOKS:
        page = shown(name, theme, width=width)
        found |= violations(page)
    page.locator('[data-kw-action="expand"], [role="tab"] >> nth=1').last.click()
    page.evaluate(SETTLE)
    found |= violations(page)
    assert found == {}, json.dumps(found, indent=1)


@pytest.mark.parametrize("what", OPENED)
def test_axe_finds_nothing_in_what_is_opened(shown, screens, what):
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci --prefix js")
    found = {}
    for theme, width in LOOKS:
        page = shown("worked", theme, f"&open={what}", width)
        page.screenshot(path=screens / f"open-{what.replace(' ', '-')}-{theme}-{width}.png")
        assert page.evaluate(OUTSIDE) == [], f"at {width} px"
        found |= violations(page)
    assert found == {}, json.dumps(found, indent=1)
    assert page.problems == []


#: Anything that moves by itself, or would when it changes.
MOVING = """() => [
  ...document.getAnimations().map((one) => `${one.animationName ?? one.transitionProperty}: ${one.effect.target.className}`),
  ...[...document.querySelectorAll('.kanwidget, .kanwidget *')]
    .filter((one) => getComputedStyle(one).transitionDuration.split(', ').some((time) => parseFloat(time) > 0))
    .map((one) => one.outerHTML.slice(0, 120)),
]"""


@pytest.mark.parametrize("shown", [{"reduced_motion": "reduce"}], indirect=True)
def test_nothing_moves_where_motion_is_not_wanted(shown):
    page = shown("training", "light")
    page.wait_for_selector('.kanwidget[data-kw-status="running"]')
    assert page.evaluate(MOVING) == []
    for what in OPENED:
        page = shown("worked", "light", f"&open={what}")
        assert page.evaluate(MOVING) == [], what


def test_motion_where_it_is_wanted(shown):
    """So that the test above would see something."""
    page = shown("training", "light")
    assert page.evaluate(MOVING) == ["kw-pulse: kw-dot"]


FORCED = [{"forced_colors": "active", "color_scheme": scheme} for scheme in THEMES]


@pytest.mark.parametrize("shown", FORCED, indirect=True, ids=THEMES)
def test_in_forced_colours(shown, screens, request):
    """State is shown by dash and label, not by colour alone; the pictures are for the eye."""
    theme = request.node.callspec.id
    opened = OPENED if theme == "light" else ()
    for name, more in (("worked", ""), ("training", ""), *(("worked", f"&open={what}") for what in opened)):
        page = shown(name, theme, more)
        page.locator(".kanwidget").screenshot(path=screens / f"forced-{theme}-{more[6:].replace(' ', '-') or name}.png")
        strokes = page.locator("[data-kw-edge]").evaluate_all(
            "all => all.map((one) => [one.dataset.kwState, one.querySelector('[stroke-dasharray]') !== null])"
        )
        assert {dashed for state, dashed in strokes if state == "both"} <= {True}
        chosen, other = (
            page.locator(f'.kw-tab[aria-selected="{yes}"]').first.evaluate("e => getComputedStyle(e).borderBottomWidth")
            for yes in ("true", "false")
        )
        assert (chosen, other) == ("3px", "0px")
        assert page.problems == []


ZOOMED = {"viewport": {"width": 500, "height": 380}, "device_scale_factor": 2}


@pytest.mark.parametrize("shown", [ZOOMED], indirect=True)
def test_at_twice_the_size(shown, screens):
    """200 % on a window of 1,000 by 760: all is reached by scrolling downwards."""
    for name, more in (("worked", ""), ("error", ""), *(("worked", f"&open={what}") for what in OPENED)):
        page = shown(name, "light", more)
        page.screenshot(path=screens / f"zoom-{more[6:].replace(' ', '-') or name}.png")
        assert page.evaluate(OUTSIDE) == [], more
        assert page.problems == []
