"""B-splines of any order on any increasing knots, as pure functions.

With G intervals and order k (degree k, as in the KAN papers) an input has G + k basis functions on
G + 1 + 2k knots. Beyond the grid every basis function goes on linearly, with its value and its derivative
at the end: an activation that leaves the grid keeps a gradient and extrapolation stays tame.

References:
    Carl de Boor, "On calculating with B-splines", Journal of Approximation Theory 6 (1972).
    Liu et al., "KAN: Kolmogorov-Arnold Networks", arXiv:2404.19756, section 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from kanwidget.core.cardinal import ORDERS, Cardinal, EvenGrid, even_grid
from kanwidget.core.pieces import even, is_plain, uneven

#: Points that are evaluated at once: what is worked out for them fits into the processor's cache.
_AT_ONCE = 2**16


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
    """The grid within extended knots, `(inputs, G + 1)`: without the k knots that were added at each end for splines of order k."""
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
        room: Number of columns of 0 that follow, for the caller to fill.

    Returns:
        Shape `(…, batch, inputs, G + k + room)`. Of many points on even grids the inputs, not the functions, lie side by side in memory.

    Examples:
        >>> knots = extend_knots(torch.tensor([[0.0, 1.0, 2.0]]), 1)
        >>> basis(torch.tensor([[0.25], [1.5]]), knots, 1)
        tensor([[[0.7500, 0.2500, 0.0000]],
        <BLANKLINE>
                [[0.0000, 0.5000, 0.5000]]])
    """
    if not torch.is_grad_enabled() and is_plain(x) and is_plain(knots) and not _has_tangents():
        # Without a graph few points take half of the time.
        return _evaluate(x, knots, k, [order], room)[0]
    if not torch.compiler.is_compiling():
        return _Basis.apply(x, knots, k, order, room)
    # A file that another program reads knows torch's own operations alone; and an operation of ours has no derivative in forward mode.
    if torch.compiler.is_exporting() or _has_tangents():
        return _Traced.apply(x, knots, k, order, room)
    return _compiled(x, knots, k, order, room).mT  # one operation for torch.compile; it has functions before inputs


def _has_tangents() -> bool:
    """Whether tensors may carry derivatives of forward mode."""
    return forward_ad._current_level >= 0


class _Traced(torch.autograd.Function):
    """The form that torch.export can trace: once differentiable, in reverse mode (not at all under `strict=True`: its gradients are 0)."""

    @staticmethod
    def forward(x: Tensor, knots: Tensor, k: int, order: int, room: int) -> Tensor:
        """The derivatives of an order (0 for values) of all basis functions at x, and behind them `room` columns of 0.

        x is `(…, batch, inputs)`, the result `(…, batch, inputs, G + k + room)`; splines have order k and `(…, inputs, G + 1 + 2k)` knots.
        """
        return _evaluate(x, knots, k, [order], room)[0]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep the arguments of `forward`, `inputs`, for the backward pass, which evaluates the basis functions anew, one order higher.

        They are points, knots, order k, order of the derivative, and how many columns of 0 end the result (`room`).
        """
        x, knots, ctx.k, ctx.order, ctx.room = inputs
        ctx.save_for_backward(x, knots)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None, None]:
        """The gradient in x, from that in the result of `forward`; knots and whole numbers have none."""
        x, knots = ctx.saved_tensors
        return _slopes(grad, x, knots, ctx.k, ctx.order + 1), None, None, None, None


class _Basis(_Traced):
    """Differentiable to any order in reverse mode, also after a forward derivative, and under vmap.

    Forward over forward is wrong: torch gives the jvp of a jvp of a function of one's own the tangent 0.
    """

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep the arguments of `forward` for backward passes, and points and knots for a derivative in forward mode."""
        _Traced.setup_context(ctx, inputs, output)
        ctx.save_for_forward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None, None]:
        """The gradient in x, from that in the result of `forward`, itself differentiable where gradients are enabled.

        `ctx` has the arguments of `forward`: x, knots, order k, order of the derivative, and the number of columns of 0 at the end, `room`.
        """
        if not torch.is_grad_enabled():
            return _Traced.backward(ctx, grad)
        x, knots = ctx.saved_tensors  # the derivative is to be differentiated, too
        return (grad * _Basis.apply(x, knots, ctx.k, ctx.order + 1, ctx.room)).sum(-1), None, None, None, None

    @staticmethod
    def jvp(ctx: Any, dx: Tensor, *_: None) -> Tensor:
        """How the result of `forward` changes if x changes by dx: its derivatives of the next order, times dx."""
        x, knots = ctx.saved_tensors
        return dx[..., None] * _Basis.apply(x, knots, ctx.k, ctx.order + 1, ctx.room)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], x: Tensor, knots: Tensor, *options: int) -> Any:
        """The result for many x, many knots or both, along the axes `in_dims` (None for what isn't mapped), and its mapped axis.

        `options` are k, order and room. The mapped axis becomes more rows or more inputs of a single call.
        """
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


