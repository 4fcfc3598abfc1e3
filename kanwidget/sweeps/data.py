"""The data of a sweep: one data set or several with names, what they are told apart by, and how they travel."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanwidget import _check
from kanwidget.datasets import Dataset, as_dataset

#: The parts of a data set as arrays: what other processes get.
Arrays = dict[str, NDArray[Any]]


def named(data: Any, where: str) -> dict[str, Dataset]:
    """Data sets by name; a single one has the name ``""``.

    Raises:
        ValueError: For data sets that differ in their columns.
        TypeError: For what is no data.
    """
    if not isinstance(data, Mapping) or "train_input" in data:
        return {"": as_dataset(data, where)}
    if not data or not all(isinstance(name, str) and name for name in data):
        _check.fail("data", where, "data, or a dict from names to data", data)
    found = {name: as_dataset(one, where) for name, one in data.items()}
    shapes = {(one.n_features, one.is_classification) for one in found.values()}
    if len(shapes) > 1:
        _check.fail("data", where, "data sets with the same columns", sorted(shapes))
    return found


def arrays_of(data: Dataset) -> Arrays:
    """The parts that training looks at."""
    return {name: data[name].cpu().numpy() for name in data}


def dataset_of(arrays: Arrays) -> Dataset:
    """The data set that `arrays_of` took apart."""
    return Dataset(**arrays)  # type: ignore[arg-type] # it takes arrays


def digest(arrays: Arrays) -> str:
    """A fingerprint of the numbers; names of columns don't matter for a training."""
    found = hashlib.sha256()
    for name, values in sorted(arrays.items()):
        found.update(f"{name} {values.dtype} {values.shape}".encode())
        found.update(np.ascontiguousarray(values).tobytes())
    return found.hexdigest()
