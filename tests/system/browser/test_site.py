"""The site of the documents, opened from disk in a real browser: pages, links, search, and explorers that answer clicks."""

import re
import subprocess
import sys
from html import unescape
from urllib.parse import unquote, urldefrag

import pytest
from filelock import FileLock

from tests.system.browser.axe import AXE, violations
from tests.system.browser.conftest import ROOT
from tests.system.browser.notebook import Explorer

pytestmark = pytest.mark.browser
SITE = ROOT / "build" / "site"
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="session")
def site():
    """The site as the sources are now; what is up to date isn't written again."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-c", "docs", "-d", "build/doctrees", ".", str(SITE)]
    SITE.parent.mkdir(exist_ok=True)
    with FileLock(SITE.parent / "site.lock"):
        subprocess.run(command, cwd=ROOT, check=True)
    return SITE


@pytest.fixture
def opened(context, site):
    """Opens a page of the site; `page.problems` holds all errors and requests that failed or left the disk."""
    pages = []

    def see(name, width=1280, theme="light"):
        page = context(viewport={"width": width, "height": 900}, color_scheme=theme).new_page()
        pages.append(page)
        page.problems = []
        page.on("console", lambda m: page.problems.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: page.problems.append(str(error)))

        def failed(request):
            # An explorer's module that is still loading when the test goes on to the next page is broken off.
            if not (request.url.startswith("blob:") and request.failure == "net::ERR_ABORTED"):
                page.problems.append(f"failed: {request.url}")

        page.on("requestfailed", failed)
        page.on(
            "request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else page.problems.append(r.url)
        )
        page.goto((site / name).as_uri())
        return page

    yield see
    for page in pages:
        page.close()


def pages(site):
    return sorted(path for path in site.rglob("*.html") if "_static" not in path.parts)


def test_every_page_opens_and_fits(opened, site):
    page, wide = opened("docs/index.html"), {}
    for path in pages(site):
        if path.parent.name == "explorers" or path == site / "index.html":
            continue  # they stand in the notebooks' pages; it leads to another page
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(path.as_uri())
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            if page.evaluate("document.documentElement.scrollWidth") > width:
                wide[path.name] = width
    assert wide == {}
    assert page.problems == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_guide_shows_the_pictures_of_the_theme(opened, theme):
    page = opened("docs/explorer.html", theme=theme)
    pictures = page.locator("article img:visible")
    assert pictures.count() == (ROOT / "docs/explorer.md").read_text("utf-8").count("![")
    for picture in pictures.all():
        assert picture.get_attribute("src").endswith("-dark.png") == (theme == "dark")
        # Two of the file's pixels for one of the page, or fewer where there is no room.
        assert picture.evaluate("e => e.complete && 0 < 2 * e.width && 2 * e.width <= e.naturalWidth + 1")


def test_the_first_page_leads_to_the_documents(opened):
    page = opened("index.html")
    page.wait_for_url("**/docs/index.html")
    assert page.problems == []


def test_every_link_leads_somewhere(site):
    anchors, broken = {}, []

    def targets(path):
        if path not in anchors:
            anchors[path] = set(re.findall(r'\bid="([^"]+)"', path.read_text("utf-8")))
        return anchors[path]

    for path in pages(site):
        if path.parent.name == "explorers":
            continue
        for link in set(re.findall(r'<a [^>]*href="([^"]+)"', path.read_text("utf-8"))):
            if re.match(r"https?:|mailto:|data:", link):
                continue
            file, anchor = urldefrag(unquote(unescape(link)))
            leads = (path.parent / file).resolve() if file else path
            if not leads.exists() or (anchor and leads.suffix == ".html" and anchor not in targets(leads)):
                broken.append((path.relative_to(site).as_posix(), link))
    assert broken == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_explorer_answers_clicks(opened, screens, theme):
    page = opened("notebooks/01_first_formula.html", theme=theme)
    frame = page.locator(".explorer iframe").last
    frame.scroll_into_view_if_needed()
    inside = frame.element_handle().content_frame()
    view = Explorer(inside).see()
    assert view.root.get_attribute("data-kw-theme") == theme
    # The frame is as high as the page in it: nothing scrolls within.
    page.wait_for_function("(e) => e.style.height", arg=frame.element_handle())
    inside.wait_for_function("document.documentElement.scrollHeight <= innerHeight")
    view.select("0-1-0")
    view.candidates(2)
    page.screenshot(path=screens / f"site-explorer-{theme}.png")
    assert page.problems == []


def test_the_reference_has_methods_fields_and_what_is_computed_once(site):
    names = (site / "docs/api").rglob("*.html")
    ids = {name for page in names for name in re.findall(r'id="(kanwidget[^"]+)"', page.read_text("utf-8"))}
    wanted = [
        "KAN.fit",
        "StepRecord.train_loss",
        "Equation.text",
        "Equation.sympy",
        "KANExplorer.follow",
    ]
    assert {f"kanwidget.{name}" for name in wanted} <= ids
    assert not [name for name in ids if "get_metadata_routing" in name or "register_forward_hook" in name]


def test_the_search_works_from_disk(opened):
    page = opened("search.html")
    page.goto(f"{page.url}?q=merge_levels")
    page.locator("#search-results li").first.wait_for()
    assert page.locator("#search-results a", has_text="KAN").count() > 0
    assert page.problems == []


# Not the reference: its lists of arguments are as Sphinx writes them, which axe calls wrong.
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "name", ["docs/index", "docs/tables", "docs/glossary", "docs/explorer", "notebooks/03_explorer_tour"]
)
def test_axe_finds_nothing(opened, screens, name, theme):
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci --prefix js")
    page = opened(f"{name}.html", theme=theme)
    page.screenshot(path=screens / f"site-{name.replace('/', '-')}-{theme}.png")
    assert violations(page, "article") == {}
