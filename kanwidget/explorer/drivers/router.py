"""The router: messages from the browser become commands; hello, pump, export and acknowledgements of frames are answered here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kanwidget import _check
from kanwidget.explorer.commands import fields
from kanwidget.explorer.commands.base import command_class
from kanwidget.explorer.drivers.driver import Driver
from kanwidget.explorer.drivers.thread import ThreadDriver
from kanwidget.explorer.files.formats import FORMATS, export
from kanwidget.explorer.page.publisher import Publisher
from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.session.background.formula_search import SEARCHED
from kanwidget.explorer.session.command import Command

#: Characters of a view's name.
_MAX_VIEW = 100
#: Size of a message.
_MAX_MESSAGE = 1_000_000
#: Seconds that the pump of a page that receives nothing may hold up its handler's thread.
_PUMP_PATIENCE = 0.25
#: Messages that may wait, and the sum of their sizes (see `message_size`).
MAX_WAITING, MAX_SIZE = 2_000, 8_000_000
#: Coalesce at most 100 messages, so that an endless drag still takes effect.
_MAX_COALESCED = 100
#: Rejected messages that are answered.
_MAX_REJECTED = 10_000


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
        self.driver, self.publisher = driver, publisher  # the one carries out commands, the other sends answers
        #: Messages that wait for the driver; those for which there is no room are answered by `_refuse_rejected`.
        self.queue = _MessageQueue(driver.post, self._refuse_rejected)
        self._lock = threading.Lock()  # guards the two below
        #: Pumps that wait for an answer, each `(rows that the page has, number)`.
        self._pumps: list[tuple[int, int]] = []
        #: Whether an answer to `hello` is queued.
        self._hello_waits = False

    def handle(self, message: Any, buffers: Sequence[Any] = ()) -> None:
        """Take one message; a faulty one becomes an `error` message and changes nothing.

        Fields that a kind doesn't have are ignored: a page may be newer than the kernel. Buffers are ignored: pages send none.
        """
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
            # The answer waits for its turn, as those to sound messages do. Python forgets `error` after this block, so it is a default.
            # It is no barrier: a later message may still supersede one before it.
            refuse = lambda _, error=error: self.publisher.refuse(seq, error)  # noqa: E731
            self.queue.put(_QueuedMessage(refuse, seq, barrier=False))

    # ---- commands

    def _command(self, message: Mapping[str, Any], seq: int, size: int) -> None:
        """Queue the commands that a message asks for; for one that interrupts, such as pause, a long step may be abandoned.

        Args:
            message: The message of a page.
            seq: Its number, for the answer.
            size: About its length as text: the queue limits the sum of all.

        Raises:
            ValueError: For a message of a kind that there is not, or with a wrong field.
        """
        command = command_class(message)
        if command is None:
            raise ValueError(f"the kernel knows no message {_check.describe(message.get('kind'))}")
        # Stamps are the versions of the network that the user saw: a command that was meant for another one is refused.
        commands, stamps = command.from_message(message), command.stamps_of(message)
        if command.interrupts:
            self.driver.stop_soon()
        queued = _QueuedMessage(self._carry_out, seq, size, commands, stamps)
        self.queue.put(queued, urgent=command.interrupts)

    def _carry_out(self, message: _QueuedMessage) -> None:
        """Carry out a queued message and acknowledge it. Only for the owner of the session.

        One that a later one has superseded is only acknowledged. In place of one that fails those that it has superseded get their turn.
        """
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
        if session.view.notice is not notice:  # the commands have shown a notice, or removed it
            self.publisher.send_notice()

    def _apply(self, message: _QueuedMessage) -> None:
        """Carry out the commands of a message one after the other, without those that the session does already.

        Raises:
            ValueError: For a command that asks for what doesn't exist, or was meant for another structure.
        """
        for command in message.commands:
            if command.repeats(self.driver.session):
                continue
            command.check_stamps(self.driver.session, message.stamps)
            self.driver.carry_out(command)

    def _apply_previous(self, message: _QueuedMessage | None) -> None:
        """Carry out the message that a refused one would have superseded; where that fails, too, the one that it has superseded itself."""
        while message is not None:
            try:
                return self._apply(message)
            except Exception:
                message = message.previous

    def _refuse_rejected(self, seqs: list[int]) -> None:
        """Refuse messages, by their numbers, for which the queue had no room: one notice for all, and an answer to each with a number."""
        subject = "a message" if len(seqs) == 1 else f"{len(seqs)} messages"
        error = ValueError(f"the page has sent more than the kernel could take: {subject} had no effect. Do it again.")
        self.publisher.refuse(-1, error)
        for seq in seqs:
            if seq >= 0:
                self.publisher.send_ack(seq, False)

    # ---- messages that are no commands

    def _hello(self, seq: int) -> None:
        """Answer a page that opens, also where the queue is full (`urgent`); one answer is enough for all `hello` messages that wait.

        It is no barrier: a later message may still supersede one that waits before it.
        """
        with self._lock:
            waiting, self._hello_waits = self._hello_waits, True
        if not waiting:
            self.queue.put(_QueuedMessage(lambda _: self._answer_hello(), seq, barrier=False), urgent=True)

    def _answer_hello(self) -> None:
        """Send everything to a page that has opened. All views have to open their panels anew. Only for the owner of the session."""
        with self._lock:
            self._hello_waits = False
        session = self.driver.session
        session.view.close_panels()
        self.publisher.send_hello_ack()
        self.publisher.mark_changed(frozenset(("formula", "candidates")))
        if self.driver.kind == "thread":  # without one the page would wait for it
            self.driver.post(session.warm_up)  # makes the tables that a search for candidates needs

    def _pump(self, message: Mapping[str, Any], seq: int) -> None:
        """Answer a page that receives nothing, and asks for news; its field `since` is the number of rows of metrics that it has.

        Some hosts drop messages that a thread sends, so the handler's thread answers if it becomes the owner of the session soon. `seq`
        is the number of the message, which the answer names.
        """
        since = fields.whole(message.get("since"), "since", "pump")
        with self._lock:
            waiting = bool(self._pumps)
            self._pumps.append((since, seq))
        if waiting:
            return  # the answer on its way is for this pump too
        if isinstance(self.driver, ThreadDriver) and self.driver.run_here(self._answer_pumps, _PUMP_PATIENCE):
            return
        # Without a thread nobody else trains: a pump of the driver goes on with that for a little.
        self.driver.pump()
        self.driver.post(self._answer_pumps)

    def _answer_pumps(self) -> None:
        """Answer all pages that have received nothing, and acknowledge their requests for news (pumps). Only for the owner of the session.

        While the session is at work they get the rows of metrics that the furthest behind lacks, and what has changed; else a snapshot.
        """
        with self._lock:
            pumps, self._pumps = self._pumps, []
        publisher, session = self.publisher, self.driver.session
        search = session.discoveries.search
        # Each pump is `(rows of metrics that its page has, number)`; `SEARCHED` are the topics that a search of formulas changes.
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
        """Queue the making of a file for a page, in the format that the message names.

        Raises:
            ValueError: For a format that there isn't.
        """
        row = FORMATS[_check.choice(message.get("format"), "format", "export", FORMATS)]

        def answer(_: _QueuedMessage) -> None:
            """Make the file and send it to the page with an acknowledgement; an error refuses the message."""
            try:
                content = export(self.driver.session, row.name)
            except Exception as error:
                self.publisher.refuse(seq, error)
                return
            self.publisher.send_file(row.name, row.filename, row.mime, content)
            self.publisher.send_ack(seq, True)

        self.queue.put(_QueuedMessage(answer, seq))


def _seq(message: Any) -> ViewSeq:
    """The number of a message, -1 for none, with the name of the view that sent it. Any value may come in place of a message."""
    message = message if isinstance(message, Mapping) else {}
    number, view = message.get("seq"), message.get("view")
    seq = ViewSeq(number) if isinstance(number, int) and not isinstance(number, bool) else ViewSeq(-1)
    if isinstance(view, str) and len(view) <= _MAX_VIEW:
        seq.view = view
    return seq


def _checked_size(message: Any) -> int:
    """The size of a message, about its length as text.

    Raises:
        ValueError: If the value is no message, too long, or of another version of the protocol.
    """
    if not isinstance(message, Mapping):
        raise ValueError("a message must be an object")
    size = message_size(message, _MAX_MESSAGE)
    if size > _MAX_MESSAGE:
        raise ValueError("the message is too long")
    if message.get("v") != p.VERSION:
        version = f"version {_check.describe(message.get('v'))} of the protocol, the kernel {p.VERSION}"
        raise ValueError(f"the page speaks {version}. Save and reload it.")
    return size


# ---- the message queue: messages from views that wait for the driver. It is bounded and keeps their order
#
# A drag or a slider sends more messages than a busy kernel can carry out. A later message may supersede an earlier one that waits: only the
# later one is carried out, and both are acknowledged. If the later one turns out to be wrong, the earlier one is carried out.


@dataclass(slots=True, eq=False)
class _QueuedMessage:
    """One message.

    Args:
        work: Carries the message out, or acknowledges it if it is `superseded`.
        seq: Number of the message.
        size: Its size.
        commands: The commands that it asks for, if any.
        stamps: Versions of the network that the user saw, see `Command.check_stamps`.
        barrier: Without commands: whether messages before it can't be superseded by messages after it.
    """

    work: Callable[[_QueuedMessage], None]
    seq: int = -1
    size: int = 0
    commands: Sequence[Command] = ()
    stamps: Mapping[str, int] = field(default_factory=dict)
    barrier: bool = True
    superseded: bool = False
    previous: _QueuedMessage | None = field(default=None, repr=False)
    """The message that this one supersedes."""
    depth: int = 0
    """Messages that this one supersedes, directly and indirectly."""

    def supersedes(self, earlier: _QueuedMessage) -> bool:
        """Whether each of its commands supersedes one of the earlier message, in the same order: these need not be carried out then."""
        pairs = zip(self.commands, earlier.commands, strict=False)
        return len(self.commands) == len(earlier.commands) and all(new.supersedes(old) for new, old in pairs)

    def commutes(self, earlier: _QueuedMessage) -> bool:
        """Whether its commands may be carried out before those of the earlier message."""
        return all(new.commutes(old) for new in self.commands for old in earlier.commands)


class _MessageQueue:
    """Bounds and coalesces messages before they become jobs of a driver. Any thread may put messages in.

    Args:
        post: Leaves a job for the owner of the session.
        on_rejected: Called by the owner with the numbers of messages for which there was no room.
    """

    def __init__(self, post: Callable[[Callable[[], None]], None], on_rejected: Callable[[list[int]], None]) -> None:
        #: How many messages wait.
        self.waiting = 0
        # Leaves a job for the owner of the session; answers messages, by their numbers, for which there was no room.
        self._post, self._on_rejected = post, on_rejected
        self._lock = threading.Lock()
        #: Sum of the sizes of the messages that wait.
        self._size = 0
        #: Numbers of messages without room that weren't answered yet.
        self._rejected: list[int] = []
        #: Waiting messages that a later one may supersede, in order; each commutes with those before it.
        self._open: list[_QueuedMessage] = []

    def put(self, message: _QueuedMessage, urgent: bool = False) -> None:
        """Add a message. A full queue rejects it, unless it is urgent (hello and pause), and has all rejected ones answered by one job."""
        with self._lock:
            # Messages wait, or their lengths (`_size`) sum up, to more than the queue takes.
            full = not urgent and (self.waiting >= MAX_WAITING or self._size > MAX_SIZE)
            first = full and not self._rejected  # else a job that answers waits already
            if not full:
                self.waiting += 1
                self._size += message.size
                self._supersede(message)
            elif len(self._rejected) < _MAX_REJECTED:
                self._rejected.append(message.seq)
        if not full:
            self._post(lambda: self._work(message))
        elif first:
            self._post(self._answer_rejected)

    def _supersede(self, message: _QueuedMessage) -> None:
        """Let a message supersede an earlier one that waits, unless a message between the two has to be carried out before this one.

        `_open` has the waiting messages that may still be superseded. It looks back from the newest, and may pass those that commute with
        it: their order makes no difference. A message without commands that is a barrier lets no later one supersede an earlier one.
        """
        if not message.commands:
            if message.barrier:
                self._open.clear()
            return
        for index in reversed(range(len(self._open))):
            earlier = self._open[index]
            if message.supersedes(earlier):
                del self._open[index]
                # Else it is carried out after all, so that an endless drag takes effect.
                if earlier.depth < _MAX_COALESCED:
                    earlier.superseded = True
                    message.previous, message.depth = earlier, earlier.depth + 1
                break
            if not message.commutes(earlier):
                # This message waits for these: one that takes the place of one of them would come after it.
                del self._open[: index + 1]
                break
        self._open.append(message)

    def _work(self, message: _QueuedMessage) -> None:
        """Carry out a message whose turn it is: from now on it can't be superseded, and makes room for others."""
        with self._lock:
            self.waiting -= 1
            self._size -= message.size
            if message in self._open:  # those that may be superseded
                self._open.remove(message)
        message.work(message)

    def _answer_rejected(self) -> None:
        """Have all messages answered that were rejected since the last time. Only for the owner of the session."""
        with self._lock:
            rejected, self._rejected = self._rejected, []
        self._on_rejected(rejected)


def message_size(message: Any, limit: int) -> int:
    """About the length of a message as text; the walk through it ends above `limit`, so that a huge one costs little.

    Examples:
        >>> message_size({"kind": "undo", "seq": 1}, 100), message_size(["x" * 1000] * 1000, 100) > 100
        (16, True)
    """
    size, remaining = 0, [message]
    while remaining and size <= limit:
        value = remaining.pop()
        if isinstance(value, (str, bytes, bytearray, memoryview)):
            size += len(value)
        elif isinstance(value, Mapping):
            size += 2 * len(value)
            if size <= limit:  # a huge one isn't copied
                remaining += [*value.keys(), *value.values()]
        elif isinstance(value, (list, tuple, set, frozenset)):
            size += 2 + len(value)
            if size <= limit:
                remaining += value
        elif isinstance(value, int):
            size += 1 + value.bit_length() // 4  # about its digits: the text of a huge number would take long
        else:
            size += 8
    return size
