"""Names of columns: given ones, checked, and what columns are called that nobody has named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kanwidget import _check


class Numbered(tuple[str, ...]):
    """What columns are called that nobody has named: told apart from the same names where these were given."""


def is_empty(names: Any) -> bool:
    """Whether these are no names; an Index or an array of some has no truth value."""
    return hasattr(names, "__len__") and len(names) == 0


def checked(given: Sequence[str], default: tuple[str, ...], argument: str) -> tuple[str, ...]:
    """Names, one a column; the default where none were given."""
    if not isinstance(given, Iterable):
        _check.fail(argument, "Dataset", f"{len(default)} names, one a column", given, error=TypeError)
    # As they are: what is made of data without names has none either.
    names = given if isinstance(given, Numbered) else tuple(given) if not isinstance(given, str) else (given,)
    if not names:
        return default
    if len(names) != len(default) or not all(isinstance(name, str) for name in names):
        _check.fail(argument, "Dataset", f"{len(default)} names, one a column", list(names))
    if len(set(names)) != len(names):
        _check.fail(argument, "Dataset", "names that differ from each other", list(names))
    return names


def listed(names: Sequence[str]) -> str:
    """A short list of names."""
    return ", ".join(names) if len(names) <= 4 else f"{names[0]}, …, {names[-1]} ({len(names)})"
