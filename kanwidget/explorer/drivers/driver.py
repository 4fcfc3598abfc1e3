"""Who runs a session: a thread of its own, the browser's questions, or the caller.

One at a time touches the session: the *owner*. Everybody else leaves a job in the queue, which the owner empties between two steps.
Handlers of messages, which may run on any thread, only do that.
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
from kanwidget.explorer.commands.base import Command, Pause, Start
from kanwidget.explorer.page.publisher import Publisher
from kanwidget.explorer.protocol.records import DriverKind
from kanwidget.explorer.session.session import Session

_log = logging.getLogger(__name__)
T = TypeVar("T")
Job = tuple[Callable[[], Any], "Future[Any] | None"]

#: Seconds of training between two looks at the clock and the queue is at most this; the queue is looked at after every step.
_SLICE = 0.02
#: Seconds that a pump of the browser trains, and that a survey may take where no thread does it.
_PUMP_SECONDS, _LOOK_SECONDS = 0.15, 0.5


class Driver:
    """Runs a session on the caller's thread; `ThreadDriver` adds one of its own.

    Args:
        session: What is run.
        publisher: Who tells the browser.
        kind: `blocking`, or `cooperative` where the browser's questions run the steps.
    """

    def __init__(self, session: Session, publisher: Publisher, kind: DriverKind = "blocking") -> None:
        self.session, self.publisher, self.kind = session, publisher, kind
        self.closed = False
        #: Where errors go that nobody waits for.
        self.on_error: Callable[[BaseException], None] = lambda _: None
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._owner: int | None = None
        self._waiting = 0
        #: Pauses that are on their way; a list, since appending needs no lock in a handler of signals.
        self._pauses: list[None] = []
        self._release: Callable[[], None] = lambda: None
        session.interrupted = lambda: self._stopping
        WATCHERS.add(self)
        publisher.driver = kind

    # ---- asking for something

    def post(self, job: Callable[[], Any]) -> None:
        """Leave a job for the owner; its exceptions go to `on_error`."""
        self._put((job, None))
        self._nudge()

    def ask(self, job: Callable[[], T]) -> T:
        """Do a job while nobody else touches the session, and wait for its result."""
        if self._owner == threading.get_ident():
            return job()
        self.check_open()
        with self.own(), one_thread(self.session.small):
            try:
                return job()
            finally:
                self._settle()

    def apply(self, command: Command) -> None:
        """Carry out a command, and wait for it."""
        if isinstance(command, Pause):
            self.stop_soon()
        self.ask(lambda: self.carry_out(command))

    def stop_soon(self) -> None:
        """A pause is on its way, for `carry_out`: a long step needn't be finished, nor what is asked for before the pause."""
        self._pauses.append(None)

    def carry_out(self, command: Command) -> None:
        """Do what a command says; for jobs, which own the session."""
        try:
            self.publisher.note(self.session.apply(command))
        finally:
            if isinstance(command, Pause) and self._pauses:
                self._pauses.pop()

    def wake(self) -> None:
        """Something may be told now."""
        self._nudge()

    def pause(self) -> None:
        """Ask the training to stop as soon as it can. Doesn't wait; may be called on any thread."""
        self.stop_soon()
        self.post(lambda: self.carry_out(Pause()))

    def start(self, command: Command) -> None:
        """Begin to train; here that means to train until it ends.

        Raises:
            RuntimeError: If this call would have to train and no end is in sight.
        """
        if self.kind != "blocking":
            self.apply(command)
            return
        self.check_open()
        if isinstance(command, Start) and command.steps is None and self.session.steps is None:
            _check.refuse(
                RuntimeError(
                    "start() would train for ever: the training has no last step. Use start(steps=…) or fit(steps=…)."
                )
            )
        self.run(command)

    # ---- the owner

    @contextmanager
    def own(self) -> Iterator[None]:
        """Nobody else touches the session within."""
        with self._changed:
            self._waiting += 1
            try:
                while self._owner is not None:
                    self._changed.wait()
            finally:
                self._waiting -= 1
            self._owner = threading.get_ident()
        try:
            yield
        finally:
            self._give_up()

    def run(self, command: Command, tick: Callable[[], None] = lambda: None) -> None:
        """Carry out a command that starts the training, and train on this thread until it ends.

        Args:
            command: `Start` or `Step`.
            tick: Called after every step.
        """
        if self._owner == threading.get_ident():
            _check.fail("callback", "on_step", "one that doesn't train itself", "a call of fit or step")
        self.check_open()
        with self.own(), one_thread(self.session.small):
            self._empty()
            self.publisher.note(self.session.apply(command))
            try:
                while self.session.running and not self.closed:
                    self._turn(0.0)
                    tick()
            except KeyboardInterrupt:
                self.publisher.note(self.session.apply(Pause()))
            finally:
                self._settle()

    def interrupt(self) -> None:
        """Let the running step end or be given up, then pause. For handlers of signals."""
        self.stop_soon()
        # No lock: the handler may run while this thread holds it.
        self._jobs.append((lambda: self.carry_out(Pause()), None))

    def pump(self) -> None:
        """Answer the browser's question for news; without a thread, training goes on a little for it."""

        def work() -> None:
            if self.kind != "thread":
                self.publisher.note(self._advance(_PUMP_SECONDS))

        self.post(work)

    def close(self, release: Callable[[], None] = lambda: None) -> None:
        """Stop for good, and call `release` once nobody is within the session any more.

        From within a callback that is after this call, else before it returns.
        """
        with self._changed:
            self._release = release
            self.closed = True
            WATCHERS.discard(self)
            self._changed.notify_all()
            if self._owner == threading.get_ident():
                return
            while self._owner is not None:
                self._changed.wait()
        self._finish()

    def check_open(self) -> None:
        """An error once it was closed."""
        if self.closed:
            _check.refuse(RuntimeError("this explorer was closed. Make a new one: KANExplorer(model, data)."))

    # ---- inside

    @property
    def _stopping(self) -> bool:
        return bool(self._pauses) or self.closed

    def _give_up(self) -> None:
        """The session is free for others; jobs that were left after the last look at the queue are done now."""
        self._let_go()
        if self._jobs and not self.closed:
            self._nudge()

    def _let_go(self) -> None:
        with self._changed:
            self._owner = None
            self._changed.notify_all()
        if self.closed:
            self._finish()

    def _finish(self) -> None:
        """What is left to do when it is over, once."""
        release, self._release = self._release, lambda: None
        while self._jobs:
            _, future = self._jobs.popleft()
            if future is not None:
                future.cancel()
        release()

    def _put(self, job: Job) -> None:
        with self._changed:
            self._jobs.append(job)
            self._changed.notify_all()

    def _nudge(self) -> None:
        """Without a thread of its own, whoever leaves a job does it, unless somebody owns the session and will."""
        while self._take_free():
            try:
                with one_thread(self.session.small):
                    self._help_out()
            finally:
                self._let_go()
            if not self._jobs:
                return

    def _take_free(self) -> bool:
        """Become the owner if nobody is."""
        with self._changed:
            free = self._owner is None and not self.closed
            if free:
                self._owner = threading.get_ident()
        return free

    def _help_out(self) -> None:
        """Do what was left; whoever happens to do it isn't bothered with the errors of others."""
        was_running = self.session.running
        self._empty()
        if self.session.running and not was_running:
            # The first steps are seen at once.
            self._guarded(lambda: self.publisher.note(self._advance(_PUMP_SECONDS)))
        self._settle()

    def _turn(self, budget: float = _SLICE) -> None:
        """A round of the owner: jobs, then steps, then news."""
        self._empty()
        if self.session.running and not self.closed:
            topics = self._advance(budget)
            self.publisher.note(topics)
        if self._stopping and self._jobs:
            return  # whoever paused doesn't wait for a frame of the training
        self.publisher.flush()
        if not self._jobs and not self._stopping:
            _ = self.publisher.idle() or self.publisher.look()

    def _advance(self, budget: float) -> Any:
        return self.session.advance(budget, lambda: bool(self._jobs) or self._stopping)

    def _settle(self) -> None:
        """Before the session is given away: nothing is left untold."""
        self.publisher.flush()
        while self.publisher.idle():
            self.publisher.flush()
        if self.kind != "thread":
            until = time.monotonic() + _LOOK_SECONDS
            while not self._jobs and time.monotonic() < until and self.publisher.look():
                pass
        self.publisher.flush()

    def _empty(self) -> None:
        """Do the jobs that were left."""
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
        try:
            job()
        except Exception as error:
            self._tell_error(error)

    def _tell_error(self, error: BaseException) -> None:
        try:
            self.on_error(error)
        except Exception:
            _log.exception("an error could not be shown")
