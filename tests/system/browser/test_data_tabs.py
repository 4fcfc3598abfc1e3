"""The data tabs and starting again in a real browser, with a real session behind the page and no notebook between them."""

import base64

import pytest

from kanwidget import KAN, KANExplorer
from tools.gallery.record import STATIC, Recorder
from tools.gallery.states import random_data, two_inputs

pytestmark = pytest.mark.browser

#: Draws the explorer on a model whose kernel is the function `say` of this page.
OPEN = """async ([bundle, snapshot, buffer]) => {
  const binary = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const handlers = [];
  window.tell = (messages) => {
    for (const { message, buffer } of messages)
      for (const call of handlers) call(message, buffer === null ? [] : [binary(buffer)]);
  };
  const url = URL.createObjectURL(new Blob([bundle], { type: 'text/javascript' }));
  const { default: widget } = await import(url);
  const model = {
    get: () => ({ ...snapshot, buffer: binary(buffer) }),
    on: (event, call) => event === 'msg:custom' && handlers.push(call),
    off: () => {},
    send: (command) => ['pump', 'frame_ack'].includes(command.kind) || window.say(command).then(window.tell),
  };
  widget.render({ model, el: document.body });
}"""


@pytest.fixture
def opened(browser):
    """Opens a page on an explorer; errors are in `page.problems`."""
    context = browser.new_context(viewport={"width": 1200, "height": 700}, offline=True)

    def open_page(explorer):
        page, recorder = context.new_page(), Recorder(explorer)
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda m: page.problems.append(m.text) if m.type in ("error", "debug") else None)

        def say(command):
            recorder.seq = command["seq"] - 1
            return recorder.say(command["kind"], **{k: v for k, v in command.items() if k not in ("v", "kind", "seq")})

        page.expose_function("say", say)
        page.add_style_tag(path=STATIC / "widget.css")
        snapshot = dict(explorer._publisher.snapshot())
        buffer = base64.b64encode(snapshot.pop("buffer")).decode("ascii")
        page.evaluate(OPEN, [(STATIC / "widget.js").read_text(encoding="utf-8"), snapshot, buffer])
        return page

    yield open_page
    context.close()


@pytest.fixture
def explorer():
    with KANExplorer(KAN([2, 5, 1], grid=3, k=3, seed=42), two_inputs(), driver="blocking") as one:
        one.step(20)
        yield one


def test_parity_tells_what_the_network_says(opened, explorer):
    page = opened(explorer)
    page.click("[data-kw-tab=parity]")
    words = page.locator("[data-kw-panel=parity] .kw-words")
    words.get_by_text("train").wait_for()
    assert words.inner_text().count("R² 0.9") == 2
    assert page.problems == []


def test_surface_lies_beside_its_axes_and_holds_the_others(opened):
    with KANExplorer(KAN([4, 3, 2], grid=3, k=3, seed=1), random_data(4, 2), driver="blocking") as one:
        one.step(10)
        page = opened(one)
        page.click("[data-kw-tab=surface]")
        page.locator("canvas.kw-heat").wait_for()
        painted = page.evaluate("""() => {
          const canvas = document.querySelector('canvas.kw-heat');
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          return new Set(data).size;
        }""")
        assert painted > 30
        page.select_option("[data-kw-control=surface-x]", "3")
        page.select_option("[data-kw-control=surface-output]", "1")
        page.fill("[data-kw-field=at-2]", "0.5")
        page.keyboard.press("Enter")
        page.locator("[data-kw-control=at-2][data-kw-value='0.5']").wait_for()
        told = one._session.view.surface
        assert (told.x, told.y, told.output, told.at[2]) == (3, 1, 1, 0.5)
        assert page.problems == []


def test_a_click_on_the_front_returns_to_a_state(opened, explorer):
    page = opened(explorer)
    page.click("[data-kw-action=prune]")
    page.click("[data-kw-tab=front]")
    mark = page.locator("[data-kw-front='0']:not([aria-current])")
    mark.wait_for()
    mark.focus()
    page.keyboard.press("Enter")
    page.locator("[data-kw-front='0'][aria-current]").wait_for()
    assert explorer._session.tree.current == 0
    assert page.problems == []


def test_starting_again_by_keyboard(opened, explorer):
    page = opened(explorer)
    opener = page.locator("[data-kw-menu=again]")
    opener.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    page.locator("[data-kw-step='0']").wait_for()
    page.fill("[data-kw-field=noise]", "20")
    page.keyboard.press("Enter")
    page.locator("[data-kw-control=noise][data-kw-value='20']").wait_for()
    page.fill("[data-kw-field=batch]", "64")
    page.keyboard.press("Enter")
    page.locator("[data-kw-control=batch][data-kw-value='64']").wait_for()
    page.keyboard.press("Escape")
    assert opener.evaluate("(one) => one === document.activeElement")
    assert (explorer.noise, explorer.batch) == (0.2, 64)
    assert page.problems == []
