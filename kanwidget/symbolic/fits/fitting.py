"""Fits of the table of primitives to edges: y ≈ c·f(a·x + b) + d, all edges and primitives at once.

A coarse search over shapes (`search`), a polish of the few best starts of each on some samples, and of the best on all of them
(`polish`); then the constants in x, the goodness of fit and the ranking (`ranking`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.primitives import Primitive
from kanwidget.core.records import SymbolicFit
from kanwidget.core.threads import limit_threads
from kanwidget.symbolic.fits.curves import Curves, curves, thin
from kanwidget.symbolic.fits.custom import BrokenPrimitive, OnBroken, blamed, log_broken
from kanwidget.symbolic.fits.polish import EXACT, evaluate, polish
from kanwidget.symbolic.fits.ranking import SIMPLICITY, EdgeFit, order, rank, score, unexplained
from kanwidget.symbolic.fits.search import FitParameters, search
from kanwidget.symbolic.writing.forms import Params
from kanwidget.symbolic.writing.text import equation
from kanwidget.symbolic.writing.tidy import visible

Result = TypeVar("Result")

#: Samples used to choose among the starts, and to polish the chosen ones.
_FEW, _MANY = 200, 1500
#: Numbers (edges × samples) in one chunk: bounds the memory.
_CHUNK = 30_000
#: Independent numbers of a curve of which nothing else is known: the coefficients of a spline of five intervals.
NUMBERS = 8
#: A kink counts if at least this part of the samples lies on each of its sides.
_KINK = 0.05
#: A function whose rough part, which a spline can't follow, is less than this part of the misfit needs no second look.
_ROUGH = 0.02
#: Beyond this, exp(a·x) is written as exp(a·x + b), so that neither it nor c leaves the range of the floats.
_LARGE_EXPONENT = 30.0


@limit_threads
def fit_primitives(
    x: Tensor,
    y: Tensor,
    primitives: Sequence[Primitive],
    *,
    simplicity: float = SIMPLICITY,
    weights: Tensor | None = None,
    noise: Sequence[float] | None = None,
    numbers: float = NUMBERS,
    spaces: Sequence[Tensor | None] | None = None,
    on_broken: OnBroken = log_broken,
) -> list[list[SymbolicFit]]:
    """Fit y ≈ c·f(a·x + b) + d for every edge and every primitive f, best first.

    The score is `simplicity·complexity + (1 - simplicity)·numbers/2·log2(1 - R² + noise + 1e-12)`, lower is better. A primitive that
    can't hold the edge's data in its domain has no fit; the constant `0` has one only where the edge is close to constant.

    Args:
        x: Inputs of the edges, shape `(samples, edges)`, any float type; computed in float64.
        y: Values of the edges, shape `(samples, edges)`.
        primitives: The primitives, from `kanwidget.core.primitives`.
        simplicity: 0 ranks by accuracy alone, 1 by simplicity alone.
        weights: Of the samples, shape `(samples,)`, ≥ 0.
        noise: For each edge the variance of its own error, as a part of its variance; 0 by default. Fits that differ by less
            are as good as each other, and the simplest of them is the best.
        numbers: How many independent numbers a curve holds: as many as its spline has coefficients; 2 ranks as pykan does.
        spaces: For each edge a basis b of the curves that its spline can follow, `(samples, numbers)`, or None: of the residuals
            beyond, a hundredth counts. It is orthonormal under the weights, which add up to 1: bᵀ·W·b = 1.
        on_broken: Called for every registered function that raises, or returns anything but finite values of the right type: it
            is left out as if there were none of that name.

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
    edges = len(data.x)
    given = [0.0] * edges if noise is None else noise
    floors = [_check.real(value, "noise", "fit_primitives", low=0) for value in given]  # misfits below these are alike
    if len(floors) != edges:
        _check.fail("noise", "fit_primitives", f"{edges} numbers ≥ 0, one an edge", noise)
    followed = [None] * edges if spaces is None else list(spaces)
    step = max(1, _CHUNK // min(data.count, _MANY))  # edges of a chunk: its memory is bounded

    def fit(usable: tuple[Primitive, ...]) -> list[list[SymbolicFit]]:
        """The ranked fits of some primitives for all edges, in chunks of edges that fit into memory."""
        records = []
        for first in range(0, edges, step):
            chunk = slice(first, min(first + step, edges))
            part = data.at(torch.arange(chunk.start, chunk.stop))
            for edge, fits in enumerate(edge_fits(part, usable, followed[chunk], floors[chunk])):
                records.append(ranked_records(part, edge, rank(fits, numbers, floors[first + edge]), simplicity))
        return records

    return without_broken(fit, primitives, on_broken)


def without_broken(
    fit: Callable[[tuple[Primitive, ...]], Result], primitives: Sequence[Primitive], on_broken: OnBroken
) -> Result:
    """What `fit` makes of those primitives that work: after each `BrokenPrimitive` it is called again, without that one.

    `on_broken` is called for every primitive that is left out.
    """
    usable = tuple(primitives)
    while True:
        try:
            with torch.no_grad():
                return fit(usable)
        except BrokenPrimitive as broken:
            on_broken(broken)
            usable = tuple(primitive for primitive in usable if primitive is not broken.primitive)


def edge_fits(
    data: Curves, primitives: tuple[Primitive, ...], spaces: Sequence[Tensor | None], noise: Sequence[float]
) -> list[list[EdgeFit]]:
    """The fits of each edge, in no order and without a score; a primitive whose domain can't hold the edge's data has none.

    Args:
        data: The samples of the edges.
        primitives: The primitives.
        spaces: For each edge a basis of the curves that its spline can follow, `(n, numbers)`, or None: beyond, residuals count little.
        noise: For each edge the variance of its own error, as a part of its variance.
    """
    # The constant 0 is d alone: it has a fit of its own, and of constant edges no other function has one.
    varying = tuple(primitive for primitive in primitives if primitive.name != "0")
    by_edge: list[list[EdgeFit]] = [[] for _ in data.x]
    live = (~data.constant).nonzero()[:, 0]  # the edges that aren't constant to round-off
    if len(live) and varying:
        of_live = [spaces[e] for e in live.tolist()]
        floors = torch.tensor([noise[e] for e in live.tolist()], dtype=torch.float64)
        for edge, fit in _fit_varying(data.at(live), varying, of_live, floors):
            by_edge[int(live[edge])].append(fit)
    for edge, fits in enumerate(by_edge):
        if bool(data.nearly_constant[edge]) and len(varying) < len(primitives):
            zero = next(primitive for primitive in primitives if primitive.name == "0")
            mean = float((data.weight.expand_as(data.y)[edge] * data.y[edge]).sum())
            r2 = 1.0 if bool(data.constant[edge]) else 0.0
            flat = torch.zeros(data.count, dtype=torch.float64)
            fits.append(EdgeFit(zero, (1.0, 0.0, 0.0, mean), r2, flat, 1 - r2))
    return by_edge


def _fit_varying(
    data: Curves, primitives: tuple[Primitive, ...], spaces: Sequence[Tensor | None], noise: Tensor
) -> Iterator[tuple[int, EdgeFit]]:
    """The fits of edges that aren't constant, each with the index of its edge.

    Starts are searched; all are polished on 200 samples, and the best of each primitive and edge on 1500.

    Args:
        data: The samples of the edges.
        primitives: The primitives, without the constant 0.
        spaces: For each edge a basis of the curves that its spline can follow, `(n, numbers)`, or None.
        noise: For each edge the variance of its own error, as a part of its variance, `(edges,)`.
    """
    fits = search(data, primitives)
    few, many = thin(data, _FEW), thin(data, _MANY)
    # Coarsely: only the best of the starts of each primitive and edge goes on.
    fits, error = polish(fits, few, primitives, steps=8, tolerance=0.01)
    fits = fits.take(_best(fits, error, len(data.x)))
    fits, _ = polish(fits, many, primitives, steps=12, tolerance=1e-5)
    has_splines = any(space is not None for space in spaces) and data.count <= _MANY
    # By the index of a fit, a smaller misfit: what a spline can't follow counts little.
    beside = _misfits_of_splines(fits, data, primitives, spaces, noise) if has_splines else {}
    return _conclude(fits, data, primitives, beside)


def _misfits_of_splines(
    fits: FitParameters, data: Curves, primitives: tuple[Primitive, ...], spaces: Sequence[Tensor | None], noise: Tensor
) -> dict[int, float]:
    """The misfit that remains where a spline does its best to be the function, by the index of each fit that has something to gain.

    The function that a spline was learned from misses the spline by what the spline can't follow. So each function is fitted once
    more, to the curve plus that part of itself; a function that splines follow well has nothing to gain.

    Args:
        fits: The fits; `fits.edge` and `fits.primitive` are the indices of each one's edge and primitive.
        data: The samples of the edges, whose values are scaled to mean 0 and variance 1 (`z`).
        primitives: The primitives.
        spaces: Of each edge a basis of the curves that its spline can follow, `(n, numbers)`, orthonormal under the weights, or None.
        noise: Of each edge, the variance of its own error as a part of its variance.
    """
    value = _fitted(fits, data, primitives)
    own = data.at(fits.edge)
    weight = own.weight.expand_as(own.z)
    bases = [spaces[edge] for edge in fits.edge.tolist()]
    # The projection of each function on the curves that the edge's spline can follow.
    projected = zip(value, weight, bases, strict=True)
    follows = torch.stack([v if b is None else b @ (b.T @ (w * v)) for v, w, b in projected])
    beyond = torch.nan_to_num(value - follows)
    misfit = (weight * torch.nan_to_num(own.z - value) ** 2).sum(1) + noise[fits.edge]
    # The fits whose part that no spline follows is more than 2 % of the misfit: others have nothing to gain.
    rough = ((weight * beyond**2).sum(1) > _ROUGH * misfit).nonzero()[:, 0]
    fits, own, weight, beyond = fits.take(rough), own.at(rough), weight[rough], beyond[rough]
    target = own.z + beyond
    own = replace(own, z=target - (weight * target).sum(1, keepdim=True))
    alone = fits._replace(edge=torch.arange(len(rough)))  # each fit has a curve of its own now
    better, _ = polish(alone, own, primitives, steps=8, tolerance=1e-3)
    residual = data.z[fits.edge] - _fitted(better, own, primitives)
    bases = [spaces[edge] for edge in fits.edge.tolist()]
    return dict(zip(rough.tolist(), map(unexplained, residual, weight, bases), strict=True))


def _fitted(fits: FitParameters, data: Curves, primitives: tuple[Primitive, ...]) -> Tensor:
    """c·f + d of each fit on the samples, relative to the edge's standard deviation and centered, `(fits, n)`.

    f is taken at slope·(t + offset) + shift, with t the edge's input scaled to [-1, 1]; c and d are the best ones.
    """
    along = data.t[fits.edge] + fits.offset[:, None]
    value = evaluate(fits.primitive, primitives, fits.slope[:, None] * along + fits.shift[:, None])
    weight = data.weight.expand_as(data.t)[fits.edge]
    # Divided by the largest value: squares of very large numbers would overflow. The best c makes up for it.
    size = value.abs().amax(1, keepdim=True).clamp(min=1e-300)
    centered = value / size - (weight * value / size).sum(1, keepdim=True)
    c = (weight * centered * data.z[fits.edge]).sum(1, keepdim=True) / (weight * centered**2).sum(1, keepdim=True)
    return c * centered


def _best(fits: FitParameters, error: Tensor, edges: int) -> Tensor:
    """The index of the best fit for each pair of a primitive and an edge that has one.

    Args:
        fits: The fits.
        error: Their squared errors, `(fits,)`; those below round-off count as the same.
        edges: Number of edges.
    """
    key = fits.primitive * edges + fits.edge  # one number for each pair
    # Stable sorts, the one that decides first comes last: by pair, then by error, then by the sign of a.
    # A symmetry of f makes two exact fits: the one with a positive a wins, whatever their round-off.
    order = (fits.slope < 0).int().argsort(stable=True)
    order = order[error[order].clamp(min=EXACT).argsort(stable=True)]
    order = order[key[order].argsort(stable=True)]
    first = torch.ones(len(order), dtype=torch.bool)
    first[1:] = key[order][1:] != key[order][:-1]
    return order[first]


def _conclude(
    fits: FitParameters, data: Curves, primitives: tuple[Primitive, ...], beside: Mapping[int, float]
) -> Iterator[tuple[int, EdgeFit]]:
    """The fits with a and b for x itself, not for x scaled to [-1, 1], and with c, d and R² on all samples; each after its edge's index.

    Those are left out that aren't finite, or whose primitive isn't defined on all of the edge's data. `beside` has, by the index of some
    fits of splines, what a fit leaves of the variance if what no spline can follow counts little: it replaces 1 - R² where it is smaller.
    """
    a, b = _constants(fits, data, primitives)
    x = data.x[fits.edge]  # the samples of each fit's edge, (fits, n)
    w = data.weight_of(fits.edge)  # they add up to 1
    value = evaluate(fits.primitive, primitives, a[:, None] * x + b[:, None])
    y = data.y[fits.edge]
    mean, y_mean = (w * value).sum(1, keepdim=True), (w * y).sum(1, keepdim=True)
    # Divided by the largest one: squares of very large numbers would overflow, those of very small ones would be 0.
    size = (value - mean).abs().amax(1, keepdim=True).clamp(min=1e-300)
    centered = (value - mean) / size
    square = (w * centered**2).sum(1, keepdim=True)
    c = (w * centered * (y - y_mean)).sum(1, keepdim=True) / square / size
    d = y_mean - c * mean
    fitted = c * (value - mean)
    residual = y - y_mean - fitted
    spread = (w * (y - y_mean) ** 2).sum(1)
    r2 = 1 - (w * residual**2).sum(1) / spread
    # d is a difference of two terms: below their rounding it is 0.
    rounding = 1e-13 * (c.abs() * value.abs().amax(1, keepdim=True) + y.abs().amax(1, keepdim=True))
    d = torch.where(d.abs() <= rounding, 0.0, d)
    good = torch.isfinite(r2) & torch.isfinite(c[:, 0]) & torch.isfinite(d[:, 0]) & (c[:, 0] != 0)
    # In standard deviations of y, times the roots of the weights, which are 1 on average here: the mean square of the difference of
    # two such curves is the part of the variance in which they differ.
    curve = fitted / spread.sqrt()[:, None] * (data.count * w.expand_as(value)).sqrt()
    low, high = data.x.amin(1), data.x.amax(1)
    params = torch.stack([a, b, c[:, 0], d[:, 0]], dim=1).tolist()
    columns = (column.tolist() for column in (fits.primitive, fits.edge, r2, good))
    for i, (index, edge, fit_r2, sound) in enumerate(zip(*columns, strict=True)):
        primitive, constants = primitives[index], params[i]
        ends = sorted(constants[0] * float(end[edge]) + constants[1] for end in (low, high))
        if sound and primitive.interval(*ends) is not None:
            # The part of the samples on the falling side of |a·x + b|: its kink is at 0.
            beyond = float((constants[0] * x[i] + constants[1] < 0).double().mean())
            one_sided = primitive.name == "abs" and min(beyond, 1 - beyond) < _KINK
            # What is no number doesn't count: it isn't smaller.
            least = min(1 - fit_r2, beside.get(i, math.inf))
            yield edge, EdgeFit(primitive, tuple(constants), fit_r2, curve[i], least, one_sided)


def _constants(fits: FitParameters, data: Curves, primitives: tuple[Primitive, ...]) -> tuple[Tensor, Tensor]:
    """The a and b of f(a·x + b), `(fits,)` each, from u = slope·(t + offset) + shift, where t is x scaled to [-1, 1].

    `unit` is half the range of x where the search has left the scale of u to c and d, else 1. What c and d can absorb is taken out of a
    and b; c and d are computed from the values of f afterwards.
    """
    middle, half = data.middle[fits.edge], data.half[fits.edge]
    free = torch.tensor([primitive.free[0] for primitive in primitives])[fits.primitive]
    a = torch.where(free, fits.slope / half, fits.slope.sign())  # an a that isn't free is 1 or -1
    # An offset stands for b = 0, which is exact then, and no difference of large numbers.
    tied = (fits.offset != 0) & (fits.shift == 0)
    b = torch.where(tied, 0.0, fits.unit * (fits.slope * fits.offset + fits.shift) - a * middle)
    for i, primitive in enumerate(primitives):
        is_its_fit = fits.primitive == i
        if not any(primitive.free):
            b = torch.where(is_its_fit, 0.0, b)
        if primitive.absorbed == "shift":
            # exp(a·x + b) is e^b·exp(a·x), unless exp(a·x) leaves the range of the floats.
            moderate = (a * middle).abs() + (a * half).abs() <= _LARGE_EXPONENT
            b = torch.where(is_its_fit & moderate, 0.0, b)
        if primitive.antiperiod is not None:
            # Within half a turn, the sign in c: sin(u + π) = -sin(u).
            turns = torch.round(b / primitive.antiperiod)
            b = torch.where(is_its_fit, b - primitive.antiperiod * turns, b)
    # f(-u) is ±f(u) plus a constant: a becomes positive.
    symmetric = torch.tensor([primitive.symmetric for primitive in primitives])[fits.primitive]
    flip = torch.where(symmetric & (a < 0), -1.0, 1.0)
    a, b = a * flip, b * flip
    # b is a difference of two terms: below their rounding it is 0.
    rounding = 1e-13 * (a * middle).abs() + 1e-14 * fits.unit
    return a, torch.where(b.abs() <= rounding, 0.0, b)


def ranked_records(
    data: Curves, edge: int, fits: Iterable[tuple[EdgeFit, float, str | None]], simplicity: float
) -> list[SymbolicFit]:
    """The records of an edge's fits, best first.

    Args:
        data: The samples of the edges.
        edge: The edge's index among them.
        fits: From `rank`: each fit, its misfit in bits, and the name of a simpler primitive that it only imitates, or None.
        simplicity: 0 ranks by accuracy alone, 1 by simplicity alone.
    """
    middle, half = data.middle[edge], data.half[edge]
    low, high = float(middle - half), float(middle + half)
    return order(
        replace(
            record(fit.primitive, fit.params, fit.r2, low, high),
            score=score(bits, fit.primitive.complexity, simplicity),
            imitates=imitates,
            misfit=bits,
        )
        for fit, bits, imitates in fits
    )


def record(primitive: Primitive, params: Params, r2: float, low: float, high: float) -> SymbolicFit:
    """The record of c·f(a·x + b) + d on data with x from `low` to `high`, without a score; `params` are a, b, c and d."""
    a, b, _, _ = params
    ends = sorted((a * low + b, a * high + b))
    # Where f is defined, in a·x + b, and from it in x.
    interval = primitive.interval(*ends) or ends
    valid = sorted((end - b) / a for end in interval) if a else [-math.inf, math.inf]
    with blamed(primitive):
        text = equation(primitive, visible(primitive, params, low, high, r2))
    return SymbolicFit(primitive.name, params, r2, primitive.complexity, math.nan, (valid[0], valid[1]), text)
