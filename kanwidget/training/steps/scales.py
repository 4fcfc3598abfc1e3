"""A network's scales and logarithms, learnt from its first training data."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.datasets import Dataset
from kanwidget.datasets.dataset import PARTS
from kanwidget.training.objective.loss import Loss


def learn_scales(network: Network, data: Dataset, loss: Loss) -> None:
    """Learn the network's scales (centre and size of each column and output), logarithms, and how many words a column of texts has.

    In place, and only what isn't settled yet. Functions that stand on the first or the last edges already were meant in own units: that
    side keeps its numbers.
    """
    scaling = network.scaling  # `fixed`: whether the scales of inputs and of outputs are settled
    _learn_levels(network, data)
    if network.log and not any(scaling.has_logs):
        resolve_logs(network, data)
    if not bool(scaling.fixed.all()):
        for side, layer in ((0, network.layer(0)), (1, network.layer(network.depth - 1))):
            scaling.fixed[side] |= bool(layer.symbols)
        # `root`: squared errors, which compare scaled labels.
        scaling.learn(_numbers_of(network, data), data.train_label if loss.root else None)
        # Outputs of another loss keep their numbers, also in trainings to come.
        scaling.settle()


def _learn_levels(network: Network, data: Dataset) -> None:
    """Set the number of levels (the words of a column) of each input from the data, 0 for numbers. In place.

    An error where that would change an input that has a function already, or splines that were trained.
    """
    layer = network.layer(0)
    levels = tuple(len(data.levels[column]) for column in network.columns.tolist())
    functions = {flat % layer.in_dim for members in layer.symbols.values() for flat in members}
    for source, (now, before) in enumerate(zip(levels, layer.levels, strict=True)):
        # `fixed[0]`: the scales of the inputs are settled, as they are after a training.
        is_used = source in functions or (bool(network.scaling.fixed[0]) and bool(layer.spline_on[:, source].any()))
        if now == before or not is_used:
            continue
        name = data.in_vars[int(network.columns[source])]
        expected = f"data whose column {name!r} holds {_what(before)}, as the network has it"
        _check.fail("data", "fit", expected, _what(now), "Begin with a new network: KAN.for_data(frame, target).")
    if levels != layer.levels:
        layer.set_levels(levels)


def _what(levels: int) -> str:
    """What a column holds, for an error: words with so many levels, or numbers for 0."""
    return f"words with {levels} levels" if levels else "numbers"


def _numbers_of(network: Network, data: Dataset) -> Tensor:
    """The training inputs, `(rows, n_features)`, with 0 in columns of words (texts), which hold the numbers of the words: no scale."""
    words = [column for column, levels in zip(network.columns.tolist(), network.layer(0).levels, strict=True) if levels]
    if not words:
        return data.train_input
    return data.train_input.index_fill(1, torch.tensor(words, device=data.train_input.device), 0.0)


@contextmanager
def restored_scaling(*networks: Network) -> Iterator[None]:
    """Within it, an error leaves the scales of the networks as they were."""
    former = [copy.deepcopy(network.scaling) for network in networks]
    try:
        yield
    except BaseException:
        for network, scaling in zip(networks, former, strict=True):
            network.scaling = scaling
        raise


def resolve_logs(network: Network, data: Dataset) -> None:
    """Find the columns and outputs of `network.log`, by name or number, and let the network's scales take their logarithms. In place.

    An error for what the data don't have, and for values that aren't positive.
    """
    inputs, outputs = [], []
    for name in network.log:
        if isinstance(name, int):
            inputs.append(_check.integer(name, "log", "KAN", low=0, high=network.n_features - 1))
        elif name in data.in_vars:
            inputs.append(data.in_vars.index(name))
        elif name in data.out_vars and not data.is_classification:
            outputs.append(data.out_vars.index(name))
        else:
            _check.fail("log", "KAN", f"made of {', '.join(map(repr, (*data.in_vars, *data.out_vars)))}", name)
    for part in PARTS:
        if f"{part}_input" in data:
            _check_positive(data[f"{part}_input"], inputs, data.in_vars)
            if outputs:
                _check_positive(data[f"{part}_label"], outputs, data.out_vars)
    if inputs or outputs:
        network.scaling.set_logs(inputs, outputs)


def _check_positive(values: Tensor, columns: Sequence[int], names: Sequence[str]) -> None:
    """An error if one of the `columns` (indices, with their `names`) of `values`, `(rows, …)`, has no logarithm in a row: it names both."""
    for column in columns:
        rows = (~(values[:, column] > 0)).nonzero().flatten()
        if len(rows):
            row = int(rows[0])
            expected = f"made of columns that are positive; {names[column]!r} isn't, in row {row}"
            advice = "Leave that row out, or that column as it is."
            _check.fail("log", "fit", expected, float(values[row, column]), advice)


def in_own_units(network: Network, data: Dataset, where: str = "KANExplorer") -> Dataset:
    """The data as they were before they were standardized; the network, if it has learnt on those, goes on with these. In place.

    Its scales take over what standardizing did: (x - mean)/std, and then (… - centre)/size. Its `reference`, inputs that it keeps, goes
    into own units, too. `where` is the call that errors name.
    """
    scaling = network.scaling
    for index, (kind, side) in enumerate((("input", "input"), ("label", "output"))):
        mean, std = getattr(data, f"{kind}_mean"), getattr(data, f"{kind}_scale")
        if mean is None or std is None:
            continue
        if kind == "input":
            network.reference = (mean + std * network.reference.to(mean)).to(network.reference)
        if bool(scaling.fixed[index]):  # the scales of this side are settled: the network has learnt with them
            if scaling.has_logs[index]:
                _check.fail("data", where, "as it was, without standardize=True, for logarithms", data)
            centre, size = getattr(scaling, f"{side}_centre"), getattr(scaling, f"{side}_size")
            scaling.set_scale(side, (mean.to(centre) + std.to(centre) * centre, std.to(size) * size))
    return data_in_own_units(data)


def data_in_own_units(data: Dataset) -> Dataset:
    """The data as they were before they were standardized.

    Examples:
        >>> data = Dataset([[1.0], [3.0]], [10.0, 30.0]).standardize()
        >>> data_in_own_units(data).train_label.flatten().tolist()
        [10.0, 30.0]
    """
    changed: dict[str, Any] = {}
    for kind in ("input", "label"):
        mean, std = getattr(data, f"{kind}_mean"), getattr(data, f"{kind}_scale")
        if mean is not None and std is not None:
            changed |= {f"{kind}_mean": None, f"{kind}_scale": None}
            changed |= {key: mean + std * data[key] for key in data if key.endswith(kind)}
    return replace(data, **changed) if changed else data
