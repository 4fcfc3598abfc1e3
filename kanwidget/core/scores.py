"""Importance of every node and edge for the outputs: the backward attribution of the KAN 2.0 paper.

From the outputs down, with std over the samples:

- an output has score 1 for itself;
- all factors of a product node have the node's score B;
- edge j → i has score E = B(i) · std(edge) / std(subnode i);
- node j has the sum of its outgoing edges' scores.

A subnode that is constant, up to round-off, passes no score on: the edges of a constant output have score 0, although the output
has score 1. An output that is nearly constant after training can't be distinguished from an output in small units, so its edges
have scores like all edges: leave label columns that never change out of the data.

Each output has scores. A single score is the largest over the outputs, not their mean: a
node that feeds only one of ten outputs matters as much as the same node in a network with that one output.

References:
    Liu et al., "KAN 2.0: Kolmogorov-Arnold Networks Meet Science", arXiv:2408.10205, section 4.1.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.records import Trace
from kanwidget.core.threads import limit_threads


@dataclass(frozen=True, slots=True)
class Scores:
    """Attribution scores of the nodes, subnodes and edges up to a level, for each output (or node) of that level."""

    nodes_by_output: tuple[Tensor, ...]
    """Per level, inputs first: `(outputs, nodes)`."""
    subnodes_by_output: tuple[Tensor, ...]
    """Per layer: `(outputs, subnodes)`."""
    edges_by_output: tuple[Tensor, ...]
    """Per layer: `(outputs, subnodes, nodes below)`."""

    @property
    def node_scores(self) -> tuple[Tensor, ...]:
        """Per level, inputs first: `(nodes,)`, the largest over the outputs."""
        return tuple(scores.amax(0) for scores in self.nodes_by_output)

    @property
    def edge_scores(self) -> tuple[Tensor, ...]:
        """Per layer: `(subnodes, nodes below)`, the largest over the outputs."""
        return tuple(scores.amax(0) for scores in self.edges_by_output)


@limit_threads
def attribute(network: Network, x: Tensor, l: int | None = None, i: int | None = None) -> Scores:  # noqa: E741
    """Backward attribution: importance of every node and edge for the outputs, or for an inner node.

    For output k, edge j → i has the score E[k, i, j] = std(edge j → i) / std(subnode i) · B[k, i], with B[k, i] that of the node which
    subnode i makes up or is a factor of, and node j one level below has A[k, j] = Σᵢ E[k, i, j]. An output has 1 for itself.

    Args:
        network: The network; it isn't changed.
        x: Samples, shape `(batch, n_features)`. Scores are ratios of standard deviations over them; they are 0
            for a single row.
        l: Explain the nodes of this level, 1 to depth, instead of the outputs.
        i: Explain only this node of level l.

    Returns:
        Scores of the levels 0 to l; 0 below an output that is constant up to round-off. The first axis of the `…_by_output` tensors
        runs over the explained nodes.

    Raises:
        ValueError: If x has no rows, or l or i is out of range.

    Examples:
        >>> from kanwidget import KAN
        >>> scores = attribute(KAN([2, 5, 1]), torch.rand(100, 2, dtype=torch.float64))
        >>> [tuple(s.shape) for s in scores.node_scores]
        [(2,), (5,), (1,)]

    References:
        Liu et al., "KAN 2.0: Kolmogorov-Arnold Networks Meet Science", arXiv:2408.10205, section 4.1.
    """
    top = network.depth if l is None else _check.integer(l, "l", "attribute", low=1, high=network.depth)
    if i is not None:
        if l is None:
            _check.fail("l", "attribute", "given with `i`", None, "attribute(l, i) explains node i of level l.")
        _check.integer(i, "i", "attribute", low=0, high=network.nodes_in(top) - 1)
    if isinstance(x, Tensor) and x.ndim == 2 and x.shape[0] == 0:
        _check.fail("x", "attribute", "at least one row", x)
    with torch.no_grad():
        scores = attribute_trace(network, network.scaled_trace(x), top)
    if i is None:
        return scores
    return Scores(*(tuple(part[i : i + 1] for part in getattr(scores, name)) for name in Scores.__dataclass_fields__))


def attribute_trace(network: Network, trace: Trace, level: int) -> Scores:
    """Importance of every node and edge below a level for each node of it (the depth means the outputs), from a trace of scaled numbers.

    An edge has the score of its subnode times its share std(edge)/std(subnode), a node the sum of its outgoing edges' scores.
    """
    nodes = [torch.eye(network.nodes_in(level), dtype=network.dtype, device=network.device)]
    subnodes, edges = [], []
    for index in reversed(range(level)):
        # Each factor of a product has the product's score.
        subnodes.append(nodes[-1][:, node_owners(network, index + 1)])
        edges.append(subnodes[-1][..., None] * _shares(trace.edges[index], trace.subnodes[index]))
        nodes.append(edges[-1].sum(1))
    return Scores(tuple(nodes[::-1]), tuple(subnodes[::-1]), tuple(edges[::-1]))


@limit_threads
def feature_score(network: Network, x: Tensor) -> Tensor:
    """Importance of every column of the data, shape `(n_features,)`; 0 for columns whose inputs were pruned.

    Examples:
        >>> from kanwidget import KAN
        >>> feature_score(KAN([3, 1]), torch.rand(50, 3, dtype=torch.float64)).shape
        torch.Size([3])
    """
    inputs = attribute(network, x).node_scores[0]
    return inputs.new_zeros(network.n_features).index_copy(0, network.columns, inputs)


@limit_threads
def feature_interaction(
    network: Network,
    x: Tensor,
    l: int | None = None,  # noqa: E741
    neuron_th: float = 1e-2,
    feature_th: float = 1e-2,
) -> dict[tuple[int, ...], int]:
    """Which columns of the data act together: for each set of columns, how many nodes of a level depend on just these.

    Args:
        network: The network; it isn't changed.
        x: Samples, shape `(batch, n_features)`.
        l: The level, 1 to depth; by default the outputs.
        neuron_th: Nodes whose score isn't above this are left out, ≥ 0.
        feature_th: A node depends on a column if its score for the node is above this, ≥ 0.

    Returns:
        Sets of columns, the most frequent first, and their counts.

    Examples:
        >>> import torch
        >>> from kanwidget import KAN
        >>> feature_interaction(KAN([2, 3, 1]), torch.rand(50, 2, dtype=torch.float64), 1)
        {(0, 1): 3}
    """
    _check.real(neuron_th, "neuron_th", "feature_interaction", low=0)
    _check.real(feature_th, "feature_th", "feature_interaction", low=0)
    level = network.depth if l is None else l
    by_node = attribute(network, x, level).nodes_by_output[0]
    matters = attribute(network, x).node_scores[level] > neuron_th
    counts = Counter(tuple(sorted(network.columns[scores > feature_th].tolist())) for scores in by_node[matters])
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def node_owners(network: Network, level: int) -> list[int]:
    """For each subnode of a level the index of the node that it belongs to: factors of a product belong to one node."""
    return [node for node in range(network.nodes_in(level)) for _ in network.subnodes_of(level, node)]


def _shares(edges: Tensor, subnodes: Tensor) -> Tensor:
    """std(edge) / std(subnode), `(subnodes, nodes below)`, and 0 where the subnode is constant up to round-off.

    `edges` has the edges' values over the rows, `(rows, subnodes, nodes below)`, and `subnodes` their sums, `(rows, subnodes)`.
    """
    size = edges.abs().amax(0)
    of_edges, of_sums = spread(edges, size), spread(subnodes, size.sum(1))[:, None]
    return torch.where(of_sums > 0, of_edges / torch.where(of_sums > 0, of_sums, 1.0), 0.0)


def spread(values: Tensor, size: Tensor) -> Tensor:
    """Standard deviation over the rows, the first axis; 0 for values that are constant up to the round-off of numbers of this `size`.

    Computed constants have a standard deviation of some roundings, and so have sums of edges that cancel each other.

    Examples:
        >>> values = torch.tensor([[0.1 + 0.2], [0.3]], dtype=torch.float64)
        >>> float(values.std()) > 0, spread(values, values[0]).tolist()
        (True, [0.0])
    """
    deviation = values.std(0, correction=0)
    return torch.where(deviation <= 16 * torch.finfo(values.dtype).eps * size, 0.0, deviation)
