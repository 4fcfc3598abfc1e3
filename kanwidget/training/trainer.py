"""Training as a generator of records: to stop is to stop iterating.

Scripts, notebooks, tests and the explorer all take the same steps from here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.records import Event, StepRecord
from kanwidget.datasets import Dataset, as_dataset
from kanwidget.surgery import update_grid
from kanwidget.training.gradient import GradientMethod, adam, lbfgs
from kanwidget.training.lm import Interrupted, LevenbergMarquardt, Outcome
from kanwidget.training.loss import Loss, loss_row
from kanwidget.training.objective import Objective
from kanwidget.training.parameters import parameter_map
from kanwidget.training.penalty import METRICS, Penalty

#: Rows of the training inputs that a network keeps as its reference.
REFERENCE_ROWS = 512
#: A grid is left alone while its ends are within this part of its length of the data's.
_GRID_TOLERANCE = 0.1
#: LM forms a square matrix of the parameters at each step: above these it is no longer the fastest.
_LM_PARAMETERS, _LM_WORK = 3000, 1e11

#: `(network, record)`, after every step.
Callback = Callable[[Network, StepRecord], Any]
#: `(output, label)` → a number.
Metric = Callable[[Tensor, Tensor], Any]


class Optimizer(Protocol):
    """What the table of optimisers makes."""

    def step(self, interrupted: Callable[[], bool]) -> Outcome:
        """Take one step."""

    def reset(self) -> None:
        """Forget everything: parameters or structure have changed."""

    def renew(self) -> None:
        """Take notice of changed knots or settings."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train; the arguments of `fit`, checked."""

    opt: str = "auto"
    lamb: float = 0.0
    lr: float | None = None
    batch: int | None = None
    loss: Any = None
    update_grid: bool = True
    grid_update_num: int = 2
    start_grid_update_step: int = 0
    stop_grid_update_step: int = 20
    lamb_l1: float = 1.0
    lamb_entropy: float = 2.0
    lamb_coef: float = 0.0
    lamb_coefdiff: float = 0.0
    reg_metric: str = "edge_forward_spline_n"
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    sample_weight: Tensor | None = None
    seed: int = 0

    def penalty(self) -> Penalty:
        """The penalty that these settings mean."""
        return Penalty(self.lamb, self.lamb_l1, self.lamb_entropy, self.lamb_coef, self.lamb_coefdiff, self.reg_metric)


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


def make_settings(metrics: Any = (), **given: Any) -> Settings:
    """`Settings` from the keyword arguments of `fit`, each checked.

    Raises:
        ValueError: Naming the argument that is wrong.
        TypeError: For an argument that `fit` doesn't have.
    """
    unknown = [name for name in given if name not in Settings.__dataclass_fields__]
    if unknown:
        _check.choice(unknown[0], "**options", "fit", [f for f in Settings.__dataclass_fields__ if f != "seed"])
    settings = Settings(metrics=_named_metrics(metrics), **given)
    _check.choice(settings.opt, "opt", "fit", ["auto", *OPTIMIZERS])
    _check.choice(settings.reg_metric, "reg_metric", "fit", METRICS)
    for name in ("lamb", "lamb_l1", "lamb_entropy", "lamb_coef", "lamb_coefdiff"):
        _check.real(getattr(settings, name), name, "fit", low=0)
    if settings.lr is not None:
        _check.real(settings.lr, "lr", "fit", low=0, open_low=True)
    batch = settings.batch
    if batch is not None and batch != -1:  # pykan's -1 means all
        _check.integer(batch, "batch", "fit", low=1)
    for name in ("grid_update_num", "start_grid_update_step", "stop_grid_update_step"):
        _check.integer(getattr(settings, name), name, "fit", low=0)
    return replace(settings, batch=None if batch == -1 else batch)


