"""The steps of `fit_residual`: a generator of records, as `Trainer` is for data."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kanwidget.core.network import Network
from kanwidget.core.records import Event, StepRecord
from kanwidget.core.threads import is_small, one_thread
from kanwidget.surgery import refine, update_grid, widen
from kanwidget.training.jacobian.parameter_vector import structure
from kanwidget.training.optimizers.levenberg_marquardt import Interrupted, Outcome
from kanwidget.training.residuals.arguments import Problem
from kanwidget.training.residuals.objective import ResidualObjective
from kanwidget.training.residuals.steps import ScaledLM
from kanwidget.training.residuals.weighting import balance, resample
from kanwidget.training.steps.grid_schedule import GridSchedule
from kanwidget.training.steps.settings import Settings

#: How far grids go on beyond the activations: second derivatives jump at a grid's end, and points that cross it stop a training.
_MARGIN = 0.1
#: A network has been trained on the problem already where its loss is below this part of that of u = 0.
_LEARNT = 1e-2


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train; checked."""

    steps: int
    """Most steps with each grid."""
    grid_schedule: tuple[int, ...]
    """Grid intervals to go to one after the other; the network's own come first."""
    update_grid: bool
    resample_every: int
    seed: int


class State:
    """A network's tensors, to put back what a refused or broken-off change has left."""

    def __init__(self, network: Network) -> None:
        self._network, self._reference = network, network.reference
        self._layers = [
            (
                layer,
                layer.coef,
                layer.knots,
                [t.detach().clone() for t in (layer.coef, layer.knots, layer.base, layer.affine)],
            )
            for layer in map(network.layer, range(network.depth))
        ]

    def restore(self) -> None:
        """Put them back."""
        self._network.reference = self._reference
        with torch.no_grad():
            for layer, coef, knots, (own, own_knots, base, affine) in self._layers:
                layer.coef, layer.knots = coef, knots
                coef.copy_(own)
                knots.copy_(own_knots)
                layer.base.copy_(base)
                layer.affine.copy_(affine)


