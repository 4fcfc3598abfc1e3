"""Whether the kernel handles messages while a cell runs: ipykernel 6 doesn't, and no kernel does where a page opens no subshell."""

from __future__ import annotations

from typing import Any


class KernelActivity:
    """Follows the cells and messages of a kernel; any thread may ask.

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
