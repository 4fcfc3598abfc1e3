"""Functions of one variable as laws have them: few constants, and a natural zero.

x/(x + K) has one constant beside its factor, and exp(a/x) has one; as c·f(a·x + b) + d each would have four, of which data of some noise
tell two. There are few enough of them to fit each from several starts, so they come before anything that is screened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from kanwidget.discovery.engine.curves.curve import CurveRows
from kanwidget.discovery.engine.curves.forms import X, scaled
from kanwidget.discovery.engine.curves.tones import strongest
from kanwidget.discovery.engine.trees import OPERATIONS, Tree, constant, nodes, number, total, values

_ONE = number(1)
#: Parts of the rows, by x, whose means say where a hump is, and the part of the mean weight from which one counts.
_CHUNKS, _COUNTS = 20, 0.1
Starts = Callable[[CurveRows], Sequence[Sequence[float]]]


@dataclass(frozen=True, slots=True)
class Natural:
    """One function."""

    name: str
    tree: Callable[..., Tree]
    """Of its constants."""
    starts: Starts = lambda _: [()]
    """Of the rows: constants to begin with."""
    domain: Literal["all", "positive", "nonzero"] = "all"

    def holds(self, rows: CurveRows) -> bool:
        """Whether the function is defined on the rows: it may need x above 0, or a range that 0 isn't in."""
        low, high = float(rows.x.min()), float(rows.x.max())
        return self.domain == "all" or low > 0 or (self.domain == "nonzero" and high < 0)

    def trees(self, rows: CurveRows) -> list[Tree]:
        """Trees of the function with constants that a fit may start from; none where it isn't defined on the rows."""
        return [self.tree(*start) for start in self.starts(rows)] if self.holds(rows) else []


def _span(rows: CurveRows) -> float:
    """The width of the variable's range; 1 where that is 0."""
    return float(rows.x.max() - rows.x.min()) or 1.0


def _rates(rows: CurveRows, rates: Sequence[float] = (0.5, 2.0, 8.0)) -> list[tuple[float]]:
    """Rates of exponentials, of both signs; over the range the exponent changes by `rates`, from a slow one to one of some e-foldings."""
    return [(sign * rate / _span(rows),) for rate in rates for sign in (1, -1)]


def _inverse_rates(rows: CurveRows) -> list[tuple[float]]:
    """Rates a of exp(a/x) to start from, of both signs, so that a/x changes by 0.5, 3 or 12 over the rows."""
    return _rates(CurveRows(1 / rows.x, rows.y, None), (0.5, 3.0, 12.0))


def _sizes(rows: CurveRows) -> list[tuple[float]]:
    """Constants of the size of the variable: below it, about it, and above it."""
    size = float(rows.x.abs().mean()) or 1.0
    return [(size * factor,) for factor in (0.1, 0.6, 3.0)]


def _squares(rows: CurveRows) -> list[tuple[float]]:
    """Constants of the size of the variable's square: below it, about it, and above it."""
    return [(size**2,) for (size,) in _sizes(rows)]


def _shifts(rows: CurveRows) -> list[tuple[float]]:
    """Constants K that put the zero of x + K before, into or behind the range: three before it first, each further off."""
    low, span = float(rows.x.min()), _span(rows)
    return [(-low + span * part,) for part in (0.05, 0.5, 4.0, -0.5, -1.5)]


def _before(rows: CurveRows) -> list[tuple[float]]:
    """Constants K that put the zero of x + K before the range: then powers and logarithms of x + K are defined."""
    return _shifts(rows)[:3]


def _kinks(rows: CurveRows) -> list[tuple[float]]:
    """Constants K that put the kink of |x + K| into the range, at four places."""
    low, span = float(rows.x.min()), _span(rows)
    return [(-low - span * part,) for part in (0.2, 0.4, 0.6, 0.8)]


def _centres(rows: CurveRows) -> list[tuple[float, float]]:
    """Starts for a hump in x, `(-middle, width)`: near the beginning, middle and end of the range; widths are parts of the range."""
    low, span = float(rows.x.min()), _span(rows)
    return [(-low - span * at, span * width) for at in (0.1, 0.5, 0.9) for width in (0.1, 0.35)]


