"""A training as an animated picture: the network with its curves as they change, the losses beneath, the step above."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from torch import Tensor

from kanwidget import _check
from kanwidget.core.records import History
from kanwidget.core.threads import limit_threads
from kanwidget.insight.plot.film import Film, Still
from kanwidget.insight.plot.gif import FIRST, LAST, gif
from kanwidget.insight.plot.stage import Stage
from kanwidget.insight.plot.style import theme_of

#: Hundredths of a second that a picture stays at best and at worst.
_QUICK, _SLOW = 7, 20


@limit_threads
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
    film, look = Film(stills, x, history), theme_of(theme, where)
    stay = _QUICK
    while True:
        count = round((seconds - FIRST - LAST) * 100 / stay) if seconds > FIRST + LAST else 1
        stage = Stage(film, look, (in_vars, out_vars), title, width)
        data = gif((stage.picture(*moment) for moment in film.moments(max(2, count))), stay, look)
        if len(data) <= limit or (stay >= _SLOW and width <= 200):
            return data
        # What moves costs: first fewer pictures, then smaller ones.
        stay, width = (stay + 3, width) if stay < _SLOW else (stay, max(200, round(width * 0.8)))
