"""A task's answer, and the verdict on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import sympy

from kanwidget.datasets import Dataset
from tools.benchmarks.discovery.competitors.problem import Clock, Problem
from tools.benchmarks.discovery.competitors.table import competitor
from tools.benchmarks.discovery.judge import explained, is_law, judge, parse
from tools.benchmarks.discovery.store import Best, Row, Task
from tools.benchmarks.discovery.suites import Case, cases

#: Formulas are kept that predict as well as the answer but for this part of the variance, and at most so many.
_NEAR, _MOST = 1e-4, 10
#: The failure of rows that aren't the last one of a search.
UNFINISHED = "unfinished"
#: Rows to train on and to test on.
ROWS = 1000


def case_of(task: Task) -> Case:
    """The case of a task."""
    return next(case for case in cases(task.suite) if case.name == task.case)


def data_of(task: Task) -> Dataset:
    """The rows of a task."""
    return case_of(task).rows(ROWS, test=ROWS, seed=task.seed, noise=task.noise, dummies=task.dummies)


def units_of(task: Task) -> dict[str, str]:
    """The units of a task's columns and target; columns without effect are drawn as the case's columns in turn, in their units."""
    equation = case_of(task).equation
    dummies = {f"dummy_{i + 1}": equation.units[i % len(equation.units)] for i in range(task.dummies)}
    columns = dict(zip(equation.variables, equation.units, strict=True))
    return {**columns, **dummies, equation.target: equation.target_unit}


def answers(task: Task) -> Iterator[Row]:
    """The row of a task whenever the competitor has a better formula, and at its end, without a verdict."""
    solve, data = competitor(task.competitor), data_of(task)
    clock = Clock(task.seconds)
    row = Row(task)
    steps = solve(Problem(data, clock, task.seed, units_of(task) if task.units else None))
    try:
        while True:
            expr = next(steps)
            seconds = round(clock.spent, 2)
            trace = (*row.trace, Best(seconds, str(expr)))
            row = replace(row, trace=trace, spent=seconds, failure=UNFINISHED)
            yield row
    except StopIteration as end:
        row = replace(row, times=tuple((end.value or {}).items()), failure="")
    except Exception as error:
        row = replace(row, failure=f"{type(error).__name__}: {error}")
    yield replace(row, trace=_shortened(row.trace, data), spent=round(clock.spent, 2))


def _shortened(trace: tuple[Best, ...], data: Dataset) -> tuple[Best, ...]:
    """The formulas that predict about as well as the last one."""
    if not trace:
        return ()
    shares = [explained(parse(best.formula, tuple(data.in_vars)), data) for best in trace]
    near = [best for best, share in zip(trace, shares, strict=True) if share >= shares[-1] - _NEAR]
    return tuple(near[-_MOST:])


def judged(row: Row) -> Row:
    """The row with its verdict."""
    case, data = case_of(row.task), data_of(row.task)
    if not row.trace:
        return replace(row, exact=False, form=False)
    verdict = judge(_parsed(row.formula, data), case, data)
    first = _first_exact(row.trace, case, data) if verdict.exact else None
    return replace(row, exact=verdict.exact, form=verdict.form, r2=verdict.r2, first=first)


def _first_exact(trace: tuple[Best, ...], case: Case, data: Dataset) -> float:
    """When an exact formula first was the best one."""
    earlier = (best.seconds for best in trace[:-1] if is_law(_parsed(best.formula, data), case, data))
    return next(earlier, trace[-1].seconds)


def _parsed(text: str, data: Dataset) -> sympy.Expr:
    return parse(text, tuple(data.in_vars))
