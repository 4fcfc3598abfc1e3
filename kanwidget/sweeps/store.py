"""Results in an SQLite file, written one by one: a killed process leaves its finished results to the next one."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from typing_extensions import Self

from kanwidget import _check
from kanwidget.sweeps.batches import Row

#: Identifies a sweep's file in SQLite's header, at byte 68 ("KANw"); `user_version`, at byte 60, is the format.
_APPLICATION, _FORMAT = 0x4B414E77, 1
_MAGIC = b"SQLite format 3\0"
#: Columns of rows that were written under older names.
_RENAMED = {"reason": "stop_reason", "bend": "geodesic_acceleration"}


class Store:
    """Rows by key, in a file or, without a path, in memory. A context manager.

    A file holds the results of any number of sweeps: a key identifies all arguments of a result.

    Args:
        path: An existing file of a sweep, or a new one; its folder must exist.

    Raises:
        FileNotFoundError: If the folder doesn't exist.
        ValueError: For a file that isn't a sweep's, or that is damaged. It isn't changed.

    Examples:
        >>> with Store(None) as store:
        ...     store.add([("k", {"test_loss": 0.5})])
        ...     store.rows(["k", "other"])
        {'k': {'test_loss': 0.5}}
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self.path = None if path is None else _checked(path)
        try:
            self._base = sqlite3.connect(":memory:" if self.path is None else self.path, timeout=60)
        except sqlite3.DatabaseError as error:  # no place to write, say
            _refuse(self.path, f"of no use to SQLite ({error})")
        try:
            with self._base:
                self._prepare()
        except sqlite3.DatabaseError as error:
            self._base.close()
            _refuse(self.path, f"of no use to SQLite ({error})")
        except BaseException:
            self._base.close()
            raise

    def _prepare(self) -> None:
        if self._base.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("it is damaged")
        if self._base.execute("PRAGMA application_id").fetchone() == (_APPLICATION,):
            return
        # All in one transaction: a file either isn't there yet or is whole.
        self._base.execute("BEGIN IMMEDIATE")
        self._base.execute(f"PRAGMA application_id = {_APPLICATION}")
        self._base.execute(f"PRAGMA user_version = {_FORMAT}")
        self._base.execute("CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, row TEXT NOT NULL)")

    def add(self, results: Iterable[tuple[str, Row]], *, replace: bool = False) -> None:
        """Store results; of two with one key the first stays, or with `replace` the last."""
        texts = [(key, json.dumps(row)) for key, row in results]
        with self._base:
            self._base.executemany(f"INSERT OR {'REPLACE' if replace else 'IGNORE'} INTO results VALUES (?, ?)", texts)

    def rows(self, keys: Sequence[str]) -> dict[str, Row]:
        """The stored rows of these keys, in their order."""
        keys_to_read = set(keys)
        try:
            texts = {key: row for key, row in self._base.execute("SELECT key, row FROM results") if key in keys_to_read}
            return {key: _upgraded(json.loads(texts[key])) for key in keys if key in texts}
        except (sqlite3.DatabaseError, json.JSONDecodeError) as error:
            _refuse(self.path, f"damaged ({error})")

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _upgraded(row: Row) -> Row:
    """A row in today's names."""
    return {_RENAMED.get(name, name): value for name, value in row.items()}


def _checked(path: Any) -> Path:
    """The path, if a sweep may write there. Foreign files are recognized by their header and never opened as a database."""
    if not isinstance(path, (str, os.PathLike)):
        _check.fail("store", "sweep", "the path of a file, or None", path, "'sweep.db', say.")
    target = Path(path)
    if target.is_dir():
        _check.fail("store", "sweep", "the path of a file", str(path), "That is a folder.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent} to write {target.name} in")
    head = b""
    if target.exists():
        with target.open("rb") as file:
            head = file.read(100)
    if head and not head.startswith(_MAGIC):
        _refuse(target, "no SQLite file")
    if head and (len(head) < 100 or int.from_bytes(head[68:72], "big") != _APPLICATION):
        _refuse(target, "an SQLite file of something else")
    if head and int.from_bytes(head[60:64], "big") > _FORMAT:
        _refuse(target, "of a newer version of kanwidget")
    return target


def _refuse(path: Path | None, description: str) -> NoReturn:
    advice = f"That is {description}. Give another name: it isn't changed."
    _check.fail("store", "sweep", "a new file or one that a sweep has made", str(path), advice)
