"""Levenberg-Marquardt for residuals: damped by each parameter's own scale, since equations outweigh data a thousandfold.

References:
    Marquardt, "An algorithm for least-squares estimation of nonlinear parameters", SIAM Journal 11 (1963) (the scale).
"""

from __future__ import annotations

import torch
from torch import Tensor

from kanwidget.training.optimizers.levenberg_marquardt import LevenbergMarquardt
from kanwidget.training.residuals.objective import ResidualObjective, ResidualVector

#: Weight of the metric of fits beside each parameter's own scale: it decides parameters on which nothing depends.
_EVEN = 1e-6


class ScaledLM(LevenbergMarquardt):
    """Minimizes a `ResidualObjective`."""

    objective: ResidualObjective
    parameters: ResidualVector

    def _damping_metric(self, matrix: Tensor, scale: Tensor) -> Tensor:
        scales = matrix.diagonal(dim1=1, dim2=2) / scale[:, None]
        return torch.diag_embed(scales) + _EVEN * self._metric
