"""Families of candidates: which pairs of atoms are screened, and the trees of the best ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from kanwidget.discovery.engine.curves.atoms import CurveAtoms
from kanwidget.discovery.engine.curves.curve import CurveRows, cost
from kanwidget.discovery.engine.curves.forms import Link, quotient, scaled
from kanwidget.discovery.engine.trees import Tree, constant, form_of, values

#: The number of rows that the balance of error and length is struck for: constants in a table are coarse, so errors are, too.
_BALANCE = 60
_LEAST_SHARE = 0.85
#: Pairs of kinds that are looked at more closely.
_COARSE = 1500
#: Quotients whose own error is computed: that of `y·(1 + c·g)` says little where the denominator is small.
_QUOTIENTS = 600
#: Of each pair of kinds, that many go on.
_MOST_ALIKE = 2
#: Pairs that agree more than this say nothing that one of them doesn't.
_MOST_AGREEMENT = 1 - 1e-9
#: Keeps steps of the constants short where they change little.
_RIDGE = 1e-10

#: The best atoms of some pairs of kinds, the best pair first: indices of the left and of the right ones.
Pairs = tuple[list[int], list[int]]


class Screen:
    """Rows that candidates are screened on."""

    def __init__(self, rows: CurveRows) -> None:
        """Keep rows of a variable x and a target y, and the roots of their weights, which residuals are multiplied by."""
        roots = torch.ones_like(rows.y) if rows.weights is None else rows.weights.sqrt()
        self.rows, self.roots = rows, roots / roots.mean()  # 1 on average

    def pairs_in_sums(self, left: CurveAtoms, right: CurveAtoms, link: Link, count: int) -> list[Tree]:
        """Formulas of y by `h(y) = a·f + b·g + c`, with a, b and c fitted, for the best pairs of atoms f and g.

        Atoms are small formulas of x; each has values on the rows, and derivatives by its own constants (`slopes`).

        Args:
            left: Atoms f.
            right: Atoms g.
            link: A function h of y, such as the logarithm, with its slopes and its way back to y.
            count: How many formulas, at most.

        Returns:
            Trees of y with these factors, the best pair first; none where h has no values on too many rows.
        """
        target = link.values(self.rows.y)
        # A residual of h over h's slope is one of y. At least 12 rows must have a weight that isn't next to nothing.
        roots = self.roots / link.slopes(self.rows.y).abs()
        valid = torch.isfinite(target) & torch.isfinite(roots)
        if valid.double().mean() < _LEAST_SHARE or (valid & (roots > 1e-6 * roots[valid].amax())).sum() < 12:
            return []
        roots = torch.where(valid, roots, 0.0)
        target = torch.where(valid, target, 0.0) * roots
        columns = left.values * roots, right.values * roots

        def build(i: Tensor, j: Tensor) -> list[Tensor]:
            """The columns f and g and their derivatives by the atoms' constants; each `(pairs, rows)`."""
            return [left.values[i], right.values[j], *left.slopes[i].unbind(1), *right.slopes[j].unbind(1)]

        trees = []
        errors = sums(*columns, target, roots)
        for i, j in self._corrected(errors, left, right, build, target, roots, count):
            a, b, c = _factors([columns[0][i], columns[1][j], roots], target)
            terms = [(a, left.tree(i)), (b, right.tree(j))]
            # An atom beside itself is one term.
            trees.append(link.tree(terms[: 1 if left is right and i == j else 2], c))
        return trees

    def pairs_in_products(self, left: CurveAtoms, right: CurveAtoms, count: int, offset: bool) -> list[Tree]:
        """`y = a·f·g`, or with `offset` `a·f·g + b`: trees of at most `count` pairs of atoms f of the left, g of the right, the best first.

        Atoms are small formulas of x, with values on the rows and derivatives by their own constants (`slopes`). The factor a and the
        offset b of the trees aren't fitted yet.
        """
        target = self.rows.y * self.roots
        errors = products(left.values, right.values * self.roots, target, self.roots if offset else None)

        def build(i: Tensor, j: Tensor) -> list[Tensor]:
            """The column f·g and its derivatives by the constants of f, then of g; each `(pairs, rows)`."""
            f, g = left.values[i], right.values[j]
            slopes = [slope * g for slope in left.slopes[i].unbind(1)]
            return [f * g, *slopes, *(slope * f for slope in right.slopes[j].unbind(1))]

        trees = []
        for i, j in self._corrected(errors, left, right, build, target, self.roots, count, offset=offset):
            tree = scaled(1.0, ("mul", left.tree(i), right.tree(j)))
            trees.append(("add", tree, constant(0.0)) if offset else tree)
        return trees

    def pairs_with_shift(self, left: CurveAtoms, right: CurveAtoms, count: int) -> list[Tree]:
        """`y = f·(a·g + b)`: trees of at most `count` pairs of atoms f of the left and g of the right, the best first, a and b fitted.

        Atoms are small formulas of x, with values on the rows and derivatives by their own constants (`slopes`).
        """
        target = self.rows.y * self.roots
        errors = shifted_products(left.values * self.roots, right.values, target)

        def build(i: Tensor, j: Tensor) -> list[Tensor]:
            """The columns f and f·g; derivatives by the constants of f, beside 1 and g, and of g, times f; each `(pairs, rows)`."""
            f, g = left.values[i], right.values[j]
            slopes = [slope * part for slope in left.slopes[i].unbind(1) for part in (f.new_ones(1), g)]
            return [f, f * g, *slopes, *(f * slope for slope in right.slopes[j].unbind(1))]

        trees: list[Tree] = []
        for i, j in self._corrected(
            errors, left, right, build, target, self.roots, count, offset=False, symmetric=False
        ):
            f = left.values[i] * self.roots
            a, b = _factors([f * right.values[j], f], target)
            trees.append(("mul", left.tree(i), ("add", scaled(a, right.tree(j)), constant(b))))
        return trees

    def pairs_in_quotients(self, left: CurveAtoms, right: CurveAtoms, count: int) -> list[Tree]:
        """`y = (a·f + b)/(1 + c·g)`, from `y = a·f + b - c·y·g`, which is linear in a, b and c.

        Trees of at most `count` pairs of atoms f of the left and g of the right, a, b and c fitted; by the error of y, the best first.
        Atoms are small formulas of x, with values on the rows and derivatives by their own constants (`slopes`).
        """
        y, target = self.rows.y, self.rows.y * self.roots
        columns = left.values * self.roots, right.values * y * self.roots
        errors = sums(*columns, target, self.roots)

        def build(i: Tensor, j: Tensor) -> list[Tensor]:
            """The columns f and y·g and their derivatives by the atoms' constants; each `(pairs, rows)`."""
            slopes = [*left.slopes[i].unbind(1), *(slope * y for slope in right.slopes[j].unbind(1))]
            return [left.values[i], right.values[j] * y, *slopes]

        trees = []
        for i, j in self._corrected(errors, left, right, build, target, self.roots, _QUOTIENTS, symmetric=False):
            # Factors of f, y·g and 1: in the form above these are a, -c and b.
            a, b, c = _factors([columns[0][i], columns[1][j], self.roots], target)
            values_ = (a * left.values[i] + c) / (1 - b * right.values[j])
            error = float(((values_ - y) * self.roots).square().sum())
            trees.append((error, quotient(left.tree(i), right.tree(j), (a, -b, c))))
        return [tree for _, tree in sorted(trees, key=lambda pair: pair[0])[:count]]

    def waves(self, atoms: CurveAtoms, arguments: list[Tree], count: int) -> list[Tree]:
        """`y = f·(a·sin(u) + b·cos(u))`, written as `r·f·sin(u + phase)`: trees of at most `count` pairs, the best first, a and b fitted.

        Args:
            atoms: Amplitudes f, small formulas of x.
            arguments: Angles u with their rates, as trees; those of one form are side by side.
            count: How many formulas, at most.
        """
        if not arguments:
            return []
        angles = torch.stack([values(tree, [self.rows.x]) for tree in arguments])
        columns, target = atoms.values * self.roots, self.rows.y * self.roots
        sine, cosine = angles.sin(), angles.cos()
        square = columns.square()
        # For each pair what two normal equations explain: products of f·sin u, f·cos u with each other, then with the target.
        ss, cc, sc = (square @ part.T for part in (sine * sine, cosine * cosine, sine * cosine))
        s, c = ((columns * target) @ part.T for part in (sine, cosine))
        explained = (s * s * cc + c * c * ss - 2 * s * c * sc) / (ss * cc - sc * sc).clamp(min=1e-9 * ss * cc)
        errors = (1 - explained / target.square().sum()).clamp(min=1e-16)
        # Where in the arguments each form begins; arguments of one form differ in their rates only.
        forms = [form_of(argument) for argument in arguments]
        groups = torch.tensor([index for index, form in enumerate(forms) if index == 0 or form != forms[index - 1]])
        # Bits of a formula over half the number of rows, so that they add to log2 of a squared error.
        costs = 2 * _costs(atoms)[:, None].expand(-1, len(groups)) / _BALANCE
        pairs = best_pairs(errors, (atoms.firsts, groups), costs, _COARSE, symmetric=False)
        left, right = map(torch.tensor, pairs)
        # Beside f·sin u and f·cos u the derivatives by the rate in u, on a logarithmic scale, and by the constants of f.
        parts = [atoms.values[left], angles[right] * atoms.values[left], *atoms.slopes[left].unbind(1)]
        table = torch.stack([part * wave[right] for part in parts for wave in (sine, cosine)], 1)
        least = corrected(table * self.roots, target) + 1e-16 * target.square().sum()
        scores = least.log2() + 2 * _costs(atoms)[atoms.kinds[left]] / _BALANCE
        trees = []
        for place in scores.argsort()[:count].tolist():
            i, j = pairs[0][place], pairs[1][place]
            a, b = _factors([columns[i] * sine[j], columns[i] * cosine[j]], target)
            wave = ("sin", ("add", arguments[j], constant(math.atan2(b, a))))
            trees.append(scaled(math.hypot(a, b), ("mul", atoms.tree(i), wave)))
        return trees

    def _corrected(
        self,
        errors: Tensor,
        left: CurveAtoms,
        right: CurveAtoms,
        build: Callable[[Tensor, Tensor], list[Tensor]],
        target: Tensor,
        roots: Tensor,
        count: int,
        *,
        offset: bool = True,
        symmetric: bool = True,
    ) -> list[tuple[int, int]]:
        """The best pairs of atoms, small formulas, by their errors after one step of the atoms' constants, which are only roughly right.

        Of each pair of kinds of atoms (an atom but for its constants) the best constants are taken first, then the step's error decides.

        Args:
            errors: Of each pair of atoms, relative to the target, `(left, right)`.
            left: The first atoms.
            right: The second ones; with a single one of these no pair is left out before the step.
            build: Makes the columns of a regression, each `(pairs, rows)`, from the indices of both atoms of each pair: the terms and their
                derivatives by the constants.
            target: What is fitted, times the roots, `(rows,)`.
            roots: Factors of the residuals, `(rows,)`.
            count: How many pairs, at most.
            offset: Whether a constant is added to the columns.
            symmetric: Whether the atoms of a pair may change places.

        Returns:
            Indices of both atoms, the best pair first; at most `_MOST_ALIKE` of each pair of kinds.
        """
        if not errors.numel():  # one of the tables is empty
            return []
        if len(right.values) == 1:
            pairs = list(range(len(left.values))), [0] * len(left.values)
        else:
            # Bits of a formula over half the number of rows, so that they add to log2 of a squared error.
            bits = 2 * (_costs(left)[:, None] + _costs(right)) / _BALANCE
            # `firsts`: where the atoms of each kind begin.
            pairs = best_pairs(
                errors, (left.firsts, right.firsts), bits, _COARSE, symmetric=symmetric and left is right
            )
        i, j = map(torch.tensor, pairs)
        columns = [*build(i, j), torch.ones_like(target).expand(len(i), -1)] if offset else build(i, j)
        least = corrected(torch.stack(columns, 1) * roots, target) + 1e-16 * target.square().sum()
        costs = _costs(left)[left.kinds[i]] + _costs(right)[right.kinds[j]]
        scores = least.log2() + 2 * costs / _BALANCE
        chosen: list[tuple[int, int]] = []
        alike: Counter[tuple[int, int]] = Counter()
        pair_kinds = list(zip(left.kinds[i].tolist(), right.kinds[j].tolist(), strict=True))
        for place in scores.argsort().tolist():
            alike[pair_kinds[place]] += 1
            if alike[pair_kinds[place]] <= _MOST_ALIKE:
                chosen.append((pairs[0][place], pairs[1][place]))
            if len(chosen) == count:
                break
        return chosen


