"""Pruning: smaller networks without nodes and edges that don't matter. Their mean contribution stays as a constant."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import AnyNetwork, Network, column_names
from kanwidget.core.scores import Scores, attribute
from kanwidget.core.threads import limit_threads
from kanwidget.surgery._record import listed, log, record
from kanwidget.surgery._structure import add_constant, all_nodes, cut, with_nodes

#: The nodes to keep, by level, or one list for each hidden level.
Active = Mapping[int, Sequence[int]] | Sequence[Sequence[int]]


@limit_threads
def prune(network: AnyNetwork, x: Tensor, node_th: float = 1e-2, edge_th: float = 3e-2) -> AnyNetwork:
    """A new network without the hidden nodes, then without the edges, whose scores are low; `prune_node` then
    `prune_edge`.

    Hidden nodes without any edge are removed too.

    Args:
        network: The network; it isn't changed.
        x: Samples for the scores, shape `(batch, n_features)`.
        node_th: Nodes with a score above this stay, ≥ 0.
        edge_th: Edges with a score above this stay, ≥ 0.

    Returns:
        A network of the same class that shares no storage with the old one.

    Examples:
        >>> from kanwidget import KAN
        >>> prune(KAN([2, 5, 1]), torch.rand(100, 2, dtype=torch.float64), node_th=10.0).width
        [[2, 0], [1, 0], [1, 0]]
    """
    _check.real(node_th, "node_th", "prune", low=0)
    _check.real(edge_th, "edge_th", "prune", low=0)
    _check_rows(x, "prune")
    return _without_unused(prune_edge(prune_node(network, x, node_th), x, edge_th))


@limit_threads
def prune_node(network: AnyNetwork, x: Tensor, threshold: float = 1e-2, active: Active | None = None) -> AnyNetwork:
    """A new network without the hidden nodes whose score is low.

    A product is judged, and removed, as a whole. Every subnode that had edges keeps at least the strongest, with its
    source: no output is cut off, a layer never becomes empty. The mean contribution of a removed node is added to the edges
    that stay. Removals are logged and stand in the history.

    Args:
        network: The network; it isn't changed.
        x: Samples for the scores, shape `(batch, n_features)`.
        threshold: Nodes with a score above this stay, ≥ 0. Scores are the largest over the outputs, see `attribute`.
        active: The nodes to keep instead, for each hidden level (a list of lists, or a dict from level to list).

    Returns:
        A network of the same class that shares no storage with the old one.

    Raises:
        ValueError: For a negative threshold, or nodes that don't exist.

    Examples:
        >>> from kanwidget import KAN
        >>> x = torch.rand(100, 2, dtype=torch.float64)
        >>> prune_node(KAN([2, 5, 1]), x, active=[[0, 3]]).width
        [[2, 0], [2, 0], [1, 0]]
    """
    _check.real(threshold, "threshold", "prune_node", low=0)
    if active is None:
        _check_rows(x, "prune_node")
        scores, hidden = attribute(network, x), range(1, network.depth)
        keep = all_nodes(network)
        for level in hidden:
            keep[level] = _above(scores.node_scores[level], threshold)
        _connect(network, scores, keep, hidden)
    else:
        keep = _checked(network, active)
    removed = _removed(network, keep)
    if not removed:
        return copy.deepcopy(network)
    return reduced(network, keep, x, f"pruned {listed('node', removed)}")


@limit_threads
def prune_input(
    network: AnyNetwork, x: Tensor, threshold: float = 1e-2, active: Sequence[int | str] | None = None
) -> AnyNetwork:
    """A new network without the inputs whose score is low. It takes the same x as before, and picks its columns.

    Args:
        network: The network; it isn't changed.
        x: Samples for the scores, shape `(batch, n_features)`.
        threshold: Inputs with a score above this stay, ≥ 0.
        active: The inputs to keep instead, by number or by the name of the column that they read.

    Returns:
        A network of the same class that shares no storage with the old one.

    Examples:
        >>> from kanwidget import KAN
        >>> x = torch.rand(100, 3, dtype=torch.float64)
        >>> small = prune_input(KAN([3, 5, 1]), x, active=[0, 2])
        >>> small.n_in, small.columns.tolist(), small(x).shape
        (2, [0, 2], torch.Size([100, 1]))
    """
    _check.real(threshold, "threshold", "prune_input", low=0)
    keep = all_nodes(network)
    if active is None:
        _check_rows(x, "prune_input")
        scores = attribute(network, x)
        keep[0] = _above(scores.node_scores[0], threshold)
        served = list(keep)  # nodes of each level that must keep an input; `_connect` adds inputs to `keep[0]`
        if network.depth > 1:  # a node with a score as low as a removed input needs no input
            served[1] = _above(scores.node_scores[1], threshold)
        _connect(network, scores, served, [0])
    else:
        keep[0] = _inputs(network, active)
    columns = [(int(network.columns[i]),) for _, i in _removed(network, keep)]
    if not columns:
        return copy.deepcopy(network)
    return reduced(network, keep, x, f"pruned {listed('input column', columns)}")


@limit_threads
def prune_edge(network: AnyNetwork, x: Tensor, threshold: float = 3e-2) -> AnyNetwork:
    """A new network of the same shape in which the edges with a low score are pruned.

    Every subnode of an output, and of a node whose own outgoing edges stay, keeps at least its strongest edge, so
    that no path to an output is cut and no product loses a factor; all edges of a node that no longer leads to an
    output are pruned. The mean contribution of a pruned edge is added to an edge that stays.

    Args:
        network: The network; it isn't changed.
        x: Samples for the scores, shape `(batch, n_features)`.
        threshold: Edges with a score above this stay, ≥ 0.

    Returns:
        A network of the same class that shares no storage with the old one.

    Examples:
        >>> from kanwidget import KAN
        >>> small = prune_edge(KAN([2, 5, 1]), torch.rand(100, 2, dtype=torch.float64), 10.0)
        >>> len(small.edge_refs(active=True))  # the strongest path
        2
    """
    _check.real(threshold, "threshold", "prune_edge", low=0)
    _check_rows(x, "prune_edge")
    scores, means = attribute(network, x).edge_scores, edge_means(network, x)
    pruned = copy.deepcopy(network)
    needed = list(range(network.n_out))
    cuts: list[tuple[int, int, int]] = []
    for index in reversed(range(network.depth)):
        keep = _strong_edges(network, index, needed, scores[index], threshold)
        layer = pruned.layer(index)
        removed = layer.active() & ~keep
        for target, source in removed.nonzero().tolist():
            cut(layer, source, target)
            cuts.append((index, source, target))
        constants = torch.where(removed, means[index], 0.0).sum(1).tolist()
        for target in (s for node in needed for s in network.subnodes_of(index + 1, node)):
            if constants[target] != 0:
                add_constant(layer, target, constants[target])
        needed = keep.any(0).nonzero().flatten().tolist()
    if cuts:
        record(pruned, "prune", f"pruned {listed('edge', sorted(cuts))}")
    return pruned


def reduced(network: AnyNetwork, keep: Sequence[Sequence[int]], x: Tensor | None, label: str) -> AnyNetwork:
    """A new network with only some nodes; what the others add on average over the samples stays as a constant.

    Args:
        network: The network; it isn't changed.
        keep: The nodes of each level that stay, inputs first.
        x: Samples, `(batch, n_features)`; None to drop what the others add.
        label: Text of the event in the history.
    """
    fresh = with_nodes(network, keep)
    for index, means in enumerate([] if x is None else edge_means(network, x)):
        removed = [n for n in range(network.nodes_in(index)) if n not in keep[index]]
        constants = means[:, removed].sum(1).tolist()
        for target, old in enumerate(s for node in keep[index + 1] for s in network.subnodes_of(index + 1, node)):
            if constants[old] != 0:
                add_constant(fresh.layer(index), target, constants[old])
    record(fresh, "prune", label)
    return fresh


def edge_means(network: Network, x: Tensor) -> list[Tensor]:
    """Mean value of every edge over the samples, `(subnodes, nodes below)` per layer, in the network's scaled numbers."""
    with torch.no_grad():
        return [edges.mean(0) for edges in network.scaled_trace(x).edges]


