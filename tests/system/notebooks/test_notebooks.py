"""Rules for the committed notebooks; nbval checks that they run and give the same outputs."""

import re
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[3] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LARGEST = 400 * 1024


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_there_are_notebooks():
    assert NOTEBOOKS


def test_it_is_small(path):
    assert path.stat().st_size < LARGEST


def test_its_metadata_say_no_more_than_the_kernel(path):
    metadata = nbformat.read(path, as_version=4).metadata
    assert metadata.kernelspec.name == "python3"
    assert set(metadata) == {"kernelspec", "language_info"}


def test_it_was_run_from_top_to_bottom(path):
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


def test_no_warnings_and_no_errors_stand_in_it(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.text


def test_its_figures_are_seen_before_it_is_trusted(path):
    """JupyterLab shows neither SVG nor a widget without a kernel in a notebook that somebody else has run."""
    for cell in code_cells(path):
        for output in cell.outputs:
            kinds = set(output.get("data", {}))
            assert not kinds & {"image/svg+xml", "application/vnd.jupyter.widget-view+json"}
            if "Figure" in str(output.get("data", {}).get("text/plain", "")):
                assert "image/png" in kinds


def test_only_cells_with_pictures_or_noise_go_unchecked(path):
    """Most cells that print are compared by nbval."""
    ignored = [cell for cell in code_cells(path) if "nbval-ignore-output" in cell.metadata.get("tags", [])]
    printing = [cell for cell in ignored if any(output.output_type == "stream" for output in cell.outputs)]
    assert len(printing) <= 1


def test_it_names_no_place_on_the_machine_that_ran_it(path):
    assert not re.search(r"/(home|root|tmp|work|Users)/", path.read_text(encoding="utf-8"))
