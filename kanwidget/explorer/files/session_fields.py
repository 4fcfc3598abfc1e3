"""Fields of a saved session: plain JSON values, and the checks with which they are read back."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from kanwidget import _check

#: Version of the format. A change that older code can't read raises it.
FORMAT = 2
KIND = "kanwidget session"
Check = Callable[[Any], Any]


def plain(value: Any) -> Any:
    """A value as JSON holds it, which has no NaN and no infinity: they become texts, which `real` reads back.

    Examples:
        >>> plain({"loss": float("nan"), "rows": (1, 2.5)})
        {'loss': 'nan', 'rows': [1, 2.5]}
    """
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value}"
    if isinstance(value, dict):
        return {str(name): plain(entry) for name, entry in value.items()}
    return [plain(entry) for entry in value] if isinstance(value, (list, tuple)) else value


def real(value: Any) -> float:
    """A number that `plain` has written."""
    if isinstance(value, bool) or not (isinstance(value, (int, float)) or value in ("nan", "inf", "-inf")):
        raise ValueError(f"{_check.describe(value)} is no number")
    return float(value)


def whole(value: Any, low: int = 0, high: int = 2**53) -> int:
    """An integer within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{_check.describe(value)} is no integer from {low} to {high}")
    return value


def text(value: Any) -> str:
    """A text."""
    if not isinstance(value, str):
        raise ValueError(f"{_check.describe(value)} is no text")
    return value


def optional(check: Check) -> Check:
    """The same check, passed by None."""
    return lambda value: None if value is None else check(value)


def metrics(values: dict[str, Any]) -> dict[str, float]:
    """Metrics of a step by name."""
    return {text(name): real(value) for name, value in values.items()}


#: Fields of a `StepRecord`, in the order in which they are stored.
RECORD: dict[str, Check] = {
    "step": whole,
    "train_loss": real,
    "test_loss": optional(real),
    "penalty": real,
    "seconds": real,
    "damping": optional(real),
    "validation_loss": optional(real),
    "metrics": metrics,
    "stop_reason": optional(text),
    "noise": optional(real),
    "log_evidence": optional(real),
    "freedom": optional(real),
}
#: Fields of a `TreeNode`, in the order in which they are stored.
TREE_NODE: dict[str, Check] = {
    "id": whole,
    "parent": optional(whole),
    "label": text,
    "kind": text,
    "step": whole,
    "error": optional(real),
    "forward": optional(whole),
    "last_error": optional(real),
    "complexity": whole,
}
