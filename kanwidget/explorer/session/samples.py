"""Samples of a network: the thumbnail of every edge, one edge in detail, and the samples that candidates are fitted to."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.core.scores import Scores, attribute
from kanwidget.explorer.protocol.records import DETAIL_SAMPLES, THUMB_SAMPLES

#: Rows of the data that thumbnails and scores look at.
_ROWS = 256
#: Points of the data shown under the selected curve, and bins of their density.
_POINTS, _BINS = 200, 40


def sampled_scores(network: Network, x: Tensor) -> Scores:
    """How much nodes and edges matter, from as many rows as a drawing needs."""
    return attribute(network, x[:_ROWS])


def thumbnails(network: Network, x: Tensor, importance: Scores, samples: int = THUMB_SAMPLES) -> Tensor:
    """One row an edge, in the order of the structure: importance, x_min, x_max and the samples between.

    Returns:
        Shape `(edges, 3 + samples)`.
    """
    with torch.no_grad():
        nodes = network.select(x[:_ROWS])
        parts = []
        for index in range(network.depth):
            layer = network.layer(index)
            low, high = nodes.amin(0), nodes.amax(0)
            at = torch.linspace(0, 1, samples, dtype=x.dtype, device=x.device)[:, None]
            values = layer.edges(low + at * (high - low)).permute(1, 2, 0)
            ends = torch.stack([low, high], 1).expand(layer.out_dim, -1, -1)
            ends, values = _in_own_units(network, index, ends, values)
            parts.append(torch.cat([importance.edge_scores[index][..., None], ends, values], -1).flatten(0, 1))
            nodes = network.combine(index + 1, layer(nodes))
    return torch.cat(parts)


def _in_own_units(network: Network, index: int, ends: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Ends `(out, in, 2)` and samples `(out, in, samples)` of a layer's edges in own units, from scaled ones."""
    if index == 0 and network.scaling.scales_input:
        inputs = network.input_scale
        ends = inputs.centre[network.columns][:, None] + inputs.size[network.columns][:, None] * ends
    if index == network.depth - 1 and network.scaling.scales_output:
        sizes = values.new_ones(len(values))
        sizes[: network.width[-1][0]] = network.output_scale.size[: network.width[-1][0]]
        values = sizes[:, None, None] * values
    return ends, values


def edge_inputs(network: Network, edge: tuple[int, int, int], x: Tensor) -> Tensor:
    """What arrives at an edge, `(batch,)`, in own units."""
    layer, source, _ = edge
    with torch.no_grad():
        nodes = network.select(x)
        for index in range(layer):
            nodes = network.combine(index + 1, network.layer(index)(nodes))
    units = network.edge_units(edge)
    return units.x_centre + units.x_size * nodes[:, source]


def edge_samples(network: Network, edge: tuple[int, int, int], x: Tensor) -> Tensor:
    """Inputs of an edge and its values there, `(2, batch)`."""
    inputs = edge_inputs(network, edge, x[:_ROWS])
    return torch.stack([inputs, network.curve(edge, inputs).y])


def edge_detail(network: Network, edge: tuple[int, int, int], x: Tensor) -> tuple[dict[str, Tensor], list[float]]:
    """The arrays of `Selection`, and the range of the data."""
    index, source, target = edge
    layer = network.layer(index)
    inputs = edge_inputs(network, edge, x)
    units = network.edge_units(edge)
    grid = units.x_centre + units.x_size * layer.grid[source]
    low, high = float(inputs.min()), float(inputs.max())
    ends = torch.stack([torch.minimum(grid[0], inputs.min()), torch.maximum(grid[-1], inputs.max())])
    at = torch.linspace(0, 1, DETAIL_SAMPLES, dtype=x.dtype, device=x.device)
    curve = network.curve(edge, ends[0] + at * (ends[1] - ends[0]))
    picked = inputs[torch.linspace(0, len(inputs) - 1, min(_POINTS, len(inputs)), device=x.device).long()]
    # Of a network that has diverged nothing is counted.
    ends_of_bins = (low, high) if high > low else (low, low + 1) if math.isfinite(low) else (0.0, 1.0)
    bins = torch.from_numpy(np.histogram(inputs.cpu().numpy(), _BINS, ends_of_bins)[0])
    knots, k = units.x_centre + units.x_size * layer.knots[source], layer.k
    # A coefficient acts around the mean of its inner knots (Greville); for k = 0 around the middle of its interval.
    greville = knots.unfold(0, k, 1)[1:-1].mean(1) if k else (knots[1:] + knots[:-1]) / 2
    arrays = {
        "detail": torch.stack([curve.x, curve.y, curve.base, curve.spline]),
        "points": torch.stack([picked, network.curve(edge, picked).y]),
        "density": bins / max(1, int(bins.max())),
        "knots": grid,
        "full_knots": knots,
        "handles": torch.stack([greville, units.y_size * layer.weight()[target, source, :-1]]),
    }
    return arrays, [low, high]
