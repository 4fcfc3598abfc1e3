"""`NetworkState`: a copy of all parameters of a network, to return to."""

from __future__ import annotations

import torch

from kanwidget.core.layer import LAYER_TENSORS
from kanwidget.core.network import Network


class NetworkState:
    """A copy of a network's parameters, knots, symbols and reference data.

    After `restore` the network has the very tensors of then again, also if others have replaced them (those of a finer grid, say).

    Args:
        network: The network to copy from and to restore.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([1, 1])
        >>> state, base = NetworkState(model), model.layer(0).base.item()
        >>> with torch.no_grad():
        ...     _ = model.layer(0).base.zero_()
        >>> state.restore()
        >>> model.layer(0).base.item() == base
        True
    """

    def __init__(self, network: Network) -> None:
        """Copy the parameters, knots and masks of all layers of a network, and what else a layer's state holds."""
        # Of the reference data no copy is needed: others may take their place, but nothing writes to them.
        self._network, self._reference = network, network.reference
        self._layers = []  # of each layer its tensors and their copies, by name, and its symbols, ties and levels
        for layer in network.layers:
            tensors = {name: getattr(layer, name) for name in LAYER_TENSORS}
            # Plain clones: a deep copy of a state dict costs a tenth of a small network's step.
            copies = {name: tensor.detach().clone() for name, tensor in tensors.items()}
            self._layers.append((tensors, copies, layer.get_extra_state()))

    def restore(self) -> None:
        """Give the network back the tensors, values, symbols and reference data that it had when this was made. In place."""
        self._network.reference = self._reference
        with torch.no_grad():
            for index, (tensors, copies, structure) in enumerate(self._layers):
                layer = self._network.layer(index)
                for name, tensor in tensors.items():
                    if getattr(layer, name) is not tensor:
                        setattr(layer, name, tensor)
                    tensor.copy_(copies[name])
                layer.set_extra_state(structure)
