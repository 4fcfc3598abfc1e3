"""Test errors of the toy functions and the special functions, beside the paper's and beside perceptrons.

`python -m tools.benchmarks.paper` compares with the paper; `python -m tools.benchmarks.paper.accuracy` adds perceptrons, other optimizers
and slopes. Results are in `results/accuracy.json` as they come; two processes may share the work (`--part`).

Three choices decide here:

- Uniform knots. J₀(20x) at G = 200, come from 3 → 5 → 10 → … → 100: 3.0e-7, with inserted knots 3.6e-6.
- Several starts on the first grid: of the four-dimensional function ([4, 2, 2, 1], G = 3) 5 of 16 random starts end
  in a poor minimum.
- Training points that crowd at the ends of the ranges (arcsine density). With even ones the test error of that
  function was 1.4e-4 where training had 3e-7, because of a handful of points in corners; with arcsine density 1.8e-7.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from tqdm import tqdm

from tools.benchmarks.paper import kans, mlps
from tools.benchmarks.paper.peers import PEERS
from tools.benchmarks.paper.problems import NOTES, PUBLISHED, ROWS, SPECIAL, TOYS, Row, data_of
from tools.benchmarks.paper.store import Store
from tools.benchmarks.paper.table import Line

SEEDS = 5
#: Method, hidden layers and steps of the perceptrons: the best one on validation data counts.
PERCEPTRONS = (
    ("LM", (10, 10, 10), 1000),
    ("LM", (20, 20), 500),
    ("LBFGS", (20, 20), 1500),
    ("LBFGS", (50, 50), 1000),
)
#: With many inputs LM's matrix is too large for these.
MANY_INPUTS = (("LM", (10, 10), 40), ("LBFGS", (20, 20), 1500), ("LBFGS", (50, 50), 1000))


def main() -> None:
    """Run what the results lack, and print all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small grids, kept apart")
    parser.add_argument("--only", choices=ROWS, help="one row")
    parser.add_argument("--part", choices=["kan", "mlp", "peers"], help="one method")
    given = parser.parse_args()
    torch.set_num_threads(1)
    run(quick=given.quick, only=given.only, part=given.part)


def run(*, quick: bool, only: str | None, part: str | None) -> None:
    """Work that is left, then the table. `part` is kan, mlp or peers; two may run side by side."""
    store = Store("accuracy-quick" if quick else "accuracy")
    rows = [_quick(row) if quick else row for row in ROWS.values() if only in (None, row.name)]
    jobs = [(row, kind) for kind in ("kan", "mlp", "peers") if part in (None, kind) for row in rows]
    for row, kind in tqdm(jobs, desc="accuracy"):
        {"kan": _kans, "mlp": _mlps, "peers": _peers}[kind](store, row, quick=quick)
    print("\n".join(table(store.jobs())))


def _quick(row: Row) -> Row:
    """A run of some seconds that shows the same, with larger errors."""
    return replace(row, grids=row.grids[:3], starts=min(row.starts, 4), steps=min(row.steps, 40), shapes=row.shapes[:1])


def kan_jobs(rows: tuple[Row, ...], quick: bool) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """All trainings of KANs for some rows: keys of the results, and the work."""
    for row in [_quick(row) for row in rows] if quick else rows:
        for shape in row.shapes:
            for seed in range(SEEDS if row in TOYS and not quick else 1):
                key = f"{row.name}/kan/{list(shape)}/{seed}"
                yield key, lambda row=row, a=shape, s=seed: kans.extended(row, a, data_of(row), s)


def _kans(store: Store, row: Row, *, quick: bool) -> None:
    for key, work in kan_jobs((row,), quick):
        store.once(key, work)


def _mlps(store: Store, row: Row, *, quick: bool) -> None:
    data, inputs = data_of(row), len(row.ranges)
    for method, hidden, steps in PERCEPTRONS[:1] if quick else PERCEPTRONS if inputs < 10 else MANY_INPUTS:
        shape, count = [inputs, *hidden, 1], 50 if quick else steps
        store.once(
            f"{row.name}/mlp/{method} {shape}",
            lambda m=method, a=shape, n=count: mlps.trained(m, a, data, 0, n),
        )


