"""Computations in Python that are broken off at a deadline."""

from __future__ import annotations

import inspect
import logging
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import sympy

T = TypeVar("T")
_log = logging.getLogger(__name__)
#: Packages whose functions are broken off when the time is over.
_INTERRUPTED = ("kanwidget", "mpmath", "sympy")


def simplify_within(expr: sympy.Expr, seconds: float) -> sympy.Expr:
    """`sympy.simplify`, or the expression itself if that takes too long.

    Examples:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> simplify_within(sympy.sin(x) ** 2 + sympy.cos(x) ** 2, 10)
        1
    """
    import sympy

    simplified = within(time.monotonic() + seconds, lambda: sympy.simplify(expr))
    if simplified is None:
        _log.info("simplification was given up after %g s", seconds)
        return expr
    return simplified


def within(deadline: float, compute: Callable[[], T]) -> T | None:
    """The result of pure Python, or None if it isn't there by the deadline, a time of `time.monotonic`.

    The clock is read whenever a Python function is entered: this works in every thread and on every system, and leaves nothing
    running. It doesn't disturb the hooks of debuggers and coverage tools, which are others. Calls may be nested: what is within two
    deadlines ends by the earlier one.

    Examples:
        >>> within(time.monotonic() + 10, lambda: 1 + 1)
        2
        >>> within(time.monotonic() - 1, lambda: simplify_within(None, 1)) is None
        True
    """
    profiler = sys.getprofile()
    outer = profiler.deadline if isinstance(profiler, _Watch) else math.inf
    sys.setprofile(_Watch(min(deadline, outer)))
    try:
        return compute()
    except _TooLong:
        return None
    finally:
        sys.setprofile(profiler if callable(profiler) else None)  # that of cProfile cannot be set again


@dataclass(frozen=True, slots=True)
class _Watch:
    """A hook for each function that is entered, which breaks off what takes longer than its deadline."""

    deadline: float

    def __call__(self, frame: Any, *_: Any) -> None:
        """Called by Python whenever a function is entered or left, with its frame; an error here is one of the computation."""
        if time.monotonic() > self.deadline and _may_raise(frame):
            raise _TooLong


def _may_raise(frame: Any) -> bool:
    """Whether an error in this frame reaches its caller.

    Python swallows errors of a generator that is thrown away, of a finalizer and of a callback of the garbage collector, and drops the
    hook that raised them: the computation would go on without an end. So generators, finalizers and all code but that of kanwidget,
    mpmath and sympy may not raise; nor may `within` itself, where it takes the hook away: the hook would stay.
    """
    module, code = str(frame.f_globals.get("__name__")).partition(".")[0], frame.f_code
    is_swallowed = code.co_flags & inspect.CO_GENERATOR or code.co_name == "__del__"
    return module in _INTERRUPTED and not is_swallowed and code is not within.__code__


class _TooLong(BaseException):
    """Not an `Exception`, so that sympy's own handlers let it pass."""
