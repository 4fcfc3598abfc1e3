"""`Lagging`: what is computed from a network in training, and may be a moment old while it trains."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
#: While the network trains a value is computed anew after so many seconds, and so many times as long as that takes.
SECONDS, REST = 0.5, 30


class Versions(Protocol):
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

    def __init__(self, run: Versions, compute: Callable[..., T]) -> None:
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
