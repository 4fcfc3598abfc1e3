"""Trials beside the session: `SwapErrors`, the network's error on held-out rows after an edge is replaced by a candidate and the rest is
trained briefly, and `RicherTrial`.

How well a candidate fits the edge says little about the network: what the others can take over doesn't count, and what they can't may
matter much. So the first few candidates of the selected edge are tried on a copy, one training step at a time, while nothing else
is to do.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

from kanwidget.core import EdgeRef, SymbolicFit
from kanwidget.datasets import Dataset
from kanwidget.datasets.validation import sampled_data
from kanwidget.explorer.session.samples import MOST_ROWS
from kanwidget.explorer.session.training_run import TrainingRun
from kanwidget.explorer.session.undo import copied
from kanwidget.growth.richer import RicherNetworks, is_formula, richer_networks
from kanwidget.insight.yardsticks import Yardsticks, yardstick_steps
from kanwidget.simplification.held_out import held_out
from kanwidget.simplification.swaps import swapped
from kanwidget.training import Settings, Trainer
from kanwidget.training.steps.trainer import NOT_FINITE

#: Candidates that are tried, training steps of each, and rows of a step.
MOST_CANDIDATES, STEPS = 6, 6
#: Parameters of the largest network that is trained in the background: a step of a larger one keeps a click waiting.
MOST_PARAMETERS = 1500
#: Seconds that the candidates of one edge may take: a large network shows fewer errors.
MOST_SECONDS = 2.0


class SwapErrors:
    """Tries the candidates of one edge in one state of the network, one after the other.

    Args:
        run: The network in training, which is never changed.
    """

    def __init__(self, run: TrainingRun) -> None:
        self._run = run  # the network in training, which is never changed
        #: The edge, and the version of the network.
        self._of: tuple[EdgeRef, int] | None = None
        #: The candidates to come; the first one is in turn.
        self._fits: list[SymbolicFit] = []
        #: By the candidate's name, the smallest error so far.
        self._errors: dict[str, float] = {}
        #: Errors of the candidate in turn after each training step.
        self._steps: Iterator[float] | None = None
        #: That the candidates of this edge have taken so far.
        self._seconds = 0.0

    def begin(self, edge: EdgeRef, fits: Sequence[SymbolicFit]) -> None:
        """Begin to try the first six of an edge's candidates, which come best first, without those that only imitate others.

        Nothing is done where that has begun for this version of the network. Those of a network with more than 1,500 parameters aren't
        tried: one of its steps would keep a click waiting.
        """
        if self._of != (edge, self._run.version):
            # What it is for; errors by candidate; the training of the candidate in turn, none yet; the time that all have taken.
            self._of, self._errors, self._steps, self._seconds = (edge, self._run.version), {}, None, 0.0
            small = self._run.model.n_parameters <= MOST_PARAMETERS
            self._fits = [fit for fit in fits if fit.imitates is None and small][:MOST_CANDIDATES]

    def of(self, edge: EdgeRef) -> dict[str, float]:
        """By the names of an edge's candidates, the network's error on held-out rows with each, as far as it is computed for this state."""
        return dict(self._errors) if self.edge == edge else {}

    @property
    def edge(self) -> EdgeRef | None:
        """The edge whose candidates are tried, None without one."""
        return self._of[0] if self._of is not None and self._of[1] == self._run.version else None

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing to try now: no edge, or none of its candidates is to come, or the network trains."""
        return self.edge is None or self._run.running or not self._fits

    def advance(self) -> bool:
        """Take one training step of the candidate in turn.

        Returns:
            Whether a candidate is done: its error, if it has one, is final.
        """
        edge = self.edge
        if edge is None or self.is_complete:
            return False
        started, fit = time.perf_counter(), self._fits[0]
        if self._steps is None:
            self._steps = errors_after_swap(self._run, edge, fit)
        try:
            error = next(self._steps, None)
        except Exception:
            # A function that somebody has registered may fail in any way: such a candidate has no error.
            error = None
        self._seconds += time.perf_counter() - started
        if error is not None:
            self._errors[fit.name] = error
            return False
        self._steps = None
        del self._fits[0]
        if self._seconds > MOST_SECONDS:
            self._fits.clear()
        return True


def errors_after_swap(run: TrainingRun, edge: EdgeRef, fit: SymbolicFit) -> Iterator[float]:
    """The network's error on held-out rows after the candidate `fit` takes the place of an edge: `simplification.swap_error` step by step.

    A copy of the network is trained for six steps, on all rows or a sample of 2,000. The smallest error so far comes before the first step
    and after each, in the target's unit, for classes the mean cross-entropy. A candidate that the copy can't use gives no error.
    """
    model = copied(run.model)
    try:
        # `held.data` has rows for training, and as its test rows those by which errors are judged.
        held = held_out(model, sampled_data(run.trainer.data, MOST_ROWS), "candidates")
        trial = swapped(model, {edge: fit}, held.data.train_input)
        # Without free parameters there is nothing to train.
        trainer = Trainer(trial, held.data, STEPS if trial.n_parameters else 0, Settings(update_grid=False))
    except ValueError:
        return
    best = held.row_losses(trial)
    yield held.reported(trial, best)
    for _ in trainer:
        losses = held.row_losses(trial)
        best = losses if float(losses.mean()) < float(best.mean()) else best
        yield held.reported(trial, best)


