"""Exact tables and the formulas that the tools find for them, a row a case; `python -m tests.support.exact_laws` answers all as JSON."""

import json
import math
from collections.abc import Callable
from typing import NamedTuple

import sympy
import torch

from kanwidget import KAN, Dataset, discover, load_planets
from kanwidget.discovery.arguments import operations
from kanwidget.discovery.engine.fractions.inner import rationals_with_function
from kanwidget.discovery.engine.fractions.links import linked_rationals
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.trees import expression
from kanwidget.discovery.fronts.finishing import Finishing
from kanwidget.discovery.fronts.front import Front
from kanwidget.discovery.fronts.table import tables
from kanwidget.formulas import snap
from kanwidget.symbolic import snap_constants
from kanwidget.symbolic.formulas.fitted import expression_text
from kanwidget.symbolic.formulas.regression.problem import Problem
from kanwidget.symbolic.formulas.simplest import simplest
from tests.support.engine import EVERYTHING, uniform
from tests.support.laws import law_of

A, B = sympy.symbols("a b")
AB = [A, B]
UNIT = (0.5, 2.0)


class Case(NamedTuple):
    """A law on a table, a tool, and its formula."""

    tool: Callable
    """Columns and target → text."""
    law: Callable
    ranges: tuple
    text: str
    rows: int = 80

    def table(self):
        """Columns `(rows, columns)` and target `(rows,)`."""
        x = uniform(self.rows, *self.ranges)
        return x, self.law(*x.T)


def front(tree):
    """The front of a target to which one formula was offered."""

    def text(x, y):
        (table,) = tables(Dataset(x, y, in_vars=["a", "b", "c"][: x.shape[1]]), 0)
        found = Front(table, operations(None), 40.0, robust=False)
        found.offer(tree, "mine")
        list(Finishing(found, None, lambda: math.inf).members())
        return found.best.equation.text

    return text


def fraction(strategy):
    """The first exact formula of a strategy of the engine."""

    def text(x, y):
        table = EngineTable(x, y, None, EVERYTHING)
        for _ in strategy(table):
            if table.pool.is_exact:
                return expression_text(expression(table.pool.best.tree, sympy.symbols("a:e")))
        return "none"

    return text


def search(steps):
    """The front of a whole search."""

    def text(x, y):
        found = discover(Dataset(x, y, in_vars=["a", "b"][: x.shape[1]]), steps=steps, progress=False)
        return " | ".join(equation.text for equation in found.front)

    return text


def snapped(start):
    return lambda x, y: expression_text(snap_constants(start, AB[: x.shape[1]], x, y))


def simplified(start):
    return lambda x, y: expression_text(simplest(Problem(AB[: x.shape[1]], x, y), start)[1].expression)


def with_errors(start):
    return lambda x, y: repr(snap(start, Dataset(x, y, in_vars=["a"])))


def law(x, y):
    return expression_text(law_of(x, y, AB[: x.shape[1]])[0])


def power_of_planets(x, y):
    """The formula of a network whose edge is a power."""
    data = Dataset(x, y, in_vars=["axis"], out_vars=["period"])
    model = KAN([1, 1], grid=3)
    model.fit(data, steps=20, progress=False)
    model.fix_symbolic(0, 0, 0, "x^1.5")
    model.fit(data, steps=20, progress=False)
    return repr(model.fit_formula(data))


def network(x, y):
    """The formula of a network whose edges are chosen by themselves."""
    data = Dataset(x, y, in_vars=["a", "b"])
    model = KAN([2, 1])
    model.fit(data, steps=30, progress=False)
    model.auto_symbolic(data=data)
    model.fit(data, steps=30, progress=False)
    return repr(model.fit_formula(data))


class Planets(Case):
    """The bundled table, its third law made exact."""

    def table(self):
        x = load_planets().train_input
        return x, self.law(x[:, 0])


