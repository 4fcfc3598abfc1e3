"""Formulas as trees of operations, light enough to make by the million: values, derivatives and sympy's expression.

A tree is a nested tuple: `("x", 2)` is a column, `("c", 0.5)` a constant that a fit may move, `("n", 2)` an exact number that belongs
to the form, `(head, operand, …)` an operation of the table below: `("mul", ("c", 0.5), ("exp", ("x", 2)))`.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from kanwidget.discovery.engine.patience import look_at_the_clock

if TYPE_CHECKING:
    import sympy

Tree = tuple[Any, ...]

#: Most bits of an exact number.
_BITS = 4.0
#: Digits of decimals that are exact, and the largest denominator of other fractions.
_DIGITS, _LARGEST = 6, 1000


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of trees."""

    head: str
    values: Callable[..., Tensor]
    derivatives: Callable[..., tuple[Tensor | float, ...]]
    """Of the operands and the value: the partial derivative by each operand."""
    complexity: float
    """What the operation adds to the complexity of a formula."""
    sympy: Callable[..., Any]
    """Sympy's expression of the operands' expressions."""


def _unary(head: str, values: Any, derivative: Any, complexity: float, name: str = "") -> Operation:
    """An operation of one operand.

    Args:
        head: Its head.
        values: The operation on tensors.
        derivative: The derivative by the operand, from the operand u and the value v.
        complexity: What the operation adds to the complexity of a formula.
        name: Sympy's name; by default the head.
    """

    def build(operand: Any) -> Any:
        import sympy

        return getattr(sympy, name or head)(operand)

    return Operation(head, values, lambda u, v: (derivative(u, v),), complexity, build)


