"""A figure in a notebook as matplotlib's users expect it: shown at the end of its cell, and current for pyplot until then."""

from __future__ import annotations

from typing import TypeVar

import matplotlib as mpl
from matplotlib.figure import Figure

from kanwidget.insight.plot.style import KANFigure

F = TypeVar("F", bound=Figure)


def hand_over(figure: F) -> F:
    """The figure as pyplot's current one.

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
        # What makes the figure of a new number may also hand over one that is there.
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
