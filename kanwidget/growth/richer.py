"""Whether a richer network would explain more: finer grids, pairs of columns and hidden nodes, tried on copies and compared by evidence.

What a network leaves looks like noise to itself. It is noise only where networks that could follow it don't.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import torch

from kanwidget import surgery
from kanwidget.core import splines
from kanwidget.core.network import AnyNetwork, Network
from kanwidget.core.records import StepRecord
from kanwidget.core.reference_data import order_columns
from kanwidget.core.state import NetworkState
from kanwidget.datasets import Dataset
from kanwidget.datasets.dataset import rows_of
from kanwidget.datasets.validation import sampled_data
from kanwidget.growth.screens import Wave, best_looks
from kanwidget.training import Settings, Trainer
from kanwidget.training.evidence.schwarz import schwarz
from kanwidget.training.jacobian.parameter_vector import ParameterVector

Kind = Literal["", "grid", "pair", "hidden", "wave"]

#: Rows that are compared, all of a table if they times the parameters of a network are fewer than the second number, at most the third;
#: and parameters of the largest network that is tried: a step of a larger one keeps a click waiting.
_ROWS, _ROWS_TIMES_PARAMETERS, _MOST_ROWS, _MOST_PARAMETERS = 1000, 250_000, 4000, 800
#: Rows with missing numbers are left out where at least this part of the rows has none.
_COMPLETE = 0.8
#: Fewer rows can't tell what is richer from chance.
_FEWEST_ROWS = 20
#: Steps of the network as it is and of finer grids, and of new nodes, which begin at random.
_STEPS, _HIDDEN_STEPS = 20, 40
#: A training ends after so many steps in which the logarithm of its evidence hasn't grown by so much.
_PATIENCE, _PROGRESS = 8, 0.5
#: Numbers of hidden nodes that are added, and the least grid of a network with them.
_HIDDEN_NODES, _HIDDEN_GRID = (1, 3), 5
#: A finer grid is tried where an edge's wiggle has this part of the freedom that its grid allows.
_USED = 0.5
#: Intervals that a turn of a wave needs.
_PER_TURN = 4
#: A gain in the logarithm of the evidence that is no chance, as long as the noise falls to the second part at least; and a part of
#: the noise to which a fall is no chance, as long as the evidence doesn't fall.
_GAIN, _SMALL_FALL, _FALL = 3.0, 0.99, 0.9
#: A wave that explains more than this beyond the best of the others comes first.
_MORE = 0.05


@dataclass(frozen=True, slots=True)
class Richness:
    """A network with the evidence for it."""

    kind: Kind
    """What is richer in it: nothing, the grid, a pair of columns, a hidden level, or a wave of a column that is added to it."""
    grid: int
    noise: float
    """Standard deviation of the noise, in the unit of the training's errors; of classes the log loss."""
    log_evidence: float
    explained: float
    """Part of the labels' variance that isn't noise, of classes of their log loss, 0 to 1."""
    network: Network | None = field(default=None, compare=False, repr=False)
    """It, trained on the rows that were compared; None for a wave, which no network has yet."""
    columns: tuple[int, int] | None = None
    """Of a pair."""
    nodes: int = 0
    """That were added to the hidden level."""

    def beats(self, other: Richness) -> bool:
        """Whether the data ask for this network rather than for the other one.

        The logarithm of its evidence must be larger by more than 3, with a noise below 99 % of the other one's; or its noise must be below
        90 %, with no less evidence.
        """
        gain = self.log_evidence - other.log_evidence
        less = self.noise / other.noise if other.noise > 0 else 1.0
        return (gain > _GAIN and less < _SMALL_FALL) or (gain >= 0 and less < _FALL)


@dataclass(frozen=True, slots=True)
class RicherNetworks:
    """The answer: the network as it is, and the richer one that the data ask for, None where they ask for none."""

    now: Richness
    better: Richness | None
    wave: Richness | None = None
    """A wave that explains more than that, and that no network has."""
    tried: tuple[Richness, ...] = ()
    """All that were compared with it."""

    @property
    def network(self) -> Network:
        """The richer network, or the network as it is where there is none; trained."""
        network = (self.better or self.now).network
        assert network is not None  # only waves have none
        return network


