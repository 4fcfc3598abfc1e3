"""How well a network fits: predictions beside the truth, the residuals, and its output over the inputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.threads import limit_threads
from kanwidget.datasets import Dataset, as_dataset
from kanwidget.insight.plot.showing import new_axes, new_figure
from kanwidget.insight.plot.style import Theme, ThemeName, draw_frame, math_free, readable, theme_of, write, write_title

#: Most points that can be distinguished.
_POINTS = 300
#: Most outputs in the legend.
_NAMED_OUTPUTS = 10
_MAP = "viridis"


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predictions of a network beside the labels of one part of the data."""

    part: str
    truth: Tensor
    """`(rows, outputs)`."""
    prediction: Tensor

    @property
    def rmse(self) -> float:
        """The root of the mean squared error over all outputs, as `fit` reports it."""
        return float((self.prediction - self.truth).square().mean().sqrt())

    @property
    def r2(self) -> float:
        """The explained part of the variance of all outputs; NaN where there is none to explain."""
        total = float((self.truth - self.truth.mean(0)).square().sum())
        return 1 - float((self.prediction - self.truth).square().sum()) / total if total > 0 else math.nan


@limit_threads
def plot_fit(network: Network, data: Any, *, theme: ThemeName = "auto", title: Any = None) -> Figure:
    """Draw predictions against the truth and, beside it, the residuals against the predictions.

    Rings are training data, dots are test data; each output has a colour. Of many rows 300 are drawn, spread
    evenly over the sizes of their residuals, the worst ones included; the titles count all of them:

        RMSE = √mean((truth - prediction)²),  R² = 1 - Σ(truth - prediction)² / Σ(truth - mean(truth))²

    Args:
        network: The network; it isn't changed.
        data: A `Dataset`, a dict with pykan's keys, or a pair `(x, y)`; numbers are in the units of its labels.
        theme: `light`, `dark`, or `auto`: transparent, in colours that can be read on both.
        title: Above the drawing.

    Returns:
        A figure with two axes.

    Raises:
        ValueError: For labels that are class numbers, or data that don't fit the network.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> figure = plot_fit(KAN([2, 5, 1]), create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2))
        >>> len(figure.axes)
        2
    """
    colors = theme_of(theme, "plot_fit")
    dataset = _checked(network, data)
    parts = [_errors(network, dataset, part) for part in ("train", "test") if f"{part}_input" in dataset]
    head = 0.3 if title is not None else 0.0
    height = 3.35 + head
    figure = new_figure((7.6, height), colors)
    across, up, height_of_axes = (0.095, 0.595), 0.55 / height, 2.45 / height
    fit_axes, residual_axes = (figure.add_axes((x, up, 0.375, height_of_axes)) for x in across)
    _draw_points(fit_axes, residual_axes, parts, colors)
    _titled_frame(fit_axes, colors, ("truth", "prediction"), f"R²  {_numbers(parts, 'r2')}")
    _titled_frame(residual_axes, colors, ("prediction", "truth − prediction"), f"RMSE  {_numbers(parts, 'rmse')}")
    _draw_ideal(fit_axes, residual_axes, colors)
    _draw_legend(fit_axes, parts, dataset.out_vars, colors)
    if title is not None:
        style: dict[str, Any] = {"color": colors.text, "fontsize": 11, "ha": "center", "va": "top"}
        write(fit_axes, 0.5, 1 - 0.08 / height, title, transform=figure.transFigure, **style)
    return figure


def _checked(network: Network, data: Any) -> Dataset:
    """The data in the network's type and on its device, or an error that names the mismatch."""
    dataset = as_dataset(data, "plot_fit", network.in_vars, network.encoding)
    if dataset.is_classification:
        advice = "Class numbers have no residuals."
        _check.fail("data", "plot_fit", "data with labels that are numbers", dataset.train_label, advice)
    if dataset.n_features != network.n_features:
        expected = f"data with {network.n_features} input columns, as the network has"
        _check.fail("data", "plot_fit", expected, dataset.train_input)
    if dataset.n_outputs != network.n_out:
        expected = f"data with {network.n_out} columns of labels, as the network has outputs"
        _check.fail("data", "plot_fit", expected, dataset.train_label)
    return dataset.to(network.dtype, network.device)


def _errors(network: Network, data: Dataset, part: str) -> Predictions:
    """The network's predictions beside the labels of one part of the data, `train` or `test`."""
    with torch.no_grad():
        prediction = network(data[f"{part}_input"])
    return Predictions(part, data[f"{part}_label"].double().cpu(), prediction.double().cpu())


def _numbers(parts: Sequence[Predictions], measure: str) -> str:
    """A number for each part of the data, for a title: `train 0.9 · test 0.8`; `measure` is `r2` or `rmse`."""
    return " · ".join(f"{part.part} {_number(getattr(part, measure), measure)}" for part in parts)


def _number(value: float, measure: str) -> str:
    """A number for a title, by its `measure`, `r2` or `rmse`; an R² just below 1 isn't rounded to it, and no number is a dash."""
    if not math.isfinite(value):
        return "–"
    if measure == "r2":
        return "> 0.9999" if 0.9999 < value < 1 else f"{value:.4f}"
    return f"{value:.3g}"


def _draw_points(fit_axes: Axes, residual_axes: Axes, parts: Sequence[Predictions], theme: Theme) -> None:
    """Draw predictions over labels on the one axes, residuals over predictions on the other: each part and output has colour and shape."""
    for part in parts:
        for output, shade in enumerate(_shades(part.part, part.truth.shape[1], theme)):
            truth, prediction = _thinned(part.truth[:, output].numpy(), part.prediction[:, output].numpy())
            style = _marker_style(part.part, *shade)
            fit_axes.plot(truth, prediction, **style)
            residual_axes.plot(prediction, truth - prediction, **style)


