"""The results of a sweep as a table: sorting, selection, medians, export, and the page of a notebook."""

from __future__ import annotations

import json
import math
import os
import statistics
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any, overload

from kanwidget import _check
from kanwidget.sweeps.batches import Row

#: Columns that a training fills; all others but `seed` are settings.
RESULTS = (
    "parameters", "train_loss", "validation_loss", "test_loss", "steps_taken", "seconds", "optimizer", "stop_reason",
    "failed",
)  # fmt: skip
_NUMBERS = RESULTS[:6]
#: Columns that networks are judged by, the first that has values.
_ERRORS = ("validation_loss", "test_loss", "train_loss")
#: Most rows in a notebook; `to_pandas` has all.
_MOST_ROWS = 30


class Table(Sequence[Row]):
    """Rows of a sweep, one for each network: its settings, then its results.

    `parameters` is the number of trained parameters, losses are root mean squared errors (mean losses where these aren't squared) of
    the final state, `seconds` are the network's share of its batch, and `failed` says why there are no numbers.

    Args:
        rows: Dicts; where one lacks a column, or has NaN there (as pandas writes it), it reads None.

    Examples:
        >>> table = Table([{"grid": 3, "seed": 0, "test_loss": 0.2}, {"grid": 5, "seed": 0, "test_loss": 0.1}])
        >>> table["grid"], table.best()["grid"], len(table.where(grid=3))
        ([3, 5], 5, 1)
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows: list[Row] = [
            {name: None if _is_nan(value) else value for name, value in row.items()} for row in rows
        ]

    # ---- reading

    @property
    def columns(self) -> list[str]:
        """Names of the columns: settings, seed, results."""
        names = list(dict.fromkeys(name for row in self._rows for name in row))
        # False comes before True: settings have it twice, the seed once; of results the first is True.
        return sorted(names, key=lambda name: (name in RESULTS, name == "seed"))

    @property
    def settings(self) -> list[str]:
        """The columns that are settings."""
        return [name for name in self.columns if name not in RESULTS and name not in ("seed", *_COUNTS)]

    @property
    def failed(self) -> Table:
        """The networks that could not be trained."""
        return Table(row for row in self._rows if row.get("failed"))

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Table: ...
    @overload
    def __getitem__(self, index: str) -> list[Any]: ...
    def __getitem__(self, index: Any) -> Any:
        """A row for a number, a table for a slice, a column as a list for a name."""
        if isinstance(index, str):
            self._check_column(index, "index", "Table[…]")
            return [row.get(index) for row in self._rows]
        return Table(self._rows[index]) if isinstance(index, slice) else dict(self._rows[index])

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter([dict(row) for row in self._rows])

    def where(self, **values: Any) -> Table:
        """The rows with these values, `table.where(grid=3, width=[2, 5, 1])`."""
        for name in values:
            self._check_column(name, "**values", "where")
        criteria = {name: _as_list(value) for name, value in values.items()}
        return Table(row for row in self._rows if all(row.get(name) == value for name, value in criteria.items()))

    def sort(self, by: str | None = None, *, descending: bool = False) -> Table:
        """Another table, sorted by a column (by default the error); rows without a value come last."""
        name = self.error if by is None else by
        self._check_column(name, "by", "sort")
        filled = [row for row in self._rows if row.get(name) is not None]
        empty = [row for row in self._rows if row.get(name) is None]
        return Table([*sorted(filled, key=lambda row: row[name], reverse=descending), *empty])

    def best(self, by: str | None = None) -> Row:
        """The row with the smallest value of a column, by default of the error.

        Raises:
            ValueError: Where no row has a value.
        """
        first = self.sort(by)[:1]
        if not len(first) or first[0].get(self.error if by is None else by) is None:
            _check.fail("by", "best", "a column with a value in some row", by, "See the column `failed`.")
        return first[0]

    @property
    def error(self) -> str:
        """The column by which networks are judged: `validation_loss` where there is one, else `test_loss`, `train_loss`."""
        return next((n for n in _ERRORS if any(row.get(n) is not None for row in self._rows)), _ERRORS[-1])

    def medians(self) -> Table:
        """One row for each setting: medians over its seeds, `networks` (how many could be trained) and `failures`."""
        settings, columns = self.settings, self.columns
        numbers = [name for name in _NUMBERS if name in columns]
        groups: dict[str, list[Row]] = {}
        for row in self._rows:
            groups.setdefault(json.dumps([row.get(name) for name in settings]), []).append(row)
        return Table(_median(rows, settings, numbers) for rows in groups.values())

    # ---- export

    def to_pandas(self) -> Any:
        """A pandas data frame. Columns with lists, such as widths, are text there, so that they can be grouped by.

        Raises:
            ImportError: Without pandas.
        """
        try:
            import pandas as pd
        except ImportError:
            message = "to_pandas needs pandas, which is not installed: pip install 'kanwidget[sweep]'"
            raise ImportError(message) from None
        return pd.DataFrame({name: _flat([row.get(name) for row in self._rows]) for name in self.columns})

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write a Parquet file.

        Raises:
            ImportError: Without pandas and pyarrow.
        """
        self.to_pandas().to_parquet(path, engine="pyarrow", index=False)

    def _check_column(self, name: Any, argument: str, where: str) -> None:
        """Refuse a name that is no column of the table; `argument` and `where` are for the error."""
        columns = self.columns
        if not columns:
            _check.fail(argument, where, "a column of a table that has rows", name, "This one has none.")
        _check.choice(name, argument, where, columns)

    def __repr__(self) -> str:
        failed = f", {len(self.failed)} failed" if len(self.failed) else ""
        rows = f"{len(self)} row{'' if len(self) == 1 else 's'}"
        return f"Table({rows}{failed}: {', '.join(self.settings) or 'no settings'})"

    def _repr_html_(self) -> str:
        return _html(self.columns, self._rows)


