"""From the atoms that a scan has found to a tree: constants by linear regression on all rows, without the terms that data don't need."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.targets import Target, usable
from kanwidget.discovery.engine.trees import OPERATIONS, Tree, constant, product, total

#: Bits that a term must save beside its constant.
_TERM = 4.0
#: Part of the target's sum of squares around its mean that counts as round-off, and of that around 0: equations leave so much.
_FLOOR, _LEAST_FLOOR = 1e-20, 1e-28
#: Of more columns than these many go at a time, while together they cost at most so many times what each costs.
_MANY, _TOGETHER = 8, 2.0
#: Singular values below this part of the largest are round-off; columns of length 1 that are equal differ by less than the root of this.
_ROUNDING, _RIDGE = 2.2e-16, 1e-13
#: Exponents that are as near to a whole number of quarters are exact.
_NEAR = 1e-3
_LARGEST_EXPONENT = 6.0
#: Operations that are powers.
_EXPONENTS = {"sq": 2.0, "cube": 3.0, "sqrt": 0.5, "inv": -1.0}
_POWERS = {1.0: None, -1.0: ("inv",), 2.0: ("sq",), -2.0: ("inv", "sq"), 3.0: ("cube",), -3.0: ("inv", "cube"),
           0.5: ("sqrt",), -0.5: ("inv", "sqrt")}  # fmt: skip


def power(tree: Tree, exponent: float, near: float = _NEAR) -> Tree:
    """A tree raised to an exponent: exact where it is nearly a whole number of quarters, else a constant that a fit may move.

    It is written as short as it can be: a square or a root has an operation of its own, a power of exp(u) is exp of a multiple of u.

    Args:
        tree: The base.
        exponent: As fitted.
        near: How far from a whole number of quarters it may be.
    """
    quarters = round(4 * exponent) / 4
    if tree[0] == "exp" and exponent not in (1, -1):
        number = ("n", quarters) if abs(exponent - quarters) <= near else constant(exponent)
        return ("exp", ("mul", number, tree[1]))
    if abs(exponent - quarters) > near:
        return ("pow", tree, constant(exponent))
    if quarters in _POWERS:
        for head in reversed(_POWERS[quarters] or ()):
            tree = (head, tree)
        return tree
    return ("pow", tree, ("n", int(quarters) if quarters.is_integer() else quarters))


def targets_of(table: EngineTable, targets: Sequence[Target]) -> list[Target]:
    """Those of some functions of y that can be searched for: with finite values on the table's rows, and a way back by its operations."""
    return [target for target in targets if usable(target, table.y, table.operations)]


def row_weights(table: EngineTable, target: Target) -> Tensor:
    """Factors of the rows' residuals for a regression on a function of y, `(rows,)`, 1 on average.

    A residual of the function is divided by the function's slope, so that an error of y is worth the same everywhere.
    """
    slope = target.slope(table.y).abs()
    # A slope of nearly 0 would make its row all that counts.
    roots = table.weights.sqrt() / slope.clamp(min=1e-12 * float(slope.max()))
    return roots / roots.mean()


def of_sum(table: EngineTable, target: Target, roots: Tensor, trees: Sequence[Tree]) -> Tree | None:
    """The formula of y whose target function T(y) is a constant plus trees times factors, by linear regression.

    Args:
        table: Columns and y.
        target: T, with its way back to y.
        roots: Factors of the residuals, `(rows,)`, as of `row_weights`.
        trees: The terms; those that the rows don't need are left out.

    Returns:
        The tree of y; None where a term has values that aren't finite.
    """
    columns = torch.stack([torch.ones_like(table.y), *map(table.values, trees)], 1)
    if not bool(torch.isfinite(columns).all()):
        return None
    subset, solution = selected(columns, target.values(table.y), roots)
    terms = [
        constant(number) if index == 0 else ("mul", constant(number), trees[index - 1])
        for index, number in zip(subset, solution.tolist(), strict=True)
    ]
    return target.back(total(terms), table.y)


def of_product(table: EngineTable, trees: Sequence[Tree]) -> Tree | None:
    """The formula of y as a constant times powers of trees, by linear regression of log |y| on their logarithms.

    Trees that the rows don't need are left out. None where an exponent is too large, or where a tree that changes its sign has one that
    isn't nearly whole; and where values aren't finite.
    """
    bases = [table.values(tree) for tree in trees]
    logs = [base.abs().clamp(min=1e-300).log() for base in bases]
    columns = torch.stack([torch.ones_like(table.y), *logs], 1)
    if not bool(torch.isfinite(columns).all()):
        return None
    roots = table.weights.sqrt() * table.y.abs()  # an error of log |y|, times |y|, is one of y
    subset, solution = selected(columns, table.y.abs().clamp(min=1e-300).log(), roots / roots.mean())
    factors = []
    for index, exponent in zip(subset, solution.tolist(), strict=True):
        factor = constant(1.0) if index == 0 else _factor(table, trees[index - 1], bases[index - 1], exponent)
        if factor is None:
            return None
        if index > 0:
            factors.append(factor)
    # The constant is fitted to y itself, so that it has y's sign, too.
    body = product(factors)
    value = table.values(body)
    size = float((table.weights * value * value).sum())
    if not 0 < size < math.inf:
        return None
    return ("mul", constant(float((table.weights * value * table.y).sum()) / size), body)


