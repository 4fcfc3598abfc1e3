"""Plots of a network's output: over one or two inputs, and for classes the table of who is taken for whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kanwidget.insight.plot.showing import new_figure
from kanwidget.insight.plot.style import ThemeName, draw_frame, theme_of, write, write_title

_MAP = "viridis"


def plot_surface(
    x: NDArray[Any],
    y: NDArray[Any] | None,
    z: NDArray[Any],
    points: NDArray[Any],
    names: Sequence[str],
    *,
    theme: ThemeName = "auto",
    title: Any = None,
) -> Figure:
    """Draw an output over two inputs in colours, or over one input as a line, with some of the data.

    Args:
        x: Values of the input across, `(columns,)`.
        y: Values of the input upwards, `(rows,)`; None for a line.
        z: The output, `(rows, columns)`; a single row for a line.
        points: x, y and value of some rows of the data, `(3, points)`.
        names: Of the inputs across and upwards, and of the output.
        theme: `light`, `dark`, or `auto`: transparent, in colours that can be read on both.
        title: Above the drawing.

    Examples:
        >>> import numpy as np
        >>> figure = plot_surface(np.arange(3), np.arange(2), np.ones((2, 3)), np.ones((3, 1)), ["T", "p", "y"])
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['p', 'y']
    """
    colors = theme_of(theme, "plot_surface")
    figure = new_figure((5.6, 4.2), colors)
    ax = figure.add_axes((0.13, 0.13, 0.68 if y is not None else 0.83, 0.76))
    draw_frame(ax, colors, (names[0], names[1] if y is not None else names[2]))
    if y is None:
        ax.plot(
            points[0], points[2], "o", color=colors.muted, markersize=3, markerfacecolor="none", markeredgewidth=0.7
        )
        ax.plot(x, z[0], color=colors.spline, linewidth=1.8)
    else:
        values = np.concatenate([z[np.isfinite(z)], points[2]])
        ends = {"vmin": values.min(), "vmax": values.max()}
        image = ax.pcolormesh(x, y, z, cmap=_MAP, shading="gouraud", rasterized=True, **ends)
        style: dict[str, Any] = {
            "s": 14,
            "edgecolors": colors.background if theme != "auto" else "white",
            "linewidths": 0.6,
        }
        ax.scatter(points[0], points[1], c=points[2], cmap=_MAP, zorder=3, **style, **ends)
        bar = figure.colorbar(image, cax=figure.add_axes((0.84, 0.13, 0.03, 0.76)))
        bar.outline.set_visible(False)
        bar.ax.tick_params(colors=colors.muted, labelsize=8, length=0)
        bar.set_label(names[2], color=colors.muted, fontsize=8.5)
    write_title(ax, 1.03, title, colors, fontsize=10)
    return figure


def plot_confusion(
    counts: NDArray[Any], classes: Sequence[str], *, theme: ThemeName = "auto", title: Any = None
) -> Figure:
    """Draw how many rows of each class are predicted as which.

    Args:
        counts: `(classes, classes)`, one row a true class, one column a predicted one.
        classes: Names.
        theme: `light`, `dark`, or `auto`: transparent, in colours that can be read on both.
        title: Above the drawing.

    Examples:
        >>> import numpy as np
        >>> figure = plot_confusion(np.array([[8, 1], [0, 3]]), ["gas", "solid"])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['8', '1', '0', '3']
    """
    colors = theme_of(theme, "plot_confusion")
    side = max(3.2, 0.62 * len(classes) + 1.4)
    figure = new_figure((side + 0.6, side), colors)
    ax = figure.add_axes((0.26, 0.22, 0.7, 0.66))
    draw_frame(ax, colors, ("predicted", "true"))
    ax.grid(visible=False)
    total = np.maximum(counts.sum(1, keepdims=True), 1)
    ax.imshow(counts / total, cmap="Blues", vmin=0, vmax=1, alpha=0.75)
    for (row, column), count in np.ndenumerate(counts):
        dark = counts[row, column] / total[row, 0] > 0.55
        style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 9}
        write(ax, column, row, f"{int(count)}", color="white" if dark else colors.text, **style)
    ax.set_xticks(range(len(classes)), classes, rotation=30, ha="right", parse_math=False)
    ax.set_yticks(range(len(classes)), classes, parse_math=False)
    write_title(ax, 1.03, title, colors, fontsize=10)
    return figure
