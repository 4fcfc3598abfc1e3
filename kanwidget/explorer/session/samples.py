"""Samples of a network, in the units of its data: the thumbnail of every edge, one edge in detail, and the samples that candidates are
fitted to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.core import EdgeRef, Trace
from kanwidget.core.network import Network
from kanwidget.core.records import Posterior
from kanwidget.core.scores import Scores, attribute_trace
from kanwidget.core.threads import limit_threads
from kanwidget.datasets import Dataset
from kanwidget.datasets.arrays import even_rows
from kanwidget.explorer.protocol.records import DETAIL_SAMPLES, THUMB_SAMPLES
from kanwidget.symbolic.formulas.words import level_mean
from kanwidget.training.evidence.errors import curve_errors

#: Rows of the data that thumbnails and scores look at.
_ROWS = 256
#: Bins of the density of the data under the selected curve.
_BINS = 40
#: How far a selected edge is drawn beyond its data, as a part of their range.
_BEYOND = 0.1
#: Rows whose classes are counted for the accuracy.
_MOST_LABELS = 2000
#: Rows of training and of test data that trials beside the training look at.
MOST_ROWS = 2000


@dataclass(frozen=True, slots=True)
class NetworkSamples:
    """What a drawing shows of all edges."""

    scores: Scores
    """How much nodes and edges matter."""
    thumbnails: Tensor
    """One row an edge, in the order of the structure: importance, x_min, x_max and the samples between, `(edges, 3 + samples)`."""


@limit_threads  # of a large table, too, it is a small sample
def sampled(network: Network, x: Tensor, samples: int = THUMB_SAMPLES) -> NetworkSamples:
    """Scores and thumbnails, from as many rows as a drawing needs.

    The points of the thumbnails go through a layer together with the rows of the data: the number of operations is what a frame costs.

    Args:
        network: The network.
        x: Inputs of the network, `(rows, n_features)`; at most 256 of them are looked at.
        samples: Points of a thumbnail.
    """
    with torch.no_grad():
        x = even_rows(x, _ROWS)
        nodes = [network.select(x)]
        # Places in a thumbnail, 0 at its left end and 1 at its right end.
        rows, at = len(nodes[0]), torch.linspace(0, 1, samples, dtype=x.dtype, device=x.device)[:, None]
        subnodes, edges, ends, values = [], [], [], []
        for index in range(network.depth):
            low, high = torch.aminmax(nodes[-1], dim=0)
            layer, both = network.layer(index), torch.cat([nodes[-1], low + at * (high - low)])
            both = layer.edges_of(both, layer.designs(both, 0)[0])  # values of all edges, `(rows + samples, out, in)`
            edges.append(both[:rows])
            values.append(both[rows:])
            ends.append(torch.stack([low, high], 1))
            subnodes.append(edges[-1].sum(-1))
            nodes.append(network.combine(index + 1, subnodes[-1]))
        drawn = torch.cat(nodes, 1).isfinite().all(1)
        if 0 < int(drawn.sum()) < rows:  # a formula may hand the logarithm of 0 to an exponential
            return sampled(network, x[drawn], samples)
        _to_own_units(network, ends, values)
        # Scores are shares of standard deviations, so they need no units.
        scores = attribute_trace(network, Trace(tuple(nodes), tuple(subnodes), tuple(edges), ()), network.depth)
        parts = [
            torch.cat([score[..., None], end.expand(len(score), -1, -1), value.permute(1, 2, 0)], -1).flatten(0, 1)
            for score, end, value in zip(scores.edge_scores, ends, values, strict=True)
        ]
        return NetworkSamples(scores, torch.cat(parts))


def _to_own_units(network: Network, ends: list[Tensor], values: list[Tensor]) -> None:
    """Replace the first layer's ends and the last layer's values by the same in own units. In place: all others have no other units.

    Of each layer `ends` has the smallest and largest value of each node below, `(in, 2)`, and `values` the curves, `(samples, out, in)`.
    """
    if network.scaling.scales_input:
        centre, size = (part[network.columns, None] for part in network.input_scale)
        ends[0] = centre + size * ends[0]
    if network.scaling.scales_output:
        sums, size = network.width[-1][0], torch.ones_like(values[-1][0, :, 0])
        size[:sums] = network.output_scale.size[:sums]  # a factor of a product of outputs has no unit of its own
        values[-1] = size[:, None] * values[-1]


def drawn_rows(x: Tensor, most: int) -> Tensor:
    """Indices of at most `most` of the rows of x, evenly spread: a table may be sorted."""
    return torch.linspace(0, len(x) - 1, min(most, len(x)), device=x.device).round().long()


def judged_rows(data: Dataset) -> tuple[Tensor, Tensor, Tensor | None]:
    """Inputs, labels and weights (None for none) of the rows that errors are shown of: the test data, without any the training data."""
    if data.test_input is not None and data.test_label is not None:
        return data.test_input, data.test_label, data.test_weight
    return data.train_input, data.train_label, data.train_weight


def edge_inputs(network: Network, edge: tuple[int, int, int], x: Tensor) -> Tensor:
    """What arrives at an edge, `(batch,)`, from inputs of the network x, `(batch, n_features)`; at the first layer in own units."""
    layer, source, _ = edge
    with torch.no_grad():
        nodes = network.select(x)
        for index in range(layer):
            below = network.layer(index)
            nodes = network.combine(index + 1, below.sums(nodes, below.designs(nodes, 0)[0]))
        units = network.edge_units(edge)
        inputs = nodes[:, source]
        return inputs if (units.x_centre, units.x_size) == (0.0, 1.0) else units.x_centre + units.x_size * inputs


def edge_samples(network: Network, edge: tuple[int, int, int], x: Tensor) -> Tensor:
    """Inputs of an edge and its values there, `(2, n)`, from at most 256 of the inputs of the network x, evenly picked."""
    inputs = edge_inputs(network, edge, even_rows(x, _ROWS))
    return torch.stack([inputs, network.curve(edge, inputs).y])


def _finite(inputs: Tensor) -> Tensor:
    """The inputs that can be drawn: the logarithm of 0 can't, which a formula may hand to an exponential. All where none is finite."""
    finite = inputs.isfinite()
    return inputs[finite] if bool(finite.any()) else inputs


