"""The one error of a state: what it is called, in which unit it counts, and what R² belongs to it."""

from __future__ import annotations

import math

from torch import Tensor

from kanwidget.explorer.describe.labels import node_name
from kanwidget.explorer.session.session import Session


def error_name(session: Session) -> str:
    """Name of the errors that the page shows, with their unit: `test error, in n_dot`, for a target of this name.

    Of a loss that isn't the root of a mean of squares it is the loss's own name. Errors count on the test data if there are any.
    """
    data, loss = "training" if session.run.last_record.test_loss is None else "test", session.run.trainer.loss
    if not loss.root:
        return f"{data} {'cross-entropy' if loss.name == 'cross_entropy' else loss.name}"
    if session.model.n_out > 1:  # targets of several units have none in common
        return f"{data} error (RMSE)"
    return f"{data} error, in {node_name(session, session.model.depth, 0)}"


def label_spread(session: Session) -> float | None:
    """The error that the mean of the labels would have, in the unit of the errors of states: then R² = 1 − (error/spread)².

    It counts the rows of these errors: those of the test data, or of the training data where there are no test errors. None where the error
    is no root of squares, for fewer than two rows, and for labels that never change.
    """
    part, scaling = "train" if session.run.last_record.test_loss is None else "test", session.model.scaling
    labels = getattr(session.data, f"{part}_label")
    if labels is None or not session.run.trainer.loss.root or len(labels) < 2:
        return None
    scaled = scaling.scaled_outputs(labels.detach().to(session.model.device))
    weight = getattr(session.run.trainer.data, f"{part}_weight")
    # Errors are computed in scaled numbers: `error_unit` brings them back to the unit of the target.
    spread = float(_variance(scaled, weight).mean().sqrt()) * scaling.error_unit
    return spread if math.isfinite(spread) and spread > 0 else None


def _variance(values: Tensor, weight: Tensor | None) -> Tensor:
    """The variance of each column, `(columns,)`, of `values`, `(rows, columns)`; rows count by `weight`, `(rows,)`, None for alike."""
    if weight is None or not bool(weight.any()):
        return values.var(0, correction=0)
    parts = (weight / weight.sum())[:, None]
    return (parts * (values - (parts * values).sum(0)).square()).sum(0)
