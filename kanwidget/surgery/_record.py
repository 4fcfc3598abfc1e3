"""The notes of surgery for a person: a line in the log and an event in the history."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from kanwidget.core.network import Network
from kanwidget.core.records import Event, History

log = logging.getLogger("kanwidget.surgery")
#: Number of edges or nodes that a note names at most.
_LISTED = 100


def record(network: Network, kind: str, label: str) -> None:
    """Log a change (INFO) by its text, `label`, and add it to the network's history, if it has one, as an event of a `kind` (`prune`)."""
    log.info(label)
    history = getattr(network, "history", None)
    if isinstance(history, History):
        history.events.append(Event(history.last.step if history.records else 0, kind, label))


@contextmanager
def unlogged() -> Iterator[None]:
    """A context in which surgery logs nothing: its lines would be about intermediate networks, which nobody sees."""
    log.addFilter(_reject)
    try:
        yield
    finally:
        log.removeFilter(_reject)


def _reject(_: logging.LogRecord) -> bool:
    """A filter of the log that lets no line pass."""
    return False


def listed(noun: str, keys: Iterable[tuple[int, ...]]) -> str:
    """A text that counts and names edges or nodes, by a `noun` and their `keys`: `2 edges: (0, 0, 0), (0, 1, 2)`; at most 100 by name.

    Examples:
        >>> listed("node", [(1, 0), (1, 3)])
        '2 nodes: (1, 0), (1, 3)'
    """
    texts = ["(" + ", ".join(map(str, key)) + ")" for key in keys]
    count = len(texts)
    if count > _LISTED:
        texts[_LISTED:] = [f"and {count - _LISTED} more"]
    return f"{count} {noun}{'' if count == 1 else 's'}: {', '.join(texts)}"
