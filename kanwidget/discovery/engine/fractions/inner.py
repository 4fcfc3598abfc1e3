"""Rational functions of the columns and of one function with an unknown constant: y·Q(x, exp(k·m)) = P(x, exp(k·m)).

As in `links`: for the right k a combination of the monomials of P and of y times those of Q vanishes on all rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from kanwidget.discovery.engine.assembly import power, targets_of
from kanwidget.discovery.engine.fractions.links import dips
from kanwidget.discovery.engine.fractions.polynomials import independent, nearly_vanishing, smallest_values
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.targets import TARGETS, Target
from kanwidget.discovery.engine.trees import Tree, columns_of, constant, product, values

#: Degree of P and Q, and most columns of a system.
_DEGREE, _MOST_COLUMNS = 2, 80
_GRID = 35
#: Most values lie within so many times what half of them span.
_QUARTERS = 4.0
#: Up to so many columns squares of columns and powers with a column as exponent count, too.
_FEW_OPERANDS = 3
#: Functions of y beside itself that are tried for up to so many columns: log y, y², √y, exp y.
_OTHERS, _FEW_COLUMNS = (2, 3, 4, 6), 2
#: Rows on which dips are looked for, and how many at most for each operand.
_ROWS, _MOST_DIPS = 96, 3


@dataclass(frozen=True, slots=True)
class Inner:
    """A kind of function with a constant, as features of a rational function."""

    needs: str
    features: Callable[[Tree, Tree], list[Tree]]
    """Of the operand and the constant."""
    grid: Callable[[Tensor], Tensor]
    """Sizes of the constant to begin with, of the operand's values; both signs are tried where `signed`."""
    signed: bool = False


def _rates(value: Tensor) -> Tensor:
    """Sizes of the rate k to try in exp(k·m) or sin(k·m), ascending, for an operand m with these values, `(rows,)`."""
    # Quotients have few large values: what most of them span says what a rate may be. Over that span k·m changes by 0.25 to 80.
    low, quarter, three_quarters, high = value.quantile(
        torch.tensor([0.0, 0.25, 0.75, 1.0], dtype=value.dtype)
    ).tolist()
    span = min(high - low, _QUARTERS * (three_quarters - quarter)) or high - low
    return torch.logspace(-0.6, 1.9, _GRID, dtype=torch.float64) / span


def _shifts(value: Tensor) -> Tensor:
    """Constants k to try in log(k + m) or √(k + m), ascending: from a hundredth of the operand's median size to some thirty times it.

    `value` has the values of the operand m, `(rows,)`.
    """
    return float(value.abs().median()) * torch.logspace(-2, 1.5, _GRID, dtype=torch.float64)


def _scaled(head: str) -> Callable[[Tree, Tree], Tree]:
    """A function that makes the tree of f(k·m), of the trees of an operand m and a constant k; `head` says which function f is."""
    return lambda operand, k: (head, ("mul", k, operand))


#: One row a kind.
INNER = (
    Inner("exp", lambda operand, k: [_scaled("exp")(operand, k)], _rates, signed=True),
    Inner("sin", lambda operand, k: [_scaled("sin")(operand, k), _scaled("cos")(operand, k)], _rates),
    Inner("log", lambda operand, k: [("log", ("add", k, operand))], _shifts),
    Inner("sqrt", lambda operand, k: [("sqrt", ("add", k, operand))], _shifts),
)


def rationals_with_function(table: EngineTable) -> Iterator[str]:
    """Offer y as a fraction of polynomials in the columns and in f(k·m): f is exp, sin and cos, log or a root, k an unknown constant.

    The operand m is a column, a product, quotient or difference of two, or a difference times a third one; of few columns exp(k·m) may be
    a power. The table's pool takes the formulas; it yields in words what is tried.
    """
    for inner in INNER:
        if inner.needs not in table.operations:
            continue
        powers = _powers(table) if inner.needs == "exp" and len(table.indices) <= _FEW_OPERANDS else ()
        for operand in itertools.chain(_operands(table), powers):
            value = table.values(operand)
            if not bool(torch.isfinite(value).all()) or not float(value.max() - value.min()) > 0:
                continue
            for system in _systems(table, inner, operand):
                for sign in (1, -1) if inner.signed else (1,):
                    _offer(table, system, inner.grid(value), sign)
            yield f"trying fractions with {inner.needs} of a product"


def _offer(table: EngineTable, system: _System, grid: Tensor, sign: int) -> None:
    """Offer y = P/Q, and T(y) = P/Q for some functions T, at constants k where a combination P - T(y)·Q nearly vanishes on all rows.

    There the smallest singular value of the products in P and of T(y) times those in Q, as a function of k, has a sharp dip.

    Args:
        table: Columns and y; its pool takes the formulas.
        system: The products that P is a sum of, some of which hold a function with the constant k; Q has the first `below` of them.
        grid: Sizes of the constant to begin with, ascending.
        sign: 1 or -1, the sign of the constant.
    """
    log_grid = grid.log()
    begun = system.matrices(sign * log_grid.exp())
    for target in _targets(table):
        y = target.values(table.y[table.sample[:_ROWS]])[:, None]

        # The defaults keep what each function takes from this round of the loop.
        def heights(matrices: Tensor, y: Tensor = y) -> Tensor:
            """Smallest singular values, `(constants,)`, of the products' values, `(constants, rows, products)`."""
            return smallest_values(torch.cat([matrices, -matrices[:, :, : system.below] * y], 2))

        def smallest(log_k: Tensor, heights: Callable[[Tensor], Tensor] = heights) -> Tensor:
            return heights(system.matrices(sign * log_k.exp()))

        for k in dips(smallest, log_grid, heights(begun))[:_MOST_DIPS]:
            trees = system.trees(constant(sign * k))
            above, below = independent(table, trees), independent(table, trees[: system.below])
            table.offer(nearly_vanishing(table, target, above, below), "a fraction with a function")


