"""How long a step of the engine may take: where it works for long it looks at the clock, and is broken off if it is late."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

_IS_LATE: ContextVar[Callable[[], bool]] = ContextVar("is_late", default=lambda: False)


class _Late(BaseException):
    """Not an `Exception`, so that handlers of failed fits let it pass."""


def in_time(step: Callable[[], T], is_late: Callable[[], bool]) -> T | None:
    """What a step returns; None where it is broken off, as it is late when it calls `look_at_the_clock`.

    Args:
        step: What to do.
        is_late: Whether it has taken too long.

    Examples:
        >>> in_time(lambda: 1 + 1, lambda: False)
        2
        >>> in_time(look_at_the_clock, lambda: True) is None
        True
    """
    token = _IS_LATE.set(is_late)
    try:
        return step()
    except _Late:
        return None
    finally:
        _IS_LATE.reset(token)


def look_at_the_clock() -> None:
    """Break off the step that `in_time` does if its `is_late` says so. What is long calls this where nothing is half done."""
    if _IS_LATE.get()():
        raise _Late
