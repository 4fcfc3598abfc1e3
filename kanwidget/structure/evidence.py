"""How far an expression that should vanish is from 0, with the floor below which nothing can be seen, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Verdict = Literal["holds", "fails", "undecided"]

#: A true violation that an error of one floor can hide, in floors. (The mean of an ensemble errs by 0.5 to 1 floors.)
HIDDEN = 2.0
#: Above this many times what may be error, a violation is beyond doubt.
CLEAR = 1.5
#: A test that can't see a violation of this size says nothing by seeing none, unless a tolerance allows more.
RESOLUTION = 0.25
#: Part of the squared scale below which a variance between members doesn't matter for the weights.
_AGREED = 1e-6


@dataclass(frozen=True, slots=True)
class Measurement:
    """The size of an expression that should vanish, relative to that of its terms: between 0 and about 1, without a unit."""

    violation: float
    """Root mean square over the points, the members' spread subtracted, over the scale."""
    error: float
    """Standard error of `violation`: by leaving out each member in turn, but at least the floor, for errors that all members share."""
    floor: float
    """Root mean square of the members' spread, over the scale."""
    contradicted: bool = False
    """Whether values at other points deny what derivatives at these points say."""

    def threshold(self, tolerance: float) -> float:
        """The violation up to which the structure holds: the tolerance, or twice the floor (the members' spread), which can hide it."""
        return max(tolerance, HIDDEN * self.floor)

    def verdict(self, tolerance: float) -> Verdict:
        """`holds`, `fails`, or `undecided`: the violation is neither small nor clear, a large one could be hidden, or values deny it.

        Examples:
            >>> Measurement(1e-9, 0.0, 1e-12).verdict(1e-6), Measurement(0.3, 0.02, 0.02).verdict(0.05)
            ('holds', 'fails')
            >>> Measurement(0.0, 0.2, 0.4).verdict(0.05), Measurement(0.08, 0.02, 0.06).verdict(0.05)
            ('undecided', 'undecided')
        """
        if not math.isfinite(self.violation + self.floor):
            return "undecided"
        limit = max(tolerance, self.floor)  # the floor is the members' spread, below which nothing can be seen
        if self.violation <= limit:
            # The spread could hide a violation of two floors: nothing was seen only if such a one is small, too.
            seen = HIDDEN * self.floor <= max(RESOLUTION, tolerance)
            return "holds" if seen and not self.contradicted else "undecided"
        return "fails" if self.violation > CLEAR * limit else "undecided"


#: Without points, or without anything to compare with, there is nothing to see.
NOTHING = Measurement(math.nan, math.nan, math.nan)
#: What vanishes by definition.
EXACT = Measurement(0.0, 0.0, 0.0)


def measure(terms: Sequence[Tensor], natural: Sequence[Tensor] = ()) -> Measurement:
    """How far a sum of terms is from 0.

    Args:
        terms: Each `(members, points)`; their sum is the expression.
        natural: Further quantities of the same unit, `(members, points)`, that the sum is compared with: for an expression of one term,
            which would else be compared with itself alone.

    Returns:
        The violation (how far the members' mean is from 0, over the scale of terms and `natural`), its standard error, and the floor (the
        members' spread over that scale); `NOTHING` without points or scale.

    Examples:
        >>> a = torch.linspace(1, 2, 50, dtype=torch.float64).repeat(3, 1)
        >>> measure([a, -a]).violation, round(measure([a, a]).violation, 6)
        (0.0, 1.414214)
    """
    if terms[0].shape[-1] == 0:
        return NOTHING
    total = torch.stack(list(terms)).sum(0)
    scale = torch.stack([term.square() for term in (*terms, *natural)]).sum(0).mean(0)
    if not bool((scale > 0).any()):
        return NOTHING
    variance = total.var(0, correction=1) if len(total) > 1 else torch.zeros_like(scale)
    # Points where members differ, or where terms are huge, as near a singularity, weigh less: they would decide alone.
    # Where members agree to a thousandth, as exact ones do, their spread is no reason to prefer points.
    weight = _inverse_weight(variance + _AGREED * scale.median()) * _inverse_weight(scale)
    weight = weight / weight.sum()
    size, mean_variance = float(weight @ scale), float(weight @ variance)
    violation, floor = _excess(total.mean(0), weight, mean_variance, size), math.sqrt(mean_variance / size)
    return Measurement(violation, max(floor, _jackknife(total, weight, mean_variance, size)), floor)


def _inverse_weight(values: Tensor) -> Tensor:
    """1/(v + median v), `(points,)`: points where the members differ, or near a singularity, count no more than others."""
    median = values.median()
    if not bool(median > 0):
        median = values.mean()
    return 1 / (values + median) if bool(median > 0) else torch.ones_like(values)


def _excess(mean: Tensor, weight: Tensor, mean_variance: float, size: float) -> float:
    """The violation: the root mean square of `mean` over the points, less the variance that the members' spread explains, over the scale.

    Args:
        mean: The mean of the expression over the members, `(points,)`.
        weight: Weight of each point, with sum 1.
        mean_variance: The variance of the expression between members, as the weighted mean over the points.
        size: The squared scale: the sum of the terms' squares, as the weighted mean over the points.
    """
    return math.sqrt(max(0.0, float(weight @ mean.square()) - mean_variance) / size)


def _jackknife(total: Tensor, weight: Tensor, mean_variance: float, size: float) -> float:
    """Standard error of the violation (how far the expression is from 0, over the scale of its terms), from the violations with each
    member of the ensemble left out in turn; 0 for a single member.

    Args:
        total: The expression that should vanish, `(members, points)`.
        weight: Weight of each point, with sum 1.
        mean_variance: The variance of the expression between all members, as the weighted mean over the points.
        size: The squared scale: the sum of the terms' squares, as the weighted mean over the points.
    """
    members = len(total)
    if members < 2:
        return 0.0
    # The mean of all members but one, for each of them.
    means = (total.sum(0) - total) / (members - 1)
    violations = torch.tensor([_excess(mean, weight, mean_variance, size) for mean in means])
    return float(((members - 1) / members * (violations - violations.mean()).square().sum()).sqrt())
