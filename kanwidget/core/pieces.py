"""The polynomials of the intervals of grids: the k + 1 basis functions that aren't zero at a point, and their derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode
from torch.utils.weak import WeakTensorKeyDictionary

from kanwidget.core.cardinal import EVEN, EvenGrid


@dataclass(slots=True)
class Pieces:
    """For points `(…, batch, inputs)` the k + 1 basis functions that aren't zero on their intervals, as polynomials."""

    interval: Tensor
    """Its number, `(…, batch, inputs)`."""
    coefficients: Tensor
    """By powers of the offset, and functions: `(k + 1, k + 1, …, batch, inputs)`, or with 1 for batch and inputs."""
    offset: Tensor
    """From the middle of the interval, in units of `step`."""
    beyond: Tensor | None
    """How far points lie beyond the grid; None where none does."""
    step: Tensor | None = None

    @property
    def columns(self) -> Tensor:
        """The indices, among all G + k basis functions, of the k + 1 that aren't zero at each point, `(…, batch, inputs, k + 1)`."""
        return self.interval[..., None] + torch.arange(len(self.coefficients), device=self.interval.device)

    def write(self, full: Sequence[Tensor], orders: Sequence[int]) -> None:
        """Write derivatives of all basis functions to `full`, for each of `orders` one tensor `(…, batch, inputs, G + k or more)`.

        At each point k + 1 functions aren't 0: these go to their columns, the others become 0.
        """
        local, columns = self.to_order(max(orders)), self.columns
        for target, order in zip(full, orders, strict=True):
            target.zero_().scatter_(-1, columns, local[order].movedim(0, -1))

    def to_order(self, highest: int) -> list[Tensor]:
        """The k + 1 functions B that aren't 0 at each point, and their derivatives of orders 1 to `highest`, by Horner's scheme at once.

        They are polynomials of `offset`, with `coefficients` by powers. Outside of the grid, at e + z with e its end and z in `beyond`,
        they are the line B(e) + z·B′(e). Each result is `(k + 1, …, batch, inputs)`.
        """
        k = len(self.coefficients) - 1
        orders = min(max(highest, self.beyond is not None), k)  # beyond the grid a value needs the first derivative
        values = [self.coefficients[k]]
        for power in reversed(range(k)):
            start = values[-1]  # a derivative starts with the one below it
            for order in reversed(range(1, len(values))):
                values[order] = torch.addcmul(values[order - 1], values[order], self.offset)
            values[0] = torch.addcmul(self.coefficients[power], values[0], self.offset)
            if len(values) <= orders:
                values.append(start)
        if self.step is not None:  # offsets are in units of it: derivatives by x itself
            values[1:] = [value / self.step**order for order, value in enumerate(values[1:], 1)]
        if orders and self.beyond is not None:
            values[0] = torch.addcmul(values[0], values[1], self.beyond)
        for order in range(2, orders + 1):
            factor = math.factorial(order)  # Horner's scheme gives derivatives divided by it
            # A line has no second derivative.
            inside = 1.0 if self.beyond is None else (self.beyond == 0).to(self.offset.dtype)
            values[order] = factor * inside * values[order]
        return [*values[: highest + 1], *(torch.zeros_like(values[0]) for _ in range(orders, highest))]


#: The pieces of knots that were met lately, as long as these live, with their numbers and order then: a training evaluates its grids
#: thousands of times, and working them out takes as long as evaluating three hundred points.
_MET: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def uneven(knots: Tensor, k: int) -> Callable[[Tensor], Pieces]:
    """A function of points, `(…, batch, inputs)`, that gives the basis functions which aren't 0 there, as polynomials; for any knots.

    There are few intervals and many points: de Boor's recursion computes the polynomials once an interval, and a point takes
    those of its interval. A function that was made for these knots before is returned again, if they still hold the same numbers.

    Args:
        knots: Knots of each input, `(…, inputs, G + 1 + 2k)`.
        k: Order of the splines.
    """
    met = _MET.get(knots) if is_plain(knots) else None  # k, a copy of the knots, and the function made for them
    if met is not None and met[0] == k and torch.equal(met[1], knots):
        return met[2]
    last = knots.shape[-1] - 1 - k
    polynomials, middle = interval_polynomials(knots, k)
    # The number of each input's first interval among all, `(…, inputs, 1)`.
    first = torch.arange(0, middle.numel(), middle.shape[-1], device=knots.device).view(*middle.shape[:-1], 1)
    # Of all inputs' intervals in a row, n: `((k + 1)², n)`, powers times functions, and `(n,)`.
    polynomials, middle = polynomials.flatten(2).flatten(0, 1), middle.flatten()
    # Both ends, and the knots between them. Copies: what is kept must not keep the knots.
    low, high, inner = (
        part.clone(memory_format=torch.contiguous_format)
        for part in (knots[..., None, :, k], knots[..., None, :, last], knots[..., k + 1 : last])
    )

    def at(x: Tensor) -> Pieces:
        """The pieces at points `(…, batch, inputs)`: beyond the grid those of its end, and how far the point lies from there."""
        inside = torch.minimum(torch.maximum(x, low), high)
        # A point on a knot belongs to the interval at its right, the grid's end to the last interval.
        points = inside.mT.contiguous(memory_format=torch.contiguous_format)
        interval = torch.searchsorted(inner, points, right=True)  # (…, inputs, batch)
        place = (interval + first).mT.flatten()  # among the intervals of all inputs
        coefficients = polynomials.index_select(1, place).view(k + 1, k + 1, *x.shape)
        return Pieces(interval.mT, coefficients, inside - middle.index_select(0, place).view(x.shape), x - inside)

    if is_plain(knots) and is_plain(middle):
        _MET[knots] = k, knots.detach().clone(), at
    return at


