"""Cells of a notebook: what an earlier run of one has left, and how one is interrupted."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

#: Explorers by the cell that made them, with the execution that did.
_BY_CELL: dict[str, list[tuple[str, weakref.ref[Any]]]] = {}


@contextlib.contextmanager
def gentle_interrupt(interrupt: Callable[[], None]) -> Iterator[None]:
    """Within, the first Ctrl-C asks for a pause, and the second one breaks off."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def handle(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)
        interrupt()

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)


def replace_old(new: Any) -> None:
    """Close the explorers that an earlier run of this cell made: nobody can reach them any more."""
    if "IPython" not in sys.modules:
        return
    from kanwidget.explorer.notebook.widget import cell

    here = cell()
    if here is None:
        return
    name, execution = here
    kept = []
    for run, reference in _BY_CELL.get(name, []):
        old = reference()
        if old is not None and run != execution:
            old.close()
        elif old is not None:
            kept.append((run, reference))
    _BY_CELL[name] = [*kept, (execution, weakref.ref(new))]
