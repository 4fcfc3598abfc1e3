"""Levels of words that may have one value: partitions, judged by evidence."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.core.records import Freedom, Posterior
from kanwidget.surgery import merge_levels
from kanwidget.training.evidence.errors import level_values
from kanwidget.training.jacobian.parameter_vector import ParameterVector

#: Logarithm of the odds below which merged levels aren't near enough to what the data say for its errors to hold.
_REFUTED = -7.0


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
    start = values = torch.stack([edge.values for edge in edges], 1)
    roots, spread = torch.stack([edge.root for edge in edges], 1), torch.stack([edge.spread for edge in edges])
    members = _members(network, source)
    codes = network.reference[:, int(network.columns[source])]
    weight = values.new_tensor([sum(int((codes == level).sum()) for level in levels) for levels in members])
    groups = [[i] for i in _order(values)]
    whole, gain, found = _between(values, weight, groups), 0.0, []
    while len(groups) > 2:
        beside = [*itertools.pairwise(range(len(groups)))]
        odds = [_log_odds(values, roots, spread, groups[i][0], groups[j][0]) for i, j in beside]
        place = max(range(len(beside)), key=odds.__getitem__)
        i, j = beside[place]
        gain += odds[place]
        values, roots = _joined(values, roots, groups[i][0], groups[j][0])
        groups = [*groups[:i], [*groups[i], *groups[j]], *groups[j + 1 :]]
        named = (tuple(sorted(level for one in group for level in members[one])) for group in groups)
        found.append(Partition(tuple(named), gain, _between(start, weight, groups) / whole if whole else 1.0))
    return sorted(found, key=lambda partition: -partition.gain)


def merge(network: Network, posterior: Posterior, source: int, groups: Sequence[Sequence[int]]) -> None:
    """`surgery.merge_levels`, with all parameters and the posterior as they are given that the values are one. In place.

    To second order it is what a training of the merged network ends in. There is no posterior where a group takes values apart that
    were one, which the data haven't judged yet, and where the data speak against the groups.

    Args:
        network: The network.
        posterior: Its posterior.
        source: The input of words.
        groups: Numbers of levels.
    """
    group_of = {level: set(group) for group in groups for level in group}
    known = _members(network, source)
    former = ParameterVector.of(network)
    vector, root, gain = posterior.vector.clone(), posterior.root.clone(), 0.0
    for edge in level_values(network, posterior, source):
        place = {level: int(column) for column, levels in zip(edge.columns, known, strict=True) for level in levels}
        for first, *others in groups:
            for other in others:
                i, j = place[first], place[other]
                if i != j:
                    gain += float(_log_odds(vector[[i, j], None].to(root), root[[i, j], None], edge.spread[None], 0, 1))
                    vector, root = _equal(vector, root, i, j)
    merge_levels(network, source, groups)
    network.posterior = None
    if any(not set(levels) <= group_of.get(levels[0], set(levels[:1])) for levels in known):
        return
    kept = _kept(former, ParameterVector.of(network))
    _write(network, vector[kept])
    if gain > _REFUTED:
        evidence, part = posterior.log_evidence + gain, (len(_members(network, source)) - 1) / (len(known) - 1)
        freedom = {
            edge: Freedom(part * one.straight, part * one.wiggle) if edge[:2] == (0, source) else one
            for edge, one in posterior.freedom.items()
        }
        network.posterior = Posterior(
            vector[kept], root[kept], posterior.noise, evidence, posterior.rows, freedom, posterior.settled
        )


def _equal(vector: Tensor, root: Tensor, i: int, j: int) -> tuple[Tensor, Tensor]:
    """Mean, and root of the covariance, of normal parameters given that two of them are equal."""
    difference = root[i] - root[j]
    gain = root @ difference / difference.square().sum().clamp_min(torch.finfo(root.dtype).tiny)
    vector = vector - (gain * (vector[i] - vector[j])).to(vector)
    vector[j] = vector[i]
    return vector, root - gain[:, None] * difference


def _kept(former: ParameterVector, now: ParameterVector) -> Tensor:
    """The place that each parameter of a network had before some went."""
    kept = torch.zeros(now.size, dtype=torch.long)
    for before, after in zip(former.layers, now.layers, strict=True):
        for old, new in ((before.numeric, after.numeric), (before.affine, after.affine)):
            kept[new[new >= 0]] = old[new >= 0]
    return kept


def _write(network: Network, vector: Tensor) -> None:
    """Set the free parameters of a network."""
    with torch.no_grad():
        for number, index in enumerate(ParameterVector.of(network).layers):
            layer = network.layer(number)
            numeric = (index.numeric[..., :-1], layer.coef), (index.numeric[..., -1], layer.base)
            for columns, values in (*numeric, (index.affine, layer.affine)):
                values[columns >= 0] = vector[columns[columns >= 0]].to(values)


def _members(network: Network, source: int) -> list[list[int]]:
    """The levels that have each of an input's values: several where they are merged."""
    layer = network.layer(0)
    firsts = layer.firsts()[source, : layer.levels[source]].tolist()
    return [[level for level, first in enumerate(firsts) if first == slot] for slot in sorted({*firsts})]


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
    rows = weight.clamp_min(1e-9)[:, None]
    centre = (rows * values).sum(0) / rows.sum()
    means = [(rows[group] * values[group]).sum(0) / rows[group].sum() for group in groups]
    shares = [
        float(rows[group].sum() * (mean - centre).square().sum()) for group, mean in zip(groups, means, strict=True)
    ]
    return sum(shares)