def _costs(atoms: CurveAtoms) -> Tensor:
    """Bits that it takes to write down each kind of atom, a formula with any constants, `(kinds,)`.

    Constants count as exactly as `_BALANCE` rows determine them.
    """
    return torch.tensor([cost(tree, _BALANCE) for tree in atoms.trees], dtype=torch.float64)


def _factors(columns: list[Tensor], target: Tensor) -> list[float]:
    """The factors of some columns by which their sum comes nearest to a target; all are `(rows,)`, times the roots of the weights."""
    matrix = torch.stack(columns, 1)
    norms = torch.linalg.vector_norm(matrix, dim=0).clamp(min=1e-290)
    solution = torch.linalg.lstsq(matrix / norms, target[:, None], driver="gelsd").solution[:, 0]
    return (solution / norms).tolist()


# ---- least errors of all pairs of atoms at once, by a few products of matrices
#
# A pair may stand in a sum, `a·f + b·g`, or in a product, `a·f·g`, each with an offset or without one. Of each pair of kinds, the best
# constants of the table are kept.


def sums(left: Tensor, right: Tensor, target: Tensor, offset: Tensor | None) -> Tensor:
    """Least squared errors of `a·f + b·g`, relative to the target: `(left, right)`.

    Args:
        left: `(left, rows)`, multiplied by the roots of the rows' weights like everything here.
        right: `(right, rows)`.
        target: `(rows,)`.
        offset: What a free factor multiplies beside the pair, `(rows,)`; None for nothing.

    Examples:
        >>> x = torch.linspace(0, 1, 20, dtype=torch.float64)
        >>> atoms = torch.stack([x, x**2, x**3])
        >>> sums(atoms, atoms, 2 * x - 3 * x**3, None).argmin()
        tensor(2)
    """
    scale = target.square().sum()
    # A free factor takes up all along the offset: it is removed from both sides. Atoms get the length 1, so that a and b are
    # projections of the target, c is the cosine between two atoms, and two normal equations say what a pair explains. Where
    # there is a single one it keeps its size: the target, and an atom that is 1, of which only round-off may remain.
    left, right, target = (_without(part, offset) for part in (left, right, target[None]))
    target = target[0]
    a, b, c = left @ target, right @ target, left @ right.T
    energy = target.square().sum()
    determinant = 1 - c * c
    explained = (a[:, None].square() + b.square() - 2 * a[:, None] * b * c) / determinant
    single = torch.maximum(a[:, None].square(), b.square())
    # Two atoms that agree explain what the better one does.
    explained = torch.where(determinant > 1 - _MOST_AGREEMENT, explained, single)
    return ((energy - explained) / scale).clamp_(min=1e-16)


