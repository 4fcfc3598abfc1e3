"""How outputs bend along a step, for steps of Levenberg-Marquardt that follow the valley where it turns.

It needs no Jacobian: the second derivative is a difference of three evaluations, and JᵀH times it one backward pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanwidget.training.jacobian.jacobian import forward_pass
from kanwidget.training.jacobian.parameter_vector import ParameterMap

if TYPE_CHECKING:
    from kanwidget.training.objective.objective import Objective

#: How far along the step the outputs are evaluated.
_REACH = 0.1
#: Differences below so many roundings of the largest output are none.
_ROUNDINGS = 16


def bend(objective: Objective, positions: ParameterMap, start: Tensor, step: Tensor) -> Tensor:
    """Jᵀ·H·f″ with f″ the outputs' second derivative along a step and H the loss's curvature in them, `(networks, size)`.

    Args:
        objective: What is minimised. Its networks are left at `start`.
        positions: Where their parameters are.
        start: Their parameters, `(networks, size)`.
        step: Where they would go from there, `(networks, size)`.
    """
    stack, loss = objective.stack, objective.loss
    assert loss.gradient is not None  # `OPTIMIZERS` sees to it
    with torch.no_grad():
        sides = _output(objective, positions, start + _REACH * step) + _output(
            objective, positions, start - _REACH * step
        )
    with torch.enable_grad():
        here = _output(objective, positions, start)
        point = here.detach().requires_grad_()
        slopes = loss.gradient(point, objective.y, objective.weight)
        (answered,) = torch.autograd.grad((slopes * _second(sides, here.detach())).sum(), point)
        free = [p for p in stack.parameters() if p.requires_grad]
        grads = torch.autograd.grad((here * answered).sum(), free, allow_unused=True)
    found = {id(p): grad for p, grad in zip(free, grads, strict=True)}
    return positions.gradient([found.get(id(p)) for p in stack.parameters()], like=start)


def _output(objective: Objective, positions: ParameterMap, vector: Tensor) -> Tensor:
    positions.write(objective.stack, vector)
    return forward_pass(objective.stack, objective.x, objective.first_design()).output


def _second(sides: Tensor, here: Tensor) -> Tensor:
    difference = sides - 2 * here
    rounding = _ROUNDINGS * torch.finfo(here.dtype).eps * here.abs().amax((1, 2), keepdim=True)
    return torch.where(difference.abs() > rounding, difference, 0.0) / _REACH**2
