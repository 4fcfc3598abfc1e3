"""Value, gradient and Hessian of a network in its inputs, propagated through the layers without autograd per sample."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from kanwidget import _check
from kanwidget.core.jets import DerivativeSet, Jet, in_own_units, jet_pass
from kanwidget.core.network import Network
from kanwidget.core.threads import limit_threads


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


@limit_threads
def derivatives(network: Network, x: Tensor, order: int = 2) -> Derivatives:
    """Value, gradient and (order 2) Hessian of the outputs in the features; differentiable in the parameters.

    Args:
        network: The network.
        x: Points, shape `(batch, n_features)`.
        order: 1 or 2.

    Examples:
        >>> import torch
        >>> from kanwidget import KAN
        >>> d = KAN([2, 3, 1]).derivatives(torch.zeros(4, 2, dtype=torch.float64))
        >>> d.gradient.shape, d.hessian.shape
        (torch.Size([4, 1, 2]), torch.Size([4, 1, 2, 2]))
    """
    _check.integer(order, "order", "derivatives", low=1, high=2)
    jet = jet_pass(network, network.layers, network.select(x), DerivativeSet.all(network.n_features, order)).output
    jet = in_own_units(jet, network.scaling, x)
    return Derivatives(jet.value, jet.first.mT, _matrix(jet) if order == 2 else None)


def _matrix(jet: Jet) -> Tensor:
    """All second derivatives, `(batch, outputs, features, features)`, from a jet, which has those of pairs of features a ≤ b alone."""
    index = {pair: number for number, pair in enumerate(jet.derivatives.seconds)}
    features = jet.derivatives.firsts
    entries = [index[min(a, b), max(a, b)] for a in features for b in features]
    # `second` is `(batch, pairs, outputs)`.
    return jet.second[..., entries, :].mT.unflatten(-1, (len(features), len(features)))
