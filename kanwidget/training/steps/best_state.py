"""The network state with the lowest loss of a training."""

from __future__ import annotations

import math

from kanwidget.core.network import Network
from kanwidget.core.records import StepRecord
from kanwidget.core.state import NetworkState
from kanwidget.training.objective.loss import Loss


class BestState:
    """The best state so far: by validation loss if there is one, else by the training objective."""

    def __init__(self, loss: Loss) -> None:
        self._loss = loss  # turns the number of a record back into a mean loss
        self._value: float | None = None  # the lowest loss so far
        self._state: NetworkState | None = None  # the network's parameters at it
        self._rows = 0  # number of rows of the steps that are compared

    def update(self, network: Network, record: StepRecord, rows: int = 0) -> None:
        """Keep the network's current state, of which `record` has the losses, if it is the best one.

        `rows` is the number of rows that the step took. Losses on fewer rows don't compare: with another number the search begins anew.
        """
        if rows != self._rows:
            self._rows, self._value = rows, None
        value = record.validation_loss
        # Else by the objective: the loss, of which the record may have the root in the labels' unit, and the penalty.
        if value is None:
            value = self._loss.unreport(record.train_loss) + record.penalty
        # Nothing is less than NaN: a state with a loss that isn't finite is kept until there is a better one.
        if self._value is None or value < self._value or math.isnan(self._value):
            self._state, self._value = NetworkState(network), value

    def restore(self) -> None:
        """Return the network, in place, to its best state of those that `update` was called with; if there were any."""
        if self._state is not None:
            self._state.restore()
