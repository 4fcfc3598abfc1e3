"""`fit`: all steps of a training at once, with a progress bar, callbacks and the best state at the end."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from kanwidget import _check
from kanwidget.core.arguments import check_logs
from kanwidget.core.network import Network
from kanwidget.core.records import History
from kanwidget.core.reference_data import order_columns
from kanwidget.datasets import Dataset, as_dataset, frames, naming
from kanwidget.datasets.dataset import rows_of, split_rows, with_held_out
from kanwidget.datasets.reading import is_table
from kanwidget.training.steps.best_state import BestState
from kanwidget.training.steps.loop import append_history, check_hooks, progress_bar, take_steps
from kanwidget.training.steps.settings import make_settings, unused
from kanwidget.training.steps.trainer import Callback, Trainer

_log = logging.getLogger(__name__)


def fit_steps(
    network: Network,
    data: Any,
    opt: str = "auto",
    steps: int | None = 100,
    *,
    log: Sequence[str | int] | None = None,
    validation: Any = None,
    **options: Any,
) -> Trainer:
    """An iterator that trains in place and gives one `StepRecord` a step. Data and options are those of `KAN.fit`.

    With `steps=None` it goes on until it converges. `log` has columns whose logarithms the network takes, by name or number. `validation`
    is a part of the rows between 0 and 1, or data: the errors on it are in the records.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> data = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=100, test_num=100)
        >>> for record in KAN([2, 2, 1]).fit_steps(data, steps=30):
        ...     if record.train_loss < 1e-2:
        ...         break
        >>> record.train_loss < 1e-2
        True
    """
    _check_optimizer(data, opt)
    settings = make_settings(opt=opt, **options)
    for name, reason in unused(settings, opt).items():
        _check.fail(name, "fit", f"left out with opt={opt!r}", getattr(settings, name), reason)
    former = network.log  # which an error leaves as it was
    if log is not None:
        network.log = _first_logs(network, log)
    try:
        trainer = Trainer(network, _with_validation(network, data, validation, settings.seed), steps, settings)
    except BaseException:
        network.log = former
        raise
    for name, reason in unused(settings, trainer.opt).items():
        _log.warning("%s has no effect: opt='auto' has taken %s. %s", name, trainer.opt, reason)
    return trainer


def fit(
    network: Network,
    data: Any,
    opt: str = "auto",
    steps: int = 100,
    *,
    callbacks: Iterable[Callback] = (),
    progress: bool = True,
    **options: Any,
) -> History:
    """Train in place, with at most `steps` steps; returns the records of these. See `KAN.fit` for the arguments."""
    hooks = check_hooks(callbacks, "fit")
    trainer = fit_steps(network, data, opt, steps, **options)
    history = History(optimizer=trainer.opt)
    best = BestState(trainer.loss)
    # States are compared with those of steps of as many rows: of many rows the first steps take a sample.
    try:
        bar = progress_bar(steps, progress)
        take_steps(network, trainer, history, hooks, bar, lambda r: best.update(network, r, trainer.rows.count))
    finally:
        # Held-out rows say which state is best. Without them the last one stays, or after an interruption that with the smallest objective.
        if history.stop_reason == "interrupted" or trainer.data.val_input is not None:
            best.restore()
        network.posterior = trainer.posterior()  # means and covariance of the parameters, where evidence has them
        append_history(network, history)
    return history


def _check_optimizer(data: Any, opt: Any) -> None:
    """An error where `opt` isn't an optimizer's name but labels, or the name of a column of the frame `data`: easy slips in `fit(x, y)`."""
    is_target = frames.has_columns(data) and isinstance(opt, str) and opt in map(str, naming.labels_of(data))
    if is_target or (hasattr(opt, "__len__") and not isinstance(opt, str)):
        form = f"fit((frame, {opt!r}))" if is_target else "fit((x, y))"
        _check.fail("opt", "fit", "the name of an optimizer", opt, f"A table and its target are one argument: {form}.")


def _first_logs(network: Network, log: Sequence[str | int]) -> tuple[str | int, ...]:
    """The checked names or numbers of the columns whose logarithms the network is to use.

    An error if an earlier training has settled the network's scales, and with them other logarithms.
    """
    names = check_logs(log, "fit")
    if bool(network.scaling.fixed.any()) and set(names) != set(network.log):
        advice = "A logarithm is a part of the network: begin with a new one, KAN(…, log=…)."
        _check.fail("log", "fit", f"{list(network.log)} as in the network's first training", list(names), advice)
    return names


def _with_validation(network: Network, data: Any, validation: Any, seed: int) -> Dataset:
    """The data in the order of the network's columns, with held-out rows for validation.

    Args:
        network: The network.
        data: Data to train on, in any form that `fit` takes.
        validation: A part of the rows between 0 and 1, which are held out by chance; a dataset, a table or a pair (inputs, labels);
            None leaves the data as they are.
        seed: Of the random choice of held-out rows.
    """
    if validation is None:
        return order_columns(network, data)
    dataset = as_dataset(data, "fit")
    if isinstance(validation, (int, float)) and not isinstance(validation, bool):
        if not 0 < validation < 1:
            _check.fail("validation", "fit", "a part of the rows between 0 and 1, or data", validation)
        train, held_out = split_rows(len(dataset.train_input), float(validation), seed, "fit")
        return order_columns(network, with_held_out(dataset, train, held_out))
    # Columns without names are in the network's order, and a frame beside them is read by the network's names.
    names = dataset.in_vars if dataset.has_names else network.in_vars
    if isinstance(validation, Dataset) or is_table(validation):
        held = as_dataset(validation, "fit", names, dataset.encoding)
        return order_columns(network, replace(dataset, **rows_of(held, "train", name="val")))
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        _check.fail("validation", "fit", "a pair (inputs, labels), or a part of the rows such as 0.2", validation)
    x = frames.by_name(validation[0], names, "fit", "validation", dataset.encoding)
    return order_columns(network, replace(dataset, val_input=x, val_label=validation[1], val_weight=None))
