"""Least squares for splines: coefficients on new knots for the functions that a layer has on its old knots."""

from __future__ import annotations

import torch
from torch import Tensor

from kanwidget.core import splines

#: Number of samples whose basis functions are in memory at once.
_CHUNK = 8192


def refit(coef: Tensor, old: Tensor, new: Tensor, k: int, samples: Tensor) -> Tensor:
    """Coefficients on `new` knots of the splines that have `coef` on `old` ones: as close as can be at the samples.

    With c₀ the interpolant (`splines.transfer`) and r the old spline minus the interpolant's, the result is c₀ + d,
    where d minimizes |B·d - r|² + λ·|d|². The ridge pulls to the interpolant, not to 0: where samples determine little
    (few rows, two distinct values, gaps) the result still follows the old function, and the matrix is positive
    definite for any samples. One factorization an input serves all outputs.

    Args:
        coef: Shape `(out, in, G + k)`.
        old: Knots of shape `(in, G + 1 + 2k)`.
        new: Knots of shape `(in, H + 1 + 2k)`.
        k: Order of the splines.
        samples: Points at which the functions shall agree, shape `(batch, in)`, finite.

    Returns:
        Shape `(out, in, H + k)`.
    """
    start = splines.transfer(coef, old, new, k)
    gram, residual = _normal_equations(coef, start, old, new, k, samples)
    rounding = torch.finfo(coef.dtype).eps ** 0.6
    mean = gram.diagonal(dim1=-2, dim2=-1).mean(-1)
    ridge = rounding * torch.where(mean > 0, mean, 1.0)
    system = gram + ridge[:, None, None] * torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    step, _ = torch.linalg.solve_ex(system, residual.transpose(1, 2))
    fitted = start + step.permute(2, 0, 1)
    # Samples beyond all bounds overflow the sums; the interpolant is then the better answer.
    return torch.where(torch.isfinite(fitted).all(-1, keepdim=True), fitted, start)


def _normal_equations(
    coef: Tensor, start: Tensor, old: Tensor, new: Tensor, k: int, samples: Tensor
) -> tuple[Tensor, Tensor]:
    """BᵀB of shape `(in, H + k, H + k)` and Bᵀr of shape `(in, out, H + k)`, over chunks of samples."""
    size = new.shape[1] - 1 - k
    gram = coef.new_zeros(coef.shape[1], size, size)
    residual = coef.new_zeros(coef.shape[1], coef.shape[0], size)
    for chunk in samples.split(_CHUNK):
        old_basis, new_basis = splines.basis(chunk, old, k), splines.basis(chunk, new, k)
        error = torch.einsum("nib,oib->nio", old_basis, coef) - torch.einsum("nib,oib->nio", new_basis, start)
        gram += torch.einsum("nib,nic->ibc", new_basis, new_basis)
        residual += torch.einsum("nio,nib->iob", error, new_basis)
    return gram, residual
