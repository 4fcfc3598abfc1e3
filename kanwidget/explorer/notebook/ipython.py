"""IPython's shell and kernel, where there are any, and the cells that they run."""

from __future__ import annotations

from typing import Any


def shell() -> Any:
    """IPython's shell, None where there is none."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return None
    return get_ipython()


def running_cell() -> tuple[str, str] | None:
    """Ids of the running cell and of its execution, None where there is no notebook."""
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
    return getattr(shell(), "kernel", None)


class KernelActivity:
    """Whether the kernel handles messages while a cell runs: ipykernel 6 doesn't, and no kernel does where a page opens no subshell.

    It follows cells and messages; any thread may ask.

    It begins as within a cell, for that is where widgets are made. Where they aren't, the first message corrects it.

    Examples:
        >>> activity = KernelActivity()
        >>> activity.input_blocked()
        True
        >>> activity.message_received()
        >>> activity.input_blocked()
        False
        >>> activity.cell_begins(None)
        >>> activity.input_blocked()
        True
        >>> activity.cell_ends(None)
        >>> activity.input_blocked()
        False
    """

    def __init__(self) -> None:
        self._in_cell, self._message_in_cell = True, False

    def follow(self, shell: Any) -> None:
        """Follow the cells of an IPython shell."""
        shell.events.register("pre_run_cell", self.cell_begins)
        shell.events.register("post_run_cell", self.cell_ends)

    def unfollow(self, shell: Any) -> None:
        """Follow them no longer."""
        shell.events.unregister("pre_run_cell", self.cell_begins)
        shell.events.unregister("post_run_cell", self.cell_ends)

    def cell_begins(self, info: Any) -> None:
        """A cell begins to run."""
        self._in_cell, self._message_in_cell = True, False

    def cell_ends(self, result: Any) -> None:
        """The cell has ended."""
        self._in_cell = False

    def message_received(self) -> None:
        """A page has sent a message, and the kernel handles it."""
        self._message_in_cell = True

    def input_blocked(self) -> bool:
        """Whether a cell runs and no message was handled since it began: messages from pages probably wait for its end."""
        return self._in_cell and not self._message_in_cell
