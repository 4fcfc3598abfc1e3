"""The front of one target while it is searched for: each formula that comes is measured, and stays or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from kanwidget.datasets import Dataset
from kanwidget.discovery.arguments import Request
from kanwidget.discovery.engine.trees import OPERATIONS, Tree, complexity, constants, nodes, values
from kanwidget.discovery.equation import Equation
from kanwidget.discovery.fronts import ranking
from kanwidget.discovery.fronts.ranking import Misfit, R
from kanwidget.discovery.fronts.table import OwnRows, TargetTable, column_trees, tables
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
class Member:
    """A formula of a front, as the search ranks it."""

    complexity: float
    constants: int
    misfit: Misfit
    equation: Equation
    doubtful: bool = False
    """Whether the data are known to leave a constant open."""


class Front:
    """The formulas of a target that no simpler one equals.

    Args:
        table: The rows.
        operations: Heads that formulas may hold.
        most: Their largest complexity, in the end.
        robust: Whether sizes of residuals count, not squares.
    """

    def __init__(self, table: TargetTable, operations: frozenset[str], most: float, *, robust: bool) -> None:
        self.table = table
        # Those of the front for noise that is the same everywhere, and of those for noise that grows with the value.
        self._kept: list[Member] = []
        self._operations, self._most, self._robust = operations, most, robust
        self._most_constants = max(len(table.every.y) // _ROWS_PER_CONSTANT, _FEW_CONSTANTS)
        rows = table.rows()
        self._train, self._held = rows.x.unbind(1), rows.held_x.unbind(1)
        self._problem = table.problem(table.train)
        self._columns = set(column_trees(table))
        self.rivals: list[Member] = []

    @property
    def reach(self) -> float:
        """The largest complexity of formulas that may still get short enough."""
        return _REACH * self._most

    @property
    def candidates(self) -> list[Member]:
        """The formulas and those that may still get short enough, from simple to accurate."""
        return ranking.front(self._kept, len(self.table.every.y), noise=self._kind)

    @property
    def members(self) -> list[Member]:
        """The formulas as they are ranked, from simple to accurate; after the best one, those that the rows hardly speak against."""
        members, count, noise = self._short, len(self.table.every.y), self._kind
        lengths = [ranking.length(member, count, noise=noise) for member in members]
        best = min(range(len(members)), key=lengths.__getitem__, default=0)
        limit = lengths[best] + _UNLIKELY if members else 0.0
        return [
            m for place, (m, bits) in enumerate(zip(members, lengths, strict=True)) if place <= best or bits <= limit
        ]

    @property
    def _short(self) -> list[Member]:
        return [member for member in self.candidates if self.is_short(member)]

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The formulas, from simple to accurate."""
        return tuple(member.equation for member in self.members)

    @property
    def best(self) -> Member:
        """The member with the shortest description.

        Where units are known it is the shortest one whose units fit, unless that takes more than `_TIE` bits more.
        """
        members, count, noise = self._short, len(self.table.every.y), self._kind
        first = ranking.best(members, count, noise=noise)
        if not self.table.quantities:
            return first
        limit = ranking.length(first, count, noise=noise) + _TIE
        near = [member for member in members if ranking.length(member, count, noise=noise) <= limit]
        fitting = [member for member in near if member.equation.dimensions]
        return ranking.best(fitting, count, noise=noise) if fitting else first

    def length(self, member: Member) -> float:
        """Bits of the description by a member."""
        return ranking.length(member, len(self.table.every.y), noise=self._kind)

    @property
    def by_length(self) -> list[Member]:
        """The formulas and those that may still get short enough, the shortest description first."""
        count, noise = len(self.table.every.y), self._kind
        return sorted(self.candidates, key=lambda member: ranking.length(member, count, noise=noise))

    @property
    def _kind(self) -> int:
        """The likeliest kind of noise."""
        if not self._kept or self._robust or any(map(self.leaves_rounding, self._kept)):
            return 0
        return ranking.likeliest_noise(self._kept, len(self.table.every.y))

    @property
    def noise(self) -> GrowingNoise | None:
        """The noise of rows, where it grows with the value, in the units of the data."""
        kind = self._kind
        return ranking.kinds(float(self.table.train.y.abs().median()))[kind - 1] if kind else None

    @property
    def has_relative_noise(self) -> bool:
        """Whether the noise is a part of the value, but for values that are very small: relative errors then say how large it is."""
        return self._kind == ranking.ALL_KINDS[-1]

    def noise_weights(self) -> Tensor | None:
        """Weights of the squared residuals of the training rows for noise that grows with the value; None where it doesn't."""
        noise, table = self.noise, self.table
        if noise is None:
            return None
        return noise.weights(table.problem(table.train).values(self.best.equation.sympy)).square()

    def error(self, member: Member) -> float:
        """What counts of a formula's residuals, under the likeliest kind of noise: those on the rows held out."""
        return member.misfit.under(self._kind).held_out

    @property
    def exact(self) -> Member | None:
        """The simplest formula that leaves nothing but round-off."""
        return next(filter(self.leaves_rounding, self._short), None)

    def leaves_rounding(self, member: Member) -> bool:
        """Whether a formula leaves nothing but round-off, its own or that of the target's values."""
        return ranking.is_exact(member) or member.misfit.plain.held_out < self.table.rounding

    def offer(self, tree: Tree, origin: str) -> Equation | None:
        """Measure a formula, and keep it if no simpler one equals it.

        Args:
            tree: With its constants fitted to the training rows.
            origin: The strategy that found it.

        Returns:
            The formula, if it stays and is short enough by now.
        """
        rank = self._ranked(tree)
        if rank is None or not any(kept is rank for kept in self._both([*map(_rank, self._kept), rank])):
            return None
        member = self._written(tree, rank, origin)
        if member is None:
            return None
        self.put(member)
        return member.equation if self.is_short(member) else None

    def contenders(self, trees: Mapping[Tree, str]) -> Iterator[Member]:
        """Formulas as members that aren't taken in, the shortest description first.

        Args:
            trees: With their constants fitted to the training rows, each with the strategy that found it.
        """
        ranks = {tree: rank for tree in trees if (rank := self._ranked(tree)) is not None}
        count, noise = len(self.table.every.y), self._kind
        for tree, rank in sorted(ranks.items(), key=lambda item: ranking.length(item[1], count, noise=noise)):
            member = self._written(tree, rank, trees[tree])
            if member is not None:
                yield member

    def is_short(self, member: Member) -> bool:
        """Whether it is as short as formulas must be in the end."""
        return member.complexity <= self._most

    def _ranked(self, tree: Tree) -> _Rank | None:
        """What is compared of a tree; None of one that may not come in.

        A tree may not come in where it is too long, has too many constants or operations that aren't allowed; or where it is a mere column
        that isn't near.
        """
        size, number = complexity(tree), len(constants(tree))
        if size > self.reach or number > self._most_constants or not self._allows(tree):
            return None
        misfit = self._misfit(tree)
        far = misfit.plain.held_out * self.table.unit > _NEAR * (self.table.spread or self.table.unit)
        return None if self._is_column(tree) and far else _Rank(size, number, misfit)

    def _written(self, tree: Tree, rank: _Rank, origin: str) -> Member | None:
        """A formula that is compared so, in the units of the data; None where it has no finite writing."""
        expression = self.table.expression(tree)
        if expression is None:
            return None
        equation = self._equation(expression, rank.complexity, rank.misfit, origin)
        return Member(rank.complexity, rank.constants, rank.misfit, equation)

    def put(self, member: Member, former: Member | None = None) -> None:
        """Take in a member; those that it equals go.

        Args:
            member: The new one.
            former: The one whose place it takes.
        """
        self._kept = self._both([*(kept for kept in self._kept if kept is not former), member])

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
        parts = [table.train] if table.held_out is None else [table.train, table.held_out]
        columns = [table.problem(part).values(expression) / table.y_unit for part in parts]
        misfit = self._compared(columns[0], columns[1] if table.held_out is not None else None)
        equation = self._equation(expression, size, misfit, origin, problem)
        return Member(size, number, misfit, equation, not equation.fitted.determined)

    def refitted(self, member: Member, expression: Any, problem: Problem) -> Member:
        """A member with the constants of all rows; errors stay those on rows that its constants hadn't seen."""
        equation = self._equation(expression, member.complexity, member.misfit, member.equation.origin, problem)
        return replace(member, equation=equation, doubtful=not equation.fitted.determined)

    def _both(self, members: Sequence[R]) -> list[R]:
        """The members of the fronts under each kind of noise, each once."""
        kept: list[R] = []
        for kind in ranking.ALL_KINDS:
            kept += (
                m for m in ranking.front(members, len(self.table.every.y), noise=kind) if not any(m is k for k in kept)
            )
        return kept

    def _allows(self, tree: Tree) -> bool:
        heads = {node[0] for node in nodes(tree)}
        return heads & OPERATIONS.keys() <= self._operations

    def _is_column(self, tree: Tree) -> bool:
        """Whether a tree is a column in its own unit, or in the one that it has inside the engine."""
        inner = tree
        while inner[0] == "mul" and inner[1][0] == "n":
            inner = inner[2]
        return inner[0] == "x" or tree in self._columns

    def _misfit(self, tree: Tree) -> Misfit:
        with torch.no_grad():
            train = _column(tree, self._train, self.table.train)
            held = None if self.table.held_out is None else _column(tree, self._held, self.table.held_out)
        return self._compared(train, held)

    def _compared(self, train: Tensor, held: Tensor | None) -> Misfit:
        """The errors of a formula.

        Args:
            train: Its values on the training rows, `(rows,)`, in the engine's unit.
            held: Its values on the rows held out; None where none are.
        """
        table = self.table
        rows = (table.train.y / table.y_unit, train, table.train.weight)
        others = None
        if held is not None and table.held_out is not None:
            others = (table.held_out.y / table.y_unit, held, table.held_out.weight)
        return ranking.misfit(rows, others, table.unit, robust=self._robust)

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
            squares = misfit.plain.held_out * table.unit * table.y_unit
            test = table.error(table.held_out, expression) if self._robust else squares
        return Equation(
            *(table.target, expression, size, train, test, table.r2(train), origin),
            data=table.data,
            _problem=problem or self._problem,
            _quantities=table.quantities,
        )


@dataclass(frozen=True, slots=True)
class _Rank:
    """What is compared of a formula before it is written."""

    complexity: float
    constants: int
    misfit: Misfit
    doubtful: bool = False


def _rank(member: Member) -> _Rank:
    return _Rank(member.complexity, member.constants, member.misfit)


def _column(tree: Tree, columns: Any, part: OwnRows) -> Tensor:
    """A tree on rows; a constant where there are no columns."""
    return values(tree, columns or [torch.zeros_like(part.y)])


# ---- formulas that were kept as texts, as equations again: errors and constants follow from the table


class EquationReader:
    """Makes equations of a table's formulas.

    Args:
        data: With one target.
    """

    def __init__(self, data: Dataset) -> None:
        self._table = tables(Request(data).table(), 0)[0]

    def equation(self, expression: Expr, complexity: float, held_out: float | None = None) -> Equation:
        """The equation of an expression, its constants as they are.

        Args:
            expression: In the names of the columns.
            complexity: As the search had it.
            held_out: Its error on rows that were held out, which can't be had again; of a table with test rows theirs counts.
        """
        table, every = self._table, self._table.every
        problem = table.problem(every)
        problem, _ = weighted(problem, problem.at(expression))
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
