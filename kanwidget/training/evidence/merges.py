"""Levels of words that may have one value: partitions, judged by evidence."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.core.records import Freedom, Posterior
from kanwidget.core.state import NetworkState
from kanwidget.surgery.locks import firsts_of, merge_levels
from kanwidget.training.evidence.errors import level_values, output_errors
from kanwidget.training.jacobian.parameter_vector import ParameterVector
from kanwidget.training.jacobian.stack import Stack

#: Logarithm of the odds below which merged levels aren't near enough to what the data say for its errors to hold.
_REFUTED = -7.0
#: Standard errors by which outputs may move from those of the means of groups.
_FAR = 3.0
#: This part of a variance is added: a difference that the data leave no doubt about would have none, and no density.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Partition:
    """Groups of levels that share a value."""

    groups: tuple[tuple[int, ...], ...]
    """Numbers of levels, in the order of their values."""
    gain: float
    """In the logarithm of the evidence, over a value for each level: above 0 the data know of no difference within the groups."""
    r2: float
    """Part of the variance of the values, over the rows, that is between the groups."""


class Given(NamedTuple):
    """A normal distribution of parameters, after the data, and after some of them were set equal."""

    vector: Tensor
    """Their mean, `(size,)`."""
    root: Tensor
    """Their covariance is root @ rootᵀ, `(size, size)`."""

    def log_odds(self, one: Tensor, other: Tensor, spread: Tensor) -> float:
        """Logarithm of the evidence that two levels have the same value on every edge, over different values.

        That is the density of their differences at 0 after the data, over the density before them (Savage and Dickey).

        Args:
            one: Indices in `vector` of the first level's values, one for each edge, `(edges,)`.
            other: Those of the second level, `(edges,)`.
            spread: Standard deviation of a level's value before the data, on each edge, `(edges,)`.
        """
        difference, root = self.vector[one] - self.vector[other], self.root[one] - self.root[other]
        # The differences' covariance after the data, `(edges, edges)`; before them, variances of differences of two independent values.
        after, before = root @ root.mT, 2 * spread.square()
        after = after + torch.diag(_ROUNDING * before.clamp_min(torch.finfo(before.dtype).tiny))
        # Twice the logarithm of a normal density at 0 is -log|covariance| - χ², but for a constant. Before the data χ² is 0: the mean is 0.
        chi = float(difference @ torch.linalg.solve(after, difference))
        return 0.5 * (float(before.log().sum()) - float(torch.linalg.slogdet(after).logabsdet) - chi)

    def equal(self, one: Tensor, other: Tensor) -> Given:
        """The distribution of all parameters under the condition that two levels have the same value on every edge.

        Args:
            one: Indices in `vector` of the first level's values, one for each edge, `(edges,)`.
            other: Those of the second level, `(edges,)`.
        """
        difference, root = self.vector[one] - self.vector[other], self.root[one] - self.root[other]
        after = root @ root.mT
        after = after + torch.diag(_ROUNDING * after.diagonal().clamp_min(torch.finfo(after.dtype).tiny))
        # A normal distribution where the differences are 0: their regression coefficients `(size, edges)` move the mean, `vector`,
        # and the root of the covariance, `root`.
        gain = torch.linalg.solve(after, root @ self.root.mT).mT
        vector = self.vector - gain @ difference
        vector[other] = vector[one]  # equal to the last digit
        return Given(vector, self.root - gain @ root)


def partitions(network: Network, posterior: Posterior, source: int) -> list[Partition]:
    """Partitions of the levels of an input, from one value less than there are to two, the likeliest first.

    A level is a word of a column. There are none of two levels, and none where the posterior can't judge, see `is_judged`. The levels that
    differ least are merged, then the next. Whether two values are one is asked as whether a parameter is 0: by the ratio of the densities
    of their difference, after the data and before them, at 0 (Savage and Dickey).

    Args:
        network: The network.
        posterior: Its posterior.
        source: Number of the input, whose column is one of words.

    References:
        Verdinelli and Wasserman, "Computing Bayes factors using a generalization of the Savage-Dickey density ratio", Journal of the
        American Statistical Association 90 (1995).
    """
    edges = level_values(network, posterior, source) if is_judged(network, source) else []
    if not edges:
        return []
    places, spread = torch.stack([edge.columns for edge in edges], 1), torch.stack([edge.spread for edge in edges])
    given = Given(posterior.vector.double(), posterior.root.double())  # means, and covariance root @ rootᵀ
    # `places`, indices in the vector, are `(values, edges)`, and so are the values, `start`; levels that are merged already have one value.
    # `weight`: rows of the reference data with each value.
    members, start = _members(network, source), given.vector[places]
    codes = network.reference[:, int(network.columns[source])]
    weight = start.new_tensor([sum(int((codes == level).sum()) for level in levels) for levels in members])
    # Groups of indices of values, sorted by value: only neighbours are merged.
    groups = [[i] for i in _order(start)]
    whole, gain, found = _between(start, weight, groups), 0.0, []
    while len(groups) > 2:
        # All values of a group are equal by now, so that its first one stands for it.
        beside = [(places[first[0]], places[second[0]]) for first, second in itertools.pairwise(groups)]
        odds = [given.log_odds(*pair, spread) for pair in beside]
        likeliest = max(range(len(beside)), key=odds.__getitem__)
        gain += odds[likeliest]
        given = given.equal(*beside[likeliest])
        groups[likeliest : likeliest + 2] = [[*groups[likeliest], *groups[likeliest + 1]]]
        named = (tuple(sorted(level for one in group for level in members[one])) for group in groups)
        found.append(Partition(tuple(named), gain, _between(start, weight, groups) / whole if whole else 1.0))
    return sorted(found, key=lambda partition: -partition.gain)


def is_judged(network: Network, source: int) -> bool:
    """Whether the posterior can say which levels of the input `source` have the same value.

    A level is a word of a column. All edges of the input must be trained, and there must be no hidden nodes or only one such edge: where
    several edges lead to hidden nodes their common constant is open, and along it a normal distribution says nothing true.
    """
    layer = network.layer(0)
    trained = bool((layer.free_numeric().any(-1) | ~layer.active())[:, source].all())
    return trained and (network.depth == 1 or int(layer.active()[:, source].sum()) == 1)


def merge(network: Network, posterior: Posterior | None, source: int, groups: Sequence[Sequence[int]]) -> None:
    """`surgery.merge_levels`, with all parameters and the posterior as they are given that the values are one. In place.

    In a network without hidden nodes it is what a training of the merged network ends in, but for new prices. Levels are merged without a
    posterior, too. Afterwards there is none where levels that had one value get several, which the data haven't judged; where the data
    can't judge, see `is_judged`, or speak against a group; and where behind hidden nodes the parameters have moved too far.

    Args:
        network: The network.
        posterior: Its posterior, if there is one.
        source: Number of the input, whose column is one of words.
        groups: Groups of numbers of levels, each of which gets one value.
    """
    # `firsts` has for each level the first one of its new group, `members` the levels of each value up to now.
    firsts, members = firsts_of(network, source, groups), _members(network, source)
    splits = any(len({firsts[level] for level in levels}) > 1 for levels in members)
    former, edges = ParameterVector.of(network), []
    if posterior is not None and not splits and is_judged(network, source):
        edges = level_values(network, posterior, source)
    merge_levels(network, source, groups)
    network.posterior = None
    if posterior is None or not edges:
        return
    # `given`: means of all parameters, and the root of their covariance.
    # `places`: indices of the values in the vector, `(values, edges)`; `spread`: standard deviation of a value before the data, by edge.
    given, gains = Given(posterior.vector.double(), posterior.root.double()), []
    places, spread = torch.stack([edge.columns for edge in edges], 1), torch.stack([edge.spread for edge in edges])
    place_of = {level: places[number] for number, levels in enumerate(members) for level in levels}
    for level, first in enumerate(firsts):
        one, other = place_of[first], place_of[level]
        if bool((one != other).any()):
            gains.append(given.log_odds(one, other, spread))
            given = given.equal(one, other)
    if min(gains, default=0.0) < _REFUTED:
        return
    kept = _kept(former, ParameterVector.of(network))
    vector, root = given.vector[kept].to(posterior.vector), given.root[kept].to(posterior.root)
    means = NetworkState(network)  # with the means of the groups, as `merge_levels` leaves it
    expected = network(network.reference).detach()
    ParameterVector.of(network).write(Stack([network]), vector[None])
    # The degrees of freedom shrink as the number of values less their constant does.
    evidence, part = posterior.log_evidence + sum(gains), (len(_members(network, source)) - 1) / (len(members) - 1)
    freedom = {
        edge: Freedom(part * one.straight, part * one.wiggle) if edge[:2] == (0, source) else one
        for edge, one in posterior.freedom.items()
    }
    network.posterior = Posterior(vector, root, posterior.noise, evidence, posterior.rows, freedom, posterior.settled)
    moved = (network(network.reference).detach() - expected).abs()
    if bool((moved > _FAR * output_errors(network, network.posterior, network.reference)).any()):
        # Behind hidden nodes parameters have moved farther than the posterior sees.
        means.restore()
        network.posterior = None


def _kept(former: ParameterVector, now: ParameterVector) -> Tensor:
    """Where each parameter of a merged network stood in the vector before the merge, indices `(now.size,)`.

    Args:
        former: The layout before the merge: by layer the indices of coefficients and base weights (`numeric`) and of functions' constants
            (`affine`), -1 for those that aren't free.
        now: The layout after it.
    """
    kept = torch.zeros(now.size, dtype=torch.long)
    for before, after in zip(former.layers, now.layers, strict=True):
        for old, new in ((before.numeric, after.numeric), (before.affine, after.affine)):
            kept[new[new >= 0]] = old[new >= 0]
    return kept


def _members(network: Network, source: int) -> list[list[int]]:
    """For each value of an input of words the numbers of the levels (words) that have it: several where levels are merged."""
    layer = network.layer(0)
    firsts = layer.firsts()[source, : layer.levels[source]].tolist()  # for each level the first one that has its value
    return [[level for level, first in enumerate(firsts) if first == slot] for slot in sorted({*firsts})]


def _order(values: Tensor) -> list[int]:
    """Indices of the rows of `values`, `(levels, edges)`, by value; with several edges along the direction in which rows differ most."""
    centred = values - values.mean(0)
    # The first right singular vector is that direction.
    axis = torch.linalg.svd(centred, full_matrices=False).Vh[0]
    return (centred @ axis).argsort().tolist()


def _between(values: Tensor, weight: Tensor, groups: list[list[int]]) -> float:
    """Sum over rows and edges of the squared distance of a row's group mean from the mean of all rows.

    Args:
        values: Each level's value on each edge, `(levels, edges)`.
        weight: Number of rows of each level, `(levels,)`.
        groups: Indices of the levels of each group.
    """
    rows = weight.clamp_min(1e-9)[:, None]  # a group of levels without rows has a mean, too
    centre = (rows * values).sum(0) / rows.sum()
    means = [(rows[group] * values[group]).sum(0) / rows[group].sum() for group in groups]
    shares = [
        float(rows[group].sum() * (mean - centre).square().sum()) for group, mean in zip(groups, means, strict=True)
    ]
    return sum(shares)
