"""Which parts of curves say anything: one after the other those go without which the rows are as likely.

References:
    Dickey, "The weighted likelihood ratio, linear hypotheses on normal location parameters", Annals of Mathematical Statistics 42 (1971).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.training.evidence.blocks import Block

#: A part says something where the logarithm of the evidence is so much larger than without it: that of a rise of 2.4 standard errors.
_WORTH_A_PART = 1.5
#: Rounding of a covariance, in units of the prior.
_ROUNDING = 1e-14


class _Part(NamedTuple):
    """A part that stands or goes."""

    says: Tensor
    """The answers of its block, of which these rows and this column are its own."""
    edges: list[int]
    column: int
    modes: Tensor
    """Their places among all modes."""
    units: Tensor
    """Square root of the prior's precision of each."""


def say_something(
    blocks: Sequence[Block], index: int, prices: Sequence[Tensor], root: Tensor, modes: Tensor, *, by_source: bool
) -> list[Tensor]:
    """Whether wiggle and straight part say something, `(edges, 2)` of each block.

    Of two columns that say the same neither is needed beside the other: that is why a part that goes is gone before the next is judged.

    Args:
        blocks: The edges.
        index: Of the network.
        prices: `(networks, edges, 2)` of each block.
        root: Root of the covariance of the modes, `(size, size)`.
        modes: Their values, `(size,)`.
        by_source: Whether edges out of one node stand or go together: of classes each score says what the others don't.
    """
    says: list[Tensor] = []
    parts: list[_Part] = []
    for block, own in zip(blocks, prices, strict=True):
        units, wiggles = block.precision(own)[index].sqrt(), block.roughness[index] > 0
        straight = torch.zeros_like(wiggles)
        straight[:, 0] = not block.is_of_words
        says.append(torch.stack([wiggles.any(1), straight.any(1)], 1))
        groups: dict[object, list[int]] = {}
        for number, edge in enumerate(block.edges):
            groups.setdefault(edge.source if by_source else edge, []).append(number)
        for members in groups.values():
            for column, chosen in enumerate((wiggles[members], straight[members])):
                if bool(chosen.any()):
                    places = block.columns[members][chosen]
                    parts.append(_Part(says[-1], members, column, places, units[members][chosen]))
    covariance, asked = root @ root.mT, parts
    while parts:
        weak = [pair for pair in zip(_gains(covariance, modes, asked), asked, strict=True) if pair[0] < _WORTH_A_PART]
        if not weak and len(asked) == len(parts):
            break
        if not weak:  # what said something beside the others may not without them
            asked = parts
            continue
        _, least = min(weak, key=lambda pair: pair[0])
        asked = [part for _, part in weak if part is not least]
        parts = [part for part in parts if part is not least]
        least.says[least.edges, least.column] = False
        gain = torch.linalg.solve(covariance[least.modes][:, least.modes], covariance[least.modes]).mT
        modes = modes - gain @ modes[least.modes]
        covariance = covariance - gain @ covariance[least.modes]
    return says


def _gains(covariance: Tensor, modes: Tensor, parts: list[_Part]) -> list[float]:
    """By how much each part raises the logarithm of the evidence: ½·(zᵀA⁻¹z + log|A|).

    z and A are its values and covariance in the prior's units.
    """
    gains = [0.0] * len(parts)
    for width in {len(part.modes) for part in parts}:
        places = [place for place, part in enumerate(parts) if len(part.modes) == width]
        columns, units = (
            torch.stack(rows)
            for rows in zip(*((parts[place].modes, parts[place].units) for place in places), strict=True)
        )
        scaled = units[:, :, None] * covariance[columns[:, :, None], columns[:, None]] * units[:, None]
        scaled.diagonal(dim1=1, dim2=2).add_(_ROUNDING)
        factor, info = torch.linalg.cholesky_ex(scaled)
        point = torch.linalg.solve_triangular(factor, (units * modes[columns])[..., None], upper=False)[..., 0]
        values = point.square().sum(1) / 2 + factor.diagonal(dim1=1, dim2=2).log().sum(1)
        # Without a factor rounding is all that the rows leave open.
        for place, value in zip(places, torch.where(info == 0, values, torch.inf).tolist(), strict=True):
            gains[place] = value
    return gains
