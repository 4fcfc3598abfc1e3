"""The suites of the benchmark as cases that make tables: own laws, Feynman's equations with and without dimensions, and Nguyen's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from kanwidget.datasets import Dataset, Equation, dimensionless_equations, feynman_equations
from kanwidget.datasets.equations.equation import with_noise
from tools.benchmarks.discovery.laws import HALVES, laws

SUITES = ("dimensionless", "feynman", "nguyen", *HALVES)

#: Name, formula, and the range of each column as symbolic regression uses it (arXiv:1912.04871, after N. Q. Uy and others, 2011).
#: There the first eight have 20 rows and the others 20 to 100; here each has as many as all cases.
_NGUYEN = (
    ("Nguyen-1", "x**3 + x**2 + x", (-1.0, 1.0)),
    ("Nguyen-2", "x**4 + x**3 + x**2 + x", (-1.0, 1.0)),
    ("Nguyen-3", "x**5 + x**4 + x**3 + x**2 + x", (-1.0, 1.0)),
    ("Nguyen-4", "x**6 + x**5 + x**4 + x**3 + x**2 + x", (-1.0, 1.0)),
    ("Nguyen-5", "sin(x**2)*cos(x) - 1", (-1.0, 1.0)),
    ("Nguyen-6", "sin(x) + sin(x + x**2)", (-1.0, 1.0)),
    ("Nguyen-7", "log(x + 1) + log(x**2 + 1)", (0.0, 2.0)),
    ("Nguyen-8", "sqrt(x)", (0.0, 4.0)),
    ("Nguyen-9", "sin(x) + sin(y**2)", (0.0, 1.0)),
    ("Nguyen-10", "2*sin(x)*cos(y)", (0.0, 1.0)),
    ("Nguyen-11", "x**y", (0.0, 1.0)),
    ("Nguyen-12", "x**4 - x**3 + y**2/2 - y", (0.0, 1.0)),
)


@dataclass(frozen=True)
class Case:
    """An equation of a suite, and how its columns are drawn."""

    suite: str
    equation: Equation
    """Name, formula, columns with units and ranges, target with its unit."""
    log: tuple[str, ...] = ()
    """Columns that are drawn evenly over the decades; the others are drawn uniformly."""
    difficulty: str = ""
    """Of own laws: easy, medium or hard."""

    @property
    def name(self) -> str:
        """The equation's name, unique in its suite."""
        return self.equation.name

    def rows(
        self, count: int = 1000, *, test: int = 1000, seed: int = 0, noise: float = 0.0, dummies: int = 0
    ) -> Dataset:
        """A table of the case. A seed means the same rows with and without noise and dummies.

        Args:
            count: Rows to train on.
            test: Rows to test on, whose labels have no noise.
            seed: Of all draws.
            noise: Standard deviation of the noise on training labels, in units of the standard deviation of these.
            dummies: Columns without effect, drawn as the case's columns in turn.
        """
        data = self.equation.dataset(count, test, noise=0.0 if self.log else noise, dummies=dummies, seed=seed)
        return self._over_decades(data, noise, seed) if self.log else data

    def _over_decades(self, data: Dataset, noise: float, seed: int) -> Dataset:
        """The same draws, in logarithms where the case says so, with the values and the noise that belong to them."""
        changed: dict[str, Tensor] = {}
        for part in ("train", "test"):
            if f"{part}_input" in data:
                x = torch.stack([self._column(i, column) for i, column in enumerate(data[f"{part}_input"].T)], dim=1)
                values = self.equation(x[:, : len(self.equation.variables)])[:, None]
                changed |= {f"{part}_input": x, f"{part}_label": values}
        return with_noise(replace(data, **changed), noise, seed)

    def _column(self, index: int, uniform: Tensor) -> Tensor:
        """A column, drawn uniformly, as the case draws it. Dummies follow the case's columns in turn."""
        index %= len(self.equation.variables)
        if self.equation.variables[index] not in self.log:
            return uniform
        low, high = self.equation.ranges[index]
        return low * (high / low) ** ((uniform - low) / (high - low))


@cache
def cases(suite: str) -> tuple[Case, ...]:
    """All cases of a suite, one of `SUITES`."""
    if suite in HALVES:
        return tuple(Case(suite, law.equation, law.log, law.difficulty) for law in laws(suite))
    equations = {"dimensionless": dimensionless_equations, "feynman": feynman_equations, "nguyen": _nguyen}
    return tuple(Case(suite, equation) for equation in equations[suite]())


def _nguyen() -> tuple[Equation, ...]:
    return tuple(
        Equation(name, name, formula, columns, ("1",) * len(columns), (ends,) * len(columns), "f", "1")
        for name, formula, ends in _NGUYEN
        for columns in [("x", "y") if "y" in formula else ("x",)]
    )
