"""Tables of the benchmark: a line a suite and competitor, and the cases without an exact formula by name."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from tools.benchmarks.discovery.store import Row, Task
from tools.benchmarks.discovery.suites import SUITES

_FORM = "{:<14} {:<10} {:>5} {:>7} {:>8} {:>5} {:>5} {:>6} {:>6} {:>9} {:>7} {:>6} {:>6} {:>6}"
HEAD = _FORM.format(
    "suite",
    "competitor",
    "noise",
    "dummies",
    "seconds",
    "units",
    "cases",
    "exact",
    "form",
    "R²>0.999",
    "median",
    "5 s",
    "15 s",
    "60 s",
)
LEGEND = (
    "Exact: within a thousandth of the law on its ranges and on ranges wider by half, after a fit of constants. Form: the law with other\n"
    "constants. Median: seconds of the processor until an exact formula first was the best, over the cases with one; then the share of\n"
    "these within 5, 15 and 60 s."
)
_LIMITS = (5.0, 15.0, 60.0)
_GOOD = 0.999

Group = tuple[str, str, float, int, float, bool]


def table(rows: Iterable[Row]) -> Iterator[str]:
    """Lines of all groups of rows, by suite, noise, dummies, seconds and competitor."""
    grouped = groups(rows)
    yield HEAD
    for group in sorted(grouped, key=_order):
        yield _line(group, grouped[group])
    yield ""
    yield LEGEND


def failures(rows: Iterable[Row]) -> Iterator[str]:
    """The cases of each group without an exact formula: names, with ~ where the form is right, with ! where the search broke down."""
    grouped = groups(rows)
    for group in sorted(grouped, key=_order):
        names = [_mark(row) + row.task.case for row in grouped[group] if not row.exact]
        if names:
            suite, competitor, noise, dummies, seconds, units = group
            conditions = f"noise {noise:g}, {dummies} dummies, {seconds:g} s{', units' if units else ''}"
            yield f"\n{suite}, {competitor}, {conditions}: {len(names)} not exact"
            yield "  " + ", ".join(names)


def times(rows: Iterable[Row]) -> Iterator[str]:
    """Where the time goes: seconds and share of each strategy, where competitors say so."""
    totals: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        for strategy, seconds in row.times:
            totals[row.task.competitor][strategy] += seconds
    for competitor, strategies in totals.items():
        whole = sum(strategies.values()) or 1.0
        yield f"\n{competitor}: where the time goes"
        for strategy, seconds in sorted(strategies.items(), key=lambda pair: -pair[1]):
            yield f"  {strategy:<40} {seconds:>9.1f} s {seconds / whole:>5.0%}"


def versions(rows: Iterable[Row]) -> Iterator[str]:
    """How many answers are those of which version of a competitor."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        counts[row.task.competitor][row.version or "unknown"] += 1
    for competitor, counted in sorted(counts.items()):
        answers = ", ".join(f"{count} of version {version}" for version, count in counted.most_common())
        yield f"\nanswers of {competitor}: {answers}"


def groups(rows: Iterable[Row]) -> dict[Group, list[Row]]:
    """Rows of the same suite, competitor and conditions, sorted by case."""
    result: dict[Group, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.task):
        result[_group(row.task)].append(row)
    return dict(result)


def _group(task: Task) -> Group:
    return task.suite, task.competitor, task.noise, task.dummies, task.seconds, task.units


def _order(group: Group) -> tuple[int, float, int, float, bool, str]:
    suite, competitor, noise, dummies, seconds, units = group
    return SUITES.index(suite), noise, dummies, seconds, units, competitor


def _line(group: Group, rows: Sequence[Row]) -> str:
    suite, competitor, noise, dummies, seconds, units = group
    firsts = [row.first for row in rows if row.exact and row.first is not None]
    median = f"{statistics.median(firsts):.1f}" if firsts else "-"
    shares = [f"{sum(first <= limit for first in firsts) / len(firsts):.0%}" if firsts else "-" for limit in _LIMITS]
    counts = (
        sum(map(bool, verdicts)) for verdicts in zip(*((r.exact, r.form, r.r2 > _GOOD) for r in rows), strict=True)
    )
    cells = (f"{noise:g}", dummies, f"{seconds:g}", "told" if units else "-", len(rows), *counts, median, *shares)
    return _FORM.format(suite, competitor, *cells)


def _mark(row: Row) -> str:
    return "!" if row.failure else "~" if row.form else ""
