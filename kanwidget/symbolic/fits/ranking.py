"""Which of the fits of an edge is the best: accuracy against complexity, in the open.

score = simplicity·complexity + (1 - simplicity)·log2(1 - R² + 1e-12), lower is better. With the default weight a unit of
complexity must be paid for by a squared error 5 times smaller (by 16 times with 0.8, pykan's weight). The floor 1e-12 lets an
exact fit win against any inexact one whatever their complexities, and R² itself has no floor: it is relative to the edge's own
variance.

An edge that was trained on noisy data is itself uncertain. Where the noise is known, two curves that differ by less than it
are the same curve, and the score has its floor there: below it, R² only says how well a function imitates the noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from kanwidget import _check
from kanwidget.core.primitives import Primitive

#: Default weight of simplicity.
SIMPLICITY = 0.7
#: Least R² for which `auto_symbolic` replaces an edge by its best candidate.
R2_THRESHOLD = 0.9
#: 1 - R² below this counts as exact.
_FLOOR = 1e-12
#: Two fits are the same curve when they differ by less than this part of what the simpler one leaves unexplained.
_SAME = 0.5
#: … or by less than this part of the variance: no spline that was trained is as exact as that.
_INDISTINCT = 1e-10
#: Pairs that are one function: sin(u) = cos(u - π/2), arcsin(u) = π/2 - arccos(u), sigmoid(u) = (1 + tanh(u/2))/2.
TWINS = (("sin", "cos"), ("arcsin", "arccos"), ("tanh", "sigmoid"))


@dataclass(frozen=True, slots=True)
class Fitted:
    """A primitive fitted to an edge."""

    row: Primitive
    params: tuple[float, float, float, float]
    r2: float
    curve: Tensor
    """c·f + d on the samples, centred and relative to the edge's standard deviation."""


def checked_simplicity(simplicity: float | None, weight_simple: float | None, where: str) -> float:
    """The weight of simplicity: given by our name or by pykan's, by default `SIMPLICITY`.

    Examples:
        >>> checked_simplicity(None, None, "auto_symbolic"), checked_simplicity(None, 0.5, "auto_symbolic")
        (0.7, 0.5)
    """
    if weight_simple is None:
        return SIMPLICITY if simplicity is None else _check.real(simplicity, "simplicity", where, low=0, high=1)
    if simplicity is not None:
        _check.fail("weight_simple", where, "left out where `simplicity` is given", weight_simple)
    return _check.real(weight_simple, "weight_simple", where, low=0, high=1)


def score(r2: float, complexity: float, simplicity: float = SIMPLICITY, noise: float = 0.0) -> float:
    """The price of a fit, lower is better.

    Examples:
        >>> score(1.0, 2) < score(0.999, 2) < score(0.9999, 4) < score(0.0, 1)
        True
    """
    return simplicity * complexity + (1 - simplicity) * math.log2(max(1 - r2, 0.0) + noise + _FLOOR)


def rank(fits: Sequence[Fitted], simplicity: float, noise: float = 0.0) -> list[tuple[Fitted, float, str | None]]:
    """The fits of one edge with their scores and what they only imitate, best first.

    `noise` is the variance of the edge's own error, as a part of the edge's variance.
    """
    imitated = _imitations(fits, noise)
    scores = {fit.row.name: score(fit.r2, fit.row.complexity, simplicity, noise) for fit in fits}
    ranked: list[tuple[Fitted, float, str | None]] = []
    for fit in fits:
        name = fit.row.name
        original = imitated.get(name)
        price = scores[name] if original is None else max(scores[name], scores[original])
        ranked.append((fit, price, original))
    return sorted(ranked, key=lambda entry: (entry[1], entry[2] is not None, entry[0].row.complexity))


def _imitations(fits: Sequence[Fitted], noise: float) -> dict[str, str]:
    """Fits whose curve is that of a simpler function, by name."""
    by_name = {fit.row.name: fit for fit in fits}
    found = {}
    for fit in fits:
        for name in fit.row.limits:
            simple = by_name.get(name)
            if simple is not None and simple.row.complexity <= fit.row.complexity and _same(simple, fit, noise):
                found[fit.row.name] = name
                break
    for pair in TWINS:
        if all(name in by_name for name in pair):
            first, second = (by_name[name] for name in pair)
            if _same(first, second, noise) and _same(second, first, noise):
                kept, other = (second, first) if _plainer(second, first) else (first, second)
                found.setdefault(other.row.name, kept.row.name)
                if found.get(kept.row.name) == other.row.name:
                    del found[kept.row.name]
    return found


def _same(simple: Fitted, other: Fitted, noise: float) -> bool:
    distance = float(((simple.curve - other.curve) ** 2).mean())
    return distance <= max(_SAME * (1 - simple.r2), _INDISTINCT, noise)


def _plainer(one: Fitted, other: Fitted) -> bool:
    """Whether the constants of `one` are simpler: more of b and d are 0, else the smaller phase."""

    def zeros(fit: Fitted) -> int:
        _, b, c, d = fit.params
        return (abs(b) < 1e-3) + (abs(d) < 1e-3 * abs(c))

    if zeros(one) != zeros(other):
        return zeros(one) > zeros(other)
    return one.row.name == "cos" and abs(one.params[1]) < abs(other.params[1])
