"""The rows of a training. Where they are many it begins with a sample, which grows as the error stalls; the last steps take all.

A step on 2,000 rows costs an eightieth of one on 160,000, and says nearly the same while the network has most to learn.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.datasets.dataset import rows_of
from kanwidget.training.objective.loss import Loss
from kanwidget.training.optimizers.settings import Settings
from kanwidget.training.steps.training_data import TrainingData

#: `auto` takes all of so many rows; of more, too, while rows times parameters (a step's work) are below the second.
_MANY_ROWS, _MUCH_WORK = 10_000, 1e7
#: The rows that `auto` begins with: at least so many, and so many for each parameter, or the network would fit the sample's noise.
_FIRST_ROWS, _ROWS_A_PARAMETER = 2000, 5
#: The sample grows by this factor.
_GROWTH = 4
#: It grows once the objective has fallen by less than the first part within so many steps. With all rows the training then ends at the
#: second: what it could still gain is far below the error.
_SMALL_GAIN, _SMALL_LAST_GAIN, _PATIENCE = 0.01, 1e-3, 4
#: The part of a training's steps that takes all rows, and the least number of them.
_LAST_PART, _LAST_STEPS = 0.1, 3
#: Rows of test and validation data that are looked at before the training takes all rows.
_TEST_ROWS = 5000
#: Rows of each class that a sample begins with.
_ROWS_A_CLASS = 5


class RowSchedule:
    """How many rows the next step takes, and which. The same seed gives the same rows.

    Args:
        network: The network to train.
        data: All data of the training.
        settings: Its settings.
    """

    def __init__(self, network: Network, data: TrainingData, settings: Settings) -> None:
        self.total, self._loss = len(data.labels["train"]), data.loss  # `total`: number of training rows
        self.settings = settings
        #: All training rows (indices) in the order in which samples take them, and of test and validation data the rows that are looked at;
        #: both are made when they are first needed.
        self._row_order: Tensor | None = None
        self._held_out_rows: dict[str, Tensor] = {}
        self.restart(network)  # sets how many rows the first steps take

    def restart(self, network: Network) -> None:
        """Begin with a sample of the rows again (where they are many), for the network as it is now."""
        self._first_count = _first_rows(network, self._loss, self.settings, self.total)
        self.take(self._first_count)

    def take(self, count: int) -> None:
        """Take this many rows from the next step on; whether the error stalls is asked anew."""
        #: Rows of the next step.
        self.count = count
        #: Losses with penalties of the steps with so many rows, and whether they have stopped falling.
        self._objectives: list[float] = []
        self._stalled = False

    @property
    def sampled(self) -> bool:
        """Whether the training began with a sample."""
        return self._first_count < self.total

    @property
    def complete(self) -> bool:
        """Whether the next step takes all rows."""
        return self.count >= self.total

    @property
    def text(self) -> str:
        """How many of all rows the next step takes, as a text for a person."""
        rows = "all" if self.complete else f"{self.count:,} of"
        return f"training on {rows} {self.total:,} rows"

    def observe(self, objective: float, stop_reason: str | None) -> str | None:
        """Take note of a step: of `objective`, the loss with its penalty, and of the optimizer's reason to stop.

        `_stalled` says afterwards whether the steps with so many rows gain next to nothing: `due` then takes more.

        Returns:
            The training's reason to stop: none while there are further rows, or `converged` when all of them bring next to nothing more.
        """
        if not self.sampled or not math.isfinite(objective):
            return stop_reason
        self._objectives.append(objective)
        # The objective four steps ago; infinite while there are fewer steps with these rows, in which too little gain means nothing.
        begin = self._objectives[-1 - _PATIENCE] if len(self._objectives) > _PATIENCE else math.inf
        small = _SMALL_LAST_GAIN if self.complete else _SMALL_GAIN
        self._stalled = stop_reason == "converged" or objective > (1 - small) * begin
        if self.complete:
            return stop_reason or ("converged" if self._stalled else None)
        return None if stop_reason == "converged" else stop_reason

    def due(self, step: int, steps: int | None) -> int | None:
        """The number of rows that the training goes on with after `step` of `steps` steps; None if it stays.

        The sample becomes four times as large once the error has stalled; the last tenth of the steps, at least three, takes all rows.
        """
        if self.complete:
            return None
        if steps is not None and steps - step <= max(_LAST_STEPS, int(_LAST_PART * steps)):
            return self.total
        if not self._stalled:
            return None
        # A larger sample of more than half of all rows becomes all of them.
        return self.total if 2 * _GROWTH * self.count > self.total else _GROWTH * self.count

    def part(self, data: TrainingData) -> TrainingData:
        """The data of the next step, of all `data`: the first `count` rows of the samples' order, and a sample of test and validation data.

        Where `count` is all rows the data come as they are.
        """
        if self.complete:
            return data
        if self._row_order is None:
            self._row_order = _order(data, self._first_count, self.settings.seed)
        rows = self._row_order[: self.count]
        parts = {"train": rows, **{part: self._test_rows(part, data) for part in data.labels if part != "train"}}
        picked: dict[str, Any] = {}
        for part, index in parts.items():
            picked |= rows_of(data.dataset, part, index)
        labels = {part: data.labels[part][index] for part, index in parts.items()}
        weights = {part: weight[parts[part]] for part, weight in data.weights.items()}
        # As those of all rows they have the mean 1.
        weights = {part: weight / weight.mean() for part, weight in weights.items() if weight.sum() > 0}
        return replace(data, dataset=replace(data.dataset, **picked), labels=labels, weights=weights)

    def _test_rows(self, part: str, data: TrainingData) -> Tensor:
        """Indices of the rows of a part (`test` or `val`) that are looked at after each step: a fixed sample of at most `_TEST_ROWS`."""
        if part not in self._held_out_rows:
            label = data.labels[part]
            drawn = torch.randperm(len(label), generator=torch.Generator().manual_seed(self.settings.seed))
            self._held_out_rows[part] = drawn[:_TEST_ROWS].to(label.device)
        return self._held_out_rows[part]


def _first_rows(network: Network, loss: Loss, settings: Settings, total: int) -> int:
    """The number of rows that a training begins with: the setting `rows`, or by rows and parameters with `auto`; `total` for all."""
    rows = settings.rows
    if isinstance(rows, int):
        return min(rows, total)
    # A loss of the user's may know its rows, and a batch is a sample already.
    whole = rows is None or loss.factor is None or settings.batch is not None
    if whole or total <= _MANY_ROWS or total * network.n_parameters <= _MUCH_WORK:
        return total
    first = max(_FIRST_ROWS, _ROWS_A_PARAMETER * network.n_parameters)
    return total if 2 * first > total else first


def _order(data: TrainingData, first: int, seed: int) -> Tensor:
    """All training rows in the order in which samples take them: by chance, but classes evenly and rows without weight last.

    The rows with the smallest and the largest value of each column come first, so that grids span all data, unless they would be more than
    a tenth of the `first` rows that a training begins with.
    """
    x, label = data.dataset.train_input, data.labels["train"]
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed)).to(x.device)
    # The places by which rows are sorted, below 1: without weight 2 more, so behind all others; extreme rows -2, before them.
    place = torch.arange(len(x), dtype=torch.float64, device=x.device) / len(x)
    if data.loss.classes:
        place = _evenly(label[order, 0])
    if "train" in data.weights:
        place = torch.where(data.weights["train"][order, 0] > 0, place, place + 2)
    if 20 * x.shape[1] <= first:
        extreme = torch.zeros(len(x), dtype=torch.bool, device=x.device)
        extreme[torch.cat([x.argmin(0), x.argmax(0)])] = True
        place = torch.where(extreme[order], -2.0, place)
    return order[place.argsort(stable=True)]


def _evenly(classes: Tensor) -> Tensor:
    """Numbers to sort rows by: a sample, the beginning of the sorted rows, then has its part of each class.

    Args:
        classes: Class number of each row, `(rows,)`.

    Returns:
        `(rows,)`: n/N for row n of a class of N rows; -1, before all of these, for the first five of each class.
    """
    counts = torch.bincount(classes)
    by_class = classes.argsort(stable=True)
    number = torch.empty_like(classes)
    begins = counts.cumsum(0) - counts  # of each class in `by_class`
    number[by_class] = torch.arange(len(classes), device=classes.device) - begins[classes[by_class]]
    return torch.where(number < _ROWS_A_CLASS, -1.0, number.double() / counts[classes])
