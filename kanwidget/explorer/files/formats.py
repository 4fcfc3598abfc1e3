"""Export formats, a row each. The page's menu, its downloads and the methods of `KANExplorer` follow from the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from kanwidget.explorer.files.html_report import report
from kanwidget.explorer.files.panel_figures import FIGURES, figure_file
from kanwidget.explorer.files.panel_tables import TABLES
from kanwidget.explorer.files.session_writer import session_json
from kanwidget.explorer.session.script import Script, script
from kanwidget.explorer.session.session import Session


@dataclass(frozen=True, slots=True)
class Format:
    """One export format."""

    name: str
    """Name in messages."""
    label: str | None
    """Text in the page's export menu; None for a format with a button elsewhere."""
    filename: str
    """Name of a downloaded file."""
    mime: str
    method: str
    """Name of the method of `KANExplorer`. Methods with further arguments are written out in methods/save.py, all others made from
    their row."""
    content: Callable[..., str | bytes]
    """The file's content, from a session and the method's further arguments. Text is sent as text, bytes as a buffer."""
    task: str | None = None
    """Progress in words, for a format that takes seconds."""


def drawing(session: Session) -> str:
    """The network as SVG."""
    from kanwidget.insight.plot import svg

    return svg(session.model, session.x, in_vars=session.in_vars, out_vars=session.out_vars)


def document(session: Session) -> bytes:
    """The network as PDF."""
    content = figure_file(session, "network", "pdf")
    assert isinstance(content, bytes)  # for the type checker
    return content


def picture(session: Session) -> bytes:
    """The network as PNG, at least twice the usual resolution."""
    content = figure_file(session, "network", "png")
    assert isinstance(content, bytes)  # for the type checker
    return content


def gif(session: Session, seconds: float = 8.0, **options: Any) -> bytes:
    """The training so far as an animated GIF, see `kanwidget.insight.plot.animation`."""
    from kanwidget.insight.plot import animation

    frames = [(frame.step, frame.network()) for frame in session.film()]
    names = {"in_vars": session.in_vars, "out_vars": session.out_vars}
    return animation(frames, session.x.cpu(), session.run.history(), seconds=seconds, **{**names, **options})


def table(session: Session) -> str:
    """The history as CSV, a line per step."""
    return TABLES["errors"](session).csv()


def _panel_rows() -> list[Format]:
    """A row for each panel and kind of file, `fit.pdf`: the page's panels have menus of their own for these."""
    kinds = {"svg": "image/svg+xml", "pdf": "application/pdf", "png": "image/png"}
    rows = [
        Format(
            f"{panel}.{suffix}",
            None,
            f"{panel}.{suffix}",
            mime,
            "save_panel",
            partial(figure_file, panel=panel, suffix=suffix),
        )
        for panel in FIGURES
        for suffix, mime in kinds.items()
    ]
    tables = [
        Format(f"{panel}.csv", None, f"{panel}.csv", "text/csv", "save_panel", partial(_table_file, panel=panel))
        for panel in TABLES
    ]
    return rows + tables


def _table_file(session: Session, panel: str) -> str:
    return TABLES[panel](session).csv()


def replay_script(session: Session, model_file: str = "start.kan") -> Script:
    """The script that replays the session.

    Args:
        session: The session.
        model_file: Name of the file that holds the initial network, where no call makes it.
    """
    initial, table, preset = session.origin
    return script(initial, {**table, **session.arguments}, session.script, model_file, preset)


#: By name, in the order of the page's menu.
FORMATS: dict[str, Format] = {
    row.name: row
    for row in (
        Format("svg", "SVG drawing", "network.svg", "image/svg+xml", "save_svg", drawing),
        Format("pdf", "PDF drawing", "network.pdf", "application/pdf", "save_pdf", document),
        Format("png", "PNG picture", "network.png", "image/png", "save_png", picture),
        Format(
            "gif",
            "GIF of the training",
            "training.gif",
            "image/gif",
            "save_animation",
            gif,
            "drawing the animation",
        ),
        Format("csv", "CSV of the errors", "training.csv", "text/csv", "save_csv", table),
        Format("json", "JSON state", "session.json", "application/json", "save_json", session_json),
        Format("html", "HTML page", "explorer.html", "text/html", "save_html", report),
        Format("code", None, "session.py", "text/x-python", "code", replay_script),
        *_panel_rows(),
    )
}


def export(session: Session, name: str, *args: Any, **options: Any) -> str | bytes:
    """The content of a file in a format; further arguments are passed to the format's `content`."""
    row = FORMATS[name]
    if row.task is not None:
        session.view.task(row.task)
    try:
        with session.discoveries.at_rest():
            return row.content(session, *args, **options)
    finally:
        if row.task is not None:
            session.view.task(None)


def menu() -> list[list[str]]:
    """`[name, label]` of the formats in the page's menu."""
    return [[row.name, row.label] for row in FORMATS.values() if row.label is not None]
