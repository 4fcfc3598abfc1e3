"""`RunStates`: the network, records and events of a training, and how they become those of another state."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar, cast

import torch

from kanwidget import _check
from kanwidget.core import Event, History, StepRecord
from kanwidget.datasets import Dataset
from kanwidget.explorer.protocol.records import State
from kanwidget.explorer.protocol.topics import Topics
from kanwidget.explorer.session.recorder import RecordedStep, Recorder
from kanwidget.explorer.session.undo import Checkpoint, copied
from kanwidget.kan import KAN
from kanwidget.training import Settings, Trainer

T = TypeVar("T")
#: While the network trains a value is computed anew after so many seconds, and so many times as long as that takes.
SECONDS, REST = 0.5, 30
#: A seed that nobody draws rows with: noise of the same seed as the rows would follow from them.
_SEED = 0x2545F491
#: What another problem replaces; what training changes is in checkpoints.
_PARTS = ("problem", "trainer", "data", "initial", "previous_history", "noise", "recorder", "first_structure_id")


class RunStates:
    """A network in training, as it is between two steps: it begins, changes by acts, and returns to earlier states.

    Args:
        model: The network; the run trains a copy.
        data: The data.
        settings: Of the training.
        abandon: Asked within a step: True abandons it.
    """

    def __init__(self, model: KAN, data: Dataset, settings: Settings, abandon: Callable[[], bool]) -> None:
        self._abandon = abandon  # asked within a step: True abandons it
        #: Raised by every change of parameters or structure: all that was computed from them is then out of date.
        self.version = -1
        #: The last numbers that a structure (a set of nodes) and a problem (data with their network) got; -1 before there is one.
        self._structures = self._problems = -1
        self.begin(model, data, settings)

    def begin(self, model: KAN, data: Dataset, settings: Settings) -> None:
        """Begin a new problem, a copy of `model` with its data, in place of the current one; `settings` are those of the training."""
        # What can fail, metrics of the user among it, comes before anything is changed.
        trainer = Trainer(copied(model), data, None, settings, self._abandon)
        record, initial = trainer.record(), copied(model)
        #: What takes the steps, with the network in it; the data without noise; a copy of the network that it begins with.
        self.trainer, self.data, self.initial = trainer, data, initial
        #: The records of the network's trainings before this run.
        self.previous_history = model.history
        #: Noise on the training labels, see `noisy`, and the seed of the last reset.
        self.noise, self.seed = 0.0, model.seed
        self._finish("idle", None)
        #: Losses of each step so far, and marks on the training curves.
        self.records: list[StepRecord] = []
        self.events: list[Event] = []
        #: Losses of the network as it is: of the last step, before the first one of step 0.
        self.last_record = record
        #: Milliseconds of a step, a running mean; None before the first.
        self.ms_per_step: float | None = None
        #: The frames of its film.
        self.recorder = Recorder()
        #: Number of the problem, in the order in which they were loaded.
        self.problem = self._problems = self._problems + 1
        self.version += 1
        #: The version after the last act.
        self.act_version = self.version
        self._structures += 1  # each set of nodes gets the next number
        #: Identifier of the current nodes: edges of another structure are others, even with the same indices.
        self.structure_id = self.first_structure_id = self._structures

    def _finish(self, state: State, stop_reason: str | None) -> None:
        """End or pause the training: set its state and the reason (None for none), and forget what was to come after the last step."""
        self.state, self.stop_reason = state, stop_reason
        #: Steps to come; None goes on until it converges.
        self.remaining_steps: int | None = None
        #: Whether the training is paused after the last of these steps, rather than done.
        self.pauses_after = False
        #: Asked after every step: True pauses the training, since its error is flat.
        self.pauses_when: Callable[[], bool] | None = None
        #: Done once the training has ended by itself, see `Session._step`; returns the topics that it has changed.
        self.follows: Callable[[], Topics] | None = None

    @property
    def model(self) -> KAN:
        """The network in training."""
        return cast("KAN", self.trainer.network)

    @property
    def running(self) -> bool:
        """Whether it trains."""
        return self.state == "running"

    # ---- changes

    def adopt(self, model: KAN) -> None:
        """Train another network from now on. With other nodes it is another structure; the caller has the trainer rebuilt."""
        for parameter in model.parameters():
            parameter.data = parameter.data.contiguous()  # LBFGS can't take parameters of another layout in memory
        same_nodes = model.width == self.model.width and model.arities == self.model.arities
        self.trainer.replace_network(model)
        self.version += 1
        if not same_nodes:
            self._structures += 1  # each set of nodes gets the next number
            self.structure_id = self._structures
        self.act_version = self.version  # values from before this act count no more, not even while it trains

    def network_changed(self) -> None:
        """Make optimizer and losses anew after an act has changed the network; a training that had ended is paused: it can go on."""
        self.model.history.events.clear()  # the act has written one there; the run has events of its own
        self.trainer.rows.restart(self.model)  # of a large table it begins with a sample again
        self.trainer.rebuild()
        self.version += 1
        self.act_version = self.version
        self._evaluate()
        if self.state in ("done", "error"):
            self.state, self.stop_reason = "paused", None

    def restart(self, model: KAN, seed: int) -> None:
        """Begin the training again with a network that has the nodes of the initial one, made with this seed.

        Its losses are computed by `network_changed`, which the caller calls then.
        """
        self.adopt(model)
        self.structure_id = self.first_structure_id  # the number of the initial network's set of nodes
        self.trainer.step_count, self.trainer.seconds = 0, 0.0
        self.records, self.events, self.last_record = [], [], replace(self.last_record, step=0)
        self.seed = seed

    def mark(self, kind: str, text: str) -> None:
        """Add an event of a kind at the current step, which the curves show as a mark with this text."""
        self.events = [*self.events, Event(self.last_record.step, kind, text)]

    def unmark(self, events: Sequence[Event]) -> None:
        """Return to these events, those before a mark that is taken back."""
        self.events = list(events)

    def show(self, history: History) -> None:
        """Show the records and events of a training that has ended outside the explorer; `history` must be that of this run's network."""
        self.records, self.events = list(history.records), list(history.events)
        if history.records:
            self.last_record = history.last
            self.state, self.stop_reason = "done", history.stop_reason or None

    def _set_noise(self, noise: float) -> None:
        """Train on labels with noise of this level: in standard deviations of a label, or the part of the rows whose class is drawn anew.

        The data themselves stay as they are.
        """
        high = 1 if self.data.is_classification else math.inf
        self.noise = _check.real(noise, "noise", "set", low=0, high=high)
        self.trainer.replace_labels(noisy(self.data, self.noise).train_label)

    def _evaluate(self) -> None:
        """Compute the losses of the current network anew, at the same step, and forget why the trainer has stopped: it may go on."""
        self.trainer.stop_reason = ""
        self.last_record = replace(self.trainer.record(), step=self.last_record.step, stop_reason=None)

    # ---- checkpoints

    def checkpoint(self) -> Checkpoint:
        """The current state, to which undo can return: a copy of the network, and all else that steps and acts change."""
        return Checkpoint(
            copied(self.model),
            self.trainer.state_dict(),
            self.records,
            len(self.records),
            tuple(self.events),
            self.last_record,
            self.structure_id,
            self.seed,
            self.problem,
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Return to a checkpoint, by a copy of its network: it can be returned to again. Settings of the training stay."""
        self.adopt(copied(checkpoint.model))
        self.trainer.load_state_dict(checkpoint.trainer_state)
        self.structure_id = checkpoint.structure_id  # the number of its set of nodes
        self.records = checkpoint.records[: checkpoint.n_records]
        self.events, self.last_record = list(checkpoint.events), checkpoint.last_record
        self.seed = checkpoint.seed

    def jumped(self) -> None:
        """Go on with a running training after a jump through the undo tree; else set the state to paused or idle."""
        if self.running:
            self.trainer.stop_reason = ""  # the restored trainer may have one, with which it would take no step
        else:
            self.state, self.stop_reason = ("paused" if self.records else "idle"), None

    def resume(
        self, checkpoint: Checkpoint, settings: Mapping[str, Any], noise: float, state: State, stop_reason: str | None
    ) -> None:
        """Continue a saved run that began with the same network, data and arguments.

        Args:
            checkpoint: State of the saved run; the history of its network is from before that run.
            settings: Settings of its trainer at the end.
            noise: Noise on its labels.
            state: State of its training.
            stop_reason: Why its training stopped; None if it didn't.
        """
        history = checkpoint.model.history
        self.trainer.configure(**settings)
        self._set_noise(noise)
        self.trainer.events.clear()
        self.restore(checkpoint)
        self.previous_history = history
        # The last number: another than the first one if `restore` has changed the nodes.
        self.structure_id = self._structures
        self.state, self.stop_reason = state, stop_reason

    # ---- recorded steps and problems

    def go_to_step(self, step: RecordedStep, records: Sequence[StepRecord]) -> None:
        """Go to a recorded step of the training with these records, of which those up to the step stay; the optimizer begins anew."""
        # A recorded state has neither reference data nor seed nor names.
        model, current = step.state.network().to(self.model.device), self.model
        model.reference, model.seed = current.reference, current.seed
        model.take_names(current)
        self.adopt(model)
        self.structure_id = step.structure_id  # the number of its set of nodes
        self.records = list(records[: step.index])
        # Events at this very step came after it.
        self.events = [event for event in self.events if event.step < step.record.step]
        self.trainer.step_count, self.trainer.seconds = step.record.step, step.record.seconds
        self.last_record = step.record

    def parts(self) -> dict[str, Any]:
        """What belongs to the current problem, such as its trainer, data and film, by names of attributes: `enter` brings it back."""
        return {name: getattr(self, name) for name in _PARTS}

    def enter(self, parts: Mapping[str, Any]) -> None:
        """Take up an earlier problem again, from what the method `parts` gave then; the caller then restores a checkpoint of it."""
        vars(self).update(parts, ms_per_step=None)


class Lagging(Generic[T]):
    """A value that is computed once for each version of a network; while it trains one of a moment ago, not older than the last act.

    Args:
        run: The network in training.
        compute: Computes the value from its arguments; only the last one is kept.
    """

    def __init__(self, run: RunStates, compute: Callable[..., T]) -> None:
        # The network in training, and what computes the value from the arguments of a call.
        self._run, self._compute = run, compute
        #: The last value, its arguments, its version, and until when it may be used while the network trains.
        self._last: tuple[T, tuple[object, ...], int, float] | None = None

    def __call__(self, *arguments: object) -> T:
        """The value for these arguments: the last one while the network is the same, and for a moment while it trains.

        The moment is half a second, or 30 times as long as the value took to compute where that is more; an act ends it.
        """
        started, version = time.monotonic(), self._run.version
        if self._last is not None:
            # The value, its arguments (`of`), the network's version then (`at`), and the time up to which a training may use it.
            value, of, at, until = self._last
            lags = self._run.running and at >= self._run.act_version and started < until
            if of == arguments and (at == version or lags):
                return value
        value = self._compute(*arguments)
        # What takes long is computed more seldom, so that training has most of the time.
        wait = max(SECONDS, REST * (time.monotonic() - started))
        self._last = value, arguments, version, started + wait
        return value


# ---- noise on the training labels, to see how a network takes it. Test labels stay true


def noisy(data: Dataset, level: float, seed: int = _SEED) -> Dataset:
    """The same data with noise on the training labels.

    Args:
        data: The data.
        level: Standard deviation of the noise in units of each label column's own; for classes the part of the rows whose
            class is drawn anew. 0 gives the data themselves.
        seed: Of the draw: the same noise, larger or smaller, at every level.

    Examples:
        >>> data = Dataset([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
        >>> noisy(data, 0.0) is data
        True
        >>> bool((noisy(data, 0.1).train_label != data.train_label).all())
        True
    """
    if level == 0:
        return data
    label, generator = data.train_label, torch.Generator().manual_seed(seed)
    if data.is_classification:
        # The same rows and classes are drawn at every level: a higher one takes further rows.
        drawn = torch.rand(label.shape, generator=generator) < level
        redrawn = torch.randint(data.n_outputs, label.shape, generator=generator)
        return replace(data, train_label=torch.where(drawn.to(label.device), redrawn.to(label.device), label))
    spread = label.std(0, correction=0) if len(label) > 1 else torch.zeros_like(label[0])
    # Drawn in float64 on the CPU, so that a seed means the same noise everywhere.
    drawn = torch.randn(label.shape, generator=generator, dtype=torch.float64).to(label)
    return replace(data, train_label=label + level * spread * drawn)
