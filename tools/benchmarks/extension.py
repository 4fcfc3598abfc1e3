"""Grid extension in one call, with nothing chosen but the shape: `python -m tools.benchmarks.extension`.

Four functions of the KAN paper (arXiv:2404.19756, figure 3.1), 3,000 points drawn evenly at random, or crowded at the ends of the ranges
(`--crowded`, arcsine density), the median test error of five seeds; then a wave with noise, whose last error is compared with the best
grid of the ladder. `extend` sees training rows only.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from kanwidget import KAN, Dataset
from kanwidget.training.extension import extend_steps
from tools.benchmarks.paper.problems import ROWS, data_of

TARGETS = {"J0(20x)": 4e-7, "exp(sin πx + y²)": 3e-8, "xy": 2e-8, "4-D": 7e-7}
#: Rows and noise, as a part of the wave's amplitude.
NOISY = ((60, 0.05), (120, 0.3), (200, 0.1), (400, 0.3), (1500, 0.1))
_LADDER = (3, 6, 12, 24, 48)


def measured(name: str, seed: int, *, crowded: bool = False, grids: Sequence[int] | str = "auto") -> dict[str, Any]:
    """Error, median deviation, grid and processor seconds of one network."""
    row = replace(ROWS[name], edges=crowded)
    data, started = data_of(row), time.process_time()
    model = KAN(row.shapes[0], seed=seed).extend(
        Dataset(data.train_input, data.train_label), grids, seed=seed, progress=False
    )
    seconds = round(time.process_time() - started, 1)
    deviation = (model.predict(data.test_input) - data.test_label).abs()
    error = float(deviation.square().mean().sqrt())
    return {"error": error, "typical": float(deviation.median()), "grid": model.grid, "seconds": seconds}


def exact(name: str, seeds: int, *, crowded: bool) -> str:
    """A row of the table of exact functions."""
    runs = [measured(name, seed, crowded=crowded) for seed in range(seeds)]
    error, typical, grid, seconds = (
        statistics.median(run[key] for run in runs) for key in ("error", "typical", "grid", "seconds")
    )
    worst = max(run["error"] for run in runs)
    return (
        f"{name:<18}{TARGETS[name]:>9.1e}{error:>10.1e}{error / TARGETS[name]:>9.3f}{worst:>10.1e}"
        f"{typical:>10.1e}{grid:>6.0f}{seconds:>8.1f}"
    )


def wave(rows: int, noise: float, seed: int) -> Dataset:
    """sin 2x with noise in its training rows."""
    generator = torch.Generator().manual_seed(seed)
    x = 6 * torch.rand(rows, 1, generator=generator, dtype=torch.float64) - 3
    y = (2 * x).sin() + noise * torch.randn(rows, 1, generator=generator, dtype=torch.float64)
    test = torch.linspace(-3, 3, 601, dtype=torch.float64)[:, None]
    return Dataset(x, y, test, (2 * test).sin())


def noisy(rows: int, noise: float, seeds: int) -> str:
    """A row of the table of noise: the last error beside the best of the ladder, on labels with the noise.

    The error of a grid is that of all its networks, one a fold: the best of five single ones would be the luck of a draw.
    """
    ratios = []
    for seed in range(seeds):
        data = wave(rows, noise, seed)
        errors = []
        for step in extend_steps(KAN([1, 1], seed=seed), data, _LADDER, seed=seed):
            residuals = torch.stack([network.predict(data.test_input) - data.test_label for network in step.networks])
            errors.append(math.hypot(noise, float(residuals.square().mean().sqrt())))
        ratios.append(errors[-1] / min(errors[:-1]))
    return f"{rows:>6} rows, noise {noise:<6}{statistics.median(ratios):>8.3f}{max(ratios):>8.3f}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--crowded", action="store_true", help="points that crowd at the ends of the ranges")
    parser.add_argument("--only", nargs="*", help="names of functions, or `noise`")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("function             target    median    ratio     worst   typical  grid seconds")
    for name in TARGETS:
        if not options.only or name in options.only:
            print(exact(name, options.seeds, crowded=options.crowded), flush=True)
    if not options.only or "noise" in options.only:
        print("\nlast error beside the best of the ladder: median, worst")
        for rows, noise in NOISY:
            print(noisy(rows, noise, options.seeds), flush=True)


if __name__ == "__main__":
    main()
