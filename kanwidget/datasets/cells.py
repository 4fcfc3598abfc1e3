"""The cells of a column of any frame: numbers, words, dates or durations, and which are missing."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Complex, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kanwidget import _check

Kind = Literal["numbers", "words", "dates", "durations"]
#: What is read as words: all cells that can be, classes (texts of digits and booleans, too), or what nothing else can be.
AsWords = Literal["all", "classes", "needed"]
#: Where at least this part of a column's texts read as numbers, the others are misspelled.
NUMBERS = 0.5
_MICROSECONDS = 1e6
#: Dates and durations as Python and NumPy have them.
_TIMES = {"datetime64[us]": (datetime.date, np.datetime64), "timedelta64[us]": (datetime.timedelta, np.timedelta64)}
#: Texts that can only be dates, as files have them: 2026-03-01, 2026-03-01 14:30, 2026-03-01T14:30:05Z. How others
#: (1/2/26) read depends on the country.
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?")


@dataclass(frozen=True, slots=True)
class Cells:
    """A column's cells."""

    kind: Kind
    values: NDArray[Any]
    """Floats, NaN where missing; of dates seconds since 1970, of durations seconds; of words texts, None where missing."""
    order: tuple[str, ...] = ()
    """Of words: their levels in the order that the column gives them."""

    @property
    def absent(self) -> NDArray[np.bool_]:
        """Mask of the missing cells, `(rows,)`: None among the texts of words, NaN among the floats of any other kind."""
        if self.kind == "words":
            return np.array([text is None for text in self.values], bool)
        return np.isnan(self.values)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a column can't be read, in the grammar of errors."""

    expected: str
    got: Any
    advice: str
    error: type[Exception] = TypeError


def refuse(faults: Sequence[Fault], where: str, argument: str) -> None:
    """Raise one error that names the call (`where`), its `argument`, and all faults of a frame: columns that can't be read, and why.

    Nothing happens without faults.
    """
    if not faults:
        return
    if len(faults) == 1:
        fault = faults[0]
        _check.fail(argument, where, fault.expected, fault.got, fault.advice, error=fault.error)
    listed = " ".join(
        f"({number}) It must be {fault.expected}; got {_check.describe(fault.got)}. {fault.advice}"
        for number, fault in enumerate(faults, 1)
    )
    raise ValueError(f"the `{argument}` argument of {where} has {len(faults)} columns that can't be read. {listed}")


def read(df: Any, label: Any, kind: Kind | None = None, *, is_target: bool = False) -> Cells | Fault:
    """The cells of a column, or why it can't be read.

    Args:
        df: Any frame: pandas, polars, Arrow, a dict of columns, or whatever else has columns by `df[label]`.
        label: The column.
        kind: What it must be; by default whatever it is.
        is_target: Whether texts that read as numbers, and booleans, are words: classes.

    Examples:
        >>> read({"n": [1, None, 3]}, "n").values
        array([ 1., nan,  3.])
        >>> read({"n": ["a", "b"]}, "n").kind
        'words'
    """
    found = _read(df, label, as_words="all" if kind == "words" else "classes" if is_target else "needed")
    if isinstance(found, Fault):
        return found
    if kind is not None and found.kind != kind:
        return _of_kind(found, kind, label)
    if found.kind == "numbers" and np.isinf(found.values).any():
        rows = np.flatnonzero(np.isinf(found.values))
        expected = f"finite in column {str(label)!r}, row {rows[0]}"
        advice = f"{'1 row is' if len(rows) == 1 else f'{len(rows)} rows are'} affected: correct or remove them."
        return Fault(expected, found.values[rows[0]].item(), advice, ValueError)
    return found


def _of_kind(found: Cells, kind: Kind, label: Any) -> Cells | Fault:
    """The cells in the kind that the column had in training, or the fault of a column that holds another one.

    Numbers become texts where words are asked for; a column without any filled cell passes as any kind.

    Args:
        found: The cells as they were read.
        kind: The kind that is asked for, another one than that of `found`.
        label: The column, for the fault.
    """
    if kind == "words" and found.kind == "numbers":
        texts = [None if math.isnan(value) else np.format_float_positional(value, trim="-") for value in found.values]
        return Cells("words", np.array(texts, object))
    if found.absent.all():
        rows = len(found.values)
        return Cells(kind, np.full(rows, None, object) if kind == "words" else np.full(rows, np.nan))
    first = int(np.flatnonzero(~found.absent)[0])
    value = found.values[first]
    got = value if found.kind == "words" else float(value)
    if found.kind == "dates":
        got = str(np.datetime64(int(value), "s"))
    advice = "The column has another type than it had in training: convert it."
    return Fault(f"{'numeric' if kind == 'numbers' else kind} in column {str(label)!r}, row {first}", got, advice)


def _read(df: Any, label: Any, as_words: AsWords) -> Cells | Fault:
    """The cells of a column in the kind that its type says; cells of no declared type are judged one by one.

    Args:
        df: Any frame.
        label: The column.
        as_words: Which cells become words: `all`; `classes`, all of a column with texts or booleans; `needed`, what nothing else can be.
    """
    import narwhals.stable.v1 as nw

    column = df[label]
    if isinstance(column, (list, tuple)):
        return _of_objects(list(column), label, as_words)
    series = nw.from_native(column, series_only=True, pass_through=True)
    if not isinstance(series, nw.Series):
        return _of_array(np.asarray(column), label, as_words)
    dtype = series.dtype
    if dtype in (nw.Categorical, nw.Enum):
        order = tuple(str(level) for level in series.cat.get_categories().to_list())
        return Cells("words", _texts(series.to_list()), order)
    if dtype in (nw.Datetime, nw.Date):
        return Cells("dates", _floats(series.cast(nw.Datetime("us")).dt.timestamp("us").to_list()) / _MICROSECONDS)
    if dtype == nw.Duration:
        return Cells("durations", _floats(series.dt.total_microseconds().to_list()) / _MICROSECONDS)
    if dtype.is_numeric() or (dtype == nw.Boolean and as_words == "needed"):
        values = series.to_numpy()
        return Cells("numbers", values.astype(float) if values.dtype.kind in "biuf" else _floats(series.to_list()))
    return _of_objects(series.to_list(), label, as_words)


