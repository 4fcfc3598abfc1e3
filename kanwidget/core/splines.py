"""B-splines of any order on any increasing knots, as pure functions.

With G intervals and order k (degree k, as in the KAN papers) an input has G + k basis functions on
G + 1 + 2k knots. Beyond the grid every basis function goes on linearly, with its value and its derivative
at the end: an activation that leaves the grid keeps a gradient and extrapolation stays tame.

References:
    Carl de Boor, "On calculating with B-splines", Journal of Approximation Theory 6 (1972).
    Liu et al., "KAN: Kolmogorov-Arnold Networks", arXiv:2404.19756, section 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils._python_dispatch import _get_current_dispatch_mode
from torch.utils.weak import WeakTensorKeyDictionary

#: Points that are evaluated at once: what is worked out for them fits into the processor's cache.
_AT_ONCE = 2**16
#: Knots are even that are as even as rounding lets them be: so many units of it of the largest one, and such a part of an interval.
_EVEN, _EVEN_STEPS = 8, 1e-4


def extend_knots(grid: Tensor, k: int) -> Tensor:
    """Add k knots at each end of a grid, spaced as its mean interval.

    Args:
        grid: Increasing points, shape `(inputs, G + 1)`.
        k: Order of the spline, ≥ 0.

    Returns:
        Knots of shape `(inputs, G + 1 + 2k)`.

    Examples:
        >>> extend_knots(torch.tensor([[0.0, 1.0]]), 2)
        tensor([[-2., -1.,  0.,  1.,  2.,  3.]])
    """
    step = (grid[:, -1:] - grid[:, :1]) / (grid.shape[1] - 1)
    outside = step * torch.arange(1, k + 1, dtype=grid.dtype, device=grid.device)
    return torch.cat([grid[:, :1] - outside.flip(1), grid, grid[:, -1:] + outside], dim=1)


def uniform_grid(low: Tensor, high: Tensor, intervals: int) -> Tensor:
    """Evenly spaced points from `low` to `high` (both `(inputs,)`), shape `(inputs, intervals + 1)`."""
    t = torch.linspace(0, 1, intervals + 1, dtype=low.dtype, device=low.device)
    # Written so that both ends are exact: low + (high - low) may miss `high` by a rounding.
    return low[:, None] * (1 - t) + high[:, None] * t


def interior(knots: Tensor, k: int) -> Tensor:
    """The grid within extended knots: the inverse of `extend_knots`."""
    return knots[:, k : knots.shape[1] - k]


def basis(x: Tensor, knots: Tensor, k: int, order: int = 0, room: int = 0) -> Tensor:
    """Values, or derivatives of any order, of all basis functions.

    Differentiable in x to any order: the backward pass is the same function, one order higher, so that memory
    holds x and not the recursion's intermediate results.

    Args:
        x: Points, shape `(…, batch, inputs)`.
        knots: Increasing knots, shape `(…, inputs, G + 1 + 2k)`, not differentiated.
        k: Order of the spline, ≥ 0.
        order: 0 for values, 1 for first derivatives, …
        room: Columns of 0 that follow.

    Returns:
        Shape `(…, batch, inputs, G + k + room)`.

    Examples:
        >>> knots = extend_knots(torch.tensor([[0.0, 1.0, 2.0]]), 1)
        >>> basis(torch.tensor([[0.25], [1.5]]), knots, 1)
        tensor([[[0.7500, 0.2500, 0.0000]],
        <BLANKLINE>
                [[0.0000, 0.5000, 0.5000]]])
    """
    if not torch.is_grad_enabled() and _is_plain(x) and _is_plain(knots) and not _has_tangents():
        return _evaluate(x, knots, k, [order], room)[0]  # half the time of few points
    kind = _Traced if torch.compiler.is_compiling() else _Basis
    return kind.apply(x, knots, k, order, room)


def _has_tangents() -> bool:
    """Whether tensors may carry derivatives of forward mode."""
    return forward_ad._current_level >= 0


class _Traced(torch.autograd.Function):
    """The form that torch.compile can trace: once differentiable, in reverse mode."""

    @staticmethod
    def forward(x: Tensor, knots: Tensor, k: int, order: int, room: int) -> Tensor:
        return _evaluate(x, knots, k, [order], room)[0]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, knots, ctx.k, ctx.order, ctx.room = inputs
        ctx.save_for_backward(x, knots)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None, None]:
        x, knots = ctx.saved_tensors
        return _slopes(grad, x, knots, ctx.k, ctx.order + 1), None, None, None, None


class _Basis(_Traced):
    """Differentiable to any order in reverse mode, also after a forward derivative, and under vmap.

    Forward over forward is wrong: torch gives the jvp of a jvp of a function of one's own the tangent 0.
    """

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _Traced.setup_context(ctx, inputs, output)
        ctx.save_for_forward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None, None]:
        if not torch.is_grad_enabled():
            return _Traced.backward(ctx, grad)
        x, knots = ctx.saved_tensors  # the derivative is to be differentiated, too
        return (grad * _Basis.apply(x, knots, ctx.k, ctx.order + 1, ctx.room)).sum(-1), None, None, None, None

    @staticmethod
    def jvp(ctx: Any, dx: Tensor, *_: None) -> Tensor:
        x, knots = ctx.saved_tensors
        return dx[..., None] * _Basis.apply(x, knots, ctx.k, ctx.order + 1, ctx.room)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], x: Tensor, knots: Tensor, *options: int) -> Any:
        size, (of_x, of_knots) = info.batch_size, in_dims[:2]
        many = x.movedim(of_x, 0) if of_x is not None else x.expand(size, *x.shape)
        if of_knots is None:
            # Points are independent: a mapped dimension is more rows.
            out = _Basis.apply(many.reshape(-1, many.shape[-1]), knots, *options)
            return out.view(*many.shape, -1), 0
        # So are inputs: knots that are mapped over belong to more of them.
        rows, inputs = many.shape[1:]
        side = many.transpose(0, 1).reshape(rows, size * inputs)
        out = _Basis.apply(side, knots.movedim(of_knots, 0).reshape(size * inputs, -1), *options)
        return out.view(rows, size, inputs, -1), 1


def basis_and_derivative(x: Tensor, knots: Tensor, k: int, room: int = 0) -> tuple[Tensor, Tensor]:
    """`basis` of orders 0 and 1 for little more than the cost of one, without a graph, followed by `room` columns of 0.

    Examples:
        >>> knots = extend_knots(torch.tensor([[0.0, 1.0, 2.0]]), 1)
        >>> values, derivatives = basis_and_derivative(torch.tensor([[0.25]]), knots, 1)
        >>> derivatives
        tensor([[[-1.,  1.,  0.]]])
    """
    with torch.no_grad():
        values, derivatives = _evaluate(x, knots, k, (0, 1), room)
        return values, derivatives


def basis_to_order(x: Tensor, knots: Tensor, k: int, highest: int) -> list[Tensor]:
    """`basis` of all orders from 0 to `highest`, without a graph.

    Examples:
        >>> knots = extend_knots(torch.tensor([[0.0, 1.0, 2.0]]), 1)
        >>> basis_to_order(torch.tensor([[0.25]]), knots, 1, 2)[1]
        tensor([[[-1.,  1.,  0.]]])
    """
    with torch.no_grad():
        return _evaluate(x, knots, k, range(highest + 1))


def are_many(x: Tensor) -> bool:
    """Whether a tensor has so many points that memory takes longer than the arithmetic; False on a GPU and while torch traces."""
    plain = type(x) is Tensor and x.device.type == "cpu"
    traced = torch.compiler.is_compiling() or torch.jit.is_tracing()  # type: ignore[attr-defined]
    return plain and x.numel() >= _AT_ONCE and not traced


def _evaluate(x: Tensor, knots: Tensor, k: int, orders: Sequence[int], room: int = 0) -> list[Tensor]:
    """`basis` of some orders, without autograd: the local functions at their places, else 0."""
    pieces_at, size = _pieces(x, knots, k, max(orders)), knots.shape[-1] - 1 - k
    dtype = torch.promote_types(x.dtype, knots.dtype)
    found = [torch.empty(*x.shape, size + room, dtype=dtype, device=x.device) for _ in orders]
    for start, count in _chunks(x):
        pieces = pieces_at(x.narrow(-2, start, count))
        local, columns = pieces.to_order(max(orders)), pieces.columns
        for full, order in zip(found, orders, strict=True):
            full.narrow(-3, start, count).zero_().scatter_(-1, columns, local[order].movedim(0, -1))
    return found


def _slopes(grad: Tensor, x: Tensor, knots: Tensor, k: int, order: int) -> Tensor:
    """The gradient in x, `(…, batch, inputs)`, from one in the basis functions or in their derivatives.

    Args:
        grad: The gradient, `(…, batch, inputs, G + k or more)`; what is beyond G + k isn't read.
        x: The points, `(…, batch, inputs)`.
        knots: Knots of each input.
        k: Order of the splines.
        order: Order of the derivatives that `grad` is multiplied with: one more than the order that it is a gradient in.
    """
    pieces_at, parts = _pieces(x, knots, k, order), []
    for start, count in _chunks(x):
        pieces = pieces_at(x.narrow(-2, start, count))
        own = grad.narrow(-3, start, count).gather(-1, pieces.columns).movedim(-1, 0)
        parts.append((own * pieces.to_order(order)[order]).sum(0))
    return torch.cat(parts, dim=-2).to(x.dtype)


def _chunks(x: Tensor) -> Iterator[tuple[int, int]]:
    """Yield where chunks of the rows of `(…, batch, inputs)` begin, and their lengths.

    On the CPU many rows are taken in parts: results that fit into its cache cost less than new memory for each operation.
    """
    rows = x.shape[-2]
    step = max(rows * _AT_ONCE // max(x.numel(), 1), 1)
    if x.device.type != "cpu" or torch.compiler.is_compiling() or step >= rows:
        yield 0, rows
        return
    for start in range(0, rows, step):
        yield start, min(step, rows - start)


@dataclass(slots=True)
class _Pieces:
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
        """The numbers of the functions, `(…, batch, inputs, k + 1)`."""
        return self.interval[..., None] + torch.arange(len(self.coefficients), device=self.interval.device)

    def to_order(self, highest: int) -> list[Tensor]:
        """The functions and their derivatives up to an order, `(k + 1, …, batch, inputs)`, by Horner's scheme for all at once.

        Outside of the grid, at e + z with e its end, they are the line B(e) + z·B′(e).
        """
        k = len(self.coefficients) - 1
        orders = min(max(highest, self.beyond is not None), k)
        values = [self.coefficients[k]]
        for power in reversed(range(k)):
            start = values[-1]  # a derivative starts with the one below it
            for order in reversed(range(1, len(values))):
                values[order] = torch.addcmul(values[order - 1], values[order], self.offset)
            values[0] = torch.addcmul(self.coefficients[power], values[0], self.offset)
            if len(values) <= orders:
                values.append(start)
        if self.step is not None:
            values[1:] = [value / self.step**order for order, value in enumerate(values[1:], 1)]
        if orders and self.beyond is not None:
            values[0] = torch.addcmul(values[0], values[1], self.beyond)
        for order in range(2, orders + 1):
            factor = math.factorial(order)
            inside = 1.0 if self.beyond is None else (self.beyond == 0).to(self.offset.dtype)
            values[order] = factor * inside * values[order]
        return [*values[: highest + 1], *(torch.zeros_like(values[0]) for _ in range(orders, highest))]


def _pieces(x: Tensor, knots: Tensor, k: int, order: int) -> Callable[[Tensor], _Pieces]:
    """A function from a chunk of the rows of x to its pieces, see `_Pieces`. For many points on even grids it takes half the time.

    Args:
        x: All points; only their number counts.
        knots: Knots of each input.
        k: Order of the splines.
        order: Highest order of the derivatives that the pieces are for.
    """
    # A jump at a knot must stay on its side.
    return (order < k and are_many(x) and _even(knots, k)) or _uneven(knots, k)


def _uneven(knots: Tensor, k: int) -> Callable[[Tensor], _Pieces]:
    """Pieces on any knots, `(…, inputs, G + 1 + 2k)`.

    There are few intervals and many points: de Boor's recursion computes the polynomials once an interval, and a point takes
    those of its interval. The function takes points `(…, batch, inputs)`.
    """
    low, high, inner, polynomials, middle, first = _intervals(knots, k)

    def at(x: Tensor) -> _Pieces:
        inside = torch.minimum(torch.maximum(x, low), high)
        # A point on a knot belongs to the interval at its right, the grid's end to the last interval.
        points = inside.mT.contiguous(memory_format=torch.contiguous_format)
        interval = torch.searchsorted(inner, points, right=True)  # (…, inputs, batch)
        place = (interval + first).mT.flatten()  # among the intervals of all inputs
        coefficients = polynomials.index_select(1, place).view(k + 1, k + 1, *x.shape)
        return _Pieces(interval.mT, coefficients, inside - middle.index_select(0, place).view(x.shape), x - inside)

    return at


class _Intervals(NamedTuple):
    """What `_uneven` takes from knots."""

    low: Tensor
    """Ends of the grid, `(…, 1, inputs)`."""
    high: Tensor
    inner: Tensor
    """The knots between them, `(…, inputs, G - 1)`."""
    polynomials: Tensor
    """See `interval_polynomials`, `((k + 1)², intervals)`: the intervals of all inputs one after the other."""
    middle: Tensor  # (intervals,)
    first: Tensor
    """Number of each input's first interval among all, `(…, inputs, 1)`."""


