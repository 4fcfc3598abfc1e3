"""Where a network begins: layers with small random splines, and the edges that a sparse start has."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from kanwidget._types import Arities
from kanwidget.core import splines
from kanwidget.core.layer import Layer

#: First range of the grids of hidden layers. Activations outgrow a tight grid within the first steps and then stay
#: beyond its ends; a wide grid gives them room until it is adapted. (Of ten seeds of [2, 1, 1] three ended in a poor
#: minimum with (-1, 1), none with this.)
HIDDEN_RANGE = (-4.0, 4.0)


def initial_layers(
    width: Sequence[Sequence[int]],
    arities: Arities,
    grids: Sequence[int],
    k: int,
    *,
    grid_range: tuple[float, float] = (-1.0, 1.0),
    base_fun: str = "silu",
    noise_scale: float = 1.0,
    generator: torch.Generator,
    dtype: torch.dtype = torch.float64,
) -> list[Layer]:
    """The layers of edges of a network, with small random splines and base weights; the first has the range of the inputs.

    The coefficients are drawn in float64 whatever the type, so that a seed means the same network in float32.

    Args:
        width: Numbers of sums and of products of each level of nodes.
        arities: Numbers of factors of the products of each level.
        grids: Grid intervals of each layer.
        k: Order of the splines.
        grid_range: First and last grid point of the inputs.
        base_fun: Name of the base function.
        noise_scale: Size of the random splines, ≥ 0: coefficients are uniform between ± half of it, divided by √inputs.
        generator: Draws the coefficients.
        dtype: Of the parameters.
    """
    layers = []
    levels = zip(width[:-1], width[1:], arities[1:], grids, strict=True)
    for level, (below, above, factors, intervals) in enumerate(levels):
        n_in, n_out = sum(below), above[0] + sum(factors)
        scale = 1 / math.sqrt(n_in)  # so that the sum of n_in random edges has the same size for any width
        coef = torch.rand(n_out, n_in, intervals + k, generator=generator, dtype=torch.float64) - 0.5
        base = (torch.rand(n_out, n_in, generator=generator, dtype=torch.float64) * 2 - 1) * scale
        if base_fun == "zero":  # drawn all the same: the generator goes on alike
            base = torch.zeros_like(base)
        ends = HIDDEN_RANGE if level else grid_range
        low, high = (torch.full((n_in,), end, dtype=torch.float64) for end in ends)
        points = splines.uniform_grid(low, high, intervals).to(dtype)
        layers.append(Layer(points, k, (coef * (noise_scale * scale)).to(dtype), base.to(dtype), base_fun))
    return layers


def redrawn_layer(layer: Layer, out_dim: int, *, noise_scale: float, generator: torch.Generator) -> Layer:
    """A layer of random edges from the inputs of `layer` to `out_dim` subnodes, with its number of intervals, and words where it has them.

    Its grids go from -1 to 1, but for those of inputs of words (categories, numbered from 0). `noise_scale` is the size of the random
    splines; `generator` draws them.
    """
    (drawn,) = initial_layers(
        [[layer.in_dim, 0], [out_dim, 0]],
        [[], []],
        [layer.grid_size],
        layer.k,
        base_fun=layer.base_fun,
        noise_scale=noise_scale,
        generator=generator,
        dtype=layer.coef.dtype,
    )
    drawn = drawn.to(layer.coef.device)
    drawn.set_levels(layer.levels, layer.merged)
    return drawn


def nearest_edges(n_in: int, n_out: int) -> Tensor:
    """Mask of the edges between neighbours, `(out, in)`, for `n_in` nodes below `n_out`: each node has at least one of them.

    Both rows of nodes are drawn equally wide; each node has the edge to the nearest node of the other row.

    Examples:
        >>> nearest_edges(3, 3).nonzero().tolist()
        [[0, 0], [1, 1], [2, 2]]
    """
    distance = (positions(n_out)[:, None] - positions(n_in)).abs()
    mask = torch.zeros(n_out, n_in, dtype=torch.bool)
    mask[torch.arange(n_out), distance.argmin(1)] = True
    mask[distance.argmin(0), torch.arange(n_in)] = True
    return mask


def positions(count: int) -> Tensor:
    """Where the nodes of a level stand between 0 and 1: node n of N at (n + ½)/N, `(count,)`, float64."""
    return (torch.arange(count, dtype=torch.float64) + 0.5) / count
