"""The inputs of a query: data in the network's columns, or the network's reference data."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.datasets import Dataset, arrays, as_dataset, frames, naming
from kanwidget.datasets.reading import is_table

_log = logging.getLogger(__name__)
#: Rows farther beyond the reference data than so many of its ranges are far outside.
_FAR = 5.0
#: Number of training inputs that a network keeps as its reference data.
REFERENCE_ROWS = 512


def reference_rows(x: Tensor) -> Tensor:
    """At most 512 of the rows of x, `(rows, columns)`, evenly picked, as a copy: what a network keeps of its inputs for later queries."""
    return arrays.even_rows(x, REFERENCE_ROWS).clone()


def joint_reference(network: Network, x: Tensor) -> Tensor:
    """At most 512 rows, evenly picked from the network's reference data and from new inputs x, `(rows, n_features)`.

    They stand for all that a network has seen that learns one part of its data after the other.
    """
    return reference_rows(torch.cat([network.reference.to(x), x]))


def part_left_out(network: Network, x: Tensor) -> float:
    """The part, 0 to 1, of a network's reference rows that lies outside the range of new inputs x, `(rows, n_features)`.

    Only columns that the network reads count. It is 0 for a network without reference data.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([1, 1])
        >>> model.reference = torch.tensor([[0.0], [1.0], [2.0], [3.0]], dtype=torch.float64)  # fit does that
        >>> part_left_out(model, torch.tensor([[0.0], [1.0]]))
        0.5
    """
    old, new = network.reference[:, network.columns], x[:, network.columns].to(network.reference)
    if len(old) == 0:
        return 0.0
    # Rows that lie beyond the new ones by no more than a twentieth of their range count as inside.
    margin = 0.05 * (new.amax(0) - new.amin(0))
    outside = (old < new.amin(0) - margin) | (old > new.amax(0) + margin)
    return float(outside.any(1).double().mean())


def store_names(network: Network, data: Dataset) -> None:
    """Store the names of the columns and classes in the network, if they have any. In place."""
    if data.has_names:
        network.in_vars, network.encoding = data.in_vars, data.encoding
    if data.classes:
        # Classes that no row has lack a name, but the network may have an output for them.
        numbers = range(len(data.classes), network.n_out)
        network.classes = (*data.classes, *(f"class {number}" for number in numbers))


def order_columns(network: Network, data: Any, where: str = "fit") -> Dataset:
    """Data to train on, in any form that `fit` takes, as a `Dataset`; errors name the call, `where`.

    Columns with the names of the last training come in the network's order, and a frame is read as it was read then. Data with new names
    keep their own order.
    """
    encoding, names = network.encoding, network.in_vars
    if encoding is not None and {column.name for column in encoding.columns} <= _columns_of(data):
        return as_dataset(data, where, names, encoding)
    dataset = as_dataset(data, where)
    familiar = dataset.has_names and set(dataset.in_vars) == set(names)
    return as_dataset(dataset, where, names) if familiar else dataset


def _columns_of(data: Any) -> set[str]:
    """Names of the columns of training data that come as a frame, to see if they have those of the last training; else empty.

    Of a dict or a pair the inputs count.
    """
    if isinstance(data, Dataset):
        return set() if data.encoding is None else {column.name for column in data.encoding.columns}
    frame = (
        data.get("train_input") if isinstance(data, Mapping) else data[0] if isinstance(data, (tuple, list)) else None
    )
    return set(map(str, naming.labels_of(frame))) if frames.has_columns(frame) else set()


def as_inputs(model: Network, data: Any, where: str, *, test: bool = False) -> Tensor:
    """Inputs for a query, `(rows, n_features)`: those of the data, or the model's reference data. Columns go by their names, if it has any.

    Args:
        model: The network.
        data: A `Dataset`, a dict or a pair (inputs, labels), or inputs alone; None for the reference data.
        where: The public call, for errors.
        test: Whether predictions are asked for: then a `Dataset` gives its test rows, where it has any, and inputs alone may be none or
            have missing numbers.

    Raises:
        ValueError: If there is no data and the model has never been fitted, or a column is missing.
    """
    if data is None:
        if len(model.reference) == 0:
            advice = (
                "Pass data=… (a Dataset or inputs), or call fit first: it leaves a sample of its data with the model."
            )
            _check.fail("data", where, "given for a model that wasn't fitted", None, advice)
        return model.reference
    if has_labels(data):
        dataset = as_dataset(data, where, model.in_vars, model.encoding)
        x = dataset.test_input if test and dataset.test_input is not None else dataset.train_input
        return x.to(model.device, model.dtype)
    x = arrays.tensor(frames.by_name(data, model.in_vars, where, encoding=model.encoding), "data", where).to(
        model.device, model.dtype
    )
    x = x[:, None] if x.ndim == 1 and model.n_features == 1 else x
    if x.ndim == 2 and not test:
        if len(x) == 0:
            _check.fail("data", where, "given with at least one row", x)
        arrays.finite(x, "data", where)
    return x


def has_labels(data: Any) -> bool:
    """Whether data are a `Dataset`, a pykan dict or a pair (inputs, labels), not inputs alone.

    Examples:
        >>> has_labels({"train_input": [[0.0]], "train_label": [[1.0]]}), has_labels([[0.0]])
        (True, False)
    """
    return isinstance(data, Dataset) or (isinstance(data, Mapping) and not frames.has_columns(data)) or _is_pair(data)


def _is_pair(data: Any) -> bool:
    """Whether data are a tuple (inputs, labels), or (frame, name of its target), for `fit`. A tuple of two rows of numbers is none.

    `is_table` knows a frame with the name, or names, of its targets; else the first part must be a matrix or a frame: inputs.
    """
    if not isinstance(data, tuple) or len(data) != 2:
        return False
    return is_table(data) or getattr(data[0], "ndim", 0) == 2 or frames.has_names(data[0])


def warn_of_rows(network: Network, x: Tensor) -> None:
    """Warn how many rows of x, `(rows, n_features)`, have missing numbers, and so no prediction, and how many are far from training data.

    The network's reference data, at most 512 training inputs, say what range these have.
    """
    if x.ndim != 2 or x.shape[1] != network.n_features:
        return  # which the network refuses
    missing = x.isnan().any(1)
    reference, columns = network.reference, network.columns.unique()
    far = torch.zeros_like(missing)
    if len(reference):
        low, high = reference[:, columns].amin(0), reference[:, columns].amax(0)
        reach = _FAR * (high - low)  # some ranges of the reference data beyond its ends
        # A column that was constant in the training says nothing of what is far.
        far = ((reach > 0) & ((x[:, columns] < low - reach) | (x[:, columns] > high + reach))).any(1)
    concerned = {"have missing numbers, and no prediction": missing, "lie far outside the training data": far}
    parts = [f"{int(rows.sum())} of {len(x)} rows {what}" for what, rows in concerned.items() if bool(rows.any())]
    if parts:
        _log.warning("predict: %s", "; ".join(parts))
