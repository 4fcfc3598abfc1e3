"""Reductions: what a good formula, or a network, says about the data's structure, and the smaller table that follows from it.

Where an accurate surrogate of y has d log y/d log x_i constant, x_i is a factor with a power, and y divided by it has one column fewer.
Where x_i and x_j have a weighted sum of these that is constant, y depends on both through x_i^p·x_j^q, but for a power of x_j; where
their derivatives are equal or opposite, through their sum or difference; the same with an unknown constant where their ratio is one,
or is linear in a column. A search in the smaller table goes deeper in the same time.

References:
    Udrescu, Tegmark, "AI Feynman: a physics-inspired method for symbolic regression", arXiv:1905.11481.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.discovery.engine.assembly import power
from kanwidget.discovery.engine.cancelling import cancelled
from kanwidget.discovery.engine.surrogates import Surrogate
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.trees import Tree, constant, expression, number, product, substituted, with_leaves

#: Spread of an elasticity that counts as none, in units of the surrogate's relative error.
_ERRORS = 60.0
_LEAST_TOLERANCE, _MOST_TOLERANCE = 1e-6, 0.03
#: How many times wider it may be for what is tried after that, where derivatives come from noisy rows.
_WIDER = 2.0
#: Values below this part of the median are small.
_SMALL = 0.3
#: Rows that a verdict takes.
_FEWEST = 20
#: A constant beside a column that is below this part of it, or a part of a sum below this part of the other, says nothing.
_LEAST = 0.02
#: Ratios of the exponents of two columns.
_RATIOS = (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)


@dataclass(frozen=True, slots=True)
class Reduction:
    """A table of fewer columns."""

    columns: tuple[Tree, ...]
    """What each new column is, in the old ones."""
    factor: Tree
    """What the new target is multiplied by."""
    text: str
    """What it says of the target, which is "it"."""
    beside: Tree = ("n", 0)
    """What is taken off the target before it is divided."""

    @property
    def key(self) -> tuple[Tree, ...]:
        """The trees of the reduction, with constants to two digits: the same for reductions that differ in words or little in constants."""

        def rounded(leaf: Tree) -> Tree:
            return constant(float(f"{leaf[1]:.1e}")) if leaf[0] == "c" else leaf

        return tuple(with_leaves(tree, rounded) for tree in (self.factor, self.beside, *self.columns))

    def outside(self, tree: Tree) -> Tree:
        """The formula of y, `factor` times the new target plus `beside`, in the old columns; `tree` is one of that in the new columns."""
        inner = substituted(tree, self.columns)
        whole = inner if self.factor == ("n", 1) else ("mul", self.factor, inner)
        return cancelled(whole if self.beside == ("n", 0) else ("add", whole, self.beside))

    def names(self, names: Sequence[str]) -> list[str]:
        """What the new columns are called, by the names of the old ones."""
        return [column_text(tree, names) for tree in self.columns]

    def table(self, whole: EngineTable) -> EngineTable | None:
        """The smaller table, of y less `beside` over `factor`; None where its values aren't finite, or its target is constant."""
        x = torch.stack([whole.values(tree) for tree in self.columns], 1)
        factor = whole.values(self.factor)
        y = (whole.y - whole.values(self.beside)) / factor
        if not bool(torch.isfinite(x).all() and torch.isfinite(y).all() and (y.std() > 0)):
            return None
        # An error of the new target, times the factor, is one of y.
        weights = whole.weights * factor.square()
        units = [whole.units[tree[1]] if tree[0] == "x" else 1.0 for tree in self.columns]
        return EngineTable(x, y, weights, whole.operations, whole.most, units=units)


class Sample(NamedTuple):
    """Derivatives on rows where y isn't nearly 0, so that relative ones say something."""

    x: Tensor
    """`(columns, rows)`."""
    gradient: Tensor
    """`(columns, rows)`."""
    y: Tensor
    tolerance: float
    """Spread of a relative derivative that counts as none."""


def sample_of(surrogate: Surrogate) -> Sample | None:
    """The rows on which a surrogate's derivatives say something, those where y isn't small; None where they are too few.

    A surrogate is a formula or network that is nearly y. The tolerance grows with its error: derivatives are that much less exact than
    values.
    """
    tolerance = min(max(_ERRORS * surrogate.error, _LEAST_TOLERANCE), _MOST_TOLERANCE)
    size = surrogate.value.abs()
    usable = torch.isfinite(surrogate.gradient).all(0) & (size > _SMALL * float(size.median()))
    if int(usable.sum()) < _FEWEST:
        return None
    return Sample(surrogate.x[:, usable], surrogate.gradient[:, usable], surrogate.value[usable], tolerance)


def near_constant(values: Tensor, number: float, tolerance: float) -> bool:
    """Whether values, `(rows,)`, are a number nearly everywhere: their median distance from it is within the tolerance.

    Nine of ten must be within five times that. The last tenth may be anything.
    """
    off = (values - number).abs()
    return float(off.median()) <= tolerance and float(off.quantile(0.9)) <= 5 * tolerance