def in_halves(tree: Tree) -> Tree:
    """The tree with whole and half exponents in place of fitted ones: with noise these are nearly, not exactly, simple.

    Examples:
        >>> in_halves(("mul", ("c", 3.0), ("mul", ("pow", ("x", 0), ("c", 1.93)), ("pow", ("x", 1), ("c", -0.1)))))
        ('mul', ('c', 3.0), ('sq', ('x', 0)))
    """
    if tree[0] == "pow" and tree[2][0] == "c":
        half = round(2 * tree[2][1]) / 2
        return power(in_halves(tree[1]), half) if half else ("n", 1)
    if tree[0] not in OPERATIONS:
        return tree
    parts = [in_halves(part) for part in tree[1:]]
    if tree[0] == "mul" and ("n", 1) in parts:  # a factor of 1: the product is its other operand
        return parts[1 - parts.index(("n", 1))]
    return (tree[0], *parts)


def _factor(table: EngineTable, tree: Tree, base: Tensor, exponent: float) -> Tree | None:
    """A tree raised to an exponent, as a factor of a product; None where that isn't possible on all rows.

    Args:
        table: It has the columns' values.
        tree: The base.
        base: The values of the tree, `(rows,)`.
        exponent: As fitted. One that is too large, or not nearly whole where the base changes its sign or is 0, gives None.
    """
    if abs(exponent) > _LARGEST_EXPONENT:
        return None
    if bool((base > 0).all()):
        return power(*_inner(table, tree, exponent))  # of √u, say, a power of u
    if bool((base < 0).all()):
        return power(("neg", tree), exponent)
    whole = round(exponent)
    # Around 0 the logarithm says little, and the base has whole powers only.
    return power(tree, whole) if whole and abs(whole - exponent) < 0.1 else None


def _inner(table: EngineTable, tree: Tree, exponent: float) -> tuple[Tree, float]:
    """A simpler base, and its exponent, for a power of a tree: a square, root or inverse of u is a power of u, where u is above 0."""
    while tree[0] in _EXPONENTS and bool((table.values(tree[1]) > 0).all()):
        tree, exponent = tree[1], exponent * _EXPONENTS[tree[0]]
    return tree, exponent


def selected(columns: Tensor, y: Tensor, roots: Tensor) -> tuple[list[int], Tensor]:
    """Linear regression without the columns that shorten the description of y by less than they cost.

    Args:
        columns: `(rows, columns)`.
        y: What is fitted, `(rows,)`.
        roots: Factors of the residuals, `(rows,)`.

    Returns:
        The indices of the columns that stay, and the factor of each. At least one column stays.
    """
    # Columns of length 1: then the threshold for round-off is the same for all. `floor` is a sum of squares that counts as round-off.
    matrix, right = columns * roots[:, None], y * roots
    scale = matrix.norm(dim=0).clamp(min=1e-300)
    matrix = matrix / scale
    mean = float((roots * right).sum() / (roots * roots).sum())
    floor = max(_FLOOR * float((right - mean * roots).square().sum()), _LEAST_FLOOR * float(right.square().sum()))
    n, subset = len(y), list(range(columns.shape[1]))
    # Bits that a column costs: its constant, as exactly as n rows determine it, and its place in the formula.
    cost = 0.5 * math.log2(max(n, 2)) + _TERM
    if n > len(subset) + 1:  # the triangle of the rows holds all that the rows say
        triangle = torch.linalg.qr(torch.cat([matrix, right[:, None]], 1), mode="r").R
        matrix, right = triangle[:, :-1], triangle[:, -1]
    solution, losses, sse = _regression(matrix, right)
    most = _MANY  # of more columns several go at a time
    while len(subset) > 1:
        order, count = losses.argsort().tolist(), 1
        if len(subset) > most:
            # Half of those that could go, each for itself.
            count = max(1, int((n / 2 * torch.log2(1 + losses / (sse + floor)) < cost).sum()) // 2)
        gone = set(order[:count])
        fewer = [column for place, column in enumerate(subset) if place not in gone]
        trial, next_losses, larger = _regression(matrix[:, fewer], right)
        # By so much the description of the residuals gets longer; a loss below the floor is round-off and costs nothing.
        bits = n / 2 * math.log2((larger + floor) / (sse + floor))
        if len(gone) > 1 and larger - sse > _TOGETHER * float(losses[list(gone)].sum()) + floor:
            most = len(subset)  # they count together: one at a time
            continue
        if bits >= cost * len(gone):
            break
        subset, solution, losses, sse = fewer, trial, next_losses, larger
    return subset, solution / scale[subset]


def _regression(matrix: Tensor, right: Tensor) -> tuple[Tensor, Tensor, float]:
    """Linear regression by singular values.

    Args:
        matrix: Columns of length 1, `(rows, columns)`.
        right: What is fitted, `(rows,)`.

    Returns:
        The factors; by how much the sum of squares grows without each column; and the sum of squared residuals.
    """
    u, s, vt = torch.linalg.svd(matrix, full_matrices=False)
    # Directions that are nothing but round-off have no factor.
    inverse = torch.where(s > _ROUNDING * max(matrix.shape) * s[0], 1 / s, 0.0)
    solution = vt.T @ (inverse * (u.T @ right))
    # Squared standard errors of the factors, for residuals of 1; a factor's square over its own is what the fit loses without it.
    errors = (vt.square() / (s.square() + _RIDGE)[:, None]).sum(0).clamp(min=1e-300)
    residual = right - matrix @ solution
    return solution, solution.square() / errors, float(residual @ residual)
