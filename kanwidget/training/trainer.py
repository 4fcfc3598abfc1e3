"""Training as a generator of records: to stop is to stop iterating.

Scripts, notebooks, tests and the explorer all take the same steps from here.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.records import Event, StepRecord
from kanwidget.surgery import update_grid
from kanwidget.training.gradient import GradientMethod, adam, lbfgs
from kanwidget.training.inputs import (
    check_outputs,
    labelled,
    labels,
    pick_loss,
    prepare,
    reference_rows,
    sample_weights,
)
from kanwidget.training.jacobian import forward_pass
from kanwidget.training.lm import Interrupted, LevenbergMarquardt, Outcome
from kanwidget.training.objective import FirstDesign, Objective
from kanwidget.training.parameters import parameter_map, structure
from kanwidget.training.schedule import GridSchedule
from kanwidget.training.settings import Settings, make_settings
from kanwidget.training.threads import is_small, one_thread

#: LM forms a square matrix of the parameters at each step: above these it is no longer the fastest.
_LM_PARAMETERS, _LM_WORK = 3000, 1e11

_log = logging.getLogger(__name__)
_NOT_FINITE = "stalled: the loss is not finite"
_NOT_FINITE_ADVICE = "Look at the size of the labels, at a loss of your own, and at the outputs before training."

#: `(network, record)`, after every step.
Callback = Callable[[Network, StepRecord], Any]


class Optimizer(Protocol):
    """What the table of optimisers makes."""

    def step(self, interrupted: Callable[[], bool]) -> Outcome:
        """Take one step."""

    def reset(self) -> None:
        """Forget everything: parameters or structure have changed."""

    def renew(self) -> None:
        """Take notice of changed knots or settings."""


#: One row an optimiser: from objective and settings to something that steps.
OPTIMIZERS: dict[str, Callable[[Objective, Settings], Optimizer]] = {
    "LM": lambda objective, _: LevenbergMarquardt(objective),
    "LBFGS": lambda objective, s: GradientMethod(
        objective, lbfgs, lr=1.0 if s.lr is None else s.lr, batch=s.batch, seed=s.seed
    ),
    "Adam": lambda objective, s: GradientMethod(
        objective, adam, lr=1e-2 if s.lr is None else s.lr, batch=s.batch, seed=s.seed
    ),
}


class Trainer(Iterator[StepRecord]):
    """An iterator of `StepRecord`s that trains a network in place, one step a record.

    Between steps its settings may be changed (`configure`) and the network's parameters too (then call `reset`).

    Args:
        network: The network to train.
        data: A `Dataset`, a pykan dict, or a pair of inputs and labels.
        steps: Steps until the iteration ends; None goes on until it converges.
        settings: See `Settings`.
        interrupted: Asked within long steps; once it says True the step is discarded whole and the iteration ends.
    """

    def __init__(
        self,
        network: Network,
        data: Any,
        steps: int | None = 100,
        settings: Settings | None = None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        self.network, self.settings = network, settings or Settings()
        self.steps = None if steps is None else _check.integer(steps, "steps", "fit", low=0)
        self.data = prepare(network, data)
        self.loss = pick_loss(self.settings.loss, self.data)
        self.interrupted = interrupted
        self.step_count, self.seconds, self.reason = 0, 0.0, ""
        self.events: list[Event] = []
        self._weight = sample_weights(self.settings.sample_weight, self.data, network)
        self._labels = {part: labels(label, self.loss) for part, label in labelled(self.data)}
        for label in self._labels.values():
            check_outputs(network, self.loss, label)
        self._build(self.settings)
        network.reference = reference_rows(self.data.train_input)

    # ---- the optimiser

    def _build(self, settings: Settings) -> None:
        with self._threads():
            objective = Objective(
                self.network,
                self.data.train_input,
                self._labels["train"],
                self._weight,
                self.loss,
                settings.penalty(),
            )
            opt = _pick_optimizer(settings, objective)
            self._optimizer = OPTIMIZERS[opt](objective, settings)
        self._objective, self.opt, self._structure = objective, opt, structure(self.network)
        self._designs = {"train": objective.first_design} | {
            part: FirstDesign(self.network, self.network.select(getattr(self.data, f"{part}_input")))
            for part in self._labels
            if part != "train"
        }

    def configure(self, **changes: Any) -> None:
        """Change settings for the steps to come: `lamb`, `opt`, `lr`, `batch`, … Those of the data can't change."""
        old = self.settings
        new = make_settings(**{**{f: getattr(old, f) for f in Settings.__dataclass_fields__}, **changes})
        for name in ("loss", "sample_weight"):
            if getattr(new, name) is not getattr(old, name):
                _check.fail(name, "configure", "left as it was", changes[name], "Begin another training with it.")
        if (new.opt, new.lr, new.batch) != (old.opt, old.lr, old.batch):
            self._build(new)
        else:
            self._objective.penalty = new.penalty()
            self._optimizer.renew()
        self.settings = new
        if new.lamb != old.lamb:
            self._note("lamb", f"lamb = {new.lamb:g}")

    def relabel(self, label: Tensor) -> None:
        """Train on other labels for the same inputs, of the same shape and type as the present ones."""
        known = self.data.train_label
        if label.shape != known.shape or label.is_floating_point() != known.is_floating_point():
            _check.fail("label", "relabel", "of the shape and type of the present labels", label)
        self.data = replace(self.data, train_label=label.to(known))
        self._labels["train"] = labels(self.data.train_label, self.loss)
        self._build(self.settings)

    def reset(self) -> None:
        """Take notice that parameters or structure of the network were changed from outside."""
        self._build(self.settings)

    # ---- the steps

    def record(self) -> StepRecord:
        """The present state as a record, without a step."""
        with self._threads():
            value = self._objective.value()
            return self._record(Outcome(value.loss, value.penalty), None)

    def __next__(self) -> StepRecord:
        if self.reason:
            raise StopIteration
        if self.steps is not None and self.step_count >= self.steps:
            self.reason = "steps done"
            raise StopIteration
        with self._threads():
            return self._next()

    def _threads(self) -> AbstractContextManager[None]:
        return one_thread(is_small(self.network, len(self.data.train_input)))

    def _next(self) -> StepRecord:
        started = time.perf_counter()
        try:
            outcome = self._step()
        except Interrupted:
            self.reason = "interrupted"
            raise StopIteration from None
        self.step_count += 1
        self.seconds += time.perf_counter() - started
        stopped = self._stopped(outcome)
        self.reason = stopped or ""
        if stopped and not math.isfinite(outcome.loss + outcome.penalty):
            stopped, self.reason = "stalled", _NOT_FINITE
            _log.warning("training stopped at step %d: the loss is not finite. %s", self.step_count, _NOT_FINITE_ADVICE)
        return self._record(outcome, stopped)

    def _stopped(self, outcome: Outcome) -> str | None:
        """Why this step was the last one, None if it wasn't. Moved grids may help one that can't go on, if it's with numbers."""
        numbers = math.isfinite(outcome.loss + outcome.penalty)
        if outcome.stopped and not (numbers and self._schedule().ahead(self.step_count, self.steps)):
            return outcome.stopped
        return "steps done" if self.steps is not None and self.step_count >= self.steps else None

    def _step(self) -> Outcome:
        """Move the grids if it's time to, and take a step; broken off, it leaves grids and parameters as they were."""
        if structure(self.network) != self._structure:  # a callback has fixed or removed an edge, say
            self.reset()
        if not self._schedule().due(self.step_count):
            return self._optimizer.step(self.interrupted)
        before = {name: value.clone() for name, value in self.network.state_dict().items() if isinstance(value, Tensor)}
        try:
            update_grid(self.network, self.data.train_input)
            self._optimizer.renew()
            outcome = self._optimizer.step(self.interrupted)
        except BaseException:
            self.network.load_state_dict(before, strict=False)
            self._optimizer.renew()
            raise
        self._note("grid", "grid adapted")
        return outcome

    def _schedule(self) -> GridSchedule:
        return GridSchedule(self.network, self.data.train_input, self.settings)

    def _record(self, outcome: Outcome, stopped: str | None) -> StepRecord:
        outputs = {part: self._output(part) for part in self._labels if part != "train"}
        losses = {part: self._loss_of(output, part) for part, output in outputs.items()}
        return StepRecord(
            self.step_count,
            self.loss.report(outcome.loss),
            losses.get("test"),
            outcome.penalty,
            self.seconds,
            outcome.damping,
            losses.get("val"),
            self._metrics(outputs),
            stopped,
        )

    def _output(self, part: str) -> Tensor:
        design = self._designs[part]
        with torch.no_grad():
            return forward_pass(self.network, design.x, design()).output

    def _loss_of(self, output: Tensor, part: str) -> float:
        return self.loss.report(float(self.loss.value(output, self._labels[part], None)))

    def _metrics(self, outputs: dict[str, Tensor]) -> dict[str, float]:
        if not self.settings.metrics:
            return {}
        part = "test" if "test" in outputs else "train"
        output = outputs[part] if part in outputs else self._output(part)
        label = getattr(self.data, f"{part}_label")
        with torch.no_grad():
            return {name: float(metric(output, label)) for name, metric in self.settings.metrics.items()}

    def _note(self, kind: str, label: str) -> None:
        self.events.append(Event(self.step_count, kind, label))


def _pick_optimizer(settings: Settings, objective: Objective) -> str:
    """The method asked for, or with `auto`: LM while its normal matrix is cheap, Adam for batches, else LBFGS."""
    squares = objective.loss.factor is not None
    if settings.opt == "LM" and not squares:
        advice = "Use opt='LBFGS' or 'Adam' for your own loss, or loss='mse' or 'cross_entropy'."
        _check.fail("opt", "fit", "'LBFGS' or 'Adam' with this loss", "LM", advice)
    if settings.opt == "LM" and settings.batch is not None:
        advice = "LM sums over all rows in chunks: take all of them (batch=None), or another optimiser."
        _check.fail("batch", "fit", "left out with opt='LM'", settings.batch, advice)
    if settings.opt != "auto":
        return settings.opt
    if settings.batch is not None:
        return "Adam"
    size = parameter_map(objective.network).size
    small = size <= _LM_PARAMETERS and len(objective.y) * size**2 <= _LM_WORK
    return "LM" if squares and small else "LBFGS"
