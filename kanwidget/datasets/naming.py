"""Names of columns: checks, and the default names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kanwidget import _check


class Numbered(tuple[str, ...]):
    """Default names of columns, a type of its own: a person may choose the same names."""


def is_empty(names: Any) -> bool:
    """Whether these are no names; an Index or an array of some has no truth value."""
    return hasattr(names, "__len__") and len(names) == 0


def check_names(names: Sequence[str], default: tuple[str, ...], argument: str) -> tuple[str, ...]:
    """Names, one for each column; the default for an empty list."""
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
    """A short list of names."""
    return ", ".join(names) if len(names) <= 4 else f"{names[0]}, …, {names[-1]} ({len(names)})"
