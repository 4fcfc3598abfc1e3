"""Edits by hand: single edges and nodes, the borders of a module, freezing parameters, more nodes and layers."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core import splines
from kanwidget.core.layer import Layer
from kanwidget.core.network import AnyNetwork, Network
from kanwidget.core.starts import redrawn_layer
from kanwidget.core.threads import limit_threads
from kanwidget.surgery._record import listed, record
from kanwidget.surgery._structure import Level, all_nodes, check_hidden, cut, reduced_level, restructured, subnodes
from kanwidget.surgery.prune import reduced


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
    cut(network.check_edge(l, i, j, "remove_edge"), i, j)
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
def isolate(network: Network, level: int, chain: Sequence[Sequence[int]]) -> None:
    """Cut the edges between a module and the other nodes of its levels. In place; `restore_edge` brings an edge back.

    A module is a chain of groups of nodes, one group a level. Edges within it stay, and so do those between two nodes outside, those
    that lead into the first group from below, and those from the last group up.

    Args:
        network: The network.
        level: Level of the first group, 0 for the inputs.
        chain: Two or more groups of nodes on successive levels, none of them empty.

    Raises:
        ValueError: For groups that aren't there; the network is then unchanged.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([2, 2, 1])
        >>> isolate(model, 0, [[0], [1]])
        >>> [model.layer(0).state(i, j) for i, j in ((0, 0), (0, 1), (1, 0), (1, 1))]
        ['pruned', 'spline', 'spline', 'pruned']

    References:
        Liu et al., "KAN 2.0: Kolmogorov-Arnold Networks Meet Science", arXiv:2408.10205 (pykan's `module`).
    """
    groups = _groups(network, level, chain)
    cuts = []
    for index, (below, above) in enumerate(itertools.pairwise(groups), level):
        inside = {subnode for node in above for subnode in network.subnodes_of(index + 1, node)}
        for target, source in network.layer(index).active().nonzero().tolist():
            if (source in below) != (target in inside):
                cut(network.layer(index), source, target)
                cuts.append((index, source, target))
    if cuts:
        record(network, "prune", f"isolated a module: {listed('edge', cuts)}")


@limit_threads
def remove_node(network: AnyNetwork, level: int, node: int, x: Tensor | None = None) -> AnyNetwork:
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
    check_hidden(network, level, "remove_node")
    count = network.nodes_in(level)
    _check.integer(node, "node", "remove_node", low=0, high=count - 1)
    if count == 1:
        _check.fail("node", "remove_node", "one of several", node, "Without it nothing reaches the outputs.")
    keep = all_nodes(network)
    keep[level].remove(node)
    return reduced(network, keep, x, f"removed node {(level, node)}")


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


def _groups(network: Network, level: int, chain: Sequence[Sequence[int]]) -> list[set[int]]:
    """The groups of nodes of a `chain`, one for each of successive levels from `level` on, as sets; an error where they don't fit."""
    expected = "two or more groups of nodes, one a level"
    advice = "[[0, 1], [2]] are two nodes, and one of the next level."
    _check.integer(level, "level", "isolate", low=0, high=network.depth - 1)
    if isinstance(chain, str) or not isinstance(chain, Sequence) or len(chain) < 2:
        _check.fail("chain", "isolate", expected, chain, advice)
    if level + len(chain) > network.depth + 1:
        _check.fail("chain", "isolate", f"at most {network.depth + 1 - level} groups", chain, "The network ends there.")
    groups = []
    for at, group in enumerate(chain, level):
        if isinstance(group, str) or not isinstance(group, Sequence) or not group:
            _check.fail("chain", "isolate", expected, chain, advice)
        high = network.nodes_in(at) - 1
        groups.append({_check.integer(node, "chain", "isolate", low=0, high=high) for node in group})
    return groups


# ---- growing: more nodes, more layers, the same function


@limit_threads
def expand_width(
    network: AnyNetwork, level: int, n: int, *, product: bool = False, mult_arity: int = 2, seed: int = 0
) -> AnyNetwork:
    """A new network with n more nodes on a hidden level; the function is the same.

    The edges into the new nodes start as small random splines, those out of them as splines that are 0: the
    function stays, and the gradient on the outgoing edges is there from the first step.

    Args:
        network: The network; it isn't changed.
        level: From 1 to depth - 1.
        n: How many nodes, ≥ 1.
        product: Product nodes, placed last; else sums, placed after the current ones.
        mult_arity: Number of factors of each new product, ≥ 2.
        seed: Of the random splines.

    Returns:
        A network of the same class that shares no storage with the old one.

    Raises:
        ValueError: If the level isn't hidden, or a number is out of range.

    Examples:
        >>> from kanwidget import KAN
        >>> model, x = KAN([2, 3, 1]), torch.rand(10, 2, dtype=torch.float64)
        >>> wider = expand_width(model, 1, 2, product=True, mult_arity=3)
        >>> wider.width, wider.arities, torch.allclose(wider(x), model(x))
        ([[2, 0], [3, 2], [1, 0]], [[], [3, 3], []], True)
    """
    where = "expand_width"
    check_hidden(network, level, where, "Use expand_depth first.")
    _check.integer(n, "n", where, low=1)
    arity = _check.integer(mult_arity, "mult_arity", where, low=2) if product else 1
    levels = [reduced_level(network, index, nodes) for index, nodes in enumerate(all_nodes(network))]
    at = network.nodes_in(level) if product else network.width[level][0]
    new: Level = [(None, [None] * arity)] * n
    levels[level][at:at] = new
    wider = restructured(network, levels)
    _excite(wider.layer(level - 1), subnodes(levels[level]), seed)
    kind = "product" if product else "sum"
    record(wider, "expand", f"added {n} {kind} node{'' if n == 1 else 's'} to level {level}")
    return wider


@limit_threads
def expand_depth(network: AnyNetwork, level: int | None = None) -> AnyNetwork:
    """A new network with one more layer, whose edges are the identity; the function is the same.

    Args:
        network: The network; it isn't changed.
        level: The level of nodes after which it comes, 0 for the inputs; by default the outputs.

    Returns:
        A network of the same class that shares no storage with the old one. Its new layer has a symbolic edge x from
        every node to its copy; the other edges are pruned (`restore_edge` brings them in, as splines that are 0).

    Raises:
        ValueError: If there is no such level, and for level 0 where a column holds words: their levels have values on the first layer.

    Examples:
        >>> from kanwidget import KAN
        >>> model, x = KAN([2, 3, 1]), torch.rand(10, 2, dtype=torch.float64)
        >>> deeper = expand_depth(model, 1)
        >>> deeper.width, torch.allclose(deeper(x), model(x))
        ([[2, 0], [3, 0], [3, 0], [1, 0]], True)
    """
    # Words (categories) have their values on edges of the first layer, which has to stay the first.
    low = int(any(network.layer(0).levels))
    at = network.depth if level is None else _check.integer(level, "level", "expand_depth", low=low, high=network.depth)
    deeper = copy.deepcopy(network)
    count = network.nodes_in(at)
    deeper.layers.insert(at, _identity(network.layer(min(at, network.depth - 1)), count))
    deeper.width.insert(at + 1, [count, 0])
    deeper.arities.insert(at + 1, [])
    record(deeper, "expand", f"added an identity layer after level {at}")
    return deeper


def _excite(layer: Layer, targets: list[int | None], seed: int) -> None:
    """Give new subnodes of a layer small random edges, drawn by a seed. In place.

    `targets` has the old index of each subnode, None for new ones.
    """
    new = [target for target, old in enumerate(targets) if old is None]
    # The seed depends on the width too: nodes that are added in two calls would be equal, and stay so for ever.
    generator = torch.Generator().manual_seed(1_000_003 * seed + len(targets))
    drawn = redrawn_layer(layer, len(new), noise_scale=0.3, generator=generator)
    with torch.no_grad():
        layer.coef[new] = drawn.coef
        layer.base[new] = drawn.base


def _identity(model: Layer, count: int) -> Layer:
    """A layer from `count` nodes to as many, each with a symbolic edge x to its copy.

    Its splines are off, and have the order and the number of intervals of `model`, a layer of the same network.
    """
    ends = model.coef.new_ones(count)
    grid = splines.uniform_grid(-ends, ends, model.grid_size)
    coef = model.coef.new_zeros(count, count, model.grid_size + model.k)
    layer = Layer(grid, model.k, coef, coef.new_zeros(count, count), model.base_fun)
    layer.spline_on[:] = False
    for node in range(count):
        layer.set_symbol(node, node, "x")
    return layer.train(model.training)
