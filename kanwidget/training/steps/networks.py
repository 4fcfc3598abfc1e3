"""`TrainingBatch`: networks of one structure with data of one shape, trained in step. `fit` (one network) and `fit_many` share it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.core.records import StepRecord
from kanwidget.core.state import NetworkState
from kanwidget.surgery.grids import update_grids
from kanwidget.training.jacobian.parameter_vector import structure
from kanwidget.training.jacobian.stack import Stack, separate, stack_values
from kanwidget.training.objective.batch import FirstDesign
from kanwidget.training.objective.objective import Objective
from kanwidget.training.optimizers.base import Outcome
from kanwidget.training.optimizers.settings import Settings
from kanwidget.training.optimizers.table import pick_optimizer
from kanwidget.training.steps.grid_schedule import GridSchedule
from kanwidget.training.steps.training_data import TrainingData


class TrainingBatch:
    """Networks that take their steps together.

    Args:
        networks: Networks of one structure; a single one unless the optimizer steps `several`. Their parameters become views of a
            stack's tensors.
        data: The training data of each, of one shape.
        settings: The settings of each; only `lamb` may differ.
    """

    def __init__(self, networks: Sequence[Network], data: Sequence[TrainingData], settings: Sequence[Settings]) -> None:
        self.networks, self.data, self.settings = list(networks), list(data), list(settings)
        self.build()  # sets stack, objective and optimizer

    def build(self) -> None:
        """Begin anew from the networks as they are: make their stack (tensors with the networks as first axis), objective and optimizer.

        The networks differ in their numbers alone, so that the first one's settings, loss and structure stand for all.
        """
        stack, settings, first = Stack(self.networks), self.settings[0], self.data[0]
        inputs, labels, weights = self._inputs("train"), self._labels("train"), self._weights("train")
        objective = Objective.of(stack, inputs, labels, weights, first.loss, [s.penalty() for s in self.settings])
        objective.geodesic_acceleration = settings.geodesic_acceleration
        method = pick_optimizer(settings, self.networks[0], first.loss, len(first.labels["train"]))
        optimizer, arrangement = method.make(objective, settings), structure(self.networks[0])
        parts = [part for part in first.labels if part != "train"]  # test and validation data
        # `FirstDesign` makes forward passes on these rows, and keeps the first layer's basis functions there.
        designs = {part: FirstDesign(stack, stack.select(self._inputs(part))) for part in parts}
        # Last, all at once: what comes before may be interrupted.
        self.objective, self.opt, self.optimizer = objective, method.name, optimizer
        self._structure, self._held_out_designs = arrangement, designs

    def _inputs(self, part: str) -> list[Tensor]:
        """Each network's inputs, `(rows, n_features)`, of a part of the data: `train`, `test` or `val`."""
        return [getattr(data.dataset, f"{part}_input") for data in self.data]

    def _labels(self, part: str) -> Tensor:
        """All networks' labels of a part of the data, `(networks, rows, columns)`, as the loss compares them."""
        return stack_values([data.labels[part] for data in self.data])

    def _weights(self, part: str) -> Tensor | None:
        """Weights of the rows of a part of the data, `(networks, rows, 1)`; None where all rows of all networks count the same."""
        if not any(part in data.weights for data in self.data):
            return None
        label = self.data[0].labels[part]
        ones = torch.ones(len(label), 1, dtype=self.networks[0].dtype, device=label.device)
        return stack_values([data.weights.get(part, ones) for data in self.data])

    def configure(self, settings: Settings) -> None:
        """Change settings that need no other optimizer: the penalty, acceleration, and the grid schedule."""
        self.settings = [settings] * len(self.networks)
        self.objective.geodesic_acceleration = settings.geodesic_acceleration
        self.objective.penalize([settings.penalty()] * len(self.networks))
        self.optimizer.reload()

    def refresh(self) -> None:
        """Begin anew, from the networks as they are, if a callback has fixed or removed an edge or replaced tensors."""
        if any(structure(n) != self._structure for n in self.networks) or not self.objective.stack.intact():
            self.build()

    def keep(self, members: Sequence[int]) -> None:
        """Go on with the networks at these indices alone, with the damping and counters that their optimizer has for them."""
        separate(self.networks)  # the others go on without the stack that all were views of
        self.networks = [self.networks[index] for index in members]
        self.data = [self.data[index] for index in members]
        self.settings = [self.settings[index] for index in members]
        previous = self.optimizer
        self.build()
        self.optimizer.inherit(previous, members)

    # ---- one step

    def advance(self, step: int, interrupted: Callable[[], bool]) -> tuple[list[Outcome], list[int]]:
        """Move the grids that are due after `step` steps, and take a step. Interrupted, it leaves grids and parameters as they were.

        Returns:
            The outcome of each network, and the indices of the networks whose grids were moved.
        """
        due = [index for index in range(len(self.networks)) if self._schedule(index).due(step)]
        if not due:
            return self.optimizer.step(interrupted), due
        states = [NetworkState(self.networks[index]) for index in due]
        try:
            update_grids(
                [self.networks[index] for index in due], [self.data[index].dataset.train_input for index in due]
            )
            self.optimizer.reload(due)
            return self.optimizer.step(interrupted), due
        except BaseException:
            for state in states:
                state.restore()
            self.optimizer.reload(due)
            raise

    def stop_reason(self, index: int, outcome: Outcome, step: int, steps: int | None) -> str | None:
        """Stop reason of network `index` after `step` of at most `steps` steps, None while it goes on.

        A network that is stuck waits where its grids will still move (`ahead`), which may help it.
        """
        finite = math.isfinite(outcome.loss + outcome.penalty)
        if outcome.stop_reason and not (finite and self._schedule(index).ahead(step, steps)):
            return outcome.stop_reason if finite else "stalled"
        return "steps done" if steps is not None and step >= steps else None

    def _schedule(self, index: int) -> GridSchedule:
        """The steps at which the grids of network `index` adapt to its training inputs."""
        return GridSchedule(self.networks[index], self.data[index].dataset.train_input, self.settings[index])

    # ---- records

    def evaluate(self) -> list[Outcome]:
        """Loss and penalty of each network at the current parameters, without a step."""
        value = self.objective.value()
        return [Outcome(*terms) for terms in zip(value.loss.tolist(), value.penalty.tolist(), strict=True)]

    def records(
        self, outcomes: Sequence[Outcome], step: int, seconds: float, stops: Sequence[str | None]
    ) -> list[StepRecord]:
        """The step as a record for each network, with its losses on test and validation data, if there are such.

        A loss's `report` makes of it the number that a history shows: of squared errors the root, in the target's unit.

        Args:
            outcomes: The outcome of each network.
            step: The number of steps until now.
            seconds: Since the training began.
            stops: The reason of each network to stop; None while it goes on.
        """
        outputs = {part: self._output(part) for part in self._held_out_designs}
        losses = {part: self._loss_of(output, part) for part, output in outputs.items()}
        metrics = self._metrics(outputs)
        return [
            StepRecord(
                step,
                self.data[index].loss.report(outcome.loss),
                losses["test"][index] if "test" in losses else None,
                outcome.penalty,
                seconds,
                outcome.damping,
                losses["val"][index] if "val" in losses else None,
                metrics[index],
                stop,
                None if outcome.noise is None else self.data[index].loss.report(outcome.noise),
                outcome.log_evidence,
                outcome.freedom,
            )
            for index, (outcome, stop) in enumerate(zip(outcomes, stops, strict=True))
        ]

    def _output(self, part: str) -> Tensor:
        """The outputs on a part of the data (`train`, `test`, `val`), `(networks, rows, outputs)`, at the current parameters.

        Of test and validation data the first layer's basis functions are kept, in `_held_out_designs`.
        """
        if part == "train":
            return self.objective.value().trace.output
        with torch.no_grad():
            return self._held_out_designs[part].pass_of(self.objective.stack, whole=False).output

    def _loss_of(self, output: Tensor, part: str) -> list[float]:
        """Each network's error on a part of the data as a history shows it, from its outputs there, `(networks, rows, outputs)`."""
        values = self.objective.loss.value(output, self._labels(part), self._weights(part)).tolist()
        return [data.loss.report(value) for data, value in zip(self.data, values, strict=True)]

    def _metrics(self, outputs: dict[str, Tensor]) -> list[dict[str, float]]:
        """The user's metrics of each network by name, on the test data, without test data on the training data; in own units."""
        named = self.settings[0].metrics
        if not named:
            return [{} for _ in self.networks]
        part = "test" if "test" in outputs else "train"
        output = outputs[part] if part in outputs else self._output(part)
        labels = [getattr(data.dataset, f"{part}_label") for data in self.data]
        with torch.no_grad():
            own = [network.scaling.own_outputs(o) for network, o in zip(self.networks, output, strict=True)]
            pairs = zip(own, labels, strict=True)
            return [{name: float(metric(o, y)) for name, metric in named.items()} for o, y in pairs]
