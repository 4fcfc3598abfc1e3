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
_SHAPES = (([2, 1], 3, 4), (5, 3, 4))
_STEPS = 50
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

    Positive columns that span a factor enter by their logarithm, and so does y: products become sums.
    """
    logged = [table.positive(i) and _spans(table.columns[i]) for i in table.indices]
    y = table.y
    y_logged = bool((y > 0).all() or (y < 0).all()) and _spans(y.abs())
    x = torch.stack([c.log() if log else c for c, log in zip(table.columns, logged, strict=True)], 1)
    t = (y.abs().log() if y_logged else y)[:, None]
    weights = table.weights * (y.square() if y_logged else 1.0)
    held = torch.zeros(len(y), dtype=torch.bool)
    held[::5] = True
    data = Dataset(x[~held], t[~held], val_input=x[held], val_label=t[held], train_weight=weights[~held])
    best: tuple[float, KAN] | None = None
    for hidden, grid, k in _SHAPES:
        model = KAN([len(table.indices), hidden, 1], grid, k, seed=seed)
        model.scaling.settle()
        model.input_scale = arrays.moments(data.train_input)
        model.output_scale = arrays.moments(data.train_label)
        for record in model.fit_steps(data, steps=_STEPS):
            assert isinstance(record, StepRecord)
            yield f"training a network, step {record.step}"
        residual = (model.predict(x[held]) - t[held]) * weights[held, None].sqrt()
        error = float(residual.square().mean().sqrt() / weights[held].mean().sqrt())
        if best is None or error < best[0]:
            best = error, model
    assert best is not None
    error, model = best
    rows = table.sample
    slopes = model.derivatives(x[rows], order=1)
    value, gradient = slopes.value[:, 0], slopes.gradient[:, 0].T
    if y_logged:
        value = value.exp() * y[0].sign()
        gradient = gradient * value
    else:
        error /= float(y.abs().median()) or 1.0
    chain = torch.stack([1 / c if log else torch.ones_like(c) for c, log in zip(table.columns, logged, strict=True)])
    yield Surrogate(table.columns[:, rows], value, gradient * chain[:, rows], error)


def _spans(column: Tensor) -> bool:
    return bool(column.min() > 0) and float(column.max() / column.min()) > _SPAN
