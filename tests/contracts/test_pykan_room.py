"""The room of pykan's names stands at the top: it takes the public API, and nothing below knows of it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import kanwidget.pykan

ROOM = Path(kanwidget.pykan.__file__).parent
FILES = sorted(ROOM.rglob("*.py"))


def imported(path):
    """Modules of this package that a file imports, wherever the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOM)))
def test_it_imports_packages_and_never_what_is_inside(path):
    inner = [
        module
        for module in imported(path)
        if module.startswith("kanwidget.")
        and not module.startswith("kanwidget.pykan")
        and module not in ("kanwidget.core.primitives", "kanwidget.insight.plot")  # packages within a room
        and module.count(".") > 1
    ]
    assert inner == []


@pytest.mark.slow
def test_kanwidget_does_without_it():
    code = "import sys, kanwidget; kanwidget.KAN([2, 1]); assert not any(name.startswith('kanwidget.pykan') for name in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "line",
    [
        "from kanwidget.pykan import *",
        "from kanwidget.pykan import KAN, LBFGS, create_dataset",
        "import kanwidget.pykan as kan; kan.utils.create_dataset; kan.KAN; kan.LBFGS([kan.torch.nn.Parameter(kan.torch.ones(1))])",
        "from kanwidget.pykan.MultKAN import MultKAN, KAN",
        "from kanwidget.pykan.MLP import MLP",
        "from kanwidget.pykan.utils import create_dataset, augment_input, ex_round, get_derivative, model2param",
        "from kanwidget.pykan.spline import B_batch, extend_grid",
        "from kanwidget.pykan.compiler import kanpiler",
        "from kanwidget.pykan.feynman import get_feynman_dataset",
        "from kanwidget.pykan.hypothesis import *; plot_tree; detect_separability; test_symmetry",
    ],
)
def test_imports_of_pykans_notebooks(line):
    exec(line, {})


def test_the_star_brings_what_notebooks_use_without_an_import():
    space = {}
    exec("from kanwidget.pykan import *", space)
    assert {"torch", "np", "plt", "nn", "tqdm", "nsimplify"} <= space.keys()
    assert set(kanwidget.pykan.__all__) <= space.keys()
