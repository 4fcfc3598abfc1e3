"""IPython's shell and kernel, where there are any, the cells that they run, and the picture that stays below them."""

from __future__ import annotations

import base64
import html
import logging
import threading
from collections.abc import Callable
from typing import Any

_log = logging.getLogger(__name__)
#: Seconds without a further change after which the picture is drawn anew.
_CALM_SECONDS = 5.0
#: Seconds until the first picture is drawn.
_FIRST_SECONDS = 0.5
_CHILD = ".jp-OutputArea-child"
_STYLE = f"""<style>
.kanwidget-still {{ display: none; }}
{_CHILD}:not(:has(.kanwidget)) + {_CHILD} .kanwidget-still {{ display: block !important; }}
{_CHILD}:not(:has(.kanwidget)):has(+ {_CHILD} .kanwidget-still p),
{_CHILD}:has(.kanwidget) + {_CHILD}:has(.kanwidget-still) {{ display: none; }}
</style>"""


def shell() -> Any:
    """IPython's shell, None where there is none."""
    from IPython.core.getipython import get_ipython

    return get_ipython()


def running_cell() -> tuple[str, str] | None:
    """Ids of the running cell, the same in each run, and of this run of it; None where there is no notebook."""
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
    """The Jupyter kernel that runs this Python, None where there is none, as in a script or IPython's terminal."""
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
        #: Whether a cell runs, and whether a message was handled since it began.
        self._in_cell, self._message_in_cell = True, False

    def follow(self, shell: Any) -> None:
        """Note from now on when a cell of an IPython shell begins and ends."""
        shell.events.register("pre_run_cell", self.cell_begins)
        shell.events.register("post_run_cell", self.cell_ends)

    def unfollow(self, shell: Any) -> None:
        """Note the cells of an IPython shell, which was followed, no longer."""
        shell.events.unregister("pre_run_cell", self.cell_begins)
        shell.events.unregister("post_run_cell", self.cell_ends)

    def cell_begins(self, info: Any) -> None:
        """A cell begins to run; IPython calls this with its `info`, which isn't needed."""
        self._in_cell, self._message_in_cell = True, False

    def cell_ends(self, result: Any) -> None:
        """The cell has ended; IPython calls this with its `result`, which isn't needed."""
        self._in_cell = False

    def message_received(self) -> None:
        """A page has sent a message, and the kernel handles it: the cell that runs, if one does, doesn't block messages."""
        self._message_in_cell = True

    def input_blocked(self) -> bool:
        """Whether a cell runs and no message was handled since it began: messages from pages probably wait for its end."""
        return self._in_cell and not self._message_in_cell


# ---- the last picture of an explorer, in the notebook beside its view: a page whose kernel is gone shows it
#
# JupyterLab and Notebook write "model not found" in the place of a view without a kernel. The picture is an output of its own, hidden as
# long as the view before it is there, and hidden in every other host.


class StillPicture:
    """A picture below a view.

    Args:
        draw: Draws it: a PNG, empty for none, and a line of text; None where it stays as it is. Called by `post`.
        post: Calls a function where the session may be read.
    """

    def __init__(self, draw: Callable[[], tuple[bytes, str] | None], post: Callable[[Callable[[], None]], Any]) -> None:
        # The one draws a PNG and a line of text, None where the picture stays; the other calls a function where the session may be read.
        self._draw, self._post = draw, post
        #: Waits some seconds, and has the picture drawn; None before the first.
        self._timer: threading.Timer | None = None
        #: IPython's handle of the output in the notebook, None before `show`.
        self._output: Any = None
        #: Whether a picture was drawn: further ones wait longer.
        self._drawn = False

    def show(self, bundle: dict[str, Any], metadata: dict[str, Any], text: str) -> None:
        """Show a view in the running cell, and below it a line of text until its picture is drawn.

        Args:
            bundle: What IPython shows as the view, by MIME type.
            metadata: Of these types.
            text: The line.
        """
        from IPython.display import HTML, display

        display(bundle, metadata=metadata, raw=True)
        self._output = display(HTML(still(b"", text)), display_id=True)
        self.renew()

    def renew(self) -> None:
        """Draw the picture anew, where the session may be read (`_post`), once nothing has changed for some seconds; the first one soon."""
        self.close()  # cancels the drawing that still waits
        seconds = _CALM_SECONDS if self._drawn else _FIRST_SECONDS
        self._timer = threading.Timer(seconds, lambda: self._post(self._update))
        self._timer.daemon = True  # the end of Python doesn't wait for it
        self._timer.name = "kanwidget-still"
        self._timer.start()

    def _update(self) -> None:
        """Draw the picture and put it below the view; an error is logged only, since nothing depends on the picture."""
        try:
            drawn = self._draw()
            if drawn is not None and self._output is not None:
                from IPython.display import HTML

                self._output.update(HTML(still(*drawn)))
                self._drawn = True
        except Exception:
            _log.debug("the last picture could not be drawn", exc_info=True)

    def close(self) -> None:
        """Draw no more: the picture that waits to be drawn is cancelled, and the one that is shown stays."""
        if self._timer is not None:
            self._timer.cancel()


def still(picture: bytes, text: str) -> str:
    """What a page shows in the place of a view whose kernel is gone, as HTML; its style hides it while the view is there.

    Args:
        picture: The last picture of the network as PNG, empty for none.
        text: A line about the explorer, such as its `repr`.

    Examples:
        >>> "kernel" in still(b"", "KANExplorer([2, 1]), <paused>"), "<paused>" in still(b"", "<paused>")
        (True, False)
    """
    what = "Its kernel is gone: this is its last picture." if picture else "Its kernel is gone."
    words = f"{html.escape(text)}. {what} Run the cell again to go on."
    source = base64.b64encode(picture).decode("ascii")
    image = f'<img alt="The network" style="max-width:100%" src="data:image/png;base64,{source}">' if picture else ""
    return f'{_STYLE}<div class="kanwidget-still" style="display:none">{image}<p>{words}</p></div>'
