"""A network of the same shape from another seed."""

from __future__ import annotations

from kanwidget import _check
from kanwidget.kan import KAN


def reseeded(model: KAN, seed: int) -> KAN:
    """A fresh network with the model's shape, grids and data columns, and nothing that was trained."""
    layers = [model.layer(index) for index in range(model.depth)]
    fresh = KAN(
        model.width,
        [layer.grid_size for layer in layers],
        model.k,
        mult_arity=model.arities,
        base_fun=layers[0].base_fun,
        grid_eps=model.grid_eps,
        seed=_check.integer(seed, "seed", "reset", low=0),
        dtype=model.dtype,
        device=model.device,
    )
    fresh.n_features = model.n_features
    fresh.columns = model.columns.clone()
    for index, layer in enumerate(layers):
        fresh.layer(index).knots = layer.knots.clone()
    return fresh