def reductions(sample: Sample, names: Sequence[str]) -> list[Reduction]:
    """Tables of fewer columns that derivatives of y suggest, the smallest first; those that noisy derivatives may suggest come last.

    Args:
        sample: Values and derivatives by the columns of a formula or network that is nearly y.
        names: Of the columns, for words.
    """
    found = _ReductionSearch(sample, names).reductions()
    # The tolerance is at its bound where the rows are noisy.
    if sample.tolerance < _MOST_TOLERANCE:
        return found
    return list(
        dict.fromkeys(
            [*found, *_ReductionSearch(sample._replace(tolerance=_WIDER * sample.tolerance), names).reductions()]
        )
    )


class ColumnMerge(NamedTuple):
    """Two columns that act as one."""

    pair: tuple[int, int]
    factor: Tree | None
    """What y is divided by; None for nothing."""
    column: Tree
    text: str


def _disjoint(merges: Sequence[ColumnMerge]) -> list[ColumnMerge]:
    """Merges, each of two columns into one, of which no column is in two: of those that share a column the first one stays."""
    chosen: list[ColumnMerge] = []
    for merge in merges:
        if all(not set(merge.pair) & set(other.pair) for other in chosen):
            chosen.append(merge)
    return chosen


class _ReductionSearch:
    """Hypotheses about derivatives, on the sample."""

    def __init__(self, sample: Sample, names: Sequence[str]) -> None:
        """Take a sample's columns and derivatives of y by them, and compute elasticities; `names` are the columns'.

        The tolerance is the spread of a relative derivative that counts as none.
        """
        x, gradient, y, tolerance = sample
        self.x, self.gradient, self.tolerance, self.names = x, gradient, tolerance, names
        self.elasticity = gradient * x / y  # ∂log y/∂log x, `(columns, rows)`
        self.nonzero = [bool((column != 0).all()) for column in x]

    def reductions(self) -> list[Reduction]:
        """The smaller tables that the derivatives suggest, the fewest columns first; none where y is nothing but a product of powers.

        Columns that are factors with a power, or that don't matter, are taken out in all of them. Of the others pairs become one column.
        """
        # The exponents of columns that are factors; 0 for those that don't matter.
        peeled = {i: p for i in range(len(self.x)) if (p := self._power(i)) is not None}
        if len(peeled) == len(self.x):
            return []
        rest = [i for i in range(len(self.x)) if i not in peeled]
        factor = product([power(("x", i), p) for i, p in peeled.items() if p])
        says = [_power_text(self.names[i], p) for i, p in peeled.items()]
        result = [Reduction(tuple(("x", i) for i in rest), factor, ", ".join(says))] if peeled else []
        merges = [merge for i, j in itertools.combinations(rest, 2) for merge in self._merged(i, j)]
        # Merges that go together at once, and each by itself, since one may be wrong.
        choices = [_disjoint(merges), *([merge] for merge in merges)]
        result += [self._with(rest, factor, says, chosen) for chosen in choices if chosen]
        return sorted(dict.fromkeys(result), key=lambda reduction: len(reduction.columns))

    def _with(self, rest: list[int], factor: Tree, says: list[str], merges: list[ColumnMerge]) -> Reduction:
        """The reduction that takes out a factor and merges pairs of columns: y over the factor is a function of fewer columns.

        Args:
            rest: The columns that aren't taken out.
            factor: What y is divided by.
            says: In words, what is said of the columns that are taken out.
            merges: Pairs of the rest; no column is in two of them.
        """
        gone = {i for merge in merges for i in merge.pair}
        columns = (*(merge.column for merge in merges), *(("x", k) for k in rest if k not in gone))
        factors = [tree for tree in (factor, *(merge.factor for merge in merges)) if tree not in (None, ("n", 1))]
        text = ", ".join([*says, *(merge.text for merge in merges)])
        return Reduction(columns, product([tree for tree in factors if tree is not None]), text)

    def _constant(self, values: Tensor) -> float | None:
        """The multiple of a quarter that values, `(rows,)`, nearly are on all rows, within the tolerance; None where there is none."""
        middle = float(values.median())
        near = round(4 * middle) / 4
        return near if near_constant(values, near, self.tolerance) else None

    def _power(self, i: int) -> float | None:
        """The exponent of column i where it is a factor of y: 0 where it doesn't matter, None where it is no factor."""
        # Where x is 0 the elasticity, x/y·∂y/∂x, is 0, whatever the law: then it may only say that the column doesn't matter.
        if self.nonzero[i]:
            return self._constant(self.elasticity[i])
        return 0.0 if self._constant(self.elasticity[i]) == 0 else None

    def _merged(self, i: int, j: int) -> list[ColumnMerge]:
        """The ways in which columns i and j act as one: as a sum or difference, with an offset in a product or quotient, or by powers.

        Each is a condition on the derivatives of y by both: y depends on x_i - x_j where these add up to 0, for example.
        """
        a, b = self.names[i], self.names[j]

        def merge(column: Tree, words: str, factor: Tree | None = None) -> ColumnMerge:
            """The merge into a column, which has these words, with what y is divided by."""
            text = f"it depends on {a} and {b} through {words}{_beside(factor, self.names)}"
            return ColumnMerge((i, j), factor, column, text)

        merges: list[ColumnMerge] = []
        size = (self.gradient[i].abs() + self.gradient[j].abs()).clamp(min=1e-300)
        for sign, head, mark in ((1, "sub", "-"), (-1, "add", "+")):
            if self._constant((self.gradient[i] + sign * self.gradient[j]) / size) == 0:
                merges.append(merge((head, ("x", i), ("x", j)), f"{a} {mark} {b}"))
        if not merges:
            columns = (self._weighted_sum(i, j), *self._with_offset(i, j), *self._with_offset(j, i))
            merges += [merge(column, column_text(column, self.names)) for column in columns if column is not None]
        if not (self.nonzero[i] and self.nonzero[j]):
            return merges
        for ratio in _RATIOS:
            # y = x_j^k·g(x_i^p·x_j^-q): the elasticities have E_i·ratio + E_j = k.
            k = self._constant(ratio * self.elasticity[i] + self.elasticity[j])
            if k is not None:
                # Of the two exponents the smaller one is 1 in size.
                powers = (1, -ratio) if abs(ratio) >= 1 else (1 / ratio, -1)
                column = product([power(("x", index), p) for index, p in zip((i, j), powers, strict=True)])
                factor = None if k == 0 else power(("x", j), k)
                merges.append(merge(column, column_text(column, self.names), factor))
        return merges

    def _weighted_sum(self, i: int, j: int) -> Tree | None:
        """x_i + c·x_j, where their derivatives have the ratio c everywhere; None where they don't."""
        first, second = self.gradient[i], self.gradient[j]
        factor = float((second / first).median())
        if not math.isfinite(factor) or not self._vanishes(
            second - factor * first, second.abs() + (factor * first).abs()
        ):
            return None
        # Columns that hardly matter fit any sum.
        share = (factor * self.x[j]).std() / self.x[i].std()
        return ("add", ("x", i), ("mul", constant(factor), ("x", j))) if _LEAST < float(share) < 1 / _LEAST else None

    def _with_offset(self, i: int, j: int) -> list[Tree]:
        """x_i·(x_j + c) and x_i/(x_j + c): x_i·∂y/∂x_i is (x_j + c)·∂y/∂x_j, or its negative."""
        columns: list[Tree] = []
        size, spread = float(self.x[j].abs().median()), float(self.x[j].std())
        for sign, head in ((1, "mul"), (-1, "div")):
            own, other = sign * self.x[i] * self.gradient[i], self.gradient[j]
            offset = float(((own - self.x[j] * other) / other).median())
            shifted = self.x[j] + offset
            # A small offset says nothing beside the column, and beside a large one the column says nothing.
            near = _LEAST * spread < abs(offset) < size / _LEAST
            if near and self._vanishes(own - shifted * other, own.abs() + (shifted * other).abs()):
                columns.append((head, ("x", i), ("add", ("x", j), constant(offset))))
        return columns

    def _vanishes(self, values: Tensor, size: Tensor) -> bool:
        """Whether values, a sum of terms that cancel, are nearly 0 beside `size`, the sum of the terms' sizes; `(rows,)` both."""
        return near_constant(values / size.clamp(min=1e-300), 0.0, self.tolerance)


