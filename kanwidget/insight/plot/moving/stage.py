"""The pictures of a film: the network in the middle, the losses beneath, the step above."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator
from PIL import Image

from kanwidget.insight.plot.curves import mark_ends
from kanwidget.insight.plot.figure import node_names
from kanwidget.insight.plot.labels import draw_functions, draw_hidden_names, draw_legend, draw_names
from kanwidget.insight.plot.layout import Layout
from kanwidget.insight.plot.moving.film import Film, Section
from kanwidget.insight.plot.network import Edge, draw_network
from kanwidget.insight.plot.showing import new_figure
from kanwidget.insight.plot.style import Theme, readable, write

#: The strip of the losses beneath, the line of text above, and the least width, in inches.
_STRIP, _HEAD, _NARROWEST = 1.36, 0.46, 4.4

#: Of the columns of the data, and of the outputs.
Names = tuple[Sequence[Any] | None, Sequence[Any] | None]


class Stage:
    """Two figures on top of each other: the moving one is drawn for every picture, the fixed one once for every section."""

    def __init__(self, film: Film, theme: Theme, names: Names, title: Any, width: int) -> None:
        self.film, self.theme, self.names, self.title = film, theme, names, title
        sizes = [section.layout.size for section in film.sections]
        self.size = max(_NARROWEST, *(wide for wide, _ in sizes)), max(high for _, high in sizes) + _HEAD + _STRIP
        self.dpi = width / self.size[0]
        self.figure = new_figure(self.size, theme)
        self.figure.set_dpi(self.dpi)
        self.canvas = FigureCanvasAgg(self.figure)
        self.strip = _strip(self.figure, self.size, film)
        self.strip.set_axis_off()
        self.network: Axes | None = None
        self.section: Section | None = None
        self.fixed: Image.Image | None = None

    def picture(self, section: Section, edges: Sequence[Edge], step: float) -> Image.Image:
        """The picture of some edges at a step."""
        if section is not self.section:
            self._enter(section)
        assert self.network is not None  # for the type checker
        assert self.fixed is not None
        for artist in [*self.network.collections, *self.strip.lines, *self.figure.texts]:
            artist.remove()
        draw_network(self.network, section.network, edges, section.layout, self.theme, sample=False)
        self._draw_losses(step)
        self._draw_head(step)
        moving = _pixels(self.canvas)
        moving.alpha_composite(self.fixed)
        return moving.convert("RGB")

    def _enter(self, section: Section) -> None:
        """Begin another section: draw its fixed figure."""
        film, theme, layout = self.film, self.theme, section.layout
        if self.network is not None:
            self.network.remove()
        self.section, self.network = section, _stage_axes(self.figure, self.size, layout)
        figure = new_figure(self.size, replace(theme, background="none"))
        figure.set_dpi(self.dpi)
        canvas = FigureCanvasAgg(figure)
        ax = _stage_axes(figure, self.size, layout)
        ax.set_xlim(0, layout.size[0])
        ax.set_ylim(0, layout.size[1])
        ax.set_axis_off()
        edges = film.edges[film.sections.index(section)]
        draw_functions(ax, edges, layout, theme)
        draw_hidden_names(ax, section.network, layout, theme)
        draw_names(ax, section.network, layout, theme, node_names(section.network, *self.names))
        draw_legend(ax, edges, layout, theme)
        _draw_frame(_strip(figure, self.size, film), film, theme)
        self.fixed = _pixels(canvas)

    def _draw_losses(self, step: float) -> None:
        """The losses up to this step, each with a dot at its end."""
        for name, values in self.film.losses.items():
            records_until = values[: self.film.records_until(step)]
            finite = np.flatnonzero(np.isfinite(records_until))
            if finite.size:
                look = _looks(self.theme)[name]
                steps = self.film.rows[: len(records_until)]
                self.strip.plot(steps, records_until, linewidth=1.6, solid_capstyle="round", **look)
                end = finite[-1]
                self.strip.plot([steps[end]], [records_until[end]], "o", color=look["color"], markersize=4)

    def _draw_head(self, step: float) -> None:
        """The step, the loss and the last act, above."""
        theme, (wide, high) = self.theme, self.size
        y = 1 - 0.24 / high
        style: dict[str, Any] = {"va": "center_baseline", "fontsize": 11}
        prefix = "" if self.title is None else f"{readable(self.title)[0]}   "
        self.figure.text(0.2 / wide, y, f"{prefix}step {round(step):,}", color=theme.text, fontweight="bold", **style)
        records, right = self.film.records_until(step), wide - 0.2
        for name in reversed(self.film.losses if records else {}):
            value = getattr(self.film.history.records[records - 1], f"{name}_loss")
            if value is not None and math.isfinite(value):
                color = _looks(theme)[name]["color"]
                text = f"{name} {value:.1e}"
                self.figure.text(right / wide, y, text, color=color, ha="right", family="monospace", **style)
                right -= 0.115 * (len(text) + 2)


def _stage_axes(figure: Figure, size: tuple[float, float], layout: Layout) -> Axes:
    """Axes for a network, centered in the free space."""
    (wide, high), (width, height) = size, layout.size
    low = _STRIP + (high - _STRIP - _HEAD - height) / 2
    return figure.add_axes(((wide - width) / 2 / wide, low / high, width / wide, height / high))


def _strip(figure: Figure, size: tuple[float, float], film: Film) -> Axes:
    """Axes for the losses."""
    wide, high = size
    ax = figure.add_axes((0.62 / wide, 0.3 / high, (wide - 1.2) / wide, (_STRIP - 0.6) / high))
    ax.set_facecolor("none")
    ax.set_yscale("log")
    finite = np.concatenate([line[np.isfinite(line)] for line in film.losses.values()] or [np.zeros(0)])
    low, high = (finite.min(), finite.max()) if finite.size else (0.1, 1.0)
    ax.set_ylim(low / 1.6, high * 1.6)
    ax.set_xlim(*film.span)
    return ax


def _draw_frame(ax: Axes, film: Film, theme: Theme) -> None:
    """The fixed part of the losses: axes, names, marks, and faintly the whole lines."""
    for side in ("left", "right", "top"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(theme.ghost)
    ax.grid(axis="y", color=theme.ghost, linewidth=0.5, alpha=0.5)
    ax.tick_params(axis="both", which="both", colors=theme.muted, labelsize=7.5, left=False, length=2)
    ax.yaxis.set_major_locator(LogLocator(numticks=4))
    ax.minorticks_off()
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ends = []
    for name, values in film.losses.items():
        look = _looks(theme)[name]
        ax.plot(film.rows, values, linewidth=1.0, alpha=0.25, **look)
        finite = values[np.isfinite(values)]
        ends.append((float(finite[-1]), name, look["color"]))
    mark_ends(ax, ends, x=1.012, spacing=0.2, fontsize=7.5)
    free, (first, last) = 0.0, film.span
    for event in film.history.events:
        if first < event.step <= last:
            ax.axvline(event.step, color=theme.muted, linewidth=0.7, linestyle=(0, (1.5, 2)), alpha=0.7)
            fraction = (event.step - first) / (last - first)
            # An event without room for its label has a line only.
            if fraction >= free and fraction < 0.9 and len(event.label) <= 18:
                free = fraction + 0.016 * len(event.label) + 0.02
                style: dict[str, Any] = {"fontsize": 7, "color": theme.muted, "va": "bottom"}
                write(ax, event.step, 1.04, event.label, transform=ax.get_xaxis_transform(), **style)


def _looks(theme: Theme) -> dict[str, dict[str, Any]]:
    """Colour and dashes of the losses."""
    return {
        "train": {"color": theme.spline, "linestyle": "solid"},
        "test": {"color": theme.test, "linestyle": (0, (4, 1.5))},
    }


def _pixels(canvas: FigureCanvasAgg) -> Image.Image:
    canvas.draw()
    return Image.frombytes("RGBA", canvas.get_width_height(physical=True), bytes(canvas.buffer_rgba()))
