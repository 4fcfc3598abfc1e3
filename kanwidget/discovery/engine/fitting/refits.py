"""The constants of one tree, fitted from where they are: what every change of a formula asks for, so in as little time as it takes.

`fit_tree` takes one tree at a time, without a batch: numbers decide instead of masks, and NumPy solves the small systems.
`least_errors` compares many starts before any is fitted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kanwidget.discovery.engine.fitting.tapes import Tape
from kanwidget.discovery.engine.patience import look_at_the_clock
from kanwidget.discovery.engine.trees import Tree, constants, form_of, with_constants

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
    """Fit the constants of one tree, from its own ones on: by Levenberg-Marquardt steps of those that it isn't linear in (`inner`).

    The others, its factors, are solved for at each step.

    The steps end where nothing is gained: on exact data at round-off.

    Args:
        tree: The formula.
        columns: `(columns, rows)`, float64.
        y: What it is fitted to, `(rows,)`.
        weights: Of the squared residuals, `(rows,)`.
        steps: Most steps.

    Returns:
        The tree with these constants, and the sum of weighted squared residuals; infinite where the tree's values aren't finite, and then
        the tree as it was.

    Examples:
        >>> x = torch.linspace(0, 3, 40, dtype=torch.float64)
        >>> tree = ("mul", ("c", 1.0), ("sin", ("mul", ("c", 1.9), ("x", 0))))
        >>> fitted, sse = fit_tree(tree, x[None], 3 * torch.sin(2 * x))
        >>> [round(number, 12) for number in constants(fitted)], sse < 1e-24
        ([3.0, 2.0], True)
    """
    tape = Tape(tree)  # the tree as a list of operations; `factors` and `inner` say which of its constants are which
    problem = _Problem(tape, columns, y, weights)
    numbers = constants(tree)
    with np.errstate(all="ignore"):
        theta = np.array([numbers[index] for index in tape.inner])
        theta, point = _descend(problem, theta, problem.at(theta), steps)
        # Normal equations have half of the digits: where terms nearly agree, singular values give better factors.
        if tape.factors and np.isfinite(point.sse):
            point = min(point, point.terms.solved(exact=True), key=lambda each: each.sse)
        if point.sse < _NEAR * problem.size:
            theta, point = _polished(problem, theta, point)
    if not np.isfinite(point.sse):
        return tree, float("inf")
    for index, number in zip(tape.factors + tape.inner, [*point.factors, *theta], strict=True):
        numbers[index] = float(number)
    return with_constants(tree, numbers), point.sse


def least_errors(trees: Sequence[Tree], columns: Tensor, y: Tensor, weights: Tensor | None = None) -> list[float]:
    """The sum of weighted squared residuals of each tree with the best factors; many starts at once.

    Factors are the constants that a tree is linear in; the others stay as they are.

    Args:
        trees: The trees. Those of one form are computed together.
        columns: `(columns, rows)`, float64.
        y: `(rows,)`.
        weights: Of the squared residuals, `(rows,)`.

    Returns:
        For each tree the sum; inf where its values aren't finite.

    Examples:
        >>> x = torch.linspace(0, 3, 40, dtype=torch.float64)
        >>> trees = [("mul", ("c", 1.0), ("sin", ("mul", ("c", rate), ("x", 0)))) for rate in (1.0, 2.0)]
        >>> [error < 1e-24 for error in least_errors(trees, x[None], 3 * torch.sin(2 * x))]
        [False, True]
    """
    places: dict[Tree, list[int]] = {}
    for place, tree in enumerate(trees):
        places.setdefault(form_of(tree), []).append(place)
    errors = [math.inf] * len(trees)
    roots = torch.ones_like(y) if weights is None else weights.sqrt()
    for form, members in places.items():
        look_at_the_clock()
        tape = Tape(form)
        numbers = torch.tensor([constants(trees[place]) for place in members], dtype=y.dtype)
        values = tape.values(tape.fixed(columns), numbers[:, tape.inner, None].unbind(1))
        target = (roots * (y - values[-1])).expand(len(members), -1)
        terms = target.new_empty(*target.shape, len(tape.factors))
        for index, term in enumerate(tape.terms(values)):
            terms[..., index] = roots * term
        terms = terms / (torch.linalg.vector_norm(terms, dim=1, keepdim=True) + _LEAST_NORM)
        finite = torch.isfinite(terms).all(2).all(1) & torch.isfinite(target).all(1)
        terms, target = terms[finite], target[finite, :, None]
        if terms.shape[2]:
            target = target - terms @ torch.linalg.lstsq(terms, target, driver="gelsd").solution
        for place, error in zip(finite.nonzero()[:, 0].tolist(), target.square().sum((1, 2)).tolist(), strict=True):
            errors[members[place]] = error
    return errors


@dataclass(frozen=True, slots=True)
class _Terms:
    """The tree at some inner constants, as a linear problem for its factors."""

    values: list[Any]
    """Of all nodes of the tree, where the factors are 0."""
    target: _Array
    """What the terms are to add up to, `(rows,)`."""
    matrix: _Array
    """What each factor multiplies, at length 1, `(factors, rows)`."""
    norms: _Array
    """The lengths that the terms had, `(factors,)`."""
    inverse: _Array
    """Of the terms' products with each other, `(factors, factors)`."""

    def solved(self, exact: bool) -> _Point:
        """The tree with its best factors, by linear least squares; with `exact` by singular values, which have all digits."""

        def nearest(right: _Array) -> Any:
            """The factors by which the terms come nearest to a right side, `(rows,)`."""
            return (
                np.linalg.lstsq(self.matrix.T, right, rcond=None)[0] if exact else self.inverse @ (self.matrix @ right)
            )

        factors = nearest(self.target)
        # Once more for what is left: the round-off of the first solution.
        factors = factors + nearest(self.target - factors @ self.matrix)
        residual = self.target - factors @ self.matrix
        return _Point(self, factors / self.norms, residual, float(residual @ residual))


