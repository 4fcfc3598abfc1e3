"""The order of an edge's fits: accuracy against complexity, in bits.

score = simplicity·complexity + (1 - simplicity)·misfit, lower is better, with
misfit = numbers/2·log2(unexplained + noise + 1e-12).

That is a description length: `numbers` is how many independent numbers the curve holds, as many as its spline has coefficients,
and `unexplained` the part of its variance that the function leaves. With the default weight a unit of complexity costs 2.3 bits, so
that for a spline of nine coefficients the squared error must become 1.4 times smaller for it. `weight_simple` ranks as pykan does:
there every curve holds two numbers, and a unit of complexity must be paid for by a squared error 5 times smaller (16 times with
0.8, pykan's weight). R² has no floor: it is relative to the edge's own variance.

A spline rounds off what it can't follow: the tip of |x|, the flanks of a narrow bell. What counts is therefore the residual that the
spline could have followed; of the other part only a hundredth counts.

An edge that was trained on noisy data is itself uncertain. Where the noise is known, two curves that differ by less than it
are the same curve, and the score has its floor there: below it, R² only says how well a function imitates the noise.

A function whose argument moves so little that a simpler function (its Taylor polynomial, a limit) says the same within what the
simpler one leaves unexplained only imitates it, and stands behind all others.

The page ranks by the same rule when its slider moves: js/src/state/ranking.ts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from kanwidget import _check
from kanwidget.core.primitives import PRIMITIVES, Primitive
from kanwidget.core.records import SymbolicFit
from kanwidget.symbolic.writing.forms import Params

#: Default weight of simplicity.
SIMPLICITY = 0.7
#: Least R² for which `auto_symbolic` replaces an edge by its best candidate.
R2_THRESHOLD = 0.9
#: An unexplained part below this counts as exact.
_FLOOR = 1e-12
#: Independent numbers of a curve in pykan's ranking.
PYKAN_NUMBERS = 2
#: How much the residual counts that a spline on these knots can't follow.
_BEYOND_THE_SPLINE = 0.01
#: Two fits are the same curve when they differ by less than this part of the variance that the simpler one doesn't explain.
_SAME = 0.5
#: … or by less than this part of the variance: no spline that was trained is as exact as that.
_INDISTINCT = 1e-10
#: … or by less than this part of the variance, if the simpler one explains no less: √(x + 913) is then only a bent line; …
_DOMINATED = 1e-3
#: … or, no eye sees it, if the simpler one has the better score.
_UNSEEN = 1e-4
#: … or by less than the noise, if the score that one more constant costs says so.
_ONE_CONSTANT = 0.5
#: Bits by which a function in place stands behind one with the same curve.
_HAIR = 1e-6
#: Pairs that are one function: sin(u) = cos(u - π/2), arcsin(u) = π/2 - arccos(u), sigmoid(u) = (1 + tanh(u/2))/2.
TWINS = tuple((primitive.name, primitive.twin) for primitive in PRIMITIVES if primitive.twin)


@dataclass(frozen=True, slots=True)
class EdgeFit:
    """A primitive fitted to an edge."""

    primitive: Primitive
    params: Params
    r2: float
    curve: Tensor
    """c·f + d on the samples, centered and relative to the edge's standard deviation, times the root of the samples' weights."""
    unexplained: float
    """The part of the edge's variance that counts as misfit, see `unexplained`."""
    one_sided: bool = False
    """Whether hardly a sample lies beyond its kink: |x| is then a line."""


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


def misfit(unexplained: float, numbers: float, noise: float = 0.0) -> float:
    """What a fit leaves to say about the curve, in bits; lower is better. An exact fit has about -20 bits for each of the curve's numbers.

    Args:
        unexplained: The part of the curve's variance that the fit leaves.
        numbers: How many independent numbers the curve holds.
        noise: The variance of the curve's own error as a part of its variance: fits that differ by less are nearly as good.

    Examples:
        >>> round(misfit(1e-4, 9) - misfit(2e-4, 9), 3)
        -4.5
    """
    return round(numbers / 2 * math.log2(max(unexplained, 0.0) + noise + _FLOOR), 9)


