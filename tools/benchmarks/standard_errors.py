"""Do two standard errors of `fit_formula` cover the truth in about 95 of 100 repetitions? `python -m tools.benchmarks.standard_errors`.

Every problem is a law with exponents and offsets among its constants, and a formula of its form with other constants, as a network
leaves it. New noise in each repetition; the formula may drop and round what it likes. A constant that is no longer there counts as
missed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy
import torch
from torch import Tensor

from kanwidget.symbolic.formulas.regression.classes import ClassProblem
from kanwidget.symbolic.formulas.regression.problem import Problem
from kanwidget.symbolic.formulas.simplest import simplest

X, Z = sympy.symbols("x z")
#: What the table is to show, in percent.
LEAST, MOST = 90.0, 99.0


@dataclass(frozen=True)
class Law:
    """A law, its constants by name, and where a network starts."""

    name: str
    form: Callable[..., Any]
    truth: dict[str, float]
    start: tuple[float, ...]
    ranges: tuple[tuple[float, float], ...]
    noise: float
    """Standard deviation; of a law with `relative`, as a part of the value."""
    rows: int = 200
    relative: bool = False
    classes: bool = False


def _score(a: float, b: float, d: float) -> Any:
    return sympy.Tuple(a * X**2 + b * Z + d)


LAWS = (
    Law(
        "c·(x + q)^n + d",
        lambda c, q, n, d: c * (X + q) ** n + d,
        {"c": 2.3, "q": 0.7, "n": 1.37, "d": 4.1},
        (2.0, 1.0, 1.5, 3.0),
        ((1, 5),),
        0.01,
    ),
    Law(
        "c·(x + q)^n/(z + r)^m",
        lambda c, q, n, r, m: c * (X + q) ** n * (Z + r) ** m,
        {"c": 1.5716, "q": 0.46, "n": 0.83, "r": 1.21, "m": -1.63},
        (1.0, 0.2, 1.0, 1.0, -1.5),
        ((0.2, 4), (0.2, 4)),
        0.005,
    ),
    Law(
        "c·x^n·z^m, 3 %",
        lambda c, n, m: c * X**n * Z**m,
        {"c": 0.317, "n": 0.617, "m": 1.733},
        (0.5, 0.5, 1.5),
        ((20, 90), (1.5, 2)),
        0.03,
        relative=True,
    ),
    Law(
        "c·exp(a·x) + d",
        lambda c, a, d: c * sympy.exp(a * X) + d,
        {"c": 5.23, "a": -0.833, "d": 1.71},
        (4.0, -1.0, 2.0),
        ((0, 5),),
        0.1,
    ),
    Law(
        "c·sin(a·x + b) + d",
        lambda c, a, b, d: c * sympy.sin(a * X + b) + d,
        {"c": 1.93, "a": 2.31, "b": 0.427, "d": 0.71},
        (1.8, 2.2, 0.5, 0.6),
        ((-2, 2),),
        0.2,
    ),
    Law(
        "c·x/(x + k)",
        lambda c, k: c * X / (X + k),
        {"c": 212.7, "k": 0.0643},
        (200.0, 0.05),
        ((0.02, 1.1),),
        9.0,
        rows=40,
    ),
    Law(
        "classes: a·x² + b·z + d",
        _score,
        {"a": 6.83, "b": -1.77, "d": -0.83},
        (5.0, -1.0, -0.5),
        ((-1, 1), (-1, 1)),
        0.0,
        rows=500,
        classes=True,
    ),
)


def coverage(law: Law, repetitions: int) -> dict[str, float]:
    """In how many percent of the repetitions two standard errors around each constant hold the truth."""
    hits = dict.fromkeys(law.truth, 0)
    for repetition in range(repetitions):
        problem = _problem(law, repetition)
        _, fit = simplest(problem, law.form(*map(sympy.Float, law.start)))
        for name, true in law.truth.items():
            nearest = min(fit.table.values(), key=lambda pair: abs(pair[0] - true), default=(0.0, 0.0))
            hits[name] += abs(nearest[0] - true) <= 2 * nearest[1]
    return {name: 100 * count / repetitions for name, count in hits.items()}


def _problem(law: Law, seed: int) -> Problem:
    generator = torch.Generator().manual_seed(seed)
    low, high = torch.tensor(law.ranges, dtype=torch.float64).T
    x = low + (high - low) * torch.rand(law.rows, len(law.ranges), generator=generator, dtype=torch.float64)
    variables = [X, Z][: len(law.ranges)]
    clean = Problem(variables, x, torch.zeros(law.rows))
    true = law.form(*map(sympy.Float, law.truth.values()))
    if law.classes:
        odds = torch.sigmoid(clean.values(true[0]))
        labels = torch.rand(law.rows, generator=generator, dtype=torch.float64) < odds
        return ClassProblem(variables, x, labels.long())
    y = clean.values(true)
    return Problem(variables, x, y + law.noise * _unit(y, generator) * (y if law.relative else 1))


def _unit(y: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(len(y), generator=generator, dtype=torch.float64)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=200)
    repetitions = parser.parse_args().repetitions
    torch.set_num_threads(1)
    print(f"Truth within two standard errors, percent of {repetitions} repetitions (nominal 95)\n")
    outside = []
    for law in LAWS:
        found = coverage(law, repetitions)
        outside += [f"{law.name}: {name}" for name, percent in found.items() if not LEAST <= percent <= MOST]
        print(f"{law.name:26}", "  ".join(f"{name} {percent:5.1f}" for name, percent in found.items()), flush=True)
    print(f"\noutside of {LEAST:.0f} to {MOST:.0f}: {', '.join(outside) or 'none'}")


if __name__ == "__main__":
    main()
