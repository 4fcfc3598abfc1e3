"""The wheel that users install: it holds the package and nothing else, and works in an environment of its own."""

import email.parser
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SUFFIXES = {".py", ".typed", ".js", ".css", ".csv"}
#: Runs in the new environment: every kind of file that the wheel must bring is used.
SCRIPT = """
import sys
import kanwidget
from importlib import resources
from kanwidget.datasets import load_trees
assert load_trees().train_input.shape == (31, 2)
assert resources.files("kanwidget").joinpath("py.typed").is_file()
assert kanwidget.__file__.startswith(sys.prefix), kanwidget.__file__
import torch
assert kanwidget.KAN([2, 1, 1])(torch.zeros(3, 2, dtype=torch.float64)).shape == (3, 1)
print(kanwidget.__version__)
"""


def run(*command, **options):
    return subprocess.run([*map(str, command)], check=True, capture_output=True, text=True, **options).stdout


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The sdist, and the wheel that is built from it, as a user's pip would."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, cwd=ROOT)
    return folder


@pytest.fixture(scope="session")
def wheel(built):
    (found,) = built.glob("*.whl")
    return found


def tracked(folder):
    names = run("git", "ls-files", "--cached", "--others", "--exclude-standard", folder, cwd=ROOT).split()
    return {name for name in names if (ROOT / name).exists()}


def test_wheel_holds_the_package_and_nothing_else(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == tracked("kanwidget")
    assert {Path(name).suffix for name in names} <= SUFFIXES
    wanted = {
        "py.typed",
        "static/widget.js",
        "static/widget.css",
        "static/report.js",
        "static/report.css",
        "datasets/data/trees.csv",
    }
    assert {f"kanwidget/{name}" for name in wanted} <= names


def test_metadata(wheel):
    archive = zipfile.ZipFile(wheel)
    (path,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = email.parser.Parser().parsestr(archive.read(path).decode())
    assert metadata["License-Expression"] == "MIT"
    needs = [line.split(">")[0].split("<")[0] for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    assert sorted(needs) == sorted(
        [
            "torch",
            "narwhals",
            "numpy",
            "sympy",
            "matplotlib",
            "pillow",
            "anywidget",
            "ipywidgets",
            "safetensors",
            "tqdm",
            "typing-extensions",
        ]
    )
    assert {"lab", "data", "sweep", "dask", "sklearn", "onnx", "test", "bench", "hosts", "knots", "docs"} == set(
        metadata.get_all("Provides-Extra")
    )
    (entry,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
    assert "kanwidget = kanwidget.cli:main" in archive.read(entry).decode()


def test_sdist_holds_the_sources_of_the_bundle_and_no_tools(built):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert {"js/package.json", "js/src/app/widget.ts", "tests/conftest.py", "LICENSE", "README.md"} <= names
    assert not [name for name in names if "node_modules" in name or ".venv" in name]


@pytest.mark.install
def test_wheel_works_in_an_empty_environment(wheel, tmp_path):
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    assert run(python, "-W", "error", "-c", SCRIPT, cwd=tmp_path).strip() in wheel.name
    assert "usage: kanwidget" in run(python.parent / "kanwidget", "--help", cwd=tmp_path)
    assert run(python, "-m", "pip", "check")
