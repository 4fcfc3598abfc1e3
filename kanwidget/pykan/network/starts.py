"""The start of a network: random base factors, and the first grids of hidden layers."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import torch

from kanwidget.pykan.network.fitting import objective_of

if TYPE_CHECKING:
    from kanwidget import KAN

#: The base factors at the start are so many times those of kanwidget. Trainings of pykan's notebooks have a penalty from their first
#: step: a signal that every layer halves, as silu does, is lost in it, and the network ends as a constant.
GAIN = 2.0


def rescale_base(network: KAN, mu: float, sigma: float) -> None:
    """Give the random base factors another mean and spread, in units of 1/√inputs. In place.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([4, 1])
        >>> rescale_base(model, 5.0, 0.0)
        >>> model.layer(0).base.tolist()
        [[2.5, 2.5, 2.5, 2.5]]
    """
    with torch.no_grad():
        for index in range(network.depth):
            layer = network.layer(index)
            layer.base.mul_(sigma).add_(mu / layer.in_dim**0.5)


def is_open(network: KAN) -> bool:
    """Whether a network can begin in two ways: one that was never trained, with more than one hidden level."""
    return not network.history.records and network.depth > 2 and not any(layer.symbols for layer in network.layers)


def choose(network: KAN, data: dict[str, Any], steps: int, options: dict[str, Any], *, root: bool) -> bool:
    """Train for some steps from wide hidden grids and from ones that fit the first activations, and keep the better one. In place.

    Wide grids make smooth functions of few nodes. Where all activations are of a few values, as from columns of 0 and 1, only grids
    that fit can tell these apart.

    Returns:
        Whether it was interrupted, and is to end with what there is.
    """
    fitted = copy.deepcopy(network)
    fitted.update_grid(data["train_input"])
    objectives = []
    for trial in (network, fitted):
        history = trial.fit(data, steps=steps, progress=False, **options)
        if history.stop_reason == "interrupted":
            return True
        objective = objective_of(history.last, trial, root=root)
        objectives.append(objective if math.isfinite(objective) else math.inf)
    if objectives[1] < objectives[0]:
        network.load_state_dict(fitted.state_dict())
        network.history = fitted.history
    return False


class Trace:
    """Tells whether parameters were written to: a training loop of a person's own leaves no other trace.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([2, 1])
        >>> trace = Trace(model)
        >>> model.layer(0).coef.data.mul_(2) is None, trace.written(model)
        (False, False)
        >>> with torch.no_grad():
        ...     trace.written(model) or model.layer(0).coef.mul_(2).shape, trace.written(model)
        (torch.Size([1, 2, 6]), True)
    """

    def __init__(self, network: KAN) -> None:
        self._network, self._versions = id(network), _versions(network)

    def written(self, network: KAN) -> bool:
        """Whether it is the same network, and its parameters aren't what they were."""
        return self._network == id(network) and self._versions != _versions(network)


def _versions(network: KAN) -> list[int]:
    return [parameter._version for parameter in network.parameters()]


def settle_scales(network: KAN) -> None:
    """Let the network compute in the units of the data for good: what it has learnt, or its grids, are meant in these. In place.

    Not after a training, which has settled them.
    """
    if not network.history.records and not bool(network.scaling.fixed.any()):
        network.input_scale = ([0.0] * network.n_features, [1.0] * network.n_features)
        network.output_scale = ([0.0] * network.n_out, [1.0] * network.n_out)
