"""How well a network fits: predictions beside the truth, and what is left over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.threads import limit_threads
from kanwidget.datasets import Dataset, as_dataset
from kanwidget.insight.plot.style import Theme, ThemeName, draw_frame, math_free, new_figure, readable, theme_of, write

#: More points than this aren't told apart any more.
_POINTS = 300
#: Of more outputs than this only the first are named.
_NAMED = 10


@dataclass(frozen=True, slots=True)
class Errors:
    """What a network makes of one part of the data."""

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

    Rings are training data, dots are test data; colours tell several outputs apart. Of many rows 300 are drawn, spread
    evenly over the sizes of their residuals, so that the worst ones are there; the titles count all of them:

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
    colours = theme_of(theme, "plot_fit")
    dataset = _checked(network, data)
    parts = [_errors(network, dataset, part) for part in ("train", "test") if f"{part}_input" in dataset]
    head = 0.3 if title is not None else 0.0
    height = 3.35 + head
    figure = new_figure((7.6, height), colours)
    across, up, tall = (0.095, 0.595), 0.55 / height, 2.45 / height
    left, right = (figure.add_axes((x, up, 0.375, tall)) for x in across)
    _draw_points(left, right, parts, colours)
    _titled_frame(left, colours, ("truth", "prediction"), f"R²  {_told(parts, 'r2')}")
    _titled_frame(right, colours, ("prediction", "truth − prediction"), f"RMSE  {_told(parts, 'rmse')}")
    _draw_ideal(left, right, colours)
    _draw_legend(left, parts, dataset.out_vars, colours)
    if title is not None:
        style: dict[str, Any] = {"color": colours.text, "fontsize": 11, "ha": "center", "va": "top"}
        write(left, 0.5, 1 - 0.08 / height, title, transform=figure.transFigure, **style)
    return figure


def _checked(network: Network, data: Any) -> Dataset:
    """The data in the network's type and place, or an error that says what doesn't fit."""
    dataset = as_dataset(data, "plot_fit", network.in_vars)
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


def _errors(network: Network, data: Dataset, part: str) -> Errors:
    """The network's predictions beside the labels."""
    with torch.no_grad():
        prediction = network(data[f"{part}_input"])
    return Errors(part, data[f"{part}_label"].double().cpu(), prediction.double().cpu())


def _told(parts: Sequence[Errors], what: str) -> str:
    """A number for each part, in words."""
    return " · ".join(f"{part.part} {_number(getattr(part, what), what)}" for part in parts)


def _number(value: float, what: str) -> str:
    """A number as a title takes it; what isn't quite 1 isn't rounded to it."""
    if not math.isfinite(value):
        return "–"
    if what == "r2":
        return "> 0.9999" if 0.9999 < value < 1 else f"{value:.4f}"
    return f"{value:.3g}"


def _draw_points(left: Axes, right: Axes, parts: Sequence[Errors], theme: Theme) -> None:
    """Every part and output in its colour and shape, on both axes."""
    for part in parts:
        for output, shade in enumerate(_shades(part.part, part.truth.shape[1], theme)):
            truth, prediction = _thinned(part.truth[:, output].numpy(), part.prediction[:, output].numpy())
            style = _look(part.part, *shade)
            left.plot(truth, prediction, **style)
            right.plot(prediction, truth - prediction, **style)


def _thinned(truth: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The finite pairs, or so many of them that can be told apart: at even ranks of their residuals, ends included."""
    finite = np.isfinite(prediction)
    truth, prediction = truth[finite], prediction[finite]
    ranks = np.linspace(0, len(truth) - 1, min(len(truth), _POINTS)).round().astype(int)
    # Sorted back, so that neither end of the residuals lies on top of the other points.
    kept = np.sort(np.argsort(truth - prediction, kind="stable")[ranks])
    return truth[kept], prediction[kept]


def _look(part: str, colour: str, marker: str = "o") -> dict[str, Any]:
    """Rings for training data, dots for test data."""
    ring = part == "train"
    return {
        "linestyle": "none", "marker": marker, "color": colour, "markerfacecolor": "none" if ring else colour,
        "markersize": 3.6 if ring else 3.0, "markeredgewidth": 0.7 if ring else 0, "alpha": 0.75,
        "zorder": 3 if ring else 4,
    }  # fmt: skip


def _shades(part: str, outputs: int, theme: Theme) -> list[tuple[str, str]]:
    """Colour and shape for each output; those of a single one tell the parts apart."""
    if outputs == 1:
        return [(theme.spline if part == "train" else theme.test, "o")]
    colours = (theme.spline, theme.test, theme.symbolic, theme.both, theme.muted)
    shapes = "os^D"  # the same colour comes again in another shape
    return [(colours[n % 5], shapes[n // 5 % 4]) for n in range(outputs)]


def _titled_frame(ax: Axes, theme: Theme, names: tuple[str, str], title: str) -> None:
    """Axes, what they show, and the numbers above."""
    draw_frame(ax, theme, names)
    ax.set_title(title, loc="left", color=theme.text, fontsize=9, pad=7)


def _draw_ideal(left: Axes, right: Axes, theme: Theme) -> None:
    """The lines on which a perfect network's points would lie; both ways across the left axes are equal."""
    if not any(np.size(line.get_xdata()) for line in left.lines):
        for ax in (left, right):
            style: dict[str, Any] = {"color": theme.muted, "ha": "center", "va": "center"}
            write(ax, 0.5, 0.5, "no finite predictions", transform=ax.transAxes, **style)
        return
    ends = left.get_xlim(), left.get_ylim()
    low, high = min(a for a, _ in ends), max(b for _, b in ends)
    left.set(xlim=(low, high), ylim=(low, high))
    left.plot((low, high), (low, high), color=theme.muted, linewidth=0.9, zorder=2)
    right.axhline(0, color=theme.muted, linewidth=0.9, zorder=2)
    most = max(map(abs, right.get_ylim()))
    right.set_ylim(-most, most)


def _draw_legend(ax: Axes, parts: Sequence[Errors], names: Sequence[str], theme: Theme) -> None:
    """Which shape is which part and, for several outputs, which colour is which output: in the corners off the line."""
    style: dict[str, Any] = {
        "frameon": False, "fontsize": 8, "labelcolor": theme.muted, "handletextpad": 0.1, "borderaxespad": 0.1,
    }  # fmt: skip
    several = len(names) > 1
    keys = []
    for part in parts:
        colour = theme.muted if several else _shades(part.part, 1, theme)[0][0]
        keys += ax.plot([], [], label=part.part, **_look(part.part, colour))
    first = ax.legend(handles=keys, loc="upper left", **style)
    if several:
        dots = []
        for name, shade in list(zip(names, _shades("test", len(names), theme), strict=True))[:_NAMED]:
            dots += ax.plot([], [], label=math_free(readable(name)[0]), **_look("test", *shade))
        ax.add_artist(first)
        ax.legend(handles=dots, loc="lower right", **style)
