"""gplearn: genetic programming on whole formulas, its population and functions as large as those of the others."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import sympy
from gplearn.functions import make_function
from gplearn.genetic import SymbolicRegressor

from tools.benchmarks.discovery.competitors.problem import Array, Problem, Rows, rows

#: Formulas that err by less are exact: no further restart is needed.
_EXACT = 1e-9
#: Generations without a better formula after which it starts anew.
_PATIENCE = 20
_SEEDS = 1000
#: Values are at most this large, and the last one is that of functions outside of their domain, where only numbers are allowed.
_LARGEST, _OUTSIDE = 1e100, 1e6

_OPERATIONS: dict[str, Callable[..., sympy.Expr]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "sqrt": lambda a: sympy.sqrt(sympy.Abs(a)),
    "log": lambda a: sympy.log(sympy.Abs(a)),
    "sin": sympy.sin,
    "cos": sympy.cos,
    "exp": sympy.exp,
    "square": lambda a: a**2,
    "tanh": sympy.tanh,
    "asin": sympy.asin,
    "acos": sympy.acos,
    "pow": lambda a, b: sympy.Abs(a) ** b,
}


def solve(problem: Problem) -> Iterator[sympy.Expr]:
    """The best formula by held-out rows, whenever there is a better one."""
    table, clock, start, least = rows(problem.data, problem.seed), problem.clock, 0, math.inf
    while not clock.over and least > _EXACT:
        for error, program in _run(table, problem, start):
            if error < least:
                least = error
                yield table.in_own_units(to_sympy(program, problem.symbols), problem.symbols)
        start += 1


def _run(table: Rows, problem: Problem, start: int) -> Iterator[tuple[float, list[Any]]]:
    """Error and program of the best formula of a start, generation after generation."""
    machine, clock = _machine(_SEEDS * problem.seed + start), problem.clock
    least, waited, seconds = math.inf, 0, 0.0
    while waited < _PATIENCE and least > _EXACT and clock.spent + seconds < clock.seconds:
        began = clock.spent
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            machine.fit(table.x, table.y)
            error = table.error(machine.predict(table.held_x))
        waited = 0 if error < least else waited + 1
        least, seconds = min(least, error), clock.spent - began
        machine.set_params(generations=machine.generations + 1)
        yield error, machine._program.program


def _machine(seed: int) -> Any:
    """The regressor with as many functions as the others have; those of its own are protected ones."""
    own = [
        make_function(function=function, name=name, arity=arity)
        for name, function, arity in (
            ("exp", _exp, 1),
            ("square", np.square, 1),
            ("tanh", np.tanh, 1),
            ("asin", _asin, 1),
            ("acos", _acos, 1),
            ("pow", _power, 2),
        )
    ]
    return SymbolicRegressor(
        population_size=1000,
        generations=1,
        function_set=("add", "sub", "mul", "div", "sqrt", "log", "sin", "cos", *own),
        metric="rmse",
        const_range=(-5.0, 5.0),
        parsimony_coefficient=0.001,
        n_jobs=1,
        random_state=seed,
        warm_start=True,
        low_memory=True,
    )


def _exp(a: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.minimum(np.exp(a), _LARGEST)


def _asin(a: Array) -> Array:
    return np.where(np.abs(a) <= 1, np.arcsin(np.clip(a, -1.0, 1.0)), _OUTSIDE)


def _acos(a: Array) -> Array:
    return np.where(np.abs(a) <= 1, np.arccos(np.clip(a, -1.0, 1.0)), _OUTSIDE)


def _power(a: Array, b: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.clip(np.nan_to_num(np.abs(a) ** b, nan=1.0), -_LARGEST, _LARGEST)


def to_sympy(program: list[Any], symbols: list[sympy.Symbol]) -> sympy.Expr:
    """The expression of a program, which is a list of functions before their operands, columns and constants."""
    rest = iter(program)

    def visit() -> sympy.Expr:
        node = next(rest)
        if isinstance(node, (int, np.integer)):
            return symbols[node]
        if isinstance(node, float):
            return sympy.Float(node)
        return _OPERATIONS[node.name](*(visit() for _ in range(node.arity)))

    return visit()
