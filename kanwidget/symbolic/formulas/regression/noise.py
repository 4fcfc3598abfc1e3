"""How large the noise of each row is: the same for all, or in proportion to the value."""

from __future__ import annotations

import torch
from torch import Tensor

#: Parts of the noise that are in proportion to the value, beside a constant part of 1, in units of the values' size.
_RATIOS = torch.logspace(-1, 3, 17, dtype=torch.float64)
#: Logarithm of the likelihood by which noise in proportion must be better, and the fewest rows that can show it.
_GAIN, _FEWEST = 8.0, 20


def noise_weights(fitted: Tensor, residual: Tensor) -> Tensor | None:
    """1 over the size of each row's noise, `(n,)`, but for a factor; None where the rows don't contradict equal noise.

    The variance of a row is taken as s²·(1 + r²·ŷ²). The best r counts if it makes the residuals far more likely than r = 0. With it,
    errors of constants are right for measurements whose errors are a percentage, too.

    Args:
        fitted: Values of a fit that leaves nothing but noise, `(n,)`.
        residual: What it leaves, `(n,)`.

    Examples:
        >>> values = torch.linspace(1, 100, 50, dtype=torch.float64)
        >>> signs = torch.where(torch.arange(50) % 2 == 0, 1.0, -1.0).double()
        >>> noise_weights(values, 0.3 * signs) is None
        True
        >>> weights = noise_weights(values, 0.02 * values * signs)
        >>> bool(weights[0] > 20 * weights[-1])
        True
    """
    n, size = len(residual), fitted.square().mean().sqrt()
    if n < _FEWEST or not bool(size > 0) or not bool(torch.isfinite(fitted).all()):
        return None
    variances = 1 + (_RATIOS[:, None] * fitted / size) ** 2
    squares = residual.square().mean().clamp(min=1e-300)
    likelihoods = -n / 2 * ((residual.square() / variances).mean(1) / squares).log() - variances.log().sum(1) / 2
    best = int(likelihoods.argmax())
    if not bool(likelihoods[best] > _GAIN):
        return None
    weights = variances[best].rsqrt()
    return weights / weights.square().mean().sqrt()
