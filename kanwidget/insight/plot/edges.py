"""Edges with axes: one with its parts, and all curves of a network on one page."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from kanwidget.core.layer import EdgeState
from kanwidget.core.network import Network, column_names
from kanwidget.core.records import EdgeCurve, EdgeRef
from kanwidget.core.scores import attribute
from kanwidget.core.threads import limit_threads
from kanwidget.datasets import Dataset
from kanwidget.insight.plot.network import two_errors
from kanwidget.insight.plot.showing import new_axes, new_figure
from kanwidget.insight.plot.style import (
    Theme,
    ThemeName,
    frame_axes,
    function_name,
    math_free,
    theme_of,
    write,
)
from kanwidget.symbolic.candidates.partial_residuals import dots
from kanwidget.symbolic.formulas.words import level_mean
from kanwidget.symbolic.writing.naming import subscript
from kanwidget.training.evidence.errors import valid_posterior

#: Rows that are drawn.
_ROWS = 300
#: Names of levels below an axis, and letters of each.
_MOST_NAMES, _LONGEST_NAME = 8, 10
#: Dots of one level stand side by side, as evenly as multiples of the golden section do.
_GOLDEN = 0.618034
#: Curves of a page, and those side by side.
_MOST_TERMS, _ACROSS = 40, 3


@limit_threads
def plot_edge(
    network: Network,
    l: int,  # noqa: E741
    i: int,
    j: int,
    x: Tensor | None = None,
    *,
    data: Dataset | None = None,
    theme: ThemeName = "auto",
    title: Any = None,
    labels: tuple[Any, Any] = ("", ""),
) -> Figure:
    """Draw one edge: the function, its base, spline and symbolic parts, the data and the grid.

    The band around the function of a spline is ± 2 standard errors, where the last training has left a posterior. Dots are partial
    residuals: what rows of the data ask of the function, while the rest of the network stays as it is.

    Args:
        network: The network; it isn't changed.
        l: Layer of edges.
        i: Input node.
        j: Output subnode.
        x: Samples, shape `(batch, n_features)`: the function is drawn over their range, too.
        data: Data with labels, whose rows are drawn as dots, 300 of them at most. Without them x is drawn as rings on the function.
        theme: `light`, `dark`, or `auto`: transparent, in colours that can be read on both.
        title: Instead of `φ` with its indices.
        labels: Names of the two axes.

    Returns:
        A figure with one axes.

    Raises:
        ValueError: If there is no such edge.

    Examples:
        >>> from kanwidget import KAN
        >>> len(plot_edge(KAN([2, 5, 1]), 0, 1, 4).axes)
        1
    """
    layer = network.check_edge(l, i, j, "plot_edge")
    figure, ax, colors = new_axes("plot_edge", theme, (5.6, 3.2), (0.13, 0.16, 0.84, 0.72))
    frame_axes(ax, colors)
    _draw_edge(ax, network, EdgeRef(l, i, j), x, data, colors)
    ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1.0), ncols=6, frameon=False, fontsize=8, borderaxespad=0.2,
        handlelength=1.8, columnspacing=1.2, labelcolor=colors.muted,
    )  # fmt: skip
    style = {"transform": ax.transAxes, "color": colors.muted, "fontsize": 8}
    write(ax, 1, -0.12, labels[0], ha="right", va="top", **style)
    write(ax, -0.145, 0.5, labels[1], ha="left", va="center", rotation=90, **style)
    name = f"φ{subscript(l, i, j)} · {layer.state(i, j)}" if title is None else title
    write(ax, 1, 1.1, name, transform=ax.transAxes, color=colors.text, fontsize=9, ha="right", va="bottom")
    return figure


@limit_threads
def plot_terms(network: Network, x: Tensor, *, data: Dataset | None = None, theme: ThemeName = "auto") -> Figure:
    """Draw all curves of a network on one page, those of the inputs first and the most important first, 40 at most.

    A band, or a bar of a level of words, is ± 2 standard errors; dots are what rows of the data ask of the curve, as in `plot_edge`.

    Args:
        network: The network; it isn't changed.
        x: Samples, shape `(batch, n_features)`: curves are drawn over their range, and ordered by their importance on them.
        data: Data with labels, whose rows are drawn as dots.
        theme: `light`, `dark`, or `auto`: transparent, in colours that can be read on both.

    Returns:
        A figure with an axes for each edge that isn't pruned, 40 at most.

    Examples:
        >>> from kanwidget import KAN
        >>> len(plot_terms(KAN([3, 1]), torch.rand(20, 3, dtype=torch.float64)).axes)
        3
    """
    colors = theme_of(theme, "plot_terms")
    scores = attribute(network, x).edge_scores
    edges = sorted(
        network.edge_refs(active=True), key=lambda ref: (ref.layer, -float(scores[ref.layer][ref.target, ref.source]))
    )[:_MOST_TERMS]
    across = min(_ACROSS, max(1, len(edges)))
    down = max(1, math.ceil(len(edges) / across))
    width, height = 2.7 * across, 2.1 * down
    figure = new_figure((width, height), colors)
    for number, edge in enumerate(edges):
        row, column = divmod(number, across)
        left, bottom = (2.7 * column + 0.5) / width, (height - 2.1 * (row + 1) + 0.45) / height
        ax = figure.add_axes((left, bottom, 2.05 / width, 1.3 / height))
        frame_axes(ax, colors)
        _draw_edge(ax, network, edge, x, data, colors, whole=False)
        write(ax, 0, 1.05, _name(network, edge), transform=ax.transAxes, color=colors.text, fontsize=9, va="bottom")
    return figure


def _name(network: Network, edge: EdgeRef) -> str:
    """What an edge is called above its curve: the column that it reads, its indices, or both where the column has several edges."""
    if edge.layer > 0:
        return f"φ{subscript(*edge)}"
    name = column_names(network)[int(network.columns[edge.source])]
    return name if network.width[1][0] == 1 and network.width[1][1] == 0 else f"{name}, φ{subscript(*edge)}"


def _draw_edge(
    ax: Axes, network: Network, edge: EdgeRef, x: Tensor | None, data: Dataset | None, theme: Theme, whole: bool = True
) -> None:
    """Draw an edge's function in own units, with its band and its data.

    Args:
        ax: Where.
        network: The network.
        edge: The edge.
        x: Inputs of the network, `(batch, n_features)`, over whose range the edge is drawn; None for its grid alone.
        data: Data with labels: a dot is what a row asks of the edge while the rest of the network stays; None for none.
        theme: The colours.
        whole: Whether to draw its parts, its grid and rings for x, too.
    """
    layer = network.layer(edge.layer)
    rows = None if data is None else dots(network, edge, data, _ROWS).cpu().numpy()
    if layer.state(edge.source, edge.target) == "levels":
        _draw_levels(ax, network, edge, rows, theme)
        return
    units = network.edge_units(edge)
    grid, points = units.x_centre + units.x_size * layer.grid[edge.source], _inputs_of(network, edge, x)
    low, high = (torch.cat([grid, points]) if whole or not points.numel() else points).aminmax()
    at = torch.linspace(float(low), float(high), 257, dtype=grid.dtype, device=grid.device)
    curve = network.curve(edge, at)
    band, y = two_errors(network, valid_posterior(network), edge, at), curve.y.cpu().numpy()
    if band is not None:
        ax.fill_between(
            at.cpu().numpy(), y - band, y + band, color=theme.spline, alpha=0.2, linewidth=0, label="± 2 s.e."
        )
    state, symbol = layer.state(edge.source, edge.target), layer.symbol(edge.source, edge.target)
    _draw_parts(ax, curve, state, symbol, theme, whole=whole)
    if rows is not None:
        _draw_rows(ax, rows, theme, 0.7)
    elif points.numel() and whole:
        height = network.curve(edge, points).y.cpu().numpy()
        style: dict[str, Any] = {"markersize": 3.4, "markeredgewidth": 0.8, "markerfacecolor": "none"}
        ax.plot(points.cpu().numpy(), height, "o", label="inputs", color=theme.muted, **style)
    if whole:
        ends = grid.cpu().numpy()
        foot = ax.get_xaxis_transform()
        ax.plot(ends, [0.0] * len(ends), "|", transform=foot, color=theme.muted, markersize=9, label="grid")


def _draw_levels(ax: Axes, network: Network, edge: EdgeRef, rows: Any, theme: Theme) -> None:
    """Draw the values of an edge of words, less their mean, as in formulas: a dot with ± 2 standard errors for each level.

    `rows` has for rows of the data their level and the value that would mend their residual, `(2, n)`, for dots beside it; None for none.
    """
    mean = level_mean(network, edge)
    levels = network.layer(edge.layer).levels[edge.source]
    curve = network.curve(edge, torch.arange(levels, dtype=network.dtype, device=network.device))
    bars = two_errors(network, valid_posterior(network), edge, curve.x)
    at, y = curve.x.cpu().numpy(), curve.y.cpu().numpy() - mean
    if rows is not None:
        # From -¼ to ¼ of a level to the side, spread evenly: multiples of the golden section without their whole part.
        beside = 0.5 * (np.arange(rows.shape[1]) * _GOLDEN % 1 - 0.5)
        _draw_rows(ax, (rows[0] + beside, rows[1] - mean), theme, 0.6)
    ax.errorbar(at, y, bars, fmt="o", color=theme.spline, capsize=4, label="φ" if bars is None else "φ ± 2 s.e.")
    if network.encoding is not None:
        names = network.encoding.levels[int(network.columns[edge.source])]
        step = max(1, math.ceil(levels / _MOST_NAMES))
        ax.set_xticks(at[::step])
        ax.set_xticklabels([math_free(name)[:_LONGEST_NAME] for name in names[::step]])


def _draw_rows(ax: Axes, rows: Any, theme: Theme, alpha: float) -> None:
    """Draw rows of the data as pale dots behind a curve: `rows` has their x and y, `alpha` is the opacity."""
    ax.plot(*rows, ".", label="data", color=theme.muted, markersize=3.4, alpha=alpha, zorder=1.9)


def _inputs_of(network: Network, edge: EdgeRef, x: Tensor | None) -> Tensor:
    """Values of an edge's input in own units, `(n,)`, from inputs x of the network: finite ones, and of many rows every n-th alone.

    There are none without x.
    """
    if x is None:
        return network.layer(edge.layer).grid[edge.source, :0]
    with torch.no_grad():
        values = network.trace(x).nodes[edge.layer][:, edge.source]
    values = values[torch.isfinite(values)]
    return values[:: max(1, values.shape[0] // 60)]  # 60 to 119 of many: rings on a curve that can be told apart


def _draw_parts(ax: Axes, curve: EdgeCurve, state: EdgeState, symbol: str | None, theme: Theme, *, whole: bool) -> None:
    """Draw an edge's function and, where it is drawn `whole`, the parts of it behind: base, spline and symbol, as far as it has them.

    `state` is the edge's state, `symbol` the name of its primitive, if it has one.
    """
    at, numeric = curve.x.cpu().numpy(), state in ("spline", "both")
    name = math_free(function_name(symbol or ""))
    parts = [
        ("base", curve.base, numeric, theme.test, (0, (1.5, 1.5))),
        ("spline", curve.spline, numeric, theme.spline, (0, (5, 1.5))),
        (name, curve.symbolic, state == "both", theme.symbolic, (0, (6, 1.5, 1, 1.5))),
    ]
    for label, values, present, color, dashes in parts:
        if present and whole:
            ax.plot(at, values.cpu().numpy(), color=color, linestyle=dashes, linewidth=1.2, label=label)
    main = {"symbolic": theme.symbolic, "both": theme.both, "pruned": theme.ghost}.get(state, theme.spline)
    label = name if state == "symbolic" else "φ"
    ax.plot(at, curve.y.cpu().numpy(), color=main, linewidth=2.2, label=label, solid_capstyle="round")
