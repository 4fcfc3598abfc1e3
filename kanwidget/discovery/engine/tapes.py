"""Trees as lists of operations: values and derivatives by the constants, of many sets of constants at once.

What holds no constant is computed once for all sets of constants. Derivatives run backwards: a constant stands in one place of a
tree, so one pass from the root gives the derivatives by all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from kanwidget.discovery.engine.trees import OPERATIONS, Tree


class Tape:
    """A tree as a list of operations, operands first.

    Args:
        tree: The tree. `("c", …)` is a constant of its own; the number in it is not used.

    Examples:
        >>> tape = Tape(("mul", ("c", 1.0), ("sq", ("x", 0))))
        >>> tape.constants
        1
        >>> values = tape.values(tape.fixed([torch.tensor([1.0, 3.0])]), torch.tensor([[2.0], [4.0]]))
        >>> values[-1]
        tensor([[ 2., 18.],
                [ 4., 36.]])
        >>> tape.derivatives(values)
        [tensor([1., 9.])]
    """

    def __init__(self, tree: Tree) -> None:
        self._heads: list[str] = []
        self._operands: list[tuple[int, ...]] = []
        self._leaves: list[Any] = []
        self._moves: list[bool] = []
        self.constants = 0
        self._append(tree)

    @property
    def moves(self) -> bool:
        """Whether the tree holds a constant."""
        return self._moves[-1]

    def fixed(self, columns: Sequence[Tensor]) -> list[Tensor | None]:
        """Values of the nodes that hold no constant; None for the other ones."""
        results: list[Tensor | None] = []
        for head, operands, leaf, moves in zip(self._heads, self._operands, self._leaves, self._moves, strict=True):
            if moves:
                results.append(None)
            elif head == "x":
                results.append(columns[leaf])
            elif head == "n":
                results.append(torch.tensor(float(leaf), dtype=columns[0].dtype))
            else:
                results.append(OPERATIONS[head].values(*(results[index] for index in operands)))
        return results

    def values(self, fixed: Sequence[Tensor | None], constants: Tensor) -> list[Tensor]:
        """Values of all nodes, the tree itself last.

        Args:
            fixed: What `fixed` returned.
            constants: `(sets, constants)`, in the order of the tree's nodes.
        """
        results: list[Any] = list(fixed)
        for index, head in enumerate(self._heads):
            if head == "c":
                leaf = self._leaves[index]
                results[index] = constants[:, leaf : leaf + 1]
            elif self._moves[index]:
                results[index] = OPERATIONS[head].values(*(results[operand] for operand in self._operands[index]))
        return results

    def derivatives(self, values: Sequence[Tensor]) -> list[Any]:
        """The tree's derivative by each constant: tensors that broadcast to `(sets, rows)`, or floats."""
        slopes: list[Any] = [None] * self.constants
        upstream: list[Any] = [None] * len(self._heads)
        upstream[-1] = 1.0
        for index in reversed(range(len(self._heads))):
            if not self._moves[index]:
                continue
            if self._heads[index] == "c":
                slopes[self._leaves[index]] = upstream[index]
                continue
            operands = self._operands[index]
            partials = OPERATIONS[self._heads[index]].derivatives(*(values[operand] for operand in operands), values[index])
            for operand, partial in zip(operands, partials, strict=True):
                if self._moves[operand]:
                    upstream[operand] = _product(upstream[index], partial)
        return slopes

    def _append(self, node: Tree) -> int:
        operands = tuple(self._append(operand) for operand in node[1:]) if node[0] in OPERATIONS else ()
        leaf = None if operands else node[1]
        if node[0] == "c":
            leaf = self.constants
            self.constants += 1
        self._heads.append(node[0])
        self._operands.append(operands)
        self._leaves.append(leaf)
        self._moves.append(node[0] == "c" or any(self._moves[operand] for operand in operands))
        return len(self._heads) - 1


def _product(a: Any, b: Any) -> Any:
    if isinstance(a, float):
        return b if a == 1.0 else a * b
    return a if isinstance(b, float) and b == 1.0 else a * b
