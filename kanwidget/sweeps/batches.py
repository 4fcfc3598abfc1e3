"""The work of a sweep: networks of one structure in batches, and each result as a row."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from kanwidget.core.records import History, StepRecord
from kanwidget.datasets import Dataset
from kanwidget.kan import KAN
from kanwidget.sweeps.data import Arrays, dataset_of
from kanwidget.sweeps.space import AUTO, OF_FIT, OF_NETWORK, Case
from kanwidget.training import fit_many, make_settings
from kanwidget.training.steps.settings import unused

#: Results are stored by batches: larger ones are no faster (128 of [2,5,1], 300 rows), and a killed process loses more.
_BATCH_SIZE = 32
#: Arguments in which networks of one batch may differ.
_INDIVIDUAL = ("lamb", "noise_scale", "grid_range", "grid_eps")

Row = dict[str, Any]


def group_cases(cases: Sequence[Case], data: Mapping[str, Arrays], workers: int = 1) -> list[list[Case]]:
    """Cases whose networks can be trained side by side, in batches of at most 32, enough for all workers.

    Args:
        cases: The networks to be trained. Those of a batch agree in the shapes of their data and in all settings of network and training,
            but for `lamb`, `noise_scale`, `grid_range` and `grid_eps`.
        data: The arrays of each data set, by its name.
        workers: Number of processes that train batches.
    """
    groups: dict[str, list[Case]] = {}
    for case in cases:
        shared = {name: value for name, value in case.setting.items() if name not in _INDIVIDUAL}
        shapes = [(name, values.shape) for name, values in sorted(data[case.data].items())]
        groups.setdefault(json.dumps([shared, shapes], sort_keys=True), []).append(case)
    batches = []
    for group in groups.values():
        # A larger batch is no faster, and a killed process loses more; a smaller group is shared by the workers.
        size = min(_BATCH_SIZE, math.ceil(len(group) / workers))
        batches += [group[start : start + size] for start in range(0, len(group), size)]
    return batches


def run_batch(cases: Sequence[Case], data: Mapping[str, Arrays]) -> list[tuple[str, Row]]:
    """Train a batch.

    Args:
        cases: Networks to be trained side by side, see `group_cases`.
        data: The arrays of each data set, by its name, at least for these cases.

    Returns:
        Key and row of each case; a network that could not be trained has the reason in `failed`.
    """
    sets = {name: dataset_of(data[name]) for name in {case.data for case in cases}}
    try:
        return _trained(cases, sets)
    except Exception as error:
        if len(cases) == 1:
            return [(cases[0].key, row_of(cases[0], failed=_reason(error)))]
    # One of the networks can't be trained: train each alone to find out which.
    return [pair for case in cases for pair in run_batch([case], data)]


def _network(case: Case, data: Dataset) -> KAN:
    """The network of a case's settings and seed, to be trained; without a width it has grown on the data."""
    arguments = {name: value for name, value in case.setting.items() if name in OF_NETWORK} | {"seed": case.seed}
    if arguments.get("width", AUTO) == AUTO:
        return KAN.for_data(data, **arguments)
    return KAN(**arguments)


def _trained(cases: Sequence[Case], sets: Mapping[str, Dataset]) -> list[tuple[str, Row]]:
    """The fingerprints and the rows of results of cases, whose networks are trained side by side.

    Args:
        cases: Cases of one group: they agree in all settings of the training but `lamb`.
        sets: The data by name.

    Raises:
        KeyboardInterrupt: If the training was interrupted, since a half-trained network is no result.
    """
    started = time.perf_counter()
    datasets = [sets[case.data] for case in cases]
    models = list(map(_network, cases, datasets))
    shared = {name: value for name, value in cases[0].setting.items() if name in OF_FIT and name != "lamb"}
    # A space over optimizers may well have a learning rate that not all of them use.
    steps = shared.pop("steps", 100)  # by default as many as `fit` takes
    for name in unused(make_settings(**shared), shared.get("opt", "auto")):
        del shared[name]
    lambs = [case.setting.get("lamb", 0.0) for case in cases]
    _, histories = fit_many(models, datasets, lamb=lambs, steps=steps, progress=False, **shared)
    if any(history.stop_reason == "interrupted" for history in histories):
        raise KeyboardInterrupt  # `fit_many` ends quietly with its last state, which is no result
    seconds = (time.perf_counter() - started) / len(cases)
    return [
        (case.key, row_of(case, model.n_parameters, history, seconds))
        for case, model, history in zip(cases, models, histories, strict=True)
    ]


def final_record(history: History) -> StepRecord | None:
    """The record of a training's final state: the best on validation data where there are any, else the last."""
    validated = [r for r in history.records if r.validation_loss is not None and math.isfinite(r.validation_loss)]
    if validated:
        return min(validated, key=lambda record: record.validation_loss or 0.0)
    return history.last if history.records else None


def row_of(
    case: Case,
    parameters: int | None = None,
    history: History | None = None,
    seconds: float | None = None,
    failed: str | None = None,
) -> Row:
    """The result of a case as plain values for a table and for JSON, which has neither NaN nor infinity: such a loss is None.

    Args:
        case: The settings and the seed.
        parameters: Free parameters of the network; None where there is no network.
        history: Of its training, of which the final state counts; None without one.
        seconds: The case's share of the batch's time.
        failed: Why there is no result; None where there is one. A training loss that isn't finite gives a reason of its own.
    """
    record = None if history is None else final_record(history)
    losses = {name: _finite(getattr(record, name, None)) for name in ("train_loss", "validation_loss", "test_loss")}
    if record is not None and losses["train_loss"] is None:
        failed = "the loss is not finite"
    return {
        **case.setting,
        "seed": case.seed,
        "parameters": parameters,
        **losses,
        "steps_taken": None if history is None else len(history),
        "seconds": seconds,
        "optimizer": None if history is None else history.optimizer,
        "stop_reason": None if history is None else history.stop_reason,
        "failed": failed,
    }


def _finite(value: float | None) -> float | None:
    """A loss, None where it isn't finite: JSON has neither NaN nor infinity."""
    return value if value is not None and math.isfinite(value) else None


def _reason(error: Exception) -> str:
    """The error on one line: of a ValueError its text, of any other its type and text."""
    text = " ".join(str(error).split())
    return text if isinstance(error, ValueError) and text else f"{type(error).__name__}: {text}"
