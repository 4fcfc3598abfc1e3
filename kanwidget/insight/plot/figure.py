"""The public drawings of a whole network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.records import History
from kanwidget.core.threads import limit_threads
from kanwidget.insight.plot.curves import draw_curves
from kanwidget.insight.plot.labels import draw_functions, draw_hidden_names, draw_legend, draw_names, draw_ticks
from kanwidget.insight.plot.layout import arrange
from kanwidget.insight.plot.network import Metric, draw_network, edges_of
from kanwidget.insight.plot.showing import new_figure, to_svg
from kanwidget.insight.plot.style import ThemeName, theme_of, write
from kanwidget.symbolic.writing.naming import subscript

#: Of the columns of the data, and of the outputs.
Names = tuple[Sequence[Any] | None, Sequence[Any] | None]


@limit_threads
def plot(
    network: Network,
    x: Tensor | None = None,
    *,
    beta: float = 3.0,
    metric: Metric = "backward",
    in_vars: Sequence[Any] | None = None,
    out_vars: Sequence[Any] | None = None,
    title: Any = None,
    sample: bool = False,
    tick: bool = False,
    scale: float = 1.0,
    theme: ThemeName = "auto",
    ax: Axes | None = None,
) -> Figure:
    r"""Draw the network: inputs below, outputs above, in between the graph of every edge's function.

    Blue edges are splines, green ones formulas (with their names), purple and dashed ones a formula plus a spline. The opacity is
    tanh(beta · score). The band around a spline is ± 2 standard errors, where the last training has left a posterior. Pruned edges
    are faint, or left out of large networks; of more than 2000 edges the strongest are drawn.

    Args:
        network: The network; it isn't changed.
        x: Samples, shape `(batch, n_features)`: curves run over their range, scores are measured on them. Without
            them curves run over the grids, and all edges are opaque.
        beta: How quickly edges become opaque with their score, ≥ 0.
        metric: The score: `backward` attribution, `forward_n` std(edge)/std(its input), `forward_u` std(edge).
        in_vars: Names of the columns of x: text, LaTeX between `$`, or sympy symbols.
        out_vars: Names of the outputs.
        title: Above the drawing.
        sample: Whether samples are drawn on the curves.
        tick: Whether the curves' ranges are written at their boxes.
        scale: Size of the figure.
        theme: `light`, `dark`, or `auto`: transparent, in colours that can be read on both.
        ax: Axes of your own to draw on; without them the figure has one, of its own.

    Returns:
        The figure. `.savefig("kan.svg")` keeps it. The methods that draw, such as `KAN.plot`, show it once in a notebook, wherever they
        stand in the cell, see `shown`; this function leaves that to the value of a cell's last line.

    Raises:
        ValueError: For a wrong number of names, or an unknown metric or theme.

    Examples:
        >>> import torch
        >>> from kanwidget import KAN
        >>> figure = plot(KAN([2, 5, 1]), torch.rand(50, 2, dtype=torch.float64), in_vars=["T", r"$\rho$"])
        >>> len(figure.axes)
        1
    """
    colors = theme_of(theme, "plot")
    _check.real(beta, "beta", "plot", low=0)
    _check.real(scale, "scale", "plot", low=0, open_low=True)
    names = node_names(network, in_vars, out_vars)
    edges = edges_of(network, x, metric, beta)
    room = {"head": _head(network, title), "gap": 0.36 if tick else 0.1}
    layout = arrange(network, [edge.ref for edge in edges], scale=scale, **room)
    if ax is None:
        ax = new_figure(layout.size, colors).add_axes((0, 0, 1, 1))
    else:
        ax.set_aspect("equal")
    draw_network(ax, network, edges, layout, colors, sample=sample)
    draw_functions(ax, edges, layout, colors)
    if tick:
        draw_ticks(ax, edges, layout, colors)
    draw_hidden_names(ax, network, layout, colors)
    draw_names(ax, network, layout, colors, names)
    draw_legend(ax, edges, layout, colors)
    if title is not None:
        anchor = layout.size[0] / 2, layout.size[1] - 0.1
        write(ax, *anchor, title, color=colors.text, fontsize=11, ha="center", va="top")
    return ax.figure.figure  # of a part of a figure the whole one


@limit_threads
def svg(
    network: Network,
    x: Tensor | None = None,
    *,
    history: History | None = None,
    theme: ThemeName = "auto",
    in_vars: Sequence[Any] | None = None,
    out_vars: Sequence[Any] | None = None,
) -> str:
    """The network and, with a history that has steps, its training curves beside it, as one static `<svg>` element.

    Args:
        network: The network; it isn't changed.
        x: Samples, shape `(batch, n_features)`, see `plot`.
        history: By default the network's own.
        theme: `light`, `dark` or `auto`, see `plot`.
        in_vars: Names of the columns of x, see `plot`.
        out_vars: Names of the outputs, see `plot`.

    Examples:
        >>> from kanwidget import KAN
        >>> svg(KAN([2, 1]))[:5]
        '<svg '
    """
    history = getattr(network, "history", None) if history is None else history
    if history is None or len(history) == 0:
        return to_svg(plot(network, x, theme=theme, in_vars=in_vars, out_vars=out_vars))
    return to_svg(_with_curves(network, x, history, theme, (in_vars, out_vars)))


def _with_curves(network: Network, x: Tensor | None, history: History, theme: ThemeName, names: Names) -> Figure:
    """A figure with the network at the left and its training curves at the right; `names` are those of the columns and of the outputs."""
    colors = theme_of(theme, "svg")
    edges = edges_of(network, x, "backward", 3.0)
    width, height = arrange(network, [edge.ref for edge in edges], head=_head(network, None)).size
    side = 4.8  # inches for the training curves
    figure = new_figure((width + side, height), colors)
    network_axes = figure.add_axes((0, 0, width / (width + side), 1))
    plot(network, x, theme=theme, in_vars=names[0], out_vars=names[1], ax=network_axes)
    low, high = 0.6, min(2.6, height - 1.1)
    across = (width + 0.6) / (width + side), (side - 1.5) / (width + side)
    draw_curves(figure.add_axes((across[0], low / height, across[1], high / height)), history, colors)
    return figure


def _head(network: Network, title: Any) -> float:
    """Room above the outputs in inches: for the title, and for the names of outputs that are products, which stand higher."""
    return (0.3 if title is not None else 0.0) + (0.3 if network.width[-1][1] else 0.0)


def node_names(
    network: Network, in_vars: Sequence[Any] | None, out_vars: Sequence[Any] | None
) -> tuple[list[Any], list[Any]]:
    """Labels of the inputs and of the outputs, with `log` before those that stand for a logarithm.

    Args:
        network: The network.
        in_vars: A name for each column of the data, pruned ones too; None for x₁, x₂, …
        out_vars: A name for each output; None for y, or y₁, y₂, …
    """
    if in_vars is None:
        in_vars = [f"x{subscript(column + 1)}" for column in range(network.n_features)]
    elif len(in_vars) != network.n_features:
        advice = "Names of pruned columns count too."
        _check.fail("in_vars", "plot", f"a list of {network.n_features} names, one a column", in_vars, advice)
    if out_vars is None:
        out_vars = ["y"] if network.n_out == 1 else [f"y{subscript(n + 1)}" for n in range(network.n_out)]
    elif len(out_vars) != network.n_out:
        _check.fail("out_vars", "plot", f"a list of {network.n_out} names", out_vars)
    logs = network.scaling.input_log.tolist(), network.scaling.output_log.tolist()
    inputs, outputs = (
        [f"log {name}" if log else name for name, log in zip(names, flags, strict=True)]
        for names, flags in zip((in_vars, out_vars), logs, strict=True)
    )
    return [inputs[column] for column in network.columns.tolist()], outputs