def _drawn_range(grid: Tensor, inputs: Tensor) -> Tensor:
    """Where an edge is drawn, `(2,)`: over its data, and a little beyond as far as the grid goes on. An old grid may be much wider.

    Args:
        grid: The knots without those beyond its ends, `(G + 1,)`, in the unit of the inputs.
        inputs: What arrives at the edge, `(batch,)`.
    """
    low, high = inputs.min(), inputs.max()
    first, last = torch.minimum(grid[0], low), torch.maximum(grid[-1], high)
    margin = _BEYOND * (high - low)
    if not bool(margin > 0):  # one value, or a network that has diverged
        return torch.stack([first, last])
    return torch.stack([torch.maximum(first, low - margin), torch.minimum(last, high + margin)])


def band(network: Network, posterior: Posterior | None, edge: EdgeRef, x: Tensor) -> Tensor | None:
    """Two standard errors of an edge's curve at the points x, `(n,)`, both in own units; None without a posterior, and for a function."""
    errors = None if posterior is None else curve_errors(network, posterior, edge, x)
    return None if errors is None else 2 * errors


def edge_detail(
    network: Network, edge: EdgeRef, x: Tensor, posterior: Posterior | None = None
) -> tuple[dict[str, Tensor], list[float]]:
    """The arrays of `Selection`, but for its points, and the range of the data.

    Args:
        network: The network.
        edge: The edge.
        x: Inputs of the network, over whose range the edge is drawn.
        posterior: Says the band around the curve.

    Returns:
        By name `detail` (4 or 5, n): x, φ, base part, spline part and the band where it is known; `density` (bins,), relative; `knots`,
        `full_knots`, and `handles` (2, G + k): a place and a coefficient of each basis function. Of an edge of words `detail` alone.
        Then the smallest and the largest input.
    """
    index, source, target = edge
    layer, units = network.layer(index), network.edge_units(edge)
    if layer.levels[source]:
        return _level_detail(network, edge, posterior)
    inputs = _finite(edge_inputs(network, edge, x))
    knots, k = units.x_centre + units.x_size * layer.knots[source], layer.k
    grid = knots[k : len(knots) - k]
    low, high = float(inputs.min()), float(inputs.max())
    ends = _drawn_range(grid, inputs)
    at = torch.linspace(0, 1, DETAIL_SAMPLES, dtype=x.dtype, device=x.device)
    curve = network.curve(edge, ends[0] + at * (ends[1] - ends[0]))
    width = band(network, posterior, edge, curve.x)
    # Of a network that has diverged nothing is counted.
    # With a single value histc would choose its own ends.
    ends_of_bins = (low, high) if high > low else (low, low + 1) if math.isfinite(low) else (0.0, 1.0)
    bins = torch.histc(inputs.cpu(), _BINS, *ends_of_bins)
    # A coefficient acts around the mean of its inner knots (Greville); for k = 0 around the middle of its interval.
    greville = knots.unfold(0, k, 1)[1:-1].mean(1) if k else (knots[1:] + knots[:-1]) / 2
    arrays = {
        "detail": torch.stack([curve.x, curve.y, curve.base, curve.spline, *([] if width is None else [width])]),
        "density": bins / max(1, int(bins.max())),
        "knots": grid,
        "full_knots": knots,
        "handles": torch.stack([greville, units.y_size * layer.weight()[target, source, :-1]]),
    }
    return arrays, [low, high]


def _level_detail(
    network: Network, edge: EdgeRef, posterior: Posterior | None
) -> tuple[dict[str, Tensor], list[float]]:
    """The arrays of an edge of words, a column a level, about the mean as in formulas; and its first and last level."""
    levels = network.layer(edge.layer).levels[edge.source]
    curve = network.curve(edge, torch.arange(levels, dtype=network.dtype, device=network.device))
    width = band(network, posterior, edge, curve.x)
    y = curve.y - level_mean(network, edge)
    # As `detail` of `Selection`: x, φ, base, spline, band. Words have no base function: the spline part is all of φ.
    rows = [curve.x, y, curve.base, y, *([] if width is None else [width])]
    return {"detail": torch.stack(rows)}, [0.0, float(levels - 1)]


def sampled_accuracy(network: Network, data: Dataset) -> float | None:
    """The part of the rows whose class has the highest score, among evenly spread rows of the test data; without any of the training data.

    None for outputs that aren't finite.
    """
    x, label, _ = judged_rows(data)
    picked = drawn_rows(x, _MOST_LABELS)
    with torch.no_grad():
        scores = network(x[picked])
    if not bool(scores.isfinite().all()):
        return None
    return float((scores.argmax(1) == label[picked].to(scores.device)).double().mean())
