"""Drawings of what is no network and no curve: bars of how much each column matters, and the tree of a function."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence, Sized
from typing import Any, Protocol

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.scores import attribute
from kanwidget.core.threads import limit_threads
from kanwidget.insight.plot.showing import new_axes, new_figure
from kanwidget.insight.plot.style import Theme, ThemeName, in_inches, theme_of, write, write_title
from kanwidget.symbolic.writing.naming import subscript

#: Inches of a bar with its gap, of the margins above and below, and of the figure's width with that of the names.
_BAR, _HEAD, _FOOT, _WIDTH, _NAMES = 0.23, 0.42, 0.12, 6.4, 1.9
#: Inches between two columns and between two levels, and around the drawing.
_STEP, _RISE, _SIDE = 0.95, 0.78, 0.45
#: Size of a sign's circle in points, half of a box's height in inches, and the dashes of what is undecided.
_CIRCLE, _HALF_BOX = 17, 0.13
_DASHES: Any = (0, (3, 2))
#: Letters of the title to an inch, and inches from one line to the next.
_LETTERS, _LEADING = 10.5, 0.19


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


# ---- the tree of a function: columns below, the whole above, as a network is drawn


class DrawnNode(Protocol):
    """What is drawn of a node of `kanwidget.structure.Tree`: that room draws with this one, which can't import it."""

    @property
    def kind(self) -> str:
        """`sum`, `product`, `form`, `function`, `column` or `constant`."""

    @property
    def label(self) -> str:
        """The sign, the form or the name of a column."""

    @property
    def verdict(self) -> str:
        """`undecided` is drawn dashed."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns below."""

    @property
    def children(self) -> Sequence[DrawnNode]:
        """The nodes below."""

    @property
    def target(self) -> str:
        """Of the root: the name of the whole."""

    @property
    def irrelevant(self) -> tuple[str, ...]:
        """Of the root: columns without influence."""

    @property
    def unvaried(self) -> tuple[str, ...]:
        """Of the root: columns with one value."""


def plot_tree(tree: DrawnNode, *, theme: ThemeName = "auto", title: Any = None) -> Figure:
    """Draw a tree: columns below, the target above.

    Circles with + and × are sums and products of functions, a box is a function of an expression of its columns, such as x - y (green), or
    of what is below it (blue); a dashed one may have more structure, which the fit can't tell. Pale names at the right have no influence.

    Args:
        tree: The root.
        theme: `light`, `dark`, or `auto`: transparent, in colours that can be read on both.
        title: Above the drawing; by default the tree as one line.

    Returns:
        A figure with one axes.

    Examples:
        >>> from kanwidget.structure import Tree
        >>> tree = Tree("sum", ("a", "b"), "+", children=(Tree("column", ("a",), "a"), Tree("column", ("b",), "b")), target="y")
        >>> [text.get_text() for text in plot_tree(tree).axes[0].texts]
        ['a', 'b', '+', 'y', 'y = f(a) + g(b)']
    """
    outside = [*tree.irrelevant, *tree.unvaried]  # columns without influence, and those with one value in all rows
    names = [*_leaves(tree), *outside]
    height = _height(tree)
    width = max(_STEP * len(names) + 2 * _SIDE, 3.6)
    lines = textwrap.wrap(str(tree), int(_LETTERS * width)) if title is None else [title]
    size = (width, _RISE * (height + 1) + _SIDE + 0.1 + _LEADING * len(lines))
    figure, ax, colors = new_axes("plot_tree", theme, size)
    in_inches(ax, size)
    left = (size[0] - _STEP * (len(names) - 1)) / 2
    positions = iter(left + _STEP * number for number in range(len(names)))
    top = _SIDE + _RISE * height
    x = _draw(ax, tree, positions, top, colors)
    _line(ax, (x, top + _gap(tree)), (x, top + 0.62 * _RISE), colors)
    write(ax, x, top + 0.66 * _RISE, tree.target or "y", color=colors.text, fontsize=11, ha="center", va="bottom")
    for name, at in zip(outside, positions, strict=True):
        write(ax, at, _SIDE, name, color=colors.muted, fontsize=11, ha="center", va="center", alpha=0.6)
    for number, line in enumerate(lines):
        y = size[1] - 0.1 - _LEADING * number
        write(ax, size[0] / 2, y, line, color=colors.muted, fontsize=9.5, ha="center", va="top")
    return figure


