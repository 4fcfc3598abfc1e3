"""Names of nodes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kanwidget.core import EdgeRef
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


def edge_name(session: Session, edge: tuple[int, int, int]) -> str:
    """An edge by its nodes: `T → h₁,₂`."""
    layer, source, target = edge
    node = session.model.node_of(layer + 1, target)
    return f"{node_name(session, layer, source)} → {node_name(session, layer + 1, node)}"


def edges_name(session: Session, edges: Sequence[EdgeRef]) -> str:
    """One edge by its nodes, several by their number, as an act is called: `x₁ → h₁,₂`, `3 edges`."""
    return in_print(edge_name(session, edges[0])) if len(edges) == 1 else f"{len(edges)} edges"


def in_print(name: str) -> str:
    """A name with its numbers as subscripts, as pages write it.

    Examples:
        >>> in_print("x_1 → h₁,₂")
        'x₁ → h₁,₂'
    """
    return re.sub(r"(?<=\w)_(\d+)\b", lambda found: subscript(int(found[1])), name)


def logged(name: str) -> str:
    """Name of a logarithm: `log p`.

    Examples:
        >>> logged("p [Pa]")
        'log p [Pa]'
    """
    return f"log {name}"
