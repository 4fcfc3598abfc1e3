"""Drawing the tree of a function: columns below, the whole above, as a network is drawn."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kanwidget.insight.plot.showing import new_figure
from kanwidget.insight.plot.style import Theme, ThemeName, theme_of, write

#: Inches between two columns and between two levels, and around the drawing.
_STEP, _RISE, _SIDE = 0.95, 0.78, 0.45
#: Size of a sign's circle in points, half of a box's height in inches, and the dashes of what is undecided.
_CIRCLE, _HALF_BOX = 17, 0.13
_DASHES: Any = (0, (3, 2))
#: Letters of the title to an inch, and inches from one line to the next.
_LETTERS, _LEADING = 10.5, 0.19


class DrawnNode(Protocol):
    """What is drawn of a node."""

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

    Circles with + and × are sums and products of functions, a box is a function of a symmetric form (green) or of what is below it
    (blue); a dashed one may have more structure, which the fit can't tell. Pale names at the right have no influence.

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
    colors = theme_of(theme, "plot_tree")
    outside = [*tree.irrelevant, *tree.unvaried]
    names = [*_leaves(tree), *outside]
    height = _height(tree)
    width = max(_STEP * len(names) + 2 * _SIDE, 3.6)
    lines = textwrap.wrap(str(tree), int(_LETTERS * width)) if title is None else [title]
    size = (width, _RISE * (height + 1) + _SIDE + 0.1 + _LEADING * len(lines))
    figure = new_figure(size, colors)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    ax.set_xlim(0, size[0])
    ax.set_ylim(0, size[1])
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
    """The columns in the order of the drawing."""
    if not tree.children:
        yield from tree.columns
    for child in tree.children:
        yield from _leaves(child)


def _height(tree: DrawnNode) -> int:
    """Levels above the columns."""
    if tree.children:
        return 1 + max(map(_height, tree.children))
    return int(tree.kind == "form")


def _draw(ax: Axes, tree: DrawnNode, positions: Iterator[float], y: float, theme: Theme) -> float:
    """Draw a node at a height with all that is below it; returns its place along the row of columns."""
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
    """Where lines end above and below a node: at a box, whose ground may be transparent; circles cover them."""
    return 0.0 if tree.kind in ("sum", "product", "column", "constant") else _HALF_BOX


def _draw_sign(ax: Axes, tree: DrawnNode, x: float, y: float, theme: Theme) -> None:
    """A circle with + or ×, or a box with the form or the letter of a function."""
    if tree.kind in ("sum", "product"):
        ax.plot([x], [y], "o", color=theme.node, markersize=_CIRCLE, markeredgewidth=0, zorder=3)
        write(
            ax, x, y - 0.01, tree.label, color=theme.on_node, fontsize=13, ha="center", va="center_baseline", zorder=4
        )
        return
    color = theme.symbolic if tree.kind == "form" else theme.spline
    ground = theme.background if theme.background != "none" else theme.face
    style = _DASHES if tree.verdict == "undecided" else "solid"
    box = {"boxstyle": "round,pad=0.35", "facecolor": ground, "edgecolor": color, "linestyle": style, "linewidth": 1.4}
    write(ax, x, y, tree.label, color=color, fontsize=10, ha="center", va="center", bbox=box, zorder=4)


def _line(ax: Axes, start: tuple[float, float], end: tuple[float, float], theme: Theme) -> None:
    ax.plot([start[0], end[0]], [start[1], end[1]], color=theme.muted, linewidth=1.2, zorder=1, solid_capstyle="round")
