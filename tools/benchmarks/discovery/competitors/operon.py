"""pyoperon: NSGA-II on R² and length, constants by Levenberg-Marquardt, restarted until the time is over."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import sympy
from pyoperon.sklearn import SymbolicRegressor

from tools.benchmarks.discovery.competitors.problem import Problem, Rows, rows

SYMBOLS = "add,sub,mul,div,pow,exp,log,sin,cos,asin,acos,tanh,sqrt,square,constant,variable"
#: Its numbers have 24 bits. Formulas that err by less are exact: the shortest of them counts, and no further restart is needed.
_EXACT = 2e-6
#: Generations between two looks at the clock, and generations without a better formula after which it starts anew.
_GENERATIONS, _PATIENCE = 4, 48
#: A formula is better if its error is smaller by this part.
_GAIN = 0.01
#: Seeds of starts, and of their parts, don't meet.
_MOST_STARTS, _MOST_PARTS = 1000, 1000
_SETTINGS: dict[str, Any] = {
    "allowed_symbols": SYMBOLS,
    "objectives": ["r2", "length"],
    "optimizer_iterations": 5,
    "max_length": 50,
    "population_size": 500,
    "generations": _GENERATIONS,
    "max_evaluations": 10**9,
    "epsilon": 1e-7,  # of the objectives: longer formulas with no smaller error don't stay
    "model_selection_criterion": "mean_squared_error",
    "n_threads": 1,
    "warm_start": True,
}

_OPERATIONS: dict[str, Callable[..., sympy.Expr]] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Div": lambda a, b: a / b,
    "Pow": lambda a, b: a**b,
    "Square": lambda a: a**2,
    "Sqrt": sympy.sqrt,
    "Exp": sympy.exp,
    "Log": sympy.log,
    "Sin": sympy.sin,
    "Cos": sympy.cos,
    "Asin": sympy.asin,
    "Acos": sympy.acos,
    "Tanh": sympy.tanh,
}


class _Model(NamedTuple):
    """A formula of a front, by its error on held-out rows."""

    error: float
    length: int
    tree: Any

    @property
    def rank(self) -> tuple[float, int]:
        """Formulas without an error by their length, the others by their error."""
        return (max(self.error, _EXACT), self.length)


def solve(problem: Problem) -> Iterator[sympy.Expr]:
    """The best formula by held-out rows, whenever there is a better one."""
    table, clock, start, best = rows(problem.data, problem.seed), problem.clock, 0, None
    while not clock.over and (best is None or best.error > _EXACT):
        for model in _run(table, problem, start):
            if best is None or model.rank < best.rank:
                best = model
                yield table.in_own_units(to_sympy(*best.tree, problem.symbols), problem.symbols)
        start += 1


def _run(table: Rows, problem: Problem, start: int) -> Iterator[_Model]:
    """The best formula of one start after some generations, until it is exact, gets no better, or the time is over."""
    machine, clock = SymbolicRegressor(**_SETTINGS), problem.clock
    least, waited, part, seconds = math.inf, 0, 0, 0.0
    while waited < _PATIENCE and least > _EXACT and clock.spent + seconds < clock.seconds:
        began = clock.spent
        machine.random_state = _MOST_PARTS * (_MOST_STARTS * problem.seed + start) + part
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            machine.fit(table.x, table.y)
        best = min(_models(machine, table), key=lambda model: model.rank)
        waited = 0 if best.error < (1 - _GAIN) * least else waited + _GENERATIONS
        least, part, seconds = min(least, best.error), part + 1, clock.spent - began
        yield best


def _models(machine: Any, table: Rows) -> Iterator[_Model]:
    """The formulas of the front."""
    for row in machine.pareto_front_:
        error = table.error(machine.evaluate_model(row["tree"], table.held_x))
        yield _Model(error, row["length"], (row["tree"].Nodes, list(machine.variables_)))


def to_sympy(nodes: list[Any], hashes: list[int], symbols: list[sympy.Symbol]) -> sympy.Expr:
    """The expression of a tree, whose nodes come after their operands, the first operand last."""
    columns, stack = dict(zip(hashes, symbols, strict=True)), []
    for node in nodes:
        if node.IsConstant:
            stack.append(sympy.Float(node.Value))
        elif node.IsVariable:
            stack.append(sympy.Float(node.Value) * columns[node.HashValue])
        else:
            stack.append(_OPERATIONS[node.Type.name](*(stack.pop() for _ in range(node.Arity))))
    (expr,) = stack
    return expr