@dataclass(frozen=True)
class _System:
    """What numerator and denominator are made of: products of features, one of which has the constant."""

    table: EngineTable
    plain: list[Tree]
    """Features without the constant."""
    functions: Callable[[Tree], list[Tree]]
    """Those with it, of the constant; they come after the plain ones."""
    products: list[tuple[int, ...]]
    """Which features each product holds; the first one none."""
    below: int
    """How many of them the denominator is made of."""

    def trees(self, k: Tree) -> list[Tree]:
        """The trees of the system's products of features, for a constant k in the features that have one.

        Features without the constant are `plain`; `products` has the indices of each product's features.
        """
        features = [*self.plain, *self.functions(k)]
        return [_product(features, chosen) for chosen in self.products]

    @cached_property
    def _columns(self) -> list[Tensor]:
        """The table's columns on some of its rows, `(1, rows)` each."""
        return [column[None] for column in self.table.columns[:, self.table.sample[:_ROWS]]]

    @cached_property
    def _plain(self) -> list[Tensor]:
        """Values of the features without the constant on some rows, `(1, rows)` each: computed once for all constants."""
        return [values(tree, self._columns) for tree in self.plain]

    @cached_property
    def _factors(self) -> Tensor:
        """Indices of each product's features, `(products, most features)`; -1, a feature of ones, fills up short products."""
        longest = max(map(len, self.products))
        return torch.tensor([[*chosen, *[-1] * (longest - len(chosen))] for chosen in self.products])

    def matrices(self, constants: Tensor) -> Tensor:
        """Values of the products on some rows, `(constants, rows, products)`, for several values of the constant, `(constants,)`."""
        constant: Tree = ("x", len(self._columns))  # one column more, with a value for each constant
        columns = [*self._columns, constants[:, None]]
        features = [*self._plain, *(values(tree, columns) for tree in self.functions(constant))]
        stacked = torch.stack(torch.broadcast_tensors(*features, torch.ones_like(self._columns[0])), 2)
        return stacked[:, :, self._factors].prod(-1)  # `_factors`: the places of each product's features


def _product(features: list[Tree], chosen: tuple[int, ...]) -> Tree:
    """The product of the features with some indices, in rising order; one that comes more than once as a power."""
    groups = itertools.groupby(chosen)
    return product([power(features[index], len(list(group))) for index, group in groups])


def _systems(table: EngineTable, inner: Inner, operand: Tree) -> Iterator[_System]:
    """Systems: the products of features that numerator and denominator of a fraction are sums of.

    Features are columns and the functions with the unknown constant, `inner.features` of the operand. Of few columns there are the products
    of up to two features; then those of any different ones of the operand, the functions, and the columns that aren't in the operand.
    The last number of a system says how many of its products, the first ones, the denominator may have; product 0 is 1.
    """
    # How many products a system may have: each makes a column in numerator and denominator, and each column needs two rows.
    most = min(_MOST_COLUMNS, len(table.sample) // 2) // 2

    def functions(k: Tree) -> list[Tree]:
        return inner.features(operand, k)

    extra = len(functions(constant(1.0)))
    plain: list[Tree] = [("x", index) for index in table.indices]
    numbers = range(len(plain) + extra)
    products = [c for size in range(_DEGREE + 1) for c in itertools.combinations_with_replacement(numbers, size)]
    if inner.needs == "sin":
        products.pop()  # cos² is 1 - sin²: one of the columns says nothing new
    if len(products) <= most and len(plain) <= _FEW_OPERANDS:
        yield _System(table, plain, functions, products, len(products))
        if len(plain) <= _FEW_COLUMNS:  # also with a constant denominator: fewer coefficients tell apart more
            yield _System(table, plain, functions, products, 1)
    beside = [operand, *(leaf for leaf in plain if leaf[1] not in columns_of(operand))]
    numbers = range(len(beside) + extra)
    if 2 ** len(numbers) <= most:
        products = [c for size in range(len(numbers) + 1) for c in itertools.combinations(numbers, size)]
        yield _System(table, beside, functions, products, len(products))


def _targets(table: EngineTable) -> list[Target]:
    """The functions of y that a fraction may be: y and, of few columns, log y, y², √y and exp y; 1/y is a fraction where y is one."""
    others = [TARGETS[i] for i in _OTHERS] if len(table.indices) <= _FEW_COLUMNS else []
    return [TARGETS[0], *targets_of(table, others)]


def _operands(table: EngineTable) -> Iterator[Tree]:
    """Operands m of f(k·m), as trees: columns, products, quotients and differences of two, and differences times a third column."""
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


def _powers(table: EngineTable) -> Iterator[Tree]:
    """Operands m of columns u, v by which exp(k·m) is a power, v^(k·u) or (1 + v)^(k·u); and u·(1 - v), for v a part of a whole, 0 to 1."""
    one: Tree = ("n", 1)
    for i, j in itertools.permutations(table.indices, 2):
        if "log" in table.operations and table.positive(j):
            yield ("mul", ("x", i), ("log", ("x", j)))
            yield ("mul", ("x", i), ("log", ("add", one, table.undivided(j))))
        part = table.columns[j] * table.units[j]
        if bool(((part >= 0) & (part <= 1)).all()):
            yield ("mul", ("x", i), ("sub", one, table.undivided(j)))
