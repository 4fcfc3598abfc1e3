"""Formulas of one variable: atoms and pairs of atoms, screened in tables, the promising ones fitted."""

from __future__ import annotations

import functools
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from kanwidget.discovery.engine.curves.atoms import CurveAtoms, tabulate
from kanwidget.discovery.engine.curves.curve import ROUND_OFF, Curve, CurveRows
from kanwidget.discovery.engine.curves.families import Screen
from kanwidget.discovery.engine.curves.forms import (
    IDENTITY,
    LINKS,
    atoms_with_constants,
    plain_atoms,
    polynomials,
    power,
)
from kanwidget.discovery.engine.curves.natural import natural_functions
from kanwidget.discovery.engine.curves.tones import rates, tones
from kanwidget.discovery.engine.trees import (
    OPERATIONS,
    Tree,
    constant,
    constants,
    factored,
    form_of,
    number,
    terms_of,
)

#: Rows that candidates are screened on.
_SCREENED = 96
#: Rows that tones are looked for in.
_TONED = 400
#: Fits between two signs of life: by number, not by time, so that a number of steps is always the same search.
_FITS = 40
#: First functions that are fitted, and starts of each form of these.
_PROMISING, _STARTS = 60, 2
#: An error beside which nothing has to be found.
_EXACT = 1e-10
#: Curves go on together whose descriptions are as many bits apart, at most so many.
_TIED, _MOST = 8.0, 16
#: A curve whose description is longer by fewer bits may be the law: the rows can't tell.
_RIVAL = 5.0
#: The simplest kinds of one constant, which also come in sums of two: exponentials, powers, poles, waves.
_COMMON = 12
#: Exponents nearer to a half or whole number than this are tried as that number.
_NEAR = 0.06
#: The same for constants near 1 and for whole ratios of factors, as a part of them; larger ratios say nothing by being whole.
_PART, _LARGEST = 0.15, 12


def curves(
    x: Tensor,
    y: Tensor,
    weights: Tensor | None = None,
    *,
    operations: Iterable[str] = tuple(OPERATIONS),
    stages: int | None = None,
) -> Iterator[Curve | None]:
    """Formulas of one variable, as they are found: the generator may be left at any time.

    Args:
        x: The variable, `(rows,)`, float64.
        y: The target, `(rows,)`.
        weights: Of the squared residuals, `(rows,)`.
        operations: Heads that formulas may hold, those of arithmetic among them. Square roots come in any case, except in the first family.
        stages: How many families are tried, all by default; the first one are those that laws have.

    Yields:
        A curve, unless one before is as simple, as exact and described as shortly;
        None after some fits, a fraction of a second, without one. It ends when nothing is left to try, or soon after an exact formula.

    Examples:
        >>> x = torch.linspace(0.2, 3, 80, dtype=torch.float64)
        >>> best = [curve for curve in curves(x, 3 * x * torch.exp(-x)) if curve][-1]
        >>> best.tree[0], best.relative < 1e-12
        ('mul', True)
    """
    yield from _CurveSearch(CurveRows(x, y, weights), frozenset(operations)).run(stages)


