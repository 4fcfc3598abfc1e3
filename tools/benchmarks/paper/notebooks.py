"""Formulas of pykan's notebooks: read from the results of the benchmarks that find them, which are commands of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tools.benchmarks.paper.table import Line


def jobs(quick: bool) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """None."""
    yield from ()


def lines(part: str, results: dict[str, Any]) -> Iterator[Line]:
    """None."""
    yield from ()
