"""Least squares of a few constants: those that stand linearly are solved for, the others found by Levenberg-Marquardt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
#: θ → columns `(rows, terms)`.
Design = Callable[[Sequence[float]], Array]
_STEP, _STEPS, _ENOUGH = 1e-6, 40, 1e-10
#: Sums of squares below this part of the target's are within reach of the ridge.
_NEAR = 1e-11
#: Columns with larger values can't be squared.
_LARGEST = 1e140


@dataclass(frozen=True, slots=True)
class Solution:
    """Constants, and what they leave."""

    theta: list[float]
    linear: Array
    """Factors of the columns, `(terms,)`."""
    value: Array
    """The fit, `(rows,)`."""
    cost: float
    """Weighted sum of squares; inf where the columns have no finite values."""


def solve(design: Design, theta: Sequence[float], y: Array, root: Array) -> Solution:
    """The linear constants at a θ.

    Args:
        design: The columns.
        theta: The other constants.
        y: Data.
        root: Roots of the weights of the rows.
    """
    with np.errstate(all="ignore"):
        columns = design(theta)
    if not (np.abs(columns) < _LARGEST).all():
        return Solution(list(theta), np.zeros(columns.shape[1]), np.full_like(y, np.nan), np.inf)
    weighted = columns * root[:, None]
    size = np.sqrt((weighted**2).sum(0))
    size[size == 0] = 1.0
    weighted = weighted / size
    # Nearly equal columns may cancel each other: a ridge of round-off keeps them finite.
    matrix = weighted.T @ weighted + 1e-13 * np.eye(len(size))
    target = y * root
    scaled = np.linalg.solve(matrix, weighted.T @ target)
    residual = target - weighted @ scaled
    if residual @ residual < _NEAR * (target @ target):  # what the ridge has taken counts
        scaled += np.linalg.solve(matrix, weighted.T @ residual)
    linear = scaled / size
    value = columns @ linear
    cost = float((((y - value) * root) ** 2).sum())
    return Solution(list(theta), linear, value, cost if np.isfinite(cost) else np.inf)


def polish(design: Design, theta: Sequence[float], y: Array, root: Array, steps: int = _STEPS) -> Solution:
    """The constants with the least sum of squares near a start."""
    best = solve(design, theta, y, root)
    if not theta or not np.isfinite(best.cost):
        return best
    damping = 1e-3
    sizes = [abs(value) or 1.0 for value in theta]
    for _ in range(steps):
        jacobian = _jacobian(design, best, sizes, y, root)
        if jacobian is None:
            break
        gradient, normal = jacobian.T @ ((y - best.value) * root), jacobian.T @ jacobian
        scale = np.diag(normal) + 1e-300
        improved = False
        for _ in range(6):
            try:
                step = np.linalg.solve(normal + damping * np.diag(scale), gradient)
            except np.linalg.LinAlgError:
                break
            trial = solve(design, [t + float(s) for t, s in zip(best.theta, step, strict=True)], y, root)
            if trial.cost < best.cost:
                improved, gain = True, best.cost - trial.cost
                best, damping = trial, max(damping / 5, 1e-12)
                break
            damping *= 6
        if not improved or gain <= _ENOUGH * best.cost:
            break
    return best


def _jacobian(design: Design, at: Solution, sizes: Sequence[float], y: Array, root: Array) -> Array | None:
    """Derivatives of the weighted fit in θ, with the linear constants solved for at each."""
    columns = []
    for index, value in enumerate(at.theta):
        step = _STEP * max(abs(value), 1e-3 * sizes[index])
        moved = list(at.theta)
        moved[index] = value + step
        trial = solve(design, moved, y, root)
        if not np.isfinite(trial.cost):
            return None
        columns.append((trial.value - at.value) * root / step)
    return np.stack(columns, 1)
