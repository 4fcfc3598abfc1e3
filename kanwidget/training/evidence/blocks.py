"""The edges that evidence prices, in the coordinates of their wiggles' modes, where the prior is diagonal."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.core.records import EdgeRef
from kanwidget.training.evidence.roughness import wiggle_modes
from kanwidget.training.jacobian.parameter_vector import ParameterVector
from kanwidget.training.jacobian.stack import Stack

#: Rounding of a matrix's entries in parts of the largest.
_ROUNDING = 1e-14


class Block(NamedTuple):
    """Spline edges with the same number of free parameters."""

    edges: list[EdgeRef]

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
        diagonal[..., 0] += prices[..., 1]
        return diagonal


def spline_blocks(stack: Stack, parameters: ParameterVector, epsilon: Tensor) -> list[Block]:
    """The spline edges that are trained, of a tie its first member, by number of parameters.

    Args:
        stack: The networks.
        parameters: Layout of their free parameters.
        epsilon: What decides where neither data nor prices do, `(networks, size)`.
    """
    by_width: dict[int, list[Block]] = {}
    for number, (layer, index) in enumerate(zip(stack.layers, parameters.layers, strict=True)):
        numeric = index.numeric.flatten(0, 1)
        flat = (layer.tie_leads().flatten() & (numeric[:, :-1] >= 0).all(-1)).nonzero()[:, 0]
        if len(flat):
            modes = wiggle_modes(layer, with_base=bool(numeric[flat[0], -1] >= 0))
            columns, sources = numeric[flat][:, : modes.basis.shape[-1]], flat % layer.in_dim
            edges = [EdgeRef(number, n % layer.in_dim, n // layer.in_dim) for n in flat.tolist()]
            basis, inverse, roughness = (mode[:, sources] for mode in modes)
            part = Block(edges, columns, basis, inverse, roughness, epsilon[:, columns[:, 0]][..., None])
            by_width.setdefault(columns.shape[1], []).append(part)
    return [
        Block(
            [edge for part in parts for edge in part.edges],
            torch.cat([part.columns for part in parts]),
            torch.cat([part.basis for part in parts], 1),
            torch.cat([part.inverse for part in parts], 1),
            torch.cat([part.roughness for part in parts], 1),
            torch.cat([part.epsilon for part in parts], 1),
        )
        for parts in by_width.values()
    ]
