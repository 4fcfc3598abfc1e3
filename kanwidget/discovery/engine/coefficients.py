"""Formulas that are linear in some columns, with coefficients that are functions of one argument: y = T·f(x) + w·g(x).

Splines of the argument, times each column, say how near y comes to such a form, noise or not. The curve of each coefficient is searched
in what the other terms leave of y.

References:
    Hastie, Tibshirani, "Varying-coefficient models", Journal of the Royal Statistical Society B 55 (1993).
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.discovery.engine.cancelling import cancelled
from kanwidget.discovery.engine.parts import Part, curves_together, unshifted
from kanwidget.discovery.engine.reductions import column_text
from kanwidget.discovery.engine.separation import splines_of
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.trees import Tree, constant, nodes, number, substituted, total, values
from kanwidget.insight.noise import noise_of

_ONE = number(1)
#: Intervals of the splines, at most and at least, those for which products and inverses are left out, and rows for each factor.
_INTERVALS, _FEWEST, _ENOUGH, _ROWS = 8, 2, 4, 4
#: Order of the splines, and the most rows that they are fitted to.
_ORDER, _MOST_ROWS = 3, 2000
#: Up to so many columns beside the argument also come in products of two and as inverses; more columns aren't looked at.
_IN_PRODUCTS, _COLUMNS = 3, 8
#: Bits that a term must save, and for each factor of its splines.
_TERM, _FACTOR = 5.0, 3.0
#: The form counts where its error is at most so many times what is known of y, and this part of its spread.
_NEAR, _SMOOTH, _LARGEST = 1.15, 0.003, 0.3
#: Terms, at most, and forms that are searched.
_TERMS, _FORMS = 4, 2
_RIDGE = 1e-9


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Y as a sum of terms, each a product of columns times a function of the argument."""

    argument: Tree
    rows: Tensor
    """Indices of the rows that it is fitted to."""
    terms: dict[Tree, Tensor]
    """The values of each term's function on these rows, by what it is multiplied with."""
    constants: frozenset[Tree]
    """Terms whose function is a constant."""
    error: float
    """Of y, as a part of its spread, for each degree of freedom."""

    def text(self, names: Sequence[str], target: str) -> str:
        """The form, y as a sum of terms times functions of one argument, in words, such as `y = T·f(x) + w·g(x)`."""
        argument, parts = column_text(self.argument, names), []
        letters = iter("fghijk")
        for term in self.terms:
            own = "" if term == _ONE else column_text(term, names)
            function = "constant" if term in self.constants else f"{next(letters)}({argument})"
            parts.append(f"{own}·{function}" if own else function)
        return f"{target} = {' + '.join(parts)}"

    def leaves_noise(self, table: EngineTable) -> bool:
        """Whether what the form leaves of y looks like noise: it isn't alike in rows that are. False for too few rows to say."""
        x = table.columns[:, self.rows]
        left = table.y[self.rows] - sum(values(term, x.unbind()) * own for term, own in self.terms.items())
        noise = noise_of(x.T, table.weights[self.rows].sqrt() * left)
        return noise is not None and noise.is_noise


def coefficient_forms(table: EngineTable, near: float) -> list[Coefficients]:
    """Forms y = T·f(u) + w·g(u), of columns times functions of one argument u, as splines fit them to the rows.

    Only those that come about as near to y as a network or formula does; those with the fewest terms first.

    Args:
        table: Columns and y.
        near: The error that a network or formula reaches, as a part of the spread of y.
    """
    if not 1 < len(table.indices) <= _COLUMNS:
        return []
    sample = table.draw(_MOST_ROWS).sort().values
    forms = [form for argument in _arguments(table) if (form := _Fit(table, argument, sample).form()) is not None]
    near = min(near, *(form.error for form in forms)) if forms else near
    # Beside the noise, splines miss a small part of a smooth function.
    near_enough = [form for form in forms if form.error <= min(_NEAR * near + _SMOOTH, _LARGEST)]
    return sorted(near_enough, key=lambda form: (len(form.terms), form.error))[:_FORMS]


