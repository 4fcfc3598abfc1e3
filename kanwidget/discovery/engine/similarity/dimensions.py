"""The kinds of columns and target: exponents of dimensions that they have in common, without names; and products without dimension."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from kanwidget.discovery.engine.reductions import Reduction, Sample, dependence, near_constant
from kanwidget.discovery.engine.similarity.monomials import coherent, floats, monomial
from kanwidget.discovery.engine.trees import Tree

Exponents = tuple[Fraction, ...]
Matrix = list[list[Fraction]]
#: Choices of the columns that the others are divided by: those that are looked at, and those that are returned.
_LOOKED_AT, _CHOICES = 300, 3
#: Most terms of a symmetry's denominators.
_DENOMINATOR = 4
#: What an exponent that isn't whole costs, in units of exponents.
_ROOT = 0.5
#: The part of rows that symmetries are looked for in.
_PART = 0.9


@dataclass(frozen=True, slots=True)
class Dimensions:
    """The units of columns and target, as exponents of the same dimensions."""

    columns: tuple[Exponents | None, ...]
    """Of each column; None where it isn't known: the column takes no part in products."""
    target: Exponents | None
    sizes: tuple[float, ...]
    """The unit of each column, in base units."""

    @property
    def parts(self) -> list[int]:
        """The indices of the columns whose dimensions are known."""
        return [i for i, exponents in enumerate(self.columns) if exponents is not None]

    @property
    def matrix(self) -> Matrix:
        """A row for each independent dimension: exponents of the columns with dimensions, and of the target in the end.

        It has no rows where the target's dimension isn't known.
        """
        if self.target is None:
            return []
        vectors = [exponents for exponents in (*self.columns, self.target) if exponents is not None]
        return reduced([list(row) for row in zip(*vectors, strict=True)])[0]

    def in_units(self, units: Sequence[float]) -> Dimensions:
        """The dimensions of the same columns, each divided by a number of `units`: then its unit, in `sizes`, is as many times larger."""
        sizes = tuple(size * unit for size, unit in zip(self.sizes, units, strict=True))
        return Dimensions(self.columns, self.target, sizes)  # exponents don't change


def reduced(rows: Matrix) -> tuple[Matrix, list[int]]:
    """The reduced row echelon form without rows of zeros, and the columns of the pivots.

    Examples:
        >>> rows, pivots = reduced([[Fraction(2), Fraction(4)], [Fraction(1), Fraction(2)]])
        >>> [[str(entry) for entry in row] for row in rows], pivots
        ([['1', '2']], [0])
    """
    rows = [list(row) for row in rows]
    pivots: list[int] = []
    for column in range(len(rows[0]) if rows else 0):
        done = len(pivots)
        first = next((i for i in range(done, len(rows)) if rows[i][column]), None)
        if first is None:
            continue
        rows[done], rows[first] = rows[first], rows[done]
        rows[done] = [entry / rows[done][column] for entry in rows[done]]
        for i, row in enumerate(rows):
            if i != done and row[column]:
                rows[i] = [entry - row[column] * pivot for entry, pivot in zip(row, rows[done], strict=True)]
        pivots.append(column)
    return rows[: len(pivots)], pivots


# ---- products by units: columns and target whose units fit together depend on fewer numbers, which have none
#
# A change of base units changes no law. Of n columns with r independent dimensions, y over a product of r of them is a function of n - r
# products without dimension. A law with a constant that isn't among the columns, such as one of nature, keeps some of these symmetries
# only: which ones, the derivatives of a surrogate say. In logarithms each is a weighted sum of derivatives that is constant.
#
# References:
#     Buckingham, "On physically similar systems; illustrations of the use of dimensional equations", Phys. Rev. 4 (1914) 345.


def products_by_units(dimensions: Dimensions, whole: Tensor, names: Sequence[str]) -> list[Reduction]:
    """Smaller tables of products without dimension, for a law without constants that have one.

    There are none where no product of columns has the dimension of y.

    Args:
        dimensions: Of columns and target.
        whole: The columns, `(columns, rows)`.
        names: Of the columns, for words.
    """
    return _reductions(dimensions, whole, names, dimensions.matrix, "by its units")


def products_by_symmetries(
    dimensions: Dimensions, whole: Tensor, sample: Sample, names: Sequence[str]
) -> list[Reduction]:
    """Smaller tables by the changes of base units that leave the law as it is, as derivatives of y say; none where no change does.

    A law that holds constants with dimensions keeps only a part of these changes.

    Args:
        dimensions: Of columns and target.
        whole: The columns, `(columns, rows)`.
        sample: Rows with derivatives of y by the columns.
        names: Of the columns, for words.
    """
    matrix = dimensions.matrix
    symmetries = _symmetries(matrix, dimensions.parts, sample)
    if not symmetries:
        return []
    says = "by its units" if len(symmetries) == len(matrix) else "with a constant that has a unit"
    return _reductions(dimensions, whole, names, symmetries, says)


