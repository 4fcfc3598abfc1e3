"""Products in which powers of columns cancel: what the formula of a smaller table is in the columns of the larger one.

A formula that isn't in its shortest writing loses to one that is; in a search there is no time for a general simplification.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator

from kanwidget.discovery.engine.assembly import power
from kanwidget.discovery.engine.trees import OPERATIONS, Tree, complexity, number, product

#: Operations that are whole powers.
_POWERS = {"inv": -1, "sq": 2, "cube": 3}
_MINUS: Tree = ("n", -1)

#: Exponents of columns, by index.
_Monomial = Counter[int]
#: Trees and their exponents.
_Others = list[tuple[Tree, int]]


@functools.lru_cache(maxsize=20_000)
def cancelled(tree: Tree) -> Tree:
    """The same formula with the powers of columns in each product collected, and taken into a sum where that is shorter.

    Examples:
        >>> ratio = ("div", ("x", 0), ("x", 1))
        >>> cancelled(("mul", ("x", 1), ("div", ("sub", ratio, ("n", 1)), ("log", ratio))))
        ('div', ('sub', ('x', 0), ('x', 1)), ('log', ('div', ('x', 0), ('x', 1))))
        >>> cancelled(("mul", ("x", 1), ("div", ratio, ("exp", ratio))))
        ('div', ('x', 0), ('exp', ('div', ('x', 0), ('x', 1))))
    """
    if tree[0] not in OPERATIONS:
        return tree
    monomial: _Monomial = Counter()  # exponents of the columns that are factors of the tree
    others: _Others = []  # its other factors, with their exponents
    if tree[0] in ("mul", "div", "neg", *_POWERS):
        _collect(tree, 1, monomial, others)
        others = _signed(others)
    else:
        others.append(((tree[0], *map(cancelled, tree[1:])), 1))
    return min((*(_written(*choice) for choice in _choices(monomial, others)), tree), key=complexity)


def _collect(tree: Tree, exponent: int, monomial: _Monomial, others: _Others) -> None:
    """Add the factors of a tree to those of a product.

    Args:
        tree: The tree.
        exponent: That the tree has in the product.
        monomial: Exponents of the columns so far; changed in place.
        others: The other factors so far, -1 among them, with their exponents; changed in place.
    """
    head = tree[0]
    if head == "x":
        monomial[tree[1]] += exponent
    elif head in ("mul", "div"):
        _collect(tree[1], exponent, monomial, others)
        _collect(tree[2], exponent if head == "mul" else -exponent, monomial, others)
    elif head in _POWERS:
        _collect(tree[1], exponent * _POWERS[head], monomial, others)
    elif head == "neg":
        _collect(tree[1], exponent, monomial, others)
        if exponent % 2:
            others.append((_MINUS, 1))
    elif tree != number(1):
        others.append((cancelled(tree), exponent))


def _signed(others: _Others) -> _Others:
    """The factors, trees with their exponents, with their signs put together: at most one factor of -1 remains.

    An even number of factors -1 goes. The sign of an odd number goes into a constant, or turns a difference round; where there is
    neither, one factor of -1 comes first.
    """
    rest = [other for other in others if other[0] != _MINUS]
    if sum(exponent for tree, exponent in others if tree == _MINUS) % 2 == 0:
        return rest
    for place, (tree, exponent) in enumerate(rest):
        if exponent % 2 and tree[0] in ("c", "n", "sub"):
            turned = ("sub", tree[2], tree[1]) if tree[0] == "sub" else (tree[0], -tree[1])
            return [*rest[:place], (turned, exponent), *rest[place + 1 :]]
    return [(_MINUS, 1), *rest]


def _choices(monomial: _Monomial, others: _Others) -> Iterator[tuple[_Monomial, _Others]]:
    """A product as it is, and other writings of it, in which powers of columns are multiplied into one of its sums.

    A product is powers of columns, by index (`monomial`), and other factors with their exponents. Those multiplied in are the powers beside
    the sum, x·(1/x + y) = 1 + x·y, or those that clear its denominators, y/x + 1 = (y + x)/x.
    """
    yield monomial, others
    for place, (part, exponent) in enumerate(others):
        if part[0] in ("add", "sub") and abs(exponent) == 1:
            for factor in (_times(monomial, exponent), _times(_denominators(part), -1)):
                if any(factor.values()) and not _adds_denominators(part, factor):
                    # What the sum is multiplied by, the powers beside it are divided by; where the sum divides, the other way round.
                    rest = Counter(monomial)
                    rest.subtract(_times(factor, exponent))
                    yield rest, [*others[:place], (_multiplied(part, factor), exponent), *others[place + 1 :]]


def _times(monomial: _Monomial, exponent: int) -> _Monomial:
    """A product of powers of columns, raised to an exponent: each column's exponent is multiplied by it."""
    return Counter({index: exponent * own for index, own in monomial.items()})