#: The intervals of knots that were met lately, as long as these live, with their numbers and order then: a training evaluates its grids
#: thousands of times, and working them out takes as long as evaluating three hundred points.
_MET: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def _intervals(knots: Tensor, k: int) -> _Intervals:
    """The intervals of knots: those that were kept, if the knots still hold the same numbers."""
    met = _MET.get(knots) if _is_plain(knots) else None
    if met is not None and met[0] == k and torch.equal(met[1], knots):
        return met[2]
    intervals = _worked_out(knots, k)
    if _is_plain(knots) and _is_plain(intervals.middle):
        _MET[knots] = k, knots.detach().clone(), intervals
    return intervals


def _is_plain(x: Tensor) -> bool:
    """Whether a tensor holds numbers in memory that anybody may read: none that is traced, wrapped, mapped or faked, or on a device."""
    if torch.compiler.is_compiling() or torch.jit.is_tracing() or torch.is_inference_mode_enabled():  # type: ignore[attr-defined]
        return False
    plain = type(x) is Tensor and x.device.type == "cpu" and _get_current_dispatch_mode() is None
    return plain and not torch._C._functorch.is_functorch_wrapped_tensor(x)


def _worked_out(knots: Tensor, k: int) -> _Intervals:
    last = knots.shape[-1] - 1 - k
    polynomials, middle = interval_polynomials(knots, k)
    first = torch.arange(0, middle.numel(), middle.shape[-1], device=knots.device).view(*middle.shape[:-1], 1)
    # Copies: what is kept must not keep the knots.
    low, high, inner = (
        part.clone(memory_format=torch.contiguous_format)
        for part in (knots[..., None, :, k], knots[..., None, :, last], knots[..., k + 1 : last])
    )
    return _Intervals(low, high, inner, polynomials.flatten(2).flatten(0, 1), middle.flatten(), first)


