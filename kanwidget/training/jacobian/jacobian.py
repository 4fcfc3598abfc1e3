"""Values and Jacobian of networks in their parameters, without autograd.

With g = ∂output/∂subnode, found by one backward sweep over the layers, the derivative in the coefficient b of the edge
i → o of a layer is g[n, o]·basis[n, i, b]: an outer product, never a graph. The first axis is the networks', the second the
samples'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from kanwidget.core.primitives import primitive
from kanwidget.training.jacobian.parameter_vector import LayerMap, ParameterMap
from kanwidget.training.jacobian.stack import LayerStack, Stack


@dataclass(frozen=True, slots=True)
class Pass:
    """One forward pass, with what a backward sweep needs."""

    nodes: tuple[Tensor, ...]
    """Per layer of nodes, `(networks, batch, nodes)`."""
    subnodes: tuple[Tensor, ...]
    """Per layer of edges, `(networks, batch, subnodes)`."""
    designs: tuple[Tensor, ...]
    """Per layer of edges, `(networks, batch, in, G + k + 1)`."""
    slopes: tuple[Tensor, ...] = ()
    """Derivatives of `designs`, of all layers but the first, where they were asked for."""

    @property
    def output(self) -> Tensor:
        """`(networks, batch, outputs)`"""
        return self.nodes[-1]

    def part(self, networks: slice, rows: slice) -> Pass:
        """Some samples of some networks."""
        if (networks, rows) == (slice(0, len(self.output)), slice(0, self.output.shape[1])):
            return self
        kinds = (self.nodes, self.subnodes, self.designs, self.slopes)
        return Pass(*(tuple(value[networks, rows] for value in values) for values in kinds))

    def put(self, places: Tensor, other: Pass, others: Tensor) -> None:
        """Overwrite some networks with some of another pass on the same inputs and knots."""
        # Inputs and the first layer's design are common to both.
        mine = (*self.nodes[1:], *self.subnodes, *self.designs[1:], *self.slopes)
        theirs = (*other.nodes[1:], *other.subnodes, *other.designs[1:], *other.slopes)
        for value, new in zip(mine, theirs, strict=True):
            value[places] = new[others]


def forward_pass(stack: Stack, x: Tensor, first_design: Tensor | None = None, *, slopes: bool = False) -> Pass:
    """Evaluate networks; `first_design` is the first layer's design where it is known already.

    Args:
        stack: The networks.
        x: Values of the input nodes, `(networks, batch, n_in)`, after `Stack.select`.
        first_design: `stack.layers[0].design(x)`.
        slopes: Whether to keep what a Jacobian needs too; nothing is differentiable then.
    """
    nodes, subnodes, designs, derivatives = [x], [], [], []
    for index, layer in enumerate(stack.layers):
        if index == 0 and first_design is not None:
            design = first_design
        elif index > 0 and slopes:
            design, derivative = layer.design_and_slopes(nodes[-1])
            derivatives.append(derivative)
        else:
            design = layer.design(nodes[-1])
        designs.append(design)
        subnodes.append(layer.sums(nodes[-1], design))
        nodes.append(stack.shape.combine(index + 1, subnodes[-1]))
    return Pass(tuple(nodes), tuple(subnodes), tuple(designs), tuple(derivatives))


def jacobian(stack: Stack, positions: ParameterMap, run: Pass) -> Tensor:
    """Derivatives of all outputs in all free parameters, `(networks, batch, outputs, size)`, from a pass with slopes."""
    outputs = run.output.shape[-1]
    full = run.output.new_zeros(*run.output.shape, positions.size)
    sensitivity = torch.eye(outputs, dtype=full.dtype, device=full.device).expand(*full.shape[:2], -1, -1)
    for index in reversed(range(len(stack.layers))):
        layer = stack.layers[index]
        sensitivity = to_subnodes(stack, index + 1, run.subnodes[index], sensitivity)
        _add_numeric(full, positions.layers[index], run.designs[index], sensitivity)
        parts = partial(_of_edges, sensitivity)
        for columns, block in symbolic_blocks(layer, positions.layers[index], run.nodes[index], parts):
            full.index_add_(-1, columns, block)
        if index > 0:
            edges = torch.einsum("snib,soib->snoi", run.slopes[index - 1], layer.weight())
            if layer.symbols:
                edges = edges + layer.symbolic_edges(run.nodes[index], 1)
            sensitivity = sensitivity @ edges
    return full


def to_subnodes(stack: Stack, level: int, subnodes: Tensor, sensitivity: Tensor) -> Tensor:
    """∂output/∂subnode from ∂output/∂node: a factor of a product gets the product of the others."""
    n_sum, n_mult = stack.shape.width[level]
    if n_mult == 0:
        return sensitivity
    parts = [sensitivity[..., :n_sum]]
    groups = subnodes[..., n_sum:].split(stack.shape.arities[level], dim=-1)
    for node, group in enumerate(groups, start=n_sum):
        others = torch.stack([_without(group, factor) for factor in range(group.shape[-1])], dim=-1)
        parts.append(sensitivity[..., node, None] * others[..., None, :])
    return torch.cat(parts, dim=-1)


def _without(group: Tensor, factor: int) -> Tensor:
    """The product of all columns but one, right also where that one is 0."""
    return torch.cat([group[..., :factor], group[..., factor + 1 :]], dim=-1).prod(-1)


def _add_numeric(full: Tensor, positions: LayerMap, design: Tensor, sensitivity: Tensor) -> None:
    """Add the columns of a layer's coefficients and base weights."""
    if positions.whole is not None:  # a run of columns: written where it belongs
        block = full[..., positions.whole].view(*full.shape[:3], sensitivity.shape[-1], *design.shape[2:])
        torch.mul(sensitivity[..., None, None], design[:, :, None, None], out=block)
        return
    target, source = (positions.numeric >= 0).any(-1).nonzero(as_tuple=True)
    block = sensitivity[..., target, None] * design[:, :, None, source]
    for columns, kept in free_columns(positions.numeric[target, source].flatten(), block.flatten(-2)):
        full.index_add_(-1, columns, kept)


