"""Where the search for inner constants starts: numbers of the size that the operand's values ask for.

A rate is measured by the spread of what it multiplies, a shift by the range of what it is added to, a phase is an angle. So columns
may be of any size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from kanwidget.discovery.engine.trees import OPERATIONS, Tree

_POWERS = (-2.0, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0, 3.0)


def draw_starts(
    tree: Tree, columns: Sequence[Tensor], members: int, generator: torch.Generator | None = None
) -> Tensor:
    """Constants to start from, spread over what is sensible: `(members, constants)` in the order of the tree's nodes.

    Args:
        tree: The tree; the numbers in its constants are not used.
        columns: Each `(1, rows)` or `(members, rows)`.
        members: Number of sets of constants.
        generator: Makes the random numbers.

    Examples:
        >>> x = torch.linspace(0, 1e-6, 50, dtype=torch.float64)[None]
        >>> rates = draw_starts(("exp", ("mul", ("c", 1.0), ("x", 0))), [x], 8)
        >>> bool((rates.abs() > 1e5).all() and (rates.abs() < 1e8).all())
        True
    """
    drawing = _Drawing(columns, members, generator)
    drawing.visit(tree, ("root",))
    if not drawing.constants:
        return torch.zeros(members, 0, dtype=torch.float64)
    return torch.cat([draw.expand(members, 1) for draw in drawing.constants], 1)


class _Drawing:
    """Draws the constants of a tree from the leaves up: an operand's values tell the size of the constant beside it."""

    def __init__(self, columns: Sequence[Tensor], members: int, generator: torch.Generator | None) -> None:
        self._columns = columns
        self._members = members
        self._generator = generator
        self.constants: list[Tensor] = []

    def visit(self, node: Tree, above: tuple[str, ...]) -> Tensor:
        """Values of a node: `(members, rows)`, `(1, rows)`, `(members, 1)` or one number.

        Args:
            node: The node.
            above: The heads of the operations around it, the innermost first.
        """
        head = node[0]
        if head == "x":
            return self._columns[node[1]]
        if head == "n":
            return torch.tensor(float(node[1]), dtype=torch.float64)
        if head == "c":
            return self._keep(self._magnitudes(0.3, 3.0))
        around = (head, *above)
        if len(node) == 3 and (node[1][0] == "c") != (node[2][0] == "c"):
            return self._beside_constant(node, around)
        return OPERATIONS[head].values(*(self.visit(operand, around) for operand in node[1:]))

    def _beside_constant(self, node: Tree, around: tuple[str, ...]) -> Tensor:
        first = node[1][0] == "c"
        if first:
            place = len(self.constants)
            u = self.visit(node[2], around)
            constant = self._constant(node[0], True, u, around[1:])
            self.constants.insert(place, constant)
            return OPERATIONS[node[0]].values(constant, u)
        u = self.visit(node[1], around)
        constant = self._keep(self._constant(node[0], False, u, around[1:]))
        return OPERATIONS[node[0]].values(u, constant)

    def _keep(self, constant: Tensor) -> Tensor:
        self.constants.append(constant)
        return constant

    def _constant(self, head: str, first: bool, u: Tensor, above: tuple[str, ...]) -> Tensor:
        """Draws of a constant beside the operand `u`."""
        if head == "pow":
            return torch.exp(self._rates(u, above)) if first else self._powers()
        if head == "mul":
            return self._rates(u, above)
        if head == "div":
            return self._rates(1 / u, above) if first else 1 / self._rates(u, above)
        return self._shifts(u, above, subtracted=first and head == "sub")

    def _powers(self) -> Tensor:
        choices = torch.tensor(_POWERS, dtype=torch.float64)
        return choices[(self._uniform() * len(choices)).long()]

    def _rates(self, u: Tensor, above: tuple[str, ...]) -> Tensor:
        """Factors that make `u` an argument of ordinary size for the function around it."""
        function = next((head for head in above if head not in ("add", "sub", "neg")), "root")
        if function in ("sin", "cos", "tan"):
            return self._magnitudes(1.0, 40.0, signs=False) / (2 * self._spread(u))
        if function in ("exp", "tanh", "pow"):
            return self._magnitudes(0.2, 30.0) / self._spread(u)
        return self._magnitudes(0.05, 20.0) / self._size(u)

    def _shifts(self, u: Tensor, above: tuple[str, ...], subtracted: bool) -> Tensor:
        """Terms beside `u`: angles, a zero within the range of `u`, or a number of the size of `u`."""
        function = next((head for head in above if head != "neg"), "root")
        if function in ("sin", "cos", "tan"):
            return 2 * math.pi * self._uniform()
        sign = 1.0 if subtracted else -1.0
        low, high = u.amin(-1, keepdim=True), u.amax(-1, keepdim=True)
        zeros = sign * (low + (high - low) * (1.5 * self._uniform() - 0.25))
        sizes = -sign * self._magnitudes(0.05, 20.0, signs=False) * self._size(u) * _sign(u)
        return torch.where(self._uniform() < 0.4, zeros, sizes)

    def _magnitudes(self, low: float, high: float, signs: bool = True) -> Tensor:
        """Numbers between the bounds, evenly on a logarithmic scale, half of them negative."""
        positions = self._uniform()
        if not signs:
            return low * (high / low) ** positions
        halves = (2 * positions) % 1.0
        return torch.where(positions < 0.5, -1.0, 1.0) * low * (high / low) ** halves

    def _uniform(self) -> Tensor:
        """One number a member, evenly over 0 to 1 in random order."""
        order = torch.randperm(self._members, generator=self._generator)
        offsets = torch.rand(self._members, generator=self._generator, dtype=torch.float64)
        return ((order + offsets) / self._members)[:, None]

    def _spread(self, u: Tensor) -> Tensor:
        low, high = u.amin(-1, keepdim=True), u.amax(-1, keepdim=True)
        return _positive((high - low) / 2)

    def _size(self, u: Tensor) -> Tensor:
        return _positive(u.abs().median(-1, keepdim=True).values if u.ndim else u.abs())


def _positive(size: Tensor) -> Tensor:
    """The size, or 1 where it says nothing."""
    return torch.where(torch.isfinite(size) & (size > 0), size, 1.0)


def _sign(u: Tensor) -> Tensor:
    """-1 where `u` is negative everywhere, else 1."""
    return torch.where((u <= 0).all(-1, keepdim=True) if u.ndim else u <= 0, -1.0, 1.0)
