"""What a page without a kernel shows when an edge is selected: stored as JSON with its numbers as base64."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any

from torch import Tensor

from kanwidget.core import EdgeRef, SymbolicFit
from kanwidget.explorer.describe import curves
from kanwidget.explorer.describe import snapshot as describe
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.survey import together

#: Candidates of an edge in the brief form, every how many of their points, and every how many points of the data.
_BRIEF_ROWS, _BRIEF_CURVE, _BRIEF_POINTS = 8, 4, 4
#: Edges that are fitted together.
_AT_ONCE = 16


def strongest(session: Session, most: int) -> list[EdgeRef]:
    """So many edges, the most important ones first."""
    rows = curves.thumbnails(session.model, session.x, session.scores(), samples=2)
    refs = session.model.edge_refs()
    return [refs[i] for i in rows[:, 0].argsort(descending=True)[:most].tolist()]


def stored_edges(
    session: Session, edges: Sequence[EdgeRef], brief: bool = False, tell: Callable[[int], None] = lambda _: None
) -> list[dict[str, Any]]:
    """`stored_edge` of several, those of a layer fitted together.

    Args:
        session: Its selection is another one afterwards.
        edges: The edges.
        brief: See there.
        tell: Told how many are done, before every few of them.
    """
    told: dict[EdgeRef, dict[str, Any]] = {}
    for layer in sorted({ref.layer for ref in edges}):
        mine = [ref for ref in edges if ref.layer == layer]
        for first in range(0, len(mine), _AT_ONCE):
            tell(len(told))
            here = mine[first : first + _AT_ONCE]
            try:
                found: list[list[SymbolicFit]] = together(session, here)
            except ValueError:  # one of them has gone to infinity, and is asked about by itself
                found = []
            for ref, fits in zip_longest(here, found):
                if fits is not None:
                    session.know(ref, fits)
                told[ref] = stored_edge(session, ref, brief)
    return [told[ref] for ref in edges]


def stored_edge(session: Session, edge: EdgeRef, brief: bool = False) -> dict[str, Any]:
    """What the page is told when this edge is selected.

    Args:
        session: Its selection is another one afterwards.
        edge: The edge.
        brief: Whether only the best candidates are stored, with fewer points.
    """
    session.selection = (edge,)
    selection, detail = describe.selection(session)
    try:
        candidates, fits = describe.candidates(session)
    except ValueError:  # of a network that has gone to infinity nothing can be fitted, and it is still shown
        candidates, fits = {"edge": list(edge), "busy": False, "version": session.version, "rows": []}, {}
    if brief:
        candidates = {**candidates, "rows": candidates["rows"][:_BRIEF_ROWS]}
        fits = {name: _thinned(name, value) for name, value in fits.items()}
        detail = {name: _thinned(name, value) for name, value in detail.items()}
    named = {f"selection.{name}": value for name, value in detail.items()}
    named |= {f"candidates.{name}": value for name, value in fits.items()}
    arrays, buffer = curves.pack(named)
    return {"selection": selection, "candidates": candidates, "arrays": arrays, "buffer": text_of(buffer)}


def _thinned(name: str, value: Tensor) -> Tensor:
    """Fewer points of an array of `Selection` or `Candidates`."""
    if name == "fits":
        value = value[:_BRIEF_ROWS]
    every = {"x": _BRIEF_CURVE, "y": _BRIEF_CURVE, "fits": _BRIEF_CURVE, "detail": 2, "points": _BRIEF_POINTS}
    return value[..., :: every.get(name, 1)]


def text_of(data: bytes) -> str:
    """Bytes as base64."""
    return base64.b64encode(data).decode("ascii")
