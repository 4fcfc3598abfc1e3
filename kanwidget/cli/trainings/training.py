"""Training on labels of mean 0 and standard deviation 1, whatever the unit of the table.

The squared error has the square of the labels' unit; the penalty and the ridge have no unit. Without standardized labels, days
and years would give different networks.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kanwidget.datasets import Dataset
    from kanwidget.explorer.session.recorder import Recorder
    from kanwidget.kan import KAN


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """A trained network, with the shape that it began with."""

    model: KAN
    width: list[int]
    grid: int
    pruned: bool
    unused: tuple[str, ...]
    """Columns that have no effect after pruning."""


def train_network(
    data: Dataset,
    shape: tuple[list[int], int],
    *,
    steps: int,
    lamb: float,
    seed: int,
    recorder: Recorder | None = None,
) -> TrainedNetwork:
    """Train a network of a shape, prune it where a penalty asked for sparsity, and train it again without penalty.

    Args:
        data: The training data.
        shape: Width and grid.
        steps: Most steps of each training.
        lamb: Weight of the penalty, ≥ 0.
        seed: Seed of the network.
        recorder: Recorder of both trainings.
    """
    from kanwidget.kan import KAN

    width, grid = shape
    model = KAN(width, grid=grid, seed=seed)
    model.scaling.settle()  # logarithms and units are this room's own
    unused: tuple[str, ...] = ()
    if lamb > 0:
        train_scaled(model, data, steps, lamb, fresh=True, recorder=recorder)
        if recorder is not None:
            recorder.keep(model, "pruning")
        model = model.prune(data=data)
        scores = model.feature_score.tolist()
        unused = tuple(name for name, score in zip(data.in_vars, scores, strict=True) if score == 0)
    train_scaled(model, data, steps, fresh=lamb == 0, recorder=recorder)
    return TrainedNetwork(model, width, grid, lamb > 0, unused)


def standardized(data: Dataset) -> tuple[Dataset, float, float]:
    """The data with labels of mean 0 and standard deviation 1, and the former mean and standard deviation."""
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
        data: The training data, in its own units.
        steps: Most steps.
        lamb: Weight of the penalty.
        fresh: Whether the model has never been trained: its random start then needs no conversion.
        recorder: Recorder of this and earlier trainings of the model.
    """
    unit, mean, scale = standardized(data)
    if not fresh:
        _rescale(model, -mean / scale, 1 / scale)
    first = len(model.history.records)
    model.fit(unit, steps=steps, lamb=lamb, evidence=False, callbacks=[] if recorder is None else [recorder])
    _rescale(model, mean, scale)
    if recorder is not None:
        recorder.convert(lambda network: _rescale(network, mean, scale), since=first)
    model.history.records[first:] = [
        dataclasses.replace(
            record,
            train_loss=record.train_loss * scale,
            test_loss=None if record.test_loss is None else record.test_loss * scale,
            penalty=record.penalty * scale**2,
        )
        for record in model.history.records[first:]
    ]


def _rescale(model: KAN, mean: float, scale: float) -> KAN:
    """Multiply the output by `scale`, and add `mean`. In place; returns the model."""
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
