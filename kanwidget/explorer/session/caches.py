"""`Latest`: what is worked out once and kept, by its key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """The value that was computed last, kept for as long as it is asked for by the same key.

    Examples:
        >>> squares = Latest[int]()
        >>> squares.get(2, lambda: 4), squares.get(2, lambda: 1 / 0), squares.get(3, lambda: 9)
        (4, 4, 9)
    """

    def __init__(self) -> None:
        #: The last key with its value.
        self._last: tuple[object, T] | None = None

    def get(self, key: object, compute: Callable[[], T]) -> T:
        """The value of a key, computed unless the last one was of this key too."""
        if self._last is None or self._last[0] != key:
            self._last = key, compute()
        return self._last[1]

    @property
    def value(self) -> T | None:
        """The last value, whatever its key; None before there is one."""
        return None if self._last is None else self._last[1]
