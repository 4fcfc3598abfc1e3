"""The Pareto front of error against size: points, and the line of the unbeaten ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import Bbox, offset_copy

from kanwidget.insight.plot.showing import new_axes
from kanwidget.insight.plot.style import Theme, ThemeName, draw_frame, write, write_title

#: Room of labels at the left, and of a line, as parts of the axes' width and height.
_ROOM, _LINE = 0.25, 0.045


def plot_front(
    points: Sequence[tuple[float, float]],
    front: Sequence[tuple[float, float, str]],
    names: tuple[str, str],
    *,
    best: int | None = None,
    theme: ThemeName = "auto",
    title: Any = None,
) -> Figure:
    """Draw points, and a stair along the front with a label at each of its corners.

    Args:
        points: x and y of each; logarithmic where all are positive.
        front: x, y and label, x rising and y falling.
        names: Of the axes.
        best: The index of a point of the front that is marked, and never without its label.
        theme: `light`, `dark`, or `auto`: transparent, in colours that can be read on both.
        title: Above the drawing.

    Returns:
        A figure with one axes.

    Examples:
        >>> figure = plot_front([(1, 3.0), (2, 1.0), (3, 2.0)], [(1, 3.0, "a"), (2, 1.0, "b")], ("size", "error"))
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['b', 'a']
    """
    height = 0.73 if title is not None else 0.8
    figure, ax, colors = new_axes("plot_front", theme, (6.4, 3.6), (0.12, 0.15, 0.84, height))
    draw_frame(ax, colors, (names[0].replace("_", " "), names[1].replace("_", " ")))
    if points:
        xs, ys = zip(*points, strict=True)
        ax.plot(xs, ys, "o", color=colors.muted, markersize=3.5, markeredgewidth=0, alpha=0.6)
        ax.set_yscale("log" if min(ys) > 0 else "linear")
        if min(xs) > 0:
            ax.set_xscale("log")
    else:
        write(ax, 0.5, 0.5, "no results", transform=ax.transAxes, color=colors.muted, ha="center", va="center")
    if front:
        _draw_front(figure, ax, front, best, colors)
    # Ticks between the powers of ten, too: of the y axis only up to two decades, since beyond them the powers are enough.
    for axis, decades in ((ax.xaxis, math.inf), (ax.yaxis, 2)):
        _mark_numbers(axis, decades)
    write_title(ax, 1.04, title, colors)
    return figure


def _draw_front(
    figure: Figure, ax: Axes, front: Sequence[tuple[float, float, str]], best: int | None, theme: Theme
) -> None:
    """Draw the stair along a front with its labels, as far as these don't overlap.

    Args:
        figure: The figure.
        ax: Its axes.
        front: x, y and label of each corner.
        best: Index of the corner with a ring and a bold label; None for none.
        theme: The colours.
    """
    xs, ys, labels = zip(*front, strict=True)
    style: dict[str, Any] = {"color": theme.spline, "markersize": 5, "markeredgewidth": 0}
    ax.step(xs, ys, "o-", where="post", linewidth=1.6, **style)
    if best is not None:
        ax.plot(xs[best], ys[best], "o", markersize=9, markerfacecolor="none", markeredgecolor=theme.text)
    _make_room(ax)
    # Left of and below the front there are no points, or they would be on it.
    below_left = offset_copy(ax.transData, figure, x=-4, y=-3, units="points")
    written: list[Bbox] = []
    # The best one first: others give way to it.
    for index in sorted(range(len(xs)), key=lambda index: (index != best, -index)):
        weight = "bold" if index == best else "normal"
        options = {"transform": below_left, "color": theme.text, "fontsize": 7.5, "fontweight": weight}
        label = write(ax, xs[index], ys[index], labels[index], ha="right", va="top", **options)
        box = label.get_window_extent()
        if any(box.overlaps(other) for other in written):  # a corner without its label is better than two on each other
            label.remove()
        else:
            written.append(box.expanded(1.05, 1.15))


def _mark_numbers(axis: Axis, decades: float) -> None:
    """Give a logarithmic axis of at most so many `decades` readable ticks, also between the powers of ten; other axes stay as they are."""
    low, high = axis.get_view_interval()
    if axis.get_scale() != "log" or high > low * 10**decades:
        return
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    if sum(low <= tick <= high for tick in axis.get_majorticklocs()) < 2:
        axis.set_major_locator(MaxNLocator(4))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(NullLocator())


def _make_room(ax: Axes) -> None:
    """Make the axes larger at the left, where the front's labels stand, and at the bottom, in the axes' own scale (linear or not)."""
    for axis, room in ((ax.xaxis, _ROOM), (ax.yaxis, 2 * _LINE)):
        low, high = axis.get_transform().transform(axis.get_view_interval())
        low, high = axis.get_transform().inverted().transform([low - room * (high - low), high])
        axis.set_view_interval(low, high, ignore=True)
