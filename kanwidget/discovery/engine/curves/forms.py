"""Atoms made by a grammar, the forms in which pairs of them stand, and the trees that these give, with constants to start from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.discovery.engine.trees import (
    OPERATIONS,
    Tree,
    complexity,
    constant,
    multiple,
    nodes,
    number,
    product,
    total,
)

X: Tree = ("x", 0)
C: Tree = ("c", 1.0)
_ONE: Tree = ("n", 1)

#: Operations that every formula may hold.
_ARITHMETIC = frozenset({"add", "sub", "mul", "div", "neg", "inv", "sq", "cube", "sqrt", "pow"})

_FUNCTIONS = ("exp", "log", "sin", "cos", "tan", "tanh", "atan", "asin", "acos", "sqrt", "inv")
_POWERS = (
    -5, -4, -3, -2.5, -2, -1.5, -1, -0.5, 1 / 3, 0.5, 2 / 3, 1, 1.5, 2,
    2.5, 3, 4, 5, 6, 8, -6, -7, -8, -9, -10, -12,
)  # fmt: skip


def scaled(factor: float, tree: Tree) -> Tree:
    """A tree with a constant factor."""
    return ("mul", constant(factor), tree)


Terms = Sequence[tuple[float, Tree]]


def summed(terms: Terms) -> Tree:
    """The tree of a sum of terms, each a factor and a tree; a multiple of 1 is a constant."""
    return total([multiple(factor, tree) for factor, tree in terms])


def _shifted(terms: Terms, offset: float) -> Tree:
    """The sum of terms (factors and trees) and of one constant, which takes in the offset and all multiples of 1."""
    offset += sum(factor for factor, tree in terms if tree == ("n", 1))
    return ("add", summed([term for term in terms if term[1] != ("n", 1)]), constant(offset))


def multiplied(terms: Terms) -> Tree:
    """The exponential of a sum of terms, which are factors and trees, as a product: logarithms among them become powers.

    Examples:
        >>> multiplied([(2.0, ("log", ("x", 0))), (-1.0, ("x", 0))])
        ('mul', ('pow', ('x', 0), ('c', 2.0)), ('exp', ('mul', ('c', -1.0), ('x', 0))))
    """
    factors: list[Tree] = [("pow", tree[1], constant(factor)) for factor, tree in terms if tree[0] == "log"]
    exponents = [(factor, tree) for factor, tree in terms if tree[0] != "log"]
    if exponents:
        factors.append(("exp", summed(exponents)))
    return product(factors)


@dataclass(frozen=True, slots=True)
class Link:
    """A function of the target that makes a sum of what it is searched in: the logarithm for products."""

    name: str
    values: Callable[[Tensor], Tensor]
    slopes: Callable[[Tensor], Tensor]
    """Derivative by the target, for the rows' weights."""
    tree: Callable[[Terms, float], Tree]
    """The formula of the target, of the terms of the sum and of its offset."""


def _inside(head: str) -> Callable[[Terms, float], Tree]:
    """A function that makes the tree of `head(sum)`, of the terms of the sum (factors and trees) and an offset."""
    return lambda terms, offset: (head, _shifted(terms, offset))


IDENTITY = Link("sum", lambda y: y, torch.ones_like, _shifted)
LINKS = (
    Link("logarithm", torch.log, lambda y: 1 / y, lambda terms, _: scaled(1.0, multiplied(terms))),
    Link(
        "logarithm of the negative",
        lambda y: torch.log(-y),
        lambda y: 1 / y,
        lambda terms, _: scaled(-1.0, multiplied(terms)),
    ),
    Link("reciprocal", lambda y: 1 / y, lambda y: -1 / (y * y), _inside("inv")),
    Link("square", lambda y: torch.where(y >= 0, y * y, torch.nan), lambda y: 2 * y, _inside("sqrt")),
    Link("root", torch.sqrt, lambda y: 0.5 / y.sqrt(), _inside("sq")),
    Link("exponential", torch.exp, torch.exp, _inside("log")),
)


def quotient(left: Tree, right: Tree, factors: Sequence[float]) -> Tree:
    """`(a·f + b)/(1 + c·g)`, of trees f and g; `factors` are a, c and b."""
    above = ("add", scaled(factors[0], left), constant(factors[2]))
    return ("div", above, ("add", number(1), scaled(factors[1], right)))


# ---- functions of one variable, made by a grammar: arguments, functions of them, and functions of those
#
# Each is an *atom*: a tree without a factor of its own. Atoms without constants come first; then those with up to three constants, which
# a table of atoms holds at many values.


