"""The constants of one tree, fitted from where they are: what every change of a formula asks for, so in as little time as it takes.

One tree at a time, without a batch: numbers decide instead of masks, and NumPy solves the small systems.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kanwidget.discovery.engine.fitting.tapes import Tape
from kanwidget.discovery.engine.patience import look_at_the_clock
from kanwidget.discovery.engine.trees import Tree, constants, with_constants

_Array = NDArray[np.float64]

_RIDGE = 1e-13
_LEAST_NORM = 1e-290
_LEAST_CURVATURE = 1e-12
_LEAST_GAIN = 1e-10
_EXACT = 1e-31
_NEARLY_EXACT = 1e-25
_MOST_REFUSALS = 9
#: Relative size of the squared error from which on the normal equations, which have half of the digits, may stand in the way.
_NEAR = 1e-14
_MOST_POLISHING, _LEAST_POLISHING = 12, 0.1


def fit_tree(
    tree: Tree, columns: Tensor, y: Tensor, weights: Tensor | None = None, *, steps: int = 30
) -> tuple[Tree, float]:
    """Fit the constants of one tree, from its own ones: the tree with them, and the sum of weighted squared residuals.

    The steps end where nothing is gained: on exact data at round-off.

    Args:
        tree: The tree.
        columns: `(columns, rows)`, float64.
        y: `(rows,)`.
        weights: Of the squared residuals, `(rows,)`.
        steps: Most steps.

    Returns:
        The tree and the sum; infinite where the tree's values aren't finite, and then the tree as it was.

    Examples:
        >>> x = torch.linspace(0, 3, 40, dtype=torch.float64)
        >>> tree = ("mul", ("c", 1.0), ("sin", ("mul", ("c", 1.9), ("x", 0))))
        >>> fitted, sse = fit_tree(tree, x[None], 3 * torch.sin(2 * x))
        >>> [round(number, 12) for number in constants(fitted)], sse < 1e-24
        ([3.0, 2.0], True)
    """
    tape = Tape(tree)
    problem = _Problem(tape, columns, y, weights)
    numbers = constants(tree)
    with np.errstate(all="ignore"):
        theta = np.array([numbers[index] for index in tape.inner])
        theta, point = _descend(problem, theta, problem.at(theta), steps)
        # Normal equations have half of the digits: where terms nearly agree, singular values give better factors.
        if tape.factors and np.isfinite(point.sse):
            point = min(point, problem.at(theta, exact=True), key=lambda each: each.sse)
        if point.sse < _NEAR * problem.size:
            theta, point = _polished(problem, theta, point)
    if not np.isfinite(point.sse):
        return tree, float("inf")
    for index, number in zip(tape.factors + tape.inner, [*point.factors, *theta], strict=True):
        numbers[index] = float(number)
    return with_constants(tree, numbers), point.sse


@dataclass(frozen=True, slots=True)
class _Point:
    """The tree at some inner constants, its factors solved for."""

    factors: _Array
    """The constants that the tree is linear in, `(factors,)`."""
    sse: float
    """Sum of weighted squared residuals."""
    normal: _Array
    """Products of the derivatives by the inner constants, each of length 1, without what the factors take up: `(inner, inner)`."""
    gradient: _Array
    """Products of these derivatives with the residuals, `(inner,)`."""
    sizes: _Array
    """Lengths of the derivatives, `(inner,)`."""


class _Problem:
    """A tree with rows."""

    def __init__(self, tape: Tape, columns: Tensor, y: Tensor, weights: Tensor | None) -> None:
        """The tree of a tape, with the values of `columns`, `(columns, rows)`, and a target; `weights` are of the squared residuals."""
        self._tape = tape
        self._fixed = tape.fixed(columns)
        self._roots = None if weights is None else weights.sqrt().numpy()
        self._y: _Array = y.numpy()
        # What "nearly exact" is measured by.
        self.size = float(np.sum(np.square(self._weighted(self._y))))

    def at(self, theta: _Array, exact: bool = False) -> _Point:
        """The tree at some inner constants, with the best factors.

        This is variable projection: a linear fit gives the factors, so that steps are taken in the inner constants alone.

        Args:
            theta: The inner constants, `(inner,)`.
            exact: Solve for the factors by singular values, for terms that nearly agree.

        Returns:
            The point; its `sse` is inf where values aren't finite, and all else then says nothing.
        """
        look_at_the_clock()
        tape = self._tape
        values = tape.values(self._fixed, torch.from_numpy(theta).unbind())
        target = self._weighted(self._y - np.asarray(values[-1]))
        terms, norms = self._columns(tape.terms(values))
        square = terms @ terms.T + _RIDGE * np.eye(len(terms))
        if not np.isfinite(square).all() or not np.isfinite(target).all():
            return _Point(norms, float("inf"), square, norms, norms)
        factors, residual = _factors(terms, target, square, exact)
        tape.with_factors(values, torch.from_numpy(factors / norms).unbind())
        slopes, sizes = self._columns(tape.slopes(values))
        # Only what the terms don't span of the derivatives counts (Kaufman's approximation): the factors follow theta for the rest.
        shared = terms @ slopes.T
        normal = slopes @ slopes.T - shared.T @ np.linalg.solve(square, shared)
        return _Point(factors / norms, float(residual @ residual), normal, slopes @ residual, sizes)

    def move(self, theta: _Array, factors: _Array, damping: float) -> _Array:
        """The damped step of the inner constants by singular values of all derivatives, with all digits; 0 where these aren't finite.

        Args:
            theta: The inner constants.
            factors: The factors at these.
            damping: What is added to the squares of the derivatives, which have the length 1.
        """
        tape = self._tape
        values = tape.values(self._fixed, torch.from_numpy(theta).unbind())
        tape.with_factors(values, torch.from_numpy(factors).unbind())
        residual = self._weighted(self._y - np.asarray(values[-1]))
        columns, sizes = self._columns([*tape.terms(values), *tape.slopes(values)])
        rows = np.concatenate([columns.T, np.sqrt(damping) * np.eye(len(columns))])
        target = np.concatenate([residual, np.zeros(len(columns))])
        if not np.isfinite(rows).all() or not np.isfinite(target).all():
            return np.zeros_like(theta)
        step: _Array = np.linalg.lstsq(rows, target, rcond=None)[0] / sizes
        return step[len(factors) :]

    def _weighted(self, values: _Array) -> _Array:
        """Values, with the rows as last axis, times the roots of the rows' weights: then their plain squares are to be least."""
        return values if self._roots is None else values * self._roots

    def _columns(self, columns: Sequence[Any]) -> tuple[_Array, _Array]:
        """Columns of the least-squares problem at length 1, `(columns, rows)`, and their lengths."""
        matrix = np.empty((len(columns), len(self._y)))
        for index, column in enumerate(columns):
            matrix[index] = column
        matrix = self._weighted(matrix)
        norms = np.sqrt(np.einsum("ij,ij->i", matrix, matrix)) + _LEAST_NORM
        matrix /= norms[:, None]
        return matrix, norms


