"""A training as an animated picture: the network with its curves as they change, the losses beneath, the step above: a GIF."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator
from PIL import Image
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.records import History
from kanwidget.core.threads import limit_threads
from kanwidget.insight.plot.curves import mark_ends
from kanwidget.insight.plot.figure import Names, node_names
from kanwidget.insight.plot.labels import draw_functions, draw_hidden_names, draw_legend, draw_names
from kanwidget.insight.plot.layout import Layout, arrange
from kanwidget.insight.plot.network import Edge, draw_network, edges_of
from kanwidget.insight.plot.showing import new_figure
from kanwidget.insight.plot.style import Theme, frame_axes, in_inches, readable, theme_of, write

#: Hundredths of a second for each picture: shortest and longest.
_QUICK, _SLOW = 7, 20
#: Seconds for the first and the last picture.
_FIRST, _LAST = 0.4, 1.4
#: Colours of the pictures, beside those of lines and letters.
_COLORS = 96
#: The strip of the losses beneath, the line of text above, and the least width, in inches.
_STRIP, _HEAD, _NARROWEST = 1.36, 0.46, 4.4
#: Edges of one picture; more could not be distinguished in a moving one.
_MOST_EDGES = 400
#: Decades of the losses below their maximum; smaller ones are cut off.
_DECADES = 16

FilmFrame = tuple[int, Network]


@limit_threads
def animation(
    frames: Sequence[FilmFrame],
    x: Tensor,
    history: History,
    *,
    seconds: float = 8.0,
    width: int = 640,
    theme: Literal["light", "dark"] = "light",
    in_vars: Sequence[Any] | None = None,
    out_vars: Sequence[Any] | None = None,
    title: Any = None,
    limit: int = 3_000_000,
) -> bytes:
    """The film of a training as an animated GIF.

    Between two states the curves move evenly. Time follows the changes: slow through the first steps, where a network
    takes shape, fast where little changes; the step is written above.

    Args:
        frames: Pairs `(step, network)` in order, at least one.
        x: Samples, shape `(batch, n_features)`, on which scores and ranges are measured.
        history: The losses.
        seconds: How long it lasts, 1 to 60.
        width: Of the picture in pixels, 200 to 2000.
        theme: `light` or `dark`.
        in_vars: Names of the columns of x, see `plot`.
        out_vars: Names of the outputs, see `plot`.
        title: Above the drawing.
        limit: Bytes; a film that would be longer has fewer pictures a second, down to 5, then fewer pixels, down to a width of 200.

    Returns:
        The bytes of the file.

    Raises:
        ValueError: For no frames, or for settings out of range.

    Examples:
        >>> import torch
        >>> from kanwidget import KAN
        >>> x = torch.rand(50, 1, dtype=torch.float64)
        >>> animation([(0, KAN([1, 1]))], x, History(), seconds=1, width=200)[:6]
        b'GIF89a'
    """
    where = "save_animation"
    _check.choice(theme, "theme", where, ("light", "dark"))
    seconds = _check.real(seconds, "seconds", where, low=1, high=60)
    width = _check.integer(width, "width", where, low=200, high=2000)
    if not frames:
        _check.fail("frames", where, "at least one pair (step, network)", frames)
    film, look = Film(frames, x, history), theme_of(theme, where)
    centiseconds = _QUICK
    while True:
        count = round((seconds - _FIRST - _LAST) * 100 / centiseconds) if seconds > _FIRST + _LAST else 1
        stage = Stage(film, look, (in_vars, out_vars), title, width)
        data = _gif((stage.picture(*moment) for moment in film.moments(max(2, count))), centiseconds, look)
        if len(data) <= limit or (centiseconds >= _SLOW and width <= 200):
            return data
        # Motion costs bytes: first fewer pictures, then smaller ones.
        centiseconds, width = (
            (centiseconds + 3, width) if centiseconds < _SLOW else (centiseconds, max(200, round(width * 0.8)))
        )


def _gif(pictures: Iterator[Image.Image], stay: int, theme: Theme) -> bytes:
    """Pictures as the bytes of a GIF that repeats for ever; each stays for `stay` hundredths of a second, the first and the last longer.

    All have one palette, made of the first, the middle and the last picture.
    """
    frames = list(pictures)
    samples = [frames[0], frames[len(frames) // 2], frames[-1]]
    whole = Image.new("RGB", (frames[0].width, 3 * frames[0].height))
    for row, sample in enumerate(samples):
        whole.paste(sample, (0, row * sample.height))
    palette = Image.new("P", (1, 1))
    palette.putpalette(_palette(whole, theme))
    flat = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    times = [10 * stay] * len(flat)
    times[0], times[-1] = round(1000 * _FIRST), round(1000 * _LAST)
    file = io.BytesIO()
    flat[0].save(
        file, format="gif", save_all=True, append_images=flat[1:], duration=times, loop=0, optimize=False, disposal=1
    )
    return file.getvalue()


def _palette(image: Image.Image, theme: Theme) -> list[int]:
    """The colours of the image and of the lines, which have few pixels; the ground, most of the picture, keeps its exact colour.

    Colours near the ground become the ground: Pillow finds the nearest colour only roughly, and would give the ground a tint.
    """
    palette = image.quantize(_COLORS, method=Image.Quantize.MEDIANCUT).getpalette() or []
    colors = np.array(palette, dtype=int).reshape(-1, 3)[:_COLORS]  # older Pillows fill up to 256
    ground = np.asarray(image.getpixel((0, 0)))
    colors[np.abs(colors - ground).max(1) < 12] = ground
    lines = np.array([to_rgb(name) for name in (theme.test, theme.spline, theme.symbolic)]) * 255
    # Letters are thin: mostly mixtures of their colour and the ground.
    mixed = np.concatenate([ground + part * (lines - ground) for part in (1.0, 0.75, 0.5, 0.25)]).round().astype(int)
    return [*colors.flatten().tolist(), *mixed.flatten().tolist()]


# ---- the pictures of a film: the network in the middle, the losses beneath, the step above


class Stage:
    """Two figures, the fixed one upon the moving one: that is drawn for every picture, the fixed one once for every section.

    `figure` moves, with the axes `network` and `strip`; `fixed` are the pixels of the other one.
    """

    def __init__(self, film: Film, theme: Theme, names: Names, title: Any, width: int) -> None:
        """Make the axes of what moves, and draw what stays in the film's first section.

        Args:
            film: The curves and layouts of all frames, in sections of the same structure, and the losses.
            theme: The colours.
            names: Names of the columns and of the outputs, see `node_names`.
            title: Above the pictures; None for none.
            width: Of the pictures in pixels.
        """
        self.film, self.theme, self.names, self.title = film, theme, names, title
        sizes = [section.layout.size for section in film.sections]  # in inches, as is that of the pictures
        self.size = max(_NARROWEST, *(wide for wide, _ in sizes)), max(high for _, high in sizes) + _HEAD + _STRIP
        self.dpi = width / self.size[0]
        self.figure = new_figure(self.size, theme)
        self.figure.set_dpi(self.dpi)
        self.canvas = FigureCanvasAgg(self.figure)
        self.strip = _strip(self.figure, self.size, film)  # the losses, below the network
        self.strip.set_axis_off()  # the fixed figure has its axes, here are the lines
        self.network = self.figure.add_axes((0, 0, 1, 1))
        self._enter(film.sections[0])

    def picture(self, section: Section, edges: Sequence[Edge], step: float) -> Image.Image:
        """One picture of the film: what moves is drawn anew, and the pixels of what stays, `fixed`, are laid over it.

        Args:
            section: The stretch of the film with the same nodes and edges, in which the moment lies.
            edges: Its edges with their curves at that moment.
            step: The training step, a fraction between two frames.
        """
        if section is not self.section:
            self._enter(section)
        # `network` and `strip` are the axes of the network and, below, of the losses; the texts are title, step and numbers of losses.
        for artist in [*self.network.collections, *self.strip.lines, *self.figure.texts]:
            artist.remove()
        draw_network(self.network, section.network, edges, section.layout, self.theme, sample=False)
        self._draw_losses(step)
        self._draw_head(step)
        moving = _pixels(self.canvas)
        moving.alpha_composite(self.fixed)
        return moving.convert("RGB")

    def _enter(self, section: Section) -> None:
        """Begin another section, a stretch of the film with the same nodes and edges: draw once what all of its pictures share.

        That is names, functions, legend and the axes of the losses. They are drawn on a figure of their own, whose pixels become `fixed`;
        the axes `network` of the moving figure, in which curves are drawn, get the place and the size of the section's layout.
        """
        film, theme, layout = self.film, self.theme, section.layout
        (wide, high), (width, height) = self.size, layout.size
        # In inches: in the middle between the losses below and the line of text above.
        low = _STRIP + (high - _STRIP - _HEAD - height) / 2
        room = (wide - width) / 2 / wide, low / high, width / wide, height / high
        self.section = section
        self.network.set_position(room)
        figure = new_figure(self.size, replace(theme, background="none"))
        figure.set_dpi(self.dpi)
        canvas = FigureCanvasAgg(figure)
        ax = figure.add_axes(room)
        in_inches(ax, layout.size)
        edges = film.edges[film.sections.index(section)]
        draw_functions(ax, edges, layout, theme)
        draw_hidden_names(ax, section.network, layout, theme)
        draw_names(ax, section.network, layout, theme, node_names(section.network, *self.names))
        draw_legend(ax, edges, layout, theme)
        _draw_frame(_strip(figure, self.size, film), film, theme)
        self.fixed = _pixels(canvas)

    def _draw_losses(self, step: float) -> None:
        """Draw the losses up to this step, each with a dot at its end."""
        for name, values in self.film.losses.items():
            so_far = values[: self.film.records_until(step)]
            finite = np.flatnonzero(np.isfinite(so_far))
            if finite.size:
                look = _looks(self.theme)[name]
                steps = self.film.rows[: len(so_far)]  # the step of each loss
                self.strip.plot(steps, so_far, linewidth=1.6, solid_capstyle="round", **look)
                end = finite[-1]
                self.strip.plot([steps[end]], [so_far[end]], "o", color=look["color"], markersize=4)

    def _draw_head(self, step: float) -> None:
        """Write title and step at the left above the drawing, and the losses at this step at the right, from right to left."""
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
                right -= 0.115 * (len(text) + 2)  # inches of a letter


def _strip(figure: Figure, size: tuple[float, float], film: Film) -> Axes:
    """Axes for the losses below the drawing, logarithmic, with room for all of the film's losses; `size` is the figure's in inches."""
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
    """What stays below the network while the losses grow: axes, names, dotted lines at the training's events, faintly the whole lines.

    The film has the losses by name, the step of each (`rows`), and both ends of their axis of steps (`span`).
    """
    frame_axes(ax, theme)
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
                free = fraction + 0.016 * len(event.label) + 0.02  # a letter takes about so much of the width
                style: dict[str, Any] = {"fontsize": 7, "color": theme.muted, "va": "bottom"}
                write(ax, event.step, 1.04, event.label, transform=ax.get_xaxis_transform(), **style)


def _looks(theme: Theme) -> dict[str, dict[str, Any]]:
    """For each loss, `train` and `test`, the colour and dashes of its line, as options of matplotlib's `plot`."""
    return {
        "train": {"color": theme.spline, "linestyle": "solid"},
        "test": {"color": theme.test, "linestyle": (0, (4, 1.5))},
    }


