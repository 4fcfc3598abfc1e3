"""The settings of a training, from which its optimizer and its objective are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from kanwidget.training.objective.penalty import Penalty

#: `(output, label)` → a number.
Metric = Callable[[Tensor, Tensor], Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a training; the arguments of `fit`, checked."""

    opt: str = "auto"
    lamb: float = 0.0
    lr: float | None = None
    batch: int | None = None
    rows: int | str | None = "auto"
    loss: Any = None
    update_grid: bool = True
    grid_update_num: int = 2
    start_grid_update_step: int = 0
    stop_grid_update_step: int = 20
    lamb_l1: float = 1.0
    lamb_entropy: float = 2.0
    lamb_coef: float = 0.0
    lamb_coefdiff: float = 0.0
    reg_metric: str = "edge_forward_spline_n"
    geodesic_acceleration: bool = False
    continual: bool = False
    smoothness: float = 0.0
    evidence: bool | None = None
    averages: bool = True
    coarse: bool = True
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    sample_weight: Tensor | None = None
    seed: int = 0

    def penalty(self) -> Penalty:
        """The penalty of these settings."""
        return Penalty(self.lamb, self.lamb_l1, self.lamb_entropy, self.lamb_coef, self.lamb_coefdiff, self.reg_metric)

    @property
    def with_evidence(self) -> bool:
        """Whether the data set how smooth the splines of Levenberg-Marquardt are, while `lamb` is 0.

        By default wherever no other setting does (`continual`, `smoothness`), and the fit isn't meant to go down to round-off, as it is
        with geodesic acceleration.
        """
        others = self.continual or self.smoothness or self.geodesic_acceleration
        return not others if self.evidence is None else self.evidence
