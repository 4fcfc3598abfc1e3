"""Cheap looks at what a network leaves: for a wave of one column, and for a pair of columns that act together.

References:
    Lou, Caruana, Gehrke and Hooker, "Accurate intelligible models with pairwise interactions", KDD 2013 (the screen of pairs, FAST;
    here by polynomials of ranks instead of cells).
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.datasets import Dataset
from kanwidget.datasets.validation import sampled_data

#: Frequencies a turn over the range of a column: a wave between two of them is seen, too.
_TURNS = 4
#: More turns over the range of a column aren't looked for.
_MOST_TURNS = 250
#: Polynomials of each column of a pair, of order 1 and up.
_ORDERS = 3
#: Pairs, or waves, whose features are held at once, and most columns whose pairs are looked at.
_AT_ONCE, _MOST_COLUMNS = 32, 60
#: The determinant of two waves that are one, in parts of the square of their squares.
_SINGULAR = 1e-9
#: Rows of a look.
_ROWS = 1000
#: Of fewer rows waves say nothing.
_FEWEST_ROWS = 4


class Wave(NamedTuple):
    """The wave of one column that explains most."""

    turns: float
    """Over the range of the column."""
    share: float
    """Part of the residuals' squares that it explains."""
    gain: float
    """In the logarithm of the evidence, by Schwarz's criterion."""


class Pair(NamedTuple):
    """The pair of columns that explains most."""

    columns: tuple[int, int]
    gain: float
    """In the logarithm of the evidence, by Schwarz's criterion."""


def residuals(network: Network, data: Dataset) -> Tensor:
    """What a network leaves of the training labels, in scaled numbers; of classes what their probabilities leave, `(rows, outputs)`.

    Examples:
        >>> from kanwidget import KAN
        >>> residuals(KAN([1, 1]), Dataset([[0.0], [1.0], [2.0]], [0.0, 1.0, 5.0])).shape
        torch.Size([3, 1])
    """
    with torch.no_grad():
        outputs, labels = network(data.train_input), data.train_label
        if labels.is_floating_point():
            scaled = network.scaling.scaled_outputs
            return scaled(labels.to(outputs)) - scaled(outputs)
        return torch.nn.functional.one_hot(labels, network.n_out) - outputs.softmax(1)


def leaves_more(network: Network, data: Dataset) -> bool:
    """Whether a pair of columns, or a wave of one, explains something of what a network leaves that chance wouldn't.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> model, data = KAN([2, 1]), create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=100)
        >>> history = model.fit(data, progress=False)
        >>> leaves_more(model, data)
        True
    """
    return any(look is not None and look.gain > 0 for look in best_looks(network, sampled_data(data, _ROWS)))


def best_looks(network: Network, data: Dataset) -> tuple[Pair | None, Wave | None]:
    """The pair of columns that explains most of what a network leaves of all rows, and the wave of one column, for numbers as labels.

    None in place of each that there isn't, and of both where what is left isn't finite.
    """
    residual = residuals(network, data)
    if not bool(residual.isfinite().all()):
        return None, None
    x = data.train_input[:, network.columns].to(residual)
    return best_pair(x, residual), best_wave(x, residual) if data.train_label.is_floating_point() else None


def best_wave(x: Tensor, residual: Tensor) -> Wave | None:
    """The wave of one column that explains most of the residuals, by least squares at each of many frequencies; None without one.

    Rows too few for a spline of so many turns suffice for the two numbers of a wave.

    Args:
        x: Columns, `(rows, columns)`.
        residual: What a network leaves, `(rows, outputs)`.

    Examples:
        >>> x = torch.linspace(0, 1, 50, dtype=torch.float64)[:, None]
        >>> round(best_wave(x, torch.sin(40 * x)).turns)
        6
    """
    rows, best, tried = len(x), (0.0, 0.0), 0
    x, residual = x.double(), residual.double()  # round-off of float32 could pass for a wave
    residual = residual - residual.mean(0)
    total = residual.square().sum()
    if rows < _FEWEST_ROWS or not bool(total > 0) or not bool(total.isfinite()):
        return None
    for column in x.T:
        low, high = float(column.min()), float(column.max())
        if not high > low:
            continue
        # Half a turn a row is all that rows can show.
        turns = torch.arange(1, min(2 * rows, _TURNS * _MOST_TURNS) + 1, dtype=x.dtype, device=x.device) / _TURNS
        part = (column - low) / (high - low)
        shares = torch.cat([_wave_shares(group, part, residual) for group in turns.split(_AT_ONCE)])
        at = int(shares.argmax())
        best, tried = max(best, (float(shares[at]), float(turns[at]))), tried + len(turns)
    share = min(best[0], 1 - 1e-15)  # of an exact wave, too, the logarithm is finite
    if not tried:
        return None
    # What the logarithm of the evidence gains: less Schwarz's price, log(rows)/2 each, of sine's and cosine's factors and the frequency;
    # and that of a choice among all frequencies.
    gain = -residual.numel() * math.log1p(-share) / 2 - 1.5 * math.log(rows) - math.log(tried)
    return Wave(best[1], share, gain)


