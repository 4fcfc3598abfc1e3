"""Similarity laws: smaller tables for a y that is a product of powers times a function of one or two others, noise or not.

A fit of the exponents uses all rows at once, so that noise moves them by little, where it spoils a network's derivatives. Exponents that
are simple numbers, and fit as well as the free ones, are what a law of physics would have.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.discovery.engine.reductions import Reduction, dependence
from kanwidget.discovery.engine.similarity.monomials import coherent, floats, monomial
from kanwidget.discovery.engine.similarity.ridges import Ridge, RidgeRows
from kanwidget.discovery.engine.table import EngineTable

#: Rows that exponents are fitted to, at most, and how many each of a fit's numbers needs.
_MOST_ROWS, _ROWS = 2000, 4
#: Largest error, as a part of the spread of y.
_LARGEST = 0.1
#: How much worse simple exponents may fit: by chance, in units of its spread, and without noise, where splines miss some of y.
_CHANCE, _SMOOTH, _LIKE = 3.0, 0.002, 1.5
#: Denominators of exponents, the simplest first, and their largest size.
_DENOMINATORS, _LARGEST_EXPONENT = ((1,), (1, 2), (1, 2, 3)), 4
#: Ways to write a fit down that are rounded, most products, and how many smaller tables a law of one product gives.
_WRITTEN, _PRODUCTS, _GAUGES = 3, 2, 2
#: A part of a spread of y that an exponent must be worth.
_LEAST_SPREAD = 1e-9
#: Columns that change their sign are tried in a product, at most so many; more columns aren't looked at.
_CARRIERS, _COLUMNS = 4, 12
#: Bits that a second product must save for each number of its fit.
_NUMBER = 5.0


_Exponents = tuple[Fraction, ...]


class _Law(NamedTuple):
    """Exponents of columns, in simple numbers."""

    groups: tuple[_Exponents, ...]
    factor: _Exponents

    @property
    def is_simple(self) -> bool:
        """Whether a law of nature might have these exponents: none is larger in size than `_LARGEST_EXPONENT`."""
        return all(abs(value) <= _LARGEST_EXPONENT for row in (*self.groups, self.factor) for value in row)


def similarity_laws(table: EngineTable, names: Sequence[str]) -> Iterator[Reduction | None]:
    """Smaller tables by laws y = M·f(G), M and G products of powers of columns; first with one G, then with two where these say far more.

    Args:
        table: Columns and y.
        names: Of its columns, for words.

    Yields:
        A smaller table, or None after a fit.
    """
    search = _LawSearch(table, names)
    if not search.columns or not 0 < search.total < math.inf:
        return
    before = search.law(0)
    yield None
    for carrier in search.carriers:  # columns that change their sign, as factors of G
        found = search.law(1, carrier)
        if found is not None and found.law is not None and search.saves(before, found):
            yield from search.reductions(found.law, carrier)
        yield None
    for products in range(1, min(_PRODUCTS, len(search.columns) - 1) + 1):
        found = search.law(products)
        if found is not None and search.saves(before, found):
            if found.law is not None:
                yield from search.reductions(found.law)
            before = found
        yield None


class _Found(NamedTuple):
    """A fit, and the law with simple exponents that is as near, if any."""

    ridge: Ridge
    law: _Law | None


class _LawSearch:
    """Fits of products of powers to a table, and the simple exponents near theirs."""

    def __init__(self, table: EngineTable, names: Sequence[str]) -> None:
        """Choose the rows, the columns above 0 that have powers, and those that change their sign; `names` are the columns'.

        A column that changes its sign is a carrier: in a product it may only have the power 1.
        """
        self.table, self.names = table, names
        self.rows = table.draw(_MOST_ROWS)  # indices
        x = table.columns[:, self.rows]
        self.y, self.roots = table.y[self.rows], table.weights[self.rows].sqrt()
        mean = float((self.roots.square() * self.y).sum() / self.roots.square().sum().clamp(min=1e-300))
        # The weighted sum of squares of y around its mean, which errors are parts of.
        self.total = float((self.roots * (self.y - mean)).square().sum())
        varying = [i for i in table.indices if len(self.rows) > 1 and _varies(x[i])]
        positive = [i for i in varying if table.positive(i)]
        self.columns = sorted(self._telling(x, positive, _COLUMNS))
        self.carriers = sorted(
            self._telling(x, [i for i in varying if bool((x[i] < 0).any() and (x[i] > 0).any())], _CARRIERS)
        )
        self.middles = table.columns.abs().median(1).values.tolist()
        # Their means don't matter: a shift of logarithms is a factor, which the function takes up.
        logs = x[self.columns].log().T
        self.logs = logs - logs.mean(0)

    def _telling(self, x: Tensor, columns: list[int], most: int) -> list[int]:
        """At most `most` columns; of more those with the largest correlations with y, or with its squared distance from the mean.

        Args:
            x: `(columns, rows)`.
            columns: Indices to choose from.
            most: How many.
        """
        if len(columns) <= most:
            return columns
        targets = torch.stack([self.y, (self.y - self.y.mean()).square()])
        likeness = {
            i: float(torch.corrcoef(torch.cat([targets, x[i][None]]))[2, :2].abs().nan_to_num(0.0).max())
            for i in columns
        }
        return sorted(columns, key=likeness.__getitem__, reverse=True)[:most]

    def law(self, products: int, carrier: int | None = None) -> _Found | None:
        """The best fit of y = M·f(G) with so many products G, and a law with simple exponents where one fits as well.

        M and G are products of powers of columns, f is a spline.

        Args:
            products: How many products the spline is a function of, 0 to 2.
            carrier: Index of a column that changes its sign and is a factor of the only product; None for none.

        Returns:
            None where rows are too few, or the error is too large.
        """
        column = None if carrier is None else self.table.columns[carrier, self.rows]
        rows = RidgeRows(self.logs, self.y, self.roots, column if column is None else column / column.abs().max())
        if len(self.rows) < _ROWS * rows.parameters(products):
            return None
        best = rows.best(products)
        if best is None or best.sse > _LARGEST**2 * self.total:  # of y's squares around its mean
            return None
        for law in self._laws(best, carrier is not None) if products else ():
            trial = rows.near(best, floats([law.factor])[0], floats(law.groups))
            if trial is not None and self._as_near(trial.sse, best.sse, best.groups.numel() + len(self.columns)):
                return _Found(best, law)
        return _Found(best, None)

    def _as_near(self, simple: float, free: float, count: int) -> bool:
        """Whether simple exponents fit as well as `count` free ones; `simple` and `free` are their sums of squared residuals.

        Free exponents fit noise, too: by chance they lower the sum by the share of `count` rows, with a spread of √(2·count) rows. Without
        noise, what splines miss of y is left, which the free exponents make a little smaller: there the sum may be a small part of `total`,
        the sum of squares of y around its mean.
        """
        chance = (count + _CHANCE * math.sqrt(2 * count)) / len(self.rows)
        return simple <= (1 + chance) * free or simple <= min(_SMOOTH**2 * self.total, _LIKE * free)

    def saves(self, fewer: _Found | None, more: _Found) -> bool:
        """Whether a fit with more products shortens the description of y by more than its further numbers cost.

        It is worth them, too, where there is no fit with fewer.
        """
        if fewer is None:
            return True
        rows = RidgeRows(self.logs, self.y, self.roots)
        count = rows.parameters(len(more.ridge.groups)) - rows.parameters(len(fewer.ridge.groups))
        before, after = (max(found.ridge.sse, 1e-300) for found in (fewer, more))
        return 0.5 * len(self.rows) * math.log2(before / after) > _NUMBER * count

    # ---- simple exponents

    def _laws(self, ridge: Ridge, carried: bool) -> Iterator[_Law]:
        """Laws y = M·f(G) with simple exponents, small fractions, near those of a fit, the simplest denominators first.

        f may be of any powers of the products G, so that these are written down in several ways, with whole exponents. `carried` says that
        a column that changes its sign, the carrier, is a factor of G: then the products stay as they are.
        """
        choices = [(ridge.groups, ridge.factor)] if carried else self._written(ridge)
        for denominators in _DENOMINATORS if "sqrt" in self.table.operations else _DENOMINATORS[:1]:
            for groups, factor in choices[:_WRITTEN]:
                *rounded, powers = (_fractions(row, denominators) for row in (*groups, factor))
                law = _Law(tuple(map(_cleared, rounded)) if not carried else tuple(rounded), powers)
                if all(any(row) for row in law.groups) and law.is_simple:
                    yield law

    def _written(self, ridge: Ridge) -> list[tuple[Tensor, Tensor]]:
        """The exponents of the products G and the factor M of a fit in all ways to write it down, those nearest to whole numbers first.

        In each way every product has a column to itself. The law is the same, as f is a function of any powers and products of the G.
        """
        spread = self.logs.std(0)
        choices = []
        for pivots in itertools.combinations(range(len(self.columns)), len(ridge.groups)):
            solved = _solved(ridge, pivots)
            if solved is not None:
                exponents = torch.cat([solved[0], solved[1][None]])
                # What rounding changes by most, in logarithms; of ways that are about as near the one with small exponents is first.
                off = float(((exponents - exponents.round()).abs() * spread).max())
                choices.append((round(off, 1), float(exponents.abs().sum()), solved))
        return [solved for *_, solved in sorted(choices, key=lambda choice: choice[:2])]

    # ---- reductions

    def reductions(self, law: _Law, carrier: int | None = None) -> Iterator[Reduction]:
        """The smaller tables of a law; `carrier` is the index of a column that changes its sign, None for none.

        With one product and no carrier there may be two: the factor may take in a power of the product, or the product may be its inverse.
        """
        if carrier is not None or len(law.groups) > 1:
            yield self._reduction(law.groups, law.factor, carrier)
            return
        (group,) = law.groups
        # Ways to write the factor, two at most; `_turned` chooses between the product and its inverse for each.
        factors = _simplest(law.factor, group)[:_GAUGES]
        for factor in factors:
            yield self._reduction((_turned(group, factor),), factor)
        if len(factors) < _GAUGES and sum(map(bool, group)) > 1:
            yield self._reduction((_inverse(_turned(group, factors[0])),), factors[0])

    def _reduction(self, groups: Sequence[_Exponents], factor: _Exponents, carrier: int | None = None) -> Reduction:
        """The smaller table, with products of powers as its columns, each in coherent units where its typical value (`middles`) allows it.

        Args:
            groups: Exponents of each product, one for each of `self.columns`.
            factor: Exponents of what the function of the products is multiplied by.
            carrier: A column that changes its sign, which each product is multiplied by; None without one.
        """
        own = self.columns
        products = [[(own[place], value) for place, value in enumerate(row) if value] for row in groups]
        columns = [coherent(powers, self.table.units, self.middles, carrier) for powers in products]
        factor_tree = monomial([(own[place], value) for place, value in enumerate(factor)])
        return dependence(columns, factor_tree, self.names)


def _varies(column: Tensor) -> bool:
    """Whether a column, `(rows,)`, has more than one value, round-off aside: a constant one, or one that isn't finite, has no exponent."""
    return bool(torch.isfinite(column.std()) and column.std() > _LEAST_SPREAD * column.abs().max())


