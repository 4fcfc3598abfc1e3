"""Training as an iterator of records: to stop is to stop iterating.

Scripts, notebooks, tests and the explorer all take the same steps from here.
"""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.records import Event, Posterior, StepRecord
from kanwidget.core.threads import is_small, one_thread
from kanwidget.datasets import Dataset
from kanwidget.training.evidence.evidence import COUNTS
from kanwidget.training.objective.loss import Loss
from kanwidget.training.optimizers.base import Interrupted, Optimizer, Outcome
from kanwidget.training.optimizers.interruptions import interruptible, once
from kanwidget.training.optimizers.settings import Settings
from kanwidget.training.optimizers.table import OPTIMIZERS, pick_optimizer
from kanwidget.training.steps.earlier_data import remember_inputs
from kanwidget.training.steps.networks import TrainingBatch
from kanwidget.training.steps.rows import RowSchedule
from kanwidget.training.steps.scales import restored_scaling
from kanwidget.training.steps.settings import make_settings
from kanwidget.training.steps.training_data import in_scales, pick_loss, prepare, scaled_labels

_log = logging.getLogger(__name__)
#: A step of more rows takes longer than a pause may wait.
_LONG_ROWS = 20_000
#: Stop reason of a training whose loss isn't finite any more, and advice.
NOT_FINITE = "stalled: the loss is not finite"
#: Settings that another optimizer is made for.
_OPTIMIZER_SETTINGS = ("opt", "lr", "batch", "smoothness", "evidence")
NOT_FINITE_ADVICE = "Look at the size of the labels, at a loss of your own, and at the outputs before training."

#: `(network, record)`, after every step.
Callback = Callable[[Network, StepRecord], Any]


