"""pykan's words for a training, as those of `kanwidget.KAN.fit`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from kanwidget import _check
from kanwidget.pykan.data import PARTS
from kanwidget.pykan.words import say_ignored, say_once

if TYPE_CHECKING:
    from kanwidget import KAN, History, StepRecord

#: `opt` for LBFGS itself.
TRUE_LBFGS = "torch-LBFGS"
#: Steps for one of pykan's LBFGS, which is twenty iterations long: four of Levenberg-Marquardt take a fifth of its time, four of LBFGS,
#: where that isn't possible, about a third.
STEPS = 4
#: Why a training stops that has come to an end.
FINISHED = ("converged", "stalled", "steps done")
#: Names of the numbers that pykan reports of a step.
REPORTED = ("train_loss", "test_loss", "reg")
_OPTIMIZERS = ("LBFGS", "Adam", TRUE_LBFGS, "LM", "auto")


def optimizer_options(opt: str, lr: float | None, batch: int) -> dict[str, Any]:
    """Options of `kanwidget.KAN.fit` for pykan's optimizer, learning rate and rows of a step (-1 for all).

    `LBFGS` means the fast second-order method here, on all rows; it is said once that this differs from pykan.

    Examples:
        >>> optimizer_options("Adam", 1e-3, 64)
        {'opt': 'Adam', 'lr': 0.001, 'batch': 64}
    """
    if opt not in _OPTIMIZERS:
        _check.fail("opt", "fit", f"one of {', '.join(map(repr, _OPTIMIZERS))}", opt)
    if batch != -1 and batch < 1:
        _check.fail("batch", "fit", "a number of rows, or -1 for all", batch)
    if opt == "LBFGS":
        if lr is not None and lr != 1:
            reason = f"the length of a step is found; opt={TRUE_LBFGS!r} and 'Adam' have a learning rate."
            say_ignored("fit", reason, lr=lr)
        say_once(
            "opt='LBFGS' trains with Levenberg-Marquardt here where it can, on all rows and with four of its short steps for one of "
            f"pykan's; opt={TRUE_LBFGS!r} is LBFGS itself."
        )
        return {"opt": "auto"}
    given = {"opt": "LBFGS" if opt == TRUE_LBFGS else opt, "lr": lr, "batch": None if batch == -1 else batch}
    return {name: value for name, value in given.items() if value is not None}


def loss_options(loss_fn: Any, label: Any) -> dict[str, Any]:
    """The option `loss` of `kanwidget.KAN.fit` for a loss of pykan's or torch's, and the labels of the training; {} for the usual one.

    It is a name where the loss has one: Levenberg-Marquardt takes only these. Else it is a function that gets labels in their own shape.

    Examples:
        >>> loss_options(nn.CrossEntropyLoss(), torch.tensor([0, 1])), loss_options(None, torch.zeros(2, 1))
        ({'loss': 'cross_entropy'}, {})
    """
    if loss_fn is None:
        return {}
    plain = getattr(loss_fn, "reduction", None) == "mean" and getattr(loss_fn, "weight", None) is None
    if isinstance(loss_fn, nn.MSELoss) and plain and label.ndim == 2:
        return {"loss": "mse"}
    smooth = getattr(loss_fn, "label_smoothing", 0.0) or getattr(loss_fn, "ignore_index", -100) != -100
    if isinstance(loss_fn, nn.CrossEntropyLoss) and plain and not smooth and not label.is_floating_point():
        return {"loss": "cross_entropy"}
    if label.ndim == 1 and label.is_floating_point():  # which a training makes a table of one column
        return {"loss": lambda output, table: loss_fn(output, table[:, 0])}
    return {"loss": loss_fn}


def parts_of(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors of a dataset that a training reads, `train_input`, `train_label` and test data: notebooks keep others beside them."""
    missing = [name for name in ("train_input", "train_label") if name not in dataset]
    if missing:
        raise ValueError(
            f"the `dataset` argument of fit must have {', '.join(PARTS)}; {', '.join(missing)} isn't in it."
        )
    return {name: dataset[name] for name in PARTS if name in dataset}


class Metrics:
    """Values of functions without arguments, after every step, or every fourth.

    Examples:
        >>> from kanwidget import StepRecord
        >>> def accuracy():
        ...     return torch.tensor(0.5)
        >>> metrics = Metrics([accuracy], every=2)
        >>> for step in (1, 2):
        ...     metrics(None, StepRecord(step, 0.1, None, 0.0, 0.0))
        >>> metrics.values
        {'accuracy': [0.5]}
    """

    def __init__(self, functions: Any, every: int = 1) -> None:
        """Take a function without arguments, or a list of them, to call after so many steps (`every`) as stand for one of pykan's."""
        listed = [functions] if callable(functions) else list(functions or ())
        if not all(map(callable, listed)):
            _check.fail("metrics", "fit", "a list of functions without arguments", functions)
        self._functions: dict[str, Callable[[], Any]] = {}
        for number, function in enumerate(listed, 1):
            name = getattr(function, "__name__", type(function).__name__)
            self._functions[f"{name}_{number}" if name in self._functions else name] = function
        self.values: dict[str, list[float]] = {name: [] for name in self._functions}
        self.every = every

    def __call__(self, network: Any, record: StepRecord) -> None:
        """Measure after a step of a training, its `record`, if it ends one of pykan's, which are `every` steps here, or the training."""
        if counts(record, self.every):
            self.evaluate()

    def evaluate(self, *, anew: bool = False) -> None:
        """Call all functions: add their values to the lists, or replace the last ones (`anew`). A function may use gradients."""
        with torch.enable_grad():
            values = {name: float(torch.as_tensor(function()).detach()) for name, function in self._functions.items()}
        for name, value in values.items():
            self.values[name][len(self.values[name]) - anew :] = [value]  # behind the last one, or in its place


