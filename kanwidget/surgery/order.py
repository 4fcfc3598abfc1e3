"""The order of hidden nodes: exchanging two, and the order with the shortest connections."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.scores import attribute, node_owners
from kanwidget.core.starts import positions
from kanwidget.core.threads import limit_threads
from kanwidget.surgery._structure import arities, check_hidden, gathered, reduced_level, subnodes

#: A cost that falls by less than this part is the same.
_SAME = 1e-9
#: Rounds through the levels at most; a handful suffices, and the cost falls in each.
_ROUNDS = 100
#: First passes from which the rounds start: by the levels on both sides, below, or above.
_STARTS = ((-1, 1), (-1,), (1,))


@limit_threads
def swap(network: Network, level: int, i1: int, i2: int) -> None:
    """Exchange two hidden nodes of one kind (sums, or products). In place; the function stays the same.

    All that belongs to their edges goes along to the bit: parameters, knots, symbols, ties, frozen ones. Outputs are the same up to
    the rounding of sums that are taken in another order.

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
    check_hidden(network, level, "swap")
    order = list(range(network.nodes_in(level)))
    for name, node in (("i1", i1), ("i2", i2)):
        _check.integer(node, name, "swap", low=0, high=len(order) - 1)
    n_sum = network.width[level][0]
    if (i1 < n_sum) != (i2 < n_sum):
        _check.fail("i2", "swap", "a node of the same kind as `i1`", i2, "Sums stand before products in a level.")
    order[i1], order[i2] = i2, i1
    _arrange(network, level, order)


@limit_threads
def connection_cost(network: Network, x: Tensor) -> float:
    """How long the network's connections are, by their importance: Σ |position of source - position of target| · score of the edge.

    Node n of a level of N has position (n + ½)/N; scores are those of `attribute`, the largest over the outputs.

    Args:
        network: The network; it isn't changed.
        x: Samples for the scores, shape `(batch, n_features)`.

    Returns:
        The cost, ≥ 0; 0 where every edge that matters goes straight up.

    Examples:
        >>> from kanwidget import KAN
        >>> model, x = KAN([2, 2]), torch.rand(50, 2, dtype=torch.float64)
        >>> for i, j in ((0, 0), (1, 1)):
        ...     model.remove_edge(0, i, j)
        >>> connection_cost(model, x)  # two edges cross, each half of the width long
        1.0

    References:
        Liu, Gan and Tegmark, "Seeing is Believing: Brain-Inspired Modular Training for Mechanistic Interpretability", arXiv:2305.08746.
    """
    return _cost(_between_nodes(network, attribute(network, x).edge_scores))


@limit_threads
def auto_swap(network: Network, x: Tensor, level: int | None = None) -> None:
    """Reorder hidden nodes so that the connection cost falls. In place; the function stays the same, as with `swap`.

    For a level whose neighbors stay the order is the best there is; several levels take turns until none gains, from three starts, of
    which the best counts. Sums and products keep their sides of the level, inputs and outputs their order.

    Args:
        network: The network; without a hidden level nothing happens.
        x: Samples for the scores, shape `(batch, n_features)`.
        level: Only this level, from 1 to depth - 1.

    Raises:
        ValueError: If the level isn't hidden.

    Examples:
        >>> from kanwidget import KAN
        >>> model, x = KAN([2, 4, 2], seed=1), torch.rand(50, 2, dtype=torch.float64)
        >>> before = connection_cost(model, x)
        >>> auto_swap(model, x)
        >>> connection_cost(model, x) < before
        True
    """
    if level is not None:
        check_hidden(network, level, "auto_swap")
    levels = list(range(1, network.depth)) if level is None else [level]
    if not levels:
        return
    matrices = _between_nodes(network, attribute(network, x).edge_scores)
    sums = [n_sum for n_sum, _ in network.width]
    now = _cost(matrices)
    settled = [_settled(matrices, sums, levels, pulls) for pulls in _STARTS]
    cost, orders = min(settled, key=lambda one: one[0])
    if cost < (1 - _SAME) * now:
        for each, nodes in orders.items():
            _arrange(network, each, nodes)


def _settled(
    matrices: Sequence[Tensor], sums: Sequence[int], levels: Sequence[int], pulls: tuple[int, ...]
) -> tuple[float, dict[int, list[int]]]:
    """An order of the nodes of each level that reordering no single level improves, and its connection cost.

    The cost is the sum over the edges of score times distance between their ends.

    Args:
        matrices: Scores between the nodes of successive levels, `(nodes above, nodes below)`.
        sums: Number of sums of each level; they stay before its products.
        levels: The levels to order.
        pulls: What places the nodes in the first pass: the levels below (-1), above (1), or both. Two levels that are both in disorder
            hold each other where they are; a pass that looks one way alone frees them.
    """
    matrices, of_level = list(matrices), {level: list(range(matrices[level].shape[1])) for level in levels}
    # Away from the side that pulls: inputs and outputs have their order.
    for level in levels if pulls == (-1,) else levels[::-1]:
        _improve(matrices, of_level, level, sums[level], pulls)
    for _ in range(_ROUNDS):
        gains = [_improve(matrices, of_level, level, sums[level], (-1, 1)) for level in levels]
        if not any(gains):
            break
    return _cost(matrices), of_level


