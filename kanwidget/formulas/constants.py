"""The constants of a person's formula and a person's data: fitted, with standard errors, and replaced by exact numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import torch

from kanwidget import _check
from kanwidget.core.chance import is_as_good
from kanwidget.core.threads import limit_threads
from kanwidget.formulas.arguments import expression, regression
from kanwidget.symbolic import FittedFormula
from kanwidget.symbolic.formulas.constants import snapped
from kanwidget.symbolic.formulas.evaluation import has_values
from kanwidget.symbolic.formulas.fitted import fitted_formulas
from kanwidget.symbolic.formulas.posed import Posed
from kanwidget.symbolic.formulas.regression.problem import Fit, Problem
from kanwidget.symbolic.formulas.regression.selection import Selector
from kanwidget.symbolic.formulas.rewriting.decimals import parametrize

if TYPE_CHECKING:
    import sympy

#: Spread of the logarithm by which a start changes a constant, and the spread of values that it draws anew.
_FACTOR, _ANEW = 1.0, 2.0


@limit_threads
def refit(expr: Any, data: Any, *, starts: int = 2) -> FittedFormula:
    """The formula with all its constants fitted to data by least squares, each with its standard error.

    Decimals are constants, decimal exponents of positive numbers among them; integers, fractions and π aren't. What several constants
    make up together is written as one number. The expression that is handed over stays as it is.

    Args:
        expr: A sympy expression, or what `fit_formula`, `refit` and `snap` return.
        data: A `Dataset`, a pykan dict, or a pair of inputs and one column of labels; inputs may be a frame. The expression's symbols
            are the names of columns, x_1, x_2, … where they have none. Weights of rows count. Of a standardized dataset the formula is
            that of the columns in their own units.
        starts: How many fits are made: from the constants as they are, from these with terms as large as the labels ask for, then from
            variations of them; ≥ 1. More help where the constants are guesses, above all in sines and sums of exponentials.

    Returns:
        A `FittedFormula`: `expression`, `constants` with values and standard errors, `error`. The errors are those of nonlinear
        regression, s²·(JᵀJ)⁻¹ with s² the residual variance; infinite for a constant that the data don't determine.

    Raises:
        TypeError: For anything but formulas and data; texts aren't parsed.
        ValueError: For symbols that are no columns, and for formulas that aren't finite on all rows.

    Examples:
        >>> import sympy
        >>> from kanwidget import Dataset
        >>> t = torch.linspace(0, 1, 20, dtype=torch.float64)
        >>> data = Dataset(t, 2 * torch.sin(3 * t) + 0.01 * torch.cos(50 * t), in_vars=["t"])
        >>> refit(1.5 * sympy.sin(2.5 * sympy.Symbol("t")), data)
        y = 2.0*sin(2.999*t)
        constants 2.000 ± 0.003, 2.999 ± 0.002
    """
    where = "refit"
    expr = expression(expr, "expr", where)
    starts = _check.integer(starts, "starts", where, low=1)
    target, problem, _ = regression(expr, data, where)
    return _as_fitted(target, problem, expr, _fit_or_refuse(problem, expr, starts, where))


@limit_threads
def snap(expr: Any, data: Any, *, tolerance: float = 1e-2, drop: bool = True) -> FittedFormula:
    """The formula with exact numbers in the place of constants, where the data allow it, the others fitted again.

    Exact numbers are integers, fractions, and multiples of π, of √2, and where an error is small enough of 1/π, π², √3, √5, √π and
    their inverses. Each must lie within three standard errors of its constant, with no other number as simple near, and
    the squared error may grow by no more than an F-test allows at three standard errors. Exponents become whole numbers, halves, thirds
    or quarters by a comparison of both fits. Validation rows, or else test rows, must be predicted as well, but for chance.

    Args:
        expr: As `refit` takes it.
        data: As `refit` takes them.
        tolerance: How far a constant may be from the exact number, at most, relatively, > 0.
        drop: Whether constants that may well be 0 vanish.

    Returns:
        A `FittedFormula`; its `constants` are those that stayed decimals.

    Raises:
        TypeError: For anything but formulas and data; texts aren't parsed.
        ValueError: For symbols that are no columns, and for formulas that aren't finite on all rows.

    Examples:
        >>> import sympy
        >>> from kanwidget import Dataset
        >>> t = torch.linspace(0, 1, 50, dtype=torch.float64)
        >>> data = Dataset(t, torch.sin(torch.pi * t) / 2 + 1.2345, in_vars=["t"])
        >>> print(snap(0.5001 * sympy.sin(3.1414 * sympy.Symbol("t")) + 1.2, data).text)
        sin(pi*t)/2 + 1.234
    """
    where = "snap"
    expr = expression(expr, "expr", where)
    tolerance = _check.real(tolerance, "tolerance", where, low=0, open_low=True)
    target, problem, held_out = regression(expr, data, where)
    agrees = _agreement(held_out)  # whether a fit predicts the held-out rows as well as another one
    fit = _fit_or_refuse(problem, expr, 2, where)
    # Exponents first: whole numbers, halves, thirds or quarters where the rows allow it. Fits are as written, in no canonical form.
    simpler = Selector(problem, fit, canonical=lambda formula: formula).with_simple_exponents(fit)
    fit = simpler if agrees(fit, simpler) else fit
    return _as_fitted(target, problem, expr, snapped(problem, fit, tolerance=tolerance, drop=drop, agrees=agrees))


def _fit_or_refuse(problem: Problem, expr: Any, starts: int, where: str) -> Fit:
    """The fit of least deviance from several starts; refuses an expression that no start makes finite on all rows.

    Args:
        problem: The rows.
        expr: The expression; its decimals are constants.
        starts: How many fits are made, at most.
        where: The public function, for the error, which names a row without a finite value.
    """
    fit = best_fit(problem, expr, starts)
    if math.isfinite(fit.deviance):
        return fit
    wrong = (~torch.isfinite(problem.values(expr))).nonzero()
    row = int(wrong[0]) if len(wrong) else 0
    columns = zip(problem.variables, problem.x[row].tolist(), strict=True)
    place = ", ".join(f"{symbol} = {value:.4g}" for symbol, value in columns)
    advice = "Other constants, or fewer rows, keep it within the domains of its functions."
    _check.fail("expr", where, "a formula that is finite on all rows", f"no finite number at {place}", advice)


def _agreement(problem: Problem | None) -> Callable[[Fit, Fit], bool]:
    """Whether one fit predicts the held-out rows as well as another one does; always, where there are none.

    Rows on which the first one has no value, beyond the domain of a function, say nothing.
    """
    if problem is None:
        return lambda before, after: True
    size = float(problem.y.std(correction=0)) or 1.0

    def agrees(before: Fit, after: Fit) -> bool:
        """Whether `after` is as good as `before` on the rows where `before` has a value."""
        residuals = [(problem.y - problem.values(fit.expression)) / size for fit in (before, after)]
        weights = 1.0 if problem.weights is None else problem.weights
        first, second = ((weights * residual).square() for residual in residuals)
        defined = torch.isfinite(first)
        return not bool(defined.any()) or is_as_good(first[defined], second[defined])

    return agrees


def _as_fitted(target: str, problem: Problem, expr: sympy.Expr, fit: Fit) -> FittedFormula:
    """The record that `refit` and `snap` return of a fit of `expr` to the rows of `problem`, with the name of its target."""
    return fitted_formulas(Posed((target,), problem, expr), problem, fit)[0]


# ---- fits of all constants from several starts, and expressions whose exact numbers are constants, too


def best_fit(problem: Problem, expr: Any, starts: int, enough: float = 0.0) -> Fit:
    """The best of the fits from the constants as they are and from variations of them, the same at each call.

    Args:
        problem: The rows.
        expr: The expression; its decimals are constants.
        starts: How many fits are made, at most.
        enough: A deviance that needs no further start.
    """
    best = problem.fit(expr)
    for start in _variations(expr, problem, starts - 1):
        if best.deviance <= enough or not best.symbols:
            break
        trial = problem.fit(start)
        if trial.deviance < best.deviance:
            best = trial
    return best


def _variations(expr: Any, problem: Problem, count: int) -> Iterator[Any]:
    """Starts for further fits: the expression with other decimals, at most `count` of them, the same at each call.

    The first one has the terms' decimal factors in the size of y (`_in_unit_of_y`), where that is possible. In the others each decimal is
    multiplied by a random size; a quarter of them also change their sign, and a quarter are drawn anew, as phases need it. Starts without
    values are left out.
    """
    import sympy

    if count > 0 and (scaled := _in_unit_of_y(expr, problem)) is not None:
        yield scaled
        count -= 1
    template, symbols, values = parametrize(expr, problem.positive)
    draw = torch.Generator().manual_seed(0)
    for _ in range(count if symbols else 0):
        first, second = (torch.randn(len(values), generator=draw, dtype=torch.float64) for _ in range(2))
        kind = torch.rand(len(values), generator=draw)  # 0 to 1: which change each one gets
        changed = values * (_FACTOR * first).exp()
        changed = torch.where(kind < 1 / 4, -changed, changed)
        changed = torch.where(kind > 3 / 4, _ANEW * second, changed)
        start = template.xreplace(dict(zip(symbols, map(sympy.Float, changed.tolist()), strict=True)))
        if has_values(start):
            yield start


def _in_unit_of_y(expr: Any, problem: Problem) -> Any:
    """The expression with its terms' decimal factors multiplied by spread of y / spread of its values; None where that is 0 or not finite.

    From factors that are far too small or large a fit would come nearer in small steps only.
    """
    import sympy

    ratio = float(problem.y.std(correction=0) / problem.values(expr).std(correction=0))
    if not 0 < ratio < math.inf:
        return None
    terms = sympy.Add.make_args(expr)
    return sympy.Add(*(ratio * term if term.as_coeff_Mul()[0].is_Float else term for term in terms))


def with_free_numbers(expr: Any) -> Any:
    """The expression with decimals for exact numbers that are terms, factors (but 1 and -1) or bases: constants that a fit moves.

    Exponents, and numbers within conditions, stay: they belong to the form.

    Examples:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> with_free_numbers(sympy.sqrt(2) * x**2 / 3 + 1 - sympy.sin(2 * x))
        0.471404520791032*x**2 - sin(2.0*x) + 1.0
    """
    import sympy

    def number(node: Any) -> Any:
        """A real number as a decimal; a root of a negative number, and all that is no number, as it is."""
        return sympy.Float(float(node)) if node.is_number and node.is_extended_real else node

    def visit(node: Any) -> Any:
        """The node with decimals where exact numbers may move; a part without symbols, or a piecewise function, as it is."""
        if not node.args or not node.free_symbols or isinstance(node, sympy.Piecewise):
            return node
        if isinstance(node, sympy.Mul):
            fixed = sympy.Mul(*(arg for arg in node.args if arg.is_number))
            rest = [visit(arg) for arg in node.args if not arg.is_number]
            return sympy.Mul(fixed if abs(fixed) == 1 else number(fixed), *rest)
        if isinstance(node, sympy.Pow):
            exponent = node.exp if node.exp.is_number else visit(node.exp)
            return number(node.base) ** exponent if node.base.is_number else visit(node.base) ** exponent
        return node.func(*(number(arg) if node.is_Add and arg.is_number else visit(arg) for arg in node.args))

    return visit(expr)


def without_open(problem: Problem, fit: Fit, agrees: Callable[[Any], bool]) -> Fit:
    """The fit with constants of infinite error as exact numbers, one by one, until the rows determine the others.

    Of c and b in a·log(c·x) + b, which say the same, c becomes exact: it can't be 0. A constant that could be 0 stays, since it may be
    a term too many.

    Args:
        problem: The rows.
        fit: The fit.
        agrees: Whether an expression is as good as the fit.
    """
    import sympy

    while len(fit.symbols) > 1:
        loose = [symbol for symbol, error in zip(fit.symbols, fit.errors, strict=True) if not math.isfinite(error)]
        kept = next((symbol for symbol in loose if not _may_vanish(problem, fit, symbol, agrees)), None)
        if kept is None:
            return fit
        fit = problem.fit(fit.with_numbers({kept: sympy.Rational(float(fit.floats[kept]))}))
    return fit


def needs_all(problem: Problem, fit: Fit, agrees: Callable[[Any], bool]) -> bool:
    """Whether no constant of a fit may be 0, the others fitted again.

    Args:
        problem: The rows.
        fit: The fit.
        agrees: Whether an expression is as good as the fit.
    """
    return not any(_may_vanish(problem, fit, symbol, agrees) for symbol in fit.symbols)


def _may_vanish(problem: Problem, fit: Fit, symbol: Any, agrees: Callable[[Any], bool]) -> bool:
    """Whether a formula with 0 for this constant is as good as the fit, with the other constants as they are, or fitted again.

    `agrees` says whether an expression is as good as the fit.
    """
    import sympy

    without = fit.with_numbers({symbol: sympy.Integer(0)})
    return has_values(without) and (agrees(without) or agrees(problem.fit(without).expression))
