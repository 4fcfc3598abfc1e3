"""`Dataset`: inputs and labels for training, test and validation, checked once and frozen."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget._refusals import short_refusals
from kanwidget.datasets import arrays, frames, naming
from kanwidget.datasets.encoding import Encoding

#: Parts of a dataset.
PARTS = ("train", "test", "val")
#: A table of fewer rows gives none away unasked: training needs them, and a few held-out rows tell little.
SMALL = 50
_WEIGHTS = ("train_weight", "test_weight", "val_weight")
_SCALES = ("input_mean", "input_scale", "label_mean", "label_scale")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Dataset:
    """Inputs and labels of one problem; `data["train_input"]` reads a part by pykan's name.

    Tensors, NumPy arrays and nested lists are accepted. Inputs become floats of shape `(n, features)`. Labels become
    floats of shape `(n, outputs)`, except that a vector of integers means classes and stays int64 of shape `(n,)`.

    Args:
        train_input: Shape `(n, features)`, or `(n,)` for one feature.
        train_label: Shape `(n, outputs)` or `(n,)`.
        test_input: Like `train_input`; optional.
        test_label: Like `train_label`; together with `test_input`.
        val_input: Data by which training chooses its best step; optional.
        val_label: Like `train_label`; together with `val_input`.
        in_vars: One name for each input column; by default those of a frame, or `x_1, x_2, …`.
        out_vars: One name for each output; `y`, or `y_1, y_2, …`, by default.
        input_mean: Subtracted from each input column when the data were standardized.
        input_scale: Divisor of each input column, thereafter.
        label_mean: The same for the labels.
        label_scale: The same for the labels.
        train_weight: How much each training row counts, ≥ 0; by default all rows count the same.
        test_weight: The same for the test rows.
        val_weight: The same for the validation rows.
        encoding: How the columns of a frame are read: words and missing cells. Set for frames.

    Raises:
        ValueError: For shapes that do not fit, and for NaN or infinity, naming the row and the column.
        TypeError: For data that are not numbers.

    Examples:
        >>> data = Dataset([[0.0, 1.0], [2.0, 3.0]], [1.0, 5.0], in_vars=("a", "b"))
        >>> data
        Dataset(2 train rows, a, b -> y)
        >>> data["train_label"].shape
        torch.Size([2, 1])
    """

    train_input: Tensor
    train_label: Tensor
    test_input: Tensor | None = None
    test_label: Tensor | None = None
    val_input: Tensor | None = None
    val_label: Tensor | None = None
    in_vars: tuple[str, ...] = ()
    out_vars: tuple[str, ...] = ()
    input_mean: Tensor | None = None
    input_scale: Tensor | None = None
    label_mean: Tensor | None = None
    label_scale: Tensor | None = None
    train_weight: Tensor | None = None
    test_weight: Tensor | None = None
    val_weight: Tensor | None = None
    encoding: Encoding | None = None

    def __post_init__(self) -> None:
        """Check and convert all parts, in place by `_set`; columns of frames are put in order by their names."""
        # Names beside a frame rename its columns: further frames then go by position, too.
        renamed = frames.has_names(self.train_input) and not naming.is_empty(self.in_vars)
        if naming.is_empty(self.in_vars):
            self._read_frame()
        self._check_part("train")
        self._set("in_vars", naming.check_names(self.in_vars, naming.numbered_inputs(self.n_features), "in_vars"))
        for part in ("test", "val"):
            name = f"{part}_input"
            if self.has_names and not renamed:
                self._set(name, frames.by_name(getattr(self, name), self.in_vars, "Dataset", name, self.encoding))
            self._check_part(part)
        if self.encoding is not None:
            self._set("encoding", self.encoding.only(self.in_vars))
        self._set("out_vars", naming.check_names(self.out_vars, naming.numbered_outputs(self.n_outputs), "out_vars"))

    def _read_frame(self) -> None:
        """Read the columns of a frame, and take their names, in place; nothing for other data, and for columns without names."""
        frame = self.train_input
        names = frames.names_of(frame)
        if names:
            encoding = self.encoding or Encoding.of(frame, naming.labels_of(frame), "Dataset", "train_input")
            self._set("encoding", encoding)
            self._set("train_input", encoding.encode(frame, "Dataset", "train_input"))
            names = encoding.names
        self._set("in_vars", names)

    def _check_part(self, part: str) -> None:
        """Convert and check one pair of inputs and labels, in place."""
        x_name, y_name = f"{part}_input", f"{part}_label"
        x, y = getattr(self, x_name), getattr(self, y_name)
        if x is None and y is None and part != "train":
            self._set(f"{part}_weight", None)
            return
        if x is None or y is None:
            absent = x_name if x is None else y_name
            _check.fail(absent, "Dataset", "given: inputs and labels come in pairs", None)
        x = arrays.inputs(x, x_name, "Dataset", self.in_vars)
        y = arrays.labels(y, x.shape[0], y_name, "Dataset", self.out_vars)
        if part != "train":
            if x.shape[1] != self.n_features:
                _check.fail(x_name, "Dataset", f"of shape (rows, {self.n_features}), like train_input", x)
            if y.shape[1:] != self.train_label.shape[1:] or y.is_floating_point() == self.is_classification:
                _check.fail(y_name, "Dataset", "of the shape and type of train_label", y)
        self._set(x_name, x)
        self._set(y_name, y)
        if (weight := getattr(self, f"{part}_weight")) is not None:
            self._set(f"{part}_weight", _weights(weight, len(x), f"{part}_weight"))

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)  # the only way into a frozen record, used while it is built

    # ---- properties

    @property
    def n_features(self) -> int:
        """Number of input columns."""
        return self.train_input.shape[1]

    @property
    def is_classification(self) -> bool:
        """Whether the labels are class numbers."""
        return not self.train_label.is_floating_point()

    @property
    def n_outputs(self) -> int:
        """Number of label columns; for class numbers the number of classes."""
        if not self.is_classification:
            return self.train_label.shape[1]
        parts = (self.train_label, self.test_label, self.val_label)
        return 1 + max(int(y.max()) for y in parts if y is not None)

    @property
    def has_names(self) -> bool:
        """Whether the input columns have names, from a frame or `in_vars`; the default x_1, x_2, … are only numbers."""
        return not isinstance(self.in_vars, naming.Numbered)

    @property
    def levels(self) -> tuple[tuple[str, ...], ...]:
        """The levels of each input column: names of words for the numbers 0, 1, …; none of a column of numbers.

        Examples:
            >>> import pandas
            >>> frame = pandas.DataFrame({"dose": [1.0, 2.0, 3.0, 4.0], "sex": ["f", "m", "m", "f"], "y": [0.0, 1.0, 2.0, 2.0]})
            >>> Dataset.from_frame(frame, "y").levels
            ((), ('f', 'm'))
        """
        return ((),) * self.n_features if self.encoding is None else self.encoding.levels

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, as the table has them; empty where they have numbers only, and for numbers.

        Examples:
            >>> Dataset([[0.0], [1.0]], [1, 0], out_vars=["gas", "solid"]).classes
            ('gas', 'solid')
        """
        return () if not self.is_classification or isinstance(self.out_vars, naming.Numbered) else self.out_vars

    @property
    def input_scaler(self) -> tuple[Tensor, Tensor] | None:
        """Mean and scale of the inputs, as `symbolic_formula` takes them; None where nothing was standardized."""
        return None if self.input_mean is None or self.input_scale is None else (self.input_mean, self.input_scale)

    @property
    def output_scaler(self) -> tuple[Tensor, Tensor] | None:
        """Mean and scale of the labels, None where nothing was standardized."""
        return None if self.label_mean is None or self.label_scale is None else (self.label_mean, self.label_scale)

    # ---- read like pykan's dict

    def keys(self) -> list[str]:
        """The present parts, by pykan's names."""
        names = [f"{part}_{kind}" for part in PARTS for kind in ("input", "label")]
        return [name for name in names if getattr(self, name) is not None]

    def __getitem__(self, key: str) -> Tensor:
        if key not in self.keys():
            raise KeyError(f"the dataset has no {key!r}; it has {', '.join(self.keys())}")
        return getattr(self, key)

    def __contains__(self, key: object) -> bool:
        return key in self.keys()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    # ---- conversion and construction

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Dataset:
        """The same data in another type (class numbers stay integers) or on another device.

        Examples:
            >>> Dataset([[0.0]], [1.0]).to(torch.float32)["train_input"].dtype
            torch.float32
        """
        changed: dict[str, Any] = {}
        for name in (*self.keys(), *_SCALES, *_WEIGHTS):
            value = getattr(self, name)
            if value is not None:
                converted = value.to(device=device, dtype=dtype if value.is_floating_point() else None)
                if converted is not value:
                    changed[name] = converted
        # A new Dataset is checked, which takes a while for a large one.
        return replace(self, **changed) if changed else self

    def standardize(self) -> Dataset:
        """The same data with mean 0 and standard deviation 1 in every column of the training part.

        The result holds the means and scales, so that formulas can be written in the original units. Class numbers don't
        change.

        Examples:
            >>> data = Dataset([[1.0], [3.0]], [10.0, 30.0]).standardize()
            >>> data.train_input.flatten().tolist(), data.input_mean.tolist(), data.label_scale.tolist()
            ([-1.0, 1.0], [2.0], [10.0])
        """
        return standardized(self, ("input", "label"))

    @classmethod
    @short_refusals
    def from_arrays(
        cls,
        x: Any,
        y: Any,
        *,
        test_fraction: float = 0.2,
        seed: int = 0,
        standardize: bool = False,
        in_vars: Sequence[str] = (),
        out_vars: Sequence[str] = (),
        dtype: torch.dtype = torch.float64,
    ) -> Dataset:
        """A dataset from arrays, with rows drawn at random set aside as test data.

        Args:
            x: Inputs, `(n, features)` or `(n,)`: tensor, array, frame or list.
            y: Labels, `(n, outputs)` or `(n,)`; a vector of integers means classes.
            test_fraction: Part of the rows that becomes test data, 0 ≤ fraction < 1; 0 sets none aside.
            seed: Of the draw; the global random state isn't used.
            standardize: Bring every column to mean 0 and standard deviation 1, see `standardize`.
            in_vars: Names of the input columns; those of a frame by default.
            out_vars: Names of the outputs.
            dtype: Of the inputs and of labels that are not classes.

        Examples:
            >>> Dataset.from_arrays([[0.0], [1.0], [2.0], [3.0], [4.0]], [0.0, 1.0, 4.0, 9.0, 16.0])
            Dataset(4 train rows, 1 test row, x_1 -> y)
        """
        where = "Dataset.from_arrays"
        encoding = None
        if naming.is_empty(in_vars) and frames.names_of(x):
            encoding = Encoding.of(x, naming.labels_of(x), where, "x")
            x, in_vars = encoding.encode(x, where, "x"), encoding.names
        inputs = arrays.inputs(x, "x", where, in_vars)
        labels = arrays.labels(y, inputs.shape[0], "y", where, out_vars)
        data = cls(inputs, labels, in_vars=tuple(in_vars), out_vars=tuple(out_vars), encoding=encoding)
        return _divided(data, Split(test_fraction, seed, standardize, dtype), where)

    @classmethod
    @short_refusals
    def from_frame(
        cls,
        df: Any,
        target: str | Sequence[str],
        test_fraction: float = 0.2,
        seed: int = 0,
        standardize: bool = False,
        *,
        dtype: torch.dtype = torch.float64,
    ) -> Dataset:
        """A dataset from a data frame: pandas, polars, Arrow, a dict of columns, or anything with `columns` and `df[name]`.

        Args:
            df: The frame; every column but the target is an input. Words and categories become numbers of levels, for each of which
                the network has a value; dates, also as text (2026-03-01), become years, days or hours since the first one. A missing
                word is one more level; a missing number is the mean of its column, beside which stands an input with the levels given
                and missing. Words with more levels than a third of the rows, and columns of one level, are left out.
            target: Name of the column to predict, or several. Words, categories and booleans become class numbers, in
                alphabetical order. Rows without a target are left out.
            test_fraction: Part of the rows that becomes test data, 0 ≤ fraction < 1.
            seed: Of the draw of the test rows.
            standardize: Bring every column to mean 0 and standard deviation 1, see `standardize`.
            dtype: Of the numbers.

        Raises:
            ValueError: For columns that do not exist, and for infinite values.
            TypeError: For columns that hold something else, such as lists.
        """
        return from_table(df, target, Split(test_fraction, seed, standardize, dtype), "Dataset.from_frame")

    def __repr__(self) -> str:
        counts = [(part, self[f"{part}_input"].shape[0]) for part in PARTS if f"{part}_input" in self]
        rows = ", ".join(f"{n} {part} row{'' if n == 1 else 's'}" for part, n in counts)
        target = f"{self.n_outputs} classes" if self.is_classification else naming.listed(self.out_vars)
        return f"Dataset({rows}, {naming.listed(self.in_vars)} -> {target})"