def power(base: Tree, exponent: float) -> Tree:
    """A power with an exact exponent, which no fit changes, written as short as it can be.

    Examples:
        >>> power(X, -2)
        ('inv', ('sq', ('x', 0)))
        >>> power(X, 1.5)
        ('mul', ('x', 0), ('sqrt', ('x', 0)))
    """
    if exponent < 0:
        return ("inv", power(base, -exponent))
    short = {0.5: ("sqrt", base), 1: base, 1.5: ("mul", base, ("sqrt", base)), 2: ("sq", base), 3: ("cube", base)}
    return short.get(exponent, ("pow", base, ("n", exponent)))


def plain_atoms(functions: frozenset[str]) -> list[Tree]:
    """Atoms without constants, small formulas of x that larger ones are put together from, the simplest first.

    Args:
        functions: Heads that may be used beside arithmetic.
    """
    trees = [power(X, exponent) for exponent in _POWERS]
    trees += list(_plain_arguments())
    trees += [(head, argument) for head in _FUNCTIONS for argument in _plain_arguments()]
    trees += [(head, (function, X)) for head in ("sq", "cube") for function in ("log", "sin", "cos", "tanh")]
    trees += [("exp", ("neg", argument)) for argument in _plain_arguments()]
    trees += [("abs", ("sub", X, ("n", shift))) for shift in (-1, 0, 1)]
    trees += [(head, ("add", ("exp", X), ("exp", ("neg", X)))) for head in ("inv", "log")]
    return _allowed(trees, functions)


def _plain_arguments() -> Iterator[Tree]:
    """Arguments of functions, without a constant to fit: x, its powers and multiples, simple functions of it, and sums with 1 or 2."""
    square = ("sq", X)
    yield from (X, square, ("cube", X), ("sqrt", X), ("inv", X), ("inv", square))
    yield from (("add", X, _ONE), ("sub", X, _ONE), ("sub", _ONE, X))
    yield from (("add", square, _ONE), ("sub", square, _ONE), ("sub", _ONE, square))
    yield from (("add", square, X), ("sub", square, X), ("add", ("cube", X), X), ("add", ("sqrt", X), _ONE))
    yield from (("add", ("add", square, X), _ONE), ("div", square, ("n", 2)), ("mul", ("n", math.pi), X))
    yield from (("mul", ("n", number), X) for number in (0.5, 2, 3, 4))
    yield from (("exp", X), ("exp", ("neg", X)), ("log", X), ("sin", X), ("cos", X), ("cos", square))
    yield from (("add", _ONE, ("exp", X)), ("sub", ("exp", X), _ONE), ("sub", ("exp", ("inv", X)), _ONE))
    yield from (("add", _ONE, ("exp", ("neg", X))), ("add", _ONE, ("log", X)), ("add", ("cube", X), _ONE))
    yield from (("add", ("n", 2), ("sin", X)), ("add", ("n", 2), ("cos", X)), ("sub", ("n", 2), X))


def polynomials(most: int) -> list[Tree]:
    """Polynomials of degree 1 to `most`, each term with a factor."""
    terms = [C, *(("mul", C, power(X, degree)) for degree in range(1, most + 1))]
    return [total(terms[:count]) for count in range(2, most + 2)]


def atoms_with_constants(functions: frozenset[str]) -> list[Tree]:
    """Atoms with one to three constants, small formulas of x that larger ones are put together from, the simplest first.

    Args:
        functions: Heads that may be used beside arithmetic.
    """
    return _allowed([*_rates(), *_shifts(), *_scaled_powers(), *_exponentials(), *_nested()], functions)


def _rates() -> Iterator[Tree]:
    """Trees `f(c·u)`, of functions f and of powers u of x; the constant c is to be fitted."""
    arguments = (X, ("sq", X), ("inv", X), ("sqrt", X), ("cube", X), ("inv", ("sq", X)))
    for argument in arguments:
        yield ("exp", ("mul", C, argument))
    for head in ("sin", "cos"):
        for argument in arguments[:4]:
            yield (head, ("mul", C, argument))
    for head in ("tanh", "atan", "tan", "asin", "acos"):
        for argument in arguments[:3]:
            yield (head, ("mul", C, argument))


