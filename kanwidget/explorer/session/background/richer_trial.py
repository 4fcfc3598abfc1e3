"""`RicherTrial`: whether finer grids or more hidden nodes would explain more, tried beside the session one training step at a time."""

from __future__ import annotations

from collections.abc import Iterator

from kanwidget.datasets import Dataset
from kanwidget.explorer.session.training_run import TrainingRun
from kanwidget.explorer.session.undo import copied
from kanwidget.insight.richer import RicherNetworks, richer_networks


class RicherTrial:
    """Tries richer networks for one state of the session.

    Args:
        run: The network in training, which is never changed.
    """

    def __init__(self, run: TrainingRun) -> None:
        self._run = run
        self._of: tuple[Dataset, int] | None = None
        self._steps: Iterator[RicherNetworks | None] = iter(())
        self._answer: RicherNetworks | None = None
        self._complete = True

    def begin(self) -> None:
        """Begin with the current state, unless that has begun. Classes and several outputs have no noise to compare."""
        run, state = self._run, self._state
        if self._of == state:
            return
        self._of, self._answer, self._complete = state, None, False
        model, data = run.model, run.trainer.data
        if run.running or data.is_classification or model.n_out != 1 or not run.trainer.loss.root:
            self._complete = True
            return
        # A formula isn't made richer: what it was made from is.
        formula = any(model.layer(index).symbols for index in range(model.depth))
        self._steps = richer_networks(copied(model), data, copied(run.initial) if formula else None)

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing to try, or everything was tried for the current state."""
        return self._complete or self._of != self._state

    @property
    def answer(self) -> RicherNetworks | None:
        """What came out for the current state; None before, and where nothing could be compared."""
        return self._answer if self._of == self._state else None

    @property
    def is_open(self) -> bool:
        """Whether it is still to be tried for the current state: until then nothing is called noise."""
        return self._of != self._state or not self._complete

    def advance(self) -> bool:
        """Take one training step.

        Returns:
            Whether that was the last one.
        """
        if self.is_complete:
            return False
        try:
            self._answer = next(self._steps)
        except (StopIteration, ValueError):  # a network that has diverged is compared with nothing
            self._complete = True
        else:
            self._complete = self._answer is not None
        return self._complete

    def finish(self) -> None:
        """Try everything now."""
        self.begin()
        while not self.is_complete:
            self.advance()

    @property
    def _state(self) -> tuple[Dataset, int]:
        return self._run.trainer.data, self._run.version
