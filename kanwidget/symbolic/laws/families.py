"""Families of functions of one column, as laws have them: few constants, and a natural zero.

`x/(x + K)` has one constant, and `exp(a/x)` has one; as c·f(a·x + b) + d each would have four, of which data of some noise tell two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import sympy

Array = NDArray[np.float64]
#: `(x, θ)` → values.
Function = Callable[[Array, Sequence[float]], Array]
#: x → starts of θ.
Starts = Callable[[Array], list[list[float]]]
#: `(symbol, θ)` → expression.
Writer = Callable[[Any, Sequence[float]], Any]


@dataclass(frozen=True, slots=True)
class Family:
    """Functions of one column with constants θ; a factor c is left to the law."""

    name: str
    function: Function
    starts: Starts
    write: Writer
    bits: float
    """What it costs to name the family, beside its constants."""
    positive: bool = False
    """Whether x must be above 0."""
    nonzero: bool = False
    """Whether x must not change its sign."""
    sums: bool = True
    """Whether it is of use in a sum with a constant: x + b isn't."""

    def holds(self, x: Array) -> bool:
        """Whether it is defined on a column."""
        low, high = float(x.min()), float(x.max())
        if self.positive:
            return low > 0
        return not self.nonzero or low * high > 0


def _sp() -> Any:
    import sympy

    return sympy


def _rates(x: Array) -> list[list[float]]:
    """Rates of exponentials: from slow ones to those that fall within a tenth of the range."""
    span = float(np.ptp(x)) or 1.0
    return [[sign * rate / span] for rate in (0.5, 2.0, 8.0) for sign in (1, -1)]


def _inverse_rates(x: Array) -> list[list[float]]:
    span = float(np.ptp(1 / x)) or 1.0
    return [[sign * rate / span] for rate in (0.5, 3.0, 12.0) for sign in (1, -1)]


def _sizes(x: Array) -> list[list[float]]:
    """Logarithms of constants of the size of a column."""
    size = float(np.abs(x).mean()) or 1.0
    return [[math.log(size * factor)] for factor in (0.1, 0.6, 3.0)]


def _offsets(x: Array) -> list[list[float]]:
    """Logarithms of distances of a zero below the column's smallest value."""
    span = float(np.ptp(x)) or 1.0
    return [[math.log(span * factor)] for factor in (0.05, 0.5, 4.0)]


def _centres(x: Array) -> list[list[float]]:
    low, span = float(x.min()), float(np.ptp(x)) or 1.0
    widths = (0.1, 0.35)
    return [[low + span * at, math.log(span * width)] for at in (0.1, 0.5, 0.9) for width in widths]


def _waves(x: Array) -> list[list[float]]:
    span = float(np.ptp(x)) or 1.0
    return [[2 * math.pi * turns / span, phase] for turns in (0.5, 1, 1.5, 2, 3, 4, 6) for phase in (0.0, 1.6)]


def _zero_below(x: Array, theta: Sequence[float]) -> Array:
    """X + b, where b puts the zero below the column."""
    return x - float(x.min()) + _size(theta[0])


def _fixed(name: str, power: float, bits: float, *, positive: bool = False, nonzero: bool = False) -> Family:
    """A power of x."""
    exponent = int(power) if power == int(power) else power
    return Family(
        name,
        lambda x, _: x**exponent,
        lambda _: [[]],
        lambda x, _: x ** (_sp().Rational(power) if power != int(power) else exponent),
        bits,
        positive,
        nonzero,
    )


def _exp(value: Array) -> Array:
    return np.exp(np.clip(value, -700, 700))


def _size(logarithm: float) -> float:
    """A positive constant from its logarithm, without an overflow on a step too long."""
    return math.exp(min(max(logarithm, -300.0), 300.0))


def _logistic(x: Array, theta: Sequence[float]) -> Array:
    return 1 / (1 + _exp(-(x - theta[0]) * _size(-theta[1])))


def _write_logistic(x: Any, theta: Sequence[float]) -> Any:
    return 1 / (1 + _sp().exp(-_size(-theta[1]) * (x - theta[0])))


ONE = Family("1", lambda x, _: np.ones_like(x), lambda _: [[]], lambda _x, _t: _sp().Integer(1), 0.0)

