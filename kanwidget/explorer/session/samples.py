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
    """What a drawing shows of all edges: how much each matters, and its small curve over the range of its inputs, in units of the data.

    The points of the small curves (thumbnails) go through a layer together with the rows of the data: what a frame costs is the number of
    operations.

    Args:
        network: The network.
        x: Inputs of the network, `(rows, n_features)` in own units; at most 256 of the rows are looked at.
        samples: Points of a thumbnail, evenly from the smallest to the largest input of the edge.

    Returns:
        The scores of nodes and edges, and a row for each edge: its score, the ends of its range, and its values at the points.
    """
    with torch.no_grad():
        x = even_rows(x, _ROWS)
        nodes = [network.select(x)]  # the inputs that it reads, in scaled numbers
        # Places in a thumbnail, 0 at its left end and 1 at its right end.
        rows, at = len(nodes[0]), torch.linspace(0, 1, samples, dtype=x.dtype, device=x.device)[:, None]
        # Of each layer: the subnodes and the edges at the rows, the range of each input, and the edges at the points of thumbnails.
        subnodes, edges, ends, values = [], [], [], []
        for index in range(network.depth):
            low, high = torch.aminmax(nodes[-1], dim=0)
            layer, inputs = network.layer(index), torch.cat([nodes[-1], low + at * (high - low)])
            outputs = layer.edges_of(inputs, layer.designs(inputs, 0)[0])  # of all edges, `(rows + samples, out, in)`
            edges.append(outputs[:rows])
            values.append(outputs[rows:])
            ends.append(torch.stack([low, high], 1))
            subnodes.append(edges[-1].sum(-1))
            nodes.append(network.combine(index + 1, subnodes[-1]))  # multiplies the factors of products
        drawn = torch.cat(nodes, 1).isfinite().all(1)
        # A node may be infinite where the output is right: exp(log 0) is 0. A curve can't be drawn there: such rows are left out.
        if 0 < int(drawn.sum()) < rows:
            return sampled(network, x[drawn], samples)
        _to_own_units(network, ends, values)
        # Scores are shares of standard deviations, so they need no units. They don't read the splines alone: `()`.
        scores = attribute_trace(network, Trace(tuple(nodes), tuple(subnodes), tuple(edges), ()), network.depth)
        parts = [
            torch.cat([score[..., None], end.expand(len(score), -1, -1), value.permute(1, 2, 0)], -1).flatten(0, 1)
            for score, end, value in zip(scores.edge_scores, ends, values, strict=True)
        ]
        return NetworkSamples(scores, torch.cat(parts))


