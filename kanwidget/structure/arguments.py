"""The arguments of `examine`: what was given becomes a subject."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.reference_data import as_inputs, has_labels
from kanwidget.datasets import Dataset, arrays, as_dataset, frames
from kanwidget.datasets.dataset import Split, from_table, without_idle_rows
from kanwidget.datasets.derived import numbers_only
from kanwidget.structure import ensembles, subjects
from kanwidget.structure.subjects import Subject
from kanwidget.training.steps.scales import data_in_own_units, in_own_units

_WHERE = "examine"


def subject_of(
    subject: Any, data: Any, target: Any, output: str | int | None, members: int, steps: int, seed: int
) -> Subject:
    """The subject of a function with points, of a network with or without data, or of a table."""
    if target is not None and not frames.has_columns(subject):
        advice = "Of several outputs one is named with output='y_1'."
        _check.fail("target", _WHERE, "left out where the subject is no frame", target, advice)
    if isinstance(subject, Network):
        return _of_network(subject, data, output, members, seed)
    if callable(subject) and not has_labels(subject) and not frames.has_columns(subject):
        return _of_function(subject, data, output)
    if data is not None:
        advice = "A table is the subject itself: examine(data), or examine(frame, target='y')."
        _check.fail("data", _WHERE, "left out for a table", data, advice)
    return _of_table(subject, target, output, members, steps, seed)


def _of_function(function: Any, data: Any, output: str | int | None) -> Subject:
    if data is None:
        advice = "Give rows where it is defined, such as create_dataset(f, n_var=3).train_input."
        _check.fail("data", _WHERE, "the points at which a function is examined", None, advice)
    if has_labels(data):
        dataset = as_dataset(data, _WHERE)
        points, names = dataset.train_input, dataset.in_vars
    else:
        names = frames.names_of(data)
        points = arrays.inputs(data, "data", _WHERE, names)
        names = names or tuple(f"x_{number + 1}" for number in range(points.shape[1]))
    return subjects.function_subject(function, _picked(points), names, output)


def _of_network(network: Network, data: Any, output: str | int | None, members: int, seed: int) -> Subject:
    names = network.in_vars or tuple(f"x_{number + 1}" for number in range(network.n_features))
    targets = ("y",) if network.n_out == 1 else tuple(f"y_{number + 1}" for number in range(network.n_out))
    if data is not None and has_labels(data):
        dataset = without_idle_rows(_regression(as_dataset(data, _WHERE, network.in_vars, network.encoding), "data"))
        network = copy.deepcopy(network)
        dataset = in_own_units(network, dataset, _WHERE)
        targets = dataset.out_vars
        index = subjects.output_index(output, targets)
        copies: list[Network] = ensembles.refit_copies(network, dataset, members, seed)
        points, tolerance = dataset.train_input, subjects.LEARNED_TOLERANCE
    else:
        index = subjects.output_index(output, targets)
        copies = [copy.deepcopy(network).to("cpu", torch.float64)]
        points, tolerance = as_inputs(network, data, _WHERE), subjects.EXACT_TOLERANCE
    functions = tuple(subjects.network_member([network], index) for network in copies)
    exact = subjects.one_output(copies[0], index) if len(copies) == 1 else None
    return Subject(names, targets[index], _picked(points), functions, tolerance, function=exact)


def _of_table(table: Any, target: Any, output: str | int | None, members: int, steps: int, seed: int) -> Subject:
    data = from_table(table, target, Split(test_fraction=0), _WHERE) if frames.has_columns(table) else _labelled(table)
    data = numbers_only(_regression(data, "subject"))
    data = without_idle_rows(data_in_own_units(data.to(torch.float64, "cpu")))
    index = subjects.output_index(output, data.out_vars)
    label = data.train_label[:, index].to(torch.float64)
    points, names = _picked(data.train_input), data.in_vars
    if bool((label == label[0]).all()):  # there is nothing to learn
        return Subject(names, data.out_vars[index], points, (_constant(float(label[0])),), subjects.LEARNED_TOLERANCE)
    ensemble = ensembles.train_ensemble(data, index, members, steps, seed)
    functions = tuple(subjects.network_member(networks, 0) for networks in ensemble)
    return Subject(names, data.out_vars[index], points, functions, subjects.LEARNED_TOLERANCE)


def _labelled(table: Any) -> Dataset:
    is_pair = isinstance(table, (tuple, list)) and len(table) == 2
    is_dict = isinstance(table, Mapping) and {"train_input", "train_label"} <= set(table)
    if not (isinstance(table, Dataset) or is_pair or is_dict):
        expected = "a function, a network, a frame, or labelled data: a Dataset, a dict or a pair (x, y)"
        advice = "A dict needs the keys train_input and train_label."
        _check.fail("subject", _WHERE, expected, table, advice, error=TypeError)
    return as_dataset(table, _WHERE)


def _constant(value: float) -> subjects.Member:
    return subjects.function_member(lambda x: torch.full((len(x),), value, dtype=x.dtype), 0)


def _regression(data: Dataset, argument: str) -> Dataset:
    if data.is_classification:
        advice = "Write the labels as a column of numbers: y.reshape(-1, 1)."
        _check.fail(argument, _WHERE, "with numbers as labels", data, advice)
    return data


def _picked(points: Tensor) -> Tensor:
    """Points as float64, of many rows evenly picked ones."""
    points = points.detach().to("cpu", torch.float64)
    if len(points) <= subjects.MOST_POINTS:
        return points
    return points[torch.linspace(0, len(points) - 1, subjects.MOST_POINTS).long()]
