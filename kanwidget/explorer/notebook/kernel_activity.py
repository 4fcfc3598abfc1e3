"""Whether the kernel hears its pages while a cell runs: ipykernel 6 doesn't, and no kernel does where a page opens no subshell."""

from __future__ import annotations

from typing import Any


class Hearing:
    """Told of cells and messages; any thread may ask.

    It begins as within a cell, for that is where widgets are made. Where they aren't, the first message corrects it.

    Examples:
        >>> hearing = Hearing()
        >>> hearing.deaf()
        True
        >>> hearing.hear()
        >>> hearing.deaf()
        False
        >>> hearing.cell_begins(None)
        >>> hearing.deaf()
        True
        >>> hearing.cell_ends(None)
        >>> hearing.deaf()
        False
    """

    def __init__(self) -> None:
        self._in_cell, self._heard = True, False

    def follow(self, shell: Any) -> None:
        """Be told of the cells of an IPython shell."""
        shell.events.register("pre_run_cell", self.cell_begins)
        shell.events.register("post_run_cell", self.cell_ends)

    def leave(self, shell: Any) -> None:
        """Be told no longer."""
        shell.events.unregister("pre_run_cell", self.cell_begins)
        shell.events.unregister("post_run_cell", self.cell_ends)

    def cell_begins(self, info: Any) -> None:
        """A cell begins to run."""
        self._in_cell, self._heard = True, False

    def cell_ends(self, result: Any) -> None:
        """It has ended."""
        self._in_cell = False

    def hear(self) -> None:
        """A page was heard."""
        self._heard = True

    def deaf(self) -> bool:
        """Whether a cell runs, and since it began nothing was heard: what pages say probably waits for its end."""
        return self._in_cell and not self._heard
