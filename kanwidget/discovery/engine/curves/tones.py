"""Sums of waves, one tone after the other: the strongest in what the earlier ones leave."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from kanwidget.discovery.engine.curves.curve import CurveRows
from kanwidget.discovery.engine.curves.forms import scaled
from kanwidget.discovery.engine.trees import Tree, constant, values

_MOST_TONES = 3
#: Tones of the periodogram: one radian more over the range each.
_RATES = 120


def rates(x: Tensor, count: int) -> Tensor:
    """Angular frequencies that rows at x, `(rows,)`, can tell from each other, ascending: `(count,)`.

    From one to the next the phase between the ends of x turns by one radian more.
    """
    half = (x.amax() - x.amin()) / 2
    return 0.5 * torch.arange(1, count + 1, dtype=x.dtype) / half


def tones(rows: CurveRows) -> Iterator[Tree]:
    """Sums of one, two and three waves with an offset, and the same with a straight line, as trees with constants fitted to the rows.

    Examples:
        >>> x = torch.linspace(0, 10, 200, dtype=torch.float64)
        >>> trees = list(tones(CurveRows(x, torch.sin(2 * x) + 0.5 * torch.cos(5 * x), None)))
        >>> rows = CurveRows(x, torch.sin(2 * x) + 0.5 * torch.cos(5 * x), None)
        >>> min(rows.fit(tree).relative for tree in trees) < 1e-12
        True
    """
    for base in (constant(0.0), ("add", constant(0.0), scaled(0.0, ("x", 0)))):
        tree = rows.fit(base).tree
        for _ in range(_MOST_TONES):
            tree = rows.fit(("add", tree, strongest(rows, rows.y - values(tree, [rows.x])))).tree
            yield tree


def strongest(rows: CurveRows, residual: Tensor) -> Tree:
    """The tone that explains most of a residual, `(rows,)`, as a tree: factor·sin(frequency·x + phase).

    For each frequency two normal equations give the factors a of the sine and b of the cosine, and what they explain.
    """
    roots = torch.ones_like(residual) if rows.weights is None else rows.weights.sqrt()
    frequencies = rates(rows.x, _RATES)
    angles = frequencies[:, None] * rows.x
    sine, cosine, target = angles.sin() * roots, angles.cos() * roots, residual * roots
    ss, cc, sc = sine.square().sum(1), cosine.square().sum(1), (sine * cosine).sum(1)
    s, c, determinant = sine @ target, cosine @ target, (ss * cc - sc * sc).clamp(min=1e-12)
    best = int(((s * s * cc + c * c * ss - 2 * s * c * sc) / determinant).argmax())
    a, b = (part[best] / determinant[best] for part in (s * cc - c * sc, c * ss - s * sc))
    angle = ("mul", constant(float(frequencies[best])), ("x", 0))
    wave = ("sin", ("add", angle, constant(math.atan2(float(b), float(a)))))
    return scaled(math.hypot(float(a), float(b)), wave)
