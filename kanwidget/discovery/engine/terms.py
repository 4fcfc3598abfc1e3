"""A tree as a sum of terms with factors: which of its constants are linear, so that a fit finds them without a search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kanwidget.discovery.engine.trees import OPERATIONS, Tree, nodes, number


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a sum: `factor · tree`."""

    tree: Tree
    factor: int | None
    """The constant that multiplies the term; None where nothing does."""
    inner: tuple[int, ...]
    """The constants inside the term, in the order of `nodes`."""


def terms_of(tree: Tree) -> list[Term]:
    """The terms of a tree, their constants numbered in the order of `nodes`.

    Examples:
        >>> for term in terms_of(("sub", ("c", 1.0), ("mul", ("c", 2.0), ("exp", ("mul", ("c", 3.0), ("x", 0)))))):
        ...     print(term)
        Term(tree=('n', 1), factor=0, inner=())
        Term(tree=('neg', ('exp', ('mul', ('c', 2), ('x', 0)))), factor=1, inner=(2,))
    """
    return list(_terms(_numbered(tree), negative=False))


def _numbered(tree: Tree) -> Tree:
    """The tree with the index of each constant in the place of its value."""
    indices = iter(range(sum(node[0] == "c" for node in nodes(tree))))

    def visit(node: Tree) -> Tree:
        if node[0] == "c":
            return ("c", next(indices))
        return (node[0], *map(visit, node[1:])) if node[0] in OPERATIONS else node

    return visit(tree)


def _terms(tree: Tree, negative: bool) -> Iterator[Term]:
    if tree[0] == "neg":
        yield from _terms(tree[1], not negative)
    elif tree[0] in ("add", "sub"):
        yield from _terms(tree[1], negative)
        yield from _terms(tree[2], negative != (tree[0] == "sub"))
    else:
        factor, remainder = _factor(tree)
        inner = tuple(node[1] for node in nodes(remainder) if node[0] == "c")
        yield Term(("neg", remainder) if negative else remainder, factor, inner)


def _factor(tree: Tree) -> tuple[int | None, Tree]:
    """The constant that multiplies a product, and the product without it."""
    if tree[0] == "c":
        return tree[1], number(1)
    if tree[0] not in ("mul", "div", "neg"):
        return None, tree
    for place in (1, 2) if tree[0] == "mul" else (1,):
        factor, remainder = _factor(tree[place])
        if factor is not None:
            if tree[0] == "mul" and remainder == number(1):
                return factor, tree[3 - place]
            return factor, (*tree[:place], remainder, *tree[place + 1 :])
    return None, tree
