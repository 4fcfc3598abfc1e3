"""A network made for data: its inputs are the columns, its outputs the targets or classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kanwidget import _check
from kanwidget._types import LayerWidth
from kanwidget.core.arguments import normalize_width
from kanwidget.datasets import Dataset, as_dataset, frames
from kanwidget.datasets.dataset import Split, from_table

#: Grid with which a network begins that grows: evidence makes its curves as smooth as the data ask for.
FIRST_GRID = 8


class TableOptions(NamedTuple):
    """How data that aren't a `Dataset` yet become one."""

    target: str | Sequence[str] | None = None
    split: Split = Split()


def dataset_for(data: Any, options: TableOptions, where: str) -> Dataset:
    """The dataset of a public call: a frame with its target, or whatever `as_dataset` takes.

    Raises:
        ValueError: For a target that the frame doesn't have, and for one beside data that have their labels.
        TypeError: For a frame without a target, and for what is no data.
    """
    if frames.has_columns(data) and (options.target is not None or not isinstance(data, Mapping)):
        return from_table(data, options.target, options.split, where)
    if options.target is not None:
        advice = "It names a column of a data frame. These data have their labels already."
        if isinstance(data, str):
            advice = "Read the file first: pandas.read_csv(path)."
        _check.fail("target", where, "left out where the data are no frame", options.target, advice)
    dataset = as_dataset(data, where)
    return dataset.standardize() if options.split.standardize else dataset


def width_for(data: Dataset, width: Sequence[LayerWidth] | str, where: str) -> list[LayerWidth]:
    """The whole width of a network for data.

    Args:
        data: Columns and targets.
        width: Nodes of each layer after the inputs, `[5, 1]`, or `auto`: none, with which a network begins that grows.
        where: The public call, for errors.

    Examples:
        >>> data = Dataset([[0.0, 1.0], [1.0, 3.0], [2.0, 2.0]], [0.0, 1.0, 2.0])
        >>> width_for(data, [5, 1], "KAN.for_data"), width_for(data, "auto", "KAN.for_data")
        ([2, 5, 1], [2, 1])
    """
    outputs = data.n_outputs
    if isinstance(width, str):
        _check.choice(width, "width", where, ("auto",))
        return [data.n_features, outputs]
    if isinstance(width, (bytes, int)) or not isinstance(width, Sequence) or not width:
        expected = "'auto', or the nodes of each layer after the inputs, such as [5, 1]"
        _check.fail("width", where, expected, width)
    whole: list[LayerWidth] = [data.n_features, *width]
    last = normalize_width(whole, where)[-1]
    if sum(last) != outputs:
        kind = "classes" if data.is_classification else "targets"
        advice = f"The inputs come from the data: {[*width[:-1], outputs]} makes {[*whole[:-1], outputs]}."
        _check.fail("width", where, f"a list that ends with {outputs}, the number of {kind}", list(width), advice)
    return whole
