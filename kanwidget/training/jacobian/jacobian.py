"""Jacobian of networks in their parameters, without autograd.

With g = ∂output/∂subnode, computed by one backward sweep over the layers, the derivative in the coefficient b of the edge
i → o of a layer is g[n, o]·basis[n, i, b]: an outer product, never a graph. The first axis is the networks', the second the
samples'.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kanwidget.core.primitives import primitive
from kanwidget.training.jacobian.forward import ForwardTrace
from kanwidget.training.jacobian.parameter_vector import LayerIndex, ParameterVector
from kanwidget.training.jacobian.stack import LayerStack, Stack


def jacobian(stack: Stack, parameters: ParameterVector, trace: ForwardTrace, sums: Tensor | None = None) -> Tensor:
    """Derivatives of all outputs in all free parameters, `(networks, batch, outputs, size)`, from a trace with derivatives.

    Args:
        stack: The networks.
        parameters: Layout of the free parameters.
        trace: The values of all layers in a forward pass: nodes, subnodes (sums of edges), designs (basis functions) and their derivatives.
        sums: Factors of sums of the outputs, `(networks, batch, sums, outputs)`, whose derivatives are wanted in place of the outputs'.
    """
    outputs = trace.output.shape[-1]
    if sums is None:
        sums = torch.eye(outputs, dtype=trace.output.dtype, device=trace.output.device)
        sums = sums.expand(*trace.output.shape, outputs)
    # The derivatives of the outputs (or sums) in the nodes of a level, `(networks, batch, outputs, nodes)`: at first the last level.
    full, sensitivity = sums.new_zeros(*sums.shape[:3], parameters.size), sums
    for index in reversed(range(len(stack.layers))):
        layer = stack.layers[index]
        sensitivity = to_subnodes(stack, index + 1, trace.subnodes[index], sensitivity)
        designs, factors = trace.designs[index : index + 1], [sensitivity[..., None]]
        add_edges(full, layer, parameters.layers[index], trace.nodes[index], designs, factors)
        if index > 0:
            sensitivity = sensitivity @ layer.edges_of(trace.nodes[index], trace.derivatives[index - 1], 1)
    return full


def to_subnodes(stack: Stack, level: int, subnodes: Tensor, sensitivity: Tensor) -> Tensor:
    """∂output/∂subnode from ∂output/∂node: a factor of a product gets the product of the remaining factors.

    Args:
        stack: The networks.
        level: The level of the nodes, 1 for the first hidden one.
        subnodes: Values of the subnodes that these nodes read, `(networks, batch, subnodes)`.
        sensitivity: Derivatives in the nodes, `(networks, batch, outputs, nodes)`.

    Returns:
        `(networks, batch, outputs, subnodes)`.
    """
    n_sum, n_mult = stack.template.width[level]
    if n_mult == 0:
        return sensitivity
    parts = [sensitivity[..., :n_sum]]
    groups = subnodes[..., n_sum:].split(stack.template.arities[level], dim=-1)
    for node, group in enumerate(groups, start=n_sum):
        cofactors = torch.stack([_product_without(group, factor) for factor in range(group.shape[-1])], dim=-1)
        parts.append(sensitivity[..., node, None] * cofactors[..., None, :])
    return torch.cat(parts, dim=-1)


def _product_without(group: Tensor, factor: int) -> Tensor:
    """The product of all columns of `group`, `(…, columns)`, but the one with the index `factor`; `(…)`.

    It is right also where that column is 0, which the product of all divided by it isn't.
    """
    return torch.cat([group[..., :factor], group[..., factor + 1 :]], dim=-1).prod(-1)


def add_edges(
    full: Tensor, layer: LayerStack, index: LayerIndex, nodes: Tensor, designs: Sequence[Tensor], factors: list[Tensor]
) -> None:
    """Add the derivatives in the parameters of a layer's edges to the Jacobian. In place.

    Args:
        full: The Jacobian, `(networks, batch, outputs, size)`, still 0 in these columns.
        layer: The layer.
        index: Columns of the layer's parameters: `numeric` of coefficients and base weights, `affine` of functions' constants, -1 for fixed
            ones; `block` where `numeric` is a range.
        nodes: The layer's inputs, `(networks, batch, in)`.
        designs: The layer's basis functions and, last, base function there, or their derivatives, of orders 0, 1, …, at least as many as
            factors, `(networks, batch, in, B + 1)` each.
        factors: Derivatives of the outputs in the edges' values and, behind these, in the edges' derivatives of first and second order,
            `(networks, batch, outputs, out, in or 1)` each: 1 where they are the same for all edges to a subnode.
    """
    if index.block is not None:  # consecutive columns: written into the Jacobian without a copy
        block = full[..., index.block].view(*full.shape[:3], *index.numeric.shape)
        torch.mul(factors[0][..., None], designs[0][:, :, None, None], out=block)
        for factor, design in zip(factors[1:], designs[1:], strict=False):
            block.addcmul_(factor[..., None], design[:, :, None, None])
    elif len(factors) == 1:
        # Edges of a column of texts (a value for each word) and splines have different numbers of coefficients: an edge's own are computed.
        basis = designs[0].flatten(2)
        for node, numeric in enumerate(index.numeric.flatten(1)):
            free = (numeric >= 0).nonzero()[:, 0]
            full.index_add_(-1, numeric[free], factors[0][..., node, :] * basis.index_select(-1, free)[:, :, None])
    else:
        target, source = (index.numeric >= 0).any(-1).nonzero(as_tuple=True)
        pairs = zip(factors, designs, strict=False)
        blocks = [_at(factor, target, source)[..., None] * design[:, :, None, source] for factor, design in pairs]
        _add_columns(full, index.numeric[target, source], blocks)
    for name, target, source, affine in layer.symbolic_groups():
        blocks = [
            _at(factor, target, source)[..., None]
            * affine_derivatives(name, affine.detach()[:, None], nodes[..., source], order)[:, :, None]
            for order, factor in enumerate(factors)
        ]
        _add_columns(full, index.affine[target, source], blocks)


def _at(factor: Tensor, target: Tensor, source: Tensor) -> Tensor:
    """The factors of single edges, by their targets and sources `(edges,)`: `(networks, batch, outputs, edges)`.

    `factor` is `(networks, batch, outputs, out, in or 1)`, its last axis 1 where all edges to a subnode have the same.
    """
    return factor[..., target, source if factor.shape[-1] > 1 else 0]


def _add_columns(full: Tensor, columns: Tensor, blocks: list[Tensor]) -> None:
    """Add the sum of blocks to the columns of a Jacobian, `(networks, batch, outputs, size)`. In place.

    Each block is `(networks, batch, outputs, edges, n)`; `columns`, `(edges, n)`, has the place of each of the n parameters of an edge, -1
    for one that isn't free, which is left out.
    """
    places, total = columns.flatten(), sum(blocks[1:], blocks[0]).flatten(-2)
    free = places >= 0
    if not bool(free.all()):
        places, total = places[free], total[..., free]
    full.index_add_(-1, places, total)


def affine_derivatives(name: str, affine: Tensor, x: Tensor, order: int = 0) -> Tensor:
    """Derivatives in the constants a, b, c, d of c·f(a·x + b) + d, or of its first or second derivative in x.

    Args:
        name: The primitive f.
        affine: a, b, c, d of each edge, `(networks, 1, edges, 4)`.
        x: Values of the edges' inputs, `(networks, batch, edges)`.
        order: Which derivative in x: 0, 1 or 2.

    Returns:
        `(networks, batch, edges, 4)`.
    """
    f = primitive(name).derivatives
    a, b, c, _ = affine.unbind(-1)
    u = a * x + b
    # The derivative in a is x times that in b, and from order 1 on also what the factor a^order adds.
    if order == 0:
        in_b = c * f[1](u)
        return torch.stack([in_b * x, in_b, f[0](u), torch.ones_like(u)], dim=-1)
    value, in_b = f[order](u), c * a**order * f[order + 1](u)
    in_a = in_b * x + order * c * a ** (order - 1) * value
    return torch.stack([in_a, in_b, a**order * value, torch.zeros_like(u)], dim=-1)