def _check_rows(x: Tensor, where: str) -> None:
    """Refuse a single row: all scores would be 0, and everything pruned."""
    if x.ndim == 2 and len(x) == 1:  # other shapes raise an error in the network
        advice = "Scores compare how much edges vary from row to row: give as many rows as you have."
        _check.fail("data", where, "two rows at least", x, advice)


def _above(scores: Tensor, threshold: float) -> list[int]:
    """The nodes of a level whose score, `(nodes,)`, is above the threshold."""
    return (scores > threshold).nonzero().flatten().tolist()


def _connect(network: Network, scores: Scores, keep: list[list[int]], levels: Sequence[int]) -> None:
    """Add nodes to `keep`, the nodes of each level that stay, so that every subnode with edges keeps one, and no level is empty. In place.

    Nodes are added to the levels `levels` alone: the source of a subnode's strongest edge, or a level's best node. It goes from the top
    down, because a node added on one level needs an edge from the level below.
    """
    for level in sorted(levels, reverse=True):
        for node in keep[level + 1]:
            for subnode in network.subnodes_of(level + 1, node):
                active = network.layer(level).active()[subnode]
                if bool(active.any()) and not bool(active[keep[level]].any()):
                    ranking = torch.where(active, scores.edge_scores[level][subnode], -1.0)  # pruned edges come last
                    _rescue(keep[level], level, int(ranking.argmax()))
        if not keep[level]:
            _rescue(keep[level], level, int(scores.node_scores[level].argmax()))
        keep[level].sort()


