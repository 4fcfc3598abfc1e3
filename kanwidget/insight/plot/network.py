"""The drawing of a network: a wire through a small graph of its function for every edge, from the inputs to the outputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection, LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.path import Path
from torch import Tensor

from kanwidget import _check
from kanwidget.core.layer import EdgeState
from kanwidget.core.network import Network
from kanwidget.core.records import EdgeRef, Posterior, Trace
from kanwidget.core.scores import attribute_trace
from kanwidget.insight.plot.layout import RADIUS, Layout, Point
from kanwidget.insight.plot.style import DASHES, Theme, in_inches
from kanwidget.training.evidence.errors import curve_errors, valid_posterior

Metric = Literal["backward", "forward_n", "forward_u"]
#: With more edges than this, pruned ones are left out instead of drawn faintly.
_FAINT = 64
#: Most edges of a drawing, the strongest ones; more could not be distinguished.
_LARGEST_DRAWING = 2000
#: The least opacity of an edge that isn't pruned, however little it matters.
_FAINTEST = 0.14
_SAMPLES = 120
#: The part of a box that its curve fills, across and up.
FILLED = (0.78, 0.66)


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge in the drawing."""

    ref: EdgeRef
    state: EdgeState
    symbol: str | None
    opacity: float
    x: np.ndarray
    y: np.ndarray
    samples: np.ndarray
    """Points of the data, `(n, 2)`."""
    band: np.ndarray | None = None
    """Two standard errors of y, where something says them."""

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest finite value, those of the band among them; zeros without any."""
        ends = [self.y] if self.band is None else [self.y - self.band, self.y + self.band]
        finite = np.concatenate(ends)
        finite = finite[np.isfinite(finite)]
        return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def edges_of(network: Network, x: Tensor | None, metric: str, beta: float) -> list[Edge]:
    """Curves, states and opacities of the edges that are drawn, layer by layer.

    Args:
        network: The network.
        x: Samples, `(batch, n_features)`: curves run over their range. Without them they run over the grids, and all edges are opaque.
        metric: The score of an edge: `backward` attribution, `forward_n` std(edge)/std(its input), `forward_u` std(edge).
        beta: The opacity is tanh(beta · score).
    """
    _check.choice(metric, "metric", "plot", ("backward", "forward_n", "forward_u"))
    if x is not None and network.select(x).shape[0] == 0:
        _check.fail("x", "plot", "at least one row", x)
    posterior = valid_posterior(network)
    with torch.no_grad():
        # All values at the rows of x: in own units, and in the scaled numbers that layers compute with.
        trace, scaled = (None, None) if x is None else (network.trace(x), network.scaled_trace(x))
        scores = None if trace is None else _scores(network, trace, metric)
        refs = _drawn_edges(network, scores)
        points = 65 if len(refs) <= _FAINT else 33  # of a curve; of many edges each is small
        edges = []
        for index in range(network.depth):
            grid, values = _curves(network, index, None if scaled is None else scaled.nodes[index], points)
            layer = network.layer(index)
            for ref in (ref for ref in refs if ref.layer == index):
                importance = math.inf if scores is None else beta * float(scores[index][ref.target, ref.source])
                opacity = max(math.tanh(importance), _FAINTEST)
                units = network.edge_units(ref)
                at, height = grid[:, ref.source], values[:, ref.target, ref.source]
                curve = units.x_centre + units.x_size * at, units.y_size * height, _samples(trace, ref)
                inputs = torch.from_numpy(curve[0]).to(network.device)
                band = two_errors(network, posterior, ref, inputs)
                symbol = layer.symbol(ref.source, ref.target)
                edges.append(Edge(ref, layer.state(ref.source, ref.target), symbol, opacity, *curve, band))
    return edges


def two_errors(network: Network, posterior: Posterior | None, ref: EdgeRef, x: Tensor) -> np.ndarray | None:
    """Two standard errors of an edge's curve at x, `(n,)`, both in own units; None without a posterior and for edges without a spline."""
    errors = None if posterior is None else curve_errors(network, posterior, ref, x)
    return None if errors is None else 2 * errors.cpu().numpy()


