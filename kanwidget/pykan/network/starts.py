"""The start of a network: random base factors, and the first grids of hidden layers."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

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


def choose(network: KAN, data: dict[str, Any], steps: int, options: dict[str, Any]) -> None:
    """Train for some steps from wide hidden grids and from ones that fit the first activations, and keep the better one. In place.

    Wide grids make smooth functions of few nodes. Where all activations are of a few values, as from columns of 0 and 1, only grids
    that fit can tell these apart.
    """
    fitted = copy.deepcopy(network)
    fitted.update_grid(data["train_input"])
    objectives = []
    for trial in (network, fitted):
        last = trial.fit(data, steps=steps, progress=False, **options).last
        objectives.append(last.train_loss**2 + last.penalty)
    if objectives[1] < objectives[0]:
        network.load_state_dict(fitted.state_dict())
        network.history = fitted.history
