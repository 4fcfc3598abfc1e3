"""Run the notebooks in place and keep their outputs: `python -m tools.refresh_notebooks [notebooks/01_first_formula.ipynb …]`.

Figures are kept as small transparent PNGs: JupyterLab shows no SVG before a notebook is trusted, and PNGs travel everywhere.
An explorer is kept as its text and a picture of its network, since a saved widget needs the whole bundle; what its saved page would
hold goes to `notebooks/explorers/`, from where the site takes it. `--explorers` writes these alone, and leaves the notebooks.
"""

import argparse
import json
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
EXPLORERS = FOLDER / "explorers"
#: Notebook → for each output that is an explorer the number of its page.
INDEX = EXPLORERS / "index.json"
#: Runs in the kernel before the first cell.
PICTURES = """
import io
from IPython import get_ipython
from matplotlib import pyplot

def _png(figure):
    from PIL import Image
    file, small = io.BytesIO(), io.BytesIO()
    figure.savefig(file, format="png", dpi=108, bbox_inches="tight", transparent=True)
    Image.open(file).quantize(128, method=Image.Quantize.FASTOCTREE).save(small, format="png", optimize=True)
    return small.getvalue()

#: The explorers of the outputs, and what their pages would hold at once, for those that the notebook closes.
_shown = []

def _explorer(explorer):
    from kanwidget.explorer.files.html_report import content
    view = explorer._session
    _shown.append((explorer, content(view)))
    figure = explorer.model.plot(in_vars=list(view.in_vars), out_vars=list(view.out_vars))
    pyplot.close(figure)  # or the cell would show it once more
    return _png(figure)

_formats = get_ipython().display_formatter.formatters
_formats["image/png"].for_type_by_name("kanwidget.insight.plot.showing", "KANFigure", _png)
_formats["image/png"].for_type_by_name("kanwidget.explorer.explorer", "KANExplorer", _explorer)

def _no_view(explorer):
    raise NotImplementedError  # the picture above is shown

_views = get_ipython().display_formatter.ipython_display_formatter
_views.for_type_by_name("kanwidget.explorer.explorer", "KANExplorer", _no_view)
"""
#: Runs after the last cell: each explorer as the notebook leaves it, which is what all its views in the notebook show then.
PAGES = """
import base64, json
from pathlib import Path
from kanwidget.explorer.files.html_report import content, limited, packed

_first = {id(explorer): (explorer, content_then) for explorer, content_then in reversed(_shown)}
_numbers = {key: number for number, key in enumerate(reversed(_first), 1)}
for _key, (_one, _content) in _first.items():
    if not _one._driver.closed:
        _content = limited(content(_one._session, _one._session.film()), 100_000)
    Path(f"{_stem}-{_numbers[_key]}.json.gz").write_bytes(base64.b64decode(packed(_content)))
print(json.dumps([_numbers[id(explorer)] for explorer, _ in _shown]))
"""
KEPT = ("text/plain", "text/latex", "text/html", "image/png")


def refresh(path: Path, explorers: bool = False) -> None:
    """Run one notebook and write it, or only the pages of its explorers."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", store_widget_state=False, record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )  # fmt: skip
    with client.setup_kernel():
        notebook.cells.insert(0, nbformat.v4.new_code_cell(PICTURES))
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
        if shows_explorers(notebook):
            keep_explorers(client, notebook, path)
    if explorers:
        return
    del notebook.cells[0]
    count = 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            cell.outputs = _merged(cell.outputs)
            for output in cell.outputs:
                output.get("metadata", {}).clear()
                if "execution_count" in output:
                    output.execution_count = count
                if "data" in output:
                    output.data = {kind: value for kind, value in output.data.items() if kind in KEPT}
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    nbformat.validate(notebook)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    print(f"{path.name}: {path.stat().st_size / 1024:.0f} KB")


def _merged(outputs: list) -> list:
    """Pieces of one stream, which arrive as the kernel sends them, as one."""
    merged: list = []
    for output in outputs:
        if output.output_type == "stream" and merged and merged[-1].get("name") == output.name:
            merged[-1].text += output.text
        else:
            merged.append(output)
    return merged


def keep_explorers(client: NotebookClient, notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write what a page of each explorer holds, and which output shows which."""
    for old in EXPLORERS.glob(f"{path.stem}-*"):
        old.unlink()
    notebook.cells.append(nbformat.v4.new_code_cell(f"_stem = {str(EXPLORERS / path.stem)!r}\n{PAGES}"))
    last = client.execute_cell(notebook.cells[-1], len(notebook.cells) - 1)
    del notebook.cells[-1]
    numbers = json.loads(last.outputs[-1].text)
    index = json.loads(INDEX.read_text("utf-8")) if INDEX.exists() else {}
    index[path.stem] = numbers
    INDEX.write_text(json.dumps(dict(sorted(index.items())), indent=1) + "\n", encoding="utf-8")


def shows_explorers(notebook: nbformat.NotebookNode) -> int:
    """How many outputs of a notebook are explorers."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return sum("".join(output.get("data", {}).get("text/plain", "")).startswith("KANExplorer(") for output in outputs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--explorers", action="store_true", help="write only the pages of explorers")
    given = parser.parse_args()
    EXPLORERS.mkdir(exist_ok=True)
    for path in given.notebooks or sorted(FOLDER.glob("*.ipynb")):
        if not given.explorers or shows_explorers(nbformat.read(path, as_version=4)):
            refresh(path, given.explorers)
