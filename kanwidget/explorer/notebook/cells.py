"""Cells of a notebook: explorers of an earlier run of a cell are closed, and an interrupt pauses."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from kanwidget.explorer.notebook.ipython import running_cell

#: By cell its last execution, and the explorers that this has made.
_BY_CELL: dict[str, tuple[str, weakref.WeakSet[Any]]] = {}


@contextlib.contextmanager
def gentle_interrupt(interrupt: Callable[[], None]) -> Iterator[None]:
    """Within, the first Ctrl-C calls `interrupt`, which asks for a pause, and the second one breaks off as Python does it."""
    if threading.current_thread() is not threading.main_thread():  # Python allows handlers of signals there alone
        yield
        return
    previous = signal.getsignal(signal.SIGINT)  # None for a handler that isn't Python's

    # It takes itself away at once, so that the second Ctrl-C finds the previous handler.
    def handle(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, previous or signal.default_int_handler)
        interrupt()

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous or signal.default_int_handler)


def close_replaced(explorer: Any) -> None:
    """Close the explorers that an earlier run of this cell made, since no variable refers to them any more, and note this one for later."""
    # Outside of a notebook IPython isn't imported for this.
    cell = running_cell() if "IPython" in sys.modules else None
    if cell is None:
        return
    name, execution = cell
    # `_BY_CELL` has of each cell its last run and the explorers that this has made.
    last, explorers = _BY_CELL.get(name, ("", weakref.WeakSet()))
    if last != execution:  # one run may make several
        for earlier in list(explorers):
            earlier.close()
        explorers = weakref.WeakSet()
    explorers.add(explorer)
    _BY_CELL[name] = execution, explorers
