"""Surrogates of y: what gives its derivatives at the rows, a formula that is nearly right or a trained network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from kanwidget.core.arguments import normalize_arities, normalize_width
from kanwidget.core.derivatives import derivatives
from kanwidget.core.network import Network
from kanwidget.core.records import StepRecord
from kanwidget.core.starts import initial_layers
from kanwidget.datasets import Dataset, arrays
from kanwidget.discovery.engine.patience import look_at_the_clock
from kanwidget.discovery.engine.slopes import node_slopes
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.trees import Tree
from kanwidget.training import fit_steps

_Shape = tuple[list[Any], int, int, int]
#: Widths of the hidden layers, grid, order and seed of the networks: derivatives need a high order and few knots.
_SHAPES: tuple[_Shape, ...] = (([[2, 2]], 4, 4, 0), ([8], 3, 4, 0))
#: Those that are trained beside them where none of these has so small an error: of noisy rows the mean of several says more.
_FURTHER: tuple[_Shape, ...] = (([[2, 2]], 4, 4, 1), ([4, 4], 3, 3, 0))
_GOOD = 0.005
#: The mean is that of networks with errors up to so many times the smallest.
_LIKE = 1.5
_STEPS = 80
#: Rows that a network is trained on, at most; one in so many of them is held out.
_MOST_ROWS = 2000
_HELD = 5
#: Steps between two reports.
_REPORTED = 10
#: Columns that span more than this factor enter by their logarithm.
_SPAN = 3.0


@dataclass(frozen=True, slots=True)
class Surrogate:
    """Values and derivatives of a function that is nearly y, on some rows."""

    x: Tensor
    """`(columns, rows)`."""
    value: Tensor
    gradient: Tensor
    """`(columns, rows)`."""
    error: float
    """Relative to y."""


def formula_surrogate(table: EngineTable, tree: Tree, error: float) -> Surrogate:
    """The values of a formula, a tree, and its derivatives by the columns on the table's sample of rows; `error` is relative to y."""
    columns = table.columns[:, table.sample].unbind()
    gradient = torch.zeros(len(columns), len(table.sample), dtype=torch.float64)
    nodes = node_slopes(tree, columns)
    for node in nodes:  # a column may stand in several places: its derivatives add up
        if node.tree[0] == "x":
            gradient[node.tree[1]] += node.slope
    return Surrogate(torch.stack(columns), nodes[0].value, gradient, error)


def network_surrogates(table: EngineTable) -> Iterator[str | Surrogate]:
    """Train networks on the table, step by step, for derivatives of y; yields what is tried, and at last a surrogate.

    That is the network that predicts held-out rows best, or the mean of several if this predicts them better. Positive columns of
    very different sizes enter by their logarithm, and y with and without: products become sums.
    """
    y = table.y
    spans = bool((y > 0).all() or (y < 0).all()) and _spans(y.abs())
    trainings = [_Training(table, logged) for logged in ((True, False) if spans else (False,))]
    trained: list[_Trained] = []
    for training in trainings:
        yield from training.networks(_SHAPES, trained)
    best = min(trained, key=lambda one: one.error)
    # Where the rows are noisy further networks are trained, and the mean of all that are about as good is taken.
    if best.error > _GOOD:
        yield from best.training.networks(_FURTHER, trained)
        best = min(trained, key=lambda one: one.error)
    alike = [one for one in trained if one.error <= _LIKE * best.error]
    value, gradient, held = (
        torch.stack(parts).mean(0)
        for parts in zip(*((one.value, one.gradient, one.held) for one in alike), strict=True)
    )
    mean = _Trained(best.training, value, gradient, held)
    yield min(mean, best, key=lambda one: one.error).surrogate


