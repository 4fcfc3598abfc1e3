"""The figures of this package: as vectors or pixels, and in a notebook as matplotlib's users expect them.

There one is shown at the end of its cell, and current for pyplot until then.
"""

from __future__ import annotations

import io
import re
from typing import TypeVar

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from kanwidget.insight.plot.style import Theme, theme_of

F = TypeVar("F", bound=Figure)
#: Pixels of a web page per inch.
_CSS = 96


class KANFigure(Figure):
    """A figure that a notebook shows as vectors, with no need of pyplot or its global state.

    It comes as pixels too: a notebook that isn't trusted, one from somebody else, is shown without its SVGs. Where pyplot has it (see
    `shown`), to be displayed takes it from there: it isn't shown twice.
    """

    def _repr_svg_(self) -> str:
        """The figure as SVG, for a notebook that displays it."""
        _release(self)  # from pyplot, which would show it once more
        return to_svg(self)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """The figure as PNG, for a notebook that displays it, and its size in pixels of a page: it has twice as many."""
        _release(self)  # from pyplot, which would show it once more
        width, height = self.get_size_inches()
        return to_png(self), {"width": round(_CSS * width), "height": round(_CSS * height)}


def _release(figure: Figure) -> None:
    """Take a figure from pyplot, if it has it: else a notebook would show it once more at the end of its cell."""
    if figure.canvas.manager is not None:
        from matplotlib import pyplot

        pyplot.close(figure)


def new_figure(size: tuple[float, float], theme: Theme) -> KANFigure:
    """An empty figure, `size` inches wide and high, in the background colour of a theme."""
    return KANFigure(figsize=size, facecolor=theme.background)


def new_axes(
    where: str, theme: str, size: tuple[float, float], room: tuple[float, float, float, float] = (0, 0, 1, 1)
) -> tuple[KANFigure, Axes, Theme]:
    """An empty figure with one axes, and the colours of a theme.

    Args:
        where: The function that draws, for the error.
        theme: Name of the theme.
        size: Of the figure in inches.
        room: Left and lower end, width and height of the axes as parts of the size.
    """
    colors = theme_of(theme, where)
    figure = new_figure(size, colors)
    return figure, figure.add_axes(room), colors


def to_svg(figure: Figure) -> str:
    """The figure as one `<svg>` element; the same figure gives the same text."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "kanwidget", "svg.fonttype": "path", "savefig.bbox": None}):
        figure.savefig(buffer, format="svg", facecolor=figure.get_facecolor(), metadata={"Date": None})
    text = buffer.getvalue()
    # Comments repeat the labels, text from outside, and nobody reads them.
    return re.sub(r"<!--.*?-->\n?", "", text[text.index("<svg") :], flags=re.DOTALL)


def to_png(figure: Figure, sharpness: float = 2.0) -> bytes:
    """The figure as a small PNG, `sharpness` pixels for each one of a page; transparent where the figure has no ground."""
    dpi = sharpness * _CSS  # an inch of a page has so many pixels
    pixels, file = io.BytesIO(), io.BytesIO()
    with mpl.rc_context({"savefig.bbox": None}):
        figure.savefig(pixels, format="rgba", dpi=dpi, facecolor=figure.get_facecolor())
    width = int(dpi * figure.get_size_inches()[0])
    image = Image.frombytes("RGBA", (width, pixels.tell() // (4 * width)), pixels.getvalue())
    # A palette takes a quarter of the bytes, and less time than compressing all four channels does.
    image.quantize(256, method=Image.Quantize.FASTOCTREE).save(file, format="png", compress_level=6)
    return file.getvalue()


def hand_over(figure: F) -> F:
    """The same figure, made pyplot's current one: a notebook shows it at the end of its cell, and `plt.gcf()` gives it.

    Examples:
        >>> import matplotlib.pyplot as plt
        >>> from kanwidget import KAN
        >>> from kanwidget.insight.plot import plot
        >>> figure = hand_over(plot(KAN([2, 1])))
        >>> plt.gcf() is figure
        True
        >>> plt.close(figure)
    """
    from matplotlib import pyplot

    if figure.canvas.manager is None:
        # pyplot makes its figures by a call of `FigureClass`, which may also return one that exists.
        pyplot.figure(FigureClass=lambda *_, **__: figure)  # type: ignore[arg-type]
    return figure


def shown(figure: F) -> F:
    """The figure, handed over to pyplot where a notebook shows pyplot's figures in its pages.

    It is shown once: at the end of its cell, or where the cell displays it, which takes it from pyplot again. `plt.gcf()` and
    `plt.savefig` act on it until then. In scripts and elsewhere pyplot doesn't hear of it, so that nothing keeps figures for ever.

    Args:
        figure: A new figure of this package; another one, such as that of a person's own axes, stays as it is.

    Examples:
        >>> from kanwidget import KAN
        >>> from kanwidget.insight.plot import plot
        >>> shown(plot(KAN([2, 1]))).canvas.manager is None  # in a script
        True
    """
    return hand_over(figure) if isinstance(figure, KANFigure) and _inline() else figure


def _inline() -> bool:
    """Whether pyplot's figures are shown in a notebook. To ask matplotlib for its backend would make it choose one."""
    backend = dict.__getitem__(mpl.rcParams, "backend")
    return isinstance(backend, str) and backend.rpartition(".")[2] in ("inline", "backend_inline")
