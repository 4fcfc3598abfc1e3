"""Levenberg-Marquardt for residuals: damped by each parameter's own scale, since equations outweigh data a thousandfold.

References:
    Marquardt, "An algorithm for least-squares estimation of nonlinear parameters", SIAM Journal 11 (1963) (the scale).
"""

from __future__ import annotations

import torch
from torch import Tensor

from kanwidget.training.optimizers.levenberg_marquardt import LevenbergMarquardt
from kanwidget.training.residuals.objective import Positions, ResidualObjective

#: Of the metric of fits, beside each parameter's own scale: holds those on which nothing depends.
_EVEN = 1e-6


class ScaledLM(LevenbergMarquardt):
    """Minimises a `ResidualObjective`."""

    objective: ResidualObjective
    positions: Positions

    def _damping_metric(self, matrix: Tensor, scale: Tensor) -> Tensor:
        own = matrix.diagonal(dim1=1, dim2=2) / scale[:, None]
        return torch.diag_embed(own) + _EVEN * self._metric
