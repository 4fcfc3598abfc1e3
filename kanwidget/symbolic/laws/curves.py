"""Curves without a form: splines of one column each, whose product or sum comes closest to the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from kanwidget.core import splines

Array = NDArray[np.float64]
_INTERVALS, _ORDER, _SWEEPS = 5, 3, 25
#: Weight of a curve's roughness, as a part of the data's weight: it only decides where data are missing.
_RIDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Curves:
    """One curve a column, at the rows."""

    values: list[Array]
    fit: Array
    """Their product or sum, `(rows,)`."""


def bases(x: Array) -> list[Array]:
    """Spline basis of every column at the rows, with as many intervals as it has values for."""
    found = []
    for column in x.T:
        distinct = np.unique(column)
        intervals = max(1, min(_INTERVALS, len(distinct) // 6))
        ends = np.quantile(distinct, np.linspace(0, 1, intervals + 1))
        ends[-1] += 1e-9 * (np.ptp(column) or 1.0)
        order = min(_ORDER, max(1, len(distinct) - 2))
        if len(distinct) < 3 or (np.diff(ends) <= 0).any():
            found.append(np.stack([np.ones_like(column), column - column.mean()], 1))
            continue
        knots = splines.extend_knots(torch.from_numpy(ends)[None], order)
        found.append(splines.basis(torch.from_numpy(column.copy())[:, None], knots, order)[:, 0].numpy())
    return found


def sum_curves(y: Array, designs: Sequence[Array], root: Array) -> Curves:
    """The sum of curves with the least squares."""
    design = np.concatenate([d - d.mean(0) for d in designs] + [np.ones((len(y), 1))], 1)
    coefficients = _least_squares(design, y, root)
    values, first = [], 0
    for d in designs:
        part = coefficients[first : first + d.shape[1]]
        values.append((d - d.mean(0)) @ part)
        first += d.shape[1]
    return Curves(values, design @ coefficients)


def product_curves(y: Array, designs: Sequence[Array], root: Array) -> Curves:
    """The product of curves with the least squares: one after the other, all others held, until nothing changes."""
    values = [np.ones_like(y) for _ in designs]
    if bool((y > 0).all()) or bool((y < 0).all()):
        logs = sum_curves(np.log(np.abs(y)), designs, np.ones_like(y))
        values = [np.exp(np.clip(v, -50, 50)) for v in logs.values]
    cost = np.inf
    for _ in range(_SWEEPS):
        for index, design in enumerate(designs):
            others = np.prod([v for other, v in enumerate(values) if other != index], axis=0)
            others = np.broadcast_to(others, y.shape)
            coefficients = _least_squares(design * others[:, None], y, root)
            values[index] = design @ coefficients
            if index < len(designs) - 1:
                values[index] = values[index] / (np.abs(values[index]).mean() or 1.0)
        fit = np.prod(values, axis=0)
        previous, cost = cost, float((((y - fit) * root) ** 2).sum())
        if previous - cost <= 1e-6 * cost:
            break
    return Curves(values, fit)


def _least_squares(design: Array, y: Array, root: Array) -> Array:
    weighted = design * root[:, None]
    size = np.sqrt((weighted**2).sum(0))
    size[size == 0] = 1.0
    weighted = weighted / size
    normal = weighted.T @ weighted
    normal[np.diag_indices_from(normal)] += _RIDGE
    return np.linalg.solve(normal, weighted.T @ (y * root)) / size
