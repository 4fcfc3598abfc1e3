"""Trees as lists of operations: values and derivatives by the constants, of many sets of constants at once.

Where a tree is linear in some of its constants jointly, these are its *factors*: `a` and `b` of `(a + b·x)·exp(c·x)`. The other ones
are *inner* constants. What holds no constant is computed once for all sets. Derivatives run backwards: a constant stands in one place
of a tree, so one pass from the root gives the derivatives by all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from kanwidget.discovery.engine.trees import OPERATIONS, Operation, Tree, constant, with_leaves

#: An operation with the places of its value and its operands.
_Entry = tuple[int, Operation, tuple[int, ...]]

_ZERO = torch.zeros((), dtype=torch.float64)


def linear_places(tree: Tree) -> list[Tree]:
    """The constants of a tree that are its factors, in all of which together it is linear: the same objects as in it, found with `is`.

    Where two operands of a product hold factors, those of one operand count as inner constants.
    """
    head = tree[0]
    if head == "c":
        return [tree]
    if head in ("neg", "div"):
        return linear_places(tree[1])
    if head in ("add", "sub"):
        return linear_places(tree[1]) + linear_places(tree[2])
    if head == "mul":
        return max(linear_places(tree[1]), linear_places(tree[2]), key=len)
    return []


class Tape:
    """A tree as a list of operations, operands first.

    Args:
        tree: The tree. `("c", …)` is a constant of its own; the number in it is not used.

    Examples:
        >>> tape = Tape(("mul", ("c", 1.0), ("exp", ("mul", ("c", 1.0), ("x", 0)))))
        >>> tape.factors, tape.inner
        ([0], [1])
        >>> x = torch.tensor([0.0, 1.0], dtype=torch.float64)
        >>> values = tape.values(tape.fixed([x]), [torch.tensor([[0.0], [1.0]])])
        >>> tape.terms(values)[0]
        tensor([[1.0000, 1.0000],
                [1.0000, 2.7183]], dtype=torch.float64)
        >>> tape.slopes(tape.with_factors(values, [torch.tensor([[3.0], [3.0]])]))[0]
        tensor([[0.0000, 3.0000],
                [0.0000, 8.1548]], dtype=torch.float64)
    """

    def __init__(self, tree: Tree) -> None:
        """Take a tree apart into operations, operands first, and sort its constants into factors and inner ones.

        The tree is linear in its factors jointly; the other constants are inner ones.
        """
        # Each constant is an object of its own: equal ones must be told apart by `id`.
        tree = with_leaves(tree, lambda leaf: constant(leaf[1] + 0.0) if leaf[0] == "c" else leaf)
        self._factor_ids = {id(node) for node in linear_places(tree)}  # the factors
        # Of each node, operands first: whether it, or a node below it, is any constant, a factor, an inner constant.
        self._holds_constant: list[bool] = []
        self._holds_factor: list[bool] = []
        self._holds_inner: list[bool] = []
        # Columns and numbers, with the places of their nodes; places of the constants; operations that hold no constant, and those that do.
        self._leaves: list[tuple[int, Tree]] = []
        self._constant_places: list[int] = []
        self._without_constants: list[_Entry] = []
        self._with_constants: list[_Entry] = []
        self._append(tree)
        self.factors = [order for order, index in enumerate(self._constant_places) if self._holds_factor[index]]
        """Of the constants in the order of the tree's nodes: those that are factors."""
        self.inner = [order for order, index in enumerate(self._constant_places) if not self._holds_factor[index]]
        # Operations to carry out again when factors change, and those that derivatives by inner constants come through.
        self._above_factors = [entry for entry in self._with_constants if self._holds_factor[entry[0]]]
        self._above_inner = [entry for entry in self._with_constants if self._holds_inner[entry[0]]]

    def fixed(self, columns: Sequence[Tensor] | Tensor) -> list[Tensor | None]:
        """Values on the rows of the tree's nodes that hold no constant; None for the other ones, in the order of the nodes.

        They are computed once for all constants. `columns` has a tensor for each column.
        """
        results: list[Any] = [None] * len(self._holds_constant)  # one for each node
        for index, leaf in self._leaves:
            results[index] = (
                columns[leaf[1]] if leaf[0] == "x" else torch.tensor(float(leaf[1]), dtype=columns[0].dtype)
            )
        return _run(self._without_constants, results)

    def values(self, fixed: Sequence[Tensor | None], inner: Iterable[Tensor]) -> list[Any]:
        """Values of all nodes of the tree where the factors, in which it is linear, are 0; the tree itself comes last.

        Args:
            fixed: What `fixed` returned: values of the nodes without constants.
            inner: The values of each inner constant, one that is no factor, as `(sets, 1)` or a single number.
        """
        results: list[Any] = list(fixed)
        for order in self.factors:
            results[self._constant_places[order]] = _ZERO
        for order, value in zip(self.inner, inner, strict=True):
            results[self._constant_places[order]] = value
        return _run(self._with_constants, results)

    def with_factors(self, values: list[Any], factors: Iterable[Tensor]) -> list[Any]:
        """Values of all nodes, as of `values`, with other factors, the constants that the tree is linear in; `values` is changed in place.

        Only the operations above the factors are done again.
        """
        for order, factor in zip(self.factors, factors, strict=True):
            values[self._constant_places[order]] = factor
        return _run(self._above_factors, values)

    def terms(self, values: Sequence[Any]) -> list[Any]:
        """What each factor multiplies in the tree, of the values of all nodes: tensors that broadcast to `(sets, rows)`, or floats."""
        return self._derivatives(values, self._above_factors, self.factors)

    def slopes(self, values: Sequence[Any]) -> list[Any]:
        """The tree's derivative by each inner constant, of the values of all nodes: tensors that broadcast to `(sets, rows)`, or floats.

        Inner constants are those that the tree isn't linear in.
        """
        return self._derivatives(values, self._above_inner, self.inner)

    def _derivatives(self, values: Sequence[Any], entries: Sequence[_Entry], orders: Sequence[int]) -> list[Any]:
        """The derivatives of the tree by some of its constants, from the root down.

        Args:
            values: Of all nodes.
            entries: The operations between these constants and the root, operands first.
            orders: The constants, in the order of the tree's nodes.
        """
        upstream: list[Any] = [None] * len(self._holds_constant)  # of each node the tree's derivative by it
        upstream[-1] = 1.0
        for index, operation, operands in reversed(entries):
            partials = operation.derivatives(*(values[operand] for operand in operands), values[index])
            outer = upstream[index]
            for operand, partial in zip(operands, partials, strict=True):
                if self._holds_constant[operand]:  # what holds no constant needs no derivative
                    upstream[operand] = _product(outer, partial)
        return [upstream[self._constant_places[order]] for order in orders]

    def _append(self, node: Tree) -> int:
        """Add a node of the tree after its operands; returns its place in the list of values.

        It is noted whether the node holds any constant, a factor (one that the tree is linear in, its `id` in `_factor_ids`), or an inner
        one, any other. Lists of entries have the operations: the node's place, what it does, and the places of its operands.
        """
        operands = tuple(self._append(operand) for operand in node[1:]) if node[0] in OPERATIONS else ()
        index = len(self._holds_constant)
        self._holds_constant.append(node[0] == "c" or any(self._holds_constant[operand] for operand in operands))
        self._holds_factor.append(
            id(node) in self._factor_ids or any(self._holds_factor[operand] for operand in operands)
        )
        own = node[0] == "c" and not self._holds_factor[index]
        self._holds_inner.append(own or any(self._holds_inner[operand] for operand in operands))
        if node[0] == "c":
            self._constant_places.append(index)
        elif not operands:
            self._leaves.append((index, node))
        else:
            entries = self._with_constants if self._holds_constant[index] else self._without_constants
            entries.append((index, OPERATIONS[node[0]], operands))
        return index


def _run(entries: Sequence[_Entry], results: list[Any]) -> list[Any]:
    """Carry out operations of one or two operands in turn, on values in `results`, where their own values are put, too."""
    for index, operation, operands in entries:
        if len(operands) == 1:
            results[index] = operation.values(results[operands[0]])
        else:
            results[index] = operation.values(results[operands[0]], results[operands[1]])
    return results


def _product(a: Any, b: Any) -> Any:
    """The product of tensors or floats; what is multiplied by the float 1 is returned as it is, which saves time."""
    if isinstance(a, float):
        return b if a == 1.0 else a * b
    return a if isinstance(b, float) and b == 1.0 else a * b
