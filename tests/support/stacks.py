"""A single network as the stack that training works on."""

import itertools

import torch

from kanwidget.training.jacobian.forward import forward_pass
from kanwidget.training.jacobian.stack import Stack
from kanwidget.training.objective.gauss_newton import penalty_gradient
from kanwidget.training.objective.loss import LOSSES
from kanwidget.training.objective.objective import Objective
from kanwidget.training.objective.penalty import METRICS, Penalty
from kanwidget.training.objective.standard_deviations import Deviations
from tests.support.networks import F64


def gradients(parameters, grads):
    """The vector of a network's gradients, from those of `network_parameters`."""
    vector = torch.zeros(parameters.size, dtype=F64)
    columns = ((i.numeric[..., :-1], i.numeric[..., -1], i.affine) for i in parameters.layers)
    for places, grad in zip(itertools.chain(*columns), grads, strict=True):
        if grad is not None:
            vector.index_add_(0, places[places >= 0], grad[places >= 0])
    return vector


def objective(model, x, y, weight=None, loss="mse", penalty=None):
    """The objective of one network."""
    columns = None if weight is None else weight[None]
    return Objective.of(Stack([model]), [x], y[None], columns, LOSSES[loss], [penalty or Penalty()])


def deviations(model, x):
    """Standard deviations of the values of one network, with a graph."""
    stack = Stack([model]).attach()
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


def penalty_derivatives(target, parameters):
    """Derivatives of R of an objective's one network: in the free parameters, and in V of each layer."""
    trace = target.value(derivatives=True).trace
    with torch.no_grad():
        vector, in_importance = penalty_gradient(target, parameters, trace, target.deviations(trace))
    return vector[0], [v[0] for v in in_importance]


def read(parameters, model):
    """The network's free parameters as a vector."""
    return parameters.read(Stack([model]))[0]


def write(parameters, model, vector):
    """Set them."""
    with torch.no_grad():
        parameters.write(Stack([model]), vector[None])
