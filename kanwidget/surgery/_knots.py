"""New grids, adapted to data, resampled or split, and the coefficients on them of the functions that a layer has on its old knots."""

from __future__ import annotations

import torch
from torch import Tensor

from kanwidget.core import splines

#: Smallest share of an even grid in every grid: no interval is shorter than this part of the mean one.
_FLOOR = 0.01
#: Samples in every interval of a spread grid, about: one that lies across two blocks of so many may have half of them.
_SUPPORT = 4
#: Number of samples whose basis functions are in memory at once.
_CHUNK = 8192


def adapted_grid(
    values: Tensor, intervals: int, grid_eps: float | Tensor, margin: float, current: Tensor, k: int
) -> Tensor:
    """Grid points between an even grid and the quantiles of the distinct values.

    Args:
        values: Finite samples, shape `(batch, in)`, at least one row.
        intervals: G, ≥ 1.
        grid_eps: 0 for quantiles, 1 for an even grid; one value for all inputs, or `(in,)`. A hundredth at least counts, so that no
            interval is shorter than that part of the mean one.
        margin: Distance of each end from the samples, as a part of their range.
        current: The current grids, `(in, any)`: a constant input keeps its grid, moved if it doesn't contain the constant.
        k: Order of the splines, whose polynomials have numbers as large as an interval's length to the power -k.

    Returns:
        Shape `(in, G + 1)`, strictly increasing.
    """
    ordered = values.sort(dim=0).values
    low, high = ordered[0], ordered[-1]
    span = high - low
    share, constant = _least_share(low, high, intervals, k)
    share = torch.maximum(share, torch.as_tensor(grid_eps, dtype=share.dtype).clamp_min(_FLOOR))[:, None]
    start, end = low - margin * span, high + margin * span
    even = splines.uniform_grid(start, end, intervals)
    quantiles = _distinct_quantiles(ordered, intervals)
    quantiles[:, 0], quantiles[:, -1] = start, end
    mixed = share * even + (1 - share) * quantiles
    mixed[:, 0], mixed[:, -1] = start, end  # again, since the mixture rounds
    return torch.where(constant[:, None], _containing(current, low, intervals), mixed)


def _least_share(low: Tensor, high: Tensor, intervals: int, k: int) -> tuple[Tensor, Tensor]:
    """How much of an even grid, 0 to 1, must be mixed into a grid so that its points stay apart; and whether the input is as good
    as constant, too narrow even for an even grid. Each `(in,)`.

    Points are too near where rounding would merge them, or where polynomials of order k on so short an interval overflow: 1e-14 in
    float32, of activations that have died away. `low` and `high` are the ends of the samples of each input, `(in,)`.
    """
    # `least` is the shortest range on which an even grid has intervals of some roundings, whose power -k is a finite number.
    number = torch.finfo(low.dtype)
    rounding = 8 * intervals * number.eps * torch.maximum(low.abs(), high.abs())
    least = rounding.clamp_min(4 * intervals * number.tiny ** (1 / max(k, 1)))
    constant = ~(high - low > least)
    return (least / torch.where(constant, 1.0, high - low)).clamp(max=1.0), constant


def spread_grid(values: Tensor, intervals: int, current: Tensor, k: int) -> Tensor:
    """Even grid points, but longer intervals where samples are thin: each has about `_SUPPORT` of them, while there are enough.

    A thin tail of samples gets long intervals: the samples determine every coefficient, and the polynomial of an end interval goes on
    beyond them by half of its length, where linear continuation would miss the curvature.

    Args:
        values: Finite samples, shape `(batch, in)`, at least one row.
        intervals: G, ≥ 1.
        current: The current grids, `(in, any)`, for constant inputs, as in `adapted_grid`.
        k: Order of the splines.

    Returns:
        Shape `(in, G + 1)`, strictly increasing.

    Examples:
        >>> values = torch.cat([torch.linspace(0, 1, 90), torch.linspace(1.1, 10, 10)])[:, None]
        >>> [round(float(point), 1) for point in spread_grid(values, 4, torch.tensor([[0.0, 1.0]]), 3)[0]]
        [-0.5, 1.0, 2.1, 6.0, 12.0]
    """
    even = adapted_grid(values, intervals, 1.0, 0.0, current, k)
    grid = torch.stack([_spread(column, points) for column, points in zip(values.T, even, strict=True)])
    share, constant = _least_share(values.amin(0), values.amax(0), intervals, k)
    grid = share[:, None] * even + (1 - share[:, None]) * grid
    grid[:, 0] -= (grid[:, 1] - grid[:, 0]) / 2
    grid[:, -1] += (grid[:, -1] - grid[:, -2]) / 2
    return torch.where(constant[:, None], even, grid)


