"""What drawing costs a browser: the first picture, and one update of a training, by number of edges; on a page from disk."""

from __future__ import annotations

import statistics
from pathlib import Path

from kanwidget import KAN, KANExplorer
from kanwidget.explorer.commands.training import Start
from tools.gallery.record import Recorder, page
from tools.gallery.states import random_data

#: Edges and the network that has so many.
NETWORKS = {15: [2, 5, 1], 60: [4, 10, 2], 500: [10, 25, 10], 2600: [20, 40, 40, 5]}
_FIRST, _UPDATES = 7, 40

# From the data until the picture is laid out; the first of all also compiles the script.
_DRAW = """
async () => {
  const { widget, model } = window.gallery;
  const frame = () => new Promise(requestAnimationFrame);
  const el = document.createElement('div');
  document.querySelector('main').replaceChildren(el);
  await frame();
  await frame();
  const begin = performance.now();
  const done = widget.render({ model: model(), el });
  await frame();
  el.getBoundingClientRect();
  const took = performance.now() - begin;
  await frame();
  done();
  return took;
}
"""
# Two frames of a training in turn: all that the page's thread does for one. Its messages, and then the animation frame from its first
# callback, which is asked for before the explorer asks for its own, to the first task after it: script, style, layout, paint. The
# numbers come as bytes, as hosts hand them over.
_UPDATE = """
async (count) => {
  const { widget, model } = window.gallery;
  const one = model();
  const el = document.createElement('div');
  document.querySelector('main').replaceChildren(el);
  widget.render({ model: one, el });
  const bytes = (text) => [new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer)];
  const sent = [0, 1].map((i) =>
    one.state.answers[`frame ${i}`].map(({ message, buffer }) => [message, buffer === null ? [] : bytes(buffer)]));
  for (let i = 0; i < 6; i++) await new Promise(requestAnimationFrame);
  const after = new MessageChannel();
  const spent = [];
  for (let i = 0; i < count; i++) {
    let begin = 0;
    const drawn = new Promise((resolve) => {
      after.port1.onmessage = () => resolve(performance.now() - begin);
      requestAnimationFrame(() => {
        begin = performance.now();
        after.port2.postMessage(null);
      });
    });
    const start = performance.now();
    for (const [message, buffers] of sent[i % 2])
      for (const call of one.handlers.get('msg:custom')) call(message, buffers);
    const handled = performance.now() - start;
    spent.push(handled + (await drawn));
  }
  return spent;
}
"""


def frames(explorer):
    """The messages to a page at two moments of a training."""
    recorder, publisher = Recorder(explorer), explorer._publisher
    session, messages = explorer._session, {}
    with explorer._driver.own():
        publisher.mark_changed(session.apply(Start()))
        for number in range(2):
            for _ in range(2):
                publisher.mark_changed(session.advance(1e-9))
            recorder.messages = []
            publisher.flush(force=True)
            messages[f"frame {number}"] = recorder.messages
    return messages


def state(width):
    def make():
        explorer = KANExplorer(
            KAN(width, grid=3, seed=1), random_data(width[0], width[-1], rows=200), opt="Adam", driver="blocking"
        )
        explorer.fit(3)
        explorer.select(0, 0, 0)
        return explorer

    return make


def figures(browser, folder):
    """Rows of edges, milliseconds of the first drawing and of an update (median, and the slowest but one)."""
    path = Path(folder) / "drawing.html"
    path.write_text(page({str(n): state(width) for n, width in NETWORKS.items()}, frames), encoding="utf-8")
    for edges in NETWORKS:
        context = browser.new_context(viewport={"width": 1200, "height": 800}, offline=True)
        tab = context.new_page()
        tab.set_default_timeout(100_000)
        tab.goto(f"{path.as_uri()}?state={edges}")
        tab.wait_for_selector("body[data-answered=hello]")
        first = [tab.evaluate(_DRAW) for _ in range(_FIRST)]
        updates = tab.evaluate(_UPDATE, _UPDATES)[4:]
        yield edges, statistics.median(first), statistics.median(updates), sorted(updates)[-2]
        context.close()


def report(browser, folder):
    """Print them."""
    for edges, first, update, slow in figures(browser, folder):
        print(f"drawing {edges:5,} edges: first {first:6.1f} ms   update p50 {update:5.1f} ms   p97 {slow:5.1f} ms")
