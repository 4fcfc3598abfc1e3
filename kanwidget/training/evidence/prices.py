"""Prices of the parts of curves: the likeliest, and those that stand for all.

With few rows, other prices of a part are nearly as likely as the likeliest. A curve that is flat under that one may be bent under the
others, and a guess between predicts better. What the rows say of a part's parameters is normal, so that the evidence
of every price of it is known in closed form, the others as they are. The standard deviation that belongs to a price has a half-Cauchy
prior, beside a chance that there is nothing.

References:
    Wood and Fasiolo, "A generalized Fellner-Schall method for smoothing parameter optimization with application to Tweedie location,
    scale and shape models", arXiv:1606.04802 (the likeliest).
    Gelman, "Prior distributions for variance parameters in hierarchical models", Bayesian Analysis 1 (2006) (the prior).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from kanwidget.training.evidence.blocks import Block

#: A part with less freedom counts as gone: its price, which would go to infinity, stays.
_NO_FREEDOM = 1e-3
#: A step changes a price by this factor at most.
_PRICE_FACTOR = 1e3
#: Scales of the half-Cauchy priors, in standard deviations of the outputs: of a curve's bend, as its roughness measures it, and of its rise
#: or the values of words. One period of a sine has a bend of 28.
_BEND, _RISE = 3.0, 0.3
#: Prior chance that a part isn't there at all.
_ABSENT = 0.1
#: Decades of prices around the scale's, and prices a decade.
_DECADES, _EACH = 8, 8
#: The rows say something of everything, or rounding would decide.
_ROUNDING = 1e-12


def likelier_prices(prices: Tensor, freedom: Tensor, extent: Tensor, own_price: Tensor) -> Tensor:
    """Prices after a step to the likeliest, `(networks, edges, 2)`.

    Args:
        prices: As they are.
        freedom: Degrees of freedom of wiggle and straight part, of the shape of the prices.
        extent: Their squares, weighted by roughness.
        own_price: What is added to the degrees of freedom, `(networks,)`.
    """
    new = (freedom + own_price[:, None, None]) / extent.clamp_min(torch.finfo(extent.dtype).tiny)
    new = new.minimum(_PRICE_FACTOR * prices).maximum(prices / _PRICE_FACTOR)
    return torch.where(freedom < _NO_FREEDOM, new.minimum(prices), new)


def averaged_prices(block: Block, index: int, prices: Tensor, root: Tensor, modes: Tensor, units: Tensor) -> Tensor:
    """Prices of wiggle and straight part that stand for all, `(edges, 2)`.

    Args:
        block: The edges.
        index: Of the network.
        prices: As they are, `(edges, 2)`.
        root: Of the parameters' covariance under these, `(size, size)`.
        modes: The parameters, `(size,)`.
        units: unit² of what changes along each curve, `(edges,)`.
    """
    bends = block.roughness[index] > 0
    rises = torch.zeros_like(bends)
    rises[:, 0] = not block.is_of_words
    scales = (_RISE if block.is_of_words else _BEND, _RISE)
    result = prices.clone()
    for column, (chosen, scale) in enumerate(zip((bends, rises), scales, strict=True)):
        width = int(chosen[0].sum())  # the same for all edges of a block
        if not width:
            continue
        columns = block.columns[chosen].view(-1, width)
        weights = (
            block.roughness[index][chosen].view(-1, width).sqrt() if column == 0 else torch.ones_like(prices[:, :1])
        )
        part = weights[..., None] * root[columns]
        result[:, column] = _standing_for_all(
            part @ part.mT, weights * modes[columns], prices[:, column], scale**2 * units
        )
    return result


def _standing_for_all(covariance: Tensor, point: Tensor, price: Tensor, scale: Tensor) -> Tensor:
    """Prices of parts whose squares count the same, `(parts,)`.

    Args:
        covariance: `(parts, width, width)`, under the prices as they are.
        point: `(parts, width)`
        price: As they are, `(parts,)`.
        scale: Variances that belong to the prior's scale, `(parts,)`.
    """
    values, vectors = torch.linalg.eigh(covariance)
    whole = 1 / values.clamp_min(torch.finfo(values.dtype).tiny)
    # What the rows say without the price: so sure are they, and so they pull.
    sure = (whole - price[:, None]).maximum(_ROUNDING * whole)
    pull = whole * (vectors.mT @ point[..., None])[..., 0]
    steps = torch.linspace(-_DECADES, _DECADES, 2 * _DECADES * _EACH + 1, dtype=price.dtype, device=price.device)
    grid = 10 ** steps[:, None] / scale  # (prices, parts)
    sums = sure + grid[..., None]
    evidence = (grid.log()[..., None] - sums.log() + pull.square() / sums).sum(-1) / 2
    ratio = (grid * scale).rsqrt()
    present = evidence + (ratio / (1 + ratio.square())).log().log_softmax(0)
    absent = torch.full_like(present[:1], math.log(_ABSENT / (1 - _ABSENT)))  # an endless price, whose evidence is 1
    share = torch.cat([present, absent]).softmax(0)[:-1]
    # Under a price a part is so much of what the rows ask for; of parts of which they ask nothing it is the freedom.
    extent = ((pull.square() + sure) / sums).sum(-1)
    average = (share * extent).sum(0)
    # The extent falls from one price to the next.
    above = (extent > average).sum(0).clamp(1, len(grid) - 1)
    low, high = (extent.gather(0, place[None])[0] for place in (above - 1, above))
    between = ((low - average) / (low - high).clamp_min(torch.finfo(low.dtype).tiny)).clamp(0, 1)
    return 10 ** (steps[above - 1] + between / _EACH) / scale
