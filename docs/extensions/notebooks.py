"""Notebooks as pages: one title each, and where a notebook shows an explorer, its saved page stands in a frame and answers clicks.

What the pages hold lies in `notebooks/explorers/`, as `python -m tools.refresh_notebooks` has left it; the notebooks aren't run.
"""

import base64
import json
import re
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import SphinxError

from kanwidget.explorer.files.html_report import page

STORED = Path(__file__).resolve().parents[2] / "notebooks" / "explorers"
_ADVICE = "run tools.refresh_notebooks"
_TITLE, _HEADING = re.compile(r"^# ", re.MULTILINE), re.compile(r"^(#+ )", re.MULTILINE)
FRAME = """<figure class="explorer">
<iframe src="../explorers/{page}.html" title="The explorer, as the notebook leaves it" loading="lazy"></iframe>
<figcaption>The explorer as the notebook leaves it. Click its edges; the slider goes through what happened. In a notebook it trains, too.
<a href="../explorers/{page}.html">Alone in a window</a></figcaption>
</figure>"""


def slug(title: str) -> str:
    """The anchor of a heading, as JupyterLab has it."""
    return title.replace(" ", "-")


def with_frames(notebook: dict[str, Any], numbers: list[int], stem: str) -> dict[str, Any]:
    """The notebook, whose outputs that are explorers show their pages.

    Args:
        notebook: Of nbformat 4.
        numbers: For each of these outputs the number of its page.
        stem: The notebook's name.
    """
    rest = iter(numbers)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "".join(data.get("text/plain", "")).startswith("KANExplorer("):
                number = next(rest, None)
                if number is None:
                    raise SphinxError(f"{STORED}/index.json has too few explorers of {stem}: {_ADVICE}")
                data["text/html"] = FRAME.format(page=f"{stem}-{number}")
    if list(rest):
        raise SphinxError(f"{STORED}/index.json has too many explorers of {stem}: {_ADVICE}")
    return notebook


def with_one_title(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook, whose first title stays the only one: later ones, and what is below them, are a level lower."""
    titles = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            titles += len(_TITLE.findall(text))
            if titles > 1:
                cell["source"] = _HEADING.sub(r"#\1", text)
    return notebook


def with_pictures(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook, whose attached pictures stand in its text."""
    for cell in notebook["cells"]:
        for name, kinds in cell.pop("attachments", {}).items():
            ((kind, content),) = kinds.items()
            cell["source"] = "".join(cell["source"]).replace(
                f"attachment:{name}", f"data:{kind};base64,{content.strip()}"
            )
    return notebook


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    stem = Path(name).name
    if name.startswith("notebooks/"):
        app.env.note_dependency(str(STORED / "index.json"))
        numbers = json.loads((STORED / "index.json").read_text("utf-8")).get(stem, [])
        source[0] = json.dumps(with_frames(with_one_title(with_pictures(json.loads(source[0]))), numbers, stem))


def _write(app: Sphinx, problem: Exception | None) -> None:
    if problem is not None:
        return
    folder = Path(app.outdir) / "explorers"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for stored in STORED.glob("*.json.gz"):
        stem = stored.name.removesuffix(".json.gz")
        text = page(base64.b64encode(stored.read_bytes()).decode("ascii"), stem.rsplit("-", 1)[0].replace("_", " "))
        (folder / f"{stem}.html").write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", _read)
    app.connect("build-finished", _write)
    app.add_js_file("site.js")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
