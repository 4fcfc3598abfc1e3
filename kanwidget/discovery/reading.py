"""Formulas that were kept as texts, as equations again: errors and constants follow from the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanwidget.datasets import Dataset
from kanwidget.discovery.arguments import Request
from kanwidget.discovery.equation import Equation
from kanwidget.discovery.fronts.table import tables
from kanwidget.symbolic.formulas.simplest import weighted

if TYPE_CHECKING:
    from sympy import Expr


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
