"""A network made for data: its inputs are the columns, its outputs the targets or classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kanwidget import _check
from kanwidget._types import LayerWidth
from kanwidget.core.arguments import normalize_width
from kanwidget.datasets import Dataset, as_dataset, frames
from kanwidget.datasets.dataset import Split, from_table
from kanwidget.datasets.naming import listed
from kanwidget.datasets.reading import is_table

#: Grid with which a network begins that grows: evidence makes its curves as smooth as the data ask for.
FIRST_GRID = 8


class TableOptions(NamedTuple):
    """How data that aren't a `Dataset` yet become one."""

    target: str | Sequence[str] | None = None
    split: Split = Split()


def dataset_for(data: Any, options: TableOptions, where: str) -> Dataset:
    """The dataset of a public call, `where`, from its argument `data`: a frame with its target, or whatever `as_dataset` takes.

    `options` has the target of a frame, and how rows are split and whether columns are standardized.

    Raises:
        ValueError: For a target that the frame doesn't have, and for one beside data that have their labels.
        TypeError: For a frame without a target, and for what is no data.
    """
    if is_table(data) and options.target is None:  # a pair of a frame and the name of its target
        data, options = data[0], options._replace(target=data[1])
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
    """The width of a network for data.

    Args:
        data: Columns and targets.
        width: All layers of nodes, inputs first, `[2, 5, 1]`, or `auto`: inputs and outputs, with which a network begins that grows.
        where: The public call, for errors.

    Examples:
        >>> data = Dataset([[0.0, 1.0], [1.0, 3.0], [2.0, 2.0]], [0.0, 1.0, 2.0])
        >>> width_for(data, [2, 5, 1], "KAN.for_data"), width_for(data, "auto", "KAN.for_data")
        ([2, 5, 1], [2, 1])
    """
    inputs, outputs = data.n_features, data.n_outputs
    if isinstance(width, str):
        _check.choice(width, "width", where, ("auto",))
        return [inputs, outputs]
    if isinstance(width, (bytes, int)) or not isinstance(width, Sequence) or not width:
        _check.fail("width", where, "'auto', or all layers of nodes, inputs first, such as [2, 5, 1]", width)
    levels = [*width]
    if width[0] == inputs and len(width) > 1:
        pairs = normalize_width(levels, where)
        if sum(pairs[-1]) == outputs:
            return levels
        levels = levels[1:]
    # The width doesn't fit: the error proposes one that does. The last level is taken for the outputs, unless it stands alone
    # and has another number; all others are taken for hidden ones.
    counts = f"{inputs} {'input' if inputs == 1 else 'inputs'} ({listed(data.in_vars)})"
    kind = "classes" if data.is_classification else "target" if outputs == 1 else "targets"
    last = sum(levels[-1]) if isinstance(levels[-1], Sequence) else levels[-1]
    advice = f"Write {[inputs, *(levels[:-1] if last == outputs or len(levels) > 1 else levels), outputs]}."
    _check.fail("width", where, f"a list from {counts} to {outputs} {kind}", list(width), advice)
