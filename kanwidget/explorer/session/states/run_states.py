"""`RunStates`: from a training to its states and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from kanwidget.core import Event, History, StepRecord
from kanwidget.datasets import Dataset
from kanwidget.explorer.protocol.records import State
from kanwidget.explorer.session.recorder import RecordedStep, Recorder
from kanwidget.explorer.session.states.problem import Problem
from kanwidget.explorer.session.undo import Checkpoint, copied
from kanwidget.kan import KAN
from kanwidget.training import Trainer


class RunStates(ABC):
    """The part of `TrainingRun` that takes checkpoints and returns to them, to recorded steps, and to other problems."""

    trainer: Trainer
    data: Dataset
    initial: KAN
    previous_history: History
    recorder: Recorder
    records: list[StepRecord]
    events: list[Event]
    last_record: StepRecord
    noise: float
    seed: int
    state: State
    stop_reason: str | None
    ms_per_step: float | None
    problem: int
    structure_id: int
    first_structure_id: int
    _structures: int

    @property
    @abstractmethod
    def model(self) -> KAN:
        """The network in training."""

    @property
    @abstractmethod
    def x(self) -> Tensor:
        """The inputs of queries."""

    @property
    @abstractmethod
    def running(self) -> bool:
        """Whether it trains."""

    @abstractmethod
    def adopt(self, model: KAN) -> bool:
        """Train another network from now on; whether the nodes have changed."""

    @abstractmethod
    def _set_noise(self, noise: float) -> None: ...

    # ---- checkpoints

    def checkpoint(self) -> Checkpoint:
        """Everything that undo needs."""
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

    def restore(self, checkpoint: Checkpoint) -> bool:
        """Return to a checkpoint.

        Returns:
            Whether the nodes have changed.
        """
        structure_id = self.structure_id
        nodes_changed = self.adopt(copied(checkpoint.model))
        self.trainer.load_state_dict(checkpoint.trainer_state)
        self.structure_id = checkpoint.structure_id
        self.records = checkpoint.records[: checkpoint.n_records]
        self.events, self.last_record = list(checkpoint.events), checkpoint.last_record
        self.seed = checkpoint.seed
        return nodes_changed or self.structure_id != structure_id

    def jumped(self) -> None:
        """Go on with a running training after a jump through the undo tree; else set the state to paused or idle."""
        if self.running:
            self.trainer.stop_reason = ""
        else:
            self.state, self.stop_reason = ("paused" if self.records else "idle"), None

    def resume(
        self,
        checkpoint: Checkpoint,
        settings: Mapping[str, Any],
        noise: float,
        state: State,
        stop_reason: str | None,
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
        self.structure_id = self._structures  # differs from the first one if `restore` has changed the nodes
        self.state, self.stop_reason = state, stop_reason

    # ---- recorded steps and problems

    def go_to_step(self, step: RecordedStep, records: Sequence[StepRecord]) -> bool:
        """Go to a recorded step of the training with these records; the optimizer begins anew.

        Returns:
            Whether the nodes have changed.
        """
        model, current, structure_id = step.state.network().to(self.model.device), self.model, self.structure_id
        model.reference, model.seed = self.x, current.seed
        model.take_names(current)
        nodes_changed = self.adopt(model)
        self.structure_id = step.structure_id
        self.records = list(records[: step.index])
        self.events = [event for event in self.events if event.step < step.record.step]
        self.trainer.step_count, self.trainer.seconds = step.record.step, step.record.seconds
        self.last_record = step.record
        return nodes_changed or self.structure_id != structure_id

    def parts(self) -> Problem:
        """What belongs to the current problem, for `enter`."""
        return Problem(
            self.problem,
            self.trainer,
            self.data,
            self.initial,
            self.previous_history,
            self.noise,
            self.recorder,
            self.first_structure_id,
        )

    def enter(self, parts: Problem) -> None:
        """Take up an earlier problem again; a checkpoint of it is to be restored next."""
        self.problem, self.trainer, self.data, self.initial = parts.number, parts.trainer, parts.data, parts.initial
        self.previous_history, self.noise, self.recorder = parts.previous_history, parts.noise, parts.recorder
        self.first_structure_id, self.ms_per_step = parts.first_structure_id, None
