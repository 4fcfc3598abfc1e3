"""Five peaks learnt one after the other: section 2.5 of the paper, and the error that a notebook of its authors prints."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from kanwidget import KAN, Dataset
from tools.benchmarks.paper.kans import rmse
from tools.benchmarks.paper.table import Line

#: pykan 0.2.8, notebook "Example 8: continual learning", [1, 1] with 200 intervals and no base function, 100 steps of LBFGS a peak.
PUBLISHED = 3.99e-6
GRID, STEPS, PEAKS, ROWS = 200, 20, 5, 500
_CENTERS = torch.linspace(-0.8, 0.8, PEAKS, dtype=torch.float64)


def peaks(x: Tensor) -> Tensor:
    """Five Gaussians between -1 and 1."""
    return torch.exp(-300 * (x - _CENTERS).square()).sum(1, keepdim=True)


def learn(parts: list[Dataset]) -> tuple[KAN, float]:
    """A network trained on one part after the other, and its processor seconds."""
    started = time.process_time()
    model = KAN([1, 1], grid=GRID, base_fun="zero", noise_scale=0.0)
    for part in parts:
        model.fit(part, steps=STEPS, continual=True, progress=False)
    return model, time.process_time() - started


def job() -> dict[str, Any]:
    """Errors of each peak after the last, and of all rows; the same network trained on all rows at once."""
    x = torch.linspace(-1, 1, ROWS, dtype=torch.float64)[:, None]
    parts = [Dataset(piece, peaks(piece)) for piece in x.split(ROWS // PEAKS)]
    model, seconds = learn(parts)
    at_once, _ = learn([Dataset(x, peaks(x))])
    return {
        "peaks": [rmse(model, part.train_input, part.train_label) for part in parts],
        "all": rmse(model, x, peaks(x)),
        "at_once": rmse(at_once, x, peaks(x)),
        "seconds": round(seconds, 2),
    }


def jobs(quick: bool) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """One: nothing in it is random, and it is quick."""
    yield "five peaks", job


def lines(part: str, results: dict[str, Any]) -> Iterator[Line]:
    """The median of the five peaks, after the last."""
    if run := results.get("five peaks"):
        note = f"the same 200 intervals, trained on all peaks at once: {run['at_once']:.1e}; worst peak {max(run['peaks']):.1e}"
        yield Line(part, "five peaks", PUBLISHED, [run["all"]], run["seconds"], note)