def _named_metrics(metrics: Any) -> Mapping[str, Metric]:
    named = (
        dict(metrics) if isinstance(metrics, Mapping) else {getattr(m, "__name__", "metric"): m for m in metrics or ()}
    )
    for name, metric in named.items():
        if not callable(metric):
            _check.fail("metrics", "fit", "functions (output, label) -> number", metric, f"{name!r} isn't callable.")
    return named


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
        self.loss = _pick_loss(self.settings.loss, self.data)
        self.interrupted = interrupted
        self.step_count, self.seconds, self.reason = 0, 0.0, ""
        self.events: list[Event] = []
        self._weight = _weights(self.settings.sample_weight, self.data, network)
        self._labels = {part: _labels(label, self.loss) for part, label in _labelled(self.data)}
        _check_outputs(network, self.loss, self._labels["train"])
        network.reference = _reference(self.data.train_input)
        self._build()

    # ---- the optimiser

    def _build(self) -> None:
        objective = Objective(
            self.network,
            self.data.train_input,
            self._labels["train"],
            self._weight,
            self.loss,
            self.settings.penalty(),
        )
        self.opt = _pick_optimizer(self.settings, objective)
        self._objective = objective
        self._optimizer = OPTIMIZERS[self.opt](objective, self.settings)

    def configure(self, **changes: Any) -> None:
        """Change settings for the steps to come: `lamb`, `opt`, `lr`, `batch`, …"""
        old = self.settings
        self.settings = make_settings(**{**{f: getattr(old, f) for f in Settings.__dataclass_fields__}, **changes})
        if (self.settings.opt, self.settings.lr, self.settings.batch) != (old.opt, old.lr, old.batch):
            self._build()
        else:
            self._objective.penalty = self.settings.penalty()
            self._optimizer.renew()
        if self.settings.lamb != old.lamb:
            self._note("lamb", f"lamb = {self.settings.lamb:g}")

    def reset(self) -> None:
        """Take notice that parameters or structure of the network were changed from outside."""
        self._build()

    # ---- the steps

    def record(self) -> StepRecord:
        """The present state as a record, without a step."""
        value = self._objective.value()
        return self._record(Outcome(value.loss, value.penalty), None)

    def __next__(self) -> StepRecord:
        if self.reason:
            raise StopIteration
        if self.steps is not None and self.step_count >= self.steps:
            self.reason = "steps done"
            raise StopIteration
        started = time.perf_counter()
        try:
            self._adapt_grid()
            outcome = self._optimizer.step(self.interrupted)
        except Interrupted:
            self.reason = "interrupted"
            raise StopIteration from None
        self.step_count += 1
        self.seconds += time.perf_counter() - started
        if outcome.stopped and not self._grid_steps_left():
            self.reason = outcome.stopped
        elif self.steps is not None and self.step_count >= self.steps:
            self.reason = "steps done"
        return self._record(outcome, self.reason or None)

    def _record(self, outcome: Outcome, stopped: str | None) -> StepRecord:
        losses = {part: self._loss_on(part) for part in ("test", "val")}
        return StepRecord(
            self.step_count,
            self.loss.report(outcome.loss),
            losses["test"],
            outcome.penalty,
            self.seconds,
            outcome.damping,
            losses["val"],
            self._metrics(),
            stopped,
        )

    def _loss_on(self, part: str) -> float | None:
        if part not in self._labels:
            return None
        with torch.no_grad():
            output = self.network(getattr(self.data, f"{part}_input"))
            return self.loss.report(float(self.loss.value(output, self._labels[part], None)))

    def _metrics(self) -> dict[str, float]:
        if not self.settings.metrics:
            return {}
        part = "test" if "test" in self._labels else "train"
        label = getattr(self.data, f"{part}_label")
        with torch.no_grad():
            output = self.network(getattr(self.data, f"{part}_input"))
            return {name: float(metric(output, label)) for name, metric in self.settings.metrics.items()}

    # ---- grids

    def _grid_interval(self) -> int:
        """Steps between two adaptations, 0 for none."""
        s = self.settings
        if not s.update_grid or s.grid_update_num == 0:
            return 0
        return max(1, s.stop_grid_update_step // s.grid_update_num)

    def _grid_steps_left(self) -> bool:
        every, s = self._grid_interval(), self.settings
        following = (self.step_count // every + 1) * every if every else math.inf
        last = s.stop_grid_update_step if self.steps is None else min(s.stop_grid_update_step, self.steps - 1)
        return following <= last and self._grids_are_off()

    def _adapt_grid(self) -> None:
        """Move the knots to the data where they have drifted apart.

        Not before the first step: the activations of a random start say nothing about where they will be.
        """
        every, step = self._grid_interval(), self.step_count
        first, stop = self.settings.start_grid_update_step, self.settings.stop_grid_update_step
        if not every or step == 0 or step % every or not first <= step <= stop or not self._grids_are_off():
            return
        update_grid(self.network, self.data.train_input)
        self._optimizer.renew()
        self._note("grid", "grid adapted")

    def _grids_are_off(self) -> bool:
        """Whether data has left a grid, or fills only a part of it."""
        with torch.no_grad():
            nodes = self.network.select(self.data.train_input)
            for index in range(self.network.depth):
                layer = self.network.layer(index)
                ends = layer.grid[:, [0, -1]]
                data = torch.stack([nodes.amin(0), nodes.amax(0)], dim=1)
                used = layer.spline_on.any(0) & (data[:, 1] > data[:, 0])
                off = (data - ends).abs().amax(1) > _GRID_TOLERANCE * (ends[:, 1] - ends[:, 0])
                if bool((off & used).any()):
                    return True
                nodes = self.network.combine(index + 1, layer(nodes))
        return False

    def _note(self, kind: str, label: str) -> None:
        self.events.append(Event(self.step_count, kind, label))


# ---- data


def prepare(network: Network, data: Any) -> Dataset:
    """The data in the network's type and place, or an error that says what doesn't fit."""
    dataset = as_dataset(data).to(network.dtype, network.device)
    if dataset.n_features != network.n_features:
        expected = f"data with {network.n_features} input columns, as the network has"
        _check.fail("data", "fit", expected, dataset.train_input, f"Build KAN([{dataset.n_features}, …]) for it.")
    return dataset


def _labelled(data: Dataset) -> Iterator[tuple[str, Tensor]]:
    for part in ("train", "test", "val"):
        label = getattr(data, f"{part}_label")
        if label is not None:
            yield part, label


def _labels(label: Tensor, loss: Loss) -> Tensor:
    return label.reshape(-1, 1).long() if loss.classes else label


def _pick_loss(loss: Any, data: Dataset) -> Loss:
    classes = not data.train_label.is_floating_point()
    row = loss_row(loss if loss is not None else "cross_entropy" if classes else "mse")
    if row.root and classes:
        _check.fail("loss", "fit", "'cross_entropy' for labels that are class numbers", row.name)
    return row


def _check_outputs(network: Network, loss: Loss, label: Tensor) -> None:
    if loss.classes:
        if int(label.min()) < 0 or int(label.max()) >= network.n_out:
            expected = f"class numbers from 0 to {network.n_out - 1}, as the network has {network.n_out} outputs"
            _check.fail(
                "data", "fit", expected, (int(label.min()), int(label.max())), "Give the last layer one node a class."
            )
    elif loss.root and label.shape[1] != network.n_out:
        expected = f"labels with {network.n_out} columns, as the network has outputs"
        _check.fail("data", "fit", expected, label, f"End `width` with {label.shape[1]}.")


def _weights(weight: Any, data: Dataset, network: Network) -> Tensor | None:
    if weight is None:
        return None
    values = torch.as_tensor(weight, dtype=network.dtype, device=network.device).reshape(-1, 1)
    rows = len(data.train_input)
    if (
        len(values) != rows
        or not bool(torch.isfinite(values).all())
        or bool((values < 0).any())
        or not values.sum() > 0
    ):
        _check.fail("sample_weight", "fit", f"{rows} finite numbers ≥ 0, not all 0", weight)
    return values / values.mean()


def _reference(x: Tensor) -> Tensor:
    """At most 512 rows, evenly picked: what queries look at later."""
    if len(x) <= REFERENCE_ROWS:
        return x.clone()
    return x[torch.linspace(0, len(x) - 1, REFERENCE_ROWS, device=x.device).long()].clone()


def _pick_optimizer(settings: Settings, objective: Objective) -> str:
    """The method asked for, or with `auto`: LM while its normal matrix is cheap, Adam for batches, else LBFGS."""
    squares = objective.loss.factor is not None
    if settings.opt == "LM" and not squares:
        advice = "Use opt='LBFGS' or 'Adam' for your own loss, or loss='mse' or 'cross_entropy'."
        _check.fail("opt", "fit", "'LBFGS' or 'Adam' with this loss", "LM", advice)
    if settings.opt == "LM" and settings.batch is not None:
        _check.fail("batch", "fit", "left out with opt='LM'", settings.batch, "LM sums over all rows in chunks.")
    if settings.opt != "auto":
        return settings.opt
    if settings.batch is not None:
        return "Adam"
    size = parameter_map(objective.network).size
    small = size <= _LM_PARAMETERS and len(objective.y) * size**2 <= _LM_WORK
    return "LM" if squares and small else "LBFGS"
