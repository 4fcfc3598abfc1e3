"""Ensembles: networks trained on rows drawn again, whose spread is the error that the table leaves in its derivatives."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget._types import LayerWidth
from kanwidget.core.network import Network
from kanwidget.core.records import History
from kanwidget.datasets import Dataset, arrays
from kanwidget.datasets.dataset import with_held_out
from kanwidget.kan import KAN
from kanwidget.training import fit_many

#: Members of an ensemble by default.
MEMBERS = 8
#: Networks of a member. They start differently, so that less of the members' spread is that of the starts, which their mean hasn't.
NETWORKS = 2
#: Fewest rows that a structure can be read from.
FEWEST_ROWS = 30
#: Part of the rows that decides between the shapes.
_HELD_OUT = 0.2
#: Networks of each shape that are tried.
_STARTS = 2
#: Steps of members that start from a network which has learned the data already.
_REFIT_STEPS = 10


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """A network to try: hidden nodes, grid and order. Second derivatives need a high order and few knots."""

    hidden: tuple[LayerWidth, ...]
    grid: int
    k: int


#: One row a shape, from few parameters to many.
SHAPES = (
    NetworkShape(([2, 1],), 2, 4),
    NetworkShape((4,), 2, 4),
    NetworkShape(([2, 2],), 3, 4),
    NetworkShape((7,), 3, 4),
)


def train_ensemble(data: Dataset, output: int, members: int, steps: int, seed: int) -> list[list[KAN]]:
    """The two networks of each member: of the shape that predicts held-out rows best, trained on the same rows drawn with replacement.

    Args:
        data: Columns and targets; all parts of it are used.
        output: Number of the target.
        members: Number of draws, ≥ 2.
        steps: Most steps of each training.
        seed: Of the starts and of the draws.
    """
    table = _one_table(data, output)
    shape = _best_shape(table, steps, seed)
    draws = [draw for draw in _draws(table, members, seed) for _ in range(NETWORKS)]
    networks = [_network(shape, table, seed + index) for index in range(len(draws))]
    trained, _ = fit_many(networks, draws, steps=steps, progress=False, evidence=False)
    return [trained[first : first + NETWORKS] for first in range(0, len(trained), NETWORKS)]


def refit_copies(network: Network, data: Dataset, members: int, seed: int) -> list[Network]:
    """Copies of a network, as many as `members`, each trained a few steps more on rows of `data` drawn with replacement by `seed`."""
    copies = [copy.deepcopy(network).to("cpu", torch.float64) for _ in range(members)]
    table = data.to(torch.float64, "cpu")
    trained, _ = fit_many(copies, _draws(table, members, seed), steps=_REFIT_STEPS, progress=False, evidence=False)
    return trained


def _one_table(data: Dataset, output: int) -> Dataset:
    """All rows of the data, test rows among them, as training rows with their weights, and target `output`, a number, as the only one."""
    parts = [part for part in ("train", "val", "test") if f"{part}_input" in data]
    x = torch.cat([data[f"{part}_input"] for part in parts]).to(torch.float64)
    y = torch.cat([data[f"{part}_label"] for part in parts]).to(torch.float64)[:, [output]]
    if len(x) < FEWEST_ROWS:
        advice = "Derivatives can't be read from so few; give a function or a trained network."
        _check.fail("subject", "examine", f"of at least {FEWEST_ROWS} rows", x, advice)
    return Dataset(x, y, train_weight=_one_weight(data, parts))


def _one_weight(data: Dataset, parts: list[str]) -> Tensor | None:
    """How much each row of these parts counts; None where all count the same."""
    weights = [getattr(data, f"{part}_weight") for part in parts]
    if all(weight is None for weight in weights):
        return None
    ones = (torch.ones(len(data[f"{part}_input"]), dtype=torch.float64) for part in parts)
    return torch.cat([one if weight is None else weight.to(one) for weight, one in zip(weights, ones, strict=True)])


def _network(shape: NetworkShape, table: Dataset, seed: int) -> KAN:
    """An untrained network that has the scale of the columns: the same scaled numbers in all units, and so the same training."""
    network = KAN([table.n_features, *shape.hidden, 1], shape.grid, shape.k, seed=seed)
    network.input_scale = arrays.moments(table.train_input)
    network.output_scale = arrays.moments(table.train_label)
    return network


def _best_shape(table: Dataset, steps: int, seed: int) -> NetworkShape:
    """The shape of least mean error on held-out rows among those with rows enough for their parameters.

    `steps` are the most of each training; `seed` decides on the held-out rows and on the starts.
    """
    count = max(1, round(_HELD_OUT * len(table.train_input)))
    order = torch.randperm(len(table.train_input), generator=torch.Generator().manual_seed(seed))
    held_out, rows = order[:count], order[count:]
    split = with_held_out(table, rows, held_out)
    errors: dict[int, float] = {}
    for number, shape in enumerate(SHAPES):
        networks = [_network(shape, table, seed + start) for start in range(_STARTS)]
        # The first shape is the smallest one: with few rows it is the only one.
        if errors and networks[0].n_parameters > len(rows):
            continue
        _, histories = fit_many(networks, split, steps=steps, progress=False, evidence=False)
        # The mean, not the best: of a shape that one start in two learns, half of the members would be wrong.
        errors[number] = sum(map(_least_error, histories)) / _STARTS
    return SHAPES[min(errors, key=lambda number: errors[number])]


def _least_error(history: History) -> float:
    """The validation loss of the state that a training keeps."""
    losses = [record.validation_loss for record in history.records if record.validation_loss is not None]
    return min(losses, default=math.inf)


def _draws(table: Dataset, count: int, seed: int) -> list[Dataset]:
    """The table with rows drawn with replacement, `count` times; the rows that a draw lacks are its validation rows."""
    generator = torch.Generator().manual_seed(seed)
    rows = len(table.train_input)
    drawn = (torch.randint(rows, (rows,), generator=generator) for _ in range(count))
    return [_drawn(table, torch.bincount(draw, minlength=rows).to(torch.float64)) for draw in drawn]


def _drawn(table: Dataset, counts: Tensor) -> Dataset:
    """The table with weights times the number of draws of each row; rows that weren't drawn are the validation rows."""
    weight = torch.ones_like(counts) if table.train_weight is None else table.train_weight
    return replace(
        table, train_weight=counts * weight,
        val_input=table.train_input, val_label=table.train_label, val_weight=(counts == 0) * weight,
        test_input=None, test_label=None, test_weight=None,
    )  # fmt: skip
