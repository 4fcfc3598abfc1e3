"""The parts of the benchmark: a row each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from tools.benchmarks.paper import accuracy, continual, elsewhere, feynman
from tools.benchmarks.paper.problems import SPECIAL, TOYS
from tools.benchmarks.paper.table import Line

#: A job: its key in the results, and the work that is to be done once.
Job = tuple[str, Callable[[], dict[str, Any]]]


@dataclass(frozen=True)
class Part:
    """Jobs whose results are kept, and the lines of the table that they make."""

    jobs: Callable[[bool], Iterator[Job]]
    """Quick or not → all jobs, those that have been done, too."""
    lines: Callable[[str, dict[str, Any]], Iterator[Line]]
    """Name of the part and results by key → lines; rows without results are left out."""
    results: str = "paper"
    """Name of the file of results."""


PARTS = {
    "toys": Part(partial(accuracy.kan_jobs, TOYS), partial(accuracy.lines, TOYS), "accuracy"),
    "special": Part(partial(accuracy.kan_jobs, SPECIAL), partial(accuracy.lines, SPECIAL), "accuracy"),
    "feynman": Part(feynman.jobs, feynman.lines, "feynman"),
    "poisson": Part(elsewhere.poisson_jobs, elsewhere.poisson_lines),
    "knots": Part(elsewhere.knots_jobs, elsewhere.knots_lines, "knots"),
    "anderson": Part(elsewhere.anderson_jobs, elsewhere.anderson_lines, "anderson"),
    "continual": Part(continual.jobs, continual.lines),
    "extension": Part(elsewhere.extension_jobs, elsewhere.extension_lines),
    "formulas": Part(elsewhere.no_jobs, elsewhere.formula_lines, "formulas"),
    "physics": Part(elsewhere.no_jobs, elsewhere.physics_lines, "physics"),
}
