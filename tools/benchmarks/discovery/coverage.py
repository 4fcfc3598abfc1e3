"""Do the standard errors of constants cover the truth? `python -m tools.benchmarks.discovery.coverage`.

Three laws with constants that are no round numbers, and a table of 60 rows with new noise in each of 200 repetitions. The true form is
fitted from a poor start. With `--search SECONDS` whole searches are made, too: the constants count where the form is the law's in any
writing, each against its value in this writing, and one that became a round number counts as missed. What is to come out is 90 to
99 % for intervals of 95 %.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sympy
import torch
from scipy.stats import t as student

from kanwidget.datasets import Dataset, Equation
from kanwidget.formulas import refit
from kanwidget.formulas.constants import best_fit, with_free_numbers
from kanwidget.symbolic.formulas.regression.problem import Problem
from kanwidget.symbolic.formulas.rewriting.decimals import parametrize

ROWS, _NOISE = 60, 0.05
_LEVEL = 0.95
#: What is to come out, in percent.
LEAST, MOST = 90.0, 99.0
#: Starts of a fit of the true form to the rows, and of another writing to true values; and its error, as a part of the spread, there.
_STARTS, _WRITING_STARTS, _SAME = 4, 6, 1e-6


@dataclass(frozen=True)
class Law:
    """A law with named constants."""

    equation: Equation
    truth: dict[str, float]
    start: sympy.Expr
    """The form with constants that a fit begins with."""


class Interval(NamedTuple):
    """A constant with its standard error, and its true value in the same writing."""

    value: float
    error: float
    truth: float

    @property
    def covers(self) -> bool:
        """Whether the interval of 95 % holds the truth; a number without an error covers itself."""
        return abs(self.value - self.truth) <= max(_factor() * self.error, 1e-9 * abs(self.truth))


Constants = dict[Any, tuple[float, float]]


def law(name: str, template: str, units: str, ends: tuple[float, float], start: Sequence[float], **truth: float) -> Law:
    """A law of one column; units are those of column and target."""
    (variable, unit), (target, target_unit) = (part.split(" in ") for part in units.split(" → "))
    names = {key: sympy.Symbol(key) for key in (variable, *truth)}
    form = sympy.sympify(template, names)

    def with_constants(values: Sequence[float]) -> sympy.Expr:
        return form.xreplace({names[key]: sympy.Float(value) for key, value in zip(truth, values, strict=True)})

    formula = str(with_constants(list(truth.values())))
    equation = Equation(name, name, formula, (variable,), (unit,), (ends,), target, target_unit)
    return Law(equation, truth, with_constants(start))


LAWS = (
    law("discharge", "A*exp(-k*t) + c", "t in s → U in V", (0.0, 6.0), (2, 1.1, 1), A=3.217, k=0.5831, c=0.4373),
    law("Michaelis-Menten", "V*S/(K + S)", "S in mmol/L → v in mmol/(L*s)", (0.02, 1.1), (1.1, 1), V=2.127, K=0.0641),
    law("allometry", "a*m**p", "m in kg → P in W", (0.5, 90.0), (1.1, 1.2), a=3.413, p=0.7043),
)


def fitted(law: Law, data: Dataset) -> tuple[sympy.Expr, Constants]:
    """The true form with its constants."""
    found = refit(law.start, data, starts=_STARTS)
    return found.expression, found.constants


def searched(law: Law, data: Dataset, seconds: float) -> tuple[sympy.Expr, Constants]:
    """The formula that a search finds, after so many seconds of the processor."""
    from kanwidget import discover_steps

    steps = discover_steps(data, seconds=seconds)
    steps._clock = time.process_time
    for _ in steps:
        pass
    best = steps.discovery.best
    return best.sympy, best.constants


def intervals(law: Law, expression: sympy.Expr, constants: Constants) -> list[Interval] | None:
    """The constants of an expression beside their true values, which make it the law; None where none do."""
    data = law.equation.dataset(4 * ROWS, 0)
    (symbol,) = map(sympy.Symbol, law.equation.variables)
    problem = Problem([symbol], data.train_input, data.train_label)
    limit = problem.rows * (_SAME * float(problem.y.std())) ** 2
    for writing in (expression, _without_exact_numbers(expression)):
        values = parametrize(writing, problem.positive)[2].tolist()
        fit = best_fit(problem, writing, _WRITING_STARTS, limit)
        if fit.deviance <= limit:
            return [
                Interval(*_estimate(v, constants), truth) for v, truth in zip(values, fit.values.tolist(), strict=True)
            ]
    return None


def _without_exact_numbers(expression: sympy.Expr) -> sympy.Expr:
    """The expression with decimals for its factors, terms and fractional exponents."""

    def is_root(node: Any) -> bool:
        return node.is_Pow and node.exp.is_Rational and not node.exp.is_Integer

    return with_free_numbers(expression).replace(is_root, lambda node: node.base ** sympy.Float(float(node.exp)))


def _estimate(value: float, constants: Constants) -> tuple[float, float]:
    """A constant with its standard error; 0 where it became an exact number."""
    errors = [error for number, error in constants.values() if math.isclose(abs(number), abs(value), rel_tol=1e-9)]
    return value, max(errors, default=0.0)


def _factor() -> float:
    """Half the width of an interval in standard errors; two or three constants make no difference with so many rows."""
    return float(student.ppf((1 + _LEVEL) / 2, ROWS - 3))


def shares(
    law: Law, estimate: Callable[[Law, Dataset], tuple[sympy.Expr, Constants]], repetitions: int
) -> tuple[int, dict[str, tuple[int, int]]]:
    """How often the form was right, and of each constant, by its name, how many intervals held the truth, of how many."""
    forms, hits = 0, defaultdict(list)
    for repetition in range(repetitions):
        data = law.equation.dataset(ROWS, 0, noise=_NOISE, seed=repetition)
        found = intervals(law, *estimate(law, data))
        forms += found is not None
        for interval in found or []:
            hits[_name(law, interval)].append(interval.covers)
    return forms, {name: (sum(covers), len(covers)) for name, covers in sorted(hits.items())}


def _name(law: Law, interval: Interval) -> str:
    """The constant's name in the law, or `others` where another writing has other constants."""
    names = (name for name, value in law.truth.items() if math.isclose(abs(interval.truth), value, rel_tol=1e-4))
    return next(names, "others")


def lines(repetitions: int, seconds: float | None) -> Iterator[str]:
    """A line a law and way."""
    ways: dict[str, Callable[[Law, Dataset], tuple[sympy.Expr, Constants]]] = {"fit of the form": fitted}
    if seconds is not None:
        ways[f"search of {seconds:g} s"] = lambda law, data: searched(law, data, seconds)
    for law in LAWS:
        for way, estimate in ways.items():
            forms, hits = shares(law, estimate, repetitions)
            percent = {name: 100 * covers / count for name, (covers, count) in hits.items()}
            texts = [f"{name} {percent[name]:.1f} % of {count}" for name, (_, count) in hits.items()]
            outside = "" if all(LEAST <= part <= MOST for part in percent.values()) else " (outside)"
            yield f"{law.equation.name:<17} {way:<16} form right {forms:>3} of {repetitions}: {', '.join(texts)}{outside}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--search", type=float, metavar="SECONDS", help="make whole searches, too, each this long")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for line in lines(options.repetitions, options.search):
        print(line, flush=True)


if __name__ == "__main__":
    main()