class _Training:
    """The training of a network on y, or on its logarithm."""

    def __init__(self, table: EngineTable, logged: bool) -> None:
        """Divide at most `_MOST_ROWS` rows of a table, at random, into those to train on and those held out, with logarithms taken.

        `logged` says whether the network is trained on log |y|. A column above 0 of very different sizes enters by its logarithm.
        """
        self.table, self.logged = table, logged
        self.input_logs = [table.positive(i) and _spans(table.columns[i]) for i in table.indices]
        columns = zip(table.columns, self.input_logs, strict=True)
        x = torch.stack([column.log() if log else column for column, log in columns], 1)
        rows = torch.randperm(len(table), generator=torch.Generator().manual_seed(0))[:_MOST_ROWS].sort().values
        # Inputs of the network on the table's sample, and on the rows chosen here, with these rows' y and weights.
        self.sample, self.x, self.y, self.own_weights = x[table.sample], x[rows], table.y[rows], table.weights[rows]
        target = (self.y.abs().log() if logged else self.y)[:, None]
        # An error of log |y|, times |y|, is one of y.
        weights = self.own_weights * self.y.square() if logged else self.own_weights
        held = self.held = torch.zeros(len(rows), dtype=torch.bool)
        held[::_HELD] = True
        self.data = Dataset(
            self.x[~held], target[~held],
            val_input=self.x[held], val_label=target[held], train_weight=weights[~held],
        )  # fmt: skip

    def networks(self, shapes: Sequence[_Shape], trained: list[_Trained]) -> Iterator[str]:
        """Train networks of some shapes, and add them to `trained`; yields what is tried.

        A shape has the widths of the hidden layers, the intervals of the grids, the order of the splines, and the seed.
        """
        for hidden, grid, k, seed in shapes:
            model = _network([len(self.table.indices), *hidden, 1], grid, k, seed)
            model.scaling.settle()  # the fit is to keep the scales of inputs and target that are set here
            model.input_scale = arrays.moments(self.data.train_input)
            model.output_scale = arrays.moments(self.data.train_label)
            for record in fit_steps(model, self.data, steps=_STEPS, evidence=False):
                look_at_the_clock()
                if isinstance(record, StepRecord) and record.step % _REPORTED == 0:
                    yield "training networks for the structure of y"
            trained.append(self._trained(model))

    def error(self, predicted: Tensor) -> float:
        """The error of predicted values of y on the held-out rows, `(held-out rows,)`: root mean square, relative to y's median size."""
        held = self.held
        residual = self.own_weights[held].sqrt() * (predicted - self.y[held])
        return float(residual.square().mean().sqrt()) / (float(self.table.y.abs().median()) or 1.0)

    def _trained(self, model: Network) -> _Trained:
        """A trained network's values of y and derivatives by the columns on the table's sample, and its values on the held-out rows."""
        table, rows = self.table, self.table.sample
        slopes = derivatives(model, self.sample, order=1)
        value, gradient = slopes.value[:, 0].detach(), slopes.gradient[:, 0].T.detach()
        with torch.no_grad():
            predicted = model(self.x[self.held])[:, 0]
        # Derivatives of y by the columns, from those of log |y|, or by logarithms of columns.
        if self.logged:
            sign = table.y[0].sign()
            value, predicted = value.exp() * sign, predicted.exp() * sign
            gradient = gradient * value
        logs = zip(table.columns[:, rows], self.input_logs, strict=True)
        gradient = gradient / torch.stack([column if log else torch.ones_like(column) for column, log in logs])
        return _Trained(self, value, gradient, predicted)


def _network(width: Sequence[Any], grid: int, k: int, seed: int) -> Network:
    """An untrained network; the same shape and seed give the same one.

    Args:
        width: Nodes of each level, as a number or as `[sum nodes, product nodes]`. A product has two factors.
        grid: Intervals of each grid.
        k: Order of the splines.
        seed: Of the starts.
    """
    levels, arities = normalize_width(width), normalize_arities(2, normalize_width(width))
    generator = torch.Generator().manual_seed(seed)
    return Network(levels, arities, initial_layers(levels, arities, [grid] * (len(levels) - 1), k, generator=generator))


@dataclass(frozen=True, slots=True)
class _Trained:
    """What a trained network, or the mean of several, says."""

    training: _Training
    value: Tensor
    gradient: Tensor
    held: Tensor
    """Values of the held-out rows."""

    @property
    def error(self) -> float:
        """Root mean square error of the predictions for the held-out rows, relative to y's median size."""
        return self.training.error(self.held)

    @property
    def surrogate(self) -> Surrogate:
        """The values and derivatives on the table's sample, with the error."""
        table = self.training.table
        return Surrogate(table.columns[:, table.sample], self.value, self.gradient, self.error)


def _spans(column: Tensor) -> bool:
    """Whether a column is above 0, and its largest value is more than `_SPAN` times the smallest."""
    return bool(column.min() > 0) and float(column.max() / column.min()) > _SPAN
