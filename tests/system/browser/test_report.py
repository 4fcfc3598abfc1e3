"""A saved page in a real browser, from disk: no request leaves it, and the training can be gone through."""

import re

import pytest
import torch

from kanwidget import KAN, KANExplorer, create_dataset
from kanwidget.explorer.files.html_report import save_html
from kanwidget.explorer.session.recorder import Recorder
from tests.system.browser.notebook import Explorer

pytestmark = pytest.mark.browser
#: 12 mm of an A4 page are margin; in pixels of 1/96 inch.
A4 = {"portrait": (703, 1032), "landscape": (1032, 703)}
NAMES = ["</script><b>x</b>", 'x<y & "z"']


@pytest.fixture(scope="module")
def data():
    return create_dataset(
        lambda x: torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2), n_var=2, train_num=200, test_num=100
    )


@pytest.fixture(scope="module")
def report(data, tmp_path_factory):
    """A session of 24 steps with two acts; 25 shots, those before acts with their candidates."""
    path = tmp_path_factory.mktemp("report") / "explorer.html"
    library = ["x", "x^2", "x^3", "sin", "exp", "tanh", "abs", "log", "sqrt", "gaussian"]
    with KANExplorer(KAN([2, 3, 1], seed=1), data, in_vars=NAMES, lib=library, driver="blocking") as explorer:
        explorer.step(10)
        explorer.fix("sin", edge=(0, 0, 0))
        explorer.step(8)
        explorer.prune(node=(1, 1))
        explorer.step(6)
        explorer.save_html(path)
    return path


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """A table with words, whose law is a formula with a constant for each of them."""
    path = tmp_path_factory.mktemp("words") / "words.html"
    area, place = torch.linspace(30, 150, 120).tolist(), ["harbour", "hill", "old town"] * 40
    rent = [9 * a + 90 * (p == "hill") for a, p in zip(area, place, strict=True)]
    with KANExplorer(({"area": area, "place": place, "rent": rent}, "rent"), driver="blocking") as explorer:
        while act := explorer.next_act():
            explorer.follow(act)
        explorer.save_html(path)
    return path


