"""What can change in a session, and what it has to say about that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Topic = Literal[
    "metrics",
    "replaced",
    "curves",
    "structure",
    "selection",
    "candidates",
    "formula",
    "history",
    "status",
    "settings",
    "parity",
    "surface",
    "survey",
    "library",
]
Topics = frozenset[str]
#: After a jump to another state. What only some views have open (parity, surface, survey) follows from `curves`.
EVERYTHING: Topics = frozenset(get_args(Topic)) - {"parity", "surface", "survey", "library"}
#: After an act on the present state.
CHANGED: Topics = EVERYTHING - {"replaced", "metrics"}
STEPPED: Topics = frozenset(("metrics", "curves", "status"))


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell the person: an error in Python's words, or that an act had nothing to do."""

    title: str
    message: str
    hint: str | None = None
