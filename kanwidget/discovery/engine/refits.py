"""The constants of one tree, fitted from where they are: what every change of a formula asks for, so in as little time as it takes.

The same method as in `fits.py`, without a batch: numbers decide instead of masks, and NumPy solves the small systems.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kanwidget.discovery.engine.projection import Skeleton
from kanwidget.discovery.engine.trees import Tree, constants, with_constants

_Array = NDArray[np.float64]

_RIDGE = 1e-13
_LEAST_NORM = 1e-290
_LEAST_CURVATURE = 1e-12
_LEAST_GAIN = 1e-10
_EXACT = 1e-31
_NEARLY_EXACT = 1e-25
_MOST_REFUSALS = 9


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
    skeleton = Skeleton(tree)
    problem = _Problem(skeleton, columns, y, weights)
    numbers = constants(tree)
    with np.errstate(all="ignore"):
        theta = np.array([numbers[index] for index in skeleton.inner])
        theta, point = _descend(problem, theta, problem.at(theta), steps)
    if not np.isfinite(point.sse):
        return tree, float("inf")
    for index, number in zip(skeleton.linear + skeleton.inner, [*point.factors, *theta], strict=True):
        numbers[index] = float(number)
    return with_constants(tree, numbers), point.sse


@dataclass(frozen=True, slots=True)
class _Point:
    """The tree at some inner constants, its factors solved for. See `Projection`."""

    factors: _Array
    sse: float
    normal: _Array
    gradient: _Array
    sizes: _Array


class _Problem:
    """A skeleton with rows."""

    def __init__(self, skeleton: Skeleton, columns: Tensor, y: Tensor, weights: Tensor | None) -> None:
        self._skeleton = skeleton
        self._fixed = [compiled.tape.fixed(columns) for compiled in skeleton.terms]
        self._roots = None if weights is None else weights.sqrt().numpy()
        self._y: _Array = y.numpy()
        self.size = float(np.sum(np.square(self._y if self._roots is None else self._y * self._roots)))

    def at(self, theta: _Array) -> _Point:
        """The tree at some inner constants."""
        matrix, target = self._matrix(theta)
        m = len(self._skeleton.linear)
        norms = np.sqrt(np.einsum("ij,ij->i", matrix, matrix)) + _LEAST_NORM
        matrix /= norms[:, None]
        products = matrix @ matrix.T
        if not np.isfinite(products).all() or not np.isfinite(target).all():
            return _Point(norms[:m], float("inf"), products, norms, norms)
        terms, slopes, normal = matrix[:m], matrix[m:], products[m:, m:]
        factors, residual = norms[:0], target
        if m:
            factors, residual, shares = _solve(products[:m], terms, target)
            normal = normal - products[m:, :m] @ shares
            factors = factors / norms[:m]
        sizes = norms[m:] * self._owned(factors)
        return _Point(factors, float(residual @ residual), normal, slopes @ residual, sizes)

    def _owned(self, factors: _Array) -> Any:
        """The factor of each inner constant's term."""
        owners = self._skeleton.owners
        if not owners or not len(factors):
            return 1.0
        return np.where(self._skeleton.bare.numpy(), 1.0, factors[owners])

    def _matrix(self, theta: _Array) -> tuple[_Array, _Array]:
        """Derivatives by factors, then by inner constants (terms without their factor), `(m + q, rows)`; and the target."""
        skeleton, m = self._skeleton, len(self._skeleton.linear)
        matrix = np.empty((m + len(theta), len(self._y)))
        numbers = torch.from_numpy(theta).unbind()
        target: Any = self._y
        for compiled, fixed in zip(skeleton.terms, self._fixed, strict=True):
            values = compiled.tape.values(fixed, [numbers[index] for index in compiled.inner])
            if compiled.column < 0:
                target = target - values[-1].numpy()
            else:
                matrix[compiled.column] = values[-1]
            for index, slope in zip(compiled.inner, compiled.tape.derivatives(values), strict=True):
                matrix[m + index] = slope
        if self._roots is not None:
            matrix *= self._roots
            target = target * self._roots
        return matrix, target


def _solve(products: _Array, terms: _Array, target: _Array) -> tuple[_Array, _Array, _Array]:
    """Scaled factors, residual, and how the derivatives are shared among the terms, `(m, q)`."""
    m = len(terms)
    square = products[:, :m] + _RIDGE * np.eye(m)
    right = np.concatenate([(terms @ target)[:, None], products[:, m:]], 1)
    solution = np.linalg.solve(square, right)
    factors = solution[:, 0]
    residual = target - factors @ terms
    correction = np.linalg.solve(square, terms @ residual)
    return factors + correction, residual - correction @ terms, solution[:, 1:]


def _descend(problem: _Problem, theta: _Array, point: _Point, steps: int) -> tuple[_Array, _Point]:
    """Levenberg-Marquardt steps until nothing is gained."""
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
        else:
            damping, growth, refusals = damping * growth, 2 * growth, refusals + 1
            if refusals > _MOST_REFUSALS or point.sse <= _NEARLY_EXACT * problem.size:
                break
    return theta, point


def _move(point: _Point, damping: float) -> _Array:
    """The damped step of the inner constants, 0 where there is none."""
    diagonal = np.diagonal(point.normal)
    damped = point.normal + np.diag(damping * np.maximum(diagonal, _LEAST_CURVATURE) + _LEAST_CURVATURE**2)
    try:
        move = np.linalg.solve(damped, point.gradient) / point.sizes
    except np.linalg.LinAlgError:
        return np.zeros_like(point.gradient)
    return np.nan_to_num(move, nan=0.0, posinf=0.0, neginf=0.0)