def _thinned(truth: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels and predictions of one output, `(rows,)` each, of at most 300 rows with finite predictions.

    They are those at even ranks of the residuals, the largest and the smallest included: outliers are drawn.
    """
    finite = np.isfinite(prediction)
    truth, prediction = truth[finite], prediction[finite]
    ranks = np.linspace(0, len(truth) - 1, min(len(truth), _POINTS)).round().astype(int)
    # In the order of the rows, so that neither end of the residuals lies on top of the other points.
    index = np.sort(np.argsort(truth - prediction, kind="stable")[ranks])
    return truth[index], prediction[index]


def _marker_style(part: str, color: str, marker: str = "o") -> dict[str, Any]:
    """Options of matplotlib's `plot` for the points of a part of the data: rings for `train`, dots for `test`."""
    ring = part == "train"
    return {
        "linestyle": "none", "marker": marker, "color": color, "markerfacecolor": "none" if ring else color,
        "markersize": 3.6 if ring else 3.0, "markeredgewidth": 0.7 if ring else 0, "alpha": 0.75,
        "zorder": 3 if ring else 4,
    }  # fmt: skip


def _shades(part: str, outputs: int, theme: Theme) -> list[tuple[str, str]]:
    """Colour and shape for each output, or for the parts of the data where there is a single output."""
    if outputs == 1:
        return [(theme.spline if part == "train" else theme.test, "o")]
    colors = (theme.spline, theme.test, theme.symbolic, theme.both, theme.muted)
    shapes = "os^D"  # the same colour comes again in another shape
    return [(colors[n % 5], shapes[n // 5 % 4]) for n in range(outputs)]


def _titled_frame(ax: Axes, theme: Theme, names: tuple[str, str], title: str) -> None:
    """Draw a pale frame for axes, with the `names` of the x axis and the y axis, and a title above."""
    draw_frame(ax, theme, names)
    ax.set_title(title, loc="left", color=theme.text, fontsize=9, pad=7)


def _draw_ideal(fit_axes: Axes, residual_axes: Axes, theme: Theme) -> None:
    """Draw the lines on which a perfect network's points would lie: the diagonal at the left, 0 for the residuals at the right.

    The left axes get the same limits both ways, the right ones limits that are symmetric about 0. Without points a sentence says so.
    """
    if not any(np.size(line.get_xdata()) for line in fit_axes.lines):
        for ax in (fit_axes, residual_axes):
            style: dict[str, Any] = {"color": theme.muted, "ha": "center", "va": "center"}
            write(ax, 0.5, 0.5, "no finite predictions", transform=ax.transAxes, **style)
        return
    ends = fit_axes.get_xlim(), fit_axes.get_ylim()
    low, high = min(a for a, _ in ends), max(b for _, b in ends)
    fit_axes.set(xlim=(low, high), ylim=(low, high))
    fit_axes.plot((low, high), (low, high), color=theme.muted, linewidth=0.9, zorder=2)
    residual_axes.axhline(0, color=theme.muted, linewidth=0.9, zorder=2)
    largest = max(map(abs, residual_axes.get_ylim()))
    residual_axes.set_ylim(-largest, largest)


def _draw_legend(ax: Axes, parts: Sequence[Predictions], names: Sequence[str], theme: Theme) -> None:
    """Say which shape is which part of the data and, for several outputs, which colour is which output, in the corners off the diagonal.

    `names` are those of the outputs.
    """
    style: dict[str, Any] = {
        "frameon": False, "fontsize": 8, "labelcolor": theme.muted, "handletextpad": 0.1, "borderaxespad": 0.1,
    }  # fmt: skip
    several = len(names) > 1
    keys = []
    for part in parts:
        color = theme.muted if several else _shades(part.part, 1, theme)[0][0]  # the colour; [0][1] is a shape
        keys += ax.plot([], [], label=part.part, **_marker_style(part.part, color))
    first = ax.legend(handles=keys, loc="upper left", **style)
    if several:
        dots = []
        for name, shade in list(zip(names, _shades("test", len(names), theme), strict=True))[:_NAMED_OUTPUTS]:
            dots += ax.plot([], [], label=math_free(readable(name)[0]), **_marker_style("test", *shade))
        ax.add_artist(first)
        ax.legend(handles=dots, loc="lower right", **style)


# ---- plots of a network's output: over one or two inputs, and for classes the table of who is taken for whom


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
    width = 0.68 if y is not None else 0.83
    figure, ax, colors = new_axes("plot_surface", theme, (5.6, 4.2), (0.13, 0.13, width, 0.76))
    draw_frame(ax, colors, (names[0], names[1] if y is not None else names[2]))
    if y is None:
        ax.plot(
            points[0], points[2], "o", color=colors.muted, markersize=3, markerfacecolor="none", markeredgewidth=0.7
        )
        ax.plot(x, z[0], color=colors.spline, linewidth=1.8)
    else:
        values = np.concatenate([z[np.isfinite(z)], points[2]])
        scale = {"cmap": _MAP, "vmin": values.min(), "vmax": values.max()}
        image = ax.pcolormesh(x, y, z, shading="gouraud", rasterized=True, **scale)
        rim = colors.background if theme != "auto" else "white"
        ax.scatter(points[0], points[1], s=14, c=points[2], edgecolors=rim, linewidths=0.6, zorder=3, **scale)
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
    side = max(3.2, 0.62 * len(classes) + 1.4)
    figure, ax, colors = new_axes("plot_confusion", theme, (side + 0.6, side), (0.26, 0.22, 0.7, 0.66))
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
