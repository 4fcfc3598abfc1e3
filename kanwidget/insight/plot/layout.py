"""Positions in a drawing of a network, in inches: inputs below, outputs above, a box for every edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from kanwidget.core.network import Network
from kanwidget.core.records import EdgeRef

Point = tuple[float, float]
#: By level and index.
NodePoints = dict[tuple[int, int], Point]

#: Size of a box, additional space between the boxes of two subnodes, and the limits of a drawing's width.
_BOX = (0.56, 0.42)
_APART = 0.16
_WIDTHS = (3.4, 13.0)
#: Space at the sides, above the outputs and below the inputs.
_SIDE, _TOP, _BOTTOM = 0.2, 0.34, 0.46
#: Radius of the circles of + and ×.
RADIUS = 0.105
#: Height of a product above its factors.
_PRODUCT = 0.5


@dataclass(frozen=True, slots=True)
class Layout:
    """Positions of everything, in inches from the lower left corner."""

    size: Point
    """Width and height of the drawing."""
    sizes: tuple[Point, ...]
    """Width and height of the boxes, per layer of edges."""
    boxes: dict[EdgeRef, Point]
    """Centres of the edges' boxes."""
    nodes: NodePoints
    subnodes: NodePoints
    """Those of sums have the position of their node."""


def arrange(
    network: Network, edges: Sequence[EdgeRef], *, scale: float = 1.0, head: float = 0.0, gap: float = 0.1
) -> Layout:
    """Positions for a network of which these edges have a box.

    Args:
        network: The network.
        edges: The edges that get a box.
        scale: Size of the whole drawing, 1 for boxes of 0.56 by 0.42 inches.
        head: Additional space above, for a title.
        gap: The least space between boxes.
    """
    rows = [_row(network, index, edges) for index in range(network.depth)]
    natural = [_length(row, gap) for row in rows]  # the least width of each layer's row of boxes
    low, high = _WIDTHS
    width = min(high, max(low, *natural))
    rise = min(1.5, 0.5 + 0.055 * width)  # wide drawings need more height, else their wires lie flat
    nodes: NodePoints = {(0, i): (width * (i + 0.5) / network.n_in, _BOTTOM) for i in range(network.n_in)}
    boxes: dict[EdgeRef, Point] = {}
    subnodes: NodePoints = {}
    sizes = []
    y = _BOTTOM
    for index, row in enumerate(rows):
        stretch = width / natural[index]
        shrink = min(1.0, stretch)  # boxes get smaller in a crowded row, and not larger in an empty one
        sizes.append((_BOX[0] * shrink, _BOX[1] * shrink))
        y_box = y + rise + sizes[-1][1] / 2
        middles = _spread(row, index, stretch, gap, y_box, boxes)
        _upright(index, row, sizes[-1][0] + gap * shrink, nodes, boxes)
        y = _position_nodes(network, index + 1, middles, y_box + sizes[-1][1] / 2 + 0.62 * rise, nodes, subnodes)
    return _scaled(Layout((width + 2 * _SIDE, y + _TOP + head), tuple(sizes), boxes, nodes, subnodes), scale)


def _row(network: Network, index: int, refs: Sequence[EdgeRef]) -> list[list[int]]:
    """For each subnode above a layer of edges the sources whose edges have a box there."""
    row: list[list[int]] = [[] for _ in range(network.layer(index).out_dim)]
    for ref in refs:
        if ref.layer == index:
            row[ref.target].append(ref.source)
    return row


def _length(row: list[list[int]], gap: float) -> float:
    """The least width of a row of boxes in inches; a subnode without boxes takes the room of one.

    `row` has for each subnode the sources whose edges have a box, `gap` is the space between boxes.
    """
    return sum(max(len(sources), 1) for sources in row) * (_BOX[0] + gap) + len(row) * _apart(row)


def _apart(row: list[list[int]]) -> float:
    """Additional room around the boxes of each subnode; none for a single one, so that its boxes stand above their sources."""
    return _APART if len(row) > 1 else 0.0


def _spread(
    row: list[list[int]], index: int, stretch: float, gap: float, y: float, boxes: dict[EdgeRef, Point]
) -> list[float]:
    """Put the boxes of a row over the whole width; returns the middle of each subnode's boxes.

    Args:
        row: For each subnode the sources whose edges have a box, see `_row`.
        index: The layer.
        stretch: What the row's least width is multiplied with.
        gap: Space between boxes.
        y: Height of the boxes' middles.
        boxes: Filled with the middle of each box.
    """
    # The width of a box with its gap, and additional room around the boxes of each subnode.
    cell, between = (_BOX[0] + gap) * stretch, _apart(row) * stretch
    x = 0.0
    middles = []
    for target, sources in enumerate(row):
        room = max(len(sources), 1) * cell + between
        middles.append(x + room / 2)
        for column, source in enumerate(sources):
            boxes[EdgeRef(index, source, target)] = (x + between / 2 + (column + 0.5) * cell, y)
        x += room
    return middles


def _upright(index: int, row: list[list[int]], pitch: float, nodes: NodePoints, boxes: dict[EdgeRef, Point]) -> None:
    """Move the boxes of a layer with a single subnode straight above their sources, where these stand at least `pitch` inches apart.

    `index` is the layer, `row` has its sources by subnode; `boxes` is changed in place.
    """
    if len(row) > 1:
        return
    sources_x = [nodes[index, source][0] for source in row[0]]
    if all(b - a >= pitch for a, b in pairwise(sources_x)):
        for source, x in zip(row[0], sources_x, strict=True):
            ref = EdgeRef(index, source, 0)
            boxes[ref] = (x, boxes[ref][1])


def _position_nodes(
    network: Network, level: int, middles: list[float], y: float, nodes: NodePoints, subnodes: NodePoints
) -> float:
    """Put a level's nodes above the boxes that feed them; returns the height of the nodes.

    Args:
        network: The network.
        level: The level, from 1.
        middles: For each subnode the middle of its boxes.
        y: Height of the factors of products, and of all nodes of a level without products; those of a level with products stand higher.
        nodes: Filled with the position of each node.
        subnodes: Filled with the position of each subnode: of a sum that of its node.
    """
    top = y + _PRODUCT if network.width[level][1] else y
    for node in range(network.nodes_in(level)):
        group = network.subnodes_of(level, node)
        for subnode in group:
            subnodes[level, subnode] = (middles[subnode], y if len(group) > 1 else top)
        nodes[level, node] = (sum(middles[s] for s in group) / len(group), top)
    return top


def _scaled(layout: Layout, scale: float) -> Layout:
    """The layout with space at its left, and `scale` times as large."""

    def move(points: dict[Any, Point]) -> dict[Any, Point]:
        """Points, in inches, moved to the right by the space at the left and then scaled."""
        return {key: ((x + _SIDE) * scale, y * scale) for key, (x, y) in points.items()}

    size, *sizes = ((a * scale, b * scale) for a, b in (layout.size, *layout.sizes))
    return Layout(size, tuple(sizes), move(layout.boxes), move(layout.nodes), move(layout.subnodes))
