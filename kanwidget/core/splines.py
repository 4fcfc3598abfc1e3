"""B-splines of any order on any increasing knots, as pure functions.

With G intervals and order k (degree k, as in the KAN papers) an input has G + k basis functions on
G + 1 + 2k knots. Beyond the grid every basis function goes on linearly, with the value and the slope that it has
at the end: an activation that leaves the grid keeps a gradient and extrapolation stays tame.

References:
    Carl de Boor, "On calculating with B-splines", Journal of Approximation Theory 6 (1972).
    Liu et al., "KAN: Kolmogorov-Arnold Networks", arXiv:2404.19756, section 2.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


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


def basis(x: Tensor, knots: Tensor, k: int, order: int = 0) -> Tensor:
    """Values, or derivatives of any order, of all basis functions.

    Differentiable in x to any order: the backward pass is the same function, one order higher, so that memory
    holds x and not the recursion's intermediate results.

    Args:
        x: Points, shape `(…, batch, inputs)`.
        knots: Increasing knots, shape `(…, inputs, G + 1 + 2k)`, not differentiated.
        k: Order of the spline, ≥ 0.
        order: 0 for values, 1 for slopes, …

    Returns:
        Shape `(…, batch, inputs, G + k)`.

    Examples:
        >>> knots = extend_knots(torch.tensor([[0.0, 1.0, 2.0]]), 1)
        >>> basis(torch.tensor([[0.25], [1.5]]), knots, 1)
        tensor([[[0.7500, 0.2500, 0.0000]],
        <BLANKLINE>
                [[0.0000, 0.5000, 0.5000]]])
    """
    kind = _Traced if torch.compiler.is_compiling() else _Basis
    return kind.apply(x, knots, k, order)


class _Traced(torch.autograd.Function):
    """What torch.compile can follow: once differentiable, in reverse mode."""

    @staticmethod
    def forward(x: Tensor, knots: Tensor, k: int, order: int) -> Tensor:
        return _evaluate(x, knots, k, order)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, knots, ctx.k, ctx.order = inputs
        ctx.save_for_backward(x, knots)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        x, knots = ctx.saved_tensors
        return (grad * _evaluate(x, knots, ctx.k, ctx.order + 1)).sum(-1), None, None, None


class _Basis(_Traced):
    """Differentiable in both modes to any order, and under vmap."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _Traced.setup_context(ctx, inputs, output)
        ctx.save_for_forward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        x, knots = ctx.saved_tensors
        return (grad * _Basis.apply(x, knots, ctx.k, ctx.order + 1)).sum(-1), None, None, None

    @staticmethod
    def jvp(ctx: Any, dx: Tensor, *_: None) -> Tensor:
        x, knots = ctx.saved_tensors
        return dx[..., None] * _Basis.apply(x, knots, ctx.k, ctx.order + 1)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], x: Tensor, knots: Tensor, k: int, order: int) -> Any:
        size, (of_x, of_knots) = info.batch_size, in_dims[:2]
        many = x.movedim(of_x, 0) if of_x is not None else x.expand(size, *x.shape)
        if of_knots is None:
            # Points are independent: a mapped dimension is more rows.
            out = _Basis.apply(many.reshape(-1, many.shape[-1]), knots, k, order)
            return out.view(*many.shape, -1), 0
        # So are inputs: knots that are mapped over belong to more of them.
        rows, inputs = many.shape[1:]
        side = many.transpose(0, 1).reshape(rows, size * inputs)
        out = _Basis.apply(side, knots.movedim(of_knots, 0).reshape(size * inputs, -1), k, order)
        return out.view(rows, size, inputs, -1), 1


def basis_and_slopes(x: Tensor, knots: Tensor, k: int, room: int = 0) -> tuple[Tensor, Tensor]:
    """`basis` of orders 0 and 1 for little more than the price of one, without a graph; `room` more columns of 0 come last.

    Examples:
        >>> knots = extend_knots(torch.tensor([[0.0, 1.0, 2.0]]), 1)
        >>> values, slopes = basis_and_slopes(torch.tensor([[0.25]]), knots, 1)
        >>> slopes
        tensor([[[-1.,  1.,  0.]]])
    """
    with torch.no_grad():
        places = _Places(x, knots, k)
        if k == 0:
            return places.spread(places.local(0), room), places.spread(places.local(1), room)
        share, near = places.shares(places.raised(k - 1), k), places.inside
        values = places.value_step(share, near + k * (x - near), k)
        return places.spread(values, room), places.spread(places.slope_step(share, k), room)