def score(misfit: float, complexity: float, simplicity: float = SIMPLICITY) -> float:
    """The score of a fit, lower is better.

    Args:
        misfit: What the fit leaves to say about the curve, in bits.
        complexity: That of the primitive.
        simplicity: The weight of the complexity, 0 to 1; that of the misfit is the rest.

    Examples:
        >>> exact, good, fair, bad = (misfit(1 - r2, 9) for r2 in (1.0, 0.9999, 0.999, 0.0))
        >>> score(exact, 2) < score(good, 4) < score(fair, 2) < score(bad, 1)
        True
    """
    return simplicity * complexity + (1 - simplicity) * misfit


def unexplained(residual: Tensor, weight: Tensor, space: Tensor | None) -> float:
    """The part of the variance that a residual leaves, and that counts: of what no spline can follow, a hundredth.

    A spline rounds off what it can't follow, such as the tip of |x|: the function that it was learned from isn't to blame for that.

    Args:
        residual: Relative to the edge's standard deviation, `(n,)`.
        weight: Of the samples, adding up to 1, `(n,)`.
        space: Basis of the curves that the edge's spline can follow, `(n, numbers)`, orthonormal under the weights; None where it
            isn't a spline.
    """
    total = float((weight * residual**2).sum())
    if space is None:
        return total
    within = float((space.T @ (weight * residual)).square().sum())  # the mean square of the projection
    return within + _BEYOND_THE_SPLINE * max(total - within, 0.0)


def rank(
    fits: Sequence[EdgeFit], numbers: float, noise: float = 0.0, in_place: EdgeFit | None = None
) -> list[tuple[EdgeFit, float, str | None]]:
    """The fits of one edge, each with its misfit in bits and the name of a simpler primitive that it only imitates, None where it doesn't.

    A function imitates another one where both have the same curve on the data, and these don't speak for the less simple one.

    Args:
        fits: The fits, of each primitive one.
        numbers: Independent numbers of the edge's curve.
        noise: The variance of the edge's own error, as a part of the edge's variance.
        in_place: The function that the edge has, with its constants as they are; among `fits` it has the best ones, and these are what
            others may imitate. It imitates none, since it is there, but what has its very curve stands before it.
    """
    by_name = {fit.primitive.name: fit for fit in fits}
    originals = _imitations(by_name, numbers, noise)
    bits = {name: misfit(fit.unexplained, numbers, noise) for name, fit in by_name.items()}
    if in_place is not None:
        name = in_place.primitive.name
        bits[name] = misfit(in_place.unexplained, numbers, noise)
        original = originals.pop(name, None)
        if original is not None and {name, original} in map(set, TWINS):
            originals[original] = name  # of sin and cos, say, the function in place stays
        elif original is not None and _distance(by_name[original], in_place) <= _INDISTINCT:
            bits[name] = max(bits[name], bits[original] + _HAIR)  # just behind the one that has its curve
    # Where a function imitates one that imitates another, the last one counts.
    roots = {name: _root(originals, name) for name in originals}
    return [(fit, bits[name], roots.get(name)) for name, fit in by_name.items()]


def _root(originals: dict[str, str], name: str) -> str:
    """What a function imitates in the end: J0 imitates a sine that imitates a parabola. `originals` has what each imitates directly."""
    passed = {name}  # two may imitate each other: the search ends where it has been
    while (following := originals.get(originals[name])) is not None and following not in passed:
        name = originals[name]
        passed.add(name)
    return originals[name]


