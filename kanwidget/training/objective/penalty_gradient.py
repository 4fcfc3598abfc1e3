"""The penalty's gradient in the free parameters, by one backward sweep over the pass that the Jacobian uses too.

autograd differentiates only what a metric makes of the deviations, a number an edge; from there on the chain goes through the
designs and slopes that are known already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import torch
from torch import Tensor

from kanwidget.training.jacobian.jacobian import Pass, affine_slopes, to_subnodes
from kanwidget.training.jacobian.parameter_vector import LayerMap, ParameterMap
from kanwidget.training.jacobian.stack import LayerStack
from kanwidget.training.objective.penalty import METRICS
from kanwidget.training.objective.standard_deviations import Deviations, Kind

if TYPE_CHECKING:
    from kanwidget.training.objective.objective import Objective


def penalty_gradient(
    objective: Objective, positions: ParameterMap, run: Pass, deviations: Deviations
) -> tuple[Tensor, list[Tensor]]:
    """Gradients of R, without lamb.

    Args:
        objective: Networks and penalty.
        positions: Of the free parameters.
        run: A pass with slopes at the present parameters.
        deviations: Of that pass.

    Returns:
        In the free parameters, `(networks, size)`, and in the importances V of each layer.
    """
    penalty, stack = objective.penalty, objective.stack
    direct, in_importance = _direct(objective, deviations)
    vector = run.output.new_zeros(len(stack), positions.size)
    down = torch.zeros_like(run.output)
    for index in reversed(range(len(stack.layers))):
        layer, at = stack.layers[index], positions.layers[index]
        subnodes = to_subnodes(stack, index + 1, run.subnodes[index], down[:, :, None])[:, :, 0]
        subnodes = _sum(subnodes, direct.values["subnodes"][index])
        edges = _sum(subnodes[..., None], direct.values["edges"][index])
        numeric = _sum(edges, direct.values["splines"][index])
        _add_numeric(vector, at, numeric, run.designs[index], direct.weights if index == 0 else None)
        _add_symbolic(vector, at, layer, edges.expand(*subnodes.shape, layer.in_dim), run.nodes[index])
        if index > 0:
            slopes = torch.einsum("snib,soib->snoi", run.slopes[index - 1], layer.weight().detach())
            down = _sum((numeric * slopes).sum(-2), direct.values["nodes"][index])
            if layer.symbols:
                down = down + (edges * layer.symbolic_edges(run.nodes[index], 1).detach()).sum(-2)
    if penalty.coef > 0 or penalty.coefdiff > 0:
        vector = vector + _of_coefficients(objective, positions)
    return vector, in_importance


@dataclass(frozen=True, slots=True)
class _Direct:
    """Slopes of R in what its deviations are taken of, each by itself."""

    values: dict[Kind, list[Tensor | None]]
    """In values at the samples, per layer; None for 0."""
    weights: Tensor | None
    """In the weights of the first layer, `(networks, out, in, G + k + 1)`."""


def _direct(objective: Objective, deviations: Deviations) -> tuple[_Direct, list[Tensor]]:
    """And in the importances."""
    metric, depth = METRICS[objective.penalty.metric], len(objective.stack.layers)
    leaves = {kind: [t.detach().requires_grad_(True) for t in deviations.of(kind)] for kind in metric.kinds}
    wanted = [t for part in leaves.values() for t in part]
    with torch.enable_grad():
        importance = metric.importance(objective.stack.shape, *leaves.values())
    slopes = objective.penalty.slopes([v.detach() for v in importance])
    moved = [(v, slope) for v, slope in zip(importance, slopes, strict=True) if v.requires_grad]
    grads = torch.autograd.grad([v for v, _ in moved], wanted, [slope for _, slope in moved], allow_unused=True)
    found = {id(t): grad for t, grad in zip(wanted, grads, strict=True) if grad is not None}
    values: dict[Kind, list[Tensor | None]] = {kind: [None] * depth for kind in get_args(Kind)}
    weights: Tensor | None = None
    for kind, part in leaves.items():
        for index, leaf in enumerate(part):
            # Nothing moves the inputs.
            if id(leaf) in found and not (kind == "nodes" and index == 0):
                values[kind][index], in_weights = deviations.slopes(kind, index, found[id(leaf)])
                weights = weights if in_weights is None else in_weights
    return _Direct(values, weights), slopes


def _sum(value: Tensor, more: Tensor | None) -> Tensor:
    return value if more is None else value + more


def _add_numeric(vector: Tensor, at: LayerMap, numeric: Tensor, design: Tensor, more: Tensor | None) -> None:
    """Add slopes in the coefficients: by those in the edges' values, `(networks, batch, out, in or 1)`, and some more."""
    free = at.numeric >= 0
    if not bool(free.any()):
        return
    if numeric.shape[-1] == 1:  # the same for all edges to a subnode
        weights = torch.bmm(numeric[..., 0].mT, design.flatten(2)).unflatten(-1, design.shape[2:])
    else:
        weights = torch.einsum("snoi,snib->soib", numeric, design)
    vector.index_add_(1, at.numeric[free], _sum(weights, more)[:, free])


def _add_symbolic(vector: Tensor, at: LayerMap, layer: LayerStack, symbolic: Tensor, nodes: Tensor) -> None:
    for name, members in layer.symbols.items():
        flat = torch.tensor(members, device=nodes.device)
        target, source = flat // layer.in_dim, flat % layer.in_dim
        slopes = affine_slopes(name, layer.affine_of(members).detach()[:, None], nodes[..., source])
        constants = (symbolic[:, :, target, source, None] * slopes).sum(1)
        free = at.affine[target, source] >= 0
        vector.index_add_(1, at.affine[target, source][free], constants[:, free])


def _of_coefficients(objective: Objective, positions: ParameterMap) -> Tensor:
    """The part that looks at the coefficients themselves."""
    parameters = objective.stack.parameters()
    with torch.enable_grad():
        leaves = [p for p in parameters if p.requires_grad]
        total = objective.penalty.of_coefficients(objective.stack).sum()
        grads = torch.autograd.grad(total, leaves, allow_unused=True) if total.requires_grad else []
    found = {id(p): grad for p, grad in zip(leaves, grads, strict=False)}
    return positions.gradient([found.get(id(p)) for p in parameters], like=parameters[0])
