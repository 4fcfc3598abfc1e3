"""What all parts of `KANExplorer` stand on: the session, and the driver that alone may touch it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from kanwidget.explorer.drivers.driver import Driver
from kanwidget.explorer.session.session import Session

T = TypeVar("T")


class Part:
    """Some of the methods of `KANExplorer`."""

    _session: Session
    _driver: Driver

    @property
    def _open(self) -> Session:
        """The session, unless this was closed."""
        self._driver.check_open()
        return self._session

    def _ask(self, job: Callable[[], T]) -> T:
        return self._driver.ask(job)
