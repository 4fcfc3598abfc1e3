"""Picked rows: a validation part for data that have none, set aside from the training, and samples of large tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.datasets.dataset import Dataset, rows_of, split_rows, with_held_out

#: Part of the training rows that is set aside.
SET_ASIDE = 0.2
#: Least number of training rows where one is set aside.
_FEWEST = 3
#: Tables of so many rows have enough of them in one validation part; smaller ones are divided into folds.
_ENOUGH, _FOLDS = 1000, 4


def with_validation(data: Dataset, where: str, *, seed: int = 0) -> Dataset:
    """The data with a validation part: their own, or a fifth of the training rows, drawn at random.

    Args:
        data: The dataset; its test part is never used.
        where: The function that asks, for the error.
        seed: Of the draw; the global random state isn't used.

    Raises:
        ValueError: If there are too few training rows.

    Examples:
        >>> data = with_validation(Dataset([[0.0], [1.0], [2.0], [3.0], [4.0]], [0.0, 1.0, 4.0, 9.0, 16.0]), "fit")
        >>> len(data.train_input), len(data.val_input)
        (4, 1)
    """
    count = len(data.train_input)
    needed = _FEWEST if data.val_input is None else _FEWEST - 1  # two to train on, which pruning compares
    if count < needed:
        _check.fail("data", where, f"{needed} training rows at least", data.train_input)
    if data.val_input is not None:
        return data
    train, validation = split_rows(count, SET_ASIDE, seed, where)
    return with_held_out(data, train, validation)


def validation_folds(data: Dataset, where: str, *, seed: int = 0) -> list[Dataset]:
    """Ways to hold out validation rows: the data's own, a fifth of many rows, or each quarter of fewer in turn.

    Args:
        data: The dataset; its test part is never used.
        where: The function that asks, for the error.
        seed: Of the draw; the global random state isn't used.

    Raises:
        ValueError: If there are fewer than three training rows.

    Examples:
        >>> data = Dataset([[float(n)] for n in range(8)], [0.0] * 8)
        >>> [fold.val_input.flatten().tolist() for fold in validation_folds(data, "extend")]
        [[2.0, 4.0], [0.0, 5.0], [1.0, 7.0], [3.0, 6.0]]
    """
    count = len(data.train_input)
    if data.val_input is not None or count >= _ENOUGH or count < 2 * _FOLDS:  # a fold needs two rows at least
        return [with_validation(data, where, seed=seed)]
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    parts = [order[first::_FOLDS].sort().values for first in range(_FOLDS)]
    others = [torch.cat([*parts[:index], *parts[index + 1 :]]).sort().values for index in range(_FOLDS)]
    return [with_held_out(data, train, held_out) for train, held_out in zip(others, parts, strict=True)]


def sampled_data(data: Dataset, rows: int, choice: Callable[[int], Tensor] | None = None) -> Dataset:
    """At most so many rows of the training data and of the test data, evenly picked, since a table may be sorted.

    Args:
        data: The data.
        rows: How many of each part at most.
        choice: Another choice: a function of the number of rows that there are, which gives the indices of those to take.

    Examples:
        >>> data = Dataset([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
        >>> len(sampled_data(data, 2).train_input)
        2
    """
    changes: dict[str, Any] = {}
    for part in ("train", "test"):
        inputs = getattr(data, f"{part}_input")
        if inputs is not None and len(inputs) > rows:
            even = torch.linspace(0, len(inputs) - 1, rows, device=inputs.device).long()
            changes |= rows_of(data, part, choice(len(inputs)) if choice else even)
    return replace(data, **changes) if changes else data
