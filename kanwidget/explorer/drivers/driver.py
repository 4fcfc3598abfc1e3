"""The driver runs a session: on a thread of its own, when the browser asks, or in the caller.

One thread at a time touches the session: its *owner*, which uses one of torch's threads while the network is small. All other threads
leave jobs in the queue, which the owner empties between two steps. Handlers of messages, which may run on any thread, only leave jobs.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

from kanwidget import _check
from kanwidget.core.primitives import WATCHERS
from kanwidget.core.threads import one_thread
from kanwidget.explorer.commands.training import Pause, Start
from kanwidget.explorer.page.publisher import Publisher
from kanwidget.explorer.protocol.records import DriverKind
from kanwidget.explorer.protocol.topics import Topics
from kanwidget.explorer.session.command import Command
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.view import Job as Work

_log = logging.getLogger(__name__)
T = TypeVar("T")
Job = tuple[Callable[[], Any], "Future[Any] | None"]

#: Most seconds of training between two messages; the queue of jobs is emptied after every step.
_SLICE_SECONDS = 0.02
#: Seconds that a pump of the browser trains, and that the symbolify preview may take where no thread does it.
_PUMP_SECONDS, _PREVIEW_SECONDS = 0.15, 0.5


class Driver:
    """Runs a session on the caller's thread; `ThreadDriver` adds a thread.

    Args:
        session: The session.
        publisher: Sends its changes to the browser.
        kind: `blocking`: the caller trains; `cooperative`: pumps of the browser run the steps; `thread`: see `ThreadDriver`.
    """

    def __init__(self, session: Session, publisher: Publisher, kind: DriverKind = "blocking") -> None:
        # `publisher` sends changes to the browser. `kind` says who takes the steps: the caller (`blocking`), pumps of the browser
        # (`cooperative`) or a thread of the driver's own (`thread`).
        self.session, self.publisher, self.kind = session, publisher, kind
        self.closed = False
        #: Each a function, and the future that takes its result; None where nobody waits for it.
        self._jobs: deque[Job] = deque()
        #: Notified when jobs, owner, waiting threads or `closed` change.
        self._changed = threading.Condition(threading.Lock())
        #: The thread that touches the session, None while none does.
        self._owner: int | None = None
        #: Threads that wait to become the owner.
        self._waiting = 0
        #: Pauses on their way; a list, since appending needs no lock in a handler of signals.
        self._pauses: list[None] = []
        #: Called once at the end, see `close`.
        self._on_close: Callable[[], None] = lambda: None
        WATCHERS.add(self)  # `wake` is then called when a primitive is registered

    # ---- jobs and commands

    def post(self, job: Callable[[], Any]) -> None:
        """Leave a job for the owner of the session, the thread that touches it; an exception of the job becomes a notice on the page."""
        self._put((job, None))
        self._drain()

    def ask(self, job: Callable[[], T]) -> T:
        """Do a job as the owner of the session, the one thread that touches it, and return its result."""
        if self._owner == threading.get_ident():  # within a job: to wait would be for ever
            return job()
        self.check_open()
        with self.own():
            try:
                return job()
            finally:
                self._publish_all()

    def apply(self, command: Command) -> None:
        """Carry out a command, and wait for it."""
        if command.interrupts:
            self.stop_soon()
        self.ask(lambda: self.carry_out(command))

    def stop_soon(self) -> None:
        """Announce a pause: until `carry_out` pauses, a long step and the commands before may be abandoned.

        The list counts announced pauses: to append to it needs no lock, so a handler of signals may call this.
        """
        self._pauses.append(None)

    def carry_out(self, command: Command) -> None:
        """Carry out a command. Only for jobs: the caller owns the session."""
        try:
            self.publisher.mark_changed(self.session.apply(command))
        finally:
            if command.interrupts and self._pauses:  # this pause has arrived, of those that `stop_soon` has announced
                self._pauses.pop()

    def stopping(self) -> bool:
        """Whether a running step may be abandoned, because of a pause or the end to come."""
        return bool(self._pauses) or self.closed

    def wake(self) -> None:
        """Send messages that had to wait: the owner of the session does so once it has done the jobs in the queue."""
        self._drain()

    def pause(self) -> None:
        """Ask the training to stop as soon as it can. Doesn't wait; may be called on any thread."""
        self.stop_soon()
        self.post(lambda: self.carry_out(Pause()))

    def start(self, command: Command) -> None:
        """Begin to train. A driver of the kind `blocking` has nobody who would take the steps, so it trains until the end.

        Raises:
            RuntimeError: If this call would have to train and no end is in sight.
        """
        if self.kind != "blocking":
            self.apply(command)
            return
        self.check_open()
        if isinstance(command, Start) and command.steps is None and self.session.steps is None:
            advice = "Use start(steps=…) or fit(steps=…)."
            _check.refuse(RuntimeError(f"start() would train for ever: the training has no last step. {advice}"))
        self.run(command)

    def run(self, command: Command, tick: Callable[[], None] = lambda: None) -> None:
        """Carry out a command that starts the training, and train on this thread until it ends.

        Args:
            command: `Start` or `Step`.
            tick: Called after every step.
        """
        if self._owner == threading.get_ident():  # a step is being taken, and calls this
            _check.fail("callback", "on_step", "one that doesn't train itself", "a call of fit or step")
        self.check_open()
        with self.own():
            self._do_jobs()
            self.publisher.mark_changed(self.session.apply(command))
            try:
                while self.session.running and not self.closed:
                    self._round(0.0)  # one step
                    tick()
            except KeyboardInterrupt:
                self.publisher.mark_changed(self.session.apply(Pause()))
            finally:
                self._publish_all()

    def interrupt(self) -> None:
        """Pause the training after the step in progress, or abandon that step where it is long. For handlers of signals."""
        self.stop_soon()
        # No lock: the handler may run while this thread holds it. None: nobody waits for a result of this job.
        self._jobs.append((lambda: self.carry_out(Pause()), None))

    def pump(self) -> None:
        """A page asks for news: without a thread, training goes on a little for it."""

        def work() -> None:
            if self.kind != "thread":
                self.publisher.mark_changed(self._advance(_PUMP_SECONDS))

        self.post(work)

    def work_out(self, job: Work) -> None:
        """Do a longer job, which has copies of what it needs of the session, at once, and mark what it has changed. Only for the owner.

        Args:
            job: `job(stopping, report)`. It gives up where `stopping()` is true, and reports functions that bring its results in.
        """
        job(lambda: self.closed, lambda finish: self.publisher.mark_changed(finish()))

    # ---- the end

    def close(self, on_close: Callable[[], None] = lambda: None) -> None:
        """Stop for good: once no thread owns (touches) the session, cancel the jobs that wait and call `on_close`.

        Called by the owner itself, as in a callback of a step, it returns before that; else it waits for the owner.
        """
        with self._changed:
            self._on_close = on_close
            self.closed = True
            WATCHERS.discard(self)  # no `wake` any more when a primitive is registered
            self._changed.notify_all()
            if self._owner == threading.get_ident():
                return  # `_release` finishes then
            while self._owner is not None:
                self._changed.wait()
        self._finish()

    def check_open(self) -> None:
        """Raise an error once the explorer was closed."""
        if self.closed:
            _check.refuse(RuntimeError("this explorer was closed. Make a new one: KANExplorer(model, data)."))

    def _finish(self) -> None:
        """Cancel the remaining jobs and call `on_close`, once."""
        on_close, self._on_close = self._on_close, lambda: None
        while self._jobs:
            _, future = self._jobs.popleft()
            if future is not None:
                future.cancel()
        on_close()

    # ---- owning the session

    @contextmanager
    def own(self, patience: float | None = None) -> Iterator[bool]:
        """Wait until the session is free, at most for `patience` seconds, and own it within; yields whether that was possible.

        None waits for ever. The owner of a small network uses one of torch's threads.
        """
        owned = self._become_owner(patience)
        try:
            with one_thread(owned and self.session.is_small):
                yield owned
        finally:
            if owned:
                self._release_and_drain()

    def _become_owner(self, patience: float | None) -> bool:
        """Wait until the session is free, and own it; whether that was possible.

        Args:
            patience: Seconds to wait; the wait also ends once the driver is closed. None waits for ever, also then.
        """
        limited = patience is not None
        with self._changed:
            # While others wait, the driver's own thread takes no turn; it must hear when they no longer do.
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: self._owner is None or (limited and self.closed), patience)
                free = self._owner is None and not (limited and self.closed)
                if free:
                    self._owner = threading.get_ident()
            finally:
                self._waiting -= 1
                self._changed.notify_all()
        return free

    def _release_and_drain(self) -> None:
        """Release the session, then do the jobs that came after the queue was emptied: who left them relied on the owner."""
        self._release()
        if self._jobs and not self.closed:
            self._drain()

    def _release(self) -> None:
        """Own the session no longer, and wake who waits for it; the last owner of a closed driver cancels its jobs and calls `on_close`."""
        with self._changed:
            self._owner = None
            self._changed.notify_all()
        if self.closed:
            self._finish()

    # ---- the work of the owner

    def _put(self, job: Job) -> None:
        """Append a job, a function with the future that takes its result (or None), to the queue, and wake threads that wait for work."""
        with self._changed:
            self._jobs.append(job)
            self._changed.notify_all()

    def _drain(self) -> None:
        """Do the jobs in the queue on this thread, unless another owner will: each looks for further jobs after it has released."""
        while self._become_owner(0.0):  # without waiting; False while another thread owns the session
            try:
                with one_thread(self.session.is_small):
                    self._do_jobs_for_others()
            finally:
                self._release()
            if not self._jobs:
                return

    def _do_jobs_for_others(self) -> None:
        """Do the jobs in the queue. Their errors become notices: they aren't errors of the caller."""
        was_running = self.session.running
        self._do_jobs()
        if self.session.running and not was_running:
            # A job has begun a training, and there is no thread: its first steps are taken and shown now, not when a page asks next.
            self._guarded(lambda: self.publisher.mark_changed(self._advance(_PUMP_SECONDS)))
        self._publish_all()

    def _round(self, seconds: float = _SLICE_SECONDS) -> None:
        """Do the jobs in the queue, train for `seconds`, at least one step, and send what is due, at most one costly topic.

        Little is done at once: a job that comes meanwhile, such as a click, waits for the end of it. Costly topics take a while to
        compute, such as the panels of a page.
        """
        self._do_jobs()
        if self.session.running and not self.closed:
            self.publisher.mark_changed(self._advance(seconds))
        if self.stopping() and self._jobs:
            return  # a pause doesn't wait for a frame of the training
        self.publisher.flush()
        if not self._jobs and not self.stopping():
            _ = self.publisher.send_costly() or self.publisher.send_preview()  # the latter: a part of what takes long

    def _advance(self, seconds: float) -> Topics:
        """Train for `seconds`, at least one step, or until a job or a pause comes; returns the names of the topics that changed."""
        return self.session.advance(seconds, lambda: bool(self._jobs) or self.stopping())

    def _publish_all(self) -> None:
        """Before the session is free again: send all messages that are due.

        Without a thread, which does so later, also do what takes long, for half a second: the preview of `auto_symbolic` and trials of
        networks, where a page shows them.
        """
        self.publisher.flush()
        while self.publisher.send_costly():
            self.publisher.flush()
        if self.kind != "thread":
            # The rest is done with the next job or pump, so that the caller doesn't wait long.
            deadline = time.monotonic() + _PREVIEW_SECONDS
            while not self._jobs and time.monotonic() < deadline and self.publisher.send_preview():
                pass
        self.publisher.flush()

    def _do_jobs(self) -> None:
        """Do the jobs in the queue, in order. Whoever waits for the result of one gets its error, too; other errors become notices."""
        while self._jobs:
            job, future = self._jobs.popleft()
            if future is None:
                self._guarded(job)
            elif future.set_running_or_notify_cancel():
                try:
                    future.set_result(job())
                except BaseException as error:
                    future.set_exception(error)

    def _guarded(self, job: Callable[[], Any]) -> None:
        """Do a job that nobody waits for: its error becomes a notice."""
        try:
            job()
        except Exception as error:
            self._report(error)

    def _report(self, error: BaseException) -> None:
        """Show an error on the page; where that fails, too, log it: the driver goes on."""
        try:
            self.publisher.report(error)
        except Exception:
            _log.exception("an error could not be shown")
