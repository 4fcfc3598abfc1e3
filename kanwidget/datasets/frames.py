"""Frames: any with `columns` and `df[name]`, Arrow tables, and dicts of columns. Their columns go by their names."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanwidget import _check
from kanwidget.datasets import cells
from kanwidget.datasets.cells import Cells, Fault
from kanwidget.datasets.encoding import Encoding
from kanwidget.datasets.naming import check_column, column_indices, labels_of

_WHERE = "Dataset.from_frame"


def _argument(where: str) -> str:
    """The name that the argument with the frame has in the public call `where`, for errors."""
    return {_WHERE: "df", "examine": "subject"}.get(where, "data")


def columns_of(
    df: Any, target: str | Sequence[str] | None, where: str = _WHERE, encoding: Encoding | None = None
) -> tuple[Encoding, NDArray[Any], NDArray[Any], list[str]]:
    """How inputs are read, inputs, labels, and names of the outputs or classes; rows without a target are left out.

    Args:
        df: The frame.
        target: Its target, or several.
        where: The public call, for errors.
        encoding: How inputs were read before; by default the frame decides.
    """
    argument = _argument(where)
    if not has_columns(df):
        advice = "Arrays go to Dataset.from_arrays(x, y)."
        if isinstance(df, (str, os.PathLike)):
            advice = "kanwidget.datasets.read_csv(path, target) reads a file, as pandas.read_csv does."
        _check.fail(argument, where, "a data frame", df, advice, error=TypeError)
    columns = labels_of(df)
    twice = [name for name, count in Counter(map(str, columns)).items() if count > 1]
    if twice:
        _check.fail(argument, where, "a frame whose columns have different names", twice, "Rename or drop one of them.")
    labels = {str(name): name for name in columns}  # a frame's columns may be named by numbers
    if target is None or not isinstance(target, (str, list, tuple)):
        advice = f"The columns are {', '.join(map(repr, labels))}."
        _check.fail("target", where, "the name of a column, or a list of them", target, advice, error=TypeError)
    targets = [target] if isinstance(target, str) else list(target)
    for name in targets:
        check_column(name, list(labels), "target", where)
    names = [label for text, label in labels.items() if text not in targets]
    if not names or not targets:
        _check.fail(argument, where, "a frame with at least one column beside the target", list(labels))
    if len(df[names[0]]) == 0:
        _check.fail(argument, where, "a frame with at least one row", df)
    read = [_target(df, labels[name], alone=len(targets) == 1) for name in targets]
    outputs = [one for one in read if isinstance(one, Cells)]
    faults = [one for one in read if isinstance(one, Fault)]
    encoding = encoding or Encoding.of(df, names, where, argument, faults)  # an error names all faults
    cells.refuse(faults, where, argument)
    filled = ~np.any([one.absent for one in outputs], axis=0)
    if not filled.any():
        _check.fail(argument, where, f"filled in column {targets[0]!r} in one row at least", "no filled row")
    x = encoding.encode(df, where, argument)[filled]
    encoding = replace(encoding, rows_left_out=int((~filled).sum()))
    if outputs[0].kind == "words":
        classes, y = np.unique(outputs[0].values[filled].astype(str), return_inverse=True)
        return encoding, x, y.astype(np.int64), [str(name) for name in classes]
    return encoding, x, np.stack([one.values for one in outputs], axis=1)[filled].astype(np.float64), targets


def _target(df: Any, label: Any, *, alone: bool) -> Cells | Fault:
    """The cells of the column with this label as a target, or the fault that keeps them from being one.

    Numbers will do, and words, which are classes, if the target is `alone`.
    """
    found = cells.read(df, label, is_target=True)
    if isinstance(found, Fault) or found.kind == "numbers" or (found.kind == "words" and alone):
        return found
    advice = "Turn it into a number yourself: days since the first one, say."
    if found.kind == "words":
        advice = "Classes are learnt one column at a time."
    return Fault(f"numeric in column {str(label)!r}", found.kind, advice)


def has_columns(data: Any) -> bool:
    """Whether it is a frame, whatever its columns are called, or a dict of columns."""
    if isinstance(data, Mapping):
        if hasattr(data, "shape"):  # a sparse matrix
            return False
        return bool(data) and "train_input" not in data and all(map(_is_column, data.values()))
    return isinstance(getattr(data, "columns", None), Iterable) and hasattr(data, "__getitem__")


def _is_column(value: Any) -> bool:
    """Whether a value of a dict may be a column: it has a length, and is neither a text nor a dict."""
    return hasattr(value, "__len__") and not isinstance(value, (str, bytes, Mapping))


def has_names(data: Any) -> bool:
    """Whether it is a frame whose columns have names; numbered columns have a position only."""
    return has_columns(data) and any(isinstance(name, str) for name in labels_of(data))


def names_of(data: Any) -> tuple[str, ...]:
    """The names of a frame's columns; none where they aren't different texts, and for all else."""
    names = tuple(labels_of(data)) if has_names(data) else ()
    return names if all(isinstance(name, str) for name in names) and len(set(names)) == len(names) else ()


def by_name(
    data: Any, names: Sequence[str], where: str, argument: str = "data", encoding: Encoding | None = None
) -> Any:
    """The columns of a frame with these names, see `column_indices`. Arrays and frames without names go by position, unchanged.

    Args:
        data: The frame.
        names: Columns to read, in this order.
        where: The public call, for errors.
        argument: Its argument.
        encoding: How the columns were read before; by default they are numbers.

    Raises:
        ValueError: For columns that are missing, or there twice.
        TypeError: For columns that are not numbers.
    """
    if encoding is not None and has_columns(data):
        return encoding.encode(data, where, argument)
    if not names or not has_names(data):
        return data
    labels = labels_of(data)
    indices = column_indices(list(map(str, labels)), names, where, argument)
    return data if indices is None else np.stack([_numbers(data, labels[n], argument, where) for n in indices], axis=1)


def _numbers(df: Any, name: Any, argument: str, where: str) -> NDArray[np.float64]:
    """The column of that name as floats, NaN where a value is missing; an error, for the call `where`, if it doesn't hold numbers."""
    found = cells.read(df, name, "numbers")
    if isinstance(found, Fault):
        cells.refuse([found], where, argument)
    assert isinstance(found, Cells)
    return found.values
