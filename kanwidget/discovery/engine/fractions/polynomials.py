"""Polynomials and rational functions of the columns: P(x)·1 = T(y)·Q(x), linear in all coefficients.

Sums of many terms that pairs can't reach: where the data are exact, one combination of monomials m and T(y)·m vanishes on all rows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import torch
from torch import Tensor

from kanwidget.discovery.engine.assembly import power, targets_of
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.targets import COMMON, TARGETS, Target
from kanwidget.discovery.engine.trees import Tree, multiple, product, total

#: Trees, and their values `(rows, trees)`.
Terms = tuple[list[Tree], Tensor]
#: Smallest singular value, relative to the largest, of columns of which a combination vanishes.
_VANISHES = 1e-13
#: One combination vanishes much more nearly than all others, if its singular value is as small beside theirs.
_GAP = 1e-3
#: The same where the function of y has a constant that is nearly right.
_NEAR = 1e-6
#: The same of the squares, which lose half of the digits.
_VANISHES_SQUARED = 1e-12
#: Part of a column that the ones before it leave, where it is one of their sums.
_DEPENDENT = 1e-9
#: Rounds in which rows and columns are scaled.
_ROUNDS = 2
#: Gram matrices don't show smaller singular values.
_BLIND = 1e-6
#: How often columns without a coefficient are left out.
_TRIMMED = 12
#: A coefficient is 0 if its term is smaller than this part of the largest, and may be 0 below the second where a constant is nearly right.
_ZERO, _SMALL = 1e-6, 1e-2
#: Most columns of a system, as a part of the rows.
_SHARE = 0.75
_MOST_COLUMNS = 600
#: Rows for each column, by which a system is given up, and how many times larger than allowed its smallest value is then.
_ENOUGH, _LOOSE = 2, 10.0
#: Degrees of numerator and denominator, in the order in which they are tried.
_DEGREES = ((2, 0), (3, 0), (1, 1), (2, 1), (4, 0), (2, 2), (3, 2), (6, 0), (3, 3), (4, 4), (5, 5))
#: Degrees in one column and in the others, and most coefficients.
_BOXES, _MOST_BOX = ((1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1), (3, 2), (5, 2), (5, 3)), 130
#: Functions of columns that count as columns.
_FEATURES = {"sin": ("cos",), "sqrt": ("1-",), "exp": ("-",), "log": ("1-", "1+")}
#: Up to so many columns their inverses are features, too.
_FEW_COLUMNS = 3


def rational_functions(table: EngineTable) -> Iterator[str]:
    """Offer formulas in which y, or a function of it, is a fraction P/Q of polynomials of the columns, or of these and functions of them.

    Where rows are exact they are found by a combination P - T(y)·Q of terms that vanishes on all rows. It yields in words what is tried.
    """
    for label, features in feature_sets(table):
        yield from _by_degree(table, features, label)
        if label == "the columns":
            yield from _by_degree_of_each(table)


def feature_sets(table: EngineTable) -> Iterator[tuple[str, list[Tree]]]:
    """What polynomials may be of, as trees, each set with its name: the columns, then the columns with one kind of function of each."""
    plain: list[Tree] = [("x", index) for index in table.indices]
    yield "the columns", plain
    inverses: list[Tree] = [("inv", leaf) for leaf in plain if table.nonzero(leaf[1])]
    # Beside logarithms, not beside the other functions, few columns come with their inverses.
    base = [*plain, *inverses] if len(plain) <= _FEW_COLUMNS else plain
    for head, others in _FEATURES.items():
        if head in table.operations:
            related = [tree for leaf in plain for tree in _features(table, head, others, leaf)]
            extra = [tree for tree in related if bool(torch.isfinite(table.values(tree)).all())]
            if extra:
                yield f"the columns and their {head}", [*(base if head == "log" else plain), *extra]


def _features(table: EngineTable, head: str, others: tuple[str, ...], leaf: Tree) -> list[Tree]:
    """The trees of a function of a column and of functions related to it, which laws have beside it: sin x and cos x, √x and √(1 - x).

    Args:
        table: It has the units of the column: 1 is added to the undivided one.
        head: The function.
        others: Of the relatives: heads of other functions of the column, or "1-", "1+" and "-" for the function of 1 - x, 1 + x or -x.
        leaf: The column.
    """
    one: Tree = ("n", 1)
    whole = table.undivided(leaf[1])
    inner = {"": leaf, "1-": ("sub", one, whole), "1+": ("add", one, whole), "-": ("neg", leaf)}
    named = [inner[other] for other in others if other in inner]
    return [(head, leaf), *((head, tree) for tree in named), *((name, leaf) for name in others if name not in inner)]


def _by_degree(table: EngineTable, features: list[Tree], label: str) -> Iterator[str]:
    """Offer formulas in which y, or a function of it, is a fraction of polynomials of some features, of rising degrees.

    It yields in words what is tried.

    Args:
        table: Columns and y; its pool takes the formulas.
        features: Columns and functions of them.
        label: Of these, in words.
    """
    most = min(int(_SHARE * len(table)), _MOST_COLUMNS)
    for top, bottom in _DEGREES:
        count = math.comb(len(features) + top, top) + math.comb(len(features) + bottom, bottom) - 1
        if count > most:
            continue
        numerators = independent(table, monomials_of(features, top))
        denominators = independent(table, monomials_of(features, bottom))
        for target in targets_of(table, COMMON):
            table.offer([vanishing(table, target, numerators, denominators)], f"a rational function of {label}")
            yield f"trying polynomials and fractions of {label}"


def _by_degree_of_each(table: EngineTable) -> Iterator[str]:
    """Offer fractions of a high degree in one column, or in its root, and of a low one in each of the others; yields what is tried.

    They have fewer coefficients than fractions of as high a degree in all columns together.
    """
    plain: list[Tree] = [("x", index) for index in table.indices]
    most = min(int(_SHARE * len(table)), _MOST_BOX)
    for index in table.indices:
        others = [leaf for leaf in plain if leaf != plain[index]]
        roots: list[Tree] = [("sqrt", plain[index])] if table.positive(index) and "sqrt" in table.operations else []
        for feature in (plain[index], *roots):
            for high, low in _BOXES:
                if 2 * (high + 1) * (low + 1) ** len(others) > most:
                    continue
                terms = independent(table, _box(feature, high, others, low))
                # In y itself, the first target, and for low degrees in common functions of y.
                for target in targets_of(table, TARGETS[:1] if low > 1 else COMMON):
                    table.offer([vanishing(table, target, terms, terms)], "a rational function of the columns")
                yield "trying fractions of a high degree in one column"


def _box(feature: Tree, high: int, others: list[Tree], low: int) -> list[Tree]:
    """Products of a power of a feature up to `high` and of powers of the others up to `low`, the lowest first."""
    exponents = itertools.product(range(high + 1), *[range(low + 1)] * len(others))
    return [
        product([power(tree, p) for tree, p in zip((feature, *others), chosen, strict=True) if p])
        for chosen in sorted(exponents, key=lambda chosen: (sum(chosen), chosen))
    ]


def monomials_of(features: list[Tree], degree: int) -> list[Tree]:
    """All products of up to `degree` features; the number 1 first.

    Examples:
        >>> monomials_of([("x", 0), ("x", 1)], 2)
        [('n', 1), ('x', 0), ('x', 1), ('sq', ('x', 0)), ('mul', ('x', 0), ('x', 1)), ('sq', ('x', 1))]
    """
    result = []
    for size in range(degree + 1):
        for chosen in itertools.combinations_with_replacement(range(len(features)), size):
            counts = [(features[i], len(list(group))) for i, group in itertools.groupby(chosen)]
            result.append(product([power(feature, count) for feature, count in counts]))
    return result


def vanishing(table: EngineTable, target: Target, above: Terms, below: Terms) -> Tree | None:
    """The formula of y by which P - T(y)·Q vanishes on all rows, so that T(y) = P/Q; None where there is none.

    Args:
        table: Columns and y.
        target: T, a function of y, with its way back to y.
        above: Terms of the numerator P, with their values; a linear combination is looked for.
        below: Terms of the denominator Q.
    """
    found = _combination(target.values(table.y), above, below, _VANISHES)
    return None if found is None else _fraction(table, target, above, below, *found[1:])


def nearly_vanishing(table: EngineTable, target: Target, above: Terms, below: Terms) -> list[Tree | None]:
    """The formulas of y by which P - T(y)·Q nearly vanishes on all rows, for sums P and Q of the terms `above` and `below`.

    The list is empty where nothing does. A constant in the terms, or in T, is only nearly right. The first formula has all terms of the
    combination, the second one, if any, the large ones: small ones make up for the error of the constant, and a fit moves it to where they
    aren't needed.
    """
    found = _combination(target.values(table.y), above, below, _NEAR)
    if found is None:
        return []
    matrix, scale, subset, vector = found  # columns in like sizes, their sizes; those in the combination, their factors
    sizes = vector.abs()
    large = [index for index, is_large in zip(subset, (sizes > _SMALL * sizes.max()).tolist(), strict=True) if is_large]
    trees = [_fraction(table, target, above, below, scale, subset, vector)]
    if len(large) < len(subset):
        fewer = torch.linalg.svd(matrix[:, large], full_matrices=False)[2][-1]
        trees.append(_fraction(table, target, above, below, scale, large, fewer))
    return trees


def _combination(
    t: Tensor, above: Terms, below: Terms, tolerance: float
) -> tuple[Tensor, Tensor, list[int], Tensor] | None:
    """The combination P - T(y)·Q that vanishes on all rows; None where there is none, or values aren't finite.

    Args:
        t: Values of T(y), `(rows,)`.
        above: Terms of P, with their values, `(rows, terms)`.
        below: Terms of Q.
        tolerance: Smallest singular value, relative to the largest, up to which a combination counts as 0.

    Returns:
        The columns in like sizes; their sizes; those that are in the combination; and the factors of these.
    """
    matrix = torch.cat([above[1], -below[1] * t[:, None]], 1)
    if not bool(torch.isfinite(matrix).all()):
        return None
    # What vanishes on all rows does so on a part of them, which is sooner seen.
    step = len(matrix) // (_ENOUGH * matrix.shape[1])
    if step > 1:
        sizes = torch.linalg.svdvals(equilibrated(matrix[::step])[0])
        if float(sizes[-1]) > _LOOSE * tolerance * float(sizes[0]):
            return None
    matrix, scale = equilibrated(matrix)
    # Of columns in like sizes. Squared singular values: the gram matrix shows those above the square root of round-off.
    if float(torch.linalg.eigvalsh(matrix.T @ matrix)[0]) > max(_VANISHES_SQUARED, tolerance**2) * matrix.shape[1]:
        return None
    found = _null_vector(matrix, tolerance)
    return None if found is None else (matrix, scale, *found)


def _fraction(
    table: EngineTable, target: Target, above: Terms, below: Terms, scale: Tensor, subset: list[int], vector: Tensor
) -> Tree | None:
    """The formula of y by a combination P - T(y)·Q that vanishes, so that T(y) = P/Q; None where P or Q is empty.

    Args:
        table: The table, for the values of y.
        target: The function T of y, with its way back to y.
        above: Terms of the numerator.
        below: Terms of the denominator.
        scale: The sizes of all columns of the system, by which they were divided.
        subset: Those in the combination, ascending; columns of the numerator come first.
        vector: The factors of the scaled columns.
    """
    trees, factors = [*above[0], *below[0]], vector / scale[subset]  # `Terms` are trees and their values
    first = sum(index < len(above[0]) for index in subset)
    if first in (0, len(subset)):
        return None
    # The first coefficient of the denominator is 1, as a person would write it.
    coefficients = (factors / factors[first]).tolist()
    terms = [multiple(factor, trees[index]) for index, factor in zip(subset, coefficients, strict=True)]
    terms[first] = trees[subset[first]]
    top, bottom = total(terms[:first]), total(terms[first:])
    return target.back(top if bottom == ("n", 1) else ("div", top, bottom), table.y)


def independent(table: EngineTable, trees: list[Tree]) -> Terms:
    """Trees of which none is a sum of those before it, and their values `(rows, trees)`: sin² is 1 - cos²."""
    matrix = torch.stack([table.values(tree) for tree in trees], 1)
    if not bool(torch.isfinite(matrix).all()):
        return trees, matrix
    subset = torch.linalg.qr(equilibrated(matrix)[0], mode="r")[1].diagonal().abs() > _DEPENDENT
    return [tree for tree, keep in zip(trees, subset.tolist(), strict=True) if keep], matrix[:, subset]


def equilibrated(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """The matrix, or a batch of them, with rows and columns of about one size, and the sizes of the columns.

    What vanishes on all rows does so in any unit of a row; without it exp(x) leaves only the rows with the largest x.
    """
    scale = torch.ones_like(matrix[..., :1, :])
    for _ in range(_ROUNDS):
        sizes = matrix.norm(dim=-2, keepdim=True).clamp(min=1e-300)
        matrix, scale = matrix / sizes, scale * sizes
        matrix = matrix / matrix.norm(dim=-1, keepdim=True).clamp(min=1e-300)
    sizes = matrix.norm(dim=-2, keepdim=True).clamp(min=1e-300)
    return matrix / sizes, (scale * sizes).squeeze(-2)


def smallest_values(matrices: Tensor) -> Tensor:
    """The smallest singular value of each of a batch of matrices, equilibrated; infinite where one has numbers that aren't finite.

    From the eigenvalues of their Gram matrices, which have half of the digits; values that are too small for these are computed anew.
    """
    finite = torch.isfinite(matrices).flatten(1).all(1)
    matrices = equilibrated(torch.where(finite[:, None, None], matrices, 0.0))[0]
    values = torch.linalg.eigvalsh(matrices.mT @ matrices)[:, 0].clamp(min=0).sqrt()
    blind = values < _BLIND
    if bool(blind.any()):
        values[blind] = torch.linalg.svdvals(matrices[blind])[:, -1].clamp(min=1e-15)
    return torch.where(finite, values, math.inf)


def _null_vector(matrix: Tensor, tolerance: float) -> tuple[list[int], Tensor] | None:
    """The indices of the columns of which a combination vanishes, as few as may be, and its factors; None where there is none.

    Args:
        matrix: Columns of one size, `(rows, columns)`.
        tolerance: Smallest singular value, relative to the largest, up to which a combination counts as 0.
    """
    subset = list(range(matrix.shape[1]))
    for _ in range(_TRIMMED):
        _, sizes, vectors = torch.linalg.svd(matrix[:, subset], full_matrices=False)
        # How many combinations vanish: only one, where it does so far more nearly than the next.
        count = int((sizes <= tolerance * sizes[0]).sum())
        if count > 1 and float(sizes[-1]) < _GAP * float(sizes[-2]):
            count = 1
        # Nothing vanishes, or no gap parts it from the rest: a series comes ever nearer to y, so that singular values fall evenly.
        if count == 0 or (count < len(sizes) and float(sizes[-count]) > _GAP * float(sizes[-count - 1])):
            return None
        vector = _sparse(vectors[-count:])
        large = vector.abs() > _ZERO * vector.abs().max()
        if bool(large.all()):
            return subset, vector
        subset = [index for index, keep in zip(subset, large.tolist(), strict=True) if keep]
    return None


def _sparse(basis: Tensor) -> Tensor:
    """A vector with zeros, of the space that the rows of `basis`, `(vectors, columns)`, span: by elimination from the last column on.

    Each round makes one more entry 0, so that there are as many zeros as vectors but one.
    """
    basis = basis.clone()
    while len(basis) > 1:
        # The last columns are of the highest degree: do without them. Each round takes one out of all vectors, and one vector.
        column = int((basis.abs().amax(0) > 1e-8).nonzero()[-1])
        row = int(basis[:, column].abs().argmax())
        pivot = basis[row]
        others = torch.cat([basis[:row], basis[row + 1 :]])
        basis = others - (others[:, column] / pivot[column])[:, None] * pivot
        basis = torch.linalg.qr(basis.T)[0].T
    return basis[0]
