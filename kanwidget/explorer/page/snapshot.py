"""The snapshot: all that a page needs to draw the explorer without asking the kernel."""

from __future__ import annotations

from collections.abc import Sequence

from kanwidget.explorer.describe import curves
from kanwidget.explorer.describe import snapshot as describe
from kanwidget.explorer.describe.formula import described
from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.protocol.buffers import pack
from kanwidget.explorer.session.session import Session

#: Rows of metrics.
_MAX_ROWS = 1000
#: Numbers of all thumbnails: large networks get coarser ones.
_MAX_THUMBNAIL_NUMBERS = 15_000


def snapshot(
    session: Session,
    driver: p.DriverKind = "thread",
    *,
    seq: int = 0,
    task: str | None = None,
    formula: p.Formula | None = None,
    formats: Sequence[p.FormatEntry] = (),
) -> p.Snapshot:
    """The session for a page, with its buffer.

    Args:
        session: The session.
        driver: The kind of its driver.
        seq: Number of the last message that needn't be sent again.
        task: A longer act in progress, in words.
        formula: The formula, if it is written out already; without it only its error and progress are sent.
        formats: The page's export menu.
    """
    selection, detail = describe.selection(session)
    candidates, fits = describe.candidates(session, busy=not session.candidates_known())
    edges = len(session.model.edge_refs())
    samples = max(5, min(p.THUMB_SAMPLES, _MAX_THUMBNAIL_NUMBERS // max(1, edges) - 3))
    arrays, buffer = pack(
        {
            "metrics": describe.metrics(session.records, _MAX_ROWS),
            "curves": curves.thumbnails(session.model, session.x, session.scores(), samples),
            **{f"selection.{name}": value for name, value in detail.items()},
            **{f"candidates.{name}": value for name, value in fits.items()},
        }
    )
    content: p.Snapshot = {
        "v": p.VERSION,
        "seq": seq,
        "structure": describe.structure(session),
        "status": describe.status(session, driver, task),
        "settings": describe.settings(session),
        "selection": selection,
        "candidates": candidates,
        "formula": described(session) if formula is None else formula,
        "history": describe.history(session),
        "primitives": describe.primitive_names(),
        "error": describe.error(session),
        "n_metrics": len(session.records),
        "arrays": arrays,
        "buffer": buffer,
    }
    if formats:
        content["formats"] = list(formats)
    return content