def _drawn_edges(network: Network, scores: Sequence[Tensor] | None) -> list[EdgeRef]:
    """The edges of the drawing, layer by layer: of a large network without the pruned ones, of a very large one the 2,000 with top scores.

    `scores` has the edges' scores per layer, `(out, in)`; None where there are none, and the first edges are drawn.
    """
    refs = network.edge_refs()
    if len(refs) > _FAINT:
        refs = network.edge_refs(active=True)
    if len(refs) > _LARGEST_DRAWING:
        if scores is not None:
            tables = [table.tolist() for table in scores]
            refs.sort(key=lambda ref: -tables[ref.layer][ref.target][ref.source])
        refs = sorted(refs[:_LARGEST_DRAWING], key=lambda ref: (ref.layer, ref.target, ref.source))
    return refs


def _samples(trace: Trace | None, ref: EdgeRef) -> np.ndarray:
    """Points (x, φ) of the data on an edge, `(n, 2)`, from the trace of a forward pass; of many rows every n-th. Without a trace none."""
    if trace is None:
        return np.zeros((0, 2))
    x, y = trace.nodes[ref.layer][:, ref.source], trace.edges[ref.layer][:, ref.target, ref.source]
    step = max(1, math.ceil(x.shape[0] / _SAMPLES))
    return torch.stack([x[::step], y[::step]], dim=1).cpu().numpy()


def _scores(network: Network, trace: Trace, metric: str) -> Sequence[Tensor]:
    """The importance of each edge, `(out, in)` per layer, from the trace of a forward pass.

    The metric `backward` is attribution, `forward_u` the edge's standard deviation, `forward_n` that divided by the one of its input.
    """
    if metric == "backward":
        return attribute_trace(network, trace, network.depth).edge_scores
    spread = [edges.std(0, correction=0) for edges in trace.edges]
    if metric == "forward_u":
        return spread
    inputs = [nodes.std(0, correction=0) for nodes in trace.nodes[:-1]]
    return [torch.where(b > 0, a / torch.where(b > 0, b, 1.0), 0.0) for a, b in zip(spread, inputs, strict=True)]


