"""The forms in which pairs of atoms stand, and the trees that they give, with constants to start from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.discovery.engine.trees import Tree, constant, number

_C = constant(1.0)


def scaled(factor: float, tree: Tree) -> Tree:
    """A tree with a constant factor."""
    return ("mul", constant(factor), tree)


def total(*trees: Tree) -> Tree:
    """The sum of trees."""
    result = trees[0]
    for tree in trees[1:]:
        result = ("add", result, tree)
    return result


Terms = Sequence[tuple[float, Tree]]


def summed(terms: Terms) -> Tree:
    """The sum of terms with their factors; a multiple of 1 is a constant."""
    return total(*(constant(factor) if tree == ("n", 1) else scaled(factor, tree) for factor, tree in terms))


def _shifted(terms: Terms, offset: float) -> Tree:
    """The sum of terms and of one constant."""
    offset += sum(factor for factor, tree in terms if tree == ("n", 1))
    return total(summed([term for term in terms if term[1] != ("n", 1)]), constant(offset))


def multiplied(terms: Terms) -> Tree:
    """The exponential of a sum of terms, logarithms among them as powers.

    Examples:
        >>> multiplied([(2.0, ("log", ("x", 0))), (-1.0, ("x", 0))])
        ('mul', ('pow', ('x', 0), ('c', 2.0)), ('exp', ('mul', ('c', -1.0), ('x', 0))))
    """
    factors: list[Tree] = [("pow", tree[1], constant(factor)) for factor, tree in terms if tree[0] == "log"]
    exponents = [(factor, tree) for factor, tree in terms if tree[0] != "log"]
    if exponents:
        factors.append(("exp", summed(exponents)))
    result = factors[0]
    for factor in factors[1:]:
        result = ("mul", result, factor)
    return result


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
    """`(a·f + b)/(1 + c·g)`."""
    return ("div", total(scaled(factors[0], left), constant(factors[2])), total(number(1), scaled(factors[1], right)))
