"""The table as the engine sees it: columns of a size that functions can take, a sample of rows for scans, and the pool of formulas."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.discovery.engine.fitting.refits import fit_tree
from kanwidget.discovery.engine.pool import Pool, PoolFormula
from kanwidget.discovery.engine.trees import Tree, number, values, with_leaves

#: Rows that scans see.
SAMPLE = 256
#: Columns whose sizes lie in this range stay as they are; others are measured in a power of ten.
_SMALL, _LARGE = 0.02, 50.0
#: Of columns in like units, how many times larger than another one a range may begin for both to be measured alike.
_NEAR = 100.0


class EngineTable:
    """Columns and target in units of order one.

    Args:
        x: `(rows, columns)`, float64.
        y: `(rows,)`.
        weights: Of the squared residuals.
        operations: Heads of `OPERATIONS` that formulas may hold.
        most: Complexity of a formula, at most.
        seed: Of the choice of rows for scans.
        units: What each column was divided by, 1 by default: 1 + x means something of the undivided column.
    """

    def __init__(
        self,
        x: Tensor,
        y: Tensor,
        weights: Tensor | None,
        operations: frozenset[str],
        most: float = math.inf,
        seed: int = 0,
        units: Sequence[float] | None = None,
    ) -> None:
        """Keep columns, `(rows, columns)`, a target, `(rows,)`, and weights of the squared residuals, and begin with an empty pool.

        `operations` are the heads that formulas may hold, `most` is their largest complexity, `seed` chooses the rows of the sample, and
        `units` has what each column was divided by.
        """
        self.units = tuple(units or [1.0] * x.shape[1])
        self.columns = x.T.contiguous()
        self.y = y
        self.weights = torch.ones_like(y) if weights is None else weights / weights.mean()  # 1 on average
        self.operations = operations
        self.most = most
        self.sample = self.draw(SAMPLE, seed)  # indices of the rows that scans see
        self.pool = Pool(self.columns, y, self.weights)  # the best formulas so far
        self._seen: set[Tree] = set()  # all trees that were offered

    def __len__(self) -> int:
        return len(self.y)

    @property
    def indices(self) -> range:
        """The indices of the columns."""
        return range(len(self.columns))

    def draw(self, most: int, seed: int = 0) -> Tensor:
        """Indices of rows that have a weight, at random, at most so many: `(rows,)`, the same ones for the same seed."""
        weighty = (self.weights > 0).nonzero()[:, 0]
        return weighty[torch.randperm(len(weighty), generator=torch.Generator().manual_seed(seed))[:most]]

    def undivided(self, index: int) -> Tree:
        """The tree of a column, by its index, as it was before its values were divided: 1 + x means something only of that."""
        unit = self.units[index]
        return ("x", index) if unit == 1 else ("mul", number(unit), ("x", index))

    def values(self, tree: Tree) -> Tensor:
        """The values of a tree, a formula of the columns, on all rows."""
        return values(tree, self.columns.unbind())

    def on_sample(self, trees: Sequence[Tree]) -> Tensor:
        """The values of trees, formulas of the columns, on the sample of rows that scans see, `(trees, rows)`."""
        columns = self.columns[:, self.sample].unbind()
        return (
            torch.stack([values(tree, columns) for tree in trees]) if trees else self.y.new_empty(0, len(self.sample))
        )

    def positive(self, index: int) -> bool:
        """Whether a column is above 0 on all rows."""
        return bool((self.columns[index] > 0).all())

    def nonzero(self, index: int) -> bool:
        """Whether a column is 0 nowhere."""
        return bool((self.columns[index] != 0).all())

    def offer(self, trees: Iterable[Tree | None], origin: str, *, fits: int = 12) -> list[PoolFormula]:
        """Judge formulas of y with their own constants, fit the constants of the likeliest ones, and add these to the pool.

        Args:
            trees: The formulas; None and trees that were offered before are passed over.
            origin: In words, the strategy that made them.
            fits: How many are fitted, at most: those with the shortest descriptions.

        Returns:
            The formulas that became the best one of the pool when they were added.
        """
        candidates = []
        for tree in trees:
            if tree is None or tree in self._seen:
                continue
            self._seen.add(tree)
            candidate = self.pool.judge(tree, origin)
            if candidate is not None and candidate.complexity <= self.most:
                candidates.append(candidate)
        candidates.sort(key=lambda candidate: candidate.bits)
        fitted = (self.trial(candidate.tree, origin) or candidate for candidate in candidates[:fits])
        return [candidate for candidate in fitted if self.pool.add(candidate)]

    def trial(self, tree: Tree, origin: str = "simpler forms") -> PoolFormula | None:
        """A tree with fitted constants, or with its own ones where the fit is worse; None where neither has a finite error.

        The pool doesn't take it. `origin` says in words which strategy made the tree.
        """
        before = self.pool.judge(tree, origin)
        after = self.pool.judge(fit_tree(tree, self.columns, self.y, self.weights)[0], origin)
        return after if before is None or (after is not None and after.error <= before.error) else before


@dataclass(frozen=True, slots=True)
class Units:
    """Powers of ten in which columns and target are measured, so that their sizes are of order one."""

    columns: tuple[float, ...]
    target: float

    @classmethod
    def of(
        cls, x: Tensor, y: Tensor, kinds: Sequence[object] | None = None, sizes: Sequence[float] | None = None
    ) -> Units:
        """The units of a table. Columns of one kind share a unit where their ranges are near: their sum must stay a sum.

        Args:
            x: `(rows, columns)`.
            y: `(rows,)`.
            kinds: What tells the kind of each column, its dimension, None where it isn't known: such columns may be of one kind where
                ranges overlap.
            sizes: The unit of each column so far, to compare those of a kind.

        Returns:
            What each column, and y, is to be divided by. Of y that is the power of ten nearest to its median size.
        """
        kinds, sizes = kinds or [None] * x.shape[1], sizes or [1.0] * x.shape[1]
        units = [1.0] * x.shape[1]
        for kind in dict.fromkeys(kinds):
            own = [i for i in range(len(kinds)) if kinds[i] == kind]
            # Ranges are near where they begin at most so many times above the end of another one: 1 asks for an overlap.
            for i, unit in zip(
                own, _shared(x[:, own], [sizes[i] for i in own], 1 if kind is None else _NEAR), strict=True
            ):
                units[i] = unit
        return cls(tuple(units), _power_of_ten(float(y.abs().median()) or float(y.abs().max())))

    def inside(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Columns, `(rows, columns)`, and target, `(rows,)`, divided by these units."""
        return x / torch.tensor(self.columns, dtype=x.dtype), y / self.target

    def outside(self, tree: Tree) -> Tree:
        """The formula in the columns and the target as they are, of a formula in those that are measured in these units."""

        def undivided(leaf: Tree) -> Tree:
            """A column divided by its unit; any other leaf as it is."""
            unit = self.columns[leaf[1]] if leaf[0] == "x" else 1.0
            return leaf if unit == 1.0 else ("mul", number(1 / unit), leaf)

        tree = with_leaves(tree, undivided)
        return tree if self.target == 1.0 else ("mul", number(self.target), tree)


