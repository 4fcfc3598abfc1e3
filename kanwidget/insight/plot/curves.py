"""Plots with axes: the training curves, and one edge with its parts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from kanwidget.core.layer import EdgeState
from kanwidget.core.network import Network
from kanwidget.core.records import EdgeCurve, EdgeRef, Event, History
from kanwidget.core.threads import limit_threads
from kanwidget.datasets import Dataset
from kanwidget.insight.plot.style import (
    Theme,
    ThemeName,
    function_name,
    math_free,
    new_figure,
    subscript,
    theme_of,
    write,
)
from kanwidget.symbolic.candidates.partial_residuals import dots
from kanwidget.training.evidence.errors import curve_errors, valid_posterior

#: Rows that are drawn.
_ROWS = 300
#: Names of levels below an axis, and letters of each.
_MOST_NAMES, _LONGEST_NAME = 8, 10
#: Dots of one level stand side by side, as evenly as multiples of the golden section do.
_GOLDEN = 0.618034


def plot_history(history: History, *, theme: ThemeName = "auto", title: Any = None) -> Figure:
    """Draw the losses of a training over its steps, on a logarithmic scale, with its events.

    Args:
        history: Of `fit`, or a network's `history`.
        theme: `light`, `dark`, or `auto`: transparent, in colours that can be read on both.
        title: Above the drawing.

    Returns:
        A figure with one axes.

    Examples:
        >>> from kanwidget.core.records import StepRecord
        >>> figure = plot_history(History([StepRecord(n, 0.5**n, 0.6**n, 0.0, 0.1 * n) for n in range(1, 9)]))
        >>> len(figure.axes)
        1
    """
    colors = theme_of(theme, "plot_history")
    figure = new_figure((6.4, 3.0), colors)
    ax = figure.add_axes((0.1, 0.16, 0.76, 0.64))
    draw_curves(ax, history, colors)
    if title is not None:
        write(ax, 0, 1.17, title, transform=ax.transAxes, color=colors.text, fontsize=11, ha="left", va="bottom")
    return figure


def draw_curves(ax: Axes, history: History, theme: Theme) -> None:
    """Draw the losses, each with its name at its end."""
    lines = [
        ("penalty", history["penalty"], theme.penalty, (0, (1.5, 1.5))),
        ("validation", history["validation_loss"], theme.both, (0, (6, 1.5, 1, 1.5))),
        ("test", history["test_loss"], theme.test, (0, (5, 1.5))),
        ("train", history["train_loss"], theme.spline, "solid"),
    ]
    # Steps are numbered over several calls of fit: a record's own number begins anew in each.
    steps = list(range(1, len(history) + 1))
    _frame(ax, theme)
    ends = []
    for name, values, color, dashes in lines:
        drawable = [value if value is not None and value > 0 else math.nan for value in values]
        last = next((v for v in reversed(drawable) if math.isfinite(v)), None)
        if last is not None:
            ax.plot(steps, drawable, color=color, linestyle=dashes, linewidth=1.6, solid_capstyle="round")
            ends.append((last, name, color))
    if not ends:
        write(ax, 0.5, 0.5, "no steps", transform=ax.transAxes, color=theme.muted, ha="center", va="center")
        return
    ax.set_yscale("log")
    ax.set_xlim(1, max(len(steps), 2))
    _mark_ends(ax, ends)
    _mark_events(ax, history, theme)
    write(ax, 1, -0.13, "step", transform=ax.transAxes, color=theme.muted, fontsize=8, ha="right", va="top")


def _frame(ax: Axes, theme: Theme) -> None:
    """Axes with a ground line and pale horizontal lines, nothing else."""
    ax.set_facecolor("none")
    for side in ("left", "right", "top"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(theme.muted)
    ax.grid(axis="y", color=theme.ghost, linewidth=0.6, alpha=0.6)
    ax.tick_params(axis="both", which="both", colors=theme.muted, labelsize=8, left=False)


def _mark_ends(ax: Axes, ends: list[tuple[float, str, str]]) -> None:
    """Each line's name at its right end, moved apart where they would meet."""
    low, high = (math.log(limit) for limit in ax.get_ylim())
    spacing = 0.085
    at = -math.inf
    for value, name, color in sorted(ends):
        height = (math.log(value) - low) / (high - low)
        at = max(height, at + spacing)
        style = {"transform": ax.transAxes, "fontsize": 8.5, "fontweight": "bold", "va": "center"}
        write(ax, 1.015, at, name, color=color, **style)


