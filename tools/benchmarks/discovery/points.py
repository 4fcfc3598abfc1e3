"""Where an answer is compared with the truth: at points drawn as the case's rows are, and at points of ranges that are wider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy
import torch
from torch import Tensor

from kanwidget.formulas.agreement import values
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
#: Parts of the spread that a typical deviation from the median is at least, and of the values below which a spread is round-off.
_LEAST_UNIT, _ROUNDING = 1e-3, 1e-12


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

    The unit is the distance of the true value from the median, at least the typical one. So a constant beside the function doesn't make
    errors small, and of values over many decades the small ones count, too.
    """
    finite = torch.isfinite(answer)
    if float((~finite).double().mean()) > _MISSING:
        return float("inf")
    answer, truth = answer[finite], truth[finite]
    distance = (truth - truth.median()).abs()
    low, high = torch.quantile(truth, torch.tensor([1 - _PART, _PART], dtype=truth.dtype))
    unit = distance.clamp(min=max(float(distance.median()), _LEAST_UNIT * float(high - low)))
    unit = torch.maximum(unit, _ROUNDING * truth.abs()).clamp(min=torch.finfo(unit.dtype).tiny)
    return float(torch.quantile((answer - truth).abs() / unit, _PART))


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
