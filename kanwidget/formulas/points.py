"""Two formulas on points: within the ranges of their variables and within wider ones, and how far they agree there.

Differences count relative to how much the values vary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.datasets import Dataset, arrays, as_dataset, frames
from kanwidget.symbolic.formulas.evaluation import evaluate
from kanwidget.symbolic.formulas.posed import own_units

if TYPE_CHECKING:
    import sympy

#: Points of each kind.
POINTS = 1000
#: Range of a variable without one; a symbol that is declared positive or negative has half of it.
_LOW, _HIGH = -3.0, 3.0
#: The part of the points that counts: beside a pole, or where large numbers cancel, digits are lost.
_PART = 0.99
#: Relative error of rounding, with room for some operations.
_ROUNDING = 1e-13
#: A spread below this part of the values is none.
_CONSTANT = 1e-12


@dataclass(frozen=True, slots=True)
class Points:
    """Values of some variables."""

    names: tuple[str, ...]
    inner: Tensor
    """Within the ranges, `(points, variables)`."""
    wider: Tensor
    """Within ranges that are wider, `(points, variables)`."""
    bounds: Tensor
    """Ends of the ranges, `(2, variables)`."""

    def columns(self, symbols: Mapping[str, Any], *, wider: bool = False) -> dict[Any, Tensor]:
        """The values of each symbol at the points, `(points,)`; `symbols` has the symbols by the names of their variables."""
        values = dict(zip(self.names, (self.wider if wider else self.inner).unbind(1), strict=True))
        return {symbol: values[name] for name, symbol in symbols.items()}

    def symbols(self) -> dict[str, sympy.Symbol]:
        """A symbol for each variable, by name, that knows the sign of its values, within the ranges (`bounds`) and at the points there
        (`inner`): (x^2)^(1/2) is x where x is positive.
        """
        import sympy

        signed: dict[str, Any] = {}
        for name, column, (low, high) in zip(self.names, self.inner.unbind(1), self.bounds.T.tolist(), strict=True):
            # An end at 0 has no point, unless data have it.
            positive, negative = (low >= 0 and bool(column.min() > 0)), (high <= 0 and bool(column.max() < 0))
            sign = {"positive": positive, "negative": negative, "nonnegative": low >= 0, "nonpositive": high <= 0}
            signed[name] = sympy.Symbol(name, real=True, **{word: True for word, holds in sign.items() if holds})
        return signed


def points(symbols: Sequence[sympy.Symbol], ranges: Any, widen: float, where: str) -> Points:
    """Points at which formulas with these symbols are compared.

    Of data these are rows, and points between two rows, so that what holds for all rows mostly holds for them. A range on one side of 0
    stays there when it is widened: lengths and temperatures don't become negative. The other side is widened further instead. A column
    that has a single value in the data gets a range around it: x and x² are the same at 1 only.

    Args:
        symbols: The symbols of the formulas.
        ranges: `{name or symbol: (low, high)}`, data, inputs alone, or None: -3 to 3, and 0 to 3 for symbols that are declared positive.
        widen: By which part ranges are widened.
        where: The public function, for errors.
    """
    names = tuple(sorted({symbol.name for symbol in symbols}))
    draw = torch.Generator().manual_seed(0)
    if ranges is None or (isinstance(ranges, Mapping) and "train_input" not in ranges):
        bounds = _bounds(symbols, names, ranges, where)
        parts = torch.rand(POINTS, len(names), generator=draw, dtype=torch.float64)
        inner = bounds[0] + parts * (bounds[1] - bounds[0])
    else:
        rows = _chosen_columns(ranges, names, where)
        bounds = torch.stack([rows.min(0).values, rows.max(0).values])
        inner = _points_between(rows, draw)
    return Points(names, inner, _widened(inner, bounds, widen, draw), bounds)


def _bounds(symbols: Sequence[Any], names: Sequence[str], ranges: Any, where: str) -> Tensor:
    """Low and high ends of all variables, `(2, variables)`.

    Args:
        symbols: The symbols of the formulas; their signs decide about the default ranges.
        names: The variables, each once.
        ranges: `{name or symbol: (low, high)}`; None for -3 to 3, of which declared signs leave one half.
        where: The public function, for errors.
    """
    if ranges is None:
        positive = {symbol.name for symbol in symbols if symbol.is_nonnegative}
        negative = {symbol.name for symbol in symbols if symbol.is_nonpositive}
        ends = [(0.0 if name in positive else _LOW, 0.0 if name in negative else _HIGH) for name in names]
    else:
        by_name = {getattr(key, "name", key): pair for key, pair in ranges.items()}
        ends = [_interval(by_name.get(name), name, where) for name in names]
    return torch.tensor(ends, dtype=torch.float64).reshape(-1, 2).T


def _interval(pair: Any, name: str, where: str) -> tuple[float, float]:
    """Low and high end of a variable's range, checked: two finite numbers, the smaller one first.

    Args:
        pair: What the caller gave for the variable; None for nothing, which is refused.
        name: The variable, for errors.
        where: The public function, for errors.
    """
    if pair is None:
        _check.fail("ranges", where, "a range for every symbol of both formulas", f"none for {name!r}")
    sound = isinstance(pair, Sequence) and len(pair) == 2 and all(isinstance(end, Real) for end in pair)
    low, high = map(float, pair if sound else (1, 0))  # (1, 0) is refused below
    if not 0 < high - low < float("inf"):
        _check.fail("ranges", where, f"two finite numbers for {name!r}, the smaller one first", pair)
    return low, high


def _chosen_columns(data: Any, names: Sequence[str], where: str) -> Tensor:
    """The values of variables in the rows of data, `(rows, variables)`, in own units and in the order of `names`.

    Args:
        data: Data with labels, whose training inputs are taken, or inputs alone; columns without names are `x_1`, `x_2`, ….
        names: The variables, each of which must be a column.
        where: The public function, for errors.
    """
    if isinstance(data, (Dataset, Mapping)) or (isinstance(data, (tuple, list)) and len(data) == 2):
        dataset = as_dataset(data, where)
        columns, x = dataset.in_vars, own_units(dataset.train_input, dataset.input_scaler)
    else:
        numbered = frames.names_of(data)
        x = arrays.inputs(data, "ranges", where, numbered)
        columns = numbered or tuple(f"x_{i + 1}" for i in range(x.shape[1]))
    missing = [name for name in names if name not in columns]
    if missing:
        advice = "Names of columns stand in a frame or in Dataset(x, y, in_vars=[...])."
        _check.fail("ranges", where, f"data with a column for each symbol, also for {missing[0]!r}", columns, advice)
    return x.to("cpu", torch.float64)[:, [columns.index(name) for name in names]]


def _points_between(rows: Tensor, draw: torch.Generator) -> Tensor:
    """`POINTS` points from rows, both `(…, variables)`: in turn a row, and a point between two rows that are drawn at random."""
    first, second = (torch.randint(len(rows), (POINTS,), generator=draw) for _ in range(2))
    parts = torch.rand(POINTS, 1, generator=draw, dtype=torch.float64)
    parts[::2] = 0.0
    return rows[first] + parts * (rows[second] - rows[first])


def _widened(inner: Tensor, bounds: Tensor, widen: float, draw: torch.Generator) -> Tensor:
    """The points stretched to wider ranges, `(points, variables)`; no range crosses 0 that didn't before.

    Args:
        inner: Points within the ranges, `(points, variables)`.
        bounds: Low and high ends, `(2, variables)`.
        widen: By which part of its length a range gets longer. A range that is a single value v gets the length `widen`·|v|, or `widen`
            for v = 0, and its points are drawn at random.
        draw: Random numbers.
    """
    low, high = bounds
    single = low == high
    size = torch.where(low == 0, 1.0, low.abs())
    width = torch.where(single, widen * size, (1 + widen) * (high - low))
    start = low - (width - (high - low)) / 2
    # A range on one side of 0 begins, or ends, at 0 where it would cross it. Its length stays.
    start = torch.where(low >= 0, start.clamp(min=0.0), start)
    start = torch.where(high <= 0, torch.minimum(start, -width), start)
    drawn = torch.rand(inner.shape, generator=draw, dtype=torch.float64)
    return start + torch.where(single, drawn * width, (inner - low) * (1 + widen))


# ---- agreement


class Agreement(NamedTuple):
    """How far two formulas agree."""

    error: float
    """The largest difference at 99 of 100 points where both are finite, in units of the spread, or of the distance from the median
    where that is larger."""
    both: int
    """Points at which both are finite."""
    one: float
    """Part of the points with values at which only one of them is finite."""


def agreement(a: Any, b: Any, columns: dict[Any, Tensor], count: int = POINTS) -> Agreement:
    """How far expressions agree on points: by the differences where both are finite, the number of these points (`both`), and the part of
    all points with values at which only one of them is finite (`one`).

    Args:
        a: An expression.
        b: Another one, whose spread is the unit of differences.
        columns: The values of each symbol, `(count,)`.
        count: How many points there are.

    Examples:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> column = torch.linspace(-1, 2, 300, dtype=torch.float64)
        >>> result = agreement(sympy.log(x), sympy.log(x**2) / 2, {x: column}, 300)
        >>> result.both, round(result.one, 2), result.error < 1e-12
        (200, 0.33, True)
    """
    first, second = (values(expr, columns, count) for expr in (a, b))
    finite = torch.isfinite(first), torch.isfinite(second)
    both, either = finite[0] & finite[1], finite[0] | finite[1]
    number = int(both.sum())
    one = 1 - number / max(int(either.sum()), 1)
    if not number:
        return Agreement(float("nan"), 0, one)
    rounding = _ROUNDING * (_size_of_terms(a, columns, count) + _size_of_terms(b, columns, count))[both]
    return Agreement(_relative_difference(first[both], second[both], rounding), number, one)


def values(expr: Any, columns: dict[Any, Tensor], count: int = POINTS) -> Tensor:
    """The expression on the points, `(count,)`. Undefined functions f(x), which stand for splines, have the values of some smooth function,
    the same one at each call.

    `columns` has the values of each symbol, `(count,)`.
    """
    import sympy

    curves = {str(node.func): _stand_in for node in expr.atoms(sympy.core.function.AppliedUndef)}
    with torch.no_grad():
        return evaluate(expr, columns, curves, like=torch.zeros(count, dtype=torch.float64))


def _stand_in(*operands: Tensor) -> Tensor:
    """A smooth function in the place of an undefined one. Its numbers are arbitrary; each operand has its own, so that order matters."""
    total = torch.zeros_like(operands[0])
    for i, operand in enumerate(operands):
        total = total + torch.sin((1.3 + i) * operand + 0.7) + 0.3 * operand
    return total


def _size_of_terms(expr: Any, columns: dict[Any, Tensor], count: int) -> Tensor:
    """The sum of the absolute values of the terms, `(count,)`: the rounding errors of a sum are parts of these, not of the sum."""
    import sympy

    terms = [values(term, columns, count).abs() for term in sympy.Add.make_args(expr)]
    return torch.nan_to_num(torch.stack(terms).sum(0))


def _relative_difference(first: Tensor, second: Tensor, rounding: Tensor) -> float:
    """The relative difference that 99 of 100 points stay below.

    The unit at a point is the distance of `second` from its median, at least its spread; where both are next to nothing, as of constants,
    the larger of the two values.

    Args:
        first: Values of one expression, all finite, `(points,)`.
        second: Values of the other one.
        rounding: The rounding error at each point, which is subtracted from the difference.
    """
    middle = second.median()
    # Values beside a pole don't count for the spread.
    low, high = torch.quantile(second, torch.tensor([1 - _PART, _PART], dtype=second.dtype))
    spread = second.clamp(low, high).std(correction=0)
    size = torch.maximum(first.abs(), second.abs())
    unit = torch.maximum((second - middle).abs(), spread)
    unit = torch.where(unit > _CONSTANT * size, unit, size)
    difference = ((first - second).abs() - rounding).clamp(min=0.0)
    relative = torch.where(difference > 0, difference / unit.clamp(min=torch.finfo(unit.dtype).tiny), 0.0)
    return float(torch.quantile(relative, _PART))