def _mark_events(ax: Axes, history: History, theme: Theme) -> None:
    """A dotted line for every event, its kind above; several at one step share it."""
    by_step: dict[int, list[Event]] = {}
    for event in history.events:
        by_step.setdefault(min(max(event.step, 1), len(history)), []).append(event)
    span = max(len(history) - 1, 1)
    free_from = [-1.0, -1.0]
    for step, events in sorted(by_step.items()):
        ax.axvline(step, color=theme.muted, linewidth=0.8, linestyle=(0, (1.5, 2)), zorder=1)
        text = ", ".join(dict.fromkeys(_short(event) for event in events))
        fraction = (step - 1) / span
        # Two rows; an event that fits in neither has a line without label.
        row = next((n for n, start in enumerate(free_from) if fraction >= start), None)
        if row is not None:
            free_from[row] = fraction + 0.016 * len(text) + 0.02
            style = {"transform": ax.get_xaxis_transform(), "fontsize": 7.5, "color": theme.muted, "ha": "left"}
            write(ax, step, 1.02 + 0.075 * row, text, va="bottom", **style)


def _short(event: Event) -> str:
    """An event in a word or two."""
    return event.label if len(event.label) <= 14 else event.kind


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
    colors = theme_of(theme, "plot_edge")
    if layer.state(i, j) == "levels":
        return _plot_levels(network, EdgeRef(l, i, j), data, colors, title, labels)
    units = network.edge_units((l, i, j))
    grid, points = units.x_centre + units.x_size * layer.grid[i], _inputs_of(network, l, i, x)
    low, high = torch.cat([grid, points]).aminmax()
    at = torch.linspace(float(low), float(high), 257, dtype=grid.dtype, device=grid.device)
    figure = new_figure((5.6, 3.2), colors)
    ax = figure.add_axes((0.13, 0.16, 0.84, 0.72))
    _frame(ax, colors)
    curve = network.curve((l, i, j), at)
    _draw_band(ax, network, curve, colors)
    _draw_parts(ax, curve, layer.state(i, j), layer.symbol(i, j), colors)
    if data is not None:
        rows = dots(network, EdgeRef(l, i, j), data, _ROWS).cpu().numpy()
        ax.plot(*rows, ".", label="data", color=colors.muted, markersize=3.4, alpha=0.7, zorder=1.9)
    elif points.numel():
        height = network.curve((l, i, j), points).y.cpu().numpy()
        style: dict[str, Any] = {"markersize": 3.4, "markeredgewidth": 0.8, "markerfacecolor": "none"}
        ax.plot(points.cpu().numpy(), height, "o", label="inputs", color=colors.muted, **style)
    ends = grid.cpu().numpy()
    foot = ax.get_xaxis_transform()
    ax.plot(ends, [0.0] * len(ends), "|", transform=foot, color=colors.muted, markersize=9, label="grid")
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