# The class is made by then: its own construction has short refusals, too.
for _name in ("__init__", "standardize", "to"):
    setattr(Dataset, _name, short_refusals(getattr(Dataset, _name)))


@dataclass(frozen=True, slots=True)
class Split:
    """How a table becomes a dataset."""

    test_fraction: float | None = 0.2
    """None: as `split_rows` has it."""
    seed: int = 0
    standardize: bool = False
    dtype: torch.dtype = torch.float64


def standardized(data: Dataset, kinds: Collection[str]) -> Dataset:
    """The data with these kinds of columns, `input` and `label`, at mean 0 and standard deviation 1 in the training part.

    All parts are scaled alike. Class numbers, numbers of levels and what is standardized already stay as they are.
    """
    changed: dict[str, Any] = {}
    for kind in kinds:
        if getattr(data, f"{kind}_mean") is not None or (kind == "label" and data.is_classification):
            continue
        mean, scale = arrays.moments(getattr(data, f"train_{kind}"))
        if kind == "input" and any(data.levels):  # numbers of levels have none
            words = torch.tensor([bool(levels) for levels in data.levels], device=mean.device)
            mean, scale = mean.where(~words, 0.0), scale.where(~words, 1.0)
        changed |= {f"{kind}_mean": mean, f"{kind}_scale": scale}
        changed |= {key: (data[key] - mean) / scale for key in data if key.endswith(kind)}
    return replace(data, **changed)


