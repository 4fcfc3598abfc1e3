"""Growing: more nodes, more layers, the same function."""

from __future__ import annotations

import copy

import torch

from kanwidget import _check
from kanwidget.core import splines
from kanwidget.core.layer import Layer
from kanwidget.core.network import AnyNetwork
from kanwidget.core.starts import redrawn_layer
from kanwidget.core.threads import limit_threads
from kanwidget.surgery._record import record
from kanwidget.surgery._structure import Level, all_nodes, check_hidden, reduced_level, restructured


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
    levels[level] = _grown(levels[level], network.width[level][0], n, arity)
    wider = restructured(network, levels)
    _excite(wider.layer(level - 1), levels[level].subnodes, seed)
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
        ValueError: If there is no such level.

    Examples:
        >>> from kanwidget import KAN
        >>> model, x = KAN([2, 3, 1]), torch.rand(10, 2, dtype=torch.float64)
        >>> deeper = expand_depth(model, 1)
        >>> deeper.width, torch.allclose(deeper(x), model(x))
        ([[2, 0], [3, 0], [3, 0], [1, 0]], True)
    """
    at = network.depth if level is None else _check.integer(level, "level", "expand_depth", low=0, high=network.depth)
    deeper = copy.deepcopy(network)
    count = network.nodes_in(at)
    deeper.layers.insert(at, _identity(network.layer(min(at, network.depth - 1)), count))
    deeper.width.insert(at + 1, [count, 0])
    deeper.arities.insert(at + 1, [])
    record(deeper, "expand", f"added an identity layer after level {at}")
    return deeper


def _grown(level: Level, n_sum: int, n: int, arity: int) -> Level:
    """A level with n more sums (arity 1), after the current ones, or products, at the end."""
    if arity > 1:
        new: list[int | None] = [None] * n
        return Level([*level.nodes, *new], [*level.subnodes, *(new * arity)], [*level.arities, *([arity] * n)])
    nodes, subnodes = list(level.nodes), list(level.subnodes)
    nodes[n_sum:n_sum] = subnodes[n_sum:n_sum] = [None] * n
    return Level(nodes, subnodes, list(level.arities))


def _excite(layer: Layer, targets: list[int | None], seed: int) -> None:
    """Give new subnodes the random edges that a new network would have. In place."""
    new = [target for target, old in enumerate(targets) if old is None]
    # The seed depends on the width too: nodes that are added in two calls would be equal, and stay so for ever.
    generator = torch.Generator().manual_seed(1_000_003 * seed + len(targets))
    drawn = redrawn_layer(layer, len(new), noise_scale=0.3, generator=generator)
    with torch.no_grad():
        layer.coef[new] = drawn.coef
        layer.base[new] = drawn.base


def _identity(model: Layer, count: int) -> Layer:
    """A layer of `count` symbolic edges x, with splines like those of `model`."""
    ends = model.coef.new_ones(count)
    grid = splines.uniform_grid(-ends, ends, model.grid_size)
    coef = model.coef.new_zeros(count, count, model.grid_size + model.k)
    layer = Layer(grid, model.k, coef, coef.new_zeros(count, count), model.base_fun)
    layer.spline_on[:] = False
    for node in range(count):
        layer.set_symbol(node, node, "x")
    return layer.train(model.training)
