"""Targets: functions of y that may be simpler than y, a sum or a product of atoms, and the way back to y."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.discovery.engine.trees import Tree

#: Part of rows, and of the squares of y, that may have the other sign.
_OTHER, _WEIGHT = 0.25, 1e-3


@dataclass(frozen=True, slots=True)
class Target:
    """One function of y."""

    name: str
    """In words, with y in braces."""
    values: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]
    """Derivative by y: rows are weighted by its inverse, so that errors are those of y."""
    back: Callable[[Tree, Tensor], Tree]
    """The tree of y, of the tree of the function's value and the values of y."""
    needs: str = ""
    """The operation that the way back takes, where it is no arithmetic."""


def _signed(tree: Tree, y: Tensor) -> Tree:
    """A tree with values above 0, such as a root, as a formula of y, `(rows,)`: with a minus where y is negative on average."""
    return tree if float(y.mean()) > 0 else ("neg", tree)


TARGETS = (
    Target("{}", lambda y: y, torch.ones_like, lambda tree, y: tree),
    Target("1/{}", lambda y: 1 / y, lambda y: 1 / y**2, lambda tree, y: ("inv", tree)),
    Target("log({})", lambda y: y.abs().log(), lambda y: 1 / y, lambda tree, y: _signed(("exp", tree), y), "exp"),
    Target("{}²", lambda y: y**2, lambda y: 2 * y, lambda tree, y: _signed(("sqrt", tree), y), "sqrt"),
    Target("√{}", lambda y: y.abs().sqrt(), lambda y: 0.5 / y.abs().sqrt(), lambda tree, y: _signed(("sq", tree), y)),
    Target("1/{}²", lambda y: y**-2, lambda y: 2 * y**-3, lambda tree, y: _signed(("inv", ("sqrt", tree)), y), "sqrt"),
    Target("exp({})", torch.exp, torch.exp, lambda tree, y: ("log", tree), "log"),
    Target("sin({})", torch.sin, torch.cos, lambda tree, y: ("asin", tree), "asin"),
    Target("cos({})", torch.cos, torch.sin, lambda tree, y: ("acos", tree), "acos"),
    Target("tan({})", torch.tan, lambda y: 1 + torch.tan(y) ** 2, lambda tree, y: ("atan", tree), "atan"),
    Target("artanh({})", torch.atanh, lambda y: 1 / (1 - y**2), lambda tree, y: ("tanh", tree), "tanh"),
)
#: Those that laws have most often.
COMMON = TARGETS[:4]
#: Ranges of y outside of which two of them have one value, or nothing is left of digits.
_WITHIN = {
    "exp({})": (-20.0, 20.0),
    "sin({})": (-torch.pi / 2, torch.pi / 2),
    "tan({})": (-torch.pi / 2, torch.pi / 2),
    "cos({})": (0.0, torch.pi),
}


def _has_one_sign(y: Tensor) -> bool:
    """Whether y has one sign, but for rows near 0 whose sign noise may have made: of logarithms and roots these weigh nothing."""
    other = y * y.sum().sign() <= 0
    # Fewer than a quarter of the rows, with next to nothing of the sum of squares.
    return float(other.double().mean()) < _OTHER and float(y[other].square().sum()) <= _WEIGHT * float(y.square().sum())


def usable(target: Target, y: Tensor, operations: frozenset[str]) -> bool:
    """Whether a function of y, `(rows,)`, can be searched for in place of y, with `operations` as heads that formulas may hold.

    It must have finite values and slopes on all rows, one y for each value, and a way back by these operations.
    """
    if target.needs and target.needs not in operations:
        return False
    if target.name in ("log({})", "√{}") and not _has_one_sign(y):
        return False
    # Here rows near 0 would weigh everything.
    if target.name in ("{}²", "1/{}²") and not bool((y > 0).all() or (y < 0).all()):
        return False
    # Outside of its range a wave has one value for two y, and an exponential loses digits.
    if target.name in _WITHIN:
        low, high = _WITHIN[target.name]
        if not low <= float(y.min()) < float(y.max()) <= high:
            return False
    return bool(torch.isfinite(target.values(y)).all() and torch.isfinite(target.slope(y)).all())