def richer_networks(
    network: Network, data: Dataset, start: Network | None = None, enough: float = math.inf
) -> Iterator[RicherNetworks | None]:
    """Try richer networks on copies, one training step at a time.

    Args:
        network: The network; it isn't changed.
        data: Its data. Their training rows count, at most 1,000, of small networks 4,000.
        start: The network that is made richer, by default `network` itself, trained: where that is a formula, what it was made from.
        enough: Nothing richer is tried where the network explains so much of the labels' variance, a part from 0 to 1.

    Yields:
        None after each step, once what the network as it is explains, and the answer last; nothing where the network or its data leave
        nothing to compare.

    Examples:
        >>> import torch
        >>> from kanwidget import KAN, create_dataset
        >>> wave = create_dataset(lambda x: torch.sin(20 * x), n_var=1, train_num=150)
        >>> *_, answer = richer_networks(KAN([1, 1]), wave)
        >>> answer.better.kind, answer.better.explained > 0.99
        ('grid', True)
    """
    # The time of a step grows with rows times parameters: a small network is compared on more rows.
    rows = _ROWS_TIMES_PARAMETERS // max(1, ParameterVector.of(network).size)
    ordered = _complete(order_columns(network, data, "richer_networks"))
    sample = sampled_data(ordered, min(max(rows, _ROWS), _MOST_ROWS))
    tried = partial(_tried, sample)
    now = yield from tried("", network, _STEPS)
    if now is None or now.network is None:
        return
    yield RicherNetworks(now, None)
    if now.explained >= enough or len(sample.train_input) < _FEWEST_ROWS:
        return
    pair, wave = best_looks(now.network, sample)
    wave = wave if wave is not None and wave.gain > 0 else None
    # `start` is what a formula was made from: trained, it may be the richer network itself.
    answers = [] if start is None else [(yield from tried("grid", start, _HIDDEN_STEPS))]
    start = now.network if start is None else start
    for grid in _finer_grids(_finest(start), _freedom_in_use(now.network), wave, len(sample.train_input)):
        finer = yield from tried("grid", surgery.refine(start, grid), _STEPS)
        answers.append(finer)
    if pair is not None and pair.gain > 0:
        answers.append((yield from tried("pair", with_pair(start, pair.columns), _HIDDEN_STEPS, pair.columns)))
    for nodes in _HIDDEN_NODES if start.n_features > 1 else ():  # of one column a curve says all
        # Beside curves that have taken all they can, hidden nodes would only get what is left.
        wider = yield from tried("hidden", with_hidden_nodes(_flat(start), nodes), _HIDDEN_STEPS)
        answers.append(None if wider is None else replace(wider, nodes=nodes))
        if wider is not None and wider.log_evidence < now.log_evidence and (pair is None or pair.gain <= 0):
            break  # where neither one node nor a product of any pair says more, three nodes don't either
    compared = tuple(one for one in answers if one is not None)
    better = [one for one in compared if one.beats(now)]
    best = max((one.log_evidence for one in better), default=0.0)
    # The simplest of those that are as good as the best.
    choice = next((one for one in better if one.log_evidence > best - _GAIN), None)
    # A wave counts that beats the network and explains 0.05 more than the best richer one.
    added = None if wave is None else _with_wave(now, wave)
    if added is not None and not (added.beats(now) and (choice is None or added.explained > choice.explained + _MORE)):
        added = None
    yield RicherNetworks(now, choice, added, compared)


def is_formula(network: Network) -> bool:
    """Whether a network has no splines, or functions beside them; identities don't count, which lead a sum past new hidden nodes."""
    if not any(bool(layer.curved().any()) for layer in network.layers):
        return True
    return any(name != "x" and edges for layer in network.layers for name, edges in layer.symbols.items())


