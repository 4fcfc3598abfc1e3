"""The arguments of `discover`: what was handed over becomes a table of numbers and limits."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.primitives import primitives
from kanwidget.datasets import Dataset, arrays, as_dataset, frames, naming
from kanwidget.datasets.dataset import Split, from_table, without_idle_rows
from kanwidget.datasets.derived import numbers_only
from kanwidget.discovery.engine.trees import OPERATIONS, PRIMITIVE_OF
from kanwidget.training.steps.scales import data_in_own_units

WHERE = "discover"
LOSSES = ("mse", "huber", "absolute")


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How formulas are searched for."""

    seconds: float
    """Time of the search; infinite where steps are counted."""
    steps: int | None
    seed: int
    operations: frozenset[str]
    complexity: float
    loss: str
    threads: int


@dataclass(frozen=True, slots=True)
class Request:
    """What `discover` and `discover_steps` are called with, in the order and with the defaults of both; see there for the meaning."""

    data: Any = None
    y: Any = None
    target: str | Sequence[str] | None = None
    seconds: float = 60.0
    steps: int | None = None
    seed: int = 0
    units: Mapping[str, str] | None = None
    lib: Iterable[str] | None = None
    max_complexity: float = 150.0
    loss: str = "mse"
    weights: Any = None
    n_jobs: int = 1

    def settings(self) -> SearchSettings:
        """The limits of the search, checked."""
        steps = None if self.steps is None else _check.integer(self.steps, "steps", WHERE, low=1)
        return SearchSettings(
            _check.real(self.seconds, "seconds", WHERE, low=0, open_low=True) if steps is None else math.inf,
            steps,
            _check.integer(self.seed, "seed", WHERE, low=0),
            operations(self.lib),
            _check.real(self.max_complexity, "max_complexity", WHERE, low=1),
            _check.choice(self.loss, "loss", WHERE, LOSSES),
            _threads(self.n_jobs),
        )

    def table(self) -> Dataset:
        """The table in its own units, in float64, without the rows of weight 0."""
        table = numbers_only(_table(self.data, self.y, self.target))
        if any(table.levels):
            _check.fail("data", WHERE, "a table with a column of numbers", "words alone", "Laws are about numbers.")
        if table.is_classification:
            advice = (
                "Formulas are for numbers: yes and no are 1 and 0 after frame[column].astype(float). For the scores of classes there are "
                "KAN.for_data(data) and its fit_formula."
            )
            _check.fail("data", WHERE, "a table whose target holds numbers", list(table.classes), advice)
        if self.weights is not None:
            table = replace(table, train_weight=_weights(self.weights, len(table.train_input)))
        return without_idle_rows(data_in_own_units(table.to(torch.float64, "cpu")))


class _Joined:
    """A frame with one more column, the target."""

    def __init__(self, frame: Any, target: str, values: Any) -> None:
        """Beside the columns of `frame` there is one by the name `target`, which has these values, `(rows,)`."""
        self._frame, self._target, self._values = frame, target, values
        self.columns = [*naming.labels_of(frame), target]

    def __getitem__(self, name: Any) -> Any:
        return self._values if name == self._target else self._frame[name]


def _weights(weights: Any, rows: int) -> Tensor:
    """How much each row counts, `(rows,)`."""
    values = arrays.inputs(weights, "weights", WHERE)
    if values.shape != (rows, 1) or bool((values < 0).any()) or not bool((values > 0).any()):
        _check.fail("weights", WHERE, f"{rows} numbers ≥ 0, one a row, not all of them 0", weights)
    return values[:, 0]


def _table(data: Any, y: Any, target: str | Sequence[str] | None) -> Dataset:
    """The data and the target of `discover` as a table, in whichever way they were given; an error says what to write instead."""
    if data is None:
        advice = "discover(frame, target='y'), discover(X, y) or discover(dataset)."
        _check.fail("data", WHERE, "a data frame, an array of inputs, or a Dataset", None, advice, error=TypeError)
    if frames.has_columns(data):
        return _of_frame(data, y, target)
    if isinstance(data, (str, os.PathLike)):
        advice = "Read the file first: kanwidget.datasets.read_table(path, target), or pandas.read_csv(path)."
        _check.fail("data", WHERE, "a data frame, an array of inputs, or a Dataset", data, advice, error=TypeError)
    if target is not None:
        advice = "It names a column of a data frame. These data have their target already."
        _check.fail("target", WHERE, "left out where the data are no frame", target, advice)
    if y is None and isinstance(data, tuple) and len(data) == 2:
        data, y = data
        return _of_frame(data, y, None) if frames.has_columns(data) else _of_arrays(data, y)
    if isinstance(data, Dataset) or hasattr(data, "keys"):
        if y is not None:
            _check.fail("y", WHERE, "left out for data that have their target", y)
        return as_dataset(data, WHERE)
    if y is None:
        advice = "discover(X, y); of a frame it may be the name of a column."
        _check.fail("y", WHERE, "given beside an array of inputs", None, advice, error=TypeError)
    return _of_arrays(data, y)


