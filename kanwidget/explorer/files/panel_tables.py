"""What each panel shows as a table, in the units of the data."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core import EdgeRef
from kanwidget.explorer.describe.history import history
from kanwidget.explorer.describe.labels import edge_name, node_name
from kanwidget.explorer.describe.panels.surface import axes, surface
from kanwidget.explorer.session.samples import edge_detail
from kanwidget.explorer.session.session import Session
from kanwidget.training.steps.training_data import labels, labels_by_part

#: Columns by name, all of one length.
Columns = dict[str, list[Any]]


def predictions(session: Session) -> Columns:
    """Predictions for all rows of the data that have labels, as columns by name.

    These are `part` (`train`, `test` or `val`), the inputs, and of each output the truth, the prediction, and prediction minus truth. For
    classes in place of the outputs: the class, the predicted class, and the probability of each class.
    """
    trainer, model = session.run.trainer, session.model
    columns: Columns = {"part": []}
    for part, label in labels_by_part(trainer.data):
        x = getattr(trainer.data, f"{part}_input")
        with torch.no_grad():
            y = model(x)
        columns["part"] += [part] * len(x)
        _add(columns, session.in_vars, x)
        if trainer.loss.classes:
            classes = {"class": labels(label, trainer.loss)[:, 0], "predicted class": y.argmax(1)}
            for name, numbers in classes.items():
                columns.setdefault(name, []).extend(session.out_vars[number] for number in numbers.tolist())
            _add(columns, [f"probability of {name}" for name in session.out_vars], torch.softmax(y, 1))
            continue
        for name, truth, predicted in zip(session.out_vars, label.T, y.T, strict=True):
            names = [name, f"{name} predicted", f"{name} error"]
            _add(columns, names, torch.stack([truth, predicted, predicted - truth], 1))
    return columns


def _add(columns: Columns, names: Iterable[str], values: Tensor) -> None:
    """Append the columns of a tensor, `(rows, names)`, to the columns of these names; new names get a column. In place."""
    for name, column in zip(names, values.T, strict=True):
        columns.setdefault(name, []).extend(column.tolist())


def selected_edge(session: Session) -> EdgeRef:
    """The edge that the inspector shows.

    Raises:
        ValueError: If none is selected.
    """
    if not session.view.selection:
        _check.fail(
            "panel", "save_panel", "of a selected edge", "no selection", "Select an edge first, select(0, 0, 0)."
        )
    return session.view.selection[0]


def _edge(session: Session) -> Columns:
    """The curve of the selected edge at the points of its plot: input, value, its base and spline parts, and two standard errors."""
    edge = selected_edge(session)
    # Rows: input, edge, base part, spline part, and with a posterior two standard errors.
    detail = edge_detail(session.model, edge, session.x, session.run.posterior())[0]["detail"]
    names = (node_name(session, edge.layer, edge.source), "edge", "base", "spline", "2 standard errors")
    # `detail` has no fifth row where there are no standard errors: the lengths may differ.
    return dict(zip(names, detail.tolist(), strict=False))


def _edges(session: Session) -> Columns:
    """A row an edge: layer, indices of its ends, name, state, its function's name (empty for a spline), and importance."""
    scores, rows = session.scores(), []
    for ref in session.model.edge_refs():
        layer = session.model.layer(ref.layer)
        state, function = layer.state(ref.source, ref.target), layer.symbol(ref.source, ref.target)
        importance = float(scores.edge_scores[ref.layer][ref.target, ref.source])
        rows.append((*ref, edge_name(session, ref), state, function or "", importance))
    names = ("layer", "input", "output", "edge", "state", "function", "importance")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def _errors(session: Session) -> Columns:
    """The history of the training, a row a step."""
    return session.run.history().to_dict()


def _surface(session: Session) -> Columns:
    """The output at every point of the panel's grid, a row a point; a column for every input, those that aren't on an axis constant."""
    payload, arrays = surface(session)
    z = arrays["z"].cpu()
    rows = torch.tensor(payload["at"], dtype=z.dtype).repeat(z.numel(), 1)
    x, y = axes(payload, z)
    rows[:, payload["x"]] = x.repeat(len(z))  # `z` has a row for each value of y: x runs fastest
    if y is not None:
        rows[:, payload["y"]] = y.repeat_interleave(len(x))
    output = payload["outputs"][payload["output"]]
    columns: Columns = {}
    _add(columns, payload["names"], rows)
    _add(columns, [f"probability of {output}" if payload["classes"] else f"{output} predicted"], z.reshape(-1, 1))
    return columns


def _front(session: Session) -> Columns:
    """The states of the undo tree, a row each: id, label, step, complexity (its number of free parameters) and error."""
    states = history(session)["states"]
    return {name: [dict(state)[name] for state in states] for name in ("id", "label", "step", "complexity", "error")}


#: By the panel's name.
TABLES: dict[str, Callable[[Session], Columns]] = {
    "network": _edges,
    "edge": _edge,
    "errors": _errors,
    "fit": predictions,
    "surface": _surface,
    "front": _front,
}


def table_file(session: Session, panel: str) -> str:
    """A panel's table as CSV, a line per row.

    Args:
        session: The session.
        panel: A name of `TABLES`.
    """
    columns, text = TABLES[panel](session), io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()