def order(fits: Iterable[SymbolicFit]) -> list[SymbolicFit]:
    """Best first, and functions that only imitate another one last.

    Examples:
        >>> import torch
        >>> from kanwidget.core.primitives import primitives
        >>> from kanwidget.symbolic import fit_primitives
        >>> x = torch.linspace(-1, 1, 50, dtype=torch.float64)[:, None]
        >>> fits = fit_primitives(x, 2 * x, primitives(["tanh", "x"]))[0]
        >>> [(fit.name, fit.imitates) for fit in order(fits)]
        [('x', None), ('tanh', 'x')]
    """
    return sorted(fits, key=lambda fit: (fit.imitates is not None, fit.score, fit.complexity))


def _imitations(by_name: Mapping[str, EdgeFit], numbers: float, noise: float) -> dict[str, str]:
    """The primitives whose fit has the curve of a simpler primitive, which they only imitate: name → name of the simpler one.

    Args:
        by_name: The fits of an edge, by the names of their primitives.
        numbers: Independent numbers of the edge's curve.
        noise: The variance of the edge's own error, as a part of the edge's variance.
    """
    originals = {}
    for fit in by_name.values():
        # Simpler functions that f is nearly for some a and b: tanh(a·x) is nearly a·x for a small a.
        limits = [by_name[name] for name in fit.primitive.limits if name in by_name]
        simpler = (simple for simple in limits if simple.primitive.complexity <= fit.primitive.complexity)
        original = next((simple for simple in simpler if _same(simple, fit, numbers, noise)), None)
        if original is not None:
            originals[fit.primitive.name] = original.primitive.name
    for pair in TWINS:  # pairs that are one function, such as sin and cos
        if all(name in by_name for name in pair):
            first, second = (by_name[name] for name in pair)
            if _same(first, second, numbers, noise) and _same(second, first, numbers, noise):
                # They are one function: the one with plainer constants stays, and imitates nothing.
                original, twin = (second, first) if _plainer(second, first) else (first, second)
                originals.setdefault(twin.primitive.name, original.primitive.name)
                if originals.get(original.primitive.name) == twin.primitive.name:
                    del originals[original.primitive.name]
    return originals


def _same(simple: EdgeFit, fit: EdgeFit, numbers: float, noise: float) -> bool:
    """Whether two curves are the same, and nothing in the data speaks for the one that is less simple.

    Args:
        simple: The simpler fit.
        fit: The other fit of the same edge.
        numbers: Independent numbers of the edge's curve.
        noise: The variance of the edge's own error, as a part of its variance.
    """
    if fit.one_sided and simple.primitive.name == "x":  # |x| with its kink beyond the data
        return True
    distance = _distance(simple, fit)
    # They differ by less than the simpler one leaves unexplained, or than any spline is exact.
    if distance <= max(_SAME * (1 - simple.r2), _INDISTINCT):
        return True
    # They differ by little, and the simpler one explains no less.
    if distance <= _DOMINATED and simple.r2 >= fit.r2:
        return True
    # They differ by no more than the noise, and the simpler one's score is worse by less than a constant is worth; or by no more than an
    # eye sees, and its score is no worse.
    ours, other = (score(misfit(f.unexplained, numbers, noise), f.primitive.complexity) for f in (simple, fit))
    return (distance <= noise and ours <= other + _ONE_CONSTANT) or (distance <= _UNSEEN and ours <= other)


def _distance(first: EdgeFit, second: EdgeFit) -> float:
    """The mean square of the difference of two fits' curves on the samples, as a part of the variance of the edge."""
    return float(((first.curve - second.curve) ** 2).mean())


def _plainer(fit: EdgeFit, twin: EdgeFit) -> bool:
    """Whether the constants of `fit` are plainer than those of its twin, which is the same function: more zeros, else the smaller phase."""

    def zeros(fit: EdgeFit) -> int:
        """How many of b and d are 0, to a thousandth."""
        _, b, c, d = fit.params
        return (abs(b) < 1e-3) + (abs(d) < 1e-3 * abs(c))

    if zeros(fit) != zeros(twin):
        return zeros(fit) > zeros(twin)
    return fit.primitive.antiperiod is not None and abs(fit.params[1]) < abs(twin.params[1])