class ResidualTrainer(Iterator[StepRecord]):
    """An iterator of `StepRecord`s that trains a network in place, one step a record.

    Args:
        network: The network.
        problem: What it is to satisfy.
        plan: How.
        interrupted: Asked within long steps.
    """

    opt = "LM"

    def __init__(
        self, network: Network, problem: Problem, plan: Plan, interrupted: Callable[[], bool] = lambda: False
    ) -> None:
        self.network, self.problem, self.plan, self.interrupted = network, problem, plan, interrupted
        self.step_count, self.seconds, self.stop_reason = 0, 0.0, ""
        self.events: list[Event] = []
        self._ahead, self._begun, self._finished = list(plan.grid_schedule), 0, False
        self._generator = torch.Generator().manual_seed(plan.seed)
        self._memories: dict[str, Tensor] = {}
        self._terms = problem.terms
        with self._threads():
            self._build(problem.unknowns)
            self._grids_stay = not plan.update_grid or self._trained()

    def _trained(self) -> bool:
        """Whether another training has left grids that hold the activations, and coefficients that solve a good part of the problem."""
        known = self._optimizer.current.loss < _LEARNT * self.objective.trivial_loss()
        return bool(known) and GridSchedule(self.network, self._rows(), Settings()).filled()

    def _threads(self) -> AbstractContextManager[None]:
        return one_thread(is_small(self.network, sum(len(term.x) for term in self.problem.terms)))

    def _build(self, unknowns: dict[str, float]) -> None:
        """Begin anew from the network as it is."""
        self.objective = ResidualObjective(self.network, self._terms, unknowns)
        self._structure = structure(self.network)
        self._weigh()
        self._optimizer = ScaledLM(self.objective)

    def refresh(self) -> None:
        """Begin anew if somebody, a callback say, has fixed or removed an edge or put other tensors in place."""
        if structure(self.network) != self._structure or not self.objective.stack.intact():
            self._build(self.unknowns)

    @property
    def unknowns(self) -> dict[str, float]:
        """The unknown constants' present values."""
        return dict(zip(self.objective.names, self.objective.constants.tolist(), strict=True))

    @property
    def weights(self) -> dict[str, float]:
        """The residuals' present weights."""
        return {term.name: term.weight for term in self._terms}

    def _weigh(self) -> None:
        if self.problem.balanced and len(self.objective.terms) > 1:
            self.objective.terms = balance(self.objective)
        self._terms = self.objective.terms

    # ---- the steps

    def __next__(self) -> StepRecord:
        if self.stop_reason or self.plan.steps == 0:
            self.stop_reason = self.stop_reason or "steps done"
            raise StopIteration
        started = time.perf_counter()
        try:
            with self._threads():
                if self._finished:
                    self._refine(self._ahead.pop(0))
                self.refresh()
                outcome = self._advance()
        except Interrupted:
            self.stop_reason = "interrupted"
            raise StopIteration from None
        self.step_count += 1
        self.seconds += time.perf_counter() - started
        stop_reason = self._stopped(outcome)
        # The next step refines: callbacks still see the grid that was trained.
        self._finished = bool(stop_reason and self._ahead and math.isfinite(outcome.loss))
        stop_reason = None if self._finished else stop_reason
        self.stop_reason = stop_reason or ""
        return self._record(outcome, stop_reason)

    def _stopped(self, outcome: Outcome) -> str | None:
        """Why this was the present grid's last step, None if it wasn't."""
        done = self.step_count - self._begun
        if outcome.stop_reason and not self._coming(done):
            return outcome.stop_reason
        return "steps done" if done >= self.plan.steps else None

    def _coming(self, done: int) -> bool:
        """Whether grids or points will still be moved, so that one that can't go on may then."""
        points = bool(self.problem.candidate_points) and done < self.plan.steps
        return points or self._schedule().ahead(done, self.plan.steps)

    def _schedule(self) -> GridSchedule:
        # Splines follow moved knots by least squares only, and second derivatives of a front that has formed don't survive it:
        # not those that a former training has formed, either.
        stay = self._grids_stay or self._begun > 0
        return GridSchedule(self.network, self._rows(), Settings(update_grid=not stay))

    def _rows(self) -> Tensor:
        return torch.cat([term.x for term in self._terms])

    def _advance(self) -> Outcome:
        """Move grids and points that are due, and take a step; broken off, all is as it was before both."""
        state, terms, memories, told = State(self.network), self._terms, self._memories, len(self.events)
        try:
            self._prepare()
            return self._optimizer.step(self.interrupted)[0]
        except BaseException:
            state.restore()
            self._terms = self.objective.terms = terms
            self._memories = memories
            del self.events[told:]
            raise

    def _prepare(self) -> None:
        """Move grids and points that are due."""
        done = self.step_count - self._begun
        moved = self._schedule().due(done)
        drawn = bool(self.problem.candidate_points) and done > 0 and done % self.plan.resample_every == 0
        if moved:
            update_grid(self.network, self._rows(), margin=_MARGIN)
            self._note("grid", "grid adapted")
        if drawn:
            self._resample()
        wider = self.plan.update_grid and self.step_count > 0 and widen(self.network, self._rows(), margin=_MARGIN)
        if moved or drawn:
            self._weigh()
        if moved or drawn or wider:
            self._optimizer.renew()

    def _resample(self) -> None:
        objective = self.objective
        terms, memories = list(objective.terms), dict(self._memories)
        for place, term in enumerate(terms):
            if (candidate_points := self.problem.candidate_points.get(term.name)) is not None:
                terms[place], memories[term.name] = resample(
                    objective, term, candidate_points, memories.get(term.name), self._generator
                )
        objective.terms, self._memories = terms, memories
        self._terms = objective.terms
        self._note("points", "points drawn anew")

    def _refine(self, grid: int) -> None:
        """Go on with a finer grid: the function stays, the parameters become new ones."""
        finer = refine(self.network, grid)
        state = State(self.network)
        try:
            for index in range(self.network.depth):
                mine, new = self.network.layer(index), finer.layer(index)
                mine.coef = nn.Parameter(new.coef.detach(), requires_grad=mine.coef.requires_grad)
                mine.knots = new.knots
            self._build(self.unknowns)
        except BaseException:
            state.restore()
            raise
        self._begun = self.step_count
        self._note("refine", f"grid {grid}")

    # ---- what there is to tell

    def _record(self, outcome: Outcome, stop_reason: str | None) -> StepRecord:
        names: Sequence[str] = [term.name for term in self._terms]
        squares = self._optimizer.current.squares
        metrics = {name: square**0.5 for name, square in zip(names, squares, strict=True)} | self.unknowns
        return StepRecord(
            self.step_count, outcome.loss**0.5, None, 0.0, self.seconds, outcome.damping, None, metrics, stop_reason
        )

    def _note(self, kind: str, label: str) -> None:
        self.events.append(Event(self.step_count, kind, label))
