"""The best candidate of every edge that is a spline, found a few edges at a time: a preview of what `auto_symbolic` would do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from kanwidget.core import EdgeRef, SymbolicFit
from kanwidget.core.primitives import primitives
from kanwidget.explorer.protocol import records as p
from kanwidget.symbolic.edges import edge_samples, tied_edges
from kanwidget.symbolic.fits.fitting import fit_primitives

if TYPE_CHECKING:
    from kanwidget.explorer.session.session import Session

#: Edges of one round, which nothing interrupts: about a tenth of a second with the whole library.
AT_ONCE = 4


class Survey:
    """Looks at edges while somebody wants to know, in the order of the structure, and begins anew after each act.

    While training the rows are those of the moments when their edges were looked at.
    """

    def __init__(self) -> None:
        #: The views that want to know.
        self.views: set[str] = set()
        self._begin()

    def _begin(self) -> None:
        #: Number of the act after which it began; None before it has.
        self._acted: int | None = None
        self._left: list[EdgeRef] = []
        self._told = 0
        self._found: list[tuple[EdgeRef, SymbolicFit | None]] = []

    @property
    def on(self) -> bool:
        """Whether anybody wants to know."""
        return bool(self.views)

    def switch(self, on: bool, view: str = "") -> None:
        """A view wants to know, and is told from the beginning, or doesn't any more."""
        if on:
            self.views.add(view)
            self._told = 0
        else:
            self.views.discard(view)
        if not self.on:
            self._begin()

    def again(self) -> None:
        """What was found isn't the best any more: there are other functions."""
        self._begin()

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do."""
        return not self.on or (self._acted is not None and not self._left)

    def work(self, session: Session) -> None:
        """Look at some edges more."""
        if not self.on:
            return
        if self._acted != session.best.acted:
            self._begin()
            self._acted = session.best.acted
            self._left = splines(session)
        here = [ref for ref in self._left[:AT_ONCE] if ref.layer == self._left[0].layer]
        if here:
            self._found += zip(here, best(session, here), strict=True)
            self._left = self._left[len(here) :]

    def news(self) -> p.Survey:
        """What was found since this was asked last."""
        first, self._told = self._told, len(self._found)
        rows = [_row(*one) for one in self._found[first:]]
        return {"first": first, "of": len(self._found) + len(self._left), "busy": not self.done, "rows": rows}


def splines(session: Session) -> list[EdgeRef]:
    """The edges that `auto_symbolic` would look at: of those that share a function the first one."""
    found, model = [], session.model
    for ref in model.edge_refs(active=True):
        first = tied_edges(model.layer(ref.layer), ref.source, ref.target)[0] == (ref.source, ref.target)
        if first and model.layer(ref.layer).state(ref.source, ref.target) == "spline":
            found.append(ref)
    return found


def best(
    session: Session, refs: list[EdgeRef], lib: tuple[str, ...] | None = None, simplicity: float | None = None
) -> list[SymbolicFit | None]:
    """The best candidates of some edges of one layer as they are now, None where no function holds one."""
    return [fits[0] if fits else None for fits in together(session, refs, lib, simplicity)]


def together(
    session: Session, refs: list[EdgeRef], lib: tuple[str, ...] | None = None, simplicity: float | None = None
) -> list[list[SymbolicFit]]:
    """All candidates of some edges of one layer as they are now, best first: much faster than one edge after the other."""
    pairs = [(ref.source, ref.target) for ref in refs]
    inputs, values = edge_samples(session.model, refs[0].layer, pairs, session.x)
    weight = session.simplicity if simplicity is None else simplicity
    rows = primitives(session.lib if lib is None else lib, "survey")
    return fit_primitives(inputs, values, rows, simplicity=weight, on_broken=session.leave_out)


def _row(ref: EdgeRef, fit: SymbolicFit | None) -> p.SurveyRow:
    if fit is None or not math.isfinite(fit.r2):
        return {"edge": list(ref), "name": "", "r2": 0.0}
    return {"edge": list(ref), "name": fit.name, "r2": fit.r2}
