"""Simpler neighbours of a formula: a term less, an exponent, a constant or a ratio of factors that is a simple number."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from kanwidget.discovery.engine.curves.curve import Curve, CurveRows
from kanwidget.discovery.engine.curves.grammar import power
from kanwidget.discovery.engine.trees import OPERATIONS, Tree, constant, number

#: Exponents nearer to a half or whole number than this are tried as that number.
_NEAR = 0.06
#: The same for constants near 1 and for whole ratios of factors, as a part of them; larger ratios say nothing by being whole.
_PART, _LARGEST = 0.15, 12


def reduced(curve: Curve, rows: CurveRows) -> Curve:
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


def reductions(tree: Tree, linear: bool = True) -> Iterator[Tree]:
    """Trees with one term less, a simpler exponent, 1 in the place of a constant, or whole ratios of factors.

    Args:
        tree: The tree.
        linear: Whether the tree stands in a sum that is the whole: factors in it are measured in units of the target, where 1 says nothing.

    Examples:
        >>> for tree in reductions(("add", ("c", 1.0), ("pow", ("x", 0), ("c", 1.99)))):
        ...     print(tree)
        ('pow', ('x', 0), ('c', 1.99))
        ('c', 1.0)
        ('add', ('c', 1.0), ('sq', ('x', 0)))
        >>> [*reductions(("add", ("c", 3.01), ("mul", ("c", -2.98), ("x", 0))))][2]
        ('mul', ('c', 3.01), ('sub', ('n', 1), ('x', 0)))
    """
    head = tree[0]
    if head == "add":
        yield from (tree[2], tree[1], *_in_ratio(tree))
    elif head == "c":
        yield from () if linear else map(number, _whole(tree[1], largest=1))
    elif head == "sub":
        yield from (tree[1], ("neg", tree[2]))
    elif head == "pow" and tree[2][0] == "c":
        near = round(2 * tree[2][1]) / 2
        if near and abs(tree[2][1] - near) < _NEAR:
            yield power(tree[1], near)
    elif head == "mul" and tree[1][0] == "c" and not linear:
        yield from (tree[2] if near > 0 else ("neg", tree[2]) for near in _whole(tree[1][1], largest=1))
    elif head == "mul" and tree[1][0] != "c" and tree[2][0] != "c":
        yield from (tree[1], tree[2])
    for place in _operands(tree):
        for operand in reductions(tree[place], linear and head in ("add", "mul")):
            yield (*tree[:place], operand, *tree[place + 1 :])


def _operands(tree: Tree) -> Iterator[int]:
    """Places of the operands in which something may be simpler: not of a factor or an exponent, which the whole has looked at."""
    if tree[0] in OPERATIONS:
        for place in range(1, len(tree)):
            if not (tree[place][0] == "c" and ((tree[0] == "mul" and place == 1) or (tree[0] == "pow" and place == 2))):
                yield place


def _whole(value: float, largest: int) -> list[int]:
    """The whole number near a value, if there is one."""
    if not abs(value) < largest + 1:
        return []
    near = round(value)
    return [near] if 0 < abs(near) <= largest and abs(value - near) <= _PART * abs(near) else []


def _in_ratio(tree: Tree) -> Iterator[Tree]:
    """A sum whose factors have whole ratios, with one factor: `a·f - 0.99·a·g` as `a·(f - g)`."""
    terms = [_factored(term) for term in _terms(tree)]
    if all(factor for factor, _ in terms):
        for base, _ in terms:
            # Beside a constant only 1 says something: what it is measured in is the unit of the target.
            largest = 1 if any(part == number(1) for _, part in terms) else _LARGEST
            ratios = [_whole(factor / base, largest) for factor, _ in terms]
            if all(ratios):
                parts = [(ratio, part) for (ratio,), (_, part) in zip(ratios, terms, strict=True)]
                yield ("mul", constant(base), functools.reduce(_plus, parts, None))


def _terms(tree: Tree) -> list[Tree]:
    return [*_terms(tree[1]), *_terms(tree[2])] if tree[0] == "add" else [tree]


def _factored(term: Tree) -> tuple[float, Tree]:
    """A term's constant factor, 0 where it has none, and the rest."""
    if term[0] == "c":
        return term[1], number(1)
    return (term[1][1], term[2]) if term[0] == "mul" and term[1][0] == "c" else (0.0, term)


def _plus(total: Tree | None, term: tuple[int, Tree]) -> Tree:
    """A sum and a multiple of a tree more."""
    ratio, tree = term
    size = abs(ratio) if total else ratio
    part = number(size) if tree == number(1) else tree if size == 1 else ("mul", number(size), tree)
    return ("add" if ratio > 0 else "sub", total, part) if total else part
