"""Whether a richer network would explain more: finer grids and more hidden nodes, tried on copies and compared by evidence.

What a network leaves looks like noise to itself. It is noise only where networks that could follow it don't.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

import torch
from torch import Tensor

from kanwidget import surgery
from kanwidget.core.network import Network
from kanwidget.core.reference_data import order_columns
from kanwidget.datasets import Dataset
from kanwidget.datasets.dataset import sampled_data
from kanwidget.training import Settings, Trainer
from kanwidget.training.jacobian.parameter_vector import ParameterVector

Net = TypeVar("Net", bound=Network)
Kind = Literal["", "grid", "hidden", "wave"]

#: Rows that are compared, and parameters of the largest network that is tried: a step of a larger one keeps a click waiting.
_MOST_ROWS, _MOST_PARAMETERS = 1000, 500
#: Steps of the network as it is and of finer grids, and of new nodes, which begin at random.
_STEPS, _HIDDEN_STEPS = 20, 40
#: Hidden nodes that are added, and the least grid of a network with them.
HIDDEN_NODES, _HIDDEN_GRID = 3, 5
#: Frequencies a turn over the range of a column: a wave between two of them is seen, too.
_TURNS = 4
#: A gain in the logarithm of the evidence that is no chance, as long as the noise falls to the second part at least; and a part of
#: the noise to which a fall is no chance, as long as the evidence doesn't fall.
_GAIN, _SMALL_FALL, _FALL = 3.0, 0.95, 0.9


@dataclass(frozen=True, slots=True)
class Richness:
    """A network with the evidence for it."""

    kind: Kind
    """What is richer in it: nothing, the grid, a hidden level, or a wave of a column that is added to it."""
    grid: int
    noise: float
    """Standard deviation of the noise, in the unit of the training's errors."""
    log_evidence: float
    explained: float
    """Part of the labels' variance that isn't noise, 0 to 1."""

    def beats(self, other: Richness) -> bool:
        """Whether the data ask for this network rather than for the other one."""
        gain = self.log_evidence - other.log_evidence
        less = self.noise / other.noise if other.noise > 0 else 1.0
        return (gain > _GAIN and less < _SMALL_FALL) or (gain >= 0 and less < _FALL)


@dataclass(frozen=True, slots=True)
class RicherNetworks:
    """The answer: the network as it is, and the richer one that the data ask for, None where they ask for none."""

    now: Richness
    better: Richness | None


def richer_networks(network: Network, data: Dataset, start: Network | None = None) -> Iterator[RicherNetworks | None]:
    """Try richer networks on copies, one training step at a time.

    Args:
        network: The network, with one output; it isn't changed.
        data: Its data, without classes. Their training rows count, at most 1,000.
        start: The network that is made richer, by default `network` itself: where that is a formula, what it was made from.

    Yields:
        None after each step, the answer last; nothing where the network or its data leave nothing to compare.

    Examples:
        >>> import torch
        >>> from kanwidget import KAN, create_dataset
        >>> wave = create_dataset(lambda x: torch.sin(20 * x), n_var=1, train_num=150)
        >>> *_, answer = richer_networks(KAN([1, 1]), wave)
        >>> answer.better.kind, answer.better.explained > 0.99
        ('grid', True)
    """
    sample = sampled_data(order_columns(network, data, "richer_networks"), _MOST_ROWS)
    trials = _Trials(sample)
    now = yield from trials.run("", network, _STEPS)
    if now is None:
        return
    start = network if start is None else start
    found = [] if start is network else [(yield from trials.run("grid", start, _HIDDEN_STEPS))]
    for grid in _finer_grids(start, len(sample.train_input)):
        trial = yield from trials.run("grid", surgery.refine(start, grid), _STEPS)
        found.append(trial)
    found.append((yield from trials.run("hidden", with_hidden_nodes(start), _HIDDEN_STEPS)))
    found.append(trials.wave(now))
    better = [one for one in found if one is not None and one.beats(now)]
    best = max((one.log_evidence for one in better), default=0.0)
    # The simplest of those that are as good as the best.
    yield RicherNetworks(now, next((one for one in better if one.log_evidence > best - _GAIN), None))


def with_hidden_nodes(network: Net, nodes: int = HIDDEN_NODES, level: int = 1, *, product: bool = False) -> Net:
    """A network with more nodes on a hidden level; where there is none it comes first, with a grid that can bend. The function stays."""
    if network.depth > 1:
        return cast("Net", surgery.expand_width(network, level, nodes, product=product))
    wider = surgery.expand_width(surgery.expand_depth(network), 1, nodes, product=product)
    grid = max(wider.layer(index).grid_size for index in range(wider.depth))
    return cast("Net", surgery.refine(wider, max(grid, _HIDDEN_GRID)))


