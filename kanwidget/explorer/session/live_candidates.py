"""The candidates of an edge while it trains: followed from one look to the next, so that a search costs less.

The curve of an edge moves little within a second. The best functions, and some of the others in turn, are fitted anew; the rest keep
their a and b, and get the c, d and R² that are right for the curve of now. Where the curve has moved far, all are searched again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanwidget.core import EdgeRef, Primitive, SymbolicFit, primitive
from kanwidget.explorer.describe import curves
from kanwidget.symbolic.fits.custom import BrokenPrimitive, blamed, called
from kanwidget.symbolic.fits.ranking import score
from kanwidget.symbolic.writing.text import equation
from kanwidget.symbolic.writing.tidy import visible

if TYPE_CHECKING:
    from kanwidget.explorer.session.session import Session

#: Parts of the edge's spread by which it may move until it is looked at again, and until everything is searched again.
_SAME, _FAR = 1e-3, 0.2
#: Functions that are fitted anew: so many of the best, and so many others in turn.
_BEST, _OTHERS = 6, 2

#: Fits some functions, or with None all of the library.
Search = Callable[[Sequence[str] | None], list[SymbolicFit]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found when an edge was looked at."""

    edge: EdgeRef
    fits: list[SymbolicFit]
    samples: Tensor
    """Inputs and values of the edge then, `(2, n)`."""
    searched: Tensor
    """The same when the whole library was searched last."""
    rows: tuple[Primitive, ...]
    """That library."""
    turn: int = 0
    """Place in the library of the functions whose turn is next."""


def candidates(session: Session, edge: EdgeRef) -> list[SymbolicFit]:
    """The candidates of an edge to be shown, best first: exact ones, or while training those of another look."""
    if not session.running or session.candidates_known():
        return session.candidates(edge)
    samples = curves.edge_samples(session.model, edge, session.x)

    seen = session.seen if session.seen is not None and session.seen.rows == session.rows else None
    search = lambda names: session.search(edge, names)  # noqa: E731
    session.seen = look(seen, edge, samples, search, session.rows, session.simplicity)
    if session.seen.fits:
        session.best.among(session.rows).put(edge, session.seen.fits[0], session.version, samples)
    return session.seen.fits


def moved(session: Session) -> bool:
    """Whether another look at the first selected edge would show something else than the last one."""
    seen, edge = session.seen, session.selection[0]
    samples = curves.edge_samples(session.model, edge, session.x)
    return seen is None or seen.edge != edge or _distance(seen.samples, samples) > _SAME


def look(
    seen: Seen | None, edge: EdgeRef, samples: Tensor, search: Search, rows: Sequence[Primitive], simplicity: float
) -> Seen:
    """The candidates of now, best first, from those of the last look.

    Args:
        seen: The last look, None for none.
        edge: The edge.
        samples: Its inputs and values, `(2, n)`.
        search: Fits functions by name.
        rows: All functions in question.
        simplicity: Weight of simplicity in the order.
    """
    if seen is None or seen.edge != edge or _distance(seen.searched, samples) > _FAR:
        return Seen(edge, search(None), samples, samples, tuple(rows))
    names = [row.name for row in rows]
    best = [fit.name for fit in seen.fits[:_BEST]]
    rest = [name for name in names[seen.turn :] + names[: seen.turn] if name not in best]
    anew = search([*best, *rest[:_OTHERS]])
    picked = {*best, *rest[:_OTHERS]}
    kept = [found for fit in seen.fits if fit.name not in picked and (found := refitted(fit, samples, simplicity))]
    turn = names.index(rest[_OTHERS]) if len(rest) > _OTHERS else 0
    return replace(seen, fits=_ordered([*anew, *kept]), samples=samples, turn=turn)


def refitted(fit: SymbolicFit, samples: Tensor, simplicity: float) -> SymbolicFit | None:
    """A fit with its a and b, and the c, d and R² of now; None where its function isn't defined any more, or fails."""
    row = primitive(fit.name)
    try:
        with blamed(row):
            return _refitted(fit, row, samples.double().cpu(), simplicity)
    except BrokenPrimitive:
        return None


def _refitted(fit: SymbolicFit, row: Primitive, samples: Tensor, simplicity: float) -> SymbolicFit | None:
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
    return replace(fit, params=params, r2=r2, score=score(r2, fit.complexity, simplicity), equation=text)


def _line(value: Tensor, y: Tensor) -> tuple[float, float]:
    """The least squares y ≈ c·value + d: c and d."""
    centred = value - value.mean()
    c = float((centred * (y - y.mean())).sum() / centred.square().sum().clamp(min=1e-300))
    return c, float(y.mean() - c * value.mean())


def _ordered(fits: list[SymbolicFit]) -> list[SymbolicFit]:
    """Best first; what only imitates a simpler function stays behind that, as in a search."""
    price = {fit.name: fit.score for fit in fits}
    known = [fit if fit.imitates in price else replace(fit, imitates=None) for fit in fits]
    key = lambda f: (max(f.score, price.get(f.imitates, f.score)), f.imitates is not None, f.complexity)  # noqa: E731
    return sorted(known, key=key)


def _distance(then: Tensor, now: Tensor) -> float:
    """How far inputs or values have moved, in parts of their spread."""
    if then.shape != now.shape:
        return torch.inf
    spread = then.std(1).clamp(min=1e-300)
    return float(((now - then).square().mean(1).sqrt() / spread).max())
