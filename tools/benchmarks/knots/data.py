"""Rows of the table of knots, their splits, and rounding to signatures."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from tools import knots_table

#: What all learners get.
INPUTS = ("volume", "chern_simons", "longitude", "meridian_real", "meridian_imag", "cusp_volume")
TRANSLATIONS = ("longitude", "meridian_real", "meridian_imag")
#: Columns that are functions of the three translations: a formula of any two has at most these three variables.
FROM_TRANSLATIONS = (*TRANSLATIONS, "cusp_volume", "shape_real", "shape_imag")
TRAIN, VALIDATION = 5000, 1000
#: Width of the logistic noise in `rounding_loss`: about the one that makes the formulas most probable.
_NOISE = 0.24
#: Of 2,025 pairs of scale and shift.
_BEST = 60


@dataclass(frozen=True)
class Rows:
    """Columns by name, and the signature."""

    columns: dict[str, Tensor]
    signature: Tensor

    def take(self, index: Any) -> Rows:
        return Rows({name: column[index] for name, column in self.columns.items()}, self.signature[index])

    def inputs(self, names: Sequence[str]) -> Tensor:
        """Shape `(rows, names)`."""
        return torch.stack([self.columns[name] for name in names], 1)


@dataclass(frozen=True)
class Split:
    """The rows of one seed."""

    train: Rows
    validation: Rows
    test: Rows
    seed: int

    def all_but_test(self) -> Rows:
        """The rows of training and validation."""
        both = zip(self.train.columns.items(), self.validation.columns.values(), strict=True)
        columns = {name: torch.cat([one, two]) for (name, one), two in both}
        return Rows(columns, torch.cat([self.train.signature, self.validation.signature]))


@cache
def sample() -> Rows:
    """The committed table."""
    return _rows(knots_table.load())


@cache
def others() -> Rows | None:
    """The knots of the whole table that the committed one hasn't got, where the whole one has been made."""
    if not knots_table.WHOLE.exists():
        return None
    committed = set(knots_table.load()["name"])
    with knots_table.WHOLE.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["name"] not in committed]
    names = ("signature", *INPUTS, *FROM_TRANSLATIONS)
    return _rows({name: np.array([float(row[name]) for row in rows]) for name in names})


def _rows(table: dict[str, np.ndarray]) -> Rows:
    numbers = {name: torch.tensor(table[name], dtype=torch.float64) for name in (*INPUTS, *FROM_TRANSLATIONS)}
    return Rows(numbers, torch.tensor(table["signature"], dtype=torch.float64))


def split(seed: int) -> Split:
    """The rows for training, validation and test."""
    rows, order = sample(), torch.as_tensor(np.random.default_rng(seed).permutation(len(sample().signature)))
    parts = order[:TRAIN], order[TRAIN : TRAIN + VALIDATION], order[TRAIN + VALIDATION :]
    return Split(*(rows.take(part) for part in parts), seed)


def classes() -> Tensor:
    """All signatures of the sample, in order."""
    return sample().signature.unique()


def numbers(rows: Rows) -> Tensor:
    """The number of each row's class."""
    return torch.searchsorted(classes(), rows.signature)


# ---- from numbers to signatures


def even(values: Tensor) -> Tensor:
    """The nearest even integers."""
    return 2 * torch.round(values / 2)


def accuracy(signatures: Tensor, rows: Rows) -> float:
    return float((signatures == rows.signature).double().mean())


def rounded(values: Callable[[Rows], Tensor], data: Split) -> Callable[[Rows], Tensor]:
    """Rounding after the scale and shift that make most rows right: the same for the human formula, ours, and regressions.

    The mean of the `_BEST` best pairs is taken: the very best one follows chance, and is worse on other rows.
    """
    rows = data.all_but_test()
    raw = values(rows)
    unit = float((raw * rows.signature).sum() / raw.square().sum())
    trials = [(unit * scale, shift) for scale in np.linspace(0.8, 1.2, 81) for shift in np.linspace(-0.3, 0.3, 25)]
    trials.sort(key=lambda trial: accuracy(even(trial[0] * raw + trial[1]), rows), reverse=True)
    scale, shift = np.mean(trials[:_BEST], axis=0)
    return lambda other: even(scale * values(other) + shift)


def rounding_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Minus the logarithm of the probability that output plus logistic noise is rounded to the label."""
    upper, lower = (labels + 1 - outputs) / _NOISE, (labels - 1 - outputs) / _NOISE
    # log(σ(upper) − σ(lower)), without cancellation far from the label
    return -(logsigmoid(upper) + logsigmoid(-lower) + torch.log1p(-torch.exp(lower - upper))).mean()
