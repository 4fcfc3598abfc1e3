"""The data of a training as tensors of the network's type: labels, weights, and the errors for data that don't fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.datasets import Dataset, as_dataset
from kanwidget.datasets.dataset import PARTS
from kanwidget.training.objective.loss import Loss, loss_row
from kanwidget.training.optimizers.settings import Settings
from kanwidget.training.steps.scales import learn_scales


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Inputs, labels and weights for one network, checked against it."""

    dataset: Dataset
    loss: Loss
    labels: dict[str, Tensor]
    """Labels of `train`, and of `test` and `val` if there are any, in the form of the loss: scaled for squared errors."""
    weights: dict[str, Tensor]
    """Weights of the rows with mean 1, `(batch, 1)`, of the parts that have any."""


def prepare(network: Network, data: Any, settings: Settings) -> TrainingData:
    """The training data of `data`, in any form that `fit` takes, as tensors, or an error that says what doesn't fit.

    The loss and the weights of rows are those of the settings. The network's first training data settle its scales; labels come in these.
    """
    dataset = as_dataset(data, "fit").to(network.dtype, network.device)
    if dataset.n_features != network.n_features:
        expected = f"data with {network.n_features} input columns, as the network has"
        _check.fail("data", "fit", expected, dataset.train_input, f"Build KAN([{dataset.n_features}, …]) for it.")
    loss = pick_loss(settings.loss, dataset)
    dataset = weighted(dataset, settings.sample_weight)
    weights = _mean_one(dataset)
    if weights and callable(settings.loss):
        expected = "without weights of rows beside a loss of your own"
        _check.fail("data", "fit", expected, dataset, "Weigh within the loss.")
    for _, label in labels_by_part(dataset):
        check_outputs(network, loss, labels(label, loss))
    learn_scales(network, dataset, loss)
    return in_scales(network, TrainingData(dataset, loss, {}, weights), loss)


def in_scales(network: Network, data: TrainingData, loss: Loss) -> TrainingData:
    """The same data with labels and loss in the network's scaled numbers, (own - centre)/size; `loss` is the one in own units."""
    columns = {part: scaled_labels(network, label, loss) for part, label in labels_by_part(data.dataset)}
    return replace(data, labels=columns, loss=loss.in_units(network.scaling))


def labels_by_part(data: Dataset) -> Iterator[tuple[str, Tensor]]:
    """Name and labels of the parts of the data that have labels: train, and test and val if there are any."""
    for part in PARTS:
        label = getattr(data, f"{part}_label")
        if label is not None:
            yield part, label


def labels(label: Tensor, loss: Loss) -> Tensor:
    """Labels in the form of the loss: class numbers as a column of integers, `(rows, 1)`; else as they are, `(rows, outputs)`."""
    return label.reshape(-1, 1).long() if loss.classes else label


def scaled_labels(network: Network, label: Tensor, loss: Loss) -> Tensor:
    """Labels as the network's scaled outputs are compared with them: scaled for squared errors (`loss.root`), else see `labels`."""
    return network.scaling.scaled_outputs(label) if loss.root else labels(label, loss)


def pick_loss(loss: Any, data: Dataset) -> Loss:
    """The loss of a name or of a user's function; for None cross-entropy where labels are class numbers, and squared errors for numbers."""
    classes = not data.train_label.is_floating_point()
    row = loss_row(loss if loss is not None else "cross_entropy" if classes else "mse")
    if row.root and classes:  # squared errors
        _check.fail("loss", "fit", "'cross_entropy' for labels that are class numbers", row.name)
    return row


def check_outputs(network: Network, loss: Loss, label: Tensor, where: str = "fit") -> None:
    """An error if the network has not as many outputs as the labels need, or a user's loss can't be differentiated.

    `label` has the form of the loss, see `labels`: class numbers, or numbers for squared errors (`root`) and losses of the user's (without
    a formula for the `gradient`). `where` is the call that the error names.
    """
    if loss.classes:
        ends = int(label.min()), int(label.max())
        if ends[0] < 0 or ends[1] >= network.n_out:
            expected = f"class numbers from 0 to {network.n_out - 1}, as the network has {network.n_out} outputs"
            _check.fail("data", where, expected, ends, "Give the last layer one node a class.")
    elif loss.root and label.shape[1] != network.n_out:
        expected = f"labels with {network.n_out} columns, as the network has outputs"
        advice = f"End `width` with {label.shape[1]}."
        if label.shape[1] == 1 and bool((label == label.round()).all()):
            advice += " If these are class numbers, pass them as a vector of integers: y[:, 0]."
        _check.fail("data", where, expected, label, advice)
    elif loss.gradient is None:
        # A user's function is tried once, on outputs of 0.
        output = torch.zeros(len(label), network.n_out, dtype=network.dtype, device=network.device, requires_grad=True)
        with torch.enable_grad():
            value = loss.value(output, label, None)
        if not isinstance(value, Tensor) or value.numel() != 1 or not value.requires_grad:
            expected = "a function (output, label) of one value that torch can differentiate"
            _check.fail("loss", where, expected, value, "End it with .mean(); don't use detach() or item() in it.")


def weighted(data: Dataset, weight: Any) -> Dataset:
    """The data with these weights: one for each training row, or for each row of the training, test and validation data, in this order."""
    if weight is None:
        return data
    counts = {part: len(label) for part, label in labels_by_part(data)}
    rows, total = counts["train"], sum(counts.values())
    expected = f"{rows} finite numbers ≥ 0, not all 0"
    if total > rows:
        expected += f", or {total} with those of the held-out rows after them"
    try:
        values = torch.as_tensor(weight, dtype=data.train_input.dtype, device=data.train_input.device).reshape(-1)
    except (TypeError, ValueError, RuntimeError):
        _check.fail("sample_weight", "fit", expected, weight)
    sound = len(values) in (rows, total) and bool((torch.isfinite(values) & (values >= 0)).all())
    if not sound or not values[:rows].sum() > 0:
        _check.fail("sample_weight", "fit", expected, weight)
    parts = values.split(list(counts.values())) if len(values) == total else (values,)
    return replace(data, **{f"{part}_weight": part_values for part, part_values in zip(counts, parts, strict=False)})


def _mean_one(data: Dataset) -> dict[str, Tensor]:
    """Weights with mean 1, `(batch, 1)`, of the parts that have any; where none counts at all, all count the same."""
    given = {part: getattr(data, f"{part}_weight") for part, _ in labels_by_part(data)}
    columns = {part: weight.reshape(-1, 1) for part, weight in given.items() if weight is not None}
    return {part: weight / weight.mean() for part, weight in columns.items() if weight.sum() > 0}
