"""Data in all the forms that people have them, as one `Dataset`.

Files of CSV are read with the standard library, of Parquet with the `data` extra.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kanwidget import _check
from kanwidget.datasets import cells, frames, naming
from kanwidget.datasets.cells import NUMBERS, reads_as_number
from kanwidget.datasets.dataset import PARTS, Dataset, Split, from_table
from kanwidget.datasets.encoding import Encoding
from kanwidget.datasets.naming import check_column


def as_dataset(
    data: Any, where: str = "as_dataset", names: Sequence[str] = (), encoding: Encoding | None = None
) -> Dataset:
    """A `Dataset` from a `Dataset`, a dict with pykan's keys, a pair `(x, y)`, or a pair of a frame and its target's name.

    Args:
        data: A dict needs `train_input` and `train_label`; unknown keys are ignored.
        where: The function that is named in error messages.
        names: The columns to read, in this order, such as a network's `in_vars`: data with names are read by them (see
            `naming.column_indices`), data without names by position.
        encoding: How their words and missing cells were read before.

    Raises:
        ValueError: For a dict without the needed keys, and for data that do not fit together.
        TypeError: For anything else.

    Examples:
        >>> as_dataset({"train_input": [[0.0], [1.0]], "train_label": [[0.0], [2.0]], "note": "mine"})
        Dataset(2 train rows, x_1 -> y)
        >>> as_dataset(([0.0, 1.0], [0.0, 2.0]))
        Dataset(2 train rows, x_1 -> y)
        >>> as_dataset(Dataset([[1.0, 2.0, 3.0]], [0.0], in_vars=["a", "b", "c"]), names=["c", "a"])["train_input"].tolist()
        [[3.0, 1.0]]
    """
    if isinstance(data, Dataset):
        data = data if encoding is None else _recoded(data, encoding, where)
        return _with_columns(data, names, where) if data.has_names and names else data
    if is_table(data):
        return as_dataset(from_table(data[0], data[1], Split(test_fraction=0), where, encoding), where, names, encoding)
    advice = "Write (x, y), or (frame, 'target') for a frame, or use create_dataset(f)."
    if isinstance(data, Mapping):
        fields = {key: data[key] for key in Dataset.__dataclass_fields__ if data.get(key) is not None}
        if "train_input" not in fields or "train_label" not in fields:
            keys = list(map(str, data))
            _check.fail("data", where, "a dict with the keys train_input and train_label", keys, advice)
        for key in ("in_vars", "out_vars"):
            if key in fields:
                fields[key] = tuple(fields[key])
    elif isinstance(data, (tuple, list)) and len(data) == 2:
        fields = {"train_input": data[0], "train_label": data[1]}
    else:
        _check.fail("data", where, "a Dataset, a dict or a pair (x, y)", data, advice, error=TypeError)
    if encoding is not None and frames.names_of(fields["train_input"]):
        fields |= {"encoding": encoding}
    elif names and "in_vars" not in fields:  # frames, by their columns' names
        fields |= _by_name(fields, names, where)  # the inputs of each part, and of frames `in_vars`
    dataset = Dataset(**fields)
    return as_dataset(dataset, where, names, encoding) if names else dataset


def is_table(data: Any) -> bool:
    """Whether it is a pair of a frame and the name of its target, or of several.

    Examples:
        >>> is_table(({"x": [0.0], "y": [1.0]}, "y")), is_table(([[0.0]], [1.0]))
        (True, False)
    """
    if not isinstance(data, (tuple, list)) or len(data) != 2 or not frames.has_columns(data[0]):
        return False
    target = data[1]
    names = target if isinstance(target, (list, tuple)) else [target]
    return bool(names) and all(isinstance(name, str) for name in names)


def _recoded(data: Dataset, encoding: Encoding, where: str) -> Dataset:
    """The data with the numbers that another encoding gives to the same cells: its levels, origin of dates, and means for missing numbers.

    Args:
        data: Returned as it is where it has no encoding, already has this one, or lacks columns (which the caller's next check reports).
        encoding: The encoding of the training data, whose inputs the result has, in this order.
        where: The public function, for errors.

    Raises:
        ValueError: For a column that was left out of `data` as useless, and for standardized inputs that would be read differently.
        TypeError: For a column of another kind; a `ValueError` for several.
    """
    own = data.encoding
    if own is None or own.columns == encoding.columns:
        return data
    columns = {column.name: column for column in own.columns if column.inputs[0][0] in data.in_vars}
    read = [column for column in encoding.columns if any(name in encoding.names for name, _ in column.inputs)]
    missing = {column.name for column in read} - columns.keys()
    if gone := [f"{name!r} ({reason})" for name, reason in own.left_out if name in missing]:
        advice = "A dataset of few rows leaves such columns out: give the frame, or one dataset of all rows."
        _check.fail("data", where, "a Dataset with the columns of the training data", f"one without {gone[0]}", advice)
    if missing:
        return data  # the next check names them
    cells.refuse([fault for column in read if (fault := column.other_kind(columns[column.name]))], where, "data")
    if data.input_mean is not None:
        if all(column.reads_as(columns[column.name]) for column in read):
            return data
        advice = "Leave standardize=True out: a network learns the scales of columns by itself."
        _check.fail("data", where, "in its own units, with words and missing cells as those of training", data, advice)
    changed: dict[str, Any] = {}
    for key in (key for key in data if key.endswith("input")):
        inputs = dict(zip(data.in_vars, data[key].unbind(1), strict=True))
        parts: dict[str, Tensor] = {}
        for column in read:
            before = columns[column.name]
            values = [inputs[name] for name, _ in before.inputs]
            parts |= zip((name for name, _ in column.inputs), column.recoded(before, *values), strict=True)
        changed[key] = torch.stack([parts[name] for name in encoding.names], 1)
    encoding = replace(encoding, rows_left_out=own.rows_left_out)
    return replace(data, **changed, in_vars=encoding.names, encoding=encoding)


def _by_name(fields: Mapping[str, Any], names: Sequence[str], where: str) -> dict[str, Any]:
    """The fields with a dataset's inputs, `train_input` and the like, read by name, and of frames also `in_vars`, the names.

    Inputs that are frames become arrays of the columns of these names, in this order. They are selected before they are converted, as
    further columns may hold text. What goes by position, as arrays do, stays as it is, without `in_vars`.

    Args:
        fields: Arguments of `Dataset` by name.
        names: Of the columns to read.
        where: The public call, for errors.
    """
    keys = [f"{part}_input" for part in PARTS if f"{part}_input" in fields]
    inputs: dict[str, Any] = {key: frames.by_name(fields[key], names, where) for key in keys}
    return inputs if inputs["train_input"] is fields["train_input"] else inputs | {"in_vars": tuple(names)}


def _with_columns(data: Dataset, names: Sequence[str], where: str) -> Dataset:
    """The data with the input columns of these names, in this order; unchanged where columns go by position."""
    indices = naming.column_indices(data.in_vars, names, where, kind="a Dataset")
    if indices is None or indices == list(range(data.n_features)):
        return data
    return with_inputs(data, indices)


def with_inputs(data: Dataset, indices: Sequence[int]) -> Dataset:
    """The data with the input columns of these indices alone, in this order, in all parts."""
    changed: dict[str, Any] = {key: data[key][:, indices] for key in data if key.endswith("input")}
    for name in ("input_mean", "input_scale"):
        if getattr(data, name) is not None:
            changed[name] = getattr(data, name)[..., indices]
    return replace(data, **changed, in_vars=tuple(data.in_vars[index] for index in indices))


# ---- tables from files

#: Advice for an entry that is no number.
_ADVICE = "Correct the entry, or leave the column out of the inputs."
#: Texts for a missing value in tables, in lower case.
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "?"})


def read_csv(
    path: str | os.PathLike[str],
    target: str,
    inputs: Sequence[str] | None = None,
    *,
    test_fraction: float = 0.2,
    seed: int = 0,
    standardize: bool = False,
    dtype: torch.dtype = torch.float64,
) -> Dataset:
    r"""A dataset from a CSV file with a header; commas, semicolons and tabs are recognised.

    Args:
        path: The file, in UTF-8.
        target: Name of the column to predict.
        inputs: Names of the input columns; all but the target by default. Columns of words and missing entries are read as those of
            frames, see `Dataset.from_frame`.
        test_fraction: Part of the rows that becomes test data, 0 ≤ fraction < 1.
        seed: Of the draw of the test rows.
        standardize: Bring every column to mean 0 and standard deviation 1.
        dtype: Of the tensors.

    Raises:
        FileNotFoundError: Where there is no such file.
        ValueError: For an empty file, an unknown column, an entry among numbers that is none, or infinite (the message names row and
            column, counted as in a spreadsheet: the header is row 1), or a target that never changes.

    Examples:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "ohm.csv"
        >>> _ = path.write_text("current,resistance,voltage\n1,2,2\n2,3,6\n3,5,15\n")
        >>> read_csv(path, "voltage", test_fraction=0)
        Dataset(3 train rows, current, resistance -> voltage)
    """
    path = _existing(path)
    header, rows = _read(path)
    names = _chosen(header, target, inputs, "read_csv")
    for line, row in rows:
        if len(row) != len(header):
            _refuse(f"row {line} of {path.name}", f"{len(header)} entries, one a column", len(row), "Check the quotes.")
    table = {name: _column(rows, header.index(name), name, path.name) for name in names}
    filled = [value for value in table[target] if value is not None]
    if filled:
        _refuse_constant(np.array(filled), target, path.name)
    return Dataset.from_frame(table, target, test_fraction, seed, standardize, dtype=dtype)


def read_table(
    path: str | os.PathLike[str], target: str, inputs: Sequence[str] | None = None, **options: Any
) -> Dataset:
    """A dataset from a CSV or a Parquet file, by the file's suffix.

    Args:
        path: `.csv`, `.tsv` or `.txt`, or `.parquet` (which needs `pip install "kanwidget[data]"`).
        target: Name of the column to predict.
        inputs: Names of the input columns; all but the target by default.
        options: `test_fraction`, `seed`, `standardize` and `dtype` as in `read_csv`.

    Raises:
        ImportError: For a Parquet file without pandas and pyarrow.
        ValueError: As `read_csv` does, and for other kinds of files.
    """
    path = _existing(path)
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv", ".txt", ""):
        return read_csv(path, target, inputs, **options)
    if suffix not in (".parquet", ".pq"):
        advice = "Save the table as CSV, or load it yourself and use Dataset.from_frame."
        _check.fail("path", "read_table", "a .csv, .tsv, .txt or .parquet file", path.name, advice)
    try:
        import pandas
        import pyarrow  # noqa: F401  (the engine that pandas would otherwise ask for in many more words)
    except ImportError:
        message = f'reading {path.name} needs pandas and pyarrow: pip install "kanwidget[data]", or save it as CSV.'
        raise ImportError(message) from None
    frame = pandas.read_parquet(path)
    names = _chosen([str(name) for name in frame.columns], target, inputs, "read_table")
    _refuse_constant(np.asarray(frame[target]), target, path.name)
    return Dataset.from_frame(frame[names], target, **options)


def _existing(path: str | os.PathLike[str]) -> Path:
    """The path of a file as a `Path`, or an error if there is no such file, or a folder."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder. Give the path of one CSV or Parquet file.")
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}. Check the spelling, or give the full path.")
    return path


