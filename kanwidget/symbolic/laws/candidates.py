"""The families that a curve without a form could be, best first."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanwidget.symbolic.laws.families import FAMILIES, ONE, Family
from kanwidget.symbolic.laws.least_squares import polish

Array = NDArray[np.float64]
#: Points of a curve that families are fitted to, and the steps of these fits.
_POINTS, _STEPS = 48, 12
#: Starts of a family that are polished.
_STARTS = 3


@dataclass(frozen=True, slots=True)
class Factor:
    """A family with its constants, as a function of one column."""

    family: Family
    theta: list[float]

    def __call__(self, x: Array) -> Array:
        return self.family.function(x, self.theta)


def candidates(x: Array, curve: Array, most: int, *, constant: bool, spread: float) -> list[Factor]:
    """The likeliest factors for a curve; the constant function is always among them.

    Args:
        x: The column.
        curve: The curve's values at the rows.
        most: Number of factors.
        constant: Whether a constant is added: in a sum, not in a product.
        spread: Uncertainty of the curve: differences below it don't count.
    """
    order = np.argsort(x)
    picked = order[np.linspace(0, len(x) - 1, min(_POINTS, len(x))).round().astype(int)]
    at, target = x[picked], curve[picked]
    root = np.ones_like(target)
    scored = []
    for family in FAMILIES:
        if not family.holds(x) or (constant and not family.sums):
            continue
        best = _fit(family, at, target, root, constant=constant)
        if best is None:
            continue
        theta, cost = best
        size = math.sqrt(cost / len(at))
        score = len(at) * math.log2(max(size, spread) / spread) + 3 * len(theta) + family.bits
        scored.append((score, Factor(family, theta)))
    scored.sort(key=lambda pair: pair[0])
    return [factor for _, factor in scored[:most]] + [Factor(ONE, [])]


def _fit(family: Family, x: Array, y: Array, root: Array, *, constant: bool) -> tuple[list[float], float] | None:
    """The best constants of a family for a curve, and its sum of squares."""

    def design(theta: object) -> Array:
        columns = [family.function(x, theta)]  # type: ignore[arg-type]
        return np.stack([*columns, np.ones_like(x)] if constant else columns, 1)

    starts = family.starts(x)
    if len(starts) > _STARTS:
        first = [polish(design, start, y, root, steps=0) for start in starts]
        starts = [s.theta for s in sorted(first, key=lambda s: s.cost)[:_STARTS]]
    found = [polish(design, start, y, root, _STEPS) for start in starts]
    found = [s for s in found if math.isfinite(s.cost)]
    if not found:
        return None
    best = min(found, key=lambda s: s.cost)
    return best.theta, best.cost
