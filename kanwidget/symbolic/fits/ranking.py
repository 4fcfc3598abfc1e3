"""The order of an edge's fits: accuracy against complexity, in the open.

score = simplicity·complexity + (1 - simplicity)·log2(1 - R² + noise + 1e-12), lower is better. With the default weight a unit of
complexity must be paid for by a squared error 5 times smaller (by 16 times with 0.8, pykan's weight). The floor 1e-12 lets an
exact fit win against any inexact one whatever their complexities, and R² itself has no floor: it is relative to the edge's own
variance.

An edge that was trained on noisy data is itself uncertain. Where the noise is known, two curves that differ by less than it
are the same curve, and the score has its floor there: below it, R² only says how well a function imitates the noise.

The page ranks by the same rule when its slider moves: js/src/state/ranking.ts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from kanwidget import _check
from kanwidget.core.primitives import PRIMITIVES, Primitive

#: Default weight of simplicity.
SIMPLICITY = 0.7
#: Least R² for which `auto_symbolic` replaces an edge by its best candidate.
R2_THRESHOLD = 0.9
#: 1 - R² below this counts as exact.
_FLOOR = 1e-12
#: Two fits are the same curve when they differ by less than this part of the variance that the simpler one doesn't explain.
_SAME = 0.5
#: … or by less than this part of the variance: no spline that was trained is as exact as that.
_INDISTINCT = 1e-10
#: Pairs that are one function: sin(u) = cos(u - π/2), arcsin(u) = π/2 - arccos(u), sigmoid(u) = (1 + tanh(u/2))/2.
TWINS = tuple((primitive.name, primitive.twin) for primitive in PRIMITIVES if primitive.twin)


@dataclass(frozen=True, slots=True)
class EdgeFit:
    """A primitive fitted to an edge."""

    primitive: Primitive
    params: tuple[float, float, float, float]
    r2: float
    curve: Tensor
    """c·f + d on the samples, centered and relative to the edge's standard deviation."""


def checked_simplicity(simplicity: float | None, weight_simple: float | None, where: str) -> float:
    """The weight of simplicity, from our argument or pykan's, by default `SIMPLICITY`.

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
    """The score of a fit, lower is better.

    Examples:
        >>> score(1.0, 2) < score(0.999, 2) < score(0.9999, 4) < score(0.0, 1)
        True
    """
    return simplicity * complexity + (1 - simplicity) * math.log2(max(1 - r2, 0.0) + noise + _FLOOR)


def rank(fits: Sequence[EdgeFit], simplicity: float, noise: float = 0.0) -> list[tuple[EdgeFit, float, str | None]]:
    """The fits of one edge, best first, each with its score and the name of a simpler primitive that it only imitates.

    `noise` is the variance of the edge's own error, as a part of the edge's variance.
    """
    originals = _imitations(fits, noise)
    scores = {fit.primitive.name: score(fit.r2, fit.primitive.complexity, simplicity, noise) for fit in fits}
    ranked: list[tuple[EdgeFit, float, str | None]] = []
    for fit in fits:
        name = fit.primitive.name
        original = originals.get(name)
        value = scores[name] if original is None else max(scores[name], scores[original])
        ranked.append((fit, value, original))
    return sorted(ranked, key=lambda entry: (entry[1], entry[2] is not None, entry[0].primitive.complexity))


def _imitations(fits: Sequence[EdgeFit], noise: float) -> dict[str, str]:
    """Primitives whose fit has the curve of a simpler primitive: name → name of the simpler one."""
    by_name = {fit.primitive.name: fit for fit in fits}
    originals = {}
    for fit in fits:
        for name in fit.primitive.limits:
            simple = by_name.get(name)
            if (
                simple is not None
                and simple.primitive.complexity <= fit.primitive.complexity
                and _same(simple, fit, noise)
            ):
                originals[fit.primitive.name] = name
                break
    for pair in TWINS:
        if all(name in by_name for name in pair):
            first, second = (by_name[name] for name in pair)
            if _same(first, second, noise) and _same(second, first, noise):
                original, twin = (second, first) if _plainer(second, first) else (first, second)
                originals.setdefault(twin.primitive.name, original.primitive.name)
                if originals.get(original.primitive.name) == twin.primitive.name:
                    del originals[original.primitive.name]
    return originals


def _same(simple: EdgeFit, fit: EdgeFit, noise: float) -> bool:
    distance = float(((simple.curve - fit.curve) ** 2).mean())
    return distance <= max(_SAME * (1 - simple.r2), _INDISTINCT, noise)


def _plainer(fit: EdgeFit, twin: EdgeFit) -> bool:
    """Whether the constants of `fit` are simpler: more of b and d are 0, else the smaller phase."""

    def zeros(fit: EdgeFit) -> int:
        _, b, c, d = fit.params
        return (abs(b) < 1e-3) + (abs(d) < 1e-3 * abs(c))

    if zeros(fit) != zeros(twin):
        return zeros(fit) > zeros(twin)
    return fit.primitive.antiperiod is not None and abs(fit.params[1]) < abs(twin.params[1])
