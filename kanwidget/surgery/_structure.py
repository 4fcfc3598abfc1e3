"""The operation behind all changes of width: a network from nodes of another network, in any order, and new nodes."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from kanwidget import _check
from kanwidget.core.layer import Layer
from kanwidget.core.network import AnyNetwork, Network

#: The nodes of a level, sums first: each as its index in the old level, with those of its subnodes, one of a sum; None for new ones.
Level = list[tuple[int | None, list[int | None]]]


def check_hidden(network: Network, level: int, where: str, advice: str = "") -> None:
    """An error that names the call, `where`, unless a level of nodes is hidden; `advice` ends it for a network without hidden levels."""
    if network.depth < 2:
        _check.fail("network", where, "one with a hidden layer", network.width, advice)
    _check.integer(level, "level", where, low=1, high=network.depth - 1, advice="Levels 1 to depth - 1 are hidden.")


def all_nodes(network: Network) -> list[list[int]]:
    """The indices of all nodes of each level, inputs first: what to keep of a network, as long as nothing is taken out."""
    return [list(range(network.nodes_in(level))) for level in range(network.depth + 1)]


def reduced_level(network: Network, level: int, keep: Sequence[int]) -> Level:
    """A level with only these nodes, in this order (sums before products): each with its subnodes, all by their old indices."""
    return [(node, [*network.subnodes_of(level, node)]) for node in keep]


def subnodes(level: Level) -> list[int | None]:
    """The subnodes of all nodes of a level in a row: their indices in the old level, None for new ones.

    `level` has for each node a pair: its old index, and the old indices of its subnodes, one of a sum and the factors of a product.
    """
    return [subnode for _, subnodes in level for subnode in subnodes]


def arities(level: Level) -> list[int]:
    """Number of factors of each product of a level: of each of its pairs (node, subnodes) with more than one subnode."""
    return [len(factors) for _, factors in level if len(factors) > 1]


def with_nodes(network: AnyNetwork, keep: Sequence[Sequence[int]]) -> AnyNetwork:
    """A copy of the network, that shares no tensor, with only the nodes `keep` of each level, inputs first, in this order."""
    return restructured(network, [reduced_level(network, level, nodes) for level, nodes in enumerate(keep)])


def restructured(network: AnyNetwork, levels: Sequence[Level]) -> AnyNetwork:
    """A copy of the network with these levels, all settings included, that shares no tensor.

    A level has for each node a pair: its index in the network, and those of its subnodes; None for new ones. New edges are splines that
    are 0 everywhere, on their input's knots or, for new inputs, on the layer's mean knots.
    """
    fresh = copy.deepcopy(network)
    for index in range(network.depth):
        sources = [node for node, _ in levels[index]]
        fresh.layers[index] = gathered(network.layer(index), subnodes(levels[index + 1]), sources)
    fresh.arities = [arities(level) for level in levels]
    fresh.width = [[len(level) - len(arities(level)), len(arities(level))] for level in levels]
    inputs = [node for node, _ in levels[0] if node is not None]
    fresh.columns = network.columns[torch.tensor(inputs, device=network.columns.device)].clone()
    return fresh


def gathered(layer: Layer, targets: Sequence[int | None], sources: Sequence[int | None]) -> Layer:
    """A copy of the layer with these subnodes and inputs; None is a new subnode or input, whose edges are splines equal to 0."""
    fresh = copy.deepcopy(layer)
    # Tied edges share the parameters of one of them, which may be taken out: each gets a copy first.
    untie(fresh, [flat for tie in fresh.ties for flat in tie])
    with torch.no_grad():
        for name in ("coef", "base", "affine"):
            old = getattr(fresh, name)
            # Coefficients 0, and for a, b, c, d those of a layer without symbols.
            blank = old.new_tensor([1.0, 0.0, 1.0, 0.0]) if name == "affine" else old.new_zeros(())
            picked = _picked(_picked(old, targets, 0, blank), sources, 1, blank)
            setattr(fresh, name, nn.Parameter(picked, requires_grad=old.requires_grad))
        on, off = layer.spline_on.new_ones(()), layer.spline_on.new_zeros(())
        fresh.spline_on = _picked(_picked(layer.spline_on, targets, 0, on), sources, 1, on)
        fresh.frozen = _picked(_picked(layer.frozen, targets, 0, off), sources, 1, off)
        fresh.knots = _picked(layer.knots, sources, 0, layer.knots.mean(0))
    fresh.levels = tuple(0 if source is None else layer.levels[source] for source in sources)
    fresh.merged = {i: layer.merged[s] for i, s in enumerate(sources) if s in layer.merged}
    fresh.take_room()
    # Flat indices in the copy by those in the layer: target·inputs + source.
    new_index = {
        target * layer.in_dim + source: j * len(sources) + i
        for j, target in enumerate(targets)
        for i, source in enumerate(sources)
        if target is not None and source is not None
    }
    moved = {name: sorted(new_index[m] for m in members if m in new_index) for name, members in layer.symbols.items()}
    fresh.symbols = {name: members for name, members in moved.items() if members}
    ties = [sorted(new_index[m] for m in tie if m in new_index) for tie in layer.ties]
    fresh.ties = [tie for tie in ties if len(tie) > 1]
    return fresh


def untie(layer: Layer, flats: Sequence[int]) -> None:
    """Take edges out of their ties (groups that share one function); each keeps its function. In place.

    `flats` has their flat indices, target·inputs + source.
    """
    share(layer)
    remaining = [[flat for flat in tie if flat not in set(flats)] for tie in layer.ties]
    layer.ties = [tie for tie in remaining if len(tie) > 1]


def share(layer: Layer) -> None:
    """Write the parameters that the edges of a tie share, which are those of its first edge, to all of them. In place.

    Any of them may then be the first, or leave the tie with its function.
    """
    if layer.ties:
        index = layer.tie_index()
        with torch.no_grad():
            for parameter in (layer.coef, layer.base, layer.affine):
                parameter.copy_(parameter.flatten(0, 1)[index].view_as(parameter))


def cut(layer: Layer, source: int, target: int) -> None:
    """Prune an edge, spline and symbol. In place; the spline's coefficients stay for `restore_edge`."""
    untie(layer, [target * layer.in_dim + source])
    layer.spline_on[target, source] = False
    if layer.symbol(source, target) is not None:
        layer.set_symbol(source, target, None)


