"""Simpler neighbours of a formula: a term less, an exponent that is a simple number."""

from __future__ import annotations

from collections.abc import Iterator

from kanwidget.discovery.engine.curves.curve import Curve, Rows
from kanwidget.discovery.engine.curves.grammar import power
from kanwidget.discovery.engine.trees import OPERATIONS, Tree

#: Exponents nearer to a half or whole number than this are tried as that number.
_NEAR = 0.06


def reduced(curve: Curve, rows: Rows) -> Curve:
    """The formula after all changes that make its description shorter."""
    improved = True
    while improved:
        improved = False
        for tree in reductions(curve.tree):
            candidate = rows.fit(tree)
            if candidate.bits < curve.bits:
                curve, improved = candidate, True
                break
    return curve


def reductions(tree: Tree) -> Iterator[Tree]:
    """Trees with one term less or a simpler exponent.

    Examples:
        >>> for tree in reductions(("add", ("c", 1.0), ("pow", ("x", 0), ("c", 1.99)))):
        ...     print(tree)
        ('pow', ('x', 0), ('c', 1.99))
        ('c', 1.0)
        ('add', ('c', 1.0), ('sq', ('x', 0)))
    """
    head = tree[0]
    if head == "add":
        yield from (tree[2], tree[1])
    elif head == "sub":
        yield tree[1]
    elif head == "pow" and tree[2][0] == "c":
        near = round(2 * tree[2][1]) / 2
        if near and abs(tree[2][1] - near) < _NEAR:
            yield power(tree[1], near)
    elif head == "mul" and tree[1][0] != "c" and tree[2][0] != "c":
        yield from (tree[1], tree[2])
    for place in range(1, len(tree) if head in OPERATIONS else 0):
        for operand in reductions(tree[place]):
            yield (*tree[:place], operand, *tree[place + 1 :])
