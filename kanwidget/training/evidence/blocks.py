"""The edges that evidence prices, in the coordinates of their modes, where the prior is diagonal."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.core.records import EdgeRef
from kanwidget.training.evidence.roughness import level_modes, wiggle_modes
from kanwidget.training.jacobian.parameter_vector import ParameterVector
from kanwidget.training.jacobian.stack import Stack

#: Rounding of a matrix's entries in parts of the largest.
_ROUNDING = 1e-14


class Block(NamedTuple):
    """Edges with the same number of free parameters, all splines, or all of words."""

    edges: list[EdgeRef]
    is_of_words: bool

    columns: Tensor
    """Index of each edge's parameters in the vector, `(edges, width)`."""
    basis: Tensor
    """`(networks, edges, width, width)`, see `WiggleModes`."""
    inverse: Tensor
    """Its inverse."""
    roughness: Tensor
    """`(networks, edges, width)`"""
    epsilon: Tensor
    """`(networks, edges, 1)`"""

    def coordinates(self, vector: Tensor) -> Tensor:
        """Coordinates of the modes, `(networks, edges, width)`."""
        return (self.inverse @ vector[:, self.columns][..., None])[..., 0]

    def rounding(self, matrix: Tensor) -> Tensor:
        """What rounding makes of the diagonal of a Gauss-Newton matrix in the modes, `(networks, edges, width)`."""
        largest = matrix.diagonal(dim1=1, dim2=2)[:, self.columns].amax(-1, keepdim=True)
        return (_ROUNDING * largest).expand(-1, -1, self.columns.shape[1])

    def precision(self, prices: Tensor) -> Tensor:
        """The diagonal of P, `(networks, edges, width)`."""
        diagonal = prices[..., :1] * self.roughness + self.epsilon
        if not self.is_of_words:  # whose first mode is a constant
            diagonal[..., 0] += prices[..., 1]
        return diagonal


def spline_blocks(stack: Stack, parameters: ParameterVector, epsilon: Tensor) -> list[Block]:
    """The edges of splines and levels that are trained, of a tie its first member, by kind and number of parameters.

    Args:
        stack: The networks.
        parameters: Layout of their free parameters.
        epsilon: What decides where neither data nor prices do, `(networks, size)`.
    """
    blocks: dict[tuple[bool, int], list[Block]] = {}
    for number, (layer, index) in enumerate(zip(stack.layers, parameters.layers, strict=True)):
        numeric, leads = index.numeric.flatten(0, 1), layer.tie_leads().flatten()
        count = torch.tensor(layer.levels, device=numeric.device).repeat(layer.out_dim)
        merged = layer.firsts().repeat(layer.out_dim, 1)
        kinds = {(levels, layer.merged.get(source, tuple(range(levels)))) for source, levels in enumerate(layer.levels)}
        for levels, firsts in sorted(kinds):
            slots = sorted({*firsts}) if levels else [*range(layer.grid_size + layer.k)]
            same = (merged[:, :levels] == torch.tensor(firsts, device=merged.device)).all(-1) if levels else True
            flat = (leads & (count == levels) & same & (numeric[:, slots] >= 0).all(-1)).nonzero()[:, 0]
            if not len(flat):
                continue
            with_base = bool(numeric[flat[0], -1] >= 0)
            modes = level_modes(layer, len(slots)) if levels else wiggle_modes(layer, with_base)
            width, sources = modes.basis.shape[-1], flat % layer.in_dim
            columns = torch.cat([numeric[flat][:, slots], numeric[flat, -1:]], 1)[:, :width]
            edges = [EdgeRef(number, n % layer.in_dim, n // layer.in_dim) for n in flat.tolist()]
            basis, inverse, roughness = (mode[:, sources] for mode in modes)
            part = Block(edges, levels > 0, columns, basis, inverse, roughness, epsilon[:, columns[:, 0]][..., None])
            blocks.setdefault((part.is_of_words, width), []).append(part)
    return [
        Block(
            [edge for part in parts for edge in part.edges],
            is_of_words,
            torch.cat([part.columns for part in parts]),
            torch.cat([part.basis for part in parts], 1),
            torch.cat([part.inverse for part in parts], 1),
            torch.cat([part.roughness for part in parts], 1),
            torch.cat([part.epsilon for part in parts], 1),
        )
        for (is_of_words, _), parts in blocks.items()
    ]
