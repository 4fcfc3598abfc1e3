"""`BackgroundProcess`, `GroupedProcess`: longer acts whose results are worked out on copies, on a thread of their own where there are any.

The page goes on meanwhile, and a pause comes at once.
"""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from kanwidget.explorer.commands.base import act
from kanwidget.explorer.protocol.topics import CHANGED, Topics
from kanwidget.explorer.session.background.breaks import BrokenOff, breakable
from kanwidget.explorer.session.command import Command, Process
from kanwidget.explorer.session.session import Session
from kanwidget.kan import KAN

T = TypeVar("T")
#: Seconds that a result is waited for, before others have their turn.
_PATIENCE = 0.02


class BackgroundProcess(Process, Generic[T]):
    """A longer act of a session; `begin` has its results worked out, and `take` gets each of them.

    Args:
        session: The session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        #: Results that `advance` hasn't taken yet.
        self._results: deque[T] = deque()
        #: Notified when a result comes or the work is over; its lock guards these.
        self._changed = threading.Condition()
        #: Whether the process was ended, whether its work is over, and what that has failed with.
        self._stopped, self._finished, self._error = False, False, None  # type: bool, bool, BaseException | None

    @abstractmethod
    def take(self, result: T) -> Topics:
        """Take over a result, on the thread of the session. Returns the topics that changed."""

    @abstractmethod
    def close(self) -> Topics:
        """Leave the session paused in a good state. Returns the topics that changed."""

    def begin(self, results: Iterator[T]) -> None:
        """Begin to work out the results: another thread asks for them, so whoever gives them works on a copy of the session's network."""
        self._session.begin_process(self)
        # A job also gets a function for reports to the session, which isn't needed: `advance` takes the results.
        self._session.view.work_out(lambda closing, _: self._work(results, closing))

    # ---- on the thread of the work

    def _work(self, results: Iterator[T], closing: Callable[[], bool]) -> None:
        """Work out the results, and hand each to `advance`; an error is raised there.

        It breaks off, also within a training, when the process is ended, the driver closes or a pause waits.

        Args:
            results: The results; to ask for the next one takes long, and works on a copy of the session's network.
            closing: Whether the driver is being closed.
        """

        def check() -> None:
            if self._stopped or closing() or self._session.run.interrupted():
                raise BrokenOff

        try:
            with breakable(check):
                for result in results:
                    with self._changed:
                        self._results.append(result)
                        self._changed.notify_all()
                    check()
        except BaseException as error:
            self._error = error
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    # ---- on the thread of the session

    def advance(self) -> Topics:
        """Take over the next result, for which it waits a moment at most; end the process once there are no more. Returns what has changed.

        Raises:
            BaseException: What the work has failed with.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._results or self._finished, _PATIENCE)
            result = self._results.popleft() if self._results else None
            over = self._finished
        if result is not None:
            try:
                return self.take(result)
            except BaseException:
                self._session.end_process()
                raise
        if not over:
            return frozenset()
        topics = self._session.end_process()
        if self._error is not None:
            raise self._error
        return topics

    def end(self) -> Topics:
        """End it here: its work breaks off at its next step, and `close` leaves the session paused. Returns the topics that changed."""
        self._stopped = True
        return self.close()


class GroupedProcess(BackgroundProcess[T]):
    """A longer act whose parts are shown one by one: one undo takes back all of them, and the script has one line.

    Args:
        session: The session.
        most: Parts after which it is paused; None for all.
        written: The command of the script for so many parts, None for all.
    """

    def __init__(self, session: Session, most: int | None, written: Callable[[int | None], Command]) -> None:
        super().__init__(session)
        # How many parts it takes before it is paused, None for all; makes the command of the script from a number of parts, None for all.
        self._most, self._written = most, written
        #: How many parts were taken, and whether the last one was.
        self._done, self._complete = 0, False

    def begin(self, results: Iterator[T]) -> None:
        """Begin as a training without an end, with a group of nodes that one undo takes back, and a line of the script that grows with it.

        `results` are the parts, each worked out when it is asked for, on a copy of the session's network. `_written(n)` is the command for
        the script that does n parts, `_written(None)` all of them.
        """
        session = self._session
        session.run.start(None)
        session.tree.begin_group()
        session.script.begin_longer(lambda: self._written(None if self._complete else self._done))
        super().begin(results)

    def adopt(self, network: KAN, kind: str, label: str) -> Topics:
        """Adopt the network of a part as an act of this kind, with this label for its tree node. Returns the topics that changed.

        An act needs a command, `_written(None)`, but it isn't written: while a longer act is at work the script has one line for it.
        """
        session = self._session
        return act(session, self._written(None), kind, label, lambda: session.adopt(network)) | {"settings", "guide"}

    def advance(self) -> Topics:
        """Take over the next part, or end the process once as many were taken as it shall do. Returns the topics that changed."""
        return self._session.end_process() if self._done == self._most else super().advance()

    def close(self) -> Topics:
        """End the group of nodes that one undo takes back, write the line of the script, and pause. Returns the topics that changed."""
        session = self._session
        session.tree.end_group()
        session.script.end_longer()
        session.run.pause()
        return CHANGED