def products(left: Tensor, right: Tensor, target: Tensor, offset: Tensor | None) -> Tensor:
    """Least squared errors of `a·f·g`, relative to the target: `(left, right)`; never 0, since their logarithms are compared.

    Args:
        left: Values of f, `(left, rows)`, without weights.
        right: Values of g times the roots of the rows' weights, `(right, rows)`.
        target: Times the roots, `(rows,)`.
        offset: What a free factor multiplies beside the product, times the roots, `(rows,)`; None for nothing.
    """
    scale = target.square().sum()
    lengths = left.square() @ right.square().T
    if offset is None:
        shares = (left * target) @ right.T
        return (1 - shares.square_().div_(lengths.mul_(scale))).clamp_(min=1e-16)
    # The free factor takes up all along the offset: it is removed from the target and from the squared lengths of f·g.
    direction = offset / torch.linalg.vector_norm(offset)
    centered = target - direction * (direction @ target)
    along = (left * direction) @ right.T
    # Of a product that is nearly a multiple of the offset only round-off would remain.
    lengths = torch.maximum(lengths - along.square_(), 1e-9 * lengths)
    shares = (left * centered) @ right.T
    energy = centered.square().sum()
    return ((energy - shares.square_().div_(lengths)) / scale).clamp_(min=1e-16)


