"""The common ground of all methods of `KANExplorer`: the session, and the driver that alone may touch it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from kanwidget.explorer.drivers.driver import Driver
from kanwidget.explorer.session.command import Command
from kanwidget.explorer.session.session import Session

T = TypeVar("T")


class MethodGroup:
    """Methods of one kind; `KANExplorer` has all groups."""

    _session: Session
    _driver: Driver

    @property
    def _open(self) -> Session:
        """The session, unless the explorer was closed."""
        self._driver.check_open()
        return self._session

    def _ask(self, job: Callable[[], T]) -> T:
        return self._driver.ask(job)

    def _apply(self, command: Command) -> None:
        self._driver.apply(command)
