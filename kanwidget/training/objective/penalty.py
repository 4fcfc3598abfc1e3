"""The regularization that makes networks sparse, as pykan defines it.

Per layer, with V the importance of every edge, shape `(networks, out, in)`: the sum of V, the entropies of its rows and columns
after division by their sums (plus 1), and the mean size of the coefficients and of their differences.

References:
    Liu et al., "KAN: Kolmogorov-Arnold Networks", arXiv:2404.19756, section 2.5.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.core.scores import node_owners
from kanwidget.training.jacobian.stack import Stack
from kanwidget.training.objective.standard_deviations import Deviations, Kind

#: Added to the input's standard deviation, so that nothing is divided by 0 for a constant input.
INPUT_FLOOR = 0.1
#: ε within the logarithm of an entropy.
_LOG_FLOOR = 1e-4


@dataclass(frozen=True, slots=True)
class Penalty:
    """The weights of the terms, all times `lamb`."""

    lamb: float = 0.0
    l1: float = 1.0
    entropy: float = 2.0
    coef: float = 0.0
    coefdiff: float = 0.0
    metric: str = "edge_forward_spline_n"

    def value(self, stack: Stack, deviations: Deviations) -> Tensor:
        """The penalty R of each network, `(networks,)`, without lamb: of the importances V of its edges, and of the coefficients' sizes.

        The metric computes V from standard deviations of edges and nodes over the rows.
        """
        importance = METRICS[self.metric](stack.template, deviations)
        return self.of_importance(importance) + self.of_coefficients(stack)

    def of_importance(self, importance: Sequence[Tensor]) -> Tensor:
        """The terms in the importances: their sum and entropies times the weights `l1` and `entropy`, `(networks,)`; without lamb.

        Of edges the entropies along the inputs and along the outputs are averaged, and added up.

        Args:
            importance: V of each layer, `(networks, out, in)`, or of nodes, `(networks, nodes)`.
        """
        total = importance[0].new_zeros(len(importance[0]))
        for v in importance:
            entropy = _entropy(v, -1) if v.ndim == 2 else _entropy(v, -1).mean(-1) + _entropy(v, -2).mean(-1)
            total = total + self.l1 * v.flatten(1).sum(-1) + self.entropy * entropy
        return total

    def derivatives(self, importance: Sequence[Tensor]) -> list[Tensor]:
        """Derivatives of `of_importance` in the importances V (of edges or nodes) of each layer, of the same shapes; without lamb.

        They are formulas: autograd would take most of a small network's step for them.
        """
        derivatives = []
        for v in importance:
            along = _entropy_derivative(v, -1)
            if v.ndim == 3:
                along = along / v.shape[-2] + _entropy_derivative(v, -2) / v.shape[-1]
            derivatives.append(self.l1 + self.entropy * along)
        return derivatives

    def of_coefficients(self, stack: Stack) -> Tensor:
        """The terms in the coefficients, `(networks,)`, without lamb: mean sizes over an edge's coefficients, summed over edges.

        `coef` is the factor of the coefficients' size, `coefdiff` that of the size of differences of neighbours, which edges of a column of
        words don't have: theirs are the values of the words (`levels`).
        """
        total = stack.layers[0].coef.new_zeros(len(stack))
        if self.coef == 0 and self.coefdiff == 0:
            return total
        for index, layer in enumerate(stack.layers):
            # The last column is the base weight. `used` has the coefficients that each input needs: of words one for each.
            coef, used = layer.weight()[..., :-1], stack.template.layer(index).used()[:, :-1]
            total = total + self.coef * _mean_sizes(coef, used)
            numbers = torch.tensor([count == 0 for count in layer.levels], device=used.device)
            total = total + self.coefdiff * _mean_sizes(coef.diff(dim=-1), used[:, 1:] & numbers[:, None])
        return total


def _mean_sizes(values: Tensor, used: Tensor) -> Tensor:
    """The mean sizes of the values of each edge that are used, summed over edges: `(networks,)`.

    `values` are `(networks, out, in, B)`; the mask is `(in, B)`, an edge without any counts 0.
    """
    return ((values.abs() * used).sum(-1) / used.sum(-1).clamp(min=1)).sum((-2, -1))


def _entropy(v: Tensor, dim: int) -> Tensor:
    """Entropy of importances `v` along the axis `dim`, which it takes out: -Σ p·log2(p + ε), p = V/(ΣV + 1). It is 0 for V = 0."""
    p = v / (v.sum(dim, keepdim=True) + 1)
    return -(p * torch.log2(p + _LOG_FLOOR)).sum(dim)


def _entropy_derivative(v: Tensor, dim: int) -> Tensor:
    """The derivative of `_entropy` in V: with g that of p·log2(p + ε), and ∂pᵢ/∂Vⱼ = (δᵢⱼ - pᵢ)/(ΣV + 1), it is (Σ p·g - g)/(ΣV + 1)."""
    total = v.sum(dim, keepdim=True) + 1
    p = v / total
    g = torch.log2(p + _LOG_FLOOR) + p / (math.log(2) * (p + _LOG_FLOOR))
    return ((p * g).sum(dim, keepdim=True) - g) / total


def _relative(deviations: Sequence[Tensor], nodes: Sequence[Tensor]) -> list[Tensor]:
    """Standard deviation of every edge, `(networks, out, in)`, divided by that of its input node, `(networks, in)`; per layer."""
    return [edge / (node + INPUT_FLOOR)[:, None] for edge, node in zip(deviations, nodes, strict=True)]


def _backward(
    template: Network, edges: Sequence[Tensor], subnodes: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Importance of edges and of nodes for the outputs, differentiable; summed over outputs, as pykan's mean times n.

    The differentiable twin of `kanwidget.core.scores`, which keeps outputs apart.

    Args:
        template: A network of the structure.
        edges: Deviations of the edges, `(networks, out, in)`, per layer.
        subnodes: Deviations of the subnodes that they add up to, `(networks, subnodes)`, per layer.

    Returns:
        Importance of edges per layer, as `edges`; and of nodes per level, `(networks, nodes)`, inputs first.
    """
    # An output counts 1. A node's importance goes to its subnodes, and from each to its edges by their part of its deviation.
    node = edges[0].new_ones(len(edges[0]), template.n_out)
    edge_scores: list[Tensor] = []
    node_scores = [node]
    for index in reversed(range(template.depth)):
        owners = node_owners(template, index + 1)  # the node of each subnode
        # The deviation of a constant subnode is 0: hence the 1e-4.
        scores = edges[index] * (node[:, owners] / (subnodes[index] + 1e-4))[..., None]
        node = scores.sum(-2)
        edge_scores.insert(0, scores)
        node_scores.insert(0, node)
    return edge_scores, node_scores


