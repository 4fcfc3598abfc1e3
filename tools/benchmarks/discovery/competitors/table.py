"""The competitors by name."""

from __future__ import annotations

import hashlib
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import kanwidget
from tools.benchmarks.discovery.competitors.problem import Competitor

#: Their modules, which import what may not be installed.
COMPETITORS = {"kanwidget": "own", "pyoperon": "operon", "gplearn": "genetic"}

_SEARCH = Path(kanwidget.__file__).with_name("discovery")


def competitor(name: str) -> Competitor:
    """The competitor of a name, with all that it imports."""
    solve: Competitor = import_module(f"tools.benchmarks.discovery.competitors.{COMPETITORS[name]}").solve
    return solve


def version_of(name: str) -> str:
    """The version of a competitor. The search of kanwidget changes between two releases, so it is a hash of its source."""
    if name != "kanwidget":
        return version(name)
    sources = sorted(_SEARCH.rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:10]
