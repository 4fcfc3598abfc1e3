"""pykan's LBFGS for training loops of one's own."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["LBFGS"]


class LBFGS(torch.optim.LBFGS):
    """torch's LBFGS, with pykan's arguments.

    Args:
        params: The parameters.
        lr: Length of a step, as a part of the line search's.
        max_iter: Iterations of one step.
        max_eval: Evaluations of one step; by default 5/4 of the iterations.
        tolerance_grad: Ends a step where no derivative is larger.
        tolerance_change: Ends a step where nothing changes by more.
        tolerance_ys: Taken and not used: torch has a fixed one.
        history_size: Steps by which curvature is estimated.
        line_search_fn: None or `strong_wolfe`.

    Examples:
        >>> x = torch.zeros(1, requires_grad=True)
        >>> optimizer = LBFGS([x], line_search_fn="strong_wolfe", tolerance_ys=1e-32)
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = (x - 3).square().sum()
        ...     loss.backward()
        ...     return loss
        >>> loss = optimizer.step(closure)
        >>> round(x.item(), 3)
        3.0
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        tolerance_ys: float = 1e-32,  # an argument of pykan's, not used: torch has a fixed one
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        """Make torch's optimizer; arguments are those of `torch.optim.LBFGS`, with pykan's defaults."""
        super().__init__(params, lr, max_iter, max_eval, tolerance_grad, tolerance_change, history_size, line_search_fn)
