"""What is worth saying about a table before a network is trained on it: notices, each with the act that mends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from kanwidget.datasets.dataset import Dataset
from kanwidget.datasets.encoding import DATES_AS_TEXT, OTHER

NoticeKind = Literal[
    "few rows", "constant target", "constant column", "equal columns", "logarithm", "numbering", "two values", "left out",
    "missing cells", "missing target", "dates", "rare levels",
]  # fmt: skip
#: What may be done: leave the column out, use its logarithm, take the target as classes, or make the network smaller.
Act = Literal["drop", "log", "classes", "smaller network"]

#: Of so few rows, two values say nothing.
_FEW_ROWS = 4
#: Training rows that each parameter needs, lest the network learns the noise.
_ROWS_PER_PARAMETER = 1.0
#: A positive column may be simpler in its logarithm where nine tenths of its values span more than this factor, …
_SPAN = 10.0
#: … and its logarithm is at most this much as skewed: a column from 0 to 1 spans decades, too, but evenly.
_SKEWNESS = 0.5
#: Columns that a sentence names.
_NAMED = 3
#: Rows from which consecutive whole numbers are a numbering rather than a quantity.
_NUMBERED_ROWS = 20


@dataclass(frozen=True, slots=True)
class DataNotice:
    """One thing about a table that is no mistake, but may mislead a training."""

    kind: NoticeKind
    column: str
    """The column that it is about; the target's name for the target, and empty for the whole table."""
    sentence: str
    act: Act | None = None
    """What mends it; None where nothing on this side does."""


def data_notices(data: Dataset, parameters: int | None = None) -> list[DataNotice]:
    """What is worth saying about a table, the most important first.

    Args:
        data: The table.
        parameters: Number of parameters of the network to be trained, if there is one.

    Examples:
        >>> x = [[0.2, 5.0], [1.7, 5.0], [15.0, 5.0], [140.0, 5.0]]
        >>> data = Dataset(x, [0.5, 0.7, 0.3, 0.4], in_vars=["p [Pa]", "T"])
        >>> for notice in data_notices(data):
        ...     print(f"{notice.kind}: {notice.sentence}")
        constant column: “T” is 5 in every training row: nothing can be learnt from it. Leave it out.
        logarithm: “p [Pa]” is spread over a factor of 700: its logarithm may be simpler.
    """
    return [
        *_target_notices(data),
        *_row_notices(data, parameters),
        *_reading_notices(data),
        *_constant_columns(data),
        *_equal_columns(data),
        *_numberings(data),
        *_logarithms(data),
    ]


def _target_notices(data: Dataset) -> Iterator[DataNotice]:
    """Yield a notice for each target that is the same in all training rows, and for each with two values, which may mean classes."""
    label = data.train_label
    if data.is_classification:
        if bool((label == label[0]).all()):
            name = data.classes[int(label[0])] if data.classes else str(int(label[0]))
            sentence = f"Every training row is of the class “{name}”: there is nothing to learn."
            yield DataNotice("constant target", "", sentence)
        return
    for name, values in zip(data.out_vars, label.T, strict=True):
        distinct = values.unique()
        if len(distinct) == 1:
            sentence = f"“{name}” is {_number(distinct[0])} in every training row: there is nothing to learn."
            yield DataNotice("constant target", name, sentence)
        elif len(distinct) == 2 and len(values) > _FEW_ROWS:  # few rows have few values in any case
            low, high = map(_number, distinct)
            sentence = f"“{name}” has only the values {low} and {high}: as classes, the network gives probabilities."
            yield DataNotice("two values", name, sentence, "classes")


def _row_notices(data: Dataset, parameters: int | None) -> Iterator[DataNotice]:
    """Yield a notice where there are fewer training rows than parameters of the network; none where `parameters` is None."""
    rows = len(data.train_input)
    if parameters is not None and rows < _ROWS_PER_PARAMETER * parameters:
        sentence = (
            f"{rows} training row{'' if rows == 1 else 's'} for {parameters} parameters: the network can learn the noise, too. "
            "Make it smaller, or simplify early."
        )
        yield DataNotice("few rows", "", sentence, "smaller network")


def _reading_notices(data: Dataset) -> Iterator[DataNotice]:
    """Yield notices on how columns were read that aren't numbers in every row: left out, with missing cells, dates, rare levels pooled."""
    if data.encoding is None:
        return
    # A notice names one column: of several targets the first one.
    columns, target = data.encoding.columns, "" if data.is_classification else data.out_vars[0]
    if data.encoding.left_out:
        named = _listed([f"“{name}” ({reason})" for name, reason in data.encoding.left_out])
        are, them = ("is", "it") if len(data.encoding.left_out) == 1 else ("are", "them")
        dates = any(DATES_AS_TEXT in reason for _, reason in data.encoding.left_out)
        advice = " Make dates of text first, with pandas.to_datetime for instance." if dates else ""
        yield DataNotice("left out", "", f"{named} {are} left out: nothing can be learnt from {them}.{advice}")
    if rows := data.encoding.rows_left_out:
        have = "row has no target and is" if rows == 1 else "rows have no target and are"
        yield DataNotice("missing target", target, f"{rows:,} {have} left out.")
    missing = [f"{column.missing:,} of “{column.name}”" for column in columns if column.missing]
    if missing:
        sentence = f"Missing cells: {_listed(missing)}. Rows where they are missing have a value of their own."
        if not data.is_classification and any(column.missing and column.kind != "words" for column in columns):
            # There the mean stands for a number that y was really multiplied with: such rows hide a product.
            sentence += " A product of numbers is found more surely without these rows."
        yield DataNotice("missing cells", "", sentence)
    for column in columns:
        if column.since:
            yield DataNotice("dates", column.name, f"“{column.name}” counts {column.since}.")
        if column.pooled:
            sentence = f"The {column.pooled:,} rarest levels of “{column.name}” count as one, “{OTHER}”."
            yield DataNotice("rare levels", column.name, sentence)


