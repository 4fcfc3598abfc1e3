"""`SymbolifyPreview`: the candidates that `auto_symbolic` would fix, before it does; a few edges are searched at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence

from kanwidget.core import EdgeRef, SymbolicFit
from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.session.candidates import EdgeCandidates
from kanwidget.symbolic.edges import numeric_edges

#: Edges of one round, which nothing interrupts: about a tenth of a second with the whole library.
EDGES_PER_ROUND = 4


class SymbolifyPreview:
    """Searches edges while a view has the preview open, in the order of the structure, and begins anew after each act.

    While training a row shows the moment when its edge was searched.
    """

    def __init__(self) -> None:
        #: The views that have the preview open.
        self.views: set[str] = set()
        self.restart()

    def restart(self) -> None:
        """Search all edges again, after an act or a change of the library."""
        #: `act_version` of the network when the search began; None before it begins.
        self._act_version: int | None = None
        self._remaining: list[EdgeRef] = []
        self._n_sent = 0
        self._rows: list[tuple[EdgeRef, SymbolicFit | None]] = []

    @property
    def on(self) -> bool:
        """Whether a view has the preview open."""
        return bool(self.views)

    def switch(self, on: bool, view: str = "") -> None:
        """Open or close the preview of a view. A view that opens it is sent all rows."""
        if on:
            self.views.add(view)
            self._n_sent = 0
        else:
            self.views.discard(view)
        if not self.on:
            self.restart()

    def close(self) -> None:
        """Close the preview of all views."""
        self.views.clear()

    @property
    def is_complete(self) -> bool:
        """Whether no edge remains to be searched."""
        return not self.on or (self._act_version is not None and not self._remaining)

    def search(self, candidates: EdgeCandidates) -> None:
        """Search some more edges."""
        if not self.on:
            return
        run = candidates.run
        if self._act_version != run.act_version:
            self.restart()
            self._act_version = run.act_version
            self._remaining = numeric_edges(run.model)
        edges = [ref for ref in self._remaining[:EDGES_PER_ROUND] if ref.layer == self._remaining[0].layer]
        if edges:
            rankings = candidates.of_layer(edges)
            self._rows += [(edge, best_original(fits)) for edge, fits in zip(edges, rankings, strict=True)]
            self._remaining = self._remaining[len(edges) :]

    def unsent(self) -> p.Preview:
        """The rows that were added since the last call."""
        first, self._n_sent = self._n_sent, len(self._rows)
        rows = [_row(edge, fit) for edge, fit in self._rows[first:]]
        return {
            "first": first,
            "of": len(self._rows) + len(self._remaining),
            "busy": not self.is_complete,
            "rows": rows,
        }


def best_original(fits: Sequence[SymbolicFit]) -> SymbolicFit | None:
    """The first candidate that doesn't only imitate another one; None without candidates.

    Examples:
        >>> cosine = SymbolicFit("cos", (0.1, 0, 1, 0), 0.99, 2, -2.0, (-1, 1), "cos(0.1*x)", imitates="x^2")
        >>> best_original([cosine]) is None
        True
    """
    return next((fit for fit in fits if fit.imitates is None), None)


def _row(edge: EdgeRef, fit: SymbolicFit | None) -> p.PreviewRow:
    if fit is None or not math.isfinite(fit.r2):
        return {"edge": list(edge), "name": "", "r2": 0.0}
    return {"edge": list(edge), "name": fit.name, "r2": fit.r2}
