"""Predictions beside the truth: pairs of values, or for classes a table of counts."""

from __future__ import annotations

from typing import TypedDict

import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.explorer.session.samples import drawn_rows
from kanwidget.explorer.session.session import Session
from kanwidget.training.steps.training_data import labels, labels_by_part

#: Rows of each part of the data that are shown.
_MOST_ROWS = 500


class ParityPanel(TypedDict):
    """Predictions beside the truth.

    Arrays `train`, `test`, `val` where they have labels: `(outputs, 2, rows)`, truth and prediction, and `train_error`, …:
    `(outputs, rows)`, their difference, which may be far smaller than both. For classes `(classes, classes)`, how many rows of a class
    (row) are predicted as another (column).
    """

    outputs: list[str]
    classes: bool
    rows: dict[str, int]
    """Of each part; of many a sample is shown."""


def parity(
    session: Session, network: Network | None = None, most_rows: int = _MOST_ROWS
) -> tuple[ParityPanel, dict[str, Tensor]]:
    """Truth and prediction of every part of the data that has labels.

    Args:
        session: The session.
        network: Another state of its network; by default the present one.
        most_rows: Of each part.

    Returns:
        The payload, and one array a part: `(outputs, 2, rows)` of truth and prediction, the same rows each time, evenly
        spread; for classes `(classes, classes)`, how many rows of a class (first index) are predicted as another.
    """
    trainer, model = session.run.trainer, session.model if network is None else network
    classes = trainer.loss.classes
    arrays: dict[str, Tensor] = {}
    with torch.no_grad():
        for part, label in labels_by_part(trainer.data):
            x = getattr(trainer.data, f"{part}_input")
            if classes:
                arrays[part] = _counts(labels(label, trainer.loss)[:, 0], model(x).argmax(1), model.n_out)
            else:
                rows = drawn_rows(x, most_rows)
                truth, predicted = label[rows], model(x[rows])
                arrays[part] = torch.stack([truth, predicted]).permute(2, 0, 1)
                arrays[f"{part}_error"] = (predicted - truth).T
    counts = {part: len(label) for part, label in labels_by_part(trainer.data)}
    return {"outputs": list(session.out_vars), "classes": classes, "rows": counts}, arrays


def _counts(truth: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """How many rows of a class (first index) are predicted as another, `(classes, classes)`, from the numbers of both, `(rows,)` each."""
    # Each pair of classes as one number, so that a single count does.
    return torch.bincount(truth * classes + predicted, minlength=classes**2).view(classes, classes).double()
