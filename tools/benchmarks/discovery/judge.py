"""What an answer is worth: whether it is the law, whether it has the law's form, and how well it predicts.

Every answer's constants are fitted to the training rows and snapped before it is judged, whoever gave it, and the answer as it was
is judged, too: the better of them counts. An answer is *exact* if it differs from the truth by at most a thousandth within the ranges
and on ranges that are wider by half, and if other constants in it, nearby, make it the truth to round-off. The second half of the
sentence tells a law with constants that are less exact, or with a further term that is next to nothing, from a series that happens to be as
near. It has the *form* if it is exact, or if some constants make it the truth and none of these may vanish.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import sympy
import torch

from kanwidget.datasets import Dataset
from kanwidget.formulas import equivalent, refit, snap
from kanwidget.formulas.constants import best_fit, with_free_numbers
from kanwidget.symbolic.formulas.deadlines import within
from kanwidget.symbolic.formulas.regression.problem import Problem
from tools.benchmarks.discovery.points import Points, Sample, sample, values_of
from tools.benchmarks.discovery.suites import Case

#: Largest difference of an exact answer, and what counts as round-off after a fit to the true values.
TOLERANCE, _SAME = 1e-3, 1e-7
#: An answer that explains less than this part of the variance, scaled and shifted as well as may be, is not examined any further.
_LEAST = 0.5
#: Rows of fits to the true values.
_ROWS = 300
#: Seconds for the fit and the rounding of constants, and for the search for constants that make an answer the truth.
_SNAP_SECONDS, _FORM_SECONDS = 20.0, 10.0
#: Longer expressions have a form of their own.
_LONGEST = 120

T = TypeVar("T")


@dataclass(frozen=True)
class Verdict:
    """What an answer is worth."""

    exact: bool
    form: bool
    r2: float
    """Of the answer as it was, on test rows; minus infinity where a value isn't finite."""


def judge(answer: sympy.Expr, case: Case, data: Dataset) -> Verdict:
    """The verdict on an answer.

    Args:
        answer: An expression in the columns' names.
        case: Whose law it should be.
        data: The rows that the answer was made from, and test rows.
    """
    points = _sample_of(case, data)
    versions = list(_versions(answer, case, data, points))
    exact = any(is_exact(version, case, points) for version in versions)
    form = exact or any(has_form(version, case, points) for version in versions)
    return Verdict(exact, form, explained(answer, data))


def is_law(answer: sympy.Expr, case: Case, data: Dataset) -> bool:
    """Whether an answer is exact, as it is or with constants of the training rows."""
    points = _sample_of(case, data)
    return any(is_exact(version, case, points) for version in _versions(answer, case, data, points))


def _sample_of(case: Case, data: Dataset) -> Sample:
    return sample(case, len(data.in_vars) - len(case.equation.variables))


def explained(answer: sympy.Expr, data: Dataset) -> float:
    """R² on test rows."""
    columns = dict(zip(data.in_vars, data.test_input.unbind(1), strict=True))
    y = data.test_label[:, 0]
    predicted = values_of(answer, columns, len(y))
    r2 = 1 - float((predicted - y).square().mean() / y.var(correction=0))
    return r2 if math.isfinite(r2) else -math.inf


def is_exact(answer: sympy.Expr, case: Case, points: Sample | None = None) -> bool:
    """Whether an answer, as it is, is the case's law but for constants that are less exact."""
    points = points or sample(case)
    error = max(points.errors(answer))
    if error > TOLERANCE:
        return False
    return error <= _SAME or _becomes(answer, points) or _becomes_answer(answer, case, points)


def has_form(answer: sympy.Expr, case: Case, points: Sample | None = None) -> bool:
    """Whether an answer is the case's law with other constants, none of which it could do without."""
    points = points or sample(case)
    if _is_hopeless(answer, points):
        return False
    rows = torch.stack(list(points.inner.columns.values()), dim=1)
    ranges = Dataset(rows, points.inner.truth, in_vars=list(points.inner.columns))
    result = _attempt(_FORM_SECONDS, lambda: equivalent(answer, truth_of(case), ranges, constants=True))
    return bool(result)


def truth_of(case: Case) -> sympy.Expr:
    """The law as an expression."""
    names = {name: sympy.Symbol(name) for name in case.equation.variables}
    return sympy.sympify(case.equation.formula, names)


def parse(text: str, columns: tuple[str, ...]) -> sympy.Expr:
    """An expression from a text of this benchmark's results."""
    return sympy.sympify(text, {name: sympy.Symbol(name) for name in columns})


def _versions(answer: sympy.Expr, case: Case, data: Dataset, points: Sample) -> Iterator[sympy.Expr]:
    """The answer, and the answer with constants of the training rows, then snapped, where it is near the truth."""
    yield answer
    if is_exact(answer, case, points) or _is_hopeless(answer, points):
        return
    train = Dataset(data.train_input, data.train_label, in_vars=data.in_vars)
    for change in (lambda: refit(answer, train).expression, lambda: snap(answer, train).expression):
        version = _attempt(_SNAP_SECONDS, change)
        if version is not None:
            yield version


def _becomes(answer: sympy.Expr, points: Sample) -> bool:
    """Whether other constants make the answer the truth; they may vanish."""
    fitted = _fitted(answer, points.inner)
    return fitted is not None and max(points.errors(fitted)) <= _SAME


def _becomes_answer(answer: sympy.Expr, case: Case, points: Sample) -> bool:
    """Whether other constants make the truth the answer."""

    def like_answer(part: Points) -> Points:
        found = part.values(answer)
        defined = torch.isfinite(found)
        return Points({name: column[defined] for name, column in part.columns.items()}, found[defined])

    swapped = Sample(like_answer(points.inner), like_answer(points.wider))
    return _becomes(truth_of(case), swapped)


def _fitted(expr: sympy.Expr, points: Points) -> sympy.Expr | None:
    """The expression with constants fitted to the true values, its exact factors and terms among them."""
    symbols = sorted(expr.free_symbols, key=str)
    if not symbols or not points.enough:
        return None
    x = torch.stack([points.columns[symbol.name][:_ROWS] for symbol in symbols], dim=1)
    problem = Problem(symbols, x, points.truth[:_ROWS])
    fit: Any = _attempt(_FORM_SECONDS, lambda: best_fit(problem, with_free_numbers(expr), 1))
    return None if fit is None else fit.expression


def _is_hopeless(answer: sympy.Expr, points: Sample) -> bool:
    """Whether an answer is too long or too far from the truth for any constants to help."""
    found = points.inner.values(answer)
    both = torch.stack([found, points.inner.truth])[:, torch.isfinite(found)]
    return _length(answer) > _LONGEST or both.shape[1] < _ROWS or not float(torch.corrcoef(both)[0, 1]) ** 2 > _LEAST


def _length(expr: sympy.Expr) -> int:
    return sum(1 for _ in sympy.preorder_traversal(expr))


def _attempt(seconds: float, compute: Callable[[], T]) -> T | None:
    """A result, or None where the time is over or an expression has no values somewhere."""
    try:
        return within(time.monotonic() + seconds, compute)
    except (ValueError, TypeError, ArithmeticError, RecursionError, AttributeError):
        return None
