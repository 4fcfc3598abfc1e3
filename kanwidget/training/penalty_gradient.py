"""The penalty's gradient in the free parameters, by one backward sweep over the pass that the Jacobian uses too.

autograd differentiates only what the penalty makes of the edges' values; from there on the chain goes through the designs and
slopes that are known already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanwidget.core.records import Trace
from kanwidget.training.jacobian import Pass, affine_slopes, to_subnodes
from kanwidget.training.parameters import LayerMap, ParameterMap
from kanwidget.training.penalty import METRICS
from kanwidget.training.stack import LayerStack

if TYPE_CHECKING:
    from kanwidget.training.objective import Objective


def penalty_gradient(objective: Objective, positions: ParameterMap, run: Pass) -> tuple[Tensor, list[Tensor]]:
    """Gradients of R, without lamb.

    Args:
        objective: Networks and penalty.
        positions: Of the free parameters.
        run: A pass with slopes at the present parameters.

    Returns:
        In the free parameters, `(networks, size)`, and in the importances V of each layer.
    """
    penalty, stack = objective.penalty, objective.stack
    direct, in_importance = _direct(objective, run)
    vector = run.output.new_zeros(len(stack), positions.size)
    down = direct.nodes[-1]
    for index in reversed(range(len(stack.layers))):
        layer, at = stack.layers[index], positions.layers[index]
        subnodes = (
            to_subnodes(stack, index + 1, run.subnodes[index], down[:, :, None])[:, :, 0] + direct.subnodes[index]
        )
        numeric, symbolic = subnodes[..., None] + direct.splines[index], subnodes[..., None] + direct.symbols[index]
        _add_numeric(vector, at, numeric, run.designs[index])
        _add_symbolic(vector, at, layer, symbolic, run.nodes[index])
        if index > 0:
            slopes = torch.einsum("snib,soib->snoi", run.slopes[index - 1], layer.weight().detach())
            down = direct.nodes[index] + (numeric * slopes).sum(-2)
            if layer.symbols:
                down = down + (symbolic * layer.symbolic_edges(run.nodes[index], 1).detach()).sum(-2)
    if penalty.coef > 0 or penalty.coefdiff > 0:
        vector = vector + _of_coefficients(objective, positions)
    return vector, in_importance


@dataclass(frozen=True, slots=True)
class _Direct:
    """Slopes of R in the values of a trace, each taken by itself."""

    nodes: Sequence[Tensor]
    subnodes: Sequence[Tensor]
    splines: Sequence[Tensor]
    symbols: Sequence[Tensor]


def _direct(objective: Objective, run: Pass) -> tuple[_Direct, list[Tensor]]:
    """And in the importances."""
    with torch.no_grad():
        trace = objective.trace(run)
    symbols = [edges - splines for edges, splines in zip(trace.edges, trace.splines, strict=True)]
    parts = [
        [t.detach().requires_grad_(True) for t in part]
        for part in (trace.nodes, trace.subnodes, trace.splines, symbols)
    ]
    nodes, subnodes, splines, extra = parts
    with torch.enable_grad():
        edges = [spline + symbol for spline, symbol in zip(splines, extra, strict=True)]
        leaves = Trace(tuple(nodes), tuple(subnodes), tuple(edges), tuple(splines))
        importance = METRICS[objective.penalty.metric](objective.stack, leaves)
        total = objective.penalty.of_importance(importance).sum()
        wanted = [*(v for v in importance if v.requires_grad), *(t for part in parts for t in part)]
        grads = torch.autograd.grad(total, wanted, allow_unused=True) if total.requires_grad else [None] * len(wanted)
    found = {id(t): grad for t, grad in zip(wanted, grads, strict=True) if grad is not None}
    slopes = [[found.get(id(t), t.new_zeros(())).expand_as(t) for t in part] for part in parts]
    return _Direct(*slopes), [found.get(id(v), torch.zeros_like(v)) for v in importance]


def _add_numeric(vector: Tensor, at: LayerMap, numeric: Tensor, design: Tensor) -> None:
    free = at.numeric >= 0
    if bool(free.any()):
        weights = torch.einsum("snoi,snib->soib", numeric, design)
        vector.index_add_(1, at.numeric[free], weights[:, free])


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