def _solved(ridge: Ridge, pivots: tuple[int, ...]) -> tuple[Tensor, Tensor] | None:
    """The law of a fit in other products: each has one of the columns `pivots` to itself, to the power 1; the factor has none of them.

    It returns exponents of the products, `(products, columns)`, and of the factor, `(columns,)`; None where there are no such products,
    or an exponent is too large to be rounded to a simple one.
    """
    block = ridge.groups[:, list(pivots)]
    groups, failed = torch.linalg.solve_ex(block, ridge.groups)
    if bool(failed) or not bool((groups.abs() <= _LARGEST_EXPONENT + 1).all()):
        return None
    return groups, ridge.factor - ridge.factor[list(pivots)] @ groups


def _fractions(values: Tensor, denominators: Sequence[int]) -> _Exponents:
    """The fraction nearest to each exponent, `(columns,)`, with one of some denominators."""
    return tuple(
        min((Fraction(round(d * value), d) for d in denominators), key=lambda near: abs(float(near) - value))
        for value in values.tolist()
    )


def _cleared(group: _Exponents) -> _Exponents:
    """A product raised to the power that makes its exponents whole, without a common divisor."""
    least = math.lcm(*(value.denominator for value in group))
    whole = [int(least * value) for value in group]
    return tuple(Fraction(value, math.gcd(*whole) or 1) for value in whole)


