"""Quicker turns at Python's lock while an explorer has a thread.

Every torch call gives the lock up, and a thread that wants it back from a loop of pure Python waits for a whole switch interval: five
milliseconds by default. A step of some hundred calls takes seconds then, and so does a pause. The interval begins anew whenever the loop
gives the lock up by itself, in a call that reads a file, say: beside a cell that does so every millisecond the threads that bring a
click would never get the lock. So the short interval holds between two jobs too, until the explorer is closed.

The price: two threads of pure Python do a sixth less together, one alone nothing that can be measured. What it can't help: a loop that
gives the lock up every twentieth of a millisecond takes it back before another thread is awake, and a step may never be done.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: Seconds after which a thread that computes in Python is asked for the lock, while another one works here.
SWITCH_SECONDS = 5e-5

_lock = threading.Lock()
#: How many threads work, and the interval to go back to.
_working, _before = 0, 0.0


@contextmanager
def quick_turns() -> Iterator[None]:
    """Within, threads take turns more often; the last one to leave sets the interval back, unless somebody else has changed it."""
    _begin()
    try:
        yield
    finally:
        _end()


def _begin() -> None:
    global _working, _before
    with _lock:
        _working += 1
        now = sys.getswitchinterval()
        if now > SWITCH_SECONDS:
            _before = now
            sys.setswitchinterval(SWITCH_SECONDS)


def _end() -> None:
    global _working, _before
    with _lock:
        _working -= 1
        if _working == 0 and _before:
            if math.isclose(sys.getswitchinterval(), SWITCH_SECONDS):
                sys.setswitchinterval(_before)
            _before = 0.0