def best_pair(x: Tensor, residual: Tensor) -> Pair | None:
    """The pair of columns whose products explain most of the residuals; None for one column, and for very many.

    Args:
        x: Columns, `(rows, columns)`.
        residual: What a network leaves, `(rows, outputs)`.

    Examples:
        >>> x = torch.rand(100, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> best_pair(x, (x[:, [1]] - 0.5) * (x[:, [3]] - 0.5)).columns
        (1, 3)
    """
    rows, columns = x.shape
    pairs = list(itertools.combinations(range(columns), 2))
    if not pairs or columns > _MOST_COLUMNS:
        return None
    # Ranks of the values, from -1 to 1: far outliers have no say, and the polynomials below are orthogonal in them.
    ranks = 2 * (x.argsort(0).argsort(0).to(x.dtype) + 0.5) / rows - 1
    # Equal values have equal ranks.
    for column in range(columns):
        _, inverse, counts = torch.unique(x[:, column], return_inverse=True, return_counts=True)
        sums = torch.zeros(len(counts), dtype=x.dtype, device=x.device).index_add_(0, inverse, ranks[:, column])
        ranks[:, column] = (sums / counts)[inverse]
    # Legendre's polynomials of order 1 to 3.
    powers = torch.stack([ranks, 1.5 * ranks**2 - 0.5, 2.5 * ranks**3 - 1.5 * ranks][:_ORDERS], -1)
    best = (-math.inf, (0, 0))
    for start in range(0, len(pairs), _AT_ONCE):
        chunk = pairs[start : start + _AT_ONCE]
        first, second = (torch.tensor(part, device=x.device) for part in zip(*chunk, strict=True))
        features = powers[:, first, :, None] * powers[:, second, None, :]
        shares = _shares(features.flatten(2).movedim(0, 1), residual)
        if shares is None:
            return None
        at = int(shares.argmax())
        best = max(best, (float(shares[at]), chunk[at]))
    share = min(best[0], 1 - 1e-15)  # of an exact product, too, the logarithm is finite
    constants = _ORDERS**2  # a factor for the product of each two polynomials
    # What the logarithm of the evidence gains: less Schwarz's price of the constants, and that of the choice of one pair among all.
    gain = -residual.numel() * math.log1p(-share) / 2 - constants * math.log(rows) / 2 - math.log(len(pairs))
    return Pair(best[1], gain)


def _wave_shares(turns: Tensor, part: Tensor, residual: Tensor) -> Tensor:
    """Part of the squares of centred residuals that waves of so many turns explain, `(turns,)`, by normal equations.

    Args:
        turns: Turns of each wave over the range of the column, `(turns,)`.
        part: Where in that range each row is, 0 to 1, `(rows,)`.
        residual: `(rows, outputs)`.
    """
    angles = 2 * math.pi * turns[:, None] * part
    sine, cosine = (wave - wave.mean(1, keepdim=True) for wave in (angles.sin(), angles.cos()))
    first, second, both = (sine * sine).sum(1), (cosine * cosine).sum(1), (sine * cosine).sum(1)
    along, across = sine @ residual, cosine @ residual
    # bᵀA⁻¹b of the normal equations of sine and cosine, whose matrix A has two rows and columns, written out.
    determinant = first * second - both.square()
    # Of a column with few different values sine and cosine may be the same but for a factor: such waves explain nothing.
    sound = determinant > _SINGULAR * (first + second).square()
    explained = second * along.square().sum(1) + first * across.square().sum(1) - 2 * both * (along * across).sum(1)
    return torch.where(sound, explained / determinant, 0.0) / residual.square().sum()


def _shares(features: Tensor, residual: Tensor) -> Tensor | None:
    """Part of the squares of the residuals that least squares of each set of features explains, `(sets,)`.

    None where residuals don't vary or aren't finite, and for as many features as rows, which explain anything.

    Args:
        features: `(sets, rows, features)`.
        residual: `(rows, outputs)`.
    """
    centered = residual - residual.mean(0)
    total = centered.square().sum()
    if not bool(total > 0) or not bool(total.isfinite()) or features.shape[-1] >= features.shape[1]:
        return None
    # Along an orthonormal basis of the features the explained squares are those of the projections.
    basis = torch.linalg.qr(features - features.mean(1, keepdim=True)).Q
    return (basis.mT @ centered).square().sum((1, 2)) / total
