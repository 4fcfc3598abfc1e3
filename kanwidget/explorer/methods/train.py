"""Training, step by step and as the three steps train, simplify, formula; and the next sensible act, as the page highlights it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from kanwidget import _check
from kanwidget.core import History, StepRecord
from kanwidget.explorer.commands.base import parse
from kanwidget.explorer.commands.extension import Extend
from kanwidget.explorer.commands.guide import FitFormula, Grow, Simplify, Train
from kanwidget.explorer.commands.training import Start, Step
from kanwidget.explorer.guide.notices import SessionNotice, notices
from kanwidget.explorer.guide.richer import asks_for_richer
from kanwidget.explorer.guide.steps import Act, guidance
from kanwidget.explorer.methods.query import QueryMethods
from kanwidget.explorer.notebook.cells import gentle_interrupt
from kanwidget.explorer.session.command import Command
from kanwidget.explorer.session.session import Session
from kanwidget.training.steps.loop import close_bar, progress_bar

#: Seconds between two looks whether what is waited for has come.
WAIT_SECONDS = 0.05


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
        self._driver.ask(lambda: None)  # waits its turn, and so for the pause

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
        # A longer act, `process`, ends by itself.
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
                remaining = WAIT_SECONDS if deadline is None else deadline - time.monotonic()
                if remaining <= 0:
                    return False
                if driver.kind == "thread":
                    with self._stepped:  # a condition that is notified after each step
                        self._stepped.wait(min(WAIT_SECONDS, remaining))
                else:
                    driver.pump()  # without a thread a part of the training is done here
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
        # Before `_notify_step`, which wakes the calls that wait for the step.
        return self._open.run.add_callback(callback, first=True)

    # ---- inside

    def _notify_step(self, _: StepRecord) -> None:
        """Wake threads that wait for a step: called after each, on the thread that trains."""
        with self._stepped:
            self._stepped.notify_all()

    def _train(self, command: Command, tick: Callable[[], Any] = lambda: None) -> None:
        """Carry out a command that begins a training or a longer act, and wait for its end; `tick()` is called after each step.

        Ctrl-C pauses it.
        """
        with gentle_interrupt(self._driver.interrupt):
            self._driver.run(command, tick)


class GuideMethods(TrainMethods):
    """The methods of `KANExplorer` that lead from data to a formula."""

    def next_act(self) -> Act | None:
        """The act that the page highlights: its step, label and sentence. None while the explorer works, and once nothing is left to do.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo()
            >>> explorer.next_act().label
            'Train'
            >>> while act := explorer.next_act():
            ...     explorer.follow(act)
            >>> explorer.fitted_formula
            y = exp(x_2**2 + sin(pi*x_1))
        """
        return self._driver.ask(lambda: _next_act(self._session))

    def follow(self, act: Act) -> None:
        """Carry out an act of `next_act`, and wait for its end. ■ and Ctrl-C pause it and keep everything.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.follow(explorer.next_act())
            >>> explorer.next_act().label
            'Simplify'
        """
        if not isinstance(act, Act):
            _check.fail("act", "follow", "an act, as next_act() gives it", act, error=TypeError)
        for command in parse(act.message):
            self._train(command)

    def train(self) -> None:
        """Train until the error is flat, in this call, and keep the best step: the first of the three steps.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.train()
            >>> explorer.status["stop_reason"]
            'the error is flat'
        """
        self._train(Train())

    def grow(self) -> None:
        """Take the richer network that the evidence asks for: a finer grid, a product of two columns, or hidden nodes; trained.

        Where nobody has given a network `train()` does so by itself.

        Examples:
            >>> from kanwidget import KAN, KANExplorer, create_dataset
            >>> explorer = KANExplorer(KAN([2, 1]), create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=200))
            >>> explorer.grow()
            >>> explorer.model.width
            [[2, 0], [1, 1], [1, 0]]
        """
        self._driver.apply(Grow())

    def simplify(self, *, bits: int | None = None) -> None:
        """Remove needless edges and put functions in place of curves, in this call: the second step. One `undo()` takes it back.

        Args:
            bits: Steps of its work, such as one pruning, after which it pauses; None for all. The script of a session says so where it
                was paused.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.train()
            >>> explorer.simplify()
            >>> explorer.states[-1]["label"]
            'simplified'
        """
        self._train(Simplify(None if bits is None else _check.integer(bits, "bits", "simplify", low=0)))

    def extend(self, *, grids: int | None = None) -> None:
        """Refine the grid and train, as long as the error on held-out rows becomes smaller, in this call. One `undo()` takes it back.

        Training rows are held out for the choice, see `KAN.extend`; the last network has seen all of them.

        Args:
            grids: Grids after which it pauses; None for all. The script of a session says so where it was paused.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> before = explorer.grid
            >>> explorer.extend(grids=2)
            >>> explorer.grid > before
            True
        """
        self._train(Extend(None if grids is None else _check.integer(grids, "grids", "extend", low=1)))

    def fit_formula(self) -> Any:
        """Fit the constants of the formula to the data, with their errors: the third step. The network stays as it is.

        Raises:
            ValueError: If there is no such formula, for several outputs say.

        Examples:
            >>> from kanwidget import KAN, KANExplorer, create_dataset
            >>> from sympy import symbols
            >>> x, y = symbols("x y")
            >>> data = create_dataset(lambda x: x[:, [0]] ** 2 + x[:, [1]], n_var=2, train_num=50, test_num=50)
            >>> explorer = KANExplorer(KAN.from_formula(1.5 * x**2 + y), data)
            >>> explorer.fit_formula()
            y = x_1**2 + x_2
        """
        self._train(FitFormula())
        return self.fitted_formula

    @property
    def fitted_formula(self) -> Any:
        """The formula of the last `fit_formula`; None without one, and once the network has changed.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> KANExplorer.demo("product").fitted_formula is None
            True
        """
        result = self._driver.ask(lambda: self._session.formula_result)
        if result is not None and result.error is not None:
            _check.refuse(ValueError(result.error))
        return None if result is None else result.fitted

    @property
    def notices(self) -> list[SessionNotice]:
        """What the page says about the data and the training beside the steps, the most important first.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> KANExplorer.demo("product").notices
            []
        """
        return self._driver.ask(lambda: notices(self._session))


def _next_act(session: Session) -> Act | None:
    """The next sensible act, after richer networks (a finer grid, more nodes), on which it depends, were tried to the end.

    A page tries them in the background; here a script gets the same act, however fast it runs.
    """
    if asks_for_richer(session):
        session.richer.finish()
    return guidance(session).act
