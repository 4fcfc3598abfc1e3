"""What competitors answered and what the answers are worth: a CSV file a competitor, which a run that is broken off goes on with."""

from __future__ import annotations

import csv
import fcntl
import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).with_name("results")


class Task(NamedTuple):
    """What is asked of a competitor, which is the key of its answer."""

    competitor: str
    suite: str
    case: str
    noise: float = 0.0
    dummies: int = 0
    seconds: float = 60.0
    seed: int = 0
    units: bool = False
    """Whether the competitor is told the units of the columns, if it can use them."""


class Best(NamedTuple):
    """A formula that was the best one from a second on."""

    seconds: float
    formula: str


@dataclass(frozen=True)
class Row:
    """An answer, and its verdict where there is one."""

    task: Task
    trace: tuple[Best, ...] = ()
    """The best formulas in the order in which they came, as far as they predict about as well as the last one."""
    spent: float = 0.0
    """Seconds of the processor until the competitor ended."""
    failure: str = ""
    """Why the search was broken off, if it was."""
    version: str = ""
    """Of the competitor; of kanwidget a hash of the search's source."""
    times: tuple[tuple[str, float], ...] = ()
    """Seconds of each strategy, where the competitor says so."""
    exact: bool | None = None
    form: bool | None = None
    r2: float = -math.inf
    first: float | None = None
    """When an exact formula first was the best one, where the answer is exact."""

    @property
    def formula(self) -> str:
        """The answer; empty where there is none."""
        return self.trace[-1].formula if self.trace else ""

    @property
    def judged(self) -> bool:
        """Whether there is a verdict."""
        return self.exact is not None


_PLAIN = ("spent", "failure", "version", "exact", "form", "r2", "first")
_COLUMNS = [*Task._fields, "formula", *(f.name for f in fields(Row) if f.name not in ("task", "trace")), "trace"]


class Store:
    """Rows of all competitors in a folder."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder

    def rows(self, competitor: str) -> dict[Task, Row]:
        """All answers of a competitor."""
        path = self._path(competitor)
        if not path.exists():
            return {}
        with path.open(newline="", encoding="utf-8") as file:
            return {row.task: row for row in map(_row, csv.DictReader(file))}

    def put(self, row: Row) -> None:
        """Keep a row, in the place of an earlier one with its task."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(row.task.competitor)
        lock = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            whole = self.rows(row.task.competitor) | {row.task: row}
            _write(path, [whole[task] for task in sorted(whole)])
        finally:
            os.close(lock)

    def _path(self, competitor: str) -> Path:
        return self.folder / f"{competitor}.csv"


def _write(path: Path, rows: Iterable[Row]) -> None:
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(_record, rows))
    temporary.replace(path)


def _record(row: Row) -> dict[str, object]:
    """The cells of a row. The last formula has a column of its own, so that the trace has its second only."""
    trace = [[best.seconds, best.formula] for best in row.trace]
    if trace:
        trace[-1][1] = ""
    cells = row.task._asdict() | {"formula": row.formula, "trace": json.dumps(trace), "times": json.dumps(row.times)}
    return cells | {name: getattr(row, name) for name in _PLAIN}


def _row(cells: dict[str, str]) -> Row:
    task = Task(
        cells["competitor"],
        cells["suite"],
        cells["case"],
        float(cells["noise"]),
        int(cells["dummies"]),
        float(cells["seconds"]),
        int(cells["seed"]),
        cells.get("units") == "True",
    )
    return Row(
        task,
        tuple(Best(seconds, formula or cells["formula"]) for seconds, formula in json.loads(cells["trace"])),
        float(cells["spent"]),
        cells["failure"],
        cells["version"],
        tuple((name, seconds) for name, seconds in json.loads(cells["times"])),
        _verdict(cells["exact"]),
        _verdict(cells["form"]),
        float(cells["r2"]),
        float(cells["first"]) if cells["first"] else None,
    )


def _verdict(cell: str) -> bool | None:
    return None if not cell else cell == "True"