def _shared(x: Tensor, sizes: Sequence[float], near: float) -> list[float]:
    """Units of columns of one kind: the same for those whose ranges overlap or are near.

    Args:
        x: `(rows, columns)`.
        sizes: The units in which the columns are measured so far; those of one kind are multiples of each other.
        near: How many times larger than another one a range may begin.

    Returns:
        What each column is to be divided by. All of a group then have one unit: that of its first column, or a power of ten of it where
        medians aren't of order one.
    """
    # Sizes of the values in the unit of the first column.
    own = torch.tensor([size / sizes[0] for size in sizes], dtype=x.dtype)
    size = x.abs() * own
    low, high = size.amin(0).tolist(), size.amax(0).tolist()
    middle = size.median(0).values.tolist()
    # From the smallest range up, each column joins the first group whose range it is near to.
    groups: list[list[int]] = []
    for index in sorted(range(len(low)), key=lambda i: low[i]):
        for group in groups:
            if low[index] <= near * max(high[i] for i in group):
                group.append(index)
                break
        else:
            groups.append([index])
    units = [1.0] * len(low)
    for group in groups:
        first = float(own[group[0]])
        numbers = sorted((middle[i] or high[i]) / first for i in group)
        usual = all(_SMALL <= s <= _LARGE for s in numbers)
        unit = 1.0 if usual else _power_of_ten(numbers[len(numbers) // 2])
        for index in group:
            # The same unit in multiples of the column's own; twelve digits are left, without the round-off of the quotient.
            units[index] = float(f"{unit * first / float(own[index]):.12g}")
    return units


def _power_of_ten(size: float) -> float:
    """The power of ten nearest to a size; 1 for sizes from 0.1 to 10, and for 0 and infinity."""
    if not 0 < size < math.inf or 0.1 <= size <= 10:
        return 1.0
    return float(10.0 ** round(math.log10(size)))
