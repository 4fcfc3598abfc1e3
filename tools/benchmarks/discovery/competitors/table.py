"""The competitors by name."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from tools.benchmarks.discovery.competitors.problem import Competitor

#: Their modules, which import what may not be installed.
COMPETITORS = {"kanwidget": "own", "pyoperon": "operon", "gplearn": "genetic"}
if find_spec("kanwidget.discovery.steps") is None:  # `discover` isn't there yet
    COMPETITORS["kanwidget"] = "engine"


def competitor(name: str) -> Competitor:
    """The competitor of a name, with all that it imports."""
    solve: Competitor = import_module(f"tools.benchmarks.discovery.competitors.{COMPETITORS[name]}").solve
    return solve
