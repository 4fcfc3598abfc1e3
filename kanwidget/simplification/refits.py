"""Short trainings of copies: a network after a change, as the data ask for it."""

from __future__ import annotations

import math

from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.core.state import NetworkState
from kanwidget.simplification.held_out import HeldOutRows
from kanwidget.training import Settings, Trainer
from kanwidget.training.steps.loop import AFTER_STEP

#: Steps of a refit after one change.
STEPS = 10
#: A refit ends after so many steps that leave more than this part of the error.
_IDLE, _PROGRESS = 2, 0.998


def refit(
    network: Network,
    held: HeldOutRows,
    steps: int = STEPS,
    *,
    lamb: float = 0.0,
    grids: bool = False,
    posterior: bool = False,
) -> Tensor:
    """Train a network further. With splines, which learn noise, it returns to the state that was best on the held-out rows. In place.

    Args:
        network: The network.
        held: Its data.
        steps: Most steps.
        lamb: Weight of the penalty; with it the last state stays, since the penalty has its price.
        grids: Whether grids follow the data.
        posterior: Whether the network gets the posterior of this training, where evidence is at work.

    Returns:
        Losses of the held-out rows.
    """
    reference, names, encoding = network.reference, network.in_vars, network.encoding
    if network.n_parameters and steps:
        # Classes that functions separate have scores without end, which evidence would hold back; held-out rows judge them here.
        evidence = False if held.data.is_classification else None
        # Where no other rows are held out, losses are those of fits without each row: the posterior says how far the network follows it.
        posterior = posterior or not (held.are_others or held.noiseless or held.data.is_classification)
        settings = Settings(lamb=lamb, update_grid=grids, evidence=evidence)
        trainer = Trainer(network, held.data, steps, settings)
        _train(network, trainer, settings, by_evidence=posterior and settings.with_evidence)
        if posterior:
            network.posterior = trainer.posterior()
    network.reference, network.in_vars, network.encoding = reference, names, encoding
    return held.row_losses(network)


def _train(network: Network, trainer: Trainer, settings: Settings, *, by_evidence: bool) -> None:
    """Train until it gets on no more, to the state that is best on the held-out rows; by evidence to the end, where that has settled."""
    has_splines = any(bool(layer.curved().any()) for layer in network.layers)
    # `last`: whether the last state stays, not the best one on the held-out rows. The first record is the state before any step.
    first, last = trainer.record(), settings.lamb > 0 or by_evidence or not has_splines
    if not math.isfinite(first.train_loss):
        return  # a trial without values can't be trained, which is nothing to warn of
    state, lowest, previous, idle = NetworkState(network), _loss(first.test_loss), first.train_loss, 0
    for record in trainer:
        AFTER_STEP.get()()  # what the caller asks for here may break it off
        loss = _loss(record.test_loss)
        if last or loss < lowest:
            state, lowest = NetworkState(network), loss
        idle = idle + 1 if record.train_loss > _PROGRESS * previous else 0
        previous = record.train_loss
        if idle == _IDLE and not settings.lamb and not settings.update_grid and not by_evidence:
            break
    state.restore()


def _loss(value: float | None) -> float:
    """A loss for comparisons: infinite where there is none, and in place of NaN."""
    return math.inf if value is None or not math.isfinite(value) else value


def assign(network: Network, source: Network) -> None:
    """Take over the parameters and symbols of a network of the same structure. In place."""
    for index in range(network.depth):
        network.layer(index).load_state_dict(source.layer(index).state_dict())
