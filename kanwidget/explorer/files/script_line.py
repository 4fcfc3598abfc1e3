"""A line of a saved session's script, checked to be a call of the explorer with plain values. Reading it runs no code."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from kanwidget.explorer.session.command import Statement


@dataclass(frozen=True, slots=True)
class ScriptLine(Statement):
    """A call of the explorer, or a setting, with plain values.

    Examples:
        >>> ScriptLine("explorer.fix('sin', edge=(0, 0, 1))").call()
        "explorer.fix('sin', edge=(0, 0, 1))"
        >>> ScriptLine("explorer.fix(open('x'))")
        Traceback (most recent call last):
        ...
        ValueError: "explorer.fix(open('x'))" is no act of an explorer
    """

    def __post_init__(self) -> None:
        try:
            statements = ast.parse(self.line).body
            sound = bool(statements) and all(map(_is_act, statements))
        except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
            sound = False
        if not sound:
            raise ValueError(f"{self.line!r} is no act of an explorer")


def log_entry(line: str) -> ScriptLine | int:
    """An entry of the log: an act, or a number of steps."""
    steps = re.fullmatch(r"explorer\.step\((\d{1,9})\)", line)
    return int(steps[1]) if steps else ScriptLine(line)


def _is_act(statement: ast.stmt) -> bool:
    """Whether a statement is `explorer.method(plain values)` or `explorer.setting = plain value`."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        target: ast.expr = statement.value.func
        values = [*statement.value.args, *(keyword.value for keyword in statement.value.keywords)]
        if any(keyword.arg is None for keyword in statement.value.keywords):
            return False
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, values = statement.targets[0], [statement.value]
    else:
        return False
    for value in values:
        ast.literal_eval(value)  # raises ValueError for anything that is more than a value
    named = isinstance(target, ast.Attribute) and not target.attr.startswith(("_", "save", "load", "code"))
    return named and isinstance(target.value, ast.Name) and target.value.id == "explorer"  # type: ignore[attr-defined]
