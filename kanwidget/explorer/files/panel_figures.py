"""Each panel as a figure for a paper, in the units of the data: SVG, PDF, or PNG in twice the resolution of a page."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from kanwidget.explorer.describe.history import history, pareto_front
from kanwidget.explorer.describe.labels import edge_name, in_print, node_name
from kanwidget.explorer.describe.panels.parity import parity
from kanwidget.explorer.describe.panels.surface import axes, surface
from kanwidget.explorer.files.panel_tables import selected_edge
from kanwidget.explorer.session.session import Session

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Pixels that a picture is wide at least.
_PIXELS = 1600
#: Edges of a network that has a still picture in the notebook.
_STILL_EDGES = 200


def _network(session: Session) -> Figure:
    """The drawing of the network, with the names of its inputs and outputs."""
    from kanwidget.insight.plot import plot

    return plot(session.model, session.x, in_vars=session.in_vars, out_vars=session.out_vars, theme="light")


def _edge(session: Session) -> Figure:
    """The curve of the selected edge with its data; its role says whether the node above adds or multiplies."""
    from kanwidget.insight.plot import plot_edge

    layer, source, target = edge = selected_edge(session)
    # The target of an edge is a subnode; sum nodes come before product nodes on each level.
    node = session.model.node_of(layer + 1, target)
    role = "summand" if node < session.model.width[layer + 1][0] else "factor"
    labels = (in_print(node_name(session, layer, source)), f"{role} of {in_print(node_name(session, layer + 1, node))}")
    title = in_print(edge_name(session, edge))
    model, data = session.run.model_with_history(), session.run.trainer.data
    return plot_edge(model, *edge, session.x, data=data, theme="light", title=title, labels=labels)


def _errors(session: Session) -> Figure:
    """The losses of the training over its steps."""
    from kanwidget.insight.plot import plot_history

    return plot_history(session.run.history(), theme="light")


def _fit(session: Session) -> Figure:
    """Predictions against the truth; for classes how many rows of each class are predicted as which.

    Counted are the test rows, without any the training rows.
    """
    from kanwidget.insight.plot import plot_fit
    from kanwidget.insight.plot.fit import plot_confusion

    payload, arrays = parity(session)
    if not payload["classes"]:
        return plot_fit(session.model, session.data, theme="light")
    part = "test" if "test" in arrays else "train"
    return plot_confusion(arrays[part].cpu().numpy(), payload["outputs"], theme="light", title=f"{part} rows")


def _surface(session: Session) -> Figure:
    """The output over one or two inputs with the data's points; of classes the probability of the chosen one."""
    from kanwidget.insight.plot.fit import plot_surface

    payload, arrays = surface(session)
    z, points = arrays["z"].cpu(), arrays["points"].cpu().numpy()
    output, names = payload["outputs"][payload["output"]], payload["names"]
    up = payload["y"]  # the column upwards; None for a line over the column `x` alone
    titles = [names[payload["x"]], "" if up is None else names[up]]
    held = [f"{names[i]} = {value:.4g}" for i, value in enumerate(payload["at"]) if i not in (payload["x"], up)]
    x, y = axes(payload, z)
    if payload["classes"]:
        output = f"probability of {output}"
        points[2] = points[2] == payload["output"]  # the row's class as its probability: 1 for the chosen class, else 0
    title = ", ".join(held[:3]) or None  # a title names at most three of the inputs that aren't on an axis
    rows = None if y is None else y.numpy()
    return plot_surface(x.numpy(), rows, z.numpy(), points, [*titles, output], theme="light", title=title)


def _front(session: Session) -> Figure:
    """A point for each state of the undo tree, its free parameters across and its error upwards, and their Pareto front."""
    from kanwidget.insight.plot.front import plot_front

    states = history(session)["states"]  # `latest` is the error of a state, None where it isn't known
    points = [(state["complexity"], state["latest"]) for state in states if state["latest"] is not None]
    best = [(state["complexity"], state["latest"], state["label"]) for state in pareto_front(session)]
    return plot_front(points, best, ("free parameters", "error"), theme="light")


#: By the panel's name.
FIGURES: dict[str, Callable[[Session], Figure]] = {
    "network": _network,
    "edge": _edge,
    "errors": _errors,
    "fit": _fit,
    "surface": _surface,
    "front": _front,
}


def figure_file(session: Session, panel: str, suffix: str) -> str | bytes:
    """A panel's figure as the content of a file.

    Args:
        session: The session.
        panel: A name of `FIGURES`.
        suffix: `svg`, `pdf` or `png`.
    """
    from kanwidget.insight.plot.showing import to_svg

    figure = FIGURES[panel](session)
    if suffix == "svg":
        return to_svg(figure)
    buffer = io.BytesIO()
    # A page has 96 pixels an inch: 192 is twice that. A narrow figure gets more, so that it has `_PIXELS` in its width.
    dpi = max(192.0, _PIXELS / figure.get_size_inches()[0])
    # Without the date the same figure is the same file.
    metadata = {"CreationDate": None} if suffix == "pdf" else None
    figure.savefig(buffer, format=suffix, dpi=dpi, facecolor=figure.get_facecolor(), metadata=metadata)
    return buffer.getvalue()


def still_drawing(session: Session, text: str) -> tuple[bytes, str] | None:
    """A small PNG of the network for a page without a kernel, beside the line `text` as it is; None while the network trains.

    The PNG of a large network is empty: it would take seconds, and room in the notebook.
    """
    if session.running:
        return None
    from kanwidget.insight.plot.showing import to_png

    if len(session.model.edge_refs()) > _STILL_EDGES:
        return b"", text
    # 1.25 pixels for each one of a page: the default of 2 makes a larger file.
    return to_png(_network(session), sharpness=1.25), text
