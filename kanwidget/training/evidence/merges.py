"""Levels of words that may have one value: partitions, judged by evidence."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.core.records import Posterior
from kanwidget.training.evidence.errors import level_values


@dataclass(frozen=True, slots=True)
class Partition:
    """Groups of levels that share a value."""

    groups: tuple[tuple[int, ...], ...]
    """Numbers of levels, in the order of their values."""
    gain: float
    """In the logarithm of the evidence, over a value for each level: above 0 the data know of no difference within the groups."""
    r2: float
    """Part of the variance of the values, over the rows, that is between the groups."""


def partitions(network: Network, posterior: Posterior, source: int) -> list[Partition]:
    """Partitions of the levels of an input, from one value less than there are to two, the likeliest first; none of two levels.

    The levels that differ least are joined, then the next. Whether two values are one is asked as whether a parameter is 0: by the
    ratio of the densities of their difference, after the data and before them, at 0 (Savage and Dickey).

    Args:
        network: The network.
        posterior: Its posterior.
        source: The input of words.

    References:
        Verdinelli and Wasserman, "Computing Bayes factors using a generalization of the Savage-Dickey density ratio", Journal of the
        American Statistical Association 90 (1995).
    """
    edges = level_values(network, posterior, source)
    if not edges:
        return []
    values = torch.stack([edge.values for edge in edges], 1)
    spread = torch.stack([edge.spread for edge in edges])
    roots = torch.stack([edge.root for edge in edges], 1)
    codes, count = network.reference[:, int(network.columns[source])], len(values)
    firsts = network.layer(0).firsts()[source]
    first_of = {level: int(firsts[level]) for level in range(network.layer(0).levels[source])}
    slots = sorted({*first_of.values()})
    rows = torch.stack(
        [sum((codes == level).sum() for level, first in first_of.items() if first == slot) for slot in slots]
    )
    weight = rows.to(values).clamp_min(1e-9)
    groups, gain, found = [[i] for i in range(count)], 0.0, []
    whole = _between(values, weight, groups)
    order = _order(values)
    groups = [[i] for i in order]
    while len(groups) > 2:
        pairs = list(itertools.pairwise(range(len(groups))))
        odds = [_log_odds(values, roots, spread, groups[i][0], groups[j][0]) for i, j in pairs]
        at = max(range(len(pairs)), key=odds.__getitem__)
        i, j = pairs[at]
        gain += odds[at]
        values, roots = _joined(values, roots, groups[i][0], groups[j][0])
        groups = [*groups[:i], [*groups[i], *groups[j]], *groups[j + 1 :]]
        r2 = 1.0 if whole == 0 else _between(torch.stack([edge.values for edge in edges], 1), weight, groups) / whole
        named = (
            tuple(sorted(level for level, first in first_of.items() if slots.index(first) in group)) for group in groups
        )
        found.append(Partition(tuple(named), gain, min(1.0, r2)))
    return sorted(found, key=lambda partition: -partition.gain)


def _order(values: Tensor) -> list[int]:
    """Levels by value; of several edges along the direction in which they differ most."""
    centred = values - values.mean(0)
    axis = torch.linalg.svd(centred, full_matrices=False).Vh[0]
    return (centred @ axis).argsort().tolist()


def _log_odds(values: Tensor, roots: Tensor, spread: Tensor, i: int, j: int) -> float:
    """Logarithm of the evidence for one value of two levels on every edge, over two."""
    difference, root = values[i] - values[j], roots[i] - roots[j]
    after, before = root @ root.mT, 2 * spread.square()
    after = after + torch.diag(1e-12 * before.clamp_min(1e-300))
    chi = float(difference @ torch.linalg.solve(after, difference))
    return 0.5 * (float(before.log().sum()) - float(torch.linalg.slogdet(after).logabsdet) - chi)


def _joined(values: Tensor, roots: Tensor, i: int, j: int) -> tuple[Tensor, Tensor]:
    """Values, and roots of their covariance, once two levels have the same."""
    difference, root = values[i] - values[j], roots[i] - roots[j]
    inner = root @ root.mT
    inner = inner + torch.diag(1e-12 * inner.diagonal().clamp_min(1e-300))
    flat = roots.flatten(0, 1)
    gain = torch.linalg.solve(inner, root @ flat.mT).mT
    values = values - (gain @ difference).view_as(values)
    return values, (flat - gain @ root).view_as(roots)


def _between(values: Tensor, weight: Tensor, groups: list[list[int]]) -> float:
    """The variance between groups, over the rows and summed over the edges."""
    centre = (weight[:, None] * values).sum(0) / weight.sum()
    total = 0.0
    for group in groups:
        rows = weight[group]
        mean = (rows[:, None] * values[group]).sum(0) / rows.sum()
        total += float(rows.sum()) * float((mean - centre).square().sum())
    return total if math.isfinite(total) else 0.0
