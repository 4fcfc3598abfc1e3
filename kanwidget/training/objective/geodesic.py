"""Geodesic acceleration: curvature of the outputs along a step, for Levenberg-Marquardt steps that follow a curved valley.

It needs no Jacobian: the second derivative is a difference of three evaluations, and JᵀH times it one backward pass.

References:
    Transtrum and Sethna, "Improvements to the Levenberg-Marquardt algorithm for nonlinear least-squares minimization", arXiv:1201.5885.
"""

from __future__ import annotations

import torch
from torch import Tensor

from kanwidget.training.jacobian.forward import forward_pass
from kanwidget.training.jacobian.parameter_vector import ParameterVector
from kanwidget.training.objective.batch import Batch

#: Distance of the evaluations from the start, in parts of the step.
_REACH = 0.1
#: Differences below this many roundings of the largest output count as 0.
_ROUNDINGS = 16


def geodesic_acceleration(batch: Batch, parameters: ParameterVector, start: Tensor, step: Tensor) -> Tensor:
    """Jᵀ·H·f″, `(networks, size)`, with f″ the outputs' second derivative along a step and H the loss's curvature in them.

    Args:
        batch: Networks and data. The networks are at `start` afterwards.
        parameters: Layout of the vectors.
        start: The networks' parameters, `(networks, size)`.
        step: The step from there, `(networks, size)`.
    """
    stack, loss = batch.stack, batch.loss
    assert loss.gradient is not None  # the table of optimizers allows no other loss
    with torch.no_grad():
        sides = _output(batch, parameters, start + _REACH * step) + _output(batch, parameters, start - _REACH * step)
    with torch.enable_grad():
        output = _output(batch, parameters, start)
        point = output.detach().requires_grad_()
        gradient = loss.gradient(point, batch.y, batch.weight)
        (curved,) = torch.autograd.grad((gradient * _second(sides, output.detach())).sum(), point)
        free = [p for p in stack.parameters() if p.requires_grad]
        gradients = torch.autograd.grad((output * curved).sum(), free, allow_unused=True)
    by_parameter = {id(p): gradient for p, gradient in zip(free, gradients, strict=True)}
    return parameters.gradient([by_parameter.get(id(p)) for p in stack.parameters()], like=start)


def _output(batch: Batch, parameters: ParameterVector, vector: Tensor) -> Tensor:
    parameters.write(batch.stack, vector)
    return forward_pass(batch.stack, batch.x, batch.first_design()).output


def _second(sides: Tensor, output: Tensor) -> Tensor:
    """Second derivative from the sum of the outputs at both sides and the output between them."""
    difference = sides - 2 * output
    rounding = _ROUNDINGS * torch.finfo(output.dtype).eps * output.abs().amax((1, 2), keepdim=True)
    return torch.where(difference.abs() > rounding, difference, 0.0) / _REACH**2