SLOPE = ("mul", ("c", 0.7071), ("x", 0))
BOTH, SIGNED = ((1, 3), (1, 3)), ((-1, 1), (-1, 1))
POWER = ("mul", ("neg", ("exp", ("neg", ("x", 2)))), ("sub", ("log", ("x", 0)), ("log", ("x", 1))))
WAVES = (
    2417.0 * (0.0103 * sympy.sin(3.003 * A) + 0.0101 * B) ** 2
    - 2982.0 * (0.0102 * sympy.sin(2.998 * A) - 0.0082 * B) ** 2
)
CASES = {
    "front: a slope": Case(front(SLOPE), lambda a: a / 2**0.5, BOTH[:1], "sqrt(2)*a/2", 60),
    "front: far from 0": Case(
        front(("add", ("c", 1e6), SLOPE)), lambda a: 1e6 + a / 2**0.5, BOTH[:1], "sqrt(2)*a/2 + 1e+06"
    ),
    "front: a power": Case(
        front(("mul", ("x", 0), ("exp", POWER))),
        lambda a, b, c: a * (b / a) ** torch.exp(-c),
        ((1.5, 3.5),) * 3,
        "a*(b/a)**exp(-c)",
    ),
    "fraction: saturation": Case(
        fraction(rationals_with_function),
        lambda a, b: b * a / (1 - torch.exp(-1.7 * a)),
        (UNIT, UNIT),
        "1.0*a*b/(1 - 1.0*exp(-1.7*a))",
        100,
    ),
    "fraction: quotient inside": Case(
        fraction(rationals_with_function),
        lambda a, b: (1 - torch.exp(-0.9 * a / b)) * b / (a + 2),
        (UNIT, UNIT),
        "(0.5*b - 0.5*b*exp(-0.9*a/b))/(0.5*a + 1)",
        100,
    ),
    "fraction: operand with others": Case(
        fraction(rationals_with_function),
        lambda a, b, c, d: c * (1 - torch.exp(-a / b)) * b / a + d * torch.exp(-a / b),
        (UNIT, UNIT, *SIGNED),
        "b*(1.0*a*d/b + 1.0*c*exp(1.0*a/b) - 1.0*c)*exp(-1.0*a/b)/a",
        100,
    ),
    "fraction: behind a logarithm": Case(
        fraction(linked_rationals),
        lambda a, b: 1.3 * torch.log((a + 2 * b) / (1 + a)),
        (UNIT, UNIT),
        "1.3*log((1.0*a + 2.0*b)/(1.0*a + 1))",
    ),
    "search: a power": Case(search(5), lambda a: 1.234 / a**2, BOTH[:1], "0.398 | a**(-2) | 1.234/a**2"),
    "search: far from 0": Case(
        search(30), lambda a, b: 1e6 + 3 * a * b, BOTH, "1.00001147e+06 | 4.81*b + 1.0000019e+06 | 3*a*b + 1e+06"
    ),
    "search: a pendulum": Case(
        search(20),
        lambda a, b: 2 * math.pi * (a / b).sqrt(),
        ((1, 3), (1, 10)),
        "4.13 | 8.70/sqrt(b) | 4.280*a/sqrt(b) | 2*pi*sqrt(a)/sqrt(b)",
    ),
    "snap: a sum": Case(
        snapped(0.5003 * sympy.sin(3.1409 * A) + 1.4137 * B**2 - 2.9991),
        lambda a, b: 0.5 * torch.sin(math.pi * a) + 2**0.5 * b**2 - 3,
        SIGNED,
        "sqrt(2)*b**2 + sin(pi*a)/2 - 3",
    ),
    "snap: no offset": Case(snapped(2.0001 * A + 0.00002), lambda a: 2 * a, SIGNED[:1], "2*a"),
    "snap: far from 0": Case(
        snapped(1.01 * A + 0.5 * B + 1e9), lambda a, b: math.pi * a + b / 3 + 1e9, SIGNED, "pi*a + b/3 + 1e+09"
    ),
    "snap: an inverse": Case(snapped(1 / (1.0001 * A + 2.01)), lambda a: 1 / (a + 2), SIGNED[:1], "1/(a + 2)"),
    "simplest: products": Case(simplified(WAVES - 0.002), lambda a, b: b * torch.sin(3 * a), SIGNED, "b*sin(3*a)", 100),
    "simplest: exponents": Case(
        simplified(0.97 * (A + 0.1) ** 1.4 * (B - 0.02) ** 0.9 + 0.1), lambda a, b: a**1.5 * b, BOTH, "a**(3/2)*b"
    ),
    "simplest: a wide range": Case(
        simplified(0.7 * A**2.9 / B + 0.001), lambda a, b: a**3 / (2**0.5 * b), ((0.01, 100),) * 2, "sqrt(2)*a**3/(2*b)"
    ),
    "simplest: a slope": Case(simplified(0.7071 * A + 0.001 * B), lambda a, b: a / 2**0.5, BOTH, "sqrt(2)*a/2"),
    "errors: none": Case(
        with_errors(1.5 * sympy.exp(-0.5 * A) + 0.1),
        lambda a: 2 * torch.exp(-0.7 * a) + 0.3,
        ((0, 4),),
        "y = 3/10 + 2*exp(-7*a/10)",
    ),
    "errors: of rounding": Case(
        with_errors(1.0 * sympy.sin(2.0 * A) + 1.0),
        lambda a: 1e9 * (torch.sin(2.5 * a) + 0.5),
        ((0, 4),),
        "y = 1e+09*sin(5*a/2) + 5e+08\nconstants 1e+09 ± 3e-07, 500000000 ± 2e-07",
    ),
    "law: a decay": Case(law, lambda a: 2 * torch.exp(-0.7 * a), BOTH[:1], "2.0*exp(-0.7*a)"),
    "law: far from 0": Case(law, lambda a: 1e6 + 3 * a**2, ((1, 5),), "3.0*a**2 + 1e+06"),
    "network: planets": Planets(power_of_planets, lambda a: a**1.5, (), "period = axis**(3/2)"),
    "network: a sum": Case(network, lambda a, b: torch.sin(2 * a) + b**2, SIGNED, "y = b**2 + sin(2*a)", 100),
}


def answers():
    """The text of each case."""
    return {name: case.tool(*case.table()) for name, case in CASES.items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(answers()))
