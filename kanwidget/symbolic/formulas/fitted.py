"""The formula of a network with as few constants as the data need, each with its standard error."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.threads import limit_threads
from kanwidget.symbolic.formulas.posed import Posed, posed, words_with_errors
from kanwidget.symbolic.formulas.regression.classes import ClassProblem
from kanwidget.symbolic.formulas.regression.problem import Fit, Problem
from kanwidget.symbolic.formulas.simplest import simplest
from kanwidget.symbolic.formulas.words import Constants, Words
from kanwidget.symbolic.writing.latex import to_latex
from kanwidget.symbolic.writing.naming import DIGITS
from kanwidget.symbolic.writing.precision import decimal, with_error

if TYPE_CHECKING:
    import sympy

#: Errors of this part of a value are none.
_ROUND_OFF = 1e-12
#: The median of the absolute value of a normal deviate.
_MEDIAN = 0.6745
_WHERE = "fit_formula"


@dataclass(frozen=True, slots=True, repr=False)
class FittedFormula:
    """A formula that was fitted to data. Its text shows the expression and the constants with their errors."""

    name: str
    """Of the output."""
    expression: sympy.Expr
    variables: list[sympy.Symbol]
    """One for each column of the data."""
    constants: Constants
    """The decimals of the expression, each with its value and standard error."""
    curves: tuple[str, ...] = ()
    """Edges that are no functions of the library, by the names that they have in the expression."""
    saturated: bool = False
    """Whether there are as many constants as rows: standard errors then say nothing."""
    names: dict[str, str] = field(default_factory=dict)
    """The names in print of the curves: f, g, … for `phi_0_0_0`, …"""
    error: float = math.nan
    """Root mean squared error on the data, in the unit of the output; for classes the cross-entropy a row. Weights of rows count."""
    noise: float = 0.0
    """The error of a row as a part of its value, where it grows with the value; the rows are weighted by it. Otherwise 0."""
    meaning: str = ""
    """What the number says, where it is the score of a class."""
    words: Words = field(default_factory=Words)
    """What words stand for in the expression."""
    digits: Mapping[float, int] = field(default_factory=dict)
    """Significant digits in print of constants by their size; four of those that aren't there."""
    alone: bool = True
    """Whether it is the only formula of its network."""

    @property
    def determined(self) -> bool:
        """Whether no constant has a standard error larger than itself."""
        return all(error < abs(value) for value, error in self.constants.values())

    @property
    def text(self) -> str:
        """The expression on one line."""
        return expression_text(self.as_read.expression, self.names, self.digits)

    @property
    def as_read(self) -> FittedFormula:
        """The formula as it is written: 4·f(town) of a column of words is f(town) with values four times as large.

        One of several formulas shares the values with the others, and stays as it is.
        """
        if not self.alone:
            return self
        expression, constants, words = self.words.in_units(self.expression, self.constants)
        return replace(self, expression=expression, constants=constants, words=words)

    @property
    def latex(self) -> str:
        r"""The expression in LaTeX, its constants as in `text`.

        Examples:
            >>> import sympy
            >>> x = sympy.Symbol("x")
            >>> print(FittedFormula("y", sympy.exp(-x) / 2.51234, [x], {}).latex)
            0.398 \, e^{-x}
        """
        return to_latex(self.as_read.expression, functions=self.names, digits=self.digits or DIGITS)

    def code(self, language: str = "python", name: str = "formula") -> str:
        """The source text of a function of the columns, with all digits.

        Args:
            language: `python`, `c`, `javascript`, `julia`, `octave` or `excel`.
            name: The function's name.

        Raises:
            ValueError: For a formula with curves, and for a function that the language doesn't have.

        Examples:
            >>> import sympy
            >>> print(FittedFormula("y", 2.5 * sympy.Symbol("x") ** 2, [sympy.Symbol("x")], {}).code("c"))
            #include <math.h>
            <BLANKLINE>
            double formula(double x) {
                return 2.5*pow(x, 2);
            }
            <BLANKLINE>
        """
        read = self.as_read  # 4·f(town) of words is f(town), with values four times as large: `read.words` has these
        return read.words.code([read.expression], self.variables, language, name)

    def __repr__(self) -> str:
        """The formula, then what its curves and words are, its constants with their errors, and what it means."""
        text, read = self.text, self.as_read
        lines = [f"{self.name} = {text}"]
        if self.curves:
            names = ", ".join(self.names.get(name, name) for name in self.curves)
            one, several = "is a curve, with no function in its place", "are curves, with no functions in their place"
            lines.append(f"where {names} {one if len(self.curves) == 1 else several}; simplify looks for such")
        lines += read.words.lines([read.expression], self.names)
        if self.saturated:
            # No residual shows the noise: standard errors would be those of rounding.
            lines.append("as many constants as rows: it fits whatever they hold. Give a longer table.")
        else:
            lines += read._constants(text)
        return "\n".join(filter(None, [*lines, self.meaning]))

    def _constants(self, text: str) -> list[str]:
        """Sentences on the constants: those that are determined with their errors, the others in words; some are empty.

        `text` is the formula's text: constants are listed in the order in which they stand there.
        """
        certain = certain_constants(self.constants, text, self.digits)
        figures = 2 if self.digits else 1  # of errors: 2 where constants have digits of their own, not four
        lines = [f"constants {', '.join(with_error(*pair, figures) for pair in certain)}"] if certain else []
        if self.noise > _ROUND_OFF and certain:  # a row's error as a part of its value; 0 where it doesn't grow
            lines.append(f"rows weighted: errors grow with {self.name}, to about {100 * self.noise:.2g} % of it")
        return [*lines, uncertain_constants(self.constants)]