def _to_own_units(network: Network, ends: list[Tensor], values: list[Tensor]) -> None:
    """Put the ranges of the first layer's inputs and the curves of the last layer in own units; the two lists are changed in place.

    Of each layer `ends` has the smallest and largest value of each node below, `(in, 2)`, and `values` the curves, `(samples, out, in)`,
    all in the scaled numbers that layers compute with. Other layers stay as they are, since hidden nodes have no unit.
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
    """The rows on which errors are shown: the test data or, without any, the training data.

    Returns:
        Inputs, `(rows, n_features)`, labels, `(rows, outputs)` or class numbers `(rows,)`, and weights; None where all rows count the same.
    """
    if data.test_input is not None and data.test_label is not None:
        return data.test_input, data.test_label, data.test_weight
    return data.train_input, data.train_label, data.train_weight


def mean_of_rows(values: Tensor, weight: Tensor | None) -> float:
    """The mean of values, `(rows,)`, weighted by `weight`, `(rows,)`; None for rows that count alike."""
    weight = torch.ones_like(values) if weight is None else weight.to(values.device)
    return float((weight * values).sum() / weight.sum())


def edge_inputs(network: Network, edge: tuple[int, int, int], x: Tensor) -> Tensor:
    """The values of the node that an edge (layer, source, target) starts at, `(batch,)`.

    They follow from inputs x of the network, `(batch, n_features)`. At the first layer they are in own units; hidden nodes have no unit.
    """
    layer, source, _ = edge
    with torch.no_grad():
        nodes = network.select(x)
        for index in range(layer):
            below = network.layer(index)
            # The first of `designs` has the values of basis functions; `combine` multiplies the factors of product nodes.
            nodes = network.combine(index + 1, below.sums(nodes, below.designs(nodes, 0)[0]))
        # In scaled numbers so far; with centre 0 and size 1 these are the own units.
        units = network.edge_units(edge)
        inputs = nodes[:, source]
        return inputs if (units.x_centre, units.x_size) == (0.0, 1.0) else units.x_centre + units.x_size * inputs


def sampled_edge(network: Network, edge: tuple[int, int, int], x: Tensor) -> Tensor:
    """Inputs of an edge (layer, source, target) and its values there, `(2, n)` in own units (those of the data).

    They come from at most 256 of the inputs x of the network, `(rows, n_features)`, evenly picked.
    """
    inputs = edge_inputs(network, edge, even_rows(x, _ROWS))
    return torch.stack([inputs, network.curve(edge, inputs).y])


def _finite(inputs: Tensor) -> Tensor:
    """Those inputs of an edge, `(batch,)`, that are finite; all where none is. A formula may have an infinite one: exp(log 0) is 0."""
    finite = inputs.isfinite()
    return inputs[finite] if bool(finite.any()) else inputs


def _drawn_range(grid: Tensor, inputs: Tensor) -> Tensor:
    """The first and the last input at which an edge is drawn, `(2,)`: its data, and a tenth of their range beyond each end.

    Beyond the data it ends where the grid ends. An old grid may be much wider than the data, so it is drawn whole only for a single input.

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
    """Half the width of the band around an edge's curve: two standard errors at the points x, `(n,)`, both in own units.

    None without a posterior, and for an edge that isn't a spline.
    """
    errors = None if posterior is None else curve_errors(network, posterior, edge, x)
    return None if errors is None else 2 * errors


def edge_detail(
    network: Network, edge: EdgeRef, x: Tensor, posterior: Posterior | None = None
) -> tuple[dict[str, Tensor], list[float]]:
    """What the plot of a selected edge shows, in own units (those of the data), and the range of the data.

    Args:
        network: The network.
        edge: The edge.
        x: Inputs of the network, `(rows, n_features)` in own units, over whose range the edge is drawn.
        posterior: From it comes the band around the curve; None for no band.

    Returns:
        Arrays by name. `detail` (4 or 5, n): x, the edge's function φ, its base part, its spline part and, with a posterior, half the width
        of the band. `density` (40,): how many inputs lie in each bin, 1 in the fullest. `knots` (G + 1,): the grid; `full_knots` has
        k more beyond each end. `handles` (2, G + k): a place and a coefficient of each basis function. Of an edge that reads a column of
        words `detail` alone.
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
    # With a single value histc would choose its own ends. Of a network that has diverged, low isn't finite, nothing is counted.
    ends_of_bins = (low, high) if high > low else (low, low + 1) if math.isfinite(low) else (0.0, 1.0)
    bins = torch.histc(inputs.cpu(), _BINS, *ends_of_bins)
    # A coefficient acts around the mean of its k inner knots (Greville); for k = 0 around the middle of its interval. Basis function i
    # begins at knot i, so its inner knots begin at i + 1; the first and the last k knots are the inner ones of none.
    greville = knots.unfold(0, k, 1)[1:-1].mean(1) if k else (knots[1:] + knots[:-1]) / 2
    arrays = {
        "detail": torch.stack([curve.x, curve.y, curve.base, curve.spline, *([] if width is None else [width])]),
        # Relative to the fullest bin; the 1 is for no counts at all.
        "density": bins / max(1, int(bins.max())),
        "knots": grid,
        "full_knots": knots,
        # The last weight is that of the base function, which has no handle.
        "handles": torch.stack([greville, units.y_size * layer.weight()[target, source, :-1]]),
    }
    return arrays, [low, high]


def _level_detail(
    network: Network, edge: EdgeRef, posterior: Posterior | None
) -> tuple[dict[str, Tensor], list[float]]:
    """As `edge_detail` for an edge whose input is a column of words: `detail` (4 or 5, levels) alone; and the first and last level.

    The mean of the values over the data is subtracted, as in formulas.
    """
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
