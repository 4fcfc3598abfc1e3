"""The candidates of an edge on what rows of data ask of it, instead of on a curve: noise and all.

What the best function leaves unexplained is noise. By chance a curve of some numbers explains a part of it, and candidates that differ by
no more are equally good: the simplest of them is first; of several of one complexity the function in place, then the most accurate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kanwidget.core.primitives import Primitive
from kanwidget.core.records import SymbolicFit
from kanwidget.symbolic.candidates.partial_residuals import PartialResiduals
from kanwidget.symbolic.fits.curves import Curves, curves
from kanwidget.symbolic.fits.custom import BrokenPrimitive, OnBroken, called, log_broken
from kanwidget.symbolic.fits.fitting import edge_fits, ranked_records, without_broken
from kanwidget.symbolic.fits.ranking import SIMPLICITY, EdgeFit, rank
from kanwidget.symbolic.fits.spaces import CHANCE

#: Constants of a fit: a, b, c and d.
_CONSTANTS = 4
#: Fits are exact to round-off below this part of the variance.
_EXACT = 1e-12

#: A primitive with its constants a, b, c and d.
InPlace = tuple[Primitive, tuple[float, float, float, float]]


def fit_rows(
    rows: PartialResiduals,
    primitives: Sequence[Primitive],
    *,
    numbers: float,
    simplicity: float = SIMPLICITY,
    noise: float | None = None,
    in_place: InPlace | None = None,
    on_broken: OnBroken = log_broken,
) -> list[SymbolicFit]:
    """Fit every primitive to the partial residuals of one edge, best first; see `fit_primitives`.

    Args:
        rows: What the rows ask of the edge.
        primitives: The primitives.
        numbers: Independent numbers of the edge's curve.
        simplicity: 0 ranks by accuracy alone, 1 by simplicity alone.
        noise: As a part of the variance, how much two equally good fits may differ by; by default from what the best one leaves.
        in_place: The function that the edge has now. It is among the candidates with these constants, whatever `primitives` are.
        on_broken: See `fit_primitives`.

    Examples:
        >>> import torch
        >>> from kanwidget.core.primitives import primitives
        >>> x = torch.linspace(1, 2, 50, dtype=torch.float64)
        >>> rows = PartialResiduals(x, x**2, torch.ones(50, dtype=torch.float64))
        >>> fit_rows(rows, primitives(["x", "x^2"]), numbers=8)[0].equation
        'x^2'
    """
    data = curves(rows.inputs[:, None], rows.values[:, None], rows.weights)

    def fit(usable: tuple[Primitive, ...]) -> list[SymbolicFit]:
        free = sorted(edge_fits(data, usable, [None], [0.0])[0], key=lambda fit: -fit.r2)
        own = None if in_place is None else _own_fit(*in_place, data)
        name = None if own is None else own.primitive.name
        again = next((fit for fit in free if fit.primitive.name == name), own)
        others = [fit for fit in free if fit.primitive.name != name]
        fits = others if own is None else [own, *others]
        floor = max(_chance([*free, *fits], data.count, numbers) if noise is None else noise, _EXACT)
        best = max((fit.r2 for fit in (*free, *fits)), default=1.0)

        def judged(fit: EdgeFit) -> EdgeFit:
            """As if the noise that is in all of them were gone."""
            return replace(fit, r2=1 - (best - fit.r2), unexplained=max(best - fit.r2 - floor, 0.0))

        compared = [judged(fit) for fit in (others if again is None else [again, *others])]
        ranked = rank(compared, numbers, floor, None if own is None else judged(own))
        # With the R² of all that the rows hold, noise and all.
        whole = [(fit, bits, imitates) for fit, (_, bits, imitates) in zip(fits, ranked, strict=True)]
        return ranked_records(data, 0, whole, simplicity)

    return without_broken(fit, primitives, on_broken)


def _chance(fits: Sequence[EdgeFit], count: int, numbers: float) -> float:
    """The part of the variance that a curve of so many numbers explains by chance."""
    left = min((1 - fit.r2 for fit in fits), default=0.0)
    noise = max(left, 0.0) * count / max(count - _CONSTANTS, 1)
    return CHANCE * noise * min(1.0, numbers / count)


def _own_fit(primitive: Primitive, params: tuple[float, float, float, float], data: Curves) -> EdgeFit | None:
    """A function with its constants as they are; None where it has no value at some row, or doesn't work."""
    a, b, c, d = params
    x, y, weight = data.x[0], data.y[0], data.weight.expand_as(data.x)[0]
    if primitive.interval(*sorted((a * float(x.min()) + b, a * float(x.max()) + b))) is None:
        return None
    try:
        value = c * called(primitive, primitive.fn, a * x + b) + d
    except BrokenPrimitive:
        return None
    spread = float((weight * (y - (weight * y).sum()) ** 2).sum())
    left = float((weight * (y - value) ** 2).sum())
    r2 = 1 - left / spread if spread > 0 else float(left == 0)
    curve = (value - (weight * value).sum()) / max(spread, 1e-300) ** 0.5 * (data.count * weight).sqrt()
    return EdgeFit(primitive, params, r2, curve, 1 - r2)
