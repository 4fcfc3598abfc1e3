"""What is minimised: the mean loss on the training data plus lamb times the penalty, of each network by itself."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.training.jacobian.jacobian import Pass, forward_pass
from kanwidget.training.jacobian.parameter_vector import ParameterMap, parameter_map
from kanwidget.training.jacobian.stack import Stack, some_of
from kanwidget.training.objective import gauss_newton as quadratic
from kanwidget.training.objective.geodesic import bend
from kanwidget.training.objective.loss import Loss
from kanwidget.training.objective.penalty import Penalty
from kanwidget.training.objective.standard_deviations import Deviations, deviation, root_of_covariance


@dataclass(frozen=True, slots=True)
class Value:
    """The objectives at one point."""

    run: Pass
    loss: Tensor
    """`(networks,)`, float64"""
    penalty: Tensor
    """lamb·R, `(networks,)`, float64"""

    @property
    def total(self) -> Tensor:
        """Loss plus penalty."""
        return self.loss + self.penalty

    def put(self, places: Tensor, other: Value, others: Tensor) -> None:
        """Overwrite some networks with some of another value on the same inputs and knots."""
        self.run.put(places, other.run, others)
        self.loss[places] = other.loss[others]
        self.penalty[places] = other.penalty[others]


class FirstDesign:
    """The first layer's design of inputs that stay the same, made anew only when the layer's knots have changed.

    Networks that have their inputs and knots in common share it: its first axis then has a stride of 0.

    Args:
        stack: The networks.
        x: Values of the input nodes, `(networks, batch, n_in)`.
    """

    def __init__(self, stack: Stack, x: Tensor) -> None:
        self.stack, self.x = stack, x
        self._knots, self._design, self._root = x.new_zeros(0), x.new_zeros(0), x.new_zeros(0)
        self._deviation = x.new_zeros(0)

    def __call__(self) -> Tensor:
        """`(networks, batch, n_in, G + k + 1)`"""
        layer = self.stack.layers[0]
        if not torch.equal(self._knots, layer.knots):
            with torch.no_grad():
                self._knots = layer.knots.clone()
                same = self.x.stride(0) == 0 and bool((self._knots == self._knots[0]).all())
                one = layer[:1].design(self.x[:1]) if same else layer.design(self.x)
                self._design, self._root = one.expand(len(self.x), -1, -1, -1), self.x.new_zeros(0)
        return self._design

    def root(self) -> Tensor:
        """What tells the deviations of edges, see `root_of_covariance`."""
        design = self()
        if not self._root.numel():
            part = design[:1] if design.stride(0) == 0 else design
            self._root = root_of_covariance(part).expand(len(design), -1, -1, -1)
        return self._root

    def deviation(self) -> Tensor:
        """Of the inputs, `(networks, n_in)`."""
        if not self._deviation.numel():
            part = self.x[:1] if self.x.stride(0) == 0 else self.x
            self._deviation = deviation(part).expand(len(self.x), -1)
        return self._deviation

    def of(self, stack: Stack, networks: Tensor) -> FirstDesign:
        """The same of some of the networks, whose copies are this stack."""
        self()
        part = FirstDesign(stack, some_of(self.x, networks))
        part._knots, part._design = self._knots[networks], some_of(self._design, networks)
        part._root, part._deviation = (
            some_of(known, networks) if known.numel() else known for known in (self._root, self._deviation)
        )
        return part


class Objective:
    """The objectives of networks side by side, each on its own fixed training data.

    Args:
        stack: The networks; their parameters change under the objective.
        x: Inputs of each, `(batch, n_features)`.
        y: Labels, `(networks, batch, outputs)` or class numbers `(networks, batch, 1)`.
        weight: Sample weights with mean 1, `(networks, batch, 1)`, or None.
        loss: A row of the loss table.
        penalties: Kind and weight of each one's penalty; only `lamb` may differ.
    """

    bends = False
    """Whether steps of least squares are bent, see `geodesic`."""

    def __init__(
        self,
        stack: Stack,
        x: Sequence[Tensor],
        y: Tensor,
        weight: Tensor | None,
        loss: Loss,
        penalties: Sequence[Penalty],
    ) -> None:
        self.stack, self.y, self.weight, self.loss = stack, y, weight, loss
        self.x = stack.select(x)
        self.first_design = FirstDesign(stack, self.x)
        self.penalise(penalties)

    def penalise(self, penalties: Sequence[Penalty]) -> None:
        """Take other penalties."""
        self.penalty = penalties[0]
        self.lamb = torch.tensor([p.lamb for p in penalties], dtype=torch.float64, device=self.y.device)
        self.penalised = any(p.lamb > 0 for p in penalties)

    def bend(self, positions: ParameterMap, value: Value, start: Tensor, step: Tensor) -> Tensor | None:
        """How outputs bend along steps, where that is asked for: not with a penalty, which has a curvature of its own, nor in float32,
        whose differences say nothing.
        """
        plain = self.lamb == 0
        if not self.bends or start.dtype != torch.float64 or not bool(plain.any()):
            return None
        return torch.where(plain[:, None], bend(self, positions, start, step), 0.0)

    def __getitem__(self, networks: Tensor) -> Objective:
        """The objective of copies of some of the networks."""
        part = copy.copy(self)
        part.stack = self.stack[networks]
        part.first_design = self.first_design.of(part.stack, networks)
        part.x, part.y, part.lamb = part.first_design.x, some_of(self.y, networks), self.lamb[networks]
        part.weight = None if self.weight is None else some_of(self.weight, networks)
        return part

    def positions(self) -> ParameterMap:
        """Where the free parameters stand."""
        return parameter_map(self.stack.shape)

    def units(self, positions: ParameterMap, trivial: Tensor) -> tuple[Tensor, Tensor]:
        """What each parameter is measured in, see `quadratic.units`."""
        return quadratic.units(self, positions, trivial)

    def normal(self, positions: ParameterMap, value: Value, check: Callable[[], None]) -> tuple[Tensor, Tensor]:
        """Gauss-Newton matrices and gradients of the losses, see `quadratic.normal_equations`."""
        return quadratic.normal_equations(self, positions, value, check)

    def add_penalty(self, matrix: Tensor, gradient: Tensor, positions: ParameterMap, value: Value) -> None:
        """Add gradients and curvature of the penalties, where there are any."""
        if self.penalised:
            quadratic.add_penalty(matrix, gradient, self, positions, value)

    def trivial_loss(self) -> Tensor:
        """The loss of the best constant prediction: what a network that has learnt something must beat. `(networks,)`"""
        weight = torch.ones_like(self.x[..., :1]) if self.weight is None else self.weight
        share = weight / weight.sum(1, keepdim=True)
        if self.loss.classes:
            parts = share.new_zeros(len(share), int(self.y.max()) + 1).scatter_add(1, self.y[..., 0], share[..., 0])
            trivial = -torch.special.xlogy(parts, parts).sum(1)
        else:
            mean = (share * self.y).sum(1, keepdim=True)
            trivial = (share * (self.y - mean) ** 2).sum(1).mean(1)
        return trivial.double().clamp_min(torch.finfo(torch.float64).tiny)

    def value(self, rows: Tensor | None = None, *, slopes: bool = False) -> Value:
        """Loss and penalty at the networks' present parameters, on all samples or on some rows.

        With `slopes` its pass has what a Jacobian needs.
        """
        with torch.no_grad():
            run, loss, penalty = self._terms(self.stack, rows, slopes=slopes)
        return Value(run, loss.double(), penalty.double())

    def differentiable(self, rows: Tensor | None = None) -> Tensor:
        """The sum of the networks' losses and penalties, with a graph down to their own parameters."""
        _, loss, penalty = self._terms(self.stack.attached(), rows)
        return (loss + penalty).sum()

    def _terms(self, stack: Stack, rows: Tensor | None, *, slopes: bool = False) -> tuple[Pass, Tensor, Tensor]:
        x, y, weight, first = self.x, self.y, self.weight, self.first_design()
        if rows is not None:
            x, y, first = x[:, rows], y[:, rows], first[:, rows]
            weight = None if weight is None else weight[:, rows]
        run = forward_pass(stack, x, first, slopes=slopes)
        loss = self.loss.value(run.output, y, weight)
        penalty = torch.zeros_like(loss)
        if self.penalised:
            deviations = self.deviations(run, stack) if rows is None else Deviations(stack, run)
            penalty = self.lamb.to(loss) * self.penalty.value(stack, deviations)
        return run, loss, penalty

    def deviations(self, run: Pass, stack: Stack | None = None) -> Deviations:
        """Of a pass on all samples, of the stack that it was made with."""
        first = self.first_design
        return Deviations(stack or self.stack, run, first.root(), first.deviation())
