"""The steps of `kanwidget fit`, and the lines that they print."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanwidget.cli import formulas

if TYPE_CHECKING:
    from kanwidget.datasets import Dataset
    from kanwidget.discovery import Discovery
    from kanwidget.explorer.session.recorder import Recorder
    from kanwidget.kan import KAN

#: With fewer there is nothing that changes.
_FEWEST_ROWS = 2
#: Grids that are tried.
_GRIDS = (1, 3, 5)
#: Steps of a trial; the chosen shape is trained in full later.
_STEPS = 30
#: Rows for the comparison of shapes; more would not change it.
_MOST_ROWS = 2000
#: With fewer rows the chance of one split would decide, so three are tried.
_FEW_FOR_SHAPES = 300
#: The simplest shape is taken whose error is at most this much larger than the smallest.
_TOLERANCE = 1.25


def split(data: Dataset, test_fraction: float | None, seed: int) -> Dataset:
    """The table with rows set aside for a test; by default a fifth of them, and of few rows none."""
    from kanwidget.datasets.dataset import rows_of, split_rows

    train, test = split_rows(len(data.train_input), test_fraction, seed, "fit")
    parts = {**rows_of(data, "train", train), **(rows_of(data, "train", test, "test") if len(test) else {})}
    # Words count as the numbers of their levels here.
    return dataclasses.replace(data, encoding=None, **parts)


def train(
    data: Dataset,
    width: list[int] | None,
    grid: int | None,
    *,
    steps: int,
    lamb: float,
    seed: int,
    records: bool = False,
) -> tuple[KAN, Recorder | None]:
    """Train a network, prune it where a penalty asks for sparsity, and train it again without one; print its shape and error.

    Args:
        data: The training data.
        width: Its width; by default it is chosen.
        grid: Its grid intervals; by default they are chosen.
        steps: Most steps of a training.
        lamb: Weight of the penalty; above 0 the network is pruned.
        seed: Seed of the network.
        records: Whether to record the training, for a report.
    """
    from kanwidget.kan import KAN

    width, grid = choose_shape(data, width, grid, seed)
    recorder = None
    if records:
        from kanwidget.explorer.session.recorder import Recorder

        recorder = Recorder()
    lines = [f"Shape:    width {','.join(map(str, width))}, grid {grid}"]
    model = KAN(width, grid=grid, seed=seed)
    model.scaling.settle()  # logarithms and units are this room's own
    unused: list[str] = []
    if lamb > 0:
        train_scaled(model, data, steps, lamb, fresh=True, recorder=recorder)
        if recorder is not None:
            recorder.keep(model, "pruning")
        model = model.prune(data=data)
        scores = model.feature_score.tolist()
        unused = [name for name, score in zip(data.in_vars, scores, strict=True) if score == 0]
    train_scaled(model, data, steps, fresh=lamb == 0, recorder=recorder)
    if lamb > 0:
        lines.append(f"Pruned:   {model!r}" + (f"; without effect: {', '.join(unused)}" if unused else ""))
    print("\n".join([*lines, f"Network:  {formulas.errors(data, model.predict)}"]))
    return model, recorder


def find_formula(data: Dataset, trained: KAN, recorder: Recorder | None, *, seconds: float, seed: int) -> KAN:
    """Search for a formula, and print it; the network that computes it, with the history of the trained one before it."""
    from kanwidget.discovery import discover

    if recorder is not None:
        recorder.keep(trained, "a formula")
    found = discover(data, seconds=seconds, seed=seed)
    print("\n".join(formulas.found_lines(found)))
    return formulas.after_training(found.best.network, trained)


def write_report(
    model: KAN, data: Dataset, path: Path, recorder: Any = None, discovery: Discovery | None = None
) -> None:
    """Write a page that opens without network and without Python.

    With a recorder it has a slider over the training, with a discovery all formulas of its front.
    """
    from kanwidget.explorer.files.html_report import save_html

    title = None if discovery is None else f"Formulas for {discovery.best.target}"
    save_html(model, data, path, title=title, recorder=recorder, discovery=discovery)
    print(f"Report:   {path} (opens in any browser, without network)")


def check_rows(data: Dataset) -> None:
    """Raise an error for fewer rows than a training needs: one row determines no curve."""
    train = len(data.train_input)
    if train < _FEWEST_ROWS:
        held_out = 0 if data.test_input is None else len(data.test_input)
        advice = f" {held_out} went to the test: give a longer table or a smaller --test-fraction." if held_out else ""
        raise ValueError(
            f"training needs at least {_FEWEST_ROWS} rows; got {train}.{advice or ' Give a longer table.'}"
        )


def check_folder(path: Path | None) -> None:
    """Raise an error for a path without a folder, before the training and not after it."""
    if path is not None and not path.absolute().parent.is_dir():
        raise NotADirectoryError(
            f"there is no folder {path.parent} for {path.name}. Create it, or choose another path."
        )


# ---- the shape of a network, where the user gave none: tried on rows that are set aside from the training data


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
    from tqdm.auto import tqdm

    candidates = _candidates(data, width, grid)
    if len(candidates) == 1:
        return candidates[0]
    unit, _, _ = _standardized(data)
    losses = [_loss(unit, shape, seed) for shape in tqdm(candidates, desc="shape", leave=True)]
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
    """The error of a shape on rows that are set aside: the median of three short trainings, a single one where there are many rows.

    Args:
        data: With standardized labels, in whose unit the root mean squared error is.
        shape: Width and grid.
        seed: Of the network and the first split.
    """
    from kanwidget.datasets import Dataset
    from kanwidget.kan import KAN

    x, y = data.train_input[:_MOST_ROWS], data.train_label[:_MOST_ROWS]
    losses = []
    for draw in range(3 if len(x) < _FEW_FOR_SHAPES else 1):
        part = Dataset.from_arrays(x, y, test_fraction=0.25, seed=seed + draw)
        model = KAN(shape[0], grid=shape[1], seed=seed)
        model.scaling.settle()  # as the network that is trained in full: the labels are standardized already
        history = model.fit(part, steps=_STEPS, progress=False, evidence=False)
        assert history.last.test_loss is not None  # there are test rows
        losses.append(history.last.test_loss)
    return sorted(losses)[len(losses) // 2]


# ---- training on labels of mean 0 and standard deviation 1, whatever the unit of the table
#
# The squared error has the square of the labels' unit; the penalty and the ridge have no unit. Without standardized labels, days
# and years would give different networks.


def _standardized(data: Dataset) -> tuple[Dataset, float, float]:
    """The data with labels of mean 0 and standard deviation 1, and the former mean and standard deviation."""
    from kanwidget.datasets.arrays import moments

    mean, scale = (float(value) for value in moments(data.train_label))
    labels: dict[str, Any] = {key: (data[key] - mean) / scale for key in data if key.endswith("label")}
    return dataclasses.replace(data, **labels), mean, scale


def train_scaled(
    model: KAN,
    data: Dataset,
    steps: int,
    lamb: float = 0.0,
    *,
    fresh: bool = False,
    recorder: Recorder | None = None,
) -> None:
    """Train on standardized labels, and write their scale into the model.

    Args:
        model: Changed in place.
        data: The training data, in its own units.
        steps: Most steps.
        lamb: Weight of the penalty.
        fresh: Whether the model has never been trained: its random start then needs no conversion.
        recorder: Recorder of this and earlier trainings of the model.
    """
    unit, mean, scale = _standardized(data)
    if not fresh:
        _rescale(model, -mean / scale, 1 / scale)
    first = len(model.history.records)
    model.fit(unit, steps=steps, lamb=lamb, evidence=False, callbacks=[] if recorder is None else [recorder])
    _rescale(model, mean, scale)
    if recorder is not None:
        recorder.convert(lambda network: _rescale(network, mean, scale), since=first)
    model.history.records[first:] = [
        dataclasses.replace(
            record,
            train_loss=record.train_loss * scale,
            test_loss=None if record.test_loss is None else record.test_loss * scale,
            penalty=record.penalty * scale**2,
        )
        for record in model.history.records[first:]
    ]


def _rescale(model: KAN, mean: float, scale: float) -> KAN:
    """Multiply the network's outputs by `scale`, then add `mean`, in its last layer. In place; returns the model."""
    import torch

    from kanwidget.surgery._structure import add_constant

    last = model.layer(model.depth - 1)
    with torch.no_grad():
        last.coef.mul_(scale)
        last.base.mul_(scale)
        last.affine[..., 2:].mul_(scale)
    for target in range(last.out_dim):
        add_constant(last, target, mean)
    return model
