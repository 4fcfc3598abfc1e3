"""Levenberg-Marquardt on (α, β) for many fits at once, by variable projection.

For given α and β the constants c and d are a linear fit, so what is left to minimise is ‖r‖², r = (I - P)z with P the projection
on span{1, f}. Kaufman's approximation of its Jacobian is J = -c·(I - P)·∂f/∂(α, β): Gauss-Newton with it converges as
fast as on all four parameters, and the conditioning of c and d no longer matters.

A handful of fits of some hundred samples costs what its operations cost, whatever they compute: so they are few, and what a step
needs of a problem is kept beside it.

References:
    Golub and Pereyra, "Separable nonlinear least squares: the variable projection method", Inverse Problems 19 (2003).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.core.primitives import Primitive
from kanwidget.symbolic.fits.curves import Curves
from kanwidget.symbolic.fits.custom import called
from kanwidget.symbolic.fits.search import Guess

#: Residual (relative to the edge's variance) that is round-off.
EXACT = 1e-29
#: How much of the way to the end of the domain one step may go.
_APPROACH = 0.9


class _Problem(NamedTuple):
    """The fits that aren't at rest, and their data."""

    row: Tensor
    """Index of the primitive, `(fits,)`."""
    facts: Tensor
    """Rows of numbers, `(7, fits)`: whether the slope and the shift are free, the domain of u, the first slope, the ends of the data."""
    along: Tensor
    """What the slope multiplies, `(fits, n)`."""
    z: Tensor
    weight: Tensor
    """`(fits, n)`, or `(1, n)` for all of them."""

    def take(self, index: Tensor) -> _Problem:
        """Some of them."""
        weight = self.weight if self.weight.shape[0] == 1 else self.weight[index]
        return _Problem(self.row[index], self.facts[:, index], self.along[index], self.z[index], weight)


_FREE, _LOW, _HIGH, _START, _ENDS = slice(0, 2), 2, 3, 4, slice(5, 7)


def _problem(guess: Guess, data: Curves, rows: Sequence[Primitive]) -> _Problem:
    free = torch.tensor([row.free for row in rows], dtype=guess.slope.dtype)[guess.row]
    facts = torch.stack([*free.T, guess.low, guess.high, guess.slope, guess.offset - 1, guess.offset + 1])
    weight = data.weight if data.weight.shape[0] == 1 else data.weight[guess.edge]
    return _Problem(guess.row, facts, data.t[guess.edge] + guess.offset[:, None], data.z[guess.edge], weight)


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
    problem = _problem(guess, data, rows)
    found = torch.stack([guess.slope, guess.shift])
    errors, normal = _linearise(problem, rows, found)
    able = (problem.facts[_FREE] > 0).any(0)
    active = (able & torch.isfinite(errors) & (errors > EXACT)).nonzero()[:, 0]
    problem, place, error, normal = problem.take(active), found[:, active], errors[active], normal[active]
    damping = torch.full_like(error, 1e-3)
    for _ in range(steps):
        if not len(active):
            break
        step = _step(normal, damping)
        new = place + _room(problem, place, step) * step
        new_error, new_normal = _linearise(problem, rows, new)
        better = new_error < error
        # What no step moves (sgn, whose derivative is 0) rests as well.
        gain = torch.where(better, 1 - new_error / error, (step != 0).any(0))
        place, error = torch.where(better, new, place), torch.where(better, new_error, error)
        normal = torch.where(better[:, None, None], new_normal, normal)
        damping = (damping * torch.where(better, 0.2, 6.0)).clamp(min=1e-12)
        going = _moving(problem, place) & (error > EXACT) & (gain > tolerance) & (damping < 1e7)
        if not bool(going.all()):
            found[:, active], errors[active] = place, error
            kept = going.nonzero()[:, 0]
            active, problem, place = active[kept], problem.take(kept), place[:, kept]
            error, normal, damping = error[kept], normal[kept], damping[kept]
    found[:, active], errors[active] = place, error
    return guess._replace(slope=found[0], shift=found[1]), errors


def _moving(problem: _Problem, place: Tensor) -> Tensor:
    """Beyond this f(u) is a line or a parabola to 1e-12 (of the variance), and what goes on is a limit being taken."""
    slope, shift = place.abs()
    free_slope, free_shift = problem.facts[_FREE] > 0
    least = torch.where(free_shift, 0.004, 1e-6)
    return torch.where(free_slope, slope > least, shift < 300 * problem.facts[_START].abs())