def with_hidden_nodes(network: AnyNetwork, nodes: int, level: int = 1, *, product: bool = False) -> AnyNetwork:
    """A network with more nodes on a hidden level; where there is none it comes first, with a grid that can bend. The function stays.

    The sums that were the outputs are led past the new nodes by frozen edges: their constants would repeat what the curves have, without
    a price.
    """
    if network.depth > 1:
        return surgery.expand_width(network, level, nodes, product=product)
    deeper = surgery.expand_depth(network)
    for edge in deeper.edge_refs(active=True):
        if edge.layer == 1:
            surgery.freeze(deeper, *edge)
    wider = surgery.expand_width(deeper, 1, nodes, product=product)
    return surgery.refine(wider, max(_finest(wider), _HIDDEN_GRID))


def _flat(network: AnyNetwork) -> AnyNetwork:
    """A copy of a network without hidden nodes in which all curves are 0, so that new nodes don't just get what these leave.

    A network with hidden nodes is returned as it is.
    """
    if network.depth > 1:
        return network
    flat = copy.deepcopy(network)
    with torch.no_grad():
        flat.layer(0).coef.zero_()
        flat.layer(0).base.zero_()
    return flat


def with_pair(network: AnyNetwork, columns: tuple[int, int]) -> AnyNetwork:
    """A network with a product of functions of two columns on the first hidden level, which comes first where there is none.

    The function stays.
    """
    wider = with_hidden_nodes(network, 1, product=True)
    factors = wider.subnodes_of(1, wider.nodes_in(1) - 1)
    layer = wider.layer(0)
    sites = splines.greville(layer.knots, layer.k)
    for factor, column in zip(factors, columns, strict=True):
        # A factor begins as a rise, not as chance alone: of two that say nothing neither has a gradient. With its Greville
        # abscissae as coefficients a spline is the identity, so these make it rise by 2 in all.
        at = sites[column]
        if len(at) > 1 and not layer.levels[column]:
            with torch.no_grad():
                layer.coef[factor, column, : len(at)] += 2 * (at - at.mean()) / (at[-1] - at[0])
        for source in range(layer.in_dim):
            if source != column:
                surgery.remove_edge(wider, 0, source, factor)
    return wider


def _with_wave(now: Richness, wave: Wave) -> Richness:
    """What is to be expected of the network with the wave added to it: there is no such network yet."""
    # A wave takes a share of the squares that the network leaves.
    noise, explained = now.noise * math.sqrt(1 - wave.share), 1 - (1 - wave.share) * (1 - now.explained)
    return Richness("wave", now.grid, noise, now.log_evidence + wave.gain, explained)


def _complete(data: Dataset) -> Dataset:
    """The data without the training rows in which a number is missing, where these are few; else the data as they are.

    A missing number was replaced by the mean of its column. In a product that is a wrong factor, and the product isn't found.
    """
    flags = () if data.encoding is None else data.encoding.flags
    # A flag is an input of its own beside a column: 0 where the column's number was given, 1 where it was missing.
    columns = [data.in_vars.index(name) for name in flags if name in data.in_vars]
    complete = (data.train_input[:, columns] == 0).all(1)
    enough = bool(complete.double().mean() >= _COMPLETE) and not bool(complete.all())
    return replace(data, **rows_of(data, "train", complete)) if enough else data


def _tried(
    data: Dataset, kind: Kind, network: Network, steps: int, columns: tuple[int, int] | None = None
) -> Generator[None, None, Richness | None]:
    """Train a copy with evidence, yielding None after each step.

    Args:
        data: The rows that are compared.
        kind: What is richer in the network.
        network: The network; it isn't changed.
        steps: Most steps of the training.
        columns: The columns of its new pair, if there is one.

    Returns:
        What its evidence says; None where the network has too many parameters or its evidence isn't finite.
    """
    if ParameterVector.of(network).size > _MOST_PARAMETERS:
        return None
    network = copy.deepcopy(network)
    # `averages`: curves as they are on average over all smoothness that the data leave open, not under the likeliest one.
    # `coarse` is for networks without a shape yet: a cheap wiggle at first. New nodes beside trained curves would fit noise with it.
    trainer = Trainer(network, data, steps, Settings(averages=False, coarse=False))
    best, state = trainer.record(), NetworkState(network)
    reached, idle = -math.inf, 0
    for record in trainer:
        # The state of most evidence stays: it falls for some steps while other prices (weights of the regularization) are looked for.
        if _evidence_of(record) >= _evidence_of(best):
            best, state = record, NetworkState(network)
        yield None
        if _evidence_of(record) > reached + _PROGRESS:
            reached, idle = _evidence_of(record), 0
        elif math.isfinite(reached):
            idle += 1
        if idle == _PATIENCE:
            break
    if best.step < trainer.step_count:
        state.restore()
    network.posterior = trainer.posterior()  # of the state that stays
    return _richness(kind, network, data, best, columns)


