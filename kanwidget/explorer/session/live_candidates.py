"""Incremental candidate search while an edge trains.

The curve of an edge moves little within a second. Each refresh fits the best six functions and two others anew; all others keep their
a and b, and get new c, d and R². Everything is searched again once the curve has moved by 20 % of its spread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.core import EdgeRef, Primitive, SymbolicFit, primitive
from kanwidget.symbolic.fits.custom import BrokenPrimitive, blamed, called
from kanwidget.symbolic.fits.ranking import misfit, order, score
from kanwidget.symbolic.writing.text import equation
from kanwidget.symbolic.writing.tidy import visible

#: Fractions of the edge's spread: movements below the first show no difference, those above the second need a full search.
_SAME, _FAR = 1e-3, 0.2
#: Number of functions that a refresh fits anew: of the best ones, and of all others in turn.
_BEST, _OTHERS = 6, 2

#: Fits some functions, or with None all of the library.
Search = Callable[[Sequence[str] | None], list[SymbolicFit]]


class Rule(NamedTuple):
    """What ranks the candidates of an edge, see `kanwidget.symbolic.fits.ranking`."""

    simplicity: float
    numbers: float
    noise: float = 0.0


@dataclass(frozen=True, slots=True)
class LiveSearch:
    """The state of the search after a refresh."""

    edge: EdgeRef
    fits: list[SymbolicFit]
    samples: Tensor
    """Inputs and values of the edge at the refresh, `(2, n)`."""
    searched: Tensor
    """The same at the last full search."""
    library: tuple[Primitive, ...]
    turn: int = 0
    """Index in the library of the function whose turn is next."""

    def differs(self, edge: EdgeRef, samples: Tensor) -> bool:
        """Whether the edge has moved so far that a refresh would show a difference."""
        return self.edge != edge or _distance(self.samples, samples) > _SAME


def refresh(
    previous: LiveSearch | None,
    edge: EdgeRef,
    samples: Tensor,
    search: Search,
    library: Sequence[Primitive],
    rule: Rule,
) -> LiveSearch:
    """The current candidates, best first, from those of the previous refresh.

    Args:
        previous: The previous refresh, None for none.
        edge: The edge.
        samples: Its inputs and values, `(2, n)`.
        search: Fits functions by name.
        library: All functions in question.
        rule: What ranks the candidates.
    """
    if previous is None or previous.edge != edge or _distance(previous.searched, samples) > _FAR:
        return LiveSearch(edge, search(None), samples, samples, tuple(library))
    names = [row.name for row in library]
    best = [fit.name for fit in previous.fits[:_BEST]]
    others = [name for name in names[previous.turn :] + names[: previous.turn] if name not in best]
    anew = [*best, *others[:_OTHERS]]
    fits = search(anew)
    rescaled = [refitted(fit, samples, rule) for fit in previous.fits if fit.name not in anew]
    turn = names.index(others[_OTHERS]) if len(others) > _OTHERS else 0
    fits = _ordered([*fits, *(fit for fit in rescaled if fit is not None)])
    return replace(previous, fits=fits, samples=samples, turn=turn)


def refitted(fit: SymbolicFit, samples: Tensor, rule: Rule) -> SymbolicFit | None:
    """A fit with its a and b, and new c, d and R²; None where its function isn't defined any more, or fails."""
    row = primitive(fit.name)
    try:
        with blamed(row):
            return _refitted(fit, row, samples.double().cpu(), rule)
    except BrokenPrimitive:
        return None


def _refitted(fit: SymbolicFit, row: Primitive, samples: Tensor, rule: Rule) -> SymbolicFit | None:
    x, y = samples
    a, b, _, _ = fit.params
    low, high = float(x.min()), float(x.max())
    if row.interval(*sorted((a * low + b, a * high + b))) is None:
        return None
    value = called(row, row.fn, a * x + b)
    c, d = _line(value, y)
    spread = (y - y.mean()).square().sum()
    r2 = 1 - float((y - c * value - d).square().sum() / spread)
    params = (a, b, c, d)
    if not all(map(torch.isfinite, torch.tensor([*params, r2]))):
        return None
    text = equation(row, visible(row, params, low, high, r2))
    bits = fit.misfit + misfit(1 - r2, rule.numbers, rule.noise) - misfit(1 - fit.r2, rule.numbers, rule.noise)
    return replace(
        fit, params=params, r2=r2, score=score(bits, fit.complexity, rule.simplicity), equation=text, misfit=bits
    )


def _line(value: Tensor, y: Tensor) -> tuple[float, float]:
    """The least squares y ≈ c·value + d: c and d."""
    centered = value - value.mean()
    c = float((centered * (y - y.mean())).sum() / centered.square().sum().clamp(min=1e-300))
    return c, float(y.mean() - c * value.mean())


def _ordered(fits: list[SymbolicFit]) -> list[SymbolicFit]:
    """Best first; an imitation of a function that isn't among them is none."""
    names = {fit.name for fit in fits}
    return order(fit if fit.imitates in names else replace(fit, imitates=None) for fit in fits)


def _distance(previous: Tensor, current: Tensor) -> float:
    """The movement of inputs or values, as a fraction of their spread."""
    if previous.shape != current.shape:
        return torch.inf
    spread = previous.std(1).clamp(min=1e-300)
    return float(((current - previous).square().mean(1).sqrt() / spread).max())
