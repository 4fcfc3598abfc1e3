"""What a competitor gets: rows for its formulas, rows to choose by, the processor's clock, and a seed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import sympy
import torch

from kanwidget.datasets import Dataset

#: The part of the rows that a peer chooses its formula by.
_HELD_OUT = 0.2
#: Columns of a usual size within these limits are left as they are: the numbers in them may be those of the law.
_SMALL, _LARGE = 1e-2, 1e2

Array = np.ndarray


@dataclass
class Clock:
    """Seconds of this process, whatever else the machine does."""

    seconds: float
    began: float = field(default_factory=time.process_time)

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.process_time() - self.began

    @property
    def over(self) -> bool:
        """Whether the time is spent."""
        return self.spent >= self.seconds


@dataclass(frozen=True)
class Problem:
    """A table, with a limit of time and a seed."""

    data: Dataset
    clock: Clock
    seed: int
    units: Mapping[str, str] | None = None
    """Of columns and target, where they are told."""

    @property
    def symbols(self) -> list[sympy.Symbol]:
        """A symbol for each column."""
        return [sympy.Symbol(name) for name in self.data.in_vars]


#: A competitor: it yields its best formula whenever it has another one, with its constants as decimals. The last one is its answer.
Competitor = Callable[[Problem], Iterator[sympy.Expr]]


@dataclass(frozen=True)
class Rows:
    """Rows in units of powers of ten near their size: single precision and random constants need numbers of a usual size."""

    x: Array
    y: Array
    held_x: Array
    held_y: Array
    x_units: tuple[float, ...]
    y_unit: float

    def error(self, values: Array) -> float:
        """Root mean square of the errors on held-out rows, in units of their spread; infinite where a value isn't finite."""
        with np.errstate(all="ignore"):
            error = float(np.sqrt(np.mean((values - self.held_y) ** 2)) / (self.held_y.std() or 1.0))
        return error if math.isfinite(error) else math.inf

    def in_own_units(self, expr: sympy.Expr, symbols: list[sympy.Symbol]) -> sympy.Expr:
        """The formula of the columns as they were."""
        columns = {s: s / unit for s, unit in zip(symbols, self.x_units, strict=True) if unit != 1}
        scaled = expr.xreplace(columns)
        return scaled if self.y_unit == 1 else self.y_unit * scaled


def rows(data: Dataset, seed: int) -> Rows:
    """The training rows, a fifth of them held out."""
    x, y = data.train_input.numpy(), data.train_label[:, 0].numpy()
    x_units, y_unit = tuple(map(_unit, x.T)), _unit(y)
    x, y = x / np.array(x_units), y / y_unit
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed)).numpy()
    first = int(_HELD_OUT * len(x))
    held, kept = order[:first], order[first:]
    return Rows(x[kept], y[kept], x[held], y[held], x_units, y_unit)


def _unit(column: Array) -> float:
    """A power of ten near the size of the numbers; 1 where it is a usual one."""
    size = float(np.median(np.abs(column)))
    return 1.0 if size == 0 or _SMALL <= size <= _LARGE else 10.0 ** round(math.log10(size))