def _factors(terms: _Array, target: _Array, square: _Array, exact: bool) -> tuple[_Array, _Array]:
    """Factors of the scaled terms, and what they leave of the target.

    Args:
        terms: What each factor multiplies, at length 1, `(factors, rows)`.
        target: `(rows,)`.
        square: Products of the terms with each other, `(factors, factors)`, for the normal equations.
        exact: Whether singular values are used instead, which have all digits.
    """

    def solved(right: _Array) -> Any:
        """The factors by which the terms come nearest to a right side, `(rows,)`."""
        return np.linalg.lstsq(terms.T, right, rcond=None)[0] if exact else np.linalg.solve(square, terms @ right)

    factors = solved(target)
    # Once more for what is left: the round-off of the first solution.
    factors = factors + solved(target - factors @ terms)
    return factors, target - factors @ terms


def _descend(problem: _Problem, theta: _Array, point: _Point, steps: int) -> tuple[_Array, _Point]:
    """Levenberg-Marquardt steps of the inner constants until nothing is gained, at most `steps`; returns the constants and their point."""
    # A gain takes the damping down, for longer steps; a refusal takes it up. `growth` is its next factor, 2 again after a gain.
    damping, growth, refusals = 0.01, 2.0, 0
    for _ in range(steps if len(theta) and np.isfinite(point.sse) else 0):
        trial = theta + _move(point, damping)
        candidate = problem.at(trial)
        if candidate.sse < point.sse:
            gain = 1 - candidate.sse / point.sse
            theta, point, refusals = trial, candidate, 0
            damping, growth = max(damping / 6, 1e-10), 2.0
            if gain < _LEAST_GAIN or point.sse <= _EXACT * problem.size:
                break
        else:  # each refusal in a row makes the damping grow faster
            damping, growth, refusals = damping * growth, 2 * growth, refusals + 1
            if refusals > _MOST_REFUSALS or point.sse <= _NEARLY_EXACT * problem.size:
                break
    return theta, point


def _polished(problem: _Problem, theta: _Array, point: _Point) -> tuple[_Array, _Point]:
    """Steps from nearly exact constants to round-off, by singular values; returns the constants and their point.

    Each good step takes the damping down by much, since so near to the end undamped steps are right; a refusal takes it up by more.
    """
    damping = 1e-12
    for _ in range(_MOST_POLISHING if len(theta) else 0):
        if point.sse <= _EXACT * problem.size:
            break
        trial = theta + problem.move(theta, point.factors, damping)
        candidate = problem.at(trial, exact=True)
        if candidate.sse < point.sse:
            gain = 1 - candidate.sse / point.sse
            theta, point, damping = trial, candidate, damping / 100
            if gain < _LEAST_POLISHING:
                break
        else:
            damping *= 1000
            if damping > 1:
                break
    return theta, point


def _move(point: _Point, damping: float) -> _Array:
    """The damped Gauss-Newton step of the inner constants, `(inner,)`, 0 where the equations have no solution.

    Derivatives in `point` have the length 1; dividing by their sizes gives the step of the constants themselves.
    """
    diagonal = np.diagonal(point.normal)
    damped = point.normal + np.diag(damping * np.maximum(diagonal, _LEAST_CURVATURE) + _LEAST_CURVATURE**2)
    try:
        move = np.linalg.solve(damped, point.gradient) / point.sizes
    except np.linalg.LinAlgError:
        return np.zeros_like(point.gradient)
    return np.nan_to_num(move, nan=0.0, posinf=0.0, neginf=0.0)