def _finer_grids(network: Network, rows: int) -> list[int]:
    """Grids of twice and four times the intervals; without hidden nodes, where evidence alone decides, up to an interval a row."""
    largest = max(network.layer(index).grid_size for index in range(network.depth))
    doublings = 8 if network.depth == 1 else 2
    grids = (largest * 2**power for power in range(1, doublings + 1))
    return [grid for grid in grids if grid <= rows]


class _Trials:
    """Trainings of copies on the same rows."""

    def __init__(self, data: Dataset) -> None:
        self._data = data
        #: Residuals of the network as it is, in scaled numbers.
        self.residual: Tensor | None = None

    def run(self, kind: Kind, network: Network, steps: int) -> Generator[None, None, Richness | None]:
        """Train a copy with evidence; returns what it says, None where it says nothing."""
        if ParameterVector.of(network).size > _MOST_PARAMETERS:
            return None
        network = copy.deepcopy(network)
        trainer = Trainer(network, self._data, steps, Settings())
        for _ in trainer:
            yield None
        if not kind:
            with torch.no_grad():
                outputs = network(self._data.train_input)
                labels = self._data.train_label.to(outputs)
                self.residual = (network.scaling.scaled_outputs(labels) - network.scaling.scaled_outputs(outputs))[:, 0]
        return self._said(kind, network, trainer)

    def wave(self, now: Richness) -> Richness | None:
        """A wave of one column, by least squares of what the network leaves at each of many frequencies.

        Rows too few for a spline of so many turns suffice for the two numbers of a wave.
        """
        residual = self.residual
        if residual is None or not bool(residual.isfinite().all()):
            return None
        rows, centered, best, tried = len(residual), residual - residual.mean(), 1.0, 0
        total = float(centered.square().sum())
        for x in self._data.train_input.to(residual).T:
            low, high = float(x.min()), float(x.max())
            if not (high > low and total > 0):
                continue
            turns = torch.arange(1, 2 * rows + 1, dtype=x.dtype, device=x.device) / _TURNS
            angles = 2 * math.pi * turns[:, None] * (x - low) / (high - low)
            waves = torch.stack([angles.sin(), angles.cos()], -1)
            waves = torch.linalg.qr(waves - waves.mean(1, keepdim=True)).Q
            share = (centered @ waves).square().sum(-1) / total
            best, tried = min(best, 1 - float(share.max())), tried + len(turns)
        best = max(best, 1e-15)
        if not tried:
            return None
        # Two numbers and a frequency, each by Schwarz's criterion, and one of so many frequencies.
        gain = -rows * math.log(best) / 2 - 1.5 * math.log(rows) - math.log(tried)
        explained = 1 - best * (1 - now.explained)
        return Richness("wave", now.grid, now.noise * math.sqrt(best), now.log_evidence + gain, explained)

    def _said(self, kind: Kind, network: Network, trainer: Trainer) -> Richness | None:
        record = trainer.record()
        rows = len(self._data.train_input)
        posterior = trainer.posterior()
        spread = _spread(network, self._data)
        if posterior is not None and posterior.freedom and posterior.noise is not None:
            noise, evidence = posterior.noise * network.scaling.error_unit, posterior.log_evidence
        else:  # a formula has constants alone: its evidence by Schwarz's criterion
            size = ParameterVector.of(network).size
            noise = record.train_loss * math.sqrt(rows / max(1, rows - size))
            scaled = max(record.train_loss / network.scaling.error_unit, 1e-150)
            evidence = -rows * (math.log(2 * math.pi * scaled**2) + 1) / 2 - size * math.log(rows) / 2
        if not (math.isfinite(noise) and math.isfinite(evidence) and spread > 0):
            return None
        grid = max(network.layer(index).grid_size for index in range(network.depth))
        return Richness(kind, grid, noise, evidence, min(1.0, max(0.0, 1 - (noise / spread) ** 2)))


def _spread(network: Network, data: Dataset) -> float:
    """Standard deviation of the training labels, in the unit of the training's errors."""
    labels = network.scaling.scaled_outputs(data.train_label.to(network.dtype))
    return float(labels.std(0, correction=0).square().mean().sqrt()) * network.scaling.error_unit
