"""How far two formulas agree on points, relative to how much the values vary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from kanwidget.symbolic.formulas.evaluation import evaluate

#: The part of the points that counts: beside a pole, or where large numbers cancel, digits are lost.
_PART = 0.99
#: Relative error of rounding, with room for some operations.
_ROUNDING = 1e-13
#: A spread below this part of the values is none.
_CONSTANT = 1e-12


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two formulas agree."""

    error: float
    """The largest difference at 99 of 100 points where both are finite, in units of the spread, or of the distance from the median
    where that is larger."""
    both: int
    """Points at which both are finite."""
    one: float
    """Part of the points with values at which only one of them is finite."""


def agreement(a: Any, b: Any, columns: dict[Any, Tensor], points: int) -> Agreement:
    """How far expressions agree on points.

    Examples:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> column = torch.linspace(-1, 2, 300, dtype=torch.float64)
        >>> result = agreement(sympy.log(x), sympy.log(x**2) / 2, {x: column}, 300)
        >>> result.both, round(result.one, 2), result.error < 1e-12
        (200, 0.33, True)
    """
    first, second = (values(expr, columns, points) for expr in (a, b))
    finite = torch.isfinite(first), torch.isfinite(second)
    both, either = finite[0] & finite[1], finite[0] | finite[1]
    count = int(both.sum())
    one = 1 - count / max(int(either.sum()), 1)
    if not count:
        return Agreement(float("nan"), 0, one)
    rounding = _ROUNDING * (_size_of_terms(a, columns, points) + _size_of_terms(b, columns, points))[both]
    return Agreement(_relative_difference(first[both], second[both], rounding), count, one)


def values(expr: Any, columns: dict[Any, Tensor], points: int) -> Tensor:
    """The expression on the points; undefined functions are some smooth functions, the same at each call."""
    import sympy

    curves = {str(node.func): _stand_in for node in expr.atoms(sympy.core.function.AppliedUndef)}
    with torch.no_grad():
        return evaluate(expr, columns, curves, like=torch.zeros(points, dtype=torch.float64))


def _stand_in(*operands: Tensor) -> Tensor:
    total = torch.zeros_like(operands[0])
    for i, operand in enumerate(operands):
        total = total + torch.sin((1.3 + i) * operand + 0.7) + 0.3 * operand
    return total


def _size_of_terms(expr: Any, columns: dict[Any, Tensor], points: int) -> Tensor:
    """The sum of the absolute values of the terms: the rounding errors of a sum are parts of these, not of the sum."""
    import sympy

    terms = [values(term, columns, points).abs() for term in sympy.Add.make_args(expr)]
    return torch.nan_to_num(torch.stack(terms).sum(0))


def _relative_difference(first: Tensor, second: Tensor, rounding: Tensor) -> float:
    """The difference that all but one of 100 points stay below."""
    middle = second.median()
    low, high = torch.quantile(second, torch.tensor([1 - _PART, _PART], dtype=second.dtype))
    spread = second.clamp(low, high).std(correction=0)
    size = torch.maximum(first.abs(), second.abs())
    unit = torch.maximum((second - middle).abs(), spread)
    unit = torch.where(unit > _CONSTANT * size, unit, size)
    difference = ((first - second).abs() - rounding).clamp(min=0.0)
    relative = torch.where(difference > 0, difference / unit.clamp(min=torch.finfo(unit.dtype).tiny), 0.0)
    return float(torch.quantile(relative, _PART))
