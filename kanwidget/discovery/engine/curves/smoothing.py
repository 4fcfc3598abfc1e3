"""Noisy rows as a smooth sample: what candidates are screened on has the noise of a few factors of a spline, not that of single rows.

References:
    Craven, Wahba, "Smoothing noisy data with spline functions", Numerische Mathematik 31 (1978): the number of intervals.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from kanwidget.core import splines
from kanwidget.discovery.engine.curves.curve import Rows
from kanwidget.insight.noise import noise_of

#: Intervals between quantiles that are tried, and the order of the splines.
_INTERVALS, _ORDER = (2, 4, 6, 9, 13, 18, 24, 32), 4
#: Rows for each factor of a spline, at least, and how many are smoothed at most.
_ROWS, _MOST_ROWS = 5, 4000
#: What is smaller, as a part of y, isn't noise but what splines miss.
_LEAST = 1e-5
#: The largest error of a row of the sample, in those of all.
_MOST = 4.0


def sampled(rows: Rows, count: int) -> Rows:
    """Rows spread evenly over the values of the variable: of noisy rows, the values of a spline and its standard errors.

    Examples:
        >>> x = torch.linspace(0, 3, 500, dtype=torch.float64)
        >>> noise = 0.05 * torch.randn(500, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> sample = sampled(Rows(x, x.sin() + noise, None), 90)
        >>> bool((sample.y - sample.x.sin()).square().mean().sqrt() < 0.01), sample.floor > 1e-3
        (True, True)
    """
    smooth = _smoothed(rows.sample(_MOST_ROWS))
    return (rows if smooth is None else smooth).sample(count)


def _smoothed(rows: Rows) -> Rows | None:
    """The rows with the values of a spline, weights by its standard errors, and its error as the floor; None where there is no noise."""
    if not float(rows.x.max() - rows.x.min()) > 0:
        return None
    roots = torch.ones_like(rows.y) if rows.weights is None else rows.weights.sqrt()
    fits = [_Spline(rows.x, rows.y, roots, count) for count in _INTERVALS if _ROWS * (count + _ORDER) <= len(rows.x)]
    if not fits:
        return None
    best = min(fits, key=lambda fit: fit.score)
    scale = math.sqrt(rows.energy() / len(rows.x))
    noise = noise_of(rows.x[:, None], best.residual)
    if not best.level > _LEAST * scale or noise is None or not noise.is_noise:
        return None
    errors = best.errors
    usual = float(errors.median())
    errors = errors.clamp(min=usual / _MOST, max=usual * _MOST)
    weights = errors.square().reciprocal()
    weights = weights / weights.mean()
    smooth = Rows(rows.x, best.values, weights)
    return replace(smooth, floor=math.sqrt(float((weights * errors.square()).sum()) / smooth.energy()))


class _Spline:
    """A regression on splines of the variable.

    Args:
        x: `(rows,)`.
        y: `(rows,)`.
        roots: Roots of the weights.
        intervals: Between quantiles.
    """

    def __init__(self, x: Tensor, y: Tensor, roots: Tensor, intervals: int) -> None:
        knots = torch.unique(x.quantile(torch.linspace(0, 1, intervals + 1, dtype=x.dtype)))
        base = splines.basis(x[:, None], splines.extend_knots(knots[None], _ORDER), _ORDER)[:, 0]
        u, s, _ = torch.linalg.svd(base * roots[:, None], full_matrices=False)
        u = u[:, s > 1e-9 * s[0]]
        right = y * roots
        fitted = u @ (u.T @ right)
        self.residual = right - fitted
        free = len(x) - u.shape[1]
        sse = float(self.residual.square().sum())
        self.score = sse / free**2
        self.level = math.sqrt(sse / free)
        self.values = torch.where(roots > 0, fitted / roots.clamp(min=1e-300), 0.0)
        self._leverage = u.square().sum(1).sqrt()
        self._roots = roots

    @property
    def errors(self) -> Tensor:
        """Standard errors of the values."""
        return self.level * self._leverage / self._roots.clamp(min=1e-300)
