"""The start of a network: random edges, and the first grids of hidden layers."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import torch

from kanwidget import fit_many
from kanwidget.pykan.network.fitting import objective_of

if TYPE_CHECKING:
    from kanwidget import KAN, StepRecord

#: The base factors at the start are so many times those of kanwidget. Trainings of pykan's notebooks have a penalty from their first
#: step: a signal that every layer halves, as silu does, is lost in it, and the network ends as a constant.
GAIN = 2.0
#: Random starts of a training. Of ten seeds of [2, 5, 1] with a penalty one ends with a superfluous node from one start, none from four.
DRAWS = 4


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
    """Whether it matters where a network begins: it has hidden levels, and no symbols yet."""
    return network.depth > 1 and not any(layer.symbols for layer in network.layers)


def choose(network: KAN, data: dict[str, Any], steps: int, options: dict[str, Any], *, root: bool) -> bool:
    """Train for some steps from several starts at once, and go on with the best. In place.

    Seeds differ: one of a few ends with a superfluous node, or far from the smallest error. The others are the same random numbers in
    another order and with other signs. With more than one hidden level each also starts with hidden grids that fit its first
    activations: wide ones make smooth functions of few nodes, but where all activations are of a few values, as from columns of 0 and
    1, only grids that fit can tell these apart.

    Returns:
        Whether it was interrupted, and is to end with what there is.
    """
    trials = [network, *(_shuffled(network, seed) for seed in range(DRAWS - 1))]
    if network.depth > 2 and options["update_grid"]:
        fitted = [copy.deepcopy(trial) for trial in trials]
        for trial in fitted:
            trial.update_grid(data["train_input"])
        trials += fitted
    _, histories = fit_many(trials, data, steps=steps, progress=False, **options)
    objectives = [
        objective_of(history.last, trial, root=root) if history.records else math.inf
        for trial, history in zip(trials, histories, strict=True)
    ]
    objectives = [value if math.isfinite(value) else math.inf for value in objectives]
    _adopt(network, trials[objectives.index(min(objectives))])
    return any(history.stop_reason == "interrupted" for history in histories)


def go_on(network: KAN, data: dict[str, Any], steps: int, options: dict[str, Any], *, root: bool) -> StepRecord | None:
    """Go on from where a training has converged, with grids that fit the activations there, if that leads further. In place.

    Knots that were inserted into a coarse grid aren't where the data ask for them, and no step moves them.

    Returns:
        The last step, or None if the network stays what it was.
    """
    if not any(bool(layer.spline_on.any()) for layer in map(network.layer, range(network.depth))):
        return None
    other = copy.deepcopy(network)
    other.update_grid(data["train_input"])
    history = other.fit(data, steps=steps, progress=False, **options)
    reached = objective_of(network.history.last, network, root=root)
    if not history.records or not objective_of(history.last, other, root=root) < reached:
        return None
    _adopt(network, other)
    return history.last


def _adopt(network: KAN, other: KAN) -> None:
    """Be what a copy has become. In place."""
    if other is not network:
        network.load_state_dict(other.state_dict())
        network.history = other.history


def _shuffled(network: KAN, seed: int) -> KAN:
    """A copy whose edges have the random numbers of others, and other signs."""
    other, generator = copy.deepcopy(network), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in map(other.layer, range(other.depth)):
            count = layer.base.numel()
            order = torch.randperm(count, generator=generator).to(layer.base.device)
            signs = (2 * torch.randint(2, (count,), generator=generator) - 1).to(layer.base)
            layer.base.copy_((signs * layer.base.flatten()[order]).reshape(layer.base.shape))
            splines = layer.coef.flatten(0, 1)
            layer.coef.copy_((signs[:, None] * splines[order]).reshape(layer.coef.shape))
    return other


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
