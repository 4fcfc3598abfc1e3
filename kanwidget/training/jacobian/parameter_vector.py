"""The free parameters of a network as one vector.

An optimizer may move the free parameters: coefficients and base weights of edges that have a spline, and the constants of a
symbolic edge that its primitive declares free. Parameters of a frozen edge, and those whose `requires_grad` is False, aren't
free. Edges that share their parameters count once.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.core.layer import Layer
from kanwidget.core.network import Network
from kanwidget.training.jacobian.stack import LayerStack, Stack


@dataclass(frozen=True, slots=True)
class LayerIndex:
    """Index of each of a layer's parameters in the vector, -1 for those that aren't free."""

    numeric: Tensor
    """`(out, in, B + 1)`: coefficients and, last, the base weight."""
    affine: Tensor
    """`(out, in, 4)`"""
    block: slice | None
    """The part of the vector that holds all of `numeric` in its order, if every edge is a spline of its own; else None."""


@dataclass(frozen=True, slots=True)
class ParameterVector:
    """Layout of the vector: each layer's index, and its length."""

    layers: tuple[LayerIndex, ...]
    size: int

    @staticmethod
    def of(network: Network) -> ParameterVector:
        """Number the free parameters of a network.

        Examples:
            >>> from kanwidget import KAN
            >>> ParameterVector.of(KAN([2, 1], grid=3, k=3)).size  # two edges with six coefficients and a base weight
            14
        """
        layers, start = [], 0
        for layer in network.layers:
            numeric, start = _number(layer.free_numeric(), layer, start)
            affine, start = _number(layer.free_affine(), layer, start)
            layers.append(LayerIndex(numeric, affine, _block(numeric)))
        return ParameterVector(tuple(layers), start)

    def read(self, stack: Stack) -> Tensor:
        """A copy of the free parameters of each network as vectors, `(networks, size)`.

        A layer whose parameters are all free and in order is a block of the vector, and is copied at once; others by their indices.
        """
        vector = stack.layers[0].coef.new_zeros(len(stack), self.size)
        for layer, index in zip(stack.layers, self.layers, strict=True):
            if index.block is not None:
                coef, base = _views(vector[:, index.block], layer)
                coef.copy_(layer.coef.detach())
                base.copy_(layer.base.detach())
            for columns, value in _pairs(index, layer):  # places in the vector and values of the other parameters
                mask = columns >= 0
                # Of edges that share parameters only the first one's need be up to date.
                flat = value.detach().flatten(1, 2)
                current = flat[:, layer.tie_index()].view_as(value) if layer.ties else value.detach()
                vector[:, columns[mask]] = current[:, mask]
        return vector

    def write(self, stack: Stack, vector: Tensor) -> None:
        """Set the free parameters of networks from vectors, `(networks, size)`. In place; parameters with index -1 aren't free and stay."""
        with torch.no_grad():
            for layer, index in zip(stack.layers, self.layers, strict=True):
                if index.block is not None:  # where all coefficients and base weights are free: a slice of the vector
                    coef, base = _views(vector[:, index.block], layer)
                    layer.coef.copy_(coef)
                    layer.base.copy_(base)
                for columns, value in _pairs(index, layer):  # places in the vector and values of the other parameters
                    mask = columns >= 0
                    value[:, mask] = vector[:, columns[mask]]

    def gradient(self, total: Tensor, stack: Stack) -> Tensor:
        """The gradient in the free parameters of each network, `(networks, size)`, by autograd.

        Args:
            total: A single number, summed over all networks, with a graph down to the stack's tensors.
            stack: The networks.
        """
        tensors = stack.parameters()
        free = [tensor for tensor in tensors if tensor.requires_grad] if total.requires_grad else []
        slopes = torch.autograd.grad(total, free, allow_unused=True) if free else ()
        gradients = {id(tensor): slope for tensor, slope in zip(free, slopes, strict=True)}
        vector = tensors[0].new_zeros(len(stack), self.size)
        # Places of each layer's coefficients, base weights and functions' constants in the vector, -1 for those that aren't free.
        parts = ((i.numeric[..., :-1], i.numeric[..., -1], i.affine) for i in self.layers)
        for tensor, columns in zip(tensors, itertools.chain(*parts), strict=True):
            gradient, mask = gradients.get(id(tensor)), columns >= 0
            if gradient is not None:  # edges that share a parameter have one column, in which their gradients add up
                vector.index_add_(1, columns[mask], gradient[:, mask])
        return vector


def network_parameters(network: Network) -> list[Tensor]:
    """The parameters of a network: coefficients, base weights and constants a, b, c, d of symbolic edges, layer by layer."""
    return [parameter for layer in network.layers for parameter in (layer.coef, layer.base, layer.affine)]


def structure(network: Network) -> object:
    """A value to compare by `==`: networks with equal ones have the same edges, in the same states and with the same free parameters.

    It stays when parameters or knots move.
    """
    return (
        network.width,
        network.arities,
        [
            (
                layer.k,
                layer.base_fun,
                layer.get_extra_state(),
                layer.coef.shape,
                [mask.flatten().tolist() for mask in (layer.spline_on, layer.frozen)],
                [parameter.requires_grad for parameter in (layer.coef, layer.base, layer.affine)],
            )
            for layer in network.layers
        ],
    )


def _block(numeric: Tensor) -> slice | None:
    """The slice of the vector that a layer's index `numeric`, `(out, in, B + 1)`, stands for; None where its numbers have gaps or are -1.

    A slice is read and written as a whole, which is quicker than by single indices.
    """
    flat = numeric.flatten()
    first = int(flat[0])
    return slice(first, first + len(flat)) if first >= 0 and bool((flat.diff() == 1).all()) else None


def _views(block: Tensor, layer: LayerStack) -> tuple[Tensor, Tensor]:
    """Views of a layer's block of vectors, `(networks, n)`: coefficients `(networks, out, in, B)`, base weights `(networks, out, in)`."""
    pair = block.view(len(block), layer.out_dim, layer.in_dim, -1)
    return pair[..., :-1], pair[..., -1]


def _pairs(index: LayerIndex, layer: LayerStack) -> list[tuple[Tensor, Tensor]]:
    """Pairs of index `(out, in, …)` and values `(networks, out, in, …)` of a layer's parameters that aren't in its block.

    These are the constants of symbolic edges, and without a block coefficients and base weights, too.
    """
    width = index.numeric.shape[-1] - 1  # B: the base weight is the last
    pairs: list[tuple[Tensor, Tensor]] = []
    if index.block is None:
        pairs += [(index.numeric[..., :width], layer.coef), (index.numeric[..., width], layer.base)]
    return [*pairs, (index.affine, layer.affine)] if layer.symbols else pairs


def _number(free: Tensor, layer: Layer, start: int) -> tuple[Tensor, int]:
    """Number the free parameters of a layer.

    Args:
        free: Which parameters are free, `(out, in, n)`.
        layer: The layer; its ties say which edges share parameters, and so their numbers.
        start: The first number.

    Returns:
        The numbers, of the shape of `free`, -1 where a parameter isn't free; and the number after the last one.
    """
    # Of edges that share parameters the first one is counted, and the others get its numbers.
    owned = free & layer.tie_leads()[..., None] if layer.ties else free
    numbers = torch.where(owned, owned.flatten().cumsum(0).view_as(free) - 1 + start, -1)
    if layer.ties:
        numbers = torch.where(free, numbers.flatten(0, 1)[layer.tie_index()].view_as(free), -1)
    return numbers, start + int(owned.sum())
