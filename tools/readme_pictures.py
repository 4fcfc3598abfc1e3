"""Take the README's pictures anew, of a real session in JupyterLab: `python -m tools.readme_pictures`.

Writes `notebooks/pictures/explorer-light.png` and `explorer-dark.png` (in twice the usual resolution) and `explorer.gif`, whose
pictures come one after the other from one session; a pointer is drawn where the mouse is, since screenshots have none.
"""

import io
import tempfile
import time
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.system.browser.conftest import BROWSER_ARGUMENTS, PATIENCE, ROOT, Server, browser_path
from tests.system.browser.notebook import Explorer, Notebook

FOLDER = ROOT / "notebooks" / "pictures"
NAMES = 'in_vars=["x", "y"], out_vars=["f"]'
DATA = """
import torch
from kanwidget import KAN, KANExplorer, create_dataset

def f(points):
    return torch.exp(torch.sin(torch.pi * points[:, [0]]) + points[:, [1]] ** 2)
"""
#: A session that is half way: pruned, refined, one curve fixed, another tried and left.
HALF_WAY = f"""
explorer = KANExplorer(KAN([2, 5, 1], grid=3, seed=42), create_dataset(f, n_var=2, seed=0), {NAMES}, lamb=1e-3)
explorer.fit(40)
explorer.prune()
explorer.lamb = 0
explorer.refine(10)
explorer.fit(20)
explorer.fix("x", edge=(0, 0, 0))
explorer.undo()
explorer.fix("sin", edge=(0, 0, 0))
explorer.select(0, 1, 0)
explorer
"""
#: So many points that a step can be followed with the eyes.
BEGIN = f"""
data = create_dataset(f, n_var=2, train_num=4000, test_num=1000, seed=0)
explorer = KANExplorer(KAN([2, 5, 1], grid=3, seed=42), data, {NAMES}, lamb=1e-3, steps=45)
explorer
"""
POINTER = """() => {
  const hand = document.createElement('div');
  hand.innerHTML = '<svg width="22" height="30" viewBox="0 0 22 30"><path d="M2 2v21l5.2-4.6 3.5 8.2 3.8-1.6-3.5-8H18z" '
    + 'fill="#111" stroke="#fff" stroke-width="1.6"/></svg>';
  hand.style.cssText = 'position:fixed;z-index:99999;pointer-events:none;left:-99px;top:0';
  document.body.append(hand);
  const press = (on) => { hand.style.transform = on ? 'scale(0.8)' : ''; };
  addEventListener('mousemove', (e) => { hand.style.left = `${e.clientX - 2}px`; hand.style.top = `${e.clientY - 2}px`; }, true);
  addEventListener('mousedown', () => press(true), true);
  addEventListener('mouseup', () => press(false), true);
}"""
LARGEST = 2_500_000


