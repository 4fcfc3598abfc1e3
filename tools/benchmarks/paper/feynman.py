"""Feynman's equations without dimensions: Table 2 of the paper (arXiv:2404.19756).

One shape for all rows, [n, 5, 5, 1], with the width of the paper's perceptrons: nothing is chosen by looking at an equation. `extend`
tries G = 3 and 8, from three starts and with 50 steps each, and keeps the grid with the least error on held-out rows of its own. Each
seed draws 1,000 training rows and 1,000 test rows anew, and the starts of the network.

The paper prints neither the ranges of its variables nor the number of its rows; ranges are those of `kanwidget.datasets.dimensionless`,
1,000 rows are pykan's default. So a published figure is a mark on a task of the same kind. It is the smallest of the row's four: a KAN of
a shape made by people, a pruned one, the best unpruned one, and the best perceptron. Two cells are doubtful, as read: the first of I.26.2
and the last of II.11.7 (our II.11.17), which is below the lowest error in the paper's own figure, about 8e-4.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from kanwidget import KAN
from kanwidget.datasets import Dataset, dimensionless
from tools.benchmarks.paper.kans import rmse
from tools.benchmarks.paper.store import runs
from tools.benchmarks.paper.table import Line

SEEDS, ROWS = 3, 1000
GRIDS, STARTS, STEPS = (3, 8), 3, 50
METHODS = ("human-made KAN", "pruned KAN", "unpruned KAN", "MLP")
#: Test errors of the four, by our names of the equations.
PUBLISHED = {
    "I.6.20": (7.66e-5, 2.86e-5, 4.60e-5, 1.45e-4),
    "I.6.20b": (1.22e-3, 4.45e-4, 1.25e-3, 7.40e-4),
    "I.9.18": (1.48e-3, 8.62e-3, 6.56e-3, 1.59e-3),
    "I.12.11": (2.07e-3, 1.39e-3, 9.13e-4, 6.71e-4),
    "I.13.12": (7.22e-3, 4.81e-3, 2.72e-3, 1.42e-3),
    "I.15.3x": (7.35e-3, 1.58e-3, 1.14e-3, 8.54e-4),
    "I.16.6": (1.06e-3, 1.19e-3, 1.53e-3, 6.20e-4),
    "I.18.4": (3.92e-4, 1.50e-4, 1.32e-3, 3.68e-4),
    "I.26.2": (1.22e-1, 7.90e-4, 8.63e-4, 1.24e-3),
    "I.27.6": (2.22e-4, 1.94e-4, 2.14e-4, 2.46e-4),
    "I.29.16": (2.36e-1, 3.99e-3, 3.20e-3, 4.64e-3),
    "I.30.3": (3.85e-1, 1.03e-3, 1.11e-2, 1.50e-2),
    "I.30.5": (2.23e-4, 3.49e-5, 6.92e-5, 9.45e-5),
    "I.37.4": (7.57e-5, 4.91e-6, 3.41e-4, 5.67e-4),
    "I.40.1": (3.45e-3, 5.01e-4, 3.12e-4, 3.99e-4),
    "I.44.4": (2.30e-5, 2.43e-5, 1.10e-4, 3.99e-4),
    "I.50.26": (1.52e-4, 5.82e-4, 4.90e-4, 1.53e-3),
    "II.2.42": (8.54e-4, 7.22e-4, 1.22e-3, 1.81e-4),
    "II.6.15a": (2.61e-3, 3.28e-3, 1.35e-3, 5.92e-4),
    "II.11.17": (7.10e-3, 8.52e-3, 5.03e-3, 5.92e-4),
    "II.11.27": (2.67e-5, 4.40e-5, 1.43e-5, 7.18e-5),
    "II.35.18": (4.13e-4, 1.58e-4, 7.71e-5, 7.92e-5),
    "II.36.38": (2.85e-3, 1.15e-3, 3.03e-3, 2.15e-3),
    "II.38.3": (1.47e-4, 8.78e-5, 6.43e-4, 5.26e-4),
    "III.9.52": (4.43e-2, 3.90e-3, 2.11e-2, 9.07e-4),
    "III.10.19": (2.54e-3, 1.18e-3, 8.16e-4, 1.67e-4),
    "III.17.37": (1.10e-3, 5.03e-4, 4.12e-4, 6.80e-4),
}
#: Why a row isn't better, as looked up in one seed.
REASONS = {
    "I.29.16": "no derivative where the waves cancel (a = 1, θ₁ = θ₂): ten of 1,000 test rows make 3/4 of the squared error",
    "I.30.3": "corners without training rows: ten of 1,000 test rows make 85 % of the squared error, the median deviation is 2e-4",
    "I.30.5": "infinite slope in the corners |a| = n = 1; the test rows there make the error",
    "I.37.4": "G = 8 is too coarse: [2, 5, 1] extended to G = 48 has 6.8e-7 (one seed)",
    "II.11.27": "corners without training rows: ten of 1,000 test rows make all of the error, the median deviation is 2e-7",
}


def measured(
    name: str, seed: int, hidden: Sequence[int] = (5, 5), grids: Sequence[int] = GRIDS, starts: int = STARTS
) -> dict[str, Any]:
    """The test error of one network, its grid, parameters and processor seconds."""
    equation, started = dimensionless(name), time.process_time()
    data = equation.dataset(ROWS, ROWS, seed=seed)
    shape = [len(equation.variables), *hidden, 1]
    model = KAN(shape, grid=grids[0], seed=seed).extend(
        Dataset(data.train_input, data.train_label), grids, starts=starts, steps=STEPS, seed=seed, progress=False
    )
    return {
        "shape": shape,
        "grid": model.grid,
        "parameters": model.n_parameters,
        "train": rmse(model, data.train_input, data.train_label),
        "test": rmse(model, data.test_input, data.test_label),
        "seconds": round(time.process_time() - started, 1),
    }


def jobs(quick: bool) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """All equations with one seed, then with the next; quick ones have one hidden level and one start."""
    for seed in range(1 if quick else SEEDS):
        for name in PUBLISHED:
            yield (
                f"{name}/{seed}",
                lambda name=name, seed=seed: measured(name, seed, (5,), GRIDS, 1) if quick else measured(name, seed),
            )


def lines(part: str, results: dict[str, Any]) -> Iterator[Line]:
    """A line an equation, beside the smallest of the paper's four figures."""
    for name, figures in PUBLISHED.items():
        if found := runs(results, name):
            published, seconds = min(figures), statistics.median(run["seconds"] for run in found)
            line = Line(part, name, published, [run["test"] for run in found], seconds)
            best = METHODS[figures.index(published)]
            reason = "" if line.below else REASONS.get(name, "")
            yield replace(line, note="; ".join(filter(None, (f"published: {best}", reason))))
