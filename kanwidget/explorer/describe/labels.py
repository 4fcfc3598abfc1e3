"""Names of nodes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kanwidget.core import EdgeRef
from kanwidget.explorer.session.session import Session
from kanwidget.symbolic.writing.naming import subscript


def node_name(session: Session, level: int, index: int) -> str:
    """The name of node `index` of a level, both counted from 0: the user's for inputs and outputs, else `h₁,₂`, which counts nodes from 1.

    Where the network takes the logarithm of an input or output the name says so: `log p`.
    """
    column = logged_column(session, level, index)
    if column is not None:
        return f"log {column}"
    if level == 0:
        return session.in_vars[int(session.model.columns[index])]
    if level == session.model.depth:
        return session.out_vars[index]
    return f"h{subscript(level, index + 1)}"


def logged_column(session: Session, level: int, index: int) -> str | None:
    """The name of the column, or of the target, whose logarithm a node is; None for other nodes."""
    scaling = session.model.scaling
    if level == 0 and scaling.has_logs[0]:
        column = int(session.model.columns[index])
        return session.in_vars[column] if bool(scaling.input_log[column]) else None
    if level == session.model.depth and scaling.has_logs[1]:
        return session.out_vars[index] if bool(scaling.output_log[index]) else None
    return None


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


def without_units(names: Sequence[str]) -> list[str]:
    """Names as short as they can be said: without their units, unless only these differ.

    Examples:
        >>> without_units(["p [bar]", "T (K)", "m"]), without_units(["T [K]", "T [°C]"])
        (['p', 'T', 'm'], ['T [K]', 'T [°C]'])
    """
    short = [re.sub(r"(?<=\S)\s+(\[[^\[]*\]|\([^(]*\))$", "", name) for name in names]
    return short if len(set(short)) == len(short) else list(names)
