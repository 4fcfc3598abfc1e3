"""Scans: which atom, and which pair of atoms, explains a target best, beside columns that are always there.

A scan is linear regression of a target on nuisance columns and one or two atoms, for all atoms or pairs at once. What the nuisance
columns explain is projected out of target and atoms first; a pair then costs one product of the matrix of the atoms with itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.discovery.engine.patience import look_at_the_clock
from kanwidget.discovery.engine.pool import BITS

#: Squared sine of the angle between two atoms, below which they count as one: float32 has no digits for their difference.
_PARALLEL = 1e-4
#: The same for an atom and the nuisance columns.
_EXPLAINED = 1e-10
#: Atoms that are projected at a time: of all of them another copy would take as much memory as they do.
_PROJECTED = 8192
#: Pairs whose products are held at a time: they should fit the processor's cache.
_BLOCK = 128


@dataclass(frozen=True, slots=True)
class Projected:
    """Atoms without what the nuisance columns explain, each of length 1."""

    atoms: Tensor
    """`(atoms, rows)`, float32."""
    cosines: Tensor
    """Of each atom with the target, without what the nuisance columns explain of it, float32."""
    indices: Tensor
    """Which atoms these are: those that the nuisance columns explain are left out."""
    costs: Tensor
    """What the squares that an atom leaves are multiplied by, `(atoms,)`, float32: of hits that noise makes alike the simpler is first."""

    def first(self, count: int) -> Projected:
        """The first `count` atoms, with all that belongs to them."""
        return Projected(self.atoms[:count], self.cosines[:count], self.indices[:count], self.costs[:count])


def project(
    values: Tensor,
    target: Tensor,
    nuisance: Tensor,
    weights: Tensor,
    complexities: Tensor,
    transform: Callable[[Tensor], Tensor] = lambda block: block,
) -> Projected:
    """Project the nuisance columns, which every regression has beside the atoms, out of atoms and target: what they explain goes.

    Args:
        values: Of the atoms, formulas that may explain the target, `(atoms, rows)`, float64.
        target: `(rows,)`.
        nuisance: `(rows, columns)`; a column of ones belongs to it.
        weights: Roots of the rows' weights.
        complexities: Of the atoms, `(atoms,)`.
        transform: Applied to the atoms first, a block of them at a time.

    Returns:
        What remains of the atoms, at length 1, and their cosines with what remains of the target; without atoms of which nothing does.
    """
    # A basis of the nuisance columns, without directions that are only round-off.
    q, r = torch.linalg.qr(nuisance * weights[:, None])
    q = q[:, r.diagonal().abs() > 1e-10 * r.diagonal().abs().max()]
    atoms, indices = [], []
    for start in range(0, len(values), _PROJECTED):
        look_at_the_clock()
        block = transform(values[start : start + _PROJECTED]) * weights
        before = block.norm(dim=1)
        block = block - (block @ q) @ q.T
        sizes = block.norm(dim=1)
        chosen = ((sizes > before * _EXPLAINED**0.5) & torch.isfinite(sizes)).nonzero()[:, 0]
        atoms.append((block[chosen] / sizes[chosen, None]).float())
        indices.append(chosen + start)
    rest = weights * target
    rest = rest - q @ (q.T @ rest)
    rest = (rest / rest.norm().clamp(min=1e-300)).float()
    table, chosen = torch.cat(atoms), torch.cat(indices)
    # A unit of complexity costs `BITS`. Squares that are c times as large cost n/2·log2(c) bits for n rows, so c stands for complexity.
    costs = (2 * BITS / len(rest) * complexities[chosen]).exp2()
    return Projected(table, table @ rest, chosen, costs)


def singles(projected: Projected, most: int) -> list[tuple[int, ...]]:
    """The atoms that explain most of the target on their own, `most` of them at most, best first.

    What an atom leaves of the target's squares counts, times a factor for its complexity. The index of each is a tuple of one, as `pairs`
    has two.
    """
    scores = (1 - projected.cosines.square()) * projected.costs
    order = scores.topk(min(most, len(scores)), largest=False).indices
    return [(index,) for index in projected.indices[order].tolist()]


def pairs(projected: Projected, most: int, rows: slice = slice(None)) -> list[tuple[int, ...]]:
    """The pairs of atoms that explain most of a target, of those of each atom with its best partner; the best pair first.

    What a pair leaves of the target's squares counts, times a factor for the complexity of each atom (`costs`).

    Args:
        projected: Atoms of length 1 and their cosines with the target.
        most: How many pairs are returned.
        rows: For which of the atoms partners are looked for.

    Returns:
        The indices of both atoms of each pair, ascending.
    """
    # With cosines a, b of two atoms with the target and c with each other, the pair leaves 1 - a² - (b - c·a)²/(1 - c²) of its squares.
    # The matrices are large: they are changed in place.
    atoms, cosines, costs = projected.atoms, projected.cosines, projected.costs
    least, partners = [], []
    for block, cosine in zip(atoms[rows].split(_BLOCK), cosines[rows].split(_BLOCK), strict=True):
        look_at_the_clock()
        product = block @ atoms.T
        gains = torch.addcmul(cosines, product, cosine[:, None], value=-1.0).square_()
        sine = product.square_().neg_().add_(1.0)
        gains.masked_fill_(sine < _PARALLEL, 0.0).div_(sine.clamp_(min=_PARALLEL))
        scores = gains.neg_().add_((1 - cosine.square())[:, None]).clamp_(min=0.0).mul_(costs)
        score, partner = scores.min(1)
        least.append(score)
        partners.append(partner)
    score, partner = torch.cat(least), torch.cat(partners)
    # Twice as many as are asked for: most pairs come up from both sides.
    order = (score * costs[rows]).topk(min(2 * most, len(score)), largest=False).indices
    first = torch.arange(len(atoms))[rows][order]
    both = projected.indices[torch.stack([first, partner[order]], 1)].sort(dim=1).values
    return list(dict.fromkeys(map(tuple, both.tolist())))[:most]
