"""The publisher turns changed topics into messages. Changes gather as topics, never as a queue of messages.

Answers to an act go out at once. Topics that training changes all the time (metrics, curves, status) go out as frames, at most ten a
second (fewer where they would take more than a fifth of the time) and one in flight: a page acknowledges a frame once it is drawn, and
the next frame holds everything that changed meanwhile. An acknowledgement that is missing for two seconds, or a new page, frees the way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from kanwidget.core.primitives import primitives
from kanwidget.explorer.describe.candidates import held_out
from kanwidget.explorer.describe.guide import guide
from kanwidget.explorer.describe.history import history
from kanwidget.explorer.describe.panels.table import PANELS
from kanwidget.explorer.describe.snapshot import examples, primitive_names, settings, snapshot
from kanwidget.explorer.guide.richer import asks_for_richer
from kanwidget.explorer.page.large_networks import compact
from kanwidget.explorer.page.messages import Messages, Send
from kanwidget.explorer.page.rate_limits import FrameLimiter, Throttle
from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.protocol.topics import GUIDING, STEPPED, Notice, Topics
from kanwidget.explorer.session.session import Session

#: Seconds between two stored snapshots while training.
SNAPSHOT_SECONDS = 2.0
_FRAME_TOPICS: Topics = frozenset(("metrics", "curves", "status", "selection"))
#: Costly topics beside the panels: seconds between two messages while training, and the share of the time that they may take.
_COSTLY = {"candidates": (1.0, 0.03), "formula": (1.0, 0.02), "guide": (0.5, 0.02), "survey": (0.2, 0.2)}
#: Topics that are worked at in parts while the session rests, the urgent one first: trials of swaps, and of richer networks.
_TRIALS = ("held_out", "richer")
#: Seconds of rest after candidates were sent, before their swaps are tried: a person who clicks on doesn't wait for these.
_REST_SECONDS = 0.4
#: Advice about a registered function that doesn't work.
_REPAIR = "Mend it, and register it again: register_primitive(…, replace=True)."
#: Keeps a snapshot.
Store = Callable[[p.Snapshot], None]


class Publisher(Messages):
    """Turns changed topics into messages, within the rate limits.

    Args:
        session: The session.
        driver: The kind of its driver.
        formats: The page's export menu, `[name, label]` of each format.
        clock: Seconds, for the rate limits.
    """

    def __init__(
        self,
        session: Session,
        driver: p.DriverKind = "thread",
        *,
        formats: Sequence[p.FormatEntry] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(session, driver)
        self.clock = clock  # seconds
        #: Of each costly topic, panels among them: seconds between two messages while training, and the share of the time they may take.
        self._costly = _COSTLY | {name: (row.seconds, row.share) for name, row in PANELS.items()}
        # The limits of frames (pictures of a network in training) and of costly topics. `self.clock` may be replaced.
        self.frames, self._throttle = FrameLimiter(lambda: self.clock()), Throttle(self._costly, lambda: self.clock())
        self._formats = formats  # the page's export menu
        #: Keeps a compact snapshot for pages that are opened later; None while no widget listens.
        self._store: Store | None = None
        #: Topics that have changed and weren't sent since.
        self._changed: set[str] = set()
        #: When a snapshot was stored last; at first long ago.
        self._stored_at = -1e9
        #: The functions that may replace an edge, when they were looked at last: somebody may register further ones.
        self._library = tuple(primitives())
        #: When trials may go on, by the clock: of candidates in an edge's place (swaps), and of richer networks.
        self._trials_at = 0.0

    def connect(
        self, send: Send, store: Store | None = None, input_blocked: Callable[[], bool] = lambda: False
    ) -> None:
        """Let messages go to a widget; before, and after `disconnect`, they are dropped.

        Args:
            send: Takes a message and its buffers.
            store: Keeps a compact snapshot for pages that are opened later.
            input_blocked: Whether messages from pages wait for a cell's end.
        """
        self._send, self._store, self.frames.input_blocked = send, store, input_blocked

    def disconnect(self) -> None:
        """Drop messages from now on."""
        self._send = self._store = None
        self.frames.input_blocked = lambda: False  # frames no longer ask the widget whether a cell blocks its messages

    # ---- changed topics

    def mark_changed(self, topics: Topics) -> None:
        """Note that these topics, parts of the session such as `curves`, have changed: the next messages send them.

        With them change those that follow from them: open panels, the guide, and the preview of what `auto_symbolic` would do (`survey`).
        """
        self._changed |= topics
        # `follows` is the topic that a panel's content depends on.
        self._changed |= {name for name in self.session.view.panels if PANELS[name].follows in topics}
        if "structure" in topics and self.session.view.preview.on:
            self._changed.add("survey")
        if topics & GUIDING:  # status, structure, settings, history: the guide's advice follows from them
            self._changed.add("guide")
        # More than each step of a training changes (`STEPPED`): while one runs a snapshot is stored every two seconds anyway.
        if topics - STEPPED:
            self.snapshot_due = True

    # ---- sending

    def flush(self, force: bool = False) -> None:
        """Send everything that may be sent now; `force` ignores the rate limits. Costly topics are left to `send_costly`."""
        if self._send is None or not (self._changed or self.snapshot_due or self._has_unmarked_changes()):
            return
        self._mark_unmarked_changes()
        self._flush_acts()
        self._flush_frame(force)
        self._flush_snapshot()

    def _has_unmarked_changes(self) -> bool:
        """Whether something has changed that no command marks: functions were registered, one of them fails, or a training has failed."""
        session = self.session
        # `unreported` says which registered functions fail; no notice that is shown gives way to that.
        has_broken = bool(session.candidates.unreported) and session.view.notice is None
        # `_library` has the functions of the last look, `announcement` what the training has to say, such as that it has failed.
        return tuple(primitives()) != self._library or has_broken or session.view.announcement is not None

    def _mark_unmarked_changes(self) -> None:
        """Mark a changed library, and show notices that no command has caused."""
        session = self.session
        if tuple(primitives()) != self._library:  # since the last look somebody has registered functions
            self._library = tuple(primitives())
            session.view.preview.restart()  # what `auto_symbolic` would fix is searched anew
            self.mark_changed(frozenset(("library", "candidates")))
            if session.view.preview.on:
                self.mark_changed(frozenset(("survey",)))
        if session.view.show_announcement():  # a notice of the training, such as that it has failed
            self.send_notice()
        # Which registered functions fail, a sentence each; this takes no other notice's place.
        if session.candidates.unreported and session.view.notice is None:
            reasons = "; ".join(session.candidates.take_unreported())
            reasons = reasons[:1].upper() + reasons[1:] + "."
            session.view.notify(Notice("Left out of the candidates", reasons, _REPAIR))
            self.send_notice()

    def send_costly(self) -> bool:
        """Send one costly topic that is due; False if there is none. The preview `survey`, which takes long, is left to `send_preview`."""
        return self._send_first(sorted(self._changed & self._costly.keys() - {"survey"}))

    def send_panels_and_preview(self) -> None:
        """Send all open panels that are due, then a part of the preview of `auto_symbolic`, or of trials."""
        # Each once: a panel whose content isn't complete yet is marked as changed again, and has its next turn with the next call.
        for panel in sorted(self._changed & PANELS.keys()):
            self._send_first([panel])
        self.send_preview()

    def send_preview(self) -> bool:
        """Do and send a part of what takes long; False if there is nothing to do.

        That is the preview of `auto_symbolic`, trials of candidates in an edge's place, or trials of richer networks.
        """
        return self._send_first([topic for topic in ("survey", *_TRIALS) if topic in self._changed])

    def _send_first(self, topics: list[str]) -> bool:
        """Send the first of these costly topics that may be sent now, and only that one. False if none may.

        So a click waits no longer than one of them takes.
        """
        if self._send is None:
            return False
        for topic in topics:
            if self._throttled(topic) == 0.0:
                self._send_topic(topic)
                return True
        return False

    def next_wait(self) -> float | None:
        """Seconds until something that has changed may be sent; None if nothing has changed, or no widget is connected."""
        if self._send is None:
            return None
        if self._has_unmarked_changes():
            return 0.0
        waits = [self._throttled(topic) for topic in self._changed & {*self._costly, *_TRIALS}]
        if self._changed & _FRAME_TOPICS:
            waits.append(self.frames.wait(self.session.running))
        if self.snapshot_due and self._store is not None and not self.session.running:
            waits.append(0.0)
        return min(waits, default=None)

    def acknowledge(self, of: int) -> None:
        """Send the changes of a command, then its acknowledgement; `of` is the number of its message."""
        self._flush_acts()  # structure, history and what else only acts change
        if self._take("selection"):  # it has changed, and counts as sent
            self.send_selection()
        if self._take("status"):
            self.send_status()
        # Topics that the command asks for, or that follow from it, aren't throttled.
        for topic in self._changed & {"candidates", "guide", *PANELS}:
            self._throttle.allow_now(topic)
        if "candidates" in self._changed and not self.session.selection_is_cached():
            self.send_candidates(busy=True)  # the page shows that a search is to come, which follows as a costly topic
        self.send_ack(of, True)

    def report(self, error: BaseException) -> None:
        """Show an error that belongs to no message of a page, such as one in a training, as a notice."""
        self.session.view.notify(notice_of(error))
        self.mark_changed(frozenset(("status",)))
        self.send_notice()

    def refuse(self, of: int, error: BaseException) -> None:
        """Show the error of the message with the number `of`, and acknowledge it as refused; one without a number has -1, and no answer."""
        self.session.view.notify(notice_of(error))
        self.send_notice()
        if of >= 0:
            self.send_ack(of, False)

    def _take(self, *topics: str) -> bool:
        """Whether the first of these topics has changed. If so, all of them are about to be sent, and count as changed no more."""
        changed = topics[0] in self._changed
        if changed:
            self._changed.difference_update(topics)
        return changed

    def _flush_acts(self) -> None:
        """Send what only acts change, such as fixing an edge, without a rate limit: structure with curves, library, settings, history."""
        if self._take("replaced", "metrics"):  # after a jump to other records, pages forget their rows
            self.send_metrics(0, replace=True)
        if self._take("library"):
            self.send("library", {"primitives": primitive_names()})
        if self._take("structure", "curves"):
            self.send_structure()
            self.send_curves(all_changes=True)
            if self.session.view.selection:  # the selected curve is drawn larger, too
                self._changed.discard("selection")
                self.send_selection()
        if self._take("settings"):
            self.send("settings", {"settings": settings(self.session)})
        if self._take("history"):
            self.send("history", {"history": history(self.session)})

    def _flush_frame(self, force: bool) -> None:
        """Send the changed topics of a frame, unless it is too early and not `force`. The status comes last, with the frame's number."""
        topics = self._changed & _FRAME_TOPICS  # those that steps of a training change
        if not topics or (self.frames.wait(self.session.running) > 0 and not force):
            return
        self._changed -= topics
        running, started = self.session.running, self.clock()
        if "metrics" in topics:
            self.send_metrics(self._sent_rows)  # the records of the training that pages don't have yet
        if "curves" in topics:
            self.send_curves(all_changes=not running)
        if "selection" in topics or ("curves" in topics and self.session.view.selection):
            self.send_selection()
        # Steps change formula and candidates, too, but mark only what is cheap; the last step, and acts, mark all.
        if running:
            self._changed.add("formula")
            self._refresh_candidates()
        self.send_status(frame=self.frames.next_frame(started))

    def _refresh_candidates(self) -> None:
        """While training, mark the candidates as due again where the throttle allows it and the selected edge's curve has moved."""
        edge = self.session.view.selected_edge
        if edge is not None and self._throttled("candidates") == 0.0:
            if self.session.candidates.has_moved(edge):
                self._changed.add("candidates")
            else:
                self._throttle.unchanged("candidates")  # looked at again as late as if they had been sent

    # ---- costly topics

    def _throttled(self, topic: str) -> float:
        """Seconds until a costly topic may be sent.

        Trials (of candidates in an edge's place, of richer networks) have no throttle: they are begun in pauses only, after a rest that
        ends at `_trials_at`.
        """
        if topic in _TRIALS:
            return max(0.0, self._trials_at - self.clock())
        return self._throttle.wait(topic, self.session.running)

    def _send_topic(self, topic: str) -> None:
        """Send a costly topic, or for those that take long work at a part of it; its throttle learns how long that took.

        Args:
            topic: One of `_COSTLY` or `_TRIALS`, or a panel.
        """
        self._changed.discard(topic)
        started = self.clock()
        match topic:
            case "candidates":
                self.send_candidates()
                self._begin_swaps()  # has them tried in the edge's place
            case "formula":
                self.send_formula()
            case "guide":
                self._begin_richer()
                self.send("guide", {"guide": guide(self.session)})
            case "survey":
                self._send_preview_rows()
            case "held_out":
                self._send_held_out()
            case "richer":
                self._try_richer()
            case panel:
                payload, arrays = PANELS[panel].content(self.session)
                self.send(panel, {panel: payload}, arrays)
                # Forms are worked out beside the session, which hears of each; other panels go on with the next call.
                if payload.get("busy") and panel != "forms":
                    self._changed.add(panel)
        self._throttle.sent(topic, started)

    def _send_preview_rows(self) -> None:
        """Search candidates of some more edges for the preview of what `auto_symbolic` would fix, and send its new rows.

        The topic `survey` is marked again while edges remain.
        """
        preview = self.session.view.preview
        preview.search(self.session.candidates)
        self.send("survey", {"survey": preview.unsent()})
        if not preview.is_complete:
            self._changed.add("survey")

    def _begin_swaps(self) -> None:
        """Have the candidates that were just sent tried, after a rest: how large is the held-out error with one in the edge's place?

        Only a driver with a thread goes on with that meanwhile, and only while nothing trains.
        """
        edge = self.session.view.selected_edge
        if edge is None or self.session.running or self.driver != "thread":
            return
        self.session.swap_errors.begin(edge, self.session.candidates.of(edge))
        self._trials_at = self.clock() + _REST_SECONDS
        self._changed.add("held_out")

    def _send_held_out(self) -> None:
        """Train a copy with a candidate in the selected edge's place for one step; send the held-out errors when a candidate is done.

        The topic is marked again while candidates remain, so that clicks are answered in between.
        """
        swaps = self.session.swap_errors
        if swaps.advance() and (errors := held_out(self.session)) is not None:
            self.send("held_out", {"held_out": errors})
            self.snapshot_due |= swaps.is_complete
        if not swaps.is_complete:
            self._changed.add("held_out")

    def _begin_richer(self) -> None:
        """Where it is time for it (`asks_for_richer`), have richer networks tried (a finer grid, more nodes).

        The guide calls what is left of the error noise only if they explain no more. Like trials of candidates that waits for a moment of
        rest: a person who clicks on isn't kept waiting.
        """
        if asks_for_richer(self.session):
            self.session.richer.begin(in_background=self.driver == "thread")
            self._trials_at = max(self._trials_at, self.clock() + _REST_SECONDS)
            self._changed.add("richer")

    def _try_richer(self) -> None:
        """Try richer networks for one training step; guide and snapshot follow once there is something new to say."""
        if self.session.richer.advance():
            self._changed |= {"guide", "status"}
            self.snapshot_due = True
        elif not self.session.richer.is_complete:
            self._changed.add("richer")

    # ---- pages that open, or have missed messages

    def resend_rows(self, since: int) -> None:
        """Mark again what a page may have missed that has only `since` rows of metrics: the rows after these, status and all curves.

        No frame is waited for: its acknowledgement may be missing as well.
        """
        self._sent_rows = max(0, min(self._sent_rows, since))  # how many records pages have
        self.mark_changed(frozenset(("metrics", "status", "curves")))
        self.deltas.reset()
        self.frames.allow_now()

    def send_hello_ack(self) -> None:
        """Send everything, for a page that has just opened; pages that are open already begin anew with it, too."""
        self.frames.forget()  # the page that was to acknowledge the last frame may be gone
        content = self.snapshot()
        self.deltas.reset(content["structure"])  # as all pages have it now: of the next one only differences are sent
        # A message has its buffer beside it, not within the snapshot.
        buffer = content.pop("buffer")
        self._number_and_send("hello_ack", {"snapshot": content}, [buffer])

    # ---- the snapshot

    def snapshot(self) -> p.Snapshot:
        """Everything that a page needs to draw the explorer without the kernel."""
        # Its number is one less than the last message's: a page that has received that message is up to date.
        content = snapshot(self.session, self.driver, self.task, self.seq - 1, self._formula.value)
        if self.session.preset is not None:
            content["examples"] = examples()
        if self._formats:
            content["formats"] = list(self._formats)
        return content

    def compact_snapshot(self) -> p.Snapshot:
        """The snapshot that a notebook stores."""
        return compact(self.snapshot())

    def _flush_snapshot(self) -> None:
        """Store a snapshot where pages opened later look for one: while training every two seconds, else after a change.

        After a change it waits until candidates, formula and guide are sent, which belong to it.
        """
        if self.session.running:
            due = self.clock() - self._stored_at >= SNAPSHOT_SECONDS
        else:
            due = self.snapshot_due and not self._changed & {"candidates", "formula", "guide"}
        if self._store is not None and due:
            self.snapshot_due = False
            self._store(self.compact_snapshot())
            self._stored_at = self.clock()


def notice_of(error: BaseException) -> Notice:
    """A notice about an error: its first sentence is the problem, the others are the hint."""
    message = str(error) or type(error).__name__
    # These two refuse what was asked for, in whole sentences; of others the type says more.
    title = "That did not work" if isinstance(error, (ValueError, TypeError)) else type(error).__name__
    problem, dot, hint = message.partition(". ")
    return Notice(title, problem + dot.strip(), hint or None)
