"""What can be taken out of a session: text, tables, drawings."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

from kanwidget.explorer import describe
from kanwidget.explorer.session import Session

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
    from kanwidget.explorer.html import report

    return "explorer.html", "text/html", report(session), None


def table(session: Session) -> str:
    """The history as CSV."""
    columns = session.history().to_dict()
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def state(session: Session) -> str:
    """Structure, settings, status and undo tree as JSON."""
    told = {
        "structure": describe.structure(session),
        "settings": describe.settings(session),
        "status": describe.status(session, "blocking"),
        "history": describe.history(session),
    }
    return json.dumps(told, ensure_ascii=False, indent=1)


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


def frame(columns: dict[str, list[float]]) -> Any:
    """The columns as a pandas frame, where pandas is installed."""
    from importlib import import_module

    try:
        pandas = import_module("pandas")
    except ImportError:
        raise ImportError("to_dataframe needs pandas: pip install 'kanwidget[data]'. to_dict() does without.") from None
    return pandas.DataFrame(columns)


def summary(session: Session, closed: bool = False) -> str:
    """`KANExplorer([2, 5, 1], step=120, train=1.2e-05, test=3.4e-05, paused)`"""
    shape = [sums if not products else [sums, products] for sums, products in session.model.width]
    now = session.now
    test = "" if now.test_loss is None else f", test={now.test_loss:.2g}"
    state = "closed" if closed else session.state
    return f"KANExplorer({shape}, step={now.step}, train={now.train_loss:.2g}{test}, {state})"