@torch.library.custom_op("kanwidget::basis", mutates_args=())
def _compiled(x: Tensor, knots: Tensor, k: int, order: int, room: int) -> Tensor:
    """What `basis` is for torch.compile, one operation: `(…, batch, G + k + room, inputs)`, once differentiable, in reverse mode.

    Traced operation by operation, many points took five times as long: the compiler's loops can't know which functions are 0.
    """
    return _evaluate(x, knots, k, [order], room)[0].mT.contiguous()


@_compiled.register_fake
def _(x: Tensor, knots: Tensor, k: int, order: int, room: int) -> Tensor:
    """An empty tensor of the shape and type of the result of `_compiled`: all that torch.compile needs while it traces."""
    dtype = torch.promote_types(x.dtype, knots.dtype)
    return x.new_empty(*x.shape[:-1], knots.shape[-1] - 1 - k + room, x.shape[-1], dtype=dtype)


@torch.library.custom_op("kanwidget::basis_slopes", mutates_args=())
def _compiled_slopes(grad: Tensor, x: Tensor, knots: Tensor, k: int, order: int) -> Tensor:
    """The gradient in x, `(…, batch, inputs)`, from `grad`, that in the result of `_compiled`; `order` as in `_slopes`."""
    return _slopes(grad.mT, x, knots, k, order).contiguous()


@_compiled_slopes.register_fake
def _(grad: Tensor, x: Tensor, knots: Tensor, k: int, order: int) -> Tensor:
    return x.new_empty(x.shape)


def _compiled_backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None, None]:
    """The gradient in x of `_compiled`; knots and whole numbers have none."""
    x, knots = ctx.saved_tensors
    return _compiled_slopes(grad, x, knots, ctx.k, ctx.order + 1), None, None, None, None


_compiled.register_autograd(_compiled_backward, setup_context=_Traced.setup_context)


def basis_to_order(x: Tensor, knots: Tensor, k: int, highest: int, room: int = 0) -> list[Tensor]:
    """Values and derivatives up to the order `highest` of all basis functions, for little more than the cost of one order, without a graph.

    Args:
        x: Points, shape `(…, batch, inputs)`.
        knots: Increasing knots, shape `(…, inputs, G + 1 + 2k)`.
        k: Order of the spline, ≥ 0.
        highest: The highest order of a derivative.
        room: Number of columns of 0 that follow, for the caller to fill.

    Returns:
        One tensor for each order from 0, `(…, batch, inputs, G + k + room)`.

    Examples:
        >>> knots = extend_knots(torch.tensor([[0.0, 1.0, 2.0]]), 1)
        >>> basis_to_order(torch.tensor([[0.25]]), knots, 1, 2)[1]
        tensor([[[-1.,  1.,  0.]]])
    """
    with torch.no_grad():
        return _evaluate(x, knots, k, range(highest + 1), room)