def certain_constants(
    constants: Mapping[Any, tuple[float, float]], text: str, digits: Mapping[float, int] | None = None
) -> list[tuple[float, float]]:
    """Values and errors of the constants that are larger than their errors, in the order in which they stand in a text.

    Args:
        constants: Value and standard error of each decimal.
        text: The formula's text, from `expression_text`.
        digits: Significant digits of constants by their size in that text; four of the others.

    Examples:
        >>> import sympy
        >>> small, large = sympy.Float(1.5), sympy.Float(2.5)
        >>> certain_constants({large: (2.5, 0.1), small: (1.5, 0.2)}, "1.5*x + 2.5"), certain_constants({large: (2.5, 3.0)}, "2.5")
        ([(1.5, 0.2), (2.5, 0.1)], [])
    """
    certain = [constant for constant, (value, error) in constants.items() if error < abs(value)]
    return [constants[constant] for constant in sorted(certain, key=lambda constant: _position(constant, text, digits))]


def uncertain_constants(constants: Mapping[Any, tuple[float, float]]) -> str:
    """A sentence on the constants that the data don't determine; empty where they determine all.

    Examples:
        >>> uncertain_constants({"a": (1.0, 0.1), "b": (-0.0001, 1000.0)})
        'not determined by these data: 1 of 2 constants has an error larger than itself'
    """
    uncertain = sum(not error < abs(value) for value, error in constants.values())
    if not uncertain:
        return ""
    have = "has an error larger than itself" if uncertain == 1 else "have errors larger than themselves"
    return f"not determined by these data: {uncertain} of {len(constants)} constants {have}"


class FittedFormulas(tuple[FittedFormula, ...]):
    """The formulas of several outputs, or of all classes but the first. Their text is that of all."""

    def code(self, language: str = "python", name: str = "formula") -> str:
        """The source text of a function that gives the values of all formulas, with all digits.

        Args:
            language: `python`, `c`, `javascript`, `julia`, `octave` or `excel`.
            name: The function's name.
        """
        expressions = [formula.expression for formula in self]
        # All formulas share the columns, and what words stand for in them.
        return self[0].words.code(expressions, self[0].variables, language, name)

    def __repr__(self) -> str:
        """The text of each formula, then once what their scores mean (`meaning`), for classes."""
        texts = [repr(replace(formula, meaning="")) for formula in self]
        return "\n".join([*texts, *dict.fromkeys(formula.meaning for formula in self if formula.meaning)])


@limit_threads
def fit_formula(
    network: Network, data: Any, var: Sequence[Any] | None = None, *, exponents: str = "free"
) -> FittedFormula | FittedFormulas:
    """The formula of a network, its constants fitted to the training data. The network isn't changed.

    Exponentials of logarithms are written as powers. Then the formula gets simpler as long as the data allow: it is fitted without an
    offset, or with a whole exponent, and all others free, and the fits are compared. Constants that may well be exact numbers
    become these (see `snap_constants`). A formula with more than 24 constants stays as it is, unless the data determine all of them.

    Several outputs have a formula each. Of two classes the formula is the score of the second against the first, the logarithm of its
    odds; of more each class but the first has one. Their constants are those of the greatest likelihood.

    Args:
        network: The network; numeric edges stay functions with names.
        data: A `Dataset`, a pykan dict, or a pair of inputs and labels. Of a standardized dataset the formula is that of the columns in
            their own units.
        var: Names of the columns; the data's own by default.
        exponents: `free`: the exact exponents that the network's functions have may become others, where the data ask for it; those
            of sums and columns that are positive. `exact`: they stay.

    Returns:
        The expression, and its constants with the standard errors of nonlinear regression, which assume random and independent
        deviations: equal ones, or, where the rows say so, ones that grow with the value.

    Raises:
        ValueError: For data that don't fit the network.

    Examples:
        >>> import torch
        >>> from kanwidget import KAN, Dataset
        >>> x = torch.linspace(0, 1, 20, dtype=torch.float64)[:, None]
        >>> data = Dataset(x, 2.34 * x + 0.01 * torch.cos(50 * x), in_vars=["time"], out_vars=["way"])
        >>> model = KAN([1, 1])
        >>> _ = model.fix_symbolic(0, 0, 0, "x", data=data, params=(1, 0, 2, 0.1))
        >>> fit_formula(model, data)
        way = 2.341*time
        constants 2.341 ± 0.003
    """
    _check.choice(exponents, "exponents", _WHERE, ("free", "exact"))
    found, free = [], exponents == "free"
    for pose in posed(network, data, var, _WHERE):
        found += fitted_formulas(pose, *simplest(pose.problem, pose.expression, free=free))
    return found[0] if len(found) == 1 else FittedFormulas(replace(formula, alone=False) for formula in found)


