"""Jacobian of functions of a network's values and derivatives in its parameters, without autograd.

With s̄, s̄ₐ, s̄ₐᵦ the adjoints of a subnode's value, first and second derivatives, computed by one backward sweep over the layers, the
derivative in the coefficient b of the edge i → o is A₀·B_b + A₁·B_b′ + A₂·B_b″ at the edge's input h, where A₀ = s̄,
A₁ = Σₐ s̄ₐ ∂ₐh + Σ s̄ₐᵦ ∂ₐᵦh and A₂ = Σ s̄ₐᵦ ∂ₐh ∂ᵦh: three outer products, however many derivatives are carried.

Axes: networks, rows, residuals, then those of the quantity.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.core.jets import Jet, JetTrace, combine_adjoint
from kanwidget.training.jacobian.jacobian import free_columns, symbolic_blocks
from kanwidget.training.jacobian.parameter_vector import LayerIndex, ParameterVector
from kanwidget.training.jacobian.stack import LayerStack, Stack


@dataclass(frozen=True, slots=True)
class _Edges:
    """The factors of an edge's value and derivatives: A₀, A₁ and A₂, `(networks, batch, residuals, out, in or 1)`."""

    parts: tuple[Tensor, ...]

    @staticmethod
    def of(adjoint: Jet, nodes: Jet) -> _Edges:
        """From the adjoint of the subnodes above and the jet of the nodes below."""
        carried, first = nodes.derivatives, nodes.first
        parts = [adjoint.value[..., None]]
        if carried.firsts:
            parts.append(torch.einsum("snmfo,snfi->snmoi", adjoint.first, first))
        if carried.seconds:
            squares = first[..., carried.first_index, :] * first[..., carried.second_index, :]
            parts[1] = parts[1] + torch.einsum("snmpo,snpi->snmoi", adjoint.second, nodes.second)
            parts.append(torch.einsum("snmpo,snpi->snmoi", adjoint.second, squares))
        return _Edges(tuple(parts))

    def at(self, target: Tensor, source: Tensor) -> list[Tensor]:
        """The factors of single edges, `(networks, batch, residuals, edges)`."""
        return [part[..., target, source if part.shape[-1] > 1 else source * 0] for part in self.parts]


def jet_jacobian(stack: Stack, parameters: ParameterVector, trace: JetTrace, adjoint: Jet) -> Tensor:
    """Derivatives in all free parameters, `(networks, batch, residuals, size)`.

    Args:
        stack: The networks.
        parameters: Layout of their free parameters.
        trace: A trace with `adjoint=True`.
        adjoint: Derivatives of the residuals in the outputs' jet: value `(networks, batch, residuals, outputs)`, first and
            second with a further axis before the last.
    """
    full = adjoint.value.new_zeros(*adjoint.value.shape[:-1], parameters.size)
    for index in reversed(range(len(stack.layers))):
        layer, nodes = stack.layers[index], trace.nodes[index]
        adjoint = combine_adjoint(stack.template, index + 1, _with_residuals(trace.subnodes[index]), adjoint)
        edges = _Edges.of(adjoint, nodes)
        _add_numeric(full, parameters.layers[index], trace.designs[index], edges)
        for columns, block in symbolic_blocks(layer, parameters.layers[index], nodes.value, edges.at):
            full.index_add_(-1, columns, block)
        if index > 0:
            adjoint = _to_nodes(layer, trace, index, adjoint, edges)
    return full


def _with_residuals(jet: Jet) -> Jet:
    """The jet with an axis of length 1 for the residuals."""
    return Jet(jet.derivatives, jet.value.unsqueeze(2), jet.first.unsqueeze(2), jet.second.unsqueeze(2))


def _to_nodes(layer: LayerStack, trace: JetTrace, index: int, adjoint: Jet, edges: _Edges) -> Jet:
    """The adjoint of the nodes below a layer from that of its sums."""
    nodes, carried = trace.nodes[index], trace.nodes[index].derivatives
    last = layer.edges_of(nodes.value, trace.designs[index][carried.order + 1], carried.order + 1)
    phi_derivatives = [part[:, :, None] for part in (*trace.edges[index], last)]
    value = adjoint.value @ phi_derivatives[0][:, :, 0]
    for part, derivative in zip(edges.parts[1:], phi_derivatives[1:], strict=True):
        value = value + (part * derivative).sum(-2)
    first, second = adjoint.first @ phi_derivatives[0], adjoint.second @ phi_derivatives[0]
    if carried.seconds:
        curvatures = adjoint.second @ phi_derivatives[1]
        for pair, (a, b) in enumerate(zip(carried.first_index, carried.second_index, strict=True)):
            first[..., a, :] += curvatures[..., pair, :] * nodes.first[:, :, None, b]
            first[..., b, :] += curvatures[..., pair, :] * nodes.first[:, :, None, a]
    return Jet(carried, value, first, second)


def _add_numeric(full: Tensor, index: LayerIndex, designs: tuple[Tensor, ...], edges: _Edges) -> None:
    """Add the columns of a layer's coefficients and base weights."""
    if index.block is not None:  # consecutive columns: written into the Jacobian without a copy
        out, inputs, width = index.numeric.shape
        block = full[..., index.block].view(*full.shape[:3], out, inputs, width)
        for part, design in zip(edges.parts, designs, strict=False):
            block.addcmul_(part[..., None], design[:, :, None, None])
        return
    target, source = (index.numeric >= 0).any(-1).nonzero(as_tuple=True)
    blocks = [
        part[..., None] * design[:, :, None, source]
        for part, design in zip(edges.at(target, source), designs, strict=False)
    ]
    for columns, block in free_columns(index.numeric[target, source].flatten(), sum(blocks[1:], blocks[0]).flatten(-2)):
        full.index_add_(-1, columns, block)
