"""Arrays of every kind → checked tensors; errors name row and column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kanwidget import _check

#: Advice for dates, and for complex numbers.
_DAYS = "Turn dates and durations into numbers, such as days since the first one."
_REAL = "Give real and imaginary parts, or absolute value and angle, as columns of their own."

#: Bytes of the largest numbers that torch has.
_LARGEST = 8


def tensor(value: Any, argument: str, where: str) -> Tensor:
    """A detached tensor of real numbers from a tensor, array, frame or nested list; an error names the `argument` and the call, `where`.

    What isn't a tensor is copied; the type of numbers stays, if torch has it.
    """
    if isinstance(value, Tensor):
        if value.is_complex():
            _check.fail(argument, where, "an array of real numbers", value.dtype, _REAL, error=TypeError)
        return (value if value.layout == torch.strided else value.to_dense()).detach()
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        value = np.ma.filled(value.astype(np.float64), np.nan)
    try:
        # In rows from the first to the last: torch takes no array that is read backwards, such as x[::-1] and some frames.
        array = np.asarray(value, order="C")
    except ValueError:  # rows of different lengths
        _check.fail(argument, where, "an array of numbers", value, "All rows need the same number of columns.")
    if array.dtype.kind == "c":
        _check.fail(argument, where, "an array of real numbers", str(array.dtype), _REAL, error=TypeError)
    if array.dtype.kind in "mM":  # which would become nanoseconds since 1970
        _check.fail(argument, where, "an array of numbers", str(array.dtype), _DAYS, error=TypeError)
    if array.dtype.kind in "iuf" and not (array.dtype.isnative and array.dtype.itemsize <= _LARGEST):
        array = array.astype(f"={array.dtype.kind}{min(array.dtype.itemsize, _LARGEST)}")
    if array.dtype.kind not in "biuf":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            advice = "Drop or encode columns that hold text or dates."
            _check.fail(argument, where, "an array of numbers", value, advice, error=TypeError)
    # A copy: the data of a fit must not change when the caller's array does.
    return torch.tensor(array)


def table(x: Tensor) -> Tensor:
    """Numbers as floats; a vector becomes one column."""
    x = x if x.is_floating_point() else x.to(torch.float64)
    return x[:, None] if x.ndim == 1 else x


def inputs(value: Any, argument: str, where: str, names: Sequence[str] = ()) -> Tensor:
    """Inputs as finite floats of shape `(n, features)`; a vector is one feature.

    Errors name the `argument`, the call (`where`) and the column, from the `names` of the columns if there are any.
    """
    x = table(tensor(value, argument, where))
    if x.ndim != 2 or 0 in x.shape:
        _check.fail(argument, where, "of shape (rows, columns), with at least one of each", x)
    finite(x, argument, where, names)
    return x


def labels(value: Any, rows: int, argument: str, where: str, names: Sequence[str] = ()) -> Tensor:
    """Labels as floats of shape `(n, outputs)`, or class numbers as int64 of shape `(n,)`.

    A vector of integers means classes; integers in a column are numbers like any others. `rows` is the number of rows that there must be;
    errors name the `argument`, the call (`where`) and the column, from the `names` of the outputs if there are any.
    """
    y = tensor(value, argument, where)
    if y.ndim == 1 and not y.is_floating_point():
        y = y.to(torch.int64)
        if (y < 0).any():
            advice = "Classes count from 0. For numbers use a column, y.reshape(-1, 1), or floats."
            _check.fail(argument, where, "class numbers ≥ 0", int(y.min()), advice)
    else:
        y = table(y)
    if y.ndim not in (1, 2) or y.shape[0] != rows or 0 in y.shape:
        expected = f"of shape ({rows},) or ({rows}, outputs), one row for each row of the inputs"
        _check.fail(argument, where, expected, y)
    finite(y, argument, where, names)
    return y


def finite(x: Tensor, argument: str, where: str, names: Sequence[str] = ()) -> None:
    """An error that names the first entry of x, `(rows, columns)`, that is NaN or infinite, and the number of such rows.

    It also names the `argument`, the call (`where`) and the column, from the `names` of the columns if there are any.
    """
    if math.isfinite(x.detach().sum()):  # much faster; a sum may also be too large
        return
    wrong = ~torch.isfinite(x)
    if not bool(wrong.any()):
        return
    row, column = wrong.nonzero()[0].tolist()
    name = f"{column} ({names[column]})" if column < len(names) else str(column)
    count = int(wrong.any(1).sum())
    advice = f"{count} row{'s are' if count > 1 else ' is'} affected: remove or fill {'them' if count > 1 else 'it'}."
    _check.fail(argument, where, f"finite in row {row}, column {name}", float(x[row, column]), advice)


def even_rows(x: Tensor, most: int) -> Tensor:
    """At most `most` of the rows of x, evenly picked: the first ones alone would not do, as a table may be sorted."""
    return x if len(x) <= most else x[torch.linspace(0, len(x) - 1, most, device=x.device).long()]


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each column of x, `(rows, columns)`: `(columns,)` both. The latter is 1 where a column is constant."""
    scale = x.std(0, correction=0)
    # The squares of 1e200 are infinite, and those of 1e-200 are 0.
    size = x.abs().amax(0).clamp(min=torch.finfo(x.dtype).tiny)
    scale = torch.where((scale > 0) & torch.isfinite(scale), scale, (x / size).std(0, correction=0) * size)
    # The standard deviation of equal numbers may be round-off.
    return x.mean(0), torch.where((x != x[0]).any(0) & (scale > 0), scale, torch.ones_like(scale))