def _symmetries(matrix: Matrix, parts: Sequence[int], sample: Sample) -> Matrix:
    """Combinations of dimensions whose change of units leaves the law as it is; none where the data keep no such change.

    Args:
        matrix: A row for each independent dimension, as of `Dimensions.matrix`: exponents of these columns, and of y in the end.
        parts: Indices of the columns that have dimensions.
        sample: Derivatives of y by the columns.

    Returns:
        Rows as those of the matrix.
    """
    if not matrix or bool((sample.x[list(parts)] == 0).any()):
        return []
    # A change of a unit leaves the law as it is if the elasticities, times the columns' exponents, add up to the exponent of the target.
    elasticity = (sample.gradient * sample.x / sample.y)[list(parts)]
    rows = floats(matrix)
    off = elasticity.T @ rows[:, :-1].T - rows[:, -1]
    size = off.norm(dim=1)
    off = off[size <= size.quantile(_PART)]
    # Combinations of dimensions by how far the rows are from that, the nearest last: as many as can be are taken.
    basis = torch.linalg.svd(off, full_matrices=False).Vh if len(off) >= len(matrix) else off[:0]
    for count in range(len(basis), 0, -1):
        weights = _simple(basis[-count:])
        if all(near_constant(off @ row / row.abs().sum(), 0.0, sample.tolerance) for row in floats(weights)):
            return [_combined(row, matrix) for row in weights]
    return []


def _combined(weights: Sequence[Fraction], matrix: Matrix) -> list[Fraction]:
    """The weighted sum of a matrix's rows, with a weight for each."""
    columns = zip(*matrix, strict=True)
    return [sum((w * entry for w, entry in zip(weights, column, strict=True)), Fraction(0)) for column in columns]


def _simple(vectors: Tensor) -> Matrix:
    """Simple numbers near a basis of what some vectors span, `(vectors, entries)`: fractions with small denominators.

    By elimination each row has an entry of 1 where all others have 0, so that the entries are as simple as the space is.
    """
    rows = vectors.clone()
    for i in range(len(rows)):
        pivot = int(rows[i].abs().argmax())
        rows[i] = rows[i] / rows[i, pivot]
        others = torch.arange(len(rows)) != i
        rows[others] -= rows[others, pivot, None] * rows[i]
    return [[Fraction(entry).limit_denominator(_DENOMINATOR) for entry in row] for row in rows.tolist()]


def _reductions(
    dimensions: Dimensions, whole: Tensor, names: Sequence[str], matrix: Matrix, says: str
) -> list[Reduction]:
    """Smaller tables by some symmetries, changes of units that leave the law as it is: y over a product is a function of other products.

    Those with the simplest exponents come first; none where no product of columns has the dimension of y.

    Args:
        dimensions: Of columns and target.
        whole: The columns, `(columns, rows)`.
        names: Of the columns, for words.
        matrix: A row for each symmetry: exponents of the columns, and of the target in the end.
        says: In words, what the symmetries follow from.
    """
    rows, pivots = reduced(matrix)
    parts = dimensions.parts
    count, middles = len(parts), whole.abs().median(1).values.tolist()
    if not rows or count in pivots:  # a pivot in the target's column: no product of columns has the dimension of y
        return []

    def reduction(base: Sequence[int], exponents: dict[int, list[Fraction]]) -> Reduction:
        """The table of y over a product of powers of the base columns, and of the other columns over such products.

        Args:
            base: The columns that others are divided by, as places among the columns that have dimensions.
            exponents: Of the base columns, for each other column by its place, and for the target by the number of columns with dimensions.
        """
        columns: list[Tree] = [("x", i) for i in range(len(names)) if i not in parts]
        for place, powers in exponents.items():
            if place < count:
                # The product is raised to this power, so that its exponents are whole.
                least = math.lcm(*(power.denominator for power in powers))
                product = [(parts[place], Fraction(least))]
                product += [(parts[i], -least * power) for i, power in zip(base, powers, strict=True)]
                columns.append(coherent(product, dimensions.sizes, middles))
        factor = monomial([(parts[i], power) for i, power in zip(base, exponents[count], strict=True)])
        return dependence(columns, factor, names, f"{says} ")

    choices = []
    for base in itertools.islice(itertools.combinations(range(count), len(rows)), _LOOKED_AT):
        order = [*base, *(i for i in range(count + 1) if i not in base)]
        solved, own = reduced([[row[i] for i in order] for row in rows])
        if own == list(range(len(base))):
            exponents = {i: [row[place] for row in solved] for place, i in enumerate(order) if place >= len(base)}
            choices.append((sum(map(_cost, itertools.chain(*exponents.values()))), base, exponents))
    choices.sort(key=lambda choice: choice[:2])
    # Two choices may be the same products.
    distinct = dict.fromkeys(reduction(base, exponents) for _, base, exponents in choices[: 3 * _CHOICES])
    return list(distinct)[:_CHOICES]


def _cost(exponent: Fraction) -> float:
    """How far an exponent is from simple: its size, and more where it isn't whole."""
    return float(abs(exponent)) + _ROOT * (exponent.denominator > 1)
