"""The router: messages from the browser become commands; hello, pump, export and acknowledgements of frames are answered here."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from kanwidget import _check
from kanwidget.explorer.commands import fields
from kanwidget.explorer.commands.base import command_class
from kanwidget.explorer.drivers.driver import Driver
from kanwidget.explorer.drivers.message_queue import MessageQueue, QueuedMessage, message_size
from kanwidget.explorer.drivers.thread import ThreadDriver
from kanwidget.explorer.files.formats import FORMATS, export
from kanwidget.explorer.page.publisher import Publisher
from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.session.background.formula_search import SEARCHED

#: Characters of a view's name.
_MAX_VIEW = 100
#: Size of a message.
_MAX_MESSAGE = 1_000_000
#: Seconds that the pump of a page that receives nothing may hold up its handler's thread.
_PUMP_PATIENCE = 0.25


class ViewSeq(int):
    """The number of a message with its view: views number independently and receive each other's acknowledgements."""

    view: str | None = None


class Router:
    """Handles messages; only enqueues, so any thread may call it at any time.

    Args:
        driver: Carries out commands.
        publisher: Sends the answers.
    """

    def __init__(self, driver: Driver, publisher: Publisher) -> None:
        self.driver, self.publisher = driver, publisher
        self.queue = MessageQueue(driver.post, self._refuse_rejected)
        self._lock = threading.Lock()
        #: Pumps that wait for an answer, each `(rows that the page has, number)`.
        self._pumps: list[tuple[int, int]] = []
        self._hello_waits = False

    def handle(self, message: Any, buffers: Sequence[Any] = ()) -> None:
        """Take one message; a faulty one becomes an `error` message and changes nothing.

        Fields that a kind doesn't have are ignored: a page may be newer than the kernel. Buffers are counted and ignored: pages send none.
        """
        if buffers:
            self.queue.drop(len(buffers))
        kind = message.get("kind") if isinstance(message, Mapping) else None
        seq = _seq(message)
        try:
            size = _checked_size(message)
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
            refuse = lambda _, error=error: self.publisher.refuse(seq, error)  # noqa: E731
            self.queue.put(QueuedMessage(refuse, seq, barrier=False))

    # ---- commands

    def _command(self, message: Mapping[str, Any], seq: int, size: int) -> None:
        command = command_class(message)
        if command is None:
            raise ValueError(f"the kernel knows no message {_check.describe(message.get('kind'))}")
        commands, stamps = command.from_message(message), command.stamps_of(message)
        if command.interrupts:
            self.driver.stop_soon()
        queued = QueuedMessage(self._carry_out, seq, size, commands, stamps)
        self.queue.put(queued, urgent=command.interrupts)

    def _carry_out(self, message: QueuedMessage) -> None:
        if message.superseded:
            self.publisher.send_ack(message.seq, True)
            return
        session = self.driver.session
        notice = session.view.notice
        try:
            self._apply(message)
        except Exception as error:
            self._apply_previous(message.previous)
            self.publisher.refuse(message.seq, error)
            return
        self.publisher.acknowledge(message.seq)
        if session.view.notice is not notice:
            self.publisher.send_notice()

    def _apply(self, message: QueuedMessage) -> None:
        for command in message.commands:
            command.check_stamps(self.driver.session, message.stamps)
            self.driver.carry_out(command)

    def _apply_previous(self, message: QueuedMessage | None) -> None:
        """Carry out the message that a refused one would have superseded."""
        while message is not None:
            try:
                return self._apply(message)
            except Exception:
                message = message.previous

    def _refuse_rejected(self, seqs: list[int]) -> None:
        """Refuse messages that the full queue has rejected."""
        subject = "a message" if len(seqs) == 1 else f"{len(seqs)} messages"
        error = ValueError(f"the page has sent more than the kernel could take: {subject} had no effect. Do it again.")
        self.publisher.refuse(-1, error)
        for seq in seqs:
            if seq >= 0:
                self.publisher.send_ack(seq, False)

    # ---- messages that are no commands

    def _hello(self, seq: int) -> None:
        """Answer a page that opens; one answer is enough for all `hello` messages that wait."""
        with self._lock:
            waiting, self._hello_waits = self._hello_waits, True
        if waiting:
            self.queue.drop()
        else:
            self.queue.put(QueuedMessage(lambda _: self._answer_hello(), seq, barrier=False), urgent=True)

    def _answer_hello(self) -> None:
        with self._lock:
            self._hello_waits = False
        session = self.driver.session
        session.view.close_panels()
        self.publisher.send_hello_ack()
        self.publisher.mark_changed(frozenset(("formula", "candidates")))
        if self.driver.kind == "thread":
            self.driver.post(session.warm_up)

    def _pump(self, message: Mapping[str, Any], seq: int) -> None:
        """Answer a page that receives nothing.

        Some hosts drop messages that a thread sends, so the handler's thread answers if it becomes the owner soon.
        """
        since = fields.whole(message.get("since"), "since", "pump")
        with self._lock:
            waiting = bool(self._pumps)
            self._pumps.append((since, seq))
        if waiting:
            self.queue.drop()  # the answer on its way is for this pump too
            return
        if isinstance(self.driver, ThreadDriver) and self.driver.run_here(self._answer_pumps, _PUMP_PATIENCE):
            return
        self.driver.pump()
        self.driver.post(self._answer_pumps)

    def _answer_pumps(self) -> None:
        with self._lock:
            pumps, self._pumps = self._pumps, []
        publisher, session = self.publisher, self.driver.session
        search = session.discoveries.search
        if session.running or (search is not None and search.busy):
            publisher.resend_rows(min((since for since, _ in pumps), default=0))
            publisher.mark_changed(SEARCHED & {"guide", *session.view.panels})
            publisher.flush(force=True)
        else:
            # The page has missed the answer to a command.
            publisher.send_hello_ack()
            publisher.mark_changed(session.view.panels)
        publisher.send_panels_and_preview()
        for _, seq in pumps:
            publisher.send_ack(seq, True)

    def _export(self, message: Mapping[str, Any], seq: int) -> None:
        row = FORMATS[_check.choice(message.get("format"), "format", "export", FORMATS)]

        def answer(_: QueuedMessage) -> None:
            try:
                content = export(self.driver.session, row.name)
            except Exception as error:
                self.publisher.refuse(seq, error)
                return
            self.publisher.send_file(row.name, row.filename, row.mime, content)
            self.publisher.send_ack(seq, True)

        self.queue.put(QueuedMessage(answer, seq))


def _seq(message: Any) -> ViewSeq:
    """The number of a message, -1 for none, with its view."""
    message = message if isinstance(message, Mapping) else {}
    number, view = message.get("seq"), message.get("view")
    seq = ViewSeq(number) if isinstance(number, int) and not isinstance(number, bool) else ViewSeq(-1)
    if isinstance(view, str) and len(view) <= _MAX_VIEW:
        seq.view = view
    return seq


def _checked_size(message: Any) -> int:
    """The size of a message.

    Raises:
        ValueError: If the value is no message, too long, or of another version of the protocol.
    """
    if not isinstance(message, Mapping):
        raise ValueError("a message must be an object")
    size = message_size(message, _MAX_MESSAGE)
    if size > _MAX_MESSAGE:
        raise ValueError("the message is too long")
    if message.get("v") != p.VERSION:
        raise ValueError(
            f"the page speaks version {_check.describe(message.get('v'))} of the protocol, the kernel {p.VERSION}."
            " Save and reload it."
        )
    return size
