"""The pool of formulas: each with its errors and the length of the description of y that it gives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from kanwidget.discovery.engine.trees import Tree, complexity, constants, digits, values

#: Bits that a unit of complexity costs: log2 of the number of choices that a node is.
BITS = 2.0
#: Error below this part of y's spread is round-off.
ROUNDING = 1e-12
#: Relative error of a value that a few operations have rounded: where y hardly varies, this is more.
_OPERATIONS = 8 * torch.finfo(torch.float64).eps
#: Error below so many times that of round-off makes a formula exact.
_EXACT = 10.0
#: Decimals of bits that say something.
_DIGITS = 6
#: A longer formula may be a series.
LONG = 35
#: How many formulas are kept beside the front.
_MOST = 200
#: A formula of the front has an error smaller than this part of that of a simpler one.
_BETTER = 0.98


@dataclass(frozen=True, slots=True)
class PoolFormula:
    """A formula with fitted constants."""

    tree: Tree
    error: float
    """Root mean square of the residuals on all rows, as a part of y's spread."""
    bits: float
    """Length of the description of y."""
    complexity: float
    origin: str


class Pool:
    """The best formulas so far.

    Args:
        columns: `(columns, rows)`.
        y: `(rows,)`.
        weights: Of the squared residuals, 1 on average.
    """

    def __init__(self, columns: Tensor, y: Tensor, weights: Tensor) -> None:
        """Begin without formulas, for columns, `(columns, rows)`, a target y, `(rows,)`, and the rows' weights, 1 on average."""
        self.columns = columns.unbind()
        self.y = y
        self.weights = weights
        total = self.weights.sum()
        mean = (self.weights * y).sum() / total
        # Errors are parts of y's spread; y without a spread keeps its unit.
        self.spread = float(((self.weights * (y - mean).square()).sum() / total).sqrt()) or 1.0
        size = float(((self.weights * y.square()).sum() / total).sqrt())
        # Up to this error a formula differs from y by round-off only.
        self.rounding = max(ROUNDING, _OPERATIONS * size / self.spread)
        self.candidates: list[PoolFormula] = []  # those with the shortest description first

    def judge(self, tree: Tree, origin: str = "") -> PoolFormula | None:
        """A tree with its own constants as a formula with its error and description; None where its values on the rows aren't finite.

        The pool doesn't take it. `origin` says in words which strategy made it.
        """
        residual = (self.y - values(tree, self.columns)) / self.spread
        error = float((self.weights * residual.square()).mean().sqrt())
        if not math.isfinite(error):
            return None
        size = complexity(tree)
        bits = self.bits(error, constants(tree), size) + digits(tree)
        return PoolFormula(tree, error, bits, size, origin)

    def bits(self, error: float, numbers: Sequence[float], size: float) -> float:
        """Bits of a description of y by a formula: residuals, constants with their digits before and after the point, and the form.

        Less is better.

        Args:
            error: Root mean square of the residuals, as a part of y's spread.
            numbers: The constants.
            size: Complexity of the formula.
        """
        # A constant is written down as exactly as n rows determine it: half of log2(n) bits.
        n = len(self.y)
        own = sum(abs(math.log2(abs(number))) for number in numbers if number)
        constant_bits = 0.5 * len(numbers) * math.log2(n) + 0.5 * own
        return n * math.log2(max(error, self.rounding)) + constant_bits + BITS * size

    def add(self, candidate: PoolFormula) -> bool:
        """Keep a formula, if it is among the best or of the front; returns whether it has the shortest description (`bits`) of all."""
        pool = self.candidates
        # The same formula with other constants, or another formula with the same values.
        for i, other in enumerate(pool):
            if abs(other.error - candidate.error) <= 1e-7 * other.error and other.complexity == candidate.complexity:
                if candidate.bits < other.bits:
                    pool[i] = candidate
                break
        else:
            pool.append(candidate)
        # Round-off decides nothing: of formulas that are alike the first one stays.
        pool.sort(key=lambda entry: round(entry.bits, _DIGITS))
        if len(pool) > _MOST:
            front = set(self.front())
            pool[:] = [entry for i, entry in enumerate(pool) if i < _MOST or entry in front]
        return pool[0] is candidate

    def front(self) -> list[PoolFormula]:
        """Formulas from simple to exact: those whose errors are smaller, by the factor `_BETTER`, than of all that are as simple.

        The best one is always among them. It has the shortest description.
        """
        front: list[PoolFormula] = []
        for candidate in sorted(self.candidates, key=lambda entry: (entry.complexity, entry.error)):
            if not front or candidate.error < _BETTER * front[-1].error:
                front.append(candidate)
        # It may be nearer than a simpler one by less than the factor: of many rows that is worth more bits than a constant costs.
        if self.best is not None and self.best not in front:
            front.append(self.best)
        return sorted(front, key=lambda entry: entry.complexity)

    @property
    def best(self) -> PoolFormula | None:
        """The formula with the shortest description of y; None in an empty pool."""
        return self.candidates[0] if self.candidates else None

    @property
    def is_settled(self) -> bool:
        """Whether a formula is exact but for round-off, and so short that it is a law: a series of many terms may come as near to one."""
        return any(self._is_exact(c) and c.complexity <= LONG for c in self.candidates)

    @property
    def is_exact(self) -> bool:
        """Whether a formula is exact but for round-off."""
        return any(map(self._is_exact, self.candidates))

    def _is_exact(self, candidate: PoolFormula) -> bool:
        """Whether the formula's error is at most a few times round-off."""
        return candidate.error < _EXACT * self.rounding


@dataclass(slots=True)
class Reported:
    """Which formulas the caller has: those that became the shortest at their error, or the most exact at their length."""

    front: dict[Tree, PoolFormula] = field(default_factory=dict)

    def entrants(self, pool: Pool) -> list[PoolFormula]:
        """Formulas of the pool's front, the best for their complexity, that weren't in it at the last call, from simple to exact."""
        front = pool.front()
        entrants = [candidate for candidate in front if candidate.tree not in self.front]
        self.front = {candidate.tree: candidate for candidate in front}
        return entrants
