"""The regularisation that makes networks sparse, as pykan defines it.

Per layer, with V the importance of every edge, shape `(networks, out, in)`: the sum of V, the entropies of its rows and columns
after division by their sums (plus 1), and the mean size of the coefficients and of their differences.

References:
    Liu et al., "KAN: Kolmogorov-Arnold Networks", arXiv:2404.19756, section 2.5.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.core.records import Trace
from kanwidget.training.stack import Stack

#: Added to the input's standard deviation, so that a constant input divides by something.
INPUT_FLOOR = 0.1


@dataclass(frozen=True, slots=True)
class Penalty:
    """The weights of the terms, all times `lamb`."""

    lamb: float = 0.0
    l1: float = 1.0
    entropy: float = 2.0
    coef: float = 0.0
    coefdiff: float = 0.0
    metric: str = "edge_forward_spline_n"

    def value(self, stack: Stack, trace: Trace) -> Tensor:
        """R of each network, `(networks,)`, without the factor lamb."""
        importance = METRICS[self.metric](stack, trace)
        return self.of_importance(importance) + self.of_coefficients(stack)

    def of_importance(self, importance: Sequence[Tensor]) -> Tensor:
        """The terms in V."""
        total = importance[0].new_zeros(len(importance[0]))
        for v in importance:
            entropy = _entropy(v, -1) if v.ndim == 2 else _entropy(v, -1).mean(-1) + _entropy(v, -2).mean(-1)
            total = total + self.l1 * v.flatten(1).sum(-1) + self.entropy * entropy
        return total

    def of_coefficients(self, stack: Stack) -> Tensor:
        """The terms in the coefficients: mean size over an edge's coefficients, summed over edges."""
        total = stack.layers[0].coef.new_zeros(len(stack))
        if self.coef == 0 and self.coefdiff == 0:
            return total
        for layer in stack.layers:
            coef = layer.weight()[..., :-1]
            total = total + self.coef * coef.abs().mean(-1).sum((-2, -1))
            if coef.shape[-1] > 1:
                total = total + self.coefdiff * coef.diff(dim=-1).abs().mean(-1).sum((-2, -1))
        return total


def _entropy(v: Tensor, dim: int) -> Tensor:
    """-Σ p·log2 p, p = V/(ΣV + 1) along `dim`."""
    return -_plogp(v / (v.sum(dim, keepdim=True) + 1)).sum(dim)


def _plogp(p: Tensor) -> Tensor:
    return p * torch.log2(p + 1e-4)


def deviation(values: Tensor) -> Tensor:
    """Standard deviation over the batch, the second axis, with a gradient of 0 where it is 0; 0 for one row."""
    if values.shape[1] < 2:
        return torch.zeros_like(values[:, 0])
    variance = values.var(1)
    zero = variance <= torch.finfo(variance.dtype).tiny
    return torch.where(zero, 0.0, torch.sqrt(torch.where(zero, 1.0, variance)))


def _spread(trace: Trace, values: Sequence[Tensor], *, normalised: bool) -> list[Tensor]:
    """Standard deviation of every edge, divided by that of its input if `normalised`."""
    spreads = []
    for nodes, edges in zip(trace.nodes[:-1], values, strict=True):
        spread = deviation(edges)
        spreads.append(spread / (deviation(nodes) + INPUT_FLOOR)[:, None] if normalised else spread)
    return spreads


def _backward(shape: Network, trace: Trace) -> tuple[list[Tensor], list[Tensor]]:
    """Importance of edges and of nodes for the outputs, differentiable; summed over outputs, as pykan's mean times n.

    The differentiable twin of `kanwidget.core.scores`, which keeps outputs apart.
    """
    node = torch.ones_like(trace.output[:, 0])
    edge_scores: list[Tensor] = []
    node_scores = [node]
    for index in reversed(range(shape.depth)):
        owners = [n for n in range(node.shape[-1]) for _ in shape.subnodes_of(index + 1, n)]
        spread = deviation(trace.subnodes[index]) + 1e-4
        edges = deviation(trace.edges[index]) * (node[:, owners] / spread)[..., None]
        node = edges.sum(-2)
        edge_scores.insert(0, edges)
        node_scores.insert(0, node)
    return edge_scores, node_scores


#: pykan's five choices of V; those that look backward need the network's product nodes.
METRICS: dict[str, Callable[[Stack, Trace], list[Tensor]]] = {
    "edge_forward_spline_n": lambda _, trace: _spread(trace, trace.splines, normalised=True),
    "edge_forward_spline_u": lambda _, trace: _spread(trace, trace.splines, normalised=False),
    "edge_forward_sum": lambda _, trace: _spread(trace, trace.edges, normalised=True),
    "edge_backward": lambda stack, trace: _backward(stack.shape, trace)[0],
    "node_backward": lambda stack, trace: _backward(stack.shape, trace)[1],
}