def _spread(values: Tensor, even: Tensor) -> Tensor:
    """One input's grid: `even` where samples are dense, longer intervals where they are thin.

    Args:
        values: Samples of the input, `(batch,)`.
        even: The even grid on them, `(G + 1,)`.
    """
    intervals = len(even) - 1
    ordered = torch.unique(values)
    blocks = (len(ordered) - 1) // _SUPPORT
    if blocks <= intervals:
        return even
    position = torch.linspace(0, len(ordered) - 1, blocks + 1, dtype=torch.float64, device=values.device).round().long()
    ends = ordered[position]
    widths = ends.diff()
    # Each block of samples holds at most one interval: Σ min(c·width, 1) = G, for the density c of the others.
    sizes = widths.sort().values
    full = torch.arange(blocks, 0, -1, dtype=values.dtype, device=values.device)  # blocks as wide as this one or wider
    below = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)[:-1]])
    # With c = 1/size of a block, all wider ones are full: the count grows with c, and is linear between these values.
    counts = below / sizes + full
    index = int((counts >= intervals).nonzero().max())
    thin = float(full[index]) - 1.0  # the wider blocks: an interval each
    density = (intervals - thin) / sizes[: index + 1].sum()
    shares = (density * widths).clamp(max=1.0)
    heights = torch.cat([shares.new_zeros(1), shares.cumsum(0)])
    # Grid points divide the sum of the shares evenly; within a block it grows linearly.
    wanted = torch.linspace(0, 1, intervals + 1, dtype=values.dtype, device=values.device) * heights[-1]
    at = torch.searchsorted(heights, wanted[1:-1], right=True).clamp(1, blocks)
    part = (wanted[1:-1] - heights[at - 1]) / shares[at - 1]
    return torch.cat([ends[:1], ends[at - 1] + part * widths[at - 1], ends[-1:]])


def _distinct_quantiles(ordered: Tensor, intervals: int) -> Tensor:
    """Evenly spaced quantiles of the distinct values of each column of `ordered`, `(batch, in)`, sorted along the rows: `(in, G + 1)`.

    Of distinct values, so that many equal samples (a binary input, a sensor at its limit) don't make knots coincide.
    """
    # The rank of each sample among the distinct values of its column, and where between two ranks each quantile is.
    columns = ordered.T.contiguous()
    fresh = torch.ones_like(columns, dtype=torch.long)
    fresh[:, 1:] = columns[:, 1:] > columns[:, :-1]
    rank = fresh.cumsum(1) - 1
    position = torch.linspace(0, 1, intervals + 1, dtype=ordered.dtype, device=ordered.device) * rank[:, -1:]
    below = position.floor()
    at = [torch.searchsorted(rank, torch.minimum(below.long() + up, rank[:, -1:])) for up in (0, 1)]
    low, high = (columns.gather(1, index) for index in at)
    return low + (position - below) * (high - low)


def _containing(current: Tensor, value: Tensor, intervals: int) -> Tensor:
    """The current grids, `(in, any)`, brought to `intervals` intervals; one without its input's `value`, `(in,)`, is moved around that."""
    grid = resampled_grid(current, intervals)
    start, end = grid[:, 0], grid[:, -1]
    inside = (start <= value) & (value <= end)
    # A grid of width 1 has no points near 1e20: a moved grid becomes wide enough to have distinct points there.
    half = torch.maximum((end - start) / 2, 8 * intervals * torch.finfo(grid.dtype).eps * value.abs())
    moved = splines.uniform_grid(value - half, value + half, intervals)
    return torch.where(inside[:, None], grid, moved)


def resampled_grid(grid: Tensor, intervals: int) -> Tensor:
    """Grids, `(in, any)`, with another number of intervals, dense where `grid` is dense; the same ends.

    Examples:
        >>> resampled_grid(torch.tensor([[0.0, 1.0, 4.0]]), 4)
        tensor([[0.0000, 0.5000, 1.0000, 2.5000, 4.0000]])
    """
    count = grid.shape[1] - 1
    if count == intervals:
        return grid
    position = torch.linspace(0, count, intervals + 1, dtype=grid.dtype, device=grid.device)
    below = position.floor().long().clamp(max=count - 1)
    part = position - below
    return grid[:, below] * (1 - part) + grid[:, below + 1] * part


def split_grid(grid: Tensor, intervals: int) -> Tensor:
    """Grids, `(in, any)`, with more intervals that have all points of `grid`: each interval in equal parts, as many as others or one more.

    Examples:
        >>> split_grid(torch.tensor([[0.0, 1.0, 4.0]]), 3)
        tensor([[0.0000, 0.5000, 1.0000, 4.0000]])
    """
    count = grid.shape[1] - 1
    # Which of the new points each old one is: i·intervals/count, rounded.
    ends = [(2 * i * intervals + count) // (2 * count) for i in range(count + 1)]
    points = []
    for i in range(count):
        parts = ends[i + 1] - ends[i]
        low, high = grid[:, i], grid[:, i + 1]
        points += [low if j == 0 else low * (1 - j / parts) + high * (j / parts) for j in range(parts)]
    return torch.stack([*points, grid[:, -1]], dim=1)


# ---- least squares for splines


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
    """BᵀB of shape `(in, H + k, H + k)` and Bᵀr of shape `(in, out, H + k)`, summed over chunks of samples, `(batch, in)`.

    B are the basis functions of order k on the `new` knots at the samples, and r is the spline of `coef` on the `old` knots minus that of
    `start` on the new ones. Knots are `(in, …)`, coefficients `(out, in, …)`.
    """
    size = new.shape[1] - 1 - k
    gram = coef.new_zeros(coef.shape[1], size, size)
    residual = coef.new_zeros(coef.shape[1], coef.shape[0], size)
    for chunk in samples.split(_CHUNK):
        old_basis, new_basis = splines.basis(chunk, old, k), splines.basis(chunk, new, k)
        error = torch.einsum("nib,oib->nio", old_basis, coef) - torch.einsum("nib,oib->nio", new_basis, start)
        gram += torch.einsum("nib,nic->ibc", new_basis, new_basis)
        residual += torch.einsum("nio,nib->iob", error, new_basis)
    return gram, residual
