"""Polynomials, fractions of polynomials, and sums of a few products of noisy rows, by regression.

In noise no combination of monomials vanishes. The factors of y = P/Q come from Gauss-Newton steps on all terms instead, each a
linear regression of y on the terms of P and on y's former value times those of Q; the last one leaves out terms that the rows don't need.

References:
    Sanathanan, Koerner, "Transfer function synthesis as a ratio of two complex polynomials", IEEE Transactions on
    Automatic Control 8 (1963).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kanwidget.discovery.engine.assembly import of_sum, row_weights, selected, targets_of
from kanwidget.discovery.engine.curves.natural import functions_of_one_constant
from kanwidget.discovery.engine.fitting.refits import fit_tree
from kanwidget.discovery.engine.fractions.polynomials import feature_sets, monomials_of
from kanwidget.discovery.engine.pool import BITS, PoolFormula
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.targets import TARGETS, Target
from kanwidget.discovery.engine.trees import (
    Tree,
    complexity,
    constant,
    form_of,
    multiple,
    nodes,
    number,
    substituted,
    total,
)

_Array = NDArray[np.float64]

#: Largest degrees of polynomials and of both parts of fractions.
_DEGREE, _FRACTION = 4, 3
#: Most terms, and how many rows each of them needs.
_TERMS, _ROWS = 60, 4
#: Functions of y that are polynomials: so many of the table; and those that are fractions.
_POLYNOMIALS, _FRACTIONS = 6, ("{}", "{}²")
#: Gauss-Newton steps, and the smallest denominator as a part of its mean.
_STEPS, _LEAST = 6, 0.02
#: Part of the largest singular value below which a direction says nothing.
_RIDGE = 1e-7
#: Functions of y that are sums, the most products to choose from, most terms and rows for each, and how many sums are fitted.
_SUMS, _CHOICE, _IN_SUM, _ROWS_IN_SUM, _FITTED = 4, 250, 7, 8, 4
#: Most terms of a sum with a function, and columns of the table.
_SHARED, _SHARED_COLUMNS = 5, 6
#: Times that its constant and its terms are chosen in turn.
_CLOSING_IN = 3
#: Rounds of exchanges at each size.
_EXCHANGES = 3
#: Of up to so many columns all triples are examined, and the best so many grow.
_TRIPLES, _STARTS = 130, 2
#: Of columns of length 1: what is added to their squares, what others must leave of one, and what of the target counts as nothing.
_NUGGET, _INDEPENDENT, _ROUNDING = 1e-12, 1e-7, 1e-14


def noisy_polynomials(table: EngineTable) -> Iterator[str]:
    """Offer formulas of y in which y, or a function of it such as log(y), is a polynomial of the columns, by regression.

    The table's pool takes them; it yields in words what is tried.
    """
    for degree in range(1, _DEGREE + 1):
        terms = _monomials(table, degree)[1:]
        if not _enough(table, len(terms)):
            return
        for target in targets_of(table, TARGETS[:_POLYNOMIALS]):
            tree = of_sum(table, target, row_weights(table, target), terms)
            table.offer([tree], f"{target.name.format('y')} as a polynomial")
        yield f"trying polynomials of degree {degree}"


def noisy_fractions(table: EngineTable) -> Iterator[str]:
    """Offer formulas in which y or y² is a fraction of polynomials of the columns, by regression on noisy rows.

    The table's pool takes them; it yields in words what is tried.
    """
    for degree in range(1, _FRACTION + 1):
        terms = _monomials(table, degree)
        if not _enough(table, 2 * len(terms)):
            return
        values = torch.stack([table.values(tree) for tree in terms], 1)
        for target in targets_of(table, [target for target in TARGETS if target.name in _FRACTIONS]):
            # The term of the denominator that is there, with the factor 1: the number 1, or a column.
            for first in range(1 + len(table.indices)):
                tree = _fraction(table, target, terms, values, first)
                table.offer([tree], f"{target.name.format('y')} as a fraction")
                yield f"trying fractions of degree {degree} of noisy rows"


def noisy_sums(table: EngineTable) -> Iterator[str]:
    """Offer formulas in which y, or a function of it (a target), is a sum of a few products of up to two columns or functions of columns.

    The few of many products are chosen by regression. The table's pool takes the formulas; it yields in words what is tried.
    """
    most = min(_IN_SUM, len(table) // _ROWS_IN_SUM)  # terms of a sum
    for label, features in feature_sets(table):  # the columns; then with their sines, their roots, and others
        if table.pool.is_exact or not most or math.comb(len(features) + 2, 2) > _CHOICE:
            continue
        trees = [tree for tree in monomials_of(features, 2)[1:] if bool(torch.isfinite(table.values(tree)).all())]
        matrix = torch.stack([table.values(tree) for tree in trees], 1)
        sizes = torch.tensor([complexity(tree) for tree in trees], dtype=matrix.dtype)
        for target in targets_of(table, TARGETS[:_SUMS]):
            roots = row_weights(table, target)
            subsets = Subsets(matrix * roots[:, None], target.values(table.y) * roots, roots, sizes).best(most)
            sums = [of_sum(table, target, roots, [trees[index] for index in subset]) for subset in subsets]
            table.offer(sums, f"a sum of products of {label}", fits=_FITTED)  # that many are fitted as a whole
            yield f"trying sums of products of {label} for {target.name.format('y')}"


def sums_with_function(table: EngineTable) -> Iterator[str]:
    """Offer y as a sum of products, of which some are times one function of a column: g·u + (b·v - h·u)·exp(-t/τ).

    The function's constant runs over a few numbers; the sums whose descriptions are shortest then are fitted as a whole. The table's pool
    takes them; it yields in words what is tried.
    """
    most, columns = min(_SHARED, len(table) // _ROWS_IN_SUM), table.indices
    if table.pool.is_exact or not most or not 1 < len(columns) <= _SHARED_COLUMNS:
        return
    plain = [tree for tree in _monomials(table, 2)[1:] if bool(torch.isfinite(table.values(tree)).all())]
    found: list[_WithFunction] = []
    for index in columns:
        others: list[Tree] = [number(1), *(("x", other) for other in columns if other != index)]
        for function in functions_of_one_constant(table.columns[index], table.operations):
            function = substituted(function, [("x", index)])
            found += _shared(table, function, plain, others, most)
        yield "trying sums of products with a function"
    found.sort(key=lambda entry: entry.candidate.bits)
    best: dict[Tree, _WithFunction] = {}
    for entry in found:
        best.setdefault(form_of(entry.function), entry)
    for entry in list(best.values())[:_FITTED]:
        # With the function's constant fitted other terms may be the best ones: both are found in turn.
        for _ in range(_CLOSING_IN):
            fitted = table.trial(entry.candidate.tree)
            # The function as the fitted tree has it.
            alike = (node for node in nodes(fitted.tree) if form_of(node) == form_of(entry.function)) if fitted else ()
            function = next(iter(alike), entry.function)
            trials = list(_shared(table, function, plain, entry.others, most))
            if not trials:
                break
            entry = min(trials, key=lambda trial: trial.candidate.bits)
        whole = entry.candidate.tree
        table.offer([whole, whole[1]], "a sum of products with a function")  # with the constant at its end, and without
        yield "trying sums of products with a function"


@dataclass(frozen=True, slots=True)
class _WithFunction:
    """A sum of products, of which some are times a function."""

    candidate: PoolFormula
    function: Tree
    others: list[Tree]
    """What the function may multiply."""


def _shared(
    table: EngineTable, function: Tree, plain: Sequence[Tree], others: list[Tree], most: int
) -> Iterator[_WithFunction]:
    """Formulas of y as sums of a few products of columns, of which one or more are times a function, all factors fitted.

    Of each number of terms up to `most` the products that explain y best are chosen.

    Args:
        table: Columns and y.
        function: A function of a column, its inner constant as it is.
        plain: Products that may stand alone.
        others: Those that the function may multiply.
        most: Most terms.
    """
    factor, roots = table.values(function), row_weights(table, TARGETS[0])  # of y itself
    trees = [*plain, *(("mul", other, function) for other in others)]
    values = torch.stack([*map(table.values, plain), *(factor * table.values(other) for other in others)], 1)
    if not bool(torch.isfinite(values).all()):
        return
    sizes = torch.tensor([complexity(tree) for tree in trees], dtype=values.dtype)
    for subset in Subsets(values * roots[:, None], table.y * roots, roots, sizes).best(most):
        alone = [("mul", constant(1.0), plain[place]) for place in subset if place < len(plain)]
        within = [("mul", constant(1.0), others[place - len(plain)]) for place in subset if place >= len(plain)]
        if within:
            tree = total([*alone, ("mul", total(within), function), constant(0.0)])
            # No steps: only the linear factors are fitted.
            candidate = table.pool.judge(fit_tree(tree, table.columns, table.y, table.weights, steps=0)[0])
            if candidate is not None:
                yield _WithFunction(candidate, function, others)


def _monomials(table: EngineTable, degree: int) -> list[Tree]:
    """All products of up to `degree` columns, as trees; the number 1 first."""
    return monomials_of([("x", index) for index in table.indices], degree)


def _enough(table: EngineTable, terms: int) -> bool:
    """Whether a regression on so many terms is worth a try: they are few, there are enough rows for each, and no formula is exact yet."""
    return terms <= _TERMS and len(table) >= _ROWS * terms and not table.pool.is_exact


def _fraction(table: EngineTable, target: Target, terms: list[Tree], values: Tensor, first: int) -> Tree | None:
    """The formula of y by which a function of y is a fraction P/Q of polynomials, without terms that the rows don't need.

    Gauss-Newton steps from the values of y: each is a linear regression for the factors of P and Q.

    Args:
        table: Columns, y and weights.
        target: The function of y, with its way back to y.
        terms: Monomials of the numerator, and of the denominator.
        values: Their values, `(rows, terms)`.
        first: Index of the term of the denominator whose factor is fixed at 1, since a common factor of P and Q says nothing.

    Returns:
        The tree of y; None where the steps lead to numbers that aren't finite, or the numerator or the rest of the denominator is empty.
    """
    t, roots = target.values(table.y), row_weights(table, target)
    others = [index for index in range(len(terms)) if index != first]
    count = len(terms)

    def linear(guess: Tensor, below: Tensor) -> tuple[Tensor, Tensor]:
        """Columns and target of the regression around values of y and of Q: P - guess·(Q - first term), over Q."""
        columns = torch.cat([values, -guess[:, None] * values[:, others]], 1) / below[:, None]
        return columns, t - guess + guess * values[:, first] / below

    # At first the rows' own values stand for the fraction's.
    columns, right = linear(t, _away_from_0(values[:, first]))
    for _ in range(_STEPS):
        if not bool(torch.isfinite(columns).all() and torch.isfinite(right).all()):
            return None
        factors = _regression(columns * roots[:, None], right * roots)
        below = _away_from_0(values[:, first] + values[:, others] @ factors[count:])
        columns, right = linear(values @ factors[:count] / below, below)
    if not bool(torch.isfinite(columns).all() and torch.isfinite(right).all()):
        return None
    subset, solution = selected(columns, right, roots)
    above: list[Tree] = []
    under: list[Tree] = [terms[first]]
    for index, factor in zip(subset, solution.tolist(), strict=True):
        part, tree = (above, terms[index]) if index < count else (under, terms[others[index - count]])
        part.append(multiple(factor, tree))
    return target.back(("div", total(above), total(under)), table.y) if above and len(under) > 1 else None


def _away_from_0(below: Tensor) -> Tensor:
    """A denominator's values, `(rows,)`, lifted to a small size with their sign: of a poor guess rows near 0 would be all that counts."""
    least = _LEAST * float(below.abs().mean())
    return torch.where(below < 0, -1.0, 1.0) * below.abs().clamp(min=least)


