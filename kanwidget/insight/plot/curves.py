"""The training curves."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kanwidget.core.records import Event, History
from kanwidget.insight.plot.showing import new_axes
from kanwidget.insight.plot.style import Theme, ThemeName, frame_axes, write, write_title


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
    figure, ax, colors = new_axes("plot_history", theme, (6.4, 3.0), (0.1, 0.16, 0.76, 0.64))
    draw_curves(ax, history, colors)
    write_title(ax, 1.17, title, colors)
    return figure


def draw_curves(ax: Axes, history: History, theme: Theme) -> None:
    """Draw the penalty and the losses of a history over its steps, on a logarithmic axis, each with its name at its end, and its events."""
    lines = [
        ("penalty", history["penalty"], theme.penalty, (0, (1.5, 1.5))),
        ("validation", history["validation_loss"], theme.both, (0, (6, 1.5, 1, 1.5))),
        ("test", history["test_loss"], theme.test, (0, (5, 1.5))),
        ("train", history["train_loss"], theme.spline, "solid"),
    ]
    # Steps are numbered over several calls of fit: a record's own number begins anew in each.
    steps = list(range(1, len(history) + 1))
    frame_axes(ax, theme)
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
    mark_ends(ax, ends)
    _mark_events(ax, history, theme)
    write(ax, 1, -0.13, "step", transform=ax.transAxes, color=theme.muted, fontsize=8, ha="right", va="top")


def mark_ends(
    ax: Axes, ends: list[tuple[float, str, str]], *, x: float = 1.015, spacing: float = 0.085, fontsize: float = 8.5
) -> None:
    """Write each line's name beside its right end, on a logarithmic axis, moved up where two would meet.

    Args:
        ax: The axes, with their limits set.
        ends: Last value, name and colour of each line.
        x: Where names begin, as a part of the axes' width.
        spacing: Least distance of two names, as a part of the axes' height.
        fontsize: Of the names, in points.
    """
    low, high = (math.log(limit) for limit in ax.get_ylim())
    style = {"transform": ax.transAxes, "fontsize": fontsize, "fontweight": "bold", "va": "center"}
    at = -math.inf
    for value, name, color in sorted(ends):
        at = max((math.log(value) - low) / (high - low), at + spacing)
        write(ax, x, at, name, color=color, **style)


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
            free_from[row] = fraction + 0.016 * len(text) + 0.02  # a letter takes about so much of the width
            style = {"transform": ax.get_xaxis_transform(), "fontsize": 7.5, "color": theme.muted, "ha": "left"}
            write(ax, step, 1.02 + 0.075 * row, text, va="bottom", **style)


def _short(event: Event) -> str:
    """An event in a word or two: its label, or its kind (`grid`, `fix`) where the label is too long to stand above a line."""
    return event.label if len(event.label) <= 14 else event.kind
