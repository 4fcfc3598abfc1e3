"""A shorter switch interval, Python's time slice between threads, while an explorer has a thread.

Every torch call releases Python's lock, and a thread that wants it back from a loop of pure Python waits for a whole switch interval:
five milliseconds by default. A step of some hundred calls takes seconds then, and so does a pause. The interval begins anew whenever the
loop releases the lock by itself, in a call that reads a file, say: beside a cell that does so every millisecond the threads that bring a
click would never get the lock. So the short interval holds between two jobs too, until the explorer is closed.

The price: two threads of pure Python do a sixth less together, a single one nothing that can be measured. The limit: a loop that
releases the lock every twentieth of a millisecond takes it back before another thread is awake, and a step may never be done.
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
#: Threads within, and the interval to set back.
_threads, _previous = 0, 0.0


@contextmanager
def short_switch_interval() -> Iterator[None]:
    """Within, threads switch more often; the last thread to leave sets the interval back, unless it was changed meanwhile."""
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _threads, _previous
    with _lock:
        _threads += 1
        interval = sys.getswitchinterval()
        if interval > SWITCH_SECONDS:
            _previous = interval
            sys.setswitchinterval(SWITCH_SECONDS)


def _leave() -> None:
    global _threads, _previous
    with _lock:
        _threads -= 1
        if _threads == 0 and _previous:
            if math.isclose(sys.getswitchinterval(), SWITCH_SECONDS):
                sys.setswitchinterval(_previous)
            _previous = 0.0