def _shifts() -> Iterator[Tree]:
    """Trees `f(u + c)`, and with a second constant `f(c·(x + c))`, `exp(c/(u + c))`, `(u + c)^c`; u is x or a simple function of it.

    Each c (`C`) is a constant of its own, whose number isn't used.
    """
    arguments = (X, ("sq", X), ("sqrt", X), ("log", X), ("cube", X), ("cos", X), ("sin", X))
    for argument in arguments:
        shifted = ("add", argument, C)
        yield from (("inv", shifted), ("log", shifted), ("sqrt", shifted), ("inv", ("sqrt", shifted)))
        yield from (("inv", ("sq", shifted)), ("exp", ("div", C, shifted)), ("pow", shifted, C))
    right, below, below_square = ("add", X, C), ("sub", C, X), ("sub", C, ("sq", X))
    yield from (right, ("add", ("sq", X), C), ("sq", right), ("cube", right), ("abs", right))
    yield from (("sqrt", below), ("sqrt", below_square), ("log", below))
    yield from (("inv", below_square), ("inv", ("sqrt", below_square)), ("inv", ("sqrt", below)))
    yield from (("pow", below, C), ("pow", below_square, C))
    moved = ("mul", C, right)
    yield from (("exp", ("mul", C, ("sq", right))), ("inv", ("add", C, ("sq", right))))
    yield from (("tanh", moved), ("sq", ("tanh", moved)), ("atan", moved), ("sqrt", ("add", C, ("sq", right))))
    yield ("inv", ("add", ("add", ("sq", X), ("mul", C, X)), C))
    yield ("exp", ("mul", C, ("sq", ("log", ("mul", C, X)))))


def _scaled_powers() -> Iterator[Tree]:
    """Trees `x^c`, `f((c·x)^c)` and `f(1 + (c·x)^c)`; each c (`C`) is a constant of its own, whose number isn't used."""
    scaled = ("pow", ("mul", C, X), C)
    yield ("pow", X, C)
    yield from (("exp", ("neg", scaled)), ("exp", scaled))
    for head in ("inv", "log", "sqrt"):
        yield (head, ("add", _ONE, scaled))
    yield ("pow", ("add", _ONE, scaled), C)
    yield from (("inv", ("sq", ("add", _ONE, scaled))), ("sin", scaled), ("cos", scaled))


def _exponentials() -> Iterator[Tree]:
    """Trees `f(exp(c·u) ± 1)`, with a second constant `f(c·exp(c·u) + 1)`, and 1/tanh²; u is x, 1/x or x², each c its own constant."""
    for argument in (X, ("inv", X), ("sq", X)):
        growth = ("exp", ("mul", C, argument))
        for sum_ in (("add", growth, _ONE), ("sub", growth, _ONE), ("sub", _ONE, growth)):
            yield from (("inv", sum_), ("log", sum_), ("sqrt", sum_), ("sq", sum_), ("inv", ("sq", sum_)))
        yield ("exp", ("mul", C, growth))
        for head in ("inv", "log", "sqrt"):
            yield (head, ("add", _ONE, ("mul", C, growth)))
        yield ("pow", ("sub", _ONE, growth), C)
        yield from (("sub", growth, _ONE), ("add", _ONE, ("mul", C, growth)))
        yield ("pow", ("add", _ONE, ("mul", C, growth)), C)
        yield ("inv", ("sq", ("tanh", ("mul", C, argument))))


def _nested() -> Iterator[Tree]:
    """Functions of waves and of steps, with constants for their rates: exponentials, inverses, roots, logarithms and squares of these."""
    for head in ("sin", "cos"):
        wave = (head, ("mul", C, X))
        yield from (("exp", ("mul", C, (head, X))), ("exp", ("mul", C, wave)), ("inv", ("add", wave, C)))
        yield from (("sqrt", ("add", wave, C)), ("log", ("add", wave, C)), ("sq", wave), ("inv", wave))
    yield from (("log", ("cos", ("mul", C, X))), ("sq", ("tanh", ("mul", C, X))), ("inv", ("tanh", ("mul", C, X))))
    yield ("inv", ("sq", ("cos", ("mul", C, X))))
    yield ("tanh", ("sqrt", ("mul", C, X)))


def _allowed(trees: list[Tree], functions: frozenset[str]) -> list[Tree]:
    """The trees whose operations are allowed, the simplest first, each once."""
    forbidden = OPERATIONS.keys() - _ARITHMETIC - functions
    unique = dict.fromkeys(tree for tree in trees if forbidden.isdisjoint(node[0] for node in nodes(tree)))
    return sorted(unique, key=complexity)