def _even(knots: Tensor, k: int) -> Callable[[Tensor], _Pieces] | None:
    """Pieces on even knots, where all intervals have the same polynomials; None on others."""
    last = knots.shape[-1] - 1 - k
    low, high = knots[..., None, :, k], knots[..., None, :, last]
    step = (high - low) / (last - k)
    places = torch.arange(-k, knots.shape[-1] - k, dtype=knots.dtype, device=knots.device)
    error = (low.mT + step.mT * places - knots).abs()
    allowed = _EVEN * torch.finfo(knots.dtype).eps * knots.abs().amax(-1, keepdim=True)
    if not bool((error <= torch.minimum(allowed, _EVEN_STEPS * step.mT)).all()):
        return None
    window = torch.arange(-k, k + 2, dtype=knots.dtype, device=knots.device)
    polynomials = interval_polynomials(window, k)[0]
    tiny = _EVEN * (last - k) * torch.finfo(knots.dtype).eps

    def at(x: Tensor) -> _Pieces:
        place = (x - low).div_(step)
        interval = place.floor().clamp_(0, last - k - 1)
        offset = place.sub_(interval).sub_(0.5)
        beyond, (least, most) = None, torch.aminmax(offset)
        if not (least >= -0.5 and most <= 0.5):  # which what is no number isn't, either
            interval, place = interval.nan_to_num(0.0), offset
            offset = place.clamp(-0.5, 0.5)
            beyond = step * torch.where((place - offset).abs() <= tiny, 0.0, place - offset)
        coefficients = polynomials.view(k + 1, k + 1, *(1,) * x.ndim)
        return _Pieces(interval.long(), coefficients, offset, beyond, step)

    return at


