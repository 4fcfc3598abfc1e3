"""A training as an animated picture: the network with its curves as they change, the losses beneath, the step above."""

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
from kanwidget.insight.plot.figure import _names
from kanwidget.insight.plot.labels import draw_functions, draw_hidden_names, draw_legend, draw_names
from kanwidget.insight.plot.layout import Layout, arrange
from kanwidget.insight.plot.network import Edge, draw_network, edges_of
from kanwidget.insight.plot.style import Theme, new_figure, readable, theme_of, write

#: Hundredths of a second that a picture stays at best and at worst; seconds that the first and the last one stay.
_QUICK, _SLOW, _FIRST, _LAST = 7, 20, 0.4, 1.4
#: The strip of the losses beneath, the line of text above, and the least width, in inches.
_STRIP, _HEAD, _NARROWEST = 1.36, 0.46, 4.4
#: Edges of one picture; more could not be told apart in a picture that moves.
_MOST_EDGES = 400
_COLOURS = 96
#: How far the losses may span; below that they are cut off.
_DECADES = 16

Still = tuple[int, Network]


def animation(
    stills: Sequence[Still],
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

    Between two states the curves move evenly. Time runs by how much there is to see: slowly through the first steps, where a network
    finds its shape, fast where little changes; the step is written above.

    Args:
        stills: Pairs `(step, network)` in order, at least one.
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
        ValueError: For no stills, or for settings out of range.

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
    if not stills:
        _check.fail("stills", where, "at least one pair (step, network)", stills)
    film = _Film(stills, x, history, theme_of(theme, where), (in_vars, out_vars), title)
    stay = _QUICK
    while True:
        count = round((seconds - _FIRST - _LAST) * 100 / stay) if seconds > _FIRST + _LAST else 1
        data = _gif(film.pictures(max(2, count), width), stay, film.theme)
        if len(data) <= limit or (stay >= _SLOW and width <= 200):
            return data
        # What moves costs: first fewer pictures, then smaller ones.
        stay, width = (stay + 3, width) if stay < _SLOW else (stay, max(200, round(width * 0.8)))


@dataclass(frozen=True, slots=True)
class _Scene:
    """A stretch of the film with the same nodes and edges in the same states."""

    network: Network
    layout: Layout
    key: Any


class _Film:
    """Every still's edges, where they stand, and when they are seen."""

    def __init__(
        self,
        stills: Sequence[Still],
        x: Tensor,
        history: History,
        theme: Theme,
        names: tuple[Sequence[Any] | None, Sequence[Any] | None],
        title: Any,
    ) -> None:
        self.theme, self.history, self.names, self.title = theme, history, names, title
        self.steps = [step for step, _ in stills]
        self.edges = [_strongest(edges_of(network, x, "backward", 3.0)) for _, network in stills]
        self.scenes: list[_Scene] = []
        for (_, network), edges in zip(stills, self.edges, strict=True):
            key = (network.width, [(edge.ref, edge.state, edge.symbol) for edge in edges])
            if self.scenes and self.scenes[-1].key == key:
                self.scenes.append(self.scenes[-1])
            else:
                head = 0.3 if network.width[-1][1] else 0.0
                self.scenes.append(_Scene(network, arrange(network, [e.ref for e in edges], head=head), key))
        wide = max(_NARROWEST, *(scene.layout.size[0] for scene in self.scenes))
        self.size = wide, max(scene.layout.size[1] for scene in self.scenes) + _HEAD + _STRIP
        self.losses = _losses(history)
        #: The step of each row of the losses, and the ends of their axis: a history may begin later, and leave steps out.
        self.rows = np.array([record.step for record in history.records], dtype=float)
        self.span = (self.rows[0] - 1, self.rows[-1]) if self.rows.size else (0.0, 1.0)
        self.times = self._times()

    def _times(self) -> np.ndarray:
        """When each still is seen, from 0 to 1: intervals grow with what changes in them."""
        changes = np.array([self._change(k) for k in range(1, len(self.steps))]) ** 0.7
        if not changes.size:
            return np.zeros(1)
        changes += 0.35 * changes.mean() + 1e-9
        times = np.concatenate([[0.0], np.cumsum(changes)])
        return times / times[-1]

    def _change(self, k: int) -> float:
        """How much there is to see between still k - 1 and still k."""
        fall = abs(math.log10(self._loss(self.steps[k]) / self._loss(self.steps[k - 1])))
        if self.scenes[k] is not self.scenes[k - 1]:
            return 0.3 + 0.1 * fall
        pairs = list(zip(self.edges[k - 1], self.edges[k], strict=True))
        moved = [b.opacity * np.abs(_shape(b) - _shape(a)).mean() + abs(b.opacity - a.opacity) for a, b in pairs]
        return float(np.mean(moved or [0.0])) + 0.1 * fall

    def _loss(self, step: float) -> float:
        """The loss at a step, for the pace only: 1 where it isn't known."""
        at = self.upto(step) - 1
        value = self.history.records[at].train_loss if at >= 0 else math.nan
        return value if math.isfinite(value) and value > 0 else 1.0

    def upto(self, step: float) -> int:
        """How many rows of the losses are known at a step."""
        return int(np.searchsorted(self.rows, step, side="right"))

    # ---- pictures

    def pictures(self, count: int, width: int) -> Iterator[Image.Image]:
        """So many pictures, evenly in time."""
        dpi = width / self.size[0]
        stage = _Stage(self, dpi)
        for time in np.linspace(0, 1, count if len(self.steps) > 1 else 1):
            k = int(np.searchsorted(self.times, time, side="right")) - 1
            k = min(max(k, 0), max(len(self.steps) - 2, 0))
            if len(self.steps) == 1:
                yield stage.picture(self.scenes[0], self.edges[0], self.steps[0])
                continue
            part = float((time - self.times[k]) / (self.times[k + 1] - self.times[k]))
            if self.scenes[k] is self.scenes[k + 1]:
                edges = [_between(a, b, part) for a, b in zip(self.edges[k], self.edges[k + 1], strict=True)]
                yield stage.picture(self.scenes[k], edges, self.steps[k] + part * (self.steps[k + 1] - self.steps[k]))
            else:
                late = k + (part >= 0.5)
                yield stage.picture(self.scenes[late], self.edges[late], self.steps[late])


class _Stage:
    """Two figures, one above the other: what moves is drawn anew for every picture, what stays once for every scene."""

    def __init__(self, film: _Film, dpi: float) -> None:
        self.film, self.dpi = film, dpi
        self.figure = new_figure(film.size, film.theme)
        self.figure.set_dpi(dpi)
        self.canvas = FigureCanvasAgg(self.figure)
        self.strip = _strip(self.figure, film)
        self.strip.set_axis_off()
        self.network: Axes | None = None
        self.scene: _Scene | None = None
        self.still: Image.Image | None = None

    def picture(self, scene: _Scene, edges: Sequence[Edge], step: float) -> Image.Image:
        """The picture of some edges at a step."""
        if scene is not self.scene:
            self._enter(scene)
        assert self.network is not None  # for the type checker
        assert self.still is not None
        for artist in [*self.network.collections, *self.strip.lines, *self.figure.texts]:
            artist.remove()
        draw_network(self.network, scene.network, edges, scene.layout, self.film.theme, sample=False)
        self._draw_losses(step)
        self._draw_head(step)
        moving = _pixels(self.canvas)
        moving.alpha_composite(self.still)
        return moving.convert("RGB")

    def _enter(self, scene: _Scene) -> None:
        """Another scene: what stays in it."""
        film, layout = self.film, scene.layout
        if self.network is not None:
            self.network.remove()
        self.scene, self.network = scene, _stage_axes(self.figure, film, layout)
        figure = new_figure(film.size, replace(film.theme, background="none"))
        figure.set_dpi(self.dpi)
        canvas = FigureCanvasAgg(figure)
        ax = _stage_axes(figure, film, layout)
        ax.set_xlim(0, layout.size[0])
        ax.set_ylim(0, layout.size[1])
        ax.set_axis_off()
        edges = film.edges[film.scenes.index(scene)]
        draw_functions(ax, edges, layout, film.theme)
        draw_hidden_names(ax, scene.network, layout, film.theme)
        draw_names(ax, scene.network, layout, film.theme, _names(scene.network, *film.names))
        draw_legend(ax, edges, layout, film.theme)
        _draw_frame(_strip(figure, film), film)
        self.still = _pixels(canvas)

    def _draw_losses(self, step: float) -> None:
        """The losses up to this step, each with a dot at its end."""
        for name, values in self.film.losses.items():
            upto = values[: self.film.upto(step)]
            known = np.flatnonzero(np.isfinite(upto))
            if known.size:
                look = _looks(self.film.theme)[name]
                at = self.film.rows[: len(upto)]
                self.strip.plot(at, upto, linewidth=1.6, solid_capstyle="round", **look)
                end = known[-1]
                self.strip.plot([at[end]], [upto[end]], "o", color=look["color"], markersize=4)

    def _draw_head(self, step: float) -> None:
        """The step, the loss and the last act, above."""
        theme, (wide, high) = self.film.theme, self.film.size
        y = 1 - 0.24 / high
        style: dict[str, Any] = {"va": "center_baseline", "fontsize": 11}
        left = "" if self.film.title is None else f"{readable(self.film.title)[0]}   "
        self.figure.text(0.2 / wide, y, f"{left}step {round(step):,}", color=theme.text, fontweight="bold", **style)
        at, right = self.film.upto(step), wide - 0.2
        for name in reversed(self.film.losses if at else {}):
            value = getattr(self.film.history.records[at - 1], f"{name}_loss")
            if value is not None and math.isfinite(value):
                colour = _looks(theme)[name]["color"]
                text = f"{name} {value:.1e}"
                self.figure.text(right / wide, y, text, color=colour, ha="right", family="monospace", **style)
                right -= 0.115 * (len(text) + 2)


def _stage_axes(figure: Figure, film: _Film, layout: Layout) -> Axes:
    """Axes for a network in the middle of what is left for it."""
    (wide, high), (width, height) = film.size, layout.size
    low = _STRIP + (high - _STRIP - _HEAD - height) / 2
    return figure.add_axes(((wide - width) / 2 / wide, low / high, width / wide, height / high))


def _strip(figure: Figure, film: _Film) -> Axes:
    """Axes for the losses."""
    wide, high = film.size
    ax = figure.add_axes((0.62 / wide, 0.3 / high, (wide - 1.2) / wide, (_STRIP - 0.6) / high))
    ax.set_facecolor("none")
    ax.set_yscale("log")
    known = np.concatenate([line[np.isfinite(line)] for line in film.losses.values()] or [np.zeros(0)])
    low, high = (known.min(), known.max()) if known.size else (0.1, 1.0)
    ax.set_ylim(low / 1.6, high * 1.6)
    ax.set_xlim(*film.span)
    return ax


def _draw_frame(ax: Axes, film: _Film) -> None:
    """What stays of the losses: axes, names, marks, and faintly the lines to come."""
    theme = film.theme
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
        known = values[np.isfinite(values)]
        ends.append((float(known[-1]), name, look["color"]))
    _mark_ends(ax, ends)
    free, (first, last) = 0.0, film.span
    for event in film.history.events:
        if first < event.step <= last:
            ax.axvline(event.step, color=theme.muted, linewidth=0.7, linestyle=(0, (1.5, 2)), alpha=0.7)
            place = (event.step - first) / (last - first)
            # A label that has no room is left to its line.
            if place >= free and place < 0.9 and len(event.label) <= 18:
                free = place + 0.016 * len(event.label) + 0.02
                style: dict[str, Any] = {"fontsize": 7, "color": theme.muted, "va": "bottom"}
                write(ax, event.step, 1.04, event.label, transform=ax.get_xaxis_transform(), **style)


def _mark_ends(ax: Axes, ends: list[tuple[float, str, str]]) -> None:
    """Each line's name beside its end, apart from the other's."""
    low, high = (math.log(limit) for limit in ax.get_ylim())
    at = -math.inf
    for value, name, colour in sorted(ends):
        at = max((math.log(value) - low) / (high - low), at + 0.2)
        ax.text(1.012, at, name, transform=ax.transAxes, color=colour, fontsize=7.5, fontweight="bold", va="center")


def _looks(theme: Theme) -> dict[str, dict[str, Any]]:
    """Colour and dashes of the losses."""
    return {
        "train": {"color": theme.spline, "linestyle": "solid"},
        "test": {"color": theme.test, "linestyle": (0, (4, 1.5))},
    }


def _losses(history: History) -> dict[str, np.ndarray]:
    """The losses that can be drawn, by name; what isn't a positive number is NaN."""
    lines = {}
    for name in ("train", "test"):
        values = np.array([math.nan if v is None else v for v in history[f"{name}_loss"]], dtype=float)
        values = np.where(np.isfinite(values) & (values > 0), values, math.nan)
        if np.isfinite(values).any():
            lines[name] = np.where(values > np.nanmax(values) * 10.0**-_DECADES, values, math.nan)
    return lines


def _strongest(edges: list[Edge]) -> list[Edge]:
    """The edges of a large network that are drawn, in their order."""
    if len(edges) <= _MOST_EDGES:
        return edges
    return sorted(sorted(edges, key=lambda edge: -edge.opacity)[:_MOST_EDGES], key=lambda edge: edge.ref)


def _shape(edge: Edge) -> np.ndarray:
    """A curve as it looks in its box, from 0 to 1."""
    y = np.nan_to_num(edge.y, posinf=0.0, neginf=0.0)
    span = np.ptp(y)
    return (y - y.min()) / span if span > 0 else np.full_like(y, 0.5)


def _between(a: Edge, b: Edge, part: float) -> Edge:
    """An edge on its way from one still to the next."""
    mix = lambda p, q: p + part * (q - p)  # noqa: E731
    return replace(b, opacity=mix(a.opacity, b.opacity), x=mix(a.x, b.x), y=mix(a.y, b.y))


def _pixels(canvas: FigureCanvasAgg) -> Image.Image:
    canvas.draw()
    return Image.frombytes("RGBA", canvas.get_width_height(physical=True), bytes(canvas.buffer_rgba()))


def _gif(pictures: Iterator[Image.Image], stay: int, theme: Theme) -> bytes:
    """Pictures as a GIF that goes round, with the colours of three of them."""
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
    """Its colours, and those of the lines, of which there are few pixels; the ground, most of the picture, keeps exactly its own.

    What is nearly the ground becomes it: Pillow finds the nearest colour only roughly, and would give the ground a tint.
    """
    found = image.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT).getpalette() or []
    colours = np.array(found, dtype=int).reshape(-1, 3)
    ground = np.asarray(image.getpixel((0, 0)))
    colours[np.abs(colours - ground).max(1) < 12] = ground
    lines = np.array([to_rgb(name) for name in (theme.test, theme.spline, theme.symbolic)]) * 255
    # Letters are thin: mostly mixtures of their colour and the ground.
    mixed = np.concatenate([ground + part * (lines - ground) for part in (1.0, 0.75, 0.5, 0.25)]).round().astype(int)
    return [*colours.flatten().tolist(), *mixed.flatten().tolist()]
