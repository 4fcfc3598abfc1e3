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
#: Orders with two terms at most.
ORDERS = (1, 2, 3)


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

    def hold(self, places: Tensor) -> bool:
        """Whether all `places` (distances from the left end, in intervals) lie within the grid; what is no number doesn't."""
        least, most = torch.aminmax(places)
        return bool(least >= 0 and most <= self.intervals)


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
        # Distances from a function's middle, in intervals: where the function ends, and where the second term of its formula begins.
        self._k, self._ends = k, ((k + 1) / 2, (k - 1) / 2)
        size = grid.intervals + k
        #: The functions' middles, in intervals from the left end.
        self._middles = torch.arange(size, dtype=grid.step.dtype, device=grid.step.device)[:, None] - (k - 1) / 2
        self._room: tuple[Tensor, ...] = ()

    def values(self, places: Tensor, out: Tensor) -> None:
        """Write the functions' values at places within the grid, `(…, batch, inputs)`, to `out`, `(…, batch, functions, inputs)`.

        A place is a distance from the grid's left end, in intervals. At the distance t from its middle a function is
        1/k! · [max((k + 1)/2 - |t|, 0)ᵏ - (k + 1)·max((k - 1)/2 - |t|, 0)ᵏ], for k ≤ 3.
        """
        outer, inner = self._buffers(out)
        torch.sub(places[..., None, :], self._middles, out=outer)
        self._terms(outer.abs_(), inner)
        self._power(outer, inner, self._k, out)
        out.mul_((-1) ** self._k / math.factorial(self._k))  # the sign, since both terms are powers of negative numbers

    def slopes(self, places: Tensor, grad: Tensor) -> Tensor:
        """The gradient by places within the grid, `(…, batch, inputs)`, from `grad`, that by values, `(…, batch, functions, inputs)`.

        It is the sum over the functions of `grad` times the derivative of a function by its place. The order k is 2 or 3.
        """
        outer, inner = self._buffers(grad)
        torch.sub(places[..., None, :], self._middles, out=outer)
        # A function depends on |t|, whose derivative is the sign of t.
        side, result = outer.sign(), torch.empty_like(outer)
        self._terms(outer.abs_(), inner)
        self._power(outer, inner, self._k - 1, result)
        total = (result.mul_(side) * grad).sum(-2)  # not in place: the gradient may be mapped over
        # The derivative of a k-th power has the factor k: 1/k! becomes 1/(k - 1)!.
        return total.mul_((-1) ** self._k / math.factorial(self._k - 1))

    def _buffers(self, like: Tensor) -> tuple[Tensor, ...]:
        """Two tensors to write to, of the shape of `like`: the same ones each time while the shape stays, as new memory takes longer."""
        if not self._room or self._room[0].shape != like.shape:
            self._room = tuple(torch.empty(like.shape, dtype=self._middles.dtype, device=like.device) for _ in range(2))
        return self._room

    def _terms(self, distance: Tensor, inner: Tensor) -> None:
        """Turn `distance` (|t| from a function's middle) into |t| minus the outer end, and write |t| minus the inner end to `inner`.

        Both are negative within the end and 0 beyond it. So each operation is one in place, and the sign is mended after the powers.
        """
        outer_end, inner_end = self._ends
        torch.clamp(distance, max=inner_end, out=inner).sub_(inner_end)
        distance.clamp_(max=outer_end).sub_(outer_end)

    def _power(self, outer: Tensor, inner: Tensor, power: int, out: Tensor) -> None:
        """Write outerᵖ - (k + 1)·innerᵖ to `out`, for a `power` p of 1, 2 or 3; changes `outer` and `inner`."""
        for term in (outer, inner):
            if power == 2:
                term.mul_(term)
            elif power == 3:
                torch.mul(term, term, out=out)
                term.mul_(out)
        torch.add(outer, inner, alpha=-(self._k + 1), out=out)
