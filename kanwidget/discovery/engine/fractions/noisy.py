"""Polynomials, fractions of polynomials, and sums of a few products of noisy rows, by regression.

In noise no combination of monomials vanishes. The factors of y = P/Q come from Gauss-Newton steps on all terms instead, each a
linear regression of y on the terms of P and on y's former value times those of Q; the last one leaves out terms that the rows don't need.

References:
    Sanathanan, Koerner, "Transfer function synthesis as a ratio of two complex polynomials", IEEE Transactions on
    Automatic Control 8 (1963).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from kanwidget.discovery.engine.assembly import of_sum, row_weights, selected, total
from kanwidget.discovery.engine.fractions.polynomials import feature_sets, monomials_of
from kanwidget.discovery.engine.pool import BITS
from kanwidget.discovery.engine.table import Table
from kanwidget.discovery.engine.targets import TARGETS, Target, usable
from kanwidget.discovery.engine.trees import Tree, complexity, constant

#: Largest degrees of polynomials and of both parts of fractions.
_DEGREE, _FRACTION = 4, 3
#: Most terms, and how many rows each of them needs.
_TERMS, _ROWS = 60, 4
#: Functions of y that are polynomials, and those that are fractions.
_POLYNOMIALS, _FRACTIONS = 6, ("{}", "{}²")
#: Gauss-Newton steps, and the smallest denominator as a part of its mean.
_STEPS, _LEAST = 6, 0.02
#: Part of the largest singular value below which a direction says nothing.
_RIDGE = 1e-7
#: Functions of y that are sums, the most products to choose from, the most terms, rounds of exchanges, and sums that are fitted.
_SUMS, _CHOICE, _MOST_TERMS, _EXCHANGES, _MOST = 4, 250, 8, 3, 6
#: Of so many columns all triples are examined, and so many of them grow.
_TRIPLES, _STARTS = 130, 2
#: Of columns of length 1: what is added to their squares, what others leave of one that says something, and what counts as nothing.
_NUGGET, _INDEPENDENT, _ROUNDING = 1e-12, 1e-7, 1e-14


def noisy_polynomials(table: Table) -> Iterator[str]:
    """Offer functions of y as polynomials of the columns."""
    for degree in range(1, _DEGREE + 1):
        terms = _monomials(table, degree)[1:]
        if not _enough(table, len(terms)):
            return
        for target in TARGETS[:_POLYNOMIALS]:
            if usable(target, table.y, table.operations):
                found = of_sum(table, target, row_weights(table, target), terms)
                table.offer([found], f"{target.name.format('y')} as a polynomial")
        yield f"trying polynomials of degree {degree}"


def noisy_fractions(table: Table) -> Iterator[str]:
    """Offer y and its square as fractions of polynomials of the columns."""
    for degree in range(1, _FRACTION + 1):
        terms = _monomials(table, degree)
        if not _enough(table, 2 * len(terms)):
            return
        values = torch.stack([table.values(tree) for tree in terms], 1)
        for target in (target for target in TARGETS if target.name in _FRACTIONS):
            if usable(target, table.y, table.operations):
                # The term of the denominator that is sure to be there: 1, or a column.
                for first in range(1 + len(table.indices)):
                    table.offer(
                        [_fraction(table, target, terms, values, first)], f"{target.name.format('y')} as a fraction"
                    )
                    yield f"trying fractions of degree {degree} of noisy rows"


def noisy_sums(table: Table) -> Iterator[str]:
    """Offer functions of y as sums of a few products of two columns or functions of columns."""
    for label, features in feature_sets(table):
        if table.pool.is_exact or math.comb(len(features) + 2, 2) > _CHOICE:
            continue
        trees = [tree for tree in monomials_of(features, 2)[1:] if bool(torch.isfinite(table.values(tree)).all())]
        matrix = torch.stack([table.values(tree) for tree in trees], 1)
        sizes = torch.tensor([complexity(tree) for tree in trees], dtype=matrix.dtype)
        for target in TARGETS[:_SUMS]:
            if not usable(target, table.y, table.operations):
                continue
            roots = row_weights(table, target)
            subsets = _Subsets(matrix * roots[:, None], target.values(table.y) * roots, roots, sizes)
            sums = [of_sum(table, target, roots, [trees[index] for index in subset]) for subset in subsets.best()]
            table.offer(sums, f"a sum of products of {label}", fits=_MOST)
            yield f"trying sums of products of {label} for {target.name.format('y')}"


class _Subsets:
    """Which columns leave least of the right side beside a constant, by the length of the description.

    Args:
        columns: `(rows, columns)`, like all with the roots of the weights.
        right: `(rows,)`.
        roots: What a constant multiplies.
        sizes: Complexities of the columns.
    """

    def __init__(self, columns: Tensor, right: Tensor, roots: Tensor, sizes: Tensor) -> None:
        direction = roots / roots.norm()
        columns, right = columns - direction[:, None] * (direction @ columns), right - direction * (direction @ right)
        columns = columns / columns.norm(dim=0).clamp(min=1e-300)
        right = right / right.norm().clamp(min=1e-300)
        self._square, self._shares = columns.T @ columns, columns.T @ right
        self._costs = 2 * BITS / len(right) * sizes

    def best(self) -> list[list[int]]:
        """The best subsets of each size, from the best three columns of all, and one by one."""
        starts = [[], *self._triples()] if 3 < len(self._costs) <= _TRIPLES else [[]]
        return [subset for start in starts for subset in self._growing(start)]

    def _growing(self, chosen: list[int]) -> Iterator[list[int]]:
        """A column more each time; then each is exchanged for a better one, if any."""
        if chosen:
            yield chosen
        while len(chosen) < min(_MOST_TERMS, len(self._costs)):
            chosen = [*chosen, self._next(chosen)]
            for _ in range(_EXCHANGES):
                before = set(chosen)
                for index in list(chosen):
                    others = [other for other in chosen if other != index]
                    chosen = [*others, self._next(others)]
                if set(chosen) == before:
                    break
            yield chosen

    def _next(self, others: list[int]) -> int:
        """The column that helps these most for its complexity."""
        square = self._square[others][:, others]
        root = torch.linalg.cholesky(square + _NUGGET * torch.eye(len(others), dtype=square.dtype))
        both = torch.cat([self._square[others], self._shares[others][:, None]], 1)
        both = torch.linalg.solve_triangular(root, both, upper=False)
        explained, own = both[:, :-1], both[:, -1]
        score = self._score(1 - own.square().sum(), self._shares - explained.T @ own, 1 - explained.square().sum(0))
        score = score + self._costs
        score[others] = torch.inf
        return int(score.argmin())

    def _triples(self) -> list[list[int]]:
        """The best three columns, in some versions."""
        first, second = torch.triu_indices(len(self._costs), len(self._costs), 1)
        cosine, a, b = self._square[first, second], self._shares[first], self._shares[second]
        sine = (1 - cosine.square()).clamp(min=_INDEPENDENT)
        left = 1 - (a.square() + b.square() - 2 * cosine * a * b) / sine
        rows, columns = self._square[first], self._square[second]
        cosine, sine = cosine[:, None], sine[:, None]
        rest = 1 - (rows.square() + columns.square() - 2 * cosine * rows * columns) / sine
        share = self._shares - ((rows - cosine * columns) * a[:, None] + (columns - cosine * rows) * b[:, None]) / sine
        score = self._score(left[:, None], share, rest)
        score = score + (self._costs[first] + self._costs[second])[:, None] + self._costs
        places = score.flatten().topk(min(_STARTS * 10, score.numel()), largest=False).indices
        triples = [
            frozenset(
                (
                    int(first[place // len(self._costs)]),
                    int(second[place // len(self._costs)]),
                    int(place % len(self._costs)),
                )
            )
            for place in places
        ]
        return [sorted(triple) for triple in dict.fromkeys(triples) if len(triple) == 3][:_STARTS]

    def _score(self, left: Tensor, share: Tensor, rest: Tensor) -> Tensor:
        """Logarithm of what is left with one more column, of what is left before, its share in that, and what is left of itself."""
        gain = share.square() / rest.clamp(min=_INDEPENDENT)
        return torch.where(rest > _INDEPENDENT, (left - gain).clamp(min=_ROUNDING).log2(), torch.inf)


def _monomials(table: Table, degree: int) -> list[Tree]:
    return monomials_of([("x", index) for index in table.indices], degree)


def _enough(table: Table, terms: int) -> bool:
    """Whether the rows are enough for so many terms."""
    return terms <= _TERMS and len(table) >= _ROWS * terms and not table.pool.is_exact


def _fraction(table: Table, target: Target, terms: list[Tree], values: Tensor, first: int) -> Tree | None:
    """The fraction whose denominator has a term with the factor 1; None where the steps lead nowhere."""
    t, roots = target.values(table.y), row_weights(table, target)
    others = [index for index in range(len(terms)) if index != first]
    count = len(terms)

    def linear(guess: Tensor, below: Tensor) -> tuple[Tensor, Tensor]:
        """Columns and target of the regression around values of y and of Q: P - guess·(Q - first term), over Q."""
        columns = torch.cat([values, -guess[:, None] * values[:, others]], 1) / below[:, None]
        return columns, t - guess + guess * values[:, first] / below

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
        part.append(constant(factor) if tree == ("n", 1) else ("mul", constant(factor), tree))
    return target.back(("div", total(above), total(under)), table.y) if above and len(under) > 1 else None


def _away_from_0(below: Tensor) -> Tensor:
    """A denominator before the steps have come near: what is nearly 0 would be all that counts."""
    least = _LEAST * float(below.abs().mean())
    return torch.where(below < 0, -1.0, 1.0) * below.abs().clamp(min=least)


def _regression(columns: Tensor, right: Tensor) -> Tensor:
    """Factors, without directions that say nothing."""
    scale = columns.norm(dim=0).clamp(min=1e-300)
    u, s, vt = torch.linalg.svd(columns / scale, full_matrices=False)
    inverse = torch.where(s > _RIDGE * s[0], 1 / s, 0.0)
    return vt.T @ (inverse * (u.T @ right)) / scale