@contextmanager
def lab():
    """A browser, and JupyterLab for it."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server("lab", Path(folder))
        try:
            server.wait()
            browser = playwright.chromium.launch(executable_path=browser_path(), args=BROWSER_ARGUMENTS)
            yield browser, server
            browser.close()
        finally:
            server.shut_down_kernels()
            server.stop()


def main() -> None:
    with lab() as (browser, server):
        stills(browser, server)
        film(browser, server)
    for path in sorted(FOLDER.glob("explorer*")):
        print(f"{path.name}: {Image.open(path).size}, {path.stat().st_size / 1024:.0f} KB")


def opened(browser, server, name, cell, scale):
    """A notebook with an explorer, and nothing beside it."""
    server.write(name, [cell])
    context = browser.new_context(viewport={"width": 1240, "height": 1300}, device_scale_factor=scale)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    notebook = Notebook(page, server, name)
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    notebook.run_all()
    view = Explorer(page).see()
    notebook.finished()
    # The cell's code would leave no room for the whole widget.
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:hide-cell-code')")
    page.wait_for_timeout(1000)
    return notebook, view


def stills(browser, server) -> None:
    notebook, view = opened(browser, server, "stills.ipynb", DATA + HALF_WAY, 2)
    view.candidates(2)
    if view.root.locator('[data-kw-action="dismiss-effect"]').is_visible():
        view.click("dismiss-effect")
    for theme, tab in (("light", "curves"), ("dark", "surface")):
        notebook.theme(f"JupyterLab {theme.title()}")
        view.until("e.dataset.kwTheme === a", theme)
        view.root.locator(f'[data-kw-tab="{tab}"]').click()
        view.candidates(2)
        view.page.mouse.move(5, 5)
        view.page.wait_for_timeout(1500)
        shot = Image.open(io.BytesIO(view.root.screenshot())).convert("RGB")
        shot.quantize(200, method=Image.Quantize.MEDIANCUT).save(FOLDER / f"explorer-{theme}.png", optimize=True)
    notebook.theme("JupyterLab Light")
    view.page.context.close()


class Film:
    """Pictures of the explorer, and for how many milliseconds each is seen."""

    def __init__(self, view):
        self.view, self.page = view, view.page
        self.frames, self.times, self.at = [], [], (900, 560)
        self.box = view.root.bounding_box()
        self.page.evaluate(POINTER)

    def take(self, milliseconds):
        self.frames.append(Image.open(io.BytesIO(self.page.screenshot(clip=self.box))).convert("RGB"))
        self.times.append(milliseconds)

    def watch(self, over, seconds, stay):
        """Pictures as fast as they can be taken until it is over; shown so fast that all of them last so many seconds."""
        first, marks = len(self.frames), [time.monotonic()]
        while not over():
            self.take(0)
            marks.append(time.monotonic())
        for index, (begin, end) in enumerate(pairwise(marks), first):
            self.times[index] = max(30, round(1000 * seconds * (end - begin) / (marks[-1] - marks[0])))
        self.take(stay)

    def click(self, target, stay, wait=900):
        """Go there, press, and look at what has come of it."""
        box = target.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        for part in (0.25, 0.6, 0.85, 0.97, 1):
            self.page.mouse.move(*(old + part * (new - old) for old, new in zip(self.at, (x, y), strict=True)))
            self.take(60)
        self.at = (x, y)
        self.page.mouse.down()
        self.take(120)
        self.page.mouse.up()
        if wait:
            self.page.wait_for_timeout(wait)
            self.take(stay)

    def save(self, path):
        """With fewer colours if it would be too large."""
        picked = [0, *(index for index, stay in enumerate(self.times) if stay >= 300)]
        samples = Image.new("RGB", (self.frames[0].width, len(picked) * self.frames[0].height))
        for row, index in enumerate(picked):
            samples.paste(self.frames[index], (0, row * self.frames[0].height))
        for colours in (256, 128, 64, 32):
            palette = samples.quantize(colours, method=Image.Quantize.MEDIANCUT)
            first, *others = (one.quantize(palette=palette, dither=Image.Dither.NONE) for one in self.frames)
            first.save(path, save_all=True, append_images=others, duration=self.times, loop=0, disposal=1)
            if path.stat().st_size <= LARGEST:
                return


def film(browser, server) -> None:
    _, view = opened(browser, server, "film.ipynb", DATA + BEGIN, 1)
    recording = Film(view)
    recording.take(400)
    recording.click(view.root.locator('[data-kw-action="start"]'), 0, wait=0)
    recording.watch(lambda: view.step > 0 and view.status != "running", 3, 300)
    strongest = view.root.evaluate(
        """e => [...e.querySelectorAll('[data-kw-edge^="0-0-"]')]
          .map(one => [Number(/importance ([^,]+)/.exec(one.getAttribute('aria-label'))[1].replace('·10', 'e')), one.dataset.kwEdge])
          .sort((a, b) => b[0] - a[0])[0][1]"""
    )
    recording.click(view.edge(strongest), 900)
    view.candidates(2)
    recording.click(view.root.locator('[data-kw-candidate][data-best] [data-kw-action="fix"]'), 1000)
    recording.click(view.root.locator('[data-kw-action="undo"]'), 600)
    recording.click(view.root.locator('[data-kw-tab="surface"]'), 1500, wait=1500)
    recording.save(FOLDER / "explorer.gif")
    view.page.context.close()


if __name__ == "__main__":
    main()