FAMILIES: tuple[Family, ...] = (
    _fixed("x", 1, 1.0),
    _fixed("x^2", 2, 2.0),
    _fixed("x^3", 3, 3.0),
    _fixed("1/x", -1, 2.0, nonzero=True),
    _fixed("1/x^2", -2, 3.0, nonzero=True),
    _fixed("sqrt", 0.5, 2.0, positive=True),
    Family("power", lambda x, t: x ** t[0], lambda _: [[0.5], [1.5], [-1.0], [3.0]], lambda x, t: x ** t[0], 2.0, True),
    Family("log", lambda x, _: np.log(x), lambda _: [[]], lambda x, _: _sp().log(x), 3.0, True),
    Family(
        "log from zero",
        lambda x, t: np.log(x) - t[0],
        lambda x: [[math.log(float(np.median(x))) + s] for s in (-3.0, 3.0)],
        lambda x, t: _sp().log(x * _size(-t[0])),
        4.0,
        True,
        sums=False,
    ),
    Family("exp", lambda x, t: _exp(t[0] * x), _rates, lambda x, t: _sp().exp(t[0] * x), 2.0),
    Family(
        "exp of 1/x", lambda x, t: _exp(t[0] / x), _inverse_rates, lambda x, t: _sp().exp(t[0] / x), 3.0, nonzero=True
    ),
    Family(
        "saturation",
        lambda x, t: x / (x + _size(t[0])),
        _sizes,
        lambda x, t: x / (x + _size(t[0])),
        3.0,
        True,
    ),
    Family(
        "1 - exp",
        lambda x, t: 1 - _exp(-x * _size(-t[0])),
        _sizes,
        lambda x, t: 1 - _sp().exp(-_size(-t[0]) * x),
        3.0,
        True,
    ),
    Family(
        "1/(1 + x/K)",
        lambda x, t: 1 / (1 + x * _size(-t[0])),
        _sizes,
        lambda x, t: 1 / (1 + _size(-t[0]) * x),
        3.0,
        True,
    ),
    Family(
        "1/(1 + (x/K)^2)",
        lambda x, t: 1 / (1 + (x * _size(-t[0])) ** 2),
        _sizes,
        lambda x, t: 1 / (1 + _size(-2 * t[0]) * x**2),
        4.0,
    ),
    Family(
        "1 + (x/K)^2",
        lambda x, t: 1 + (x * _size(-t[0])) ** 2,
        _sizes,
        lambda x, t: 1 + _size(-2 * t[0]) * x**2,
        4.0,
        sums=False,
    ),
    Family(
        "x + b",
        lambda x, t: x + t[0],
        lambda x: [[-float(x.min()) + s * (float(np.ptp(x)) or 1.0)] for s in (0.3, -0.5, -1.5, 3.0)],
        lambda x, t: x + t[0],
        2.0,
        sums=False,
    ),
    Family(
        "x^2 + bx + c",
        lambda x, t: (x - t[0]) ** 2 + t[1],
        lambda x: [[float(x.mean()), s * float(x.var() or 1.0)] for s in (1.0, -1.0)],
        lambda x, t: x**2 - 2 * t[0] * x + t[0] ** 2 + t[1],
        4.0,
        sums=False,
    ),
    Family("(x - m)^2", lambda x, t: (x - t[0]) ** 2, lambda x: [[float(x.mean())]], lambda x, t: (x - t[0]) ** 2, 3.0),
    Family(
        "(x + b)^p",
        lambda x, t: _zero_below(x, t) ** t[1],
        lambda x: [[*start, p] for start in _offsets(x) for p in (-1.0, 0.5, 2.0)],
        lambda x, t: x,  # written by `write_factor`, which knows the column
        4.0,
    ),
    Family(
        "exp + b",
        lambda x, t: _exp(t[0] * x) + t[1],
        lambda x: [[rate, b] for (rate,) in _rates(x) for b in (0.5, -0.5)],
        lambda x, t: _sp().exp(t[0] * x) + t[1],
        4.0,
        sums=False,
    ),
    Family(
        "hill",
        lambda x, t: 1 / (1 + _exp(t[1] * (t[0] - np.log(x)))),
        lambda x: [[*start, n] for start in _sizes(x) for n in (1.5, 4.0)],
        lambda x, t: 1 / (1 + (_size(t[0]) / x) ** t[1]),
        4.0,
        True,
    ),
    Family("logistic", _logistic, _centres, _write_logistic, 4.0),
    Family(
        "gaussian",
        lambda x, t: _exp(-(((x - t[0]) * _size(-t[1])) ** 2)),
        _centres,
        lambda x, t: _sp().exp(-((x - t[0]) ** 2) * _size(-2 * t[1])),
        4.0,
    ),
    Family(
        "resonance",
        lambda x, t: 1 / (1 + ((x - t[0]) * _size(-t[1])) ** 2),
        _centres,
        lambda x, t: 1 / (1 + (x - t[0]) ** 2 * _size(-2 * t[1])),
        5.0,
    ),
    Family(
        "x^p·exp",
        lambda x, t: x ** t[0] * _exp(t[1] * x),
        lambda x: [[p, rate] for p in (1.0, -1.0) for (rate,) in _rates(x)[:4]],
        lambda x, t: x ** t[0] * _sp().exp(t[1] * x),
        4.0,
        True,
    ),
    Family("sin", lambda x, t: np.sin(t[0] * x + t[1]), _waves, lambda x, t: _sp().sin(t[0] * x + t[1]), 4.0),
    Family(
        "exp·sin",
        lambda x, t: _exp(t[2] * x) * np.sin(t[0] * x + t[1]),
        lambda x: [[*wave, rate] for wave in _waves(x) for (rate,) in _rates(x)[1:4:2]],
        lambda x, t: _sp().exp(t[2] * x) * _sp().sin(t[0] * x + t[1]),
        6.0,
    ),
)


def write_factor(family: Family, symbol: sympy.Symbol, theta: Sequence[float], x: Array) -> sympy.Expr:
    """The expression of a factor."""
    if family.name == "(x + b)^p":
        return (symbol + (_size(theta[0]) - float(x.min()))) ** theta[1]
    return family.write(symbol, theta)
