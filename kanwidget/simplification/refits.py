"""Short trainings of copies: a network after a change, as the data ask for it."""

from __future__ import annotations

import copy

from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.core.state import NetworkState
from kanwidget.simplification.held_out import HeldOut
from kanwidget.training import Settings, Trainer

#: Steps of a refit after one change.
STEPS = 10


def refitted(network: Network, held: HeldOut, steps: int = STEPS, *, lamb: float = 0.0) -> tuple[Network, Tensor]:
    """A copy that was trained further, in the state that is best on the held-out rows, and its losses there."""
    trial = copy.deepcopy(network)
    return trial, refit(trial, held, steps, lamb=lamb)


def refit(network: Network, held: HeldOut, steps: int = STEPS, *, lamb: float = 0.0, grids: bool = False) -> Tensor:
    """Train a network further, and return it to the state that was best on the held-out rows. In place.

    Args:
        network: The network.
        held: Its data.
        steps: Most steps.
        lamb: Weight of the penalty; with it the last state stays, since the penalty has its price.
        grids: Whether grids follow the data.

    Returns:
        Losses of the held-out rows.
    """
    reference, names = network.reference, network.in_vars
    best = held.row_losses(network)
    if network.n_parameters:
        state = NetworkState(network)
        for _ in Trainer(network, held.data, steps, Settings(lamb=lamb, update_grid=grids)):
            losses = held.row_losses(network)
            if lamb > 0 or not float(losses.mean()) >= float(best.mean()):
                best, state = losses, NetworkState(network)
        state.restore()
    network.reference, network.in_vars = reference, names
    return best


def assign(network: Network, source: Network) -> None:
    """Take over the parameters and symbols of a network of the same structure. In place."""
    for index in range(network.depth):
        network.layer(index).load_state_dict(source.layer(index).state_dict())
