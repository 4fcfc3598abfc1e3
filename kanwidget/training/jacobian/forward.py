"""One forward pass of a stack, with all that backward sweeps need.

The first axis is the networks', the second the samples'.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.core.layer import row_bytes
from kanwidget.training.jacobian.stack import Stack

#: Above so many bytes of designs a pass keeps the outputs alone, and takes so many bytes at a time.
_MANY_BYTES, _PART_BYTES = 1 << 27, 1 << 25


@dataclass(frozen=True, slots=True)
class ForwardTrace:
    """The values of one forward pass; of many rows the inputs and outputs alone, see `rows_at_once`."""

    nodes: tuple[Tensor, ...]
    """Per level of nodes, inputs first, `(networks, batch, nodes)`."""
    subnodes: tuple[Tensor, ...]
    """Per layer of edges, `(networks, batch, subnodes)`."""
    designs: tuple[Tensor, ...]
    """Per layer of edges, `(networks, batch, in, B + 1)`, with B as of `Edges.coef`."""
    derivatives: tuple[Tensor, ...] = ()
    """Derivatives of `designs`, of all layers but the first, if they were requested."""

    @property
    def is_whole(self) -> bool:
        """Whether it holds what lies between inputs and outputs."""
        return len(self.designs) > 0

    @property
    def output(self) -> Tensor:
        """`(networks, batch, outputs)`"""
        return self.nodes[-1]

    def part(self, networks: slice, rows: slice) -> ForwardTrace:
        """The values of a slice of the networks at a slice of the rows, as views."""
        if (networks, rows) == (slice(0, len(self.output)), slice(0, self.output.shape[1])):
            return self
        kinds = (self.nodes, self.subnodes, self.designs, self.derivatives)
        return ForwardTrace(*(tuple(value[networks, rows] for value in values) for values in kinds))

    def put(self, networks: Tensor, source: ForwardTrace, source_networks: Tensor) -> None:
        """Overwrite the values of the networks with these indices by those of `source_networks` in another trace. In place.

        The other trace is on the same inputs and knots. Both are whole, or (of many rows) hold inputs and outputs alone.
        """
        if not self.is_whole:
            self.output[networks] = source.output[source_networks]
            return
        # Inputs and the first layer's design are common to both.
        old = (*self.nodes[1:], *self.subnodes, *self.designs[1:], *self.derivatives)
        new = (*source.nodes[1:], *source.subnodes, *source.designs[1:], *source.derivatives)
        for target, value in zip(old, new, strict=True):
            target[networks] = value[source_networks]


def forward_pass(
    stack: Stack, x: Tensor, first_design: Tensor | None = None, *, derivatives: bool = False
) -> ForwardTrace:
    """Evaluate networks, and keep the values of all layers: of nodes, subnodes (the sums of edges) and designs (the basis functions).

    Args:
        stack: The networks.
        x: Values of the input nodes, `(networks, batch, n_in)`, from `Stack.select`.
        first_design: `stack.layers[0].design(x)`, if it is at hand.
        derivatives: Whether to keep the derivatives that a Jacobian needs too; then nothing is differentiable.
    """
    nodes, subnodes, designs, design_derivatives = [x], [], [], []
    for index, layer in enumerate(stack.layers):
        if index == 0 and first_design is not None:
            design = first_design
        elif index > 0 and derivatives:
            with torch.no_grad():  # values and first derivatives at once cost little more than values
                design, design_derivative = layer.designs(nodes[-1], 1)
            design_derivatives.append(design_derivative)
        else:
            design = layer.design(nodes[-1])
        designs.append(design)
        subnodes.append(layer.sums(nodes[-1], design))
        nodes.append(stack.template.combine(index + 1, subnodes[-1]))
    return ForwardTrace(tuple(nodes), tuple(subnodes), tuple(designs), tuple(design_derivatives))


def rows_at_once(stack: Stack, x: Tensor) -> int:
    """How many rows a pass of inputs `(networks, batch, n_in)` takes at once where it keeps the outputs alone; all if they are few."""
    row = len(x) * row_bytes(stack.layers)  # bytes of the basis functions of a row, of all networks
    return x.shape[1] if row * x.shape[1] <= _MANY_BYTES else max(1, _PART_BYTES // row)
