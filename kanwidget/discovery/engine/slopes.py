"""The value of every node of a tree, and the derivative of the tree by it: what a small change at a node does to the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kanwidget.discovery.engine.trees import OPERATIONS, Tree

Path = tuple[int, ...]


class NodeSlope(NamedTuple):
    """A node of a tree on rows."""

    path: Path
    """Which operand, from the root on."""
    tree: Tree
    value: Tensor
    slope: Tensor
    """Derivative of the root by this node."""


def node_slopes(tree: Tree, columns: Sequence[Tensor]) -> list[NodeSlope]:
    """All nodes, the root first.

    Examples:
        >>> nodes = node_slopes(("mul", ("c", 3.0), ("sq", ("x", 0))), [torch.tensor([2.0])])
        >>> [(node.path, float(node.value), float(node.slope)) for node in nodes]
        [((), 12.0, 1.0), ((1,), 3.0, 4.0), ((2,), 4.0, 3.0), ((2, 1), 2.0, 12.0)]
    """
    like = columns[0]
    result: list[NodeSlope] = []

    def evaluate(node: Tree) -> tuple[Tensor, list[Any]]:
        """The value of a node, and the same pair for each of its operands."""
        if node[0] == "x":
            return columns[node[1]], []
        if node[0] in ("c", "n"):
            return torch.full_like(like, float(node[1])), []
        parts = [evaluate(operand) for operand in node[1:]]
        return OPERATIONS[node[0]].values(*(part[0] for part in parts)), parts

    def walk(node: Tree, value: Tensor, parts: list[Any], slope: Tensor, path: Path) -> None:
        """Append a node and all nodes below it.

        Args:
            node: The node.
            value: Its value, `(rows,)`.
            parts: The pairs of `evaluate` for its operands.
            slope: The derivative of the tree by the node, `(rows,)`.
            path: Of the node.
        """
        result.append(NodeSlope(path, node, value, slope))
        if not parts:
            return
        partial = OPERATIONS[node[0]].derivatives(*(part[0] for part in parts), value)
        for index, (operand, part, derivative) in enumerate(zip(node[1:], parts, partial, strict=True), 1):
            walk(operand, part[0], part[1], slope * derivative, (*path, index))

    value, parts = evaluate(tree)
    walk(tree, value, parts, torch.ones_like(like), ())
    return result


def replaced(tree: Tree, path: Path, node: Tree) -> Tree:
    """The tree with another node at a path.

    Examples:
        >>> replaced(("add", ("x", 0), ("x", 1)), (2,), ("c", 1.0))
        ('add', ('x', 0), ('c', 1.0))
    """
    if not path:
        return node
    index = path[0]
    return (*tree[:index], replaced(tree[index], path[1:], node), *tree[index + 1 :])
