"""Tables of atoms: their values on the rows that candidates are screened on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.discovery.engine.fitting.starts import draw_starts
from kanwidget.discovery.engine.fitting.tapes import Tape
from kanwidget.discovery.engine.trees import Tree, complexity, constants, nodes, values, with_constants

#: Constants of an atom.
MOST_CONSTANTS = 3
#: Values of the constants that stand in a table, by the number of constants.
_MEMBERS = {1: 16, 2: 60, 3: 200}
#: Waves need their rate more closely.
_WAVE_MEMBERS = {1: 40, 2: 100, 3: 200}
_AGREEMENT = 1 - 1e-11
#: More atoms are not compared with each other: that would take longer than to screen them.
_MOST_COMPARED = 2500


@dataclass(frozen=True, slots=True)
class CurveAtoms:
    """Atoms on rows, those of one kind side by side."""

    trees: list[Tree]
    """Of each kind."""
    kinds: Tensor
    """Of each atom: the index of its kind, in rising order."""
    constants: list[list[float]]
    """Of each atom."""
    values: Tensor
    """`(atoms, rows)`, finite and nowhere all 0."""
    slopes: Tensor
    """Derivatives by the constants, `(atoms, MOST_CONSTANTS, rows)`, 0 where there is none."""
    complexities: Tensor
    """Of each kind."""

    @property
    def firsts(self) -> Tensor:
        """The first atom of each kind."""
        return torch.searchsorted(self.kinds, torch.arange(len(self.trees)))

    def part(self, kinds: int) -> CurveAtoms:
        """The atoms of the first kinds."""
        count = int((self.kinds < kinds).sum())
        return CurveAtoms(
            self.trees[:kinds],
            self.kinds[:count],
            self.constants[:count],
            self.values[:count],
            self.slopes[:count],
            self.complexities[:kinds],
        )

    def joined(self, other: CurveAtoms) -> CurveAtoms:
        """Both tables."""
        return CurveAtoms(
            self.trees + other.trees,
            torch.cat([self.kinds, other.kinds + len(self.trees)]),
            self.constants + other.constants,
            torch.cat([self.values, other.values]),
            torch.cat([self.slopes, other.slopes]),
            torch.cat([self.complexities, other.complexities]),
        )

    def tree(self, index: int) -> Tree:
        """The tree of an atom, with its constants."""
        return with_constants(self.trees[int(self.kinds[index])], self.constants[index])


def tabulate(trees: Sequence[Tree], x: Tensor, generator: torch.Generator, check: bool = True) -> CurveAtoms:
    """The table of some atoms on rows. What isn't finite, and what agrees with an earlier atom up to a factor and an offset, is left out.

    Args:
        trees: The kinds.
        x: `(rows,)`.
        generator: Spreads the constants.
        check: Whether to leave atoms out.

    Examples:
        >>> x = torch.linspace(0, 1, 9, dtype=torch.float64)
        >>> table = tabulate([("x", 0), ("exp", ("mul", ("c", 1.0), ("x", 0)))], x, torch.Generator())
        >>> table.kinds.bincount()
        tensor([ 1, 16])
    """
    blocks, slopes, numbers, kinds = [x[None][:0]], [x.new_zeros(0, MOST_CONSTANTS, len(x))], [], []
    for kind, tree in enumerate(trees):
        block, derivatives, rows = _block(tree, x, generator)
        blocks.append(block)
        slopes.append(derivatives)
        numbers += rows
        kinds += [kind] * len(rows)
    table = torch.cat(blocks)
    chosen = _usable(table) if check else torch.arange(len(table))
    chosen = chosen[_distinct(table[chosen])] if len(chosen) < _MOST_COMPARED else chosen
    kept, renumbered = torch.tensor(kinds, dtype=torch.long)[chosen].unique(return_inverse=True)
    remaining = [trees[kind] for kind in kept.tolist()]
    costs = torch.tensor([complexity(tree) for tree in remaining], dtype=torch.float64)
    return CurveAtoms(
        remaining,
        renumbered,
        [numbers[index] for index in chosen.tolist()],
        table[chosen],
        torch.cat(slopes)[chosen],
        costs,
    )


def _block(tree: Tree, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, list[list[float]]]:
    """A kind's values at several constants, its derivatives, and the constants."""
    count = len(constants(tree))
    if not count:
        return values(tree, [x])[None], x.new_zeros(1, MOST_CONSTANTS, len(x)), [[]]
    waves = any(node[0] in ("sin", "cos") for node in nodes(tree))
    members = (_WAVE_MEMBERS if waves else _MEMBERS)[count]
    numbers = draw_starts(tree, [x[None]], members, generator)
    tape = Tape(tree)
    results = tape.values(tape.fixed([x[None]]), numbers[:, tape.inner, None].unbind(1))
    slopes = x.new_zeros(members, MOST_CONSTANTS, len(x))
    for index, slope in enumerate(tape.slopes(results)):
        slopes[:, index] = slope
    return results[-1].expand(members, -1), slopes.nan_to_num_(0.0, 0.0, 0.0), numbers.tolist()


def _usable(table: Tensor) -> Tensor:
    """Indices of rows that are finite, neither 0 nor constant, and not of a size whose squares are beyond numbers."""
    size = table.abs().amax(1)
    spread = table.amax(1) - table.amin(1)
    fine = torch.isfinite(size) & (size < 1e120) & (size > 1e-120) & (spread > 1e-9 * size)
    return fine.nonzero()[:, 0]


def _distinct(table: Tensor) -> Tensor:
    """Indices of rows that agree with no earlier one up to a factor and an offset."""
    table = table / table.abs().amax(1, keepdim=True)
    table = table - table.mean(1, keepdim=True)
    table = table / torch.linalg.vector_norm(table, dim=1, keepdim=True)
    products = (table @ table.T).abs_().tril_(-1)
    return (products.amax(1) < _AGREEMENT).nonzero()[:, 0]
