"""Fits of the table of primitives to edges: y ≈ c·f(a·x + b) + d, all edges and primitives at once.

A coarse search over shapes (`search`), a polish of the few best starts of each on some samples, and of the best on all of them
(`polish`); then the constants in x, the goodness of fit and the ranking (`ranking`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.primitives import Primitive
from kanwidget.core.records import SymbolicFit
from kanwidget.symbolic.fits.curves import Curves, curves, thin
from kanwidget.symbolic.fits.custom import BrokenPrimitive, OnBroken, blamed, log_broken
from kanwidget.symbolic.fits.polish import EXACT, evaluate, polish
from kanwidget.symbolic.fits.ranking import SIMPLICITY, Fitted, rank
from kanwidget.symbolic.fits.search import Guess, search
from kanwidget.symbolic.writing.text import equation
from kanwidget.symbolic.writing.tidy import visible

#: Samples used to choose among the starts, and to polish the chosen ones.
_FEW, _MANY = 200, 1500
#: Numbers (edges × samples) worked on at a time: bounds the memory.
_CHUNK = 30_000
#: Functions for which c and d make good for a change of u's sign: a is positive.
_SYMMETRIC = frozenset(
    [
        "sin",
        "cos",
        "tan",
        "tanh",
        "arcsin",
        "arccos",
        "arctan",
        "arctanh",
        "sinh",
        "cosh",
        "erf",
        "gaussian",
        "J0",
        "sigmoid",
    ]
)
#: Beyond this, exp(a·x) is written as exp(a·x + b), so that neither it nor c leaves the range of the floats.
_LARGE_EXPONENT = 30.0


def fit_primitives(
    x: Tensor,
    y: Tensor,
    rows: Sequence[Primitive],
    *,
    simplicity: float = SIMPLICITY,
    weights: Tensor | None = None,
    noise: Sequence[float] | None = None,
    on_broken: OnBroken = log_broken,
) -> list[list[SymbolicFit]]:
    """Fit y ≈ c·f(a·x + b) + d for every edge and every primitive f, best first.

    The score is `simplicity·complexity + (1 - simplicity)·log2(1 - R² + 1e-12)`, lower is better. A primitive that can't hold
    the edge's data in its domain has no fit; the constant `0` has one only where the edge is close to constant.

    Args:
        x: Inputs of the edges, shape `(samples, edges)`, any float type; computed in float64.
        y: Values of the edges, shape `(samples, edges)`.
        rows: The primitives, from `primitives()`.
        simplicity: 0 ranks by accuracy alone, 1 by simplicity alone.
        weights: Of the samples, shape `(samples,)`, ≥ 0.
        noise: For each edge the variance of its own error, as a part of its variance; 0 by default. Fits that differ by less
            are as good as each other, and the simplest of them is the best.
        on_broken: Told of every registered function that raises, or returns what it must not: it is left out as if there were
            none of that name.

    Returns:
        One list for each edge, best first.

    Raises:
        ValueError: If x or y isn't finite, or the shapes differ.

    Examples:
        >>> from kanwidget.core.primitives import primitives
        >>> x = torch.linspace(-1, 1, 200, dtype=torch.float64)[:, None]
        >>> best, *_ = fit_primitives(x, 2 * torch.sin(3 * x) + 1, primitives())[0]
        >>> best.equation, best.r2
        ('2*sin(3*x) + 1', 1.0)
    """
    _check.real(simplicity, "simplicity", "fit_primitives", low=0, high=1)
    data = curves(x, y, weights)
    unsure = (
        [0.0] * len(data.x)
        if noise is None
        else [float(_check.real(v, "noise", "fit_primitives", low=0)) for v in noise]
    )
    if len(unsure) != len(data.x):
        _check.fail("noise", "fit_primitives", f"{len(data.x)} numbers ≥ 0, one an edge", noise)
    step = max(1, _CHUNK // min(data.count, _MANY))
    parts = [torch.arange(i, min(i + step, len(data.x))) for i in range(0, len(data.x), step)]
    used = tuple(rows)
    while True:
        try:
            with torch.no_grad():
                return [
                    fits
                    for part in parts
                    for fits in _fit_chunk(data.at(part), used, simplicity, [unsure[e] for e in part.tolist()])
                ]
        except BrokenPrimitive as broken:
            on_broken(broken)
            used = tuple(row for row in used if row is not broken.row)


def _fit_chunk(
    data: Curves, rows: tuple[Primitive, ...], simplicity: float, noise: Sequence[float]
) -> list[list[SymbolicFit]]:
    """`fit_primitives` for as many edges as fit in memory."""
    varying = tuple(row for row in rows if row.name != "0")
    found: list[list[Fitted]] = [[] for _ in data.x]
    live = (~data.constant).nonzero()[:, 0]
    if len(live) and varying:
        for edge, fit in _fit_varying(data.at(live), varying):
            found[int(live[edge])].append(fit)
    for edge, fits in enumerate(found):
        if bool(data.nearly[edge]) and (len(varying) < len(rows)):
            zero = next(row for row in rows if row.name == "0")
            mean = float((data.weight.expand_as(data.y)[edge] * data.y[edge]).sum())
            r2 = 1.0 if bool(data.constant[edge]) else 0.0
            fits.append(Fitted(zero, (1.0, 0.0, 0.0, mean), r2, torch.zeros(data.count, dtype=torch.float64)))
    return [
        [
            _record(fit, score, imitates, data.middle[e], data.half[e])
            for fit, score, imitates in rank(fits, simplicity, noise[e])
        ]
        for e, fits in enumerate(found)
    ]


def _fit_varying(data: Curves, rows: tuple[Primitive, ...]) -> list[tuple[int, Fitted]]:
    guess = search(data, rows)
    few, many = thin(data, _FEW), thin(data, _MANY)
    guess, error = polish(guess, few, rows, steps=8, tolerance=0.01)
    guess = guess.take(_best(guess, error, len(data.x)))
    guess, _ = polish(guess, many, rows, steps=25, tolerance=1e-5)
    return _conclude(guess, data, rows)


def _best(guess: Guess, error: Tensor, edges: int) -> Tensor:
    """Index of the best fit for each primitive and edge."""
    key = guess.row * edges + guess.edge
    # Of two that are exact, which a symmetry of f has made, that with a positive a: not what round-off makes of them.
    order = (guess.slope < 0).int().argsort(stable=True)
    order = order[error[order].clamp(min=EXACT).argsort(stable=True)]
    order = order[key[order].argsort(stable=True)]
    first = torch.ones(len(order), dtype=torch.bool)
    first[1:] = key[order][1:] != key[order][:-1]
    return order[first]


def _conclude(guess: Guess, data: Curves, rows: tuple[Primitive, ...]) -> list[tuple[int, Fitted]]:
    """From t to x, then c, d and R² on all samples."""
    a, b = _constants(guess, data, rows)
    x = data.x[guess.edge]
    w = data.weight if data.weight.shape[0] == 1 else data.weight[guess.edge]
    value, _ = evaluate(guess.row, rows, a[:, None] * x + b[:, None], slopes=False)
    y = data.y[guess.edge]
    mean, y_mean = (w * value).sum(1, keepdim=True), (w * y).sum(1, keepdim=True)
    size = (value - mean).abs().amax(1, keepdim=True).clamp(min=1e-300)
    centred = (value - mean) / size
    square = (w * centred**2).sum(1, keepdim=True)
    c = (w * centred * (y - y_mean)).sum(1, keepdim=True) / square / size
    d = y_mean - c * mean
    fitted = c * (value - mean)
    residual = y - y_mean - fitted
    spread = (w * (y - y_mean) ** 2).sum(1)
    r2 = 1 - (w * residual**2).sum(1) / spread
    # A d that is only the rounding of the two terms that it is the difference of, is none.
    noise = 1e-13 * (c.abs() * value.abs().amax(1, keepdim=True) + y.abs().amax(1, keepdim=True))
    d = torch.where(d.abs() <= noise, 0.0, d)
    good = torch.isfinite(r2) & torch.isfinite(c[:, 0]) & torch.isfinite(d[:, 0]) & (c[:, 0] != 0)
    curve = fitted / spread.sqrt()[:, None]
    low, high = data.x.amin(1), data.x.amax(1)
    results = []
    columns = (guess.row, guess.edge, a, b, c[:, 0], d[:, 0], r2, good)
    for i, (row, edge, *params, fit, ok) in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        ends = sorted(params[0] * float(end[edge]) + params[1] for end in (low, high))
        if ok and rows[row].interval(*ends) is not None:
            results.append((edge, Fitted(rows[row], (params[0], params[1], params[2], params[3]), fit, curve[i])))
    return results


def _constants(guess: Guess, data: Curves, rows: tuple[Primitive, ...]) -> tuple[Tensor, Tensor]:
    """The a and b of f(a·x + b), from u = slope·(t + offset) + shift."""
    middle, half = data.middle[guess.edge], data.half[guess.edge]
    free = torch.tensor([row.free[0] for row in rows])[guess.row]
    a = torch.where(free, guess.slope / half, guess.slope.sign())
    tied = (guess.offset != 0) & (guess.shift == 0)
    b = torch.where(tied, 0.0, guess.unit * (guess.slope * guess.offset + guess.shift) - a * middle)
    for i, row in enumerate(rows):
        mine = guess.row == i
        if row.name == "x":
            a, b = torch.where(mine, 1.0, a), torch.where(mine, 0.0, b)
        if row.name == "exp":
            moderate = (a * middle).abs() + (a * half).abs() <= _LARGE_EXPONENT
            b = torch.where(mine & moderate, 0.0, b)
        if row.name in ("sin", "cos"):
            # Within half a turn, the sign in c: sin(u + π) = -sin(u).
            b = torch.where(mine, b - math.pi * torch.round(b / math.pi), b)
    symmetric = torch.tensor([row.name in _SYMMETRIC for row in rows])[guess.row]
    flip = torch.where(symmetric & (a < 0), -1.0, 1.0)
    a, b = a * flip, b * flip
    noise = 1e-13 * (a * middle).abs() + 1e-14 * guess.unit
    return a, torch.where(b.abs() <= noise, 0.0, b)


def _record(fit: Fitted, score: float, imitates: str | None, middle: Tensor, half: Tensor) -> SymbolicFit:
    """The record that users see."""
    a, b, _, _ = fit.params
    row = fit.row
    ends = sorted(a * float(middle + sign * half) + b for sign in (-1, 1))
    low, high = row.interval(*ends) or (ends[0], ends[1])
    valid = sorted((end - b) / a for end in (low, high)) if a else [-math.inf, math.inf]
    with blamed(row):
        text = equation(row, visible(row, fit.params, float(middle - half), float(middle + half), fit.r2))
    return SymbolicFit(row.name, fit.params, fit.r2, row.complexity, score, (valid[0], valid[1]), text, imitates)
