"""The driver with a thread of its own, and the choice of a driver."""

from __future__ import annotations

import atexit
import contextvars
import math
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Literal, TypeVar, get_args

import torch

from kanwidget import _check
from kanwidget.core.threads import one_thread
from kanwidget.explorer.drivers.driver import Driver
from kanwidget.explorer.page.publisher import Publisher
from kanwidget.explorer.protocol.records import DriverKind
from kanwidget.explorer.protocol.topics import Topics
from kanwidget.explorer.session.command import Command
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.view import Job as Work

T = TypeVar("T")
DriverChoice = Literal["auto", "thread", "cooperative", "blocking"]
#: Every driver that may have a thread, to be stopped when Python ends.
_ALIVE: weakref.WeakSet[ThreadDriver] = weakref.WeakSet()
#: Seconds after which a thread that computes in Python is asked for the lock, while another one works here.
SWITCH_SECONDS = 5e-5

_lock = threading.Lock()
#: Threads within, and the interval to set back.
_threads, _previous = 0, 0.0


class ThreadDriver(Driver):
    """A daemon thread runs the session; it is started with the first job.

    Args:
        session: The session.
        publisher: Sends its changes to the browser.
        name: Of the thread.
    """

    def __init__(self, session: Session, publisher: Publisher, name: str = "kanwidget-explorer") -> None:
        super().__init__(session, publisher, "thread")
        self._name = name  # of the thread
        #: The thread that runs the session, once there is one.
        self.thread: threading.Thread | None = None
        #: Threads of longer jobs, see `work_out`.
        self._workers: set[threading.Thread] = set()

    def begin(self) -> None:
        """Start the thread, in a copy of the caller's context: some kernels look there for where output belongs."""
        with self._changed:  # two callers at once begin one thread
            if self.thread is not None or self.closed:
                return
            context, begun = contextvars.copy_context(), threading.Event()
            thread = threading.Thread(target=context.run, args=(self._loop, begun), name=self._name, daemon=True)
            _ALIVE.add(self)
            thread.start()
            self.thread = thread
        begun.wait()
        # The thread has set its own number of torch's threads, and with it that of threads still to come: set this back.
        torch.set_num_threads(torch.get_num_threads())

    def ask(self, job: Callable[[], T]) -> T:
        """Do a job on the session's thread and wait for its result; here where there is no thread yet, or this one owns the session."""
        if self.thread is None or threading.get_ident() in (self._owner, self.thread.ident):
            return super().ask(job)
        self.check_open()
        future: Future[T] = Future()
        self._put((job, future))
        try:
            return future.result()
        except BaseException:
            future.cancel()  # after Ctrl-C nobody waits: where the job has not begun it never does
            raise

    def start(self, command: Command) -> None:
        """Begin to train; the thread takes the steps, and nobody waits for them."""
        self.begin()
        self.apply(command)

    def run_here(self, job: Callable[[], None], patience: float) -> bool:
        """Do a job on the caller's thread, after those in the queue; False if the session isn't free within `patience` seconds."""
        with self.own(patience) as owned:
            if owned:
                self._do_jobs()
                self._guarded(job)
        return owned

    def work_out(self, job: Work) -> None:
        """Do a longer job, which has copies of what it needs of the session, on a thread of its own beside the training.

        It is called as `job(stopping, report)`: it gives up where `stopping()` is true, and reports functions that bring its results in,
        which the owner of the session calls.
        """

        def report(finish: Callable[[], Topics]) -> None:
            self.post(lambda: self.publisher.mark_changed(finish()))

        def work() -> None:
            """Do the job with one of torch's threads, then forget this thread."""
            try:
                with one_thread():
                    job(lambda: self.closed, report)
            finally:
                self._workers.discard(thread)

        # As in `begin`: some kernels look in the context for where output belongs.
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(work,), name=f"{self._name}-work", daemon=True)
        self._workers.add(thread)
        _ALIVE.add(self)  # its worker may be within torch when Python ends
        thread.start()

    def wake(self) -> None:
        """Let the thread send messages that had to wait."""
        with self._changed:
            self._changed.notify_all()

    def close(self, on_close: Callable[[], None] = lambda: None) -> None:
        """Stop for good, as `Driver.close`, which also calls `on_close`; then wait for all of its threads but the one that calls this."""
        super().close(on_close)
        if self.thread is not None and self.thread is not threading.current_thread():
            self.thread.join()
        self.join_workers()

    def join_workers(self) -> None:
        """Wait until no longer job is under way."""
        for worker in list(self._workers):
            if worker is not threading.current_thread():
                worker.join()

    def _drain(self) -> None:
        """Leave the jobs in the queue to the thread, which begins with the first ones."""
        self.begin()

    def _loop(self, begun: threading.Event) -> None:
        """What the thread does: one round whenever there is work, until the driver is closed.

        Args:
            begun: Set once the thread has its own number of torch's threads.
        """
        # The interval is short between two jobs too: the threads that bring a click need it as much as a step does.
        with one_thread(self.session.is_small), short_switch_interval():
            begun.set()
            while self._next_turn():
                try:
                    with one_thread(self.session.is_small):  # a network that was pruned may have become small
                        self._round()
                except BaseException as error:  # mostly one in a callback of the user; the session has paused
                    self._report(error)
                finally:
                    self._release_and_drain()

    def _next_turn(self) -> bool:
        """Become the owner once there is work: jobs, a training, or a message that is due. False when the driver is closed."""
        with self._changed:
            while not self.closed:
                free = self._owner is None and self._waiting == 0
                seconds = self.publisher.next_wait()
                if free and (self._jobs or self.session.running or seconds == 0.0):
                    self._owner = threading.get_ident()
                    return True
                # `seconds` until a message is due, None for none. Another owner notifies when it releases.
                self._changed.wait(seconds if free else None)
            return False


