"""The simplest formula that the data allow: several ways to write it are fitted and simplified, and the best one counts."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from kanwidget.core.primitives import primitives
from kanwidget.symbolic.formulas.constants import snapped
from kanwidget.symbolic.formulas.deadlines import within
from kanwidget.symbolic.formulas.regression.classes import ClassProblem
from kanwidget.symbolic.formulas.regression.noise import noise_weights
from kanwidget.symbolic.formulas.regression.problem import Fit, Problem
from kanwidget.symbolic.formulas.regression.selection import Selector
from kanwidget.symbolic.formulas.rewriting.canonical import canonical
from kanwidget.symbolic.formulas.rewriting.expansion import as_saturations, expanded, with_centred_squares
from kanwidget.symbolic.functions import from_sympy_node

if TYPE_CHECKING:
    import sympy

#: Formulas with more constants and curves than this aren't simplified: nobody reads them, and each trial is a fit.
MOST_CONSTANTS = 24
#: Rows by which constants are chosen; they are fitted to all rows in the end.
_MOST_ROWS = 4000
#: How far a constant may be from an exact number, relatively; its standard error must leave no other choice.
_TOLERANCE = 1e-2
#: Seconds for multiplying out.
_PATIENCE = 3.0
#: Of exact data a fit may leave so many times the variance that counts as none.
_EXACT = 100.0
#: A variant must be better by this much, in units of the price: else the formula stays as the network has it.
_BETTER = 1.0
#: Complexity of a function without a primitive, beyond that of x.
_UNKNOWN = 3.0


def simplest(problem: Problem, expr: Any, *, free: bool = True, deadline: float = math.inf) -> tuple[Problem, Fit]:
    """The formula with the constants that the data need, fitted to them, and the problem with the weights of the noise.

    Args:
        problem: The rows.
        expr: The formula, or for classes a sympy tuple of scores.
        free: Whether exact exponents of positive numbers may become others, too.
        deadline: A time of `time.monotonic`, after which it gets no simpler.

    Returns:
        The problem: all rows, weighted by the noise that the formula leaves; and the fit of the formula to them.
    """
    import sympy

    every = problem  # of a large table constants are chosen by a sample of the rows
    if problem.rows > _MOST_ROWS:
        problem = problem.rows_only(torch.linspace(0, problem.rows - 1, _MOST_ROWS).long())
    first = problem.fit(canonical(expr, problem.values))
    if problem.separates(first.deviance):
        # The likelihood has no maximum: the constants stay those of the network, with infinite errors.
        return every, every.at(canonical(expr, problem.values)).without_errors()
    problem, first = weighted(problem, first)
    best = _simplified(problem, first, deadline)
    best = _best_variant(problem, first, best, free=free, deadline=deadline)
    if best.expression.has(sympy.tanh):  # now that it is simpler it may be one quotient, and split into saturations
        best = _best_variant(problem, best, best, free=False, deadline=deadline)
    if problem.rows < every.rows:
        return weighted(every, every.fit(best.expression))
    return problem, best


def _best_variant(problem: Problem, start: Fit, best: Fit, *, free: bool, deadline: float) -> Fit:
    """The best of a formula so far and of the variants of a fit, each simplified.

    Args:
        problem: The rows.
        start: The fit whose variants are tried.
        best: The formula so far.
        free: Whether exact exponents may become others, too.
        deadline: A time of `time.monotonic`, after which no variant is tried.
    """
    lowest = _price(problem, best)
    for variant, free_exponents in _variants(problem, start, deadline, free=free):
        if time.monotonic() > deadline:
            break
        trial = _simplified(problem, problem.fit(canonical(variant, problem.values)), deadline)
        cost = _price(problem, trial)
        # Multiplied out, a formula may have more constants: those fit anything.
        fewer = free_exponents or len(trial.symbols) <= len(best.symbols)
        if fewer and cost < lowest - _BETTER:  # by 1: else the formula stays as the network has it
            best, lowest = trial, cost
    return best


def weighted(problem: Problem, fit: Fit) -> tuple[Problem, Fit]:
    """The problem with the weights of the noise that a fit leaves, and the fit with these, so that rows of little noise count more.

    Both stay as they are where the noise is the same for all rows, for classes, for data with weights of their own, and for exact data.
    """
    if isinstance(problem, ClassProblem) or problem.from_data or _exact(problem, fit):
        return problem, fit
    values = problem.values(fit.expression)
    weights = noise_weights(values, problem.y - values, len(fit.symbols))
    if weights is None:
        return problem, fit
    problem = problem.with_weights(weights)
    return problem, problem.fit(fit.expression)


def _simplified(problem: Problem, fit: Fit, deadline: float) -> Fit:
    """A fit without needless constants, others as exact numbers where the data agree; a long formula only if all its constants are certain.

    Long is one of more than 24 constants and curves, certain a constant with a standard error below a thousandth of it.
    After the `deadline`, a time of `time.monotonic`, nothing more is tried.
    """
    certain = all(error < 1e-3 * abs(value) for value, error in fit.table.values())
    if _is_long(fit) and not certain:
        return fit
    return snapped(problem, Selector(problem, fit, deadline).simplest(), tolerance=_TOLERANCE, deadline=deadline)


def _is_long(fit: Fit) -> bool:
    """Whether a formula has more than 24 constants and curves (undefined functions)."""
    from sympy.core.function import AppliedUndef

    return len(fit.symbols) + len(fit.template.atoms(AppliedUndef)) > MOST_CONSTANTS


def _variants(problem: Problem, fit: Fit, deadline: float, *, free: bool) -> Iterator[tuple[Any, bool]]:
    """Other writings of a formula, and whether one has free exponents; none of a long formula.

    They are: free exponents (if `free`), unless it is exact already; saturations 1/(1 + exp(-2·u)) in the place of tanh(u); squares about
    a centre, as distances have them; products multiplied out. Sympy may take a few seconds for each, up to the `deadline`, a time of
    `time.monotonic`.
    """
    if _is_long(fit):
        return
    expr = fit.expression
    freed = _freed(problem, expr) if free and not _exact(problem, fit) else expr
    if freed != expr:
        yield freed, True
    for saturation in within(min(deadline, time.monotonic() + _PATIENCE), lambda: as_saturations(expr)) or ():
        yield saturation, False
    for centred in with_centred_squares(expr):
        yield centred, False
    multiplied = within(min(deadline, time.monotonic() + _PATIENCE), lambda: expanded(expr))
    if multiplied is not None and multiplied != expr:
        yield multiplied, False


def _freed(problem: Problem, expr: Any) -> Any:
    """The formula with decimals as the exponents of what is positive on all rows: exact exponents stay in a fit, decimals are fitted."""
    import sympy

    powers = [power for power in expr.atoms(sympy.Pow) if power.exp.is_Rational and power.base.free_symbols]
    return expr.xreplace(
        {power: power.base ** sympy.Float(power.exp) for power in powers if problem.positive(power.base)}
    )


def _exact(problem: Problem, fit: Fit) -> bool:
    """Whether a fit leaves nothing but round-off: a mean square of 100 times the variance that counts as none, at most."""
    return fit.deviance <= _EXACT * problem.rows * problem.noise_floor


def _price(problem: Problem, fit: Fit) -> float:
    """The price of a formula, lower is better: a criterion like BIC, of its likelihood, its constants and its complexity."""
    length = complexity(fit.expression)
    if isinstance(problem, ClassProblem):
        return fit.deviance + len(fit.symbols) * math.log(problem.rows) + length
    return price(fit.deviance, problem.rows, problem.noise_floor, len(fit.symbols), length)


def complexity(expr: sympy.Expr) -> float:
    """The complexity of a formula, constants aside.

    One for every mention of a variable, and for every function and power its complexity beyond that of x: a sum of primitives
    has about the sum of their complexities. A curve or another function without a primitive costs 3.

    Examples:
        >>> import sympy
        >>> a, b = sympy.symbols("a b")
        >>> complexity(2.1 * a + b), complexity(2.1 * sympy.exp(a))
        (2.0, 2.0)
    """
    import sympy

    costs = {primitive.name: primitive.complexity - 1 for primitive in primitives()}
    total = 0.0
    for node in sympy.preorder_traversal(expr):
        if isinstance(node, sympy.Symbol):
            total += 1
        elif isinstance(node, sympy.Pow) and node.free_symbols:
            # 1/x, x² and √x count 1, as their primitives do beyond x, and so do fitted exponents; other exact exponents count more.
            total += 1 if abs(node.exp) in (1, 2, sympy.Rational(1, 2)) or not node.exp.is_Rational else 1.5
        elif isinstance(node, sympy.Function) and node.free_symbols:
            applied = from_sympy_node(node)
            primitive = applied[0].primitive if applied is not None else None
            total += costs.get(type(node).__name__ if primitive is None else primitive.name, _UNKNOWN)
    return total


def price(squares: float, rows: int, floor: float, constants: int, complexity: float) -> float:
    """The price of a formula, lower is better: Schwarz's criterion (BIC) for few rows, and one for every unit of complexity.

    n·log(squares/n) is minus twice the log-likelihood but for a constant, and k constants cost k·log n · n/(n - k - 2). A unit of
    complexity thus must make the data more likely by a factor of 1.6.

    Args:
        squares: Sum of the squared residuals.
        rows: Number of rows n.
        floor: The variance of a residual that counts as none: exact formulas differ only by their length.
        constants: Number of fitted constants.
        complexity: That of the formula, constants aside: see the function `complexity`.

    Examples:
        >>> price(4.0, 20, 0.0, 2, 1) < price(3.9, 20, 0.0, 3, 2) < price(20.0, 20, 0.0, 2, 1)
        True

    References:
        McQuarrie, "A small-sample correction for the Schwarz SIC model selection criterion", Statistics & Probability
        Letters 44 (1999).
    """
    few = rows / max(rows - constants - 2, 0.5)  # n/(n - k - 2), finite also for fewer rows than that
    return rows * math.log(squares / rows + floor + 1e-300) + constants * math.log(max(rows, 2)) * few + complexity
