"""Texts that the sources must not contain, and files that they must."""

import importlib
import inspect
import pkgutil
import re
import subprocess
from pathlib import Path

import pytest

import kanwidget

ROOT = Path(__file__).resolve().parents[3]
# Written in pieces, so that this file passes its own test.
HOSTS = [
    ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("registry", "npmjs"), ("deb", "debian"))
]
FOLDERS = ["/".join(["", name, ""]) for name in ("root", "work", "home")] + ["/".join(["", "tmp", "venv"])]
FORBIDDEN = re.compile(
    "|".join(map(re.escape, HOSTS)) + r"|(?<![\w.:/~}\])])(" + "|".join(map(re.escape, FOLDERS)) + ")"
)


def tracked():
    try:
        listing = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [path for name in listing.splitlines() if (path := ROOT / name).is_file()]


def modules():
    names = [info.name for info in pkgutil.walk_packages(kanwidget.__path__, "kanwidget.")]
    return [importlib.import_module(name) for name in ["kanwidget", *names]]


def public(module):
    """Names and objects that a room offers to others."""
    for name in getattr(module, "__all__", []):
        value = getattr(module, name)
        if (inspect.isclass(value) or inspect.isfunction(value)) and value.__module__.startswith("kanwidget"):
            yield name, value


def test_no_registry_and_no_folder_of_a_machine():
    found = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", "ignore")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in FORBIDDEN.finditer(text)]
    assert not found


def test_nothing_large_is_committed():
    limit = 1_000_000
    assert not [path.name for path in tracked() if path.stat().st_size > limit]


def test_every_module_says_what_it_is():
    assert not [
        module.__name__
        for module in modules()
        if not (module.__doc__ or "").strip()
        and vars(module).get("__file__")
        and Path(module.__file__).read_text().strip()
    ]


def test_every_public_name_is_documented():
    missing = []
    for module in modules():
        for name, value in public(module):
            if not inspect.getdoc(value):
                missing.append(f"{module.__name__}.{name}")
            if inspect.isclass(value):
                members = [
                    item
                    for base in value.__mro__
                    if base.__module__.startswith("kanwidget")
                    for item in vars(base).items()
                ]
                missing += [
                    f"{module.__name__}.{name}.{key}"
                    for key, member in members
                    if not key.startswith("_")
                    and (inspect.isfunction(member) or isinstance(member, (property, classmethod)))
                    and not inspect.getdoc(getattr(value, key))
                ]
    assert not missing


def test_all_lists_only_what_exists():
    for module in modules():
        assert not [name for name in getattr(module, "__all__", []) if not hasattr(module, name)], module.__name__


def test_files_stay_readable():
    # The aim is 350 lines; a little more is better than a file cut in the wrong place.
    long = {
        path.name: count
        for path in ROOT.glob("kanwidget/**/*.py")
        if (count := len(path.read_text().splitlines())) > 450
    }
    assert not long


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_documents_are_finished_and_their_links_lead_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "@@" not in text
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / link).exists()] == []
