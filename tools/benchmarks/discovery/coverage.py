"""Do the standard errors of constants cover the truth? `python -m tools.benchmarks.discovery.coverage`.

Three laws with constants that are no round numbers, and a table of 60 rows with new noise in each of 200 repetitions. The true form is
fitted from a poor start. With `--search SECONDS` whole searches are made, too: the constants count where the form is the law's, and one
that became a round number counts as missed. What is to come out is 90 to 99 % for intervals of 95 %.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
import torch
from scipy.stats import t as student

from kanwidget.datasets import Dataset, Equation
from kanwidget.formulas import refit

ROWS = 60
_LEVEL = 0.95
#: What is to come out, in percent.
LEAST, MOST = 90.0, 99.0

#: Value and standard error of each constant of the law, or None where the form is another one.
Estimates = dict[str, tuple[float, float]] | None


@dataclass(frozen=True)
class Law:
    """A law with named constants, and its table."""

    equation: Equation
    template: str
    """The formula with names for its constants."""
    truth: dict[str, float]
    start: dict[str, float]
    """Constants that a fit begins with."""
    noise: float
    """As a part of the spread of the labels."""

    def expression(self, constants: dict[str, Any]) -> sympy.Expr:
        """The form with these constants."""
        names = {name: sympy.Symbol(name) for name in (*self.equation.variables, *constants)}
        form = sympy.sympify(self.template, names)
        return form.xreplace({names[name]: sympy.sympify(value) for name, value in constants.items()})


def law(name: str, template: str, units: str, ends: tuple[float, float], start: Sequence[float], **truth: float) -> Law:
    """A law of one column; units are those of column and target."""
    (variable, unit), (target, target_unit) = (part.split(" in ") for part in units.split(" → "))
    names = {key: sympy.Symbol(key) for key in (variable, *truth)}
    formula = str(
        sympy.sympify(template, names).xreplace({names[key]: sympy.Float(value) for key, value in truth.items()})
    )
    equation = Equation(name, name, formula, (variable,), (unit,), (ends,), target, target_unit)
    return Law(equation, template, truth, dict(zip(truth, start, strict=True)), 0.05)


LAWS = (
    law("discharge", "A*exp(-k*t) + c", "t in s → U in V", (0.0, 6.0), (2, 1, 1), A=3.217, k=0.5831, c=0.4373),
    law("Michaelis-Menten", "V*S/(K + S)", "S in mmol/L → v in mmol/(L*s)", (0.02, 1.1), (1, 1), V=2.127, K=0.0641),
    law("allometry", "a*m**p", "m in kg → P in W", (0.5, 90.0), (1, 1), a=3.413, p=0.7384),
)


def fitted(law: Law, data: Dataset) -> Estimates:
    """The constants of the true form."""
    found = refit(law.expression({name: sympy.Float(value) for name, value in law.start.items()}), data, starts=8)
    return matched(law, found.expression, found.constants)


def searched(law: Law, data: Dataset, seconds: float) -> Estimates:
    """The constants of the formula that a search finds."""
    from kanwidget import discover

    best = discover(data, seconds=seconds, progress=False).best
    return matched(law, best.sympy, best.constants)


def matched(law: Law, expression: sympy.Expr, constants: dict[Any, tuple[float, float]]) -> Estimates:
    """Which constant of an expression is which of the law; None where the expression has another form."""
    wild = {name: sympy.Wild(name, properties=[lambda node: node.is_number]) for name in law.truth}
    found = expression.match(law.expression(dict(wild)))
    if found is None or any(found.get(symbol, 0) == 0 for symbol in wild.values()):
        return None
    return {name: _estimate(found[symbol], constants) for name, symbol in wild.items()}


def _estimate(number: Any, constants: dict[Any, tuple[float, float]]) -> tuple[float, float]:
    """Value and standard error of a number, whose sign may be the form's; of a round number the error is 0."""
    value = float(number)
    errors = [
        error for _, (estimate, error) in constants.items() if abs(abs(estimate) - abs(value)) <= 1e-9 * abs(value)
    ]
    return value, max(errors, default=0.0)


def covered(law: Law, estimates: dict[str, tuple[float, float]]) -> dict[str, bool]:
    """Whether the interval of each constant holds its truth."""
    factor = float(student.ppf((1 + _LEVEL) / 2, ROWS - len(law.truth)))
    return {name: abs(value - law.truth[name]) <= factor * error for name, (value, error) in estimates.items()}


def shares(law: Law, estimate: Callable[[Law, Dataset], Estimates], repetitions: int) -> tuple[int, dict[str, float]]:
    """How often the form was right, and in which part of these each interval held the truth."""
    hits = []
    for repetition in range(repetitions):
        data = law.equation.dataset(ROWS, 0, noise=law.noise, seed=repetition)
        estimates = estimate(law, data)
        if estimates is not None:
            hits.append(covered(law, estimates))
    return len(hits), {name: sum(hit[name] for hit in hits) / max(len(hits), 1) for name in law.truth}


def lines(repetitions: int, seconds: float | None) -> Iterator[str]:
    """A line a law and way."""
    ways: dict[str, Callable[[Law, Dataset], Estimates]] = {"fit of the form": fitted}
    if seconds is not None:
        ways[f"search of {seconds:g} s"] = lambda law, data: searched(law, data, seconds)
    for law in LAWS:
        for way, estimate in ways.items():
            count, parts = shares(law, estimate, repetitions)
            constants = ", ".join(f"{name} {100 * part:.1f} %" for name, part in parts.items())
            mark = (
                ""
                if all(LEAST <= 100 * part <= MOST for part in parts.values())
                else f"  not within {LEAST:g} to {MOST:g} %"
            )
            yield f"{law.equation.name:<18} {way:<18} form right {count:>3} of {repetitions}: {constants}{mark}"


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