def _denominators(sum_: Tree) -> _Monomial:
    """The lowest exponent of each column in a sum's terms; 0 for columns that divide no term."""
    lowest: _Monomial = Counter()
    for term in _terms(sum_):
        for index, exponent in _exponents(term).items():
            lowest[index] = min(lowest[index], exponent)
    return lowest


def _adds_denominators(sum_: Tree, factor: _Monomial) -> bool:
    """Whether a sum, multiplied by a factor, has a term that is divided by a column, or by a higher power of it, and wasn't before.

    Where the column is 0 such a formula could not be fitted. `factor` has the exponents of the columns.
    """
    return any(
        exponent < 0 and own[index] + exponent < min(own[index], 0)
        for own in map(_exponents, _terms(sum_))
        for index, exponent in factor.items()
    )


def _exponents(term: Tree) -> _Monomial:
    """The exponents of the columns in a product, by the columns' indices; its other factors are passed over."""
    monomial: _Monomial = Counter()
    _collect(term, 1, monomial, [])
    return monomial


def _terms(tree: Tree) -> list[Tree]:
    """The terms of sums and differences, without their signs: only their columns' exponents are asked for."""
    return [*_terms(tree[1]), *_terms(tree[2])] if tree[0] in ("add", "sub") else [tree]


def _multiplied(tree: Tree, factor: _Monomial) -> Tree:
    """A sum whose terms are multiplied by powers of columns; `factor` has their exponents."""
    if tree[0] in ("add", "sub"):
        return (tree[0], _multiplied(tree[1], factor), _multiplied(tree[2], factor))
    # A single term: its columns' exponents are added to those of the factor, its other factors are collected in `others`.
    monomial = Counter(factor)
    others: _Others = []
    _collect(tree, 1, monomial, others)
    return _written(monomial, _signed(others))


def _written(monomial: _Monomial, others: _Others) -> Tree:
    """The tree of a product, a quotient where there are exponents below 0: constants first, then columns, then the rest.

    Args:
        monomial: Exponents of the columns, by index.
        others: The other factors, with their exponents. A factor -1 in front becomes a minus.
    """
    parts = sorted(others, key=lambda other: other[0][0] not in ("c", "n"))
    count = sum(tree[0] in ("c", "n") for tree, _ in parts)
    columns: _Others = [(("x", index), exponent) for index, exponent in sorted(monomial.items())]
    parts = [*parts[:count], *columns, *parts[count:]]
    if len(parts) > 1 and parts[0] == (_MINUS, 1):
        return ("neg", _written(monomial, [other for other in others if other[0] != _MINUS]))
    above = [power(tree, exponent) for tree, exponent in parts if exponent > 0]
    below = [power(tree, -exponent) for tree, exponent in parts if exponent < 0]
    if not below:
        return product(above)
    return ("div", product(above), product(below)) if above else ("inv", product(below))
