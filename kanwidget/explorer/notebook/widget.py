"""The widget: an explorer's view in notebooks, made with anywidget."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import anywidget
import ipywidgets
import traitlets

from kanwidget.explorer.notebook import ipython
from kanwidget.explorer.protocol import records as p

_log = logging.getLogger(__name__)
_STATIC = Path(__file__).parents[2] / "static"
#: Seconds of silence after which a training in marimo is paused.
SECONDS = 150.0


class ExplorerWidget(anywidget.AnyWidget):
    """The view of one explorer.

    Args:
        handle: Takes every message from the browser, and its buffers; may be called on any thread.
        snapshot: The compact snapshot to begin with.
    """

    # Text, not paths: anywidget would keep every widget alive to follow changes of the files.
    _esm = (_STATIC / "widget.js").read_text(encoding="utf-8")
    _css = (_STATIC / "widget.css").read_text(encoding="utf-8")
    snapshot = traitlets.Dict().tag(sync=True)

    def __init__(self, handle: Callable[[Any, list[Any]], None], snapshot: p.Snapshot) -> None:
        # `super().__init__` opens the comm: from then on a page's state may arrive on another thread, and takes the lock.
        self._lock = threading.RLock()
        #: Takes messages of pages; None once the view is closed.
        self._handle: Callable[[Any, list[Any]], None] | None = handle
        #: Whether a page still answers, and whether messages wait for the end of a running cell.
        self._monitor, self._activity = _PageMonitor(), ipython.KernelActivity()
        self._shell = ipython.shell()  # IPython's, which says when cells begin and end; None without one
        if self._shell is not None:
            self._activity.follow(self._shell)
        super().__init__(snapshot=cast("dict[str, Any]", snapshot), layout=ipywidgets.Layout(width="auto"))
        self.on_msg(self._received)

    # ---- to the browser; called on the driver's thread

    def send_message(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        """Send one message with its buffers, unless the view is gone. An unreachable page is no reason to stop training."""
        try:
            with self._lock:
                if self.comm is not None:
                    self.send(message, buffers)
                    # In marimo a training would go on after its last page was closed.
                    self._pause_without_pages(message)
        except Exception:
            _log.debug("a message could not be sent", exc_info=True)

    def store(self, snapshot: p.Snapshot) -> None:
        """Keep a compact snapshot (all that a page draws), for pages that are opened later; none once the view is gone."""
        try:
            with self._lock:  # a page's state may arrive on another thread meanwhile
                if self.comm is not None:
                    self.snapshot = cast("dict[str, Any]", snapshot)
        except Exception:
            _log.debug("a snapshot could not be stored", exc_info=True)

    # ---- from the browser

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take over the traits that a page has changed, by name."""
        # traitlets aren't made for several threads: this and the driver's writes exclude each other.
        with self._lock:
            super().set_state(sync_data)

    def _received(self, _: Any, message: Any, buffers: list[Any]) -> None:
        """A message has come from a page: note that pages are there and the kernel reads, then hand it on, unless the view is closed."""
        if self._handle is not None:
            self._monitor.message_received()
            self._activity.message_received()
            self._handle(message, buffers)

    def input_blocked(self) -> bool:
        """Whether messages from pages wait for a cell's end. May be called on any thread."""
        return self._shell is not None and self._activity.input_blocked()

    def _pause_without_pages(self, message: dict[str, Any]) -> None:
        """Pause the training where the last page was closed without a sign, which only marimo's kernel outlives.

        It is asked after each `message` that was sent: pages answer those with a frame, so only after these silence means something.
        """
        in_marimo = getattr(self.comm, "kernel", None) == "marimo"
        if self._handle is not None and "frame" in message and in_marimo and self._monitor.pages_gone():
            # As if a page had clicked pause. The number -1 asks for no answer.
            self._handle({"v": p.VERSION, "kind": "control", "seq": -1, "action": "pause"}, [])

    # ---- comms

    def open(self) -> None:
        """Open the comm, over which messages to and from pages go."""
        super().open()
        self._route_replies()  # so that a click is handled while a cell runs

    @traitlets.observe("comm")
    def _comm_changed(self, change: Any) -> None:
        """Take up another comm, as ipywidgets does; its answers, too, are to go to the subshell."""
        super()._comm_changed(change)
        self._route_replies()

    def _route_replies(self) -> None:
        """Let answers go to the kernel's subshell, so that a click is handled while a cell runs.

        ipykernel 7.4 sends them to wherever the last message came from, which for a thread is the shell that is busy.
        """
        comm = self.comm
        if comm is not None and hasattr(comm, "_reply_subshell_for"):
            # The kernel asks it for the subshell of a page's message; `default` is the one that the message names.
            comm._reply_subshell_for = lambda data, default: default

    def close(self) -> None:
        """Close the view, also a second time: messages that still arrive are dropped, and IPython no longer says when cells begin and end.

        A page that is gone already is no error.
        """
        if self._handle is not None and self._shell is not None:
            self._activity.unfollow(self._shell)
        self._handle = None  # takes the messages of pages
        layout = self.layout
        try:
            super().close()
            # ipywidgets would keep the layout, which is a widget of its own.
            layout.close()
        except Exception:
            _log.debug("a closed explorer could not be announced to its page", exc_info=True)


# ---- the page monitor: whether a page is still open where the kernel outlives it without a sign, which is in marimo
#
# A page answers every frame, at the latest after a minute where the browser holds back a tab in the background. The last view is gone
# if no message has come for `SECONDS`, no cell is running that messages would wait for, and the asking thread isn't the one on which
# messages arrive. Jupyter has no monitor: there a kernel goes on without its page, and says so.


class _PageMonitor:
    """Remembers when the last message from a page arrived.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        #: When the last message of a page arrived, and on which thread; None before the first one.
        self._last_message: float | None = None
        self._thread: int | None = None
        #: Marimo's context of that thread.
        self._context: Any = None

    def message_received(self) -> None:
        """A message from a page has arrived, on this thread: note when, and marimo's context here, which says whether a cell runs."""
        if self._thread != threading.get_ident():
            self._thread, self._context = threading.get_ident(), _context()
        self._last_message = self._clock()

    def pages_gone(self) -> bool:
        """Whether pages have been open, and are no more: no message has come for 150 seconds (`SECONDS`).

        A page answers each frame of a training, in the background of a browser after a minute at the latest.
        """
        # While the thread on which messages arrive asks, it can't read any.
        if self._last_message is None or self._thread == threading.get_ident():
            return False
        if getattr(self._context, "execution_context", None) is not None:
            # A cell is running: messages from pages wait for its end, so the silence is counted anew from now on.
            self._last_message = self._clock()
        return self._clock() - self._last_message > SECONDS


def _context() -> Any:
    """Marimo's context on this thread, which says whether a cell runs; None without marimo. It has no public name there."""
    module = sys.modules.get("marimo._runtime.context")
    return None if module is None else getattr(module, "safe_get_context", lambda: None)()
