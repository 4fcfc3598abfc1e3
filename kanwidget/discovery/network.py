"""The network that computes a formula, with the names and errors of its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kanwidget.core.records import Event, StepRecord
from kanwidget.core.reference_data import reference_rows, store_names

if TYPE_CHECKING:
    from kanwidget.datasets import Dataset
    from kanwidget.kan import KAN


def formula_network(expression: Any, data: Dataset, target: str) -> KAN:
    """A network of a formula, as a training on the table would leave it.

    Args:
        expression: In the names of the table's columns.
        data: The table.
        target: Name of the formula's target.
    """
    from kanwidget.kan import KAN

    model = KAN.from_formula(expression, variables=data.in_vars)
    number = data.out_vars.index(target)
    store_names(model, data)
    model.reference = reference_rows(data.train_input)
    model.history.records.append(_record(model, data, number))
    model.history.events.append(Event(1, "fix", "the formula, its constants fitted to the data"))
    return model


def _record(model: KAN, data: Dataset, number: int) -> StepRecord:
    """The errors of a network, in the units of the table, as the record of a step."""
    losses = {
        part: float((data[f"{part}_label"][:, [number]] - model.predict(data[f"{part}_input"])).square().mean().sqrt())
        for part in ("train", "test")
        if f"{part}_input" in data
    }
    return StepRecord(1, losses["train"], losses.get("test"), 0.0, 0.0)