def fitted_formulas(pose: Posed, problem: Problem, fit: Fit) -> list[FittedFormula]:
    """The records of a fit: one, or for classes one for each but the first.

    Args:
        pose: The formula before the fit, with its names.
        problem: The rows, with the weights of the fit.
        fit: The fitted formula.
    """
    import sympy

    expression, constants = folded(fit)
    parts = list(expression) if isinstance(problem, ClassProblem) else [expression]
    error, noise = _error_and_noise(problem, fit)
    separated = problem.separates(fit.deviance)  # classes of which no row is in doubt
    curves = [name for name in pose.names if name not in pose.words.tables]
    formulas = []
    for name, part in zip(pose.outputs, parts, strict=True):
        floats = part.atoms(sympy.Float)
        formulas.append(
            FittedFormula(
                name=f"score of {name}" if pose.reference else name,  # `reference`: the first of the classes
                expression=part.xreplace(pose.curves),  # curves of columns as `numeric_functions` has them
                variables=list(problem.variables),
                constants={} if separated else {c: pair for c, pair in constants.items() if c in floats},
                curves=tuple(curve for curve in curves if part.has(sympy.Function(curve))),
                saturated=0 < problem.rows <= len(fit.symbols),  # no row is left to show the noise
                names=pose.names,
                error=error,
                noise=noise,
                meaning=_meaning(pose, separated=separated),
                words=pose.words if pose.reference else words_with_errors(pose.words, part, problem),
            )
        )
    return formulas


def folded(fit: Fit) -> tuple[sympy.Expr, dict[sympy.Float, tuple[float, float]]]:
    """A fit as it is read: its expression with one number for what several constants make up together, and its decimals.

    Each of these has its value and standard error, the larger error where two have one value.

    exp(5.1 + 0.3·x) is 164·exp(0.3·x): the constants of the second formula are functions of those of the first, and so are their
    errors, to first order: the gradient times the covariance.
    """
    import sympy

    values = dict(zip(fit.symbols, fit.values.tolist(), strict=True))
    undetermined = torch.isinf(fit.covariance.diagonal())
    covariance = torch.where(torch.isfinite(fit.covariance), fit.covariance, 0.0)
    constants: dict[Any, tuple[float, float]] = {}

    def number(part: Any) -> Any:
        """The value of a part, and its standard error by the gradient."""
        value = float(part.subs(values))
        slopes = [float(part.diff(s).subs(values)) if s in part.free_symbols else 0.0 for s in fit.symbols]
        gradient = torch.tensor(slopes, dtype=torch.float64)
        error = float((gradient @ covariance @ gradient).clamp(min=0).sqrt())
        if bool((undetermined & (gradient != 0)).any()):
            error = math.inf
        constant = sympy.Float(value)
        _, former = constants.get(constant, (value, 0.0))  # another constant may have the same value
        constants[constant] = (value, max(error, former))
        return constant

    return _folded(fit.template, set(fit.symbols), number), constants  # in a template symbols stand for constants


def _folded(node: Any, symbols: set[Any], number: Callable[[Any], Any]) -> Any:
    """The expression with every part that holds nothing but constants made one number.

    Args:
        node: The expression with symbols as constants.
        symbols: These symbols.
        number: Makes the number of such a part.
    """
    import sympy

    free = node.free_symbols
    if free and free <= symbols:
        return number(node)
    if not free & symbols:
        return node
    if isinstance(node, sympy.exp):
        # exp(5.1 + 0.3·x) reads better as 164·exp(0.3·x).
        outer, inner = _split_exponentials([node], symbols)
        if outer:
            return number(outer[0]) * _folded(inner[0], symbols, number)
    if isinstance(node, (sympy.Add, sympy.Mul)):
        fixed = [arg for arg in node.args if arg.free_symbols <= symbols]
        rest = [arg for arg in node.args if arg not in fixed]
        if isinstance(node, sympy.Mul):
            outer, rest = _split_exponentials(rest, symbols)
            fixed += outer
        together = node.func(*fixed)
        inner = number(together) if together.free_symbols else together
        return node.func(inner, *(_folded(arg, symbols, number) for arg in rest))
    return node.func(*(_folded(arg, symbols, number) for arg in node.args))


