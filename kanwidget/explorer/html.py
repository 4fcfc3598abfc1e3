"""One file that shows a session without a kernel and without a network."""

from __future__ import annotations

import base64
import html
import json
import os
from pathlib import Path
from typing import Any

from kanwidget.core import History
from kanwidget.explorer import curves, describe
from kanwidget.explorer.publisher import Publisher
from kanwidget.explorer.session import Session
from kanwidget.explorer.undo import copied
from kanwidget.kan import KAN

_STATIC = Path(__file__).parent.parent / "static"
#: Edges whose candidates are stored, the most important first; more would make the file too large to mail.
_MOST_EDGES = 200

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
h1{{font-size:1.1rem;font-weight:600;margin:.2rem 0 .6rem}}</style>
<style>{css}</style>
</head>
<body>
<h1>{title}</h1>
<div id="explorer"></div>
<script type="application/json" id="report">{report}</script>
<script type="application/json" id="bundle">{bundle}</script>
<script type="module">
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const url = URL.createObjectURL(new Blob([read("bundle")], {{ type: "text/javascript" }}));
const {{ openReport }} = await import(url);
openReport(document.getElementById("explorer"), read("report"));
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
) -> None:
    """Write a report of a network: its drawing, its training, and every edge with its candidates.

    Args:
        model: The network.
        data: What it was trained on.
        path: The file, replaced if it exists.
        history: The training to show; by default the model's own.
        title: Of the page.

    Examples:
        >>> import tempfile, pathlib
        >>> from kanwidget import create_dataset
        >>> data = create_dataset(lambda x: x[:, [0]] ** 2, n_var=1, train_num=50, test_num=50)
        >>> file = pathlib.Path(tempfile.mkdtemp(), "report.html")
        >>> save_html(KAN([1, 1]), data, file)
        >>> "<!doctype html>" in file.read_text(encoding="utf-8")
        True
    """
    shown = model.history if history is None else history
    session = Session(copied(model), data)
    session.records, session.events = list(shown.records), list(shown.events)
    if shown.records:
        session.now = shown.last
        session.state, session.reason = "done", shown.reason or None
    Path(path).write_text(report(session, title), encoding="utf-8")


def report(session: Session, title: str | None = None) -> str:
    """The page as text."""
    names = f"{', '.join(session.out_vars)} of {', '.join(session.in_vars)}"
    return _PAGE.format(
        title=html.escape(title or f"KAN: {names}"),
        css=(_STATIC / "widget.css").read_text(encoding="utf-8").replace("</", "<\\/"),
        bundle=embedded((_STATIC / "widget.js").read_text(encoding="utf-8")),
        report=embedded(content(session)),
    )


def content(session: Session) -> dict[str, Any]:
    """What `openReport` takes: the snapshot, and what selecting each edge shows."""
    publisher = Publisher(session)
    selected, session.selection = session.selection, ()
    publisher.formula()
    try:
        snapshot: dict[str, Any] = dict(publisher.snapshot())
        snapshot["buffer"] = _text(snapshot["buffer"])
        # A saved page has no kernel: it neither trains nor waits for anything.
        snapshot["status"] = {**snapshot["status"], "task": None}
        rows = curves.thumbnails(session.model, session.x, session.scores())
        refs = session.model.edge_refs()
        order = rows[:, 0].argsort(descending=True)[:_MOST_EDGES].tolist()
        edges = {"-".join(map(str, refs[i])): _edge(session, tuple(refs[i])) for i in order}
    finally:
        session.selection = selected
    return {"snapshot": snapshot, "edges": edges}


def _edge(session: Session, edge: tuple[int, ...]) -> dict[str, Any]:
    session.selection = ((edge[0], edge[1], edge[2]),)
    selection, detail = describe.selection(session)
    candidates, fits = describe.candidates(session)
    named = {f"selection.{name}": value for name, value in detail.items()}
    named |= {f"candidates.{name}": value for name, value in fits.items()}
    arrays, buffer = curves.pack(named)
    return {"selection": selection, "candidates": candidates, "arrays": arrays, "buffer": _text(buffer)}


def embedded(value: Any) -> str:
    """JSON that can stand within a `<script>`: no `<`, `>`, `&` and no line separators, whatever a name holds."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in b"<>&\\u2028\\u2029".decode("unicode_escape"):
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