@pytest.fixture(scope="module")
def wide(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("wide") / "wide.html"
    save_html(KAN([2, 24, 12, 1], seed=1), data, path, title="A wide network " * 12)
    return path


@pytest.fixture
def opened(context):
    """Opens a file without a network; `page.asked` holds the addresses of all requests, `page.problems` all errors."""
    pages = []

    def see(path, **options):
        page = context(viewport={"width": 1200, "height": 900}, **options).new_page()
        pages.append(page)
        page.asked, page.problems = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda m: page.problems.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.goto(path.as_uri())
        Explorer(page).see()
        return page

    yield see
    for page in pages:
        page.close()


def go(page, shot):
    page.locator('[data-kw-control="film"]').fill(str(shot))


def step(page, number):
    page.wait_for_function(f"() => document.querySelector('.kanwidget').dataset.kwStep === '{number}'")


def path_of(page, key):
    return page.locator(f'[data-kw-edge="{key}"]').first.inner_html()


def test_no_request_leaves_the_page_whatever_is_done(report, opened):
    page = opened(report)
    view = Explorer(page)
    for shot in (0, 5, 10, 20, 24):
        go(page, shot)
    view.select("0-1-0")
    page.click('[data-kw-action="previous-act"]')
    page.click('[data-kw-action="play"]')
    page.click('[data-kw-action="play"]')
    page.wait_for_load_state("networkidle")
    assert [url for url in page.asked if not url.startswith(("blob:", "data:"))] == [report.as_uri()]
    assert page.problems == []


def test_its_policy_would_stop_a_request(report, opened):
    page = opened(report)
    asked = "fetch('https://example.invalid/').then(() => 'answered', () => 'refused')"
    assert page.evaluate(asked) == "refused"
    assert any("Content Security Policy" in text for text in page.problems)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_slider_goes_through_the_training(report, opened, screens, scheme):
    page = opened(report, color_scheme=scheme, offline=True)
    view = Explorer(page)
    assert view.step == 24
    end = path_of(page, "0-1-0")
    go(page, 3)
    step(page, 3)
    assert page.locator('[data-kw-control="film"]').get_attribute("aria-valuetext") == "step 3"
    assert page.locator("[data-kw-edge]").count() == 9
    assert path_of(page, "0-1-0") != end
    view.until("e.querySelector('[data-kw-edge=\"0-0-0\"]').dataset.kwState === 'spline'")
    view.select("0-0-0")
    page.screenshot(path=screens / f"report-film-{scheme}.png", full_page=True)
    go(page, 24)
    step(page, 24)
    view.until("e.querySelector('[data-kw-edge=\"0-0-0\"]').dataset.kwState === 'symbolic'")
    assert page.locator("[data-kw-edge]").count() == 6
    assert page.problems == []


def test_every_act_has_its_candidates(report, opened):
    page = opened(report)
    view = Explorer(page)
    view.select("0-1-0")
    for words in ("step 18 · before remove h₁,₂", f"step 10 · before {NAMES[0]} → h₁,₁: sin"):
        page.click('[data-kw-action="previous-act"]')
        page.wait_for_function("text => document.querySelector('.kw-film-words').textContent === text", arg=words)
        # The words change at once, the cards with the next frame.
        view.until("e.querySelectorAll('[data-kw-candidate][data-kw-r2]').length > 0")
    go(page, 4)
    page.wait_for_function("() => document.querySelectorAll('[data-kw-candidate]').length === 0")
    assert page.problems == []


def test_keys_move_the_slider_and_play(report, opened):
    page = opened(report)
    slider = page.locator('[data-kw-control="film"]')
    slider.focus()
    page.keyboard.press("Home")
    step(page, 0)
    page.keyboard.press("ArrowRight")
    step(page, 1)
    page.keyboard.press("End")
    step(page, 24)
    page.locator('[data-kw-action="play"]').focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => Number(document.querySelector('.kanwidget').dataset.kwStep) > 0")
    page.keyboard.press("Enter")
    assert page.locator('[data-kw-action="play"]').get_attribute("aria-label") == "Play the training"


# The film passes a step in a few frames: a look from outside can miss it, an observer can't.
SEEN = """([selector, name]) => {
  window.seen = [];
  const watched = document.querySelector(selector);
  new MutationObserver(() => window.seen.push(Number(watched.dataset[name]))).observe(watched, { attributes: true });
}"""


def test_it_plays_to_the_end_by_itself(report, opened):
    page = opened(report)
    page.evaluate(SEEN, [".kanwidget", "kwStep"])
    page.click('[data-kw-action="play"]')
    page.wait_for_function("() => window.seen.includes(0) && window.seen.at(-1) === 24")
    page.wait_for_selector('[data-kw-action="play"][aria-label="Play the training"]')
    seen = page.evaluate("window.seen")
    assert (min(seen), seen[-1]) == (0, 24)
    assert seen[seen.index(0) :] == sorted(seen[seen.index(0) :])


def test_without_motion_it_shows_few_pictures(report, opened):
    page = opened(report, reduced_motion="reduce")
    page.evaluate(SEEN, ['[data-kw-control="film"]', "kwValue"])
    page.click('[data-kw-action="play"]')
    page.wait_for_function("() => window.seen.includes(0) && window.seen.at(-1) >= 3")
    assert not {1, 2} & set(page.evaluate("window.seen"))


def test_narrow_pages_do_not_scroll_sideways(report, opened):
    page = opened(report)
    page.set_viewport_size({"width": 420, "height": 800})
    page.wait_for_function("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    box = page.locator(".kw-film").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 420


def test_names_that_look_like_markup_stay_text(report, opened):
    page = opened(report)
    for shot in (0, 12, 24):
        go(page, shot)
    assert page.locator("b", has_text=re.compile("^x$")).count() == 0
    assert page.get_by_text("<b>x</b>").count() > 0


def test_a_model_that_fit_recorded_has_its_film(data, opened, tmp_path):
    model, recorder = KAN([2, 1, 1], seed=1), Recorder()
    model.fit(data, steps=12, callbacks=[recorder], progress=False)
    save_html(model, data, tmp_path / "model.html", recorder=recorder)
    page = opened(tmp_path / "model.html")
    go(page, 0)
    step(page, 1)
    assert page.problems == []


def test_a_page_without_a_film_has_no_slider(data, opened, tmp_path):
    save_html(KAN([2, 1], seed=1), data, tmp_path / "model.html")
    page = opened(tmp_path / "model.html")
    assert page.locator('[data-kw-control="film"]').count() == 0
    assert page.problems == []


def panels(page, tab):
    page.click(f'[data-kw-tab="{tab}"]')
    return page.locator(f'[data-kw-panel="{tab}"]')


def test_fit_and_surface_go_with_the_film(report, opened):
    page = opened(report)
    fit = panels(page, "parity")
    page.wait_for_function("() => document.querySelector('[data-kw-panel=parity]').innerText.includes('R²')")
    last = fit.inner_text()
    go(page, 2)
    page.wait_for_function("before => document.querySelector('[data-kw-panel=parity]').innerText !== before", arg=last)
    go(page, 24)
    page.wait_for_function("before => document.querySelector('[data-kw-panel=parity]').innerText === before", arg=last)
    surface = panels(page, "surface")
    surface.locator("canvas").wait_for(state="visible")
    # Nothing can be asked of a kernel that isn't there.
    assert surface.locator("select:visible").count() == 0
    assert page.problems == []


def test_at_the_first_move_of_the_slider_the_inspector_shows_the_edge_of_that_time(report, opened):
    """Node 1 is pruned before the end: an edge that was one of node 2's is one of node 1's there."""
    page = opened(report)
    view = Explorer(page)
    view.select("1-1-0")
    last = page.locator(".kw-inspector h2").inner_text()
    assert "h₁,₂" in last
    go(page, 8)
    page.wait_for_function("() => document.querySelector('.kw-inspector h2').innerText.includes('h₁,₃')")
    go(page, 24)
    page.wait_for_function("before => document.querySelector('.kw-inspector h2').innerText === before", arg=last)


def test_on_a_laptop_the_slider_covers_nothing(report, opened):
    page = opened(report)
    page.set_viewport_size({"width": 1280, "height": 720})
    page.wait_for_function(
        "() => document.querySelector('.kw-history').getBoundingClientRect().bottom"
        " <= document.querySelector('.kw-film').getBoundingClientRect().top"
    )
    assert page.locator(".kw-film").bounding_box()["y"] < 700


def test_on_a_phone_the_formula_has_the_room_it_needs(report, opened):
    page = opened(report)
    page.set_viewport_size({"width": 390, "height": 800})
    box = "e => [e.scrollHeight - e.clientHeight, document.documentElement.scrollWidth]"
    hidden, width = page.locator(".kw-formula .kw-output").evaluate(box)
    assert hidden <= 1
    assert width <= 390


# ---- its session, for a notebook


def test_the_session_of_a_page_goes_on_in_a_notebook(data, opened, tmp_path, monkeypatch):
    path = tmp_path / "two laws.html"
    with KANExplorer(KAN([2, 2, 1], seed=1), data, driver="blocking") as explorer:
        explorer.step(6)
        explorer.fix("sin", edge=(0, 0, 0))
        explorer.save_html(path)
        expected = repr(explorer), explorer.formula
    page = opened(path)
    with page.expect_download() as begun:
        page.get_by_role("button", name="Open in a notebook").click()
    assert begun.value.suggested_filename == "two_laws.json"
    begun.value.save_as(tmp_path / begun.value.suggested_filename)
    code = page.locator(".kw-code pre:not(:empty)")  # shown after the download has begun
    code.wait_for()
    lines = code.inner_text()
    assert len(lines.splitlines()) == 3
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(lines, "lines", "exec"), names)  # what the reader would run
    with names["explorer"] as other:
        assert (repr(other), other.formula) == expected
    assert page.problems == []


def test_a_page_without_its_session_offers_none(data, opened, tmp_path):
    save_html(KAN([2, 1], seed=1), data, tmp_path / "model.html", session=False)
    page = opened(tmp_path / "model.html")
    page.get_by_role("button", name="LaTeX").wait_for()
    assert page.get_by_role("button", name="Open in a notebook").count() == 0


# ---- on paper

#: What of the page is cut off, or reaches far into the margin of the paper: its texts, and nodes of the network.
CUT = """([width, height]) => [...document.querySelectorAll('h1, .kw-sentence, .kw-output, .kw-status, [data-kw-node]')]
  .filter((e) => e.getClientRects().length > 0)
  .filter((e) => {
    const box = e.getBoundingClientRect();
    const inside = box.left >= -9 && box.top >= 0 && box.right <= width + 9 && box.bottom <= height;
    return !inside || (e instanceof HTMLElement && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1));
  })
  .map((e) => e.className.baseVal ?? e.className ?? e.tagName)"""
LIGHT = "() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('.kw-frame')).backgroundColor]"


@pytest.mark.parametrize("name", ["report", "words", "wide"])
@pytest.mark.parametrize("side", A4)
def test_prints_on_one_light_page(name, side, opened, request, screens):
    page = opened(request.getfixturevalue(name), color_scheme="dark")
    pdf = page.pdf(format="A4", landscape=side == "landscape")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    width, height = A4[side]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(media="print", color_scheme="dark")
    page.wait_for_function(f"size => ({CUT})(size).length === 0", arg=[width, height])
    page.screenshot(path=screens / f"print-{name}-{side}.png")
    assert page.evaluate(LIGHT) == ["rgb(255, 255, 255)"] * 2
    seen = [
        page.locator(one).is_visible()
        for one in ("h1 small", ".kw-network .kw-stage > svg", ".kw-formula", ".kw-status")
    ]
    assert seen == [True] * 4
    assert "error" in page.locator(".kw-status").inner_text()
    # There is no tab that says what the words are.
    assert ("harbour" in page.locator(".kw-meaning").inner_text()) == (name == "words")
    assert not page.locator(".kw-right, .kw-film, .kw-history, .kw-toolbar").locator("visible=true").count()