@dataclass(frozen=True, slots=True)
class _Point:
    """The tree at some inner constants, its factors solved for."""

    terms: _Terms
    factors: _Array
    """The constants that the tree is linear in, `(factors,)`."""
    residual: _Array
    """`(rows,)`."""
    sse: float
    """Sum of weighted squared residuals; inf where values aren't finite, and all else then says nothing."""


@dataclass(frozen=True, slots=True)
class _Tangents:
    """The derivatives of a tree by its inner constants at a point, each of length 1, without what the factors take up."""

    normal: _Array
    """Their products with each other, `(inner, inner)`."""
    gradient: _Array
    """Their products with the residuals, `(inner,)`."""
    sizes: _Array
    """The lengths that they had, `(inner,)`."""


class _Problem:
    """A tree with rows."""

    def __init__(self, tape: Tape, columns: Tensor, y: Tensor, weights: Tensor | None) -> None:
        """Keep a tree, as a list of operations, whose constants are fitted to a target y, `(rows,)`, on columns, `(columns, rows)`.

        `weights` are those of the squared residuals.
        """
        self._tape = tape
        self._fixed = tape.fixed(columns)  # values of what holds no constant
        self._roots = None if weights is None else weights.sqrt().numpy()
        self._y: _Array = y.numpy()
        # The weighted squares of y, which say when the sum of squared residuals is next to nothing.
        self.size = float(np.sum(np.square(self._weighted(self._y))))

    def at(self, theta: _Array, exact: bool = False) -> _Point:
        """The tree at some inner constants, with the best factors: the constants that it is linear in.

        This is variable projection: a linear fit gives the factors, so that steps are taken in the inner constants alone.

        Args:
            theta: The inner constants, `(inner,)`.
            exact: Solve for the factors by singular values, for terms that nearly agree.
        """
        look_at_the_clock()
        tape = self._tape
        values = tape.values(self._fixed, torch.from_numpy(theta).unbind())
        target = self._weighted(self._y - np.asarray(values[-1]))
        matrix, norms = self._columns(tape.terms(values))
        square = matrix @ matrix.T + _RIDGE * np.eye(len(matrix))
        if not np.isfinite(square).all() or not np.isfinite(target).all():
            return _Point(_Terms(values, target, matrix, norms, square), norms, target, math.inf)
        return _Terms(values, target, matrix, norms, np.linalg.inv(square)).solved(exact)

    def tangents(self, point: _Point) -> _Tangents:
        """The products with each other, and with the residuals, of the derivatives by the inner constants at a point of the fit."""
        tape, terms = self._tape, point.terms
        values = tape.with_factors([*terms.values], torch.from_numpy(point.factors).unbind())
        slopes, sizes = self._columns(tape.slopes(values))
        # Only what the terms don't span of the derivatives counts (Kaufman's approximation): the factors follow theta for the rest.
        shared = terms.matrix @ slopes.T
        normal = slopes @ slopes.T - shared.T @ terms.inverse @ shared
        return _Tangents(normal, slopes @ point.residual, sizes)

    def move(self, theta: _Array, factors: _Array, damping: float) -> _Array:
        """The damped step of the inner constants by singular values of all derivatives; 0 where these aren't finite.

        Normal equations would have half of the digits only.

        Args:
            theta: The inner constants.
            factors: The constants that the tree is linear in, at these.
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
        """Values on rows, the last axis, times the roots of the rows' weights: then their plain squares are to be least."""
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