_COUNTS = ("networks", "failures")


def _median(rows: list[Row], settings: list[str], numbers: list[str]) -> Row:
    """The rows of one setting as one: its values, medians of the numbers over the networks that didn't fail, and how many these are.

    Args:
        rows: One for each seed.
        settings: Names of the columns that are settings.
        numbers: Names of the columns of numbers.
    """
    medians: Row = {name: rows[0].get(name) for name in settings}
    good = [row for row in rows if not row.get("failed")]
    for name in numbers:
        values = [row[name] for row in good if row.get(name) is not None]
        medians[name] = statistics.median(values) if values else None
    return {**medians, "networks": len(good), "failures": len(rows) - len(good)}


def _is_nan(value: Any) -> bool:
    """Whether a cell is NaN, as pandas writes an empty one."""
    return isinstance(value, float) and math.isnan(value)


def _as_list(value: Any) -> Any:
    """A value with lists in place of tuples, also within lists: rows hold lists, and a list never equals a tuple."""
    return [_as_list(item) for item in value] if isinstance(value, (list, tuple)) else value


def _flat(column: list[Any]) -> list[Any]:
    """A column with lists in it as text, all of it: Parquet takes one type a column."""
    if not any(isinstance(value, list) for value in column):
        return column
    return [None if value is None else json.dumps(value) for value in column]


def _html(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> str:
    """The first rows as HTML, without columns that are empty in all of them."""
    visible = rows[:_MOST_ROWS]
    filled = [name for name in columns if any(row.get(name) is not None for row in visible)]
    head = _line("th", ["", *filled])
    body = "".join(_line("td", [index, *(row.get(name) for name in filled)]) for index, row in enumerate(visible))
    hidden = len(rows) - len(visible)
    note = f"<p>{hidden} more row{'' if hidden == 1 else 's'}: <code>to_pandas()</code> has all.</p>" if hidden else ""
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>{note}"


def _line(tag: str, cells: Sequence[Any]) -> str:
    """A row of an HTML table, its cells in this tag: `th` of a head, `td` of a body."""
    return f"<tr>{''.join(f'<{tag}>{escape(_text(cell))}</{tag}>' for cell in cells)}</tr>"


def _text(value: Any) -> str:
    """A cell in words: nothing for None, four digits of a float, a list as JSON."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return json.dumps(value) if isinstance(value, list) else str(value)