def basis_to_order(x: Tensor, knots: Tensor, k: int, highest: int) -> list[Tensor]:
    """`basis` of all orders from 0 to `highest`, without a graph.

    Examples:
        >>> knots = extend_knots(torch.tensor([[0.0, 1.0, 2.0]]), 1)
        >>> basis_to_order(torch.tensor([[0.25]]), knots, 1, 2)[1]
        tensor([[[-1.,  1.,  0.]]])
    """
    with torch.no_grad():
        places = _Places(x, knots, k)
        return [places.spread(places.local(order)) for order in range(highest + 1)]


def _evaluate(x: Tensor, knots: Tensor, k: int, order: int) -> Tensor:
    """`basis` without autograd: clamp to the grid, evaluate there, go on linearly outside."""
    places = _Places(x, knots, k)
    return places.spread(places.local(order))


class _Places:
    """Points `(…, batch, inputs)` among knots, and the k + 1 basis functions that are not zero on each one's interval.

    Local values have the shape `(degree + 1, …, batch, inputs)`.
    """

    def __init__(self, x: Tensor, knots: Tensor, k: int) -> None:
        count = knots.shape[-1]
        self.x, self.k, self.last = x, k, count - 1 - k
        low, high = knots[..., None, :, k], knots[..., None, :, self.last]
        self.inside = torch.minimum(torch.maximum(x, low), high)
        # Points go to the interval at their right, the grid's end to its last interval.
        points = self.inside.mT.contiguous(memory_format=torch.contiguous_format)
        self.interval = torch.searchsorted(knots[..., k + 1 : self.last].contiguous(), points, right=True).mT
        columns = torch.arange(knots.shape[:-1].numel(), device=x.device).view(low.shape) * count + k
        around = torch.arange(1 - k, k + 1, device=x.device).view(-1, *[1] * x.ndim)
        self.t = knots.reshape(-1)[self.interval + columns + around]  # 2k a point: t[k - 1] <= inside <= t[k]

    def local(self, order: int) -> Tensor:
        """The local functions' derivatives of an order.

        De Boor's recursion up to degree k - order, then `order` differences. Those differences and the last step of the
        recursion start from the same quotients, so B(e) + (x - e)·B'(e), the line beyond an end e, is that last step
        taken at e + k·(x - e).
        """
        x, k = self.x, self.k
        if order > k:
            return torch.zeros(k + 1, *x.shape, dtype=x.dtype, device=x.device)
        if order == 0 and k > 0:
            return self.value_step(self.shares(self.raised(k - 1), k), self.inside + k * (x - self.inside), k)
        values = self.raised(k - order)
        for d in range(k - order + 1, k + 1):
            values = self.slope_step(self.shares(values, d), d)
        # A line has no curvature: the derivatives of order 2 and more vanish outside.
        return torch.where(x == self.inside, values, 0.0) if order > 1 else values

    def raised(self, degree: int) -> Tensor:
        """Values of a lower degree, within the grid."""
        values = torch.ones(1, *self.x.shape, dtype=self.x.dtype, device=self.x.device)
        for d in range(1, degree + 1):
            values = self.value_step(self.shares(values, d), self.inside, d)
        return values

    def shares(self, values: Tensor, d: int) -> Tensor:
        """B_i/(t_{i+d} - t_i) for functions of degree d - 1: what both steps to degree d start from."""
        return values / (self.t[self.k : self.k + d] - self.t[self.k - d : self.k])

    # Both steps write every element once: memory is what they cost.

    def value_step(self, share: Tensor, point: Tensor, d: int) -> Tensor:
        """Values of degree d at `point`."""
        values = share.new_empty(d + 1, *self.x.shape)
        torch.mul(self.t[self.k : self.k + d] - point, share, out=values[:d])
        from_left = point - self.t[self.k - d : self.k]
        torch.mul(from_left[-1], share[-1], out=values[d])
        values[1:d].addcmul_(from_left[:-1], share[:-1])
        return values

    def slope_step(self, share: Tensor, d: int) -> Tensor:
        """B' of degree d: d·(B_i/(t_{i+d} - t_i) - B_{i+1}/(t_{i+d+1} - t_{i+1})) of degree d - 1."""
        values, scaled = share.new_empty(d + 1, *self.x.shape), d * share
        torch.neg(scaled[0], out=values[0])
        torch.sub(scaled[:-1], scaled[1:], out=values[1:d])
        values[d] = scaled[-1]
        return values

    def spread(self, local: Tensor, room: int = 0) -> Tensor:
        """All basis functions, `(…, batch, inputs, G + k + room)`: the local ones at their places, else 0."""
        columns = self.interval[..., None] + torch.arange(self.k + 1, device=local.device)
        full = torch.zeros(*self.x.shape, self.last + room, dtype=local.dtype, device=local.device)
        return full.scatter_(-1, columns, local.movedim(0, -1))


def greville(knots: Tensor, k: int) -> Tensor:
    """Greville abscissae, the natural place of each coefficient, shape `(inputs, G + k)`.

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
