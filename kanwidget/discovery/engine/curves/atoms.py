"""Tables of atoms: their values on the rows that candidates are screened on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.discovery.engine.fitting.tapes import Tape
from kanwidget.discovery.engine.trees import OPERATIONS, Tree, constants, nodes, values, with_constants

#: Constants of an atom.
MOST_CONSTANTS = 3
#: Values of the constants that stand in a table, by the number of constants.
_MEMBERS = {1: 16, 2: 60, 3: 200}
#: Waves need their rate more closely.
_WAVE_MEMBERS = {1: 40, 2: 100, 3: 200}
_AGREEMENT = 1 - 1e-11
#: More atoms are not compared with each other: that would take longer than to screen them.
_MOST_COMPARED = 2500
_POWERS = (-2.0, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0, 3.0)


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

    @property
    def firsts(self) -> Tensor:
        """The index of the first atom of each kind, `(kinds,)`."""
        return torch.searchsorted(self.kinds, torch.arange(len(self.trees)))

    def part(self, kinds: int) -> CurveAtoms:
        """The atoms of the first `kinds` kinds; a kind is a formula, its atoms have it with different constants."""
        count = int((self.kinds < kinds).sum())
        return CurveAtoms(
            self.trees[:kinds],
            self.kinds[:count],
            self.constants[:count],
            self.values[:count],
            self.slopes[:count],
        )

    def joined(self, other: CurveAtoms) -> CurveAtoms:
        """The atoms of this table and then those of another one, on the same rows."""
        return CurveAtoms(
            self.trees + other.trees,
            torch.cat([self.kinds, other.kinds + len(self.trees)]),
            self.constants + other.constants,
            torch.cat([self.values, other.values]),
            torch.cat([self.slopes, other.slopes]),
        )

    def tree(self, index: int) -> Tree:
        """The tree of an atom, with its constants."""
        return with_constants(self.trees[int(self.kinds[index])], self.constants[index])


def tabulate(trees: Sequence[Tree], x: Tensor, generator: torch.Generator, check: bool = True) -> CurveAtoms:
    """The table of some atoms on rows: each kind, a small formula, with several values of its constants.

    An atom that agrees with an earlier one up to a factor and an offset is left out, unless there are too many to compare.

    Args:
        trees: The kinds: trees in column 0, the numbers in whose constants aren't used.
        x: `(rows,)`.
        generator: Spreads the constants.
        check: Whether to leave out, too, what isn't finite or is constant.

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
    chosen = chosen[_distinct(table[chosen])] if 0 < len(chosen) < _MOST_COMPARED else chosen
    kept, renumbered = torch.tensor(kinds, dtype=torch.long)[chosen].unique(return_inverse=True)
    return CurveAtoms(
        [trees[kind] for kind in kept.tolist()],
        renumbered,
        [numbers[index] for index in chosen.tolist()],
        table[chosen],
        torch.cat(slopes)[chosen],
    )


def _block(tree: Tree, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, list[list[float]]]:
    """A kind of atoms, a formula, on rows, at several values of its constants; a wave has more of them.

    Returns:
        The values, `(members, rows)`; the derivatives by the constants, `(members, MOST_CONSTANTS, rows)`, 0 where there is none or it
        isn't finite; and the constants of each member.
    """
    count = len(constants(tree))
    if not count:
        return values(tree, [x])[None], x.new_zeros(1, MOST_CONSTANTS, len(x)), [[]]
    waves = any(node[0] in ("sin", "cos") for node in nodes(tree))
    members = (_WAVE_MEMBERS if waves else _MEMBERS)[count]
    numbers = draw_starts(tree, [x[None]], members, generator)
    # The tree as a list of operations; results are the values of all its nodes, the tree's last. `inner` are the constants that it isn't
    # linear in; the others are 0 in them.
    tape = Tape(tree)
    results = tape.values(tape.fixed([x[None]]), numbers[:, tape.inner, None].unbind(1))
    slopes = x.new_zeros(members, MOST_CONSTANTS, len(x))
    for index, slope in enumerate(tape.slopes(results)):
        slopes[:, index] = slope
    return results[-1].expand(members, -1), slopes.nan_to_num_(0.0, 0.0, 0.0), numbers.tolist()


