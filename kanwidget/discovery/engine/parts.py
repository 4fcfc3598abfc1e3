"""Formulas that are put together from curves of their parts: of the parts of a separation, or in place of terms of a formula.

Curves are searched for each part by itself, in what the other parts leave of y; the best curves of all parts are put together.
"""

from __future__ import annotations

import heapq
import itertools
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from kanwidget.discovery.engine.curves import Curve, curves
from kanwidget.discovery.engine.separation import Separation, divided
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.trees import (
    Tree,
    columns_of,
    constant,
    constants,
    form_of,
    number,
    product,
    substituted,
    total,
)

#: Steps of the search for the curves of a part, how many are kept, and how many bits longer than the best they may be.
_STEPS, _CURVES, _BITS = 32, 8, 16.0
#: Formulas that are put together, and how many are fitted at a time.
_FORMULAS, _FITS = 48, 12


@dataclass(frozen=True, slots=True)
class Part:
    """A function of one argument that is a part of y."""

    argument: Tensor
    """`(rows,)`."""
    values: Tensor
    """What the other parts leave of y, `(rows,)`."""
    weights: Tensor
    is_constant: bool = False
    """Whether the function is a constant."""


def curves_together(
    table: EngineTable,
    parts: Sequence[Part],
    formulas: Callable[[Sequence[Tree]], Iterator[Tree]],
    text: str,
    *,
    wide: bool = False,
    stages: int | None = None,
) -> Iterator[str]:
    """Search curves (formulas of one variable) for some parts of y, and offer formulas put together from the likeliest of them.

    It yields in words what is tried.

    Args:
        table: Columns and y; its pool takes the formulas.
        parts: Functions of one argument each, by their values on the rows; y is made of them.
        formulas: Makes formulas of y from one tree for each part, in which `("x", 0)` is the part's argument.
        text: What these formulas are, in words.
        wide: Whether simpler curves go on, too, whose description is longer: what is wrong with the other parts is wrong with this one.
        stages: How many families of curves are tried for each part; all by default.
    """
    count = _FORMULAS * (1 + wide)
    # Choices of a curve for each part so far: the bits of these curves together, and their trees.
    likeliest: list[tuple[float, tuple[Tree, ...]]] = [(0.0, ())]
    for part in parts:
        if part.is_constant:  # the weighted mean of its values; it is in all choices alike, so its bits don't count
            level = constant(float((part.weights * part.values).sum() / part.weights.sum()))
            likeliest = [(bits, (*choice, level)) for bits, choice in likeliest]
            continue
        own: list[Curve] = []
        search = curves(part.argument, part.values, part.weights, operations=table.operations, stages=stages)
        for curve in itertools.islice(search, _STEPS):
            if curve is not None:
                own.append(curve)
            else:
                yield f"trying {text}"
        if not own:
            return
        # Part by part: of many parts nobody could go through all choices.
        longer = itertools.product(likeliest, _likely(own, wide))
        sums = ((bits + curve.bits, (*choice, curve.tree)) for (bits, choice), curve in longer)
        likeliest = heapq.nsmallest(count, sums, key=operator.itemgetter(0))
    trees = [tree for _, choice in likeliest for tree in formulas(choice)]
    for start in range(0, len(trees), _FITS):
        table.offer(trees[start : start + _FITS], text, fits=_FITS)
        yield f"trying {text}"


def _bits(curve: Curve) -> float:
    """Bits that it takes to write down a curve and its errors, to sort by: less is likelier."""
    return curve.bits


def _likely(candidates: Sequence[Curve], wide: bool) -> list[Curve]:
    """The curves of a part that go into formulas, the likeliest first, one of each form.

    They are at most `_CURVES`, with descriptions at most `_BITS` bits longer than the shortest. If `wide`, as many more follow: those that
    no likelier one is as simple as. A form is a formula but for the values of its constants.
    """
    # Several starts of a form end in one curve. In the dict the last curve of a form stays, the one with the shortest description.
    ranked = sorted(
        {form_of(curve.tree): curve for curve in sorted(candidates, key=_bits, reverse=True)}.values(), key=_bits
    )
    likely = [curve for curve in ranked[:_CURVES] if curve.bits < ranked[0].bits + _BITS]
    if wide:
        simpler = [c for c in ranked if not any(o.complexity <= c.complexity for o in ranked[: ranked.index(c)])]
        likely += [curve for curve in simpler[:_CURVES] if curve not in likely]
    return likely


# ---- parts of a separation


