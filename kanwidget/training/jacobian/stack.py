"""Networks of one structure side by side, so that one operation serves them all.

Every tensor has the networks as its first axis. The networks' parameters are views of the stack's: what changes one changes
the other, and nothing is copied. A network by itself is a stack of one.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from kanwidget.core.layer import Edges, Layer
from kanwidget.core.network import Network

_PARAMETERS = ("coef", "base", "affine")
_TENSORS = ("knots", *_PARAMETERS)


class LayerStack(Edges):
    """One layer of several networks.

    Args:
        layers: Of one structure.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        first = layers[0]
        self.k, self.base_fun, self.spline_on = first.k, first.base_fun, first.spline_on
        self.symbols, self.ties = first.symbols, first.ties
        for name in _TENSORS:
            setattr(self, name, _joined([getattr(layer, name) for layer in layers]))

    def __getitem__(self, part: slice | Tensor) -> LayerStack:
        """The layer of some of the networks: views for a slice, copies for numbers."""
        some = copy.copy(self)
        for name in _TENSORS:
            tensor = getattr(self, name)
            setattr(some, name, tensor.detach()[part].requires_grad_(tensor.requires_grad))
        return some

    def attached(self, layers: Sequence[Layer]) -> LayerStack:
        """The same with the parameters of these layers, of which they are the stack, in the graph."""
        some = copy.copy(self)
        for name in _PARAMETERS:
            setattr(some, name, torch.stack([getattr(layer, name) for layer in layers]))
        return some


class Stack:
    """Networks of one structure, see `structure`.

    Args:
        networks: At least one. Their parameters become views of the stack's until they are `separate`d.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        self.networks = list(networks)
        self.layers = [LayerStack([n.layer(index) for n in networks]) for index in range(networks[0].depth)]
        self._places = _addresses(self.networks)

    def __len__(self) -> int:
        return self.layers[0].coef.shape[0]

    def __getitem__(self, part: slice | Tensor) -> Stack:
        """Some of the networks: views for a slice, copies for numbers."""
        if isinstance(part, slice) and part == slice(0, len(self)):
            return self
        some = copy.copy(self)
        some.layers = [layer[part] for layer in self.layers]
        return some

    @property
    def shape(self) -> Network:
        """A network that tells widths, arities and the like."""
        return self.networks[0]

    def parameters(self) -> list[Tensor]:
        """Coefficients, base weights and affine constants, layer by layer."""
        return [getattr(layer, name) for layer in self.layers for name in _PARAMETERS]

    def select(self, x: Sequence[Tensor]) -> Tensor:
        """What the inputs of each network read of its own data, `(networks, batch, n_in)`."""
        if all(own is x[0] for own in x) and all(torch.equal(n.columns, self.shape.columns) for n in self.networks):
            return self.shape.select(x[0]).expand(len(x), -1, -1)
        return torch.stack([network.select(own) for network, own in zip(self.networks, x, strict=True)])

    def attached(self) -> Stack:
        """The same with the networks' own parameters in the graph, for autograd.

        A gradient then goes where the user's hooks, and a loss that reads the network itself, expect it.
        """
        some = copy.copy(self)
        some.layers = [layer.attached([n.layer(i) for n in self.networks]) for i, layer in enumerate(self.layers)]
        return some

    def intact(self) -> bool:
        """Whether the networks' tensors are still views of the stack's: nobody has put others in their place."""
        return self._places == _addresses(self.networks)


def _addresses(networks: Sequence[Network]) -> list[int]:
    """Where the networks' tensors are."""
    layers = [network.layer(index) for network in networks for index in range(network.depth)]
    return [getattr(layer, name).data_ptr() for layer in layers for name in _TENSORS]


def separate(networks: Sequence[Network]) -> None:
    """Give every network tensors of its own again that are parts of larger ones."""
    for network in networks:
        for index in range(network.depth):
            for name in _TENSORS:
                tensor = getattr(network.layer(index), name)
                if tensor.untyped_storage().nbytes() > tensor.nbytes:
                    tensor.data = tensor.data.clone()


def _joined(values: Sequence[Tensor]) -> Tensor:
    """One tensor of which the given ones are the parts."""
    if len(values) == 1:
        joined = values[0].detach()[None]
    else:
        joined = torch.stack([value.detach() for value in values])
        for place, value in enumerate(values):
            value.data = joined[place]
    return joined.requires_grad_(values[0].requires_grad)


def stacked(values: Sequence[Tensor]) -> Tensor:
    """Values of several networks, `(networks, …)`; one and the same of all isn't copied."""
    if all(value is values[0] for value in values):
        return values[0].expand(len(values), *values[0].shape)
    return torch.stack(list(values))


def some_of(values: Tensor, networks: Tensor) -> Tensor:
    """The values of some networks; those that all have in common stay so, and aren't copied."""
    if values.stride(0) == 0:
        return values[:1].expand(len(networks), *values.shape[1:])
    return values[networks]
