"""Formulas that were kept as texts, as equations again: errors and constants follow from the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from kanwidget.datasets import Dataset
from kanwidget.discovery.arguments import Request
from kanwidget.discovery.equation import Equation
from kanwidget.discovery.fronts.table import Part, Table, tables
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
        error = _error(table, every, expression)
        spread = _root_mean_square(every.y - every.mean, every, table.y_unit)
        test = _test_part(table)
        return Equation(
            table.target,
            expression,
            complexity,
            error,
            held_out if test is None else _error(table, test, expression),
            1 - (error / spread) ** 2 if spread and table.spread else 0.0,
            data=table.data,
            _problem=problem,
        )


def _test_part(table: Table) -> Part | None:
    data = table.data
    if data.test_input is None or data.test_label is None:
        return None
    return Part(data.test_input, data.test_label[:, 0], data.test_weight)


def _error(table: Table, part: Part, expression: Any) -> float:
    return _root_mean_square(part.y - table.problem(part).values(expression), part, table.y_unit)


def _root_mean_square(values: Tensor, part: Part, unit: float) -> float:
    """By the rows' weights; squares of large numbers have no float, but those of multiples of a unit have."""
    squares, weight = (values / unit).square(), part.weight
    mean = squares.mean() if weight is None else (weight * squares).sum() / weight.sum()
    return float(mean.sqrt()) * unit
