"""What pages have said and nobody has carried out yet: bounded, answered in order, and without what a later message makes needless.

A hand that drags, or a slider, says more than a busy kernel can do. Of several messages in a row that set the same thing only the last
one is carried out; the others are counted, and answered all the same. If the last one turns out to be wrong, the one before it holds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kanwidget.explorer.session.command import Command

#: Messages that may wait, and what they may measure together (see `measure`).
MOST_WAITING, MOST_SIZE = 2_000, 8_000_000
#: So many are made needless by one message at most: what keeps coming is done now and then.
_MOST_REPLACED = 100
#: Numbers of lost messages that are remembered for their answers.
_MOST_LOST = 10_000


@dataclass(slots=True, eq=False)
class Entry:
    """One message.

    Args:
        work: Carries it out, or answers that this isn't needed any more (`needless`).
        seq: Its number.
        size: What it measures.
        commands: The commands that it asks for, if it does.
        barrier: Without commands: whether others keep their place before and behind it.
    """

    work: Callable[[Entry], None]
    seq: int = -1
    size: int = 0
    commands: Sequence[Command] = ()
    barrier: bool = True
    needless: bool = False
    before: Entry | None = field(default=None, repr=False)
    """The one whose place it takes."""
    depth: int = 0

    def supersedes(self, earlier: Entry) -> bool:
        """Whether each of its commands supersedes one of the earlier entry, in the same order."""
        pairs = zip(self.commands, earlier.commands, strict=False)
        return len(self.commands) == len(earlier.commands) and all(new.supersedes(old) for new, old in pairs)

    def commutes(self, earlier: Entry) -> bool:
        """Whether its commands may be carried out before those of the earlier entry."""
        return all(new.commutes(old) for new in self.commands for old in earlier.commands)


class Inbox:
    """Stands before a driver's queue; any thread may put something in.

    Args:
        post: Leaves a job for whoever works.
        on_lost: Called by whoever works with the numbers of messages for which there was no room.
    """

    def __init__(self, post: Callable[[Callable[[], None]], None], on_lost: Callable[[list[int]], None]) -> None:
        #: Messages that were not carried out because they were needless or too many, and buffers that nobody reads.
        self.dropped = 0
        self.waiting = 0
        self._post, self._on_lost = post, on_lost
        self._lock = threading.Lock()
        self._size = 0
        self._lost: list[int] = []
        #: Entries that wait and that a later one may supersede, in order; each commutes with those before it.
        self._open: list[Entry] = []

    def put(self, entry: Entry, urgent: bool = False) -> None:
        """Leave a message; one that is urgent is taken however many there are."""
        with self._lock:
            if not urgent and (self.waiting >= MOST_WAITING or self._size > MOST_SIZE):
                self._lose(entry)
                first = len(self._lost) == 1
            else:
                first = None
                self.waiting += 1
                self._size += entry.size
                self._replace(entry)
        if first is None:
            self._post(lambda: self._work(entry))
        elif first:
            self._post(self._tell_lost)

    def drop(self, count: int = 1) -> None:
        """Count something that was not carried out."""
        with self._lock:
            self.dropped += count

    def _lose(self, entry: Entry) -> None:
        self.dropped += 1
        if len(self._lost) < _MOST_LOST:
            self._lost.append(entry.seq)

    def _replace(self, entry: Entry) -> None:
        """Supersede an earlier entry, unless another one that keeps its place waits between."""
        if not entry.commands:
            if entry.barrier:
                self._open.clear()
            return
        for index in reversed(range(len(self._open))):
            earlier = self._open[index]
            if entry.supersedes(earlier):
                del self._open[index]
                if earlier.depth < _MOST_REPLACED:
                    earlier.needless = True
                    entry.before, entry.depth = earlier, earlier.depth + 1
                    self.dropped += 1
                break
            if not entry.commutes(earlier):
                del self._open[: index + 1]
                break
        self._open.append(entry)

    def _work(self, entry: Entry) -> None:
        with self._lock:
            self.waiting -= 1
            self._size -= entry.size
            if entry in self._open:
                self._open.remove(entry)
        entry.work(entry)

    def _tell_lost(self) -> None:
        with self._lock:
            lost, self._lost = self._lost, []
        self._on_lost(lost)


def measure(message: Any, most: int) -> int:
    """About how long a message is as text; the walk through it ends once it is longer than `most`.

    Examples:
        >>> measure({"kind": "undo", "seq": 1}, 100), measure(["x" * 1000] * 1000, 100) > 100
        (16, True)
    """
    size, left = 0, [message]
    while left and size <= most:
        one = left.pop()
        if isinstance(one, (str, bytes, bytearray, memoryview)):
            size += len(one)
        elif isinstance(one, Mapping):
            size += 2 * len(one)
            if size <= most:
                left += one.keys()
                left += one.values()
        elif isinstance(one, (list, tuple, set, frozenset)):
            size += 2 + len(one)
            if size <= most:
                left += one
        elif isinstance(one, int):
            size += 1 + one.bit_length() // 4
        else:
            size += 8
    return size
