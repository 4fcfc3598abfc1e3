"""Formulas of pykan's notebooks, read from the results of `tools.benchmarks.formulas` and `tools.benchmarks.physics`.

These are commands of their own. A row whose notebook ends with another measure than ours is in their tables only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from tools.benchmarks.paper.table import Line

#: A test error, or the accuracy of a classifier.
_ERROR, _ACCURACY = re.compile(r"[\d.]+(e-\d+)?"), re.compile(r"([\d.]+) % right")
#: The test error behind a formula of pykan's: `formula, 2.9e-11 (notebook)`.
_BEHIND_A_FORMULA = re.compile(r", ([\d.]+e-\d+) \(")


def jobs(quick: bool) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """None: results come from the other commands."""
    yield from ()


def formula_lines(part: str, results: dict[str, Any]) -> Iterator[Line]:
    """Formulas of notebook 13."""
    for run in results.values():
        note = f"exact from {run['exact']} of {run['starts']} starts"
        if run["error"] is not None and _ERROR.fullmatch(run["published"]):
            yield Line(part, run["task"], float(run["published"]), [run["error"]], run["seconds"], note)
        elif run["accuracy"] is not None and (accuracy := _ACCURACY.fullmatch(run["published"])):
            published, ours = float(accuracy[1]), 100 * run["accuracy"]
            yield Line(part, run["task"], published, [ours], run["seconds"], "classes of test rows", percent=True)


def physics_lines(part: str, results: dict[str, Any]) -> Iterator[Line]:
    """Formulas of notebook 14."""
    for run in results.values():
        if error := _BEHIND_A_FORMULA.search(run["theirs"]):
            note = "the exact formula" if run["exact"] else "not the exact formula"
            yield Line(part, run["name"], float(error[1]), [run["rmse"]], run["seconds"], note)