def _listed(parts: list[str]) -> str:
    """Parts as a list in a sentence, `a, b and c`; of more than four the first three, and how many more."""
    shown = parts if len(parts) <= _NAMED + 1 else [*parts[:_NAMED], f"{len(parts) - _NAMED} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _constant_columns(data: Dataset) -> Iterator[DataNotice]:
    """A notice for each column with one value in all training rows."""
    for name, values in _columns(data):
        if bool((values == values[0]).all()) and len(values) > 1:
            value = _number(values[0])
            sentence = f"“{name}” is {value} in every training row: nothing can be learnt from it. Leave it out."
            yield DataNotice("constant column", name, sentence, "drop")


def _equal_columns(data: Dataset) -> Iterator[DataNotice]:
    """Yield a notice for each column that says the same as an earlier one: equal, or equal in another unit."""
    seen: dict[bytes, str] = {}
    flags = () if data.encoding is None else data.encoding.flags
    for name, values in _columns(data):
        if name in flags:  # 1 where a number of another column is missing: some are missing together
            continue
        spread = values - values.mean()
        size = spread.abs().max()
        if not size > 0:
            continue
        # The same for a column in another unit, and for its negative.
        sign = spread[spread.abs().argmax()].sign()
        # To nine digits: equal but for round-off.
        key = (sign * spread / size).mul(1e9).round().to(torch.int64).cpu().numpy().tobytes()
        first = seen.setdefault(key, name)
        if first != name:
            sentence = f"“{name}” says the same as “{first}”, up to the unit: leave one of them out."
            yield DataNotice("equal columns", name, sentence, "drop")


def _numberings(data: Dataset) -> Iterator[DataNotice]:
    """Yield a notice for each column that may only number the rows."""
    for name, values in _whole_columns(data):
        if _counts_rows(values):
            ends = f"from {_number(values.min())} to {_number(values.max())}"
            sentence = f"“{name}” counts the rows, {ends}: if it is only a numbering, leave it out."
            yield DataNotice("numbering", name, sentence, "drop")


def _counts_rows(values: Tensor) -> bool:
    """Whether the values of a column, `(rows,)`, are consecutive whole numbers, in any order; few rows may be so by chance."""
    ordered = values.sort().values
    whole = bool(ordered[0] == ordered[0].round())
    return len(values) >= _NUMBERED_ROWS and whole and bool((ordered[1:] - ordered[:-1] == 1).all())


def _logarithms(data: Dataset) -> Iterator[DataNotice]:
    """Yield a notice for each column or target that is spread over decades, more evenly in its logarithm than as it is."""
    targets = [] if data.is_classification else _whole_columns(data, "label")
    for name, values in [*_whole_columns(data), *targets]:
        if _is_spread_over_decades(values):
            span = f"{float(values.max() / values.min()):.3g}"
            sentence = f"“{name}” is spread over a factor of {span}: its logarithm may be simpler."
            yield DataNotice("logarithm", name, sentence, "log")


def _is_spread_over_decades(values: Tensor) -> bool:
    """Whether the middle nine tenths of a column's values, `(rows,)`, span more than a decade, and their logarithms are far less skewed.

    A column of whole numbers is none: these count or grade.
    """
    values = values.double()
    if not bool((values > 0).all()) or bool((values == values.round()).all()):
        return False
    # Few values say enough, and sorting millions would take its time.
    values = values[:: max(1, len(values) // 10_000)]
    low, high = values.quantile(values.new_tensor([0.05, 0.95])).tolist()
    return high > _SPAN * low and _skewness(values.log()) < _SKEWNESS * _skewness(values)


def _skewness(values: Tensor) -> float:
    """How skewed values are, ≥ 0: the size of their third moment about the mean, in standard deviations; 0 if all are equal."""
    spread = values - values.mean()
    size = spread.square().mean().sqrt()
    return abs(float((spread / size).pow(3).mean())) if size > 0 else 0.0


def _whole_columns(data: Dataset, kind: str = "input") -> list[tuple[str, Tensor]]:
    """Names and values, `(rows,)`, of all columns (`input`) or targets (`label`), over training, test and validation rows."""
    table = torch.cat([data[key] for key in data if key.endswith(kind)])
    names = data.in_vars if kind == "input" else data.out_vars
    return list(zip(names, table.T, strict=True))


def _columns(data: Dataset) -> Iterator[tuple[str, Tensor]]:
    """Names and values, `(rows,)`, of all columns over the training rows."""
    return zip(data.in_vars, data.train_input.T, strict=True)


def _number(value: Tensor) -> str:
    """A number for a sentence, in four digits."""
    return f"{float(value):.4g}"
