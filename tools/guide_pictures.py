"""Take the pictures of the explorer's guide anew, of the session in docs/explorer.md: `python -m tools.guide_pictures`.

Writes `docs/pictures/NAME.png` and, for the dark theme, `NAME-dark.png`, two pixels for each of the page. All are parts of one
explorer in JupyterLab, one after the other as a reader of the guide meets them.
"""

import io
import re

from PIL import Image, ImageChops

from tests.system.browser.conftest import ROOT
from tests.system.browser.notebook import Explorer
from tools.readme_pictures import lab, opened

GUIDE, FOLDER = ROOT / "docs" / "explorer.md", ROOT / "docs" / "pictures"
SCALE, COLOURS = 2, 48
#: Width of a window in which the text of an explorer's bars can be read in the guide.
NARROW = 1040
#: Part of the pixels that may differ, such as those of a time: then the picture that is there stays.
SAME = 0.002
TAB = ".kw-tabbed"
INSPECTOR = '[data-kw-panel="inspector"]'


def main() -> None:
    session = re.search(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)[1]
    FOLDER.mkdir(exist_ok=True)
    with lab() as (browser, server):
        for theme in ("light", "dark"):
            notebook, view = opened(browser, server, f"{theme}.ipynb", session, SCALE)
            notebook.theme(f"JupyterLab {theme.title()}")
            view.until("e.dataset.kwTheme === a", theme)
            camera = Camera(view, "" if theme == "light" else "-dark")
            trained(camera)
            branched(camera)
            simplified(camera)
            searched(camera, notebook)
            notebook.evaluate("explorer.save_html('lake.html', title='The lake')")
            view.page.context.close()
            saved(browser, server.folder / "files" / "lake.html", theme)
    files = sorted(FOLDER.glob("*.png"))
    for path in files:
        print(f"{path.name}: {Image.open(path).size}, {path.stat().st_size / 1024:.0f} KB")
    print(f"{sum(path.stat().st_size for path in files) / 1024:.0f} KB in all")


class Camera:
    """Takes pictures of parts of an explorer."""

    def __init__(self, view, suffix):
        self.view, self.page, self.suffix = view, view.page, suffix

    def take(self, name, *parts, stay=False, bar=False):
        """A picture of the rectangle around some parts, by default of all.

        Args:
            name: Of the file.
            parts: Selectors.
            stay: Whether the pointer stays where it is.
            bar: Whether they are as wide as the explorer, which is then narrower.
        """
        size = self.page.viewport_size
        if bar:
            self.page.set_viewport_size(size | {"width": NARROW})
        if not stay:
            self.page.mouse.move(5, 5)
        self.page.wait_for_timeout(1500)  # all that fades or comes late
        boxes = [self.view.root.locator(f"{part}:visible").last.bounding_box() for part in parts]
        boxes = boxes or [self.view.root.bounding_box()]
        left, top = (min(box[side] for box in boxes) for side in "xy")
        right = max(box["x"] + box["width"] for box in boxes)
        bottom = max(box["y"] + box["height"] for box in boxes)
        clip = {"x": left, "y": top, "width": right - left, "height": bottom - top}
        save(self.page.screenshot(clip=clip), FOLDER / f"{name}{self.suffix}.png")
        self.page.set_viewport_size(size)

    def tab(self, name):
        self.view.root.locator(f'[data-kw-tab="{name}"]').click()

    def step(self, name, then):
        """Click one of the three acts, and wait for what there is after it."""
        self.view.click(f"step-{name}")
        self.view.until(f"e.querySelector(`{then}`)")


def save(shot: bytes, path) -> None:
    # This way keeps colours of few pixels, such as a green border.
    method = Image.Quantize.FASTOCTREE
    picture = Image.open(io.BytesIO(shot)).convert("RGB").quantize(COLOURS, method=method, dither=Image.Dither.NONE)
    if not (path.exists() and alike(Image.open(path), picture)):
        picture.save(path, optimize=True)


def alike(old: Image.Image, new: Image.Image) -> bool:
    """Whether hardly a pixel has changed clearly."""
    if old.size != new.size:
        return False
    differences = ImageChops.difference(old.convert("RGB"), new.convert("RGB")).convert("L").histogram()
    return sum(differences[32:]) <= SAME * sum(differences)


def trained(camera) -> None:
    """After *Train*: what the network and its edges show."""
    view = camera.view
    camera.step("train", '[data-kw-action="step-simplify"][aria-current="step"]')
    camera.take("acts", '[data-kw-slot="steps"]', bar=True)
    camera.take("notices", '[data-kw-slot="notices"]', ".kw-status", bar=True)
    camera.take("toolbar", '[data-kw-action="start"]', '[data-kw-action="keys"]')
    view.select("0-2-0")
    for tab, name in (("parity", "fit"), ("surface", "surface"), ("curves", "error")):
        camera.tab(tab)
        camera.take(name, TAB)
    camera.take("words", INSPECTOR)
    view.edge("0-0-0").hover()
    camera.take("network", ".kw-network", stay=True)
    view.select("0-1-0")
    view.until("e.querySelectorAll('[data-kw-candidate] .kw-figures b:not(:empty)').length >= 5")
    camera.take("edge", INSPECTOR)
    camera.take("explorer")
    camera.tab("edges")
    camera.take("edges", TAB)


def branched(camera) -> None:
    """A function that is tried, and taken back."""
    view = camera.view
    view.root.locator('[data-kw-candidate="1/x"] [data-kw-action="fix"]').click()
    view.until_state("0-1-0", "symbolic")
    view.click("undo")
    view.until_state("0-1-0", "spline")


def simplified(camera) -> None:
    """After *Simplify* and *Formula*: the formula, and all that can be done with it."""
    view = camera.view
    camera.step("simplify", '[data-kw-action="step-formula"][aria-current="step"]')
    camera.step("formula", '[data-kw-form="rounded"] .kw-constants')
    view.until('!e.querySelector(\'[data-kw-panel="forms"] [role="status"]\').textContent')
    camera.take("formula", TAB)
    camera.take("formula-bar", '[data-kw-panel="formula"]', bar=True)
    camera.take("history", '[data-kw-panel="history"]', bar=True)
    camera.tab("front")
    camera.take("front", TAB)
    view.root.locator('[data-kw-menu="export"]').click()
    camera.take("export", ".kw-context")
    camera.page.keyboard.press("Escape")
    view.click("copy-code")
    camera.take("code", ".kw-code", bar=True)
    view.click("close-code")
    view.click("keys")
    camera.take("keys", '[data-kw-dialog="keys"]')
    camera.page.keyboard.press("Escape")


def searched(camera, notebook) -> None:
    """The search for formulas, by steps: as many find the same again."""
    camera.view.click("deselect")
    camera.tab("discovery")
    notebook.evaluate("explorer.discover(steps=60) and None")
    camera.take("discover", TAB)


def saved(browser, path, theme) -> None:
    """The page that `save_html` has written, opened from disk."""
    context = browser.new_context(
        viewport={"width": 860, "height": 1200}, device_scale_factor=SCALE, color_scheme=theme
    )
    page = context.new_page()
    page.goto(path.as_uri())
    view = Explorer(page).see()
    Camera(view, "" if theme == "light" else "-dark").take("saved", '[data-kw-panel="history"]', ".kw-film")
    context.close()


if __name__ == "__main__":
    main()