def _rescue(nodes: list[int], level: int, node: int) -> None:
    """Add a node to those that stay on a level, with a warning. In place."""
    log.warning(f"node ({level}, {node}) scores below the threshold; it stays because nothing else leads on from there")
    nodes.append(node)


def _checked(network: Network, active: Active) -> list[list[int]]:
    """The nodes to keep on each level, inputs and outputs included, from the argument `active`; an error where that doesn't fit."""
    hidden, argument = range(1, network.depth), active
    expected = f"a list of {len(hidden)} lists, one for each hidden level"
    advice = "[[0, 2]] keeps two nodes of one level."
    if not isinstance(active, Mapping):
        if isinstance(active, str) or not isinstance(active, Sequence) or len(active) != len(hidden):
            _check.fail("active", "prune_node", expected, active, advice)
        active = dict(zip(hidden, active, strict=True))
    keep = all_nodes(network)
    for level, nodes in active.items():
        _check.integer(level, "active", "prune_node", low=1, high=network.depth - 1, advice="Levels are keys.")
        if isinstance(nodes, str) or not isinstance(nodes, Iterable):
            _check.fail("active", "prune_node", expected, argument, advice)
        high = network.nodes_in(level) - 1
        keep[level] = sorted({_check.integer(n, "active", "prune_node", low=0, high=high) for n in nodes})
        if not keep[level]:
            _check.fail("active", "prune_node", "at least one node for each level", active)
    return keep


def _inputs(network: Network, active: Sequence[int | str]) -> list[int]:
    """The indices of the inputs to keep, increasing, from the argument `active`: indices, or names of columns; an error for others."""
    if isinstance(active, str) or not isinstance(active, Iterable):
        _check.fail("active", "prune_input", "a list of inputs", active, "Write [0, 2] for the first and the third.")
    names = column_names(network)
    read = [names[column] for column in network.columns.tolist()]
    keep = set()
    for item in active:
        if isinstance(item, str):
            keep.add(read.index(_check.choice(item, "active", "prune_input", read)))
        else:
            keep.add(_check.integer(item, "active", "prune_input", low=0, high=network.n_in - 1))
    if not keep:
        _check.fail("active", "prune_input", "at least one input", active)
    return sorted(keep)


def _strong_edges(network: Network, index: int, needed: Sequence[int], scores: Tensor, threshold: float) -> Tensor:
    """Mask of the edges of a layer that stay, `(subnodes, nodes below)`: those into `needed` nodes above with a score above the threshold.

    A subnode keeps its strongest edge in any case. `index` is the layer's number, `scores` are those of its edges.
    """
    active = network.layer(index).active()
    keep = torch.zeros_like(active)
    for node in needed:
        for subnode in network.subnodes_of(index + 1, node):
            keep[subnode] = active[subnode] & (scores[subnode] > threshold)
            if bool(active[subnode].any()) and not bool(keep[subnode].any()):
                # Pruned edges come last.
                source = int(torch.where(active[subnode], scores[subnode], -1.0).argmax())
                keep[subnode, source] = True
                log.warning(f"edge {(index, source, subnode)} scores below the threshold; it stays as the only path")
    return keep


def _without_unused(network: AnyNetwork) -> AnyNetwork:
    """The network without hidden nodes that no edge uses; the function is the same."""
    keep = all_nodes(network)
    for level in range(1, network.depth):
        # A level can't be empty.
        keep[level] = network.layer(level).active().any(0).nonzero().flatten().tolist() or [0]
    removed = _removed(network, keep)
    if not removed:
        return network
    fresh = with_nodes(network, keep)
    record(fresh, "prune", f"removed {listed('unused node', removed)}")
    return fresh


def _removed(network: Network, keep: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """The nodes, `(level, node)`, that aren't among those to keep on each level."""
    return [(level, n) for level, nodes in enumerate(keep) for n in range(network.nodes_in(level)) if n not in nodes]
