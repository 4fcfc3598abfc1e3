"""Levenberg-Marquardt for residuals: steps that follow the bend of the valley, damped by each parameter's own scale.

Where equations outweigh data a thousandfold, what decreases the loss is a narrow curved valley. The step δ is corrected by half the
acceleration a of the geodesic that starts along it, a = -(A + λD)⁻¹Jᵀr̈ with r̈ the residuals' second derivative along δ, unless
a is no small correction.

References:
    Transtrum and Sethna, "Improvements to the Levenberg-Marquardt algorithm for nonlinear least-squares minimization", arXiv:1201.5885.
    Marquardt, "An algorithm for least-squares estimation of nonlinear parameters", SIAM Journal 11 (1963) (the scale).
"""

from __future__ import annotations

import torch
from torch import Tensor

from kanwidget.training.lm import LevenbergMarquardt, solve
from kanwidget.training.residuals.objective import Positions, ResidualObjective

#: The largest 2·|a|/|δ| of a correction that is trusted; the reference's α.
_LARGEST_BEND = 0.75
#: Of the metric of fits, beside each parameter's own scale: holds those on which nothing depends.
_EVEN = 1e-6


class AcceleratedLM(LevenbergMarquardt):
    """Minimises a `ResidualObjective`."""

    objective: ResidualObjective
    positions: Positions

    def _damping_metric(self, matrix: Tensor, scale: Tensor) -> Tensor:
        own = matrix.diagonal(dim1=1, dim2=2) / scale[:, None]
        return torch.diag_embed(own) + _EVEN * self._metric

    def _bent(self, start: Tensor, step: Tensor, factor: Tensor, metric: Tensor) -> Tensor:
        with torch.no_grad():
            bend = self.objective.bend(self.positions, self.current, start, step.to(start.dtype))
        correction = -solve(factor, bend) / 2
        size, length = (torch.einsum("si,sij,sj->s", v, metric, v) for v in (correction, step))
        trusted = 4 * size <= _LARGEST_BEND**2 * length
        return torch.where(trusted[:, None], step + correction, step)