def _richness(
    kind: Kind, network: Network, data: Dataset, record: StepRecord, columns: tuple[int, int] | None
) -> Richness | None:
    """Noise, evidence and explained part of a trained network; None where they aren't finite or the labels don't vary.

    Args:
        kind: What is richer in it.
        network: The network.
        data: Its data.
        record: The best step of its training.
        columns: The columns of its new pair, if there is one.
    """
    noise, evidence, rows = record.noise, _evidence_of(record), len(data.train_input)
    if not data.train_label.is_floating_point():
        noise = record.train_loss
        unexplained = noise / (_uncertainty(data) or math.nan)
    else:
        if noise is None or not any(bool(layer.spline_on.any()) for layer in network.layers):
            # A formula has constants alone: its evidence by Schwarz's criterion.
            size = ParameterVector.of(network).size
            # The constants have taken up a part of the noise: what is left is smaller than it by this factor.
            noise = record.train_loss * math.sqrt(rows / max(1, rows - size))
            evidence = schwarz((record.train_loss / network.scaling.error_unit) ** 2, rows, size)
        unexplained = (noise / (_spread(network, data) or math.nan)) ** 2
    if not (math.isfinite(evidence) and math.isfinite(unexplained)):
        return None
    explained = min(1.0, max(0.0, 1 - unexplained))
    return Richness(kind, _finest(network), noise, evidence, explained, network, columns)


def _finest(network: Network) -> int:
    """Number of intervals of the network's finest grid."""
    return max(layer.grid_size for layer in network.layers)


def _freedom_in_use(network: Network) -> float:
    """The largest part of its grid's freedom that an edge uses; 1 where there is no posterior, 0 where all inputs are words (with levels).

    The freedom of a grid is that of its coefficients, less the two numbers of a straight line; an edge's `wiggle` is what it uses of that.
    """
    if network.posterior is None:
        return 1.0
    parts = [
        part.wiggle / max(1, layer.grid_size + layer.k - 2)
        for edge, part in network.posterior.freedom.items()
        if not (layer := network.layer(edge.layer)).levels[edge.source]
    ]
    return max(parts, default=0.0)


def _finer_grids(grid: int, used: float, wave: Wave | None, most: int) -> list[int]:
    """Grids that may explain more, as numbers of intervals up to `most`, coarse ones first.

    Args:
        grid: Intervals of the finest grid now.
        used: Part of its freedom that is in use: where it is more than half, twice and four times the intervals may help.
        wave: A wave that is left, or None: the first doubling with four intervals a turn, and the next one, can follow it.
        most: Most intervals.
    """
    grids = {2 * grid, 4 * grid} if used > _USED else set()
    if wave is not None:
        doublings = max(1, math.ceil(math.log2(_PER_TURN * wave.turns / grid)))
        grids |= {grid * 2**doublings, grid * 2 ** (doublings + 1)}
    return sorted(intervals for intervals in grids if intervals <= most)


def _evidence_of(record: StepRecord) -> float:
    """The logarithm of a step's evidence; -inf where none is computed."""
    return -math.inf if record.log_evidence is None else record.log_evidence


def _spread(network: Network, data: Dataset) -> float:
    """Standard deviation of the training labels, in the unit of the training's errors; of several outputs the root of the mean square."""
    labels = network.scaling.scaled_outputs(data.train_label.to(network.dtype))
    return float(labels.std(0, correction=0).square().mean().sqrt()) * network.scaling.error_unit


def _uncertainty(data: Dataset) -> float:
    """The log loss of the classes' frequencies, without any column: what classes have in place of a variance."""
    frequencies = torch.bincount(data.train_label).double() / len(data.train_label)
    return -float(torch.special.xlogy(frequencies, frequencies).sum())
