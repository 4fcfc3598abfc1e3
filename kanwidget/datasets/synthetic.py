"""Samples of a known function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.datasets import arrays
from kanwidget.datasets.dataset import Dataset, standardized

_WHERE = "create_dataset"


def create_dataset(
    f: Callable[[Tensor], Tensor],
    n_var: int = 2,
    f_mode: Literal["col", "row"] = "col",
    ranges: Any = (-1.0, 1.0),
    train_num: int = 1000,
    test_num: int = 1000,
    normalize_input: bool = False,
    normalize_label: bool = False,
    device: torch.device | str = "cpu",
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> Dataset:
    """Uniform random inputs and the values of a function there.

    Argument order and values are pykan's (under float64 the same seed gives the same numbers), but the draw uses a
    generator of its own: the global random state isn't used.

    Args:
        f: The function: `(n, n_var)` → `(n, outputs)` or `(n,)` with `f_mode="col"`; with `"row"` it gets the
            transpose, so that `lambda x: x[0] * x[1]` works.
        n_var: Number of inputs, ≥ 1.
        f_mode: `col` or `row`.
        ranges: `(low, high)` for all inputs, or one pair for each: list, tuple, array or tensor.
        train_num: Rows to train on, ≥ 1.
        test_num: Rows to test on, ≥ 0; 0 makes no test data.
        normalize_input: Standardize the inputs, see `Dataset.standardize`.
        normalize_label: Standardize the labels.
        device: Where the tensors go; the numbers do not depend on it.
        seed: Of the draw.
        dtype: Of the tensors; the draw and the function use float64.

    Returns:
        A `Dataset`, which can also be read like pykan's dict.

    Raises:
        ValueError: For ranges or numbers that make no data, and where the function's values are not finite.

    Examples:
        >>> data = create_dataset(lambda x: torch.exp(x[:, [0]] + x[:, [1]] ** 2), n_var=2, train_num=100)
        >>> data
        Dataset(100 train rows, 1000 test rows, x_1, x_2 -> y)
        >>> create_dataset(lambda x: x[0], 1, "row", ranges=[0, 5], test_num=0)["train_input"].max() <= 5
        tensor(True)
    """
    if not callable(f):
        advice = "lambda x: x[:, [0]] * x[:, [1]] is one of two inputs."
        _check.fail("f", _WHERE, "a function of a table of inputs", f, advice, error=TypeError)
    n_var = _check.integer(n_var, "n_var", _WHERE, low=1)
    _check.choice(f_mode, "f_mode", _WHERE, ("col", "row"))
    counts = (
        _check.integer(train_num, "train_num", _WHERE, low=1),
        _check.integer(test_num, "test_num", _WHERE, low=0, advice="0 makes no test data."),
    )
    low, high = _ranges(ranges, n_var)
    generator = torch.Generator().manual_seed(_check.integer(seed, "seed", _WHERE, low=0))
    drawn: dict[str, Any] = {}
    # All inputs before any label: f may draw random numbers (noise) itself without changing the inputs.
    for part, count in zip(("train", "test"), counts, strict=True):
        if count:
            # Column by column, as pykan draws.
            unit = [torch.rand(count, generator=generator, dtype=torch.float64) for _ in range(n_var)]
            drawn[f"{part}_input"] = low + (high - low) * torch.stack(unit, dim=1)
    for key in list(drawn):
        drawn[key.replace("input", "label")] = _values(f, drawn[key], f_mode)
    names = tuple(f"x_{i + 1}" for i in range(n_var))
    kinds = [kind for kind, chosen in (("input", normalize_input), ("label", normalize_label)) if chosen]
    return standardized(Dataset(**drawn, in_vars=names), kinds).to(dtype, device)


def _ranges(ranges: Any, n_var: int) -> tuple[Tensor, Tensor]:
    """Lower and upper ends of each input, from one pair or a pair for each."""
    expected = f"two increasing numbers, or {n_var} pairs of them"
    try:
        table = np.asarray(ranges, dtype=np.float64)
    except (TypeError, ValueError):
        _check.fail("ranges", _WHERE, expected, ranges)
    if table.shape == (2,):
        table = np.tile(table, (n_var, 1))
    if table.shape != (n_var, 2) or not np.isfinite(table).all() or (table[:, 0] >= table[:, 1]).any():
        _check.fail("ranges", _WHERE, expected, np.asarray(ranges).tolist())
    return torch.from_numpy(table[:, 0].copy()), torch.from_numpy(table[:, 1].copy())


def _values(f: Callable[[Tensor], Tensor], x: Tensor, f_mode: str) -> Tensor:
    """The values of a person's function, `(rows, outputs)`, as floats; refuses values that aren't finite, or of another shape.

    Args:
        f: The function.
        x: The inputs, `(rows, inputs)`.
        f_mode: `col` for a function of a table as `x` is, `row` for one of its transpose.
    """
    with torch.no_grad():
        y = arrays.table(arrays.tensor(f(x if f_mode == "col" else x.T), "f", _WHERE))
    if y.ndim != 2 or y.shape[0] != x.shape[0]:
        advice = "It gets a table of inputs, one row a sample: write x[:, [0]] for the first input."
        if f_mode == "row":
            advice = "It gets one row for each input: write x[0] for the first."
        _check.fail("f", _WHERE, f"a function with values of shape ({x.shape[0]}, outputs)", y, advice)
    wrong = ~torch.isfinite(y).all(1)
    if bool(wrong.any()):
        row = int(wrong.nonzero()[0])
        point = ", ".join(f"{value:.4g}" for value in x[row].tolist())
        advice = "Narrow the ranges to where it is defined."
        _check.fail("f", _WHERE, f"finite at x = ({point})", y[row].tolist(), advice)
    return y
