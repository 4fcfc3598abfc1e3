"""The constants of a formula and the data: fitted, with standard errors, and exact numbers or 0 where these errors allow them."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from kanwidget import _check
from kanwidget._types import Elementwise
from kanwidget.core.threads import limit_threads
from kanwidget.symbolic.formulas.evaluation import has_values
from kanwidget.symbolic.formulas.regression.problem import Fit, Problem

if TYPE_CHECKING:
    import sympy

#: How many standard errors a constant may be from the exact number, or from 0.
_ERRORS = 3
#: Standard errors between neighboring exact numbers. A constant that isn't exact then lies within three standard errors of one
#: with probability 2·3/100: a rare enough coincidence.
_APART = 100
#: The same for factors of angles, which are more often multiples of π, and for 1: that stands for no constant at all.
_APART_IN_ANGLES = _APART_OF_ONE = 40
#: Relative uncertainty of constants that were fitted to exact data.
_EXACT = 1e-9
_SIMPLE = dict.fromkeys(("1", "pi", "sqrt(2)"), (1, 2, 3, 4, 5, 6, 8, 10))
_FURTHER = ("1/pi", "pi**2", "sqrt(3)", "sqrt(5)", "sqrt(pi)", "1/sqrt(pi)", "1/sqrt(2*pi)")
#: Exact numbers, the simplest first: denominators of fractions, and of multiples of π, √2 and, last, of further numbers, which are
#: named as sympy writes them. Each level holds the earlier ones.
_LEVELS = (
    {"1": (1,)},
    {"1": (1, 2), "pi": (1, 2), "sqrt(2)": (1, 2)},
    {"1": (1, 2, 3, 4, 5), "pi": (1, 2, 3, 4), "sqrt(2)": (1, 2, 3, 4)},
    _SIMPLE,
    _SIMPLE | dict.fromkeys(_FURTHER, (1, 2, 3, 4, 6, 8)),
)
#: Beyond this only whole numbers are simple, up to its square.
_LARGEST = 100


@limit_threads
def refit(
    expr: sympy.Expr,
    variables: Sequence[sympy.Symbol],
    x: Tensor,
    y: Tensor,
    functions: dict[str, Elementwise] | None = None,
) -> tuple[sympy.Expr, dict[sympy.Float, tuple[float, float]]]:
    """Fit all constants of an expression to data by least squares.

    Every `Float` of the expression is a parameter of its own, decimal exponents of positive numbers among them; integers, fractions and
    π aren't. The standard errors are those of nonlinear regression, s²·(JᵀJ)⁻¹ with s² the residual variance; a constant that the data
    don't determine has an infinite one.

    Args:
        expr: The expression.
        variables: The symbol of each column of x.
        x: Shape `(n, len(variables))`.
        y: Shape `(n,)` or `(n, 1)`.
        functions: The numeric edges in it, from `numeric_functions(network)`.

    Returns:
        The expression with its new constants, and each constant's value and standard error.

    Examples:
        >>> import sympy, torch
        >>> t = sympy.Symbol("t")
        >>> x = torch.linspace(0, 1, 20, dtype=torch.float64)[:, None]
        >>> fitted, errors = refit(1.9 * sympy.sin(3.1 * t), [t], x, 2 * torch.sin(3 * x))
        >>> fitted.evalf(6)
        2.0*sin(3.0*t)
    """
    fit = Problem(variables, x, y, functions).fit(expr)
    return fit.expression, fit.table


@limit_threads
def snap_constants(
    expr: sympy.Expr,
    variables: Sequence[sympy.Symbol],
    x: Tensor,
    y: Tensor,
    *,
    tolerance: float = 1e-3,
    functions: dict[str, Elementwise] | None = None,
    drop: bool = True,
) -> sympy.Expr:
    """Replace constants by integers, simple fractions and multiples of π, √2 and a few further numbers, where the data support it.

    All constants are fitted to the data first. A constant is replaced if the exact number lies within three of its standard errors
    and no other number as simple is near: in noisy data some fraction always is near, and the constant stays. With `drop`,
    constants within three standard errors of 0 go, the least certain first. After each change the other
    constants are fitted again, and the change stays only if the squared error grows by no more than an F-test allows at three
    standard errors.

    Decimal exponents of numbers that aren't positive aren't fitted: those within the tolerance of a simple number become it, under the
    same test.

    Args:
        expr: The expression.
        variables: The symbol of each column of x.
        x: Shape `(n, len(variables))`.
        y: Shape `(n,)` or `(n, 1)`.
        tolerance: How far a constant may be from the exact number, at most, relatively.
        functions: The numeric edges in the expression, from `numeric_functions(network)`.
        drop: Whether constants that may well be 0 vanish.

    Examples:
        >>> import sympy, torch
        >>> t = sympy.Symbol("t")
        >>> x = torch.linspace(0, 1, 50, dtype=torch.float64)[:, None]
        >>> snap_constants(0.5001 * sympy.sin(3.1414 * t), [t], x, torch.sin(torch.pi * x) / 2)
        sin(pi*t)/2
    """
    _check.real(tolerance, "tolerance", "snap_constants", low=0, open_low=True)
    problem = Problem(variables, x, y, functions, where="snap_constants")
    return snapped(problem, problem.fit(expr), tolerance=tolerance, drop=drop).expression


def snapped(
    problem: Problem,
    fit: Fit,
    *,
    tolerance: float = 1e-3,
    drop: bool = False,
    deadline: float = math.inf,
    agrees: Callable[[Fit, Fit], bool] = lambda before, after: True,
) -> Fit:
    """`snap_constants` of a fitted expression.

    Args:
        problem: The rows.
        fit: The fitted expression.
        tolerance: How far a constant may be from the exact number, relatively.
        drop: Whether constants that may well be 0 vanish.
        deadline: A time of `time.monotonic`, after which nothing more is tried.
        agrees: Whether a change is allowed beside what the rows say; it gets the fits before and after it.
    """
    # Below it a constant is round-off; -1: none is dropped.
    zero = 1e-10 * max(1.0, float(problem.x.abs().max()), float(problem.y.abs().max())) if drop else -1.0
    refused: set[tuple[str, Any]] = set()  # changes that were tried in vain: the constant's key, and its exact number
    while True:
        # Value and error of each constant. Exponents that aren't fitted have none in the fit's table: there the tolerance is their error.
        table = _exponents(fit.expression, tolerance) | fit.table
        proposals = _proposals(table, tolerance, zero, _angles(fit.expression))
        constant, exact = next((pair for pair in proposals if (_key(pair[0]), pair[1]) not in refused), (None, None))
        if constant is None or time.monotonic() > deadline:
            return fit
        # An F-test of one constant at three standard errors: the deviance may grow by 3² times the variance of the noise.
        limit = fit.deviance + _ERRORS**2 * problem.variance(fit) + problem.rows * problem.noise_floor
        expression = fit.expression.xreplace({constant: exact})
        # What has no column any more is no formula of them.
        is_lost = bool(fit.expression.free_symbols) and not expression.free_symbols
        trial = fit if is_lost or not has_values(expression) else problem.fit(expression)
        if trial is fit or not trial.deviance <= limit or not agrees(fit, trial):
            refused.add((_key(constant), exact))
        else:
            fit = trial


def _exponents(expr: Any, tolerance: float) -> dict[Any, tuple[float, float]]:
    """Value and uncertainty of each decimal exponent. Where its base isn't positive it isn't fitted, and has no standard error but this.

    Three such uncertainties are the `tolerance`: how far a constant may be from an exact number, relatively.
    """
    import sympy

    decimals = [power.exp for power in expr.atoms(sympy.Pow) if power.exp.is_Float]
    return {exponent: (float(exponent), tolerance * abs(float(exponent)) / _ERRORS) for exponent in decimals}


def _angles(expr: Any) -> set[Any]:
    """The decimals in the operands of periodic functions, but for those within further functions there."""
    import sympy

    def numbers(node: Any) -> set[Any]:
        """The decimals that a node adds and multiplies, or is."""
        if isinstance(node, (sympy.Add, sympy.Mul)):
            return set().union(*map(numbers, node.args))
        return {node} if node.is_Float else set()

    return set().union(*(numbers(node.args[0]) for node in expr.atoms(sympy.sin, sympy.cos, sympy.tan)))


def _proposals(
    table: dict[Any, tuple[float, float]], tolerance: float, zero: float, angles: set[Any]
) -> Iterator[tuple[Any, Any]]:
    """Constants and the exact numbers that they may be: zeros first, the least certain ones before, then the simplest numbers.

    Args:
        table: Value and standard error of each constant.
        tolerance: How far a constant may be from the exact number, relatively.
        zero: Constants that are smaller may be 0, whatever their error; below 0 no zeros are proposed.
        angles: The constants that are factors or terms of angles.
    """
    import sympy

    if zero >= 0:
        doubts = {
            c: abs(value) / error if error else 0.0
            for c, (value, error) in table.items()
            if abs(value) <= max(_ERRORS * error, zero)
        }
        yield from ((c, sympy.Integer(0)) for c in sorted(doubts, key=lambda c: doubts[c]))
    ranked = []
    for c, (value, error) in table.items():
        level, exact = exact_number(value, error, tolerance, _APART_IN_ANGLES if c in angles else _APART)
        if exact is not None:  # `level` says how simple it is, 0 to 4
            ranked.append((level, abs(float(exact) / float(c) - 1), c, exact))
    yield from ((c, exact) for _, _, c, exact in sorted(ranked, key=lambda entry: entry[:2]))


def exact_number(
    value: float, error: float, tolerance: float = 1e-3, least_distance: float = _APART
) -> tuple[int, sympy.Expr | None]:
    """How simple the simplest exact number is that a constant may well be, 0 to 4, and this number; 4 and None where there is none.

    The distance of the number to its neighbors says whether it is a coincidence.

    Args:
        value: The constant.
        error: Its standard error.
        tolerance: How far it may be from the exact number, relatively; it must also lie within three standard errors.
        least_distance: How many standard errors neighbors that are as simple must be away; those of 1 and -1 at most 40.

    Examples:
        >>> exact_number(3.14159, 1e-5), exact_number(212.68, 6.9), exact_number(0.50001, 1e-4)
        ((1, pi), (4, None), (1, 1/2))
        >>> exact_number(0.994, 0.02, 1e-2), exact_number(2.006, 0.02, 1e-2)
        ((0, 1), (4, None))
    """
    margin = max(error, _EXACT * abs(value))  # constants of exact data have errors of round-off
    reach = min(_ERRORS * error + _EXACT * abs(value), tolerance * abs(value))
    for level in range(len(_LEVELS)):
        near = sorted(_around(value, level), key=lambda entry: abs(entry[0] - value))
        if len(near) > 1 and abs(near[0][0] - value) <= reach:
            apart = min(abs(neighbor - near[0][0]) for neighbor, _ in near[1:])
            least = min(least_distance, _APART_OF_ONE) if abs(near[0][1]) == 1 else least_distance
            if near[0][1] != 0 and apart >= least * margin:
                return level, near[0][1]
    return len(_LEVELS) - 1, None


def _around(value: float, level: int) -> list[tuple[float, Any]]:
    """The exact numbers nearest to a value, on both sides of it: size and sympy's number, each once.

    Args:
        value: The value.
        level: How simple they are, from 0 to 4: whole numbers, then more and more fractions, and multiples of π, √2 and further numbers.
    """
    import sympy

    sizes: dict[Any, float] = {}
    for name, denominators in _LEVELS[level].items():  # multiples of 1, π, √2, …, and their fractions
        unit, size = _units()[name]
        for denominator in denominators:
            # Beyond 100 (times π or √2) only whole numbers are simple, up to 10,000.
            if abs(value) > (_LARGEST**2 if name == "1" and denominator == 1 else _LARGEST * size):
                continue
            middle = round(value * denominator / size)
            for numerator in (middle - 1, middle, middle + 1):
                sizes[sympy.Rational(numerator, denominator) * unit] = numerator * size / denominator
    return [(size, exact) for exact, size in sizes.items()]


@functools.cache
def _units() -> dict[str, tuple[Any, float]]:
    """The numbers whose multiples are exact numbers (1, π, √2 and further ones), by name: sympy's number, and its size."""
    import sympy

    units = {name: sympy.sympify(name) for name in (*_SIMPLE, *_FURTHER)}
    return {name: (unit, float(unit)) for name, unit in units.items()}


def _key(constant: Any) -> str:
    """A constant with two digits, as a key that stays the same when the constant is fitted again and hardly moves."""
    return f"{float(constant):.2g}"
