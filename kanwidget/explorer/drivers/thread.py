"""The driver with a thread of its own, and the choice of a driver."""

from __future__ import annotations

import atexit
import contextvars
import sys
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import Literal, TypeVar

import torch

from kanwidget import _check
from kanwidget.core.threads import one_thread
from kanwidget.explorer.commands.base import Command
from kanwidget.explorer.drivers.driver import Driver
from kanwidget.explorer.drivers.switch_interval import quick_turns
from kanwidget.explorer.page.publisher import Publisher
from kanwidget.explorer.session.session import Session

T = TypeVar("T")
DriverChoice = Literal["auto", "thread", "cooperative", "blocking"]
#: Every driver that may have a thread, to be stopped when Python ends.
_ALIVE: weakref.WeakSet[ThreadDriver] = weakref.WeakSet()


class ThreadDriver(Driver):
    """A daemon thread runs the session; it is started when it is first needed.

    Args:
        session: What is run.
        publisher: Who tells the browser.
        name: Of the thread.
    """

    def __init__(self, session: Session, publisher: Publisher, name: str = "kanwidget-explorer") -> None:
        super().__init__(session, publisher, "thread")
        self._name = name
        self._thread: threading.Thread | None = None

    @property
    def thread(self) -> threading.Thread | None:
        """The thread, once there is one."""
        return self._thread

    def begin(self) -> None:
        """Start the thread, in a copy of the caller's context: some kernels look there for where output belongs."""
        with self._changed:  # two callers at once begin one thread
            if self._thread is not None or self.closed:
                return
            context, begun = contextvars.copy_context(), threading.Event()
            thread = threading.Thread(target=context.run, args=(self._loop, begun), name=self._name, daemon=True)
            _ALIVE.add(self)
            thread.start()
            self._thread = thread
        begun.wait()
        # The worker has set its own number of threads, and with it that of threads still to come: set this back.
        torch.set_num_threads(torch.get_num_threads())

    def ask(self, job: Callable[[], T]) -> T:
        if self._thread is None or threading.get_ident() in (self._owner, self._thread.ident):
            return super().ask(job)
        self.check_open()
        future: Future[T] = Future()
        self._put((job, future))
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def start(self, command: Command) -> None:
        self.begin()
        self.apply(command)

    def here(self, job: Callable[[], None], patience: float) -> bool:
        """Do a job on the caller's thread, after those that were left before it; False if the session isn't free in time."""
        with self._changed:
            self._waiting += 1
            try:
                free = self._changed.wait_for(lambda: self._owner is None or self.closed, patience) and not self.closed
                if free:
                    self._owner = threading.get_ident()
            finally:
                self._waiting -= 1
                self._changed.notify_all()
        if free:
            try:
                with one_thread(self.session.small):
                    self._empty()
                    self._guarded(job)
            finally:
                self._give_up()
        return free

    def _nudge(self) -> None:
        self.begin()

    def close(self, release: Callable[[], None] = lambda: None) -> None:
        super().close(release)
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _loop(self, begun: threading.Event) -> None:
        # The turns are quick between two jobs too: the threads that bring a click need them as much as a step does.
        with one_thread(self.session.small), quick_turns():
            begun.set()
            while self._take():
                try:
                    self._turn()
                except BaseException as error:  # mostly one in a callback of the user; the session has paused
                    self._tell_error(error)
                finally:
                    self._give_up()

    def _take(self) -> bool:
        """Become the owner once there is something to do; False when it is over."""
        with self._changed:
            while not self.closed:
                free = self._owner is None and self._waiting == 0
                pending = self.publisher.pending()
                if free and (self._jobs or self.session.running or pending == 0.0):
                    self._owner = threading.get_ident()
                    return True
                self._changed.wait(pending if free else None)
            return False

    def wake(self) -> None:
        """Something may be told now."""
        with self._changed:
            self._changed.notify_all()


def make_driver(choice: DriverChoice, session: Session, publisher: Publisher, name: str) -> Driver:
    """The driver asked for; `auto` takes a thread where there can be one."""
    _check.choice(choice, "driver", "KANExplorer", ("auto", "thread", "cooperative", "blocking"))
    if choice == "auto":
        choice = "thread" if _threads_work() else "cooperative"
    return ThreadDriver(session, publisher, name) if choice == "thread" else Driver(session, publisher, choice)


def _threads_work() -> bool:
    """Whether a thread can be started here (in a browser's Python it can't)."""
    if sys.platform == "emscripten":
        return False
    try:
        probe = threading.Thread(target=time.monotonic, name="kanwidget-probe", daemon=True)
        probe.start()
        probe.join()
    except RuntimeError:
        return False
    return True


@atexit.register
def _stop_all() -> None:
    """A thread that is within torch when Python ends aborts the process: stop and join every one."""
    for driver in list(_ALIVE):
        driver.close()
