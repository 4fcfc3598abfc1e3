"""Losses, one row each: value, gradient and Gauss-Newton factor in the outputs, and the number that a history shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.scales import Scaling

#: `(output, label, weight)`, each `(…, batch, columns)` → the mean over the batch, `(…,)`; weight is `(…, batch, 1)`, with mean 1, or None.
LossFunction = Callable[[Tensor, Tensor, "Tensor | None"], Tensor]
#: `(output, label, weight)` → gradient `(…, batch, outputs)` of the loss in the outputs.
LossGradient = Callable[[Tensor, Tensor, "Tensor | None"], Tensor]
#: `(output, weight)` → S with JᵀSᵀSJ a sample's Gauss-Newton matrix, `(…, batch, rows of S, outputs)`.
LossFactor = Callable[[Tensor, "Tensor | None"], Tensor]


@dataclass(frozen=True, slots=True)
class Loss:
    """One way to compare outputs with labels."""

    name: str
    value: LossFunction
    gradient: LossGradient | None = None
    """None: only gradient methods can minimize it."""
    factor: LossFactor | None = None
    """S with SᵀS the curvature of a row's loss in its outputs; None: only gradient methods can minimize it."""
    residual: LossGradient | None = None
    """r with Sᵀr the gradient; None where a label may have the probability 0, so that there is none."""
    root: bool = False
    """Whether a history reports the square root (RMSE)."""
    classes: bool = False
    """Whether labels are class numbers."""
    unit: float = 1.0
    """What a root mean squared error of 1 is in the target's unit: labels are compared in scaled numbers."""

    def report(self, value: float) -> float:
        """The number that a history shows for a mean loss: RMSE in the target's unit for squared errors, else the loss itself."""
        return self.unit * value**0.5 if self.root else value

    def unreport(self, number: float) -> float:
        """The mean loss that a history shows as this number: the inverse of `report`."""
        return (number / self.unit) ** 2 if self.root else number

    def in_units(self, scaling: Scaling) -> Loss:
        """The same loss for the outputs of a network with these scales, which are scaled numbers: (own - centre)/size.

        Squared errors (those with `root`) compare them with scaled labels: a history multiplies their root by `unit`, which takes it to the
        labels' unit. Other losses get the outputs in own units.
        """
        if not scaling.scales_output:
            return self
        if self.root:
            return replace(self, unit=scaling.error_unit)
        value = self.value
        return Loss(self.name, lambda y, label, w: value(scaling.own_outputs(y), label, w), classes=self.classes)

    @property
    def title(self) -> str:
        """The name of the number that a history shows."""
        return "RMSE" if self.root else self.name


def _mse(output: Tensor, label: Tensor, weight: Tensor | None) -> Tensor:
    """Mean squared error over rows and outputs, `(…,)`; output and label are `(…, batch, outputs)`, weights of rows `(…, batch, 1)`."""
    squares = (output - label) ** 2
    return (squares if weight is None else squares * weight).mean((-2, -1))


def _mse_gradient(output: Tensor, label: Tensor, weight: Tensor | None) -> Tensor:
    """The gradient of the mean squared error in the outputs, `(…, batch, outputs)`; weights of rows are `(…, batch, 1)`."""
    scaled = (output - label) * (2 / output.shape[-2:].numel())
    return scaled if weight is None else scaled * weight


def _mse_factor(output: Tensor, weight: Tensor | None) -> Tensor:
    """S of each row, `(…, batch, outputs, outputs)`, with SᵀS the second derivative in the outputs of its mean squared error.

    That is 2·weight/outputs on the diagonal, for weights of rows `(…, batch, 1)`.
    """
    outputs = output.shape[-1]
    scale = torch.eye(outputs, dtype=output.dtype, device=output.device) * (2 / outputs) ** 0.5
    return scale.expand(*output.shape, outputs) if weight is None else scale * torch.sqrt(weight)[..., None]


