"""Derivatives of functions in their inputs, row by row, and of a loss in a network's parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.functional import jacobian

from kanwidget import _check
from kanwidget.pykan.network.base import PykanNetwork


def batch_jacobian(
    func: Callable[[Tensor], Tensor], x: Tensor, create_graph: bool = False, mode: str = "scalar"
) -> Any:
    """Derivatives of a function in the inputs of each row.

    Args:
        func: `(rows, columns)` → `(rows, outputs)`, row by row.
        x: `(rows, columns)`.
        create_graph: Whether these can be differentiated again.
        mode: `scalar` gives those of the first output, `(rows, columns)`; `vector` all, `(rows, outputs, columns)`.

    Examples:
        >>> batch_jacobian(lambda x: x[:, [0]] ** 2 + x[:, [1]], torch.tensor([[3.0, 1.0]]))
        tensor([[6., 1.]])
    """
    if mode not in ("scalar", "vector"):
        _check.fail("mode", "batch_jacobian", "'scalar' or 'vector'", mode)
    # A row's outputs depend on this row alone: derivatives of the sums over the rows, `(outputs, rows, columns)`, are those of each row.
    derivatives: Any = jacobian(lambda inputs: func(inputs).sum(0), x, create_graph=create_graph)
    return derivatives[0] if mode == "scalar" else derivatives.permute(1, 0, 2)


def batch_hessian(model: Callable[[Tensor], Tensor], x: Tensor, create_graph: bool = False) -> Any:
    """Second derivatives of a function's first output in the inputs of each row x, `(rows, columns)`: `(rows, columns, columns)`.

    `model` takes `(rows, columns)` and works row by row. With `create_graph` these can be differentiated again.

    Examples:
        >>> batch_hessian(lambda x: x[:, [0]] ** 2 * x[:, [1]], torch.tensor([[3.0, 1.0]]))
        tensor([[[2., 6.],
                 [6., 0.]]])
    """
    second: Any = jacobian(lambda u: batch_jacobian(model, u, create_graph=True).sum(0), x, create_graph=create_graph)
    return second.permute(1, 0, 2)


def get_derivative(
    model: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    derivative: str = "hessian",
    loss_mode: str = "pred",
    reg_metric: str = "w",
    lamb: float = 0.0,
    lamb_l1: float = 1.0,
    lamb_entropy: float = 0.0,
) -> Tensor:
    """Derivatives of the mean squared error in a network's parameters: `(1, parameters)`, or `(1, parameters, parameters)`.

    Parameters are those that a training may move: of a KAN those of `kanwidget.KAN.loss_derivatives`, of other modules those of
    `model2param`, which has further ones for a KAN: of edges and functions that aren't there.

    Args:
        model: A network of `kanwidget.pykan`, or any torch module.
        inputs: `(rows, columns)`.
        labels: `(rows, outputs)`.
        derivative: `jacobian` or `hessian`.
        loss_mode: `pred`; the penalty's derivatives in the parameters aren't here.
        reg_metric: No effect, and neither have the arguments after it: they are of the penalty.
        lamb: No effect.
        lamb_l1: No effect.
        lamb_entropy: No effect.

    Examples:
        >>> get_derivative(nn.Linear(1, 1, bias=False), torch.ones(4, 1), torch.zeros(4, 1))
        tensor([[[2.]]])
    """
    if loss_mode != "pred":
        advice = "The mean squared error's derivatives are here, not the penalty's."
        _check.fail("loss_mode", "get_derivative", "'pred'", loss_mode, advice)
    if derivative not in ("jacobian", "hessian"):
        _check.fail("derivative", "get_derivative", "'jacobian' or 'hessian'", derivative)
    if isinstance(model, PykanNetwork):
        derivatives = model.network.loss_derivatives((inputs, labels))
        return (derivatives.hessian if derivative == "hessian" else derivatives.gradient)[None]
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    sizes = [p.numel() for _, p in named]

    def loss(vector: Tensor) -> Tensor:
        """The mean squared error of the module with these parameters, all in one vector."""
        placed = {name: part.view_as(p) for (name, p), part in zip(named, vector.split(sizes), strict=True)}
        return (torch.func.functional_call(model, placed, (inputs,)) - labels).square().mean()

    vector = model2param(model)
    result: Any = (torch.autograd.functional.hessian if derivative == "hessian" else jacobian)(loss, vector)
    return result[None]


def model2param(model: nn.Module) -> Tensor:
    """All parameters of a module that a training may move as one vector, without their graph.

    Examples:
        >>> model2param(nn.Linear(2, 1)).shape
        torch.Size([3])
    """
    return torch.cat([p.detach().reshape(-1) for p in model.parameters() if p.requires_grad])
