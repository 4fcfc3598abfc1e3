"""Edits by hand: single edges and nodes, growing, sharing and freezing parameters, reordering."""

from __future__ import annotations

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.threads import limit_threads
from kanwidget.surgery._record import record
from kanwidget.surgery._structure import assign, cut, gathered, reduced_level
from kanwidget.surgery.prune import edge_means, reduced


@limit_threads
def remove_edge(network: Network, l: int, i: int, j: int) -> None:  # noqa: E741
    """Prune one edge, spline and symbol. In place; `restore_edge` brings its spline back.

    Args:
        network: The network.
        l: Layer of edges.
        i: Input node.
        j: Output subnode.

    Raises:
        ValueError: If there is no such edge.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([2, 5, 1])
        >>> remove_edge(model, 0, 1, 4)
        >>> model.layer(0).state(1, 4)
        'pruned'
    """
    layer = network.check_edge(l, i, j, "remove_edge")
    cut(layer, i, j)
    record(network, "prune", f"removed edge {(l, i, j)}")


@limit_threads
def restore_edge(network: Network, l: int, i: int, j: int) -> None:  # noqa: E741
    """Bring a pruned edge back, with its former spline. In place; an edge that isn't pruned stays as it is.

    Args:
        network: The network.
        l: Layer of edges.
        i: Input node.
        j: Output subnode.

    Raises:
        ValueError: If there is no such edge.

    Examples:
        >>> from kanwidget import KAN
        >>> model, x = KAN([2, 5, 1]), torch.rand(10, 2, dtype=torch.float64)
        >>> before = model(x)
        >>> remove_edge(model, 0, 1, 4)
        >>> restore_edge(model, 0, 1, 4)
        >>> torch.equal(model(x), before)
        True
    """
    layer = network.check_edge(l, i, j, "restore_edge")
    if layer.state(i, j) == "pruned":
        layer.spline_on[j, i] = True
        record(network, "restore", f"restored edge {(l, i, j)}")


@limit_threads
def remove_node(network: Network, level: int, node: int, x: Tensor | None = None) -> Network:
    """A new network without one hidden node; a product goes with all its factors.

    Args:
        network: The network; it isn't changed.
        level: From 1 to depth - 1.
        node: Index within the level.
        x: Samples, `(batch, n_features)`: with them, the node's mean contribution is kept as a constant.

    Returns:
        A network of the same class that shares no storage with the old one.

    Raises:
        ValueError: If there is no such node, or it is the only one of its level.

    Examples:
        >>> from kanwidget import KAN
        >>> remove_node(KAN([2, 5, 1]), 1, 0).width
        [[2, 0], [4, 0], [1, 0]]
    """
    _hidden(network, level, "remove_node")
    count = network.nodes_in(level)
    _check.integer(node, "node", "remove_node", low=0, high=count - 1)
    if count == 1:
        _check.fail("node", "remove_node", "one of several", node, "Without it nothing reaches the outputs.")
    keep = [list(range(network.nodes_in(n))) for n in range(network.depth + 1)]
    keep[level].remove(node)
    if x is None:
        means = [torch.zeros(layer.out_dim, layer.in_dim) for layer in map(network.layer, range(network.depth))]
    else:
        means = edge_means(network, x)
    return reduced(network, keep, means, f"removed node {(level, node)}")


@limit_threads
def swap(network: Network, level: int, i1: int, i2: int) -> None:
    """Exchange two hidden nodes of one kind (sums, or products). In place; the function stays the same.

    Args:
        network: The network.
        level: From 1 to depth - 1.
        i1: A node of that level.
        i2: Another node.

    Raises:
        ValueError: If there is no such node, or one is a sum and the other a product.

    Examples:
        >>> from kanwidget import KAN
        >>> model, x = KAN([2, 5, 1]), torch.rand(10, 2, dtype=torch.float64)
        >>> before = model(x)
        >>> swap(model, 1, 0, 3)
        >>> bool(torch.allclose(model(x), before))
        True
    """
    _hidden(network, level, "swap")
    order = list(range(network.nodes_in(level)))
    for name, node in (("i1", i1), ("i2", i2)):
        _check.integer(node, name, "swap", low=0, high=len(order) - 1)
    n_sum = network.width[level][0]
    if (i1 < n_sum) != (i2 < n_sum):
        _check.fail("i2", "swap", "a node of the same kind as `i1`", i2, "Sums stand before products in a level.")
    order[i1], order[i2] = i2, i1
    new = reduced_level(network, level, order)
    lower, upper = network.layer(level - 1), network.layer(level)
    assign(lower, gathered(lower, new.subnodes, range(lower.in_dim)))
    assign(upper, gathered(upper, range(upper.out_dim), order))
    network.arities[level] = list(new.arities)


@limit_threads
def freeze(network: Network, l: int, i: int, j: int) -> None:  # noqa: E741
    """Keep an edge's parameters, and the knots below its spline, out of training. In place.

    Args:
        network: The network.
        l: Layer of edges.
        i: Input node.
        j: Output subnode.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([2, 5, 1])
        >>> freeze(model, 0, 1, 4)
        >>> model.layer(0).frozen.sum().item()
        1
    """
    network.check_edge(l, i, j, "freeze").frozen[j, i] = True


@limit_threads
def unfreeze(network: Network, l: int, i: int, j: int) -> None:  # noqa: E741
    """Let an edge be trained again. In place.

    Args:
        network: The network.
        l: Layer of edges.
        i: Input node.
        j: Output subnode.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([2, 5, 1])
        >>> freeze(model, 0, 1, 4)
        >>> unfreeze(model, 0, 1, 4)
        >>> model.layer(0).frozen.any().item()
        False
    """
    network.check_edge(l, i, j, "unfreeze").frozen[j, i] = False


def _hidden(network: Network, level: int, where: str) -> None:
    """Refuse a level that isn't hidden."""
    if network.depth < 2:
        _check.fail("network", where, "one with a hidden layer", network.width)
    _check.integer(level, "level", where, low=1, high=network.depth - 1, advice="Levels 1 to depth - 1 are hidden.")
