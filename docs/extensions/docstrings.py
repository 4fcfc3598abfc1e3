"""Docstrings are plain text with `code` in backticks: what reStructuredText would take for its own marks is kept as it is."""

import re
from inspect import isroutine
from typing import Any

from sphinx.application import Sphinx

#: Code, which stays, or a sign that would be a mark.
_MARK = re.compile(r"(``[^`]+``|`[^`]*`)|([*|\\]|_(?=\W|$))")
#: An argument's name before its colon may have stars, which napoleon knows.
_ARGUMENT = re.compile(r"^(\s*)(\*{1,2}\w+)(?=:)")


def escaped(line: str) -> str:
    """A line of prose in which nothing but backticks is a mark."""
    start = _ARGUMENT.match(line)
    head = start.group() if start else ""
    return head + _MARK.sub(lambda found: found[1] or "\\" + found[2], line[len(head) :])


def _process(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    in_example = False
    for index, line in enumerate(lines):
        stripped = line.strip()
        in_example = stripped.startswith(">>>") or (in_example and bool(stripped))
        if not in_example:
            lines[index] = escaped(line)


def _skip(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Whether a member is left out: what scikit-learn's and torch's classes bring has its page there."""
    function = next((inner for name in ("fget", "func", "__func__") if (inner := getattr(obj, name, None))), obj)
    # What isn't a function is a field of a record.
    module = getattr(function, "__module__", None) or ""
    return True if isroutine(function) and not module.startswith("kanwidget") else None


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("autodoc-process-docstring", _process, priority=100)  # before napoleon
    app.connect("autodoc-skip-member", _skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
