"""The parameters given the data, to second order (Laplace)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.training.evidence.blocks import Block

#: Added to the diagonal of a matrix of ones on it, until it has a Cholesky factor.
_JITTERS = (1e-14, 1e-12, 1e-10)


@dataclass(frozen=True, slots=True)
class Laplace:
    """The parameters given the data, to second order, in the coordinates of the modes."""

    root: Tensor
    """`(networks, size, size)`, upper triangular: the covariance is root @ rootᵀ."""
    log_determinant: Tensor
    """Of H + P, `(networks,)`."""
    sound: Tensor
    """Whether H + P had a Cholesky factor, `(networks,)`."""


def laplace_of(matrix: Tensor, blocks: Sequence[Block], precision: Tensor, nat: Tensor) -> Laplace:
    """The parameters given the data.

    In the coordinates of the modes large prices and what the data leave undetermined don't mix, so that both stay exact.

    Args:
        matrix: Gauss-Newton matrices of the mean loss, `(networks, size, size)`.
        blocks: The edges with prices.
        precision: The diagonal of P in the modes, `(networks, size)`.
        nat: The gain in the mean loss by which the logarithm of the probability grows by 1, `(networks,)`.
    """
    whole, size = matrix.clone(), matrix.shape[-1]
    for _ in range(2):  # of rows, then of what were columns: the matrix is symmetric
        for block in blocks:
            whole[:, block.columns] = block.basis.mT @ whole[:, block.columns]
        whole = whole.mT
    diagonal = nat[:, None] * precision
    # Where a node without any say has left its grid, its part is so large that rounding alone would decide about the rest.
    for block in blocks:
        diagonal[:, block.columns] += block.rounding(matrix)
    whole.diagonal(dim1=1, dim2=2).add_(diagonal)
    sizes = whole.diagonal(dim1=1, dim2=2).clamp_min(torch.finfo(whole.dtype).tiny).rsqrt()
    whole *= sizes[:, :, None] * sizes[:, None]
    singular = torch.ones_like(nat, dtype=torch.bool)
    for jitter in _JITTERS:
        whole.diagonal(dim1=1, dim2=2).add_(torch.where(singular, jitter, 0.0)[:, None])
        factor, info = torch.linalg.cholesky_ex(whole)
        singular = info > 0
        if not bool(singular.any()):
            break
    identity = torch.eye(size, dtype=factor.dtype, device=factor.device).expand_as(factor)
    if bool(singular.any()):  # beyond round-off: as if the data determined nothing
        factor = torch.where(singular[:, None, None], identity, factor)
    inverse = torch.linalg.solve_triangular(factor, identity, upper=False)
    root = inverse.mT * (sizes * nat.sqrt()[:, None])[..., None]
    diagonal = factor.diagonal(dim1=1, dim2=2)
    return Laplace(root, 2 * (diagonal.log() - sizes.log()).sum(1) - size * nat.log(), ~singular)
