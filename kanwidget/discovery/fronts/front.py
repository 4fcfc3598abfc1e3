"""The front of one target while it is searched for: each formula that comes is measured, and stays or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from kanwidget.datasets import Dataset
from kanwidget.discovery.arguments import Request
from kanwidget.discovery.engine.trees import OPERATIONS, Tree, complexity, constants, nodes, values
from kanwidget.discovery.equation import Equation
from kanwidget.discovery.fronts import ranking
from kanwidget.discovery.fronts.ranking import Misfit, R, Ranked
from kanwidget.discovery.fronts.table import TargetTable, column_trees, tables
from kanwidget.symbolic.formulas.regression.noise import GrowingNoise
from kanwidget.symbolic.formulas.regression.problem import Problem
from kanwidget.symbolic.formulas.simplest import weighted

if TYPE_CHECKING:
    from sympy import Expr

#: Rows that each constant needs, and how many constants are fine with fewer: more of them fit whatever a short table holds.
_ROWS_PER_CONSTANT, _FEW_CONSTANTS = 4, 2
#: Bits of a description that are no reason to prefer a formula whose units don't fit.
_TIE = 3.0
#: Formulas get shorter in the end, by exact numbers and parts left out: so many times as long ones may come in until then.
_REACH = 2.5
#: A formula longer than the best one stays while its description is longer by so many bits at most: the rows hardly speak against it.
_UNLIKELY = 10.0
#: A column itself is a formula where it is so near, in parts of the target's spread: the numbers of another quantity mean nothing.
_NEAR = 0.1


@dataclass(frozen=True, slots=True)
class Member(Ranked):
    """A formula of a front, as the search ranks it."""

    equation: Equation


class Front:
    """The formulas of a target that no simpler one equals.

    Args:
        table: The rows.
        operations: Operations that formulas may hold, by their names in trees, such as `mul` and `exp`.
        most: Their largest complexity, in the end; longer ones may come in before, see `reach`.
        robust: Whether formulas are ranked by the mean size of their residuals, not by squares.
    """

    def __init__(self, table: TargetTable, operations: frozenset[str], most: float, *, robust: bool) -> None:
        self.table = table
        # Formulas so far that no simpler one equals, under noise that is the same everywhere or under one that grows with the value.
        self._kept: list[Member] = []
        # Names of the operations allowed, the largest complexity in the end, and whether sizes of residuals count, not squares.
        self._operations, self._largest_complexity, self._robust = operations, most, robust
        # A constant takes four rows: with fewer formulas fit whatever a short table holds.
        self._most_constants = max(len(table.every.y) // _ROWS_PER_CONSTANT, _FEW_CONSTANTS)
        # Training rows, and those held out where there are any.
        self._parts = [table.train] if table.held_out is None else [table.train, table.held_out]
        # The columns of each part; of a table without any one of zeros, which says how many values a constant has.
        self._inputs = [table.scaled(part.x).unbind(1) or [torch.zeros_like(part.y)] for part in self._parts]
        self._problem = table.problem(table.train)  # the training rows, to which a search fits constants
        self._columns = set(column_trees(table))  # formulas that are a mere column in its own unit
        #: Formulas that the rows can't tell from the best one; found in the end, see `find_rivals`.
        self.rivals: list[Member] = []

    @property
    def reach(self) -> float:
        """The largest complexity of formulas that may still get short enough: exact numbers and parts left out shorten them in the end."""
        return _REACH * self._largest_complexity

    @property
    def candidates(self) -> list[Member]:
        """The formulas, and longer ones that exact numbers may yet make short enough, from simple to accurate."""
        return ranking.front(self._kept, len(self.table.every.y), noise=self._noise_kind)

    @property
    def members(self) -> list[Member]:
        """The formulas as they are ranked, from simple to accurate.

        After the one with the shortest description (bits of residuals, constants and form) there are only those whose description is at
        most ten bits longer: the rows hardly speak against them.
        """
        members = self._short_enough
        lengths = [*map(self.length, members)]
        best = min(range(len(members)), key=lengths.__getitem__, default=0)
        limit = lengths[best] + _UNLIKELY if members else 0.0
        return [
            m for place, (m, bits) in enumerate(zip(members, lengths, strict=True)) if place <= best or bits <= limit
        ]

    @property
    def _short_enough(self) -> list[Member]:
        """The candidates that are as short as formulas must be in the end."""
        return [member for member in self.candidates if self.is_short(member)]

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The formulas, from simple to accurate."""
        return tuple(member.equation for member in self.members)

    @property
    def best(self) -> Member:
        """The member with the shortest description.

        Where units are known it is the shortest one whose units fit, unless that takes more than three bits more.
        """
        members, length = self._short_enough, self.length
        first = min(members, key=length)
        if not self.table.quantities:
            return first
        limit = length(first) + _TIE
        fitting = [member for member in members if length(member) <= limit and member.equation.dimensions]
        return min(fitting, key=length, default=first)

    @property
    def length(self) -> Callable[[Ranked], float]:
        """From a formula to the length of its description of the rows, in bits (residuals, constants, form), under the likeliest noise."""
        return partial(ranking.length, rows=len(self.table.every.y), noise=self._noise_kind)

    @property
    def by_length(self) -> list[Member]:
        """The formulas, and longer ones that exact numbers may yet make short enough, the shortest description first."""
        return sorted(self.candidates, key=self.length)

    @property
    def _noise_kind(self) -> int:
        """The likeliest kind of noise: 0 is the same everywhere, 1 and more grow with the value.

        It is 0 for robust losses, and where a formula leaves nothing but round-off, which is no noise.
        """
        if not self._kept or self._robust or any(map(self.leaves_rounding, self._kept)):
            return 0
        return ranking.likeliest_noise(self._kept, len(self.table.every.y))

    @property
    def noise(self) -> GrowingNoise | None:
        """How the noise of rows grows with the value, in the units of the data; None where it is the same everywhere."""
        kind = self._noise_kind
        # Kind 0 isn't among those that grow.
        return ranking.kinds(float(self.table.train.y.abs().median()))[kind - 1] if kind else None

    @property
    def has_relative_noise(self) -> bool:
        """Whether the noise is a part of the value, but for values that are very small: relative errors then say how large it is."""
        return self._noise_kind == ranking.ALL_KINDS[-1]  # the one with the least constant part

    def noise_weights(self) -> Tensor | None:
        """Weights of the squared residuals of the training rows, `(rows,)`, for noise that grows with the value; None where it doesn't."""
        noise, table = self.noise, self.table
        if noise is None:
            return None
        # `GrowingNoise.weights` are factors of the residuals themselves.
        return noise.weights(table.problem(table.train).values(self.best.equation.sympy)).square()

    def error(self, member: Member) -> float:
        """The error by which a formula is judged: that on the rows held out (else on all), under the likeliest kind of noise."""
        return member.misfit.under(self._noise_kind).held_out

    @property
    def exact(self) -> Member | None:
        """The simplest formula that leaves nothing but round-off; None where none does."""
        return next(filter(self.leaves_rounding, self._short_enough), None)

    def leaves_rounding(self, member: Member) -> bool:
        """Whether a formula leaves nothing but round-off, its own or that of the target's values."""
        return ranking.is_exact(member) or member.misfit.plain.held_out < self.table.rounding

    def offer(self, tree: Tree, origin: str) -> Equation | None:
        """Measure a formula, and keep it if no simpler one equals it.

        Args:
            tree: The formula as nested tuples, its constants fitted to the training rows.
            origin: The strategy that found it.

        Returns:
            The formula, if it stays and is short enough by now; else None.
        """
        rank = self._ranked(tree)
        # Whether the data leave a constant open isn't known of the new one, so it doesn't count here of those kept so far either.
        former = [Ranked(member.complexity, member.constants, member.misfit) for member in self._kept]
        if rank is None or not any(kept is rank for kept in self._unbeaten([*former, rank])):
            return None
        member = self._written(tree, rank, origin)
        if member is None:
            return None
        self.put(member)
        return member.equation if self.is_short(member) else None

    def contenders(self, trees: Mapping[Tree, str]) -> Iterator[Member]:
        """Formulas as members of the front, with their errors, the shortest description first; the front doesn't take them in.

        Args:
            trees: Formulas as nested tuples, constants fitted to the training rows, each with the strategy that found it.
        """
        ranks = {tree: rank for tree in trees if (rank := self._ranked(tree)) is not None}
        length = self.length
        for tree in sorted(ranks, key=lambda tree: length(ranks[tree])):
            member = self._written(tree, ranks[tree], trees[tree])
            if member is not None:
                yield member

    def is_short(self, member: Member) -> bool:
        """Whether its complexity is at most the largest that formulas may have in the end."""
        return member.complexity <= self._largest_complexity

    def _ranked(self, tree: Tree) -> Ranked | None:
        """What is compared of a tree; None of one that may not come in.

        A tree may not come in where it is too long, has too many constants or operations that aren't allowed; or where it is a mere column
        that misses the target by more than a tenth of its spread: as numbers of another quantity it would mean nothing.
        """
        size, number = complexity(tree), len(constants(tree))
        heads = {node[0] for node in nodes(tree)} & OPERATIONS.keys()
        if size > self.reach or number > self._most_constants or not heads <= self._operations:
            return None
        misfit = self._misfit(tree)
        far = misfit.plain.held_out * self.table.unit > _NEAR * (self.table.spread or self.table.unit)
        return None if self._is_column(tree) and far else Ranked(size, number, misfit)

    def _written(self, tree: Tree, rank: Ranked, origin: str) -> Member | None:
        """The member of a tree, in the units of the data; None where it has no finite writing there.

        Args:
            tree: With fitted constants.
            rank: Its complexity, number of constants and errors.
            origin: The strategy that found it.
        """
        expression = self.table.expression(tree)
        if expression is None:
            return None
        equation = self._equation(expression, rank.complexity, rank.misfit, origin)
        return Member(rank.complexity, rank.constants, rank.misfit, equation)

    def put(self, member: Member, former: Member | None = None) -> None:
        """Take in a member, where no simpler one equals it; members that it now equals or beats go.

        Args:
            member: The new one.
            former: The one whose place it takes.
        """
        self._kept = self._unbeaten([*(kept for kept in self._kept if kept is not former), member])

    def measured(self, expression: Any, size: float, number: int, origin: str, problem: Problem) -> Member:
        """An expression in the table's units as a member.

        Args:
            expression: With fitted constants.
            size: Its complexity.
            number: How many of its numbers were fitted.
            origin: The strategy that found it.
            problem: The rows, and their weights, that the constants were fitted to.
        """
        table = self.table
        misfit = self._compared([table.problem(part).values(expression) / table.y_unit for part in self._parts])
        equation = self._equation(expression, size, misfit, origin, problem)
        # Doubtful is a formula with a constant that the rows leave open.
        return Member(size, number, misfit, equation, doubtful=not equation.fitted.determined)

    def refitted(self, member: Member, expression: Any, problem: Problem) -> Member:
        """A member with the constants of all rows; errors stay those on rows that its constants hadn't seen.

        Args:
            member: The member as it was measured.
            expression: Its formula with the new constants.
            problem: All rows, and their weights, that these were fitted to.
        """
        equation = self._equation(expression, member.complexity, member.misfit, member.equation.origin, problem)
        # Doubtful is a formula with a constant that the rows leave open.
        return replace(member, equation=equation, doubtful=not equation.fitted.determined)

    def _unbeaten(self, members: Sequence[R]) -> list[R]:
        """The members that no simpler one equals under one kind of noise at least (equal everywhere, growing with the value), each once."""
        kept: list[R] = []
        for kind in ranking.ALL_KINDS:
            kept += (
                m for m in ranking.front(members, len(self.table.every.y), noise=kind) if not any(m is k for k in kept)
            )
        return kept

    def _is_column(self, tree: Tree) -> bool:
        """Whether a tree says "target = column", in the column's own unit or in the power of ten of it that the search uses."""
        inner = tree
        # An exact factor in front is a change of units.
        while inner[0] == "mul" and inner[1][0] == "n":
            inner = inner[2]
        return inner[0] == "x" or tree in self._columns

    def _misfit(self, tree: Tree) -> Misfit:
        """The errors of a tree on the training rows and on those held out (`_inputs`: the columns of both, in the search's units)."""
        with torch.no_grad():
            return self._compared([values(tree, columns) for columns in self._inputs])

    def _compared(self, columns: Sequence[Tensor]) -> Misfit:
        """The errors of a formula by its values on the training rows and on those held out, each `(rows,)`, in units of `table.y_unit`."""
        table = self.table
        parts = [(part.y / table.y_unit, value, part.weight) for part, value in zip(self._parts, columns, strict=True)]
        return ranking.misfit(parts, table.unit, robust=self._robust)

    def _equation(
        self, expression: Any, size: float, misfit: Misfit, origin: str, problem: Problem | None = None
    ) -> Equation:
        """An expression in the units of the data as an equation, with its errors.

        Args:
            expression: With fitted constants.
            size: Its complexity.
            misfit: Its residuals, which give the error on held-out rows where the data have no test rows.
            origin: The strategy that found it.
            problem: The rows that its constants were fitted to; by default the training rows.
        """
        table = self.table
        train, test = table.error(table.every, expression), table.test_error(expression)
        if test is None and table.held_out is not None:
            # The misfit is a part of the unit; of a robust loss it is a mean size, no root mean square.
            root_mean_square = misfit.plain.held_out * table.unit * table.y_unit
            test = table.error(table.held_out, expression) if self._robust else root_mean_square
        return Equation(
            *(table.target, expression, size, train, test, table.r2(train), origin),
            data=table.data,
            _problem=problem or self._problem,
            _quantities=table.quantities,
        )


# ---- formulas that were kept as texts, as equations again: errors and constants follow from the table


class EquationReader:
    """Makes equations of a table's formulas.

    Args:
        data: The table, with one target.
    """

    def __init__(self, data: Dataset) -> None:
        # The table of the only target; 0 is the seed of the rows that are held out.
        self._table = tables(Request(data).table(), 0)[0]

    def equation(self, expression: Expr, complexity: float, held_out: float | None = None) -> Equation:
        """The equation of an expression, its constants as they are.

        Args:
            expression: In the names of the columns.
            complexity: As the search had it.
            held_out: Its error on rows that were held out when it was found: in the end constants were fitted to these rows, too, so
                that it can't be computed again. Of a table with test rows the error on these counts instead.
        """
        table, every = self._table, self._table.every
        problem = table.problem(every)
        problem, _ = weighted(problem, problem.at(expression))  # rows of less noise count more
        error, test = table.error(every, expression), table.test_error(expression)
        return Equation(
            table.target,
            expression,
            complexity,
            error,
            held_out if test is None else test,
            table.r2(error),
            data=table.data,
            _problem=problem,
        )
