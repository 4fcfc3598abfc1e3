"""The signature of a knot from the geometry of its complement: `python -m tools.benchmarks.knots [--seeds 5]`.

`--relations` looks for relations among the columns instead (`relations.py`).

Each method gets the same rows of the committed table (`tools/knots_table.py`, 8,000 knots): 5,000 to train on, 1,000 for validation,
2,000 to test, split anew for each seed. Where `python -m tools.knots_table make` has made the whole table, the 51,924 other knots are
tested on, too. Results are kept in `results/knots.json` as they come; what is there isn't run again. Gradient boosting needs
scikit-learn (the extra `bench`).

This is another distribution than that of arXiv:2404.19756, section 4.3 (there 243,746 knots with 17 invariants, 14 signatures): accuracies
of this table and that paper are not to be compared with each other.

References:
    A. Davies et al., "Advancing mathematics by guiding human intuition with AI", Nature 600, 70-74 (2021).
    Liu et al., "KAN: Kolmogorov-Arnold Networks", arXiv:2404.19756.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch

from tools.benchmarks.knots.data import accuracy, others, split
from tools.benchmarks.knots.methods import METHODS
from tools.benchmarks.knots.relations import COLUMNS, FEWER_COLUMNS, count_relations
from tools.benchmarks.paper.store import Store

SEEDS = 5
LAMBS = (1e-2, 3e-3)


def job(name: str, seed: int) -> dict[str, Any]:
    """Train one method on one split, and score it."""
    data, began = split(seed), time.perf_counter()
    signatures, about = METHODS[name](data)
    seconds = round(time.perf_counter() - began, 1)
    parts = {"train": data.train, "validation": data.validation, "test": data.test, "others": others()}
    scores = {part: round(accuracy(signatures(rows), rows), 5) for part, rows in parts.items() if rows is not None}
    return {**scores, "seconds": seconds, **about}


def table(jobs: dict[str, Any]) -> list[tuple[str, int, float, float, float]]:
    """A row for each method: name, seeds, mean and standard deviation of the test accuracy, mean on the other knots."""
    rows = []
    for name in METHODS:
        runs = [run for key, run in jobs.items() if key.rsplit("/", 1)[0] == name]
        if runs:
            test, rest = [run["test"] for run in runs], [run.get("others", float("nan")) for run in runs]
            rows.append((name, len(runs), float(np.mean(test)), float(np.std(test)), float(np.mean(rest))))
    return rows


def print_relations(store: Store) -> None:
    """Count what isn't in the results yet, and print all."""
    for title, names in {"all columns": COLUMNS, "fewer columns": FEWER_COLUMNS}.items():
        for lamb in LAMBS:
            key = f"relations/{title}/{lamb:g}"
            counts = store.once(key, lambda names=names, lamb=lamb: count_relations(names, lamb))
            print(key, *(f"{count:4d}  {found}" for found, count in counts.items()), sep="\n", flush=True)


def main() -> None:
    """Run what isn't in the results yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--only", nargs="*", choices=METHODS, default=list(METHODS))
    parser.add_argument(
        "--relations", action="store_true", help="count relations that 100 networks find, per penalty and columns"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    store = Store("knots")
    if options.relations:
        print_relations(store)
        return
    for name in options.only:
        for seed in range(options.seeds):
            found = store.once(f"{name}/{seed}", lambda name=name, seed=seed: job(name, seed))
            print(f"{name:<42}{seed}  test {found['test']:.4f}  {found['seconds']:6.1f} s", flush=True)
    print()
    for name, count, mean, spread, rest in table(store.jobs()):
        print(f"{name:<42}{count} seeds  test {mean:.1%} ± {spread:.1%}  other knots {rest:.2%}")


if __name__ == "__main__":
    main()