def _power_derivatives(u: Tensor, p: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """The derivatives of v = u^p by u and by p. The logarithm is that of at least 1e-300, so that it is finite where u is 0."""
    return p * u ** (p - 1), v * torch.log(u.clamp(min=1e-300))


#: One row an operation.
OPERATIONS = {
    row.head: row
    for row in (
        Operation("add", lambda a, b: a + b, lambda a, b, v: (1.0, 1.0), 1, lambda a, b: a + b),
        Operation("sub", lambda a, b: a - b, lambda a, b, v: (1.0, -1.0), 1, lambda a, b: a - b),
        Operation("mul", lambda a, b: a * b, lambda a, b, v: (b, a), 1, lambda a, b: a * b),
        Operation("div", lambda a, b: a / b, lambda a, b, v: (1 / b, -v / b), 1, lambda a, b: a / b),
        Operation("pow", lambda a, p: a**p, _power_derivatives, 1, lambda a, p: a**p),
        Operation("neg", lambda u: -u, lambda u, v: (-1.0,), 0.5, lambda a: -a),
        Operation("inv", lambda u: 1 / u, lambda u, v: (-v * v,), 1, lambda a: 1 / a),
        Operation("sq", lambda u: u * u, lambda u, v: (2 * u,), 1, lambda a: a**2),
        Operation("cube", lambda u: u * u * u, lambda u, v: (3 * u * u,), 1, lambda a: a**3),
        _unary("sqrt", torch.sqrt, lambda u, v: 0.5 / v, 1),
        _unary("exp", torch.exp, lambda u, v: v, 2),
        _unary("log", torch.log, lambda u, v: 1 / u, 2),
        _unary("sin", torch.sin, lambda u, v: torch.cos(u), 2),
        _unary("cos", torch.cos, lambda u, v: -torch.sin(u), 2),
        _unary("tan", torch.tan, lambda u, v: 1 + v * v, 2),
        _unary("tanh", torch.tanh, lambda u, v: 1 - v * v, 2),
        _unary("asin", torch.asin, lambda u, v: (1 - u * u).rsqrt(), 2),
        _unary("acos", torch.acos, lambda u, v: -(1 - u * u).rsqrt(), 2),
        _unary("atan", torch.atan, lambda u, v: 1 / (1 + u * u), 2),
        _unary("abs", torch.abs, lambda u, v: torch.sign(u), 2, "Abs"),
    )
}

#: The function of the library (`primitives()`) that an operation needs, where the library decides which are allowed.
PRIMITIVE_OF = {"exp": "exp", "log": "log", "sin": "sin", "cos": "cos", "tan": "tan", "tanh": "tanh", "asin": "arcsin",
                "acos": "arccos", "atan": "arctan", "abs": "abs", "sqrt": "sqrt"}  # fmt: skip


def constant(value: float) -> Tree:
    """The tree of a constant that a fit may move."""
    return ("c", float(value))


def number(value: int | float) -> Tree:
    """The tree of an exact number, which belongs to the form of a formula: no fit moves it."""
    return ("n", value)


def nodes(tree: Tree) -> Iterator[Tree]:
    """All nodes of a tree, which is a nested tuple `(head, operand, …)`: a node before its operands, from left to right."""
    remaining = [tree]
    while remaining:
        node = remaining.pop()
        yield node
        if node[0] in OPERATIONS:
            remaining.extend(node[:0:-1])  # the operands, the first one last: it is next


def with_leaves(tree: Tree, leaf: Callable[[Tree], Tree]) -> Tree:
    """The tree with what `leaf` makes of each leaf in its place, from left to right; a leaf is a column, a constant or an exact number."""
    return (tree[0], *(with_leaves(part, leaf) for part in tree[1:])) if tree[0] in OPERATIONS else leaf(tree)


def substituted(tree: Tree, columns: Sequence[Tree]) -> Tree:
    """The tree with a tree in the place of each column: `columns[i]` stands where column i was.

    Examples:
        >>> substituted(("exp", ("x", 0)), [("div", ("x", 1), ("x", 2))])
        ('exp', ('div', ('x', 1), ('x', 2)))
    """
    return with_leaves(tree, lambda leaf: columns[leaf[1]] if leaf[0] == "x" else leaf)


def digits(tree: Tree) -> float:
    """Bits that it takes to write down the exact numbers of a tree: |log2| of the size of each, but at most `_BITS`.

    So large numbers, such as those of units, cost no more than 16 does.

    Examples:
        >>> digits(("mul", ("n", 4), ("add", ("n", 1), ("x", 0))))
        2.0
    """
    return sum(min(abs(math.log2(abs(node[1]))), _BITS) for node in nodes(tree) if node[0] == "n" and node[1])


def values(tree: Tree, columns: Sequence[Tensor]) -> Tensor:
    """The values of a tree on rows: one for each entry of a column, also where the tree holds no column.

    Args:
        tree: A formula as nested tuples, column i as `("x", i)`.
        columns: A tensor for each column; all of one shape.

    Examples:
        >>> values(("mul", ("c", 2.0), ("sq", ("x", 0))), [torch.tensor([1.0, 3.0])])
        tensor([ 2., 18.])
    """
    look_at_the_clock()  # every judgement of a formula comes through here: a step that is late ends here
    result = _values(tree, columns)
    return result if isinstance(result, Tensor) and result.ndim else torch.full_like(columns[0], float(result))


def _values(tree: Tree, columns: Sequence[Tensor]) -> Any:
    """The values of a tree on rows; of a tree without columns a single number, which `values` expands."""
    head = tree[0]
    if head == "x":
        return columns[tree[1]]
    if head in ("c", "n"):
        return torch.tensor(float(tree[1]), dtype=columns[0].dtype)
    return OPERATIONS[head].values(*(_values(operand, columns) for operand in tree[1:]))


def constants(tree: Tree) -> list[float]:
    """The constants of a tree that a fit may move, `("c", value)`, in the order of `nodes`: from left to right."""
    return [node[1] for node in nodes(tree) if node[0] == "c"]


def with_constants(tree: Tree, numbers: Sequence[float]) -> Tree:
    """The tree with other numbers in its constants `("c", …)`, from left to right.

    Examples:
        >>> with_constants(("add", ("c", 1.0), ("mul", ("c", 1.0), ("x", 0))), [5, 6])
        ('add', ('c', 5.0), ('mul', ('c', 6.0), ('x', 0)))
    """
    order = itertools.count()
    return with_leaves(tree, lambda leaf: constant(numbers[next(order)]) if leaf[0] == "c" else leaf)


def product(parts: Sequence[Tree]) -> Tree:
    """The product of trees; 1 of none."""
    return functools.reduce(lambda a, b: ("mul", a, b), parts) if parts else number(1)


def total(parts: Sequence[Tree]) -> Tree:
    """The sum of trees; 0 of none."""
    return functools.reduce(lambda a, b: ("add", a, b), parts) if parts else number(0)


def multiple(factor: float, tree: Tree) -> Tree:
    """A tree times a constant factor that a fit may move; where the tree is the number 1, the constant itself."""
    return constant(factor) if tree == number(1) else ("mul", constant(factor), tree)


def terms_of(tree: Tree) -> list[Tree]:
    """The terms of a sum, from left to right; of a tree that is no sum the tree itself. A difference counts as one term."""
    return [*terms_of(tree[1]), *terms_of(tree[2])] if tree[0] == "add" else [tree]


def factored(term: Tree) -> tuple[float, Tree]:
    """A term's constant factor and what it multiplies: 1 where the term is a constant. A term without a factor gives 0 and itself."""
    if term[0] == "c":
        return term[1], number(1)
    return (term[1][1], term[2]) if term[0] == "mul" and term[1][0] == "c" else (0.0, term)


def form_of(tree: Tree) -> Tree:
    """The tree with 0 in the place of each constant: the same for trees that only differ in their constants' values.

    Examples:
        >>> form_of(("mul", ("c", 2.5), ("x", 0)))
        ('mul', ('c', 0.0), ('x', 0))
    """
    return with_constants(tree, [0.0] * len(constants(tree)))


def complexity(tree: Tree) -> float:
    """How complex a formula is: a column, a constant or a number counts 1, an operation as its row of `OPERATIONS` says."""
    return sum(OPERATIONS[node[0]].complexity if node[0] in OPERATIONS else 1.0 for node in nodes(tree))


def columns_of(tree: Tree) -> set[int]:
    """The indices of the columns that a tree holds."""
    return {node[1] for node in nodes(tree) if node[0] == "x"}


def expression(tree: Tree, symbols: Sequence[sympy.Symbol]) -> sympy.Expr:
    """The tree in sympy, its constants as decimals, its exact numbers as fractions or roots; `symbols` has one for each column.

    Examples:
        >>> import sympy
        >>> expression(("div", ("c", 2.5), ("add", ("n", 1), ("sq", ("x", 0)))), [sympy.Symbol("t")])
        2.5/(t**2 + 1)
        >>> expression(("mul", ("c", 2.0), ("sqrt", ("mul", ("n", 0.1), ("x", 0)))), [sympy.Symbol("t")]).evalf(3)
        0.632*t**0.5
    """
    import sympy

    def visit(node: Tree) -> Any:
        """Sympy's expression of a node: decimals for constants, exact numbers for those of the form."""
        head = node[0]
        if head == "x":
            return symbols[node[1]]
        if head == "c":
            return sympy.Float(node[1])
        return _exact(float(node[1])) if head == "n" else OPERATIONS[head].sympy(*map(visit, node[1:]))

    def merged(product: Any) -> Any:
        """The product with all its numbers as one decimal; unchanged where these are no finite real number."""
        numbers, rest = product.as_independent(sympy.Symbol)
        return numbers.evalf() * rest if numbers.is_finite and numbers.is_real else product

    # A decimal times a root, of a unit's root, is a decimal.
    return visit(tree).replace(
        lambda e: e.is_Mul and e.args[0].is_Float and sum(part.is_number for part in e.args) > 1, merged
    )


@functools.cache
def _exact(value: float) -> Any:
    """The number that a float stands for: a short decimal, a fraction, also of π, or the root of one; else a decimal that isn't exact."""
    import sympy

    # Fractions and roots have a denominator up to `_LARGEST`, and are equal to the float but for its round-off.
    if value.is_integer():
        return sympy.Integer(int(value))
    if float(f"{value:.{_DIGITS}g}") == value:
        return sympy.Rational(repr(value))
    for part, back in ((value, 1), (value / math.pi, sympy.pi)):
        fraction = sympy.Rational(part).limit_denominator(_LARGEST)
        if abs(float(fraction) - part) <= 1e-15 * abs(part):
            return fraction * back
    square = sympy.Rational(value**2).limit_denominator(_LARGEST)
    if abs(float(square) - value**2) <= 1e-15 * value**2:
        return sympy.sign(value) * sympy.sqrt(square)
    return sympy.Float(value)


def from_expression(expr: Any, symbols: Sequence[Any]) -> Tree | None:
    """The tree of a sympy expression; None where it holds a function that trees don't have.

    Column i is the symbol at place i of `symbols`. Decimals become constants that a fit may move, other numbers exact ones.

    Examples:
        >>> import sympy
        >>> t = sympy.Symbol("t")
        >>> from_expression(2.5 / (t**2 + 1), [t])
        ('div', ('c', 2.5), ('add', ('n', 1), ('sq', ('x', 0))))
    """
    import sympy

    indices = {symbol: index for index, symbol in enumerate(symbols)}

    def sum_of(node: Any) -> Tree:
        """A sum: terms with a minus are subtracted."""
        minus = [term for term in node.args if term.as_coeff_Mul()[0] < 0]
        plus = [visit(term) for term in node.args if term not in minus]
        tree = total(plus) if plus else ("neg", visit(-minus.pop(0)))  # where all have a minus the first one begins
        for term in minus:
            tree = ("sub", tree, visit(-term))
        return tree

    def product_of(node: Any) -> Tree:
        """A product: what has a negative exponent is divided by."""
        factors = node.as_ordered_factors()
        if factors[0] == -1:
            return ("neg", visit(sympy.Mul(*factors[1:])))
        below = [factor for factor in factors if factor.is_Pow and factor.exp.is_number and factor.exp.is_negative]
        above = [visit(factor) for factor in factors if factor not in below]
        if not below:
            return product(above)
        under = product([visit(1 / factor) for factor in below])
        return ("div", product(above), under) if above else ("inv", under)

    def visit(node: Any) -> Tree:
        """The tree of a node: `("x", index)` for a symbol, `("c", value)` for a decimal, `("n", value)` for an exact real number.

        Of anything else a head with the trees of its operands.
        """
        if node in indices:
            return ("x", indices[node])
        if node.is_Float:
            return constant(node)
        if node.is_number:
            if not node.is_real:
                raise _NoTreeError
            return number(int(node) if node.is_Integer else float(node))
        if node.is_Pow and node.exp.is_number:
            short = {2: "sq", 3: "cube", -1: "inv", sympy.Rational(1, 2): "sqrt"}
            if node.exp in short:
                return (short[node.exp], visit(node.base))
        elif node.is_Add or node.is_Mul:
            return sum_of(node) if node.is_Add else product_of(node)
        head = {"Pow": "pow", "Abs": "abs"}.get(node.func.__name__, node.func.__name__)
        if head not in OPERATIONS:
            raise _NoTreeError
        return (head, *map(visit, node.args))

    try:
        return visit(expr)
    except _NoTreeError:
        return None


class _NoTreeError(Exception):
    """For numbers that aren't real, and functions that trees don't have."""
