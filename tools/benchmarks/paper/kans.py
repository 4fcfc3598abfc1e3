"""The general method: many starts on the first grid, the best one extended grid by grid, nothing chosen by test data."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import torch

from kanwidget import KAN
from kanwidget.datasets import Dataset
from kanwidget.training import fit_many
from tools.benchmarks.paper.problems import Row

#: Steps after which starts are compared.
FIRST = 60


def rmse(model: Any, x: torch.Tensor, y: torch.Tensor) -> float:
    """Root mean square error."""
    with torch.no_grad():
        return float((model(x) - y).square().mean().sqrt())


def extended(row: Row, shape: tuple[int, ...], data: Dataset, seed: int, **options: Any) -> dict[str, Any]:
    """Test and validation errors at every grid, with parameters and seconds."""
    began = time.perf_counter()
    taught = Dataset(data.train_input, data.train_label)  # validation data choose between networks, not between steps
    starts = [KAN(shape, grid=row.grids[0], seed=100 * seed + i, base_fun="zero", **options) for i in range(row.starts)]
    if len(starts) > 1:
        fit_many(starts, taught, steps=FIRST, geodesic_acceleration=True, progress=False)
    model = min(starts, key=lambda m: _order(rmse(m, data.val_input, data.val_label)))
    points = []
    for grid in row.grids:
        model = model if grid == row.grids[0] else model.refine(grid, knots="uniform", data=data)
        before = time.perf_counter()
        history = model.fit(taught, steps=row.steps, geodesic_acceleration=True, progress=False)
        points.append(
            {
                "grid": grid,
                "parameters": model.n_parameters,
                "axis": grid * sum(a * b for a, b in pairwise(shape)),
                "train": rmse(model, data.train_input, data.train_label),
                "validation": rmse(model, data.val_input, data.val_label),
                "test": rmse(model, data.test_input, data.test_label),
                "steps": len(history.records),
                "seconds": round(time.perf_counter() - before, 3),
            }
        )
    return {"shape": list(shape), "points": points, "seconds": round(time.perf_counter() - began, 2)}


def best(run: dict[str, Any]) -> dict[str, Any]:
    """The grid with the lowest validation error."""
    return min(run["points"], key=lambda point: _order(point["validation"]))


def _order(error: float) -> float:
    return error if error == error else float("inf")