def _pixels(canvas: FigureCanvasAgg) -> Image.Image:
    """Draw the canvas's figure, as an image with transparency."""
    canvas.draw()
    return Image.frombytes("RGBA", canvas.get_width_height(physical=True), bytes(canvas.buffer_rgba()))


# ---- a training as a film before it is drawn: the curves of every moment, and their losses


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of the film with the same nodes and edges in the same states."""

    network: Network
    layout: Layout
    key: Any


class Film:
    """The edges of every frame, with their layout and time."""

    def __init__(self, frames: Sequence[FilmFrame], x: Tensor, history: History) -> None:
        """Measure all frames, `(step, network)` in order, on samples x, `(batch, n_features)`; `history` has the losses."""
        self.history = history
        self.steps = [step for step, _ in frames]
        # Scores and opacities are those of `plot` by default. Without bands of errors: only the last frame could have them. Of a large
        # network each frame has its most important edges alone.
        frame_edges = (edges_of(network, x, "backward", 3.0) for _, network in frames)
        self.edges = [_strongest([replace(edge, band=None) for edge in edges]) for edges in frame_edges]
        self.sections: list[Section] = []  # one a frame: successive frames with the same nodes and edges share it
        for (_, network), edges in zip(frames, self.edges, strict=True):
            key = (network.width, [(edge.ref, edge.state, edge.symbol) for edge in edges])
            if self.sections and self.sections[-1].key == key:
                self.sections.append(self.sections[-1])
            else:
                # In inches: the names of products of outputs stand higher.
                head = 0.3 if network.width[-1][1] else 0.0
                self.sections.append(Section(network, arrange(network, [e.ref for e in edges], head=head), key))
        self.losses = _losses(history)
        #: The step of each row of the losses, and the ends of their axis: a history may begin later, and leave steps out.
        self.rows = np.array([record.step for record in history.records], dtype=float)
        self.span = (self.rows[0] - 1, self.rows[-1]) if self.rows.size else (0.0, 1.0)
        self.times = self._times()  # of each frame, from 0, the beginning of the film, to 1, its end

    def _times(self) -> np.ndarray:
        """The time of each frame, from 0 to 1: intervals grow with the changes in them, large changes less than in proportion."""
        changes = np.array([self._change(k) for k in range(1, len(self.steps))]) ** 0.7
        if not changes.size:
            return np.zeros(1)
        # So that no interval is shorter than a quarter of the mean one, and none is 0 where nothing changes.
        changes += 0.35 * changes.mean() + 1e-9
        times = np.concatenate([[0.0], np.cumsum(changes)])
        return times / times[-1]

    def _change(self, k: int) -> float:
        """How much changes between frames k - 1 and k, as a number without a unit; at least 0.3 where a new section begins.

        Within a section it is the mean change of the curves, in parts of their boxes (`_shape`), and of the opacities, and a tenth of the
        decades by which the loss changes. Edges of two sections aren't compared: 0.3 is as much as a third of a box for all curves.
        """
        fall = abs(math.log10(self._loss(self.steps[k]) / self._loss(self.steps[k - 1])))
        if self.sections[k] is not self.sections[k - 1]:
            return 0.3 + 0.1 * fall
        pairs = list(zip(self.edges[k - 1], self.edges[k], strict=True))
        moved = [b.opacity * np.abs(_shape(b) - _shape(a)).mean() + abs(b.opacity - a.opacity) for a, b in pairs]
        return float(np.mean(moved or [0.0])) + 0.1 * fall

    def _loss(self, step: float) -> float:
        """The training loss at a step, or the last one before it, which only paces the film: 1 if there is none."""
        at = self.records_until(step) - 1
        value = self.history.records[at].train_loss if at >= 0 else math.nan
        return value if math.isfinite(value) and value > 0 else 1.0

    def records_until(self, step: float) -> int:
        """Number of the history's records up to a step, that one included."""
        return int(np.searchsorted(self.rows, step, side="right"))

    def moments(self, count: int) -> Iterator[tuple[Section, list[Edge], float]]:
        """Yield the film at `count` evenly spaced times: the section, its edges with their curves, and the step.

        A section is a stretch of frames with the same nodes and edges. Between two frames of one curves and step are in between; between
        two sections each frame holds for half of the time. `steps`, `sections`, `edges` and `times` (0 to 1) have an entry for each frame.
        """
        if len(self.steps) == 1:
            yield self.sections[0], self.edges[0], self.steps[0]
            return
        for time in np.linspace(0, 1, count):
            k = min(max(int(np.searchsorted(self.times, time, side="right")) - 1, 0), len(self.steps) - 2)
            part = float((time - self.times[k]) / (self.times[k + 1] - self.times[k]))
            if self.sections[k] is self.sections[k + 1]:
                edges = [_between(a, b, part) for a, b in zip(self.edges[k], self.edges[k + 1], strict=True)]
                yield self.sections[k], edges, self.steps[k] + part * (self.steps[k + 1] - self.steps[k])
            else:
                late = k + (part >= 0.5)
                yield self.sections[late], self.edges[late], self.steps[late]


