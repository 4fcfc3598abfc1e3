"""Whether anybody still looks, where the kernel outlives its page without a sign: in marimo.

A page answers every frame, at the latest after a minute where the browser holds back a tab in the background. If nothing has come for
`SECONDS`, no cell is running that answers would wait for, and the thread that asks isn't the one that answers come in on, then the
last view is gone. Jupyter is never watched: there a kernel goes on without its page, and says so.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

#: Seconds of silence after which a training in marimo is paused.
SECONDS = 150.0


class PageWatch:
    """Remembers when a page was last heard.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard: float | None = None
        self._thread: int | None = None
        self._context: Any = None

    def hear(self) -> None:
        """A page has said something, on this thread."""
        if self._thread != threading.get_ident():
            self._thread, self._context = threading.get_ident(), _context()
        self._heard = self._clock()

    def gone(self) -> bool:
        """Whether pages have been there, and are no more."""
        if self._heard is None or self._thread == threading.get_ident():
            return False
        if getattr(self._context, "execution_context", None) is not None:
            # A cell is running: what pages say waits for its end.
            self._heard = self._clock()
        return self._clock() - self._heard > SECONDS


def watched(comm: Any) -> bool:
    """Whether a comm is one of marimo."""
    return getattr(comm, "kernel", None) == "marimo"


def _context() -> Any:
    """What marimo knows of the cell that runs; it has no public name."""
    module = sys.modules.get("marimo._runtime.context")
    return None if module is None else getattr(module, "safe_get_context", lambda: None)()
