"""Names of columns: checks, the default names, and which columns of a table go by them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kanwidget import _check


class Numbered(tuple[str, ...]):
    """Default names of columns, a type of its own: a person may choose the same names."""


def numbered_inputs(count: int) -> Numbered:
    """Default names of so many input columns: `x_1`, `x_2`, …"""
    return Numbered(f"x_{number}" for number in range(1, count + 1))


def numbered_outputs(count: int) -> Numbered:
    """Default names of so many outputs: `y_1`, `y_2`, …; of a single one `y`."""
    return Numbered(["y"] if count == 1 else [f"y_{number}" for number in range(1, count + 1)])


def is_empty(names: Any) -> bool:
    """Whether these are no names; an Index or an array of some has no truth value."""
    return hasattr(names, "__len__") and len(names) == 0


def check_names(names: Sequence[str], default: tuple[str, ...], argument: str) -> tuple[str, ...]:
    """Names, one for each column and all different, as a tuple, or an error that names the `argument`; the default for an empty list.

    A single text is one name.
    """
    if not isinstance(names, Iterable):
        _check.fail(argument, "Dataset", f"{len(default)} names, one a column", names, error=TypeError)
    # Their type survives: a dataset made from one without names has none either.
    checked = names if isinstance(names, Numbered) else tuple(names) if not isinstance(names, str) else (names,)
    if not checked:
        return default
    if len(checked) != len(default) or not all(isinstance(name, str) for name in checked):
        _check.fail(argument, "Dataset", f"{len(default)} names, one a column", list(checked))
    if len(set(checked)) != len(checked):
        _check.fail(argument, "Dataset", "names that differ from each other", list(checked))
    return checked


def listed(names: Sequence[str]) -> str:
    """Names as one text: of more than four the first and the last, and how many there are."""
    return ", ".join(names) if len(names) <= 4 else f"{names[0]}, …, {names[-1]} ({len(names)})"


def labels_of(df: Any) -> list[Any]:
    """The labels of a frame's columns; of an Arrow table their names."""
    if isinstance(df, Mapping):
        return list(df)
    names = getattr(df, "column_names", None)
    return names if isinstance(names, list) else list(df.columns)


def column_indices(
    columns: Sequence[str], names: Sequence[str], where: str, argument: str = "data", kind: str = "a frame"
) -> list[int] | None:
    """Indices of the columns of these names, or None for columns that go by position, as those of arrays.

    The one rule for all data with names: if the columns include all names, they go by name, in any order and beside any further
    columns. If they include none, whatever the case of the letters, and are as many, they were renamed and go by position. Anything
    else is a mistake.

    Args:
        columns: Names of the columns of the data.
        names: Names to look for, in the order of the result.
        where: The public call, for errors.
        argument: Its argument.
        kind: What the data are, for errors.

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


def check_column(name: str, columns: Sequence[str], argument: str, where: str) -> None:
    """An error unless a name is among the columns: it lists these, names the closest one, the `argument` and the call, `where`."""
    if name in columns:
        return
    expected = "one of the columns " + ", ".join(map(repr, columns))
    _check.fail(argument, where, expected, name, _suggested(name, columns))


def _suggested(name: str, columns: Sequence[str]) -> str:
    """The question whether a similar column is meant, `Did you mean 'speed'?`; "" where none is similar.

    First comes one with other capitals, then one with a unit behind the name, then one with similar letters.
    """
    wanted = str(name).casefold()
    alike = [column for column in columns if column.casefold() == wanted]
    # A name without its unit.
    alike = alike or [
        column for column in columns if column.casefold().startswith((f"{wanted} ", f"{wanted}[", f"{wanted}("))
    ]
    close = alike or difflib.get_close_matches(str(name), columns, n=1, cutoff=0.5)
    return f"Did you mean {close[0]!r}?" if close else ""
