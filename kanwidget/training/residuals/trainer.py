"""The steps of `fit_residual`: an iterator of records, as `Trainer` is for data.

References:
    Marquardt, "An algorithm for least-squares estimation of nonlinear parameters", SIAM Journal 11 (1963) (the scale of the damping).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kanwidget.core.network import Network
from kanwidget.core.records import Event, StepRecord
from kanwidget.core.state import NetworkState
from kanwidget.core.threads import is_small, one_thread
from kanwidget.surgery import refine, update_grid, widen
from kanwidget.training.jacobian.parameter_vector import structure
from kanwidget.training.optimizers.base import Outcome
from kanwidget.training.optimizers.levenberg_marquardt import LevenbergMarquardt
from kanwidget.training.optimizers.settings import Settings
from kanwidget.training.residuals.arguments import Equations
from kanwidget.training.residuals.objective import ResidualObjective, ResidualVector
from kanwidget.training.residuals.terms import ResidualTerm
from kanwidget.training.residuals.weighting import balance, resample
from kanwidget.training.steps.grid_schedule import GridSchedule

#: Weight of the metric of fits beside each parameter's own scale: it decides parameters on which nothing depends.
_EVEN = 1e-6
#: Part of the activations' range by which grids go beyond them: second derivatives jump at a grid's end, and points that cross
#: it stop a training.
_MARGIN = 0.1
#: A network counts as trained on the equations already if its loss is below this part of the loss of u = 0.
_LEARNT = 1e-2


class ScaledLM(LevenbergMarquardt):
    """Minimizes a `ResidualObjective`, damped by each parameter's own scale: equations outweigh data a thousandfold."""

    objective: ResidualObjective
    parameters: ResidualVector

    def _damping_metric(self, matrix: Tensor, scale: Tensor) -> Tensor:
        """The diagonal of the Gauss-Newton matrix divided by its mean, and a little of the usual metric, `(networks, size, size)`.

        A step δ is damped by δᵀMδ with this metric M. The usual one decides parameters on which nothing depends. `matrix` is the
        Gauss-Newton matrix, of that shape; `scale` is that mean, in the parameters' units, `(networks,)`.
        """
        scales = matrix.diagonal(dim1=1, dim2=2) / scale[:, None]
        return torch.diag_embed(scales) + _EVEN * self._metric


@dataclass(frozen=True, slots=True)
class ResidualSettings:
    """The settings of a training on residuals, checked."""

    steps: int
    """Largest number of steps with each grid."""
    grid_schedule: tuple[int, ...]
    """Grid intervals of the refinements that follow the first training, in order."""
    update_grid: bool
    resample_every: int
    seed: int


