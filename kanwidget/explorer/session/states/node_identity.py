"""Which node of one structure is which of the next: nodes keep an identity where others are pruned or added between them.

Inputs are known by their columns and outputs by their place. Hidden nodes keep their order; they are matched by how alike their values are.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from kanwidget.core import EdgeRef
from kanwidget.kan import KAN

#: Rows of the data at which values are compared.
_ROWS = 64


def identities(networks: Sequence[tuple[KAN, KAN]], x: Tensor) -> list[list[list[int]]]:
    """An identity for each node of each level, for networks that came from each other.

    Args:
        networks: The first and the last network of each structure (set of nodes), in order: an act leads from one to the next.
        x: Rows of the data, `(rows, features)`.

    Returns:
        For each network and level the identities of its nodes: equal for the same node.

    Examples:
        >>> x = torch.rand(20, 2, dtype=torch.float64)
        >>> model = KAN([2, 3, 1])
        >>> smaller = model.remove_node(1, 1)
        >>> identities([(model, model), (smaller, smaller)], x)
        [[[0, 1], [0, 1, 2], [0]], [[0, 1], [0, 2], [0]]]
    """
    x = x[:_ROWS]
    # Numbers that no hidden node or output has as its identity.
    fresh = itertools.count(max(first.nodes_in(level) for first, _ in networks for level in range(first.depth + 1)))
    result: list[list[list[int]]] = []
    for index, (network, _) in enumerate(networks):
        if index == 0:
            levels = [list(range(network.nodes_in(level))) for level in range(network.depth + 1)]
        else:
            levels = _levels(result[-1], networks[index - 1][1], network, x, fresh)
        levels[0] = network.columns.tolist()  # of an input the column that it reads
        result.append(levels)
    return result


def _levels(former: list[list[int]], before: KAN, network: KAN, x: Tensor, fresh: Iterator[int]) -> list[list[int]]:
    """Identities of a network's nodes, by level and node, from those of the network before.

    The caller sets those of the inputs, which are their columns.

    Args:
        former: Identities in the network before, by level and node.
        before: The network before.
        network: The network now.
        x: Rows of the data at which nodes are compared, `(rows, features)`.
        fresh: Identities for new nodes.
    """
    numbers = range(network.depth + 1)
    if network.depth == before.depth:
        return [_continued(former[level], before, network, level, x, fresh) for level in numbers]
    # As a formula in the place of a trained network: only inputs and outputs go on.
    inner = [[next(fresh) for _ in range(network.nodes_in(level))] for level in numbers[1:-1]]
    return [[], *inner, former[-1][: network.nodes_in(network.depth)]]


def followed(edges: Sequence[EdgeRef], before: KAN, after: KAN, x: Tensor) -> list[EdgeRef]:
    """The same edges in a network that came from another one, or that it came from; edges without a counterpart are left out.

    Args:
        edges: Of the network before.
        before: The network before.
        after: The network after.
        x: Rows of the data, `(rows, features)`, at which nodes of both networks are compared.

    Examples:
        >>> x = torch.rand(20, 2, dtype=torch.float64)
        >>> model = KAN([2, 3, 1])
        >>> followed([EdgeRef(0, 1, 2), EdgeRef(1, 0, 0)], model, model.remove_node(1, 0), x)
        [EdgeRef(layer=0, source=1, target=1)]
    """
    if not edges or before.depth != after.depth or before.n_features != after.n_features:
        return []
    old, new = identities([(before, before), (after, after)], x)
    counterparts = []
    for layer, source, target in edges:
        node = before.node_of(layer + 1, target)
        # Which of the factors of a product node the edge belongs to; 0 for a sum.
        factor = before.subnodes_of(layer + 1, node).index(target)
        if old[layer][source] in new[layer] and old[layer + 1][node] in new[layer + 1]:
            subnodes = after.subnodes_of(layer + 1, new[layer + 1].index(old[layer + 1][node]))
            if factor < len(subnodes):
                counterparts.append(EdgeRef(layer, new[layer].index(old[layer][source]), subnodes[factor]))
    return counterparts


def _continued(former: list[int], before: KAN, network: KAN, level: int, x: Tensor, fresh: Iterator[int]) -> list[int]:
    """An identity for each node of a level: that of the node before which it continues, else a new one.

    Args:
        former: Identities of the level's nodes in the network before.
        before: The network before.
        network: The network now, with the same number of levels.
        level: The level. Node n of the inputs, of the outputs and of a level with the same width continues node n.
        x: Rows of the data at which nodes are compared, `(rows, features)`.
        fresh: Identities for new nodes.
    """
    if level in (0, network.depth) or before.width[level] == network.width[level]:
        return former[: network.nodes_in(level)]
    n_sum, old_sum = network.width[level][0], before.width[level][0]
    likeness = _likeness(before, network, level, x)
    identity: list[int] = []
    # Sums come first, then products; neither becomes the other.
    for own, old in ((slice(0, n_sum), slice(0, old_sum)), (slice(n_sum, None), slice(old_sum, None))):
        earlier = former[old]
        identity += [next(fresh) if n is None else earlier[n] for n in _aligned(likeness[old, own])]
    return identity


def _likeness(before: KAN, network: KAN, level: int, x: Tensor) -> Tensor:
    """How alike the values of a level's nodes are in two networks, `(old nodes, nodes)`: 1 where they are the same, towards 0 else.

    Args:
        before: The network before.
        network: The network now.
        level: The level.
        x: Rows of the data, `(rows, features)`.
    """
    with torch.no_grad():
        old, new = (model.scaled_trace(x.to(model.device)).nodes[level].cpu() for model in (before, network))
    # Root mean square of the difference, in standard deviations of both; the small number is for nodes that are constant.
    distance = (old[:, :, None] - new[:, None, :]).square().mean(0).sqrt()
    spread = new.std(0, correction=0) + old.std(0, correction=0)[:, None] + 1e-12
    return torch.nan_to_num(1 / (1 + distance / spread))


def _aligned(likeness: Tensor) -> list[int | None]:
    """For each new node the index of the old one that it continues; None for a node without one.

    Both keep their order, and no old node goes on as two: of all such matches it is the one with the largest sum of likenesses.

    Args:
        likeness: How alike nodes are, `(old nodes, new nodes)`, ≥ 0.
    """
    rows, columns = likeness.shape
    # `best[i, j]`: the largest sum of likenesses with the first i old and the first j new nodes alone.
    best = torch.zeros(rows + 1, columns + 1, dtype=torch.float64)
    for i in range(1, rows + 1):
        for j in range(1, columns + 1):
            pair = best[i - 1, j - 1] + likeness[i - 1, j - 1]
            best[i, j] = torch.stack([pair, best[i - 1, j], best[i, j - 1]]).max()
    # Back from the end: a node that the best match does without is left out, else the two are a pair.
    partners: list[int | None] = [None] * columns
    i, j = rows, columns
    while i and j:
        if best[i, j] == best[i - 1, j]:
            i -= 1
        elif best[i, j] == best[i, j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            partners[j] = i
    return partners
