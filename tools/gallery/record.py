"""The messages to a page about a session, recorded from the real publisher and put into one page that opens from disk."""

import base64
import json
from pathlib import Path

from kanwidget.explorer.describe.panels.table import PANELS
from kanwidget.explorer.protocol.records import VERSION
from tools.gallery.states import STATES

STATIC = Path(__file__).resolve().parents[2] / "kanwidget" / "static"
#: Edges of a state that can be clicked: the others are selected but show nothing.
MOST_EDGES = 10
#: Beyond so many edges the functions of all of them aren't surveyed.
MOST_SURVEYED = 20


def text(data):
    return base64.b64encode(data).decode("ascii")


class Recorder:
    """A page that receives everything and draws nothing."""

    def __init__(self, explorer):
        self.explorer, self.messages, self.seq = explorer, [], 0
        explorer._publisher.connect(self.receive)

    def receive(self, message, buffers):
        if "frame" in message:
            self.explorer._publisher.frames.acknowledge(message["frame"])
        self.messages.append({"message": message, "buffer": text(buffers[0]) if buffers else None})

    def say(self, kind, **body):
        """All that is answered to one message."""
        self.messages, self.seq = [], self.seq + 1
        publisher = self.explorer._publisher
        self.explorer._router.handle({"v": VERSION, "kind": kind, "seq": self.seq, **body})
        while publisher.send_costly() or publisher.send_preview():
            pass
        publisher.flush(force=True)
        return self.messages


def record(explorer):
    """The stored state, and the answers to what a page says: `hello`, edges that are selected, panels and surveys that are opened."""
    publisher = explorer._publisher
    publisher.send_formula()
    snapshot = dict(publisher.compact_snapshot())
    buffer = text(snapshot.pop("buffer"))
    recorder = Recorder(explorer)
    edges = {"": []}
    hello = recorder.say("hello", view="gallery")
    known = [list(ref) for ref in explorer._session.model.edge_refs()]
    selected = [key for key in known if key in snapshot["selection"]["edges"]]
    for key in [*selected, *known[:MOST_EDGES]]:
        edges["-".join(map(str, key))] = recorder.say("select", edges=[key])
    if selected:
        recorder.say("select", edges=[selected[0]])
    answers = {"hello": hello} | {f"select {key}": answer for key, answer in edges.items()}
    for panel in PANELS:
        answers[f"watch {panel}"] = recorder.say("watch", view="gallery", panels=[panel])
    recorder.say("watch", view="gallery", panels=[])
    if len(known) <= MOST_SURVEYED:
        answers["survey true"] = recorder.say("survey", on=True)
    return {"snapshot": snapshot, "buffer": buffer, "answers": answers}


def page(states=STATES, more=lambda explorer: {}):
    """The gallery as text.

    Args:
        states: What makes a session, by name.
        more: Further answers of a session, by name.
    """
    recorded = {}
    for name, make in states.items():
        with make() as explorer:
            recorded[name] = record(explorer)
            recorded[name]["answers"] |= more(explorer)
    template = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    parts = {
        "css": (STATIC / "widget.css").read_text(encoding="utf-8"),
        "bundle": embedded((STATIC / "widget.js").read_text(encoding="utf-8")),
        "report": embedded((STATIC / "report.js").read_text(encoding="utf-8")),
        "states": embedded(recorded),
    }
    for name, content in parts.items():
        template = template.replace(f"/*{name}*/", content, 1)
    return template


def embedded(value):
    """JSON that can stand within a `<script>`: no `<`, `>`, `&` and no line separators, whatever a name holds."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in b"<>&\\u2028\\u2029".decode("unicode_escape"):
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
