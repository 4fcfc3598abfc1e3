"""Values and Jacobian of a network in its parameters, without autograd.

With g = ∂output/∂subnode, found by one backward sweep over the layers, the derivative in the coefficient b of the edge
i → o of a layer is g[n, o]·basis[n, i, b]: an outer product, never a graph. Rows are samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.core.layer import Layer
from kanwidget.core.network import Network
from kanwidget.core.primitives import primitive
from kanwidget.training.parameters import LayerMap, ParameterMap


@dataclass(frozen=True, slots=True)
class Pass:
    """One forward pass, with what a backward sweep needs."""

    nodes: tuple[Tensor, ...]
    """Per layer of nodes, `(batch, nodes)`."""
    subnodes: tuple[Tensor, ...]
    """Per layer of edges, `(batch, subnodes)`."""
    designs: tuple[Tensor, ...]
    """Per layer of edges, `(batch, in, G + k + 1)`."""
    slopes: tuple[Tensor, ...] = ()
    """Derivatives of `designs`, of all layers but the first, where they were asked for."""

    @property
    def output(self) -> Tensor:
        """`(batch, outputs)`"""
        return self.nodes[-1]


def forward_pass(network: Network, x: Tensor, first_design: Tensor | None = None, *, slopes: bool = False) -> Pass:
    """Evaluate a network; `first_design` is the first layer's design where it is known already.

    Args:
        network: The network.
        x: Values of the input nodes, `(batch, n_in)`, after `Network.select`.
        first_design: `network.layer(0).design(x)`.
        slopes: Whether to keep what a Jacobian needs too; nothing is differentiable then.
    """
    nodes, subnodes, designs, derivatives = [x], [], [], []
    for index in range(network.depth):
        layer = network.layer(index)
        if index == 0 and first_design is not None:
            design = first_design
        elif index > 0 and slopes:
            design, derivative = layer.design_and_slopes(nodes[-1])
            derivatives.append(derivative)
        else:
            design = layer.design(nodes[-1])
        values = design.flatten(1) @ layer.weight().flatten(1).T
        if layer.symbols:
            values = values + layer.symbolic_edges(nodes[-1]).sum(-1)
        designs.append(design)
        subnodes.append(values)
        nodes.append(network.combine(index + 1, values))
    return Pass(tuple(nodes), tuple(subnodes), tuple(designs), tuple(derivatives))


def jacobian(network: Network, positions: ParameterMap, run: Pass) -> Tensor:
    """Derivatives of all outputs in all free parameters, `(batch, outputs, size)`, from a pass with slopes."""
    batch, outputs = run.output.shape
    full = run.output.new_zeros(batch, outputs, positions.size)
    sensitivity = torch.eye(outputs, dtype=full.dtype, device=full.device).expand(batch, -1, -1)
    for index in reversed(range(network.depth)):
        layer = network.layer(index)
        sensitivity = _to_subnodes(network, index + 1, run.subnodes[index], sensitivity)
        _add_numeric(full, positions.layers[index], run.designs[index], sensitivity)
        for columns, block in _symbolic_blocks(layer, positions.layers[index], run.nodes[index], sensitivity):
            full.index_add_(2, columns, block)
        if index > 0:
            edges = torch.einsum("nib,oib->noi", run.slopes[index - 1], layer.weight())
            if layer.symbols:
                edges = edges + layer.symbolic_edges(run.nodes[index], 1)
            sensitivity = sensitivity @ edges
    return full


def _to_subnodes(network: Network, level: int, subnodes: Tensor, sensitivity: Tensor) -> Tensor:
    """∂output/∂subnode from ∂output/∂node: a factor of a product gets the product of the others."""
    n_sum, n_mult = network.width[level]
    if n_mult == 0:
        return sensitivity
    parts = [sensitivity[..., :n_sum]]
    groups = subnodes[:, n_sum:].split(network.arities[level], dim=1)
    for node, group in enumerate(groups, start=n_sum):
        others = torch.stack([_without(group, factor) for factor in range(group.shape[1])], dim=1)
        parts.append(sensitivity[..., node, None] * others[:, None, :])
    return torch.cat(parts, dim=-1)


def _without(group: Tensor, factor: int) -> Tensor:
    """The product of all columns but one, right also where that one is 0."""
    return torch.cat([group[:, :factor], group[:, factor + 1 :]], dim=1).prod(1)


def _add_numeric(full: Tensor, positions: LayerMap, design: Tensor, sensitivity: Tensor) -> None:
    """Add the columns of a layer's coefficients and base weights."""
    if positions.whole is not None:  # a run of columns: written where it belongs
        batch, outputs, _ = full.shape
        block = full[..., positions.whole].view(batch, outputs, sensitivity.shape[-1], *design.shape[1:])
        torch.mul(sensitivity[..., None, None], design[:, None, None], out=block)
        return
    target, source = (positions.numeric >= 0).any(-1).nonzero(as_tuple=True)
    block = sensitivity[..., target, None] * design[:, None, source]
    for columns, kept in _kept(positions.numeric[target, source].flatten(), block.flatten(2)):
        full.index_add_(2, columns, kept)


def _symbolic_blocks(
    layer: Layer, positions: LayerMap, nodes: Tensor, sensitivity: Tensor
) -> Iterator[tuple[Tensor, Tensor]]:
    """Columns of a layer's symbolic constants: their positions and values `(batch, outputs, columns)`."""
    for name, members in layer.symbols.items():
        flat = torch.tensor(members, device=nodes.device)
        target, source = flat // layer.in_dim, flat % layer.in_dim
        affine = layer.affine.detach().flatten(0, 1)[layer.tie_index()[flat] if layer.ties else flat]
        block = sensitivity[..., target, None] * _affine_slopes(name, affine, nodes[:, source])[:, None]
        yield from _kept(positions.affine[target, source].flatten(), block.flatten(2))


def _affine_slopes(name: str, affine: Tensor, x: Tensor) -> Tensor:
    """Derivatives of c·f(a·x + b) + d in a, b, c, d, `(batch, edges, 4)`."""
    row = primitive(name)
    a, b, c, _ = affine.unbind(-1)
    u = a * x + b
    slope = c * row.d1(u)
    return torch.stack([slope * x, slope, row.fn(u), torch.ones_like(u)], dim=-1)


def _kept(columns: Tensor, block: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Without the columns that aren't free."""
    keep = columns >= 0
    if bool(keep.all()):
        yield columns, block
    elif bool(keep.any()):
        yield columns[keep], block[..., keep]