def add_constant(layer: Layer, target: int, value: float) -> None:
    """Add a constant to a subnode through one of its edges, exactly. In place.

    B-splines sum to 1 (beyond the grid too), so the constant goes to all coefficients of a spline, or to d of a symbol.
    Edges whose parameters are frozen or shared are the last choice; a tied edge leaves its tie. A subnode without edges
    gets the symbol 0 on its first edge, with the constant as d.
    """
    tied = {flat for tie in layer.ties for flat in tie}
    active = layer.active()[target].nonzero().flatten().tolist()
    if not active:
        layer.set_symbol(0, target, "0", (1.0, 0.0, 1.0, value))
        return

    def reluctance(source: int) -> tuple[bool, bool, bool]:
        """A sort key, of which the least is taken: an edge that isn't tied before tied ones, then one that isn't frozen, then a spline."""
        shared = target * layer.in_dim + source in tied
        return shared, bool(layer.frozen[target, source]), not bool(layer.spline_on[target, source])

    source = min(active, key=reluctance)
    if target * layer.in_dim + source in tied:
        untie(layer, [target * layer.in_dim + source])
    with torch.no_grad():
        if layer.spline_on[target, source]:
            layer.coef[target, source] += value
        else:
            layer.affine[target, source, 3] += value


def _picked(tensor: Tensor, indices: Sequence[int | None], dim: int, blank: Tensor) -> Tensor:
    """The slices of a tensor at these indices along a dimension, `blank` for None."""
    # For None any slice is taken, and then replaced.
    positions = torch.tensor([0 if i is None else i for i in indices], dtype=torch.long, device=tensor.device)
    missing = torch.tensor([i is None for i in indices], dtype=torch.bool, device=tensor.device)
    shape = [-1 if d == dim else 1 for d in range(tensor.ndim)]
    return torch.where(missing.view(shape), blank, tensor.index_select(dim, positions))
