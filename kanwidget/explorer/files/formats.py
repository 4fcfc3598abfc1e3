"""What can be taken out of a session: text, tables, drawings."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

from kanwidget import _check
from kanwidget.explorer.files.session_file import state
from kanwidget.explorer.session.session import Session

#: filename, mime, text or None, bytes or None
File = tuple[str, str, str | None, bytes | None]


def export(session: Session, wanted: str, code: Callable[[], str]) -> File:
    """The file of that format."""
    if wanted == "code":
        return "session.py", "text/x-python", code(), None
    if wanted == "csv":
        return "training.csv", "text/csv", table(session), None
    if wanted == "json":
        return "session.json", "application/json", state(session), None
    if wanted == "svg":
        return "network.svg", "image/svg+xml", drawing(session), None
    if wanted == "png":
        return "network.png", "image/png", None, picture(session)
    if wanted == "gif":
        session.on_task("drawing the animation")  # some seconds
        try:
            return "training.gif", "image/gif", None, moving(session)
        finally:
            session.on_task(None)
    from kanwidget.explorer.files.html_report import report

    return "explorer.html", "text/html", report(session), None


def table(session: Session) -> str:
    """The history as CSV."""
    columns = session.history().to_dict()
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def drawing(session: Session) -> str:
    """The network as SVG."""
    from kanwidget.insight.plot import svg

    return svg(session.model, session.x, in_vars=session.in_vars, out_vars=session.out_vars)


def picture(session: Session) -> bytes:
    """The network as PNG, twice the usual resolution."""
    from kanwidget.insight.plot import plot

    buffer = io.BytesIO()
    figure = plot(session.model, session.x, in_vars=session.in_vars, out_vars=session.out_vars, theme="light")
    figure.savefig(buffer, format="png", dpi=200, bbox_inches="tight")
    return buffer.getvalue()


def moving(session: Session, seconds: float = 8.0, **options: Any) -> bytes:
    """The training so far as an animated GIF, see `kanwidget.insight.plot.animation`."""
    from kanwidget.explorer.session.recorder import film
    from kanwidget.insight.plot import animation

    stills = [(shot.step, shot.network()) for shot in film(session)]
    names = {"in_vars": session.in_vars, "out_vars": session.out_vars}
    return animation(stills, session.x.cpu(), session.history(), seconds=seconds, **{**names, **options})


def frame(columns: dict[str, list[float]]) -> Any:
    """The columns as a pandas frame, where pandas is installed."""
    from importlib import import_module

    try:
        pandas = import_module("pandas")
    except ImportError:
        missing = "to_pandas needs pandas: pip install 'kanwidget[data]'. to_dict() does without."
        _check.refuse(ImportError(missing))
    return pandas.DataFrame(columns)


def summary(session: Session, closed: bool = False) -> str:
    """`KANExplorer([2, 5, 1], step=120, train=1.2e-05, test=3.4e-05, paused)`"""
    shape = [sums if not products else [sums, products] for sums, products in session.model.width]
    now = session.now
    test = "" if now.test_loss is None else f", test={now.test_loss:.2g}"
    state = "closed" if closed else session.state
    return f"KANExplorer({shape}, step={now.step}, train={now.train_loss:.2g}{test}, {state})"
