"""Grids: moving the knots to where the data is, and changing their number, while the functions stay the same."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from kanwidget import _check
from kanwidget.core import splines
from kanwidget.core.arguments import normalize_grids
from kanwidget.core.layer import Layer
from kanwidget.core.network import AnyNetwork, Network
from kanwidget.core.threads import limit_threads
from kanwidget.surgery._knots import adapted_grid, refit, resampled_grid, split_grid, spread_grid
from kanwidget.surgery._record import log, record

KnotPlacement = Literal["insert", "uniform", "adapted", "spread"]
_FROM_SAMPLES = ("adapted", "spread")
#: Points an interval at which a spline is followed where no samples are given.
_DENSITY = 8


@limit_threads
def update_grid(network: Network, x: Tensor, *, grid_eps: float | None = None, margin: float = 0.01) -> None:
    """Move the knots of every layer to where its inputs are. In place; parameters stay the same objects.

    knots = ε·uniform + (1 - ε)·quantiles of the distinct values, layer by layer, each with the inputs that it has
    after the layers below have moved. The splines follow by least squares at the samples. An input with a frozen
    spline keeps its knots, inputs with shared parameters get common ones, a constant input keeps its own if it lies
    within them. An optimizer's state is worthless afterwards.

    Args:
        network: The network.
        x: Samples, shape `(batch, n_features)`, finite, at least one row.
        grid_eps: ε from 0 (quantiles) to 1 (even knots); by default the network's own `grid_eps`. However small it
            is, no interval becomes shorter than a hundredth of the mean one.
        margin: Distance of each end from the samples, as a part of their range; ≥ 0.

    Raises:
        ValueError: If x is empty or not finite.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([2, 3, 1])
        >>> update_grid(model, 10 * torch.rand(200, 2, dtype=torch.float64), margin=0.0)
        >>> bool(model.layer(0).grid.max() > 9)
        True
    """
    update_grids([network], [x], grid_eps=grid_eps, margin=margin)


def update_grids(
    networks: Sequence[Network], x: Sequence[Tensor], *, grid_eps: float | None = None, margin: float = 0.01
) -> None:
    """Move the knots of networks of one structure to where their inputs are, each by its own samples, as `update_grid` does. In place.

    `x` has the samples of each, `(batch, n_features)`. The layers of all networks at one depth are computed in one call, if they can be.
    For `grid_eps` (0 to 1, from quantiles to even knots; None for the networks' own) and `margin` see `update_grid`.
    """
    settings = [_grid_settings(network, grid_eps, margin, "update_grid") for network in networks]
    # `grid_eps` of each network, and the margin, which is that of all.
    eps, margin = [grid_eps for grid_eps, _ in settings], settings[0][1]
    with torch.no_grad():
        nodes = [_samples(network, inputs, "update_grid") for network, inputs in zip(networks, x, strict=True)]
        for index in range(networks[0].depth):
            layers = [network.layer(index) for network in networks]
            # A layer below may overflow: the networks' finite samples can differ in number.
            nodes = [inputs[torch.isfinite(inputs).all(1)] for inputs in nodes]
            alike = len({inputs.shape for inputs in nodes}) == 1
            for part in [slice(None)] if alike else [slice(first, first + 1) for first in range(len(nodes))]:
                members, size = layers[part], layers[0].grid_size
                coefs, grids = _regridded(members, size, "adapted", torch.stack(nodes[part]), eps[part], margin)
                for layer, coef, grid in zip(members, coefs, grids, strict=True):
                    layer.coef.copy_(coef)
                    layer.knots.copy_(splines.extend_knots(grid, layer.k))
            if index + 1 < networks[0].depth:
                steps = zip(networks, layers, nodes, strict=True)
                nodes = [network.combine(index + 1, layer(inputs)) for network, layer, inputs in steps]


@limit_threads
def refine(
    network: AnyNetwork,
    grid: int | Sequence[int],
    *,
    knots: KnotPlacement = "insert",
    x: Tensor | None = None,
    grid_eps: float | None = None,
    margin: float = 0.01,
) -> AnyNetwork:
    """A new network with another number of grid intervals.

    With `knots="insert"` and a larger grid the function stays exactly the same: knots are added between the
    current ones. Fewer intervals, or moved knots, keep it only as well as least squares can; that is logged.

    Args:
        network: The network; it isn't changed.
        grid: Number of intervals, ≥ 1, or one for each layer of edges.
        knots: `insert` between the current ones, `uniform`, `adapted` to x as by `update_grid`, or `spread`: even, but with
            some four samples of x in every interval, so that the data determine every coefficient.
        x: Samples, shape `(batch, n_features)`, at which functions are to agree when knots move; needed for
            `adapted` and `spread`. Without them the functions are followed evenly over their grids.
        grid_eps: For `adapted`, see `update_grid`.
        margin: For `adapted`, see `update_grid`.

    Returns:
        A network of the same class that shares no storage with the old one.

    Raises:
        ValueError: For a grid that isn't an integer ≥ 1, or `adapted` or `spread` without samples.

    Examples:
        >>> from kanwidget import KAN
        >>> model, x = KAN([2, 5, 1], grid=3), torch.rand(100, 2, dtype=torch.float64)
        >>> finer = refine(model, 10)
        >>> finer.grid, bool((finer(x) - model(x)).abs().max() < 1e-12)
        (10, True)
    """
    _check.choice(knots, "knots", "refine", get_args(KnotPlacement))
    sizes = normalize_grids(grid, network.depth, "refine")
    eps, margin = _grid_settings(network, grid_eps, margin, "refine")
    if knots in _FROM_SAMPLES and x is None:
        _check.fail("x", "refine", f"given with knots={knots!r}", None, "Pass the training inputs.")
    old_sizes = [layer.grid_size for layer in network.layers]
    finer = copy.deepcopy(network)
    with torch.no_grad():
        nodes = None if x is None else _samples(network, x, "refine")
        for index, size in enumerate(sizes):
            layer = finer.layer(index)
            nodes = None if nodes is None else nodes[torch.isfinite(nodes).all(1)]  # a layer below may overflow
            samples = None if nodes is None else nodes[None]
            (coef,), (new,) = _regridded([layer], size, knots, samples, [eps], margin)
            layer.coef = nn.Parameter(coef.contiguous(), requires_grad=layer.coef.requires_grad)
            layer.knots = splines.extend_knots(new, layer.k)
            nodes = None if nodes is None else finer.combine(index + 1, layer(nodes))
    if knots != "insert" or any(size < old for size, old in zip(sizes, old_sizes, strict=True)):
        log.info("refine: knots were moved or removed; the splines follow by least squares, not exactly")
    record(finer, "refine", f"grid {_text(old_sizes)} → {_text(sizes)}")
    return finer


def _regridded(
    layers: Sequence[Layer],
    size: int,
    placement: KnotPlacement,
    nodes: Tensor | None,
    eps: Sequence[float],
    margin: float,
) -> tuple[Tensor, Tensor]:
    """Coefficients `(networks, out, in, …)` and grids `(networks, in, size + 1)`, on which the splines of layers stay what they are.

    They do so exactly where knots are only inserted, else by least squares at the samples.

    Args:
        layers: One of each network, of one structure; they aren't changed.
        size: Number of intervals.
        placement: Where knots go: between the present ones (`insert`), evenly, or by the samples (`adapted`, `spread`).
        nodes: Samples of the layers' inputs, `(networks, batch, in)`, finite; None for points all over the grids.
        eps: Of each network, for `adapted`: 0 for knots at quantiles of the samples, 1 for even ones.
        margin: Distance of a grid's ends from the samples, as a part of their range.
    """
    first, count = layers[0], len(layers)
    # All inputs of all networks side by side.
    old = torch.stack([layer.knots for layer in layers]).flatten(0, 1)
    old_coef = torch.stack([layer.spline_coef for layer in layers], 1).flatten(1, 2)
    grid = splines.interior(old, first.k)
    exact = size >= first.grid_size  # knots are only inserted, so that the functions stay
    new = split_grid(grid, size) if exact else resampled_grid(grid, size)
    coef = old_coef.clone()
    if size != first.grid_size:
        coef = splines.transfer(old_coef, old, splines.extend_knots(new, first.k), first.k)
    if nodes is None or nodes.shape[1] == 0:
        placement = "insert" if placement in _FROM_SAMPLES else placement
        nodes = resampled_grid(grid, _DENSITY * max(size, first.grid_size)).unflatten(0, (count, -1)).mT
    shares = torch.tensor(eps, dtype=grid.dtype, device=grid.device)[:, None].expand(-1, first.in_dim).flatten()
    # Inputs, whether they need common knots since their edges share parameters, and whether a frozen spline keeps their knots.
    for members, tied, frozen in _groups(first):
        knots = "insert" if frozen else placement
        if knots == "insert" and exact:
            continue
        # Where these inputs of all networks stand side by side.
        at = torch.arange(count * first.in_dim, device=grid.device).view(count, -1)[:, members].flatten()
        samples = nodes[:, :, members]
        if tied:  # they share samples too, and so come to the same knots and coefficients
            samples = samples.flatten(1)[..., None].expand(-1, -1, len(members))
        samples = samples.transpose(0, 1).flatten(1)
        if knots == "uniform":
            new[at] = splines.uniform_grid(grid[at, 0], grid[at, -1], size)
        elif knots == "adapted":
            new[at] = adapted_grid(samples, size, shares[at], margin, grid[at], first.k)
        elif knots == "spread":
            new[at] = spread_grid(samples, size, grid[at], first.k)
        coef[:, at] = refit(old_coef[:, at], old[at], splines.extend_knots(new[at], first.k), first.k, samples)
    coef, new = coef.unflatten(1, (count, -1)).transpose(0, 1), new.unflatten(0, (count, -1))
    # Inputs of words (categories) keep the coefficients that they have.
    return (_beside_levels(layers, coef) if any(first.levels) else coef), new


def _beside_levels(layers: Sequence[Layer], coef: Tensor) -> Tensor:
    """The coefficients of all inputs, `(networks, out, in, B)`: of numbers the new ones, `coef`, of words those that the layers have.

    An input of words (categories) has one coefficient for each of its levels, the words, and no grid that could change.
    """
    count = torch.tensor(layers[0].levels, device=coef.device)  # 0 for an input of numbers
    longest = max(coef.shape[-1], *layers[0].levels)
    values = torch.stack([layer.coef for layer in layers])
    # Both get one length. A negative number cuts off: only old coefficients of numbers, which the new ones replace.
    coef, values = (torch.nn.functional.pad(part, (0, longest - part.shape[-1])) for part in (coef, values))
    return torch.where(count[:, None] > 0, values, coef)


def _groups(layer: Layer) -> Iterator[tuple[list[int], bool, bool]]:
    """Yield groups of inputs whose grids are computed together, whether their edges share parameters, and whether their knots must stay.

    Knots stay where a frozen edge has its spline on them. Inputs of words (categories) have no grids and are left out.
    """
    frozen = (layer.frozen & layer.spline_on).any(0).tolist()
    groups = tied_inputs(layer)
    alone = [i for i in range(layer.in_dim) if not layer.levels[i] and not any(i in group for group in groups)]
    for state in (False, True):
        members = [i for i in alone if frozen[i] is state]
        if members:
            yield members, False, state
    for group in groups:
        yield group, True, any(frozen[i] for i in group)


def tied_inputs(layer: Layer) -> list[list[int]]:
    """Groups of two or more inputs whose edges share parameters (`ties`), so that they need the same knots.

    Inputs of words (categories, `levels` of them) have no knots and are left out.
    """
    groups: list[set[int]] = []
    for tie in layer.ties:
        merged = {flat % layer.in_dim for flat in tie if not layer.levels[flat % layer.in_dim]}
        apart = [group for group in groups if not group & merged]
        merged.update(*(group for group in groups if group & merged))
        groups = [*apart, merged]
    return [sorted(group) for group in groups if len(group) > 1]


def _samples(network: Network, x: Tensor, where: str) -> Tensor:
    """The scaled values of the network's inputs, `(batch, n_in)`, from data x, `(batch, n_features)`; an error unless they are finite."""
    nodes = network.select(x)
    if nodes.shape[0] == 0 or not bool(torch.isfinite(nodes).all()):
        _check.fail("x", where, "finite, with at least one row", x, "Drop the rows that have missing values.")
    return nodes


def _grid_settings(network: Network, grid_eps: float | None, margin: float, where: str) -> tuple[float, float]:
    """`grid_eps` (0 for knots at quantiles, 1 for even ones; the network's own for None) and the margin of grids, or an error.

    The error names the call, `where`.
    """
    eps = getattr(network, "grid_eps", 0.5) if grid_eps is None else grid_eps
    return _check.real(eps, "grid_eps", where, low=0, high=1), _check.real(margin, "margin", where, low=0)


def _text(sizes: Sequence[int]) -> str:
    """The numbers of intervals of all layers as a text: `3` where all are 3, else `[3, 5]`."""
    return str(sizes[0]) if len(set(sizes)) == 1 else str(list(sizes))
