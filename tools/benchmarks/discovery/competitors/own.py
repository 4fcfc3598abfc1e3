"""kanwidget's `discover`, with its defaults."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Generator, Sequence

import sympy

from kanwidget import discover_steps
from kanwidget.datasets import Dataset
from tools.benchmarks.discovery.competitors.problem import Problem

#: Characters of the name of a strategy.
_LONGEST = 40


def solve(problem: Problem) -> Generator[sympy.Expr, None, dict[str, float]]:
    """The best formula whenever there is another one; in the end the seconds of each kind of attempt."""
    data, seconds = problem.data, problem.clock.seconds
    table = Dataset(data.train_input, data.train_label, in_vars=data.in_vars, out_vars=data.out_vars)
    steps = discover_steps(table, seconds=seconds, seed=problem.seed, units=problem.units)
    steps._clock = time.process_time
    best, attempt, spent = None, "start", defaultdict(float)
    for step in steps:
        spent[attempt] += step.seconds - sum(spent.values())
        if step.kind == "trying":
            attempt = strategy(step.text, data.in_vars)
        if step.best is not None and step.best is not best:
            best = step.best
            yield best.sympy
    if best is not steps.discovery.best:
        yield steps.discovery.best.sympy
    return {name: round(value, 2) for name, value in spent.items()}


def strategy(text: str, columns: Sequence[str]) -> str:
    """What is tried, without numbers and names of columns and without what for, so that cases have it in common.

    Examples:
        >>> strategy("trying 240 curves of x_1 for log(y)", ("x_1", "x_2"))
        '… curves of …'
    """
    names = "|".join(map(re.escape, sorted(columns, key=len, reverse=True)))
    short = text.removeprefix("trying ").partition(" for ")[0]
    return re.sub(rf"(?<!\w)({names})(?!\w)|\d+", "…", short)[:_LONGEST]
