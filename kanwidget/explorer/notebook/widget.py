"""The adapter to notebooks: the only file that knows anywidget, ipywidgets and traitlets."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import anywidget
import ipywidgets
import traitlets

from kanwidget.explorer.notebook.kernel_activity import Hearing
from kanwidget.explorer.notebook.marimo import PageWatch, watched
from kanwidget.explorer.protocol import records as p

_log = logging.getLogger(__name__)
_STATIC = Path(__file__).parents[2] / "static"


class ExplorerWidget(anywidget.AnyWidget):
    """The view of one explorer.

    Args:
        handle: Takes every message from the browser, and its buffers; may be called on any thread.
        snapshot: The state to begin with.
    """

    # Text, not paths: anywidget would keep every widget alive to tell it of changes of the files.
    _esm = (_STATIC / "widget.js").read_text(encoding="utf-8")
    _css = (_STATIC / "widget.css").read_text(encoding="utf-8")
    snapshot = traitlets.Dict().tag(sync=True)

    def __init__(self, handle: Callable[[Any, list[Any]], None], snapshot: p.Snapshot) -> None:
        self._lock = threading.RLock()
        self._handle: Callable[[Any, list[Any]], None] | None = handle
        self._watch, self._hearing = PageWatch(), Hearing()
        self._shell = _shell()
        if self._shell is not None:
            self._hearing.follow(self._shell)
        super().__init__(snapshot=cast("dict[str, Any]", snapshot), layout=ipywidgets.Layout(width="auto"))
        self.on_msg(self._received)

    # ---- to the browser; called on the driver's thread

    def tell(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        """Send one message, unless the view is gone. A page that can't be reached is no reason to stop training."""
        try:
            with self._lock:
                if self.comm is not None:
                    self.send(message, buffers)
                    self._look(message)
        except Exception:
            _log.debug("a message could not be sent", exc_info=True)

    def store(self, snapshot: p.Snapshot) -> None:
        """Keep a state: it is what a page that is opened later begins with."""
        try:
            with self._lock:
                if self.comm is not None:
                    self.snapshot = cast("dict[str, Any]", snapshot)
        except Exception:
            _log.debug("the state could not be stored", exc_info=True)

    # ---- from the browser

    def set_state(self, sync_data: dict[str, Any]) -> None:
        # traitlets aren't made for several threads: this and the driver's writes exclude each other.
        with self._lock:
            super().set_state(sync_data)

    def _received(self, _: Any, message: Any, buffers: list[Any]) -> None:
        if self._handle is not None:
            self._watch.hear()
            self._hearing.hear()
            self._handle(message, buffers)

    def deaf(self) -> bool:
        """Whether a cell keeps the kernel from hearing pages. May be called on any thread."""
        return self._shell is not None and self._hearing.deaf()

    def _look(self, message: dict[str, Any]) -> None:
        """Pause where the last page was closed and nobody will say so."""
        if self._handle is not None and "frame" in message and watched(self.comm) and self._watch.gone():
            self._handle({"v": p.VERSION, "kind": "control", "seq": -1, "action": "pause"}, [])

    # ---- the kernel's ways

    def open(self) -> None:
        super().open()
        self._route_replies()

    @traitlets.observe("comm")
    def _comm_changed(self, change: Any) -> None:
        super()._comm_changed(change)
        self._route_replies()

    def _route_replies(self) -> None:
        """Let answers go to the kernel's subshell, so that a click is heard while a cell runs.

        ipykernel 7.4 sends them to wherever the last message came from, which for a thread is the shell that is busy.
        """
        comm = self.comm
        if comm is not None and hasattr(comm, "_reply_subshell_for"):
            comm._reply_subshell_for = lambda data, default: default

    def close(self) -> None:
        if self._handle is not None and self._shell is not None:
            self._hearing.leave(self._shell)
        self._handle = None
        layout = self.layout
        try:
            super().close()
            # A widget of its own, which ipywidgets would keep.
            layout.close()
        except Exception:
            _log.debug("the page could not be told that the explorer was closed", exc_info=True)


def cell() -> tuple[str, str] | None:
    """The id of the cell that is running and of its execution, None where there is no notebook."""
    kernel = _kernel()
    if kernel is None:
        return None
    parent = kernel.get_parent() or {}
    name = parent.get("metadata", {}).get("cellId")
    return (name, parent.get("header", {}).get("msg_id", "")) if name else None


def can_show() -> bool:
    """Whether this Python runs in a kernel that a page can talk to."""
    return _kernel() is not None


def _kernel() -> Any:
    return getattr(_shell(), "kernel", None)


def _shell() -> Any:
    """IPython's shell, None where there is none."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return None
    return get_ipython()
