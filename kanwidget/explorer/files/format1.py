"""Sessions that were saved in format 1, in the names of format 2."""

from __future__ import annotations

import re
from typing import Any

#: Keys, old to new.
_KEYS = {
    "given_again": "missing_arguments",
    "current": "settings",
    "memory": "progress",
    "reason": "stop_reason",
    "now": "last_record",
    "done": "script",
    "initial": "initial_model",
}
#: Lines of a script, old to new.
_LINES = ((r"^explorer\.(un)?pin\(", lambda match: f"explorer.{match[1] or ''}freeze("),)


def upgraded(session: dict[str, Any]) -> dict[str, Any]:
    """The part `session` of such a file."""
    session = {_KEYS.get(name, name): value for name, value in session.items()}
    progress = {_KEYS.get(name, name): value for name, value in session["progress"].items()}
    return session | {"progress": progress, "script": [_line(line) for line in session["script"]]}


def _line(line: str) -> str:
    """A line of the script.

    Examples:
        >>> _line("explorer.unpin(edge=(0, 0, 0))")
        'explorer.unfreeze(edge=(0, 0, 0))'
    """
    for pattern, replacement in _LINES:
        line = re.sub(pattern, replacement, line)
    return line
