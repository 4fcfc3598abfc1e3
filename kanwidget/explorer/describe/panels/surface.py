"""The network's output over any one or two inputs, beside the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.explorer.session.samples import drawn_rows
from kanwidget.explorer.session.view import SurfaceView
from kanwidget.training.steps.training_data import labels

if TYPE_CHECKING:
    from kanwidget.explorer.session.session import Session

#: Values an axis, also of a surface of classes, which has steps; a line, drawn where there is one input only, has four times as many.
_SIDE, _CLASSES_SIDE = 40, 64
#: Points of the data beside it.
_POINTS = 300


class SurfacePanel(TypedDict):
    """The output over one or two inputs. Arrays: `z`, one row a value of y and one column a value of x, a single row without
    y; `points` (3, m): x, y and label of a sample of the training data, for classes the class's index.
    """

    x: int
    y: int | None
    output: int
    at: list[float]
    """The value of every column that isn't on an axis."""
    held: list[float | None]
    """The same as requested: null stands for the median."""
    names: list[str]
    """Of all columns of the data."""
    outputs: list[str]
    x_range: list[float]
    y_range: list[float] | None
    ranges: list[list[float]]
    """Smallest and largest value of every column of the data."""
    levels: list[list[str]]
    """Of every column of the data; none of numbers."""
    rows: int
    """Of the training data; of many a sample is shown."""
    classes: bool
    """Then z is the probability of the output's class."""


def first_view(session: Session) -> SurfaceView:
    """The first two inputs that the network reads, columns of numbers before those of words, and the first output."""
    columns = sorted(session.model.columns.tolist(), key=lambda column: len(session.data.levels[column]) > 0)
    return SurfaceView(columns[0], columns[1] if len(columns) > 1 else None)


def checked(session: Session, view: SurfaceView) -> SurfaceView:
    """The view, checked: inputs on the axes (x and y), an output, and values of the other inputs (`at`, None for a median).

    Raises:
        ValueError: For a column or an output that doesn't exist, or the same input twice.
    """
    last = session.data.n_features - 1
    _check.integer(view.x, "x", "surface", low=0, high=last)
    if view.y is not None:
        _check.integer(view.y, "y", "surface", low=0, high=last)
    if view.x == view.y:
        _check.fail("y", "surface", "another input than x, or None", view.y)
    _check.integer(view.output, "output", "surface", low=0, high=session.model.n_out - 1)
    if len(view.at) not in (0, last + 1):
        _check.fail("at", "surface", f"{last + 1} values, one an input", list(view.at))
    at = tuple(None if value is None else _check.real(value, "at", "surface") for value in view.at)
    return SurfaceView(view.x, view.y, view.output, at)


def surface(
    session: Session, view: SurfaceView | None = None, network: Network | None = None, side: int | None = None
) -> tuple[SurfacePanel, dict[str, Tensor]]:
    """The output on an even grid over the data's range.

    Args:
        session: The session.
        view: Inputs on the axes, output and held values; by default those that the panel shows.
        network: Another state of its network; by default the present one.
        side: Values an axis; 40 by default, 64 for classes.

    Returns:
        The payload, and the arrays `z`, `(side, side)` with one row a value of y (`(1, n)` without), and `points`,
        `(3, m)`: x, y and label of a sample of the training data. For classes z is the probability of the output's class,
        labels are indices of classes, and without y a row stands at 1 if it is of the output's class, else at 0.
    """
    trainer, model = session.run.trainer, session.model if network is None else network
    view = view or session.view.surface or first_view(session)
    x, label = trainer.data.train_input, labels(trainer.data.train_label, trainer.loss)
    point = x.median(0).values  # of each column, but for those with a value of their own
    for column, value in enumerate(view.at):
        if value is not None:
            point[column] = value
    horizontal = _range(x[:, view.x])
    side = side or (_CLASSES_SIDE if trainer.loss.classes else _SIDE)
    n, rows_of_grid = (4 * side + 1, 1) if view.y is None else (side, side)
    # Inputs of the network at all points of the panel's grid, row by row: x runs fastest.
    grid = point.repeat(n * rows_of_grid, 1)
    grid[:, view.x] = _even(horizontal, n, x).repeat(rows_of_grid)
    vertical = None
    if view.y is not None:
        vertical = _range(x[:, view.y])
        grid[:, view.y] = _even(vertical, n, x).repeat_interleave(n)
    words = [column for column, levels in enumerate(session.data.levels) if levels]
    grid[:, words] = grid[:, words].round()  # between two levels nothing has a value
    with torch.no_grad():
        output = model(grid)
    z = torch.softmax(output, 1)[:, view.output] if trainer.loss.classes else output[:, view.output]
    rows = drawn_rows(x, _POINTS)
    truth = label[rows, 0 if trainer.loss.classes else view.output]
    # Without y a point stands at its label; for classes at 1 where it is of the output's class, else at 0, beside a probability.
    height = truth == view.output if trainer.loss.classes else truth
    points = [x[rows, view.x], height if view.y is None else x[rows, view.y], truth]
    payload: SurfacePanel = {
        "x": view.x,
        "y": view.y,
        "output": view.output,
        "at": [float(value) for value in point],
        "held": [*view.at, *[None] * (x.shape[1] - len(view.at))],
        "names": list(session.in_vars),
        "outputs": list(session.out_vars),
        "x_range": list(horizontal),
        "y_range": None if vertical is None else list(vertical),
        "ranges": torch.stack([x.amin(0), x.amax(0)], 1).tolist(),
        "levels": [list(levels) for levels in session.data.levels],
        "rows": len(x),
        "classes": trainer.loss.classes,
    }
    return payload, {"z": z.view(-1, n), "points": torch.stack([row.to(x.dtype) for row in points])}


def axes(payload: SurfacePanel, z: Tensor) -> tuple[Tensor, Tensor | None]:
    """The values across and, of a surface over two inputs, those upwards, at which the array `z` of a payload has the output."""
    across, up = payload["x_range"], payload["y_range"]
    return _even(across, z.shape[1], z), None if up is None else _even(up, z.shape[0], z)


def _even(ends: Sequence[float], count: int, like: Tensor) -> Tensor:
    """`count` even values from the first to the second of `ends`, of the type and on the device of the tensor `like`."""
    return torch.linspace(ends[0], ends[1], count, dtype=like.dtype, device=like.device)


def _range(values: Tensor) -> tuple[float, float]:
    """Smallest and largest value of a column, `(rows,)`, as the ends of an axis; a column that never changes gets a range around it."""
    low, high = float(values.min()), float(values.max())
    if high > low:
        return low, high
    half = max(abs(low), 1.0) / 2
    return (low - half, high + half) if math.isfinite(half) else (low, math.nextafter(low, math.inf))
