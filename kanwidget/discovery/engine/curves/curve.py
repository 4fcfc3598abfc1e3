"""A formula of one variable with its error, and how many bits it takes to write both down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.discovery.engine.fitting.refits import fit_tree, least_errors
from kanwidget.discovery.engine.trees import Tree, complexity, constants, digits

#: Errors relative to the target from which on a smaller one says nothing.
ROUND_OFF = 1e-11
_BITS_A_UNIT = 1.5


@dataclass(frozen=True, slots=True)
class Curve:
    """A fitted formula of one variable."""

    tree: Tree
    """In column 0, with its constants."""
    complexity: float
    bits: float
    """Description length: errors, constants, operations. Less is better."""
    relative: float
    """Root of the sum of weighted squared residuals over that of the target's squares."""


@dataclass(frozen=True, slots=True)
class CurveRows:
    """Values of the variable and of the target."""

    x: Tensor
    """`(rows,)`."""
    y: Tensor
    weights: Tensor | None

    def energy(self) -> float:
        """Sum of the weighted squares of the target, above 0."""
        squares = self.y.square()
        return max(float((squares if self.weights is None else squares * self.weights).sum()), 1e-300)

    def fit(self, tree: Tree, steps: int = 30) -> Curve:
        """A tree with its constants fitted to the rows, from its own ones on, in at most `steps` steps; with its error and bits."""
        tree, sse = fit_tree(tree, self.x[None], self.y, self.weights, steps=steps)
        relative = self._relative(sse)
        return Curve(tree, complexity(tree), self.bits(tree, relative), relative)

    def bits_before(self, trees: Sequence[Tree]) -> list[float]:
        """Description lengths in bits of trees with the best linear factors, their other constants as they are."""
        errors = least_errors(trees, self.x[None], self.y, self.weights)
        return [self.bits(tree, self._relative(sse)) for tree, sse in zip(trees, errors, strict=True)]

    def _relative(self, sse: float) -> float:
        """The root of a sum of weighted squared residuals over that of the target's squares; inf where the sum isn't finite."""
        return math.sqrt(sse / self.energy()) if math.isfinite(sse) else math.inf

    def bits(self, tree: Tree, relative: float) -> float:
        """Description length in bits of a tree with an error relative to the target: residuals and formula; inf where that isn't finite."""
        count = len(self.x)
        misfit = count * math.log2(max(relative, ROUND_OFF)) if math.isfinite(relative) else math.inf
        return misfit + cost(tree, count)

    def sample(self, count: int) -> CurveRows:
        """At most so many rows, spread evenly over the rows in the order of the variable, the first and the last among them."""
        order = self.x.argsort()
        places = torch.linspace(0, len(order) - 1, min(count, len(order)), dtype=torch.float64).round().long()
        chosen = order[places]
        return CurveRows(self.x[chosen], self.y[chosen], None if self.weights is None else self.weights[chosen])


def cost(tree: Tree, rows: int) -> float:
    """Bits of a formula without its errors: operations, exact numbers, and constants as exactly as so many rows determine them.

    That is to half of log2(rows) bits each, since standard errors fall with the root of the number of rows.
    """
    numbers = 0.5 * math.log2(max(rows, 2)) * len(constants(tree)) + digits(tree)
    return _BITS_A_UNIT * complexity(tree) + numbers