@dataclass(frozen=True, slots=True)
class Metric:
    """A choice of V."""

    kinds: tuple[Kind, ...]
    """Its deviations."""
    importance: Callable[..., list[Tensor]]
    """From a network of the structure and the deviations of each kind to V, per layer."""

    def __call__(self, template: Network, deviations: Deviations) -> list[Tensor]:
        """The importances V by this metric, per layer: of edges, `(networks, out, in)`, or of nodes, `(networks, nodes)`.

        Args:
            template: A network of the structure.
            deviations: Standard deviations over the rows; the metric takes those of its `kinds` (edges, nodes, …).
        """
        return self.importance(template, *(deviations.of(kind) for kind in self.kinds))


#: pykan's five choices of V; those that look backward need the network's product nodes.
METRICS = {
    "edge_forward_spline_n": Metric(("splines", "nodes"), lambda _, splines, nodes: _relative(splines, nodes)),
    "edge_forward_spline_u": Metric(("splines",), lambda _, splines: splines),
    "edge_forward_sum": Metric(("edges", "nodes"), lambda _, edges, nodes: _relative(edges, nodes)),
    "edge_backward": Metric(("edges", "subnodes"), lambda *parts: _backward(*parts)[0]),
    "node_backward": Metric(("edges", "subnodes"), lambda *parts: _backward(*parts)[1]),
}
