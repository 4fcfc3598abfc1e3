"""Dotted names of the package exist in any text (documents, code in strings, notebooks): moves leave no old name behind."""

import importlib
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENDINGS = (".py", ".md", ".toml", ".ipynb", ".ts", ".cfg", "Makefile")
DOTTED = re.compile(r"(?<![\w/.-])kanwidget(?:\.\w+)+")
IMPORT = re.compile(r"from (kanwidget(?:\.\w+)*) import \(?([\w, ]+)")


def texts():
    try:
        listing = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listing.splitlines() if name.endswith(ENDINGS)]
    return {path: path.read_text(encoding="utf-8") for path in paths if path.is_file()}


def names(text):
    """All dotted names in a text, those of imports with what is imported."""
    yield from DOTTED.findall(text)
    for module, imported in IMPORT.findall(text):
        for part in imported.split(","):
            if part.strip():
                yield f"{module}.{part.split()[0]}"


def exists(name):
    """Whether a module, or a value within one, has this name."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if not hasattr(value, part):
                return False
            value = getattr(value, part)
        return True
    return False


def test_the_check_sees_both_kinds():
    assert exists("kanwidget.kan.KAN.fit")
    assert exists("kanwidget.explorer.notebook.widget")
    assert not exists(".".join(["kanwidget", "explorer", "watch"]))
    assert list(names("    from kanwidget.core import jets as j, scores\n")) == [
        "kanwidget.core",
        *("kanwidget.core.jets", "kanwidget.core.scores"),
    ]


def test_dotted_names_exist():
    mentioned = {(name, path) for path, text in texts().items() for name in names(text)}
    missing = {name for name in {name for name, _ in mentioned} if not exists(name)}
    assert not {(name, path.name) for name, path in mentioned if name in missing}
