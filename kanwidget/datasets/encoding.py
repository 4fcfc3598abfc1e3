"""Columns as they come: numbers, words, dates and missing cells of a frame, as the numbers that a network reads.

Numbers stay numbers, and dates become numbers since the first one. Words become the number of a level: the network has a value for each.
A missing word is a level of its own. A missing number is the mean of its column, and beside the column stands one more input with two
levels, given and missing, so that rows without the number have a value of their own. What training didn't have counts as the mean.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kanwidget import _check
from kanwidget.datasets import cells
from kanwidget.datasets.cells import Cells, Fault, Kind
from kanwidget.datasets.naming import column_indices, labels_of

_log = logging.getLogger(__name__)
#: Levels of missing cells, of the rarest ones together, and of cells that are there.
MISSING, OTHER, GIVEN = "missing", "other", "given"
#: The number of a level that training hadn't: between the first and the second, the mean of two.
UNMET = 0.5
#: Levels of the input beside a column with missing numbers.
FLAG = (GIVEN, MISSING)
#: Words are names, and say nothing about other rows, where they have more levels than this part of the rows.
_NAMES = 1 / 3
#: Why such names are left out where they are dates, and what those look like.
DATES_AS_TEXT = "dates as text"
_DATE = re.compile(r"\d{1,4}([-./])\d{1,2}\1\d{1,4}(?!\d)")
#: The rarest levels beyond so many become one.
_MOST_LEVELS = 100
#: Names of new levels that a warning says.
_NAMED = 5
#: Units of dates and durations, in seconds: the first one of which there are three between the smallest and the largest.
_UNITS = (("years", 365.2425 * 86400), ("days", 86400.0), ("hours", 3600.0), ("seconds", 1.0))
_LEAST_UNITS = 3


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a frame, and what a network reads of it."""

    name: str
    """In the frame."""
    kind: Kind
    levels: tuple[str, ...] = ()
    """Of words."""
    fill: float = 0.0
    """What stands for a missing number."""
    missing: int = 0
    """Cells that were missing."""
    pooled: int = 0
    """Levels that were too rare, and have become one."""
    unit: str = ""
    """Of dates and durations: one of `_UNITS`; "" of others."""
    origin: float = 0.0
    """Where dates begin, in seconds since 1970; 0 of others."""

    @property
    def inputs(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Name and levels of each input that the network has of it; a number has no levels.

        Beside numbers of which some were missing in training stands a second input, with the levels given and missing.
        """
        if self.kind == "words":
            return ((self.name, self.levels),)
        name = f"{self.name} [{self.unit}]" if self.unit else self.name
        return ((name, ()), (f"{self.name} {MISSING}", FLAG)) if self.missing else ((name, ()),)

    @property
    def since(self) -> str:
        """Of dates what they count, `days since 2026-03-01`; "" of others."""
        day = np.datetime64(int(self.origin), "s").astype("datetime64[D]")  # from seconds since 1970
        return f"{self.unit} since {day}" if self.kind == "dates" else ""

    def encoded(self, found: Cells) -> NDArray[np.float64]:
        """What a network reads of cells, `(rows, inputs)`, in the columns that `inputs` names.

        Words become numbers of levels, dates and durations numbers in the column's unit, and missing numbers `fill`. The second input,
        1 where a number is missing, is there only if the column had missing numbers in training; else there is a warning.

        Args:
            found: The cells, of this column's kind.
        """
        if self.kind == "words":
            return self._codes(found)[:, None]
        values = np.asarray(found.values, float)
        if self.unit:
            values = (values - self.origin) / self.second  # `second`: the seconds of the unit
        absent = np.isnan(values)
        filled = np.where(absent, self.fill, values)
        if self.missing:
            return np.stack([filled, absent.astype(float)], axis=1)
        if absent.any():
            rows = "1 row" if absent.sum() == 1 else f"{absent.sum()} rows"
            _log.warning("column %r is missing in %s, and wasn't in training: its mean stands for it", self.name, rows)
        return filled[:, None]

    def recoded(self, before: Column, values: Tensor, absent: Tensor | None = None) -> list[Tensor]:
        """The inputs that this column makes, `(rows,)` each, from those that another one has made of the same cells.

        Numbers of levels, of dates and of durations change; levels that this column doesn't have become `UNMET`, which counts as the mean.

        Args:
            before: The other column, of this kind, with its own levels, or unit and origin of dates.
            values: Its numbers or numbers of levels, `(rows,)`.
            absent: 1 where a number was missing, `(rows,)`; None where none was.
        """
        if self.kind == "words":
            codes = values.new_tensor([*map(self._code, before.levels), UNMET])
            return [codes[torch.where(values == UNMET, len(before.levels), values).long()]]
        # From the other column's unit and origin to seconds and to this one's: `second` is the seconds of a unit, 1 of numbers.
        moved = (values * before.second + (before.origin - self.origin)) / self.second
        absent = torch.zeros_like(values) if absent is None else absent
        filled = torch.where(absent == 1, self.fill, moved)
        return [filled, absent] if self.missing else [filled]

    def reads_as(self, other: Column) -> bool:
        """Whether another column makes the same inputs of the same cells: same names, levels, unit, origin, and mean for missing numbers.

        A mean counts only where this column had missing numbers.
        """
        fill = self.fill if self.missing else other.fill
        return self.inputs == other.inputs and self.origin == other.origin and fill == other.fill

    @property
    def second(self) -> float:
        """Seconds of its unit; 1 of numbers."""
        return dict(_UNITS).get(self.unit, 1.0)

    def other_kind(self, other: Column) -> Fault | None:
        """The fault of a column of this name that holds another kind of cells than this one had in training; None if it doesn't."""
        if self.kind == other.kind:
            return None
        return Fault(f"{self.kind} in column {self.name!r}, as in training", other.kind, "Convert the column.")

    def _code(self, level: str) -> float:
        """The number of a level of words.

        A level that training didn't have counts as the rare ones, if training made these one level, and else as `UNMET`, ½: the mean.
        """
        chosen = level if level in self.levels or not self.pooled else OTHER
        return float(self.levels.index(chosen)) if chosen in self.levels else UNMET

    def _codes(self, found: Cells) -> NDArray[np.float64]:
        """The number of each cell's level, `(rows,)`; a level that training hadn't gets `UNMET`, with a warning."""
        code = {text: self._code(MISSING if text is None else text) for text in {*found.values}}
        codes = np.array([code[text] for text in found.values], float)
        new = sorted(text for text, number in code.items() if number == UNMET and text is not None)
        if new:
            named = ", ".join(map(repr, new[:_NAMED])) + (", …" if len(new) > _NAMED else "")
            _log.warning("column %r has levels that training hadn't, which count as the mean: %s", self.name, named)
        return codes


@dataclass(frozen=True, slots=True)
class Encoding:
    """What a network reads of the columns of a frame.

    Examples:
        >>> import pandas
        >>> frame = pandas.DataFrame({"area": [50.0, None, 70.0, 60.0, 80.0, 90.0], "town": list("abbaab")})
        >>> encoding = Encoding.of(frame, ["area", "town"], "fit", "data")
        >>> encoding.names, encoding.levels
        (('area', 'area missing', 'town'), ((), ('given', 'missing'), ('a', 'b')))
        >>> encoding.encode(frame[:2], "fit", "data").tolist()
        [[50.0, 0.0, 0.0], [70.0, 1.0, 1.0]]
    """

    columns: tuple[Column, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    """Names of columns that no network reads, each with the reason."""
    rows_left_out: int = 0
    """Rows that had no target."""
    chosen: tuple[str, ...] | None = None
    """Names of the inputs that are read, in this order; all by default."""

    @property
    def _inputs(self) -> dict[str, tuple[str, ...]]:
        """Levels by the name of each input that the columns make, whether it is read or not; none of numbers."""
        return {name: levels for column in self.columns for name, levels in column.inputs}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the inputs that are read: those `chosen`, in their order, or else all that the columns make."""
        return tuple(self._inputs) if self.chosen is None else self.chosen

    @property
    def levels(self) -> tuple[tuple[str, ...], ...]:
        """Levels (names of the numbers 0, 1, …) of each input that is read, in the order of `names`; none of numbers."""
        inputs = self._inputs
        return tuple(inputs[name] for name in self.names)

    @property
    def flags(self) -> tuple[str, ...]:
        """Names of the inputs that are 1 where a number of the column beside them is missing, else 0, among those that are read."""
        # A column's `inputs` are pairs of name and levels: its own and, if numbers were missing in training, that of the flag.
        beside = {column.inputs[1][0] for column in self.columns if len(column.inputs) > 1}
        return tuple(name for name in self.names if name in beside)

    def only(self, names: Sequence[str]) -> Encoding:
        """The encoding of these inputs, in this order; those that it doesn't have are columns of numbers."""
        if tuple(names) == self.names:
            return self
        new = tuple(Column(name, "numbers") for name in names if name not in self._inputs)
        return replace(self, columns=(*self.columns, *new), chosen=tuple(names))

    def encode(self, df: Any, where: str, argument: str) -> NDArray[np.float64]:
        """The inputs of a frame, `(rows, inputs)`; columns go by name, or by place where none has such a name.

        Errors name the public call, `where`, and its `argument`.

        Raises:
            ValueError: For columns that are missing, or several that can't be read, all in one message.
            TypeError: For one column that can't be read.
        """
        labels = labels_of(df)
        read = [column for column in self.columns if any(name in self.names for name, _ in column.inputs)]
        indices = column_indices(list(map(str, labels)), [column.name for column in read], where, argument)
        places = range(len(read)) if indices is None else indices
        faults: list[Fault] = []
        parts: dict[str, NDArray[np.float64]] = {}
        for column, place in zip(read, places, strict=True):
            found = cells.read(df, labels[place], column.kind)
            if isinstance(found, Fault):
                faults.append(found)
                continue
            for (name, _), values in zip(column.inputs, column.encoded(found).T, strict=True):
                parts[name] = values
        cells.refuse(faults, where, argument)
        return np.stack([parts[name] for name in self.names], axis=1)

    @classmethod
    def of(cls, df: Any, labels: Sequence[Any], where: str, argument: str, others: Sequence[Fault] = ()) -> Encoding:
        """The encoding of some columns of a frame.

        Columns from which nothing can be learnt are in its `left_out`, with the reason.

        Args:
            df: The frame.
            labels: The columns.
            where: The public function, for errors.
            argument: The name of the frame's argument, for errors.
            others: Faults of other columns (why these can't be read), which an error names, too.

        Raises:
            ValueError: If no column remains though all can be read, two inputs would have the same name, or columns can't be read.
        """
        columns, left_out, faults = [], [], []
        for label in labels:
            found = cells.read(df, label)
            if isinstance(found, Fault):
                faults.append(found)
                continue
            if reason := _useless(found):
                left_out.append((str(label), reason))
            else:
                columns.append(_column(str(label), found))
        if not columns and not faults:
            reasons = "; ".join(f"{name!r} has {reason}" for name, reason in left_out)
            _check.fail(argument, where, "a frame with a column that says something", reasons)
        names = Counter(name for column in columns for name, _ in column.inputs)
        if twice := [name for name, count in names.items() if count > 1]:
            advice = "A column with missing cells has an input of this name beside it: rename or drop the column of that name."
            _check.fail(argument, where, "a frame whose inputs have different names", twice, advice)
        cells.refuse([*faults, *others], where, argument)
        return cls(tuple(columns), tuple(left_out))

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for a file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Encoding:
        """The encoding that `to_dict` has made plain data of: lists, as JSON has them, become tuples again."""
        columns = tuple(Column(**{**column, "levels": tuple(column["levels"])}) for column in data["columns"])
        left_out = tuple((name, reason) for name, reason in data["left_out"])
        chosen = None if data["chosen"] is None else tuple(data["chosen"])  # the inputs that are read; None for all
        return cls(columns, left_out, data["rows_left_out"], chosen)


def _useless(found: Cells) -> str:
    """Why nothing can be learnt from a column, in words that follow "has"; "" for a column that a network reads."""
    if found.absent.all():
        return "no filled cell"
    if found.kind != "words":
        return ""
    levels = {text for text in found.values if text is not None}
    count, rows = len(levels), len(found.values)
    if count == 1 and not found.absent.any():
        return "one level"
    # With more levels than a third of the rows words are names, which say nothing about other rows.
    if count <= _NAMES * rows or count <= 2:
        return ""
    return f"{count:,} {DATES_AS_TEXT}" if all(map(_DATE.match, levels)) else f"{count:,} levels in {rows:,} rows"


def _column(name: str, found: Cells) -> Column:
    """A column as training reads it: levels of words; of numbers the mean, for missing ones; of dates also unit and origin.

    The unit is the largest of which dates or durations span three; their mean is in it, counted from the origin.

    Args:
        name: In the frame.
        found: The cells, at least one of them filled.
    """
    missing = int(found.absent.sum())
    if found.kind == "words":
        levels, pooled = _levels(found)
        return Column(name, "words", levels, missing=missing, pooled=pooled)
    values = np.asarray(found.values, float)
    present = values[~found.absent]
    if found.kind == "numbers":
        return Column(name, "numbers", fill=_mean(present), missing=missing)
    span, day = float(present.max() - present.min()), 86400.0
    unit, seconds = next((one for one in _UNITS if span >= _LEAST_UNITS * one[1]), _UNITS[-1])
    # Durations begin with none, and dates with the first day.
    origin = 0.0 if found.kind == "durations" else float(present.min() // day * day)
    # Without levels, and so without pooled ones; the mean is in the unit, from the origin on.
    return Column(name, found.kind, (), (_mean(present) - origin) / seconds, missing, 0, unit, origin)


def _mean(values: NDArray[np.float64]) -> float:
    """The mean of numbers, each divided before the sum: that of numbers near 1e308 would overflow."""
    return float((values / len(values)).sum())


def _levels(found: Cells) -> tuple[tuple[str, ...], int]:
    """The levels of a column of words, and how many rare ones were pooled.

    Args:
        found: The cells.

    Returns:
        Levels in the order that the column gives them, else in that of the alphabet: all, or of more than 100 the 99 most frequent ones
        and `other`; last `missing`, where a cell is. And the number of levels that `other` stands for, 0 without it.
    """
    counts = Counter(text for text in found.values if text is not None)
    order = [level for level in found.order if level in counts] if found.order else sorted(counts)
    kept, pooled = order, 0
    if len(order) > _MOST_LEVELS:
        frequent = sorted(order, key=lambda level: -counts[level])[: _MOST_LEVELS - 1]
        kept, pooled = [level for level in order if level in set(frequent)], len(order) - len(frequent)
    more = [OTHER] * (pooled > 0) + [MISSING] * bool(found.absent.any())
    return tuple(dict.fromkeys([*kept, *more])), pooled
