"""The start of a network: random edges, and the first grids of hidden layers."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import torch

from kanwidget import fit_many
from kanwidget.pykan.network.fitting import objective_of

if TYPE_CHECKING:
    from kanwidget import KAN, History, StepRecord

#: The base factors at the start are so many times those of kanwidget. Trainings of pykan's notebooks have a penalty from their first
#: step: a signal that every layer halves, as silu does, is lost in it, and the network ends as a constant.
GAIN = 2.0
#: Random starts of a training. Of ten seeds of [2, 5, 1] with a penalty one ends with a superfluous node from one start, none from four.
DRAWS = 4
#: Fewer steps tell nothing of a start, or of a grid.
SHORTEST = 5


def rescale_base(network: KAN, mu: float, sigma: float) -> None:
    """Give the random base factors (weights of the base functions) the mean `mu`/√inputs, and `sigma` times their spread. In place.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([4, 1])
        >>> rescale_base(model, 5.0, 0.0)
        >>> model.layer(0).base.tolist()
        [[2.5, 2.5, 2.5, 2.5]]
    """
    with torch.no_grad():
        for layer in network.layers:
            layer.base.mul_(sigma).add_(mu / layer.in_dim**0.5)


def is_open(network: KAN) -> bool:
    """Whether a training may try other random starts: the network is untrained, has hidden levels, and no symbolic or frozen edges."""
    settled = any(layer.symbols or bool(layer.frozen.any()) for layer in network.layers)
    return network.depth > 1 and not network.history.records and not settled


def choose(
    network: KAN, data: dict[str, Any], steps: int, options: dict[str, Any], *, root: bool, mean: float = 0.0
) -> History | None:
    """Train for some steps from several starts at once, and go on with the best. In place.

    Seeds differ: one of a few ends with a superfluous node, or far from the smallest error. The others are the same random numbers in
    another order and with other signs. With more than one hidden level each also starts with hidden grids that fit its first
    activations: wide ones make smooth functions of few nodes, but where all activations are of a few values, as from columns of 0 and
    1, only grids that fit can tell these apart.

    Args:
        network: The network.
        data: The training's tensors, `train_input`, `train_label`, ….
        steps: How many from each start.
        options: Of `kanwidget.KAN.fit`.
        root: Whether losses are root mean squared errors.
        mean: The mean of the random base factors, in units of 1/√inputs.

    Returns:
        None, or what to end with if it was interrupted: the last step of the best.
    """
    trials = [network, *(_shuffled(network, seed, mean) for seed in range(DRAWS - 1))]
    if network.depth > 2 and moves_grids(options):
        fitted = [copy.deepcopy(trial) for trial in trials]
        for trial in fitted:
            trial.update_grid(data["train_input"])
        trials += fitted
    _, histories = fit_many(trials, data, steps=steps, progress=False, **options)

    def objective(index: int) -> float:
        """What the training of a start has reached, loss plus penalty; infinite where it took no step or isn't finite."""
        history = histories[index]
        value = objective_of(history.last, trials[index], root=root) if history.records else math.inf
        return value if math.isfinite(value) else math.inf

    best = min(range(len(trials)), key=objective)
    _adopt(network, trials[best])
    if not any(history.stop_reason == "interrupted" for history in histories):
        return None
    ended = histories[best]
    ended.stop_reason = network.history.stop_reason = "interrupted"
    del ended.records[:-1]
    return ended


def moves_grids(options: dict[str, Any]) -> bool:
    """Whether a training with these options of `KAN.fit` moves grids at all."""
    return bool(options["update_grid"] and options["grid_update_num"] and options["stop_grid_update_step"])


def go_on(network: KAN, data: dict[str, Any], steps: int, options: dict[str, Any], *, root: bool) -> StepRecord | None:
    """Go on from where a training has converged, with grids that fit the activations there, if that leads further. In place.

    Knots that were inserted into a coarse grid aren't where the data ask for them, and no step moves them.

    Args:
        network: The network.
        data: The training's tensors, `train_input`, `train_label`, ….
        steps: Most steps.
        options: Of `kanwidget.KAN.fit`.
        root: Whether losses are root mean squared errors.

    Returns:
        The last step, or None if the network stays what it was, as it does where this is interrupted.
    """
    curves = any(bool(layer.spline_on.any()) for layer in network.layers)
    if not curves or not moves_grids(options):
        return None
    try:
        other = copy.deepcopy(network)
        other.update_grid(data["train_input"])
        history = other.fit(data, steps=steps, progress=False, **options)
    except KeyboardInterrupt:
        return None
    reached = objective_of(network.history.last, network, root=root)
    further = history.records and objective_of(history.last, other, root=root) < reached
    if not further or history.stop_reason == "interrupted":
        return None
    _adopt(network, other)
    return history.last


def _adopt(network: KAN, other: KAN) -> None:
    """Give a network the state and the history of `other`, a copy of it that was trained. In place."""
    if other is not network:
        network.load_state_dict(other.state_dict())
        network.history = other.history


def _shuffled(network: KAN, seed: int, mean: float) -> KAN:
    """A copy of an untrained network with the random numbers of each layer in another order: another start of the same spread.

    Each edge gets the numbers of one edge of its layer; about half are mirrored: coefficients at 0, base factors at their mean.

    Args:
        network: The network.
        seed: Of the order and the signs.
        mean: The mean of the random base factors, in units of 1/√inputs.
    """
    other, generator = copy.deepcopy(network), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in other.layers:
            count, middle = layer.base.numel(), mean / layer.in_dim**0.5
            order = torch.randperm(count, generator=generator).to(layer.base.device)
            signs = (2 * torch.randint(2, (count,), generator=generator) - 1).to(layer.base)
            deviations = layer.base.flatten()[order] - middle
            layer.base.copy_((middle + signs * deviations).reshape(layer.base.shape))
            layer.coef.copy_((signs[:, None] * layer.coef.flatten(0, 1)[order]).reshape(layer.coef.shape))
    return other


def write_trace(network: KAN) -> tuple[int, list[int]]:
    """A value that changes when the network is replaced, or its parameters are written to: torch counts the writes to each.

    A training loop of a person's own leaves no other trace.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([2, 1])
        >>> trace = write_trace(model)
        >>> with torch.no_grad():
        ...     trace == write_trace(model), model.layer(0).coef.mul_(2).shape, trace == write_trace(model)
        (True, torch.Size([1, 2, 6]), False)
    """
    return id(network), [parameter._version for parameter in network.parameters()]


def settle_scales(network: KAN) -> None:
    """Let the network compute in the units of the data for good: what it has learnt, or its grids, are meant in these. In place.

    Not after a training, which has settled them.
    """
    if not network.history.records and not bool(network.scaling.fixed.any()):
        network.input_scale = ([0.0] * network.n_features, [1.0] * network.n_features)
        network.output_scale = ([0.0] * network.n_out, [1.0] * network.n_out)