def curves_of_parts(table: EngineTable, separation: Separation, stages: int | None = None) -> Iterator[str]:
    """Search a curve for the function of each column of a separation, and offer formulas of these; yields what is tried.

    Args:
        table: Columns and y; its pool takes the formulas.
        separation: y as a sum of products of functions of one column each, whose values are there.
        stages: How many families of curves are tried for each function; all by default.
    """
    parts = [Part(table.columns[index], *separation.rest(table, index)) for index in separation.parts]
    text = "products of curves" if separation.is_product else "sums of curves"
    yield from curves_together(table, parts, lambda choice: _whole(separation, choice), text, stages=stages)


def _whole(separation: Separation, choice: Sequence[Tree]) -> Iterator[Tree]:
    """Formulas of y, a sum of products of functions of one column each, from a chosen curve for each function.

    These are in the order of `separation.parts`, each with its column as `("x", 0)`. A single product comes without a constant before it
    and with one, a sum without a constant beside it and with one. The factors come with their own constant summands and without these. A
    factor has no size of its own: the constant before the product has it.
    """
    parts = {i: substituted(tree, [("x", i)]) for tree, i in zip(choice, separation.parts, strict=True)}
    for factors in (parts, {i: unshifted(part) for i, part in parts.items()}):
        terms = [
            product([constant(1.0), *(_unscaled(factors[i]) for i in group)])
            if len(group) > 1
            else unshifted(parts[group[0]])
            for group in separation.groups
        ]
        if separation.is_product:
            yield product([_unscaled(factors[i]) for i in separation.parts])
            yield terms[0]
        else:
            yield total(terms)
            yield total([constant(0.0), *terms])


# ---- terms of a formula


def curves_of_terms(table: EngineTable) -> Iterator[str]:
    """Offer the pool's best sum with one curve of a column, a formula of it, in place of terms that are alike but for that column.

    Of few noisy rows some powers of a column come as near as the one function that they imitate, and a regression finds them first. It
    yields in words what is tried.
    """
    seen = set()
    # A group has terms alike but for functions of column `index`: `factors` are what they share, `part` what the curve is fitted to,
    # `whole` makes the sums with it. Groups are those of the best formula, which a sum with a curve may have become.
    while (
        group := next((each for each in _groups(table) if (each.index, each.factors) not in seen), None)
    ) is not None:
        seen.add((group.index, group.factors))
        yield from curves_together(table, [group.part(table)], group.whole, "curves in place of terms", stages=1)


@dataclass(frozen=True, slots=True)
class _Group:
    """Terms of a sum that are alike but for one column."""

    index: int
    """The column."""
    factors: tuple[Tree, ...]
    """What all of them are multiples of."""
    rest: tuple[Tree, ...]
    """The other terms of the sum."""
    count: int
    """Constants of the sum; the new one may have no more."""

    def part(self, table: EngineTable) -> Part:
        """What a function of the column must be on the rows to stand for these terms: y less the other terms, over the common factors."""
        factor = table.values(product([number(1), *self.factors])).expand_as(table.y)
        return Part(table.columns[self.index], *divided(table, table.y - table.values(total(self.rest)), factor))

    def whole(self, choice: Sequence[Tree]) -> Iterator[Tree]:
        """The sums with a curve in the place of these terms, with its constant summand and without, with at most `count` constants.

        `choice` has one tree, the curve, in which `("x", 0)` is the column. `factors` are what it multiplies, `rest` the other terms.
        """
        curve = substituted(choice[0], [("x", self.index)])
        sums = (
            total([*self.rest, product([each, *self.factors])]) for each in dict.fromkeys((curve, unshifted(curve)))
        )
        yield from (tree for tree in sums if len(constants(tree)) <= self.count)


def _groups(table: EngineTable) -> Iterator[_Group]:
    """The groups of two or more terms of the pool's best formula that are alike but for functions of one column, for each column.

    There are none where a formula is exact.
    """
    best = table.pool.best
    if best is None or table.pool.is_exact:
        return
    terms = {term: [part for part in _factors(term) if part[0] not in ("c", "n")] for term in _terms(best.tree)}
    count = sum(len(constants(term)) for term in terms)  # of terms that share a constant each has one here
    for index in table.indices:
        # Terms by their factors other than functions of this column alone.
        alike: dict[tuple[Tree, ...], list[Tree]] = {}
        for term, factors in terms.items():
            if factors:
                alike.setdefault(tuple(part for part in factors if columns_of(part) != {index}), []).append(term)
        for others, group in alike.items():
            if len(group) > 1:
                # Of terms that share no factors the curve takes in the sum's constant, which isn't in the rest.
                rest = tuple(term for term in terms if term not in group and (others or terms[term]))
                yield _Group(index, others, rest, count)


