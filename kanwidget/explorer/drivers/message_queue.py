"""The message queue: messages from views that wait for the driver. It is bounded and keeps their order.

A drag or a slider sends more messages than a busy kernel can carry out. A later message may supersede an earlier one that waits: only the
later one is carried out, and both are acknowledged. If the later one turns out to be wrong, the earlier one is carried out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kanwidget.explorer.session.command import Command

#: Messages that may wait, and the sum of their sizes (see `message_size`).
MAX_WAITING, MAX_SIZE = 2_000, 8_000_000
#: Coalesce at most 100 messages, so that an endless drag still takes effect.
_MAX_COALESCED = 100
#: Rejected messages that are answered.
_MAX_REJECTED = 10_000


@dataclass(slots=True, eq=False)
class QueuedMessage:
    """One message.

    Args:
        work: Carries the message out, or acknowledges it if it is `superseded`.
        seq: Number of the message.
        size: Its size.
        commands: The commands that it asks for, if any.
        stamps: Versions of the network that the user saw, see `Command.check_stamps`.
        barrier: Without commands: whether messages before it can't be superseded by messages after it.
    """

    work: Callable[[QueuedMessage], None]
    seq: int = -1
    size: int = 0
    commands: Sequence[Command] = ()
    stamps: Mapping[str, int] = field(default_factory=dict)
    barrier: bool = True
    superseded: bool = False
    previous: QueuedMessage | None = field(default=None, repr=False)
    """The message that this one supersedes."""
    depth: int = 0
    """Messages that this one supersedes, directly and indirectly."""

    def supersedes(self, earlier: QueuedMessage) -> bool:
        """Whether each of its commands supersedes one of the earlier message, in the same order."""
        pairs = zip(self.commands, earlier.commands, strict=False)
        return len(self.commands) == len(earlier.commands) and all(new.supersedes(old) for new, old in pairs)

    def commutes(self, earlier: QueuedMessage) -> bool:
        """Whether its commands may be carried out before those of the earlier message."""
        return all(new.commutes(old) for new in self.commands for old in earlier.commands)


class MessageQueue:
    """Bounds and coalesces messages before they become jobs of a driver. Any thread may put messages in.

    Args:
        post: Leaves a job for the owner of the session.
        on_rejected: Called by the owner with the numbers of messages for which there was no room.
    """

    def __init__(self, post: Callable[[Callable[[], None]], None], on_rejected: Callable[[list[int]], None]) -> None:
        #: Messages that were not carried out because they were superseded or too many, and buffers that nobody reads.
        self.dropped = 0
        self.waiting = 0
        self._post, self._on_rejected = post, on_rejected
        self._lock = threading.Lock()
        self._size = 0
        self._rejected: list[int] = []
        #: Waiting messages that a later one may supersede, in order; each commutes with those before it.
        self._open: list[QueuedMessage] = []

    def put(self, message: QueuedMessage, urgent: bool = False) -> None:
        """Add a message; an urgent one is taken even by a full queue."""
        with self._lock:
            full = not urgent and (self.waiting >= MAX_WAITING or self._size > MAX_SIZE)
            if full:
                self._reject(message)
                first = len(self._rejected) == 1
            else:
                self.waiting += 1
                self._size += message.size
                self._supersede(message)
        if not full:
            self._post(lambda: self._work(message))
        elif first:
            self._post(self._answer_rejected)

    def drop(self, count: int = 1) -> None:
        """Count messages that were not carried out."""
        with self._lock:
            self.dropped += count

    def _reject(self, message: QueuedMessage) -> None:
        self.dropped += 1
        if len(self._rejected) < _MAX_REJECTED:
            self._rejected.append(message.seq)

    def _supersede(self, message: QueuedMessage) -> None:
        """Supersede an earlier message, unless a message between the two has to be carried out before this one."""
        if not message.commands:
            if message.barrier:
                self._open.clear()
            return
        for index in reversed(range(len(self._open))):
            earlier = self._open[index]
            if message.supersedes(earlier):
                del self._open[index]
                if earlier.depth < _MAX_COALESCED:
                    earlier.superseded = True
                    message.previous, message.depth = earlier, earlier.depth + 1
                    self.dropped += 1
                break
            if not message.commutes(earlier):
                del self._open[: index + 1]
                break
        self._open.append(message)

    def _work(self, message: QueuedMessage) -> None:
        with self._lock:
            self.waiting -= 1
            self._size -= message.size
            if message in self._open:
                self._open.remove(message)
        message.work(message)

    def _answer_rejected(self) -> None:
        with self._lock:
            rejected, self._rejected = self._rejected, []
        self._on_rejected(rejected)


def message_size(message: Any, limit: int) -> int:
    """About the length of a message as text; the walk through it ends above `limit`.

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
            if size <= limit:
                remaining += value.keys()
                remaining += value.values()
        elif isinstance(value, (list, tuple, set, frozenset)):
            size += 2 + len(value)
            if size <= limit:
                remaining += value
        elif isinstance(value, int):
            size += 1 + value.bit_length() // 4
        else:
            size += 8
    return size