def _improve(
    matrices: list[Tensor], of_level: dict[int, list[int]], level: int, n_sum: int, pulls: tuple[int, ...]
) -> bool:
    """Bring a level into the order of least connection cost (edges' scores times their lengths), which is a linear assignment.

    In place; False, and no change, where that gains nothing.

    Args:
        matrices: Scores between the nodes of successive levels, `(nodes above, nodes below)`, reordered with the level.
        of_level: The order of each level so far.
        level: The level.
        n_sum: Number of its sums; they stay before its products.
        pulls: Which levels count, below (-1), above (1), or both.
    """
    costs, count = _costs(matrices, level, pulls), matrices[level].shape[1]
    order = list(range(count))
    for part in (slice(0, n_sum), slice(n_sum, count)):
        for node, position in enumerate(assignment(costs[part, part])):
            order[part.start + position] = part.start + node
    # The diagonal is the cost of the present order.
    if float(costs[order, range(count)].sum()) >= (1 - _SAME) * float(costs.trace()):
        return False
    matrices[level - 1], matrices[level] = matrices[level - 1][order], matrices[level][:, order]
    of_level[level] = [of_level[level][node] for node in order]
    return True


def _costs(matrices: Sequence[Tensor], level: int, pulls: tuple[int, ...]) -> Tensor:
    """What the connections of each node of a level would cost at each position, `(nodes, positions)`: their scores times lengths.

    `matrices` has the scores between successive levels, `(nodes above, nodes below)`; `pulls` says which count: below (-1), above (1).
    """
    own = positions(matrices[level].shape[1])
    costs = own.new_zeros(len(own), len(own))
    for pull in pulls:
        scores = matrices[level - 1] if pull < 0 else matrices[level].T
        costs = costs + scores @ (positions(scores.shape[1])[:, None] - own).abs()
    return costs


def _cost(matrices: Sequence[Tensor]) -> float:
    """The connection cost, Σ score · distance of the two nodes, from scores between successive levels, `(nodes above, nodes below)`.

    Nodes of a level stand evenly between 0 and 1.
    """
    lengths = ((positions(len(m))[:, None] - positions(m.shape[1])).abs() for m in matrices)
    return sum(float((matrix * length).sum()) for matrix, length in zip(matrices, lengths, strict=True))


def _between_nodes(network: Network, scores: Sequence[Tensor]) -> list[Tensor]:
    """Scores of edges, `(subnodes, nodes below)` per layer, added up over the factors of each product: `(nodes above, nodes below)`.

    They come as float64 on the processor.
    """
    matrices = []
    for index, score in enumerate(score.cpu().double() for score in scores):
        owners = torch.tensor(node_owners(network, index + 1))
        matrices.append(score.new_zeros(network.nodes_in(index + 1), score.shape[1]).index_add(0, owners, score))
    return matrices


def _arrange(network: Network, level: int, order: Sequence[int]) -> None:
    """Bring the nodes of a hidden level into an order, sums before products. In place; parameters stay the same objects."""
    new = reduced_level(network, level, order)
    lower, upper = network.layer(level - 1), network.layer(level)
    lower.load_state_dict(gathered(lower, subnodes(new), range(lower.in_dim)).state_dict())
    upper.load_state_dict(gathered(upper, range(upper.out_dim), order).state_dict())
    network.arities[level] = arities(new)


def assignment(costs: Tensor) -> list[int]:
    """The column of each row such that the sum of costs is least, each column taken once.

    Row by row the shortest augmenting path, in the costs reduced by row and column prices.

    Args:
        costs: Square, finite, on the processor.

    Examples:
        >>> assignment(torch.tensor([[4.0, 1.0, 3.0], [2.0, 0.0, 5.0], [3.0, 2.0, 2.0]]))
        [1, 0, 2]

    References:
        Jonker and Volgenant, "A shortest augmenting path algorithm for dense and sparse linear assignment problems", Computing 38 (1987).
    """
    cost = costs.numpy()  # its small operations take a quarter of torch's time
    size = len(cost)
    row_price, column_price = np.zeros(size), np.zeros(size + 1)
    row_of = [-1] * (size + 1)  # the last column stands for the row that looks for one
    for row in range(size):
        row_of[size], column = row, size
        distance, previous = np.full(size, np.inf), np.full(size, size)
        reached, visited = np.zeros(size, dtype=bool), np.zeros(size + 1, dtype=bool)
        # Go to the nearest column that isn't visited until one has no row yet; prices keep all reduced costs ≥ 0.
        while row_of[column] >= 0:
            visited[column] = reached[row_of[column]] = True
            reduced = cost[row_of[column]] - row_price[row_of[column]] - column_price[:size]
            closer = (reduced < distance) & ~visited[:size]
            distance[closer], previous[closer] = reduced[closer], column
            column = int(np.where(visited[:size], np.inf, distance).argmin())
            step = distance[column]
            row_price[reached] += step
            column_price[visited] -= step
            distance[~visited[:size]] -= step
        # Back along the path each column takes the row of the one before it.
        while column != size:
            before = int(previous[column])
            row_of[column], column = row_of[before], before
    return np.argsort(row_of[:size]).tolist()
