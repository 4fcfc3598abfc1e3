"""Widening of grids before activations leave them. The functions within stay exactly the same."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from kanwidget.core import splines
from kanwidget.core.layer import Layer
from kanwidget.core.network import Network
from kanwidget.core.threads import limit_threads
from kanwidget.surgery.grids import tied_inputs

#: An end moves while samples are beyond it by this part of its interval: farther out a polynomial differs from the line there.
_BEYOND = 0.25


@limit_threads
def widen(network: Network, x: Tensor, *, margin: float = 0.1) -> bool:
    """Move the ends of grids outwards where samples come close to them. In place.

    The last polynomial of a spline goes on over its longer interval: within the old grid nothing changes, to round-off, and
    beyond it the curve stays smooth where it was a line before. An end is moved when samples are nearer to it than half the margin,
    and then as far as the margin; not where samples are already farther out than a quarter of the last interval. Inputs with
    frozen splines keep their grids.

    Args:
        network: The network.
        x: Samples, shape `(batch, n_features)`.
        margin: Distance of each end from the samples, as a part of their range; > 0.

    Returns:
        Whether any end was moved.

    Examples:
        >>> from kanwidget import KAN
        >>> model, x = KAN([1, 2, 1]), torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None]
        >>> before = model(x)
        >>> widen(model, x), bool((model(x) - before).abs().max() < 1e-12)
        (True, True)
    """
    moved = False
    with torch.no_grad():
        nodes = network.select(x)
        for level, layer in enumerate(network.layers, 1):
            moved |= _widen_layer(layer, nodes, margin)
            nodes = network.combine(level, layer(nodes))
    return moved


def _widen_layer(layer: Layer, nodes: Tensor, margin: float) -> bool:
    """Widen a layer's grids where samples of its inputs, `nodes`, `(batch, in)`, come close to an end; whether any was. In place.

    `margin` is the distance of a new end from the samples, as a part of their range.
    """
    ends = _new_ends(layer, nodes, margin)
    grid = layer.grid
    if torch.equal(ends, grid[:, [0, -1]]):
        return False
    new = grid.clone()
    new[:, 0], new[:, -1] = ends.unbind(1)
    knots = splines.extend_knots(new, layer.k)
    # New coefficients from the values of the continued splines at points that determine them.
    sites = splines.collocation_sites(knots, layer.k).T
    values = torch.einsum("nib,oib->ino", continued(sites, layer.knots, layer.k), layer.spline_coef)
    matrix = splines.basis(sites, knots, layer.k).transpose(0, 1)
    coef = torch.linalg.solve(matrix, values).permute(2, 0, 1)
    fixed = (ends == grid[:, [0, -1]]).all(1)
    layer.spline_coef.copy_(torch.where(fixed[None, :, None], layer.spline_coef, coef))
    layer.knots.copy_(torch.where(fixed[:, None], layer.knots, knots))
    return True


def _new_ends(layer: Layer, nodes: Tensor, margin: float) -> Tensor:
    """First and last grid point of each input after it was widened, `(in, 2)`; the present ones where nothing is to be done.

    Args:
        layer: The layer.
        nodes: Samples of its inputs, `(batch, in)`.
        margin: Distance of a new end from the samples, as a part of their range.
    """
    ends = layer.grid[:, [0, -1]]
    low, high = nodes.amin(0), nodes.amax(0)
    room = margin * (high - low)
    free = layer.spline_on.any(0) & ~(layer.frozen & layer.spline_on).any(0) & torch.isfinite(low + high)
    free &= torch.tensor(layer.levels, device=free.device) == 0
    for group in tied_inputs(layer):
        low[group], high[group] = low[group].min(), high[group].max()
        room[group], free[group] = room[group].max(), free[group].all()
    # Of both ends: where they would go, whether samples come near, and how far samples are beyond them.
    wide = torch.stack([torch.minimum(ends[:, 0], low - room), torch.maximum(ends[:, 1], high + room)], dim=1)
    near = torch.stack([low - room / 2 < ends[:, 0], high + room / 2 > ends[:, 1]], dim=1)
    beyond = torch.stack([ends[:, 0] - low, high - ends[:, 1]], dim=1)
    last = layer.grid.diff(dim=1)[:, [0, -1]]  # lengths of the end intervals
    # Farther beyond an end than a quarter of its interval the polynomial differs from the line there: such an end stays.
    return torch.where(near & free[:, None] & (beyond <= _BEYOND * last), wide, ends)


def continued(x: Tensor, knots: Tensor, k: int) -> Tensor:
    """All basis functions of order k at x, `(batch, in)`: `(batch, in, G + k)`, the first and last polynomials going on beyond the grid.

    `splines.basis` goes on in straight lines; here it is the Taylor series at the grid's ends.
    """
    grid = splines.interior(knots, k)
    inside = torch.minimum(torch.maximum(x, grid[:, 0]), grid[:, -1])
    beyond = (x - inside)[..., None]
    terms = [splines.basis(inside, knots, k, order) * beyond**order / math.factorial(order) for order in range(k + 1)]
    return torch.stack(terms).sum(0)
