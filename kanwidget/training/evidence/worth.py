"""Which parts of curves say anything: one after the other those go without which the rows are as likely.

References:
    Dickey, "The weighted likelihood ratio, linear hypotheses on normal location parameters", Annals of Mathematical Statistics 42 (1971).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kanwidget.training.evidence.blocks import Block

#: A part says something where the logarithm of the evidence is so much larger than without it: that of a rise of 2.4 standard errors.
_WORTH_A_PART = 1.5
#: Rounding of a covariance, in units of the prior.
_ROUNDING = 1e-14


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
    says, parts = [], []
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
                    parts.append((says[-1], members, column, block.columns[members][chosen], units[members][chosen]))
    covariance = root @ root.mT
    while parts:
        gains = [_gain(covariance[columns][:, columns], modes[columns], units) for *_, columns, units in parts]
        least = min(gains)
        if least >= _WORTH_A_PART:
            break
        answer, members, column, columns, _ = parts.pop(gains.index(least))
        answer[members, column] = False
        gain = torch.linalg.solve(covariance[columns][:, columns], covariance[columns]).mT
        modes = modes - gain @ modes[columns]
        covariance = covariance - gain @ covariance[columns]
    return says


def _gain(covariance: Tensor, point: Tensor, units: Tensor) -> float:
    """By how much a part raises the logarithm of the evidence: ½·(zᵀA⁻¹z + log|A|) with z and A its values and covariance in `units`."""
    values, vectors = torch.linalg.eigh(units[:, None] * covariance * units)
    values = values.clamp_min(_ROUNDING)
    return float(((vectors.mT @ (units * point)).square() / values + values.log()).sum() / 2)
