"""What is minimised: the mean loss on the training data plus lamb times the penalty."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.core.records import Trace
from kanwidget.training.jacobian import Pass, forward_pass
from kanwidget.training.loss import Loss
from kanwidget.training.parameters import network_parameters
from kanwidget.training.penalty import METRICS, Penalty


@dataclass(frozen=True, slots=True)
class Value:
    """The objective at one point."""

    run: Pass
    loss: float
    penalty: float
    """lamb·R"""

    @property
    def total(self) -> float:
        """Loss plus penalty."""
        return self.loss + self.penalty


class FirstDesign:
    """The first layer's design of inputs that stay the same, made anew only when the layer's knots have changed.

    Args:
        network: The network.
        x: Values of the input nodes, `(batch, n_in)`.
    """

    def __init__(self, network: Network, x: Tensor) -> None:
        self.network, self.x = network, x
        self._knots, self._design = x.new_zeros(0), x.new_zeros(0)

    def __call__(self) -> Tensor:
        """`(batch, n_in, G + k + 1)`"""
        layer = self.network.layer(0)
        if not torch.equal(self._knots, layer.knots):
            with torch.no_grad():
                self._knots, self._design = layer.knots.clone(), layer.design(self.x)
        return self._design


class Objective:
    """The objective of one network on fixed training data.

    Args:
        network: The network; its parameters change under the objective.
        x: Inputs, `(batch, n_features)`.
        y: Labels, `(batch, outputs)` or class numbers `(batch, 1)`.
        weight: Sample weights with mean 1, `(batch, 1)`, or None.
        loss: A row of the loss table.
        penalty: Kind and weight of the penalty.
    """

    def __init__(
        self, network: Network, x: Tensor, y: Tensor, weight: Tensor | None, loss: Loss, penalty: Penalty
    ) -> None:
        self.network, self.y, self.weight, self.loss, self.penalty = network, y, weight, loss, penalty
        self.x = network.select(x)
        self.first_design = FirstDesign(network, self.x)

    def trivial_loss(self) -> float:
        """The loss of the best constant prediction: what a network that has learnt something must beat."""
        weight = torch.ones_like(self.x[:, :1]) if self.weight is None else self.weight
        share = weight / weight.sum()
        if self.loss.classes:
            parts = share.new_zeros(int(self.y.max()) + 1).index_add(0, self.y[:, 0], share[:, 0])
            trivial = float(-torch.special.xlogy(parts, parts).sum())
        else:
            trivial = float((share * (self.y - (share * self.y).sum(0)) ** 2).sum(0).mean())
        return max(trivial, torch.finfo(torch.float64).tiny)

    def value(self, rows: Tensor | None = None, *, slopes: bool = False) -> Value:
        """Loss and penalty at the network's present parameters, on all samples or on some rows.

        With `slopes` its pass has what a Jacobian needs.
        """
        with torch.no_grad():
            run, loss, penalty = self._terms(rows, slopes=slopes)
        return Value(run, float(loss), float(penalty))

    def differentiable(self, rows: Tensor | None = None) -> Tensor:
        """Loss plus penalty with a graph."""
        _, loss, penalty = self._terms(rows)
        return loss + penalty

    def _terms(self, rows: Tensor | None, *, slopes: bool = False) -> tuple[Pass, Tensor, Tensor]:
        x, y, weight, first = self.x, self.y, self.weight, self.first_design()
        if rows is not None:
            x, y, first = x[rows], y[rows], first[rows]
            weight = None if weight is None else weight[rows]
        run = forward_pass(self.network, x, first, slopes=slopes)
        loss = self.loss.value(run.output, y, weight)
        penalty = loss.new_zeros(())
        if self.penalty.lamb > 0:
            penalty = self.penalty.lamb * self.penalty.value(self.network, self.trace(run))
        return run, loss, penalty

    def trace(self, run: Pass) -> Trace:
        """All edge values of a pass."""
        layers = [self.network.layer(index) for index in range(self.network.depth)]
        splines = [
            torch.einsum("nib,oib->noi", design, layer.weight())
            for layer, design in zip(layers, run.designs, strict=True)
        ]
        edges = [
            spline + layer.symbolic_edges(nodes) if layer.symbols else spline
            for layer, spline, nodes in zip(layers, splines, run.nodes[:-1], strict=True)
        ]
        return Trace(run.nodes, run.subnodes, tuple(edges), tuple(splines))

    def penalty_slopes(self) -> tuple[list[Tensor | None], list[Tensor]]:
        """Gradients of R in `network_parameters`, and in the importances V of each layer."""
        parameters = [p for p in network_parameters(self.network) if p.requires_grad]
        with torch.enable_grad():
            trace = self.trace(forward_pass(self.network, self.x, self.first_design()))
            importance = METRICS[self.penalty.metric](self.network, trace)
            total = self.penalty.of_importance(importance) + self.penalty.of_coefficients(self.network)
            # What lies below all trained parameters, and the scores of outputs, are constants.
            wanted = [t for t in (*importance, *parameters) if t.requires_grad and total.requires_grad]
            grads = torch.autograd.grad(total, wanted, allow_unused=True) if wanted else ()
        found = {id(t): grad for t, grad in zip(wanted, grads, strict=True) if grad is not None}
        in_v = [found.get(id(v), torch.zeros_like(v)) for v in importance]
        return [found.get(id(p)) for p in network_parameters(self.network)], in_v