class _CurveSearch:
    """Stages, each a family of candidates that are screened, fitted to a sample, and the best to all rows."""

    def __init__(self, rows: CurveRows, functions: frozenset[str]) -> None:
        """Keep the rows, a sample of them that candidates are screened on, and the heads of functions that formulas may hold."""
        self._rows = rows
        self._sample = rows.sample(_SCREENED)
        self._screen = Screen(self._sample)
        self._functions = functions
        self._generator = torch.Generator().manual_seed(0)
        self._seen: set[Tree] = set()  # candidates that were fitted
        self._front: list[Curve] = []  # curves that were reported
        self._fits = 0  # how many fits there were
        self._tied = 0.0  # bits by which a description may be longer than that of a curve that is as simple

    def run(self, stages: int | None = None) -> Iterator[Curve | None]:
        """Try families of formulas in turn, `stages` of them, all by default, until one is exact.

        Yields:
            Curves, fitted formulas, as they are found; None as a sign of life after some fits without one.
        """
        for place, trees in enumerate(itertools.islice(self._stages(), stages)):
            # Of the first family curves are reported, too, up to `_RIVAL` bits longer than one that is as simple and as exact: each may be
            # the law, as the rows can't tell. Its trees are several starts of each form, of which the promising ones are fitted.
            self._tied = 0.0 if place else _RIVAL
            yield from self._fitted(trees if place else self._promising(trees))
            yield None
            if any(curve.relative < _EXACT for curve in self._front):
                return

    def _promising(self, trees: Sequence[Tree]) -> list[Tree]:
        """The trees with the shortest descriptions when only linear factors are fitted; of each form the few best starts.

        Trees of one form differ in the values of their constants only, which a fit starts from.
        """
        bits = self._sample.bits_before(trees)
        counts: Counter[Tree] = Counter()
        promising = []
        for place in sorted(range(len(trees)), key=bits.__getitem__):
            form = form_of(trees[place])
            counts[form] += 1
            if counts[form] <= _STARTS:
                promising.append(trees[place])
        return promising[:_PROMISING]

    def _stages(self) -> Iterator[list[Tree]]:
        """Candidates of one family after the other: functions that laws have first, then what is quickly screened, then larger tables.

        Most are pairs of atoms, small formulas of the variable whose values stand in tables, that come near to y on a sample of rows.
        Numbers beside tables are how many of the best pairs become candidates; a `part` has so many of the simplest kinds. `plain`,
        `single`, `double` and `triple` are atoms of no, one, two and three constants. With `offset` a constant is added to a product.
        """
        yield natural_functions(self._sample, self._functions)
        screen, plain = self._screen, self._table(plain_atoms(self._functions))
        yield polynomials(6)
        kinds = atoms_with_constants(self._functions)
        single = self._table([tree for tree in kinds if len(constants(tree)) == 1])
        one = self._table([("n", 1)], check=False)  # the partner of an atom that stands alone
        yield screen.pairs_in_products(single, one, 24, offset=False)
        yield screen.pairs_in_products(single, plain.part(_COMMON), 24, offset=False)
        yield screen.pairs_in_sums(plain, one, IDENTITY, 24)
        yield screen.pairs_in_sums(single, one, IDENTITY, 24)
        yield screen.pairs_in_sums(plain, plain, IDENTITY, 40)
        yield screen.pairs_in_products(plain, plain, 40, offset=True)
        double = self._table([tree for tree in kinds if len(constants(tree)) == 2])
        triple = self._table([tree for tree in kinds if len(constants(tree)) == 3])
        few = plain.part(40)
        common = single.part(_COMMON)
        yield screen.pairs_in_sums(common, common, IDENTITY, 30)
        for atoms in (single, double, triple):
            for link in (IDENTITY, *LINKS):
                yield screen.pairs_in_sums(atoms, one, link, 24)
        yield screen.waves(plain.part(120).joined(single), self._waves(), 24)
        yield list(tones(self._rows.sample(_TONED))) if {"sin", "cos"} & self._functions else []
        yield screen.pairs_with_shift(plain, few, 30)
        yield screen.pairs_with_shift(single, plain, 30)
        yield screen.pairs_in_quotients(few, single, 20)
        yield from self._pairs(single, few)
        yield from self._linked(single, few)
        yield screen.pairs_with_shift(double, few, 30)
        yield from self._pairs(double, few)
        yield from self._pairs(plain, plain)
        yield from self._linked(plain, plain)
        both = single.joined(plain.part(120))
        yield screen.pairs_with_shift(both, single, 40)
        yield from self._pairs(both, single)
        yield from self._linked(both, single)
        yield from self._linked(double, few)

    def _waves(self) -> list[Tree]:
        """Arguments of waves: x at 80 rates, then x², 1/x, √x and log x, each at some rates; none where waves aren't allowed."""
        if not {"sin", "cos"} <= self._functions:
            return []
        arguments: list[Tree] = [("sq", ("x", 0)), ("inv", ("x", 0)), ("sqrt", ("x", 0)), ("log", ("x", 0))]
        table = self._table([("sin", ("mul", constant(1.0), argument)) for argument in arguments])
        # Four arguments with several rates each: what a table of their sines has inside the sine.
        lines = [("mul", constant(rate), ("x", 0)) for rate in rates(self._sample.x, 80).tolist()]
        return lines + [table.tree(index)[1] for index in range(len(table.values))]

    def _pairs(self, left: CurveAtoms, right: CurveAtoms) -> Iterator[list[Tree]]:
        """The best 30 or 40 candidates of each form of two atoms f and g: `a·f·g`, `a·f + b·g + c`, `a·f·g + b`, `(a·f + b)/(1 + c·g)`.

        Of y itself (`IDENTITY`); `_linked` has sums that are functions of y.
        """
        screen = self._screen
        yield screen.pairs_in_products(left, right, 30, offset=False)
        yield screen.pairs_in_sums(left, right, IDENTITY, 40)
        yield screen.pairs_in_products(left, right, 30, offset=True)
        yield screen.pairs_in_quotients(left, right, 30)

    def _linked(self, left: CurveAtoms, right: CurveAtoms) -> Iterator[list[Tree]]:
        """The best 20 formulas by `h(y) = a·f + b·g + c`, of atoms f and g, for each function h of y such as log; not for y itself."""
        for link in LINKS:
            yield self._screen.pairs_in_sums(left, right, link, 20)

    def _table(self, trees: list[Tree], check: bool = True) -> CurveAtoms:
        """Trees as atoms on the sample of rows, each at several values of its constants; without `check` those that don't vary stay."""
        return tabulate(trees, self._sample.x, self._generator, check)

    def _sign_is_due(self) -> bool:
        """Count a fit; whether a sign of life to the caller, a None, is due: it is after every `_FITS` fits."""
        self._fits += 1
        return self._fits % _FITS == 0

    def _fitted(self, trees: list[Tree]) -> Iterator[Curve | None]:
        """Fit trees to the sample for a few steps, the better ones for more, and the best of these to all rows.

        Yields:
            A curve of all rows that is good enough to be reported; None after every `_FITS` fits.
        """
        unseen = [tree for tree in trees if tree not in self._seen]
        self._seen.update(unseen)
        # After 3 steps of the constants 12 curves go on, after 12 more 3, and those that are about as likely.
        for steps, count in ((3, 12), (12, 3)):
            curves: list[Curve] = []
            for tree in unseen:
                curves.append(self._sample.fit(tree, steps=steps))
                if self._sign_is_due():
                    yield None
            curves.sort(key=lambda curve: curve.bits)
            # Of noisy rows many curves are as good as each other.
            likely = [c for i, c in enumerate(curves[:_MOST]) if i < count or c.bits < curves[0].bits + _TIED]
            unseen = [curve.tree for curve in likely]
        for tree in unseen:
            yield from self._offer(self._rows.fit(tree))
            if self._sign_is_due():
                yield None

    def _offer(self, curve: Curve) -> Iterator[Curve]:
        """Yield a curve of all rows, unless one before is as simple, as exact, and described as shortly.

        In the first stage that one must be shorter by some bits (`_tied`), as the rows can't tell formulas apart that are closer. A curve
        whose description is less than 20 bits longer than the shortest one is first made simpler where that pays.
        """
        if curve.bits < 20 + min((other.bits for other in self._front), default=math.inf):
            curve = reduced(curve, self._rows)
        limit = max(curve.relative, ROUND_OFF)
        if curve.relative < 1 and not any(
            other.complexity <= curve.complexity
            and other.relative <= limit
            and other.bits <= curve.bits - (self._tied if other.relative > ROUND_OFF else 0)
            for other in self._front
        ):
            self._front.append(curve)
            yield curve


