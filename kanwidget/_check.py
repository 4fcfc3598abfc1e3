"""One grammar for error messages: which argument, what was expected, what came, what to do."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Callable, Iterable
from inspect import isfunction, unwrap
from numbers import Integral, Real
from pathlib import Path
from typing import Any, NoReturn, TypeVar

Cls = TypeVar("Cls", bound=type)

#: Options that an error names, of a longer list.
_NAMED = 4


def describe(value: Any) -> str:
    """A short description of a value for an error message.

    Examples:
        >>> describe(0), describe("a"), describe([1, 2])
        ('0', "'a'", '[1, 2]')
    """
    shape = getattr(value, "shape", None)
    if shape is not None:
        return f"{type(value).__name__} of shape {tuple(shape)}"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def fail(
    argument: str, where: str, expected: str, got: Any, advice: str = "", *, error: type[Exception] = ValueError
) -> NoReturn:
    """Raise `error` with a message in the common grammar.

    It says which `argument` of which call (`where`) is wrong, what was `expected`, what came (`got`), and what to do (`advice`).

    Examples:
        >>> fail("grid", "KAN", "an integer ≥ 1", 0, "Use at least one interval.")
        Traceback (most recent call last):
        ...
        ValueError: the `grid` argument of KAN must be an integer ≥ 1; got 0. Use at least one interval.
    """
    hint = f" {advice}" if advice else ""
    raise error(f"the `{argument}` argument of {where} must be {expected}; got {describe(got)}.{hint}")


def methods_of(owner: str) -> Callable[[Cls], Cls]:
    """Let Python's own errors about wrapped public methods name the class that people call, not the one that defines them.

    Only the inner functions are renamed: the wrappers keep the names by which pickle finds them.

    Examples:
        >>> from functools import wraps
        >>> def wrapped(function):
        ...     return wraps(function)(lambda *args: function(*args))
        >>> @methods_of("KAN")
        ... class EditableNetwork:
        ...     @wrapped
        ...     def prune(self): ...
        >>> EditableNetwork().prune(1)
        Traceback (most recent call last):
        ...
        TypeError: KAN.prune() takes 1 positional argument but 2 were given
    """

    def decorate(cls: Cls) -> Cls:
        """Give the functions under the wrapped public methods of a class qualified names that begin with `owner`."""
        for name, member in vars(cls).items():
            wrapper = member.__func__ if isinstance(member, classmethod) else member
            if not name.startswith("_") and isfunction(wrapper) and unwrap(wrapper) is not wrapper:
                unwrap(wrapper).__qualname__ = f"{owner}.{name}"
        return cls

    return decorate


def refuse(error: Exception) -> NoReturn:
    """Raise an error whose message isn't in the grammar of `fail`, but says all that there is to know.

    It is raised here because errors from this module are shown without the package's own frames.
    """
    raise error


def integer(value: Any, argument: str, where: str, *, low: int, high: int | None = None, advice: str = "") -> int:
    """`value` as an int within [low, high], or an error (bools and fractions are refused).

    The error names the `argument` and the call (`where`), and ends with the `advice`.
    """
    ok = isinstance(value, Integral) and not isinstance(value, bool)
    if not ok or value < low or (high is not None and value > high):
        span = f"≥ {low}" if high is None else f"from {low} to {high}"
        fail(argument, where, f"an integer {span}", value, advice)
    return int(value)


def real(
    value: Any,
    argument: str,
    where: str,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    open_low: bool = False,
    advice: str = "",
) -> float:
    """`value` as a finite float within [low, high] (`open_low`: above low), or an error.

    The error names the `argument` and the call (`where`), and ends with the `advice`.
    """
    ok = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if not ok or value > high or value < low or (open_low and value == low):
        bounds = []
        if low > -math.inf:
            bounds.append(f"{'>' if open_low else '≥'} {low:g}")
        if high < math.inf:
            bounds.append(f"≤ {high:g}")
        fail(argument, where, " ".join(["a finite number", " and ".join(bounds)]).strip(), value, advice)
    return float(value)


def boolean(value: Any, argument: str, where: str) -> bool:
    """`value` if it is True or False, or an error that names the `argument` and the call (`where`)."""
    if not isinstance(value, bool):
        fail(argument, where, "True or False", value)
    return value


def path(value: Any, where: str, advice: str = "") -> Path:
    """`value`, the `path` argument of the call `where`, as a `Path` if it is a `str` or `os.PathLike`; else an error."""
    if not isinstance(value, (str, os.PathLike)):
        fail("path", where, "a path", value, advice, error=TypeError)
    return Path(value)


def choice(value: Any, argument: str, where: str, options: Iterable[str]) -> str:
    """`value` if it is one of the `options`; else an error that names the `argument`, the call (`where`) and the closest option."""
    names = list(options)
    if isinstance(value, str) and value in names:
        return value
    close = difflib.get_close_matches(str(value), names, n=_NAMED, cutoff=0.5)
    advice = f"Did you mean {close[0]!r}?" if close else ""
    # A long list would go unread: beyond eight options name four, the likely ones or the first ones.
    named = names if len(names) <= 2 * _NAMED else (close or names)[:_NAMED]
    rest = f" or {len(names) - len(named)} others" if len(named) < len(names) else ""
    fail(argument, where, f"one of {', '.join(map(repr, named))}{rest}", value, advice)
