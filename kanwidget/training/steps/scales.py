"""A network's scales and logarithms, learnt from its first training data."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.datasets import Dataset
from kanwidget.training.objective.loss import Loss


def learn_scales(network: Network, data: Dataset, loss: Loss) -> None:
    """Settle the network's scales and logarithms, if nothing has yet. In place.

    Functions that stand on the first or the last edges already were meant in own units: that side keeps its numbers.
    """
    scaling = network.scaling
    if not bool(scaling.fixed.all()):
        resolve_logs(network, data)
        for side, layer in ((0, network.layer(0)), (1, network.layer(network.depth - 1))):
            scaling.fixed[side] |= bool(layer.symbols)
        scaling.learn(data.train_input, data.train_label if loss.root else None)


def resolve_logs(network: Network, data: Dataset) -> None:
    """Make the logarithms that the network was made with its first steps, now that the columns have names. In place."""
    inputs, outputs = [], []
    for name in network.log:
        if isinstance(name, int):
            inputs.append(_check.integer(name, "log", "KAN", low=0, high=network.n_features - 1))
        elif name in data.in_vars:
            inputs.append(data.in_vars.index(name))
        elif name in data.out_vars and not data.is_classification:
            outputs.append(data.out_vars.index(name))
        else:
            _check.fail("log", "KAN", f"made of {', '.join(map(repr, (*data.in_vars, *data.out_vars)))}", name)
    for part in ("train", "test", "val"):
        if f"{part}_input" in data:
            _check_positive(data[f"{part}_input"], inputs, data.in_vars)
            if outputs:
                _check_positive(data[f"{part}_label"], outputs, data.out_vars)
    if inputs or outputs:
        network.scaling.set_logs(inputs, outputs)


def _check_positive(values: Tensor, columns: Sequence[int], names: Sequence[str]) -> None:
    """An error that names the first column and row without a logarithm."""
    for column in columns:
        rows = (~(values[:, column] > 0)).nonzero().flatten()
        if len(rows):
            row = int(rows[0])
            expected = f"made of columns that are positive; {names[column]!r} isn't, in row {row}"
            advice = "Leave that row out, or that column as it is."
            _check.fail("log", "fit", expected, float(values[row, column]), advice)
