"""`RicherTrial`: whether finer grids or more hidden nodes would explain more, and what simpler networks explain.

Both are tried beside the session, one training step at a time, once a training has little more to offer.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from kanwidget.datasets import Dataset
from kanwidget.explorer.session.training_run import TrainingRun
from kanwidget.explorer.session.undo import copied
from kanwidget.growth.richer import RicherNetworks, is_formula, richer_networks
from kanwidget.insight.yardsticks import Yardsticks, yardstick_steps
from kanwidget.training.steps.trainer import NOT_FINITE


class RicherTrial:
    """Tries richer networks, then simpler ones, for one state of the session.

    Args:
        run: The network in training, which is never changed.
    """

    def __init__(self, run: TrainingRun) -> None:
        self._run = run
        self._of: tuple[Dataset, int] | None = None
        self._steps: Iterator[None] = iter(())
        self._answer: RicherNetworks | None = None
        self._yardsticks: Yardsticks | None = None
        self._former: tuple[Dataset, tuple[str | int, ...], Yardsticks] | None = None
        self._compared = self._complete = True

    def begin(self) -> None:
        """Begin with the current state, unless that has begun."""
        state = self._state
        if self._of != state:
            self._of, self._answer, self._yardsticks = state, None, None
            self._compared = self._complete = False
            self._steps = self._work()

    @property
    def is_complete(self) -> bool:
        """Whether nothing is to be tried."""
        return self._complete or self._of != self._state

    @property
    def answer(self) -> RicherNetworks | None:
        """Whether richer networks explain more than the current one; None before that is clear, and where nothing can be compared."""
        return self._answer if self._of == self._state else None

    @property
    def yardsticks(self) -> Yardsticks | None:
        """What simpler networks explain, None before that is clear."""
        return self._yardsticks if self._of == self._state else None

    @property
    def is_open(self) -> bool:
        """Whether richer networks are still to be tried: until then nothing is called noise."""
        return self._of != self._state or not self._compared

    def advance(self) -> bool:
        """Take one training step.

        Returns:
            Whether there is something new to say.
        """
        if self.is_complete:
            return False
        compared = self._compared
        self._complete = next(self._steps, self) is self
        return self._complete or self._compared != compared

    def finish(self) -> None:
        """Try everything now."""
        self.begin()
        while not self.is_complete:
            self.advance()

    def measure(self) -> None:
        """Try simpler networks now: a saved page shows what they explain."""
        self.begin()
        for _ in self._measured():
            pass

    def _work(self) -> Iterator[None]:
        """All steps. A network that has diverged is compared with nothing."""
        run = self._run
        model, data = copied(run.model), run.trainer.data
        # Other losses have no likelihood, so no evidence; and what explains more than a formula of classes nobody searches for.
        if run.trainer.loss.root or (run.trainer.loss.classes and not is_formula(model)):
            # A formula isn't made richer: what it was made from is.
            start = copied(run.initial) if is_formula(model) else None
            with contextlib.suppress(ValueError):
                for answer in richer_networks(model, data, start):
                    self._answer = answer
                    yield
        self._compared = True
        yield from self._measured()

    def _measured(self) -> Iterator[None]:
        """The steps of simpler networks."""
        run = self._run
        if self._yardsticks is not None:
            return
        model = copied(run.model)
        with contextlib.suppress(ValueError):
            model.posterior = None if run.stop_reason == NOT_FINITE else run.posterior()
            data, former = run.trainer.data, None
            if self._former is not None and self._former[0] is data and self._former[1] == model.log:
                former = self._former[2]
            for sticks in yardstick_steps(model, data, former):
                self._yardsticks = sticks
                yield
            if self._yardsticks is not None:
                self._former = data, model.log, self._yardsticks

    @property
    def _state(self) -> tuple[Dataset, int]:
        return self._run.trainer.data, self._run.version
