"""Variable projection: factors of whole terms are solved for, and what remains is a least-squares problem of the inner constants.

After Golub and Pereyra (1973) with Kaufman's approximation (1975): the derivatives by the inner constants are projected onto what the
terms can't express. All columns are brought to length 1 first, so that units don't matter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from kanwidget.discovery.engine.tapes import Tape
from kanwidget.discovery.engine.terms import Term, terms_of
from kanwidget.discovery.engine.trees import Tree

#: Keeps the equations solvable where two terms agree to round-off; the refinement takes its effect out again.
_RIDGE = 1e-13
_LEAST_NORM = 1e-290


class Projection:
    """A tree at some sets of inner constants, its factors solved for. `M` sets, `m` factors, `q` inner constants.

    All numbers of a set stand in one row of `table`, so that sets are chosen and moved in one operation.
    """

    __slots__ = ("factors", "gradient", "normal", "sizes", "sse", "table")

    def __init__(self, table: Tensor, inner: int) -> None:
        q, m = inner, table.shape[1] - 1 - 2 * inner - inner * inner
        self.table = table
        self.sse = table[:, 0]
        """`(M,)`; not finite where the tree's values aren't."""
        self.factors = table[:, 1 : m + 1]
        """`(M, m)`."""
        self.gradient = table[:, m + 1 : m + 1 + q]
        """`(M, q)`: products of the derivatives, each scaled to length 1, with the residual."""
        self.sizes = table[:, m + 1 + q : m + 1 + 2 * q]
        """`(M, q)`: what a step in scaled numbers is divided by."""
        self.normal = table[:, m + 1 + 2 * q :].unflatten(1, (q, q))
        """`(M, q, q)`: products of the scaled derivatives, projected."""


@dataclass(frozen=True, slots=True)
class _CompiledTerm:
    term: Term
    tape: Tape
    column: int
    """Of the factor in the matrix of derivatives; -1 without a factor."""
    inner: tuple[int, ...]
    """Of the inner constants, among all inner ones."""


class Skeleton:
    """A tree whose constants are free, split into terms.

    Args:
        tree: The tree; the numbers in its constants are not used.

    Examples:
        >>> skeleton = Skeleton(("mul", ("c", 1.0), ("exp", ("mul", ("c", 1.0), ("x", 0)))))
        >>> skeleton.linear, skeleton.inner
        ([0], [1])
    """

    def __init__(self, tree: Tree) -> None:
        terms = terms_of(tree)
        self.tree = tree
        self.linear = [term.factor for term in terms if term.factor is not None]
        self.inner = sorted(index for term in terms for index in term.inner)
        self.terms = [
            _CompiledTerm(
                term,
                Tape(term.tree),
                -1 if term.factor is None else self.linear.index(term.factor),
                tuple(self.inner.index(index) for index in term.inner),
            )
            for term in terms
        ]
        columns = {index: compiled.column for compiled in self.terms for index in compiled.inner}
        self.owners = [max(columns[index], 0) for index in range(len(self.inner))]
        """Of each inner constant: the factor of its term, 0 where it has none."""
        self.bare = torch.tensor([columns[index] < 0 for index in range(len(self.inner))])
        """Whether an inner constant's term has no factor."""

    def constants(self, factors: Tensor, inner: Tensor) -> Tensor:
        """All constants in the order of the tree's nodes: `(M, constants)`."""
        result = factors.new_empty(len(factors), len(self.linear) + len(self.inner))
        result[:, self.linear] = factors
        result[:, self.inner] = inner
        return result


