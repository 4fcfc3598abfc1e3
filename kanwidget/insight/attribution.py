"""Importances: attribution of outputs and nodes to edges, nodes and columns of the data."""

from __future__ import annotations

from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.scores import Scores, attribute, feature_score
from kanwidget.core.threads import limit_threads

__all__ = ["Scores", "attribute", "feature_interaction", "feature_score"]


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
    matters = (attribute(network, x).node_scores[level] > neuron_th).tolist()
    counts: dict[tuple[int, ...], int] = {}
    for scores, counted in zip(by_node, matters, strict=True):
        if counted:
            columns = tuple(sorted(network.columns[scores > feature_th].tolist()))
            counts[columns] = counts.get(columns, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
