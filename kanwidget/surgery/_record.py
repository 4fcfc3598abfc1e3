"""What surgery leaves behind for a person: a line in the log and an event in the history."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from kanwidget.core.network import Network
from kanwidget.core.records import Event, History

log = logging.getLogger("kanwidget.surgery")
#: Of more places than this only the first are named.
_LISTED = 100


def record(network: Network, kind: str, label: str) -> None:
    """Log a change (INFO) and add it to the network's history, if it has one."""
    log.info(label)
    history = getattr(network, "history", None)
    if isinstance(history, History):
        step = history.last.step if history.records else 0
        history.events.append(Event(step, kind, label))


def listed(what: str, places: Iterable[tuple[int, ...]]) -> str:
    """`1 edge: (0, 1, 2)` or `2 edges: (0, 0, 0), (0, 1, 2)`.

    Examples:
        >>> listed("node", [(1, 0), (1, 3)])
        '2 nodes: (1, 0), (1, 3)'
    """
    texts = ["(" + ", ".join(map(str, place)) + ")" for place in places]
    count = len(texts)
    if count > _LISTED:
        texts[_LISTED:] = [f"and {count - _LISTED} more"]
    return f"{count} {what}{'' if count == 1 else 's'}: {', '.join(texts)}"