class Trainer(Iterator[StepRecord]):
    """An iterator of `StepRecord`s that trains a network in place, one step a record.

    Between steps its settings may be changed (`configure`) and the network's parameters too (then call `rebuild`).

    Args:
        network: The network to train.
        data: A `Dataset`, a pykan dict, or a pair of inputs and labels.
        steps: Steps until the iteration ends; None goes on until it converges.
        settings: See `Settings`.
        interrupted: Called within long steps; True discards the step and ends the iteration.
    """

    def __init__(
        self,
        network: Network,
        data: Any,
        steps: int | None = 100,
        settings: Settings | None = None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        # `steps`: after which the iteration ends, None for none; `interrupted`: asked within long steps, True ends it before its step.
        self.settings = settings or Settings()
        self.steps = None if steps is None else _check.integer(steps, "steps", "fit", low=0)
        self.interrupted = interrupted
        self.step_count, self.seconds, self.stop_reason = 0, 0.0, ""  # no reason while the training goes on
        self.events: list[Event] = []
        with restored_scaling(network):  # the first data settle the network's scales: an error takes that back
            self.network, self._training_data = network, prepare(network, data, self.settings)
            #: The scales that the labels are in; others make the training data anew.
            self._scaling = network.scaling.key()
            #: How many rows the steps take: of many rows at first a sample.
            self.rows = RowSchedule(network, self._training_data, self.settings)
            self.rebuild()
        if not self.rows.complete:
            self._note("rows", self.rows.text)
        remember_inputs(network, self.data, continual=self.settings.continual)  # for queries of the network

    @property
    def data(self) -> Dataset:
        """The data, in the network's type and on its device."""
        return self._training_data.dataset

    @data.setter
    def data(self, data: Dataset) -> None:
        self._training_data = replace(self._training_data, dataset=data)

    @property
    def loss(self) -> Loss:
        """The loss that compares outputs with labels."""
        return self._training_data.loss

    @property
    def opt(self) -> str:
        """Name of the optimizer; with `auto` the name of the picked optimizer."""
        return self._training_batch.opt

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer of the current steps."""
        return self._training_batch.optimizer

    def rebuild(self, settings: Settings | None = None) -> None:
        """Prepare the steps anew, after parameters or structure of the network were changed from outside.

        Data in the network's scales are made again where these have changed.

        Args:
            settings: Those of the steps to come, by default the ones of now.
        """
        settings = settings or self.settings
        scaling = self.network.scaling.key()
        if scaling != self._scaling:  # another network, or a scale that was set
            loss = pick_loss(settings.loss, self.data)
            self._scaling, self._training_data = scaling, in_scales(self.network, self._training_data, loss)
        with self._threads():
            self._training_batch = self._batch(settings)

    def _batch(self, settings: Settings) -> TrainingBatch:
        """Network and data of the steps to come, with the rows that are due, and a new optimizer."""
        data = self.rows.part(self._training_data)  # all rows, or the sample of many that it has come to
        if not self.rows.complete:
            # With `auto` the optimizer is picked for all rows, not for the sample: it stays the same when the rows become more.
            settings = replace(settings, opt=pick_optimizer(settings, self.network, self.loss, self.rows.total).name)
        return TrainingBatch([self.network], [data], [settings])

    def configure(self, **changes: Any) -> None:
        """Change settings of the steps to come: `lamb`, `opt`, `lr`, `batch`, … Settings of the data can't change."""
        old = self.settings
        new = make_settings(**{**{f: getattr(old, f) for f in Settings.__dataclass_fields__}, **changes})
        for name in ("loss", "sample_weight", "rows"):
            # Objects are compared by `is`, since tensors have no plain `==`; rows are a number, `auto` or None, and by value, too.
            if getattr(new, name) is not getattr(old, name) and (name, new.rows) != ("rows", old.rows):
                _check.fail(name, "configure", "left as it was", changes[name], "Begin another training with it.")
        self.rows.settings = new
        if new.batch is not None and old.batch is None:  # a minibatch is a sample by itself, drawn from all rows
            self.rows.take(self.rows.total)
        if any(getattr(new, name) != getattr(old, name) for name in _OPTIMIZER_SETTINGS):
            self.rebuild(new)
        else:
            self._training_batch.configure(new)
        self.settings = new
        if new.lamb != old.lamb:
            self._note("lamb", f"lamb = {new.lamb:g}")

    def replace_network(self, network: Network) -> None:
        """Train another network on the same data from now on, at first on a sample of many rows; then call `rebuild`.

        Its scales (centre and size of each column and label) may be others.
        """
        if network.scaling.key() != self.network.scaling.key():
            # Labels are compared in scaled numbers.
            self._training_data = prepare(network, self.data, self.settings)
        self.network = network
        self.rows.restart(network)

    def replace_labels(self, label: Tensor) -> None:
        """Train on new labels for the same inputs, of the same shape and type as the current ones."""
        current = self.data.train_label
        if label.shape != current.shape or label.is_floating_point() != current.is_floating_point():
            _check.fail("label", "replace_labels", "of the shape and type of the current labels", label)
        data = replace(self.data, train_label=label.to(current))
        columns = self._training_data.labels | {"train": scaled_labels(self.network, data.train_label, self.loss)}
        self._training_data = replace(self._training_data, dataset=data, labels=columns)
        self.rebuild()

    # ---- progress and optimizer

    def state_dict(self) -> dict[str, Any]:
        """Progress, name and state of the optimizer, from which a training goes on bit for bit. The network's parameters aren't in it."""
        progress = {name: getattr(self, name) for name in ("step_count", "seconds", "stop_reason", "opt")}
        return progress | {"optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Return to a state of `state_dict`; the network must be in its state of that moment, too.

        If another optimizer is in use now, or `optimizer` is None, the optimizer begins anew.
        """
        self.step_count, self.seconds, self.stop_reason = state["step_count"], state["seconds"], state["stop_reason"]
        self.rebuild()
        if state["opt"] == self.opt and state["optimizer"] is not None:
            self.optimizer.load_state_dict(state["optimizer"])

    # ---- the steps

    def record(self) -> StepRecord:
        """The current losses as a record, without a step."""
        with self._threads():
            batch = self._training_batch
            batch.refresh()
            return batch.records(batch.evaluate(), self.step_count, self.seconds, [None])[0]

    def posterior(self) -> Posterior | None:
        """The network's parameters given the data (means and covariance), as they are; None without evidence (see `fit(evidence=…)`)."""
        with self._threads():
            self._training_batch.refresh()
            return self.optimizer.posterior(0)

    def __next__(self) -> StepRecord:
        """Take a step, with more rows from now on where these are due; an interrupted step is discarded and ends the iteration."""
        if self.stop_reason:
            raise StopIteration
        if self.steps is not None and self.step_count >= self.steps:
            self.stop_reason = "steps done"
            raise StopIteration
        started = time.perf_counter()
        interrupted = once(self.interrupted)
        try:
            if (count := self.rows.due(self.step_count, self.steps)) is not None:  # a larger sample of the rows, or all
                self._go_on_with(count, interrupted)
            with self._threads(), self._checks(interrupted):
                self._training_batch.refresh()
                outcomes, moved = self._training_batch.advance(self.step_count, interrupted)
        except Interrupted:
            self.stop_reason = "interrupted"
            raise StopIteration from None
        with self._threads():
            return self._record_of(outcomes, bool(moved), started)

    def _threads(self) -> AbstractContextManager[None]:
        """A context in which torch uses one thread, if a step is so little work that several would wait for each other."""
        return one_thread(is_small(self.network, self.rows.count))

    def _checks(self, interrupted: Callable[[], bool]) -> AbstractContextManager[None]:
        """With many rows a step may be interrupted anywhere within; with few the checks would cost more than they gain."""
        return interruptible(interrupted) if self.rows.count > _LONG_ROWS else nullcontext()

    def _go_on_with(self, count: int, interrupted: Callable[[], bool]) -> None:
        """Take `count` rows from now on, with a new batch and optimizer. Interrupted, it stays with the former ones."""
        former, rows = self._training_batch, copy.copy(self.rows)
        self.rows.take(count)
        try:
            with self._threads(), self._checks(interrupted):
                batch = self._batch(self.settings)
                # Levenberg-Marquardt goes on with its damping; curvature and momentum of a gradient method belong to the former rows.
                # What evidence has counted (`COUNTS`) was about the former rows, too, and begins anew.
                if OPTIMIZERS[batch.opt].plain_state:
                    state = former.optimizer.state_dict()
                    batch.optimizer.load_state_dict({name: state[name] for name in state if name not in COUNTS})
        except BaseException:
            self.rows = rows
            raise
        self._training_batch = batch
        self._note("rows", self.rows.text)

    def _record_of(self, outcomes: list[Outcome], moved: bool, started: float) -> StepRecord:
        """Count a step, see whether the training ends with it, and return its record.

        Args:
            outcomes: The network's outcome alone.
            moved: Whether its grids were moved before the step.
            started: `time.perf_counter()` at the beginning of the step.
        """
        if moved:
            self._note("grid", "grid adapted")
        self.step_count += 1
        self.seconds += time.perf_counter() - started
        stop_reason = self._training_batch.stop_reason(0, outcomes[0], self.step_count, self.steps)
        objective = outcomes[0].loss + outcomes[0].penalty
        stop_reason = self.rows.observe(objective, stop_reason)  # none while it trains on a sample that can still grow
        self.stop_reason = stop_reason or ""
        if stop_reason and not math.isfinite(objective):
            self.stop_reason = NOT_FINITE
            _log.warning("training stopped at step %d: the loss is not finite. %s", self.step_count, NOT_FINITE_ADVICE)
        return self._training_batch.records(outcomes, self.step_count, self.seconds, [stop_reason])[0]

    def _note(self, kind: str, text: str) -> None:
        """Mark the current step with an event: its kind, such as `grid`, and a text for a person."""
        self.events.append(Event(self.step_count, kind, text))