def _losses(history: History) -> dict[str, np.ndarray]:
    """The losses over the steps, by name, `train` and `test`; NaN where one isn't positive, or is 16 decades below the largest.

    The axis is logarithmic. A loss without a number is left out.
    """
    lines = {}
    for name in ("train", "test"):
        values = np.array([math.nan if v is None else v for v in history[f"{name}_loss"]], dtype=float)
        values = np.where(np.isfinite(values) & (values > 0), values, math.nan)
        if np.isfinite(values).any():
            lines[name] = np.where(values > np.nanmax(values) * 10.0**-_DECADES, values, math.nan)
    return lines


def _strongest(edges: list[Edge]) -> list[Edge]:
    """The edges of one picture, in their order: all, or of a large network those with the highest opacity, so with the highest scores."""
    if len(edges) <= _MOST_EDGES:
        return edges
    return sorted(sorted(edges, key=lambda edge: -edge.opacity)[:_MOST_EDGES], key=lambda edge: edge.ref)


def _shape(edge: Edge) -> np.ndarray:
    """An edge's curve as it looks in its box: from 0, its lowest value, to 1, its highest; ½ everywhere for a constant."""
    y = np.nan_to_num(edge.y, posinf=0.0, neginf=0.0)
    span = np.ptp(y)
    return (y - y.min()) / span if span > 0 else np.full_like(y, 0.5)


def _between(a: Edge, b: Edge, part: float) -> Edge:
    """An edge between two frames a and b: opacity and curve are the part `part` (0 to 1) of the way to b."""
    mix = lambda p, q: p + part * (q - p)  # noqa: E731
    return replace(b, opacity=mix(a.opacity, b.opacity), x=mix(a.x, b.x), y=mix(a.y, b.y))