def _humps(rows: CurveRows) -> list[tuple[float, float]]:
    """Starts for a hump, `(-middle, width)`: in the middle y is largest or smallest by the means of neighbors; then those of `_centres`."""
    weights = torch.ones_like(rows.y) if rows.weights is None else rows.weights
    chunks = rows.x.argsort().chunk(_CHUNKS)
    # A row that hardly counts may be far off.
    totals = torch.stack([weights[chunk].sum() for chunk in chunks])
    means = torch.stack([(weights * rows.y)[chunk].sum() for chunk in chunks]) / totals.clamp(min=1e-300)
    means = torch.where(totals > _COUNTS * totals.mean(), means, means[totals.argmax()])
    centres = [float(rows.x[chunks[int(place)]].mean()) for place in (means.argmax(), means.argmin())]
    span = _span(rows)
    return [(-centre, span * width) for centre in centres for width in (0.1, 0.35)] + _centres(rows)


def _power(exponent: Tree) -> Tree:
    """The tree of x to an exponent, a tree."""
    return ("pow", X, exponent)


def _shifted(shift: float) -> Tree:
    """The tree of x plus a constant."""
    return ("add", X, constant(shift))


def _exp(rate: float, argument: Tree = X) -> Tree:
    """The tree of exp of a rate, a constant, times an argument."""
    return ("exp", scaled(rate, argument))


def _hill(size: float, exponent: float) -> Tree:
    """The tree of 1/(1 + (size/x)^exponent), which rises from 0 at x = 0 to 1 and is 1/2 at x = `size`."""
    return ("inv", ("add", _ONE, scaled(size**exponent, _power(constant(-exponent)))))


def _logistic(shift: float, width: float) -> Tree:
    """The tree of 1/(1 + exp(-4·(x + shift)/width)), which rises from 0 to 1: with its largest slope it would do so within the width."""
    return ("inv", ("add", _ONE, ("exp", scaled(-4 / width, _shifted(shift)))))


def _resonance(shift: float, width: float) -> Tree:
    """The tree of 1/((x + shift)² + width²), a hump that has half of its height one width beside the middle."""
    return ("inv", ("add", ("sq", _shifted(shift)), constant(width**2)))


#: One row a function; a factor and an offset are left to the law.
NATURAL = (
    Natural("x", lambda: X),
    Natural("x²", lambda: ("sq", X)),
    Natural("x³", lambda: ("cube", X)),
    Natural("1/x", lambda: ("inv", X), domain="nonzero"),
    Natural("1/x²", lambda: ("inv", ("sq", X)), domain="nonzero"),
    Natural("√x", lambda: ("sqrt", X), domain="positive"),
    Natural("xᵖ", lambda p: _power(constant(p)), lambda _: [(0.5,), (1.5,), (-1.0,), (3.0,)], "positive"),
    Natural("log", lambda: ("log", X), domain="positive"),
    Natural("exp", _exp, _rates),
    Natural("exp of 1/x", lambda rate: ("exp", ("div", constant(rate), X)), _inverse_rates, "nonzero"),
    Natural("saturation", lambda size: ("div", X, _shifted(size)), _sizes, "positive"),
    Natural("approach", lambda size: ("sub", _ONE, _exp(-1 / size)), _sizes, "positive"),
    Natural("1/(x + K)", lambda shift: ("inv", _shifted(shift)), _before),
    Natural("1/(x² + K)", lambda size: ("inv", ("add", ("sq", X), constant(size))), _squares),
    Natural("x² + K", lambda size: ("add", ("sq", X), constant(size)), _squares),
    Natural("x + K", _shifted, _shifts),
    Natural("(x + K)²", lambda shift: ("sq", _shifted(shift)), _shifts),
    Natural("(x + K)² + L", lambda a, b: ("add", ("sq", _shifted(a)), constant(b)), _centres),
    Natural("1/(x + K)²", lambda shift: ("inv", ("sq", _shifted(shift))), _before),
    Natural("|x + K|", lambda shift: ("abs", _shifted(shift)), _kinks),
    Natural("√(x + K)", lambda shift: ("sqrt", _shifted(shift)), _before),
    Natural("(x + K)ᵖ", lambda shift, p: ("pow", _shifted(shift), constant(p)),
            lambda rows: [(*shift, p) for shift in _before(rows) for p in (-1.0, 0.5, 2.0)]),
    Natural("exp + K", lambda rate, b: ("add", _exp(rate), constant(b)),
            lambda rows: [(*rate, b) for rate in _rates(rows) for b in (0.5, -0.5)]),
    Natural("hill", _hill, lambda rows: [(*size, n) for size in _sizes(rows) for n in (1.5, 4.0)], "positive"),
    Natural("logistic", _logistic, _centres),
    Natural("step", lambda shift, width: ("tanh", scaled(2 / width, _shifted(shift))), _centres),
    Natural("gaussian", lambda shift, width: ("exp", scaled(-(width**-2), ("sq", _shifted(shift)))), _humps),
    Natural("resonance", _resonance, _humps),
    Natural("xᵖ·exp", lambda p, rate: ("mul", _power(constant(p)), _exp(rate)),
            lambda rows: [(p, *rate) for p in (1.0, -1.0) for rate in _rates(rows)[:4]], "positive"),
)  # fmt: skip


