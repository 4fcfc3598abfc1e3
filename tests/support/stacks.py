"""One network as the stack of one that training works on."""

import torch

from kanwidget.training.jacobian.jacobian import forward_pass
from kanwidget.training.jacobian.stack import Stack
from kanwidget.training.objective.loss import LOSSES
from kanwidget.training.objective.objective import Objective
from kanwidget.training.objective.penalty import METRICS, Penalty
from kanwidget.training.objective.penalty_gradient import penalty_gradient
from kanwidget.training.objective.standard_deviations import Deviations
from tests.support.networks import F64


def gradients(positions, actual):
    """The vector of a network's gradients, from those of `network_parameters`."""
    return positions.gradient([None if grad is None else grad[None] for grad in actual], torch.zeros(1, dtype=F64))[0]


def objective(model, x, y, weight=None, loss="mse", penalty=None):
    """The objective of one network."""
    columns = None if weight is None else weight[None]
    return Objective(Stack([model]), [x], y[None], columns, LOSSES[loss], [penalty or Penalty()])


def deviations(model, x):
    """Of the values of one network, with a graph."""
    stack = Stack([model]).attached()
    return stack, Deviations(stack, forward_pass(stack, stack.select([x])))


def penalty_of(penalty, model, x):
    """R of one network."""
    return penalty.value(*deviations(model, x))[0]


def importance(metric, model, x):
    """V of each layer of one network."""
    return [v[0] for v in METRICS[metric](model, deviations(model, x)[1])]


def total(target):
    """Loss and penalty of the one network of an objective, as a number."""
    return float(target.value().total)


def penalty_slopes(target, positions):
    """Of the one network of an objective: gradients of R in the free parameters, and in V of each layer."""
    run = target.value(slopes=True).run
    with torch.no_grad():
        vector, in_importance = penalty_gradient(target, positions, run, target.deviations(run))
    return vector[0], [v[0] for v in in_importance]


def read(positions, model):
    """The network's free parameters as a vector."""
    return positions.read(Stack([model]))[0]


def write(positions, model, vector):
    """Set them."""
    with torch.no_grad():
        positions.write(Stack([model]), vector[None])
