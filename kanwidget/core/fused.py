"""Sums of the splines of a layer without its basis functions: the quick way of wide layers and many rows, where numba is installed.

`splines.basis` writes G + k functions for each point, of which k + 1 aren't 0, and a product of matrices reads them all. The compiled loops
of `kernels` work the four functions of a cubic spline out and use them at once: there is less to compute, and nothing to keep for the
backward pass. Without numba (the extra `fast`) a layer goes the other way, with the same numbers but for rounding.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from kanwidget.core.cardinal import EvenGrid, even_grid
from kanwidget.core.pieces import is_plain

#: From so many products of a point with an output on loops are worth it: they are read from disk first, or compiled for some seconds.
_WORTH_IT = 2**19


def grid_of_loops(x: Tensor, weight: Tensor, knots: Tensor, k: int) -> EvenGrid | None:
    """The even grids of a layer, if `sums` can be taken at inputs x; else None.

    Args:
        x: Inputs, `(batch, in)`.
        weight: Coefficients, `(out, in, G + k)`.
        knots: Knots, `(in, G + 1 + 2k)`.
        k: Order of the splines: loops are for 3.
    """
    if k != 3 or x.ndim != 2 or x.numel() * len(weight) < _WORTH_IT:
        return None
    if not all(map(is_plain, (x, weight.detach(), knots))) or forward_ad._current_level >= 0:
        return None
    types = {one.dtype for one in (x, weight, knots)}
    if len(types) > 1 or not types <= {torch.float32, torch.float64} or _kernels() is None:
        return None
    return even_grid(knots, k)


@functools.cache
def _kernels() -> Any:
    """The module of compiled loops; None without a numba that works."""
    try:
        return importlib.import_module("kanwidget.core.kernels")
    except (ImportError, RuntimeError, OSError):  # none, one for another numpy, or no folder where code may stay
        return None


def sums(x: Tensor, weight: Tensor, grid: EvenGrid, by_basis: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """The sums of cubic splines into each subnode, `(batch, out)`; differentiable to any order in reverse mode.

    Args:
        x: Inputs, `(batch, in)`.
        weight: Coefficients, `(out, in, G + 3)`.
        grid: The inputs' grids, from `grid_of_loops`.
        by_basis: The same function of x and weight by way of basis functions, which gradients of gradients are taken of.
    """
    result: Tensor = _Sums.apply(x, weight, grid, by_basis)
    return result


class _Sums(torch.autograd.Function):
    """Sums by compiled loops, and their gradients by others."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, grid: EvenGrid, by_basis: Callable[[Tensor, Tensor], Tensor]
    ) -> Tensor:
        """The sums, `(batch, out)`, of inputs `(batch, in)` and coefficients `(out, in, G + 3)`."""
        ctx.save_for_backward(x, weight)
        ctx.by_basis = by_basis
        #: Points, left ends of grids, lengths of intervals, and coefficients by inputs: arrays in the order of the loops.
        ctx.arguments = [
            one.detach().contiguous().numpy()
            for one in (x.T, grid.low.reshape(-1), grid.step.reshape(-1), weight.permute(1, 2, 0))
        ]
        result = x.new_zeros(len(x) + 1, len(weight))  # a last row takes what is added for no row
        _in_parts(_kernels().add_sums, len(x), *ctx.arguments, result.numpy())
        return result[:-1]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        """The gradients by inputs and coefficients from that by sums, `(batch, out)`."""
        x, weight = ctx.saved_tensors
        asked = ctx.needs_input_grad[:2]
        if torch.is_grad_enabled():  # the gradient is to be differentiated, too
            variables = [one for one, is_asked in zip((x, weight), asked, strict=True) if is_asked]
            found = iter(torch.autograd.grad(ctx.by_basis(x, weight), variables, grad, create_graph=True))
            by_x, by_weight = (next(found) if is_asked else None for is_asked in asked)
            return by_x, by_weight, None, None
        points, *_, coefficients = ctx.arguments
        closed = torch.cat([grad, grad.new_zeros(1, grad.shape[1])])
        of_points = torch.empty(points.shape if asked[0] else (0, 0), dtype=x.dtype)
        of_coefficients = torch.zeros(coefficients.shape, dtype=x.dtype)
        results = (of_coefficients.numpy(), of_points.numpy())
        _in_parts(_kernels().add_gradients, x.shape[1], *ctx.arguments, closed.numpy(), *results)
        return of_points.T if asked[0] else None, of_coefficients.permute(2, 0, 1) if asked[1] else None, None, None


def _in_parts(loop: Callable[..., None], count: int, *arguments: Any) -> None:
    """Call a loop with its `arguments` for the parts of 0 to `count`, on as many threads as torch uses."""
    parts = min(torch.get_num_threads(), count)
    ends = [count * part // parts for part in range(parts + 1)]
    if parts == 1:
        loop(*arguments, 0, count)
        return
    with ThreadPoolExecutor(parts) as pool:  # not kept: its threads would be missing in a process that is forked
        list(pool.map(lambda first, last: loop(*arguments, first, last), ends[:-1], ends[1:]))
