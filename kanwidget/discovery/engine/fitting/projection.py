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

from kanwidget.discovery.engine.fitting.tapes import Tape

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
class Problem:
    """A tree with rows. Members are sets of constants, each with the columns of its binding."""

    tape: Tape
    fixed: list[Tensor | None]
    """Values of the nodes without constants, `(1 or M, rows)`."""
    y: Tensor
    """`(1 or M, rows)`."""
    roots: Tensor | None
    """Square roots of the rows' weights."""

    @staticmethod
    def of(tape: Tape, columns: Tensor, y: Tensor, weights: Tensor | None) -> Problem:
        """The problem of columns `(bindings, slots, rows)` and targets `(bindings, rows)`, one member each."""
        return Problem(tape, tape.fixed(columns.unbind(1)), y, None if weights is None else weights.sqrt())

    def members(self, owners: Tensor) -> Problem:
        """The problem of the bindings, or members, with these numbers."""

        def pick(tensor: Tensor | None) -> Tensor | None:
            return tensor if tensor is None or tensor.ndim < 2 or len(tensor) == 1 else tensor[owners]

        return replace(
            self, fixed=[pick(tensor) for tensor in self.fixed], y=self.y if len(self.y) == 1 else self.y[owners]
        )

    def size(self) -> Tensor:
        """Sum of weighted squares of each target: `(1 or M,)`."""
        return self._weighted(self.y).square().sum(1)

    def project(self, inner: Tensor, refine: bool = True) -> Projection:
        """The projection at sets of inner constants.

        Args:
            inner: `(M, q)`.
            refine: Take round-off out of the factors: needed where the error is to become as small as it can.
        """
        tape, sets = self.tape, len(inner)
        values = tape.values(self.fixed, inner[:, :, None].unbind(1))
        target = self._weighted(self.y - values[-1]).expand(sets, -1)
        terms, norms = self._columns(tape.terms(values), sets)
        factors, residual, square = _factors(terms, target, refine)
        numbers = factors / norms
        tape.with_factors(values, numbers[:, :, None].unbind(1))
        slopes, sizes = self._columns(tape.slopes(values), sets)
        normal = slopes @ slopes.mT
        if tape.factors:
            shared = terms @ slopes.mT
            normal = torch.baddbmm(normal, shared.mT, torch.linalg.solve_ex(square, shared)[0], alpha=-1)
        gradient = (slopes @ residual[:, :, None])[:, :, 0]
        sse = torch.linalg.vector_norm(residual, dim=1, keepdim=True).square_()
        return Projection(torch.cat([sse, numbers, gradient, sizes, normal.flatten(1)], 1), len(tape.inner))

    def _weighted(self, values: Tensor) -> Tensor:
        return values if self.roots is None else values * self.roots

    def _columns(self, columns: Sequence[Any], sets: int) -> tuple[Tensor, Tensor]:
        """Columns of the least-squares problem at length 1, `(M, columns, rows)`, and their lengths."""
        matrix = self.y.new_empty(sets, len(columns), self.y.shape[1])
        for index, column in enumerate(columns):
            matrix[:, index] = column
        matrix = self._weighted(matrix)
        norms = torch.linalg.vector_norm(matrix, dim=2).clamp_(min=_LEAST_NORM)
        return matrix.div_(norms[:, :, None]), norms


def _factors(terms: Tensor, target: Tensor, refine: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Factors of the scaled terms, what they leave of the target, and the matrix of their equations."""
    square = terms @ terms.mT
    if not terms.shape[1]:
        return target[:, :0], target, square
    square.diagonal(dim1=1, dim2=2).add_(_RIDGE)
    factors = torch.linalg.solve_ex(square, terms @ target[:, :, None])[0]
    residual = torch.baddbmm(target[:, None], factors.mT, terms, alpha=-1)
    if refine:  # what round-off and the ridge have left
        correction = torch.linalg.solve_ex(square, terms @ residual.mT)[0]
        residual = torch.baddbmm(residual, correction.mT, terms, alpha=-1)
        factors = factors + correction
    return factors[:, :, 0], residual[:, 0], square