def is_plain(x: Tensor) -> bool:
    """Whether a tensor holds numbers in memory that anybody may read: none that is traced, wrapped, mapped or faked, or on a device."""
    if torch.compiler.is_compiling() or torch.jit.is_tracing() or torch.is_inference_mode_enabled():  # type: ignore[attr-defined]
        return False
    plain = type(x) is Tensor and x.device.type == "cpu" and _get_current_dispatch_mode() is None
    return plain and not torch._C._functorch.is_functorch_wrapped_tensor(x)


def even(grid: EvenGrid, k: int) -> Callable[[Tensor], Pieces]:
    """A function of points, `(…, batch, inputs)`, that gives the basis functions of order k which aren't 0 there, as polynomials.

    On even grids all intervals have the same polynomials, of the distance from their middle in intervals.
    """
    step, last = grid.step, grid.intervals - 1
    # The 2k + 2 knots around an interval of length 1, and the basis functions on it.
    window = torch.arange(-k, k + 2, dtype=step.dtype, device=step.device)
    polynomials = interval_polynomials(window, k)[0]
    # Round-off of a place, in intervals (`EVEN` is how many roundings an even grid may be off): so little beyond an end is not beyond it.
    tiny = EVEN * grid.intervals * torch.finfo(step.dtype).eps

    def at(x: Tensor) -> Pieces:
        """The pieces at points `(…, batch, inputs)`; offsets are from the middle of the interval, from -½ to ½.

        A point beyond the grid has the piece and the offset of the end, and its distance from there, in units of x, in `beyond`.
        """
        place = grid.places(x)
        interval = place.floor().clamp_(0, last)
        offset = place.sub_(interval).sub_(0.5)
        beyond, (least, most) = None, torch.aminmax(offset)
        if not (least >= -0.5 and most <= 0.5):  # which what is no number isn't, either
            interval, place = interval.nan_to_num(0.0), offset
            offset = place.clamp(-0.5, 0.5)
            beyond = step * torch.where((place - offset).abs() <= tiny, 0.0, place - offset)
        coefficients = polynomials.view(k + 1, k + 1, *(1,) * x.ndim)
        return Pieces(interval.long(), coefficients, offset, beyond, step)

    return at


def interval_polynomials(knots: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k + 1 basis functions of every interval as polynomials of the distance from its middle, and these middles.

    Args:
        knots: Increasing knots, `(…, inputs, G + 1 + 2k)`.
        k: Order of the splines.

    Returns:
        Coefficients, `(powers, functions, …, inputs, G)`, and middles, `(…, inputs, G)`.

    Examples:
        >>> coefficients, middles = interval_polynomials(torch.tensor([[-1.0, 0.0, 1.0, 2.0]]), 1)
        >>> coefficients[:, :, 0, 0]  # 1 - x and x, with x = 1/2 + the distance
        tensor([[ 0.5000,  0.5000],
                [-1.0000,  1.0000]])
    """
    # At m: of each interval the m-th of the 2k + 2 knots around it.
    windows = knots.unfold(-1, knots.shape[-1] - 1 - 2 * k, 1).movedim(-2, 0)
    middle = (windows[k] + windows[k + 1]) / 2
    around = windows[1 : 2 * k + 1] - middle  # the knots of an interval's functions: k at each side
    coefficients = torch.ones_like(middle)[None, None]
    for d in range(1, k + 1):
        # With z from the middle: B = (z - low)·share + (high - z)·share′, of the two neighbors of degree d - 1
        high, low = around[k : k + d], around[k - d : k]
        share = coefficients / (high - low)
        coefficients = knots.new_zeros(d + 1, d + 1, *middle.shape)
        coefficients[:d, :d].addcmul_(high, share)
        coefficients[1:, :d].sub_(share)
        coefficients[1:, 1:].add_(share)
        coefficients[:d, 1:].addcmul_(low, share, value=-1)
    return coefficients, middle
