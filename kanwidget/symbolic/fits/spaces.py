"""What an edge's spline can follow, and how sure its curve is: with these, candidates are compared (see `ranking`)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from kanwidget.core.layer import Layer
from kanwidget.core.network import Network
from kanwidget.core.records import EdgeRef
from kanwidget.datasets import Dataset

#: How many variances of a curve's error two curves may differ by and be the same: of two sets of noisy data one has so much in a
#: coefficient by chance.
CHANCE = 3.0
#: Directions of the design weaker than this are none.
_SIGNIFICANT = 1e-9


def numbers_of(layer: Layer) -> int:
    """How many independent numbers an edge's curve holds: the coefficients of its spline, and the factor of its base function."""
    return layer.coef.shape[-1] + 1


def spline_spaces(layer: Layer, edges: Sequence[EdgeRef], inputs: Tensor) -> list[Tensor | None]:
    """Bases `(n, numbers)` of the curves that splines can follow, constants among them; None for edges with a symbol.

    Their columns have a mean square of 1, and those of one basis are orthogonal.

    Args:
        layer: The layer.
        edges: Its edges.
        inputs: Scaled values of the layer's nodes, `(n, in)`.
    """
    bases: dict[int, Tensor] = {}
    with torch.no_grad():
        # The values of the basis functions, `(n, in, numbers)`.
        design = layer.design(inputs).detach().to("cpu", torch.float64)
        for source in {source for _, source, target in edges if layer.state(source, target) == "spline"}:
            columns = torch.cat([design[:, source], torch.ones(len(design), 1, dtype=torch.float64)], dim=1)
            if not bool(torch.isfinite(columns).all()):
                raise ValueError("the inputs of an edge aren't finite: the network has diverged")
            # The left singular vectors are an orthonormal basis of what the columns span.
            u, s, _ = torch.linalg.svd(columns, full_matrices=False)
            bases[source] = u[:, s > _SIGNIFICANT * s.max()] * math.sqrt(len(design))
    return [bases[source] if layer.state(source, target) == "spline" else None for _, source, target in edges]


def sensitivities(network: Network, x: Tensor) -> tuple[list[Tensor], list[Tensor], list[tuple[Tensor, ...]]]:
    """The values of all edges on some rows, and how outputs depend on them, in scaled numbers (the layers', not the data's).

    Args:
        network: The network.
        x: Its inputs on these rows, `(n, n_features)`.

    Returns:
        The nodes of each level, `(n, nodes)`; the values of each layer's edges, `(n, out, in)`; and for each output its derivatives in
        these, by layer.
    """
    with torch.enable_grad():
        nodes, values = [network.select(x).detach().requires_grad_(True)], []
        for index in range(network.depth):
            values.append(network.layer(index).edges(nodes[-1]))
            nodes.append(network.combine(index + 1, values[-1].sum(-1)))
        output = nodes[-1]
        gradients = [torch.autograd.grad(output[:, k].sum(), values, retain_graph=True) for k in range(output.shape[1])]
    return [node.detach() for node in nodes], [value.detach() for value in values], gradients


def scaled_error(network: Network, data: Dataset) -> float | None:
    """Root mean squared error of a network on training data, in its scaled numbers (not the data's units).

    None for labels that are classes, or don't fit the outputs.
    """
    y = data.train_label
    if not y.is_floating_point() or y.shape[1] != network.n_out:
        return None
    data = data.to(network.dtype, network.device)
    with torch.no_grad():
        output = network.scaling.scaled_outputs(network(data.train_input))
        residual = output - network.scaling.scaled_outputs(data.train_label)
    return float(residual.square().mean().sqrt())


def curve_noise(network: Network, edges: Sequence[EdgeRef], x: Tensor, error: float, rows: int) -> list[float]:
    """For each edge, by how much two versions of its curve may differ by chance alone, as a part of the curve's variance.

    An error of the network's output of variance e² is that of an edge whose curve moves the output by s times its own movement if
    that edge errs by e²/s²; of the noise of n rows a curve of p numbers learns the part p/n.

    Args:
        network: The network.
        edges: The edges, of any layers.
        x: Inputs of the network, `(n, n_features)`.
        error: Root mean squared error of the network, in its scaled numbers; a loss that isn't finite says nothing.
        rows: Rows that it was trained on.
    """
    _, values, gradients = sensitivities(network, x)
    error = error if math.isfinite(error) else 0.0
    noises = []
    for layer, source, target in edges:
        # s², the mean over rows and outputs.
        influence = sum(float(part[layer][:, target, source].square().mean()) for part in gradients) / len(gradients)
        variance = float(values[layer][:, target, source].var(correction=0))
        numbers = numbers_of(network.layer(layer))
        share = min(1.0, numbers / max(rows, 1))  # p/n
        # By chance two versions of a curve differ by three variances of its error.
        noise = CHANCE * error**2 * share / max(influence * variance, 1e-300)
        noises.append(noise if math.isfinite(noise) else 0.0)
    return noises
