"""Run the notebooks in place and keep their outputs: `python -m tools.refresh_notebooks [notebooks/01_first_formula.ipynb …]`.

Figures are kept as small transparent PNGs: JupyterLab shows no SVG before a notebook is trusted, and PNGs travel everywhere.
An explorer is kept as its text and a picture of its network, since a saved widget needs the whole bundle.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
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

def _explorer(explorer):
    view = explorer._session
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
KEPT = ("text/plain", "text/latex", "text/html", "image/png")


def refresh(path: Path) -> None:
    """Run one notebook and write it."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", store_widget_state=False, record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )  # fmt: skip
    with client.setup_kernel():
        notebook.cells.insert(0, nbformat.v4.new_code_cell(PICTURES))
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
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


if __name__ == "__main__":
    for given in sys.argv[1:] or sorted(FOLDER.glob("*.ipynb")):
        refresh(Path(given))
