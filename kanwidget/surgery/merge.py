"""Levels of words that share one value."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.threads import limit_threads
from kanwidget.surgery._record import record


@limit_threads
def merge_levels(network: Network, source: int, groups: Sequence[Sequence[int]]) -> None:
    """Give the levels of each group one value from now on, and all other levels one each. In place.

    A group gets the mean of its values over the reference data.

    Args:
        network: The network.
        source: The input of words.
        groups: Numbers of levels; none splits all.

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
    firsts, layer = firsts_of(network, source, groups), network.layer(0)
    count = len(firsts)
    _average(network, source, firsts)
    is_merged = firsts != list(range(count))
    layer.merged = {key: value for key, value in layer.merged.items() if key != source}
    layer.merged |= {source: tuple(firsts)} if is_merged else {}
    values = len({*firsts})
    record(
        network, "merge", f"{count} levels have {values} values" if is_merged else f"{count} levels have a value each"
    )


def firsts_of(network: Network, source: int, groups: Sequence[Sequence[int]]) -> list[int]:
    """For each level of an input of words the first one of its group, see `merge_levels`, which refuses the same."""
    where, layer = "merge_levels", network.layer(0)
    source = _check.integer(source, "source", where, low=0, high=layer.in_dim - 1)
    count = layer.levels[source]
    if not count:
        _check.fail(
            "source", where, "an input of words", source, "Numbers have a curve, which `fix_symbolic` replaces."
        )
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
    """An error where the values of an input's edges aren't its own to change."""
    layer = network.layer(0)
    if bool((layer.frozen & layer.active())[:, source].any()):
        _check.fail("groups", where, "levels whose edges may change", "a frozen edge", "Unfreeze it first.")
    for group in layer.ties:
        sources = {flat % layer.in_dim for flat in group}
        if source in sources and len(sources) > 1:
            advice = "Unlock the edges first."
            _check.fail(
                "groups", where, "levels of their own", "edges that are locked to those of another input", advice
            )


def _name(network: Network, source: int, level: int) -> str | int:
    """A level in words, where the network has these."""
    encoding = network.encoding
    return level if encoding is None else encoding.levels[int(network.columns[source])][level]


def _average(network: Network, source: int, firsts: Sequence[int]) -> None:
    """Set every level's coefficient to the mean of its group, as the rows have the levels."""
    layer, count = network.layer(0), len(firsts)
    codes = network.reference[:, int(network.columns[source])]
    levels = torch.arange(count, dtype=network.dtype, device=network.device)
    # A level without rows counts a little, so that its group has a mean.
    rows = (codes.to(levels)[:, None] == levels).sum(0).to(levels) + 1e-9
    group = torch.tensor(firsts, device=levels.device)
    with torch.no_grad():
        values = layer.coef[:, source, :count]
        values = values[:, layer.firsts()[source, :count]]
        sums = torch.zeros_like(values).index_add(1, group, rows * values)
        layer.coef[:, source, :count] = (sums / torch.zeros_like(rows).index_add(0, group, rows).clamp_min(1e-9))[
            :, group
        ]
