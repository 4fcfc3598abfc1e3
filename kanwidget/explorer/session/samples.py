"""Samples of a network: the thumbnail of every edge, one edge in detail, and the samples that candidates are fitted to."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.core.scores import Scores, attribute
from kanwidget.datasets import Dataset
from kanwidget.explorer.protocol.records import DETAIL_SAMPLES, THUMB_SAMPLES

#: Rows of the data that thumbnails and scores look at.
_ROWS = 256
#: Points of the data shown under the selected curve, and bins of their density.
_POINTS, _BINS = 200, 40
#: Rows whose classes are counted for the accuracy.
_MOST_LABELS = 2000


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
            values = layer.edges(low + at * (high - low))
            ends = torch.stack([low, high], 1).expand(layer.out_dim, -1, -1)
            parts.append(
                torch.cat([importance.edge_scores[index][..., None], ends, values.permute(1, 2, 0)], -1).flatten(0, 1)
            )
            nodes = network.combine(index + 1, layer(nodes))
    return torch.cat(parts)


def edge_inputs(network: Network, edge: tuple[int, int, int], x: Tensor) -> Tensor:
    """What arrives at an edge, `(batch,)`."""
    layer, source, _ = edge
    with torch.no_grad():
        nodes = network.select(x)
        for index in range(layer):
            nodes = network.combine(index + 1, network.layer(index)(nodes))
    return nodes[:, source]


def edge_samples(network: Network, edge: tuple[int, int, int], x: Tensor) -> Tensor:
    """Inputs of an edge and its values there, `(2, batch)`."""
    inputs = edge_inputs(network, edge, x[:_ROWS])
    return torch.stack([inputs, network.curve(edge, inputs).y])


def edge_detail(network: Network, edge: tuple[int, int, int], x: Tensor) -> tuple[dict[str, Tensor], list[float]]:
    """The arrays of `Selection`, and the range of the data."""
    index, source, target = edge
    layer = network.layer(index)
    inputs = edge_inputs(network, edge, x)
    grid = layer.grid[source]
    low, high = float(inputs.min()), float(inputs.max())
    ends = torch.stack([torch.minimum(grid[0], inputs.min()), torch.maximum(grid[-1], inputs.max())])
    at = torch.linspace(0, 1, DETAIL_SAMPLES, dtype=x.dtype, device=x.device)
    curve = network.curve(edge, ends[0] + at * (ends[1] - ends[0]))
    picked = inputs[torch.linspace(0, len(inputs) - 1, min(_POINTS, len(inputs)), device=x.device).long()]
    # Of a network that has diverged nothing is counted.
    ends_of_bins = (low, high) if high > low else (low, low + 1) if math.isfinite(low) else (0.0, 1.0)
    bins = torch.from_numpy(np.histogram(inputs.cpu().numpy(), _BINS, ends_of_bins)[0])
    knots, k = layer.knots[source], layer.k
    # A coefficient acts around the mean of its inner knots (Greville); for k = 0 around the middle of its interval.
    greville = knots.unfold(0, k, 1)[1:-1].mean(1) if k else (knots[1:] + knots[:-1]) / 2
    arrays = {
        "detail": torch.stack([curve.x, curve.y, curve.base, curve.spline]),
        "points": torch.stack([picked, network.curve(edge, picked).y]),
        "density": bins / max(1, int(bins.max())),
        "knots": grid,
        "full_knots": knots,
        "handles": torch.stack([greville, layer.weight()[target, source, :-1]]),
    }
    return arrays, [low, high]


def sampled_accuracy(network: Network, data: Dataset) -> float | None:
    """The part of the rows whose class has the highest score, among evenly spread rows of the test data; without any of the training data.

    None for outputs that aren't finite.
    """
    x, label = data.test_input, data.test_label
    if x is None or label is None:
        x, label = data.train_input, data.train_label
    picked = torch.linspace(0, len(x) - 1, min(_MOST_LABELS, len(x)), device=x.device).round().long()
    with torch.no_grad():
        scores = network(x[picked])
    if not bool(scores.isfinite().all()):
        return None
    return float((scores.argmax(1) == label[picked].to(scores.device)).double().mean())