#: Those that come in sums of products.
_ONE_CONSTANT = ("exp", "exp of 1/x", "1/(x + K)")


def natural_functions(rows: CurveRows, functions: frozenset[str]) -> list[Tree]:
    """Trees of the functions of x that laws have and that are defined on some rows, with all constants that a fit may start from.

    Each has a factor, and comes without an offset and with one. Waves come last: their frequencies are those that explain most, of the rows
    and of what a straight line leaves of them.

    Args:
        rows: Values of x and of the target.
        functions: Heads that formulas may hold.
    """
    # `NATURAL` has functions as laws have them, such as exp(a·x) and x/(x + K).
    trees = [tree for natural in NATURAL for tree in natural.trees(rows)]
    # What stands beside a straight line: two lines that meet in a kink, and a wave.
    beside_line: list[Tree] = [("abs", _shifted(*shift)) for shift in _kinks(rows)] if "abs" in functions else []
    if {"sin", "cos"} <= functions:
        waves, wave = _waves(rows)
        trees += waves
        beside_line.append(wave)
    allowed = [tree for tree in trees if {node[0] for node in nodes(tree)} & OPERATIONS.keys() <= functions]
    forms = [form for tree in allowed for form in (scaled(1.0, tree), ("add", scaled(1.0, tree), constant(0.0)))]
    return forms + [total([scaled(1.0, tree), scaled(0.0, X), constant(0.0)]) for tree in beside_line]


def functions_of_one_constant(x: Tensor, functions: frozenset[str]) -> list[Tree]:
    """exp(a·x), exp(a/x) and 1/(x + K), where they are defined, each with a few constants.

    Args:
        x: The variable, `(rows,)`.
        functions: Heads that formulas may hold.
    """
    rows = CurveRows(x, x, None)
    trees = [tree for natural in NATURAL if natural.name in _ONE_CONSTANT for tree in natural.trees(rows)]
    return [tree for tree in trees if tree[0] in functions]


def _waves(rows: CurveRows) -> tuple[list[Tree], Tree]:
    """Trees of waves, also with an amplitude that falls or is x; and of one that stands beside a straight line.

    Frequencies and phases are the strongest in y, in y without its mean, and in what a straight line leaves of y. Factors are left out.
    """
    line = rows.fit(("add", constant(0.0), scaled(0.0, X)))
    mean = rows.fit(constant(0.0))
    residuals = (rows.y, *(rows.y - values(base.tree, [rows.x]) for base in (mean, line)))
    alone, around, beside = (strongest(rows, residual)[2] for residual in residuals)  # the sine, without its factor
    # Amplitudes that fall: of the two slower rates the negative one.
    damped = [("mul", _exp(*rate), wave) for wave in (alone, around) for rate in _rates(rows)[1:4:2]]
    return [alone, around, *damped, ("mul", X, alone)], beside