def _regression(columns: Tensor, right: Tensor) -> Tensor:
    """Factors of the columns, `(rows, columns)`, by which they come nearest to `right`; directions that say nothing have none."""
    scale = columns.norm(dim=0).clamp(min=1e-300)
    u, s, vt = torch.linalg.svd(columns / scale, full_matrices=False)
    inverse = torch.where(s > _RIDGE * s[0], 1 / s, 0.0)
    return vt.T @ (inverse * (u.T @ right)) / scale


# ---- which few of many columns explain a target best: all triples, then one column more at a time, each exchanged for a better one
#
# Of columns that are much alike, to take the best one at a time goes astray at the second: what two explain together no column says alone.
#
# References:
#     Miller, "Subset Selection in Regression" (2002), chapter 3: sequential replacement.


class Subsets:
    """Subsets of columns, by what they leave of the target beside a constant, and by their complexity.

    Args:
        columns: `(rows, columns)`, float64, like all with the roots of the weights.
        target: `(rows,)`.
        roots: What a constant multiplies, `(rows,)`.
        complexities: Of the columns.

    Examples:
        >>> generator = torch.Generator().manual_seed(0)
        >>> columns = torch.rand(100, 9, generator=generator, dtype=torch.float64)
        >>> noise = 0.01 * torch.randn(100, generator=generator, dtype=torch.float64)
        >>> target = 1 + columns[:, 2] - columns[:, 5] + 0.5 * columns[:, 7] + noise
        >>> one = torch.ones(100, dtype=torch.float64)
        >>> sorted(Subsets(columns, target, one, one[:9]).best(3)[2])
        [2, 5, 7]
    """

    def __init__(self, columns: Tensor, target: Tensor, roots: Tensor, complexities: Tensor) -> None:
        """Compute all products of columns, `(rows, columns)`, and target, `(rows,)`, which are all that the search for subsets needs.

        Both come times `roots`, `(rows,)`, the roots of the rows' weights. Of each column its complexity counts, too.
        """
        # A constant is always there: what it explains is taken off all columns and the target, which then get the length 1.
        direction = roots / roots.norm()
        sizes = columns.norm(dim=0)
        columns = columns - direction[:, None] * (direction @ columns)
        target = target - direction * (direction @ target)
        spread = columns.norm(dim=0)
        # Of a constant column round-off is left, which says nothing.
        columns = torch.where(spread > _INDEPENDENT * sizes, columns / spread.clamp(min=1e-300), 0.0)
        target = target / target.norm().clamp(min=1e-300)
        # The systems of a few columns that follow are many and small: NumPy takes less time for each than torch.
        self._products, self._target_products = (columns.T @ columns).numpy(), (columns.T @ target).numpy()
        self._squares = self._products.diagonal()  # of each column 1; 0 for constant columns
        # Bits of complexity, over half the number of rows: so they add to the logarithm of the squares that remain.
        self._costs: _Array = (2 * BITS / len(target) * complexities).numpy()
        self._next_columns: dict[frozenset[int], int | None] = {}  # what `_next` returned

    def best(self, most: int) -> list[list[int]]:
        """The subsets, as indices, of 1 to `most` columns that explain the target best; of several starts, so that sizes may come again."""
        count = len(self._costs)
        starts = [[], *self._triples()] if most >= 3 and 3 < count <= _TRIPLES else [[]]
        found: dict[frozenset[int], list[int]] = {}
        for start in starts:
            for subset in self._growing(start, min(most, count)):
                if frozenset(subset) in found:  # from here on it grows the same way
                    break
                found[frozenset(subset)] = subset
        return list(found.values())

    def _growing(self, chosen: list[int], most: int) -> Iterator[list[int]]:
        """Subsets of up to `most` columns, as indices: `chosen`, if any, then one more each time, that which explains most beside them.

        After each the columns in the subset are exchanged for better ones, if any.
        """
        if chosen:
            yield chosen
        while len(chosen) < most:
            index = self._next(chosen)
            if index is None:
                return
            chosen = self._exchanged([*chosen, index])
            yield chosen

    def _exchanged(self, chosen: list[int]) -> list[int]:
        """A subset after exchanges: each column in turn for the best one beside the others, until none changes or `_EXCHANGES` rounds."""
        for _ in range(_EXCHANGES):
            before = set(chosen)
            for index in tuple(chosen):
                others = [other for other in chosen if other != index]
                better = self._next(others)
                chosen = [*others, index if better is None else better]
            if set(chosen) == before:
                break
        return chosen

    def _next(self, others: list[int]) -> int | None:
        """The index of the column that explains most beside `others`, its complexity counted; None where all columns follow from these."""
        key = frozenset(others)  # subsets from several starts, and rounds of exchanges, ask for the same ones again
        if key not in self._next_columns:
            self._next_columns[key] = self._best_beside(others)
        return self._next_columns[key]

    def _best_beside(self, others: list[int]) -> int | None:
        """The column that explains most of the target beside `others`, its complexity counted; None where all columns follow from these."""
        # By the Cholesky root of the chosen columns' products, what these explain is taken off all columns and the target at once. All have
        # the length 1: `_products` are cosines of columns, `_target_products` theirs with the target, `_squares` 1, or 0.
        rows = self._products[others]
        root = np.linalg.cholesky(rows[:, others] + _NUGGET * np.eye(len(others)))
        both = np.linalg.solve(root, np.concatenate([rows, self._target_products[others, None]], 1))
        columns, target = both[:, :-1], both[:, -1]
        # Description lengths over half the number of rows: the logarithm of the squares that remain, and the complexity.
        scores = self._costs + _left(
            1 - target @ target, self._target_products - target @ columns, self._squares - np.square(columns).sum(0)
        )
        scores[others] = np.inf
        index = int(scores.argmin())
        return index if scores[index] < np.inf else None

    def _triples(self) -> list[list[int]]:
        """The best triples of columns, at most `_STARTS`, each ascending: for each pair, what any third column explains beside it.

        Columns and target have the length 1, so that products of two columns (`_products`) and with the target (`_target_products`) are
        cosines: two normal equations say in closed form what the first two explain.
        """
        count = len(self._costs)
        first, second = np.triu_indices(count, 1)
        cosine = self._products[first, second]
        independent = 1 - np.square(cosine) > _INDEPENDENT
        first, second, cosine = first[independent], second[independent], cosine[independent][:, None]
        sine = 1 - np.square(cosine)
        a, b = self._target_products[first][:, None], self._target_products[second][:, None]
        rows, columns = self._products[first], self._products[second]
        left = 1 - (a**2 + b**2 - 2 * cosine * a * b) / sine
        # What the two leave of the squares of each third column, and of its product with the target.
        own = self._squares - (rows**2 + columns**2 - 2 * cosine * rows * columns) / sine
        share = self._target_products - ((rows - cosine * columns) * a + (columns - cosine * rows) * b) / sine
        # Description lengths over half the number of rows: the logarithm of what three columns leave, and their complexities.
        scores = ((self._costs[first] + self._costs[second])[:, None] + self._costs + _left(left, share, own)).ravel()
        # Each triple comes up three times.
        best = np.argpartition(scores, min(4 * _STARTS, len(scores)) - 1)[: 4 * _STARTS] if len(scores) else first
        best = best[scores[best].argsort(kind="stable")]
        triples = dict.fromkeys(
            frozenset((int(first[place // count]), int(second[place // count]), int(place % count)))
            for place in best[scores[best] < np.inf]
        )
        return [sorted(triple) for triple in triples][:_STARTS]


def _left(before: Any, share: _Array, own: _Array) -> _Array:
    """Logarithm (base 2) of the part of the target's squares that remains with one more column; inf where it follows from the others.

    Args:
        before: The part that remains without it; a number, or an array that broadcasts with the others.
        share: Its product with what the other columns leave of the target.
        own: The part of its squares that the other columns leave.
    """
    remains = np.maximum(before - np.square(share) / np.maximum(own, _INDEPENDENT), _ROUNDING)
    return np.where(own > _INDEPENDENT, np.log2(remains), np.inf)
