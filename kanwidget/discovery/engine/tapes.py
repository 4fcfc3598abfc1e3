"""Trees as lists of operations: values and derivatives by the constants, of many sets of constants at once.

What holds no constant is computed once for all sets of constants. Derivatives run backwards: a constant stands in one place of a
tree, so one pass from the root gives the derivatives by all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from kanwidget.discovery.engine.trees import OPERATIONS, Operation, Tree

#: An operation with the places of its value and its operands.
_Entry = tuple[int, Operation, tuple[int, ...]]


class Tape:
    """A tree as a list of operations, operands first.

    Args:
        tree: The tree. `("c", …)` is a constant of its own; the number in it is not used.

    Examples:
        >>> tape = Tape(("mul", ("c", 1.0), ("sq", ("x", 0))))
        >>> values = tape.values(tape.fixed([torch.tensor([1.0, 3.0])]), [torch.tensor([[2.0], [4.0]])])
        >>> values[-1]
        tensor([[ 2., 18.],
                [ 4., 36.]])
        >>> tape.derivatives(values)
        [tensor([1., 9.])]
    """

    def __init__(self, tree: Tree) -> None:
        self._leaves: list[tuple[int, Tree]] = []
        self._constants: list[int] = []
        self._moves: list[bool] = []
        self._still: list[_Entry] = []
        self._moving: list[_Entry] = []
        self._append(tree)

    @property
    def constants(self) -> int:
        """Number of constants."""
        return len(self._constants)

    def fixed(self, columns: Sequence[Tensor]) -> list[Tensor | None]:
        """Values of the nodes that hold no constant; None for the other ones."""
        results: list[Any] = [None] * len(self._moves)
        for index, leaf in self._leaves:
            results[index] = columns[leaf[1]] if leaf[0] == "x" else torch.tensor(float(leaf[1]), dtype=columns[0].dtype)
        for index, operation, operands in self._still:
            results[index] = operation.values(*(results[operand] for operand in operands))
        return results

    def values(self, fixed: Sequence[Tensor | None], constants: Sequence[Tensor]) -> list[Any]:
        """Values of all nodes, the tree itself last.

        Args:
            fixed: What `fixed` returned.
            constants: Each `(sets, 1)` or a single number, in the order of the tree's nodes.
        """
        results: list[Any] = list(fixed)
        for index, constant in zip(self._constants, constants, strict=True):
            results[index] = constant
        for index, operation, operands in self._moving:
            if len(operands) == 1:
                results[index] = operation.values(results[operands[0]])
            else:
                results[index] = operation.values(results[operands[0]], results[operands[1]])
        return results

    def derivatives(self, values: Sequence[Any]) -> list[Any]:
        """The tree's derivative by each constant: tensors that broadcast to `(sets, rows)`, or floats."""
        upstream: list[Any] = [None] * len(self._moves)
        upstream[-1] = 1.0
        for index, operation, operands in reversed(self._moving):
            partials = operation.derivatives(*(values[operand] for operand in operands), values[index])
            outer = upstream[index]
            for operand, partial in zip(operands, partials, strict=True):
                if self._moves[operand]:
                    upstream[operand] = _product(outer, partial)
        return [upstream[index] for index in self._constants]

    def _append(self, node: Tree) -> int:
        operands = tuple(self._append(operand) for operand in node[1:]) if node[0] in OPERATIONS else ()
        index = len(self._moves)
        self._moves.append(node[0] == "c" or any(self._moves[operand] for operand in operands))
        if node[0] == "c":
            self._constants.append(index)
        elif not operands:
            self._leaves.append((index, node))
        else:
            entries = self._moving if self._moves[index] else self._still
            entries.append((index, OPERATIONS[node[0]], operands))
        return index


def _product(a: Any, b: Any) -> Any:
    if isinstance(a, float):
        return b if a == 1.0 else a * b
    return a if isinstance(b, float) and b == 1.0 else a * b
