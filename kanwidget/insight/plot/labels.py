"""The text in a picture of a network: names of nodes and functions, ranges, the legend."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.path import Path

from kanwidget.core.layer import EdgeState
from kanwidget.core.network import Network
from kanwidget.core.records import EdgeRef
from kanwidget.insight.plot.layout import RADIUS, Layout
from kanwidget.insight.plot.network import FILLED, Edge, is_flat, rounded_box
from kanwidget.insight.plot.style import DASHES, Theme, function_name, write
from kanwidget.symbolic.writing.naming import subscript

#: Most hidden nodes that have names.
_NAMED = 40
#: Distance from a wire to the name beside it, in inches.
_OFF = 0.08


def draw_hidden_names(ax: Axes, network: Network, layout: Layout, theme: Theme) -> None:
    """Write `h₁,₂`, the level and the index from 1, beside every hidden node; in a large network none has a name."""
    hidden = {key: at for key, at in layout.nodes.items() if 0 < key[0] < network.depth}
    for (level, node), (x, y) in hidden.items() if len(hidden) <= _NAMED else ():
        name = "h" + subscript(level, node + 1)
        write(ax, x + 1.5 * RADIUS, y, name, color=theme.muted, fontsize=7.5, ha="left", va="center", zorder=6)


def draw_functions(ax: Axes, edges: Sequence[Edge], layout: Layout, theme: Theme) -> None:
    """Write the names of symbolic functions above their box, at the side of the wire from which it bends away, as far as there is room."""
    names = {edge.ref: function_name(edge.symbol) for edge in edges if edge.symbol is not None}
    rooms = _rooms(names, layout)
    for edge in edges:
        if edge.ref not in names:
            continue
        (x, y), (width, height) = layout.boxes[edge.ref], layout.sizes[edge.ref.layer]
        name, side = names[edge.ref], _side(edge.ref, layout)
        # In points: 9 at most, fewer above a narrow box. A letter is 0.6 of the size wide, and an inch has 72 points.
        size = min(9.0, 17 * width, 72 * rooms[edge.ref] / (0.6 * len(name)))
        if size >= 3:  # a smaller name couldn't be read
            style: dict[str, Any] = {"color": theme.both if edge.state == "both" else theme.symbolic, "fontsize": size}
            corner = x + _OFF * side, y + height / 2 + 0.02
            write(ax, *corner, name, ha="left" if side > 0 else "right", va="bottom", zorder=7, **style)


def _side(ref: EdgeRef, layout: Layout) -> int:
    """The side at which the wire above a box leaves room for a name: 1 is right, -1 is left."""
    return -1 if layout.subnodes[ref.layer + 1, ref.target][0] > layout.boxes[ref][0] + 0.02 else 1


def _rooms(names: dict[EdgeRef, str], layout: Layout) -> dict[EdgeRef, float]:
    """How long each edge's name may be, in inches: up to the next wire, or the drawing's edge; names that face each other share the room.

    `names` has the names to write, by edge; a wire is the line from the middle of a box up to its node.
    """
    rooms = {}
    for ref, name in names.items():
        x, side = layout.boxes[ref][0], _side(ref, layout)  # the name stands at the right (1) or at the left (-1)
        # How far the boxes of the same layer are away on the name's side, negative on the other side.
        row = {neighbor: side * (box[0] - x) for neighbor, box in layout.boxes.items() if neighbor.layer == ref.layer}
        beyond = [neighbor for neighbor, distance in row.items() if distance > 0]
        if not beyond:
            rooms[ref] = (x if side < 0 else layout.size[0] - x) - _OFF
            continue
        nearest = min(beyond, key=row.__getitem__)
        room, share = row[nearest] - 2 * _OFF, 1.0
        if nearest in names and _side(nearest, layout) != side:
            share = len(name) / (len(name) + len(names[nearest]) + 1)
        elif nearest.target == ref.target:
            room -= 0.5 * _OFF  # its wire bends over here
        rooms[ref] = room * share
    return rooms


def draw_ticks(ax: Axes, edges: Sequence[Edge], layout: Layout, theme: Theme) -> None:
    """Write the ranges of the curves in small numbers: of x below every box, of φ at its left, where no wire passes."""
    for edge in edges:
        if edge.state == "pruned" or not np.isfinite(edge.y).any():
            continue
        (x, y), (width, height) = layout.boxes[edge.ref], layout.sizes[edge.ref.layer]
        style: dict[str, Any] = {"color": theme.muted, "fontsize": min(5.5, 9.5 * width), "zorder": 7}
        for offset, text in zip((-0.5, 0.5), _end_labels(edge.x[0], edge.x[-1]), strict=True):
            corner = x + 0.9 * offset * width, y - height / 2 - 0.016
            write(ax, *corner, text, ha="center", va="top", **style)
        low, high = edge.range
        # A flat curve has one number, in the middle; else they stand where the curve ends: it fills a part of its box, `FILLED`.
        ends = [(0.0, f"{low:.2g}")] if is_flat(low, high) else zip((-0.5, 0.5), _end_labels(low, high), strict=True)
        for offset, text in ends:
            corner = x - 0.55 * width, y + FILLED[1] * offset * height
            write(ax, *corner, text, ha="right", va="center", **style)


def _end_labels(low: float, high: float) -> tuple[str, str]:
    """The ends of a range as two short texts; an end that is tiny beside the range is written as 0."""
    small = 1e-3 * (high - low)
    first, second = (f"{0.0 if abs(value) < small else value:.2g}" for value in (low, high))
    return first, second


def draw_names(ax: Axes, network: Network, layout: Layout, theme: Theme, names: tuple[list[Any], list[Any]]) -> None:
    """Write the labels of the inputs and outputs (`names`: a list of each) as dark tabs at their nodes, as large as there is room."""
    box = {"boxstyle": _tab, "facecolor": theme.node, "edgecolor": "none"}
    for level, labels in zip((0, network.depth), names, strict=True):
        points = [layout.nodes[level, node] for node in range(len(labels))]
        room = min((b[0] - a[0] for a, b in pairwise(points)), default=2.0)
        longest = max((len(str(label)) for label in labels), default=1)
        # In points, from the room between two nodes in inches (72 points) and the width of the longest label.
        size = max(4.0, min(10.0, 72 * room / (0.62 * min(longest, 40) + 1.6)))
        for node, ((x, y), label) in enumerate(zip(points, labels, strict=True)):
            up = 0.0
            if level and len(network.subnodes_of(level, node)) > 1:
                up = 0.36  # the sign of the product stands where the node is, the name above it
                ax.plot([x, x], [y + RADIUS, y + up], color=theme.text, linewidth=1.2, zorder=1)
            look: dict[str, Any] = {"color": theme.on_node, "fontsize": size, "ha": "center", "va": "center"}
            write(ax, x, y + up, label, zorder=8, bbox=box, **look)


def _tab(x: float, y: float, width: float, height: float, size: float) -> Path:
    """A tab around a text whose box has the lower left corner (x, y), `width` and `height`: a box style of matplotlib.

    `size` is the size of the letters. The tab has one height for all letters, and is never narrower than high.
    """
    middle, center = x + width / 2, y + height / 2
    wide, high = max(width + 1.1 * size, 2.6 * size), max(1.75 * size, height + 0.5 * size)
    return rounded_box(middle, center, wide, high, 0.45 * high)


def draw_legend(ax: Axes, edges: Sequence[Edge], layout: Layout, theme: Theme) -> None:
    """Say below the drawing what colours and dashes mean, for the states that edges have, where there are two or more of them."""
    kinds: list[tuple[EdgeState, str, str]] = [
        ("spline", "spline", theme.spline),
        ("symbolic", "formula", theme.symbolic),
        ("both", "formula + spline", theme.both),
        ("pruned", "pruned", theme.muted),
        ("levels", "levels", theme.spline),
    ]
    present = [kind for kind in kinds if any(edge.state == kind[0] for edge in edges)]
    if len(present) < 2:
        return
    lengths = [0.62 + 0.066 * len(name) for _, name, _ in present]
    x = (layout.size[0] - sum(lengths) + 0.2) / 2
    for (state, name, color), length in zip(present, lengths, strict=True):
        width = 0.9 if state == "pruned" else 1.8
        ax.plot([x, x + 0.3], [0.13, 0.13], color=color, linestyle=DASHES[state], linewidth=width)
        write(ax, x + 0.37, 0.13, name, color=theme.muted, fontsize=7.5, ha="left", va="center_baseline")
        x += length
