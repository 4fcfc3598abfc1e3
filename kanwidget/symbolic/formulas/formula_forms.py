"""A formula in the ways in which people write it: as trained, expanded, factored, rounded; each with the error that it costs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.threads import limit_threads
from kanwidget.symbolic.formulas.deadlines import within
from kanwidget.symbolic.formulas.fitted import (
    FittedFormula,
    certain_constants,
    expression_text,
    fitted_formulas,
    uncertain_constants,
)
from kanwidget.symbolic.formulas.posed import Posed, posed
from kanwidget.symbolic.formulas.regression.problem import Fit
from kanwidget.symbolic.formulas.regression.selection import Selector
from kanwidget.symbolic.formulas.rewriting.canonical import canonical
from kanwidget.symbolic.formulas.rewriting.expansion import expanded
from kanwidget.symbolic.formulas.simplest import MOST_CONSTANTS, simplest, weighted
from kanwidget.symbolic.formulas.words import Constants, Words
from kanwidget.symbolic.writing.latex import to_latex
from kanwidget.symbolic.writing.tidy import tidy

if TYPE_CHECKING:
    import sympy

_WHERE = "formula_forms"
#: The name of the form that is the network's own, edge by edge.
AS_TRAINED = "as trained"
#: Seconds for all forms, if none are given.
_PATIENCE = 20.0


@dataclass(frozen=True, slots=True, repr=False)
class FormulaForm:
    """A formula written in one way."""

    name: str
    """`as trained`, `expanded`, `factored` or `rounded`."""
    outputs: tuple[str, ...]
    """The name of each expression."""
    expressions: tuple[sympy.Expr, ...]
    """One for each output; for classes the score of each but the first."""
    variables: list[sympy.Symbol]
    constants: Constants
    """The decimals with their values and standard errors; none where they weren't fitted."""
    error: float
    """Root mean squared error on the training rows, in the unit of the output; for classes the cross-entropy a row."""
    names: dict[str, str]
    """The names in print of functions that are still splines."""
    meaning: str = ""
    """What the numbers say, where they are scores of classes."""
    words: Words = field(default_factory=Words)
    """What words stand for in the expressions."""

    @classmethod
    def of(cls, name: str, formulas: Sequence[FittedFormula], error: float) -> FormulaForm:
        """A form of the formulas of a network: one for each output, or one for each class but the first.

        Args:
            name: `as trained`, `expanded`, `factored` or `rounded`.
            formulas: The formulas, all of one network.
            error: Root mean squared error of all on the training rows; for classes the cross-entropy a row.
        """
        first = formulas[0]
        constants = {constant: pair for formula in formulas for constant, pair in formula.constants.items()}
        outputs, expressions = tuple(f.name for f in formulas), tuple(f.expression for f in formulas)
        shared = first.names, first.meaning, first.words
        return cls(name, outputs, expressions, first.variables, constants, error, *shared)

    @property
    def text(self) -> str:
        """Each expression on one line as it is read, `as_read`; the functions that are still splines under their names in print."""
        pairs = zip(self.outputs, self.as_read.expressions, strict=True)
        return "\n".join(f"{name} = {expression_text(expression, self.names)}" for name, expression in pairs)

    @property
    def as_read(self) -> FormulaForm:
        """The form as it is written: 4·f(town) of a column of words is f(town) with values four times as large.

        Two forms are written as they are: the one as trained, whose functions have the values of their edges, and one of several outputs,
        which share the values.
        """
        if self.name == AS_TRAINED or len(self.expressions) > 1:
            return self
        expression, constants, words = self.words.in_units(self.expressions[0], self.constants)
        return replace(self, expressions=(expression,), constants=constants, words=words)

    @property
    def certain(self) -> list[tuple[float, float]]:
        """Value and error of each constant that the data determine, in the order in which they are read."""
        return certain_constants(self.as_read.constants, self.text)

    @property
    def uncertain(self) -> str:
        """A sentence on the constants that the data don't determine; empty where there are none."""
        return uncertain_constants(self.as_read.constants)

    @property
    def latex(self) -> str:
        """Each expression in LaTeX, on one line, then the words in them."""
        return self.latex_of({})

    def latex_of(self, display: Mapping[str, str]) -> str:
        """`latex` with other names in print of the columns, by those of their symbols."""
        read = self.as_read  # 4·f(town) of a column of words is f(town) there, with values four times as large
        pairs = zip(self.outputs, read.expressions, strict=True)
        lines = [f"{to_latex(('var', name))} = {to_latex(expr, display, self.names)}" for name, expr in pairs]
        return " \\\\\n".join([*lines, *read.words.latex(read.expressions, display, self.names)])

    def __repr__(self) -> str:
        return f"{self.name} (error {self.error:.3g}): {self.text}"


@limit_threads
def formula_forms(
    network: Network, data: Any, var: Sequence[Any] | None = None, *, seconds: float = _PATIENCE
) -> list[FormulaForm]:
    """A network's formula as trained, rounded, expanded and factored, as far as these differ. The network isn't changed.

    *As trained* is `symbolic_formula` without round-off. *Rounded* is `fit_formula`: simple exponents, fractions and multiples of π where
    the data agree. *Expanded* is multiplied out and fitted, without the terms that the data don't see. *Factored* is the rounded one
    with common factors taken out.

    Args:
        network: The network; numeric edges stay functions with names.
        data: A `Dataset`, a pykan dict, or a pair of inputs and labels.
        var: Names of the columns; the data's own by default.
        seconds: About how long it may take. Forms that aren't ready by then are left out, or less simple.

    Examples:
        >>> import torch
        >>> from kanwidget import KAN
        >>> x = torch.linspace(-1, 1, 40, dtype=torch.float64)[:, None]
        >>> model = KAN([1, 1])
        >>> _ = model.fix_symbolic(0, 0, 0, "x^2", data=x, params=(1, 0.5002, 2, 0))
        >>> for form in formula_forms(model, (x, 2 * (x + 0.5) ** 2), ["t"]):
        ...     print(form.name, form.text)
        as trained y = 2*(t + 0.5002)**2
        rounded y = 2*(t + 1/2)**2
        expanded y = 2*t**2 + 2*t + 0.5
        factored y = (2*t + 1)**2/2
    """
    return list(form_steps(network, data, var, seconds=seconds))


