"""The page monitor: whether a page is still open where the kernel outlives it without a sign, which is in marimo.

A page answers every frame, at the latest after a minute where the browser holds back a tab in the background. The last view is gone
if no message has come for `SECONDS`, no cell is running that messages would wait for, and the asking thread isn't the one on which
messages arrive. Jupyter has no monitor: there a kernel goes on without its page, and says so.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

#: Seconds of silence after which a training in marimo is paused.
SECONDS = 150.0


class PageMonitor:
    """Remembers when the last message from a page arrived.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_message: float | None = None
        self._thread: int | None = None
        self._context: Any = None

    def message_received(self) -> None:
        """A message from a page has arrived, on this thread."""
        if self._thread != threading.get_ident():
            self._thread, self._context = threading.get_ident(), _context()
        self._last_message = self._clock()

    def pages_gone(self) -> bool:
        """Whether pages have been open, and are no more."""
        if self._last_message is None or self._thread == threading.get_ident():
            return False
        if getattr(self._context, "execution_context", None) is not None:
            # A cell is running: messages from pages wait for its end.
            self._last_message = self._clock()
        return self._clock() - self._last_message > SECONDS


def is_marimo(comm: Any) -> bool:
    """Whether a comm is one of marimo."""
    return getattr(comm, "kernel", None) == "marimo"


def _context() -> Any:
    """Marimo's context of the cell that runs; it has no public name."""
    module = sys.modules.get("marimo._runtime.context")
    return None if module is None else getattr(module, "safe_get_context", lambda: None)()
