"""The number that a training minimizes: mean loss on the training data plus lamb times penalty, for each network by itself.

References:
    Transtrum and Sethna, "Improvements to the Levenberg-Marquardt algorithm for nonlinear least-squares minimization", arXiv:1201.5885
    (geodesic acceleration).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.training.jacobian.forward import ForwardTrace, forward_pass
from kanwidget.training.jacobian.parameter_vector import ParameterVector
from kanwidget.training.jacobian.stack import Stack
from kanwidget.training.objective import gauss_newton
from kanwidget.training.objective.batch import Batch
from kanwidget.training.objective.standard_deviations import Deviations

#: Geodesic acceleration: distance of the evaluations from the start, in parts of the step.
_REACH = 0.1
#: Differences below this many roundings of the largest output count as 0.
_ROUNDINGS = 16


@dataclass(frozen=True, slots=True)
class Value:
    """The objectives at one point."""

    trace: ForwardTrace
    loss: Tensor
    """`(networks,)`, float64"""
    penalty: Tensor
    """lamb·R, `(networks,)`, float64"""

    @property
    def total(self) -> Tensor:
        """Loss plus penalty."""
        return self.loss + self.penalty

    def put(self, networks: Tensor, source: Value, source_networks: Tensor) -> None:
        """Overwrite the networks with the indices `networks` by those with `source_networks` of `source`, on the same inputs and knots."""
        self.trace.put(networks, source.trace, source_networks)
        self.loss[networks] = source.loss[source_networks]
        self.penalty[networks] = source.penalty[source_networks]


@dataclass(eq=False)
class Objective(Batch):
    """The objectives of the networks of a batch. They change with the parameters of these."""

    geodesic_acceleration: bool = False
    """Whether steps of least squares are corrected by it, see `geodesic_acceleration`."""

    @property
    def rows(self) -> int:
        """Number of rows of the training data."""
        return self.y.shape[1]

    # ---- values

    def value(self, rows: Tensor | None = None, *, derivatives: bool = False) -> Value:
        """Trace (values of a forward pass), loss and penalty at the current parameters, on all rows or on those with the indices `rows`.

        With `derivatives` its trace has all that a Jacobian needs, unless rows are many and nothing is penalized: it is then evaluated
        anew, part by part.
        """
        with torch.no_grad():
            trace, loss, penalty = self._terms(self.stack, rows, derivatives=derivatives, graph=False)
        return Value(trace, loss.double(), penalty.double())

    def differentiable(self, rows: Tensor | None = None) -> Tensor:
        """The sum of all losses and penalties on rows (None: all), a number, with a graph down to the networks' own parameters."""
        _, loss, penalty = self._terms(self.stack.attach(), rows)
        return (loss + penalty).sum()

    def _terms(
        self, stack: Stack, rows: Tensor | None, *, derivatives: bool = False, graph: bool = True
    ) -> tuple[ForwardTrace, Tensor, Tensor]:
        """The trace (the values of a forward pass), and losses and penalties with lamb, `(networks,)` each.

        Args:
            stack: The networks of the batch, or the same with their own parameters in the graph.
            rows: Indices of rows; None for all.
            derivatives: Whether the trace has what a Jacobian needs.
            graph: Whether autograd's gradients are asked for: then the trace has the values of all layers, also of many rows.
        """
        y, weight = self.y, self.weight
        # `first_design` makes forward passes on all rows; called, it gives the first layer's basis functions there, which it keeps.
        if rows is None:
            trace = self.first_design.pass_of(stack, derivatives=derivatives, whole=graph or self.penalized)
        else:
            first, y = self.first_design()[:, rows], y[:, rows]
            weight = None if weight is None else weight[:, rows]
            trace = forward_pass(stack, self.x[:, rows], first, derivatives=derivatives)
        loss = self.loss.value(trace.output, y, weight)
        penalty = torch.zeros_like(loss)
        if self.penalized:
            deviations = self.deviations(trace, stack) if rows is None else Deviations(stack, trace)
            penalty = self.lamb.to(loss) * self.penalty.value(stack, deviations)
        return trace, loss, penalty

    def trivial_loss(self) -> Tensor:
        """Loss of the best constant prediction, `(networks,)`: a network that has learnt anything beats it."""
        weight = torch.ones_like(self.x[..., :1]) if self.weight is None else self.weight
        share = weight / weight.sum(1, keepdim=True)
        if self.loss.classes:
            parts = share.new_zeros(len(share), int(self.y.max()) + 1).scatter_add(1, self.y[..., 0], share[..., 0])
            trivial = -torch.special.xlogy(parts, parts).sum(1)
        else:
            mean = (share * self.y).sum(1, keepdim=True)
            trivial = (share * (self.y - mean) ** 2).sum(1).mean(1)
        return trivial.double().clamp_min(torch.finfo(torch.float64).tiny)

    # ---- the quadratic model, see `gauss_newton`

    def parameter_vector(self) -> ParameterVector:
        """The layout of the networks' free parameters."""
        return ParameterVector.of(self.stack.template)

    def units(self, parameters: ParameterVector, trivial: Tensor) -> tuple[Tensor, Tensor]:
        """Weights of magnitudes and of second differences, 1/unit, `(networks, size)` each, see `gauss_newton.units`.

        The unit is that of the labels where outputs are linear in a parameter, else 1. `trivial` is the `trivial_loss`, for squared errors
        the variance of the labels.
        """
        return gauss_newton.units(self, parameters, trivial)

    def normal(self, parameters: ParameterVector, value: Value, check: Callable[[], None]) -> tuple[Tensor, Tensor]:
        """Gauss-Newton matrices `(networks, size, size)` and gradients `(networks, size)` of the losses, see `normal_equations`.

        `check` is called between chunks of rows and may raise, to interrupt.
        """
        return gauss_newton.normal_equations(self, parameters, value.trace, check)

    def add_penalty(self, matrix: Tensor, gradient: Tensor, parameters: ParameterVector, value: Value) -> None:
        """Add curvature of the penalties to `matrix`, `(networks, size, size)`, and gradients to `gradient`, if there are any. In place.

        `value` is the objectives' value at the current parameters, whose trace (values of a forward pass) the penalties depend on.
        """
        if self.penalized:
            gauss_newton.add_penalty(matrix, gradient, self, parameters, value.trace)

    def acceleration(self, parameters: ParameterVector, value: Value, start: Tensor, step: Tensor) -> Tensor | None:
        """Jᵀ·H·f″ by `geodesic_acceleration`, `(networks, size)`, f″ the outputs' second derivative along a step; None if not asked for.

        `start` are the parameters and `step` a step from there, `(networks, size)`. Networks with a penalty have 0: it has a curvature of
        its own. Without float64 there is none: its differences in float32 are mere round-off.
        """
        plain = self.lamb == 0
        if not self.geodesic_acceleration or start.dtype != torch.float64 or not bool(plain.any()):
            return None
        return torch.where(plain[:, None], geodesic_acceleration(self, parameters, start, step), 0.0)