def interval_polynomials(knots: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k + 1 functions of every interval by powers of the distance from its middle, and these middles.

    Returns:
        Coefficients, `(powers, functions, …, inputs, G)`, and middles, `(…, inputs, G)`.

    Examples:
        >>> coefficients, middles = interval_polynomials(extend_knots(torch.tensor([[0.0, 1.0]]), 1), 1)
        >>> coefficients[:, :, 0, 0]  # 1 - x and x, with x = 1/2 + the distance
        tensor([[ 0.5000,  0.5000],
                [-1.0000,  1.0000]])
    """
    windows = knots.unfold(-1, knots.shape[-1] - 1 - 2 * k, 1).movedim(-2, 0)  # the m-th knot before every interval
    middle = (windows[k] + windows[k + 1]) / 2
    around = windows[1 : 2 * k + 1] - middle  # the knots of an interval's functions: k at each side
    coefficients = torch.ones_like(middle)[None, None]
    for d in range(1, k + 1):
        # B = (z - low)·share + (high - z)·share′, of the two neighbors of degree d - 1
        high, low = around[k : k + d], around[k - d : k]
        share = coefficients / (high - low)
        coefficients = knots.new_zeros(d + 1, d + 1, *middle.shape)
        coefficients[:d, :d].addcmul_(high, share)
        coefficients[1:, :d].sub_(share)
        coefficients[1:, 1:].add_(share)
        coefficients[:d, 1:].addcmul_(low, share, value=-1)
    return coefficients, middle


def greville(knots: Tensor, k: int) -> Tensor:
    """Greville abscissae, one for each coefficient, shape `(inputs, G + k)`.

    A spline with these as coefficients is the identity on the grid.

    Examples:
        >>> greville(extend_knots(torch.tensor([[0.0, 1.0]]), 1), 1)
        tensor([[0., 1.]])
    """
    if k == 0:
        return (knots[:, :-1] + knots[:, 1:]) / 2
    return knots.unfold(1, k, 1)[:, 1:-1].mean(-1)


def collocation_sites(knots: Tensor, k: int) -> Tensor:
    """Points on the grid at which a spline is determined by its values, shape `(inputs, G + k)`.

    The Greville abscissae of the knots with their ends clamped to the grid: each lies within the support of its
    basis function, so interpolation there is unique (Schoenberg and Whitney, 1953).
    """
    clamped = torch.minimum(torch.maximum(knots, knots[:, k : k + 1]), knots[:, -k - 1 :][:, :1])
    return greville(clamped, k)


def transfer(coef: Tensor, old: Tensor, new: Tensor, k: int) -> Tensor:
    """Coefficients on new knots for functions given on old ones, by interpolation.

    Exact where the new grid contains every point of the old one and has the same ends; elsewhere the
    interpolant at `collocation_sites`.

    Args:
        coef: Shape `(outputs, inputs, G + k)`.
        old: Knots of shape `(inputs, G + 1 + 2k)`.
        new: Knots of shape `(inputs, H + 1 + 2k)`.
        k: Order of the splines.

    Returns:
        Shape `(outputs, inputs, H + k)`.
    """
    sites = collocation_sites(new, k).T
    values = torch.einsum("nib,oib->ino", basis(sites, old, k), coef)
    matrix = basis(sites, new, k).transpose(0, 1)
    return torch.linalg.solve(matrix, values).permute(2, 0, 1).contiguous()  # LBFGS takes no others
