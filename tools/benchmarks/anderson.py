"""Mobility edges of quasi-periodic chains from their eigenstates: `python -m tools.benchmarks.anderson`.

Section 4.3 of the KAN paper (arXiv:2404.19756) with chains of our own (`kanwidget.datasets.localization`). The paper prints neither the
number of sites, the boundary, the ranges of the parameters nor the threshold of the fractal dimension; its accuracies are those of other
data, and stand beside ours only as a mark. The row to compare with is the theory's on the same held-out states.

Four ways on the same rows:

- theory: the exact mobility edge of infinite chains, which has seen no data;
- curves: a network `[columns, [1, 1], 2]` of a sum and a product, whose second layer is linear, trained from scratch and pruned;
- automatic: functions in the place of all its curves, out of a short list, and `fit_formula`;
- assumed: what a person would guess from the curves (linear in the strength λ, and which columns are multiplied), the functions again
  chosen by the data, among a few, by the Bayesian information criterion; `fit_formula` has the constants.

`edge` is the median distance, in λ, of the edge from the exact one over the test rows whose exact edge lies within the range.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import math
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import sympy
import torch
from torch import Tensor

from kanwidget import KAN, Dataset
from kanwidget.datasets import localization
from kanwidget.datasets.chains import MODELS, order_parameter
from tools.benchmarks.paper.store import Store

#: A function of rows that is above 0 where states are localized.
Score = Callable[[Tensor], Tensor]
STRENGTHS = 401


@dataclass(frozen=True)
class Task:
    """A model, its data, and what a person assumes of the formula."""

    model: str
    library: tuple[str, ...]
    """Functions for the automatic way."""
    edges: dict[tuple[str, int], tuple[str, ...]]
    """Column and subnode (0 the sum, 1 and 2 the factors) → functions to choose from; `=` is the column itself."""
    published: dict[str, float] = field(default_factory=dict)
    """Accuracies of the paper's table 5, in percent."""
    guess: Any = None
    """A formula that no two-layer network holds: where to start."""
    rows: dict[str, Any] = field(default_factory=dict)

    def data(self, seed: int, boundary: str) -> Dataset:
        sizes = {"chains": 600, "test_chains": 300, "states": 10} | self.rows
        return localization(self.model, boundary=boundary, seed=seed, **sizes)


_LAMBDA, _E = sympy.symbols("lambda E")
MOSAIC = {"chains": 200, "test_chains": 100, "states": 30, "threshold": 0.6}
TASKS = (
    Task("mosaic2", ("x", "x^2", "abs"), {("lambda", 1): ("=",), ("E", 2): ("x^2", "abs", "cosh")}, rows=MOSAIC),
    Task(
        "mosaic3",
        ("x", "x^2", "abs"),
        {("lambda", 1): ("=",), ("E", 2): ()},
        guess=8 * _LAMBDA * sympy.Abs(_E**2 - sympy.Float(0.7)) - sympy.Float(12.0),
        rows=MOSAIC,
    ),
    Task(
        "gaam",
        ("x", "x^2"),
        {("lambda", 0): ("x",), ("alpha", 1): ("x",), ("E", 2): ("x", "x^2")},
        {"theory": 99.2, "automatic": 99.0},
    ),
    Task(
        "maam",
        ("x", "x^2", "exp", "cosh"),
        {("E", 0): ("x",), ("p", 0): ("x^2", "exp", "cosh"), ("lambda", 1): ("=",), ("p", 2): ("x^2", "exp", "cosh")},
        {"theory": 98.6, "automatic": 97.1, "assumed": 96.6},
    ),
)


# ---- networks


def score_network(data: Dataset, seed: int) -> KAN:
    """A sum and a product of curves, whose linear combination is the logarithm of the odds of `localized`."""
    model = KAN([data.n_features, [1, 1], 2], seed=seed)
    for source in (0, 1):
        model.remove_edge(1, source, 0)
        model.fix_symbolic(1, source, 1, "x", data=data)
    return model