def error_after_lock(run: TrainingRun, edges: Sequence[EdgeRef]) -> float | None:
    """The error of a copy of the network on held-out rows right after these edges were made to share one function; None where they can't.

    It is in the target's unit, for classes the mean cross-entropy.
    """
    if len(edges) < 2 or len({edge.layer for edge in edges}) > 1:  # only edges of one layer can
        return None
    model = copied(run.model)
    try:
        model.lock(edges[0].layer, [(edge.source, edge.target) for edge in edges])
    except ValueError:
        return None
    return held_out(model, sampled_data(run.trainer.data, MOST_ROWS), "lock").error(model)


# ---- `RicherTrial`: whether finer grids or more hidden nodes would explain more, and what simpler networks explain
#
# Both are tried beside the session, one training step at a time, once a training has little more to offer.


class RicherTrial:
    """Tries richer networks, then simpler ones, for one state of the session.

    Args:
        run: The network in training, which is never changed.
    """

    def __init__(self, run: TrainingRun) -> None:
        self._run = run  # the network in training, which is never changed
        #: The state that it is for: the data, and the version of the network.
        self._of: tuple[Dataset, int] | None = None
        #: The steps to come.
        self._steps: Iterator[None] = iter(())
        #: What richer networks (finer grid, more nodes) explain, as far as it is clear, and what simpler ones (yardsticks) do.
        self._answer: RicherNetworks | None = None
        self._yardsticks: Yardsticks | None = None
        #: Data and logarithms of the last yardsticks, and these: simpler networks of the same data aren't trained again.
        self._former: tuple[Dataset, tuple[str | int, ...], Yardsticks] | None = None
        #: Whether all richer networks were tried, and whether the simpler ones were, too.
        self._compared = self._complete = True
        #: Whether `advance` is called all the time, whatever the user does.
        self._in_background = False

    def begin(self, *, in_background: bool = False) -> None:
        """Begin to try networks for the current state (data and version of the network), unless that has begun; `_of` is the state.

        Args:
            in_background: Whether `advance` is called again and again from now on, whatever the user does.
        """
        state = self._state
        if self._of != state:
            self._of, self._answer, self._yardsticks = state, None, None
            # Whether all richer networks were tried, whether all simpler ones were, too.
            self._compared = self._complete = self._in_background = False
            self._steps = self._work()  # a generator: a None after each training step
        self._in_background |= in_background

    @property
    def is_complete(self) -> bool:
        """Whether nothing is to be tried: all networks were, or `begin` wasn't called for the current state."""
        return self._complete or self._of != self._state

    @property
    def answer(self) -> RicherNetworks | None:
        """Whether richer networks explain more than the current one; None before that is clear, and where nothing can be compared."""
        return self._answer if self._compared and self._of == self._state else None

    def is_looking(self, enough: float) -> bool:
        """Whether it compares richer networks in the background, and hasn't seen yet that the current one explains the part `enough`.

        That is a part, 0 to 1, of the labels' variance (for classes of their log loss). `_of` is the state that the comparison is for,
        `_compared` whether it is over.
        """
        if self._of != self._state or self._compared or not self._in_background:
            return False
        return self._answer is None or self._answer.now.explained < enough

    @property
    def yardsticks(self) -> Yardsticks | None:
        """What simpler networks explain, such as a straight line, to compare this one with; None before that is clear."""
        return self._yardsticks if self._of == self._state else None

    @property
    def is_open(self) -> bool:
        """Whether networks with a finer grid or more nodes are still to be tried: until then no error is called noise."""
        return self._of != self._state or not self._compared

    def advance(self) -> bool:
        """Take one training step of the richer and simpler networks.

        Returns:
            Whether there is something new to say: what richer networks explain (`_answer`), that all of these were tried (`_compared`),
            or that all networks were.
        """
        if self.is_complete:
            return False
        compared, answer = self._compared, self._answer
        # Steps are None: `self` comes only at their end.
        self._complete = next(self._steps, self) is self
        return self._complete or self._compared != compared or self._answer is not answer

    def finish(self) -> None:
        """Try all richer and simpler networks of the current state now, to the end."""
        self.begin()
        while not self.is_complete:
            self.advance()

    def measure(self) -> None:
        """Train the simpler networks (yardsticks) now, to the end: a saved page shows what they explain. Nothing comes back."""
        self.begin()  # forgets what an earlier state had
        for _ in self._measured():  # a None after each training step; at the end `yardsticks` has the result
            pass

    def _work(self) -> Iterator[None]:
        """All training steps, a None after each: first those of richer networks, which set `_answer`, then those of simpler ones.

        A network that has diverged, and a loss without evidence, are compared with no richer ones.
        """
        run = self._run
        model, data = copied(run.model), run.trainer.data
        # Only the squared error (`root`) and that of classes have a likelihood, and so evidence; and nobody searches for what explains more
        # than a formula of classes.
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
        """The training steps of simpler networks, a None after each, which set `_yardsticks`; no steps where these are set already.

        Simpler networks of the same data and logarithms, trained for an earlier state, are used again.
        """
        run = self._run
        if self._yardsticks is not None:
            return
        model = copied(run.model)
        with contextlib.suppress(ValueError):
            model.posterior = None if run.stop_reason == NOT_FINITE else run.posterior()
            data, former = run.trainer.data, None
            if self._former is not None and self._former[0] is data and self._former[1] == model.log:
                former = self._former[2]  # the yardsticks of an earlier state: those networks aren't trained again
            for sticks in yardstick_steps(model, data, former):
                self._yardsticks = sticks
                yield
            if self._yardsticks is not None:
                self._former = data, model.log, self._yardsticks

    @property
    def _state(self) -> tuple[Dataset, int]:
        """What the answers depend on: the data, and the version of the network."""
        return self._run.trainer.data, self._run.version
