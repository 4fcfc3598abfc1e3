"""Topics, the parts of a session that views subscribe to, and notices to the user."""

from __future__ import annotations

from dataclasses import dataclass

#: Names of topics: those of `EVERYTHING`, `survey`, `held_out`, `richer`, `library`, and those of panels.
Topics = frozenset[str]
#: The guide follows from these.
GUIDING: Topics = frozenset(("status", "structure", "settings", "history"))
#: After a step.
STEPPED: Topics = frozenset(("metrics", "curves", "status"))
#: After an act.
CHANGED: Topics = GUIDING | {"curves", "selection", "candidates", "formula", "guide"}
#: After a jump to another checkpoint; panels and the preview follow from `curves`.
EVERYTHING: Topics = CHANGED | {"metrics", "replaced"}


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the user: an error in Python's words, or that an act had nothing to do."""

    title: str
    message: str
    hint: str | None = None
