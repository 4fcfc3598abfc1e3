"""The messages themselves: each method tells one of them, now. When, and which, is the publisher's concern."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from kanwidget.core.threads import one_thread
from kanwidget.explorer.describe import curves
from kanwidget.explorer.describe import snapshot as describe
from kanwidget.explorer.describe.formula import described, formula
from kanwidget.explorer.page.deltas import MANY_EDGES, Told
from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.session.session import Session

#: `(message, buffers)`
Send = Callable[[dict[str, Any], list[bytes]], None]

#: Rows of metrics in one message, and in a snapshot.
_MOST_ROWS, _SNAPSHOT_ROWS = 5000, 1000
#: Numbers of all thumbnails in a snapshot: large networks get coarser ones.
_SNAPSHOT_THUMBS = 15_000


class Messages:
    """Tells pages about a session.

    Args:
        session: What is told.
        driver: Which driver runs it.
    """

    def __init__(self, session: Session, driver: p.DriverKind = "thread") -> None:
        self.session, self.driver = session, driver
        #: Where messages go; nobody listens until a widget sets it.
        self.send: Send | None = None
        self.seq = 1
        self.task: str | None = None
        #: What pages know of a large network.
        self.told = Told()
        #: Something that belongs to the stored state has changed.
        self.snapshot_due = False
        self._sent_rows = 0
        self._formula: tuple[int, p.Formula] | None = None
        self._next_thumbs = 0

    def tell(self, kind: str, body: dict[str, Any], arrays: dict[str, Tensor] | None = None, **more: Any) -> None:
        """Send one message."""
        if self.send is None:
            return
        self.seq += 1
        message: dict[str, Any] = {"v": p.VERSION, "kind": kind, "seq": self.seq, **body, **more}
        buffers: list[bytes] = []
        if arrays is not None:
            message["arrays"], buffer = curves.pack(arrays)
            buffers = [buffer]
        self.send(message, buffers)

    def tell_status(self, **more: Any) -> None:
        """What the training does now."""
        self.tell("status", {"status": describe.status(self.session, self.driver, self.task)}, **more)

    def tell_task(self, task: str | None) -> None:
        """A longer act begins or ends."""
        self.task = task
        self.tell_status()

    def tell_notice(self) -> None:
        """The session's notice, or that there is none any more."""
        self.snapshot_due = True
        self.tell("error", {"error": describe.error(self.session)})

    def tell_file(self, body: dict[str, Any], data: bytes | None) -> None:
        """A file that the page asked for."""
        self.seq += 1
        if self.send is not None:
            message = {"v": p.VERSION, "kind": "export", "seq": self.seq, **body}
            self.send(message, [] if data is None else [bytes(data)])

    def tell_ack(self, of: int, ok: bool) -> None:
        """A command was carried out, or refused; its number may say which view it is from."""
        view = getattr(of, "view", None)
        whose = {} if view is None else {"view": view}
        self.tell("ack", {"of": int(of), "ok": ok, **whose, "settings": describe.settings(self.session)})

    def _tell_metrics(self, first: int, replace: bool = False) -> None:
        records = self.session.records
        rows = describe.metrics(records[first:], _MOST_ROWS)
        if replace or len(rows):
            # A page counts its rows from `first`; a thinned message counts as all of them.
            first = len(records) - len(rows)
            self.tell("metrics", {"first": first, "replace": replace}, {"metrics": rows})
        self._sent_rows = len(records)

    def _tell_structure(self) -> None:
        if self.send is None:
            return
        told, part = self.told.structure(describe.structure(self.session))
        self.tell("structure", {"structure": told, **({"part": True} if part else {})})

    def _tell_curves(self, whole: bool) -> None:
        """All thumbnails, where the network is large those that pages haven't; without `whole` some of a large network's."""
        if self.send is None:
            return
        rows = curves.thumbnails(self.session.model, self.session.x, self.session.scores())
        if not whole and len(rows) > MANY_EDGES:
            index = self._some(rows[:, 0])
            self.told.some_curves(rows, index)
            self._tell_rows(rows, index, {})
        elif (found := self.told.curves(rows)) is None:
            self.tell("curves", {"edges": None}, {"curves": rows})
        else:
            self._tell_rows(rows, found, {"importance": rows[:, 0]})

    def _tell_rows(self, rows: Tensor, index: Tensor, more: dict[str, Tensor]) -> None:
        refs = self.session.model.edge_refs()
        keys = [list(refs[i]) for i in index.tolist()]
        self.tell("curves", {"edges": keys}, {"curves": rows[index], **more})

    def _some(self, importance: Tensor) -> Tensor:
        """Indices of the edges whose thumbnails a frame holds: the strongest always, the others in turn."""
        half, edges = MANY_EDGES // 2, len(importance)
        order = importance.argsort(descending=True)[:half].tolist()
        turn = [(self._next_thumbs + i) % edges for i in range(half)]
        self._next_thumbs = (turn[-1] + 1) % edges
        return torch.tensor(sorted({*order, *turn}))

    def _tell_selection(self) -> None:
        told, arrays = describe.selection(self.session)
        self.tell("selection", {"selection": told}, arrays)

    def _tell_candidates(self, busy: bool = False) -> None:
        told, arrays = describe.candidates(self.session, busy)
        self.tell("candidates", {"candidates": told}, arrays)
        if "best" in told:
            self.told.learn(told["best"])

    def formula(self) -> p.Formula:
        """The formula of the present state."""
        if self._formula is None or self._formula[0] != self.session.version:
            self._formula = (self.session.version, formula(self.session))
        return self._formula[1]

    def snapshot(self) -> p.Snapshot:
        """All that a page needs to draw the explorer without asking anybody."""
        session = self.session
        with one_thread(session.small):
            told, detail = describe.selection(session)
            fits, fitted = describe.candidates(session, busy=not session.candidates_known())
            edges = len(session.model.edge_refs())
            samples = max(5, min(p.THUMB_SAMPLES, _SNAPSHOT_THUMBS // max(1, edges) - 3))
            arrays, buffer = curves.pack(
                {
                    "metrics": describe.metrics(session.records, _SNAPSHOT_ROWS),
                    "curves": curves.thumbnails(session.model, session.x, session.scores(), samples),
                    **{f"selection.{name}": value for name, value in detail.items()},
                    **{f"candidates.{name}": value for name, value in fitted.items()},
                }
            )
            return {
                "v": p.VERSION,
                # One less than the last message: a page that has heard that message knows more already.
                "seq": self.seq - 1,
                "structure": describe.structure(session),
                "status": describe.status(session, self.driver, self.task),
                "settings": describe.settings(session),
                "selection": told,
                "candidates": fits,
                "formula": described(session) if self._formula is None else self._formula[1],
                "history": describe.history(session),
                "primitives": describe.primitive_names(),
                "error": describe.error(session),
                "n_metrics": len(session.records),
                "arrays": arrays,
                "buffer": buffer,
            }