def objective_of(record: StepRecord, network: KAN, *, root: bool) -> float:
    """What a training makes small, after a step: the loss in the network's scaled numbers plus the penalty.

    With `root` the record's losses are root mean squared errors in the unit of the target: they are divided by its scale and squared.
    """
    loss = (record.train_loss / network.scaling.error_unit) ** 2 if root else record.train_loss
    return loss + record.penalty


def counts(record: StepRecord, every: int) -> bool:
    """Whether a step ends the training, or one step of pykan's, for which `every` steps are taken here."""
    return record.step % every == 0 or record.stop_reason is not None


class KeepBest:
    """The best state of a training whose loss goes up and down, as Adam's does at the end.

    Args:
        root: Whether losses are root mean squared errors.
    """

    def __init__(self, *, root: bool) -> None:
        """Begin without a best step; `root` says whether losses are root mean squared errors."""
        # The objective is the lowest loss plus penalty so far.
        self.root, self.objective = root, math.inf
        self.record: StepRecord | None = None  # of the step with that objective
        self._state: dict[str, Any] = {}  # copies of the network's tensors after it, by name

    def __call__(self, network: KAN, record: StepRecord) -> None:
        """Keep the network's state after a step, by its `record`, if its objective, loss plus penalty, is the lowest so far.

        `root` says whether the record's losses are root mean squared errors.
        """
        objective = objective_of(record, network, root=self.root)
        if objective < self.objective:
            self.objective, self.record = objective, record
            tensors = {name: value for name, value in network.state_dict().items() if isinstance(value, torch.Tensor)}
            self._state = {name: value.clone() for name, value in tensors.items()}

    def restore(self, network: KAN) -> StepRecord | None:
        """Put the best state back into the network, in place, and return the record of its step; None if no step was seen."""
        if self._state:
            network.load_state_dict(network.state_dict() | self._state)
        return self.record


def frames(folder: str, every: int, factor: int, **options: Any) -> Callable[[KAN, StepRecord], None]:
    """A callback that draws the network after every step, or some of them, into files.

    Args:
        folder: Where they go; it is made.
        every: Steps of pykan's from one picture to the next.
        factor: Steps here for one of pykan's: four for its LBFGS, else one.
        **options: Of the picture.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)

    def draw(network: KAN, record: StepRecord) -> None:
        """Draw a picture, named by the number of its step from 0."""
        from kanwidget.insight.plot import plot

        number = (record.step - 1) // factor
        if number % every == 0 and counts(record, factor):
            figure = plot(network, network.reference, title=f"Step {number}", theme="light", **options)
            figure.savefig(Path(folder, f"{number}.jpg"), bbox_inches="tight", dpi=200)

    return draw


def reported(record: StepRecord, lamb: float) -> dict[str, float]:
    """The numbers that pykan reports of a step: `train_loss`, `test_loss` (nan without test rows) and `reg`.

    `reg` is the penalty without its weight `lamb`, which the record's has.
    """
    test = float("nan") if record.test_loss is None else record.test_loss
    return dict(zip(REPORTED, (record.train_loss, test, record.penalty / lamb if lamb else 0.0), strict=True))


def results_of(
    history: History, steps: int, metrics: Metrics, lamb: float, best: StepRecord | None
) -> dict[str, list[Any]]:
    """Pykan's dict of a training: a list of NumPy numbers for each column, one a step of pykan's.

    Args:
        history: Of the training here.
        steps: Steps of pykan's that were asked for. A training that has converged before has its last numbers for the rest.
        metrics: What was measured, and how many steps here stand for one of pykan's (`every`).
        lamb: Weight of the penalty.
        best: The step that the network has ended with, in place of the last one; None where that is it.
    """
    records = [record for record in history.records if counts(record, metrics.every)]
    if best is not None and records:
        records[-1] = best
    rows = [reported(record, lamb) for record in records]
    columns: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in REPORTED} | metrics.values
    padding = 0 if history.stop_reason == "interrupted" else steps - len(records)
    return {
        name: [np.float64(value) for value in [*values, *values[-1:] * padding]] for name, values in columns.items()
    }
