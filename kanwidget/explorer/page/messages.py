"""The messages to pages: each method makes a message and sends it. The publisher decides which, and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from kanwidget.explorer.describe.candidates import candidates
from kanwidget.explorer.describe.formula import formula
from kanwidget.explorer.describe.snapshot import error, later_metrics, metrics, selection, settings, status
from kanwidget.explorer.describe.structure import structure
from kanwidget.explorer.page.large_networks import MANY_EDGES, Deltas
from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.protocol.buffers import pack
from kanwidget.explorer.session.caches import Latest
from kanwidget.explorer.session.session import Session

#: `(message, buffers)`
Send = Callable[[dict[str, Any], list[bytes]], None]

#: Rows of metrics in one message.
_MAX_ROWS = 5000


class Messages:
    """Makes messages about a session and sends them.

    Args:
        session: The session.
        driver: The kind of its driver.
    """

    def __init__(self, session: Session, driver: p.DriverKind = "thread") -> None:
        self.session, self.driver = session, driver  # the kind of the driver, which pages show
        #: Number of the last message that was sent.
        self.seq = 1
        #: A longer act in progress, in words.
        self.task: str | None = None
        #: Which parts of the structure and curves of a large network have changed since they were sent.
        self.deltas = Deltas()
        #: Whether the snapshot that a notebook stores, all that a page draws, is out of date.
        self.snapshot_due = False
        #: Takes a message and its buffers; None while no widget listens.
        self._send: Send | None = None
        #: How many records of the training pages have.
        self._sent_rows = 0
        #: The payload of the formula, made once for each version of the network.
        self._formula = Latest[p.Formula]()
        #: Index of the edge whose thumbnail is next in turn, see `_frame_edges`.
        self._next_thumbnail = 0

    def send(self, kind: str, payload: dict[str, Any], arrays: dict[str, Tensor] | None = None, **fields: Any) -> None:
        """Send one message.

        Args:
            kind: What the message is about, such as `curves`, a key of `TO_BROWSER`.
            payload: Its content as JSON, by field.
            arrays: Numbers in bulk by name, which travel in the message's one buffer.
            **fields: Of the message beside the payload, such as `frame`, the number of a frame.
        """
        buffers: list[bytes] = []
        if arrays is not None:
            fields["arrays"], buffer = pack(arrays)
            buffers = [buffer]
        self._number_and_send(kind, {**payload, **fields}, buffers)

    def _number_and_send(self, kind: str, content: dict[str, Any], buffers: list[bytes]) -> None:
        """Send a message of a kind with the protocol's version and the next number; nothing, without a number, while no widget listens."""
        if self._send is not None:
            self.seq += 1
            self._send({"v": p.VERSION, "kind": kind, "seq": self.seq, **content}, buffers)

    def send_status(self, **fields: Any) -> None:
        """Send the state of the training; `fields` are further ones of the message, such as the number of a `frame`."""
        self.send("status", {"status": status(self.session, self.driver, self.task)}, **fields)

    def send_task(self, task: str | None) -> None:
        """Show a longer act in progress, in words; None at its end."""
        self.task = task
        self.send_status()

    def send_notice(self) -> None:
        """Send the session's notice, a sentence for the user such as an error; where it has none the page removes its own."""
        self.snapshot_due = True
        self.send("error", {"error": error(self.session)})

    def send_file(self, name: str, filename: str, mime: str, content: str | bytes) -> None:
        """Send an exported file that the page asked for.

        Args:
            name: Of its format, in `FORMATS`.
            filename: Under which the page saves it.
            mime: Its MIME type.
            content: A text travels in the message, bytes travel as its buffer.
        """
        text = str(content) if isinstance(content, str) else None
        buffers = [content] if isinstance(content, bytes) else []
        fields = {"format": name, "filename": filename, "mime": mime, "text": text}
        self._number_and_send("export", fields, buffers)

    def send_ack(self, of: int, ok: bool) -> None:
        """Acknowledge a command that was carried out (`ok`) or refused.

        Args:
            of: Number of the command's message. Each view, a display in a browser, counts its own: `of.view` names it, where that is known.
            ok: Whether it was carried out.
        """
        view = getattr(of, "view", None)
        sender = {} if view is None else {"view": view}
        self.send("ack", {"of": int(of), "ok": ok, **sender, "settings": settings(self.session)})

    def send_metrics(self, first: int, replace: bool = False) -> None:
        """Send the training's records from the index `first` on, as rows of step, seconds, losses and penalty.

        With `replace` pages drop the rows that they have, and also get as `later` the steps that a return to an earlier step has left
        behind. Above 5000 rows they are thinned. Nothing is sent where there are no rows to send or to drop.
        """
        records = self.session.run.records
        rows = metrics(records[first:], _MAX_ROWS)
        if replace or len(rows):
            # A page counts its rows from `first`; a thinned message counts as all of them.
            first = len(records) - len(rows)
            arrays = {"metrics": rows} | (later_metrics(self.session, _MAX_ROWS) if replace else {})
            self.send("metrics", {"first": first, "replace": replace}, arrays)
        self._sent_rows = len(records)  # how many records pages have

    def send_structure(self) -> None:
        """Send the structure; of a large network only the parts that have changed."""
        if self._send is None:
            return
        content, partial = self.deltas.structure(structure(self.session))
        self.send("structure", {"structure": content, **({"part": True} if partial else {})})

    def send_curves(self, all_changes: bool) -> None:
        """Send all thumbnails; of a large network those that have changed, or without `all_changes` a part, for a frame of a training."""
        if self._send is None:
            return
        rows = self.session.samples().thumbnails  # `(edges, 3 + samples)`; column 0 has the importance
        if not all_changes and len(rows) > MANY_EDGES:
            index = self._frame_edges(rows[:, 0])
            self.deltas.update_curves(rows, index)
            self._send_rows(rows, index, {})
        elif (index_or_all := self.deltas.curves(rows)) is None:
            self.send("curves", {"edges": None}, {"curves": rows})
        else:
            self._send_rows(rows, index_or_all, {"importance": rows[:, 0]})

    def _send_rows(self, rows: Tensor, index: Tensor, arrays: dict[str, Tensor]) -> None:
        """Send some of the thumbnails `rows`, those at the indices `index`, with the keys of their edges.

        `rows` is `(edges, 3 + samples)`: importance, x_min, x_max and samples, a row an edge in the order of `edge_refs`.
        `arrays` are further arrays of the message, by name.
        """
        refs = self.session.model.edge_refs()
        keys = [list(refs[i]) for i in index.tolist()]
        self.send("curves", {"edges": keys}, {"curves": rows[index], **arrays})

    def _frame_edges(self, importance: Tensor) -> Tensor:
        """Indices of the edges whose thumbnails a frame of a large network holds: the 100 strongest always, 100 of all edges in turn.

        So the size of a frame is bounded, and every curve comes anew after some frames. `importance` is `(edges,)`.
        """
        half, edges = MANY_EDGES // 2, len(importance)
        strongest = importance.argsort(descending=True)[:half].tolist()
        in_turn = [(self._next_thumbnail + i) % edges for i in range(half)]
        self._next_thumbnail = (in_turn[-1] + 1) % edges
        return torch.tensor(sorted({*strongest, *in_turn}))

    def send_selection(self) -> None:
        """Send the selected edges, and the first one in detail."""
        payload, arrays = selection(self.session, self.session.view.selection)
        self.send("selection", {"selection": payload}, arrays)

    def send_candidates(self, busy: bool = False) -> None:
        """Send the candidates of the first selected edge, functions that may replace it; `busy` says that their search is still to come."""
        payload, arrays = candidates(self.session, self.session.view.selected_edge, busy)
        self.send("candidates", {"candidates": payload}, arrays)
        # Pages take over the best candidate of every edge from this message: the next structure needn't repeat them.
        if "best" in payload:
            self.deltas.update_best(payload["best"])

    def send_formula(self) -> None:
        """Send the network as a formula, which is made once for each version of it."""
        content = self._formula.get(self.session.version, lambda: formula(self.session))
        self.send("formula", {"formula": content})
