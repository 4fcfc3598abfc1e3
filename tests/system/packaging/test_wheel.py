"""The wheel that users install: it holds the package and nothing else, and works in an environment of its own."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tools.lower_bounds import oldest
from tools.release import metadata, versions
from tools.trials import STEPS, build, trial

ROOT = Path(__file__).resolve().parents[3]
SUFFIXES = {".py", ".typed", ".js", ".css", ".csv"}


def run(*command, **options):
    return subprocess.run([*map(str, command)], check=True, capture_output=True, text=True, **options).stdout


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The sdist, and the wheel that is built from it, as a user's pip would."""
    return build(tmp_path_factory.mktemp("dist"), "--no-isolation")


@pytest.fixture(scope="session")
def wheel(built):
    return built[1]


def tracked(folder):
    names = run("git", "ls-files", "--cached", "--others", "--exclude-standard", folder, cwd=ROOT).split()
    return {name for name in names if (ROOT / name).exists()}


@pytest.mark.slow
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
    said = metadata(wheel)
    assert said["License-Expression"] == "MIT"
    needs = [line.split(">")[0].split("<")[0] for line in said.get_all("Requires-Dist") if "extra ==" not in line]
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
    assert {
        "lab",
        "data",
        "sweep",
        "dask",
        "sklearn",
        "test",
        "bench",
        "hosts",
        "knots",
        "docs",
        "onnx",
        "fast",
        "release",
    } == set(said.get_all("Provides-Extra"))
    archive = zipfile.ZipFile(wheel)
    (entry,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
    assert "kanwidget = kanwidget.cli:main" in archive.read(entry).decode()


def test_sdist_holds_the_sources_of_the_bundle_and_no_tools(built):
    with tarfile.open(built[0]) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert {
        "js/package.json",
        "js/src/app/widget.ts",
        "tests/conftest.py",
        "LICENSE",
        "README.md",
        "CITATION.cff",
    } <= names
    assert ".github/workflows/checks.yml" in names
    assert not [name for name in names if "node_modules" in name or ".venv" in name]


def test_every_requirement_has_an_oldest_release(wheel):
    """Those of the package and of the extras for users: `make bounds` installs exactly these releases."""
    wanted = [Requirement(line) for line in metadata(wheel).get_all("Requires-Dist")]
    users = ({"extra": extra} for extra in ("", "lab", "data", "sweep", "dask", "sklearn"))
    names = {one.name for extra in users for one in wanted if one.marker is None or one.marker.evaluate(extra)}
    bounds = oldest(map(str, wanted))
    assert len(names) > 15
    assert names <= {bound.split("==")[0] for bound in bounds}
    assert len(bounds) == len({bound.split("==")[0] for bound in bounds}), "two bounds for one package"


def test_bounds_become_pins():
    assert oldest(["b>=2.0,<3; extra == 'x'", "a>=1", "c==4", "d", "b>=2.0"]) == ["a==1", "b==2.0"]


def test_the_citation_says_what_the_package_says(wheel):
    said, cited = metadata(wheel), yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert (cited["title"], cited["version"]) == (said["Name"], said["Version"])
    assert (cited["license"], cited["abstract"]) == (said["License-Expression"], said["Summary"])
    assert set(cited["keywords"]) <= set(said["Keywords"].split(","))
    assert all(author["name"] in (ROOT / "LICENSE").read_text("utf-8") for author in cited["authors"])


def test_the_oldest_python_is_a_classifier(wheel):
    assert metadata(wheel)["Requires-Python"] == f">={versions(wheel)[0]}"


@pytest.mark.install
def test_wheel_works_in_an_empty_environment(wheel):
    assert [name for name, _ in trial(sys.executable, str(wheel))] == ["install", *STEPS]