def from_table(
    df: Any, target: str | Sequence[str] | None, split: Split, where: str, encoding: Encoding | None = None
) -> Dataset:
    """A dataset from a frame for a public call, `where`, which the errors name; see `Dataset.from_frame`.

    `split` has the test rows and the type; `encoding` says how the columns were read before, by default the frame decides.
    """
    encoding, x, y, out_vars = frames.columns_of(df, target, where, encoding)
    inputs, labels = torch.from_numpy(x), torch.from_numpy(y)
    data = Dataset(inputs, labels, in_vars=encoding.names, out_vars=tuple(out_vars), encoding=encoding)
    return _divided(data, split, where)


def _divided(data: Dataset, split: Split, where: str) -> Dataset:
    """The data in the type, with the part of test rows, and standardized or not, as `split` says; errors name the call, `where`."""
    data = with_test_rows(data.to(split.dtype), split.test_fraction, split.seed, where)
    return data.standardize() if split.standardize else data


def with_test_rows(data: Dataset, fraction: float | None, seed: int, where: str) -> Dataset:
    """The data with a fraction of their training rows as test rows, drawn at random; None is a fifth, and nothing of a small table."""
    train, test = split_rows(len(data.train_input), fraction, seed, where)
    held_out = rows_of(data, "train", test, "test") if len(test) else {}
    return replace(data, **rows_of(data, "train", train), **held_out)


