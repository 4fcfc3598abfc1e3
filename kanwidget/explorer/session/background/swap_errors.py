"""`SwapErrors`: the network's error on held-out rows after an edge is replaced by a candidate and the rest is trained briefly.

How well a candidate fits the edge says little about the network: what the others can take over doesn't count, and what they can't may
matter much. So the first few candidates of the selected edge are tried on a copy, one training step at a time, while nothing else
is to do.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from kanwidget.core import EdgeRef, StepRecord, SymbolicFit
from kanwidget.datasets import Dataset
from kanwidget.explorer.session.training_run import TrainingRun
from kanwidget.explorer.session.undo import copied
from kanwidget.training import Trainer

#: Candidates that are tried, training steps of each, and rows of a step.
MOST_CANDIDATES, STEPS, MOST_ROWS = 6, 6, 2000
#: Seconds that the candidates of one edge may take: a large network shows fewer errors.
MOST_SECONDS = 2.0


@dataclass(slots=True)
class _Trials:
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
        self._trials: _Trials | None = None

    def begin(self, edge: EdgeRef, fits: Sequence[SymbolicFit]) -> None:
        """Try the first of these candidates, without those that only imitate others; nothing is done where that has begun."""
        if self._trials is None or (self._trials.edge, self._trials.version) != (edge, self._run.version):
            originals = [fit for fit in fits if fit.imitates is None][:MOST_CANDIDATES]
            self._trials = _Trials(edge, self._run.version, originals)

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
        error = next(trials.steps, None)
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
    def _current(self) -> _Trials | None:
        trials = self._trials
        return trials if trials is not None and trials.version == self._run.version else None


def errors_after_swap(run: TrainingRun, edge: EdgeRef, fit: SymbolicFit, steps: int = STEPS) -> Iterator[float]:
    """The smallest error so far on held-out rows (training rows where there are none), after each step of a copy with the candidate.

    The copy is trained with the settings of the run, on all of its rows or on a sample. A candidate that its network can't use gives
    no error.
    """
    model = copied(run.model)
    try:
        model.fix_symbolic(*edge, fit.name, params=fit.params)
        settings = replace(run.trainer.settings, opt="auto", lr=None, batch=None, update_grid=False, metrics={})
        data = run.trainer.data
        if settings.sample_weight is None:
            data = sampled(data, MOST_ROWS)
        trainer = Trainer(model, data, steps, settings)
    except ValueError:
        return
    smallest = _held_out(trainer.record())
    yield smallest
    for record in trainer:
        error = _held_out(record)
        smallest = error if math.isnan(smallest) else min(smallest, error)
        yield smallest


def _held_out(record: StepRecord) -> float:
    return record.train_loss if record.test_loss is None else record.test_loss


def sampled(data: Dataset, rows: int) -> Dataset:
    """At most so many rows of the training data and of the test data, evenly picked.

    Examples:
        >>> data = Dataset([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
        >>> len(sampled(data, 2).train_input)
        2
    """
    changes: dict[str, Any] = {}
    for part in ("train", "test"):
        inputs, labels = getattr(data, f"{part}_input"), getattr(data, f"{part}_label")
        if inputs is not None and len(inputs) > rows:
            picked = torch.linspace(0, len(inputs) - 1, rows, device=inputs.device).long()
            changes |= {f"{part}_input": inputs[picked], f"{part}_label": labels[picked]}
    return replace(data, **changes) if changes else data
