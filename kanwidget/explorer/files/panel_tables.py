"""What each panel shows as a table, in the units of the data."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core import EdgeRef
from kanwidget.explorer.describe.history import history
from kanwidget.explorer.describe.labels import edge_name, node_name
from kanwidget.explorer.describe.panels.surface import surface
from kanwidget.explorer.session.samples import edge_detail
from kanwidget.explorer.session.session import Session
from kanwidget.training.steps.training_data import labels, labels_by_part


@dataclass(frozen=True, slots=True)
class PanelTable:
    """Columns by name, all of one length."""

    columns: dict[str, list[Any]]

    def csv(self) -> str:
        """The table as text, a line per row."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(self.columns)
        writer.writerows(zip(*self.columns.values(), strict=True))
        return text.getvalue()


def predictions(session: Session) -> PanelTable:
    """Every row of the data: its part, inputs, truth, prediction and error; for classes the probabilities."""
    trainer, model = session.run.trainer, session.model
    columns: dict[str, list[Any]] = {"part": []}
    for part, label in labels_by_part(trainer.data):
        x = getattr(trainer.data, f"{part}_input")
        with torch.no_grad():
            y = model(x)
        columns["part"] += [part] * len(x)
        _add(columns, session.in_vars, x)
        if trainer.loss.classes:
            _add_classes(columns, session.out_vars, labels(label, trainer.loss)[:, 0], y)
            continue
        for name, truth, predicted in zip(session.out_vars, label.T, y.T, strict=True):
            _add(
                columns,
                [name, f"{name} predicted", f"{name} error"],
                torch.stack([truth, predicted, predicted - truth], 1),
            )
    return PanelTable(columns)


def _add(columns: dict[str, list[Any]], names: Iterable[str], values: Tensor) -> None:
    """Append the columns of a tensor."""
    for name, column in zip(names, values.T, strict=True):
        columns.setdefault(name, []).extend(column.tolist())


def _add_classes(columns: dict[str, list[Any]], names: tuple[str, ...], truth: Tensor, y: Tensor) -> None:
    columns.setdefault("class", []).extend(names[number] for number in truth.tolist())
    columns.setdefault("predicted class", []).extend(names[number] for number in y.argmax(1).tolist())
    _add(columns, [f"probability of {name}" for name in names], torch.softmax(y, 1))


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


def _edge(session: Session) -> PanelTable:
    """The curve of the selected edge and its parts."""
    edge = selected_edge(session)
    detail = edge_detail(session.model, edge, session.x, session.run.posterior())[0]["detail"]
    names = (node_name(session, edge.layer, edge.source), "edge", "base", "spline", "2 standard errors")
    return PanelTable(dict(zip(names, detail.tolist(), strict=False)))


def _edges(session: Session) -> PanelTable:
    """All edges with their state, function and importance."""
    scores = session.scores()
    columns: dict[str, list[Any]] = {
        name: [] for name in ("layer", "input", "output", "edge", "state", "function", "importance")
    }
    for ref in session.model.edge_refs():
        layer = session.model.layer(ref.layer)
        row = (
            *ref,
            edge_name(session, ref),
            layer.state(ref.source, ref.target),
            layer.symbol(ref.source, ref.target) or "",
            float(scores.edge_scores[ref.layer][ref.target, ref.source]),
        )
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    return PanelTable(columns)


def _errors(session: Session) -> PanelTable:
    """The history, a row a step."""
    return PanelTable(session.run.history().to_dict())


def _surface(session: Session) -> PanelTable:
    """The output at every point of the surface; the values of the other inputs stand in their columns."""
    payload, arrays = surface(session)
    z, names = arrays["z"], payload["names"]
    rows = torch.tensor(payload["at"], dtype=z.dtype).repeat(z.numel(), 1)
    rows[:, payload["x"]] = _axis(payload["x_range"], z.shape[1]).repeat(z.shape[0])
    if payload["y"] is not None and payload["y_range"] is not None:
        rows[:, payload["y"]] = _axis(payload["y_range"], z.shape[0]).repeat_interleave(z.shape[1])
    output = payload["outputs"][payload["output"]]
    columns: dict[str, list[Any]] = {}
    _add(columns, names, rows)
    _add(columns, [f"probability of {output}" if payload["classes"] else f"{output} predicted"], z.reshape(-1, 1).cpu())
    return PanelTable(columns)


def _axis(ends: list[float], count: int) -> Tensor:
    return torch.linspace(ends[0], ends[1], count, dtype=torch.float64)


def _front(session: Session) -> PanelTable:
    """The states of the history with their errors and complexities."""
    states = history(session)["states"]
    names = {"id": "id", "label": "label", "step": "step", "complexity": "complexity", "latest": "error"}
    return PanelTable({title: [dict(state)[name] for state in states] for name, title in names.items()})


#: By the panel's name.
TABLES: dict[str, Callable[[Session], PanelTable]] = {
    "network": _edges,
    "edge": _edge,
    "errors": _errors,
    "fit": predictions,
    "surface": _surface,
    "front": _front,
}