def _of_edges(sensitivity: Tensor, target: Tensor, source: Tensor) -> list[Tensor]:
    """Derivatives in the values of some edges: those in the subnodes, which add them."""
    return [sensitivity[..., target]]


def symbolic_blocks(
    layer: LayerStack, positions: LayerMap, nodes: Tensor, parts: Callable[[Tensor, Tensor], list[Tensor]]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Columns of a layer's symbolic constants: their positions and values `(networks, batch, residuals, columns)`.

    `parts` gives, for targets and sources of edges, the residuals' derivatives in the edges' values and, behind these, in their
    derivatives of first and second order, each `(networks, batch, residuals, edges)`.
    """
    for name, members in layer.symbols.items():
        flat = torch.tensor(members, device=nodes.device)
        target, source = flat // layer.in_dim, flat % layer.in_dim
        affine = layer.affine_of(members).detach()[:, None]
        blocks = [
            part[..., None] * affine_slopes(name, affine, nodes[..., source], order)[:, :, None]
            for order, part in enumerate(parts(target, source))
        ]
        yield from free_columns(positions.affine[target, source].flatten(), sum(blocks[1:], blocks[0]).flatten(-2))


def affine_slopes(name: str, affine: Tensor, x: Tensor, order: int = 0) -> Tensor:
    """Derivatives in a, b, c, d of c·f(a·x + b) + d or, by order, of its derivatives in x: `(networks, batch, edges, 4)`."""
    f = primitive(name).derivatives
    a, b, c, _ = affine.unbind(-1)
    u = a * x + b
    if order == 0:
        slope = c * f[1](u)
        return torch.stack([slope * x, slope, f[0](u), torch.ones_like(u)], dim=-1)
    value, slope = f[order](u), c * a**order * f[order + 1](u)
    in_a = slope * x + order * c * a ** (order - 1) * value
    return torch.stack([in_a, slope, a**order * value, torch.zeros_like(u)], dim=-1)


def free_columns(columns: Tensor, block: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Without the columns that aren't free."""
    keep = columns >= 0
    if bool(keep.all()):
        yield columns, block
    elif bool(keep.any()):
        yield columns[keep], block[..., keep]
