"""`Equation`: one formula of a front, with its errors and constants, and what it can become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget._refusals import short_refusals
from kanwidget.core.network import Network
from kanwidget.core.records import Event, StepRecord
from kanwidget.core.reference_data import has_labels, reference_rows, store_names
from kanwidget.core.threads import limit_threads
from kanwidget.datasets import Dataset, arrays, as_dataset, frames
from kanwidget.discovery.units import UNKNOWN, Quantities
from kanwidget.symbolic import math_tree, to_latex
from kanwidget.symbolic.formulas.evaluation import evaluate
from kanwidget.symbolic.formulas.fitted import FittedFormula, expression_text, fitted_formulas
from kanwidget.symbolic.formulas.posed import Posed
from kanwidget.symbolic.formulas.words import notes_of
from kanwidget.symbolic.writing.languages import source
from kanwidget.symbolic.writing.precision import digits_by_size

if TYPE_CHECKING:
    from sympy import Expr, Float, Symbol

    from kanwidget.symbolic.formulas.regression.problem import Problem

#: Most rows for which the constants are fitted once without each row.
_LEAVE_ONE_OUT = 100
#: A formula as it is written may miss the rows by this part more, in squares; for it so many numbers of further digits are tried, 0 first.
_WORSE, _MOST_MORE = 0.01, 6


@dataclass(frozen=True, eq=False, repr=False)
class Equation:
    """A formula for a target: a sympy expression in the names of the columns, with its errors.

    Its text shows the formula and its constants with their standard errors.

    Examples:
        >>> from kanwidget import discover, load_planets
        >>> law = discover(load_planets(), steps=30, progress=False).best
        >>> law.text, law.complexity, law.rmse_train < 0.1
        ('axis**(3/2)', 3.0, True)
    """

    target: str
    """Name of the column that it gives."""
    sympy: Expr
    """The expression; its decimals are the constants that were fitted."""
    complexity: float
    """Operations, functions, columns and constants, weighted."""
    rmse_train: float
    """Root mean squared error on the training rows, in the target's unit; rows count by their weights."""
    rmse_test: float | None
    """The same on the test rows, or else on rows that were held out and that its constants hadn't seen; None where there are too few."""
    r2: float
    """Part of the target's variance that it explains, on the training rows, by their weights; 0 of a target that never changes."""
    origin: str = field(default="")
    """The strategy that found it."""
    data: Dataset = field(kw_only=True)
    """The table, in its own units."""
    _problem: Problem = field(kw_only=True)
    """The rows that the constants were fitted to."""
    _quantities: Quantities = field(default=UNKNOWN, kw_only=True)
    """The units of columns and targets."""

    # ---- writing

    @cached_property
    def text(self) -> str:
        """The expression on one line, its constants with the digits that their standard errors allow.

        Examples:
            >>> import torch
            >>> from kanwidget import discover
            >>> x = torch.linspace(1, 2, 30, dtype=torch.float64)
            >>> law = discover(x, 1.234 / x**2, steps=5, progress=False).best
            >>> law.text
            '1.234/x_1**2'
        """
        return expression_text(self.sympy, digits=self.fitted.digits)

    @property
    def latex(self) -> str:
        r"""The expression in LaTeX, its constants as in `text`.

        Examples:
            >>> import torch
            >>> from kanwidget import discover
            >>> x = torch.linspace(1, 2, 30, dtype=torch.float64)
            >>> law = discover(x, 1.234 / x**2, steps=5, progress=False).best
            >>> print(law.latex)
            \frac{1.234}{x_{1}^{2}}
        """
        return to_latex(self.sympy, digits=self.fitted.digits)

    def code(self, language: str = "python", name: str = "formula") -> str:
        """The source text of a function of the columns, with all digits.

        Args:
            language: `python` (of NumPy's arrays), `c`, `javascript`, `julia` or `octave` (of one row; the last is MATLAB's, too), or
                `excel`: the text of a cell, whose columns stand in A2, B2, …, and below it which is which.
            name: The function's name.

        Raises:
            ValueError: For a function that the language doesn't have.

        Examples:
            >>> from kanwidget import discover, load_planets
            >>> law = discover(load_planets(), steps=30, progress=False).best
            >>> print(law.code("excel"))
            =A2^(3/2)
            ' A2 is axis
            <BLANKLINE>
            >>> print(law.code(name="period"))
            import numpy as np
            <BLANKLINE>
            <BLANKLINE>
            def period(axis):
                return axis**(3/2)
            <BLANKLINE>
        """
        notes = notes_of(self.data.encoding, {symbol.name: symbol.name for symbol in self._symbols})
        return source(self.sympy, self._symbols, language, name, notes=notes)

    @cached_property
    def dimensions(self) -> bool | None:
        """Whether its value has the target's unit, with constants that are mere numbers; None where units aren't known.

        A law may hold constants that have units. Then this is False, and says nothing against the law.

        Examples:
            >>> from kanwidget import discover, load_planets
            >>> law = discover(load_planets(), units={"axis": "AU", "period": "year"}, steps=30, progress=False).best
            >>> law.text, law.dimensions
            ('axis**(3/2)', False)
        """
        return self._quantities.fit(self.sympy, self.target)

    @property
    def unit(self) -> str | None:
        """The target's unit, as it was written in `units`; None where it isn't known.

        Examples:
            >>> from kanwidget import discover, load_planets
            >>> discover(load_planets(), units={"period": "year"}, steps=3, progress=False).best.unit
            'year'
        """
        return self._quantities.texts.get(self.target)

    def __repr__(self) -> str:
        units = {True: "\nunits fit", False: "\nunits fit only with constants that have units", None: ""}
        return repr(self.fitted) + units[self.dimensions]

    # ---- constants

    @cached_property
    def fitted(self) -> FittedFormula:
        """The formula as `refit` returns it, with standard errors of its constants."""
        # The two empty dicts are for the curves of a network: here there are none. `at`: constants stay, and get their standard errors.
        pose = Posed((self.target,), self._problem, self.sympy, {}, {})
        fitted = fitted_formulas(pose, self._problem, self._problem.at(self.sympy))[0]
        return replace(fitted, digits=_written_digits(self._problem, fitted.expression, fitted.constants))

    @property
    def math(self) -> list[Any]:
        """The equation as a tree of MathML, its constants as in `text`.

        Examples:
            >>> from kanwidget import discover, load_planets
            >>> discover(load_planets(), steps=30, progress=False).best.math[0]
            'math'
        """
        return math_tree(self.sympy, left=self.target, digits=self.fitted.digits)

    @property
    def constants(self) -> dict[Float, tuple[float, float]]:
        """The decimals of the expression, each with its value and standard error, as those of `refit`.

        Examples:
            >>> import torch
            >>> from kanwidget import discover
            >>> x = torch.linspace(1, 2, 30, dtype=torch.float64)
            >>> law = discover(x, 1.234 / x**2, steps=5, progress=False).best
            >>> [(round(value, 6), error < 1e-9) for value, error in law.constants.values()]
            [(1.234, True)]
        """
        return self.fitted.constants

    @limit_threads
    def leave_one_out(self) -> float | None:
        """Root mean squared error on rows to which the constants weren't fitted, each in turn; rows count by their weights.

        None for more than 100 rows, since each takes a fit, and for as many constants as rows.

        Examples:
            >>> import torch
            >>> from kanwidget import discover
            >>> x = torch.linspace(1, 2, 30, dtype=torch.float64)
            >>> discover(x, 1.234 / x**2, steps=5, progress=False).best.leave_one_out() < 1e-12
            True
        """
        problem = self._problem
        if not len(self.constants) < problem.rows <= _LEAVE_ONE_OUT:
            return None
        residuals = torch.zeros_like(problem.y)
        for row in range(problem.rows):
            rest = torch.arange(problem.rows) != row
            fit = problem.rows_only(rest).fit(self.sympy)
            residuals[row] = problem.y[row] - problem.rows_only(~rest).values(fit.expression)[0]
        # A problem's weights are factors of residuals. Those that a fit has found for its noise don't count.
        roots = problem.weights if problem.from_data else None
        weight = torch.ones_like(residuals) if roots is None else roots.square()
        return float((weight * residuals.square()).sum() / weight.sum()) ** 0.5

    # ---- values

    @property
    def _symbols(self) -> list[Symbol]:
        """Sympy's symbol of each input column, in the order of the table."""
        from sympy import Symbol

        return [Symbol(name) for name in self.data.in_vars]

    @short_refusals
    def predict(self, data: Any) -> Tensor:
        """Values on rows, `(rows,)`.

        Args:
            data: Inputs, `(rows, columns)`: an array, or a frame or a Dataset, whose columns go by their names.

        Raises:
            ValueError: For columns that are missing.

        Examples:
            >>> from kanwidget import discover, load_planets
            >>> discover(load_planets(), steps=30, progress=False).best.predict([[4.0]])
            tensor([8.], dtype=torch.float64)
        """
        where = "predict"
        if has_labels(data):
            x = as_dataset(data, where, self.data.in_vars, self.data.encoding).train_input
        else:
            x = arrays.inputs(
                frames.by_name(data, self.data.in_vars, where, encoding=self.data.encoding), "data", where
            )
        x = x.to(torch.float64)
        if x.shape[1] != self.data.n_features:
            _check.fail("data", where, f"of shape (rows, {self.data.n_features}), a column for each input", x)
        columns = dict(zip(self._symbols, x.unbind(1), strict=True))
        with torch.no_grad():
            return evaluate(self.sympy, columns, {}, like=torch.zeros(len(x), dtype=torch.float64))

    @cached_property
    def relative_error(self) -> float | None:
        """Root mean squared error on the training rows as a part of the formula's value; None where that is 0 or changes its sign.

        Examples:
            >>> import torch
            >>> from kanwidget import discover
            >>> x = torch.linspace(1, 2, 30, dtype=torch.float64)
            >>> y = x**8 * (1 + 0.01 * torch.cos(50 * x))
            >>> round(discover(x, y, steps=30, progress=False).best.relative_error, 3)
            0.007
        """
        data = self.data
        values = self.predict(data.train_input)
        if not bool((values > 0).all() or (values < 0).all()):
            return None
        residual = (data.train_label[:, data.out_vars.index(self.target)] - values) / values
        weight = torch.ones_like(values) if data.train_weight is None else data.train_weight
        return float((weight * residual.square()).sum() / weight.sum()) ** 0.5

    # ---- a network

    @property
    def network(self) -> Any:
        """A new `KAN` that computes the formula exactly, with the table's names.

        Raises:
            ValueError: For functions that networks don't have.

        Examples:
            >>> from kanwidget import discover, load_planets
            >>> discover(load_planets(), steps=30, progress=False).best.network
            KAN([1, 1], grid=3, k=3, 1 active edges)
        """
        # The class `KAN` imports modules such as this one, which therefore imports it only when it is needed.
        model = import_module("kanwidget").KAN.from_formula(self.sympy, variables=self.data.in_vars)
        store_names(model, self.data)
        model.reference = reference_rows(self.data.train_input)
        model.history.records.append(self._record(model))
        model.history.events.append(Event(1, "fix", "the formula, its constants fitted to the data"))
        return model

    def _record(self, model: Network) -> StepRecord:
        """The errors of the formula's network on training and test rows, in the table's units, as the only record of its history."""
        data = self._own_data
        with torch.no_grad():
            losses = {
                part: float((data[f"{part}_label"] - model(data[f"{part}_input"])).square().mean().sqrt())
                for part in ("train", "test")
                if f"{part}_input" in data
            }
        # Step 1; it has no penalty and takes no time.
        return StepRecord(1, losses["train"], losses.get("test"), 0.0, 0.0)

    def explorer(self, **options: Any) -> Any:
        """The explorer on the formula's network and its table.

        Args:
            **options: Of `KANExplorer`.

        Examples:
            >>> from kanwidget import discover, load_planets
            >>> discover(load_planets(), steps=30, progress=False).best.explorer().close()
        """
        return import_module("kanwidget").KANExplorer(self.network, self._own_data, **options)

    @property
    def _own_data(self) -> Dataset:
        """The table with the equation's target alone."""
        data = self.data
        if data.n_outputs == 1:
            return data
        number = data.out_vars.index(self.target)
        labels: dict[str, Any] = {key: data[key][:, [number]] for key in data if key.endswith("label")}
        return replace(data, **labels, out_vars=(self.target,))


