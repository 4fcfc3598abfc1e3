"""Bars of how much each column matters, for tables of any width."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.scores import attribute
from kanwidget.core.threads import limit_threads
from kanwidget.insight.plot.showing import new_figure
from kanwidget.insight.plot.style import ThemeName, subscript, theme_of, write, write_title

#: Inches of a bar with its gap, of the margins above and below, and of the figure's width with that of the names.
_BAR, _HEAD, _FOOT, _WIDTH, _NAMES = 0.23, 0.42, 0.12, 6.4, 1.9


@limit_threads
def plot_scores(
    network: Network,
    x: Tensor,
    l: int | None = None,  # noqa: E741
    i: int | None = None,
    *,
    in_vars: Sequence[Any] | None = None,
    top: int = 20,
    theme: ThemeName = "auto",
    title: Any = None,
) -> Figure:
    """Draw how much every column that the network reads matters, by `attribute`.

    Args:
        network: The network; it isn't changed.
        x: Samples, shape `(batch, n_features)`.
        l: For the nodes of this level instead of the outputs, 1 to depth.
        i: For this node of level l alone.
        in_vars: Names of the columns of x; by default those of the training data, or x₁, x₂, ….
        top: Most bars, ≥ 1; one more stands for the rest.
        theme: `light`, `dark`, or `auto`, see `plot_bars`.
        title: Above the drawing.

    Returns:
        A figure with one axes.

    Examples:
        >>> from kanwidget import KAN
        >>> len(plot_scores(KAN([100, 2, 1]), torch.rand(50, 100, dtype=torch.float64)).axes[0].patches)
        21
    """
    _check.integer(top, "top", "plot_scores", low=1)
    theme_of(theme, "plot_scores")  # an error names this function
    if in_vars is not None and (not isinstance(in_vars, Sized) or len(in_vars) != network.n_features):
        advice = "Names of pruned columns count too."
        _check.fail("in_vars", "plot_scores", f"a list of {network.n_features} names, one a column", in_vars, advice)
    names = list(network.in_vars if in_vars is None else in_vars)
    names = names or [f"x{subscript(column + 1)}" for column in range(network.n_features)]
    scores = attribute(network, x, l, i).node_scores[0]
    read = [names[column] for column in network.columns.tolist()]
    return plot_bars(read, scores, top=top, theme=theme, title=title)


def plot_bars(
    names: Sequence[Any],
    values: Tensor,
    matters: Tensor | None = None,
    *,
    top: int = 20,
    theme: ThemeName = "auto",
    title: Any = None,
) -> Figure:
    """Draw values as bars, the largest first; one bar stands for all that come after the first `top`, as long as the longest of them.

    Args:
        names: One for each value: text, LaTeX between `$`, or sympy symbols.
        values: Of any number of columns, `(columns,)`, ≥ 0 but for chance.
        matters: Mask of those that are more than chance, `(columns,)`; the others are pale.
        top: Most bars, ≥ 1.
        theme: `light`, `dark`, or `auto`: transparent, in colours that can be read on both.
        title: Above the drawing.

    Returns:
        A figure with one axes.

    Examples:
        >>> figure = plot_bars(["a", "b", "c"], torch.tensor([0.1, 0.7, 0.2]), top=2)
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['b', '0.700', 'c', '0.200', '1 other, at most', '0.100']
    """
    colors = theme_of(theme, "plot_bars")
    _check.integer(top, "top", "plot_bars", low=1)
    order = torch.argsort(values, descending=True, stable=True).tolist()
    shown, others = order[:top], order[top:]
    count = len(shown) + bool(others)
    height = _HEAD + _BAR * count + _FOOT
    figure = new_figure((_WIDTH, height), colors)
    ax = figure.add_axes((_NAMES / _WIDTH, _FOOT / height, 1 - (_NAMES + 0.75) / _WIDTH, _BAR * count / height))
    ax.set_axis_off()
    ax.set_ylim(count - 0.5, -0.5)
    longest = max(float(values.max()), 1e-300)
    ax.set_xlim(0, longest)
    rows = [(names[index], index) for index in shown]
    if others:
        rows.append((f"{len(others)} other{'s' if len(others) > 1 else ''}, at most", others[0]))
    for row, (name, index) in enumerate(rows):
        value, certain = float(values[index]), matters is None or bool(matters[index])
        ax.barh(row, max(value, 0.0), height=0.62, color=colors.spline if certain else colors.ghost)
        write(ax, -0.02 * longest, row, name, color=colors.text, fontsize=9, ha="right", va="center")
        write(ax, max(value, 0.0) + 0.015 * longest, row, f"{value:.3f}", color=colors.muted, fontsize=8, va="center")
    write_title(ax, 1 + 0.09 / (_BAR * count), title, colors, fontsize=10)
    return figure
