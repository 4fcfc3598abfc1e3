"""Variable projection: factors of whole terms are solved for, and what remains is a least-squares problem of the inner constants.

After Golub and Pereyra (1973) with Kaufman's approximation (1975): the derivatives by the inner constants are projected onto what the
terms can't express. All columns are brought to length 1 first, so that units don't matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from kanwidget.discovery.engine.tapes import Tape
from kanwidget.discovery.engine.terms import Term, terms_of
from kanwidget.discovery.engine.trees import Tree

#: Keeps the equations solvable where two terms agree to round-off; the refinement takes its effect out again.
_RIDGE = 1e-13


@dataclass(frozen=True, slots=True)
class Projection:
    """A tree at some sets of inner constants, its factors solved for. `M` sets, `m` factors, `q` inner constants."""

    factors: Tensor
    """`(M, m)`."""
    sse: Tensor
    """`(M,)`; not finite where the tree's values aren't."""
    normal: Tensor
    """`(M, q, q)`: products of the projected derivatives, each derivative scaled to length 1."""
    gradient: Tensor
    """`(M, q)`: products of the scaled derivatives with the residual."""
    sizes: Tensor
    """`(M, q)`: what a step in scaled numbers is divided by."""

    def where(self, accepted: Tensor, other: Projection) -> Projection:
        """This projection for the accepted sets, the other one for the remaining."""
        column, matrix = accepted[:, None], accepted[:, None, None]
        return Projection(
            torch.where(column, self.factors, other.factors),
            torch.where(accepted, self.sse, other.sse),
            torch.where(matrix, self.normal, other.normal),
            torch.where(column, self.gradient, other.gradient),
            torch.where(column, self.sizes, other.sizes),
        )

    @staticmethod
    def cat(parts: Sequence[Projection]) -> Projection:
        """The sets of several projections, one after the other."""
        rows = [(part.factors, part.sse, part.normal, part.gradient, part.sizes) for part in parts]
        return Projection(*map(torch.cat, zip(*rows, strict=True)))

    def at(self, members: Tensor) -> Projection:
        """Some of the sets."""
        return Projection(
            self.factors[members], self.sse[members], self.normal[members], self.gradient[members], self.sizes[members]
        )


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

    def project(self, inner: Tensor) -> Projection:
        """The projection at sets of inner constants.

        Args:
            inner: `(M, q)`.
        """
        matrix, target = self._matrix(inner)
        return _projection(self.skeleton, matrix, target)

    def _matrix(self, inner: Tensor) -> tuple[Tensor, Tensor]:
        """Derivatives by factors, then by inner constants (terms without their factor), `(M, m + q, rows)`; and the target."""
        skeleton, m = self.skeleton, len(self.skeleton.linear)
        matrix = inner.new_empty(len(inner), m + len(skeleton.inner), self.y.shape[1])
        target: Any = self.y
        for compiled, fixed in zip(skeleton.terms, self.fixed, strict=True):
            values = compiled.tape.values(fixed, inner[:, compiled.inner])
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


def _projection(skeleton: Skeleton, matrix: Tensor, target: Tensor) -> Projection:
    m = len(skeleton.linear)
    norms = torch.linalg.vector_norm(matrix, dim=2)
    norms = torch.where(norms > 0, norms, 1.0)
    matrix = matrix / norms[:, :, None]
    products = matrix @ matrix.mT
    terms, slopes = matrix[:, :m], matrix[:, m:]
    factors, residual, shares = _solve(products, terms, target)
    sse = residual.square().sum(-1)
    normal = products[:, m:, m:] - products[:, m:, :m] @ shares
    gradient = (slopes @ residual[:, :, None])[:, :, 0]
    factors = factors / norms[:, :m]
    sizes = norms[:, m:].clone()
    for compiled in skeleton.terms:
        if compiled.column >= 0 and compiled.inner:
            sizes[:, compiled.inner] *= factors[:, compiled.column, None]
    return Projection(factors, sse, normal, gradient, sizes)


def _solve(products: Tensor, terms: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Scaled factors, residual, and how the derivatives are shared among the terms, `(M, m, q)`."""
    m = terms.shape[1]
    if not m:
        return target.new_zeros(len(target), 0), target, products[:, :0, :]
    square = products[:, :m, :m].clone()
    square.diagonal(dim1=1, dim2=2).add_(_RIDGE)
    right = torch.cat([terms @ target[:, :, None], products[:, :m, m:]], 2)
    solution = torch.linalg.solve_ex(square, right)[0]
    factors, shares = solution[:, :, :1], solution[:, :, 1:]
    residual = target - (factors.mT @ terms)[:, 0]
    # Once more for what round-off and ridge have left.
    correction = torch.linalg.solve_ex(square, terms @ residual[:, :, None])[0]
    residual = residual - (correction.mT @ terms)[:, 0]
    return (factors + correction)[:, :, 0], residual, shares
