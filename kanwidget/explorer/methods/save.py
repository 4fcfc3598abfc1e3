"""Files of an explorer: its script, pictures, tables, sessions and pages."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kanwidget import _check
from kanwidget._files import write_atomically
from kanwidget.explorer.files.formats import FORMATS, Format, export, replay_script
from kanwidget.explorer.files.panel_tables import TABLES
from kanwidget.explorer.methods.base import MethodGroup
from kanwidget.explorer.session.script import Script
from kanwidget.export import suffix_of
from kanwidget.symbolic.writing.languages import SUFFIXES


class SaveMethods(MethodGroup):
    """The methods of `KANExplorer` that write files; each file is replaced if it exists, and appears whole or not at all."""

    def code(self, path: str | os.PathLike[str] | None = None) -> Script:
        """A script that replays this session, bit for bit on the same data.

        Args:
            path: Where to write it, if given; a network that no call makes is written beside it.

        Returns:
            The text, a `str` that a notebook shows line by line.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.prune(edges=[(0, 0, 0)])
            >>> explorer.code().splitlines()[-2]
            'explorer.prune(edges=[(0, 0, 0)])'
        """
        model_file = "start.kan" if path is None else _check.path(path, "code").with_suffix(".kan").name
        text = self._driver.ask(lambda: replay_script(self._session, model_file))
        if path is not None:
            write_atomically(path, text, "code")
            if "KAN.load(" in text:  # the script reads the initial network from this file
                self._session.run.initial.save(Path(path).with_name(model_file))
        return text

    def save_svg(self, path: str | os.PathLike[str]) -> None:
        """Write the network as vectors.

        Examples:
            >>> import pathlib, tempfile
            >>> from kanwidget import KANExplorer
            >>> file = pathlib.Path(tempfile.mkdtemp(), "network.svg")
            >>> KANExplorer.demo("product").save_svg(file)
            >>> file.read_text().startswith("<svg")
            True
        """
        self._save("svg", path)

    def save_png(self, path: str | os.PathLike[str]) -> None:
        """Write the network as a picture, in twice the usual resolution.

        Examples:
            >>> import pathlib, tempfile
            >>> from kanwidget import KANExplorer
            >>> file = pathlib.Path(tempfile.mkdtemp(), "network.png")
            >>> KANExplorer.demo("product").save_png(file)
            >>> file.read_bytes()[1:4]
            b'PNG'
        """
        self._save("png", path)

    def save_panel(self, panel: str, path: str | os.PathLike[str]) -> None:
        """Write what a panel shows: a figure for a `.svg`, `.pdf` or `.png` file, a table for a `.csv` file.

        Args:
            panel: `network`, `edge` (the selected one), `errors`, `fit` (predictions against the truth, for classes the confusion),
                `surface` or `front`.
            path: The file; its suffix decides.

        Raises:
            ValueError: For another panel or suffix, and for `edge` where none is selected.

        Examples:
            >>> import pathlib, tempfile
            >>> from kanwidget import KANExplorer
            >>> file = pathlib.Path(tempfile.mkdtemp(), "fit.csv")
            >>> KANExplorer.demo("product").save_panel("fit", file)
            >>> file.read_text().splitlines()[0]
            'part,x_1,x_2,y,y predicted,y error'
        """
        _check.choice(panel, "panel", "save_panel", TABLES)
        suffix = _check.path(path, "save_panel").suffix.lower()
        if f"{panel}{suffix}" not in FORMATS:
            _check.fail("path", "save_panel", "a file that ends in .svg, .pdf, .png or .csv", os.fspath(path))
        self._save(f"{panel}{suffix}", path)

    def save_formula(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted formula as source text, with all digits, see `Equation.code`.

        Args:
            path: The file; its suffix decides: `.py`, `.c`, `.js`, `.jl`, `.m` (Octave and MATLAB), or `.txt` (a sheet's cell).

        Raises:
            ValueError: For another suffix, before a formula was fitted, and for one that the language can't write.

        Examples:
            >>> import pathlib, tempfile
            >>> from kanwidget import KANExplorer, load_planets
            >>> file = pathlib.Path(tempfile.mkdtemp(), "period.c")
            >>> explorer = KANExplorer(load_planets())
            >>> while act := explorer.next_act():
            ...     explorer.follow(act)
            >>> explorer.save_formula(file)
            >>> "return pow(axis, 3.0/2.0);" in file.read_text()
            True
        """
        suffix = _check.path(path, "save_formula").suffix.lower()
        if suffix not in SUFFIXES:
            expected = f"a file that ends in one of {', '.join(SUFFIXES)}"
            _check.fail("path", "save_formula", expected, os.fspath(path), "A cell of Excel is a .txt.")
        self._save(f"formula{suffix}", path)

    def save_network(self, path: str | os.PathLike[str]) -> None:
        """Write the network for other programs, see `KAN.export`.

        Args:
            path: The file; its suffix decides: `.py` (NumPy), `.c`, or `.onnx`, which needs `pip install "kanwidget[onnx]"`.

        Raises:
            ImportError: For `.onnx` without the package onnx.
            ValueError: For another suffix, and for a function of an edge that the format doesn't have.

        Examples:
            >>> import pathlib, tempfile
            >>> from kanwidget import KANExplorer
            >>> file = pathlib.Path(tempfile.mkdtemp(), "product.py")
            >>> KANExplorer.demo("product").save_network(file)
            >>> "def predict(x):" in file.read_text()
            True
        """
        self._save(f"model{suffix_of(path, 'save_network')}", path)

    def save_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the history as a table, one line per step.

        Examples:
            >>> import pathlib, tempfile
            >>> from kanwidget import KANExplorer
            >>> file = pathlib.Path(tempfile.mkdtemp(), "training.csv")
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.step(2)
            >>> explorer.save_csv(file)
            >>> len(file.read_text().splitlines())
            3
        """
        self._save("csv", path)

    def save_json(self, path: str | os.PathLike[str]) -> None:
        """Write the state of the session: other programs can read it, and `KANExplorer.load` goes on with it.

        Not in it are the film, the states that undo leads back to, and the optimizer state of Adam and LBFGS: they begin afresh.

        Examples:
            >>> import pathlib, tempfile
            >>> from kanwidget import KANExplorer
            >>> file = pathlib.Path(tempfile.mkdtemp(), "session.json")
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.step(2)
            >>> explorer.save_json(file)
            >>> KANExplorer.load(file).status["step"]
            2
        """
        self._save("json", path)

    def save_html(self, path: str | os.PathLike[str], title: str | None = None, session: bool = True) -> None:
        """Write one file that shows the session, with the film of its training, without a kernel and without a network.

        Args:
            path: The file.
            title: Of the page.
            session: Whether *Open in a notebook* on the page gives the session to whoever has it, as `save_json` writes it. The rows
                of the data are in it, unless they are large.

        Examples:
            >>> import pathlib, tempfile
            >>> from kanwidget import KANExplorer
            >>> file = pathlib.Path(tempfile.mkdtemp(), "explorer.html")
            >>> KANExplorer.demo("product").save_html(file, title="Product")
            >>> "<title>Product</title>" in file.read_text(encoding="utf-8")
            True
        """
        self._save("html", path, title, session)

    def save_animation(self, path: str | os.PathLike[str], seconds: float = 8.0, **options: Any) -> None:
        """Write the training as an animated GIF.

        Args:
            path: The file.
            seconds: How long it lasts, 1 to 60.
            **options: `width` in pixels, `theme` (`light` or `dark`), `title`, `limit` in bytes;
                see `kanwidget.insight.plot.animation`.

        Examples:
            >>> import pathlib, tempfile
            >>> from kanwidget import KANExplorer
            >>> file = pathlib.Path(tempfile.mkdtemp(), "training.gif")
            >>> KANExplorer.demo("product").save_animation(file, seconds=1, width=200)
            >>> file.read_bytes()[:3]
            b'GIF'
        """
        self._save("gif", path, seconds, **options)

    def _save(self, name: str, path: Any, *args: Any, **options: Any) -> None:
        """Write the file of a format, `name` in `FORMATS`, to the path; further arguments are those of the format's `content`."""
        content = self._driver.ask(lambda: export(self._session, name, *args, **options))
        write_atomically(path, content, FORMATS[name].method)


def method_of(row: Format) -> Callable[..., None]:
    """The method of `KANExplorer` that writes a file of a format without further arguments, with a docstring made from the row."""

    def method(self: SaveMethods, path: str | os.PathLike[str]) -> None:
        self._save(row.name, path)

    method.__name__, method.__qualname__ = row.method, f"KANExplorer.{row.method}"
    method.__doc__ = f"""Write a file: {row.label}.

        Examples:
            >>> import pathlib, tempfile
            >>> from kanwidget import KANExplorer
            >>> file = pathlib.Path(tempfile.mkdtemp(), "{row.filename}")
            >>> KANExplorer.demo("product").{row.method}(file)
            >>> file.exists()
            True
        """
    return method


# Formats without further arguments need no method here.
for _row in FORMATS.values():
    if not hasattr(SaveMethods, _row.method):
        setattr(SaveMethods, _row.method, method_of(_row))
