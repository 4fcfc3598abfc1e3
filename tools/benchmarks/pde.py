"""Differential equations: `python -m tools.benchmarks.pde [--quick] [--out tools/benchmarks/results/pde.json]`.

One thread, float64; seconds are the processor's. Each row is one network; errors are taken on points that weren't
trained on.

Results beside those of `results/pde.json`:

- Poisson, [2, 10, 1]: squared L2 error 1e-12 in 15 s at G = 10 on 41² points, 3e-14 in 22 s on 51².
- Burgers, [2, 8, 8, 1] begins more slowly than [2, 5, 5, 1]: 8e-2 after twice sixty steps, G = 5 → 10 (without the
  memory of the density).
- Allen-Cahn, [3, 8, 8, 1], G = 5 → 10 → 20 → 40, sixty steps each: 2.1e-5 in 510 s of processor time, from another
  seed 1.8e-4 in 470 s. Published, quoted second-hand: 9.4e-7 at best, and 2.2e-5, 3.5e-6, 1.9e-6.
- Allen-Cahn, where the error lies: 40 % of the squared error of the first seed and 96 % of the second lie within 0.03
  of x = ±1; the rest is 1.6e-5 and 3.7e-5.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import torch

from kanwidget import KAN, __version__
from tools.benchmarks._pde_allen_cahn import allen_cahn
from tools.benchmarks._pde_mlp import MLP, train_lbfgs, train_lm
from tools.benchmarks._pde_problems import NOISE, TRUE, Problem, burgers, diffusion, poisson

RESULTS = Path(__file__).parent / "results" / "pde.json"
#: What others have printed: see the sources in each row.
PUBLISHED = {
    "poisson": {"source": "KAN [2,10,1], arXiv:2404.19756, section 3.4", "l2_squared": 5e-8, "h1_squared": 2e-5},
    "burgers": {
        "source": "arXiv:2501.16371, 3,021 parameters, and a tanh network trained by LBFGS; both quoted second-hand",
        "relative_l2": 1.62e-8,
        "lbfgs_relative_l2": 6.7e-4,
    },
    "allen-cahn": {
        "source": "arXiv:2501.16371, 2,019 parameters; PirateNet, SOAP and vRBA; all quoted second-hand",
        "relative_l2": 9.43e-7,
        "others_relative_l2": {"PirateNet": 2.24e-5, "SOAP": 3.48e-6, "vRBA": 1.88e-6},
    },
}


def kan_row(problem: Problem, model: KAN, steps: int, grids: tuple[int, ...], **options: Any) -> list[dict[str, Any]]:
    """One row for each grid."""
    rows, start = [], time.process_time()
    ends = {steps * (n + 1) for n in range(len(grids) + 1)}

    def note(network: KAN, record: Any) -> None:
        if record.step in ends:
            rows.append(row(problem, "KAN", network, time.process_time() - start, record.step))

    history = model.fit_residual(
        problem.residuals, problem.points, problem.weights, unknowns=problem.unknowns, candidate_points=problem.candidates,
        steps=steps, grid_schedule=grids, callbacks=[note], progress=False, **options,
    )  # fmt: skip
    if not rows or history.last.step not in ends:
        rows.append(row(problem, "KAN", model, time.process_time() - start, history.last.step))
    rows[-1] |= {"weights": history.weights}
    for name, (value, error) in history.unknowns.items():
        rows[-1][name] = {"value": value, "standard_error": error, "true": TRUE[name]}
    return rows


def row(problem: Problem, kind: str, model: Any, seconds: float, steps: int) -> dict[str, Any]:
    """What is known of a network, printed as it comes."""
    kan = isinstance(model, KAN)
    found = {
        "problem": problem.name,
        "network": f"{kind} {[sums for sums, _ in model.width] if kan else model.width}",
        "grid": model.grid if kan else None,
        "k": model.k if kan else None,
        "seed": model.seed,
        "parameters": model.n_parameters if kan else model.vector.numel(),
        "steps": steps,
        "seconds": round(seconds, 1),
        **problem.errors(model),
    }
    numbers = "  ".join(f"{name} {value:.2e}" for name, value in problem.errors(model).items())
    print(f"{found['problem']:8s} {found['network']:22s} G {found['grid']!s:4s} seed {found['seed']} "
          f"{found['parameters']:5d} parameters {found['seconds']:7.1f} s  {numbers}", flush=True)  # fmt: skip
    return found


def mlp_row(
    problem: Problem, width: list[int], seed: int, weights: dict[str, float], train: Callable[..., None], steps: int
) -> dict[str, Any]:
    """The same residual functions, points and weights."""
    model, start = MLP(width, seed), time.process_time()
    model.seed = seed
    train(model, problem, weights, steps)
    return row(problem, f"MLP, {train.__name__[6:].upper()}", model, time.process_time() - start, steps)


def poisson_rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Three seeds of the paper's shape, the same with cubic splines and with even points; a finer one; tanh networks beside it."""
    n = 31 if quick else 41
    problem = poisson(n)
    for seed in range(1 if quick else 3):
        yield from kan_row(problem, KAN([2, 10, 1], grid=5, k=5, seed=seed), 60, (10,))
    yield from kan_row(problem, KAN([2, 10, 1], grid=5, k=3, seed=0), 60, (10,))
    yield from kan_row(poisson(n, even=True), KAN([2, 10, 1], grid=5, k=5), 60, (10,))
    weights = {"equation": 1.0, "boundary": 100.0}  # for LBFGS far better than 1, or than the KAN's
    yield mlp_row(problem, [2, 16, 16, 1], 0, weights, train_lbfgs, 300 if quick else 3000)
    yield mlp_row(problem, [2, 16, 16, 1], 0, weights, train_lm, 20 if quick else 60)
    if not quick:
        yield from kan_row(poisson(51), KAN([2, 10, 1], grid=5, k=5, seed=0), 60, (10, 20))


