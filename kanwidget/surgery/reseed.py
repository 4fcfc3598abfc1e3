"""Another random start for a network."""

from __future__ import annotations

import copy

import torch

from kanwidget import _check
from kanwidget.core.network import AnyNetwork
from kanwidget.core.records import History
from kanwidget.core.starts import redrawn_layer


def reseed(network: AnyNetwork, seed: int, where: str = "reseed") -> AnyNetwork:
    """A fresh network with the shape, grids, scales and data columns of another, and nothing that was trained.

    Args:
        network: The network; it isn't changed.
        seed: Of the random start, ≥ 0: the splines are those of `KAN(…, seed=seed)`, with its default `noise_scale`.
        where: The function that asks, for the error.

    Examples:
        >>> from kanwidget import KAN
        >>> model = reseed(KAN([2, 3, 1], seed=1), 7)
        >>> torch.equal(model.layer(0).coef, KAN([2, 3, 1], seed=7).layer(0).coef)
        True
    """
    seed = _check.integer(seed, "seed", where, low=0)
    generator = torch.Generator().manual_seed(seed)
    fresh = copy.deepcopy(network)
    for index, layer in enumerate(network.layers):
        drawn = redrawn_layer(layer, layer.out_dim, noise_scale=1.0, generator=generator)
        drawn.knots = layer.knots.clone()
        fresh.layers[index] = drawn
    # What a training leaves with a network.
    fresh.reference = network.reference[:0].clone()
    fresh.in_vars, fresh.classes, fresh.encoding = (), (), None
    for name, value in (("seed", seed), ("history", History())):
        if hasattr(fresh, name):
            setattr(fresh, name, value)
    return fresh