def _inverse(tree: Tree) -> Tree:
    """One over a factor; of a number other than 0 a constant."""
    return constant(1 / tree[1]) if tree[0] in ("c", "n") and tree[1] else ("inv", tree)


def _factors(tree: Tree) -> list[Tree]:
    """The factors of a product or quotient, in one order however it is written.

    Examples:
        >>> _factors(("div", ("mul", ("x", 1), ("c", 2.0)), ("x", 0)))
        [('c', 2.0), ('inv', ('x', 0)), ('x', 1)]
    """
    if tree[0] == "mul":
        return sorted([*_factors(tree[1]), *_factors(tree[2])], key=str)
    if tree[0] == "div":
        return sorted([*_factors(tree[1]), *map(_inverse, _factors(tree[2]))], key=str)
    return [("c", -1.0), *_factors(tree[1])] if tree[0] == "neg" else [tree]


def compounds_of(tree: Tree) -> list[tuple[Tree, Tree]]:
    """The sums of a formula's terms that share columns with each other and with no others, each with the sum of all other ones.

    Constant terms are passed over. There are none where all terms share columns.

    Examples:
        >>> a, b, c = (("x", index) for index in range(3))
        >>> [compound for compound, _ in compounds_of(("add", ("add", ("mul", a, b), ("sin", c)), ("sq", b)))]
        [('sin', ('x', 2)), ('add', ('mul', ('x', 0), ('x', 1)), ('sq', ('x', 1)))]
    """
    compounds: list[list[Tree]] = []
    for term in (term for term in _terms(tree) if columns_of(term)):
        columns = columns_of(term)
        met = [compound for compound in compounds if columns & set().union(*map(columns_of, compound))]
        compounds = [compound for compound in compounds if compound not in met]
        compounds.append([*itertools.chain(*met), term])
    sums = [total(terms) for terms in compounds]
    return [(own, total([each for each in sums if each is not own])) for own in sums] if len(sums) > 1 else []


# ---- trees


def _unscaled(tree: Tree) -> Tree:
    """A tree without its size, for a product that has a constant of its own: a constant factor goes, a sum with a constant gets 1 for it.

    Examples:
        >>> _unscaled(("add", ("c", 2.0), ("mul", ("c", 6.0), ("x", 0))))
        ('add', ('n', 1), ('mul', ('c', 3.0), ('x', 0)))
    """
    if tree[0] == "mul":
        return _unscaled(tree[2]) if tree[1][0] == "c" else ("mul", _unscaled(tree[1]), tree[2])
    terms = _terms(tree)
    offset = sum(term[1] for term in terms if term[0] == "c")
    if len(terms) == 1 or not offset:
        return tree
    return total([number(1), *(_times(1 / offset, term) for term in terms if term[0] != "c")])


def unshifted(tree: Tree) -> Tree:
    """A tree without its constant summand.

    Examples:
        >>> unshifted(("mul", ("c", 2.0), ("add", ("x", 0), ("c", 6.0))))
        ('mul', ('c', 2.0), ('x', 0))
    """
    terms = _terms(tree)
    rest = [term for term in terms if term[0] not in ("c", "n")]
    return total(rest) if 0 < len(rest) < len(terms) else tree


def _terms(tree: Tree) -> list[Tree]:
    """The summands of a tree, also of a multiple of a sum, with their signs and factors."""
    if tree[0] == "add":
        return [*_terms(tree[1]), *_terms(tree[2])]
    if tree[0] == "sub":
        return [*_terms(tree[1]), *(_times(-1.0, term) for term in _terms(tree[2]))]
    if tree[0] == "neg":
        return [_times(-1.0, term) for term in _terms(tree[1])]
    if tree[0] == "mul" and tree[1][0] == "c" and tree[2][0] in ("add", "sub"):
        return [_times(tree[1][1], term) for term in _terms(tree[2])]
    return [tree]


def _times(factor: float, tree: Tree) -> Tree:
    """A summand times a number, as a constant factor in front; a number becomes a constant."""
    if tree[0] in ("c", "n"):
        return constant(factor * tree[1])
    if tree[0] == "mul" and tree[1][0] == "c":
        return ("mul", constant(factor * tree[1][1]), tree[2])
    return ("mul", constant(factor), tree)