def burgers_rows(quick: bool) -> Iterator[dict[str, Any]]:
    """A front that forms, with points that follow it, from two starts."""
    steps, grids = (60, (16,)) if quick else (80, (16, 32))
    for seed in range(1 if quick else 2):
        yield from kan_row(burgers(4000), KAN([2, 5, 5, 1], grid=8, k=5, seed=seed), steps, grids, resample_every=10)


def allen_cahn_rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Fronts, and a state between them that is unstable, from two starts; points that stay where they are, some at t = 0 or none."""
    steps, grids = (60, (10,)) if quick else (60, (10, 20, 40))
    for seed in range(1 if quick else 2):
        yield from kan_row(allen_cahn(), KAN([3, 8, 8, 1], grid=5, k=5, seed=seed), steps, grids, resample_every=10)
    for from_start in (True, False):
        problem = allen_cahn(candidates=0, from_start=from_start)
        yield from kan_row(problem, KAN([3, 5, 5, 1], grid=8, k=5), 60, () if quick else (16,))


def inverse_rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Ten sets of noisy measurements: are the errors what they are said to be?"""
    for seed in range(3 if quick else 10):
        yield from kan_row(diffusion(seed=seed), KAN([2, 5, 1], grid=4, k=5, grid_range=(0, 1), seed=seed), 60, ())


def calibration(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Of each constant, the root mean square of (found - true)/standard error: 1 where errors are what they are said to be."""
    return {
        name: round(
            statistics.fmean(((r[name]["value"] - r[name]["true"]) / r[name]["standard_error"]) ** 2 for r in rows)
            ** 0.5,
            2,
        )
        for name in TRUE
    }


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=["poisson", "burgers", "allen-cahn", "inverse"], nargs="*")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    parts = {"poisson": poisson_rows, "inverse": inverse_rows, "burgers": burgers_rows, "allen-cahn": allen_cahn_rows}
    known = json.loads(given.out.read_text())["rows"] if given.out and given.only and given.out.exists() else {}
    for name, make in parts.items():
        if not given.only or name in given.only:
            known[name] = []
            for found in make(given.quick):
                known[name].append(found)
                write(known, given.out)


def write(rows: dict[str, list[dict[str, Any]]], out: Path | None) -> None:
    """All that is known so far, so that nothing is lost when a run is broken off."""
    if out is None:
        return
    result = {
        "date": date.today().isoformat(),
        "versions": {"kanwidget": __version__, "torch": torch.__version__, "python": platform.python_version()},
        "machine": f"{os.cpu_count()} x86-64 cores, one thread; seconds of the processor while other work shared it",
        "published": PUBLISHED,
        "noise": NOISE,
        "rows": rows,
    }
    if rows.get("inverse"):
        result["calibration"] = calibration(rows["inverse"])
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
