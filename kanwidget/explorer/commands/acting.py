"""The frame of every act on the network: a checkpoint before, a node of the undo tree and a line of the script after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kanwidget.explorer.commands import base as c
from kanwidget.explorer.commands import jumps
from kanwidget.explorer.protocol.topics import CHANGED, Topics
from kanwidget.explorer.session.session import Session


def act(
    session: Session,
    command: c.Command | Callable[[], c.Command],
    kind: str,
    label: str | Callable[[], str],
    change: Callable[[], Any],
    task: str | None = None,
) -> Topics:
    """Do it between a checkpoint and a node of the tree; undone whole if it fails.

    Args:
        session: What it is done to.
        command: What was asked for, as the script is to repeat it; a function where only the end tells.
        kind: Of the node.
        label: Of the node; a function where only the end tells.
        change: Does it.
        task: What a person is told meanwhile, where it takes longer.
    """
    before = session.checkpoint()
    if task:
        session.on_task(task)
    try:
        change()
        session.touched()
    except BaseException:
        session.restore(before)
        raise
    finally:
        if task:
            session.on_task(None)
    jumps.commit(session, kind, label if isinstance(label, str) else label(), before)
    session.log.add(command() if callable(command) else command)
    return CHANGED


def each(change: Callable[[int, int, int], None], edges: Sequence[c.Edge]) -> None:
    """The same to several edges."""
    for edge in edges:
        change(*edge)
