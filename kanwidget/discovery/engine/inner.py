"""Rational functions of the columns and of one function with an unknown constant: y·Q(x, exp(k·m)) = P(x, exp(k·m)).

As in `links`: for the right k a combination of the monomials of P and of y times those of Q vanishes on all rows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.discovery.engine.links import dips
from kanwidget.discovery.engine.polynomials import Terms, equilibrated, independent, monomials_of, vanishing
from kanwidget.discovery.engine.table import Table
from kanwidget.discovery.engine.targets import TARGETS
from kanwidget.discovery.engine.trees import Tree, constant, values

#: Degree of P and Q, and most columns of a system.
_DEGREE, _MOST_COLUMNS = 2, 80
_GRID = 31
#: Rows on which dips are looked for, and how many at most for each operand.
_ROWS, _MOST_DIPS = 96, 3


@dataclass(frozen=True, slots=True)
class Inner:
    """A kind of function with a constant, as features of a rational function."""

    needs: str
    features: Callable[[Tree, float], list[Tree]]
    grid: Callable[[Tensor], Tensor]
    """Sizes of the constant to begin with, of the operand's values; both signs are tried where `signed`."""
    signed: bool = False


def _rates(value: Tensor) -> Tensor:
    return torch.logspace(-1, 1.3, _GRID, dtype=torch.float64) / float(value.max() - value.min())


def _shifts(value: Tensor) -> Tensor:
    return float(value.abs().median()) * torch.logspace(-2, 1.5, _GRID, dtype=torch.float64)


def _scaled(head: str) -> Callable[[Tree, float], Tree]:
    return lambda operand, k: (head, ("mul", constant(k), operand))


#: One row a kind.
INNER = (
    Inner("exp", lambda operand, k: [_scaled("exp")(operand, k)], _rates, signed=True),
    Inner("sin", lambda operand, k: [_scaled("sin")(operand, k), _scaled("cos")(operand, k)], _rates),
    Inner("log", lambda operand, k: [("log", ("add", constant(k), operand))], _shifts),
    Inner("sqrt", lambda operand, k: [("sqrt", ("add", constant(k), operand))], _shifts),
)


def rationals_with_function(table: Table) -> Iterator[str]:
    """Rational functions of the columns and of a function of one of them, of a product, quotient or difference of
    two, or of a difference times a third one.
    """
    plain: list[Tree] = [("x", index) for index in table.indices]
    y = table.y[table.sample]
    for inner in INNER:
        extra = 2 if inner.needs == "sin" else 1
        columns = 2 * math.comb(len(plain) + extra + _DEGREE, _DEGREE)
        if inner.needs not in table.operations or columns > min(_MOST_COLUMNS, len(y) // 2):
            continue
        for operand in _operands(table):
            value = table.values(operand)
            if not bool(torch.isfinite(value).all()) or not float(value.max() - value.min()) > 0:
                continue
            for sign in (1, -1) if inner.signed else (1,):
                smallest = _smallest(table, inner, plain, operand, sign)
                for k in itertools.islice(dips(smallest, inner.grid(value)), _MOST_DIPS):
                    terms = _terms(table, inner, plain, operand, sign * k)
                    table.offer([vanishing(table, TARGETS[0], terms, terms, near=True)], "a fraction with a function")
            yield f"trying fractions with {inner.needs} of a product"


def _operands(table: Table) -> Iterator[Tree]:
    for i in table.indices:
        yield ("x", i)
    for i, j in itertools.combinations(table.indices, 2):
        yield ("mul", ("x", i), ("x", j))
        if table.nonzero(j):
            yield ("div", ("x", i), ("x", j))
        if table.nonzero(i):
            yield ("div", ("x", j), ("x", i))
        difference: Tree = ("sub", ("x", i), ("x", j))
        yield difference
        for k in table.indices:
            if k not in (i, j):
                yield ("mul", difference, ("x", k))


def _terms(table: Table, inner: Inner, plain: list[Tree], operand: Tree, k: float) -> Terms:
    return independent(table, monomials_of([*plain, *inner.features(operand, k)], _DEGREE))


def _smallest(table: Table, inner: Inner, plain: list[Tree], operand: Tree, sign: int) -> Callable[[float], float]:
    """The smallest singular value, of the logarithm of the constant's size."""
    rows = table.sample[:_ROWS]
    columns, y = table.columns[:, rows].unbind(), table.y[rows]
    count = len(plain)

    def smallest(log_k: float) -> float:
        features = [values(tree, columns) for tree in inner.features(operand, sign * math.exp(log_k))]
        every = [*columns, *features]
        leaves: list[Tree] = [("x", index) for index in range(count + len(features))]
        matrix = torch.stack([values(tree, every) for tree in monomials_of(leaves, _DEGREE)], 1)
        if inner.needs == "sin":
            # cos² is 1 - sin²: one of the columns says nothing new.
            matrix = matrix[:, :-1]
        matrix = torch.cat([matrix, -matrix * y[:, None]], 1)
        if not bool(torch.isfinite(matrix).all()):
            return math.inf
        return max(float(torch.linalg.svdvals(equilibrated(matrix)[0])[-1]), 1e-15)

    return smallest