def evaluate(row_index: Tensor, rows: Sequence[Primitive], u: Tensor, slopes: bool = True) -> tuple[Tensor, Tensor]:
    """f(u) and f′(u), each fit by its own primitive; the fits are ordered by primitive."""
    counts = torch.bincount(row_index, minlength=len(rows)).tolist()
    used = [(row, count) for row, count in zip(rows, counts, strict=True) if count]
    if not used:
        return u, u
    parts = u.split([count for _, count in used])
    if not slopes:
        value = torch.cat([called(row, row.fn, part) for (row, _), part in zip(used, parts, strict=True)])
        return value, value
    pairs = [_value_and_slope(row, part) for (row, _), part in zip(used, parts, strict=True)]
    values, tangents = zip(*pairs, strict=True)
    return torch.cat(values), torch.cat(tangents)


def _value_and_slope(row: Primitive, u: Tensor) -> tuple[Tensor, Tensor]:
    return row.both(u) if row.both else (called(row, row.fn, u), called(row, row.d1, u))


def _linearise(problem: _Problem, rows: Sequence[Primitive], place: Tensor) -> tuple[Tensor, Tensor]:
    """Eliminate c and d: the squared errors, `(fits,)`, and the normal equations of the rest (matrix | right-hand side), `(fits, 2, 3)`."""
    row, facts, along, z, w = problem
    slope, shift = place[..., None]
    value, tangent = evaluate(row, rows, torch.addcmul(shift, slope, along))
    tangent = torch.nan_to_num(tangent, nan=0.0, posinf=0.0, neginf=0.0)
    # Scaled before it is squared: f may be as large as exp(500).
    size = value.abs().amax(1, keepdim=True).clamp(min=1e-280)
    centred = value / size
    centred = centred - (w * centred).sum(1, keepdim=True)
    norm = (w * centred**2).sum(1, keepdim=True).sqrt()
    flat = norm < 1e-13
    norm = torch.where(flat, 1.0, norm)
    unit = centred / norm
    c = (w * unit * z).sum(1, keepdim=True)
    residual = torch.addcmul(z, c, unit, value=-1)
    residual = residual - (w * residual).sum(1, keepdim=True)
    error = (w * residual**2).sum(1)
    tangent = tangent * (c / (size * norm))
    vectors = torch.stack([tangent * along, tangent, residual, torch.ones_like(unit), unit], dim=1)
    free = facts[_FREE].T
    # The tangents' products with each other and the residual, and with 1 and f, which are projected out.
    products = (vectors[:, :2] * w[:, None]) @ vectors.transpose(1, 2) * free[:, :, None]
    known = products[:, :, 3:]
    matrix = products[:, :, :2] * free[:, None] - known @ known.transpose(1, 2)
    error = torch.where(torch.isfinite(error) & ~flat[:, 0], error, torch.inf)
    return error, torch.cat([matrix, products[:, :, 2:3]], dim=2)


def _step(normal: Tensor, damping: Tensor) -> Tensor:
    """Solve (A + λ·diag A)·step = b for each fit, `(2, fits)`; a parameter that isn't free has a zero row and stays."""
    entries = normal.flatten(1).T
    diagonal, ab, right = entries[::4], entries[1], entries[2::3]
    tiny = 1e-14 * diagonal.abs().sum(0) + 1e-300
    diagonal = diagonal.clamp(min=0) * (1 + damping) + tiny
    product = diagonal[0] * diagonal[1]
    determinant = product - ab**2
    sound = determinant > 1e-15 * product
    step = (diagonal.flip(0) * right - ab * right.flip(0)) / torch.where(sound, determinant, 1.0)
    alone = torch.stack([right[0] / diagonal[0], torch.zeros_like(ab)])
    return torch.nan_to_num(torch.where(sound, step, alone), posinf=0.0, neginf=0.0)


def _room(problem: _Problem, place: Tensor, step: Tensor) -> Tensor:
    """The fraction of a step that keeps both ends of the data within the domain."""
    slope, shift = place
    facts = problem.facts
    at = torch.addcmul(shift, slope, facts[_ENDS])
    move = torch.addcmul(step[1], step[0], facts[_ENDS])
    room = torch.where(move > 0, facts[_HIGH], facts[_LOW]) - at
    limit = torch.where(move != 0, _APPROACH * room / move, torch.inf).clamp(min=0)
    # One step may not change the slope's sign or multiply it: a neighbouring valley isn't a better fit of this one.
    own = 0.5 * slope.abs().clamp(min=1e-12) / step[0].abs().clamp(min=1e-300)
    return torch.minimum(limit.amin(0), own).clamp(max=1.0)