def curves(data: Dataset, seed: int) -> KAN:
    """Trained nearly without a penalty first, so that every column is looked at; then with it, and pruned."""
    model = score_network(data, seed)
    model.fit(data, steps=15, lamb=1e-5, progress=False)
    model.fit(data, steps=60, lamb=1e-3, progress=False)
    model = model.prune(data=data)
    model.fit(data, steps=30, lamb=1e-4, progress=False)
    return model


def assumed(task: Task, data: Dataset, seed: int) -> KAN:
    """Only the edges that a person assumes; what is linear is fixed."""
    model = score_network(data, seed)
    columns = {name: index for index, name in enumerate(data.in_vars)}
    edges = {(columns[name], target): names for (name, target), names in task.edges.items()}
    for source, target in itertools.product(range(data.n_features), range(3)):
        names = edges.get((source, target))
        if names is None:
            model.remove_edge(0, source, target)
        elif names == ("=",):
            model.fix_symbolic(0, source, target, "x", params=(1, 0, 1, 0), data=data)
            model.freeze(0, source, target)
        elif len(names) == 1:
            model.fix_symbolic(0, source, target, names[0], data=data)
    if not any(target == 0 for _, target in edges):
        model.remove_edge(1, 0, 1)
    model.fit(data, steps=60, lamb=1e-5, progress=False)
    return model


# ---- formulas


def formulas(task: Task, model: KAN, data: Dataset) -> Iterator[Any]:
    """Fitted formulas, two for each choice of functions: from two starts."""
    columns = {name: index for index, name in enumerate(data.in_vars)}
    if task.guess is not None:
        start = KAN.from_formula([sympy.Integer(0), task.guess], data.in_vars)
        start.fit(data, steps=60, progress=False)
        yield start.fit_formula(data)
        return
    choices = {edge: names for edge, names in task.edges.items() if len(names) > 1}
    for names, plain in itertools.product(itertools.product(*choices.values()), (False, True)):
        trial = copy.deepcopy(model)
        for (column, target), name in zip(choices, names, strict=True):
            # As it fits the curve best, or plainly f(column): the curve bends where no state holds it, and leads astray.
            params = (1, 0, 1, 0) if plain else None
            trial.fix_symbolic(0, columns[column], target, name, params=params, data=data)
        if not plain:
            trial.fit(data, steps=60, progress=False)
        yield trial.fit_formula(data, exponents="exact")


def criterion(formula: Any, rows: int) -> float:
    """The Bayesian information criterion: minus twice the log-likelihood, and a price for each constant."""
    return 2 * rows * formula.error + math.log(rows) * len(formula.constants)


def normalized(formula: Any) -> str:
    """The formula divided by its coefficient of E, λ·|E| or λ·α, so that it can be read beside the theory's."""
    terms = sympy.Add.make_args(sympy.expand_mul(formula.expression))
    first = max(terms, key=lambda term: (len(term.free_symbols), str(term)))
    size = abs(first.as_coeff_Mul()[0]) or 1
    rounded = sympy.Add(*(term / size for term in terms))
    return str(rounded.xreplace({number: sympy.Float(number, 4) for number in rounded.atoms(sympy.Float)}))


def score_of(formula: Any) -> Score | None:
    """The formula as a function of rows; None where curves are left in it."""
    if formula.curves:
        return None
    compiled = sympy.lambdify(formula.variables, formula.expression, "numpy")
    return lambda x: torch.as_tensor(compiled(*x.numpy().T)).expand(len(x))


# ---- measures


def accuracy(score: Score, data: Dataset) -> float:
    """Percent of the test rows on the right side."""
    return 100 * float(((score(data.test_input) > 0) == data.test_label).double().mean())


