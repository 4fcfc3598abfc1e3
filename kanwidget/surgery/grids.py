"""Grids: moving the knots to where the data is, and changing their number, while the functions stay what they are."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from kanwidget import _check
from kanwidget.core import splines
from kanwidget.core.layer import Layer
from kanwidget.core.network import Network
from kanwidget.surgery._fit import refit
from kanwidget.surgery._knots import adapted_grid, resampled_grid, split_grid
from kanwidget.surgery._record import log, record

KnotPlacement = Literal["insert", "uniform", "adapted"]
#: Points an interval at which a spline is followed where no samples are given.
_DENSITY = 8


def update_grid(network: Network, x: Tensor, *, grid_eps: float | None = None, margin: float = 0.01) -> None:
    """Move the knots of every layer to where its inputs are. In place; parameters stay the same objects.

    knots = ε·uniform + (1 - ε)·quantiles of the distinct values, layer by layer, each with the inputs that it has
    after the layers below were moved. The splines follow by least squares at the samples. An input with a pinned
    spline keeps its knots, inputs with shared parameters get common ones, a constant input keeps its own if it lies
    within them. An optimiser's memory is worthless afterwards.

    Args:
        network: The network.
        x: Samples, shape `(batch, n_features)`, finite, at least one row.
        grid_eps: ε from 0 (quantiles) to 1 (even knots); by default the network's own `grid_eps`. However small it
            is, no interval becomes shorter than a hundredth of the mean one.
        margin: How far the grid goes on beyond the samples at each end, as a part of their range; ≥ 0.

    Raises:
        ValueError: If x is empty or not finite.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([2, 3, 1])
        >>> update_grid(model, 10 * torch.rand(200, 2, dtype=torch.float64), margin=0.0)
        >>> bool(model.layer(0).grid.max() > 9)
        True
    """
    eps, margin = _grid_settings(network, grid_eps, margin, "update_grid")
    with torch.no_grad():
        nodes = _samples(network, x, "update_grid")
        for index in range(network.depth):
            layer = network.layer(index)
            coef, new = _regridded(layer, layer.grid_size, "adapted", nodes, eps, margin)
            layer.coef.copy_(coef)
            layer.knots.copy_(splines.extend_knots(new, layer.k))
            nodes = network.combine(index + 1, layer(nodes))


def refine(
    network: Network,
    grid: int | Sequence[int],
    *,
    knots: KnotPlacement = "insert",
    x: Tensor | None = None,
    grid_eps: float | None = None,
    margin: float = 0.01,
) -> Network:
    """A new network with another number of grid intervals.

    With `knots="insert"` and a larger grid the function stays exactly what it is: knots are added between the
    present ones. Fewer intervals, or moved knots, keep it only as well as least squares can; that is logged.

    Args:
        network: The network; it isn't changed.
        grid: Number of intervals, ≥ 1, or one for each layer of edges.
        knots: `insert` between the present ones, `uniform`, or `adapted` to x as by `update_grid`.
        x: Samples, shape `(batch, n_features)`, at which functions are to agree when knots move; needed for
            `adapted`. Without them the functions are followed evenly over their grids.
        grid_eps: For `adapted`, see `update_grid`.
        margin: For `adapted`, see `update_grid`.

    Returns:
        A network of the same class that shares no storage with the old one.

    Raises:
        ValueError: For a grid that isn't an integer ≥ 1, or `adapted` without samples.

    Examples:
        >>> from kanwidget import KAN
        >>> model, x = KAN([2, 5, 1], grid=3), torch.rand(100, 2, dtype=torch.float64)
        >>> finer = refine(model, 10)
        >>> finer.grid, bool((finer(x) - model(x)).abs().max() < 1e-12)
        (10, True)
    """
    _check.choice(knots, "knots", "refine", ("insert", "uniform", "adapted"))
    sizes = _sizes(grid, network.depth)
    eps, margin = _grid_settings(network, grid_eps, margin, "refine")
    if knots == "adapted" and x is None:
        _check.fail("x", "refine", "given with knots='adapted'", None, "Pass the training inputs.")
    before = [network.layer(index).grid_size for index in range(network.depth)]
    finer = copy.deepcopy(network)
    with torch.no_grad():
        nodes = None if x is None else _samples(network, x, "refine")
        for index, size in enumerate(sizes):
            layer = finer.layer(index)
            coef, new = _regridded(layer, size, knots, nodes, eps, margin)
            layer.coef = nn.Parameter(coef, requires_grad=layer.coef.requires_grad)
            layer.knots = splines.extend_knots(new, layer.k)
            nodes = None if nodes is None else finer.combine(index + 1, layer(nodes))
    if knots != "insert" or any(size < old for size, old in zip(sizes, before, strict=True)):
        log.info("refine: knots were moved or removed; the splines follow by least squares, not exactly")
    record(finer, "refine", f"grid {_shown(before)} → {_shown(sizes)}")
    return finer


def _regridded(
    layer: Layer, size: int, placement: KnotPlacement, nodes: Tensor | None, eps: float, margin: float
) -> tuple[Tensor, Tensor]:
    """The layer's coefficients and grids with `size` intervals; `nodes` are samples of its inputs, `(batch, in)`."""
    exact = size >= layer.grid_size
    new = split_grid(layer.grid, size) if exact else resampled_grid(layer.grid, size)
    coef = layer.coef.clone()
    if size != layer.grid_size:
        coef = splines.transfer(coef, layer.knots, splines.extend_knots(new, layer.k), layer.k)
    if nodes is not None:
        nodes = nodes[torch.isfinite(nodes).all(1)]  # a layer below may overflow
    if nodes is None or nodes.shape[0] == 0:
        placement = "insert" if placement == "adapted" else placement
        nodes = resampled_grid(layer.grid, _DENSITY * max(size, layer.grid_size)).T
    for members, samples, held in _batches(layer, nodes):
        where = "insert" if held else placement
        if where == "insert" and exact:
            continue
        present = layer.grid[members]
        if where == "uniform":
            new[members] = splines.uniform_grid(present[:, 0], present[:, -1], size)
        elif where == "adapted":
            new[members] = adapted_grid(samples, size, eps, margin, present)
        knots = splines.extend_knots(new[members], layer.k)
        coef[:, members] = refit(layer.coef[:, members], layer.knots[members], knots, layer.k, samples)
    return coef, new