def _descend(problem: _Problem, theta: _Array, point: _Point, steps: int) -> tuple[_Array, _Point]:
    """Levenberg-Marquardt steps of the inner constants until nothing is gained, at most `steps`.

    It returns the constants and their point, the tree there with its factors and residuals.
    """
    if not len(theta) or not steps or not np.isfinite(point.sse):
        return theta, point
    # A gain takes the damping down, for longer steps; a refusal takes it up. `growth` is its next factor, 2 again after a gain.
    damping, growth, refusals = 0.01, 2.0, 0
    tangents = problem.tangents(point)
    for step in range(1, steps + 1):
        trial = theta + _move(tangents, damping)
        candidate = problem.at(trial)
        if candidate.sse < point.sse:
            gain = 1 - candidate.sse / point.sse
            theta, point, refusals = trial, candidate, 0
            damping, growth = max(damping / 6, 1e-10), 2.0
            if step == steps or gain < _LEAST_GAIN or point.sse <= _EXACT * problem.size:
                break
            tangents = problem.tangents(point)
        else:  # each refusal in a row makes the damping grow faster
            damping, growth, refusals = damping * growth, 2 * growth, refusals + 1
            if refusals > _MOST_REFUSALS or point.sse <= _NEARLY_EXACT * problem.size:
                break
    return theta, point


def _polished(problem: _Problem, theta: _Array, point: _Point) -> tuple[_Array, _Point]:
    """Steps from nearly exact constants to round-off, by singular values; returns the constants and their point.

    Each good step takes the damping down by much, since so near to the end undamped steps are right; a refusal takes it up by more.
    `problem.size` has the weighted squares of y, beside which a sum of squared residuals may be next to nothing.
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


def _move(tangents: _Tangents, damping: float) -> _Array:
    """The damped Gauss-Newton step of the inner constants, `(inner,)`, 0 where the normal equations have no solution.

    Derivatives have the length 1; dividing by their sizes gives the step of the constants themselves.
    """
    diagonal = np.diagonal(tangents.normal)
    damped = tangents.normal + np.diag(damping * np.maximum(diagonal, _LEAST_CURVATURE) + _LEAST_CURVATURE**2)
    try:
        move = np.linalg.solve(damped, tangents.gradient) / tangents.sizes
    except np.linalg.LinAlgError:
        return np.zeros_like(tangents.gradient)
    return np.nan_to_num(move, nan=0.0, posinf=0.0, neginf=0.0)
