"""Where an answer is compared with the truth: at points drawn as the case's rows are, and at points of ranges that are wider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy
import torch
from torch import Tensor

from kanwidget.formulas.points import values
from tools.benchmarks.discovery.suites import Case

#: Points of each kind, and by which part the ranges are widened.
POINTS, _WIDEN = 1000, 0.5
#: Of the draws: no rows of a case have it.
_SEED = 20_261_127
#: The part of the points that counts: beside a pole digits are lost.
_PART = 0.99
#: Part of the points with a true value at which an answer may have none.
_MISSING = 0.01
#: With fewer true values nothing is compared.
_FEWEST = 20
#: The part of spread and typical value that the typical distance from the median is at least; how many of these a value counts, at most;
#: and the part of values below which distances are round-off.
_LEAST_UNIT, _LARGEST_UNIT, _ROUNDING = 1e-2, 3.0, 1e-12


@dataclass(frozen=True)
class Points:
    """Points with the true values; points without one are left out."""

    columns: dict[str, Tensor]
    truth: Tensor

    @property
    def enough(self) -> bool:
        """Whether there are enough points to decide anything."""
        return len(self.truth) >= _FEWEST

    def values(self, expr: sympy.Expr) -> Tensor:
        """The values of an expression, whose symbols are the columns."""
        return values_of(expr, self.columns, len(self.truth))

    def error(self, expr: sympy.Expr) -> float:
        """The largest difference at 99 of 100 points, as `difference` measures it; infinite where values are missing."""
        return difference(self.values(expr), self.truth)


def values_of(expr: sympy.Expr, columns: Mapping[str, Tensor], count: int) -> Tensor:
    """Values of an expression on columns by name; NaN where it has none, such as with complex constants."""
    try:
        return values(expr, {symbol: columns[symbol.name] for symbol in expr.free_symbols}, count)
    except (ValueError, TypeError, ArithmeticError):
        return torch.full((count,), torch.nan, dtype=torch.float64)


@dataclass(frozen=True)
class Sample:
    """Points of both kinds."""

    inner: Points
    wider: Points

    def errors(self, expr: sympy.Expr) -> tuple[float, float]:
        """Errors within the ranges and on the wider ones; there 0 where the truth has no values."""
        return self.inner.error(expr), self.wider.error(expr) if self.wider.enough else 0.0


def difference(answer: Tensor, truth: Tensor) -> float:
    """The largest difference at 99 of 100 points; infinite where more than a hundredth of the answer's values are missing.

    It is relative to the unit of each true value.
    """
    finite = torch.isfinite(answer)
    if float((~finite).double().mean()) > _MISSING:
        return float("inf")
    answer, truth = answer[finite], truth[finite]
    return float(torch.quantile((answer - truth).abs() / _units(truth), _PART))


def _units(truth: Tensor) -> Tensor:
    """The distance from the median, at least the typical one; or the value itself, where it isn't much larger.

    So a constant beside the function doesn't make errors small, and of values over many decades the small ones count, too.
    """
    size, distance = truth.abs(), (truth - truth.median()).abs()
    low, high = torch.quantile(truth, torch.tensor([1 - _PART, _PART], dtype=truth.dtype))
    typical = max(float(distance.median()), _LEAST_UNIT * min(float(high - low), float(size.median())))
    unit = torch.maximum(distance.clamp(min=typical), size.clamp(max=_LARGEST_UNIT * typical))
    return torch.maximum(unit, _ROUNDING * size).clamp(min=torch.finfo(unit.dtype).tiny)


def sample(case: Case, dummies: int = 0) -> Sample:
    """Points of a case, the same at each call, with columns without effect as its rows have them."""
    draw = torch.Generator().manual_seed(_SEED)
    return Sample(*(_points(case, dummies, widen, draw) for widen in (0.0, _WIDEN)))


def _points(case: Case, dummies: int, widen: float, draw: torch.Generator) -> Points:
    equation = case.equation
    count = len(equation.variables)
    names = [*equation.variables, *(f"dummy_{i + 1}" for i in range(dummies))]
    columns = []
    for i in range(len(names)):
        unit = torch.rand(POINTS, generator=draw, dtype=torch.float64)
        columns.append(_column(unit, *equation.ranges[i % count], widen, names[i % count] in case.log))
    truth = equation(torch.stack(columns[:count], dim=1))
    defined = torch.isfinite(truth)
    return Points({name: column[defined] for name, column in zip(names, columns, strict=True)}, truth[defined])


def _column(unit: Tensor, low: float, high: float, widen: float, log: bool) -> Tensor:
    """Numbers of [0, 1] on a range that is wider by a part: over the decades, or evenly, on the side of 0 where the range is."""
    if log:
        start, ratio = low / (high / low) ** (widen / 2), (high / low) ** (1 + widen)
        return start * ratio**unit
    width = (1 + widen) * (high - low)
    start = low - (width - (high - low)) / 2
    if low >= 0:
        start = max(start, 0.0)
    elif high <= 0:
        start = min(start, -width)
    return start + width * unit