def _of_array(values: NDArray[Any], label: Any, as_words: AsWords = "needed") -> Cells | Fault:
    """The cells of an array, `(rows,)`: numbers, dates and durations by their dtype, anything else cell by cell.

    Args:
        values: The column; a fault where it has more than one axis.
        label: The column's name, for faults.
        as_words: With `needed` booleans are numbers; else they are read cell by cell.
    """
    if values.ndim != 1:
        return Fault(f"one value a row in column {str(label)!r}", values, "Give each of them a column of its own.")
    if values.dtype.kind in "mM":
        seconds = values.astype(f"{values.dtype.kind}8[us]").astype(np.int64) / _MICROSECONDS
        kind: Kind = "dates" if values.dtype.kind == "M" else "durations"
        return Cells(kind, np.where(np.isnat(values), np.nan, seconds))
    if values.dtype.kind in "iuf" or (values.dtype.kind == "b" and as_words == "needed"):
        return Cells("numbers", values.astype(float))
    return _of_objects(values.tolist(), label, as_words)


def _of_objects(values: list[Any], label: Any, as_words: AsWords) -> Cells | Fault:
    """The cells of a list whose entries may be anything, or the fault of the first entry that can't be read.

    Dates if all entries are dates, or texts that can only be dates, durations likewise; numbers if all can be; words otherwise. But
    where at least half of them (`NUMBERS`) read as numbers, an entry that doesn't is a fault, most likely a misprint. A list without a
    filled cell counts as numbers.

    Args:
        values: The column's entries, missing ones among them.
        label: The column's name, for faults.
        as_words: Which entries become words: `all`; `classes`, all of a list with texts or booleans; `needed`, what nothing else can be.
    """
    if as_words == "needed":
        values = _dates_of(values) or values
    present = [value for value in values if not _is_missing(value)]
    name = f"column {str(label)!r}"
    if not present:
        return Cells("numbers", np.full(len(values), np.nan))
    for dtype, types in _TIMES.items():
        if all(isinstance(value, types) for value in present):
            times = [None if _is_missing(value) else _naive(value) for value in values]
            return _of_array(np.array(times, dtype), label)
    are_words = as_words == "all" or (
        as_words == "classes" and any(isinstance(value, (str, bool)) for value in present)
    )
    if are_words and all(map(_is_word, present)):
        return Cells("words", _texts(values))
    numbers = [reads_as_number(value) for value in present]
    if all(numbers):
        return Cells("numbers", _floats(values))
    row = next(row for row, value in enumerate(values) if not _is_missing(value) and not reads_as_number(value))
    wrong = next((row for row, value in enumerate(values) if not _is_word(value)), None)
    if wrong is not None:
        advice = "Take it apart into columns of numbers or words, or drop it."
        return Fault(f"made of numbers, words or dates in {name}, row {wrong}", values[wrong], advice)
    if sum(numbers) >= NUMBERS * len(present):
        advice = f"Correct the entry, or say that these are words: df.astype({{{str(label)!r}: 'category'}})."
        return Fault(f"numeric in {name}, row {row}", values[row], advice)
    return Cells("words", _texts(values))


def _dates_of(values: list[Any]) -> list[Any] | None:
    """Texts that are all dates, `_DATE`, as dates, with missing entries as they are; None for any other list."""
    dates = []
    for value in values:
        if isinstance(value, str):
            if not _DATE.fullmatch(text := value.strip()):
                return None
            if "." in text:  # Python 3.10 reads three or six digits of a second
                text = re.sub(r"\.(\d+)", lambda match: "." + match[1].ljust(6, "0"), text)
            try:
                dates.append(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")))
            except ValueError:  # a thirteenth month
                return None
        elif _is_missing(value):
            dates.append(value)
        else:
            return None
    return dates


def _naive(value: Any) -> Any:
    """A date and time with a time zone as that of Greenwich without one, so that all can be compared; any other value as it is."""
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return value


def _is_missing(value: Any) -> bool:
    """Whether a cell is missing: None, NaN, NaT or `pandas.NA`. An array in a cell isn't."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except TypeError:  # pandas.NA is neither
        return True
    except ValueError:  # an array in a cell
        return False


def _is_word(value: Any) -> bool:
    """Whether a filled cell may be read as a word, by its text: containers, bytes and complex numbers may not."""
    if isinstance(value, Complex):
        return isinstance(value, Real)
    return not isinstance(value, (list, tuple, dict, set, frozenset, np.ndarray, bytes))


def reads_as_number(value: Any) -> bool:
    """Whether `float` reads a cell: a number of any kind but a complex one, or a text that is one."""
    if isinstance(value, Complex) and not isinstance(value, Real):
        return False
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _floats(values: Sequence[Any]) -> NDArray[np.float64]:
    """Cells that read as numbers as floats, NaN where one is missing."""
    return np.array([math.nan if _is_missing(value) else float(value) for value in values], float)


def _texts(values: Sequence[Any]) -> NDArray[Any]:
    """Cells as texts, in an array of objects, None where one is missing."""
    texts = np.empty(len(values), object)
    texts[:] = [None if _is_missing(value) else str(value) for value in values]
    return texts
