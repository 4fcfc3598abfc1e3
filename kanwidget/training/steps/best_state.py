"""The best state that a training has seen."""

from __future__ import annotations

import copy
import math
from typing import Any

from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.core.records import StepRecord
from kanwidget.training.objective.loss import Loss


class Best:
    """The best state seen: by validation loss where there is one, else by the training objective."""

    def __init__(self, loss: Loss) -> None:
        self._loss = loss
        self._value: float | None = None
        self._state: dict[str, Any] | None = None

    def see(self, network: Network, record: StepRecord) -> None:
        """Keep the network's state if it is the best one yet."""
        value = record.validation_loss
        if value is None:
            value = self._loss.unreport(record.train_loss) + record.penalty
        # Nothing is less than NaN: a state with a loss that is no number is kept until there is a better one.
        if self._value is None or value < self._value or math.isnan(self._value):
            kept = network.state_dict().items()
            # Plain clones: a deep copy of a state dict costs a tenth of a small network's step.
            self._state = {
                name: item.clone() if isinstance(item, Tensor) else copy.deepcopy(item) for name, item in kept
            }
            self._value = value

    def restore(self, network: Network) -> None:
        """Put it back."""
        if self._state is not None:
            network.load_state_dict(self._state)
