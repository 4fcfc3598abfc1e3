"""The tables that the benchmark prints: means over splits, ranks, seconds, and where a method falls short."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata

from tools.benchmarks.tables.methods import BOOSTING, LINE, METHODS

#: A method falls short of the line by more than this much R², or accuracy; of boosting by more than that much of both.
_SHORT_OF_LINE, _SHORT_OF_BOOSTING = {False: 0.02, True: 0.01}, {False: 0.02, True: 0.02}


def key(table: str, seed: int, method: str) -> str:
    """Where the results keep a split of a table by a method."""
    return f"{table}/{seed}/{method}"


def summaries(
    jobs: Mapping[str, Any], tables: Mapping[str, bool], methods: Sequence[str], seeds: Sequence[int]
) -> list[Summary]:
    """The summary of the methods that have most splits, and where others have fewer, that of all on those which they share."""
    with_all = Summary(jobs, tables, methods, seeds)
    counts = {m: sum(key(t, s, m) in jobs for t in tables for s in seeds) for m in with_all.methods}
    whole = [method for method, count in counts.items() if count == max(counts.values())]
    return [with_all] if with_all.methods == whole else [Summary(jobs, tables, whole, seeds), with_all]


class Summary:
    """What jobs found, means over the splits that all methods have: ranks compare nothing else.

    Args:
        jobs: As the results keep them.
        tables: Names of the tables with whether they have classes.
        methods: Names of methods, of which those without any result are left out.
        seeds: Of the splits.
    """

    def __init__(
        self, jobs: Mapping[str, Any], tables: Mapping[str, bool], methods: Sequence[str], seeds: Sequence[int]
    ) -> None:
        self._jobs, self._classes = jobs, tables
        self.methods = [m for m in methods if any(key(t, s, m) in jobs for t in tables for s in seeds)]
        self.splits = {t: [s for s in seeds if all(key(t, s, m) in jobs for m in self.methods)] for t in tables}
        self.tables = [table for table, shared in self.splits.items() if shared and self.methods]

    def mean(self, table: str, method: str, figure: str) -> float:
        """The mean of a figure over the splits; NaN where a split has none, for it failed."""
        rows = [self._jobs[key(table, seed, method)] for seed in self.splits[table]]
        return float(np.mean([row.get(figure, math.nan) for row in rows]))

    def ranks(self) -> dict[str, float]:
        """The mean rank of each method over the tables, 1 the best; equal scores share, and what failed is last."""
        scores = np.array([[self.mean(table, m, "score") for m in self.methods] for table in self.tables])
        ranks = rankdata(-np.nan_to_num(scores, nan=-np.inf), axis=1).mean(0)
        return dict(zip(self.methods, ranks.tolist(), strict=True))

    def seconds(self, method: str) -> tuple[float, float]:
        """Median and longest seconds over the tables, each the mean of its splits."""
        values = [self.mean(table, method, "seconds") for table in self.tables]
        return float(np.median(values)), max(values)

    def short_of(self, method: str, reference: str) -> dict[str, float]:
        """By how much a method falls short of another one, where that is much."""
        limits = _SHORT_OF_LINE if reference == LINE else _SHORT_OF_BOOSTING
        if reference not in self.methods:
            return {}
        gaps = {t: self.mean(t, method, "score") - self.mean(t, reference, "score") for t in self.tables}
        return {table: gap for table, gap in gaps.items() if not gap >= -limits[self._classes[table]]}

    # ---- in print

    def lines(self) -> Iterator[str]:
        """All of it."""
        if not self.tables:
            yield "no split has results of all methods"
            return
        shared = sorted({seed for seeds in self.splits.values() for seed in seeds})
        yield f"splits {', '.join(map(str, shared))} of {len(self.tables)} tables"
        yield self._head("R², accuracy of classes")
        yield from (self._row(table, "score", 3) for table in self.tables)
        yield self._cells("mean rank", self.ranks().values(), 2)
        yield from ("", self._head("log loss of classes"))
        yield from (self._row(table, "log_loss", 3) for table in self.tables if self._classes[table])
        yield from ("", self._head("seconds of the processor"))
        yield from (self._row(table, "seconds", 2) for table in self.tables)
        for place, title in enumerate(("median", "longest")):
            yield self._cells(title, [self.seconds(method)[place] for method in self.methods], 2)
        yield from self._short("ridge or logistic by more than 0.02 of R² or 0.01 of accuracy", LINE)
        yield from self._short("boosting by more than 0.02", BOOSTING)
        yield from self._notes()

    def _short(self, title: str, reference: str) -> Iterator[str]:
        yield from ("", f"below {title}")
        for method in self.methods:
            gaps = self.short_of(method, reference)
            if method != reference:
                yield f"  {METHODS[method].title:<16}{', '.join(f'{t} {gap:+.3f}' for t, gap in gaps.items()) or '-'}"

    def _notes(self) -> Iterator[str]:
        yield ""
        most = max(self.splits.values(), key=len)
        fewer = {table: shared for table, shared in self.splits.items() if shared and shared != most}
        if fewer:
            yield f"not every method has all splits; compared on fewer: {fewer}"
        if absent := [table for table, shared in self.splits.items() if not shared]:
            yield f"left out, for not every method has a result: {', '.join(absent)}"
        for name, row in self._jobs.items():
            table, _, method = name.split("/")
            if "failure" in row and table in self.tables and method in self.methods:
                yield f"{name} failed: {row['failure']}"
        for method in self.methods:
            rows = [self._jobs[key(table, seed, method)] for table in self.tables for seed in self.splits[table]]
            yield f"{METHODS[method].title}: version {', '.join(sorted({row['version'] for row in rows}))}"

    def _head(self, title: str) -> str:
        return f"{title:<26}" + "".join(f"{METHODS[method].title:>16}" for method in self.methods)

    def _row(self, table: str, figure: str, digits: int) -> str:
        return self._cells(table, [self.mean(table, method, figure) for method in self.methods], digits)

    def _cells(self, title: str, values: Any, digits: int) -> str:
        return f"{title:<26}" + "".join(f"{value:>16.{digits}f}" for value in values)