def _split_exponentials(factors: list[Any], symbols: set[Any]) -> tuple[list[Any], list[Any]]:
    """Factors exp(c + r) as the factors exp(c), which are constant, and exp(r)."""
    import sympy

    outer, inner = [], []
    for factor in factors:
        terms = sympy.Add.make_args(factor.args[0]) if isinstance(factor, sympy.exp) else ()
        fixed = [term for term in terms if term.free_symbols <= symbols]
        if fixed and len(fixed) < len(terms):
            outer.append(sympy.exp(sympy.Add(*fixed)))
            inner.append(sympy.exp(sympy.Add(*(term for term in terms if term not in fixed))))
        else:
            inner.append(factor)
    return outer, inner


def _error_and_noise(problem: Problem, fit: Fit) -> tuple[float, float]:
    """The error of a fit on the rows, and the part of a row's value that is noise; 0 where the rows aren't weighted by such a noise.

    The error is the root mean squared one, with the weights of the data; for classes the cross-entropy a row.
    """
    if isinstance(problem, ClassProblem):
        return fit.deviance / (2 * problem.rows), 0.0
    if problem.from_data:
        return (fit.deviance / problem.rows) ** 0.5, 0.0
    values = problem.values(fit.expression)
    residual = problem.y - values
    error = float(residual.square().mean().sqrt())
    # The median, times the factor that makes it a standard deviation.
    return error, 0.0 if problem.weights is None else float((residual / values).abs().median() / _MEDIAN)


def _meaning(pose: Posed, *, separated: bool) -> str:
    """What the scores of classes say, in words; empty for formulas of numbers. `separated`: the rows leave no doubt about any class."""
    if not pose.reference:
        return ""
    first, *others = pose.outputs
    if others:
        text = (
            f"scores against {pose.reference}, whose score is 0; the decision is the class with the largest score, and the probability "
            "of a class is exp(score)/(1 + the sum of all exp(score))"
        )
    else:
        text = (
            f"the decision is {first} where the score is above 0, else {pose.reference}; the probability of {first} is "
            "1/(1 + exp(-score)), so the score is the logarithm of its odds"
        )
    sure = "; no row is in doubt, so the constants have no errors: larger ones would fit as well" if separated else ""
    return text + sure


def expression_text(
    expression: Any, names: Mapping[str, str] | None = None, digits: Mapping[float, int] | None = None
) -> str:
    """The expression in Python's notation, and curves under the names in print.

    Args:
        expression: Sympy's.
        names: Names of curves in print, by those in the expression.
        digits: Significant digits of constants by their size; four of the others.

    Examples:
        >>> import sympy
        >>> expression_text(sympy.Float(3.21234)), expression_text(1.23456e-5 * sympy.Symbol("x"))
        ('3.212', '1.235e-5*x')
        >>> expression_text(1.49984 * sympy.Symbol("x"), digits={1.49984: 4})
        '1.500*x'
    """
    import sympy

    floats = [atom for atom in expression.atoms() if atom.is_Float]
    for name, short_name in (names or {}).items():
        expression = expression.replace(sympy.Function(name), sympy.Function(short_name))
    others = [number for number in floats if abs(float(number)) not in (digits or {})]
    short = expression.xreplace({number: type(number)(f"{float(number):.4g}") for number in others})
    text = _printer(digits or {}).doprint(short)
    # 54170000.0 as 5.417e+07: zeros would look like significant digits.
    return re.sub(r"(?<![\w.])\d{6,}\.0\b", lambda match: f"{float(match[0]):.4g}", text)


def _printer(digits: Mapping[float, int]) -> Any:
    """Sympy's printer, with so many significant digits for the numbers of these sizes."""
    from sympy.printing.str import StrPrinter

    class Printer(StrPrinter):
        def _print_Float(self, expr: Any) -> str:
            """Called by sympy for each decimal."""
            if abs(float(expr)) in digits:
                return decimal(float(expr), digits)
            return str(super()._print_Float(expr))

    return Printer({"full_prec": False})


def _position(constant: Any, text: str, digits: Mapping[float, int] | None) -> int:
    """The position of a constant in the text of `expression_text`; the end if it isn't there. `digits`: those of constants by size."""
    match = re.search(rf"(?<![\w.]){re.escape(expression_text(abs(constant), None, digits))}(?![\w.])", text)
    return match.start() if match else len(text)
