"""All basis functions of many points on even grids at once, by the closed form of the B-spline on whole numbers.

    B(t) = 1/k! · Σⱼ (-1)ʲ · C(k + 1, j) · max((k + 1)/2 - j - |t|, 0)ᵏ

Its argument is the distance from the function's middle in intervals. For k ≤ 3 there are two terms at most. The functions of an input lie
side by side, `(…, batch, functions, inputs)`: whole rows of numbers are worked on, and nothing is put to its place.

References:
    I. J. Schoenberg, "Cardinal Spline Interpolation", SIAM (1973), lecture 1.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

#: Knots are even that are as even as rounding lets them be: so many units of it of the largest one, and such a part of an interval.
EVEN, _EVEN_STEPS = 8, 1e-4
#: Orders with two terms at most, with the slopes of the functions, by place, at the grid's left end, the leftmost first. At the right end
#: they are the same, of the functions that are the last.
ORDERS = {1: (-1.0, 1.0), 2: (-1.0, 1.0), 3: (-0.5, 0.0, 0.5)}


class EvenGrid(NamedTuple):
    """Grids with intervals of one length each."""

    low: Tensor
    """Their ends, `(…, 1, inputs)`."""
    step: Tensor
    """The length of an interval, `(…, 1, inputs)`."""
    intervals: int

    def places(self, x: Tensor) -> Tensor:
        """Points `(…, batch, inputs)` by their distance from the grid's left end, counted in intervals."""
        return (x - self.low).div_(self.step)


def even_grid(knots: Tensor, k: int) -> EvenGrid | None:
    """The grids of knots `(…, inputs, G + 1 + 2k)` of splines of order k, if all are even but for rounding; None otherwise.

    Examples:
        >>> even_grid(torch.tensor([[-1.0, 0.0, 1.0, 2.0]]), 1).intervals
        1
        >>> even_grid(torch.tensor([[-1.0, 0.0, 1.0, 3.0]]), 1) is None
        True
    """
    last = knots.shape[-1] - 1 - k  # index of the grid's right end: k knots lie beyond each end
    low, high = knots[..., None, :, k], knots[..., None, :, last]
    step = (high - low) / (last - k)
    sites = torch.arange(-k, knots.shape[-1] - k, dtype=knots.dtype, device=knots.device)
    error = (low.mT + step.mT * sites - knots).abs()  # how far each knot is from where an even grid has it
    # Rounding moves a knot by some units in the last place of the largest knot, and never by a visible part of an interval.
    allowed = EVEN * torch.finfo(knots.dtype).eps * knots.abs().amax(-1, keepdim=True)
    if not bool((error <= torch.minimum(allowed, _EVEN_STEPS * step.mT)).all()):
        return None
    return EvenGrid(low, step, last - k)


class Cardinal:
    """Values and slopes of all functions of an order, with room for so many points at once.

    Args:
        grid: The grids.
        k: Order of the splines, one of `ORDERS`.
    """

    def __init__(self, grid: EvenGrid, k: int) -> None:
        """Note where the functions of splines of order k have their middles on even grids, and how steep they are at the ends."""
        self._k, self._intervals = k, grid.intervals
        #: Slopes by place (x in intervals) of the first functions at the grid's left end, `(functions, 1)`; those of as many last functions
        #: at its right end are the same numbers.
        self._ends = grid.step.new_tensor(ORDERS[k])[:, None]
        size = grid.intervals + k
        #: The functions' middles, in intervals from the left end.
        self._middles = torch.arange(size, dtype=grid.step.dtype, device=grid.step.device)[:, None] - (k - 1) / 2
        #: Two tensors to compute in, which calls for as many points use again: see `_buffers`.
        self._room: tuple[Tensor, ...] = ()

    def values(self, places: Tensor, out: Tensor) -> None:
        """Write the functions' values at places, `(…, batch, inputs)`, to `out`, `(…, batch, functions, inputs)`.

        A place is a distance from the grid's left end, in intervals. At the distance t from its middle a function is
        1/k! · [max((k + 1)/2 - |t|, 0)ᵏ - (k + 1)·max((k - 1)/2 - |t|, 0)ᵏ], for k ≤ 3. Beyond the grid it goes on as a line.
        `places` is overwritten.
        """
        distance, _ = self._buffers(out)
        inside = places.clamp(0, self._intervals)
        unit = self._distances(inside, self._k, distance)  # writes t·unit to `distance`; unitᵏ is 1/k!
        self._terms(distance.abs_(), unit, self._k, out)
        beyond = places.sub_(inside)[..., None, :]
        if bool(beyond.any()):  # also what is no number
            count, size = len(self._ends), out.shape[-2]
            out.narrow(-2, 0, count).addcmul_(beyond.clamp(max=0), self._ends)
            out.narrow(-2, size - count, count).addcmul_(beyond.clamp(min=0), self._ends)

    def slopes(self, places: Tensor, grad: Tensor) -> Tensor:
        """The gradient by places, `(…, batch, inputs)`, from `grad`, that by values, `(…, batch, functions, inputs)`.

        It is the sum over the functions of `grad` times the derivative of a function by its place, beyond the grid that at its end.
        The order k is 2 or 3.
        """
        signed, distance = self._buffers(grad)
        # The derivative of a k-th power has the factor k: 1/k! becomes 1/(k - 1)!.
        unit = self._distances(places.clamp(0, self._intervals), self._k - 1, signed)
        fall = torch.empty_like(signed)
        self._terms(torch.abs(signed, out=distance), unit, self._k - 1, fall)
        # A function falls with the distance from its middle, so by a place it rises on the left and falls on the right.
        return (fall.copysign_(signed) * grad).sum(-2).neg_()  # not in place: the gradient may be mapped over

    def _buffers(self, like: Tensor) -> tuple[Tensor, ...]:
        """Two tensors to write to, of the shape of `like`: the same ones each time while the shape stays, as new memory takes longer."""
        if not self._room or self._room[0].shape != like.shape:
            self._room = tuple(torch.empty(like.shape, dtype=self._middles.dtype, device=like.device) for _ in range(2))
        return self._room

    def _distances(self, places: Tensor, power: int, out: Tensor) -> float:
        """Write the distances of `places` from the functions' middles to `out`, negative on the left, and return their unit.

        The unit is what an interval counts: the root of 1/power!, so that powers of distances have the formula's factor without a product.
        """
        unit = math.factorial(power) ** (-1 / power)
        # Not the difference of both times the unit: large ones would be rounded.
        torch.sub(places[..., None, :], self._middles, out=out).mul_(unit)
        return unit

    def _terms(self, distance: Tensor, unit: float, power: int, out: Tensor) -> None:
        """Write max((k + 1)/2 - |t|, 0)ᵖ - (k + 1)·max((k - 1)/2 - |t|, 0)ᵖ to `out`, for a `power` p of 1, 2 or 3.

        These are the two terms of a basis function of order k at the distance t, in intervals, from its middle; p is k for values, k - 1
        for slopes. `distance` is |t|·unit, and is changed; so the terms come times unitᵖ, which is 1/p!. Nearly all is done in place: an
        operation on two other tensors takes twice as long.
        """
        end = torch.as_tensor((self._k + 1) / 2 * unit, dtype=distance.dtype, device=distance.device)
        torch.sub(end, distance, out=distance).clamp_(min=0)
        torch.pow(distance, power, out=out)
        distance.sub_(unit).clamp_(min=0).pow_(power)  # the second term begins an interval further in
        out.sub_(distance, alpha=self._k + 1)