def rows_of(data: Dataset, part: str, rows: Tensor | None = None, name: str | None = None) -> dict[str, Any]:
    """Some rows of a part with their labels and weights, for `dataclasses.replace`.

    Args:
        data: The dataset.
        part: `train`, `test` or `val`.
        rows: Their indices; all by default.
        name: The part that they become; the same by default.

    Examples:
        >>> data = Dataset([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0], train_weight=[1.0, 2.0, 3.0])
        >>> rows_of(data, "train", torch.tensor([2]), "test")["test_weight"]
        tensor([3.], dtype=torch.float64)
    """
    values = {kind: getattr(data, f"{part}_{kind}") for kind in ("input", "label", "weight")}
    return {
        f"{name or part}_{kind}": value if value is None or rows is None else value[rows.to(value.device)]
        for kind, value in values.items()
    }


def with_held_out(data: Dataset, train: Tensor, held_out: Tensor) -> Dataset:
    """The data with the training rows of the indices `held_out` as validation rows, and those of `train` as training rows."""
    return replace(data, **rows_of(data, "train", train), **rows_of(data, "train", held_out, "val"))


def without_idle_rows(data: Dataset) -> Dataset:
    """The data without the rows of weight 0; a part in which no row counts stays as it is.

    Examples:
        >>> data = Dataset([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0], train_weight=[1.0, 0.0, 3.0])
        >>> without_idle_rows(data).train_label.flatten()
        tensor([0., 2.], dtype=torch.float64)
    """
    changes: dict[str, Any] = {}
    for part in PARTS:
        weight = getattr(data, f"{part}_weight")
        if weight is not None and bool((weight > 0).any()):
            changes |= rows_of(data, part, (weight > 0).nonzero().flatten())
    return replace(data, **changes)


