"""Jacobian of functions of a network's values and derivatives in its parameters, without autograd.

With s̄, s̄ₐ, s̄ₐᵦ the adjoints of a subnode's value, slopes and second derivatives, found by one backward sweep over the layers, the
derivative in the coefficient b of the edge i → o is A₀·B_b + A₁·B_b′ + A₂·B_b″ at the edge's input h, where A₀ = s̄,
A₁ = Σₐ s̄ₐ ∂ₐh + Σ s̄ₐᵦ ∂ₐᵦh and A₂ = Σ s̄ₐᵦ ∂ₐh ∂ᵦh: three outer products, however many derivatives are carried.

Axes: networks, samples, residuals (columns of what is differentiated), then what the name says.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.core.jets import Jet, JetPass, combine_adjoint
from kanwidget.training.jacobian.jacobian import free_columns, symbolic_blocks
from kanwidget.training.jacobian.parameter_vector import LayerMap, ParameterMap
from kanwidget.training.jacobian.stack import LayerStack, Stack


@dataclass(frozen=True, slots=True)
class _Edges:
    """What multiplies an edge's value and its derivatives: A₀, A₁ and A₂, `(networks, batch, residuals, out, in or 1)`."""

    parts: tuple[Tensor, ...]

    @staticmethod
    def of(adjoint: Jet, nodes: Jet) -> _Edges:
        """From the adjoint of the subnodes above and the jet of the nodes below."""
        wanted, first = nodes.wanted, nodes.first
        parts = [adjoint.value[..., None]]
        if wanted.firsts:
            parts.append(torch.einsum("snmfo,snfi->snmoi", adjoint.first, first))
        if wanted.seconds:
            squares = first[..., wanted.left, :] * first[..., wanted.right, :]
            parts[1] = parts[1] + torch.einsum("snmpo,snpi->snmoi", adjoint.second, nodes.second)
            parts.append(torch.einsum("snmpo,snpi->snmoi", adjoint.second, squares))
        return _Edges(tuple(parts))

    def at(self, target: Tensor, source: Tensor) -> list[Tensor]:
        """Of some edges, `(networks, batch, residuals, edges)`."""
        return [part[..., target, source if part.shape[-1] > 1 else source * 0] for part in self.parts]


def jet_jacobian(stack: Stack, positions: ParameterMap, run: JetPass, adjoint: Jet) -> Tensor:
    """Derivatives in all free parameters, `(networks, batch, residuals, size)`.

    Args:
        stack: The networks.
        positions: Where their parameters stand.
        run: A pass with `adjoint=True`.
        adjoint: Derivatives of the residuals in the outputs' jet: value `(networks, batch, residuals, outputs)`, first and
            second with a further axis before the last.
    """
    full = adjoint.value.new_zeros(*adjoint.value.shape[:-1], positions.size)
    for index in reversed(range(len(stack.layers))):
        layer, nodes = stack.layers[index], run.nodes[index]
        adjoint = combine_adjoint(stack.shape, index + 1, _with_residuals(run.subnodes[index]), adjoint)
        edges = _Edges.of(adjoint, nodes)
        _add_numeric(full, positions.layers[index], run.designs[index], edges)
        for columns, block in symbolic_blocks(layer, positions.layers[index], nodes.value, edges.at):
            full.index_add_(-1, columns, block)
        if index > 0:
            adjoint = _to_nodes(layer, run, index, adjoint, edges)
    return full


def _with_residuals(jet: Jet) -> Jet:
    """The same for every residual: a further axis of length 1."""
    return Jet(jet.wanted, jet.value.unsqueeze(2), jet.first.unsqueeze(2), jet.second.unsqueeze(2))


def _to_nodes(layer: LayerStack, run: JetPass, index: int, adjoint: Jet, edges: _Edges) -> Jet:
    """The adjoint of the nodes below a layer from that of its sums."""
    nodes, wanted, order = run.nodes[index], run.nodes[index].wanted, run.nodes[index].wanted.order
    last = layer.edges_of(nodes.value, run.designs[index][order + 1], order + 1)
    slopes = [part[:, :, None] for part in (*run.slopes[index], last)]
    value = adjoint.value @ slopes[0][:, :, 0]
    for part, slope in zip(edges.parts[1:], slopes[1:], strict=True):
        value = value + (part * slope).sum(-2)
    first, second = adjoint.first @ slopes[0], adjoint.second @ slopes[0]
    if wanted.seconds:
        bends = adjoint.second @ slopes[1]
        for place, (a, b) in enumerate(zip(wanted.left, wanted.right, strict=True)):
            first[..., a, :] += bends[..., place, :] * nodes.first[:, :, None, b]
            first[..., b, :] += bends[..., place, :] * nodes.first[:, :, None, a]
    return Jet(wanted, value, first, second)


def _add_numeric(full: Tensor, positions: LayerMap, designs: tuple[Tensor, ...], edges: _Edges) -> None:
    """Add the columns of a layer's coefficients and base weights."""
    if positions.whole is not None:  # a run of columns: written where it belongs
        out, inputs, width = positions.numeric.shape
        block = full[..., positions.whole].view(*full.shape[:3], out, inputs, width)
        for part, design in zip(edges.parts, designs, strict=False):
            block.addcmul_(part[..., None], design[:, :, None, None])
        return
    target, source = (positions.numeric >= 0).any(-1).nonzero(as_tuple=True)
    picked = [
        part[..., None] * design[:, :, None, source]
        for part, design in zip(edges.at(target, source), designs, strict=False)
    ]
    for columns, block in free_columns(
        positions.numeric[target, source].flatten(), sum(picked[1:], picked[0]).flatten(-2)
    ):
        full.index_add_(-1, columns, block)