def curves_of_coefficients(table: EngineTable, form: Coefficients) -> Iterator[str]:
    """Search a formula for each coefficient in y = T·f(u) + w·g(u), and offer the sums with these; yields what is tried.

    Args:
        table: Columns and y; its pool takes the formulas.
        form: The terms, each with its coefficient's values, to which curves are fitted.
    """
    columns, y, row_weights = table.columns[:, form.rows].unbind(), table.y[form.rows], table.weights[form.rows]
    argument = values(form.argument, columns)
    products = {term: values(term, columns) for term in form.terms}
    left = y - sum(products[term] * own for term, own in form.terms.items())
    parts = []
    for term, own in form.terms.items():
        # What the coefficient should be if the other terms are right. Its errors count by the square of what it multiplies, as those of y.
        factor = products[term]
        usable = factor.abs() > 1e-6 * factor.abs().max()
        rest = torch.where(usable, own + left / factor, 0.0)
        weights = torch.where(usable, row_weights * factor.square(), 0.0)
        parts.append(Part(argument, rest, weights, is_constant=term in form.constants))

    def formulas(choice: Sequence[Tree]) -> Iterator[Tree]:
        """Sums of the terms, each times its curve of the form's argument: without a further constant, and with one."""
        own = [substituted(tree, [form.argument]) for tree in choice]
        terms = [
            unshifted(tree) if term == _ONE else ("mul", term, tree) for tree, term in zip(own, form.terms, strict=True)
        ]
        yield cancelled(total(terms))
        yield cancelled(total([constant(0.0), *terms]))

    # With `wide` simpler, less likely curves are tried, too: an error in one coefficient is one in the others.
    yield from curves_together(table, parts, formulas, "sums of columns times curves", wide=True)


def _arguments(table: EngineTable) -> Iterator[Tree]:
    """Arguments u that f and g in y = T·f(u) + w·g(u) may have, as trees: columns, and products and ratios of two where others remain."""
    columns: list[Tree] = [("x", index) for index in table.indices]
    yield from columns
    if len(columns) > 2:
        for i, j in itertools.combinations(table.indices, 2):
            yield ("mul", columns[i], columns[j])
            if table.nonzero(j):
                yield ("div", columns[i], columns[j])


def _terms(table: EngineTable, argument: Tree) -> list[Tree]:
    """What T and w may be in y = T·f(u) + w·g(u), for an argument u: 1, the columns not in u and, if few, their products and inverses."""
    columns: list[Tree] = [("x", index) for index in table.indices if ("x", index) not in nodes(argument)]
    if len(columns) > _IN_PRODUCTS:
        return [_ONE, *columns]
    products: list[Tree] = [
        ("sq", a) if a == b else ("mul", a, b) for a, b in itertools.combinations_with_replacement(columns, 2)
    ]
    inverses: list[Tree] = [("inv", column) for column in columns if table.nonzero(column[1])]
    return [_ONE, *columns, *inverses, *products]


def _is_series(terms: Sequence[Tree]) -> bool:
    """Whether a column comes with three powers, 1 among them: then the sum of these may be any smooth function of it."""
    # Powers of each column among the terms: x, x², 1/x; the term 1 is one more.
    powers = Counter(term if term[0] == "x" else term[1] for term in terms if term[0] in ("x", "sq", "inv"))
    return max(powers.values(), default=0) + (_ONE in terms) > 2