def are_many(x: Tensor) -> bool:
    """Whether a tensor has so many points that memory takes longer than the arithmetic; False on a GPU and while torch traces."""
    plain = type(x) is Tensor and x.device.type == "cpu"
    traced = torch.compiler.is_compiling() or torch.jit.is_tracing()  # type: ignore[attr-defined]
    return plain and not traced and x.numel() >= _AT_ONCE  # last: torch notes that somebody asks


def _evaluate(x: Tensor, knots: Tensor, k: int, orders: Sequence[int], room: int = 0) -> list[Tensor]:
    """Derivatives of all basis functions, for each of `orders` (0 for values) `(…, batch, inputs, G + k + room)`, without autograd.

    At each point only k + 1 functions aren't 0: these are evaluated and written to their columns. Values of many points on even grids
    have a quicker way. The last `room` columns are 0.
    """
    # The grids where they are even and points are many, else None; and the number of functions.
    grid, size = _grid_of_many(x, knots, k, max(orders)), knots.shape[-1] - 1 - k
    dtype = torch.promote_types(x.dtype, knots.dtype)
    if grid is not None and [*orders] == [0] and k in ORDERS and dtype == knots.dtype:
        shape = (*x.shape[:-1], size + room, x.shape[-1])
        full, cardinal = torch.empty(shape, dtype=dtype, device=x.device), Cardinal(grid, k)
        full.narrow(-2, size, room).zero_()
        for start, count in _chunks(x):
            points, part = x.narrow(-2, start, count), full.narrow(-3, start, count).narrow(-2, 0, size)
            cardinal.values(grid.places(points), part)
        return [full.mT]
    pieces_at = uneven(knots, k) if grid is None else even(grid, k)
    found = [torch.empty(*x.shape, size + room, dtype=dtype, device=x.device) for _ in orders]
    for start, count in _chunks(x):
        pieces_at(x.narrow(-2, start, count)).write([full.narrow(-3, start, count) for full in found], orders)
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
    # The grids where they are even and points are many, else None: these have a quick way, but for first derivatives alone.
    grid, parts = _grid_of_many(x, knots, k, order), []
    pieces_at = uneven(knots, k) if grid is None else even(grid, k)
    cardinal = None if grid is None or order != 1 or k not in ORDERS or x.dtype != knots.dtype else Cardinal(grid, k)
    for start, count in _chunks(x):
        points, own = x.narrow(-2, start, count), grad.narrow(-3, start, count)
        if cardinal is not None and grid is not None:
            slopes = cardinal.slopes(grid.places(points), own.narrow(-1, 0, knots.shape[-1] - 1 - k).mT)
            parts.append(slopes.div_(grid.step))
            continue
        pieces = pieces_at(points)
        own = own.gather(-1, pieces.columns).movedim(-1, 0)
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


def _grid_of_many(x: Tensor, knots: Tensor, k: int, order: int) -> EvenGrid | None:
    """The grids of `knots` where these are even and points are many, for which there are quicker ways; else None.

    Args:
        x: All points; only their number counts.
        knots: Knots of each input.
        k: Order of the splines.
        order: Highest order of the derivatives that are asked for.
    """
    # The quicker ways know points by their place on an even grid. Where a derivative jumps, of order k or more, round-off of the place
    # could take a point on a knot to the other side.
    return even_grid(knots, k) if order < k and are_many(x) else None


def greville(knots: Tensor, k: int) -> Tensor:
    """Greville abscissae, for each coefficient the mean of the k inner knots of its basis function, shape `(inputs, G + k)`.

    A spline of order k on these knots, `(inputs, G + 1 + 2k)`, with its abscissae as coefficients, is the identity on the grid if k ≥ 1.

    Examples:
        >>> greville(extend_knots(torch.tensor([[0.0, 1.0]]), 1), 1)
        tensor([[0., 1.]])
    """
    if k == 0:  # functions are constant on an interval: its middle
        return (knots[:, :-1] + knots[:, 1:]) / 2
    return knots.unfold(1, k, 1)[:, 1:-1].mean(-1)


def collocation_sites(knots: Tensor, k: int) -> Tensor:
    """Points on the grid at which a spline of order k is determined by its values, shape `(inputs, G + k)`.

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
