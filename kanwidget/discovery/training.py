"""Training on labels of mean 0 and standard deviation 1, whatever the unit of the table.

What training weighs against the squared error (the penalty, the hold on what the data don't determine) has a size of its own, while
the squared error has the square of the labels' unit: without this, days and years would give different networks.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kanwidget.datasets import Dataset
    from kanwidget.explorer.session.recorder import Recorder
    from kanwidget.kan import KAN


def standardized(data: Dataset) -> tuple[Dataset, float, float]:
    """The data with labels of mean 0 and standard deviation 1, and what these were."""
    from kanwidget.datasets.arrays import moments

    mean, scale = (float(value) for value in moments(data.train_label))
    labels: dict[str, Any] = {key: (data[key] - mean) / scale for key in data if key.endswith("label")}
    return dataclasses.replace(data, **labels), mean, scale


def train_scaled(
    model: KAN,
    data: Dataset,
    steps: int,
    lamb: float = 0.0,
    *,
    fresh: bool = False,
    recorder: Recorder | None = None,
) -> None:
    """Train on standardized labels, and write their scale into the model.

    Args:
        model: Changed in place.
        data: In its own units.
        steps: Most steps.
        lamb: Weight of the penalty.
        fresh: Whether the model has never been trained, so that its random start is in no unit yet.
        recorder: Of the trainings of this model so far.
    """
    unit, mean, scale = standardized(data)
    if not fresh:
        _rescale(model, -mean / scale, 1 / scale)
    known = len(model.history.records)
    model.fit(unit, steps=steps, lamb=lamb, callbacks=[] if recorder is None else [recorder])
    _rescale(model, mean, scale)
    if recorder is not None:
        recorder.convert(lambda network: _rescale(network, mean, scale), since=known)
    model.history.records[known:] = [
        dataclasses.replace(
            record,
            train_loss=record.train_loss * scale,
            test_loss=None if record.test_loss is None else record.test_loss * scale,
            penalty=record.penalty * scale**2,
        )
        for record in model.history.records[known:]
    ]


def _rescale(model: KAN, mean: float, scale: float) -> KAN:
    """Multiply the output by a number, and add one. In place; gives the model back."""
    import torch

    from kanwidget.surgery._structure import add_constant

    last = model.layer(model.depth - 1)
    with torch.no_grad():
        last.coef.mul_(scale)
        last.base.mul_(scale)
        last.affine[..., 2:].mul_(scale)
    for target in range(last.out_dim):
        add_constant(last, target, mean)
    return model
