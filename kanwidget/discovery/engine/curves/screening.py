"""Least errors of all pairs of atoms at once, by a few products of matrices.

A pair may stand in a sum, `a·f + b·g`, or in a product, `a·f·g`, each with an offset or without one. Of each pair of kinds, the best
constants of the table are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

#: Pairs that agree more than this say nothing that one of them doesn't.
_MOST_AGREEMENT = 1 - 1e-9
#: Keeps steps of the constants short where they change little.
_RIDGE = 1e-10


def sums(left: Tensor, right: Tensor, target: Tensor, offset: Tensor | None) -> Tensor:
    """Least squared errors of `a·f + b·g`, relative to the target: `(left, right)`.

    Args:
        left: `(left, rows)`, multiplied by the roots of the rows' weights like everything here.
        right: `(right, rows)`.
        target: `(rows,)`.
        offset: What a free factor multiplies beside the pair, `(rows,)`; None for nothing.

    Examples:
        >>> x = torch.linspace(0, 1, 20, dtype=torch.float64)
        >>> atoms = torch.stack([x, x**2, x**3])
        >>> sums(atoms, atoms, 2 * x - 3 * x**3, None).argmin()
        tensor(2)
    """
    scale = target.square().sum()
    left, right, target = (_without(part, offset) for part in (left, right, target[None]))
    target = target[0]
    a, b, c = left @ target, right @ target, left @ right.T
    energy = target.square().sum()
    determinant = 1 - c * c
    explained = (a[:, None].square() + b.square() - 2 * a[:, None] * b * c) / determinant
    single = torch.maximum(a[:, None].square(), b.square())
    explained = torch.where(determinant > 1 - _MOST_AGREEMENT, explained, single)
    return ((energy - explained) / scale).clamp_(min=1e-16)


def products(left: Tensor, right: Tensor, target: Tensor, offset: Tensor | None) -> Tensor:
    """Least squared errors of `a·f·g`, relative to the target: `(left, right)`. Weights are in `right`, `target` and `offset`."""
    scale = target.square().sum()
    lengths = left.square() @ right.square().T
    if offset is None:
        shares = (left * target) @ right.T
        return (1 - shares.square_().div_(lengths.mul_(scale))).clamp_(min=1e-16)
    direction = offset / torch.linalg.vector_norm(offset)
    centered = target - direction * (direction @ target)
    means = (left * direction) @ right.T
    lengths = torch.maximum(lengths - means.square_(), 1e-9 * lengths)
    shares = (left * centered) @ right.T
    energy = centered.square().sum()
    return ((energy - shares.square_().div_(lengths)) / scale).clamp_(min=1e-16)


def shifted_products(left: Tensor, right: Tensor, target: Tensor) -> Tensor:
    """Least squared errors of `f·(a·g + b)`, relative to the target: `(left, right)`. Weights are in `left` and `target`."""
    squares = left.square()
    ff, fg, gg = squares.sum(1)[:, None], squares @ right.T, squares @ right.square().T
    f, g = (left @ target)[:, None], (left * target) @ right.T
    determinant = torch.maximum(ff * gg - fg * fg, 1e-9 * ff * gg)
    explained = (f * f * gg + g * g * ff - 2 * f * g * fg) / determinant
    return (1 - explained / target.square().sum()).clamp_(min=1e-16)


def _without(columns: Tensor, offset: Tensor | None) -> Tensor:
    """Columns without their part along the offset; at length 1, if they are several."""
    if offset is not None:
        direction = offset / torch.linalg.vector_norm(offset)
        columns = columns - (columns @ direction)[:, None] * direction
    if len(columns) == 1:
        return columns
    return columns / torch.linalg.vector_norm(columns, dim=1, keepdim=True).clamp_(min=1e-290)


def corrected(columns: Tensor, target: Tensor) -> Tensor:
    """Least squared errors with several columns for each candidate: `(candidates,)`.

    With the derivatives by the constants among the columns, this is the error after a step of the constants, to first order. So the
    right pair stands out where the constants of the table are only near the right ones.

    Args:
        columns: `(candidates, columns, rows)`; columns of zeros count for nothing.
        target: `(rows,)`.
    """
    columns = columns / torch.linalg.vector_norm(columns, dim=2, keepdim=True).clamp_(min=1e-290)
    square = columns @ columns.mT
    square.diagonal(dim1=1, dim2=2).add_(_RIDGE)
    factors = torch.linalg.solve_ex(square, (columns @ target)[:, :, None])[0]
    residuals = target - (factors.mT @ columns)[:, 0]
    return residuals.square_().sum(1).nan_to_num_(torch.inf)


@dataclass(frozen=True, slots=True)
class Pairs:
    """The best atoms of some pairs of kinds, the best pair first."""

    left: list[int]
    right: list[int]
    errors: list[float]


def best_pairs(errors: Tensor, kinds: tuple[Tensor, Tensor], costs: Tensor, count: int, symmetric: bool) -> Pairs:
    """The best pairs of kinds by description length.

    Args:
        errors: `(left atoms, right atoms)`.
        kinds: The first atom of each kind, left and right.
        costs: Bits of each pair of kinds over half the number of rows, `(left kinds, right kinds)`.
        count: How many pairs.
        symmetric: Whether the other order of a pair is the same.
    """
    table = errors.numpy()
    firsts = kinds[0].numpy(), kinds[1].numpy()
    least = np.minimum.reduceat(np.minimum.reduceat(table, firsts[1], axis=1), firsts[0], axis=0)
    scores = np.log2(least) + costs.numpy()
    if symmetric:
        scores = np.where(np.tri(*scores.shape) > 0, scores, np.inf)
    scores = np.where(np.isfinite(scores), scores, np.inf)
    count = min(count, scores.size)
    order = np.argpartition(scores, count - 1, axis=None)[:count]
    order = order[np.argsort(scores.ravel()[order])]
    left, right, chosen = [], [], []
    ends = np.append(firsts[0], table.shape[0]), np.append(firsts[1], table.shape[1])
    for row, column in zip(*np.unravel_index(order, scores.shape), strict=True):
        block = table[ends[0][row] : ends[0][row + 1], ends[1][column] : ends[1][column + 1]]
        place = np.unravel_index(np.argmin(block), block.shape)
        left.append(int(ends[0][row] + place[0]))
        right.append(int(ends[1][column] + place[1]))
        chosen.append(float(block[place]))
    return Pairs(left, right, chosen)
