"""A search for formulas that a test carries on, in place of the engine."""

from dataclasses import dataclass, field
from typing import Any

import sympy


@dataclass(frozen=True, eq=False)
class FakeEquation:
    """What the explorer reads of an equation."""

    sympy: Any
    complexity: float


@dataclass(frozen=True)
class FakeStep:
    """What the explorer reads of a step."""

    kind: str
    text: str
    front: tuple = ()
    best: Any = None
    seconds: float = 1.0
    rivals: tuple = ()


@dataclass
class FakeSearch:
    """Stands in for `discover_steps`: notes what it is asked for, and gives these steps; once it is ended only the last fits."""

    steps: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    ended: bool = False

    def __call__(self, data, **options):
        self.asked.append((data, options))
        return self

    def __iter__(self):
        return (step for step in self.steps if step.kind == "constants" or not self.ended)

    def conclude(self):
        self.ended = True


def equation(expression, complexity):
    return FakeEquation(sympy.sympify(expression), complexity)


SIMPLE, BETTER = equation("2.5*x_1", 3.0), equation("2.5*x_1 + 0.125*x_2**2", 9.0)


def usual_steps():
    """A search of four steps, with two formulas at its end."""
    return [
        FakeStep("trying", "trying short laws", (SIMPLE,), SIMPLE, 0.5),
        FakeStep("finding", "x_2 hardly matters", (SIMPLE,), SIMPLE, 1.0),
        FakeStep("formula", "2.5*x_1", (SIMPLE, BETTER), BETTER, 1.5),
        FakeStep("constants", "2.5*x_1", (SIMPLE, BETTER), BETTER, 2.0),
    ]
