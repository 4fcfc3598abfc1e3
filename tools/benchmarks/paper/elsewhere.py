"""Parts that other benchmarks measure: their jobs, and lines of the common table."""

from __future__ import annotations

import contextlib
import io
import re
import statistics
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from kanwidget import KAN
from tools.benchmarks import anderson, extension, pde
from tools.benchmarks.knots.__main__ import SEEDS
from tools.benchmarks.knots.__main__ import job as knots_job
from tools.benchmarks.paper.store import runs
from tools.benchmarks.paper.table import Line

Jobs = Iterator[tuple[str, Callable[[], dict[str, Any]]]]


# ---- Poisson's equation, section 3.4


def poisson_jobs(quick: bool) -> Jobs:
    """The paper's shape with splines of order 5, G = 5 then 10."""
    for seed in range(1 if quick else 3):
        yield f"poisson/{seed}", lambda seed=seed: _poisson(31 if quick else 41, seed)


def _poisson(points: int, seed: int) -> dict[str, Any]:
    with contextlib.redirect_stdout(io.StringIO()):  # rows print themselves
        return pde.kan_row(pde.poisson(points), KAN([2, 10, 1], grid=5, k=5, seed=seed), 60, (10,))[-1]


def poisson_lines(part: str, results: dict[str, Any]) -> Iterator[Line]:
    """The squared errors of the solution and of its gradient."""
    if found := runs(results, "poisson"):
        seconds = statistics.median(run["seconds"] for run in found)
        for row, key in (("squared L2 error", "l2_squared"), ("squared H1 error", "h1_squared")):
            yield Line(part, row, pde.PUBLISHED["poisson"][key], [run[key] for run in found], seconds)


# ---- knots, section 4.3

#: Row, method of the knots' benchmark, accuracy in the paper.
KNOTS = (
    ("classes by a KAN", "KAN [6, 2, classes]", 81.6),
    ("formula, best", "formula", 84.0),
    ("formula by people", "human formula", 83.1),
)


def knots_jobs(quick: bool) -> Jobs:
    """Splits of the methods that the paper has, too."""
    for _, method, _ in KNOTS[1:] if quick else KNOTS:
        for seed in range(1 if quick else SEEDS):
            yield f"{method}/{seed}", lambda method=method, seed=seed: knots_job(method, seed)


def knots_lines(part: str, results: dict[str, Any]) -> Iterator[Line]:
    """Accuracies on test rows."""
    for row, method, published in KNOTS:
        if found := runs(results, method):
            seconds = statistics.median(run["seconds"] for run in found)
            accuracies, note = [100 * run["test"] for run in found], "a mark only: other knots and columns"
            yield Line(part, row, published, accuracies, seconds, note, percent=True, clock=True)


# ---- Anderson localization, section 4.4

#: Model → the best accuracy in the paper's table 5, which is that of the exact mobility edge.
ANDERSON = {"gaam": 99.2, "maam": 98.6}


def anderson_jobs(quick: bool) -> Jobs:
    """Both models of table 5, on rings, and once on open chains."""
    for task in anderson.TASKS:
        if task.model in ANDERSON:
            for boundary, seed in (("ring", 0),) if quick else (("ring", 0), ("ring", 1), ("ring", 2), ("open", 0)):
                sizes = {"chains": 100, "test_chains": 50} if quick else {}
                task = replace(task, rows=task.rows | sizes)
                key = f"{task.model}/{boundary}/{seed}"
                yield key, lambda task=task, seed=seed, boundary=boundary: anderson.run(task, seed, boundary)


def anderson_lines(part: str, results: dict[str, Any]) -> Iterator[Line]:
    """Accuracies of the formulas with the functions that a person would guess from the curves."""
    for model, published in ANDERSON.items():
        for boundary in ("ring", "open"):
            if found := runs(results, f"{model}/{boundary}"):
                exact = statistics.median(run["ways"]["theory"]["accuracy"] for run in found)
                seconds = statistics.median(run["seconds"]["assumed"] for run in found)
                accuracies = [run["ways"]["assumed"]["accuracy"] for run in found]
                note = f"a mark only: other chains; the exact edge has {exact:.1f} % on ours"
                yield Line(part, f"{model}, {boundary}", published, accuracies, seconds, note, percent=True)


# ---- grid extension in one call

#: Why a row isn't better.
EXTENSION = {"4-D": "a dozen of 3,000 test points, in corners without training rows, make the error"}


def extension_jobs(quick: bool) -> Jobs:
    """Functions of figure 3.1, of which only the shape is chosen."""
    for name in extension.TARGETS:
        for seed in range(1 if quick else 5):
            yield (
                f"extension/{name}/{seed}",
                lambda name=name, seed=seed: extension.measured(name, seed, grids=[3, 6, 12] if quick else "auto"),
            )


def extension_lines(part: str, results: dict[str, Any]) -> Iterator[Line]:
    """The same functions, drawn evenly at random."""
    for name, target in extension.TARGETS.items():
        if found := runs(results, f"extension/{name}"):
            seconds, typical = (statistics.median(run[key] for run in found) for key in ("seconds", "typical"))
            line = Line(part, name, target, [run["error"] for run in found], seconds)
            reason = f"{EXTENSION[name]}; the median deviation is {typical:.0e}" if name in EXTENSION else ""
            yield line if line.below else replace(line, note=reason)


# ---- formulas of pykan's notebooks: commands of their own, whose results are shown. A row whose notebook ends with another measure
# than ours is in their tables only.

#: A test error, or the accuracy of a classifier.
_ERROR, _ACCURACY = re.compile(r"[\d.]+(e-\d+)?"), re.compile(r"([\d.]+) % right")
#: The test error behind a formula of pykan's: `formula, 2.9e-11 (notebook)`.
_BEHIND_A_FORMULA = re.compile(r", ([\d.]+e-\d+) \(")


def no_jobs(quick: bool) -> Jobs:
    """None: `python -m tools.benchmarks.formulas` and `… .physics` do them."""
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