def driver_kind(choice: DriverChoice) -> DriverKind:
    """The kind of driver for a choice; `auto` is `thread` where there can be one."""
    _check.choice(choice, "driver", "KANExplorer", get_args(DriverChoice))
    if choice == "auto":
        return "thread" if _threads_work() else "cooperative"
    return choice


def _threads_work() -> bool:
    """Whether a thread can be started here; it tries one. In a browser's Python (emscripten) it can't."""
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


# ---- a shorter switch interval, Python's time slice between threads, while an explorer has a thread
#
# Every torch call releases Python's lock, and a thread that wants it back from a loop of pure Python waits for a whole switch interval:
# five milliseconds by default. A step of some hundred calls takes seconds then, and so does a pause. The interval begins anew whenever the
# loop releases the lock by itself, in a call that reads a file, say: beside a cell that does so every millisecond the threads that bring a
# click would never get the lock. So the short interval holds between two jobs too, until the explorer is closed.
#
# The price: two threads of pure Python do a sixth less together, a single one nothing that can be measured. The limit: a loop that
# releases the lock every twentieth of a millisecond takes it back before another thread is awake, and a step may never be done.


@contextmanager
def short_switch_interval() -> Iterator[None]:
    """Within, threads switch after 50 µs, not 5 ms: beside a cell that computes, each torch call of a step waits so long for the lock.

    Several threads may be within. The last one to leave sets the interval back, unless it was changed meanwhile.
    """
    # `_threads` counts the threads within. `_previous` is the interval to set back, in seconds; 0 while none was shortened.
    global _threads, _previous
    with _lock:
        _threads += 1
        interval = sys.getswitchinterval()
        if interval > SWITCH_SECONDS:  # else another thread within has shortened it, or somebody wants it shorter
            _previous = interval
            sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        with _lock:
            _threads -= 1
            if _threads == 0 and _previous:
                if math.isclose(sys.getswitchinterval(), SWITCH_SECONDS):
                    sys.setswitchinterval(_previous)
                _previous = 0.0