def _weights(weight: Any, rows: int, name: str) -> Tensor:
    """Weights of so many rows, `(rows,)`, finite and ≥ 0, or an error that calls the argument by its `name`."""
    values = arrays.tensor(weight, name, "Dataset").reshape(-1)
    values = values if values.is_floating_point() else values.to(torch.float64)
    if len(values) != rows or not bool((torch.isfinite(values) & (values >= 0)).all()):
        _check.fail(name, "Dataset", f"{rows} finite numbers ≥ 0, one a row", weight)
    return values


def split_rows(rows: int, fraction: float | None, seed: int, where: str) -> tuple[Tensor, Tensor]:
    """Indices of the training rows and of the test rows, drawn at random from so many `rows`; at least one of each when any is set aside.

    The fraction of test rows is at least 0 and below 1; without one it is a fifth, and of a table of fewer than 50 rows nothing.
    """
    if fraction is None:
        fraction = 0.2 if rows >= SMALL else 0.0
    fraction = _check.real(fraction, "test_fraction", where, low=0)
    if fraction >= 1:
        _check.fail("test_fraction", where, "< 1", fraction, "0.2 sets every fifth row aside.")
    generator = torch.Generator().manual_seed(_check.integer(seed, "seed", where, low=0))
    count = min(max(1, round(rows * fraction)), rows - 1) if fraction else 0
    order = torch.randperm(rows, generator=generator)
    # Sorted, so that tables and time series keep their order within each part.
    return order[count:].sort().values, order[:count].sort().values
