"""Surrogates of y: what gives its derivatives at the rows, a formula that is nearly right or a trained network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.core.records import StepRecord
from kanwidget.datasets import Dataset, arrays
from kanwidget.discovery.engine.slopes import node_slopes
from kanwidget.discovery.engine.table import Table
from kanwidget.discovery.engine.trees import Tree
from kanwidget.kan import KAN

#: Width of the hidden layer, grid and order of the networks: derivatives need a high order and few knots.
_SHAPES = (([2, 2], 4, 4), (8, 3, 4))
_STEPS = 80
#: One row in so many is held out.
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


def formula_surrogate(table: Table, tree: Tree, error: float) -> Surrogate:
    """The derivatives of a formula on the sample."""
    columns = table.columns[:, table.sample].unbind()
    gradient = torch.zeros(len(columns), len(table.sample), dtype=torch.float64)
    nodes = node_slopes(tree, columns)
    for node in nodes:
        if node.tree[0] == "x":
            gradient[node.tree[1]] += node.slope
    return Surrogate(torch.stack(columns), nodes[0].value, gradient, error)


def network_surrogates(table: Table, seed: int = 0) -> Iterator[str | Surrogate]:
    """Train networks on the table, step by step; last comes the surrogate of the one that predicts held-out rows best.

    Positive columns that span a factor enter by their logarithm, and y with and without: products become sums.
    """
    y = table.y
    best: Surrogate | None = None
    for logged in (True, False):
        if logged and not (bool((y > 0).all() or (y < 0).all()) and _spans(y.abs())):
            continue
        for hidden, grid, k in _SHAPES:
            model = KAN([len(table.indices), hidden, 1], grid, k, seed=seed)
            training = _Training(table, logged)
            for record in training.steps(model):
                if record.step % _REPORTED == 0:
                    yield "training networks for the structure of y"
            surrogate = training.surrogate(model)
            if best is None or surrogate.error < best.error:
                best = surrogate
    assert best is not None
    yield best


class _Training:
    """The training of a network on y, or on its logarithm."""

    def __init__(self, table: Table, logged: bool) -> None:
        self.table, self.logged = table, logged
        self.input_logs = [table.positive(i) and _spans(table.columns[i]) for i in table.indices]
        columns = zip(table.columns, self.input_logs, strict=True)
        self.x = torch.stack([column.log() if log else column for column, log in columns], 1)
        y = table.y
        self.target = (y.abs().log() if logged else y)[:, None]
        self.weights = table.weights * y.square() if logged else table.weights
        self.held = torch.zeros(len(y), dtype=torch.bool)
        self.held[::_HELD] = True

    def steps(self, model: KAN) -> Iterator[StepRecord]:
        """Train, a record a step."""
        held = self.held
        data = Dataset(
            self.x[~held], self.target[~held],
            val_input=self.x[held], val_label=self.target[held], train_weight=self.weights[~held],
        )  # fmt: skip
        model.scaling.settle()
        model.input_scale = arrays.moments(data.train_input)
        model.output_scale = arrays.moments(data.train_label)
        for record in model.fit_steps(data, steps=_STEPS):
            if isinstance(record, StepRecord):
                yield record

    def surrogate(self, model: KAN) -> Surrogate:
        """The trained network's values and derivatives, in the units of the table."""
        table, rows = self.table, self.table.sample
        slopes = model.derivatives(self.x[rows], order=1)
        value, gradient = slopes.value[:, 0].detach(), slopes.gradient[:, 0].T.detach()
        predicted = model.predict(self.x[self.held])[:, 0]
        if self.logged:
            sign = table.y[0].sign()
            value, predicted = value.exp() * sign, predicted.exp() * sign
            gradient = gradient * value
        logs = zip(table.columns[:, rows], self.input_logs, strict=True)
        gradient = gradient / torch.stack([column if log else torch.ones_like(column) for column, log in logs])
        residual = table.weights[self.held].sqrt() * (predicted - table.y[self.held])
        error = float(residual.square().mean().sqrt()) / (float(table.y.abs().median()) or 1.0)
        return Surrogate(table.columns[:, rows], value, gradient, error)


def _spans(column: Tensor) -> bool:
    return bool(column.min() > 0) and float(column.max() / column.min()) > _SPAN
