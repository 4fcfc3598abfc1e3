"""`import kanwidget` stays cheap: modules for later steps are imported later."""

import functools
import json
import subprocess
import sys

import pytest

import kanwidget

LATER = [
    "sympy",
    "matplotlib",
    "anywidget",
    "ipywidgets",
    "traitlets",
    "pandas",
    "pyarrow",
    "sklearn",
    "scipy",
    "joblib",
    "distributed",
    "numba",
]
#: Modules that only sweeps need.
SWEEPS = {"kanwidget.sweeps", "sqlite3"}
FREE = [*LATER, "IPython", "jupyter_client", "tornado", "tqdm.notebook"]


@functools.cache
def loaded_by(statement):
    code = f"import torch, sys, json; before = set(sys.modules); {statement}; print(json.dumps([*sys.modules]))"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(json.loads(result.stdout))


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        "import kanwidget",
        "import kanwidget.cli",
        "from kanwidget import KAN; KAN([2, 3, 1])",
        "from kanwidget.datasets import load_trees; load_trees()",
        "from kanwidget import sweep; sweep({}, ([[0.0], [1.0]], [0.0, 1.0]), width=[1, 1], steps=1, progress=False)",
    ],
)
def test_heavy_modules_wait(statement):
    # torch itself imports sympy in some versions and not in others: only the modules that this package adds count.
    added = loaded_by(statement) - loaded_by("pass")
    assert not {name.split(".")[0] for name in added} & set(FREE)


@pytest.mark.slow
def test_sweeps_wait():
    assert not (loaded_by("from kanwidget import KAN") - loaded_by("pass")) & SWEEPS


@pytest.mark.parametrize(
    "statement", ["import kanwidget", "from kanwidget.cli.main import parser; parser().format_help()"]
)
def test_torch_waits(statement):
    code = f"import sys; {statement}; print('torch' in sys.modules, 'numpy' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout == "False False\n"


@pytest.mark.slow
def test_rooms_and_names_come_when_they_are_asked_for():
    assert loaded_by("import kanwidget; kanwidget.datasets.load_trees(); kanwidget.KAN([1, 1])") >= {"kanwidget.kan"}
    assert set(kanwidget.__all__) == set(kanwidget._HOME_OF)
    assert not hasattr(kanwidget, "KNA")


def test_few_modules_are_added():
    added = {name.split(".")[0] for name in loaded_by("from kanwidget import KAN") - loaded_by("pass")}
    assert added - set(sys.stdlib_module_names) <= {"kanwidget", "numpy", "safetensors", "tqdm", "typing_extensions"}
