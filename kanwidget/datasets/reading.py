"""Data in all the forms that people have them, as one `Dataset`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.datasets import cells, frames, naming
from kanwidget.datasets.dataset import PARTS, Dataset, Split, from_table
from kanwidget.datasets.encoding import Encoding


def as_dataset(
    data: Any, where: str = "as_dataset", names: Sequence[str] = (), encoding: Encoding | None = None
) -> Dataset:
    """A `Dataset` from a `Dataset`, a dict with pykan's keys, a pair `(x, y)`, or a pair of a frame and its target's name.

    Args:
        data: A dict needs `train_input` and `train_label`; unknown keys are ignored.
        where: The function that is named in error messages.
        names: The columns to read, in this order, such as a network's `in_vars`: data with names are read by them (see
            `naming.column_indices`), data without names by position.
        encoding: How their words and missing cells were read before.

    Raises:
        ValueError: For a dict without the needed keys, and for data that do not fit together.
        TypeError: For anything else.

    Examples:
        >>> as_dataset({"train_input": [[0.0], [1.0]], "train_label": [[0.0], [2.0]], "note": "mine"})
        Dataset(2 train rows, x_1 -> y)
        >>> as_dataset(([0.0, 1.0], [0.0, 2.0]))
        Dataset(2 train rows, x_1 -> y)
        >>> as_dataset(Dataset([[1.0, 2.0, 3.0]], [0.0], in_vars=["a", "b", "c"]), names=["c", "a"])["train_input"].tolist()
        [[3.0, 1.0]]
    """
    if isinstance(data, Dataset):
        data = data if encoding is None else _recoded(data, encoding, where)
        return _with_columns(data, names, where) if data.has_names and names else data
    if is_table(data):
        return as_dataset(from_table(data[0], data[1], Split(test_fraction=0), where, encoding), where, names, encoding)
    advice = "Write (x, y), or (frame, 'target') for a frame, or use create_dataset(f)."
    if isinstance(data, Mapping):
        fields = {key: data[key] for key in Dataset.__dataclass_fields__ if data.get(key) is not None}
        if "train_input" not in fields or "train_label" not in fields:
            keys = list(map(str, data))
            _check.fail("data", where, "a dict with the keys train_input and train_label", keys, advice)
        for key in ("in_vars", "out_vars"):
            if key in fields:
                fields[key] = tuple(fields[key])
    elif isinstance(data, (tuple, list)) and len(data) == 2:
        fields = {"train_input": data[0], "train_label": data[1]}
    else:
        _check.fail("data", where, "a Dataset, a dict or a pair (x, y)", data, advice, error=TypeError)
    if encoding is not None and frames.names_of(fields["train_input"]):
        fields |= {"encoding": encoding}
    elif names and "in_vars" not in fields:
        fields |= _by_name(fields, names, where)
    dataset = Dataset(**fields)
    return as_dataset(dataset, where, names, encoding) if names else dataset


def is_table(data: Any) -> bool:
    """Whether it is a pair of a frame and the name of its target, or of several.

    Examples:
        >>> is_table(({"x": [0.0], "y": [1.0]}, "y")), is_table(([[0.0]], [1.0]))
        (True, False)
    """
    if not isinstance(data, (tuple, list)) or len(data) != 2 or not frames.has_columns(data[0]):
        return False
    target = data[1]
    names = target if isinstance(target, (list, tuple)) else [target]
    return bool(names) and all(isinstance(name, str) for name in names)


def _recoded(data: Dataset, encoding: Encoding, where: str) -> Dataset:
    """The data with the numbers that another encoding gives to the same cells: its levels, origin of dates, and means for missing numbers.

    Args:
        data: Returned as it is where it has no encoding, already has this one, or lacks columns (which the caller's next check reports).
        encoding: The encoding of the training data, whose inputs the result has, in this order.
        where: The public function, for errors.

    Raises:
        ValueError: For a column that was left out of `data` as useless, and for standardized inputs that would be read differently.
        TypeError: For a column of another kind; a `ValueError` for several.
    """
    own = data.encoding
    if own is None or own.columns == encoding.columns:
        return data
    columns = {column.name: column for column in own.columns if column.inputs[0][0] in data.in_vars}
    read = [column for column in encoding.columns if any(name in encoding.names for name, _ in column.inputs)]
    missing = {column.name for column in read} - columns.keys()
    if gone := [f"{name!r} ({reason})" for name, reason in own.left_out if name in missing]:
        advice = "A dataset of few rows leaves such columns out: give the frame, or one dataset of all rows."
        _check.fail("data", where, "a Dataset with the columns of the training data", f"one without {gone[0]}", advice)
    if missing:
        return data  # the next check names them
    cells.refuse([fault for column in read if (fault := column.other_kind(columns[column.name]))], where, "data")
    if data.input_mean is not None:
        if all(column.reads_as(columns[column.name]) for column in read):
            return data
        advice = "Leave standardize=True out: a network learns the scales of columns by itself."
        _check.fail("data", where, "in its own units, with words and missing cells as those of training", data, advice)
    changed: dict[str, Any] = {}
    for key in (key for key in data if key.endswith("input")):
        inputs = dict(zip(data.in_vars, data[key].unbind(1), strict=True))
        parts: dict[str, Tensor] = {}
        for column in read:
            before = columns[column.name]
            values = [inputs[name] for name, _ in before.inputs]
            parts |= zip((name for name, _ in column.inputs), column.recoded(before, *values), strict=True)
        changed[key] = torch.stack([parts[name] for name in encoding.names], 1)
    encoding = replace(encoding, rows_left_out=own.rows_left_out)
    return replace(data, **changed, in_vars=encoding.names, encoding=encoding)


def _by_name(fields: Mapping[str, Any], names: Sequence[str], where: str) -> dict[str, Any]:
    """The inputs, of frames the columns of these names: selected before conversion, as further columns may hold text."""
    keys = [f"{part}_input" for part in PARTS if f"{part}_input" in fields]
    inputs: dict[str, Any] = {key: frames.by_name(fields[key], names, where) for key in keys}
    return inputs if inputs["train_input"] is fields["train_input"] else inputs | {"in_vars": tuple(names)}


def _with_columns(data: Dataset, names: Sequence[str], where: str) -> Dataset:
    """The data with the input columns of these names, in this order; unchanged where columns go by position."""
    indices = naming.column_indices(data.in_vars, names, where, kind="a Dataset")
    if indices is None or indices == list(range(data.n_features)):
        return data
    return with_inputs(data, indices)


def with_inputs(data: Dataset, indices: Sequence[int]) -> Dataset:
    """The data with these input columns alone, in this order."""
    changed: dict[str, Any] = {key: data[key][:, indices] for key in data if key.endswith("input")}
    for name in ("input_mean", "input_scale"):
        if getattr(data, name) is not None:
            changed[name] = getattr(data, name)[..., indices]
    return replace(data, **changed, in_vars=tuple(data.in_vars[index] for index in indices))
