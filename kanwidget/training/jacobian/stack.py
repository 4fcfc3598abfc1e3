"""Networks of one structure side by side, so that one operation serves them all.

Every tensor has the networks as its first axis. The networks' parameters are views of the stack's tensors: a change of one
changes the other, and nothing is copied. A single network is a stack of one.
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
        layers: Layers of one structure.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        # Of the structure, in which all layers are alike: order, base function and edges with a spline; functions by name, edges that share
        # parameters, number of words of each input (a column of texts; 0 for numbers), and words that have one value.
        first = layers[0]
        self.k, self.base_fun, self.spline_on = first.k, first.base_fun, first.spline_on
        self.symbols, self.ties, self.levels, self.merged = first.symbols, first.ties, first.levels, first.merged
        for name in _TENSORS:
            setattr(self, name, _join([getattr(layer, name) for layer in layers]))  # the networks first

    def __getitem__(self, networks: slice | Tensor) -> LayerStack:
        """The layer of a part of the networks: views for a slice, copies for indices."""
        part = copy.copy(self)
        for name in _TENSORS:
            tensor = getattr(self, name)
            setattr(part, name, tensor.detach()[networks].requires_grad_(tensor.requires_grad))
        return part

    def attach(self, layers: Sequence[Layer]) -> LayerStack:
        """A copy with its parameters joined anew from those of `layers`, one a network, so that gradients arrive at these."""
        attached = copy.copy(self)
        for name in _PARAMETERS:
            setattr(attached, name, torch.stack([getattr(layer, name) for layer in layers]))
        return attached


class Stack:
    """Networks of one structure, see `structure`.

    Args:
        networks: At least one. Their parameters become views of the stack's tensors until `separate` is called.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        self.networks = list(networks)
        #: Each layer's knots and parameters of all networks; the networks' own become views of these.
        self.layers = [LayerStack([n.layer(index) for n in networks]) for index in range(networks[0].depth)]
        #: A network with the structure of all: widths, arities, columns.
        self.template = networks[0]
        #: Where the networks' tensors are in memory: `intact` sees if one has been replaced.
        self._addresses = _addresses(self.networks)

    def __len__(self) -> int:
        return self.layers[0].coef.shape[0]

    def __getitem__(self, networks: slice | Tensor) -> Stack:
        """A part of the networks: views for a slice, copies for indices."""
        if isinstance(networks, slice) and networks == slice(0, len(self)):
            return self
        part = copy.copy(self)
        part.layers = [layer[networks] for layer in self.layers]
        return part

    def parameters(self) -> list[Tensor]:
        """Coefficients, base weights and affine constants, layer by layer."""
        return [getattr(layer, name) for layer in self.layers for name in _PARAMETERS]

    def select(self, x: Sequence[Tensor]) -> Tensor:
        """The values of each network's input nodes on its own data, in scaled numbers, `(networks, batch, n_in)`.

        `x` has the data of each network, `(batch, n_features)`. Where all have one tensor, and read the same columns in the same units,
        it is computed once.
        """
        first = (self.template.columns, *self.template.input_scale)
        alike = all(all(map(torch.equal, first, (n.columns, *n.input_scale))) for n in self.networks)
        if alike and all(inputs is x[0] for inputs in x):
            return self.template.select(x[0]).expand(len(x), -1, -1)
        return torch.stack([network.select(inputs) for network, inputs in zip(self.networks, x, strict=True)])

    def attach(self) -> Stack:
        """A copy of the stack with the networks' own parameters in autograd's graph, in place of the stack's tensors.

        The stack's tensors are leaves of their own. Through this copy gradients arrive where the user's hooks, and a loss that reads the
        network itself, expect them.
        """
        attached = copy.copy(self)
        attached.layers = [layer.attach([n.layer(i) for n in self.networks]) for i, layer in enumerate(self.layers)]
        return attached

    def intact(self) -> bool:
        """Whether the tensors of the networks are still views of the stack's tensors."""
        return self._addresses == _addresses(self.networks)


def _addresses(networks: Sequence[Network]) -> list[int]:
    """Addresses of the networks' tensors in memory: others mean that a tensor was replaced, and is no view of a stack any more."""
    layers = (layer for network in networks for layer in network.layers)
    return [getattr(layer, name).data_ptr() for layer in layers for name in _TENSORS]


def separate(networks: Sequence[Network]) -> None:
    """Copy every tensor of networks that is a part of a larger one, so that each network has its own again. In place."""
    for network in networks:
        for layer in network.layers:
            for name in _TENSORS:
                tensor = getattr(layer, name)
                if tensor.untyped_storage().nbytes() > tensor.nbytes:
                    tensor.data = tensor.data.clone()


def _join(values: Sequence[Tensor]) -> Tensor:
    """One tensor of the values of several networks, `(networks, …)`, of which `values` become views. In place.

    A single value isn't copied: the tensor is a view of it.
    """
    if len(values) == 1:
        joint = values[0].detach()[None]
    else:
        joint = torch.stack([value.detach() for value in values])
        for network, value in enumerate(values):
            value.data = joint[network]
    return joint.requires_grad_(values[0].requires_grad)


def stack_values(values: Sequence[Tensor]) -> Tensor:
    """Values of several networks, `(networks, …)`. A value that all have in common isn't copied."""
    if all(value is values[0] for value in values):
        return values[0].expand(len(values), *values[0].shape)
    return torch.stack(list(values))


def select_networks(values: Tensor, networks: Tensor) -> Tensor:
    """The values, `(networks, …)`, of the networks with these indices. Values that all have in common stay so, and aren't copied."""
    if values.stride(0) == 0:  # one value for all, expanded
        return values[:1].expand(len(networks), *values.shape[1:])
    return values[networks]