def _mse_residual(output: Tensor, label: Tensor, weight: Tensor | None) -> Tensor:
    """r, `(…, batch, outputs)`, with Sᵀr the gradient of the mean squared error in the outputs, S = √(2·weight/outputs) (`_mse_factor`).

    So r is √(2·weight/outputs) times output minus label, by the number of rows, whose mean the error is.
    """
    scaled = (output - label) * ((2 / output.shape[-1]) ** 0.5 / output.shape[-2])
    return scaled if weight is None else scaled * torch.sqrt(weight)


def _cross_entropy(output: Tensor, label: Tensor, weight: Tensor | None) -> Tensor:
    """Mean of -log p of each row's class, `(…,)`, from scores `(…, batch, classes)` and class numbers `(…, batch, 1)`."""
    losses = -torch.log_softmax(output, -1).gather(-1, label)
    return (losses if weight is None else losses * weight).mean((-2, -1))


def _cross_entropy_gradient(output: Tensor, label: Tensor, weight: Tensor | None) -> Tensor:
    """The gradient of `_cross_entropy` in the scores, `(…, batch, classes)`: probabilities, minus 1 for the row's class, over rows."""
    residual = torch.softmax(output, -1)
    residual = residual.scatter_add(-1, label, -torch.ones_like(residual[..., :1])) / output.shape[-2]
    return residual if weight is None else residual * weight


def _cross_entropy_factor(output: Tensor, weight: Tensor | None) -> Tensor:
    """S = Lᵀ of each row, `(…, batch, classes - 1, classes)`: the curvature of its loss in the scores is diag(p) - p·pᵀ = L·Lᵀ.

    L is lower triangular. Its last column would be 0, and is left out: probabilities know one score less than there are classes.

    With r_m the probability of all classes behind m, row m of Lᵀ is √(p_m·r_m/(p_m + r_m)) times 1 at m and -p_i/r_m at i > m.

    References:
        Tanabe and Sagae, "An exact Cholesky decomposition and the generalized inverse of the variance-covariance matrix of the
        multinomial distribution, with applications", JRSS B 54 (1992).
    """
    p = torch.softmax(output, -1)
    least, classes = torch.finfo(p.dtype).tiny, p.shape[-1]
    # Summed from the last class on: 1 minus the sum of the first ones would lose the digits of small probabilities.
    rest = p.flip(-1).cumsum(-1).flip(-1)[..., 1:]
    first = p[..., :-1]
    root = torch.sqrt(first * rest / (first + rest).clamp_min(least))
    if weight is not None:
        root = root * torch.sqrt(weight)
    behind = (p[..., None, :] / rest.clamp_min(least)[..., None]).triu(1)
    return root[..., None] * (torch.eye(classes, dtype=p.dtype, device=p.device)[:-1] - behind)


LOSSES = {
    row.name: row
    for row in (
        Loss("mse", _mse, _mse_gradient, _mse_factor, _mse_residual, root=True),
        Loss("cross_entropy", _cross_entropy, _cross_entropy_gradient, _cross_entropy_factor, classes=True),
    )
}


def loss_row(loss: str | Callable[[Tensor, Tensor], Tensor]) -> Loss:
    """The `Loss` of a name of `LOSSES`, or of a user's function `(output, label) -> scalar`, which gradient methods alone can minimize."""
    if callable(loss):
        return Loss(getattr(loss, "__name__", "loss"), _one_by_one(loss))
    return LOSSES[_check.choice(loss, "loss", "fit", LOSSES)]


def _one_by_one(function: Callable[[Tensor, Tensor], Tensor]) -> LossFunction:
    """The `LossFunction` of a user's function, which takes one network's outputs: it is called for each network on a leading axis.

    It has no argument for weights: those of rows are refused beside such a loss, so that the third argument is None.
    """

    def value(output: Tensor, label: Tensor, _: Tensor | None) -> Tensor:
        if output.ndim == 2:
            return function(output, label)
        return torch.stack([function(o, y) for o, y in zip(output, label, strict=True)])

    return value
