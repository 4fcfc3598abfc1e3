"""A training as an animated picture: the network with its curves as they change, the losses beneath, the step above: a GIF."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image
from torch import Tensor

from kanwidget import _check
from kanwidget.core.records import History
from kanwidget.core.threads import limit_threads
from kanwidget.insight.plot.moving.film import Film, FilmFrame
from kanwidget.insight.plot.moving.stage import Stage
from kanwidget.insight.plot.style import Theme, theme_of

#: Hundredths of a second for each picture: shortest and longest.
_QUICK, _SLOW = 7, 20
#: Seconds for the first and the last picture.
_FIRST, _LAST = 0.4, 1.4
#: Colours of the pictures, beside those of lines and letters.
_COLORS = 96


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
    """The colours of the image and of the lines, which have few pixels; the ground, most of the picture, keeps its exact colour.

    Colours near the ground become the ground: Pillow finds the nearest colour only roughly, and would give the ground a tint.
    """
    palette = image.quantize(_COLORS, method=Image.Quantize.MEDIANCUT).getpalette() or []
    colors = np.array(palette, dtype=int).reshape(-1, 3)
    ground = np.asarray(image.getpixel((0, 0)))
    colors[np.abs(colors - ground).max(1) < 12] = ground
    lines = np.array([to_rgb(name) for name in (theme.test, theme.spline, theme.symbolic)]) * 255
    # Letters are thin: mostly mixtures of their colour and the ground.
    mixed = np.concatenate([ground + part * (lines - ground) for part in (1.0, 0.75, 0.5, 0.25)]).round().astype(int)
    return [*colors.flatten().tolist(), *mixed.flatten().tolist()]