def edge_distance(score: Score, model: str, data: Dataset) -> float:
    """Median distance in λ from the exact edge: where the score changes its sign first, as λ grows."""
    low, high = MODELS[model].ranges["lambda"]
    strengths = torch.linspace(low, high, STRENGTHS, dtype=torch.float64)
    rows = data.test_input[::10].repeat_interleave(STRENGTHS, 0)
    rows[:, 0] = strengths.repeat(len(rows) // STRENGTHS)
    sides = [(values > 0).reshape(-1, STRENGTHS) for values in (order_parameter(model, rows), score(rows))]
    crossing = sides[0].any(1) & ~sides[0][:, 0]
    exact, found = (
        torch.where(side.any(1), strengths[side.int().argmax(1)], torch.tensor(high).double()) for side in sides
    )
    return float((exact - found)[crossing].abs().median())


def measured(score: Score | None, task: Task, data: Dataset) -> dict[str, Any]:
    """Accuracy and distance; none for a formula with curves."""
    if score is None:
        return {"accuracy": None, "edge": None}
    return {"accuracy": accuracy(score, data), "edge": edge_distance(score, task.model, data)}


def log_odds(model: KAN) -> Score:
    """A network as a score."""
    return lambda x: model.predict(x).diff(dim=1)[:, 0]


# ---- runs


def run(task: Task, seed: int, boundary: str) -> dict[str, Any]:
    """All four ways from one draw of chains."""
    start = time.process_time()
    data = task.data(seed, boundary)
    seconds = {"data": round(time.process_time() - start, 1)}
    found: dict[str, Any] = {"theory": measured(lambda x: order_parameter(task.model, x), task, data)}
    start = time.process_time()
    model = curves(data, seed)
    found["curves"] = measured(log_odds(model), task, data) | {"edges": len(model.edge_refs(active=True)) - 2}
    model.auto_symbolic(data=data, lib=task.library, r2_threshold=-1)
    formula = model.fit_formula(data)
    found["automatic"] = measured(score_of(formula), task, data) | {"formula": normalized(formula)}
    seconds["curves and automatic"] = round(time.process_time() - start, 1)
    start = time.process_time()
    model = assumed(task, data, seed)
    best = min(formulas(task, model, data), key=lambda trial: criterion(trial, len(data.train_label)))
    found["assumed curves"] = measured(log_odds(model), task, data)
    found["assumed"] = measured(score_of(best), task, data) | {"formula": normalized(best)}
    seconds["assumed"] = round(time.process_time() - start, 1)
    return {"rows": len(data.train_label), "test_rows": len(data.test_label), "ways": found, "seconds": seconds}


def show(task: Task, boundary: str, jobs: list[dict[str, Any]]) -> None:
    """The table of one model: medians over the seeds, and the formulas of the first."""
    print(f"\n{task.model}, {boundary}: {len(jobs)} seeds, {jobs[0]['rows']} + {jobs[0]['test_rows']} states")
    for way in jobs[0]["ways"]:
        rows = [job["ways"][way] for job in jobs]
        values = [row["accuracy"] for row in rows if row["accuracy"] is not None]
        if not values:
            print(f"  {way:14} curves are left in the formula")
            continue
        distance = statistics.median(row["edge"] for row in rows if row["edge"] is not None)
        paper = f"  (paper {task.published[way]} %)" if way in task.published else ""
        spread = f"{min(values):.2f} to {max(values):.2f}"
        print(f"  {way:14} {statistics.median(values):6.2f} %  {spread}  edge {distance:.3f}{paper}")
        print("".join(f"{'':17}{row['formula']}\n" for row in rows if "formula" in row), end="")


def main() -> None:
    """Run what the file of results lacks, and print all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--boundary", choices=["ring", "open"], nargs="*", default=["ring", "open"])
    parser.add_argument("--only", choices=[task.model for task in TASKS], nargs="*")
    given = parser.parse_args()
    torch.set_num_threads(1)
    store = Store("anderson")
    for boundary, task in itertools.product(given.boundary, TASKS):
        if given.only and task.model not in given.only:
            continue
        jobs = [
            store.once(f"{task.model}/{boundary}/{seed}", lambda t=task, s=seed, b=boundary: run(t, s, b))
            for seed in range(given.seeds)
        ]
        show(task, boundary, jobs)


if __name__ == "__main__":
    main()
