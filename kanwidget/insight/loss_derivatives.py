"""Derivatives of the loss in the parameters: how sharply the data determine a network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.reference_data import order_columns
from kanwidget.core.threads import limit_threads
from kanwidget.training.jacobian.parameter_vector import ParameterVector
from kanwidget.training.jacobian.stack import Stack
from kanwidget.training.steps.training_data import check_outputs, labels, pick_loss

_WHERE = "loss_derivatives"
#: Most free parameters: the Hessian of 3,000 takes 72 MB, and as many passes through the network.
MOST_PARAMETERS = 3000


@dataclass(frozen=True, slots=True)
class LossDerivatives:
    """A loss and its derivatives in the free parameters: layer by layer coefficients and base weights, then symbolic constants."""

    value: float
    """The mean squared error in the target's own units, or the mean cross-entropy."""
    gradient: Tensor
    """`(parameters,)`"""
    hessian: Tensor
    """`(parameters, parameters)`"""

    @property
    def spectrum(self) -> Tensor:
        """Eigenvalues of the Hessian, the largest first, `(parameters,)`: large ones are directions that the data determine."""
        return torch.linalg.eigvalsh(self.hessian).flip(0)


@limit_threads
def loss_derivatives(network: Network, data: Any) -> LossDerivatives:
    """The loss on the training rows of data, with gradient and Hessian in the free parameters; exact, by automatic differentiation.

    Args:
        network: The network, with at most 3,000 free parameters; it isn't changed.
        data: What `fit` takes; weights of its rows count. Class numbers as labels mean cross-entropy.

    Raises:
        ValueError: For data that don't fit the network, for a network without free parameters or with too many of them, and for a loss that
            isn't finite.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> data = create_dataset(lambda x: x**2, n_var=1, train_num=100)
        >>> model = KAN([1, 1], grid=3)
        >>> loss_derivatives(model, data).hessian.shape[0] == model.n_parameters
        True
    """
    dataset = order_columns(network, data, _WHERE).to(network.dtype, network.device)
    if dataset.n_features != network.n_features:
        expected = f"data with {network.n_features} input columns, as the network has"
        _check.fail("data", _WHERE, expected, dataset.train_input)
    criterion = pick_loss(None, dataset)
    label = labels(dataset.train_label, criterion)
    check_outputs(network, criterion, label, _WHERE)
    index = ParameterVector.of(network)
    if not 1 <= index.size <= MOST_PARAMETERS:
        expected = f"for a network with 1 to {MOST_PARAMETERS} free parameters"
        _check.fail("network", _WHERE, expected, index.size, "prune() and remove_edge() leave fewer of them.")
    weight = dataset.train_weight
    weight = None if weight is None else (weight / weight.mean()).reshape(-1, 1)

    def loss(vector: Tensor) -> Tensor:
        """The loss of the network with these free parameters, `(parameters,)`; differentiable in them."""
        parameters = _placed(network, index, vector)
        output = torch.func.functional_call(network, parameters, (dataset.train_input,))
        return criterion.value(output, label, weight)

    with torch.enable_grad():
        # The free parameters now, `(parameters,)`; `read` takes a stack of networks and has a row for each.
        vector = index.read(Stack([network]))[0].requires_grad_()
        value = loss(vector)
        (gradient,) = torch.autograd.grad(value, vector, create_graph=True)
        second = partial(torch.autograd.grad, gradient, vector, retain_graph=True)
        # A row a parameter: the gradient's derivative along a unit vector.
        hessian = torch.stack([second(unit)[0] for unit in torch.eye(index.size).to(vector)])
    if not bool(torch.isfinite(hessian).all() and torch.isfinite(value)):
        _check.fail("network", _WHERE, "one whose loss on the data, and its derivatives, are finite", network)
    # Round-off makes the Hessian a little asymmetric.
    return LossDerivatives(float(value.detach()), gradient.detach(), (hessian + hessian.T) / 2)


def _placed(network: Network, index: ParameterVector, vector: Tensor) -> dict[str, Tensor]:
    """All parameters of the network by the names of its state, the free ones taken from the vector, `(parameters,)`.

    `index` has the place of each free parameter in the vector, and -1 for those that aren't free: `numeric` of an edge's coefficients
    and, last, its base weight, `affine` of the constants of its symbolic function.
    """
    parameters = {}
    for number, layer in enumerate(index.layers):
        edges = network.layer(number)
        numeric = torch.cat([edges.coef, edges.base[..., None]], dim=-1).detach()
        numeric = torch.where(layer.numeric >= 0, vector[layer.numeric.clamp(min=0)], numeric)
        affine = torch.where(layer.affine >= 0, vector[layer.affine.clamp(min=0)], edges.affine.detach())
        for name, value in (("coef", numeric[..., :-1]), ("base", numeric[..., -1]), ("affine", affine)):
            parameters[f"layers.{number}.{name}"] = value
    return parameters
