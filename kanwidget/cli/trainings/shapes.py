"""The shape of a network, where the user gave none: tried on rows that are set aside from the training data."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kanwidget.datasets import Dataset

_GRIDS = (1, 3, 5)
_STEPS = 30
#: Rows for the comparison of shapes; more would not change it.
_MOST_ROWS = 2000
#: With fewer rows the chance of one split would decide, so three are tried.
_FEW_ROWS = 300
#: The simplest shape is taken whose error is at most this much larger than the smallest.
_TOLERANCE = 1.25


def choose_shape(data: Dataset, width: list[int] | None, grid: int | None, seed: int) -> tuple[list[int], int]:
    """The simplest shape that has about the smallest error on rows outside its training.

    Args:
        data: Only its training part counts.
        width: The width, if the user gave one.
        grid: The grid, if the user gave one.
        seed: Seed of the splits and the networks.

    Returns:
        Width and grid.

    Examples:
        >>> from kanwidget import create_dataset
        >>> choose_shape(create_dataset(lambda x: x[:, [0]] * x[:, [1]], train_num=10), [2, 4, 1], 7, seed=0)
        ([2, 4, 1], 7)
    """
    candidates = _candidates(data, width, grid)
    return _simplest(candidates, _losses(data, candidates, seed))


def _losses(data: Dataset, candidates: list[tuple[list[int], int]], seed: int) -> list[float]:
    """The error of each shape in standard deviations of the labels; a single one needs no trial."""
    from tqdm.auto import tqdm

    from kanwidget.cli.trainings.training import standardized

    if len(candidates) == 1:
        return [0.0]
    unit, _, _ = standardized(data)
    return [_loss(unit, shape, seed) for shape in tqdm(candidates, desc="shape", leave=True)]


def _simplest(candidates: list[tuple[list[int], int]], losses: list[float]) -> tuple[list[int], int]:
    limit = min(losses) * _TOLERANCE + 1e-9
    return next(shape for shape, loss in zip(candidates, losses, strict=True) if loss <= limit)


def _candidates(data: Dataset, width: list[int] | None, grid: int | None) -> list[tuple[list[int], int]]:
    """Shapes by their number of coefficients; only those with fewer of them than there are rows, or the smallest."""
    n = data.n_features
    widths = [width] if width else [[n, 1], [n, 1, 1], [n, 5, 1]] if n > 1 else [[1, 1], [1, 5, 1]]
    shapes = sorted(itertools.product(widths, (grid,) if grid else _GRIDS), key=_size)
    fitting = [shape for shape in shapes if _size(shape) < data.train_input.shape[0]]
    return fitting or shapes[:1]


def _size(shape: tuple[Sequence[int], int]) -> int:
    """Coefficients of a shape: those of a cubic spline and of the base function on every edge."""
    width, grid = shape
    return (grid + 4) * sum(below * above for below, above in itertools.pairwise(width))


def _loss(data: Dataset, shape: tuple[list[int], int], seed: int) -> float:
    """The median root mean squared error on rows set aside."""
    from kanwidget.datasets import Dataset
    from kanwidget.kan import KAN

    x, y = data.train_input[:_MOST_ROWS], data.train_label[:_MOST_ROWS]
    losses = []
    for split in range(3 if len(x) < _FEW_ROWS else 1):
        part = Dataset.from_arrays(x, y, test_fraction=0.25, seed=seed + split)
        model = KAN(shape[0], grid=shape[1], seed=seed)
        model.scaling.settle()
        history = model.fit(part, steps=_STEPS, progress=False, evidence=False)
        losses.append(history.last.test_loss or 0.0)
    return sorted(losses)[len(losses) // 2]
