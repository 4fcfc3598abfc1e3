"""Smaller networks that may say the same: one hidden node, none, or a few, also of the columns' logarithms."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import nn

from kanwidget._types import Arities
from kanwidget.core.network import Network
from kanwidget.core.scales import Scaling
from kanwidget.core.starts import initial_layers
from kanwidget.simplification.held_out import HeldOutRows
from kanwidget.simplification.refits import refit
from kanwidget.simplification.removals import without_needless_edges
from kanwidget.symbolic.edges import fix_symbolic

#: Ends of the first grids of scaled columns.
_RANGE = (-1.75, 1.75)
#: Steps of the refit of a product of powers.
_POWER_STEPS = 30
#: Columns whose largest value is less than this many times the smallest look nearly the same in their logarithm.
_LEAST_SPAN = 1.2


class Shape(NamedTuple):
    """Hidden nodes by level, and the columns whose logarithm is the first step."""

    hidden: tuple[int, ...]
    logs: tuple[int, ...] = ()

    def text(self, names: Sequence[str]) -> str:
        """The shape in words; `names` are those of the data's columns."""
        small = {(): "a sum of functions of one column each", (1,): "a function of one sum"}
        words = small.get(self.hidden, f"{sum(self.hidden)} hidden nodes")
        if self.logs:
            words += ", in log " + ", log ".join(names[column] for column in self.logs)
        return words


def shapes(network: Network, held: HeldOutRows) -> list[Shape]:
    """The shapes with at most one hidden node, the smallest first; in logarithms where two columns or more are positive."""
    found = [Shape(()), Shape((1,))]
    logs = positive_columns(network, held)
    # Words have no powers.
    if len(logs) > 1 and not any(network.scaling.has_logs) and not any(network.layer(0).levels):
        found.append(Shape((1,), tuple(logs)))
    return found


def positive_columns(network: Network, held: HeldOutRows) -> list[int]:
    """The columns of numbers that the network reads, that are positive in all rows and vary by a fifth at least."""
    inputs = zip(network.columns.tolist(), network.layer(0).levels, strict=True)
    columns = sorted({column for column, levels in inputs if not levels})  # those with levels are words
    low = torch.stack([held.data[f"{part}_input"].amin(0) for part in ("train", "test")]).amin(0)
    high = held.data.train_input.amax(0)
    return [c for c in columns if float(low[c]) > 0 and float(high[c]) >= _LEAST_SPAN * float(low[c])]


def fresh(network: Network, shape: Shape, held: HeldOutRows, seed: int) -> Network:
    """An untrained network of another shape for the same columns and outputs, with the settings of a network."""
    width = [[count, 0] for count in (network.n_in, *shape.hidden, network.n_out)]
    new, first = reshaped(network, width, [[] for _ in width], seed, grid_range=_RANGE), network.layer(0)  # no products
    new.layer(0).set_levels(first.levels, first.merged)  # which inputs are words, with a value for each
    if shape.logs:
        # Logarithms of columns have other scales than the columns; outputs keep the network's.
        scaling = Scaling(network.n_features, network.n_out, first.coef.detach())
        scaling.set_logs(shape.logs, torch.nonzero(network.scaling.output_log).flatten().tolist())
        scaling.learn(held.data.train_input, None if held.data.is_classification else held.data.train_label)
        if not held.data.is_classification:
            scaling.set_scale("output", network.output_scale)
        new.scaling = scaling
        new.log = shape.logs  # the columns that are read by their logarithms
    return new.to(network.device)


def reshaped(
    network: Network, width: Sequence[Sequence[int]], arities: Arities, seed: int = 0, **start: Any
) -> Network:
    """A copy of a network with untrained layers of another shape, whose splines have the grid, order and base function of its first ones.

    Args:
        network: The network; it isn't changed.
        width: Numbers of sums and of products of each level of nodes.
        arities: Numbers of factors of the products of each level.
        seed: Of the random splines.
        **start: `grid_range` and `noise_scale` of `initial_layers`.
    """
    new, first = copy.deepcopy(network), network.layer(0)
    new.width, new.arities = [list(pair) for pair in width], [list(factors) for factors in arities]
    grids, generator = [first.grid_size] * (len(width) - 1), torch.Generator().manual_seed(seed)
    options: dict[str, Any] = {"base_fun": first.base_fun, "generator": generator, "dtype": network.dtype, **start}
    new.layers = nn.ModuleList(initial_layers(new.width, new.arities, grids, first.k, **options))
    return new


def power_law(network: Network, held: HeldOutRows) -> Network:
    """A copy of a network [n, 1, 1] of the columns' logarithms as a product of powers: lines, whose sum an exponential takes; refitted."""
    trial, x = copy.deepcopy(network), held.data.train_input
    for ref in trial.edge_refs(active=True):
        fix_symbolic(trial, *ref, "x" if ref.layer == 0 else "exp", x)
    refit(trial, held, _POWER_STEPS)
    trial = without_needless_edges(trial, held)
    refit(trial, held, _POWER_STEPS)
    return trial