@dataclass(frozen=True, slots=True)
class Problem:
    """A skeleton with rows. Members are sets of constants, each with the columns of its binding."""

    skeleton: Skeleton
    fixed: list[list[Tensor | None]]
    """Of each term: values of the nodes without constants, `(1 or M, rows)`."""
    y: Tensor
    """`(1 or M, rows)`."""
    roots: Tensor | None
    """Square roots of the rows' weights."""

    @staticmethod
    def of(skeleton: Skeleton, columns: Tensor, y: Tensor, weights: Tensor | None) -> Problem:
        """The problem of columns `(bindings, slots, rows)` and targets `(bindings, rows)`, one member each."""
        slots = list(columns.unbind(1))
        fixed = [compiled.tape.fixed(slots) for compiled in skeleton.terms]
        return Problem(skeleton, fixed, y, None if weights is None else weights.sqrt())

    def members(self, owners: Tensor) -> Problem:
        """The problem of the bindings, or members, with these numbers."""

        def pick(tensor: Tensor | None) -> Tensor | None:
            return tensor if tensor is None or tensor.ndim < 2 or len(tensor) == 1 else tensor[owners]

        fixed = [[pick(tensor) for tensor in row] for row in self.fixed]
        return replace(self, fixed=fixed, y=self.y if len(self.y) == 1 else self.y[owners])

    def size(self) -> Tensor:
        """Sum of weighted squares of each target: `(1 or M,)`."""
        return (self.y if self.roots is None else self.y * self.roots).square().sum(1)

    def project(self, inner: Tensor, refine: bool = True) -> Projection:
        """The projection at sets of inner constants.

        Args:
            inner: `(M, q)`.
            refine: Take round-off out of the factors: needed where the error is to become as small as it can.
        """
        matrix, target = self._matrix(inner)
        return _projection(self.skeleton, matrix, target, refine)

    def _matrix(self, inner: Tensor) -> tuple[Tensor, Tensor]:
        """Derivatives by factors, then by inner constants (terms without their factor), `(M, m + q, rows)`; and the target."""
        skeleton, m = self.skeleton, len(self.skeleton.linear)
        matrix = inner.new_empty(len(inner), m + len(skeleton.inner), self.y.shape[1])
        numbers = inner[:, :, None].unbind(1)
        target: Any = self.y
        for compiled, fixed in zip(skeleton.terms, self.fixed, strict=True):
            values = compiled.tape.values(fixed, [numbers[index] for index in compiled.inner])
            if compiled.column < 0:
                target = target - values[-1]
            else:
                matrix[:, compiled.column] = values[-1]
            for index, slope in zip(compiled.inner, compiled.tape.derivatives(values), strict=True):
                matrix[:, m + index] = slope
        if self.roots is not None:
            matrix *= self.roots
            target = target * self.roots
        return matrix, target.expand(len(inner), -1)


def _projection(skeleton: Skeleton, matrix: Tensor, target: Tensor, refine: bool) -> Projection:
    m, q = len(skeleton.linear), len(skeleton.inner)
    norms = torch.linalg.vector_norm(matrix, dim=2).clamp_(min=_LEAST_NORM)
    matrix /= norms[:, :, None]
    products = matrix @ matrix.mT
    terms, slopes, normal = matrix[:, :m], matrix[:, m:], products[:, m:, m:]
    residual, factors = target, target[:, :0]
    if m:
        factors, residual, shares = _solve(products, terms, target, refine)
        normal = torch.baddbmm(normal, products[:, m:, :m], shares, alpha=-1)
        factors = factors / norms[:, :m]
    sse = torch.linalg.vector_norm(residual, dim=1, keepdim=True).square_()
    gradient = (slopes @ residual[:, :, None])[:, :, 0]
    sizes = norms[:, m:]
    if skeleton.owners and m:
        sizes = sizes * torch.where(skeleton.bare, 1.0, factors[:, skeleton.owners])
    return Projection(torch.cat([sse, factors, gradient, sizes, normal.flatten(1)], 1), q)


def _solve(products: Tensor, terms: Tensor, target: Tensor, refine: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Scaled factors, residual, and how the derivatives are shared among the terms, `(M, m, q)`."""
    m = terms.shape[1]
    square = products[:, :m, :m].clone()
    square.diagonal(dim1=1, dim2=2).add_(_RIDGE)
    right = torch.cat([terms @ target[:, :, None], products[:, :m, m:]], 2)
    solution = torch.linalg.solve_ex(square, right)[0]
    factors, shares = solution[:, :, :1], solution[:, :, 1:]
    residual = torch.baddbmm(target[:, None], factors.mT, terms, alpha=-1)
    if refine:  # what round-off and the ridge have left
        correction = torch.linalg.solve_ex(square, terms @ residual.mT)[0]
        residual = torch.baddbmm(residual, correction.mT, terms, alpha=-1)
        factors = factors + correction
    return factors[:, :, 0], residual[:, 0], shares
