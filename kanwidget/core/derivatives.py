"""Value, gradient and Hessian of a network in its inputs, propagated through the layers without autograd per sample."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.jets import DerivativeSet, Jet, jet_pass
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
    scaled = Derivatives(jet.value, jet.first.mT, _matrix(jet) if order == 2 else None)
    return _in_own_units(network, x, scaled)


def _in_own_units(network: Network, x: Tensor, scaled: Derivatives) -> Derivatives:
    """The chain rule through the scales, u = (x - centre)/size or its logarithm, y = centre + size·v or its exponential."""
    scaling = network.scaling
    value, gradient, hessian = scaled.value, scaled.gradient, scaled.hessian
    if scaling.scales_input:
        log, size = scaling.input_log, scaling.input_size
        safe = torch.where(log, x, 1.0)
        first = (1 / (safe * size))[:, None]
        second = torch.where(log, -1 / (safe**2 * size), 0.0)[:, None]
        if hessian is not None:
            hessian = hessian * first[..., :, None] * first[..., None, :] + torch.diag_embed(gradient * second)
        gradient = gradient * first
    if scaling.scales_output:
        log, size = scaling.output_log, scaling.output_size[:, None]
        value, gradient = scaling.own_outputs(value), gradient * size
        hessian = None if hessian is None else hessian * size[..., None]
        if scaling.has_logs[1]:
            factor = torch.where(log, value, 1.0)[..., None]
            if hessian is not None:
                square = gradient[..., :, None] * gradient[..., None, :]
                hessian = factor[..., None] * torch.where(log[:, None, None], hessian + square, hessian)
            gradient = factor * gradient
    return Derivatives(value, gradient, hessian)


def _matrix(jet: Jet) -> Tensor:
    """All second derivatives `(batch, outputs, features, features)` from those of pairs a ≤ b."""
    index = {pair: number for number, pair in enumerate(jet.derivatives.seconds)}
    features = jet.derivatives.firsts
    entries = [index[min(a, b), max(a, b)] for a in features for b in features]
    return jet.second[..., entries, :].mT.unflatten(-1, (len(features), len(features)))
