"""Other optimisers on the same network, start and grids: torch's LBFGS and scipy's least_squares."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.optimize import least_squares

from kanwidget import KAN
from kanwidget.datasets import Dataset
from kanwidget.training.jacobian.forward import forward_pass
from kanwidget.training.jacobian.jacobian import jacobian
from kanwidget.training.jacobian.parameter_vector import ParameterVector
from kanwidget.training.jacobian.stack import Stack
from tools.benchmarks.paper.kans import rmse
from tools.benchmarks.paper.problems import Row

#: The start that all get, and the last grid: scipy's steps need seconds each on finer ones.
SEED, LARGEST = 0, 20


def _by(train: Callable[[KAN, Dataset, int], KAN]) -> Callable[[Row, Dataset], dict[str, Any]]:
    """A peer: `train` on every grid, each continued from the one before."""

    def work(row: Row, data: Dataset) -> dict[str, Any]:
        model, points = KAN(row.shapes[0], grid=row.grids[0], seed=SEED, base_fun="zero"), []
        for grid in (g for g in row.grids if g <= LARGEST):
            model = model if grid == row.grids[0] else model.refine(grid, knots="uniform", data=data)
            began = time.perf_counter()
            model = train(model, data, row.steps)
            seconds = round(time.perf_counter() - began, 2)
            points.append({"grid": grid, "test": rmse(model, data.test_input, data.test_label), "seconds": seconds})
        return {"points": points}

    return work


def _ours(model: KAN, data: Dataset, steps: int) -> KAN:
    model.fit(_taught(data), opt="LM", steps=steps, progress=False)
    return model


def _bending(model: KAN, data: Dataset, steps: int) -> KAN:
    model.fit(_taught(data), opt="LM", steps=steps, geodesic_acceleration=True, progress=False)
    return model


def _taught(data: Dataset) -> Dataset:
    return Dataset(data.train_input, data.train_label)


def _lbfgs(model: KAN, data: Dataset, steps: int) -> KAN:
    model.fit(_taught(data), opt="LBFGS", steps=4 * steps, progress=False)
    return model


def _scipy(model: KAN, data: Dataset, steps: int) -> KAN:
    """Trust-region least squares with our Jacobian; as many evaluations as LM takes steps."""
    if model.grid == 3:  # a start on the grids that ours has after its first steps
        model.fit(_taught(data), opt="LM", steps=1, progress=False)
        model.update_grid(data.train_input)
    stack, parameters = Stack([model]), ParameterVector.of(model)
    x = stack.select([data.train_input])

    def put(vector: np.ndarray) -> None:
        parameters.write(stack, torch.from_numpy(vector)[None])

    def residual(vector: np.ndarray) -> np.ndarray:
        put(vector)
        with torch.no_grad():
            return (forward_pass(stack, x).output[0] - data.train_label)[:, 0].numpy()

    def slopes(vector: np.ndarray) -> np.ndarray:
        put(vector)
        with torch.no_grad():
            return jacobian(stack, parameters, forward_pass(stack, x, derivatives=True))[0, :, 0].numpy()

    start = parameters.read(stack)[0].numpy()
    put(
        least_squares(
            residual, start, jac=slopes, method="trf", x_scale="jac", max_nfev=steps, xtol=None, ftol=1e-14, gtol=1e-15
        ).x
    )
    return model


PEERS = {"LM": _by(_ours), "LM, bent": _by(_bending), "LBFGS": _by(_lbfgs), "scipy": _by(_scipy)}
