"""Training: in the background, or within a call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from kanwidget import _check
from kanwidget.core import History, StepRecord
from kanwidget.explorer.commands.training import Start, Step
from kanwidget.explorer.methods.query import QueryMethods
from kanwidget.explorer.notebook.cells import gentle_interrupt
from kanwidget.explorer.session.command import Command
from kanwidget.training.steps.loop import close_bar, progress_bar

#: Seconds between two checks of the conditions of `wait`.
_WAIT_SECONDS = 0.05


class TrainMethods(QueryMethods):
    """The methods of `KANExplorer` that take steps."""

    #: Notified after every step.
    _stepped: threading.Condition

    def start(self, steps: int | None = None) -> None:
        """Train in the background, until convergence, `pause()`, or after `steps` steps.

        Raises:
            RuntimeError: If the driver is `blocking`, so that this call trains, and no end is in sight.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.start(steps=3)
            >>> explorer.wait()
            True
            >>> explorer.status["step"]
            3
        """
        self._driver.start(Start(steps))

    def pause(self) -> None:
        """Stop training and keep everything; `start()` goes on.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.start()
            >>> explorer.pause()
            >>> explorer.status["state"] in ("idle", "paused", "done")
            True
        """
        self._driver.pause()
        self._driver.ask(lambda: None)

    def step(self, n: int = 1) -> None:
        """Train n steps now, in this call. A training in the background is paused afterwards; `start()` goes on.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.step(2)
            >>> explorer.status["step"]
            2
        """
        self._train(Step(_check.integer(n, "n", "step", low=1)))

    def fit(self, steps: int = 100, *, progress: bool = False) -> History:
        """Train now, in this call; Ctrl-C and ■ pause and keep everything.

        Args:
            steps: Largest number of steps; convergence ends the training earlier.
            progress: Whether to show a progress bar.

        Returns:
            The whole history of this session.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> history = KANExplorer.demo("product").fit(steps=5)
            >>> len(history), history.stop_reason
            (5, 'steps done')
        """
        steps = _check.integer(steps, "steps", "fit", low=1)
        bar, finished = progress_bar(steps, progress), False
        try:
            self._train(Start(steps), (lambda: None) if bar is None else bar.update)
            finished = self.status["state"] == "done"
        finally:
            close_bar(bar, finished)
        return self.history

    def wait(
        self,
        steps: int | None = None,
        until: Callable[[StepRecord], Any] | None = None,
        timeout: float | None = None,
    ) -> bool:
        """Wait while the explorer trains in the background. Ctrl-C pauses the training.

        Args:
            steps: Wait until this many more steps are done.
            until: Wait until this function of the last record is true.
            timeout: Wait at most this many seconds.

        Returns:
            False after a timeout; True if the condition holds, or the training has ended.

        Raises:
            RuntimeError: If it trains and no end is in sight.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.start()
            >>> explorer.wait(until=lambda record: record.step >= 2)
            True
            >>> explorer.pause()
        """
        if steps is not None:
            _check.integer(steps, "steps", "wait", low=0)
        if timeout is not None:
            timeout = _check.real(timeout, "timeout", "wait", low=0)
        if until is not None and not callable(until):
            _check.fail("until", "wait", "a function of a StepRecord", until)
        session = self._open
        has_no_end = steps is None and until is None and timeout is None and session.run.remaining_steps is None
        if has_no_end and session.running and session.process is None:
            _check.refuse(
                RuntimeError(
                    "wait() would wait for ever: the training has no last step. Use wait(steps=…), until=… or timeout=…."
                )
            )
        driver, first = self._driver, len(session.run.records)
        deadline = None if timeout is None else time.monotonic() + timeout

        def satisfied() -> bool:
            """Whether the steps are done, the condition holds, the training has ended, or the explorer is closed."""
            if steps is not None and len(session.run.records) >= first + steps:
                return True
            holds = until is not None and bool(until(session.run.last_record))
            return holds or not session.running or driver.closed

        try:
            while not satisfied():
                remaining = _WAIT_SECONDS if deadline is None else deadline - time.monotonic()
                if remaining <= 0:
                    return False
                if driver.kind == "thread":
                    with self._stepped:
                        self._stepped.wait(min(_WAIT_SECONDS, remaining))
                else:
                    driver.pump()
        except KeyboardInterrupt:
            self.pause()
            raise
        return True

    def on_step(self, callback: Callable[[StepRecord], Any]) -> Callable[[], None]:
        """Call a function with every `StepRecord`, on the thread that trains; returns a function that removes the callback.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer, steps = KANExplorer.demo("product"), []
            >>> remove = explorer.on_step(lambda record: steps.append(record.step))
            >>> explorer.step(2)
            >>> remove()
            >>> steps
            [1, 2]
        """
        if not callable(callback):
            _check.fail("callback", "on_step", "a function of a StepRecord", callback)
        return self._open.run.add_callback(callback, first=True)

    # ---- inside

    def _notify_step(self, _: StepRecord) -> None:
        with self._stepped:
            self._stepped.notify_all()

    def _train(self, command: Command, tick: Callable[[], Any] = lambda: None) -> None:
        with gentle_interrupt(self._driver.interrupt):
            self._driver.run(command, tick)
