"""Nodes, edges and sizes of the network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kanwidget.explorer.describe.candidates import best_candidates
from kanwidget.explorer.describe.labels import logged_column, node_name
from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.protocol.buffers import finite
from kanwidget.explorer.session.session import Session


def structure(session: Session) -> p.Structure:
    """The structure as a page gets it: nodes, edges and sizes; edges name the function that fits them best, if it was searched already."""
    model, edges = session.model, _edges(session)
    note_best(edges, best_candidates(session))
    return {
        "version": session.structure_id,
        "width": [list(pair) for pair in model.width],
        "k": model.k,
        "grid": model.grid,
        "nodes": _nodes(session),
        "edges": edges,
        "n_parameters": model.n_parameters,
    }


def note_best(edges: Iterable[p.EdgeInfo], best: Sequence[p.BestOf]) -> None:
    """Write into edges the name and R² of the best candidate, the function that fits the edge best. In place.

    `best` has these for some of the edges, each with the key of its edge; the other edges stay as they are.
    """
    by_edge = {tuple(row["key"]): row for row in best}
    for edge in edges if best else ():
        if (row := by_edge.get(tuple(edge["key"]))) is not None:
            edge["best"] = row["best"]
            if row["best_r2"] is not None:
                edge["best_r2"] = row["best_r2"]


def _nodes(session: Session) -> list[p.NodeInfo]:
    """All nodes as the page gets them, level by level; an output that is a product is of the kind `product`."""
    # Sum nodes come before product nodes on each level.
    model, scores = session.model, session.scores()
    ends: dict[int, p.NodeKind] = {0: "input", model.depth: "output"}
    nodes: list[p.NodeInfo] = []
    for level, (n_sum, _) in enumerate(model.width):
        for index in range(model.nodes_in(level)):
            kind = ends.get(level, "sum") if index < n_sum else "product"
            subnodes = [] if level == 0 else list(model.subnodes_of(level, index))
            value = finite(float(scores.node_scores[level][index])) or 0.0
            name = node_name(session, level, index)
            nodes.append({"key": [level, index], "name": name, "kind": kind, "subnodes": subnodes, "importance": value})
            if (column := logged_column(session, level, index)) is not None:
                nodes[-1]["logged"] = column
    return nodes


def _edges(session: Session) -> list[p.EdgeInfo]:
    """All edges as the page gets them, in the order of `edge_refs`: layer by layer, target by target, source by source.

    What says their states is read for a whole layer at once, since there may be thousands of edges. `flat` is target·inputs + source.
    """
    rows: list[p.EdgeInfo] = []
    groups = 0  # ties (edges that share one function) in the layers below: they are numbered through all layers
    for index in range(session.model.depth):
        layer = session.model.layer(index)
        numeric, frozen = layer.spline_on.flatten().tolist(), layer.frozen.flatten().tolist()
        functions = {flat: name for name, members in layer.symbols.items() for flat in members}
        ties = {flat: number for number, tie in enumerate(layer.ties, groups) for flat in tie}
        groups += len(layer.ties)
        for flat in range(layer.out_dim * layer.in_dim):
            target, source = divmod(flat, layer.in_dim)
            state: p.EdgeState = ("levels" if layer.levels[source] else "spline") if numeric[flat] else "pruned"
            row: p.EdgeInfo = {"key": [index, source, target], "state": state}
            if (function := functions.get(flat)) is not None:
                row |= {"state": "both" if numeric[flat] else "symbolic", "function": function}
            elif state == "levels":
                row["levels"] = layer.levels[source]
            if frozen[flat]:
                row["frozen"] = True
            if flat in ties:
                row["tied"] = ties[flat]
            rows.append(row)
    return rows
