"""Values of a part of the networks: a step of Levenberg-Marquardt tries ever fewer of them until each has taken its step."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from kanwidget.training.jacobian.stack import select_networks


class Subset:
    """Selects the part of a tensor that belongs to a part of the networks; for all networks the tensor itself."""

    def __init__(self, networks: Tensor, count: int) -> None:
        self.networks, self.all = networks, len(networks) == count

    def __call__(self, tensor: Tensor) -> Tensor:
        return tensor if self.all else select_networks(tensor, self.networks)


def put(tensor: Tensor, networks: Tensor, values: Tensor) -> Tensor:
    """The tensor with the part of these networks replaced; for all networks the values themselves."""
    return values if len(networks) == len(tensor) else tensor.index_copy(0, networks, values)


class AcceptedSteps:
    """The values at accepted steps, gathered over the rounds of a search.

    Args:
        start: The objectives' value before the step, which stays that of networks without a step.
    """

    def __init__(self, start: Any) -> None:
        self.start, self.networks = start, torch.zeros_like(start.loss, dtype=torch.bool)
        #: Whether the last round was one of all networks, and all of them took its step.
        self.complete = False
        self._value: Any | None = None

    def add(self, trial: Tensor, value: Any, accepted: Tensor) -> None:
        """Take the accepted ones of the networks of a trial; `accepted` is their index within `trial`."""
        if len(accepted):
            if self._value is None and len(trial) == len(self.networks):
                self._value, self.complete = value, len(accepted) == len(self.networks)
            else:
                # A network may have given up before the first one found a step.
                self._value = self._value or copy.deepcopy(self.start)
                self._value.put(trial[accepted], value, accepted)
            self.networks[trial[accepted]] = True

    def value(self) -> Any:
        """The value of all networks."""
        if self._value is None:
            return self.start
        stuck = (~self.networks).nonzero()[:, 0]
        if len(stuck):
            self._value.put(stuck, self.start, stuck)
        return self._value


def common(*values: Tensor) -> list[Tensor]:
    """Each value with one network only, if all networks have the same: then their consequences are computed and stored once."""
    equal = all(bool((value == value[:1]).all()) for value in values)
    return [value[:1] for value in values] if equal else list(values)
