"""The table of pykan's notebooks: each has its row, no cell is empty, and each link leads to a heading in a notebook of ours."""

import json
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "pykan_notebooks.md").read_text(encoding="utf-8")
#: The notebooks of pykan 0.2.8 in its order.
_NAMES = """
hellokan intro
API_1_indexing API_2_plotting API_3_extract_activations API_4_initialization API_5_grid API_6_training_hyperparameter API_7_pruning
API_8_regularization API_9_video API_10_device API_11_create_dataset API_12_checkpoint_save_load_model
Example_1_function_fitting Example_3_deep_formula Example_4_classfication Example_5_special_functions Example_6_PDE_interpretation
Example_7_PDE_accuracy Example_8_continual_learning Example_9_singularity Example_10_relativity-addition Example_11_encouraing_linear
Example_12_unsupervised_learning Example_13_phase_transition Example_14_knot_supervised Example_15_knot_unsupervised
Interp_1_Hello_MultKAN Interp_2_Advanced_MultKAN Interp_3_KAN_Compiler Interp_4_feature_attribution Interp_5_test_symmetry
Interp_6_test_symmetry_NN Interp_8_adding_auxillary_variables Interp_9_different_plotting_metrics Interp_10_hessian Interp_10A_swap
Interp_10B_swap Interp_11_sparse_init
Physics_1_Lagrangian Physics_2A_conservation_law Physics_2B_conservation_law_2D Physics_3_blackhole Physics_4A_constitutive_laws_P11
Physics_4B_constitutive_laws_P12_with_prior Physics_4C_constitutive_laws_P12_without_prior
Community_1_physics_informed_kan Community_2_protein_sequence_classification experiment1
"""
PYKAN = _NAMES.split()
LINK = re.compile(r"\]\((\.\./notebooks/[^)#]+)(?:#([^)]+))?\)")


def rows_of(text):
    """The cells of each row, by its first word."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith(("| pykan", "|---"))]
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {cells[0].removesuffix("†").strip(): cells for cells in table}


def headings_of(path):
    """The anchors of a notebook's headings, as Jupyter and GitHub make them."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    lines = [line for cell in cells if cell["cell_type"] == "markdown" for line in "".join(cell["source"]).splitlines()]
    return {line.lstrip("#").strip().replace(" ", "-") for line in lines if re.match(r"#+ ", line)}


def dead_links(text):
    """Links to no notebook of ours, or to no heading in it."""
    dead = []
    for link, heading in LINK.findall(text):
        path = (DOCS / link).resolve()
        if not path.exists() or heading not in headings_of(path):
            dead.append(f"{link}#{heading}")
    return dead


ROWS = rows_of(TEXT)


def test_every_notebook_of_pykan_has_a_row_in_its_order():
    assert len(PYKAN) == 50
    assert list(ROWS) == PYKAN
    assert sum(cells[0].endswith("†") for cells in ROWS.values()) == 14


@pytest.mark.parametrize("name", PYKAN)
def test_a_row_is_full_and_leads_to_headings(name):
    cells = ROWS[name]
    assert len(cells) == 4
    assert all(cells)
    assert LINK.search(cells[2])
    assert dead_links(cells[2]) == []


def test_a_dead_link_is_seen():
    good = "[a](../notebooks/01_first_formula.ipynb#By-Python)"
    assert dead_links(good) == []
    assert len(dead_links(good.replace("By-Python", "By-chance"))) == 1
    assert len(dead_links(good.replace("01_first", "01_last"))) == 1
    assert len(dead_links(good.replace("#By-Python", ""))) == 1
