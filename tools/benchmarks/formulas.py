"""The formulas of pykan's notebooks, from samples to the exact expression: `python -m tools.benchmarks.formulas`.

Each task has the function and the ranges of one notebook of pykan 0.2.8 (commit ecde4ec). Beside ours stands what that notebook
stores: its last test error, and whether it ends with the formula; nothing of pykan is run here. Our way is the same wherever no
person has to say anything: `KAN(width, grid=5).fit(data)`, `simplify(data)`, `fit_formula(data)`. Where a person must, the task
says what, and the function below it does that and no more. The starts are seeds 0 to 2.

"Exact" means: the expression agrees with the function to 1e-9 of its spread on 2,000 points of ranges that are wider than those of
the data; of the phases, that the functions are those of the border, and of the relations, that their text is the expected one.
Without `--again` what stands in results/formulas.json isn't computed again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import scipy.special
import torch
from torch import Tensor

from tools.benchmarks._formula_ways import Answer, moons, phases, regression, relations, with_factor, with_ratio
from tools.benchmarks.paper.store import Store

SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Task:
    """A formula of one notebook of pykan, and our way to it."""

    name: str
    notebook: str
    published: str
    """The notebook's last test error, or what it ends with."""
    published_formula: str
    """Whether it ends with the formula: `exact`, `by hand` where its functions are named one by one, `no`."""
    solve: Callable[[int], Answer]
    person: str = "nothing"
    """What a person has to say beside data and width."""


def bessel(x: Tensor) -> Tensor:
    """exp(J₀(20x₁) + x₂²); torch's own J₀ is off by 4e-7"""
    return torch.exp(torch.as_tensor(scipy.special.j0(20 * x[:, [0]].numpy())) + x[:, [1]] ** 2)


def deep(x: Tensor) -> Tensor:
    """exp((sin π(x₁² + x₂²) + sin π(x₃² + x₄²))/2)"""
    squares = x**2
    first, second = squares[:, :2].sum(1, keepdim=True), squares[:, 2:].sum(1, keepdim=True)
    return torch.exp((torch.sin(torch.pi * first) + torch.sin(torch.pi * second)) / 2)


ONE, TWO, FOUR = [(-1.0, 1.0)], [(-1.0, 1.0)] * 2, [(-1.0, 1.0)] * 4
UNIT = [(-0.9, 0.9)] * 2
TASKS = {
    "exp-sin": Task(
        "exp(sin πx₁ + x₂²)",
        "hellokan",
        "7.2e-11",
        "exact",
        regression(lambda x: torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2), [2, 5, 1], TWO),
    ),
    "product": Task(
        "x₁x₂",
        "Interp_1",
        "1.3e-16",
        "exact",
        regression(lambda x: x[:, [0]] * x[:, [1]], [2, [5, 2], 1], TWO),
    ),
    "logarithms": Task(
        "sin(2(log x₁ + log x₂))",
        "Example_9",
        "2.8e-7",
        "by hand",
        regression(
            lambda x: torch.sin(2 * torch.log(x).sum(1, keepdim=True)), [2, 5, 1], [(0.2, 5.0)] * 2, [(0.05, 9.0)] * 2
        ),
    ),
    "distance": Task(
        "√(x₁² + x₂²)",
        "Example_9",
        "5.6e-4",
        "by hand",
        regression(lambda x: x.square().sum(1, keepdim=True).sqrt(), [2, 5, 1], TWO),
    ),
    "speeds": Task(
        "(x₁ + x₂)/(1 + x₁x₂)",
        "Example_10",
        "2.1e-6",
        "by hand",
        regression(
            lambda x: x.sum(1, keepdim=True) / (1 + x.prod(1, keepdim=True)), [2, 5, 1], UNIT, [(-0.99, 0.99)] * 2
        ),
    ),
    "columns": Task(
        "x₁² + 0.3x₂ + 0.1x₃³ (+ 0·x₄)",
        "Interp_4",
        "8.5e-3",
        "no",
        regression(lambda x: x[:, [0]] ** 2 + 0.3 * x[:, [1]] + 0.1 * x[:, [2]] ** 3, [4, 5, 1], FOUR),
    ),
    "deep": Task(
        "exp((sin π(x₁² + x₂²) + sin π(x₃² + x₄²))/2)",
        "Example_3",
        "3.8e-5",
        "no",
        regression(deep, [4, 2, 1, 1], FOUR, rows=3000),
        "the shape of pykan's notebook, [4, 2, 1, 1]",
    ),
    "chain": Task(
        "sin πx, [1, 1, 1, 1]",
        "Example_11",
        "8.4e-3",
        "no",
        regression(lambda x: torch.sin(torch.pi * x), [1, 1, 1, 1], ONE),
    ),
    "bessel": Task(
        "exp(J₀(20x₁) + x₂²)",
        "Example_5",
        "4.7e-2",
        "no",
        regression(bessel, [2, 1, 1], TWO, grid=20),
        "20 intervals, for a curve with a dozen turns",
    ),
    "mass, γ": Task(
        "m₀/√(1 - v²/c²), columns β, γ",
        "Interp_8",
        "2.0e-5",
        "exact",
        with_factor,
        "columns v/c and 1/√(1 - v²/c²), as in pykan's notebook",
    ),
    "mass, β": Task(
        "m₀/√(1 - v²/c²), column β",
        "Interp_8",
        "-",
        "-",
        with_ratio,
        "column v/c; a product of m₀ and a function of its square",
    ),
    "phases": Task(
        "sign of sin πx₁ + cos πx₂ + tan(πx₃/2)",
        "Example_13",
        "0.12",
        "no",
        phases,
        "a list of functions, and tan for the curve that is left",
    ),
    "moons": Task(
        "two half circles with noise",
        "Example_4",
        "99.7 % right",
        "no formula to find",
        moons,
        "a list of functions",
    ),
    "relations": Task(
        "x₃ = exp(sin πx₁ + x₂²), x₄ = x₅³, x₆ free",
        "Example_12",
        "0.18",
        "no, one group",
        relations,
        "each column in turn is the target",
    ),
}


def measured(task: Task) -> dict[str, Any]:
    """The answers of all starts."""
    runs = []
    for seed in SEEDS:
        started = time.process_time()
        result = task.solve(seed)
        runs.append((time.process_time() - started, result))
    best = next((result for _, result in runs if result.exact), runs[0][1])
    row = {"task": task.name, "notebook": task.notebook, "published": task.published}
    row |= {"published_formula": task.published_formula, "person": task.person, "formula": best.formula}
    row |= {"error": best.error, "accuracy": best.accuracy, "starts": len(runs)}
    return row | {
        "exact": sum(result.exact for _, result in runs),
        "seconds": round(sorted(seconds for seconds, _ in runs)[len(runs) // 2], 1),
    }


def main() -> None:
    """Compute and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=[*TASKS], help="names of tasks")
    parser.add_argument("--again", action="store_true", help="compute without keeping")
    options = parser.parse_args()
    torch.set_num_threads(1)
    store = Store("formulas")
    for name in options.only or TASKS:
        row = measured(TASKS[name]) if options.again else store.once(name, lambda name=name: measured(TASKS[name]))
        values = (row["error"], "{:.1e}"), (row["accuracy"], "{:.1%}")
        error = next((text.format(value) for value, text in values if value is not None), "-")
        print(
            f"{row['task']:<46} {row['notebook']:<11} {row['published']:>12} {row['published_formula']:<9} "
            f"{error:>8} exact {row['exact']}/{row['starts']} {row['seconds']:>5.1f} s  {row['formula']}",
            flush=True,
        )


if __name__ == "__main__":
    main()
