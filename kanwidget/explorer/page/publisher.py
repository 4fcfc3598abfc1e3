"""What the browser is told, and when: changes gather as topics and become messages, never a queue.

Answers to an act go out at once. What training changes all the time (metrics, curves, status) goes out as frames, at most ten a second
(fewer where they would cost it too much) and one on its way: the browser acknowledges a frame once it is drawn, and what changed meanwhile
is in the next. An acknowledgement that stays out for two seconds, or a new page that says hello, frees the line.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from kanwidget.core.primitives import primitives
from kanwidget.core.threads import one_thread
from kanwidget.explorer.describe import snapshot as describe
from kanwidget.explorer.describe.panels.parity import parity
from kanwidget.explorer.describe.panels.surface import surface
from kanwidget.explorer.page.compact import brief
from kanwidget.explorer.page.messages import Messages
from kanwidget.explorer.page.rate_limits import SLOW, Line, Slow
from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.protocol.topics import EVERYTHING, STEPPED, Notice, Topics
from kanwidget.explorer.session import live_candidates as live
from kanwidget.explorer.session.session import Session

#: Seconds between two snapshots while training.
SNAPSHOT_SECONDS = 2.0
_LIVE: Topics = frozenset(("metrics", "curves", "status", "selection"))
#: What to do about a registered function that doesn't work.
_MEND = "Mend it, and register it again: register_primitive(…, replace=True)."


class Publisher(Messages):
    """Turns the topics that changed into messages.

    Args:
        session: What is told.
        driver: Which driver runs it.
        clock: Seconds, for the limits on rates.
    """

    def __init__(
        self, session: Session, driver: p.DriverKind = "thread", clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(session, driver)
        self.clock = clock
        #: Where the stored state goes.
        self.store: Callable[[p.Snapshot], None] | None = None
        self.line, self._slow = Line(lambda: self.clock()), Slow(lambda: self.clock())
        self._dirty: set[str] = set()
        self._stored_at = -1e9
        self._library = tuple(primitives())
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
            self.snapshot_due = True

    def everything(self) -> None:
        """All is to be told again."""
        self.note(EVERYTHING)

    # ---- telling

    def flush(self, force: bool = False) -> None:
        """Tell what can be told now; `force` ignores the limits on rates. What is costly is left to `idle`."""
        if self.send is None or not (self._dirty or self.snapshot_due or self._news()):
            return
        self._take_news()
        with one_thread(self.session.small):
            self._flush_acts()
            self._flush_frame(force)
            self._flush_snapshot()

    def _news(self) -> bool:
        """Whether the library has changed, a function of it was found not to work, or a training has failed: nobody else notes that."""
        session = self.session
        left_out = bool(session.left_out) and session.notice is None
        return tuple(primitives()) != self._library or left_out or session.news is not None

    def _take_news(self) -> None:
        session = self.session
        if tuple(primitives()) != self._library:
            self._library = tuple(primitives())
            session.survey.again()
            self.note(frozenset(("library", "candidates")))
            if session.survey.on:
                self.note(frozenset(("survey",)))
        if session.news is not None:
            session.notice, session.news = session.news, None
            self.tell_notice()
        if session.left_out and session.notice is None:
            told = "; ".join(session.left_out)
            session.left_out.clear()
            session.notice = Notice("Left out of the candidates", told[:1].upper() + told[1:] + ".", _MEND)
            self.tell_notice()

    def idle(self) -> bool:
        """Do one costly thing that is due; False if there is none. A survey, which may be long, is left to `look`."""
        return self._slowly(sorted(self._dirty & SLOW.keys() - {"survey"}))

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
        waits = [self._slow_wait(topic) for topic in self._dirty & SLOW.keys()]
        if self._dirty & _LIVE:
            waits.append(self.line.wait(self.session.running))
        if self.snapshot_due and self.store is not None and not self.session.running:
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
            self._slow.hurry(topic)
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
            self.tell("library", {"primitives": describe.primitive_names()})
        if "structure" in dirty:
            dirty -= {"structure", "curves"}
            self._tell_structure()
            self._tell_curves(whole=True)
            if self.session.selection:
                dirty.discard("selection")
                self._tell_selection()
        for topic, told in (("settings", describe.settings), ("history", describe.history)):
            if topic in dirty:
                dirty.discard(topic)
                self.tell(topic, {topic: told(self.session)})

    def _flush_frame(self, force: bool) -> None:
        """The live topics, the last message numbered as a frame."""
        live = self._dirty & _LIVE
        if not live or (self.line.wait(self.session.running) > 0 and not force):
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
        self.tell_status(frame=self.line.take(started))

    def _look_again(self) -> None:
        """In training, candidates are due again where it's time and the selected edge has moved."""
        if self.session.selection and self._slow_wait("candidates") == 0.0:
            if live.moved(self.session):
                self._dirty.add("candidates")
            else:
                self._slow.looked("candidates")

    # ---- the costly topics

    def _slow_wait(self, topic: str) -> float:
        return self._slow.wait(topic, self.session.running)

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
        self._slow.told(topic, started)

    def _tell_survey(self) -> None:
        survey = self.session.survey
        survey.work(self.session)
        self.tell("survey", {"survey": survey.news()})
        if not survey.done:
            self._dirty.add("survey")

    # ---- pages that come, or have missed something

    def ask_rows(self, since: int) -> None:
        """A page has only so many rows: what was pushed may never have arrived."""
        self._sent_rows = max(0, min(self._sent_rows, since))
        self.note(frozenset(("metrics", "status", "curves")))
        self.told.forget()
        self.line.hurry()

    def say_hello(self) -> None:
        """Everything, for a page that has just come."""
        self.line.free()
        snapshot = self.snapshot()
        self.told.forget(snapshot["structure"])
        buffer = snapshot.pop("buffer")
        self.seq += 1
        if self.send is not None:
            self.send({"v": p.VERSION, "kind": "hello_ack", "seq": self.seq, "snapshot": snapshot}, [buffer])

    # ---- the stored state

    def stored(self) -> p.Snapshot:
        """What a notebook keeps: all of `snapshot`, in few bytes."""
        return brief(self.snapshot())

    def _flush_snapshot(self) -> None:
        """While training every two seconds; else once everything that belongs to it is known."""
        late = self.clock() - self._stored_at >= SNAPSHOT_SECONDS
        due = late if self.session.running else self.snapshot_due and not self._dirty & {"candidates", "formula"}
        if self.store is not None and due:
            self.snapshot_due = False
            self.store(self.stored())
            self._stored_at = self.clock()
