"""Columns of a data frame, without importing a frame library: any frame with `columns` and `df[name]` will do."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanwidget import _check

_WHERE = "Dataset.from_frame"


def _argument(where: str) -> str:
    """What the function that a person called calls its frame."""
    return {_WHERE: "df", "examine": "subject"}.get(where, "data")


def columns_of(
    df: Any, target: str | Sequence[str] | None, where: str = _WHERE
) -> tuple[NDArray[Any], NDArray[Any], list[str], list[str]]:
    """Inputs, labels, names of the inputs, names of the outputs or classes."""
    if not isinstance(getattr(df, "columns", None), Iterable):
        advice = "Arrays go to Dataset.from_arrays(x, y)."
        if isinstance(df, (str, os.PathLike)):
            advice = "kanwidget.datasets.read_csv(path, target) reads a file, as pandas.read_csv does."
        _check.fail(_argument(where), where, "a data frame", df, advice, error=TypeError)
    twice = [str(name) for name, count in Counter(map(str, df.columns)).items() if count > 1]
    if twice:
        _check.fail(
            _argument(where), where, "a frame whose columns have different names", twice, "Rename or drop one of them."
        )
    labels = {str(name): name for name in df.columns}  # a frame's columns may be named by numbers
    columns = list(labels)
    if target is None or not isinstance(target, (str, list, tuple)):
        advice = f"The columns are {', '.join(map(repr, columns))}."
        _check.fail("target", where, "the name of a column, or a list of them", target, advice, error=TypeError)
    targets = [target] if isinstance(target, str) else list(target)
    for name in targets:
        check_column(name, columns, "target", where)
    names = [name for text, name in labels.items() if text not in targets]
    if not names or not targets:
        _check.fail(_argument(where), where, "a frame with at least one column beside the target", columns)
    if len(df[names[0]]) == 0:
        _check.fail(_argument(where), where, "a frame with at least one row", df)
    _refuse_texts(df, names, where)
    x = np.stack([_finite_numbers(df, name, where) for name in names], axis=1)
    outputs = [labels[name] for name in targets]
    in_vars = [str(name) for name in names]
    if len(outputs) == 1 and not _is_numeric(df[outputs[0]]):
        classes, y = _classes(df, outputs[0], where)
        return x, y, in_vars, classes
    return x, np.stack([_finite_numbers(df, name, where) for name in outputs], axis=1), in_vars, targets


def has_columns(data: Any) -> bool:
    """Whether it is a frame, whatever its columns are called."""
    return isinstance(getattr(data, "columns", None), Iterable) and hasattr(data, "__getitem__")


def has_names(data: Any) -> bool:
    """Whether it is a frame whose columns have names; numbered columns have a position only."""
    columns = getattr(data, "columns", None)  # of other objects it may be anything
    return isinstance(columns, Iterable) and any(isinstance(name, str) for name in columns)


def names_of(data: Any) -> tuple[str, ...]:
    """The names of a frame's columns; none where they aren't different texts, and for all else."""
    names = tuple(data.columns) if has_names(data) else ()
    return names if all(isinstance(name, str) for name in names) and len(set(names)) == len(names) else ()


def column_indices(
    columns: Sequence[str], names: Sequence[str], where: str, argument: str = "data", kind: str = "a frame"
) -> list[int] | None:
    """Indices of the columns of these names, or None for columns that go by position, as those of arrays.

    The one rule for all data with names: if the columns include all names, they go by name, in any order and beside any further
    columns. If they include none, whatever the case of the letters, and are as many, they were renamed and go by position. Anything
    else is a mistake.

    Raises:
        ValueError: For columns that are missing, or there twice.

    Examples:
        >>> column_indices(["speed", "note", "mass"], ["mass", "speed"], "predict")
        [2, 0]
        >>> column_indices(["v", "m"], ["mass", "speed"], "predict") is None
        True
    """
    missing = [name for name in names if name not in columns]
    alike = {name.casefold() for name in columns} & {name.casefold() for name in names}
    if len(names) == len(columns) and not alike:
        return None
    if missing:
        advice = f"Missing: {', '.join(map(repr, missing))}. {_suggested(missing[0], columns)}".rstrip()
        expected = f"{kind} with the columns of the training data, {', '.join(map(repr, names))}"
        _check.fail(argument, where, expected, list(columns), advice)
    twice = [name for name in names if columns.count(name) > 1]
    if twice:
        _check.fail(argument, where, f"{kind} whose columns have different names", twice, "Rename or drop one of them.")
    return [columns.index(name) for name in names]


def by_name(data: Any, names: Sequence[str], where: str, argument: str = "data") -> Any:
    """The columns of a frame with these names, see `column_indices`. Arrays and frames without names go by position, unchanged.

    Raises:
        ValueError: For columns that are missing, or there twice.
        TypeError: For columns that are not numbers.
    """
    if not names or not has_names(data):
        return data
    labels = list(data.columns)
    indices = column_indices(list(map(str, labels)), names, where, argument)
    return data if indices is None else np.stack([_numbers(data, labels[n], argument, where) for n in indices], axis=1)


def check_column(name: str, columns: Sequence[str], argument: str, where: str) -> None:
    """Nothing, or an error that lists the columns and names the closest one."""
    if name in columns:
        return
    expected = "one of the columns " + ", ".join(map(repr, columns))
    _check.fail(argument, where, expected, name, _suggested(name, columns))


def _suggested(name: str, columns: Sequence[str]) -> str:
    """A question whether a similar column is meant."""
    wanted = str(name).casefold()
    alike = [column for column in columns if column.casefold() == wanted]
    # A name without its unit.
    alike = alike or [
        column for column in columns if column.casefold().startswith((f"{wanted} ", f"{wanted}[", f"{wanted}("))
    ]
    close = alike or difflib.get_close_matches(str(name), columns, n=1, cutoff=0.5)
    return f"Did you mean {close[0]!r}?" if close else ""


def _is_numeric(column: Any) -> bool:
    """Whether a column holds numbers; booleans, text and categories are classes."""
    values = np.asarray(column)
    if values.dtype == object:  # nullable numbers come as objects
        return all(isinstance(value, Real) and not isinstance(value, bool) for value in values if value == value)
    return values.dtype.kind in "iufc"  # complex numbers are no classes either; `_numbers` refuses them


def _numbers(df: Any, name: Any, argument: str = "df", where: str = _WHERE) -> NDArray[np.float64]:
    """A column as floats, NaN where a value is missing."""
    values = np.asarray(df[name])
    _refuse_dates(values, name, argument, where)
    try:
        if values.dtype.kind == "c":
            raise TypeError("astype would drop the imaginary parts")
        return values.astype(np.float64)
    except (TypeError, ValueError):
        entries = values.tolist()
        row = next((row for row, entry in enumerate(entries) if not _reads_as_number(entry)), 0)
        expected = f"numeric in column {str(name)!r}, row {row}"
        advice = "Correct the entry, drop the column, or turn it into numbers (0 and 1 for two classes)."
        _check.fail(argument, where, expected, entries[row], advice, error=TypeError)


def _finite_numbers(df: Any, name: Any, where: str) -> NDArray[np.float64]:
    """A column as floats, or an error that names the first entry that is missing or infinite."""
    values = _numbers(df, name, _argument(where), where)
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        rows = "1 row is" if len(wrong) == 1 else f"{len(wrong)} rows are"
        advice = f"{rows} affected: remove them (df.dropna() where values are missing), or fill them in."
        _check.fail(
            _argument(where), where, f"finite in column {str(name)!r}, row {wrong[0]}", values[wrong[0]].item(), advice
        )
    return values


def _refuse_texts(df: Any, names: Sequence[Any], where: str) -> None:
    """Nothing, or an error that names all columns that hold no numbers at all: texts, dates."""
    texts = {str(name): np.asarray(df[name]) for name in names}
    texts = {name: values for name, values in texts.items() if not _holds_a_number(values)}
    if not texts:
        return
    one = len(texts) == 1
    columns, first = list(texts), next(iter(texts.values()))
    named = f"column {columns[0]!r}" if one else f"the columns {', '.join(map(repr, columns))}"
    drop, turn = ("it", "it into a number") if one else ("them", "them into numbers")
    advice = f"Drop {drop}, df.drop(columns={columns}), or turn {turn}: 0 and 1 for two kinds, days for dates."
    got = str(first[0]) if first.dtype.kind in "mM" else first.tolist()[0]
    _check.fail(_argument(where), where, f"numeric in {named}", got, advice, error=TypeError)


def _holds_a_number(values: NDArray[Any]) -> bool:
    """Whether any of the first entries is a number; of a column of numbers a few may be misspelled."""
    if values.dtype.kind in "mM":
        return False
    return values.dtype.kind in "biufc" or any(
        _reads_as_number(entry) for entry in values[:100].tolist() if entry is not None
    )


def _refuse_dates(values: NDArray[Any], name: Any, argument: str = "df", where: str = _WHERE) -> None:
    """Nothing, or an error: dates would become nanoseconds since 1970, or classes."""
    if values.dtype.kind in "mM":
        advice = "Turn it into a number yourself: days since the first one, say."
        _check.fail(argument, where, f"numeric in column {str(name)!r}", str(values[0]), advice, error=TypeError)


def _reads_as_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _classes(df: Any, name: Any, where: str) -> tuple[list[str], NDArray[np.int64]]:
    """Names of the classes in alphabetical order, and the class number of each row."""
    _refuse_dates(np.asarray(df[name]), name, _argument(where), where)
    values = [None if value is None or value != value else str(value) for value in np.asarray(df[name])]
    if None in values:
        row = values.index(None)
        _check.fail(
            _argument(where), where, f"complete in row {row}, column {str(name)!r}", None, "Remove or fill that row."
        )
    classes, y = np.unique(np.asarray(values), return_inverse=True)
    return [str(label) for label in classes], y.astype(np.int64)
