"""What the browser is told, and when: changes gather as topics and become messages, never a queue.

Answers to an act go out at once. What training changes all the time (metrics, curves, status) goes out as frames, at most ten a second
(fewer where they would cost it too much) and one on its way: the browser acknowledges a frame once it is drawn, and what changed meanwhile
is in the next. An acknowledgement that stays out for two seconds, or a new page that says hello, frees the line.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from torch import Tensor

from kanwidget.core import library
from kanwidget.explorer import curves, describe, live
from kanwidget.explorer import protocol as p
from kanwidget.explorer.formulas import described, formula
from kanwidget.explorer.parity import parity
from kanwidget.explorer.session import Session
from kanwidget.explorer.surface import surface
from kanwidget.explorer.topics import EVERYTHING, STEPPED, Notice, Topics
from kanwidget.training.threads import one_thread

#: `(message, buffers)`
Send = Callable[[dict[str, Any], list[bytes]], None]

#: Seconds between frames, and until a lost acknowledgement is given up.
FRAME_SECONDS, PATIENCE_SECONDS = 0.1, 2.0
#: The part of the time that frames may take, and the longest time between two for that reason.
_FRAME_PART, _FRAME_LONGEST = 0.045, 0.5
#: What is costly: seconds between two refreshments while training, and the part of the time that they may take.
_SLOW = {
    "candidates": (1.0, 0.03),
    "formula": (1.0, 0.02),
    "parity": (0.5, 0.01),
    "surface": (0.25, 0.04),
    "survey": (0.2, 0.2),
}
#: Seconds between two snapshots while training.
SNAPSHOT_SECONDS = 2.0
#: Rows of metrics in one message, and in a snapshot.
_MOST_ROWS, _SNAPSHOT_ROWS = 5000, 1000
#: Edges whose thumbnails are sent in one frame while training.
_MOST_THUMBS = 200
#: Numbers of all thumbnails in a snapshot: large networks get coarser ones.
_SNAPSHOT_THUMBS = 15_000
_LIVE: Topics = frozenset(("metrics", "curves", "status", "selection"))
_AT_ONCE = ("structure", "settings", "history")
#: What to do about a registered function that doesn't work.
_MEND = "Mend it, and register it again: register_primitive(…, replace=True)."


class Publisher:
    """Turns the topics that changed into messages.

    Args:
        session: What is told.
        driver: Which driver runs it.
        clock: Seconds, for the limits on rates.
    """

    def __init__(
        self, session: Session, driver: p.DriverKind = "thread", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.session, self.driver, self.clock = session, driver, clock
        #: Where messages go; nobody listens until a widget sets it.
        self.send: Send | None = None
        #: Where the stored state goes.
        self.store: Callable[[p.Snapshot], None] | None = None
        self.seq = 1
        self.task: str | None = None
        self._dirty: set[str] = set()
        self._sent_rows = 0
        self._frame = 0
        self._in_flight: int | None = None
        self._sent_at = self._stored_at = -1e9
        self._frame_cost = 0.0
        self._slow_at = dict.fromkeys(_SLOW, -1e9)
        self._slow_cost = dict.fromkeys(_SLOW, 0.0)
        self._formula: tuple[int, p.Formula] | None = None
        self._snapshot_due = False
        self._next_thumbs = 0
        self._library = tuple(library())
        session.on_task = self.tell_task

    # ---- what has changed

    def note(self, topics: Topics) -> None:
        """These topics changed."""
        self._dirty |= topics
        if "curves" in topics:
            self._dirty |= self.session.panels
        if "structure" in topics and self.session.survey.on:
            self._dirty.add("survey")
        if topics - STEPPED:
            self._snapshot_due = True

    def everything(self) -> None:
        """All is to be told again."""
        self.note(EVERYTHING)

    def acknowledge(self, frame: Any) -> None:
        """The browser has drawn a frame. May be called on any thread."""
        if frame == self._in_flight:
            self._in_flight = None

    def free(self) -> None:
        """A new page is there: what was on its way to an old one isn't waited for."""
        self._in_flight = None

    # ---- telling

    def flush(self, force: bool = False) -> None:
        """Tell what can be told now; `force` ignores the limits on rates. What is costly is left to `idle`."""
        if self.send is None or not (self._dirty or self._snapshot_due or self._news()):
            return
        self._take_news()
        with one_thread(self.session.small):
            self._flush_acts()
            self._flush_frame(force)
            self._flush_snapshot()

    def _news(self) -> bool:
        """Whether the library has changed, or a function of it was found not to work: nobody else notes that."""
        return tuple(library()) != self._library or (bool(self.session.left_out) and self.session.notice is None)

    def _take_news(self) -> None:
        session = self.session
        if tuple(library()) != self._library:
            self._library = tuple(library())
            session.survey.again()
            self.note(frozenset(("library", "candidates")))
            if session.survey.on:
                self.note(frozenset(("survey",)))
        if session.left_out and session.notice is None:
            told = "; ".join(session.left_out)
            session.left_out.clear()
            session.notice = Notice("Left out of the candidates", told[:1].upper() + told[1:] + ".", _MEND)
            self.tell_notice()

    def idle(self) -> bool:
        """Do one costly thing that is due; False if there is none. A survey, which may be long, is left to `look`."""
        return self._slowly(sorted(self._dirty & _SLOW.keys() - {"survey"}))

    def tell_panels(self) -> None:
        """Tell what open panels show, where it's time."""
        while self._slowly(sorted(self._dirty & {"parity", "surface"})):
            pass
        self.look()

    def look(self) -> bool:
        """Do a part of the survey; False if there is nothing to do."""
        return self._slowly(sorted(self._dirty & {"survey"}))

    def _slowly(self, topics: list[str]) -> bool:
        if self.send is None:
            return False
        for topic in topics:
            if self._slow_wait(topic) == 0.0:
                with one_thread(self.session.small):
                    self._tell_slow(topic)
                return True
        return False

    def pending(self) -> float | None:
        """Seconds until something that waits can be told, None if nothing waits."""
        if self.send is None:
            return None
        if self._news():
            return 0.0
        waits = [self._slow_wait(topic) for topic in self._dirty & _SLOW.keys()]
        if self._dirty & _LIVE:
            waits.append(self._line_wait())
        if self._snapshot_due and self.store is not None and not self.session.running:
            waits.append(0.0)
        return min(waits, default=None)

    def answer(self, of: int) -> None:
        """Acknowledge a command, after what it changed."""
        with one_thread(self.session.small):
            self._flush_acts()
            if "selection" in self._dirty:
                self._dirty.discard("selection")
                self._tell_selection()
            if "status" in self._dirty:
                self._dirty.discard("status")
                self.tell_status()
        # What was asked for, or follows from it, doesn't wait for its turn.
        for topic in self._dirty & {"candidates", "parity", "surface"}:
            self._slow_at[topic] = -1e9
        if "candidates" in self._dirty and not self.session.candidates_known():
            self._tell_candidates(busy=True)
        self.tell_ack(of, True)

    def _flush_acts(self) -> None:
        dirty = self._dirty
        if "replaced" in dirty:
            dirty -= {"replaced", "metrics"}
            self._tell_metrics(0, replace=True)
        if "library" in dirty:
            dirty.discard("library")
            self.tell("library", {"primitives": describe.primitives()})
        for topic in _AT_ONCE:
            if topic in dirty:
                dirty.discard(topic)
                self.tell(topic, {topic: getattr(describe, topic)(self.session)})
                if topic == "structure":
                    dirty.discard("curves")
                    self._tell_curves(whole=True)
                    if self.session.selection:
                        self._tell_selection()
                        dirty.discard("selection")

    def _flush_frame(self, force: bool) -> None:
        """The live topics, the last message numbered as a frame."""
        live = self._dirty & _LIVE
        if not live or (self._line_wait() > 0 and not force):
            return
        self._dirty -= live
        running, started = self.session.running, self.clock()
        if "metrics" in live:
            self._tell_metrics(self._sent_rows)
        if "curves" in live:
            self._tell_curves(whole=not running)
        if "selection" in live or ("curves" in live and self.session.selection):
            self._tell_selection()
        if running:
            self._dirty.add("formula")
            self._look_again()
        self._frame += 1
        self._in_flight, self._sent_at = self._frame, self.clock()
        self._frame_cost = self._sent_at - started
        self.tell_status(frame=self._frame)

    def _look_again(self) -> None:
        """In training, candidates are due again where it's time and the selected edge has moved."""
        if self.session.selection and self._slow_wait("candidates") == 0.0:
            if live.moved(self.session):
                self._dirty.add("candidates")
            else:
                self._slow_at["candidates"] = self.clock()

    def _line_wait(self) -> float:
        """Seconds until a frame may go out."""
        if self._in_flight is None and not self.session.running:
            return 0.0
        fair = max(FRAME_SECONDS, min(_FRAME_LONGEST, self._frame_cost / _FRAME_PART))
        patience = fair if self._in_flight is None else PATIENCE_SECONDS
        return max(0.0, self._sent_at + patience - self.clock())

    # ---- the costly topics

    def _slow_wait(self, topic: str) -> float:
        """Seconds until a costly topic may be told again."""
        if not self.session.running:
            return 0.0
        seconds, part = _SLOW[topic]
        pause = max(seconds, self._slow_cost[topic] / part)
        return max(0.0, self._slow_at[topic] + pause - self.clock())

    def _tell_slow(self, topic: str) -> None:
        self._dirty.discard(topic)
        started = self.clock()
        match topic:
            case "candidates":
                self._tell_candidates()
            case "formula":
                self.tell("formula", {"formula": self.formula()})
            case "parity":
                told, arrays = parity(self.session)
                self.tell("parity", {"parity": told}, arrays)
            case "surface":
                shown, arrays = surface(self.session, self.session.view)
                self.tell("surface", {"surface": shown}, arrays)
            case "survey":
                self._tell_survey()
        self._slow_at[topic] = self.clock()
        self._slow_cost[topic] = self.clock() - started

    def formula(self) -> p.Formula:
        """The formula of the present state."""
        if self._formula is None or self._formula[0] != self.session.version:
            self._formula = (self.session.version, formula(self.session))
        return self._formula[1]

    # ---- single messages

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
        self._snapshot_due = True
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

    def ask_rows(self, since: int) -> None:
        """A page has only so many rows: what was pushed may never have arrived."""
        self._sent_rows = max(0, min(self._sent_rows, since))
        self.note(frozenset(("metrics", "status", "curves")))
        self._in_flight = None
        self._sent_at = -1e9

    def say_hello(self) -> None:
        """Everything, for a page that has just come."""
        self.free()
        snapshot = self.snapshot()
        buffer = snapshot.pop("buffer")
        self.seq += 1
        if self.send is not None:
            self.send({"v": p.VERSION, "kind": "hello_ack", "seq": self.seq, "snapshot": snapshot}, [buffer])

    def _tell_metrics(self, first: int, replace: bool = False) -> None:
        records = self.session.records
        rows = describe.metrics(records[first:], _MOST_ROWS)
        if replace or len(rows):
            # A page counts its rows from `first`; a thinned message counts as all of them.
            first = len(records) - len(rows)
            self.tell("metrics", {"first": first, "replace": replace}, {"metrics": rows})
        self._sent_rows = len(records)

    def _tell_curves(self, whole: bool) -> None:
        rows = curves.thumbnails(self.session.model, self.session.x, self.session.scores())
        refs = self.session.model.edge_refs()
        if whole or len(refs) <= _MOST_THUMBS:
            self.tell("curves", {"edges": None}, {"curves": rows})
            return
        # The strongest always, the others in turn.
        order = rows[:, 0].argsort(descending=True)[: _MOST_THUMBS // 2].tolist()
        turn = [(self._next_thumbs + i) % len(refs) for i in range(_MOST_THUMBS // 2)]
        self._next_thumbs = (turn[-1] + 1) % len(refs)
        picked = sorted({*order, *turn})
        self.tell("curves", {"edges": [list(refs[i]) for i in picked]}, {"curves": rows[picked]})

    def _tell_selection(self) -> None:
        told, arrays = describe.selection(self.session)
        self.tell("selection", {"selection": told}, arrays)

    def _tell_candidates(self, busy: bool = False) -> None:
        told, arrays = describe.candidates(self.session, busy)
        self.tell("candidates", {"candidates": told}, arrays)

    def _tell_survey(self) -> None:
        survey = self.session.survey
        survey.work(self.session)
        self.tell("survey", {"survey": survey.news()})
        if not survey.done:
            self._dirty.add("survey")

    # ---- the stored state

    def _flush_snapshot(self) -> None:
        """While training every two seconds; else once everything that belongs to it is known."""
        late = self.clock() - self._stored_at >= SNAPSHOT_SECONDS
        due = late if self.session.running else self._snapshot_due and not self._dirty & {"candidates", "formula"}
        if self.store is not None and due:
            self._snapshot_due = False
            self.store(self.snapshot())
            self._stored_at = self.clock()

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
                "primitives": describe.primitives(),
                "error": describe.error(session),
                "n_metrics": len(session.records),
                "arrays": arrays,
                "buffer": buffer,
            }
