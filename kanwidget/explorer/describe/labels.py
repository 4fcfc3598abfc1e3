"""Names of nodes."""

from __future__ import annotations

from kanwidget.explorer.protocol.labels import subscript
from kanwidget.explorer.session.session import Session


def node_name(session: Session, level: int, index: int) -> str:
    """The name of a node: the user's, or `h₁,₂`."""
    if level == 0:
        return session.in_vars[int(session.model.columns[index])]
    if level == session.model.depth:
        return session.out_vars[index]
    return f"h{subscript(level)},{subscript(index + 1)}"