def _peers(store: Store, row: Row, *, quick: bool) -> None:
    """Other optimisers on the very same network and grids, for two rows."""
    if row.name in ("exp(sin πx + y²)", "xy") and not quick:
        for name, peer in PEERS.items():
            store.once(f"{row.name}/peer/{name}", lambda p=peer: p(row, data_of(row)))


# ---- what came out


def found(jobs: dict[str, Any], name: str, kind: str) -> list[dict[str, Any]]:
    """Results of a row."""
    return [job for key, job in jobs.items() if key.startswith(f"{name}/{kind}/")]


def kan_points(jobs: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Of the shape that does best on validation data, the best grid of each seed, with the run's seconds."""
    shapes: dict[str, list[dict[str, Any]]] = {}
    for run in found(jobs, name, "kan"):
        shapes.setdefault(str(run["shape"]), []).append(
            kans.best(run) | {"shape": run["shape"], "whole": run["seconds"]}
        )
    return min(shapes.values(), key=lambda points: statistics.median(p["validation"] for p in points), default=[])


def lines(rows: tuple[Row, ...], part: str, jobs: dict[str, Any]) -> Iterator[Line]:
    """Lines of the table of all parts."""
    for row in rows:
        points = kan_points(jobs, row.name)
        if points:
            seconds = statistics.median(point["whole"] for point in points)
            published, note = PUBLISHED.get(row.name, row.target), NOTES.get(row.name, "")
            yield Line(part, row.name, published, [point["test"] for point in points], seconds, note, clock=True)


def mlp_best(jobs: dict[str, Any], name: str) -> dict[str, Any] | None:
    """The best perceptron on validation data."""
    return min(found(jobs, name, "mlp"), key=lambda job: job["validation"], default=None)


def slope(jobs: dict[str, Any], name: str) -> float:
    """Fitted exponent of the median test error against edges × G."""
    runs = [run["points"] for run in found(jobs, name, "kan")]
    axis = [math.log(point["axis"]) for point in runs[0]]
    errors = [math.log(statistics.median(points[i]["test"] for points in runs)) for i in range(len(axis))]
    return statistics.linear_regression(axis, errors).slope


def table(jobs: dict[str, Any]) -> Iterator[str]:
    """The rows as text."""
    head = (
        "row",
        "target",
        "ours",
        "ratio",
        "worst/median",
        "seconds",
        "seeds",
        "parameters",
        "shape",
        "MLP",
        "its parameters",
    )
    yield "{:<18} {:>8} {:>8} {:>6} {:>12} {:>8} {:>5} {:>10} {:<13} {:>8} {}".format(*head)
    for row in (*TOYS, *SPECIAL):
        points, mlp = kan_points(jobs, row.name), mlp_best(jobs, row.name)
        if points:
            yield _line(row, points, mlp)
    for row in TOYS:
        if found(jobs, row.name, "kan"):
            yield f"slope of {row.name}: {slope(jobs, row.name):.1f} (theory -4)"
    for key, job in jobs.items():
        if "/peer/" in key:
            yield f"{key}: " + ", ".join(f"G = {p['grid']} {p['test']:.1e} {p['seconds']:.1f} s" for p in job["points"])


def _line(row: Row, points: list[dict[str, Any]], mlp: dict[str, Any] | None) -> str:
    errors = sorted(point["test"] for point in points)
    ours = statistics.median(errors)
    middle = min(points, key=lambda point: abs(point["test"] - ours))
    other = f"{mlp['test']:>8.1e} {mlp['parameters']} {mlp['method']} {mlp['shape']}" if mlp else ""
    return (
        f"{row.name:<18} {row.target:>8.1e} {ours:>8.1e} {ours / row.target:>6.2f} {errors[-1] / ours:>12.1f} "
        f"{middle['whole']:>8.1f} {len(points):>5} {middle['parameters']:>10} {middle['shape']!s:<13} {other}"
    )


if __name__ == "__main__":
    main()