class _Fit:
    """Regression on splines of an argument times columns, from which terms are left out as long as the rows don't need them."""

    def __init__(self, table: EngineTable, argument: Tree, sample: Tensor) -> None:
        """Regress y on the splines of `argument`, a tree, times each term, on the rows whose indices are in `sample`.

        Terms are 1, columns, and products of columns: y is a sum of terms times functions of the argument.
        """
        self.table, self.argument, self.sample = table, argument, sample
        self.rows = len(sample)
        columns, roots = table.columns[:, self.sample].unbind(), table.weights[self.sample].sqrt()
        self.terms, intervals = self._terms()
        column = values(argument, columns)
        # Whether there are rows enough, and finite values.
        self.usable = intervals >= _FEWEST and bool(torch.isfinite(column).all())
        if not self.usable:
            return
        splines = splines_of(column, intervals)
        blocks = [values(term, columns)[:, None] * splines for term in self.terms]
        self.size = splines.shape[1]  # splines of each term, the first one a constant
        matrix = torch.cat(blocks, 1) * roots[:, None]
        self.scale = matrix.norm(dim=0).clamp(min=1e-300)
        matrix = matrix / self.scale
        right = roots * table.y[self.sample]
        # The normal equations, of columns of length 1: all regressions on fewer terms are parts of them.
        self.square, self.right, self.energy = matrix.T @ matrix, matrix.T @ right, float(right @ right)
        self.blocks = blocks

    def _terms(self) -> tuple[list[Tree], int]:
        """The terms, what functions of the argument may be multiplied by, and the number of intervals of these functions' splines.

        These are as many as there are rows for, `_ROWS` for each factor, up to `_INTERVALS`.
        Where that is fewer than `_ENOUGH`, products and inverses of columns are left out.
        """
        every = _terms(self.table, self.argument)
        for terms in (every, [term for term in every if term == _ONE or term[0] == "x"]):
            intervals = self.rows // (_ROWS * len(terms)) - _ORDER
            if intervals >= _ENOUGH:
                break
        return terms, min(intervals, _INTERVALS)

    def form(self) -> Coefficients | None:
        """The form y = T·f(u) + w·g(u), of columns or products T and w, without terms that the rows don't need.

        Functions f, g that needn't vary are constants. None where this is no form of coefficients: it needs 2 to `_TERMS` terms, a
        coefficient that varies beside a column, a product or an inverse, and no column whose terms look like a series.
        """
        if not self.usable or not math.isfinite(self.energy):
            return None
        kept = dict.fromkeys(range(len(self.terms)), self.size)  # how many factors each term has
        while True:
            chosen, factors, sse, losses = self._regression(kept)
            free = self.rows - len(chosen)
            if not math.isfinite(sse) or sse <= 0 or free <= 0:
                return None
            # A change says how many factors, 0 or 1, a term is to have: bits by which the residuals' description gets longer, then less
            # those that are saved. Below 0 it pays.
            bits = {change: 0.5 * self.rows * math.log2(1 + loss / sse) for change, loss in losses.items()}
            saved = {
                (place, size): value - _FACTOR * (kept[place] - size) - _TERM * (size == 0)
                for (place, size), value in bits.items()
            }
            change = min(saved, key=saved.__getitem__, default=None)
            if change is None or saved[change] > 0:
                break
            place, size = change
            kept = {other: own for other, own in (kept | {place: size}).items() if own}
        varying = [place for place, size in kept.items() if size > 1 and self.terms[place] != _ONE]
        if not varying or not 1 < len(kept) <= _TERMS or _is_series([self.terms[place] for place in kept]):
            return None
        weight = float(self.table.weights[self.sample].sum())
        error = math.sqrt(sse / weight * self.rows / free) / self.table.pool.spread
        return self._coefficients(kept, chosen, factors, error)

    def _coefficients(self, kept: dict[int, int], chosen: list[int], factors: Tensor, error: float) -> Coefficients:
        """The form y = T·f(u) + w·g(u) as a record, with the values of f and g: splines of u times their factors.

        Args:
            kept: The terms that stay, by their index, and how many factors each has: 1 for a constant, else all of its splines.
            chosen: The columns of the regression that belong to these.
            factors: Their factors, for columns of length 1.
            error: Of y, as a part of its spread.
        """
        every = self.square.new_zeros(len(self.scale))
        every[chosen] = factors
        parts = (every / self.scale).split(self.size)
        splines = self.blocks[0]  # the first term is 1
        terms = {self.terms[place]: splines @ parts[place] for place in kept}
        fixed = frozenset(self.terms[place] for place, size in kept.items() if size == 1)
        return Coefficients(self.argument, self.sample, terms, fixed, error)

    def _regression(self, kept: dict[int, int]) -> tuple[list[int], Tensor, float, dict[tuple[int, int], float]]:
        """Linear regression of y on some terms, each times the splines of the argument, by parts of the normal equations.

        Args:
            kept: Indices of the terms, and how many factors each has: 1 for a constant, else all of its splines.

        Returns:
            The columns of the regression; their factors; the sum of squared residuals, inf where there is no solution; and by how much this
            sum grows for each change `(term, 0)`, the term goes, or `(term, 1)`, its coefficient becomes a constant.
        """
        chosen = [place * self.size + k for place, size in kept.items() for k in range(size)]
        square = self.square[chosen][:, chosen]
        square.diagonal().add_(_RIDGE)
        inverse, failed = torch.linalg.inv_ex(square)
        if bool(failed):
            return chosen, square.new_zeros(len(chosen)), math.inf, {}
        factors = inverse @ self.right[chosen]
        sse = self.energy - float(self.right[chosen] @ factors)
        losses, start = {}, 0
        for place, size in kept.items():
            # From factor 0 on all of the term goes, from factor 1 on all but the constant, the first of the splines.
            for first in {0, 1} if size > 1 else {0}:
                # Without factors f a fit loses f·B⁻¹·f, with B their part of the inverse.
                part = slice(start + first, start + size)
                own = torch.linalg.solve_ex(inverse[part, part], factors[part])[0]
                losses[place, first] = max(float(factors[part] @ own), 0.0)
            start += size
        return chosen, factors, sse, losses
