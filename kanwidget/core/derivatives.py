"""Value, gradient and Hessian of a network in its inputs, propagated through the layers without autograd per sample.

For a sum of edges s = Σᵢ φᵢ(hᵢ): ∂s = Σ φᵢ′ ∂hᵢ and ∂²s = Σ φᵢ′ ∂²hᵢ + φᵢ″ ∂hᵢ ∂hᵢᵀ; a product follows the product rule.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network


@dataclass(frozen=True, slots=True)
class Derivatives:
    """A network's value and derivatives at some points."""

    value: Tensor
    """`(batch, outputs)`"""
    gradient: Tensor
    """`(batch, outputs, features)`"""
    hessian: Tensor | None
    """`(batch, outputs, features, features)`; None for order 1."""

    @property
    def laplacian(self) -> Tensor:
        """The Hessian's trace, `(batch, outputs)`."""
        if self.hessian is None:
            _check.fail("order", "derivatives", "2 for the Laplacian", 1)
        return self.hessian.diagonal(dim1=-2, dim2=-1).sum(-1)


def derivatives(network: Network, x: Tensor, order: int = 2) -> Derivatives:
    """Value, gradient and (order 2) Hessian of the outputs in the features; differentiable in the parameters.

    Args:
        network: The network.
        x: Points, shape `(batch, n_features)`.
        order: 1 or 2.

    Examples:
        >>> from kanwidget import KAN
        >>> d = KAN([2, 3, 1]).derivatives(torch.zeros(4, 2, dtype=torch.float64))
        >>> d.gradient.shape, d.hessian.shape
        (torch.Size([4, 1, 2]), torch.Size([4, 1, 2, 2]))
    """
    _check.integer(order, "order", "derivatives", low=1, high=2)
    nodes = network.select(x)
    start = torch.zeros(network.n_in, network.n_features, dtype=x.dtype, device=x.device)
    start[torch.arange(network.n_in), network.columns] = 1.0
    first = start.expand(x.shape[0], -1, -1)
    second = x.new_zeros(x.shape[0], network.n_in, network.n_features, network.n_features) if order == 2 else None
    for index in range(network.depth):
        layer = network.layer(index)
        slope = layer.edges(nodes, 1)
        if second is not None:
            bend = torch.einsum("noi,nip,niq->nopq", layer.edges(nodes, 2), first, first)
            second = torch.einsum("noi,nipq->nopq", slope, second) + bend
        first = torch.einsum("noi,nip->nop", slope, first)
        nodes, first, second = _combine(network, index + 1, layer(nodes), first, second)
    return Derivatives(nodes, first, second)


def _combine(
    network: Network, level: int, value: Tensor, first: Tensor, second: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """`Network.combine` for values and derivatives: factors are multiplied one after the other."""
    if network.width[level][1] == 0:
        return value, first, second
    values, firsts, seconds = [], [], []
    for node in range(network.nodes_in(level)):
        head, *rest = network.subnodes_of(level, node)
        v, f = value[:, head], first[:, head]
        s = None if second is None else second[:, head]
        for other in rest:
            w, g = value[:, other], first[:, other]
            if s is not None and second is not None:
                cross = f[:, :, None] * g[:, None, :]
                s = s * w[:, None, None] + second[:, other] * v[:, None, None] + cross + cross.transpose(1, 2)
            f = f * w[:, None] + g * v[:, None]
            v = v * w
        values.append(v)
        firsts.append(f)
        seconds.append(s)
    hessian = None if second is None else torch.stack([s for s in seconds if s is not None], dim=1)
    return torch.stack(values, dim=1), torch.stack(firsts, dim=1), hessian
