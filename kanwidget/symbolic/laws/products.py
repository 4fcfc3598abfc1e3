"""Laws that are a product of functions of one column each, with or without an offset, and sums of such functions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kanwidget.symbolic.laws.candidates import Factor, candidates
from kanwidget.symbolic.laws.criterion import Noise, noise_of
from kanwidget.symbolic.laws.curves import Curves, bases, product_curves, sum_curves
from kanwidget.symbolic.laws.structure import Fit, Structure, Term

Array = NDArray[np.float64]
#: Factors of each column that are tried, and sweeps over the columns.
_CANDIDATES, _SWEEPS = 6, 2
#: The same for tables of more columns than the first number.
_MANY, _FEW_CANDIDATES = 5, 3


def separable_laws(x: Array, y: Array) -> Iterator[Fit]:
    """The best product and the best sum, each with the noise under which it is likelier."""
    designs = bases(x)
    ones = np.ones_like(y)
    # Both with one column, too: a sum has its offset apart from the curve.
    for kind in ("product", "sum"):
        make = product_curves if kind == "product" else sum_curves
        curves = make(y, designs, ones)
        noise = noise_of(y, curves.fit)
        if noise.relative:
            curves = make(y, designs, noise.root(y, curves.fit))
        yield _best(x, y, curves, noise, product=kind == "product")


def _best(x: Array, y: Array, curves: Curves, noise: Noise, *, product: bool) -> Fit:
    """The law from the likeliest factors of each column, exchanged one by one while the description gets shorter."""
    choices = []
    root = noise.root(y, curves.fit)
    residual = float(np.sqrt((((y - curves.fit) * root) ** 2).mean()))
    for column in range(x.shape[1]):
        curve = curves.values[column]
        size = float(np.sqrt((curve**2).mean())) or 1.0
        # How far noise can move a curve of some ten coefficients.
        share = residual / float(np.sqrt(((y * root) ** 2).mean())) if product else residual / float(root.mean()) / size
        spread = size * max(share * np.sqrt(10 / len(y)), 1e-9)
        choices.append(candidates(x[:, column], curve, _CANDIDATES, constant=not product, spread=spread))
    if len(choices) > _MANY:  # the last one is the constant function
        choices = [[*factors[:_FEW_CANDIDATES], factors[-1]] for factors in choices]
    chosen = [factors[0] for factors in choices]
    best = _fit(chosen, x, y, noise, product=product, offset=False)
    for _ in range(_SWEEPS if len(choices) <= _MANY else 1):
        before = best.length
        for column, factors in enumerate(choices):
            for factor in factors:
                if factor.family is chosen[column].family:
                    continue
                trial = [*chosen]
                trial[column] = factor
                fit = _fit(trial, x, y, noise, product=product, offset=False)
                if fit.length < best.length:
                    best, chosen = fit, trial
        if best.length >= before:
            break
    if product:
        best = min((best, _fit(chosen, x, y, noise, product=True, offset=True)), key=lambda fit: fit.length)
    return best


def _fit(chosen: list[Factor], x: Array, y: Array, noise: Noise, *, product: bool, offset: bool) -> Fit:
    kept = {column: factor for column, factor in enumerate(chosen) if factor.family.bits > 0}
    if product:
        terms: tuple[Term, ...] = (kept,) if kept else ()
    else:
        terms, offset = tuple({column: factor} for column, factor in kept.items()), True
    structure = Structure(terms, offset or not terms, noise=noise)
    return structure.fit(x, y, steps=25)
