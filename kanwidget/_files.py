"""Writing files: each appears whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from kanwidget import _check


def write_atomically(path: Any, content: str | bytes, where: str) -> None:
    """Write a file beside its target and move it there: a failure leaves an existing file as it was.

    Args:
        path: A `str` or `os.PathLike`; an existing file is replaced.
        content: Text is written as UTF-8.
        where: The public call, for errors.

    Raises:
        TypeError: If `path` is no path.
        FileNotFoundError: If its folder doesn't exist.
        IsADirectoryError: If it is a folder.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_atomically(folder + "/note.txt", "kept", "save_csv")
        ...     Path(folder, "note.txt").read_text()
        'kept'
    """
    target = _target(path, where)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        with open(temporary, "xb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
            file.flush()
            os.fsync(file.fileno())  # on the disk before it gets its name: a crash leaves no half file
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _target(path: Any, where: str) -> Path:
    """`path` as a `Path`, if a file can be written there, or an error that names the path as the user wrote it.

    `where` is the public call, for the error.
    """
    target = _check.path(path, where, "Give the name of the file as text.")
    if not target.absolute().parent.is_dir():
        advice = "Create it, or choose another path."
        _check.refuse(FileNotFoundError(f"there is no folder {target.parent} for {os.fspath(path)}. {advice}"))
    if target.is_dir():
        _check.refuse(IsADirectoryError(f"{os.fspath(path)} is a folder. Give the path of a file in it."))
    return target