def shifted_products(left: Tensor, right: Tensor, target: Tensor) -> Tensor:
    """Least squared errors of `f·(a·g + b)`, relative to the target: `(left, right)`.

    Args:
        left: Values of f times the roots of the rows' weights, `(left, rows)`.
        right: Values of g, `(right, rows)`, without weights.
        target: Times the roots, `(rows,)`.
    """
    # Two normal equations, for the columns f and f·g, say what each pair explains; nearly equal columns must not divide by 0.
    squares = left.square()
    ff, fg, gg = squares.sum(1)[:, None], squares @ right.T, squares @ right.square().T
    f, g = (left @ target)[:, None], (left * target) @ right.T
    determinant = torch.maximum(ff * gg - fg * fg, 1e-9 * ff * gg)
    explained = (f * f * gg + g * g * ff - 2 * f * g * fg) / determinant
    return (1 - explained / target.square().sum()).clamp_(min=1e-16)


def _without(columns: Tensor, offset: Tensor | None) -> Tensor:
    """Columns, `(columns, rows)`, without their part along the offset; at length 1, if they are several.

    A single one may have nothing but round-off left, and keeps its size.
    """
    if offset is not None:
        direction = offset / torch.linalg.vector_norm(offset)
        columns = columns - (columns @ direction)[:, None] * direction
    if len(columns) == 1:
        return columns
    return columns / torch.linalg.vector_norm(columns, dim=1, keepdim=True).clamp_(min=1e-290)


