"""Messages from the browser become commands; what they ask for that isn't a command is answered here."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kanwidget import _check
from kanwidget.explorer.commands import fields
from kanwidget.explorer.commands.base import command_class
from kanwidget.explorer.drivers.driver import Driver
from kanwidget.explorer.drivers.message_queue import Entry, Inbox, measure
from kanwidget.explorer.drivers.thread import ThreadDriver
from kanwidget.explorer.files.formats import FORMATS, export
from kanwidget.explorer.page.publisher import Publisher
from kanwidget.explorer.protocol import records as p

#: Characters of a view's name.
_LONGEST_VIEW = 100
#: Nothing that a page says measures more than this.
_LONGEST = 1_000_000
#: Seconds that the question of a page that hears nothing may hold up its handler's thread.
_PUMP_PATIENCE = 0.25


class OfView(int):
    """The number of a message, and the view that said it: every view counts from 1, and hears what others are answered."""

    view: str | None = None


class Router:
    """Handles messages; only enqueues, so any thread may call it at any time.

    Args:
        driver: Who carries out commands.
        publisher: Who answers.
    """

    def __init__(self, driver: Driver, publisher: Publisher) -> None:
        self.driver, self.publisher = driver, publisher
        self.inbox = Inbox(driver.post, self._lost)
        self._lock = threading.Lock()
        self._asked: list[tuple[int, int]] = []
        self._greeted = False

    def handle(self, message: Any, buffers: Sequence[Any] = ()) -> None:
        """Take one message; whatever is wrong with it becomes an `error` message and changes nothing.

        Fields that a kind doesn't have are ignored: a page may be newer than the kernel. So are buffers, of which a page sends none;
        they are counted.
        """
        if buffers:
            self.inbox.drop(len(buffers))
        kind = message.get("kind") if isinstance(message, Mapping) else None
        seq = message.get("seq") if isinstance(message, Mapping) else None
        seq = OfView(seq) if isinstance(seq, int) and not isinstance(seq, bool) else OfView(-1)
        view = message.get("view") if isinstance(message, Mapping) else None
        if isinstance(view, str) and len(view) <= _LONGEST_VIEW:
            seq.view = view
        try:
            size = self._check(message)
            if kind == "frame_ack":
                self.publisher.frames.acknowledge(message.get("frame"))
                self.driver.wake()
            elif kind == "hello":
                self._hello(seq)
            elif kind == "pump":
                self._pump(message, seq)
            elif kind == "export":
                self._export(message, seq)
            else:
                self._command(message, seq, size)
        except Exception as error:
            self.inbox.put(Entry(lambda _, error=error: self.publisher.refuse(seq, error), seq, barrier=False))  # type: ignore[misc]

    def _check(self, message: Any) -> int:
        """What it measures, if it may be read."""
        if not isinstance(message, Mapping):
            raise ValueError("a message must be an object")
        size = measure(message, _LONGEST)
        if size > _LONGEST:
            raise ValueError("the message is too long")
        if message.get("v") != p.VERSION:
            raise ValueError(
                f"the page speaks version {_check.describe(message.get('v'))} of the protocol, the kernel {p.VERSION}."
                " Save and reload it."
            )
        return size

    def _command(self, message: Mapping[str, Any], seq: int, size: int) -> None:
        command = command_class(message)
        if command is None:
            raise ValueError(f"the kernel knows no message {_check.describe(message.get('kind'))}")
        commands, stamps = command.from_message(message), command.stamps_of(message)
        if command.interrupts:
            self.driver.stop_soon()
        entry = _CommandEntry(self._carry_out, seq, size, commands, stamps=stamps)
        self.inbox.put(entry, urgent=command.interrupts)

    def _carry_out(self, entry: Entry) -> None:
        if entry.needless:
            self.publisher.send_ack(entry.seq, True)
            return
        session = self.driver.session
        before = session.notice
        try:
            self._apply(entry)
        except Exception as error:
            self._fall_back(entry.before)
            self.publisher.refuse(entry.seq, error)
            return
        self.publisher.acknowledge(entry.seq)
        if session.notice is not before:
            self.publisher.send_notice()

    def _apply(self, entry: Entry) -> None:
        assert isinstance(entry, _CommandEntry)
        for command in entry.commands:
            command.check_stamps(self.driver.session, entry.stamps)
            self.driver.carry_out(command)

    def _fall_back(self, entry: Entry | None) -> None:
        """What a message that was refused would have made needless holds."""
        while entry is not None:
            try:
                return self._apply(entry)
            except Exception:
                entry = entry.before

    def _lost(self, seqs: list[int]) -> None:
        """There was no room for some messages."""
        few = "a message" if len(seqs) == 1 else f"{len(seqs)} messages"
        error = ValueError(f"the page has said more than the kernel could take: {few} had no effect. Do it again.")
        self.publisher.refuse(-1, error)
        for seq in seqs:
            if seq >= 0:
                self.publisher.send_ack(seq, False)

    def _hello(self, seq: int) -> None:
        """Everything for a page; one answer is enough for all that wait."""
        with self._lock:
            again, self._greeted = self._greeted, True
        if again:
            self.inbox.drop()
        else:
            self.inbox.put(Entry(lambda _: self._greet(), seq, barrier=False), urgent=True)

    def _greet(self) -> None:
        with self._lock:
            self._greeted = False
        # A page that was reloaded doesn't say goodbye. Those that are still there say again what they have open.
        session = self.driver.session
        session.watched.clear()
        session.survey.views.clear()
        self.publisher.send_hello_ack()
        self.publisher.note(frozenset(("formula", "candidates")))
        if self.driver.kind == "thread":
            self.driver.post(self.driver.session.warm_up)

    def _pump(self, message: Mapping[str, Any], seq: int) -> None:
        """Answer a page that hears nothing. Some hosts drop what a thread sends, so this thread answers if it can do so soon."""
        since = fields.whole(message.get("since"), "since", "pump")
        with self._lock:
            asked = bool(self._asked)
            self._asked.append((since, seq))
        if asked:
            self.inbox.drop()  # the answer that is on its way is also for this
            return

        def answer() -> None:
            with self._lock:
                asked, self._asked = self._asked, []
            since = min((since for since, _ in asked), default=0)
            if self.driver.session.running:
                self.publisher.resend_rows(since)
                self.publisher.flush(force=True)
                self.publisher.send_panels()
            else:
                # It has missed the answer to a command.
                self.publisher.send_hello_ack()
                self.publisher.note(self.driver.session.panels)
                self.publisher.send_panels()
            for _, seq in asked:
                self.publisher.send_ack(seq, True)

        if isinstance(self.driver, ThreadDriver) and self.driver.here(answer, _PUMP_PATIENCE):
            return
        self.driver.pump()
        self.driver.post(answer)

    def _export(self, message: Mapping[str, Any], seq: int) -> None:
        row = FORMATS[_check.choice(message.get("format"), "format", "export", FORMATS)]

        def answer(_: Entry) -> None:
            try:
                content = export(self.driver.session, row.name)
            except Exception as error:
                self.publisher.refuse(seq, error)
                return
            self.publisher.send_file(row.name, row.filename, row.mime, content)
            self.publisher.send_ack(seq, True)

        self.inbox.put(Entry(answer, seq))


@dataclass(slots=True, kw_only=True, eq=False)
class _CommandEntry(Entry):
    stamps: Mapping[str, int] = field(default_factory=dict)
    """What the message says about the network that the user saw, see `Command.check_stamps`."""
