"""Levenberg-Marquardt on (α, β) for many fits at once, by variable projection.

For fixed α and β the constants c and d are a linear fit, so ‖r‖² remains to be minimized, r = (I - P)z with P the projection
on span{1, f}. Kaufman's approximation of its Jacobian is J = -c·(I - P)·∂f/∂(α, β): Gauss-Newton with it converges as
fast as on all four parameters, and the conditioning of c and d no longer matters.

The time for a handful of fits of some hundred samples is proportional to the number of torch's operations, whatever they compute: so
these are few, and constants of a problem are computed once.

References:
    Golub and Pereyra, "Separable nonlinear least squares: the variable projection method", Inverse Problems 19 (2003).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.core.primitives import Primitive
from kanwidget.symbolic.fits.curves import Curves
from kanwidget.symbolic.fits.custom import called
from kanwidget.symbolic.fits.search import FitParameters

#: Residual (relative to the edge's variance) that is round-off.
EXACT = 1e-29
#: How much of the way to the end of the domain one step may go.
_APPROACH = 0.9


class _MovingFits(NamedTuple):
    """The fits that still move, and their data."""

    primitive: Tensor
    """Index of the primitive, `(fits,)`."""
    facts: Tensor
    """`(7, fits)`: whether the slope and the shift are free, the domain of u, the first slope, the ends of the data."""
    along: Tensor
    """t + offset, the factor of the slope, `(fits, n)`."""
    z: Tensor
    weight: Tensor
    """`(fits, n)`, or `(1, n)` for all of them."""

    def take(self, index: Tensor) -> _MovingFits:
        """The fits with these indices, each with the samples of its edge.

        A column of `facts` says which parameters of a fit are free, its domain and where its data end; `along` is t + offset, `(fits, n)`.
        """
        weight = self.weight if self.weight.shape[0] == 1 else self.weight[index]
        return _MovingFits(self.primitive[index], self.facts[:, index], self.along[index], self.z[index], weight)


_FREE, _LOW, _HIGH, _START, _ENDS = slice(0, 2), 2, 3, 4, slice(5, 7)


def _moving_fits(fits: FitParameters, data: Curves, primitives: Sequence[Primitive]) -> _MovingFits:
    """All fits with the samples of their edges, in few tables, since the number of operations is what a step costs.

    A fit is c·f(slope·(t + offset) + shift) + d.
    """
    free = torch.tensor([primitive.free for primitive in primitives], dtype=fits.slope.dtype)[fits.primitive]
    # Rows: whether slope and shift are free, the interval of u on which f is defined, the first slope, and the smallest and largest value
    # of t + offset, since the samples lie at t from -1 to 1.
    facts = torch.stack([*free.T, fits.low, fits.high, fits.slope, fits.offset - 1, fits.offset + 1])
    along, weight = data.t[fits.edge] + fits.offset[:, None], data.weight_of(fits.edge)
    return _MovingFits(fits.primitive, facts, along, data.z[fits.edge], weight)


def polish(
    fits: FitParameters, data: Curves, primitives: Sequence[Primitive], steps: int, tolerance: float
) -> tuple[FitParameters, Tensor]:
    """Minimize every fit's squared error over slope and shift, as far as these are free, by Levenberg-Marquardt on all fits at once.

    A fit is c·f(slope·(t + offset) + shift) + d, whose c and d are always the best ones.

    Args:
        fits: The starts, ordered by primitive.
        data: The edges.
        primitives: The primitives that `fits.primitive` numbers.
        steps: Most steps.
        tolerance: A fit rests once a step lowers its error by less than this fraction.

    Returns:
        The fits, and their squared errors relative to the edge's variance (infinite where f isn't finite).
    """
    problem = _moving_fits(fits, data, primitives)
    result = torch.stack([fits.slope, fits.shift])
    errors, normal = _linearize(problem, primitives, result)
    # Fits with a slope or shift that is free.
    adjustable = (problem.facts[_FREE] > 0).any(0)
    active = (adjustable & torch.isfinite(errors) & (errors > EXACT)).nonzero()[:, 0]
    problem, point, error, normal = problem.take(active), result[:, active], errors[active], normal[active]
    damping = torch.full_like(error, 1e-3)
    for _ in range(steps):
        if not len(active):
            break
        step = _step(normal, damping)
        new = point + _room(problem, point, step) * step  # as far as it stays within f's domain
        new_error, new_normal = _linearize(problem, primitives, new)
        better = new_error < error
        # A fit that no step moves (sgn, whose derivative is 0) rests as well.
        gain = torch.where(better, 1 - new_error / error, (step != 0).any(0))
        point, error = torch.where(better, new, point), torch.where(better, new_error, error)
        normal = torch.where(better[:, None, None], new_normal, normal)
        # A step that isn't better is tried again, shorter and closer to the gradient.
        damping = (damping * torch.where(better, 0.2, 6.0)).clamp(min=1e-12)
        # A fit whose slope has become tiny, or its shift huge, only takes a limit of f (a line): it isn't `_moving`.
        going = _moving(problem, point) & (error > EXACT) & (gain > tolerance) & (damping < 1e7)
        if not bool(going.all()):
            # Fits that rest leave the tables.
            result[:, active], errors[active] = point, error
            moving = going.nonzero()[:, 0]
            active, problem, point = active[moving], problem.take(moving), point[:, moving]
            error, normal, damping = error[moving], normal[moving], damping[moving]
    result[:, active], errors[active] = point, error
    return fits._replace(slope=result[0], shift=result[1]), errors


def _moving(problem: _MovingFits, point: Tensor) -> Tensor:
    """Whether the parameters are moderate: beyond, f(u) is a line or a parabola to 1e-12 (of the variance) and a fit only takes a limit.

    `point` has slope and shift of each fit, `(2, fits)`; the answer is `(fits,)`. A slope that is free must not be too small; a shift alone
    not too large beside the slope that the fit started with.
    """
    slope, shift = point.abs()
    free_slope, free_shift = problem.facts[_FREE] > 0
    least = torch.where(free_shift, 0.004, 1e-6)
    return torch.where(free_slope, slope > least, shift < 300 * problem.facts[_START].abs())


def evaluate(index: Tensor, primitives: Sequence[Primitive], u: Tensor) -> Tensor:
    """f(u) of the shape of u, `(fits, n)`, the f of each fit by the index of its primitive, `(fits,)`; the indices are sorted."""
    parts = [called(primitive, primitive.fn, part) for primitive, part in _by_primitive(index, primitives, u)]
    return torch.cat(parts) if parts else u


def _values_and_derivatives(index: Tensor, primitives: Sequence[Primitive], u: Tensor) -> tuple[Tensor, Tensor]:
    """f(u) and f′(u) of the shape of u, `(fits, n)`, the f of each fit by the index of its primitive, `(fits,)`; the indices are sorted."""
    values, tangents = [], []
    for primitive, part in _by_primitive(index, primitives, u):
        if primitive.value_and_derivative:
            value, tangent = primitive.value_and_derivative(part)
        else:
            value, tangent = called(primitive, primitive.fn, part), called(primitive, primitive.d1, part)
        values.append(value)
        tangents.append(tangent)
    return (torch.cat(values), torch.cat(tangents)) if values else (u, u)


def _by_primitive(index: Tensor, primitives: Sequence[Primitive], u: Tensor) -> Iterator[tuple[Primitive, Tensor]]:
    """Each primitive that has fits, and their rows of u, `(fits, n)`; the indices of the primitives, `(fits,)`, are sorted."""
    counts = torch.bincount(index, minlength=len(primitives)).tolist()
    for primitive, part in zip(primitives, u.split(counts), strict=True):
        if len(part):
            yield primitive, part


def _linearize(problem: _MovingFits, primitives: Sequence[Primitive], point: Tensor) -> tuple[Tensor, Tensor]:
    """The squared errors of fits with the best c and d, and the normal equations of slope and shift.

    Args:
        problem: The fits.
        primitives: The primitives that they number.
        point: Slope and shift of each, `(2, fits)`.

    Returns:
        The errors, `(fits,)`, inf where f isn't finite or is constant; and the equations (matrix | right-hand side), `(fits, 2, 3)`.
    """
    index, facts, along, z, w = problem  # along: t + offset; z: the values, of mean 0 and variance 1; w: the weights
    slope, shift = point[..., None]
    value, tangent = _values_and_derivatives(index, primitives, torch.addcmul(shift, slope, along))
    tangent = torch.nan_to_num(tangent, nan=0.0, posinf=0.0, neginf=0.0)
    # Scaled before it is squared: f may be as large as exp(500).
    size = value.abs().amax(1, keepdim=True).clamp(min=1e-280)
    centered = value / size
    centered = centered - (w * centered).sum(1, keepdim=True)
    norm = (w * centered**2).sum(1, keepdim=True).sqrt()
    flat = norm < 1e-13  # f is constant to round-off
    norm = torch.where(flat, 1.0, norm)
    unit = centered / norm
    c = (w * unit * z).sum(1, keepdim=True)
    residual = torch.addcmul(z, c, unit, value=-1)
    residual = residual - (w * residual).sum(1, keepdim=True)
    error = (w * residual**2).sum(1)
    tangent = tangent * (c / (size * norm))
    vectors = torch.stack([tangent * along, tangent, residual, torch.ones_like(unit), unit], dim=1)
    free = facts[_FREE].T
    # The tangents' products with each other and the residual, and with 1 and f (orthonormal), which are projected out.
    products = (vectors[:, :2] * w[:, None]) @ vectors.transpose(1, 2) * free[:, :, None]
    projected = products[:, :, 3:]
    matrix = products[:, :, :2] * free[:, None] - projected @ projected.transpose(1, 2)
    error = torch.where(torch.isfinite(error) & ~flat[:, 0], error, torch.inf)
    return error, torch.cat([matrix, products[:, :, 2:3]], dim=2)


def _step(normal: Tensor, damping: Tensor) -> Tensor:
    """Solve (A + λ·diag A)·step = b for each fit, `(2, fits)`; a parameter that isn't free has a zero row and stays.

    `normal` has (A | b) of each fit, `(fits, 2, 3)`, `damping` its λ, `(fits,)`.
    """
    # In a row A₀₀, A₀₁, b₀, A₁₀, A₁₁, b₁. Cramer's rule solves all at once.
    entries = normal.flatten(1).T
    diagonal, ab, right = entries[::4], entries[1], entries[2::3]
    tiny = 1e-14 * diagonal.abs().sum(0) + 1e-300
    diagonal = diagonal.clamp(min=0) * (1 + damping) + tiny
    product = diagonal[0] * diagonal[1]
    determinant = product - ab**2
    sound = determinant > 1e-15 * product  # else it is round-off, and the slope alone moves
    step = (diagonal.flip(0) * right - ab * right.flip(0)) / torch.where(sound, determinant, 1.0)
    alone = torch.stack([right[0] / diagonal[0], torch.zeros_like(ab)])
    return torch.nan_to_num(torch.where(sound, step, alone), posinf=0.0, neginf=0.0)


def _room(problem: _MovingFits, point: Tensor, step: Tensor) -> Tensor:
    """The fraction of a step that keeps both ends of the data within the domain, `(fits,)`, at most 1.

    `point` and `step` have slope and shift of each fit, `(2, fits)`. A step goes up to 0.9 of the way to an end of the domain, never all of
    it, and never changes a slope by more than half.
    """
    slope, shift = point
    facts = problem.facts  # a column for each fit: its domain in u, and t + offset where its data end (`_ENDS`)
    ends = torch.addcmul(shift, slope, facts[_ENDS])  # u at the first and the last sample
    move = torch.addcmul(step[1], step[0], facts[_ENDS])
    room = torch.where(move > 0, facts[_HIGH], facts[_LOW]) - ends
    limit = torch.where(move != 0, _APPROACH * room / move, torch.inf).clamp(min=0)
    # Else it might change the slope's sign or multiply it: a neighboring minimum isn't a better fit of the same start.
    halfway = 0.5 * slope.abs().clamp(min=1e-12) / step[0].abs().clamp(min=1e-300)
    return torch.minimum(limit.amin(0), halfway).clamp(max=1.0)