def _simplest(factor: _Exponents, group: _Exponents) -> list[_Exponents]:
    """The factor M times powers of the product G by which M loses one column each; the simplest first. The law M·f(G) stays the same.

    Args:
        factor: Exponents of the factor.
        group: Exponents of the product.
    """
    shifts = {-a / b for a, b in zip(factor, group, strict=True) if b}
    # The size of the exponents, and half more for each that isn't whole.
    choices = [tuple(a + shift * b for a, b in zip(factor, group, strict=True)) for shift in sorted(shifts)]
    return sorted(choices, key=lambda choice: sum(abs(a) + Fraction(a.denominator > 1, 2) for a in choice))


def _turned(group: _Exponents, factor: _Exponents) -> _Exponents:
    """The product G of a law y = M·f(G), or its inverse: columns with powers above 0 in the factor M stand below in G.

    Both are given by the exponents of the columns. Where that doesn't decide, at least half of the product's columns stand above.
    """
    common = sum(b * (a > 0) for a, b in zip(factor, group, strict=True))
    signs = sum((value > 0) - (value < 0) for value in group)
    return _inverse(group) if common > 0 or (common == 0 and signs < 0) else group


def _inverse(group: _Exponents) -> _Exponents:
    """One over a product: the exponents with the other sign."""
    return tuple(-value for value in group)
