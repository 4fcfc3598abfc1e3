"""Sessions that were saved in format 1, in the names of format 2."""

from __future__ import annotations

import re
from typing import Any

#: Lines of a script, old to new.
_LINES = ((r"^explorer\.(un)?pin\(", lambda match: f"explorer.{match[1] or ''}freeze("),)


def upgraded(session: dict[str, Any]) -> dict[str, Any]:
    """The part `session` of such a file."""
    memory = session["memory"]
    return session | {
        "memory": memory | {"stop_reason": memory["reason"]},
        "stop_reason": session["reason"],
        "done": [_line(line) for line in session["done"]],
    }


def _line(line: str) -> str:
    """A line of the script.

    Examples:
        >>> _line("explorer.unpin(edge=(0, 0, 0))")
        'explorer.unfreeze(edge=(0, 0, 0))'
    """
    for pattern, replacement in _LINES:
        line = re.sub(pattern, replacement, line)
    return line