def geodesic_acceleration(batch: Batch, parameters: ParameterVector, start: Tensor, step: Tensor) -> Tensor:
    """Jᵀ·H·f″, `(networks, size)`, with f″ the outputs' second derivative along a step and H the loss's curvature in them.

    With it Levenberg-Marquardt's steps follow a curved valley. It needs no Jacobian: f″ is a difference of three evaluations, and JᵀH
    times it one backward pass.

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
        return parameters.gradient((output * curved).sum(), stack)


def _output(batch: Batch, parameters: ParameterVector, vector: Tensor) -> Tensor:
    """Outputs on all rows, `(networks, batch, outputs)`, at the parameters `vector`, `(networks, size)`. The networks keep these."""
    parameters.write(batch.stack, vector)
    # A forward pass, which begins with the first layer's basis functions, as the rows have them. All rows at once (`whole`) are only
    # needed where autograd is to go back through it; else many rows are taken part by part, to need less memory.
    return batch.first_design.pass_of(batch.stack, whole=torch.is_grad_enabled()).output


def _second(sides: Tensor, output: Tensor) -> Tensor:
    """The outputs' second derivative along a step, `(networks, batch, outputs)`; 0 where it is no more than round-off.

    `sides` is the sum of the outputs at plus and minus a tenth of the step, `output` the outputs between.
    """
    difference = sides - 2 * output
    rounding = _ROUNDINGS * torch.finfo(output.dtype).eps * output.abs().amax((1, 2), keepdim=True)
    return torch.where(difference.abs() > rounding, difference, 0.0) / _REACH**2
