"""The data of a sweep: one data set or several with names, their fingerprints, and their form for other processes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanwidget import _check
from kanwidget.datasets import Dataset, as_dataset
from kanwidget.datasets.encoding import Encoding

#: The parts of a data set as arrays, for other processes; how words were read is one of them, as text.
Arrays = dict[str, NDArray[Any]]
_ENCODING = "encoding"
_WEIGHTS = ("train_weight", "test_weight", "val_weight")


def datasets_by_name(data: Any, where: str) -> dict[str, Dataset]:
    """Data sets by name; a single one has the name ``""``.

    Raises:
        ValueError: For data sets that differ in their columns.
        TypeError: For anything but data.
    """
    if not isinstance(data, Mapping) or "train_input" in data:
        return {"": as_dataset(data, where)}
    if not data or not all(isinstance(name, str) and name for name in data):
        _check.fail("data", where, "data, or a dict from names to data", data)
    datasets = {name: as_dataset(dataset, where) for name, dataset in data.items()}
    shapes = {(dataset.n_features, dataset.is_classification) for dataset in datasets.values()}
    if len(shapes) > 1:
        _check.fail("data", where, "data sets with the same columns", sorted(shapes))
    return datasets


def arrays_of(data: Dataset) -> Arrays:
    """The parts of a data set that training uses, by name, as NumPy arrays; how words were read is among them as text in JSON."""
    arrays = {name: data[name].cpu().numpy() for name in data}
    weights = {name: getattr(data, name) for name in _WEIGHTS}
    arrays |= {name: weight.cpu().numpy() for name, weight in weights.items() if weight is not None}
    if data.encoding is not None and any(data.levels):
        arrays[_ENCODING] = np.array(json.dumps(data.encoding.to_dict()))
    return arrays


def dataset_of(arrays: Arrays) -> Dataset:
    """The data set again from what `arrays_of` has made of it: its parts by name and, if it has words, how they are read, as JSON."""
    parts: dict[str, Any] = {name: values for name, values in arrays.items() if name != _ENCODING}
    if _ENCODING not in arrays:
        return Dataset(**parts)
    encoding = Encoding.from_dict(json.loads(str(arrays[_ENCODING])))
    return Dataset(**parts, in_vars=encoding.names, encoding=encoding)


def digest(arrays: Arrays) -> str:
    """A fingerprint, as hexadecimal text, of all parts with their types and shapes; names of columns don't matter for a training."""
    fingerprint = hashlib.sha256()
    for name, values in sorted(arrays.items()):
        fingerprint.update(f"{name} {values.dtype} {values.shape}".encode())
        fingerprint.update(np.ascontiguousarray(values).tobytes())
    return fingerprint.hexdigest()
