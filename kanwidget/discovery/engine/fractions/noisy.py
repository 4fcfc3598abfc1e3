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

import torch
from torch import Tensor

from kanwidget.discovery.engine.assembly import of_sum, row_weights, selected, total
from kanwidget.discovery.engine.curves.natural import functions_of_one_constant
from kanwidget.discovery.engine.fitting.refits import fit_tree
from kanwidget.discovery.engine.fractions.polynomials import feature_sets, monomials_of
from kanwidget.discovery.engine.fractions.subsets import Subsets
from kanwidget.discovery.engine.pool import PoolFormula
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.targets import TARGETS, Target, usable
from kanwidget.discovery.engine.trees import (
    Tree,
    complexity,
    constant,
    form_of,
    nodes,
    number,
    substituted,
)

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
#: Functions of y that are sums, the most products to choose from, most terms and rows for each, and how many sums are fitted.
_SUMS, _CHOICE, _IN_SUM, _ROWS_IN_SUM, _FITTED = 4, 250, 7, 8, 4
#: Most terms of a sum with a function, and columns of the table.
_SHARED, _SHARED_COLUMNS = 5, 6
#: Times that its constant and its terms are chosen in turn.
_CLOSING_IN = 3


def noisy_polynomials(table: EngineTable) -> Iterator[str]:
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


def noisy_fractions(table: EngineTable) -> Iterator[str]:
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


def noisy_sums(table: EngineTable) -> Iterator[str]:
    """Offer functions of y as sums of a few products of two columns or functions of columns."""
    most = min(_IN_SUM, len(table) // _ROWS_IN_SUM)
    for label, features in feature_sets(table):
        if table.pool.is_exact or not most or math.comb(len(features) + 2, 2) > _CHOICE:
            continue
        trees = [tree for tree in monomials_of(features, 2)[1:] if bool(torch.isfinite(table.values(tree)).all())]
        matrix = torch.stack([table.values(tree) for tree in trees], 1)
        sizes = torch.tensor([complexity(tree) for tree in trees], dtype=matrix.dtype)
        for target in TARGETS[:_SUMS]:
            if not usable(target, table.y, table.operations):
                continue
            roots = row_weights(table, target)
            subsets = Subsets(matrix * roots[:, None], target.values(table.y) * roots, roots, sizes).best(most)
            sums = [of_sum(table, target, roots, [trees[index] for index in subset]) for subset in subsets]
            table.offer(sums, f"a sum of products of {label}", fits=_FITTED)
            yield f"trying sums of products of {label} for {target.name.format('y')}"


def sums_with_function(table: EngineTable) -> Iterator[str]:
    """Offer y as a sum of products, of which some are times one function of a column: g·u + (b·v - h·u)·exp(-t/τ).

    The function's constant runs over a few numbers; the sums whose descriptions are shortest then are fitted as a whole.
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
            found += [_WithFunction(c, function, others) for c in _shared(table, function, plain, others, most)]
        yield "trying sums of products with a function"
    found.sort(key=lambda entry: entry.candidate.bits)
    best: dict[Tree, _WithFunction] = {}
    for entry in found:
        best.setdefault(form_of(entry.function), entry)
    for entry in list(best.values())[:_FITTED]:
        # With the constant other terms say something.
        for _ in range(_CLOSING_IN):
            fitted = table.trial(entry.candidate.tree)
            function = entry.function if fitted is None else _fitted_function(fitted.tree, entry.function)
            trials = list(_shared(table, function, plain, entry.others, most))
            if not trials:
                break
            entry = _WithFunction(min(trials, key=lambda trial: trial.bits), function, entry.others)
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


def _fitted_function(tree: Tree, function: Tree) -> Tree:
    """The function as a fitted tree has it."""
    return next((node for node in nodes(tree) if form_of(node) == form_of(function)), function)


def _shared(
    table: EngineTable, function: Tree, plain: Sequence[Tree], others: Sequence[Tree], most: int
) -> Iterator[PoolFormula]:
    """The best sums of products with a function, their factors fitted.

    Args:
        table: The table.
        function: The function.
        plain: Products that stand alone.
        others: Those that the function multiplies.
        most: Terms.
    """
    factor, roots = table.values(function), row_weights(table, TARGETS[0])
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
            candidate = table.pool.judge(fit_tree(tree, table.columns, table.y, table.weights, steps=0)[0])
            if candidate is not None:
                yield candidate


def _monomials(table: EngineTable, degree: int) -> list[Tree]:
    return monomials_of([("x", index) for index in table.indices], degree)


def _enough(table: EngineTable, terms: int) -> bool:
    """Whether the rows are enough for so many terms."""
    return terms <= _TERMS and len(table) >= _ROWS * terms and not table.pool.is_exact


def _fraction(table: EngineTable, target: Target, terms: list[Tree], values: Tensor, first: int) -> Tree | None:
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
