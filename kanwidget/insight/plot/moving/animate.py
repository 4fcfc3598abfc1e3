"""A training as an animated picture: the network with its curves as they change, the losses beneath, the step above."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from torch import Tensor

from kanwidget import _check
from kanwidget.core.records import History
from kanwidget.core.threads import limit_threads
from kanwidget.insight.plot.moving.film import Film, FilmFrame
from kanwidget.insight.plot.moving.gif import FIRST, LAST, gif
from kanwidget.insight.plot.moving.stage import Stage
from kanwidget.insight.plot.style import theme_of

#: Hundredths of a second for each picture: shortest and longest.
_QUICK, _SLOW = 7, 20


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
        count = round((seconds - FIRST - LAST) * 100 / centiseconds) if seconds > FIRST + LAST else 1
        stage = Stage(film, look, (in_vars, out_vars), title, width)
        data = gif((stage.picture(*moment) for moment in film.moments(max(2, count))), centiseconds, look)
        if len(data) <= limit or (centiseconds >= _SLOW and width <= 200):
            return data
        # Motion costs bytes: first fewer pictures, then smaller ones.
        centiseconds, width = (
            (centiseconds + 3, width) if centiseconds < _SLOW else (centiseconds, max(200, round(width * 0.8)))
        )
