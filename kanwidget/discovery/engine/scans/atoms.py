"""Atoms: the parts that formulas are put together from, enumerated by size, each with its values on a sample of rows.

Atoms are enumerated bottom up. Two with the same values count once, the one that was made first, which is the shorter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kanwidget.discovery.engine.patience import look_at_the_clock
from kanwidget.discovery.engine.trees import OPERATIONS, Tree, complexity

#: Values above this, and spreads below its inverse, leave no digits for sums.
_LARGEST = 1e12
#: Operations of which one applied to another is left out of the enumeration: their composition says nothing, or is rare.
_INVERSE = {
    ("exp", "log"), ("log", "exp"), ("sq", "sqrt"), ("sqrt", "sq"), ("inv", "inv"), ("neg", "neg"), ("sin", "asin"),
    ("cos", "acos"), ("asin", "sin"), ("acos", "cos"), ("tan", "atan"), ("atan", "tan"), ("exp", "exp"), ("cube", "sq"),
    ("sq", "cube"),
}  # fmt: skip
#: Periodic and saturating functions aren't nested in each other.
_WAVES = frozenset({"sin", "cos", "tan", "tanh", "asin", "acos", "atan"})
#: Operations whose operands may change places.
_COMMUTATIVE = frozenset({"add", "mul"})
_BLOCK = 4096


class Atoms:
    """A growing list of atoms. An atom is a leaf, or an operation on earlier atoms.

    Args:
        columns: Values of each column on the sample of rows, `(columns, rows)`, float64.
        most: How many atoms are kept, at most.
    """

    def __init__(self, columns: Tensor, most: int) -> None:
        """Begin with the columns as atoms, `(columns, rows)` on the sample; `most` is how many atoms are kept, at most."""
        # The atoms' values are the first rows of the buffer, which doubles when it is full. An operand is an atom's index, or a tree.
        self.rows = columns.shape[1]
        self.most = most
        self._buffer = torch.empty(_BLOCK, self.rows, dtype=torch.float64)
        # Of each atom: its operation, or `leaf`; its operands; its complexity. Of all: keys that tell their values.
        self._heads: list[str] = []
        self._operands: list[tuple[Any, ...]] = []
        self._sizes: list[float] = []
        self._keys: set[tuple[int, int]] = set()
        # Two random weighted sums of an atom's values tell whether an atom with the same values, or their negatives, is there.
        generator = torch.Generator().manual_seed(0)
        self._probes = torch.rand(self.rows, 2, generator=generator, dtype=torch.float64) + 0.5
        # The atoms of the columns: fewer than columns where two are the same.
        self.columns = self.add_leaves([("x", index) for index in range(len(columns))], columns)

    def __len__(self) -> int:
        return len(self._heads)

    @property
    def values(self) -> Tensor:
        """The atoms' values on the sample of rows, `(atoms, rows)`."""
        return self._buffer[: len(self)]

    @property
    def complexities(self) -> Tensor:
        """The complexities of the atoms, `(atoms,)`."""
        return torch.tensor(self._sizes)

    def tree(self, index: int) -> Tree:
        """The tree of an atom."""
        head, operands = self._heads[index], self._operands[index]
        if head == "leaf":
            return operands[0]
        return (head, *(self.tree(operand) if isinstance(operand, int) else operand for operand in operands))

    def add_leaves(self, trees: Sequence[Tree], values: Tensor) -> range:
        """Add trees with their values, `(trees, rows)`; returns the indices of the new ones."""
        return self._add(["leaf"] * len(trees), [(tree,) for tree in trees], values)

    def apply(self, heads: Iterable[str], operands: Iterable[int]) -> range:
        """Add each operation of one operand, by its head, on each atom, by its index; returns the indices of the new atoms."""
        start, indices = len(self), list(operands)
        for head in heads:
            chosen = [index for index in indices if self._may_stand(head, self._heads[index])]
            for block in self._blocks(chosen):
                values = OPERATIONS[head].values(self.values[block])
                self._add([head] * len(block), [(index,) for index in block], values)
        return range(start, len(self))

    def combine(self, heads: Iterable[str], left: Iterable[int], right: Iterable[int]) -> range:
        """Add each operation on each pair of an atom of the left and another one of the right; returns the indices of the new atoms.

        Args:
            heads: Of operations of two operands.
            left: Indices of the first operands.
            right: Indices of the second ones.
        """
        start = len(self)
        first, second = np.array(list(left), dtype=np.int64), np.array(list(right), dtype=np.int64)
        for head in heads:
            if len(self) >= self.most:  # of many columns pairs are millions
                break
            i, j = (part.reshape(-1) for part in np.meshgrid(first, second, indexing="ij"))
            keep = i != j
            if head in _COMMUTATIVE or head == "sub":
                # b - a is -(a - b); where both orders occur only one is needed.
                both = np.isin(i, second) & np.isin(j, first)
                keep &= ~both | (i < j)
            pairs = np.stack([i[keep], j[keep]], 1)
            for block in self._blocks(range(len(pairs))):
                chosen = pairs[block.start : block.stop]
                values = OPERATIONS[head].values(self.values[chosen[:, 0]], self.values[chosen[:, 1]])
                self._add([head] * len(chosen), [(int(a), int(b)) for a, b in chosen], values)
        return range(start, len(self))

    def combine_with_number(self, heads: Iterable[str], operands: Iterable[int], exact: int) -> range:
        """Add each operation of an exact number and each atom, the number first; returns the indices of the new atoms."""
        start, indices = len(self), list(operands)
        for head in heads:
            for block in self._blocks(indices):
                values = OPERATIONS[head].values(torch.tensor(float(exact), dtype=torch.float64), self.values[block])
                self._add([head] * len(block), [(("n", exact), index) for index in block], values)
        return range(start, len(self))

    def _blocks(self, indices: Sequence[int]) -> Iterator[Any]:
        """Yield blocks of `_BLOCK` indices as long as there are fewer than `most` atoms: nothing is computed that isn't kept."""
        for start in range(0, len(indices), _BLOCK):
            if len(self) >= self.most:
                return
            yield indices[start : start + _BLOCK]

    def _may_stand(self, outer: str, inner: str) -> bool:
        """Whether one operation may be applied to another one: not where that says nothing or is rare.

        Periodic and saturating functions aren't applied to each other.
        """
        return (outer, inner) not in _INVERSE and not (outer in _WAVES and inner in _WAVES)

    def _add(self, heads: list[str], operands: list[tuple[Any, ...]], values: Tensor) -> range:
        """Add atoms that have usable values and whose values are new, as long as there is room.

        Args:
            heads: The operation of each, or `leaf`.
            operands: Of each: indices of atoms, and trees of exact numbers; of a leaf its tree.
            values: `(atoms, rows)`.

        Returns:
            The indices of the new atoms.
        """
        look_at_the_clock()
        start = len(self)
        room = self.most - start
        if room <= 0 or not len(values):
            return range(start, start)
        sizes = values.abs().amax(1)
        spread = values.amax(1) - values.amin(1)
        # Atoms that are constant but for round-off, very large or very small are of no use in a sum.
        usable = (sizes < _LARGEST) & (spread > 1e-9 * sizes) & (sizes > 1 / _LARGEST)
        rows = []
        for row, key in zip(usable.nonzero()[:, 0].tolist(), self._key(values[usable]), strict=True):
            if key not in self._keys:
                self._keys.add(key)
                rows.append(row)
                if len(rows) == room:
                    break
        while start + len(rows) > len(self._buffer):
            self._buffer = torch.cat([self._buffer, torch.empty_like(self._buffer)])
        self._buffer[start : start + len(rows)] = values[rows]
        self._heads += [heads[row] for row in rows]
        self._operands += [operands[row] for row in rows]
        self._sizes += [self._size(heads[row], operands[row]) for row in rows]
        return range(start, len(self))

    def _size(self, head: str, operands: tuple[Any, ...]) -> float:
        """The complexity of an atom: that of its operation and of its operands; of these an exact number counts 1."""
        if head == "leaf":
            return complexity(operands[0])
        return OPERATIONS[head].complexity + sum(self._sizes[o] if isinstance(o, int) else 1.0 for o in operands)

    def _key(self, values: Tensor) -> list[tuple[int, int]]:
        """Keys that are equal where values, `(atoms, rows)`, are, up to their sign and round-off.

        `_probes` has random weights of two sums. The first number is the size of one, nine digits and the exponent above them; the second
        is that of the other sum over it.
        """
        sums = values @ self._probes
        size = sums[:, :1].abs().clamp(min=1e-300)
        exponent = torch.floor(torch.log10(size))
        scaled = sums.abs() / 10**exponent
        first = (scaled[:, 0] * 1e9).round().long() + exponent[:, 0].long() * 10**12
        second = (sums[:, 1] / sums[:, 0] * 1e9).clamp(-1e17, 1e17).round().long()
        return list(zip(first.tolist(), second.tolist(), strict=True))