def _usable(table: Tensor) -> Tensor:
    """Indices of the atoms whose values, `(atoms, rows)`, are finite and neither 0 nor constant; their squares must be finite numbers."""
    size = table.abs().amax(1)
    spread = table.amax(1) - table.amin(1)
    fine = torch.isfinite(size) & (size < 1e120) & (size > 1e-120) & (spread > 1e-9 * size)
    return fine.nonzero()[:, 0]


def _distinct(table: Tensor) -> Tensor:
    """Indices of the atoms whose values, `(atoms, rows)`, agree with no earlier one's up to a factor and an offset."""
    # Without their means, at length 1: then products of atoms are correlations. Only earlier atoms are compared with, below the diagonal.
    table = table / table.abs().amax(1, keepdim=True)
    table = table - table.mean(1, keepdim=True)
    table = table / torch.linalg.vector_norm(table, dim=1, keepdim=True)
    products = (table @ table.T).abs_().tril_(-1)
    return (products.amax(1) < _AGREEMENT).nonzero()[:, 0]


# ---- where the search for inner constants starts: numbers of the size that the operand's values ask for
#
# A rate is measured by the spread of what it multiplies, a shift by the range of what it is added to, a phase is an angle. So columns
# may be of any size.


def draw_starts(
    tree: Tree, columns: Sequence[Tensor], members: int, generator: torch.Generator | None = None
) -> Tensor:
    """Constants to start a fit from, of the sizes that the values beside them ask for: `(members, constants)` in the order of the nodes.

    Args:
        tree: With constants, each in a sum, a difference or a product, below as in xᶜ or above as in c/x; the numbers in them are not used.
        columns: Each `(1, rows)` or `(members, rows)`.
        members: Number of sets of constants.
        generator: Makes the random numbers.

    Examples:
        >>> x = torch.linspace(0, 1e-6, 50, dtype=torch.float64)[None]
        >>> rates = draw_starts(("exp", ("mul", ("c", 1.0), ("x", 0))), [x], 8)
        >>> bool((rates.abs() > 1e5).all() and (rates.abs() < 1e8).all())
        True
    """
    drawing = _Drawing(columns, members, generator)
    drawing.visit(tree, ("root",))
    return torch.cat([draw.expand(members, 1) for draw in drawing.constants], 1)


