"""What is shared: one function by edges of a layer, which are locked, and one value by levels of words, which are merged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core import splines
from kanwidget.core.layer import Layer
from kanwidget.core.network import Network
from kanwidget.core.primitives import primitive
from kanwidget.core.threads import limit_threads
from kanwidget.surgery._knots import refit, resampled_grid
from kanwidget.surgery._record import listed, record
from kanwidget.surgery._structure import share, untie
from kanwidget.surgery.grids import tied_inputs

#: Ridge of the shared spline, as a part of the mean square of its basis functions.
_RIDGE = 1e-8


@limit_threads
def lock(network: Network, l: int, edges: Sequence[tuple[int, int]]) -> None:  # noqa: E741
    """Let edges of a layer share one function from now on. In place.

    The inputs of the edges get common knots. The shared spline is the one closest to all edges on the network's reference data (without
    such data their mean), the shared symbol the symbol closest to all. Edges that are locked already bring the others of their lock along.

    Args:
        network: The network.
        l: Layer of edges.
        edges: Two or more `(i, j)`: input node, output subnode. All in the same state, with the same symbol if any.

    Raises:
        ValueError: For edges that don't exist, are pruned, or differ in state or symbol.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([2, 5, 1])
        >>> lock(model, 0, [(0, 0), (1, 0)])
        >>> t = torch.linspace(-1, 1, 5, dtype=torch.float64)
        >>> torch.allclose(model.curve((0, 0, 0), t).y, model.curve((0, 1, 0), t).y)
        True
    """
    layer, flats = _edges(network, l, edges, "lock")
    if len(set(flats)) < 2:
        _check.fail("edges", "lock", "two or more edges (i, j)", edges)
    kinds = {(layer.state(flat % layer.in_dim, flat // layer.in_dim), _symbol(layer, flat)) for flat in flats}
    if len(kinds) > 1 or ("pruned", None) in kinds:
        states = ", ".join(sorted(state if name is None else f"{state} {name}" for state, name in kinds))
        _check.fail("edges", "lock", "edges of one kind, not pruned", states, "Give them the same function first.")
    share(layer)
    samples = _samples(network, l)
    joined = set(flats).union(*(tie for tie in layer.ties if set(tie) & set(flats)))
    layer.ties = sorted([*(tie for tie in layer.ties if not set(tie) & joined), sorted(joined)])
    for group in tied_inputs(layer):
        _common_knots(layer, group)
    _share_spline(layer, sorted(joined), samples)
    _share_symbol(layer, sorted(joined))
    record(network, "lock", f"locked {listed('edge', [(l, i, j) for i, j in edges])}")


@limit_threads
def unlock(network: Network, l: int, edges: Sequence[tuple[int, int]]) -> None:  # noqa: E741
    """Give edges their own parameters again; their functions stay the same. In place.

    Args:
        network: The network.
        l: Layer of edges.
        edges: `(i, j)`: input node, output subnode.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([2, 5, 1])
        >>> lock(model, 0, [(0, 0), (1, 0)])
        >>> unlock(model, 0, [(0, 0)])
        >>> model.layer(0).ties
        []
    """
    layer, flats = _edges(network, l, edges, "unlock")
    untie(layer, flats)
    record(network, "lock", f"unlocked {listed('edge', [(l, i, j) for i, j in edges])}")


def _edges(network: Network, index: int, edges: Sequence[tuple[int, int]], where: str) -> tuple[Layer, list[int]]:
    """The layer of this index, and the flat index of each edge `(i, j)` in it, j·inputs + i; `where` is the call that errors name."""
    layer = None
    flats = []
    if isinstance(edges, str) or not isinstance(edges, Iterable):
        _check.fail("edges", where, "a list of pairs (i, j)", edges, "Write [(0, 0), (1, 0)] for two edges.")
    for edge in edges:
        if not isinstance(edge, Sequence) or len(edge) != 2:
            _check.fail("edges", where, "a list of pairs (i, j)", edges, "The layer is the argument `l`.")
        layer = network.check_edge(index, *edge, where)
        flats.append(edge[1] * layer.in_dim + edge[0])
    if layer is None:
        _check.fail("edges", where, "a list of pairs (i, j)", edges)
    return layer, flats


def _symbol(layer: Layer, flat: int) -> str | None:
    """The name of the primitive of an edge, by its flat index target·inputs + source; None without a symbolic part."""
    return layer.symbol(flat % layer.in_dim, flat // layer.in_dim)


def _common_knots(layer: Layer, inputs: list[int]) -> None:
    """Give inputs of a layer the same knots, over the ranges of all of their grids: their edges are to share a spline. In place.

    The splines that they have follow by least squares.
    """
    grids, knots = layer.grid[inputs], layer.knots[inputs]
    if bool((grids == grids[:1]).all()):
        return
    low, high = grids[:, 0].min().expand(len(inputs)), grids[:, -1].max().expand(len(inputs))
    new = splines.extend_knots(splines.uniform_grid(low, high, layer.grid_size), layer.k)
    # Where the splines are to agree: at 16 points for each interval of each grid.
    points = resampled_grid(grids, 16 * layer.grid_size).T
    with torch.no_grad():
        layer.spline_coef[:, inputs] = refit(layer.spline_coef[:, inputs], knots, new, layer.k, points)
    layer.knots[inputs] = new


def _samples(network: Network, index: int) -> tuple[Tensor, Tensor] | None:
    """Inputs of a layer `(rows, in)` and the numeric parts of its edges `(rows, out, in)` on the reference data; None without such."""
    if len(network.reference) == 0:
        return None
    with torch.no_grad():
        trace = network.scaled_trace(network.reference)
    return trace.nodes[index], trace.splines[index]


def _share_spline(layer: Layer, flats: list[int], samples: tuple[Tensor, Tensor] | None) -> None:
    """Give edges, by their flat indices, one spline, the closest to all of theirs at the inputs that each of them gets. In place.

    `samples` are the layer's inputs, `(rows, in)`, and the numeric parts of its edges, `(rows, out, in)`; without them the shared spline is
    the mean of the splines, which is the closest only where all inputs are alike:
    an edge with inputs from 2 to 4 says nothing about -1 to 1.
    """
    index = torch.tensor(flats, device=layer.coef.device)
    with torch.no_grad():
        coef, base = (parameter.flatten(0, 1) for parameter in (layer.coef, layer.base))
        shared = torch.cat([coef[index].mean(0), base[index].mean(0, keepdim=True)])
        if samples is not None:
            shared = shared + _correction(layer, flats, samples, shared)
        coef[index], base[index] = shared[:-1], shared[-1]


def _correction(layer: Layer, flats: list[int], samples: tuple[Tensor, Tensor], shared: Tensor) -> Tensor:
    """The change of shared parameters that brings their function closest to the edges' values; 0 where no finite one is found.

    Args:
        layer: The layer.
        flats: Flat indices of the edges.
        samples: The layer's inputs and numeric parts, see `_samples`.
        shared: Coefficients and, last, base weight that the edges are to share, `(B + 1,)`.

    Returns:
        Of the shape of `shared`.
    """
    inputs, values = samples
    design = layer.design(inputs)
    rows = torch.cat([design[:, flat % layer.in_dim] for flat in flats])
    target = torch.cat([values[:, flat // layer.in_dim, flat % layer.in_dim] for flat in flats])
    # What the inputs don't reach stays as it is.
    normal = rows.T @ rows
    normal.diagonal().add_(_RIDGE * normal.diagonal().mean())
    change = torch.linalg.solve(normal, rows.T @ (target - rows @ shared))
    return change if bool(torch.isfinite(change).all()) else torch.zeros_like(change)


def _share_symbol(layer: Layer, flats: list[int]) -> None:
    """Give edges of one primitive the same constants: those of the edge whose function is closest to all others. In place.

    `flats` has their flat indices, target·inputs + source.
    """
    name = _symbol(layer, flats[0])
    if name is None:
        return
    index = torch.tensor(flats, device=layer.coef.device)
    with torch.no_grad():
        rows = layer.affine.flatten(0, 1)
        grids = layer.grid[index % layer.in_dim]
        rows[index] = rows[index][_central(name, rows[index], grids)]


def _central(name: str, affine: Tensor, grids: Tensor) -> int:
    """Index of the row of `affine`, `(n, 4)`, whose function c·f(a·x + b) + d is closest to those of all other rows.

    f is the primitive of this name; functions are compared over the range of `grids`, `(n, G + 1)`. A mean of a, b, c and d would mean
    nothing: sin(x) = -sin(-x).
    """
    low, high = float(grids.min()), float(grids.max())
    points = torch.linspace(low, high, 65, dtype=affine.dtype, device=affine.device)[:, None]
    a, b, c, d = affine.unbind(1)
    values = c * primitive(name).fn(a * points + b) + d
    distance = (values[:, :, None] - values[:, None, :]).square().sum((0, 1))
    return int(torch.nan_to_num(distance, nan=torch.inf).argmin())


# ---- levels with one value


@limit_threads
def merge_levels(network: Network, source: int, groups: Sequence[Sequence[int]]) -> None:
    """Give the levels of each group one value from now on, and all other levels one each. In place.

    Levels are the words of an input of words (categories). A group gets the mean of its values over the reference data.

    Args:
        network: The network.
        source: Number of the input, which is one of words.
        groups: Lists of levels, by their numbers; no list gives every level a value of its own again.

    Raises:
        ValueError: For an input of numbers, levels that don't exist or are in two groups, where all would become one, and for edges
            that are frozen or locked to those of another input.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([1, 1])
        >>> model.layer(0).set_levels((3,))
        >>> merge_levels(model, 0, [[0, 2]])
        >>> values = model.curve((0, 0, 0), torch.arange(3.0, dtype=torch.float64)).y.tolist()
        >>> values[0] == values[2] != values[1]
        True
    """
    firsts, layer = firsts_of(network, source, groups), network.layer(0)  # for each level the first one of its group
    count = len(firsts)
    _average(network, source, firsts)
    is_merged = firsts != list(range(count))
    layer.merged = {key: value for key, value in layer.merged.items() if key != source}
    layer.merged |= {source: tuple(firsts)} if is_merged else {}
    values = f"{len({*firsts})} values" if is_merged else "a value each"
    record(network, "merge", f"{count} levels have {values}")


def firsts_of(network: Network, source: int, groups: Sequence[Sequence[int]]) -> list[int]:
    """For each level (word) of the input `source` the first one of its group, or itself where it is in none; an error if impossible.

    `groups` are lists of levels, by number, that are to have one value each. `merge_levels` says what raises an error.
    """
    where, layer = "merge_levels", network.layer(0)
    source = _check.integer(source, "source", where, low=0, high=layer.in_dim - 1)
    count = layer.levels[source]
    if not count:
        advice = "Numbers have a curve, which `fix_symbolic` replaces."
        _check.fail("source", where, "an input of words", source, advice)
    lists = [[_check.integer(level, "groups", where, low=0, high=count - 1) for level in group] for group in groups]
    named = [level for group in lists for level in group]
    names = [[_name(network, source, level) for level in group] for group in lists]
    if len(set(named)) < len(named):
        _check.fail("groups", where, "groups in which each level stands once", names)
    if named:
        _check_edges(network, source, where)
    firsts = list(range(count))
    for group in lists:
        for level in group:
            firsts[level] = min(group)
    if len({*firsts}) == 1:
        _check.fail("groups", where, "two values at least", names, "A column whose levels are all alike is pruned.")
    return firsts


def _check_edges(network: Network, source: int, where: str) -> None:
    """An error that names the call, `where`, if an edge of the input `source` is frozen, or shares its function with another input's.

    Levels (words) of such an input can't be merged: that would change the edge, or the other input's.
    """
    layer = network.layer(0)
    if bool((layer.frozen & layer.active())[:, source].any()):
        _check.fail("groups", where, "levels whose edges may change", "a frozen edge", "Unfreeze it first.")
    for group in layer.ties:
        sources = {flat % layer.in_dim for flat in group}
        if source in sources and len(sources) > 1:
            got = "edges that are locked to those of another input"
            _check.fail("groups", where, "levels of their own", got, "Unlock the edges first.")


def _name(network: Network, source: int, level: int) -> str | int:
    """The word of a level, by its number, of the input `source`; the number itself where the network has no names of levels."""
    encoding = network.encoding
    return level if encoding is None else encoding.levels[int(network.columns[source])][level]


def _average(network: Network, source: int, firsts: Sequence[int]) -> None:
    """Set each level's coefficient to the mean of its group, every level weighted by its number of rows in the reference data. In place.

    Levels are the words of the input `source` (categories, by their numbers); `firsts` has for each the first level of its group.
    """
    layer, count = network.layer(0), len(firsts)
    codes = network.reference[:, int(network.columns[source])]
    levels = torch.arange(count, dtype=network.dtype, device=network.device)
    # A level without rows counts a little, so that its group has a mean.
    rows = (codes.to(levels)[:, None] == levels).sum(0).to(levels) + 1e-9
    group = torch.tensor(firsts, device=levels.device)
    with torch.no_grad():
        values = layer.coef[:, source, :count]
        # A level that is merged already has the value of the first one of its group.
        values = values[:, layer.firsts()[source, :count]]
        sums = torch.zeros_like(values).index_add(1, group, rows * values)
        means = sums / torch.zeros_like(rows).index_add(0, group, rows).clamp_min(1e-9)
        layer.coef[:, source, :count] = means[:, group]
