"""Sessions that were saved in format 1, in the names of format 2."""

from __future__ import annotations

import re
from typing import Any

#: Keys, old to new.
_KEYS = {
    "given_again": "missing_arguments",
    "current": "settings",
    "reason": "stop_reason",
    "now": "last_record",
    "done": "script",
    "initial": "initial_model",
}
#: Options of the training, old to new.
_OPTIONS = {"bend": "geodesic_acceleration"}
#: Lines of a script, old to new.
_LINES = (
    (r"^explorer\.(un)?pin\(", r"explorer.\1freeze("),
    (r"^(explorer\.auto_symbolic\()r2=(.*?, )weight_simple=", r"\1r2_threshold=\2simplicity="),
)


def upgraded(session: dict[str, Any]) -> dict[str, Any]:
    """The part `session` of such a file."""
    session = _renamed(session, _KEYS)
    return session | {
        "arguments": _renamed(session["arguments"], _OPTIONS),
        "missing_arguments": [_OPTIONS.get(name, name) for name in session["missing_arguments"]],
        "settings": _renamed(session["settings"], _OPTIONS),
        "trainer": _trainer(session["memory"]),
        "script": [_line(line) for line in session["script"]],
    }


def _renamed(values: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in values.items()}


def _trainer(memory: dict[str, Any]) -> dict[str, Any]:
    """Progress and optimizer state. Only Levenberg-Marquardt's was stored."""
    state = {"step_count": memory["step_count"], "seconds": memory["seconds"], "stop_reason": memory["reason"]}
    if (lm := memory["LM"]) is None:
        return state | {"opt": "", "optimizer": None}
    names = {"damping": "damping", "growth": "_growth", "small_steps": "_small"}
    return state | {"opt": "LM", "optimizer": {name: [lm[old]] for name, old in names.items()}}


def _line(line: str) -> str:
    """A line of the script.

    Examples:
        >>> _line("explorer.unpin(edge=(0, 0, 0))")
        'explorer.unfreeze(edge=(0, 0, 0))'
    """
    for pattern, replacement in _LINES:
        line = re.sub(pattern, replacement, line)
    return line
