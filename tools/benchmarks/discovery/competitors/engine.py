"""kanwidget's search."""

from __future__ import annotations

import math
from collections.abc import Iterator

import sympy
import torch
from torch import Tensor

from kanwidget.discovery.engine.search import Limits, search
from kanwidget.discovery.engine.search import Rows as EngineRows
from kanwidget.discovery.engine.trees import OPERATIONS, Tree, complexity, expression, values
from tools.benchmarks.discovery.competitors.problem import Problem

#: The part of rows to choose by, the smallest error that counts, and bits for a unit of complexity.
_HELD_OUT, _ROUND_OFF, _BITS = 0.2, 1e-11, 2.0


def solve(problem: Problem) -> Iterator[sympy.Expr]:
    """The best formula by the length of a description of the held-out rows, whenever there is a better one."""
    rows, least = _rows(problem), math.inf
    for report in search(rows, Limits(frozenset(OPERATIONS), 60, problem.seed)):
        if report.tree is not None:
            bits = _description(report.tree, rows)
            if bits < least:
                least = bits
                yield expression(report.tree, problem.symbols)
        if problem.clock.over:
            return


def _rows(problem: Problem) -> EngineRows:
    data = problem.data
    x, y = data.train_input, data.train_label[:, 0]
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(problem.seed))
    held, kept = order[: int(_HELD_OUT * len(x))], order[int(_HELD_OUT * len(x)) :]
    return EngineRows(x[kept], y[kept], None, x[held], y[held], tuple(data.in_vars), data.out_vars[0])


def _description(tree: Tree, rows: EngineRows) -> float:
    """Bits of the formula and of what it leaves on held-out rows."""
    error = _error(values(tree, list(rows.held_x.unbind(1))), rows.held_y)
    return len(rows.held_y) * math.log2(max(error, _ROUND_OFF)) + _BITS * complexity(tree)


def _error(predicted: Tensor, y: Tensor) -> float:
    error = float((predicted - y).square().mean().sqrt() / y.std(correction=0).clamp(min=1e-300))
    return error if math.isfinite(error) else math.inf
