"""The network's shape, where the user left it open: tried on rows that are set aside from the training data."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kanwidget.datasets import Dataset

#: Below so many numbers threads wait for each other longer than they compute: one alone is up to ten times faster.
_ONE_THREAD = 100_000
_GRIDS = (1, 3, 5)
_STEPS = 30
#: Rows that are enough to compare shapes.
_MOST_ROWS = 2000
#: With fewer rows the luck of one split would decide, so three are tried.
_FEW_ROWS = 300
#: A simpler shape is taken unless another one is better than this.
_WORTH = 1.25


def choose(data: Dataset, width: list[int] | None, grid: int | None, seed: int) -> tuple[list[int], int]:
    """The simplest shape whose error on rows that it was not trained on is about the smallest.

    Args:
        data: Only its training part is looked at.
        width: The width, if the user gave one.
        grid: The grid, if the user gave one.
        seed: Of the splits and the networks.

    Returns:
        Width and grid.

    Examples:
        >>> from kanwidget import create_dataset
        >>> choose(create_dataset(lambda x: x[:, [0]] * x[:, [1]], train_num=10), [2, 4, 1], 7, seed=0)
        ([2, 4, 1], 7)
    """
    candidates = _candidates(data, width, grid)
    return _simplest(candidates, _losses(data, candidates, seed))


def shapes(data: Dataset, width: list[int] | None, grid: int | None, seed: int) -> list[tuple[list[int], int]]:
    """The shapes of which a formula is sought: the one chosen, and before a deeper one a sum of functions of one variable.

    What a deeper network predicts a little better is often harder to write down.
    """
    candidates = _candidates(data, width, grid)
    losses = _losses(data, candidates, seed)
    chosen = _simplest(candidates, losses)
    shallow = [(shape, loss) for shape, loss in zip(candidates, losses, strict=True) if len(shape[0]) == 2]
    if not shallow or len(chosen[0]) == 2:
        return [chosen]
    return [_simplest([shape for shape, _ in shallow], [loss for _, loss in shallow]), chosen]


def _losses(data: Dataset, candidates: list[tuple[list[int], int]], seed: int) -> list[float]:
    """The error of each shape in standard deviations of the labels; a single one needs no trial."""
    import torch
    from tqdm.auto import tqdm

    from kanwidget.discovery.training import standardized

    if data.train_input.numel() < _ONE_THREAD:
        torch.set_num_threads(1)
    if len(candidates) == 1:
        return [0.0]
    unit, _, _ = standardized(data)
    return [_loss(unit, shape, seed) for shape in tqdm(candidates, desc="shape", leave=True)]


def _simplest(candidates: list[tuple[list[int], int]], losses: list[float]) -> tuple[list[int], int]:
    limit = min(losses) * _WORTH + 1e-9
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
        history = KAN(shape[0], grid=shape[1], seed=seed).fit(part, steps=_STEPS, progress=False)
        losses.append(history.last.test_loss or 0.0)
    return sorted(losses)[len(losses) // 2]