def form_steps(
    network: Network, data: Any, var: Sequence[Any] | None = None, *, seconds: float = _PATIENCE
) -> Iterator[FormulaForm]:
    """The forms of `formula_forms` (as trained, rounded, expanded, factored) one by one, as they are ready; arguments are checked at once.

    Arguments: the network, its data, names `var` of the columns (the data's by default), and seconds after which nothing more is tried.
    """
    deadline = time.monotonic() + _check.real(seconds, "seconds", _WHERE, low=0)
    poses = posed(network, data, var, _WHERE)  # formulas with the rows that they are fitted to
    return _form_steps(poses, deadline)


def _form_steps(poses: list[Posed], deadline: float) -> Iterator[FormulaForm]:
    """The forms one by one: as trained, rounded, then expanded and factored where their texts are new.

    Args:
        poses: A formula with its rows for each output; one for all classes.
        deadline: A time of `time.monotonic`, after which nothing more is tried.
    """
    trained = [_as_trained(pose) for pose in poses]
    yield _as_form(AS_TRAINED, trained)
    shown = [_texts(trained)]
    rounded = [fitted_formulas(pose, *simplest(pose.problem, pose.expression, deadline=deadline)) for pose in poses]
    shown.append(_texts(rounded))
    # It is what one looks for, and its constants have errors: it is there even if its text isn't new.
    yield _as_form("rounded", rounded)
    multiplied = [formulas for pose in poses if (formulas := _expanded(pose, deadline)) is not None]
    if len(multiplied) == len(poses) and _texts(multiplied) not in shown:
        shown.append(_texts(multiplied))
        yield _as_form("expanded", multiplied)
    factored = [[_factored(formula, deadline) for formula in formulas] for formulas in rounded]
    if _texts(factored) not in shown:
        yield _as_form("factored", factored)


def _texts(parts: list[list[FittedFormula]]) -> list[str]:
    """The texts of all formulas of a form, by which one that says the same as another is found. `parts`: its formulas by problem."""
    return [formula.text for formulas in parts for formula in formulas]


def _as_form(name: str, parts: list[list[FittedFormula]]) -> FormulaForm:
    """A form with this name of the formulas of each problem: one problem for each output, or one for all classes."""
    # Formulas of one problem (the scores of classes) share their error; over problems (outputs) it is the root mean square.
    errors = [part[0].error for part in parts]
    error = (sum(error**2 for error in errors) / len(errors)) ** 0.5
    return FormulaForm.of(name, [formula for part in parts for formula in part], error)


def _as_trained(pose: Posed) -> list[FittedFormula]:
    """The formula of the network, without round-off; its constants weren't fitted and have no errors.

    So its fit has no symbols: the decimals are part of the expression. `sizes` let `tidy` see which summands are round-off.
    """
    problem = pose.problem
    fit = Fit(pose.expression, [], problem.x.new_zeros(0), problem.x.new_zeros(0, 0), problem.deviance(pose.expression))
    sizes = {v.name: float(column.abs().max()) for v, column in problem.columns.items()}
    formulas = fitted_formulas(pose, problem, fit)
    return [_with_expression(formula, tidy(formula.expression, sizes=sizes)) for formula in formulas]


def _expanded(pose: Posed, deadline: float) -> list[FittedFormula] | None:
    """The formula multiplied out and fitted, without terms that the data don't see; for classes one for each but the first.

    None where that takes longer than the `deadline`, a time of `time.monotonic`, and where classes are separated, whose fit has no end.
    """
    problem = pose.problem
    expression = canonical(pose.expression, problem.values)
    multiplied = within(deadline, lambda: expanded(expression))
    if multiplied is None:
        return None
    problem, fit = weighted(problem, problem.fit(multiplied))  # by 1 over the rows' noise, where that grows with y
    if problem.separates(fit.deviance):
        return None
    if len(fit.symbols) <= MOST_CONSTANTS:
        # The canonical writing would take factors out of the sums again: expressions stay as they are.
        selector = Selector(problem, fit, deadline, canonical=lambda expr: expr)
        fit = selector.without_zeros(selector.without_redundant(fit))
    return [_with_expression(formula, tidy(formula.expression)) for formula in fitted_formulas(pose, problem, fit)]


def _factored(formula: FittedFormula, deadline: float) -> FittedFormula:
    """A formula with its common factors taken out, if sympy finds any within the time."""
    import sympy

    # Symbols stand for the decimals: sympy would calculate with these.
    floats = sorted(formula.expression.atoms(sympy.Float), key=float)
    symbols = {number: sympy.Dummy(positive=True) for number in floats}
    back = {symbol: number for number, symbol in symbols.items()}
    factored = within(deadline, lambda: sympy.factor(formula.expression.xreplace(symbols)))
    return formula if factored is None else _with_expression(formula, factored.xreplace(back))


def _with_expression(formula: FittedFormula, expression: Any) -> FittedFormula:
    """A formula in another writing, with those of its constants that are still in it."""
    constants = {number: pair for number, pair in formula.constants.items() if expression.has(number)}
    return replace(formula, expression=expression, constants=constants)
