"""A sweep's table as HTML for notebooks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any

#: Most rows in a notebook; `to_pandas` has all.
ROWS = 30


def html(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> str:
    """The first rows as HTML, without columns that are empty in all of them."""
    visible = rows[:ROWS]
    filled = [name for name in columns if any(row.get(name) is not None for row in visible)]
    head = _line("th", ["", *filled])
    body = "".join(_line("td", [index, *(row.get(name) for name in filled)]) for index, row in enumerate(visible))
    hidden = len(rows) - len(visible)
    note = f"<p>{hidden} more row{'' if hidden == 1 else 's'}: <code>to_pandas()</code> has all.</p>" if hidden else ""
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>{note}"


def _line(tag: str, cells: Sequence[Any]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(_text(cell))}</{tag}>' for cell in cells)}</tr>"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return json.dumps(value) if isinstance(value, list) else str(value)
