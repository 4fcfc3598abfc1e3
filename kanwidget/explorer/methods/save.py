"""What can be taken out of an explorer as files: its script, pictures, tables, states and pages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kanwidget import _check
from kanwidget._files import write_atomically
from kanwidget.explorer.files import formats as exports
from kanwidget.explorer.files.session_file import state
from kanwidget.explorer.methods.base import Part
from kanwidget.explorer.methods.tracebacks import plain_refusals
from kanwidget.explorer.session.script import Script, script


@plain_refusals
class Outputs(Part):
    """The part of `KANExplorer` that writes files; each is replaced if it exists, and appears whole or not at all."""

    #: What the constructor was given and isn't its default.
    _arguments: dict[str, Any]

    def code(self, path: str | os.PathLike[str] | None = None) -> Script:
        """A script that replays this session, bit for bit on the same data.

        Args:
            path: Where to write it, if given; a network that no call makes is written beside it.

        Returns:
            The text, a `str` that a notebook shows line by line.
        """
        if path is not None and not isinstance(path, (str, os.PathLike)):
            _check.fail("path", "code", "a path", path, error=TypeError)
        name = "start.kan" if path is None else Path(path).with_suffix(".kan").name
        session = self._session
        text = self._ask(lambda: script(session.initial, self._arguments, session.log, name, session.preset))
        if path is not None:
            write_atomically(path, text, "code")
            if "KAN.load(" in text:
                session.initial.save(Path(path).with_name(name))
        return text

    def save_svg(self, path: str | os.PathLike[str]) -> None:
        """Write the network as vectors."""
        write_atomically(path, self._ask(lambda: exports.drawing(self._session)), "save_svg")

    def save_png(self, path: str | os.PathLike[str]) -> None:
        """Write the network as a picture, in twice the usual resolution."""
        write_atomically(path, self._ask(lambda: exports.picture(self._session)), "save_png")

    def save_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the history as a table, one row a step."""
        write_atomically(path, self._ask(lambda: exports.table(self._session)), "save_csv")

    def save_json(self, path: str | os.PathLike[str]) -> None:
        """Write the state of the session: other programs can read it, and `KANExplorer.load` goes on with it.

        Not in it are the film, the states that undo leads back to, and what Adam and LBFGS remember of their steps: they begin afresh.
        """
        write_atomically(path, self._ask(lambda: state(self._session)), "save_json")

    def save_html(self, path: str | os.PathLike[str], title: str | None = None) -> None:
        """Write one file that shows all of this, and the training as a film, without a kernel and without a network."""
        from kanwidget.explorer.files.html_report import report

        write_atomically(path, self._ask(lambda: report(self._session, title)), "save_html")

    def save_animation(self, path: str | os.PathLike[str], seconds: float = 8.0, **options: Any) -> None:
        """Write the training as an animated GIF.

        Args:
            path: The file.
            seconds: How long it lasts, 1 to 60.
            **options: `width` in pixels, `theme` (`light` or `dark`), `title`, `limit` in bytes;
                see `kanwidget.insight.plot.animation`.
        """
        data = self._ask(lambda: exports.moving(self._session, seconds, **options))
        write_atomically(path, data, "save_animation")