def _batches(layer: Layer, nodes: Tensor) -> Iterator[tuple[list[int], Tensor, bool]]:
    """Inputs whose grids are found together, the samples of each, and whether pinned splines hold their knots in place.

    Inputs of edges that share parameters share samples too, and so come to the same knots and coefficients.
    """
    held = (layer.pinned & layer.spline_on).any(0).tolist()
    groups = tied_inputs(layer)
    alone = [i for i in range(layer.in_dim) if not any(i in group for group in groups)]
    for keep in (False, True):
        members = [i for i in alone if held[i] is keep]
        if members:
            yield members, nodes[:, members], keep
    for group in groups:
        pooled = nodes[:, group].reshape(-1, 1).expand(-1, len(group))
        yield group, pooled, any(held[i] for i in group)


def tied_inputs(layer: Layer) -> list[list[int]]:
    """Groups of two or more inputs whose edges share parameters, and which therefore need the same knots."""
    groups: list[set[int]] = []
    for tie in layer.ties:
        merged = {flat % layer.in_dim for flat in tie}
        apart = [group for group in groups if not group & merged]
        merged.update(*(group for group in groups if group & merged))
        groups = [*apart, merged]
    return [sorted(group) for group in groups if len(group) > 1]


def _samples(network: Network, x: Tensor, where: str) -> Tensor:
    """The inputs' columns of x, or an error."""
    nodes = network.select(x)
    if nodes.shape[0] == 0 or not bool(torch.isfinite(nodes).all()):
        _check.fail("x", where, "finite, with at least one row", x, "Drop the rows that have missing values.")
    return nodes


def _grid_settings(network: Network, grid_eps: float | None, margin: float, where: str) -> tuple[float, float]:
    """Checked ε (the network's own for None) and margin."""
    eps = getattr(network, "grid_eps", 0.5) if grid_eps is None else grid_eps
    return _check.real(eps, "grid_eps", where, low=0, high=1), _check.real(margin, "margin", where, low=0)


def _sizes(grid: int | Sequence[int], depth: int) -> list[int]:
    """One number of intervals for each layer of edges."""
    given = list(grid) if isinstance(grid, Sequence) else [grid] * depth
    if len(given) != depth:
        _check.fail("grid", "refine", f"an integer or {depth} integers, one a layer of edges", grid)
    return [_check.integer(g, "grid", "refine", low=1, advice="Use at least one interval.") for g in given]


def _shown(sizes: Sequence[int]) -> str:
    """`3` where all are 3, else `[3, 5]`."""
    return str(sizes[0]) if len(set(sizes)) == 1 else str(list(sizes))
