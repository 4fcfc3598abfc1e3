"""The penalty's gradient in the free parameters, by one backward sweep over the trace that the Jacobian uses too.

autograd differentiates only the step from deviations to importances, one number an edge. From there the chain rule goes
through the designs and derivatives of the trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor

from kanwidget.training.jacobian.forward import ForwardTrace
from kanwidget.training.jacobian.jacobian import affine_derivatives, to_subnodes
from kanwidget.training.jacobian.parameter_vector import LayerIndex, ParameterVector
from kanwidget.training.jacobian.stack import LayerStack
from kanwidget.training.objective.batch import Batch
from kanwidget.training.objective.penalty import METRICS
from kanwidget.training.objective.standard_deviations import Deviations, Kind


def penalty_gradient(
    batch: Batch, parameters: ParameterVector, trace: ForwardTrace, deviations: Deviations
) -> tuple[Tensor, list[Tensor]]:
    """Gradients of R, without lamb.

    Args:
        batch: Networks and penalty.
        parameters: Layout of the free parameters.
        trace: A trace with derivatives, at the current parameters.
        deviations: Deviations of that trace.

    Returns:
        In the free parameters, `(networks, size)`, and in the importances V of each layer.
    """
    penalty, stack = batch.penalty, batch.stack
    direct, in_importance = _direct(batch, deviations)
    vector = trace.output.new_zeros(len(stack), parameters.size)
    down = torch.zeros_like(trace.output)
    for index in reversed(range(len(stack.layers))):
        layer, layer_index = stack.layers[index], parameters.layers[index]
        subnodes = to_subnodes(stack, index + 1, trace.subnodes[index], down[:, :, None])[:, :, 0]
        subnodes = _sum(subnodes, direct.values["subnodes"][index])
        edges = _sum(subnodes[..., None], direct.values["edges"][index])
        numeric = _sum(edges, direct.values["splines"][index])
        _add_numeric(vector, layer_index, numeric, trace.designs[index], direct.weights if index == 0 else None)
        _add_symbolic(vector, layer_index, layer, edges.expand(*subnodes.shape, layer.in_dim), trace.nodes[index])
        if index > 0:
            phi_derivatives = torch.einsum("snib,soib->snoi", trace.derivatives[index - 1], layer.weight().detach())
            down = _sum((numeric * phi_derivatives).sum(-2), direct.values["nodes"][index])
            if layer.symbols:
                down = down + (edges * layer.symbolic_edges(trace.nodes[index], 1).detach()).sum(-2)
    if penalty.coef > 0 or penalty.coefdiff > 0:
        vector = vector + _of_coefficients(batch, parameters)
    return vector, in_importance


@dataclass(frozen=True, slots=True)
class _Direct:
    """Partial derivatives of R with respect to each quantity that has deviations."""

    values: dict[Kind, list[Tensor | None]]
    """In values at the rows, per layer; None for 0."""
    weights: Tensor | None
    """In the weights of the first layer, `(networks, out, in, G + k + 1)`."""


def _direct(batch: Batch, deviations: Deviations) -> tuple[_Direct, list[Tensor]]:
    """These derivatives, and those in the importances."""
    metric, depth = METRICS[batch.penalty.metric], len(batch.stack.layers)
    leaves = {kind: [t.detach().requires_grad_(True) for t in deviations.of(kind)] for kind in metric.kinds}
    flat = [t for part in leaves.values() for t in part]
    with torch.enable_grad():
        importance = metric.importance(batch.stack.template, *leaves.values())
    derivatives = batch.penalty.derivatives([v.detach() for v in importance])
    moving = [(v, derivative) for v, derivative in zip(importance, derivatives, strict=True) if v.requires_grad]
    gradients = torch.autograd.grad(
        [v for v, _ in moving], flat, [derivative for _, derivative in moving], allow_unused=True
    )
    by_leaf = {id(t): gradient for t, gradient in zip(flat, gradients, strict=True) if gradient is not None}
    values: dict[Kind, list[Tensor | None]] = {kind: [None] * depth for kind in get_args(Kind)}
    weights: Tensor | None = None
    for kind, part in leaves.items():
        for index, leaf in enumerate(part):
            # Nothing moves the inputs.
            if id(leaf) in by_leaf and not (kind == "nodes" and index == 0):
                values[kind][index], in_weights = deviations.derivatives(kind, index, by_leaf[id(leaf)])
                weights = weights if in_weights is None else in_weights
    return _Direct(values, weights), derivatives


def _sum(value: Tensor, summand: Tensor | None) -> Tensor:
    return value if summand is None else value + summand


def _add_numeric(vector: Tensor, index: LayerIndex, numeric: Tensor, design: Tensor, in_weights: Tensor | None) -> None:
    """Add derivatives in the coefficients: from those in the edges' values, `(networks, batch, out, in or 1)`, and direct ones."""
    free = index.numeric >= 0
    if not bool(free.any()):
        return
    if numeric.shape[-1] == 1:  # the same for all edges to a subnode
        weights = torch.bmm(numeric[..., 0].mT, design.flatten(2)).unflatten(-1, design.shape[2:])
    else:
        weights = torch.einsum("snoi,snib->soib", numeric, design)
    vector.index_add_(1, index.numeric[free], _sum(weights, in_weights)[:, free])


def _add_symbolic(vector: Tensor, index: LayerIndex, layer: LayerStack, symbolic: Tensor, nodes: Tensor) -> None:
    for name, members in layer.symbols.items():
        flat = torch.tensor(members, device=nodes.device)
        target, source = flat // layer.in_dim, flat % layer.in_dim
        derivatives = affine_derivatives(name, layer.affine_of(members).detach()[:, None], nodes[..., source])
        constants = (symbolic[:, :, target, source, None] * derivatives).sum(1)
        free = index.affine[target, source] >= 0
        vector.index_add_(1, index.affine[target, source][free], constants[:, free])


def _of_coefficients(batch: Batch, parameters: ParameterVector) -> Tensor:
    """The part that looks at the coefficients themselves."""
    tensors = batch.stack.parameters()
    with torch.enable_grad():
        leaves = [p for p in tensors if p.requires_grad]
        total = batch.penalty.of_coefficients(batch.stack).sum()
        gradients = torch.autograd.grad(total, leaves, allow_unused=True) if total.requires_grad else []
    by_leaf = {id(p): gradient for p, gradient in zip(leaves, gradients, strict=False)}
    return parameters.gradient([by_leaf.get(id(p)) for p in tensors], like=tensors[0])
