"""Networks of one structure with data of one shape, trained in step: what `fit` (a group of one) and `fit_many` share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.records import StepRecord
from kanwidget.surgery.grids import update_grids
from kanwidget.training.jacobian.jacobian import forward_pass
from kanwidget.training.jacobian.parameter_vector import parameter_map, structure
from kanwidget.training.jacobian.stack import Stack, separate, stacked
from kanwidget.training.objective.objective import FirstDesign, Objective
from kanwidget.training.optimizers.gradient import GradientMethod, adam, lbfgs
from kanwidget.training.optimizers.levenberg_marquardt import LevenbergMarquardt, Outcome
from kanwidget.training.steps.grid_schedule import GridSchedule
from kanwidget.training.steps.settings import Settings
from kanwidget.training.steps.training_data import Problem

#: LM forms a square matrix of the parameters at each step: above these it is no longer the fastest.
_LM_PARAMETERS, _LM_WORK = 3000, 1e11


class Optimizer(Protocol):
    """What the table of optimisers makes."""

    def step(self, interrupted: Callable[[], bool]) -> list[Outcome]:
        """Take one step of every network."""

    def reset(self) -> None:
        """Forget everything: parameters or structure have changed."""

    def renew(self, places: Sequence[int] | None = None) -> None:
        """Take notice of changed knots or settings, of some networks where they are given."""


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


class Group:
    """Networks that take their steps together.

    Args:
        networks: Of one structure; of one only for gradient methods. Their parameters become views of a stack's.
        problems: What each is to learn, of one shape.
        settings: How; of several networks only `lamb` may differ.
    """

    def __init__(self, networks: Sequence[Network], problems: Sequence[Problem], settings: Sequence[Settings]) -> None:
        self.networks, self.problems, self.settings = list(networks), list(problems), list(settings)
        self.build()

    def build(self) -> None:
        """Begin anew from the networks as they are."""
        stack, settings = Stack(self.networks), self.settings[0]
        weights = [problem.weight for problem in self.problems if problem.weight is not None]
        objective = Objective(
            stack,
            [problem.data.train_input for problem in self.problems],
            self._labels("train"),
            stacked(weights) if weights else None,
            self.problems[0].loss,
            [s.penalty() for s in self.settings],
        )
        objective.bends = settings.geodesic_acceleration
        self.opt = pick_optimizer(settings, self.networks[0], self.problems[0])
        self.optimizer = OPTIMIZERS[self.opt](objective, settings)
        self.objective, self._structure = objective, structure(self.networks[0])
        self._designs = {
            part: FirstDesign(stack, stack.select([getattr(p.data, f"{part}_input") for p in self.problems]))
            for part in self.problems[0].labels
            if part != "train"
        }

    def _labels(self, part: str) -> Tensor:
        return stacked([problem.labels[part] for problem in self.problems])

    def configure(self, settings: Settings) -> None:
        """Change what needs no other optimiser: the penalty, how steps are made and when grids move."""
        self.settings = [settings] * len(self.networks)
        self.objective.bends = settings.geodesic_acceleration
        self.objective.penalise([settings.penalty()] * len(self.networks))
        self.optimizer.renew()

    def refresh(self) -> None:
        """Begin anew if somebody, a callback say, has fixed or removed an edge or put other tensors in place."""
        if any(structure(n) != self._structure for n in self.networks) or not self.objective.stack.intact():
            self.build()

    def keep(self, places: Sequence[int]) -> None:
        """Go on with some of the networks, which remember their damping."""
        separate(self.networks)
        self.networks = [self.networks[place] for place in places]
        self.problems = [self.problems[place] for place in places]
        self.settings = [self.settings[place] for place in places]
        before = self.optimizer
        self.build()
        if isinstance(before, LevenbergMarquardt) and isinstance(self.optimizer, LevenbergMarquardt):
            self.optimizer.inherit(before, places)

    # ---- one step

    def advance(self, step: int, interrupted: Callable[[], bool]) -> tuple[list[Outcome], list[int]]:
        """Move the grids that are due after `step` steps, and take a step.

        Broken off, it leaves grids and parameters as they were.

        Returns:
            What the step did to each network, and the places of those whose grids were moved.
        """
        due = [place for place in range(len(self.networks)) if self._schedule(place).due(step)]
        if not due:
            return self.optimizer.step(interrupted), due
        before = [tensors_of(self.networks[place]) for place in due]
        try:
            update_grids(
                [self.networks[place] for place in due], [self.problems[place].data.train_input for place in due]
            )
            self.optimizer.renew(due)
            return self.optimizer.step(interrupted), due
        except BaseException:
            for place, tensors in zip(due, before, strict=True):
                self.networks[place].load_state_dict(tensors, strict=False)
            self.optimizer.renew(due)
            raise

    def stop_reason(self, place: int, outcome: Outcome, step: int, steps: int | None) -> str | None:
        """Why this step was a network's last one, None if it wasn't. Moved grids may help one that can't go on, if it's with numbers."""
        numbers = math.isfinite(outcome.loss + outcome.penalty)
        if outcome.stop_reason and not (numbers and self._schedule(place).ahead(step, steps)):
            return outcome.stop_reason if numbers else "stalled"
        return "steps done" if steps is not None and step >= steps else None

    def _schedule(self, place: int) -> GridSchedule:
        return GridSchedule(self.networks[place], self.problems[place].data.train_input, self.settings[place])

    # ---- what there is to tell

    def present(self) -> list[Outcome]:
        """The objectives without a step."""
        value = self.objective.value()
        return [Outcome(loss, lamb) for loss, lamb in zip(value.loss.tolist(), value.penalty.tolist(), strict=True)]

    def records(
        self, outcomes: Sequence[Outcome], step: int, seconds: float, stops: Sequence[str | None]
    ) -> list[StepRecord]:
        """The step as records, with the losses on test and validation data."""
        outputs = {part: self._output(part) for part in self._designs}
        losses = {part: self._loss_of(output, part) for part, output in outputs.items()}
        metrics = self._metrics(outputs)
        report = self.objective.loss.report
        return [
            StepRecord(
                step,
                report(outcome.loss),
                losses["test"][place] if "test" in losses else None,
                outcome.penalty,
                seconds,
                outcome.damping,
                losses["val"][place] if "val" in losses else None,
                metrics[place],
                stop,
            )
            for place, (outcome, stop) in enumerate(zip(outcomes, stops, strict=True))
        ]

    def _output(self, part: str) -> Tensor:
        if part == "train":
            return self.objective.value().run.output
        design = self._designs[part]
        with torch.no_grad():
            return forward_pass(self.objective.stack, design.x, design()).output

    def _loss_of(self, output: Tensor, part: str) -> list[float]:
        loss = self.objective.loss
        return [loss.report(value) for value in loss.value(output, self._labels(part), None).tolist()]

    def _metrics(self, outputs: dict[str, Tensor]) -> list[dict[str, float]]:
        named = self.settings[0].metrics
        if not named:
            return [{} for _ in self.networks]
        part = "test" if "test" in outputs else "train"
        output = outputs[part] if part in outputs else self._output(part)
        labels = [getattr(problem.data, f"{part}_label") for problem in self.problems]
        with torch.no_grad():
            pairs = zip(output, labels, strict=True)
            return [{name: float(metric(o, y)) for name, metric in named.items()} for o, y in pairs]


def tensors_of(network: Network) -> dict[str, Tensor]:
    """Copies of its parameters and buffers."""
    return {name: value.clone() for name, value in network.state_dict().items() if isinstance(value, Tensor)}


def pick_optimizer(settings: Settings, network: Network, problem: Problem) -> str:
    """The method asked for, or with `auto`: LM while its normal matrix is cheap, Adam for batches, else LBFGS."""
    squares = problem.loss.factor is not None
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
    size = parameter_map(network).size
    small = size <= _LM_PARAMETERS and len(problem.labels["train"]) * size**2 <= _LM_WORK
    return "LM" if squares and small else "LBFGS"
