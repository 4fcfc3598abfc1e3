"""Levenberg-Marquardt on (α, β) for many fits at once, by variable projection.

For given α and β the constants c and d are a linear fit, so what is left to minimise is ‖r‖², r = (I - P)z with P the projection
on span{1, f}. Kaufman's approximation of its Jacobian is J = -c·(I - P)·∂f/∂(α, β): Gauss-Newton with it converges as
fast as on all four parameters, and the conditioning of c and d no longer matters.

References:
    Golub and Pereyra, "Separable nonlinear least squares: the variable projection method", Inverse Problems 19 (2003).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.core.primitives import Primitive
from kanwidget.symbolic.curves import Curves
from kanwidget.symbolic.custom import called
from kanwidget.symbolic.search import Guess

#: Residual (relative to the edge's variance) that is round-off.
_EXACT = 1e-29
#: How much of the way to the end of the domain one step may go.
_APPROACH = 0.9


class _Local(NamedTuple):
    """The problem around the present (α, β): squared residual, normal matrix and right-hand side."""

    error: Tensor
    aa: Tensor
    ab: Tensor
    bb: Tensor
    a: Tensor
    b: Tensor


def polish(guess: Guess, data: Curves, rows: Sequence[Primitive], steps: int, tolerance: float) -> tuple[Guess, Tensor]:
    """Minimise every fit's squared error over its free parameters.

    Args:
        guess: The starts, ordered by primitive.
        data: The edges.
        rows: The primitives that `guess.row` counts.
        steps: Most steps.
        tolerance: A fit rests once a step lowers its error by less than this fraction.

    Returns:
        The fits, and their squared errors relative to the edge's variance (infinite where f isn't finite).
    """
    free = torch.tensor([row.free for row in rows])[guess.row]
    slope, shift = guess.slope.clone(), guess.shift.clone()
    here = _linearise(guess, data, rows, slope, shift, free)
    error = here.error.clone()
    damping = torch.full_like(slope, 1e-3)
    active = (free.any(1) & torch.isfinite(error) & (error > _EXACT)).nonzero()[:, 0]
    here = _Local(*(v[active] for v in here))
    for _ in range(steps):
        if not len(active):
            break
        part, free_now, lam = guess.take(active), free[active], damping[active]
        old_slope, old_shift = slope[active], shift[active]
        da, db = _step(here, lam)
        fraction = _room(part, old_slope, old_shift, da, db)
        new_slope, new_shift = old_slope + fraction * da, old_shift + fraction * db
        there = _linearise(part, data, rows, new_slope, new_shift, free_now)
        better = there.error < here.error
        gain = torch.where(better, 1 - there.error / here.error, 1.0)
        slope[active] = torch.where(better, new_slope, old_slope)
        shift[active] = torch.where(better, new_shift, old_shift)
        here = _Local(*(torch.where(better, new, old) for new, old in zip(there, here, strict=True)))
        error[active] = here.error
        damping[active] = torch.where(better, lam * 0.2, lam * 6).clamp(min=1e-12)
        # Beyond these f(u) is a line or a parabola to 1e-12 (of the variance), and what goes on is a limit being taken.
        least = torch.where(free_now[:, 1], 0.004, 1e-6)
        near = shift[active].abs() < 300 * guess.slope[active].abs()
        moving = torch.where(free_now[:, 0], slope[active].abs() > least, near)
        going = moving & (here.error > _EXACT) & (gain > tolerance) & (damping[active] < 1e7)
        active, here = active[going], _Local(*(v[going] for v in here))
    return guess._replace(slope=slope, shift=shift), error


def evaluate(row_index: Tensor, rows: Sequence[Primitive], u: Tensor, slopes: bool = True) -> tuple[Tensor, Tensor]:
    """f(u) and f′(u), each fit by its own primitive; the fits are ordered by primitive."""
    value, slope = torch.empty_like(u), torch.empty_like(u) if slopes else u
    start = 0
    for row, count in zip(rows, torch.bincount(row_index, minlength=len(rows)).tolist(), strict=True):
        if count:
            part = slice(start, start + count)
            value[part] = called(row, row.fn, u[part])
            if slopes:
                slope[part] = called(row, row.d1, u[part])
            start += count
    return value, slope


def _linearise(
    guess: Guess, data: Curves, rows: Sequence[Primitive], slope: Tensor, shift: Tensor, free: Tensor
) -> _Local:
    """Eliminate c and d, and form the 2×2 normal equations of the rest."""
    t, z = data.t[guess.edge], data.z[guess.edge]
    w = data.weight if data.weight.shape[0] == 1 else data.weight[guess.edge]
    along = t + guess.offset[:, None]
    value, tangent = evaluate(guess.row, rows, slope[:, None] * along + shift[:, None])
    tangent = torch.nan_to_num(tangent, nan=0.0, posinf=0.0, neginf=0.0)
    # Scaled before it is squared: f may be as large as exp(500).
    size = value.abs().amax(1, keepdim=True).clamp(min=1e-280)
    centred = value / size
    centred = centred - (w * centred).sum(1, keepdim=True)
    norm = (w * centred**2).sum(1, keepdim=True).sqrt()
    flat = norm < 1e-13
    unit = centred / torch.where(flat, 1.0, norm)
    c = (w * unit * z).sum(1, keepdim=True)
    residual = z - c * unit
    residual = residual - (w * residual).sum(1, keepdim=True)
    error = (w * residual**2).sum(1)
    tangent = tangent * (c / (size * torch.where(flat, 1.0, norm)))
    columns = torch.stack([tangent * along, tangent], dim=1) * free[:, :, None]
    weighted = columns * w[:, None]
    gram = weighted @ columns.transpose(1, 2)
    ones, ends = weighted.sum(2), (weighted @ unit[..., None])[..., 0]
    gram = gram - ones[:, :, None] * ones[:, None] - ends[:, :, None] * ends[:, None]
    right = (weighted @ residual[..., None])[..., 0]
    error = torch.where(torch.isfinite(error) & ~flat[:, 0], error, torch.inf)
    return _Local(error, gram[:, 0, 0], gram[:, 0, 1], gram[:, 1, 1], right[:, 0], right[:, 1])


def _step(here: _Local, damping: Tensor) -> tuple[Tensor, Tensor]:
    """Solve (A + λ·diag A)·step = b for each fit; a parameter that isn't free has a zero row and stays."""
    tiny = 1e-14 * (here.aa.abs() + here.bb.abs()) + 1e-300
    aa, bb = here.aa.clamp(min=0) * (1 + damping) + tiny, here.bb.clamp(min=0) * (1 + damping) + tiny
    determinant = aa * bb - here.ab**2
    sound = determinant > 1e-15 * aa * bb
    safe = torch.where(sound, determinant, 1.0)
    da = torch.where(sound, (bb * here.a - here.ab * here.b) / safe, here.a / aa)
    db = torch.where(sound, (aa * here.b - here.ab * here.a) / safe, 0.0)
    return torch.nan_to_num(da, posinf=0.0, neginf=0.0), torch.nan_to_num(db, posinf=0.0, neginf=0.0)


def _room(guess: Guess, slope: Tensor, shift: Tensor, da: Tensor, db: Tensor) -> Tensor:
    """The fraction of a step that keeps both ends of the data within the domain."""
    fraction = torch.ones_like(slope)
    for end in (-1.0, 1.0):
        at = slope * (end + guess.offset) + shift
        move = da * (end + guess.offset) + db
        room = torch.where(move > 0, guess.high - at, guess.low - at)
        limit = torch.where(move != 0, _APPROACH * room / torch.where(move != 0, move, 1.0), torch.inf)
        fraction = torch.minimum(fraction, limit.clamp(min=0))
    # One step may not change the slope's sign or multiply it: a neighbouring valley isn't a better fit of this one.
    return torch.minimum(fraction, 0.5 * slope.abs().clamp(min=1e-12) / da.abs().clamp(min=1e-300))
