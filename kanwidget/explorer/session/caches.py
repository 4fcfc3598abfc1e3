"""What is worked out once and kept: the latest value by its key, and values that may be a moment old while a network trains."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
#: While the network trains a value is computed anew after so many seconds, and so many times as long as that takes.
SECONDS, REST = 0.5, 30


class Latest(Generic[T]):
    """The value that was computed last, kept for as long as it is asked for by the same key.

    Examples:
        >>> squares = Latest[int]()
        >>> squares.get(2, lambda: 4), squares.get(2, lambda: 1 / 0), squares.get(3, lambda: 9)
        (4, 4, 9)
    """

    def __init__(self) -> None:
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

    def forget(self) -> None:
        """Forget it."""
        self._last = None


class VersionedRun(Protocol):
    """The network in training, a `TrainingRun`."""

    version: int
    act_version: int

    @property
    def running(self) -> bool: ...


class Lagging(Generic[T]):
    """A value that is computed once for each version of a network; while it trains one of a moment ago, not older than the last act.

    Args:
        run: The network in training.
        compute: Computes the value from its arguments; only the last one is kept.
    """

    def __init__(self, run: VersionedRun, compute: Callable[..., T]) -> None:
        self._run, self._compute = run, compute
        self._last: tuple[T, tuple[object, ...], int, float] | None = None

    def __call__(self, *arguments: object) -> T:
        """The value for these arguments."""
        started, version = time.monotonic(), self._run.version
        if self._last is not None:
            value, of, at, until = self._last
            lags = self._run.running and at >= self._run.act_version and started < until
            if of == arguments and (at == version or lags):
                return value
        value = self._compute(*arguments)
        wait = max(SECONDS, REST * (time.monotonic() - started))
        self._last = value, arguments, version, started + wait
        return value