def corrected(columns: Tensor, target: Tensor) -> Tensor:
    """Least squared errors of a linear regression for each candidate formula, with several columns each: `(candidates,)`.

    With the derivatives by the constants among the columns, this is the error after a step of the constants, to first order. So the
    right pair stands out where the constants of the table are only near the right ones.

    Args:
        columns: `(candidates, columns, rows)`; columns of zeros count for nothing.
        target: `(rows,)`.
    """
    columns = columns / torch.linalg.vector_norm(columns, dim=2, keepdim=True).clamp_(min=1e-290)
    square = columns @ columns.mT
    square.diagonal(dim1=1, dim2=2).add_(_RIDGE)
    factors = torch.linalg.solve_ex(square, (columns @ target)[:, :, None])[0]
    residuals = target - (factors.mT @ columns)[:, 0]
    return residuals.square_().sum(1).nan_to_num_(torch.inf)


def best_pairs(errors: Tensor, kinds: tuple[Tensor, Tensor], costs: Tensor, count: int, symmetric: bool) -> Pairs:
    """The best pairs of kinds by description length, each with the atoms of these kinds that have the least error, the best pair first.

    A kind is a small formula; its atoms, side by side, are this formula with different constants.

    Args:
        errors: Relative squared errors of pairs of atoms, `(left atoms, right atoms)`.
        kinds: The index of the first atom of each kind, left and right.
        costs: Bits of each pair of kinds over half the number of rows, which adds to log2 of the errors, `(left kinds, right kinds)`.
        count: How many pairs.
        symmetric: Whether the other order of a pair is the same.

    Returns:
        Indices of the left atom of each pair, and of the right one.
    """
    # The least error of each block of atoms of two kinds: atoms of a kind are side by side.
    table = errors.numpy()
    firsts = kinds[0].numpy(), kinds[1].numpy()
    least = np.minimum.reduceat(np.minimum.reduceat(table, firsts[1], axis=1), firsts[0], axis=0)
    scores = np.log2(least) + costs.numpy()
    if symmetric:
        scores = np.where(np.tri(*scores.shape) > 0, scores, np.inf)
    scores = np.where(np.isfinite(scores), scores, np.inf)
    count = min(count, scores.size)
    order = np.argpartition(scores, count - 1, axis=None)[:count]
    order = order[np.argsort(scores.ravel()[order])]
    left, right = [], []
    ends = np.append(firsts[0], table.shape[0]), np.append(firsts[1], table.shape[1])
    for row, column in zip(*np.unravel_index(order, scores.shape), strict=True):
        block = table[ends[0][row] : ends[0][row + 1], ends[1][column] : ends[1][column + 1]]
        place = np.unravel_index(np.argmin(block), block.shape)
        left.append(int(ends[0][row] + place[0]))
        right.append(int(ends[1][column] + place[1]))
    return left, right
