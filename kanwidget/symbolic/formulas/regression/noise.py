"""How large the noise of each row is: the same for all, or in proportion to the value; and how small it may be."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

#: Parts of the noise that are in proportion to the value, beside a constant part of 1, in units of the values' size.
_RATIOS = torch.logspace(-1, 3, 17, dtype=torch.float64)
#: Logarithm of the likelihood by which noise in proportion must be better. Equal noise gains so much by chance in one of 500 tables. Of
#: tables between 1 and 10 whose noise is in proportion 43 % gain it with 20 rows, 76 % with 31, and 99.9 % with 100.
_GAIN = 5.0
#: The fewest rows that can show it, beside those that the fit's freedom takes, and the fewest where that isn't known.
_FEWEST, _FEWEST_OF_ALL = 10, 20
#: An error below this part of the spread of y counts as none: constants of exact data differ by less.
_NOTHING = 1e-8
#: Relative error of a value that a few operations have rounded.
_ROUNDING = 8 * torch.finfo(torch.float64).eps


@dataclass(frozen=True, slots=True)
class GrowingNoise:
    """Noise whose variance is s²·(1 + r²·ŷ²) for a value ŷ: a constant part, and one in proportion to the value."""

    ratio: float
    """r, in units of one over the values."""

    def sizes(self, values: Tensor) -> Tensor:
        """The standard deviation of each row's noise but for a factor, √(1/r² + ŷ²) for each value ŷ, `(n,)`; r is `ratio`."""
        return torch.hypot(torch.full_like(values, 1 / self.ratio), values)

    def weights(self, values: Tensor) -> Tensor:
        """1 over the size of each row's noise, `(n,)`, the mean of the squares 1."""
        weights = 1 / self.sizes(values)
        return weights / weights.square().mean().sqrt()


def noise_weights(fitted: Tensor, residual: Tensor, freedom: float | None = None) -> Tensor | None:
    """1 over the size of each row's noise, `(n,)`, but for a factor; None where the rows don't contradict equal noise.

    With it, errors of constants are right for measurements whose errors are a percentage, too. Arguments as of `growing_noise`.

    Examples:
        >>> values = torch.linspace(1, 100, 50, dtype=torch.float64)
        >>> signs = torch.where(torch.arange(50) % 2 == 0, 1.0, -1.0).double()
        >>> noise_weights(values, 0.3 * signs) is None
        True
        >>> weights = noise_weights(values, 0.02 * values * signs)
        >>> bool(weights[0] > 20 * weights[-1])
        True
    """
    noise = growing_noise(fitted, residual, freedom)
    return None if noise is None else noise.weights(fitted)


def growing_noise(fitted: Tensor, residual: Tensor, freedom: float | None = None) -> GrowingNoise | None:
    """The noise of rows, where it grows with their values; None where the rows don't contradict equal noise.

    Its variance is s²·(1 + r²·ŷ²) for a value ŷ. The best of some ratios r counts if it makes the residuals far more likely than r = 0.

    Args:
        fitted: Values of a fit that leaves nothing but noise, `(n,)`.
        residual: What it leaves, `(n,)`.
        freedom: How many numbers the fit has determined: where they are as many as the rows, its residuals say nothing. None if unknown.
    """
    n, size = len(residual), fitted.square().mean().sqrt()
    is_enough = n >= _FEWEST_OF_ALL if freedom is None else n - freedom >= _FEWEST
    if not is_enough or not bool(size > 0) or not bool(torch.isfinite(fitted).all()):
        return None
    # The log-likelihood of each ratio with the best size of its noise, beside that of equal noise.
    variances = 1 + (_RATIOS[:, None] * fitted / size) ** 2
    squares = residual.square().mean().clamp(min=1e-300)
    likelihoods = -n / 2 * ((residual.square() / variances).mean(1) / squares).log() - variances.log().sum(1) / 2
    best = int(likelihoods.argmax())
    # By chance equal noise gains this much, 5, in one of 500 tables.
    if not bool(likelihoods[best] > _GAIN):
        return None
    return GrowingNoise(float(_RATIOS[best] / size))


def rounding(y: Tensor, weights: Tensor | None = None) -> float:
    """The variance that rounding the values gives a residual: (8·eps)² times their mean square, however little they vary.

    Args:
        y: The values, `(n,)`.
        weights: Factors of the residuals, `(n,)`.

    Examples:
        >>> y = torch.tensor([1e6, 1e6 + 1], dtype=torch.float64)
        >>> 1e-10 < rounding(y) ** 0.5 < 1e-8
        True
    """
    return _ROUNDING**2 * float((y if weights is None else weights * y).square().mean())


def noise_floor(y: Tensor, weights: Tensor | None = None) -> float:
    """The variance of a residual that counts as none: that of 1e-8 of the values' spread, and at least that of rounding them.

    With weights the spread is what the best constant leaves: weighted values themselves may all be the same.

    Args:
        y: The values, `(n,)`.
        weights: Factors of the residuals, `(n,)`.

    Examples:
        >>> y = torch.tensor([1.0, 3.0], dtype=torch.float64)
        >>> round(noise_floor(y) ** 0.5, 12), round(noise_floor(y, 1 / y) ** 0.5, 12)
        (1e-08, 4.472e-09)
    """
    squares = torch.ones_like(y) if weights is None else weights.square()
    mean = (squares * y).sum() / squares.sum()
    spread = (squares * (y - mean).square()).mean()
    return max(_NOTHING**2 * float(spread), rounding(y, weights))