class _Drawing:
    """Draws the constants of a tree from the leaves up: an operand's values tell the size of the constant beside it."""

    def __init__(self, columns: Sequence[Tensor], members: int, generator: torch.Generator | None) -> None:
        """Keep the columns, `(1, rows)` or `(members, rows)` each, and how many sets of constants, `members`, a generator draws."""
        self._columns = columns
        self._members = members
        self._generator = generator
        self.constants: list[Tensor] = []  # the draws so far, `(members, 1)` each, in the order of the tree's nodes

    def visit(self, node: Tree, above: tuple[str, ...]) -> Tensor:
        """Draw the constants of a node and of all below it; returns its values: `(members, rows)`, `(1, rows)` or one number.

        Args:
            node: The node.
            above: The heads of the operations around it, the innermost first.
        """
        head = node[0]
        if head == "x":
            return self._columns[node[1]]
        if head == "n":
            return torch.tensor(float(node[1]), dtype=torch.float64)
        around = (head, *above)
        if len(node) == 3 and (node[1][0] == "c") != (node[2][0] == "c"):
            return self._beside_constant(node, around)
        return OPERATIONS[head].values(*(self.visit(operand, around) for operand in node[1:]))

    def _beside_constant(self, node: Tree, around: tuple[str, ...]) -> Tensor:
        """Draw the constant of an operation on one constant and one other operand; returns the values of the operation.

        The operand comes first, as its values say how large the constant is; the constants stay in the order of the tree's nodes.

        Args:
            node: The operation.
            around: The heads of it and of the operations around it, the innermost first.
        """
        first, before = node[1][0] == "c", len(self.constants)
        u = self.visit(node[2 if first else 1], around)
        constant = self._constant(node[0], first, u, around[1:])
        self.constants.insert(before if first else len(self.constants), constant)
        return OPERATIONS[node[0]].values(*((constant, u) if first else (u, constant)))

    def _constant(self, head: str, first: bool, u: Tensor, above: tuple[str, ...]) -> Tensor:
        """Draws of a constant that stands beside an operand, `(members, 1)`: an exponent, a factor or a summand.

        Args:
            head: The operation that has both as its operands.
            first: Whether the constant is its first operand.
            u: Values of the other operand.
            above: The heads around the operation, the innermost first.
        """
        if head == "pow":
            return torch.tensor(_POWERS, dtype=torch.float64)[(self._uniform() * len(_POWERS)).long()]
        if head in ("mul", "div"):  # in c/u, as in u/c, the constant is of the size of u
            return self._rates(1 / u if head == "div" else u, above)
        return self._shifts(u, above, subtracted=first and head == "sub")

    def _rates(self, u: Tensor, above: tuple[str, ...]) -> Tensor:
        """Factors that make `u` an argument of ordinary size for the function around it: sums and signs between them change no scale.

        Args:
            u: Values beside the constant.
            above: The heads around the operation, the innermost first.
        """
        function = next((head for head in above if head not in ("add", "sub", "neg")), "root")
        if function in ("sin", "cos", "tan"):
            # From 1 to 40 radians over the range, which is twice the spread.
            return self._magnitudes(1.0, 40.0, signs=False) / (2 * self._spread(u))
        if function in ("exp", "tanh", "pow"):
            return self._magnitudes(0.2, 30.0) / self._spread(u)
        # For others the size counts, not the spread: they have no scale of their own, or no function is around.
        return self._magnitudes(0.05, 20.0) / self._size(u)

    def _shifts(self, u: Tensor, above: tuple[str, ...], subtracted: bool) -> Tensor:
        """Draws of a constant k in u + k or k - u, `(members, 1)`: angles in waves; else two of five put the zero into the range of u,
        or up to a quarter of it beyond.

        The others have the size of u, and move it away from 0.

        Args:
            u: Values of what the constant is added to.
            above: The heads around the sum, the innermost first.
            subtracted: Whether `u` is subtracted from the constant, which then has the other sign.
        """
        function = next((head for head in above if head != "neg"), "root")
        if function in ("sin", "cos", "tan"):
            return 2 * math.pi * self._uniform()
        sign = 1.0 if subtracted else -1.0
        low, high = u.amin(-1, keepdim=True), u.amax(-1, keepdim=True)
        # Zeros in the range and up to a quarter of it beyond.
        zeros = sign * (low + (high - low) * (1.5 * self._uniform() - 0.25))
        side = torch.where((u <= 0).all(-1, keepdim=True), -1.0, 1.0)
        sizes = -sign * self._magnitudes(0.05, 20.0, signs=False) * self._size(u) * side
        return torch.where(self._uniform() < 0.4, zeros, sizes)

    def _magnitudes(self, low: float, high: float, signs: bool = True) -> Tensor:
        """Numbers between the bounds, evenly on a logarithmic scale, `(members, 1)`; with `signs` half of them are negative."""
        positions = self._uniform()
        if not signs:
            return low * (high / low) ** positions
        halves = (2 * positions) % 1.0
        return torch.where(positions < 0.5, -1.0, 1.0) * low * (high / low) ** halves

    def _uniform(self) -> Tensor:
        """One number a member, evenly over 0 to 1 in random order: `(members, 1)`, one in each of as many equal parts."""
        order = torch.randperm(self._members, generator=self._generator)
        offsets = torch.rand(self._members, generator=self._generator, dtype=torch.float64)
        return ((order + offsets) / self._members)[:, None]

    def _spread(self, u: Tensor) -> Tensor:
        """Half of the range of the values of `u` over the rows, the last axis; 1 where it is 0 or not finite."""
        low, high = u.amin(-1, keepdim=True), u.amax(-1, keepdim=True)
        return _positive((high - low) / 2)

    def _size(self, u: Tensor) -> Tensor:
        """The median size of the values of `u` over the rows, the last axis; 1 where it is 0 or not finite."""
        return _positive(u.abs().median(-1, keepdim=True).values)


def _positive(size: Tensor) -> Tensor:
    """A size that may be divided by: as it is, or 1 where it is 0 or not finite."""
    return torch.where(torch.isfinite(size) & (size > 0), size, 1.0)
