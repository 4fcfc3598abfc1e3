"""Weights of rows for robust losses: rows that are far from a formula count less, and the formula is fitted again."""

from __future__ import annotations

from torch import Tensor

#: Rounds of a search with a robust loss: the first without weights.
ROUNDS = 4
#: The median of the absolute value of a normal deviate.
MEDIAN = 0.6745
#: Standard deviations beyond which Huber's loss grows with the size only.
_KNEE = 1.345
#: Of the loss of sizes: nearer residuals count no more.
_NEAREST = 0.05
#: Parts of the target's spread that count as no noise.
_LEAST = 1e-9


def row_weights(residual: Tensor, spread: float, loss: str) -> Tensor:
    """The weight of each row by its residual: least squares with such weights, again and again, lead to the minimum of a loss.

    Args:
        residual: Target minus formula, `(rows,)`.
        spread: The target's standard deviation.
        loss: `huber` or `absolute`.

    Examples:
        >>> import torch
        >>> row_weights(torch.tensor([0.1, -0.1, 0.1, 8.0]), 1.0, "huber")
        tensor([1.0000, 1.0000, 1.0000, 0.0249])
    """
    size = residual.abs()
    # The standard deviation by the median size, which outliers don't move; where half of the rows are exact a tiny part of the spread.
    noise = max(float(size.median()) / MEDIAN, _LEAST * spread)
    if loss == "huber":  # full weight up to 1.345 standard deviations, as is usual; beyond it falls with the size
        return (_KNEE * noise / size.clamp(min=1e-300)).clamp(max=1.0)
    # Weights of one over the size make squares sizes. Without a least size an exact row would count without limit.
    return noise / size.clamp(min=_NEAREST * noise)