# ---- the digits with which the constants of an equation are written


def _written_digits(
    problem: Problem, expression: Any, constants: Mapping[Any, tuple[float, float]]
) -> dict[float, int]:
    """The digits that the errors of constants allow, and more where the formula as it is written would else miss the rows.

    Constants that make up for each other, as in a line far from its intercept, are known better together than one by one.

    Args:
        problem: The rows.
        expression: With the constants.
        constants: Each with its value and standard error.

    Returns:
        Significant digits by the absolute value of the constant. Where the squares grow by more than 1 % even with five digits more, they
        are those that the errors allow.
    """
    limit = (1 + _WORSE) * problem.deviance(expression)
    for more in range(_MOST_MORE):
        digits = digits_by_size(constants, more)
        if problem.deviance(_rounded(expression, digits)) <= limit:
            return digits
    return digits_by_size(constants)


def _rounded(expression: Any, digits: Mapping[float, int]) -> Any:
    """The expression with its constants rounded as they are written; `digits` has their significant digits by their absolute values."""
    import sympy

    numbers = {number: abs(float(number)) for number in expression.atoms(sympy.Float)}
    return expression.xreplace(
        {n: sympy.Float(f"{float(n):.{digits[size] - 1}e}") for n, size in numbers.items() if size in digits}
    )
