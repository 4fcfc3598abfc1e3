"""The free parameters of networks as one vector each.

Free is what an optimiser may move: coefficients and base weights of edges that have a spline, of a symbolic edge the
constants that its primitive declares free; nothing of a frozen edge, nothing whose `requires_grad` is False. Edges
that share their parameters count once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.core.layer import Layer
from kanwidget.core.network import Network
from kanwidget.training.jacobian.stack import LayerStack, Stack


@dataclass(frozen=True, slots=True)
class LayerMap:
    """Where a layer's parameters stand in the vector; -1 where they aren't in it."""

    numeric: Tensor
    """`(out, in, G + k + 1)`: coefficients and, last, the base weight."""
    affine: Tensor
    """`(out, in, 4)`"""
    whole: slice | None
    """Where all of `numeric` stands where it is one run in order: every edge a spline of its own."""


@dataclass(frozen=True, slots=True)
class ParameterMap:
    """Positions of all free parameters in a vector of length `size`."""

    layers: tuple[LayerMap, ...]
    size: int

    def read(self, stack: Stack) -> Tensor:
        """The free parameters as vectors, `(networks, size)`."""
        vector = stack.layers[0].coef.new_zeros(len(stack), self.size)
        for layer, positions in zip(stack.layers, self.layers, strict=True):
            if positions.whole is not None:
                coef, base = _views(vector[:, positions.whole], layer)
                coef.copy_(layer.coef.detach())
                base.copy_(layer.base.detach())
            for position, value in _pairs(positions, layer):
                mask = position >= 0
                # Of edges that share parameters only the first one's need be up to date.
                flat = value.detach().flatten(1, 2)
                held = flat[:, layer.tie_index()].view_as(value) if layer.ties else value.detach()
                vector[:, position[mask]] = held[:, mask]
        return vector

    def write(self, stack: Stack, vector: Tensor) -> None:
        """Set the free parameters from vectors."""
        with torch.no_grad():
            for layer, positions in zip(stack.layers, self.layers, strict=True):
                if positions.whole is not None:
                    coef, base = _views(vector[:, positions.whole], layer)
                    layer.coef.copy_(coef)
                    layer.base.copy_(base)
                for position, value in _pairs(positions, layer):
                    mask = position >= 0
                    value[:, mask] = vector[:, position[mask]]

    def gradient(self, grads: Sequence[Tensor | None], like: Tensor) -> Tensor:
        """The vectors of gradients, `(networks, size)`, from those of `Stack.parameters`; `like` one of these."""
        vector = like.new_zeros(like.shape[0], self.size)
        flat = iter(grads)
        for positions in self.layers:
            width = positions.numeric.shape[-1] - 1
            for position in (positions.numeric[..., :width], positions.numeric[..., width], positions.affine):
                grad = next(flat)
                mask = position >= 0
                if grad is not None:
                    vector.index_add_(1, position[mask], grad[:, mask])
        return vector


def network_parameters(network: Network) -> list[Tensor]:
    """Coefficients, base weights and affine constants, layer by layer."""
    layers = [network.layer(index) for index in range(network.depth)]
    return [parameter for layer in layers for parameter in (layer.coef, layer.base, layer.affine)]


def structure(network: Network) -> object:
    """Something that differs once edges, their states or what is free have changed; not when parameters move."""
    layers = [network.layer(index) for index in range(network.depth)]
    return (
        network.width,
        network.arities,
        [
            (
                layer.k,
                layer.coef.shape,
                layer.base_fun,
                layer.spline_on.flatten().tolist(),
                layer.frozen.flatten().tolist(),
                [(name, list(members)) for name, members in layer.symbols.items()],
                [list(group) for group in layer.ties],
                [parameter.requires_grad for parameter in (layer.coef, layer.base, layer.affine)],
            )
            for layer in layers
        ],
    )


def parameter_map(network: Network) -> ParameterMap:
    """Number the free parameters of a network."""
    layers, start = [], 0
    for index in range(network.depth):
        layer = network.layer(index)
        numeric, start = _number(layer.free_numeric(), layer, start)
        affine, start = _number(layer.free_affine(), layer, start)
        layers.append(LayerMap(numeric, affine, _run(numeric)))
    return ParameterMap(tuple(layers), start)


def _run(positions: Tensor) -> slice | None:
    """The slice that these positions are, in order; None where they aren't one."""
    flat = positions.flatten()
    first = int(flat[0])
    return slice(first, first + len(flat)) if first >= 0 and bool((flat.diff() == 1).all()) else None


def _views(run: Tensor, layer: LayerStack) -> tuple[Tensor, Tensor]:
    """Coefficients and base weights of a layer as parts of its run of positions."""
    both = run.view(len(run), layer.out_dim, layer.in_dim, -1)
    return both[..., :-1], both[..., -1]


def _pairs(positions: LayerMap, layer: LayerStack) -> list[tuple[Tensor, Tensor]]:
    """What has to be picked one by one."""
    width = positions.numeric.shape[-1] - 1
    pairs: list[tuple[Tensor, Tensor]] = []
    if positions.whole is None:
        pairs += [(positions.numeric[..., :width], layer.coef), (positions.numeric[..., width], layer.base)]
    return [*pairs, (positions.affine, layer.affine)] if layer.symbols else pairs


def _number(free: Tensor, layer: Layer, start: int) -> tuple[Tensor, int]:
    """Consecutive numbers from `start` where `free`, the same for edges that share parameters; -1 elsewhere."""
    if layer.ties:
        index = layer.tie_index()
        numbered, end = _count(free & layer.tie_leads()[..., None], start)
        shared = numbered.flatten(0, 1)[index].view_as(numbered)
        return torch.where(free, shared, -1), end
    return _count(free, start)


def _count(free: Tensor, start: int) -> tuple[Tensor, int]:
    numbers = torch.cumsum(free.flatten(), 0).view_as(free) - 1 + start
    return torch.where(free, numbers, -1), start + int(free.sum())