def _plot_levels(
    network: Network, edge: EdgeRef, data: Dataset | None, theme: Theme, title: Any, labels: tuple[Any, Any]
) -> Figure:
    """The values of words, a dot with ± 2 standard errors for each level."""
    levels = network.layer(edge.layer).levels[edge.source]
    curve = network.curve(edge, torch.arange(levels, dtype=network.dtype, device=network.device))
    posterior = valid_posterior(network)
    errors = None if posterior is None else curve_errors(network, posterior, edge, curve.x)
    figure = new_figure((5.6, 3.2), theme)
    ax = figure.add_axes((0.13, 0.16, 0.84, 0.72))
    _frame(ax, theme)
    at, y = curve.x.cpu().numpy(), curve.y.cpu().numpy()
    if data is not None:
        rows = dots(network, edge, data, _ROWS).cpu().numpy()
        beside = 0.5 * (np.arange(rows.shape[1]) * _GOLDEN % 1 - 0.5)
        ax.plot(rows[0] + beside, rows[1], ".", label="data", color=theme.muted, markersize=3.4, alpha=0.6, zorder=1.9)
    bars = None if errors is None else 2 * errors.cpu().numpy()
    ax.errorbar(at, y, bars, fmt="o", color=theme.spline, capsize=4, label="φ" if bars is None else "φ ± 2 s.e.")
    encoding = network.encoding
    if encoding is not None:
        names = encoding.levels[int(network.columns[edge.source])]
        step = max(1, math.ceil(levels / _MOST_NAMES))
        ax.set_xticks(at[::step])
        ax.set_xticklabels([math_free(name)[:_LONGEST_NAME] for name in names[::step]])
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, frameon=False, fontsize=8, labelcolor=theme.muted)
    style = {"transform": ax.transAxes, "color": theme.muted, "fontsize": 8}
    write(ax, 1, -0.12, labels[0], ha="right", va="top", **style)
    write(ax, -0.145, 0.5, labels[1], ha="left", va="center", rotation=90, **style)
    name = f"φ{subscript(*edge)} · levels" if title is None else title
    write(ax, 1, 1.1, name, transform=ax.transAxes, color=theme.text, fontsize=9, ha="right", va="bottom")
    return figure


def _inputs_of(network: Network, level: int, node: int, x: Tensor | None) -> Tensor:
    """Some of a node's finite values, `(n,)`; none without samples."""
    if x is None:
        return network.layer(level).grid[node, :0]
    with torch.no_grad():
        values = network.trace(x).nodes[level][:, node]
    values = values[torch.isfinite(values)]
    return values[:: max(1, values.shape[0] // 60)]


def _draw_band(ax: Axes, network: Network, curve: EdgeCurve, theme: Theme) -> None:
    """Shade ± 2 standard errors around an edge's function, where something says them."""
    posterior = valid_posterior(network)
    errors = None if posterior is None else curve_errors(network, posterior, curve.edge, curve.x)
    if errors is not None:
        at, y, width = (values.cpu().numpy() for values in (curve.x, curve.y, 2 * errors))
        ax.fill_between(at, y - width, y + width, color=theme.spline, alpha=0.2, linewidth=0, label="± 2 s.e.")


def _draw_parts(ax: Axes, curve: EdgeCurve, state: EdgeState, symbol: str | None, theme: Theme) -> None:
    """Draw an edge's function and, behind it, its parts."""
    at, numeric = curve.x.cpu().numpy(), state in ("spline", "both")
    name = math_free(function_name(symbol or ""))
    parts = [
        ("base", curve.base, numeric, theme.test, (0, (1.5, 1.5))),
        ("spline", curve.spline, numeric, theme.spline, (0, (5, 1.5))),
        (name, curve.symbolic, state == "both", theme.symbolic, (0, (6, 1.5, 1, 1.5))),
    ]
    for label, values, present, color, dashes in parts:
        if present:
            ax.plot(at, values.cpu().numpy(), color=color, linestyle=dashes, linewidth=1.2, label=label)
    main = {"symbolic": theme.symbolic, "both": theme.both, "pruned": theme.ghost}.get(state, theme.spline)
    whole = name if state == "symbolic" else "φ"
    ax.plot(at, curve.y.cpu().numpy(), color=main, linewidth=2.2, label=whole, solid_capstyle="round")
