"""What the rows ask of an edge while the rest of the network stays as it is: its partial residuals.

The output moves by g·δ where the value of an edge moves by δ, so a row with the residual r asks for the value φ(x) + r/g, and as strongly
as g² says. For an edge that the output is a sum of that is exact; for deeper ones it is the Gauss-Newton step. Classes ask through the
logarithm of their likelihood, as in iteratively reweighted least squares. Where errors grow with the value, rows with small values are
more certain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from kanwidget.core.network import Network
from kanwidget.core.records import EdgeRef
from kanwidget.datasets import Dataset
from kanwidget.datasets.validation import sampled_data
from kanwidget.symbolic.fits.spaces import sensitivities
from kanwidget.symbolic.formulas.regression.noise import noise_weights

#: Rows with less than this part of the largest weight ask for nothing: their value would be round-off divided by round-off.
_NO_INFLUENCE = 1e-14
#: In a plot, rows with less than this part of the mean weight are left out: their noise would be five times that of the others.
_FAINT = 0.04


class PartialResiduals(NamedTuple):
    """What rows ask of one edge, the values with which the output would match their labels, in own units, each `(rows,)`, float64."""

    inputs: Tensor
    """What arrives at the edge."""
    values: Tensor
    """What the rows ask for there."""
    weights: Tensor
    """How much that matters for the loss."""


def partial_residuals(network: Network, edges: Sequence[EdgeRef], data: Dataset) -> list[PartialResiduals] | None:
    """The value of each of some edges with which the output would match a row's label, the rest of the network as it is; for training rows.

    Where the output moves by g·δ if an edge's value moves by δ, a row with the residual r asks for the value plus r/g, with the weight g²;
    for classes by Newton's step. None for labels that don't fit the outputs.

    Examples:
        >>> from kanwidget import KAN, Dataset
        >>> model = KAN([1, 1])
        >>> _ = model.fix_symbolic(0, 0, 0, "x", params=(1, 0, 2, 0))
        >>> (rows,) = partial_residuals(model, [EdgeRef(0, 0, 0)], Dataset([[1.0], [2.0], [3.0]], [1.0, 4.0, 9.0]))
        >>> rows.inputs.tolist(), rows.values.tolist()
        ([1.0, 2.0, 3.0], [1.0, 4.0, 9.0])
    """
    data = data.to(network.dtype, network.device)
    labels = data.train_label
    if labels.is_floating_point() and labels.shape[1] != network.n_out:
        return None
    nodes, values, gradients = sensitivities(network, data.train_input)
    # Second derivatives of each row's loss by the outputs, and minus the first ones.
    curvature, pull = _curvature_and_pull(network, nodes[-1].double(), labels)
    results = []
    for index, source, target in edges:
        # Of each output by the edge's value, `(rows, outputs)`.
        gradient = torch.stack([part[index][:, target, source] for part in gradients], 1).double()
        # The loss's second derivative by the edge's value. That of classes is gᵀ·(diag(p) - p·pᵀ)·g.
        weight = (curvature * gradient.square()).sum(1)
        if not labels.is_floating_point():
            weight = weight - (curvature * gradient).sum(1).square()
        wanted = (pull * gradient).sum(1) / weight  # Newton's step of the edge's value
        if data.train_weight is not None:
            weight = weight * data.train_weight.flatten()
        largest = weight.nan_to_num(0, 0, 0).max()
        # Of other rows the step is round-off divided by round-off: they ask for the value that is there, with weight 0.
        matters = torch.isfinite(wanted) & torch.isfinite(weight) & (weight > _NO_INFLUENCE * largest)
        wanted, weight = torch.where(matters, wanted, 0.0), torch.where(matters, weight, 0.0)
        units = network.edge_units((index, source, target))
        inputs = units.x_centre + units.x_size * nodes[index][:, source].double()
        value = units.y_size * (values[index][:, target, source].double() + wanted)
        results.append(PartialResiduals(inputs.cpu(), value.cpu(), weight.cpu()))
    return results


def dots(network: Network, edge: EdgeRef, data: Dataset, count: int) -> Tensor:
    """Dots beside an edge's curve: its inputs, and values with which the output would match the rows' labels, `(2, n)`, in own units.

    At most `count` training rows are drawn, evenly picked. Rows of a small weight are left out: their noise is large. There
    are none where the labels don't fit the outputs.

    Examples:
        >>> from kanwidget import KAN, Dataset
        >>> dots(KAN([1, 1]), EdgeRef(0, 0, 0), Dataset([[1.0], [2.0], [3.0]], [1.0, 4.0, 9.0]), 2).tolist()
        [[1.0, 3.0], [1.0, 9.0]]
    """
    asked = partial_residuals(network, [edge], sampled_data(data, count))
    if asked is None:
        return torch.zeros(2, 0, dtype=torch.float64)
    ((inputs, values, weights),) = asked
    drawn = inputs.isfinite() & (weights > _FAINT * weights.mean())
    return torch.stack([inputs, values])[:, drawn]


def _curvature_and_pull(network: Network, output: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Derivatives of each row's loss by each output, in scaled numbers, `(rows, outputs)` both.

    The loss is half the squared residual, over the variance of the row's noise where that grows with the value, or of classes minus the
    logarithm of the likelihood.

    Args:
        network: The network.
        output: Its outputs, `(rows, outputs)`.
        labels: Numbers, `(rows, outputs)`, or class numbers.

    Returns:
        The second derivatives, for classes the probabilities p, whose matrix is diag(p) - p·pᵀ; and minus the first derivatives.
    """
    if labels.is_floating_point():
        residual = network.scaling.scaled_outputs(labels).double() - output
        squared = _certainty(network, output, residual).square()  # 1 over the noise's variance, but for a factor
        return squared, squared * residual
    probability = torch.softmax(network.scaling.own_outputs(output), 1)
    return probability, one_hot(labels.flatten(), output.shape[1]) - probability


def _certainty(network: Network, output: Tensor, residual: Tensor) -> Tensor:
    """1 over the size of each row's noise, but for a factor of each output, `(rows, outputs)`; 1 where the noise is the same for all rows.

    `output` has the network's outputs in scaled numbers, `residual` the labels minus these, both `(rows, outputs)`.
    """
    scaling, certainty = network.scaling, torch.ones_like(output)
    values = scaling.output_centre + scaling.output_size * output
    for k in range(output.shape[1]):
        # The logarithm of an output turns errors that grow with the value into equal ones.
        weights = None if bool(scaling.output_log[k]) else noise_weights(values[:, k], residual[:, k])
        if weights is not None:
            certainty[:, k] = weights
    return certainty
