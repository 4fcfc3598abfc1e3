"""Fits of all constants from several starts, and expressions whose exact numbers are constants, too."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch

from kanwidget.symbolic.formulas.evaluation import has_values
from kanwidget.symbolic.formulas.regression.problem import Fit, Problem
from kanwidget.symbolic.formulas.rewriting.decimals import parametrize

#: Spread of the logarithm by which a start changes a constant, and the spread of values that it draws anew.
_FACTOR, _ANEW = 1.0, 2.0


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
    """The expression with other constants: first in the unit of y, then of another size or sign, or drawn anew as phases need it."""
    import sympy

    if count > 0 and (scaled := _in_unit_of_y(expr, problem)) is not None:
        yield scaled
        count -= 1
    template, symbols, values = parametrize(expr, problem.positive)
    draw = torch.Generator().manual_seed(0)
    for _ in range(count if symbols else 0):
        first, second = (torch.randn(len(values), generator=draw, dtype=torch.float64) for _ in range(2))
        kind = torch.rand(len(values), generator=draw)
        changed = values * (_FACTOR * first).exp()
        changed = torch.where(kind < 1 / 4, -changed, changed)
        changed = torch.where(kind > 3 / 4, _ANEW * second, changed)
        numbers = {s: sympy.Float(value) for s, value in zip(symbols, changed.tolist(), strict=True)}
        start = template.xreplace(numbers)
        if has_values(start):
            yield start


def _in_unit_of_y(expr: Any, problem: Problem) -> Any:
    """The expression with decimal factors of its terms as large as y's spread asks for: a fit gets there in small steps only."""
    import sympy

    ratio = float(problem.y.std(correction=0) / problem.values(expr).std(correction=0))
    if not 0 < ratio < math.inf:
        return None
    terms = [(term.as_coeff_Mul()[0].is_Float, term) for term in sympy.Add.make_args(expr)]
    return sympy.Add(*(ratio * term if scales else term for scales, term in terms))


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
        # A root of a negative number stays.
        return sympy.Float(float(node)) if node.is_number and node.is_extended_real else node

    def visit(node: Any) -> Any:
        if not node.args or not node.free_symbols or isinstance(node, sympy.Piecewise):
            return node
        if isinstance(node, sympy.Mul):
            fixed = sympy.Mul(*(arg for arg in node.args if arg.is_number))
            rest = [visit(arg) for arg in node.args if not arg.is_number]
            return sympy.Mul(fixed if abs(fixed) == 1 else number(fixed), *rest)
        if isinstance(node, sympy.Pow):
            exponent = node.exp if node.exp.is_number else visit(node.exp)
            return number(node.base) ** exponent if node.base.is_number else visit(node.base) ** exponent
        if isinstance(node, sympy.Add):
            return sympy.Add(*(number(arg) if arg.is_number else visit(arg) for arg in node.args))
        return node.func(*(visit(arg) for arg in node.args))

    return visit(expr)


def without_open(problem: Problem, fit: Fit, agrees: Callable[[Any], bool]) -> Fit:
    """The fit with open constants as exact numbers, one by one, until the rows determine the others.

    Of c and b in a·log(c·x) + b, which say the same, c becomes exact: it can't be 0. What could be 0 may be a term too many.

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
    """Whether a constant may be 0."""
    import sympy

    without = fit.with_numbers({symbol: sympy.Integer(0)})
    return has_values(without) and (agrees(without) or agrees(problem.fit(without).expression))
