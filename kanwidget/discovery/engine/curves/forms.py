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


@dataclass(frozen=True, slots=True)
class Link:
    """A function of the target that makes a sum of what it is searched in: the logarithm for products."""

    name: str
    values: Callable[[Tensor], Tensor]
    slopes: Callable[[Tensor], Tensor]
    """Derivative by the target, for the rows' weights."""
    tree: Callable[[Tree, float], Tree]
    """The formula of the target, of the sum of terms and of its offset."""


def _identity(terms: Tree, offset: float) -> Tree:
    return total(terms, constant(offset))


def _exponential(terms: Tree, offset: float) -> Tree:
    return scaled(1.0, ("exp", terms))


def _negative_exponential(terms: Tree, offset: float) -> Tree:
    return scaled(-1.0, ("exp", terms))


def _inside(head: str) -> Callable[[Tree, float], Tree]:
    return lambda terms, offset: (head, total(constant(offset), terms))


IDENTITY = Link("sum", lambda y: y, torch.ones_like, _identity)
LINKS = (
    Link("logarithm", torch.log, lambda y: 1 / y, _exponential),
    Link("logarithm of the negative", lambda y: torch.log(-y), lambda y: 1 / y, _negative_exponential),
    Link("reciprocal", lambda y: 1 / y, lambda y: -1 / (y * y), _inside("inv")),
    Link("square", lambda y: torch.where(y >= 0, y * y, torch.nan), lambda y: 2 * y, _inside("sqrt")),
    Link("root", torch.sqrt, lambda y: 0.5 / y.sqrt(), _inside("sq")),
    Link("exponential", torch.exp, torch.exp, _inside("log")),
)


def quotient(left: Tree, right: Tree, factors: Sequence[float]) -> Tree:
    """`(a·f + b)/(1 + c·g)`."""
    return ("div", total(scaled(factors[0], left), constant(factors[2])), total(number(1), scaled(factors[1], right)))