# ---- simpler neighbours of a formula: a term less, an exponent, a constant or a ratio of factors that is a simple number


def reduced(curve: Curve, rows: CurveRows) -> Curve:
    """The curve after all changes, such as a term less, that make its description shorter with its constants fitted anew to the rows."""
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
        tree: A formula.
        linear: Whether the tree is the whole formula or a term of it: its factors are measured in units of the target, so that one of 1
            says nothing and isn't tried.

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
    """Places of a tree's operands in which something may be simpler; not of a constant factor or exponent, which `reductions` has tried."""
    if tree[0] in OPERATIONS:
        for place in range(1, len(tree)):
            if not (tree[place][0] == "c" and ((tree[0] == "mul" and place == 1) or (tree[0] == "pow" and place == 2))):
                yield place


def _whole(value: float, largest: int) -> list[int]:
    """The whole number near a value, as a list; empty where there is none, where it is 0, or larger than `largest` in size."""
    if not abs(value) < largest + 1:
        return []
    near = round(value)
    return [near] if 0 < abs(near) <= largest and abs(value - near) <= _PART * abs(near) else []


def _in_ratio(tree: Tree) -> Iterator[Tree]:
    """A sum of terms whose factors have nearly whole ratios, with one common factor: `a·f - 0.99·a·g` as `a·(f - g)`.

    Each term's factor is tried as the common one.
    """
    terms = [factored(term) for term in terms_of(tree)]
    if all(factor for factor, _ in terms):
        for base, _ in terms:
            # Where a term is a constant, its ratio to the others depends on the target's unit: only 1 and -1 count.
            largest = 1 if any(part == number(1) for _, part in terms) else _LARGEST
            ratios = [_whole(factor / base, largest) for factor, _ in terms]  # lists of one; empty where not whole
            if all(ratios):
                parts = [(ratio, part) for (ratio,), (_, part) in zip(ratios, terms, strict=True)]
                yield ("mul", constant(base), functools.reduce(_plus, parts, None))


def _plus(total: Tree | None, term: tuple[int, Tree]) -> Tree:
    """A sum, None at first, and a term more: a whole ratio and the tree that it multiplies; a ratio below 0 is subtracted."""
    ratio, tree = term
    size = abs(ratio) if total else ratio
    part = number(size) if tree == number(1) else tree if size == 1 else ("mul", number(size), tree)
    return ("add" if ratio > 0 else "sub", total, part) if total else part
