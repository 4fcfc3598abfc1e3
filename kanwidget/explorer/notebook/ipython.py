"""IPython's shell and kernel, where there are any."""

from __future__ import annotations

from typing import Any


def shell() -> Any:
    """IPython's shell, None where there is none."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return None
    return get_ipython()


def running_cell() -> tuple[str, str] | None:
    """Ids of the running cell and of its execution, None where there is no notebook."""
    kernel = _kernel()
    if kernel is None:
        return None
    parent = kernel.get_parent() or {}
    name = parent.get("metadata", {}).get("cellId")
    return (name, parent.get("header", {}).get("msg_id", "")) if name else None


def can_show() -> bool:
    """Whether this Python runs in a kernel that a page can talk to."""
    return _kernel() is not None


def _kernel() -> Any:
    return getattr(shell(), "kernel", None)
