"""Details of edges for a page without a kernel: its answer to a selection, as JSON with the numbers in base64."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from kanwidget.core import EdgeRef
from kanwidget.explorer.describe.candidates import candidates, without_rows
from kanwidget.explorer.describe.snapshot import selection
from kanwidget.explorer.protocol.buffers import pack
from kanwidget.explorer.session.session import Session

#: Of compact details: candidates of an edge, and the stride through the samples of curves and through the points of the data.
_COMPACT_ROWS, _CURVE_STRIDE, _POINT_STRIDE = 8, 4, 4
#: Edges that are fitted together.
_CHUNK = 16


def strongest_edges(session: Session, count: int) -> list[EdgeRef]:
    """At most `count` edges, the most important ones first."""
    rows = session.samples().thumbnails  # a row an edge, in the order of `edge_refs`; column 0 has the importance
    refs = session.model.edge_refs()
    return [refs[i] for i in rows[:, 0].argsort(descending=True)[:count].tolist()]


def edge_details(
    session: Session, edges: Sequence[EdgeRef], compact: bool = False, progress: Callable[[int], None] = lambda _: None
) -> list[dict[str, Any]]:
    """Details of several edges; those of a layer are fitted together.

    Args:
        session: The session.
        edges: The edges.
        compact: Only the best candidates, with fewer points.
        progress: Called with the number of finished edges, before every few of them.

    Returns:
        A dict an edge, in the order of `edges`, as `edge_detail` makes it.
    """
    details: dict[EdgeRef, dict[str, Any]] = {}
    for layer in sorted({ref.layer for ref in edges}):
        in_layer = [ref for ref in edges if ref.layer == layer]
        for first in range(0, len(in_layer), _CHUNK):
            progress(len(details))
            chunk = in_layer[first : first + _CHUNK]
            # Edges of one layer are fitted much faster together: their candidates are put in the cache, where `edge_detail` reads them.
            fresh = [ref for ref in chunk if not session.candidates.is_cached(ref)]
            rankings: list[Any] = []
            with contextlib.suppress(ValueError):  # one of them has gone to infinity: each is fitted by itself
                rankings = session.candidates.of_layer(fresh) if fresh else []
            for ref, fits in zip(fresh, rankings, strict=bool(rankings)):
                session.candidates.store(ref, fits)
            for ref in chunk:
                details[ref] = edge_detail(session, ref, compact)
    return [details[ref] for ref in edges]


def edge_detail(session: Session, edge: EdgeRef, compact: bool = False) -> dict[str, Any]:
    """What a page without a kernel shows of one edge once it is selected, as JSON.

    Args:
        session: The session.
        edge: The edge.
        compact: Only the best candidates, with fewer points.

    Returns:
        `selection` and `candidates`: payloads of the messages of these names. `buffer`: all their numbers as one text in base64, and
        `arrays`: where in it each array stands.
    """
    selected, detail = selection(session, [edge])
    try:
        ranking, fits = candidates(session, edge)
    except ValueError:  # to a network that has gone to infinity nothing can be fitted, and it is still shown
        ranking, fits = without_rows(session, edge), {}
    if compact:
        ranking = {**ranking, "rows": ranking["rows"][:_COMPACT_ROWS]}
        fits = {name: _thinned(name, value) for name, value in fits.items()}
        detail = {name: _thinned(name, value, "levels" in selected) for name, value in detail.items()}
    named = {f"selection.{name}": value for name, value in detail.items()}
    named |= {f"candidates.{name}": value for name, value in fits.items()}
    arrays, buffer = pack(named)
    return {"selection": selected, "candidates": ranking, "arrays": arrays, "buffer": base64_text(buffer)}


def _thinned(name: str, value: Tensor, of_levels: bool = False) -> Tensor:
    """The array `name` of `Selection` or `Candidates` with fewer points, which are its last axis; arrays without a stride stay as they are.

    With `of_levels` the columns of `detail` are levels of words, of which none may be left out.
    """
    if of_levels and name == "detail":
        return value
    if name == "fits":  # a row a candidate, the best first
        value = value[:_COMPACT_ROWS]
    strides = {"x": _CURVE_STRIDE, "y": _CURVE_STRIDE, "fits": _CURVE_STRIDE, "detail": 2, "points": _POINT_STRIDE}
    return value[..., :: strides.get(name, 1)]


def base64_text(data: bytes) -> str:
    """Bytes as base64."""
    return base64.b64encode(data).decode("ascii")