def _read(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header of a CSV file, and each row below it that isn't blank: its number (the header is row 1), and its entries as texts.

    The separator is the one of comma, semicolon and tab that the first line has most of. A faulty file raises an error.
    """
    try:
        # utf-8-sig: spreadsheets begin their files with a byte order mark.
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        _refuse(path.name, "a text file in UTF-8", f"byte {error.start}", "Export it again as CSV (UTF-8).")
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows = [(number, [entry.strip() for entry in row]) for number, row in enumerate(reader, 1)]
    filled = [(number, row) for number, row in rows if any(row)]
    if len(filled) < 2:
        content = "an empty file" if not filled else "the header alone"
        _refuse(path.name, "a header and at least one row of numbers", content, "Check that the export is complete.")
    header, top = filled[0][1], f"row 1 of {path.name}"
    if all(reads_as_number(entry) for entry in header):
        _refuse(top, "a header with names", ", ".join(header[:4]), "Add a line that names the columns.")
    for column, name in enumerate(header, 1):
        if not name:
            advice = "Name the column or delete it; pandas leaves its row numbers out with to_csv(…, index=False)."
            _refuse(top, "a header with a name for each column", f"none for column {column}", advice)
        if header.count(name) > 1:
            got = f"{name!r} {header.count(name)} times"
            _refuse(top, "a header of different names", got, "Rename the columns.")
    return header, filled[1:]


def _chosen(header: Sequence[str], target: str, inputs: Sequence[str] | None, where: str) -> list[str]:
    """Names of the inputs and, last, of the target, all of which must be in the header; without `inputs` they are all other columns."""
    check_column(target, header, "target", where)
    names = [name for name in header if name != target] if inputs is None else list(inputs)
    for name in names:
        check_column(name, header, "inputs", where)
    if not names or target in names or len(set(names)) != len(names):
        _check.fail("inputs", where, f"different columns other than the target {target!r}", names)
    return [*names, target]


def _column(rows: Sequence[tuple[int, list[str]]], position: int, name: str, file: str) -> list[Any]:
    """The entries of a column as numbers, or as words where fewer than half of them read as numbers; None where one is missing.

    Args:
        rows: Number and entries of each row.
        position: Index of the column.
        name: The column, for errors.
        file: Name of the file, for errors.
    """
    entries = [(line, row[position]) for line, row in rows]
    filled = [entry for _, entry in entries if entry.lower() not in _MISSING]
    # A comma for a decimal point counts as a number here: it is refused with advice below, not taken for a word.
    is_words = sum(reads_as_number(entry.replace(",", ".")) for entry in filled) < NUMBERS * len(filled)
    return [
        None if entry.lower() in _MISSING else entry if is_words else _number(entry, line, name, file)
        for line, entry in entries
    ]


def _number(entry: str, line: int, name: str, file: str) -> float:
    """An entry of a file as a finite number, or an error with its row (`line`), the name of its column, the file, and advice."""
    cell, advice = f"row {line}, column {name!r} of {file}", _ADVICE
    try:
        value = float(entry)
    except ValueError:
        if "," in entry and reads_as_number(entry.replace(",", ".")):
            advice = "Write decimals with a point, and thousands without a separator."
        _refuse(cell, "a number", repr(entry), advice)
    if not math.isfinite(value):
        _refuse(cell, "a finite number", repr(entry), "Correct the entry or delete the row.")
    return value


def _refuse_constant(target: NDArray[Any], name: str, file: str) -> None:
    """An error if all values of a target, `(rows,)`, are equal; it has the target's name and the file's."""
    if len(target) > 1 and (target == target[0]).all():
        got = f"{target[0]} in every row"
        _refuse(f"column {name!r} of {file}", "a quantity that changes", got, "There is nothing to learn.")


def _refuse(subject: str, expected: str, got: Any, advice: str) -> NoReturn:
    """Raise an error about something in a file: what `subject` is wrong, what was expected, what came instead, and what to do."""
    raise ValueError(f"{subject} must be {expected}; got {got}. {advice}")
