"""A network in other languages, one row of `FORMATS` a kind of file."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.threads import limit_threads
from kanwidget.export.c_file import c_source
from kanwidget.export.numpy_module import numpy_source
from kanwidget.export.onnx_model import onnx_model
from kanwidget.export.program import Program


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file."""

    title: str
    language: str | None
    """Key of `code`, as that of a formula; None where the file is no text."""
    content: Callable[[Program, str], str | bytes]
    """Of a program and the name of its function."""
    package: str | None = None
    """What it needs, an extra of this package."""

    @property
    def is_there(self) -> bool:
        """Whether the package that this kind of file needs, if any, is installed."""
        return self.package is None or importlib.util.find_spec(self.package) is not None

    def check(self) -> None:
        """Refuse with an ImportError where the package that this kind of file needs isn't installed."""
        if not self.is_there:
            what = f"a file of {self.title} needs the package {self.package}, which is not installed"
            _check.refuse(ImportError(f"{what}: pip install 'kanwidget[{self.package}]'"))


#: By the ends of files' names.
FORMATS = {
    ".py": Format("NumPy", "python", numpy_source),
    ".c": Format("C99", "c", c_source),
    ".onnx": Format("ONNX", None, lambda program, _: onnx_model(program), "onnx"),
}


@limit_threads
def code(network: Network, language: str, name: str) -> str:
    """The network as source text, see `KAN.code`.

    Args:
        network: The network.
        language: A language of `FORMATS`: `python` or `c`.
        name: The name of the function in the text.
    """
    rows = {row.language: row for row in FORMATS.values() if row.language is not None}
    row = rows[_check.choice(language, "language", "code", rows)]
    if not isinstance(name, str) or not name.isascii() or not name.isidentifier():
        _check.fail("name", "code", "a name of letters, digits and _ that begins with a letter", name)
    content = row.content(Program.of(network, "code"), name)
    assert isinstance(content, str)
    return content


def suffix_of(path: Any, where: str) -> str:
    """The end of a file's name, a key of `FORMATS`, or an error: for another one, and where what it needs isn't installed.

    Examples:
        >>> suffix_of("pump.C", "export")
        '.c'
    """
    suffix = _check.path(path, where).suffix.lower()
    if suffix not in FORMATS:
        _check.fail("path", where, f"a file that ends in one of {', '.join(FORMATS)}", os.fspath(path))
    FORMATS[suffix].check()
    return suffix


@limit_threads
def file_content(network: Network, suffix: str) -> str | bytes:
    """The content of a file of a network.

    Args:
        network: The network.
        suffix: A key of `FORMATS`.

    Raises:
        ImportError: Where the file needs a package that isn't there.
        ValueError: For a network with a function that can't be written.

    Examples:
        >>> from kanwidget import KAN
        >>> "void predict(const double *x, double *y)" in file_content(KAN([2, 1]), ".c")
        True
    """
    FORMATS[suffix].check()
    return FORMATS[suffix].content(Program.of(network, "export"), "predict")
