"""Yardsticks beside an error: what a straight line explains, what the additive network does, and what the noise allows."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.reference_data import order_columns
from kanwidget.core.starts import initial_layers
from kanwidget.core.threads import limit_threads
from kanwidget.datasets import Dataset
from kanwidget.datasets.validation import sampled_data
from kanwidget.insight.numbers import percent
from kanwidget.training import Settings, Trainer
from kanwidget.training.evidence.errors import valid_posterior

#: Rows that yardsticks are fitted to, their training steps, and parameters of the largest one: an additive network of 40 columns.
_MOST_ROWS, _STEPS, _MOST_PARAMETERS = 2000, 30, 500
#: Grid of the additive network: evidence makes it as smooth as the data ask for.
_GRID = 8


@dataclass(frozen=True, slots=True)
class Score:
    """How good predictions are."""

    explained: float
    """Part of the variance that they explain, R²; for classes the part of the rows that they put into the right class."""
    error: float
    """Root mean squared error, in the target's unit (of its logarithm, if that is learnt); of classes the log loss: the mean of minus the
    logarithm of the probability of the right one."""


@dataclass(frozen=True, slots=True)
class Yardsticks:
    """A network beside what simpler ones can do, on the same rows."""

    network: Score
    line: Score | None
    """Of a straight line, or a logistic one; None where there are too many columns."""
    additive: Score | None
    """Of a network without hidden nodes; None where the network itself has none."""
    majority: Score | None
    """Of always naming the most frequent class; None for numbers."""
    allowed: float | None
    """Part of the variance that the noise leaves to explain; None where no evidence has set it."""
    held_out: bool
    """Whether the rows are held out; else they are those of the training."""
    grid: int = 0
    """Of the additive network."""

    @property
    def is_nothing(self) -> bool:
        """Whether the mean, or the frequencies of the classes, are as good as the network and all that it is compared with.

        That is a straight line and a network without hidden nodes. `majority`, the score of the frequencies, is None for numbers.

        Examples:
            >>> Yardsticks(Score(-0.01, 1.0), None, None, None, None, True).is_nothing
            True
        """
        scores = [score for score in (self.network, self.line, self.additive) if score is not None]
        if self.majority is None:
            return all(score.explained <= 0 for score in scores)
        return all(score.error >= self.majority.error for score in scores)

    @property
    def sentence(self) -> str:
        """What the network and its yardsticks explain, or how many rows they put into the right class, as one line of text.

        Examples:
            >>> Yardsticks(Score(0.72, 5.3), Score(0.36, 8.0), None, None, 0.74, True).sentence
            'explains 72 % · a straight line 36 % · the noise allows about 74 %'
        """
        classes, allowed = self.majority is not None, "" if self.allowed is None else _part(self.allowed)
        # What the noise allows is an expectation: on a few rows a network may seem to explain more.
        exceeds = self.allowed is not None and self.network.explained > self.allowed
        if exceeds and self.allowed and _part(self.network.explained) != allowed:
            parts, allowed = [f"explains all that the noise allows (about {allowed})"], ""
        else:
            parts = [
                f"{percent(self.network.explained)} right" if classes else f"explains {_part(self.network.explained)}"
            ]
        rows = [
            ("a logistic line" if classes else "a straight line", self.line),
            ("an additive network", self.additive),
            ("the most frequent class", self.majority),
        ]
        parts += [f"{name} {_part(score.explained)}" for name, score in rows if score is not None]
        parts += [f"the noise allows about {allowed}"] if allowed else []
        return " · ".join(parts) + ("" if self.held_out else " (of the training rows)")


def _part(explained: float) -> str:
    """What predictions explain, a part of the variance or of classes the part that is right, as text, `72 %`; `nothing` from 0 down."""
    return percent(explained) if explained > 0 else "nothing"


@limit_threads
def yardsticks(network: Network, data: Dataset) -> Yardsticks:
    """A network beside its yardsticks, on held-out rows where there are any: validation rows, or else test rows.

    Yardsticks are a straight line, a network without hidden nodes, the most frequent class, and what the noise leaves to explain.

    Args:
        network: The network; it isn't changed.
        data: Its data.

    Raises:
        ValueError: For data that don't fit the network.
    """
    *_, result = yardstick_steps(network, data)
    assert result is not None  # the last one
    return result


def yardstick_steps(
    network: Network, data: Dataset, former: Yardsticks | None = None
) -> Generator[Yardsticks | None, None, None]:
    """A network beside its yardsticks, trained one step at a time: yields None after each step, and the result last.

    A straight line and a network without hidden nodes are trained on at most 2,000 of the training rows. All are measured on validation
    rows, or else test rows, or else the training rows.

    Args:
        network: The network.
        data: Its data.
        former: Yardsticks of another network that reads the same data and logarithms. Its straight line is taken over and, where the grids
            of the additive networks are equal, its additive network, too.
    """
    whole = order_columns(network, data, "yardsticks").to(network.dtype, network.device)
    part = next((part for part in ("val", "test") if f"{part}_input" in whole), "train")
    rows = whole[f"{part}_input"], whole[f"{part}_label"]
    if whole.is_classification and network.n_out < 2:
        _check.fail("data", "yardsticks", "labels that are numbers, for a network with one output", data)
    fitted = sampled_data(whole, _MOST_ROWS)
    # One interval of order 1 without a base function is a straight line.
    line = former.line if former else (yield from _score_of(network, fitted, rows, (1, 1, "zero")))
    additive = former.additive if former and network.depth > 1 and former.grid == _grid_of_a_sum(network) else None
    if network.depth > 1 and additive is None:
        additive = yield from _score_of(network, fitted, rows, (_grid_of_a_sum(network), 3, "silu"))
    majority = _majority(whole.train_label, rows[1], network.n_out) if whole.is_classification else None
    allowed, held_out = _allowed(network, rows[1]), part != "train"  # the part of the variance that the noise leaves
    yield Yardsticks(score(network, *rows), line, additive, majority, allowed, held_out, _grid_of_a_sum(network))


def _score_of(
    network: Network, data: Dataset, rows: tuple[Tensor, Tensor], shape: tuple[int, int, str]
) -> Generator[None, None, Score | None]:
    """Train a network without hidden nodes, as smooth as the data ask for (by evidence), yielding None after each step.

    Args:
        network: The network beside which it stands, whose scales say the unit of the error.
        data: Its training data.
        rows: Inputs and labels that it is measured on.
        shape: Its grid, the order of its splines and its base function.

    Returns:
        Its score; None where it has too many parameters to train.
    """
    simple = _sums(network, *shape)
    if simple.n_parameters > _MOST_PARAMETERS:
        return None
    trainer = Trainer(simple, data, _STEPS, Settings())
    for _ in trainer:
        yield None
    return score(simple, *rows, unit=network)


def _grid_of_a_sum(network: Network) -> int:
    """Grid intervals of the additive network beside a network: 8, or as many as that has in its first layer, to follow the same waves.

    More than 8 are taken only as far as all curves together have no more than 500 parameters: a curve has one an interval, and 4 more.
    """
    curves = network.n_features * network.n_out
    return max(_GRID, min(network.layer(0).grid_size, _MOST_PARAMETERS // max(curves, 1) - 4))


def _sums(network: Network, grid: int, k: int, base_fun: str) -> Network:
    """An untrained network without hidden nodes for the same columns, outputs and logarithms as `network`.

    `grid` is its number of intervals, `k` the order of its splines, `base_fun` its base function. Its splines are 0 at first.
    """
    width, generator = [[network.n_features, 0], [network.n_out, 0]], torch.Generator().manual_seed(0)
    start: dict[str, Any] = {"base_fun": base_fun, "noise_scale": 0.0, "dtype": network.dtype}
    layers = initial_layers(width, [[], []], [grid], k, generator=generator, **start)
    sums = Network(width, [[], []], layers).to(network.device)
    sums.log = network.log  # the columns and outputs of which it takes the logarithm
    return sums


def score(network: Network, x: Tensor, y: Tensor, *, unit: Network | None = None) -> Score:
    """How good a network's predictions are for inputs x, `(rows, n_features)`, and labels y, `(rows, n_out)` or class numbers, `(rows,)`.

    The score has R² and the root mean squared error; for classes the part of the rows that are right, and the mean cross-entropy. The error
    is in the unit of the target, or of its logarithm where the network `unit`, by default the network itself, learns that.
    """
    with torch.no_grad():
        outputs = network(x)
        if not y.is_floating_point():
            right = float((outputs.argmax(1) == y).double().mean())
            return Score(right, float(functional.cross_entropy(outputs, y)))
        scaling = (unit or network).scaling
        truth, values = scaling.scaled_outputs(y), scaling.scaled_outputs(outputs)
    variance = truth.var(0, correction=0).mean().clamp_min(torch.finfo(truth.dtype).tiny)
    square = (values - truth).square().mean()
    return Score(float(1 - square / variance), float(square.sqrt()) * scaling.error_unit)


def _majority(train: Tensor, labels: Tensor, classes: int) -> Score:
    """The score, on some `labels`, of always giving the classes the frequencies that they have in the training rows.

    It has the part of the rows that are of the most frequent class, and the mean cross-entropy.

    Args:
        train: Class numbers of the training rows.
        labels: Class numbers of the rows that it is measured on.
        classes: Number of classes.
    """
    counts = train.bincount(minlength=classes).double()
    # Half a row more of each class: one that the training rows don't have isn't impossible.
    loss = -((counts + 0.5) / (counts + 0.5).sum()).log()
    return Score(float((labels == counts.argmax()).double().mean()), float(loss[labels].mean()))


def _allowed(network: Network, labels: Tensor) -> float | None:
    """The part of the variance of these labels that the noise leaves to explain, 1 − σ²/Var, ≥ 0; both are those of scaled labels.

    None where no posterior says the noise, or the labels don't vary.
    """
    posterior = valid_posterior(network)
    if posterior is None or posterior.noise is None:
        return None
    variance = float(network.scaling.scaled_outputs(labels).var(0, correction=0).mean())
    return max(0.0, 1 - posterior.noise**2 / variance) if variance > 0 else None
