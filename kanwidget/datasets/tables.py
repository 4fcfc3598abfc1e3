"""Tables from files: CSV with the standard library, Parquet with the `data` extra."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray

from kanwidget import _check
from kanwidget.datasets.cells import NUMBERS, reads_as_number
from kanwidget.datasets.dataset import Dataset
from kanwidget.datasets.naming import check_column

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
    """The path, or an error for a missing file."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder. Give the path of one CSV or Parquet file.")
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}. Check the spelling, or give the full path.")
    return path


def _read(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and each row that isn't blank with its number (the header is row 1)."""
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
    """Names of the inputs and, last, of the target."""
    check_column(target, header, "target", where)
    names = [name for name in header if name != target] if inputs is None else list(inputs)
    for name in names:
        check_column(name, header, "inputs", where)
    if not names or target in names or len(set(names)) != len(names):
        _check.fail("inputs", where, f"different columns other than the target {target!r}", names)
    return [*names, target]


def _column(rows: Sequence[tuple[int, list[str]]], position: int, name: str, file: str) -> list[Any]:
    """The entries of a column as numbers, or as words where fewer than half of them read as numbers; None where one is missing."""
    entries = [(line, row[position]) for line, row in rows]
    filled = [entry for _, entry in entries if entry.lower() not in _MISSING]
    is_words = sum(reads_as_number(entry.replace(",", ".")) for entry in filled) < NUMBERS * len(filled)
    return [
        None if entry.lower() in _MISSING else entry if is_words else _number(entry, line, name, file)
        for line, entry in entries
    ]


def _number(entry: str, line: int, name: str, file: str) -> float:
    """An entry as a finite number, or an error with its row, its column and advice."""
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
    """An error for a target that never changes."""
    if len(target) > 1 and (target == target[0]).all():
        got = f"{target[0]} in every row"
        _refuse(f"column {name!r} of {file}", "a quantity that changes", got, "There is nothing to learn.")


def _refuse(subject: str, expected: str, got: Any, advice: str) -> NoReturn:
    """The grammar of `_check.fail` for something in a file rather than an argument."""
    raise ValueError(f"{subject} must be {expected}; got {got}. {advice}")