def _of_frame(frame: Any, y: Any, target: str | Sequence[str] | None) -> Dataset:
    """The table of a frame.

    Args:
        frame: With named columns.
        y: The target's values, one a row, or names of target columns, or None.
        target: Name of the target columns; a text beside values is their name. Without both the column `y` is the target.
    """
    labels = naming.labels_of(frame)
    columns = list(map(str, labels))
    named = isinstance(y, str) or (isinstance(y, (list, tuple)) and bool(y) and all(isinstance(n, str) for n in y))
    if y is not None and target is not None and named:
        _check.fail("y", WHERE, "left out beside target", y)
    if y is not None and not named:
        name = target if isinstance(target, str) else "y"
        # Two columns can't have one name.
        while name in columns:
            name += "_"
        values = arrays.tensor(y, "y", WHERE)
        if values.numel() != len(frame[labels[0]]):
            _check.fail("y", WHERE, f"{len(frame[labels[0]])} numbers, one a row of the frame", y)
        # No test rows are set aside: the search holds out rows of its own.
        return from_table(_Joined(frame, name, values.flatten().double().numpy()), name, Split(0.0), WHERE)
    chosen = y if named else target
    if chosen is None:
        if "y" not in columns:
            advice = f"The columns are {', '.join(map(repr, columns))}."
            _check.fail("target", WHERE, "the name of a column, or of several", None, advice, error=TypeError)
        chosen = "y"
    return from_table(frame, chosen, Split(0.0), WHERE)


def _of_arrays(x: Any, y: Any) -> Dataset:
    """The table of inputs `(rows, columns)` and targets `(rows,)` or `(rows, targets)`, which must be finite."""
    inputs = arrays.inputs(x, "data", WHERE)
    labels = arrays.tensor(y, "y", WHERE).to(torch.float64)  # whole numbers are numbers here, no classes
    labels = labels[:, None] if labels.ndim == 1 else labels
    if labels.ndim != 2 or len(labels) != len(inputs) or 0 in labels.shape:
        _check.fail(
            "y", WHERE, f"of shape ({len(inputs)},) or ({len(inputs)}, targets), one row for each row of data", y
        )
    arrays.finite(labels, "y", WHERE)
    return Dataset(inputs, labels)


def _threads(n_jobs: Any) -> int:
    """The argument `n_jobs` as a number of threads: -1 is as many as torch has now."""
    if n_jobs == -1 and not isinstance(n_jobs, bool):
        return max(torch.get_num_threads(), 1)
    return _check.integer(n_jobs, "n_jobs", WHERE, low=1, advice="-1 takes all that torch has.")


def operations(lib: Iterable[str] | None) -> frozenset[str]:
    """The operations of formulas, by their names in trees, that a library (names of primitives; None for all) allows.

    Arithmetic and powers always are among them, functions where their primitive is.

    Examples:
        >>> sorted(operations(["exp", "sin"]) - operations(["x"]))
        ['exp', 'sin']
    """
    if lib is None:
        return frozenset(OPERATIONS)
    names = {primitive.name for primitive in primitives(lib, WHERE)}
    return frozenset(head for head in OPERATIONS if head not in PRIMITIVE_OF or PRIMITIVE_OF[head] in names)


def hooks(callbacks: Any) -> list[Callable[[Any], Any]]:
    """The callbacks as a list, or an error."""
    if not isinstance(callbacks, Iterable) or isinstance(callbacks, str):
        _check.fail("callbacks", WHERE, "a list of functions of a step", callbacks, "Write [f] for one.")
    listed = list(callbacks)
    for hook in listed:
        if not callable(hook):
            _check.fail("callbacks", WHERE, "functions of a step", hook)
    return listed