class ResidualTrainer(Iterator[StepRecord]):
    """An iterator of `StepRecord`s that trains a network in place, one step a record.

    Args:
        network: The network.
        equations: The residuals to satisfy.
        settings: The settings.
    """

    def __init__(self, network: Network, equations: Equations, settings: ResidualSettings) -> None:
        self.network, self.equations, self.settings = network, equations, settings
        self.step_count, self.seconds, self.stop_reason = 0, 0.0, ""
        self.events: list[Event] = []
        #: Grids (numbers of intervals) still to come; the step at which the current one began; whether the next step refines.
        self._next_grids, self._grid_start_step, self._refines_next = list(settings.grid_schedule), 0, False
        self._generator = torch.Generator().manual_seed(settings.seed)
        #: By residual what the last drawing of points leaves for the next one, see `resample`.
        self._memories: dict[str, Tensor] = {}
        with self._threads():
            self._build(equations.terms, equations.unknowns)
            # Grids don't follow the activations if the settings say so, or an earlier training has fitted them already.
            self._fixed_grids = not settings.update_grid or self._trained()

    def _trained(self) -> bool:
        """Whether an earlier training has fitted grids to the activations, and coefficients to a good part of the equations."""
        learnt = self._optimizer.current.loss < _LEARNT * self.objective.trivial_loss()
        return bool(learnt) and GridSchedule(self.network, self.rows, Settings()).filled()

    def _threads(self) -> AbstractContextManager[None]:
        """A context in which torch uses one thread, if a step is so little work that several would wait for each other."""
        return one_thread(is_small(self.network, sum(len(term.x) for term in self.equations.terms)))

    def _build(self, terms: Sequence[ResidualTerm], unknowns: dict[str, float]) -> None:
        """Begin anew from the network as it is, with these residuals and these values of the unknown constants by name."""
        self.objective = ResidualObjective(self.network, terms, unknowns)
        self._structure = structure(self.network)
        self._weigh()  # sets the residuals' weights, where they are `auto`
        self._optimizer = ScaledLM(self.objective)

    def refresh(self) -> None:
        """Begin anew, with the same residuals, if a callback has fixed or removed an edge or replaced tensors."""
        if structure(self.network) != self._structure or not self.objective.stack.intact():
            self._build(self.objective.terms, self.unknowns)

    @property
    def rows(self) -> Tensor:
        """All points of now, `(rows, features)`."""
        return torch.cat([term.x for term in self.objective.terms])

    @property
    def unknowns(self) -> dict[str, float]:
        """The unknown constants' current values."""
        return dict(zip(self.objective.names, self.objective.constants.tolist(), strict=True))

    @property
    def weights(self) -> dict[str, float]:
        """The residuals' current weights."""
        return {term.name: term.weight for term in self.objective.terms}

    def _weigh(self) -> None:
        """Choose the residuals' weights from the Jacobian, see `balance`, where `weights` is `auto`; a single residual needs none."""
        if self.equations.balanced and len(self.objective.terms) > 1:
            self.objective.terms = balance(self.objective)

    # ---- the steps

    def __next__(self) -> StepRecord:
        """Take a step; where the step before ended the training on its grid, refine first, to the next of `_next_grids`."""
        if self.stop_reason or self.settings.steps == 0:
            self.stop_reason = self.stop_reason or "steps done"
            raise StopIteration
        started = time.perf_counter()
        with self._threads():
            if self._refines_next:
                self._refine(self._next_grids.pop(0))
            self.refresh()
            outcome = self._advance()
        self.step_count += 1
        self.seconds += time.perf_counter() - started
        stop_reason = self._stopped(outcome)
        # The next step refines: callbacks still see the trained grid.
        self._refines_next = bool(stop_reason and self._next_grids and math.isfinite(outcome.loss))
        stop_reason = None if self._refines_next else stop_reason
        self.stop_reason = stop_reason or ""
        return self._record(outcome, stop_reason)

    def _stopped(self, outcome: Outcome) -> str | None:
        """Stop reason of the training on the current grid, None while it goes on."""
        steps, last = self.step_count - self._grid_start_step, self.settings.steps  # with this grid, and the most
        draws = bool(self.equations.candidate_points) and steps < last
        # A training that is stuck may go on once grids or points have moved.
        if outcome.stop_reason and not (draws or self._schedule().ahead(steps, last)):
            return outcome.stop_reason
        return "steps done" if steps >= last else None

    def _schedule(self) -> GridSchedule:
        """The steps at which grids adapt to the activations at all points: none where grids are fixed, or have been refined.

        Grids are fixed (`_fixed_grids`) by the settings, or where an earlier training has solved a good part of the equations.
        """
        # Splines follow moved knots by least squares only, and second derivatives at a front don't survive that. The
        # front may come from this training or from an earlier one.
        fixed = self._fixed_grids or self._grid_start_step > 0  # > 0: a refined grid, which began at that step
        return GridSchedule(self.network, self.rows, Settings(update_grid=not fixed))

    def _advance(self) -> Outcome:
        """Move grids and points that are due, and take a step. An interruption takes both back.

        `terms` are the residuals with their points; `_memories` has what a drawing of points leaves for the next one, by residual.
        """
        terms, memories, n_events = self.objective.terms, self._memories, len(self.events)
        state = NetworkState(self.network)
        try:
            self._prepare()
            return self._optimizer.step()[0]
        except BaseException:
            state.restore()
            self.objective.terms, self._memories = terms, memories
            del self.events[n_events:]
            raise

    def _prepare(self) -> None:
        """Adapt the grids to the activations, draw points anew, and widen grids that activations come close to the end of, where due.

        Then the residuals' weights and the optimizer follow.
        """
        steps = self.step_count - self._grid_start_step  # with the grid as it is
        moved = self._schedule().due(steps)
        drawn = bool(self.equations.candidate_points) and steps > 0 and steps % self.settings.resample_every == 0
        if moved:
            update_grid(self.network, self.rows, margin=_MARGIN)
            self._note("grid", "grid adapted")
        if drawn:
            self._resample()
        wider = self.settings.update_grid and self.step_count > 0 and widen(self.network, self.rows, margin=_MARGIN)
        if moved or drawn:
            self._weigh()
        if moved or drawn or wider:
            self._optimizer.reload()

    def _resample(self) -> None:
        """Draw the points anew, from the candidate points of the residuals that have any.

        `_memories` has, by residual, the sizes that the candidates' residuals had in earlier drawings, which count in this one.
        """
        objective = self.objective
        terms, memories = list(objective.terms), dict(self._memories)
        for index, term in enumerate(terms):
            if (points := self.equations.candidate_points.get(term.name)) is not None:
                memory = memories.get(term.name)
                terms[index], memories[term.name] = resample(objective, term, points, memory, self._generator)
        objective.terms, self._memories = terms, memories
        self._note("points", "points drawn anew")

    def _refine(self, grid: int) -> None:
        """Go on with `grid` intervals: the functions stay, knots and coefficients are replaced, and the optimizer begins anew."""
        finer = refine(self.network, grid)
        state = NetworkState(self.network)
        try:
            for layer, finer_layer in zip(self.network.layers, finer.layers, strict=True):
                layer.coef = nn.Parameter(finer_layer.coef.detach(), requires_grad=layer.coef.requires_grad)
                layer.knots = finer_layer.knots
            self._build(self.objective.terms, self.unknowns)
        except BaseException:
            state.restore()
            raise
        self._grid_start_step = self.step_count  # steps of the new grid are counted from here
        self._note("refine", f"grid {grid}")

    # ---- records

    def _record(self, outcome: Outcome, stop_reason: str | None) -> StepRecord:
        """The record of a step: the error of each residual by its name (root mean square), and the unknown constants."""
        pairs = zip(self.objective.terms, self._optimizer.current.squares, strict=True)
        metrics = {term.name: square**0.5 for term, square in pairs} | self.unknowns
        return StepRecord(
            self.step_count, outcome.loss**0.5, None, 0.0, self.seconds, outcome.damping, None, metrics, stop_reason
        )

    def _note(self, kind: str, text: str) -> None:
        """Mark the current step with an event: its kind, such as `grid`, and a text for a person."""
        self.events.append(Event(self.step_count, kind, text))