def _curves(network: Network, index: int, below: Tensor | None, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Points on the range of each input of a layer, `(points, in)`, and the edges there, `(points, out, in)`, all in scaled numbers.

    `index` is the layer, `below` has the values of its inputs over the rows, `(batch, in)`. The range of an input is that of its values;
    where it has none, or a single one, it is that of the grid.
    """
    layer = network.layer(index)
    low, high = layer.grid[:, 0], layer.grid[:, -1]
    if below is not None:
        smallest, largest = below.amin(0), below.amax(0)
        usable = torch.isfinite(smallest) & torch.isfinite(largest) & (largest > smallest)
        low, high = torch.where(usable, smallest, low), torch.where(usable, largest, high)
    t = torch.linspace(0, 1, points, dtype=low.dtype, device=low.device)[:, None]
    grid = low + (high - low) * t
    return grid.cpu().numpy(), layer.edges(grid).cpu().numpy()


class _Box(NamedTuple):
    """An edge with its colour, and the centre and size of its box."""

    edge: Edge
    color: tuple[float, ...]
    center: Point
    size: Point

    def inside(self, points: np.ndarray) -> np.ndarray:
        """Points (x, φ), `(n, 2)`, as positions in the drawing: the curve fills the inner part of its box (`FILLED`).

        Infinite ones become NaN and aren't drawn.
        """
        (low, high), x = self.edge.range, self.edge.x
        across = (points[:, 0] - x[0]) / (x[-1] - x[0]) - 0.5
        up = np.zeros_like(across) if is_flat(low, high) else (points[:, 1] - low) / (high - low) - 0.5
        inside = self.center + np.multiply(FILLED, self.size) * np.stack([across, up], axis=1)
        return np.where(np.isfinite(points).all(1, keepdims=True), inside, np.nan)


def draw_network(
    ax: Axes, network: Network, edges: Sequence[Edge], layout: Layout, theme: Theme, *, sample: bool
) -> None:
    """Draw wires, boxes, curves and the signs of sums and products, but no text; `sample` draws points of the data on the curves, too."""
    in_inches(ax, layout.size)
    boxes = [_Box(edge, _color(edge, theme), layout.boxes[edge.ref], layout.sizes[edge.ref.layer]) for edge in edges]
    active = [box for box in boxes if box.edge.state != "pruned"]
    _draw_wires(ax, network, boxes, layout)
    _draw_boxes(ax, boxes, theme)
    if sample:
        _draw_samples(ax, active)
    _draw_bands(ax, boxes)
    _draw_curves(ax, active)
    _draw_joints(ax, network, layout, theme)


def _color(edge: Edge, theme: Theme) -> tuple[float, ...]:
    """Red, green, blue and opacity of an edge, 0 to 1: the colour says its state, the opacity its importance.

    The state `both` is a formula plus a spline; all that isn't named here is drawn as a spline.
    """
    if edge.state == "pruned":
        return to_rgba(theme.ghost)
    return to_rgba({"symbolic": theme.symbolic, "both": theme.both}.get(edge.state, theme.spline), edge.opacity)


def _wire(start: Point, end: Point) -> Path:
    """A smooth line between two points, in inches, that leaves and arrives upright: a cubic Bézier curve."""
    middle = (start[1] + end[1]) / 2
    corners = [start, (start[0], middle), (end[0], middle), end]
    return Path(corners, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])


def _draw_wires(ax: Axes, network: Network, boxes: Sequence[_Box], layout: Layout) -> None:
    """Draw the wires of all edges, from the node below to the box and on to the subnode above, those of one state at once."""
    for state, dashes in DASHES.items():
        paths, shades, widths = [], [], []
        for (layer, source, target), (edge, color, (x, y), size) in ((box.edge.ref, box) for box in boxes):
            if edge.state != state:
                continue
            below, above = layout.nodes[layer, source], layout.subnodes[layer + 1, target]
            gap = RADIUS if layer else 0.0
            end = RADIUS if _has_joint(network, layer + 1, target) else 0.0
            paths.append(_wire((below[0], below[1] + gap), (x, y - size[1] / 2)))
            paths.append(_wire((x, y + size[1] / 2), (above[0], above[1] - end)))
            shades += [color] * 2
            widths += [0.8 if state == "pruned" else 0.9 + 1.6 * edge.opacity] * 2
        if paths:
            style: dict[str, Any] = {"edgecolors": shades, "linewidths": widths, "linestyles": [dashes], "zorder": 1}
            ax.add_collection(PathCollection(paths, facecolors="none", **style), autolim=False)


def _has_joint(network: Network, level: int, subnode: int) -> bool:
    """Whether a sign is drawn at a subnode: at hidden ones and at factors of a product. At a sum that is an output stands its label."""
    return level < network.depth or subnode >= network.width[level][0]


def rounded_box(x: float, y: float, width: float, height: float, r: float) -> Path:
    """A box with round corners of radius r around a centre."""
    west, east, low, high = x - width / 2, x + width / 2, y - height / 2, y + height / 2
    points = [(west + r, low), (east - r, low), (east, low), (east, low + r), (east, high - r), (east, high)]
    points += [(east - r, high), (west + r, high), (west, high), (west, high - r), (west, low + r), (west, low)]
    points += [(west + r, low), (west + r, low)]
    turn = [Path.LINETO, Path.CURVE3, Path.CURVE3]
    return Path(points, [Path.MOVETO, *turn, *turn, *turn, *turn, Path.CLOSEPOLY])


def _draw_boxes(ax: Axes, boxes: Sequence[_Box], theme: Theme) -> None:
    """Draw the boxes of all edges, dashed where an edge is pruned; the shade of a frame says how important it is."""
    paths, frames, widths, dashes = [], [], [], []
    for edge, color, center, (width, height) in boxes:
        paths.append(rounded_box(*center, width, height, 0.18 * height))
        frames.append((*color[:3], max(color[3], 0.35)))
        widths.append(0.8 if edge.state == "pruned" else 0.8 + 0.5 * edge.opacity)
        dashes.append((0, (2, 2)) if edge.state == "pruned" else "solid")
    if paths:
        style: dict[str, Any] = {"edgecolors": frames, "linewidths": widths, "linestyles": dashes, "zorder": 2}
        ax.add_collection(PathCollection(paths, facecolors=theme.face, **style), autolim=False)


def is_flat(low: float, high: float) -> bool:
    """Whether a curve from `low` to `high` is constant but for round-off, and so a line in the middle of its box."""
    return bool(high - low <= 1e-9 * max(abs(low), abs(high), 1e-30))


def _draw_curves(ax: Axes, boxes: Sequence[_Box]) -> None:
    """Draw the curves within the boxes; lines are thinner in boxes that are narrower than 0.4 inches."""
    lines = [box.inside(np.stack([box.edge.x, box.edge.y], axis=1)) for box in boxes]
    widths = [min(1.0, box.size[0] / 0.4) * (1.1 + 0.7 * box.edge.opacity) for box in boxes]
    style: dict[str, Any] = {"colors": [box.color for box in boxes], "capstyle": "round", "joinstyle": "round"}
    ax.add_collection(LineCollection(lines, linewidths=widths, zorder=4, **style), autolim=False)


def _draw_bands(ax: Axes, boxes: Sequence[_Box]) -> None:
    """Draw the bands of uncertainty behind the curves: from φ - band to φ + band, where an edge has one."""
    areas, shades = [], []
    for box in boxes:
        x, y, band = box.edge.x, box.edge.y, box.edge.band
        if band is not None:
            there, back = np.stack([x, y - band], 1), np.stack([x, y + band], 1)[::-1]
            areas.append(box.inside(np.concatenate([there, back])))
            shades.append((*box.color[:3], 0.25))
    ax.add_collection(PolyCollection(areas, facecolors=shades, linewidths=0, zorder=3), autolim=False)


def _draw_samples(ax: Axes, boxes: Sequence[_Box]) -> None:
    """Draw the samples, where there are any, as points within the boxes."""
    positions = [box.inside(box.edge.samples) for box in boxes if len(box.edge.samples)]
    if positions:
        shades = [(*box.color[:3], 0.45) for box in boxes for _ in box.edge.samples]
        x, y = np.concatenate(positions).T
        ax.scatter(x, y, s=5, c=shades, linewidths=0, zorder=3, plotnonfinite=False)


def _draw_joints(ax: Axes, network: Network, layout: Layout, theme: Theme) -> None:
    """Draw the signs + and × of hidden nodes and of factors, in circles, and the lines from factors to their product."""
    sums = [at for (level, s), at in layout.subnodes.items() if _has_joint(network, level, s)]
    products = {key: at for key, at in layout.nodes.items() if key[0] and len(network.subnodes_of(*key)) > 1}
    r = 0.45 * RADIUS  # half the length of a stroke of +; those of × lean, and reach as far
    strokes = [[(x - r, y), (x + r, y)] for x, y in sums] + [[(x, y - r), (x, y + r)] for x, y in sums]
    d = 0.75 * r
    strokes += [[(x - d, y - d), (x + d, y + d)] for x, y in products.values()]
    strokes += [[(x - d, y + d), (x + d, y - d)] for x, y in products.values()]
    stems = []
    for (level, node), (x, y) in products.items():
        starts = [layout.subnodes[level, s] for s in network.subnodes_of(level, node)]
        stems += [_wire((sx, sy + RADIUS), (x, y - RADIUS)) for sx, sy in starts]
    dark: dict[str, Any] = {"edgecolors": theme.text}
    ax.add_collection(PathCollection(stems, facecolors="none", linewidths=1.2, zorder=1, **dark), autolim=False)
    if circles := [*sums, *products.values()]:
        size = [2 * RADIUS] * len(circles)
        dark |= {"facecolors": theme.background, "offsets": circles, "offset_transform": ax.transData}
        rings = EllipseCollection(size, size, [0.0], units="xy", linewidths=1.1, zorder=5, **dark)
        ax.add_collection(rings, autolim=False)
    ax.add_collection(LineCollection(strokes, colors=theme.text, linewidths=1.1, zorder=6), autolim=False)
