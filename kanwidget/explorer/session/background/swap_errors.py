"""`SwapErrors`: the network's error on held-out rows after an edge is replaced by a candidate and the rest is trained briefly.

How well a candidate fits the edge says little about the network: what the others can take over doesn't count, and what they can't may
matter much. So the first few candidates of the selected edge are tried on a copy, one training step at a time, while nothing else
is to do.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from kanwidget.core import EdgeRef, SymbolicFit
from kanwidget.datasets.validation import sampled_data
from kanwidget.explorer.session.samples import MOST_ROWS
from kanwidget.explorer.session.training_run import TrainingRun
from kanwidget.explorer.session.undo import copied
from kanwidget.simplification.held_out import held_out
from kanwidget.simplification.swaps import swapped
from kanwidget.training import Settings, Trainer

#: Candidates that are tried, training steps of each, and rows of a step.
MOST_CANDIDATES, STEPS = 6, 6
#: Parameters of the largest network that is trained in the background: a step of a larger one keeps a click waiting.
MOST_PARAMETERS = 1500
#: Seconds that the candidates of one edge may take: a large network shows fewer errors.
MOST_SECONDS = 2.0


@dataclass(slots=True)
class _SwapTrials:
    """The candidates of one edge in one state of the network."""

    edge: EdgeRef
    version: int
    fits: list[SymbolicFit]
    errors: dict[str, float] = field(default_factory=dict)
    steps: Iterator[float] | None = None
    """Of the candidate that is being tried: errors after each step."""
    seconds: float = 0.0


class SwapErrors:
    """Tries the candidates of one edge after the other.

    Args:
        run: The network in training, which is never changed.
    """

    def __init__(self, run: TrainingRun) -> None:
        self._run = run
        self._trials: _SwapTrials | None = None

    def begin(self, edge: EdgeRef, fits: Sequence[SymbolicFit]) -> None:
        """Try the first of these candidates, without those that only imitate others; nothing is done where that has begun."""
        if self._trials is None or (self._trials.edge, self._trials.version) != (edge, self._run.version):
            small = self._run.model.n_parameters <= MOST_PARAMETERS
            originals = [fit for fit in fits if fit.imitates is None and small][:MOST_CANDIDATES]
            self._trials = _SwapTrials(edge, self._run.version, originals)

    def of(self, edge: EdgeRef) -> dict[str, float]:
        """The errors of an edge's candidates by name, as far as they are computed for the current state."""
        trials = self._current
        return dict(trials.errors) if trials is not None and trials.edge == edge else {}

    @property
    def edge(self) -> EdgeRef | None:
        """The edge whose candidates are tried, None without one."""
        return None if self._current is None else self._current.edge

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing to try."""
        trials = self._current
        return trials is None or self._run.running or not trials.fits

    def advance(self) -> bool:
        """Take one training step of the candidate in turn.

        Returns:
            Whether there is one more error.
        """
        trials = self._current
        if trials is None or self.is_complete:
            return False
        started, fit = time.perf_counter(), trials.fits[0]
        if trials.steps is None:
            trials.steps = errors_after_swap(self._run, trials.edge, fit)
        try:
            error = next(trials.steps, None)
        except Exception:
            # A function that somebody has registered may fail in any way: such a candidate has no error.
            error = None
        trials.seconds += time.perf_counter() - started
        if error is not None:
            trials.errors[fit.name] = error
            return False
        trials.steps = None
        del trials.fits[0]
        if trials.seconds > MOST_SECONDS:
            trials.fits.clear()
        return True

    @property
    def _current(self) -> _SwapTrials | None:
        trials = self._trials
        return trials if trials is not None and trials.version == self._run.version else None


def errors_after_swap(run: TrainingRun, edge: EdgeRef, fit: SymbolicFit, steps: int = STEPS) -> Iterator[float]:
    """`simplification.swap_error`, a training step at a time: the smallest error so far on held-out rows, in the target's unit.

    The copy sees all rows or a sample. A candidate that it can't use gives no error.
    """
    model = copied(run.model)
    try:
        held = held_out(model, sampled_data(run.trainer.data, MOST_ROWS), "candidates")
        trial = swapped(model, {edge: fit}, held.data.train_input)
        trainer = Trainer(trial, held.data, steps if trial.n_parameters else 0, Settings(update_grid=False))
    except ValueError:
        return
    best = held.row_losses(trial)
    yield held.reported(trial, best)
    for _ in trainer:
        losses = held.row_losses(trial)
        best = losses if float(losses.mean()) < float(best.mean()) else best
        yield held.reported(trial, best)


def error_after_lock(run: TrainingRun, edges: Sequence[EdgeRef]) -> float | None:
    """The error on held-out rows right after these edges would share one function; None where they can't."""
    if len(edges) < 2 or len({edge.layer for edge in edges}) > 1:
        return None
    model = copied(run.model)
    try:
        model.lock(edges[0].layer, [(edge.source, edge.target) for edge in edges])
    except ValueError:
        return None
    return held_out(model, sampled_data(run.trainer.data, MOST_ROWS), "lock").error(model)
