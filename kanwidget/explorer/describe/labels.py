"""Names of nodes."""

from __future__ import annotations

from kanwidget.explorer.protocol.labels import subscript
from kanwidget.explorer.session.session import Session


def node_name(session: Session, level: int, index: int) -> str:
    """The name of a node: the user's, that of its logarithm where the network takes it, or `h₁,₂`."""
    scaling = session.model.scaling
    if level == 0:
        column = int(session.model.columns[index])
        return logged(session.in_vars[column]) if bool(scaling.input_log[column]) else session.in_vars[column]
    if level == session.model.depth:
        return logged(session.out_vars[index]) if bool(scaling.output_log[index]) else session.out_vars[index]
    return f"h{subscript(level)},{subscript(index + 1)}"


def logged(name: str) -> str:
    """Name of a logarithm: `log p`.

    Examples:
        >>> logged("p [Pa]")
        'log p [Pa]'
    """
    return f"log {name}"
