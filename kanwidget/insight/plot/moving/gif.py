"""Pictures as an animated GIF with a small palette."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image

from kanwidget.insight.plot.style import Theme

#: Seconds for the first and the last picture.
FIRST, LAST = 0.4, 1.4
_COLORS = 96


def gif(pictures: Iterator[Image.Image], stay: int, theme: Theme) -> bytes:
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
    times[0], times[-1] = round(1000 * FIRST), round(1000 * LAST)
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
