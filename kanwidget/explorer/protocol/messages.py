"""The messages between the kernel and the browser; `records` has their payloads.

Messages to the browser are listed in `TO_BROWSER`. A panel's message has the panel's name as `kind` and its payload under
this name.

Messages to Python that are no commands are listed in `TO_PYTHON`. All others ask for commands: the class in `explorer.commands` with
this `kind` reads and checks their fields, and `js/src/protocol/commands.ts` is the mirror. Rules:

- A command may carry `structure`, the version of the structure that the user saw, and a drag `grid`, the intervals of its spline. If the
  network is another one meanwhile, a command on edges or nodes is refused: its indices mean other edges or coefficients now.
- Unknown fields, and buffers, are ignored.
- Messages are answered in order, each with an `ack`. `frame_ack` has none, and one `hello_ack` answers all hellos that wait.
- A command may supersede an earlier one that waits (`Command.supersedes`); both are acknowledged.
- While 2,000 messages wait further ones are refused with one `error`, except for hello and pause.
"""

from __future__ import annotations

from typing import Any

from typing_extensions import NotRequired

from kanwidget.explorer.protocol import records as p

#: Fields of a message by name, each with its type.
Fields = dict[str, Any]

#: Fields of every message beside its `kind`: version of the protocol; number of the message, which increases, and every view and the kernel
#: count independently; and to the browser a frame's number, which it answers with `frame_ack` once it has drawn this frame.
EVERY: Fields = {"v": int, "seq": int, "frame": NotRequired[int]}

TO_BROWSER: dict[str, Fields] = {
    # Everything, for a page that has opened. The buffer belongs to the snapshot.
    "hello_ack": {"snapshot": p.Snapshot},
    # Array `metrics`: rows from `first` on. With `replace` all earlier rows are forgotten.
    "metrics": {"first": int, "replace": bool, "arrays": p.Arrays},
    # Array `curves`: rows of importance, x_min, x_max and `THUMB_SAMPLES` values, of the edges named, null for all. With some edges only
    # there may be an array `importance` (all edges,): after an act on a large network, which sends only the curves that it has changed.
    "curves": {"edges": list[p.EdgeKey] | None, "arrays": p.Arrays},
    # In `part` only the nodes and edges that have changed. A `curves` message with all edges, or with those whose curves have changed,
    # follows.
    "structure": {"structure": p.Structure, "part": NotRequired[bool]},
    # The selected edges.
    "selection": {"selection": p.Selection, "arrays": p.Arrays},
    # The candidates of the first selected edge.
    "candidates": {"candidates": p.Candidates, "arrays": p.Arrays},
    # Errors after a swap, of the candidates that a page has.
    "held_out": {"held_out": p.HeldOut},
    "formula": {"formula": p.Formula},
    # The undo tree.
    "history": {"history": p.History},
    # The state of the training.
    "status": {"status": p.Status},
    "settings": {"settings": p.Settings},
    # A notice, or that there is none any more.
    "error": {"error": p.ErrorInfo | None},
    # Rows of the symbolify preview.
    "survey": {"survey": p.Preview},
    # The library has changed.
    "library": {"primitives": list[str]},
    # The three steps, and notices.
    "guide": {"guide": p.Guide},
    # Acknowledgement of the message with the number `of`, which `view` has sent.
    "ack": {"of": int, "ok": bool, "view": NotRequired[str], "settings": p.Settings},
    # A file in a format of `FORMATS`. Buffer: its bytes, where it isn't text.
    "export": {"format": str, "filename": str, "mime": str, "text": str | None},
}

TO_PYTHON: dict[str, Fields] = {
    # A page has opened; the name of its view is unique among all.
    "hello": {"view": str},
    # A frame is drawn.
    "frame_ack": {"frame": int},
    # A page that receives nothing asks for news: it has `since` rows of metrics.
    "pump": {"since": int},
    # A page asks for a file, in a format of `FORMATS`.
    "export": {"format": str},
}
