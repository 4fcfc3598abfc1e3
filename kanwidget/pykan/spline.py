"""pykan's functions of B-splines, by the ones that the networks use."""

from __future__ import annotations

import torch
from torch import Tensor

from kanwidget.core import splines

__all__ = ["B_batch", "coef2curve", "curve2coef", "extend_grid"]


def extend_grid(grid: Tensor, k_extend: int = 0) -> Tensor:
    """Knots, `(inputs, G + 1 + 2·k_extend)`: a grid, `(inputs, G + 1)`, with `k_extend` more points at each end, a mean interval apart.

    Examples:
        >>> extend_grid(torch.tensor([[0.0, 1.0]]), 2)
        tensor([[-2., -1.,  0.,  1.,  2.,  3.]])
    """
    return splines.extend_knots(grid, k_extend)


def B_batch(x: Tensor, grid: Tensor, k: int = 0, extend: bool = True, device: object = "cpu") -> Tensor:
    """All basis functions at `x`, `(batch, inputs)` → `(batch, inputs, G + k)`; beyond the grid they go on as lines.

    Args:
        x: Points, `(batch, inputs)`.
        grid: Knots as `extend_grid` makes them, `(inputs, G + 1 + 2k)` or `(1, G + 1 + 2k)` for all inputs.
        k: Order of the splines, ≥ 0.
        extend: Taken and not used, as in pykan.
        device: Likewise.

    Examples:
        >>> grid = extend_grid(torch.linspace(-1, 1, 6)[None, :], 3)
        >>> B_batch(torch.zeros(1, 7), grid, k=3).sum(-1)
        tensor([[1., 1., 1., 1., 1., 1., 1.]])
    """
    if len(grid) == 1 and x.shape[1] != 1:
        return splines.basis(x.reshape(-1, 1), grid, k).reshape(*x.shape, -1)
    return splines.basis(x, grid, k)


def coef2curve(x_eval: Tensor, grid: Tensor, coef: Tensor, k: int, device: object = "cpu") -> Tensor:
    """Values of splines from their coefficients, `(batch, inputs, outputs)`.

    Args:
        x_eval: Points, `(batch, inputs)`.
        grid: Knots as `extend_grid` makes them, `(inputs, G + 1 + 2k)`.
        coef: Coefficients, `(inputs, outputs, G + k)`.
        k: Order of the splines, ≥ 0.
        device: Taken and not used.

    Examples:
        >>> grid = extend_grid(torch.tensor([[0.0, 1.0]]), 1)
        >>> coef2curve(torch.tensor([[0.25]]), grid, torch.tensor([[[0.0, 4.0]]]), 1)
        tensor([[[1.]]])
    """
    return torch.einsum("big,iog->bio", B_batch(x_eval, grid, k), coef)


def curve2coef(x_eval: Tensor, y_eval: Tensor, grid: Tensor, k: int) -> Tensor:
    """Coefficients of splines that fit values by least squares, `(inputs, outputs, G + k)`.

    Args:
        x_eval: Points, `(batch, inputs)`.
        y_eval: Values there, `(batch, inputs, outputs)`.
        grid: Knots as `extend_grid` makes them, `(inputs, G + 1 + 2k)`.
        k: Order of the splines, ≥ 0.

    Examples:
        >>> grid, x = extend_grid(torch.tensor([[0.0, 1.0]]), 1), torch.linspace(0, 1, 5)[:, None]
        >>> curve2coef(x, 4 * x[..., None], grid, 1).round()
        tensor([[[0., 4.]]])
    """
    design = B_batch(x_eval, grid, k).transpose(0, 1)
    # The driver of CPUs that also takes designs whose columns depend on each other: points are missing in parts of a grid.
    solved = torch.linalg.lstsq(design.cpu(), y_eval.transpose(0, 1).cpu(), driver="gelsd").solution
    return solved.transpose(1, 2).to(y_eval)