def _leaves(tree: DrawnNode) -> Iterator[str]:
    """Yield the names of the columns below a node in the order in which they are drawn, from left to right."""
    if not tree.children:
        yield from tree.columns
    for child in tree.children:
        yield from _leaves(child)


def _height(tree: DrawnNode) -> int:
    """At how many levels above the row of columns a node is drawn: a form, such as x - y, stands above the columns that it is made of."""
    if tree.children:
        return 1 + max(map(_height, tree.children))
    return int(tree.kind == "form")


def _draw(ax: Axes, tree: DrawnNode, positions: Iterator[float], y: float, theme: Theme) -> float:
    """Draw a node, at a height y, with all that is below it; returns its x, in inches as y is.

    `positions` yields the x of each column from left to right: nodes are drawn in the order of their columns, and take what they need.
    """
    if tree.kind in ("column", "constant"):
        x = next(positions) if tree.kind == "column" else ax.get_xlim()[1] / 2
        _line(ax, (x, y), (x, _SIDE + 0.14), theme)
        write(ax, x, _SIDE, tree.label, color=theme.text, fontsize=11, ha="center", va="center")
        return x
    if tree.children:
        below = [_draw(ax, child, positions, y - _RISE, theme) for child in tree.children]
        ends = [(at, y - _RISE + _gap(child)) for at, child in zip(below, tree.children, strict=True)]
    else:
        ends = [(next(positions), _SIDE + 0.14) for _ in tree.columns]
        for name, (at, _) in zip(tree.columns, ends, strict=True):
            write(ax, at, _SIDE, name, color=theme.text, fontsize=11, ha="center", va="center")
    x = (ends[0][0] + ends[-1][0]) / 2
    for end in ends:
        _line(ax, (x, y - _gap(tree)), end, theme)
    _draw_sign(ax, tree, x, y, theme)
    return x


def _gap(tree: DrawnNode) -> float:
    """How far from a node's middle lines end, in inches: at the edge of a box, whose ground may be transparent; circles cover lines."""
    return 0.0 if tree.kind in ("sum", "product", "column", "constant") else _HALF_BOX


def _draw_sign(ax: Axes, tree: DrawnNode, x: float, y: float, theme: Theme) -> None:
    """Draw a node itself at (x, y): a circle with + or ×, or a box with a form (x - y) or a function, dashed if undecided."""
    if tree.kind in ("sum", "product"):
        ax.plot([x], [y], "o", color=theme.node, markersize=_CIRCLE, markeredgewidth=0, zorder=3)
        look: dict[str, Any] = {"ha": "center", "va": "center_baseline", "zorder": 4}
        write(ax, x, y - 0.01, tree.label, color=theme.on_node, fontsize=13, **look)
        return
    color = theme.symbolic if tree.kind == "form" else theme.spline
    ground = theme.background if theme.background != "none" else theme.face
    style = _DASHES if tree.verdict == "undecided" else "solid"
    box = {"boxstyle": "round,pad=0.35", "facecolor": ground, "edgecolor": color, "linestyle": style, "linewidth": 1.4}
    write(ax, x, y, tree.label, color=color, fontsize=10, ha="center", va="center", bbox=box, zorder=4)


def _line(ax: Axes, start: tuple[float, float], end: tuple[float, float], theme: Theme) -> None:
    """Draw the line between two nodes of a tree, behind everything else."""
    ax.plot([start[0], end[0]], [start[1], end[1]], color=theme.muted, linewidth=1.2, zorder=1, solid_capstyle="round")
