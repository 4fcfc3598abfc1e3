"""Levels of words that may have one value: partitions, judged by evidence."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kanwidget import surgery
from kanwidget.core.network import Network
from kanwidget.core.records import Freedom, Posterior
from kanwidget.training.evidence.errors import level_values
from kanwidget.training.jacobian.parameter_vector import ParameterVector
from kanwidget.training.jacobian.stack import Stack

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


def merge_levels(network: Network, source: int, groups: Sequence[Sequence[int]], posterior: Posterior | None) -> None:
    """Give the levels of each group one value, see `surgery.merge_levels`, and keep what is known of all parameters. In place.

    That two values are one is a condition on a Gaussian, whose covariance is known. Levels that get values of their own, and those
    that the data tell apart, leave no posterior.

    Args:
        network: The network.
        source: The input of words.
        groups: Numbers of levels; none splits all.
        posterior: The network's posterior, if there is one.

    Examples:
        >>> from kanwidget import KAN
        >>> flats = {"town": ["east", "west", "north"] * 8, "rent": [8.0, 8.3, 12.0, 8.2, 8.1, 11.9] * 4}
        >>> model = KAN.for_data(flats, "rent")
        >>> history = model.fit((flats, "rent"), progress=False)
        >>> merge_levels(model, 0, [[0, 2]], model.posterior)
        >>> len(model.posterior.vector) == model.n_parameters
        True
    """
    layer = network.layer(0)
    former, numeric = layer.firsts()[source].tolist(), ParameterVector.of(network).layers[0].numeric[:, source].tolist()
    edges = level_values(network, posterior, source) if posterior is not None else []
    surgery.merge_levels(network, source, groups)
    network.posterior = None
    firsts = layer.firsts()[source].tolist()
    if posterior is None or any(firsts[one] != first for one, first in zip(former, firsts, strict=True)):
        return
    joined = [i for i, first in enumerate(firsts) if first != i == former[i]]
    # Each condition: the value of a level is that of the first of its group.
    conditions = posterior.root.new_zeros(len(edges) * len(joined), len(posterior.vector))
    before = posterior.root.new_zeros(len(posterior.vector))
    rows, gone = iter(conditions.unbind()), []
    for edge in edges:
        before[edge.columns] = edge.spread.square()
        columns = numeric[edge.edge.target]
        for level in joined:
            row = next(rows)
            row[columns[level]], row[columns[firsts[level]]] = 1.0, -1.0
            gone.append(columns[level])
    root, gain = _conditioned(posterior, conditions, before)
    kept = [i for i in range(len(posterior.vector)) if i not in {*gone}]
    parameters = ParameterVector.of(network)
    if gain < _REFUTED or len(kept) != parameters.size:
        return
    values = len({*former[: layer.levels[source]]})
    part = (values - len(joined) - 1) / (values - 1)
    network.posterior = replace(
        posterior,
        vector=parameters.read(Stack([network]))[0],
        root=root[kept],
        log_evidence=posterior.log_evidence + gain,
        freedom={
            edge: Freedom(part * freedom.straight, part * freedom.wiggle) if edge[:2] == (0, source) else freedom
            for edge, freedom in posterior.freedom.items()
        },
    )


def _conditioned(posterior: Posterior, conditions: Tensor, before: Tensor) -> tuple[Tensor, float]:
    """A root of the covariance given that conditions @ vector is 0, and the logarithm of the evidence for that.

    Args:
        posterior: The posterior.
        conditions: `(conditions, size)`.
        before: Variances of the parameters before the data, `(size,)`.
    """
    change, vector = conditions @ posterior.root, posterior.vector.to(conditions)
    after, prior = change @ change.mT, (conditions * before) @ conditions.mT
    after = after + torch.diag(1e-12 * prior.diagonal().clamp_min(1e-300))
    difference = conditions @ vector
    chi = float(difference @ torch.linalg.solve(after, difference))
    gain = 0.5 * (float(torch.linalg.slogdet(prior).logabsdet) - float(torch.linalg.slogdet(after).logabsdet) - chi)
    return posterior.root - (posterior.root @ change.mT) @ torch.linalg.solve(after, change), gain


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
