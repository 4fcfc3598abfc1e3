"""Export formats, a row each. The page's menu, its downloads and the methods of `KANExplorer` follow from the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from kanwidget import _check
from kanwidget import export as networks
from kanwidget.explorer.files.html_report import report
from kanwidget.explorer.files.panel_figures import FIGURES, figure_file
from kanwidget.explorer.files.panel_tables import TABLES, table_file
from kanwidget.explorer.files.session_writer import session_json
from kanwidget.explorer.session.script import Script, script
from kanwidget.explorer.session.session import Session
from kanwidget.symbolic.writing.languages import LANGUAGES, SUFFIXES


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


def drawing(session: Session) -> str:
    """The network as SVG."""
    from kanwidget.insight.plot import svg

    return svg(session.model, session.x, in_vars=session.in_vars, out_vars=session.out_vars)


def gif(session: Session, seconds: float = 8.0, **options: Any) -> bytes:
    """The training so far as an animated GIF that lasts `seconds`; `options` are arguments of `kanwidget.insight.plot.animation`."""
    from kanwidget.insight.plot import animation

    session.view.task("drawing the animation")
    try:
        frames = [(frame.step, frame.network()) for frame in session.film()]
        names = {"in_vars": session.in_vars, "out_vars": session.out_vars}
        return animation(frames, session.x.cpu(), session.run.history(), seconds=seconds, **{**names, **options})
    finally:
        session.view.task(None)


def formula_source(session: Session, language: str) -> str:
    """The formula with its fitted constants as source text in a `language`, a key of `LANGUAGES` or `python`.

    Raises:
        ValueError: If no constants are fitted yet.
    """
    result = session.formula_result
    if result is None or result.fitted is None:
        advice = "Press Formula, or call fit_formula(): it fits the constants."
        _check.fail("formula", "save_formula", "one whose constants are fitted", "none", advice)
    text: str = result.fitted.code(language)
    return text


def _source_row(suffix: str, language: str) -> Format:
    """The row of `FORMATS` for the formula as a file with this suffix (`.py`), in a language, a key of `LANGUAGES` or `python`."""
    # Python has a button of its own beside the formula, so it isn't in the menu.
    label = None if language == "python" else f"Formula in {LANGUAGES[language].title}"
    content = partial(formula_source, language=language)
    return Format(f"formula{suffix}", label, f"formula{suffix}", "text/plain", "save_formula", content)


def _network_row(suffix: str, row: networks.Format) -> Format:
    """The row of `FORMATS` for the network as a file for other programs.

    It is in the menu only where the package that it needs is installed.

    Args:
        suffix: Of the file.
        row: The same kind of file in the table of `kanwidget.export`.
    """
    # Without a language it is no source text but bytes: ONNX.
    label = f"Network {'as' if row.language is None else 'in'} {row.title}" if row.is_there else None
    mime = "application/octet-stream" if row.language is None else "text/plain"
    content = lambda session: networks.file_content(session.model, suffix)  # noqa: E731
    return Format(f"model{suffix}", label, f"model{suffix}", mime, "save_network", content)


def _panel_row(panel: str, suffix: str) -> Format:
    """The row of `FORMATS` for a panel, a key of `FIGURES`, as a file with a suffix, without a dot: `fit.pdf`.

    It has no label for the export menu, since the page's panels have menus of their own.
    """
    name = f"{panel}.{suffix}"
    return Format(name, None, name, _MIMES[suffix], "save_panel", _panel(panel, suffix))


def _panel(panel: str, suffix: str) -> Callable[[Session], str | bytes]:
    """A function that makes a file's content from a session: what the panel shows, for the suffix `csv` as a table, else as a figure."""
    if suffix == "csv":
        return partial(table_file, panel=panel)
    return partial(figure_file, panel=panel, suffix=suffix)


#: MIME types of a panel's files by their suffixes.
_MIMES = {"svg": "image/svg+xml", "pdf": "application/pdf", "png": "image/png", "csv": "text/csv"}


def replay_script(session: Session, model_file: str = "start.kan") -> Script:
    """The script that replays the session.

    Args:
        session: The session.
        model_file: Name of the file that holds the initial network, where no call makes it.
    """
    initial, table, preset = session.origin  # the first network, arguments of a data frame, name of the first preset
    return script(initial, {**table, **session.arguments}, session.script, model_file, preset)


#: By name, in the order of the page's menu.
FORMATS: dict[str, Format] = {
    row.name: row
    for row in (
        Format("svg", "SVG drawing", "network.svg", _MIMES["svg"], "save_svg", drawing),
        Format("pdf", "PDF drawing", "network.pdf", _MIMES["pdf"], "save_pdf", _panel("network", "pdf")),
        Format("png", "PNG picture", "network.png", _MIMES["png"], "save_png", _panel("network", "png")),
        Format("gif", "GIF of the training", "training.gif", "image/gif", "save_animation", gif),
        Format("csv", "CSV of the errors", "training.csv", _MIMES["csv"], "save_csv", _panel("errors", "csv")),
        Format("json", "JSON state", "session.json", "application/json", "save_json", session_json),
        Format("html", "HTML page", "explorer.html", "text/html", "save_html", report),
        Format("code", None, "session.py", "text/x-python", "code", replay_script),
        *(_source_row(suffix, language) for suffix, language in SUFFIXES.items()),
        *(_network_row(suffix, row) for suffix, row in networks.FORMATS.items()),
        *(_panel_row(panel, suffix) for panel in FIGURES for suffix in ("svg", "pdf", "png")),
        *(_panel_row(panel, "csv") for panel in TABLES),
    )
}


def export(session: Session, name: str, *args: Any, **options: Any) -> str | bytes:
    """The content of a file in a format; further arguments are passed to the format's `content`."""
    with session.discoveries.at_rest():  # beside a running search of formulas a file would take twice as long
        return FORMATS[name].content(session, *args, **options)


def menu() -> list[list[str]]:
    """`[name, label]` of the formats in the page's menu."""
    return [[row.name, row.label] for row in FORMATS.values() if row.label is not None]
