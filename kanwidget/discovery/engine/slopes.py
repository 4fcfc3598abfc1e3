"""Nodes of a tree and where they stand; the value of each on rows, and the derivative of the tree by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kanwidget.discovery.engine.trees import OPERATIONS, Tree

#: Which operand, from the root on.
Path = tuple[int, ...]


class NodeSlope(NamedTuple):
    """A node of a tree on rows."""

    tree: Tree
    value: Tensor
    slope: Tensor
    """Derivative of the root by this node."""


def node_slopes(tree: Tree, columns: Sequence[Tensor]) -> list[NodeSlope]:
    """All nodes with their values and the tree's derivatives by them, the root first.

    Values come from the leaves up, derivatives from the root down, by the chain rule: one pass each for all nodes.

    Args:
        tree: The tree.
        columns: A tensor for each column, `(rows,)`; values and derivatives have this shape, too.

    Examples:
        >>> nodes = node_slopes(("mul", ("c", 3.0), ("sq", ("x", 0))), [torch.tensor([2.0])])
        >>> [(node.tree[0], float(node.value), float(node.slope)) for node in nodes]
        [('mul', 12.0, 1.0), ('c', 3.0, 4.0), ('sq', 4.0, 3.0), ('x', 2.0, 12.0)]
    """
    nodes = list(places(tree))
    results: dict[Path, Tensor] = {}
    for path, node in reversed(nodes):
        if node[0] == "x":
            results[path] = columns[node[1]]
        elif node[0] in OPERATIONS:
            results[path] = OPERATIONS[node[0]].values(*(results[operand] for operand in _below(path, node)))
        else:
            results[path] = torch.full_like(columns[0], float(node[1]))
    slopes: dict[Path, Any] = {(): torch.ones_like(columns[0])}
    for path, node in nodes:
        if node[0] in OPERATIONS:
            below = _below(path, node)
            derivatives = OPERATIONS[node[0]].derivatives(*(results[operand] for operand in below), results[path])
            for operand, derivative in zip(below, derivatives, strict=True):
                slopes[operand] = slopes[path] * derivative
    return [NodeSlope(node, results[path], slopes[path]) for path, node in nodes]


def _below(path: Path, node: Tree) -> list[Path]:
    """The paths of a node's operands, from the root of a tree: the node's path and the operand's place after the head, counted from 1."""
    return [(*path, index) for index in range(1, len(node))]


def places(tree: Tree, path: Path = ()) -> Iterator[tuple[Path, Tree]]:
    """All nodes with their paths, a node before its operands; `path` is that of the tree itself.

    A path says, from the root on, which operand to take, counted from 1: the place in the node's tuple after the head.
    """
    yield path, tree
    if tree[0] in OPERATIONS:
        for operand, below in zip(tree[1:], _below(path, tree), strict=True):
            yield from places(operand, below)


def replaced(tree: Tree, path: Path, node: Tree) -> Tree:
    """The tree with another node at a path, which says from the root on which operand to take, counted from 1.

    Examples:
        >>> replaced(("add", ("x", 0), ("x", 1)), (2,), ("c", 1.0))
        ('add', ('x', 0), ('c', 1.0))
    """
    if not path:
        return node
    index = path[0]
    return (*tree[:index], replaced(tree[index], path[1:], node), *tree[index + 1 :])