def _power_text(name: str, exponent: float) -> str:
    """The words, with "it" for y, that y has a power of a column as a factor; with the exponent 0, that the column doesn't matter."""
    if exponent == 0:
        return f"{name} doesn't matter"
    return f"it is proportional to {name}" + ("" if exponent == 1 else f"^{exponent:g}")


def _beside(factor: Tree | None, names: Sequence[str]) -> str:
    """In words, the factor that y has beside a function, with a comma before it; empty where there is none."""
    return "" if factor in (None, number(1)) else f", beside a factor {column_text(factor, names)}"


def dependence(columns: Sequence[Tree], factor: Tree, names: Sequence[str], says: str = "") -> Reduction:
    """The smaller table by which the target is a factor times a function of some new columns, with a text that says so.

    Args:
        columns: The new columns.
        factor: What the new target is multiplied by.
        names: Of the old columns, for words.
        says: How its text begins.
    """
    products = ", ".join(column_text(tree, names) for tree in columns) or "nothing"
    return Reduction(tuple(columns), factor, f"{says}it depends on {products} only{_beside(factor, names)}")


def column_text(tree: Tree, names: Sequence[str]) -> str:
    """A column's tree in words, without numbers that depend on its unit."""
    import sympy

    if tree[0] == "mul" and tree[1][0] == "n":
        tree = tree[2]
    if tree[0] == "x":
        return names[tree[1]]
    expr = expression(tree, [sympy.Symbol(name) for name in names])
    return str(expr.xreplace({number: sympy.Symbol("constant") for number in expr.atoms(sympy.Float)})).replace(
        "**", "^"
    )
