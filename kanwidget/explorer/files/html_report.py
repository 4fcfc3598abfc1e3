"""A saved page: one HTML file that shows a session without a kernel or network access, with its last state, acts, film and candidates.

Beside what it shows stands the session as `save_json` writes it, with which a notebook goes on.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import html
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanwidget import _check
from kanwidget._files import write_atomically
from kanwidget.core import History
from kanwidget.core.threads import one_thread
from kanwidget.datasets.naming import listed
from kanwidget.explorer.describe.equations import EquationWriter
from kanwidget.explorer.describe.formula import formula
from kanwidget.explorer.describe.guide import yardstick_sentence
from kanwidget.explorer.describe.snapshot import snapshot
from kanwidget.explorer.files.edge_details import base64_text, edge_details, strongest_edges
from kanwidget.explorer.files.film import film_content, last_panels
from kanwidget.explorer.files.session_writer import session_json
from kanwidget.explorer.guide.richer import asks_for_richer
from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.session.recorder import Frame, Recorder
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import copied
from kanwidget.kan import KAN

if TYPE_CHECKING:
    from kanwidget.discovery import Discovery

_STATIC = Path(__file__).parents[2] / "static"
#: Edges whose candidates are stored, the most important first; more would make the file too large to mail.
_MAX_EDGES = 200
#: Bytes that the film and the candidates at the acts may have in the file, and the session as well.
_MAX_BYTES = 1_300_000

_SUMMARY_STYLE = """<style>
.found{overflow-x:auto;margin:0 0 1rem;font-size:.85rem}.found table{border-collapse:collapse;margin:0 0 .5rem}
.found :is(th,td){padding:.15rem .7rem;text-align:right;white-space:nowrap;border-bottom:1px solid #8884}.found p{margin:.1rem 0}
.found th{font-weight:600}.found th:last-child{text-align:left}
</style>
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src 'unsafe-inline' blob:; style-src 'unsafe-inline'; img-src data: blob:">
<title>{title}</title>
<style>body{{margin:0 auto;max-width:1240px;padding:12px;font-family:system-ui,sans-serif;background:Canvas;color:CanvasText}}
h1{{font-size:1.1rem;font-weight:600;margin:.2rem 0 .6rem;overflow-wrap:anywhere}}small{{margin-left:.5rem;font-weight:400}}</style>
<style>{css}</style>
</head>
<body>
<h1>{title}{data}</h1>
{summary}<div id="explorer"><noscript>This page draws itself with JavaScript, which is switched off here.</noscript></div>
{session}<script type="text/plain" id="report">{report}</script>
<script type="text/plain" id="bundle">{bundle}</script>
<script type="module">
const place = document.getElementById("explorer");
const read = async (id) => {{
  const packed = Uint8Array.from(atob(document.getElementById(id).textContent), (c) => c.charCodeAt(0));
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}};
// Within another page it says how high it is.
const height = () => parent.postMessage({{ kanwidgetHeight: document.documentElement.offsetHeight }}, "*");
if (parent !== window) new ResizeObserver(height).observe(document.documentElement);
try {{
  const url = URL.createObjectURL(new Blob([await read("bundle")], {{ type: "text/javascript" }}));
  const {{ openReport }} = await import(url);
  openReport(place, JSON.parse(await read("report")), document.getElementById("session") && (() => read("session")));
}} catch (problem) {{
  place.textContent = `This page could not be drawn (${{problem}}). It needs a browser of 2023 or later.`;
}}
</script>
</body>
</html>
"""


def save_html(
    model: KAN,
    data: Any,
    path: str | os.PathLike[str],
    history: History | None = None,
    title: str | None = None,
    recorder: Recorder | None = None,
    discovery: Discovery | None = None,
    session: bool = True,
) -> None:
    """Write a page about a network: its drawing, its training, its edges, and the candidates of the 200 strongest edges.

    Args:
        model: The network.
        data: Its training data.
        path: The file, replaced if it exists.
        history: The training to show; by default the model's own.
        title: Of the page.
        recorder: A callback of that training: the page then has a slider that goes through it.
        discovery: The search whose best formula the network computes: the page then has all formulas of its front.
        session: Whether a notebook can go on with it: the page then holds the rows of the data.

    Examples:
        >>> import tempfile, pathlib
        >>> from kanwidget import create_dataset
        >>> data = create_dataset(lambda x: x[:, [0]] ** 2, n_var=1, train_num=50, test_num=50)
        >>> file = pathlib.Path(tempfile.mkdtemp(), "report.html")
        >>> save_html(KAN([1, 1]), data, file)
        >>> "<!doctype html>" in file.read_text(encoding="utf-8")
        True
    """
    if recorder is not None and not isinstance(recorder, Recorder):
        _check.fail("recorder", "save_html", "a Recorder", recorder, error=TypeError)
    history = model.history if history is None else history
    shown = Session(copied(model), data)  # a page is made of a session; `model` itself stays as it is
    shown.run.show(history)
    if discovery is not None:
        _show_formulas(shown, discovery)
    frames = [] if recorder is None else recorder.frames()
    last = Frame(shown.run.last_record.step, shown.model)
    # Acts after the last step, such as fixing edges, are the film's end.
    frames = [*(frame for frame in frames if frame.label is not None or frame.step < last.step), last]
    with one_thread(shown.is_small):
        page = report(shown, title, session, frames, "" if discovery is None else _summary(discovery))
    write_atomically(path, page, "save_html")


def _show_formulas(session: Session, discovery: Discovery) -> None:
    """Put the formulas of a search and its findings in the session, as if it had searched them itself. In place."""
    problem = session.run.problem  # the number of the data that formulas belong to
    news = EquationWriter(session).news_of(discovery)
    # A search is a function that may ask whether it is to end (`ending`) and gives its news, here those of one that is over.
    search = session.discoveries.begin(lambda ending: news, discovery.seconds, problem)
    while search.alive:  # its news are there already, and are only taken over
        search.advance()
    best = session.discoveries.hall(problem).likeliest
    if best is not None:  # the page marks it as the formula that the network computes
        session.discoveries.loaded[session.tree.current] = best.number


def _summary(discovery: Discovery) -> str:
    """All formulas of a search as a table, and what is known of the best one's constants, as HTML."""
    lines = repr(discovery.best).splitlines()[1:]  # the first line is the formula, which the table has
    constants = "".join(f"<p>→ {html.escape(line)}</p>" for line in lines)
    return f'{_SUMMARY_STYLE}<div class="found">{discovery._repr_html_()}{constants}</div>\n'


def report(
    session: Session,
    title: str | None = None,
    whole: bool = True,
    frames: Sequence[Frame] | None = None,
    summary: str = "",
) -> str:
    """The page as text.

    Args:
        session: The session.
        title: Of the page.
        whole: Whether a notebook can go on with it.
        frames: The film of its training; by default the session's own.
        summary: HTML above it.
    """
    names = f"{', '.join(session.out_vars)} of {', '.join(session.in_vars)}"
    stored = packed(limited(content(session, session.film() if frames is None else frames)))
    return page(
        stored, title or f"KAN: {names}", summary, _data_line(session), _packed_session(session) if whole else None
    )


def _data_line(session: Session) -> str:
    """Rows and columns of the data in a line, for a reader who has only the page: `800 training rows, 200 test rows · x, y → z`."""
    parts = {"train_input": "training", "test_input": "test", "val_input": "validation"}
    rows = ", ".join(f"{len(session.data[name]):,} {word} rows" for name, word in parts.items() if name in session.data)
    return f"{rows} · {listed(session.in_vars)} → {listed(session.out_vars)}"


def _packed_session(session: Session) -> str:
    """The session as `save_json` writes it, `packed`, for a notebook that goes on with it.

    The rows of the data are left out where they make it too large. Where the rest is too large, too, the text is empty.
    """
    for rows in (True, False):
        text = packed(session_json(session, rows))
        if len(text) <= _MAX_BYTES:
            return text
    return packed("")


def page(stored: str, title: str, summary: str = "", data: str = "", session: str | None = None) -> str:
    """The page as HTML.

    Args:
        stored: What `content` returns, `packed`.
        title: Of the page.
        summary: HTML above it.
        data: A few words about the data.
        session: The packed file of the session; None where the page offers none.
    """
    css = "".join((_STATIC / f"{name}.css").read_text(encoding="utf-8") for name in ("widget", "report"))
    return _PAGE.format(
        title=html.escape(title),
        data=f"<small>{html.escape(data)}</small>" if data else "",
        session="" if session is None else f'<script type="text/plain" id="session">{session}</script>\n',
        summary=summary,
        css=css.replace("</", "<\\/"),  # a `</style>` within it would end the style early
        bundle=packed((_STATIC / "report.js").read_text(encoding="utf-8")),
        report=stored,
    )


def content(session: Session, frames: Sequence[Frame] = ()) -> dict[str, Any]:
    """All that a saved page shows, as JSON.

    Args:
        session: The session; what the page shows is computed now, as far as it isn't yet.
        frames: The states of its film; a single one is no film.

    Returns:
        `snapshot`: all of the current state. `panels`: the messages of the panels. `edges`: by key, such as `0-1-0`, the details of an
        edge. `film`, where there is one.
    """
    # The page opens with an edge, its candidates, and the network's error with each of them in its place, which is tried here.
    edges = session.view.selection[:1] or tuple(strongest_edges(session, 1))
    for edge in edges:
        with contextlib.suppress(ValueError):  # of a network that has diverged, which has no candidates
            session.swap_errors.begin(edge, session.candidates.of(edge))
            while not session.swap_errors.is_complete:
                session.swap_errors.advance()
    if session.formula_result is not None and asks_for_richer(session):
        session.richer.finish()  # before the page says that all is done
    session.richer.measure()  # what simpler networks explain, for the sentence with the yardsticks
    try:
        # A saved page has no kernel: it neither trains nor waits for anything.
        state: dict[str, Any] = dict(snapshot(session, formula=formula(session), edges=edges))
        state["guide"] = _result(session, state["guide"])
        state["buffer"] = base64_text(state["buffer"])
        refs = strongest_edges(session, _MAX_EDGES)
        progress = lambda count: session.view.task(f"writing the page: edge {count + 1} of {len(refs)}")  # noqa: E731
        details = edge_details(session, refs, progress=progress)
        report = {
            "snapshot": state,
            "panels": last_panels(session),
            "edges": dict(zip(("-".join(map(str, ref)) for ref in refs), details, strict=True)),
        }
        if len(frames) > 1:
            session.view.task("writing the page: the film")
            report["film"] = film_content(session, frames)
        return report
    finally:
        session.view.task(None)


def _result(session: Session, guide: p.Guide) -> p.Guide:
    """The guide of a saved page: its sentence says what was found, or without a formula what simpler networks explain (the yardsticks).

    Advice and notices are left out: without a kernel nobody can follow them.
    """
    done = any(step["name"] == "formula" and step["done"] for step in guide["steps"])
    return {**guide, "sentence": guide["sentence"] if done else yardstick_sentence(session), "notices": []}


def limited(report: dict[str, Any], most: int = _MAX_BYTES) -> dict[str, Any]:
    """A report as `content` makes it, but without the candidates of its oldest acts where its film would have more than `most` bytes."""
    film = report.get("film")
    if film is None:
        return report
    # Details of edges (curves and candidates) stand in `stored`; the `edges` of an act have by edge an index in it.
    acts, stored = film["acts"], film["stored"]
    while acts and len(packed({**film, "acts": acts, "stored": stored})) > most:
        acts = acts[(len(acts) + 1) // 2 :]  # halves need few rounds, each of which packs the film anew
        # Details that no act refers to any more are emptied in place, so that the indices of the others stay.
        used = {number for act in acts for number in act["edges"].values()}
        stored = [detail if number in used else None for number, detail in enumerate(stored)]
    return {**report, "film": {**film, "acts": acts, "stored": stored}}


def packed(value: Any) -> str:
    """A text, or anything else as JSON, compressed and as base64: whatever a name holds, it can stand within a `<script>`."""
    text = value if isinstance(value, str) else json.dumps(value, allow_nan=False, separators=(",", ":"))
    # 9 compresses most. Without the time the same text is packed as the same bytes.
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")
