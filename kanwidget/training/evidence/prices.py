"""Prices of the parts of curves: the likeliest, those that stand for all, and which parts say anything under theirs.

With few rows, other prices of a part are nearly as likely as the likeliest. A curve that is flat under that one may be bent under the
others, and a guess between predicts better. What the rows say of a part's parameters is normal, so that the evidence
of every price of it is known in closed form, the others as they are. The standard deviation that belongs to a price has a half-Cauchy
prior, beside a chance that there is nothing. Of the parts one after the other goes without which the rows are as likely.

References:
    Wood and Fasiolo, "A generalized Fellner-Schall method for smoothing parameter optimization with application to Tweedie location,
    scale and shape models", arXiv:1606.04802 (the likeliest).
    Gelman, "Prior distributions for variance parameters in hierarchical models", Bayesian Analysis 1 (2006) (the prior).
    Dickey, "The weighted likelihood ratio, linear hypotheses on normal location parameters", Annals of Mathematical Statistics 42
    (1971) (which parts say anything).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.core.records import EdgeRef, Freedom
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
#: A part says something where the logarithm of the evidence is so much larger than without it: that of a rise of 2.4 standard errors.
#: Parts of edges from a node to hidden ones could all have said the same, and by chance one does: of m each is worth log m more.
_WORTH_A_PART = 1.5
#: Rounding of a covariance, in units of the prior.
_COVARIANCE_ROUNDING = 1e-14


def likelier_prices(prices: Tensor, freedom: Tensor, extent: Tensor, own_price: Tensor) -> Tensor:
    """Prices after a step to the likeliest, `(networks, edges, 2)`: of wiggle and straight part.

    A price is the precision of the Gaussian prior of a part of an edge. The likeliest is the part's degrees of freedom by its extent
    (Fellner and Schall). A step changes it by a factor of 1000 at most; that of a part without freedom, which would go to infinity, doesn't
    grow.

    Args:
        prices: As they are, of the same shape.
        freedom: Degrees of freedom of wiggle and straight part, of the shape of the prices.
        extent: Sums of the squared modes of each part, weighted by roughness, of that shape.
        own_price: What is added to the degrees of freedom, `(networks,)`: it makes prices larger.
    """
    new = (freedom + own_price[:, None, None]) / extent.clamp_min(torch.finfo(extent.dtype).tiny)
    new = new.minimum(_PRICE_FACTOR * prices).maximum(prices / _PRICE_FACTOR)
    return torch.where(freedom < _NO_FREEDOM, new.minimum(prices), new)


def averaged_prices(block: Block, index: int, prices: Tensor, root: Tensor, modes: Tensor, units: Tensor) -> Tensor:
    """Prices of wiggle and straight part averaged over all prices by their probability, `(edges, 2)`.

    A price is the precision of a part's Gaussian prior. With few rows others are nearly as likely as the likeliest; under the averaged one
    a part is as large as on the average over all of them, the other parts as they are.

    Args:
        block: The edges.
        index: Number of the network.
        prices: As they are, `(edges, 2)`.
        root: R with R·Rᵀ the covariance of the modes under these prices, `(size, size)`.
        modes: The parameters in the coordinates of the modes, `(size,)`.
        units: unit² of each curve, `(edges,)`: the labels' variance in the last layer, else 1.
    """
    # Which modes are of the wiggle, and which of the straight part: the first of a spline. Edges of words (texts) have no straight part.
    bends = block.roughness[index] > 0
    rises = torch.zeros_like(bends)
    rises[:, 0] = not block.is_of_words
    # Scales of the half-Cauchy priors of the standard deviations of wiggle (column 0) and straight part (column 1).
    scales = (_RISE if block.is_of_words else _BEND, _RISE)
    result, weights = prices.clone(), torch.where(rises, 1.0, block.roughness[index]).sqrt()
    for column, (chosen, scale) in enumerate(zip((bends, rises), scales, strict=True)):
        width = int(chosen[0].sum())  # the same for all edges of a block
        if not width:
            continue
        columns, weight = (of_all[chosen].view(-1, width) for of_all in (block.columns, weights))
        # `part`: the rows of R of a part's modes, each times the root of its roughness: so their squares count the same.
        part, variances = weight[..., None] * root[columns], scale**2 * units
        result[:, column] = _standing_for_all(part @ part.mT, weight * modes[columns], prices[:, column], variances)
    return result


def _standing_for_all(covariance: Tensor, mean: Tensor, price: Tensor, squared_scale: Tensor) -> Tensor:
    """Prices that stand for all prices of parts, `(parts,)`: under them a part is as large as on the average over all prices.

    A part is the coordinates of an edge's wiggle or straight part, scaled so that their squares count the same; a price is the precision of
    their Gaussian prior. The average is over prices from 1e-8 to 1e8, in units of 1/squared_scale, by their probability: the evidence times
    a half-Cauchy prior of the standard deviation that belongs to a price, beside a chance of 0.1 that the part is 0.

    Args:
        covariance: Of each part's coordinates given the rows, under the prices as they are, `(parts, width, width)`.
        mean: The coordinates as they are, their mean given the rows, `(parts, width)`.
        price: The prices as they are, `(parts,)`.
        squared_scale: Square of the standard deviation at which the half-Cauchy prior falls off, `(parts,)`.
    """
    variances, vectors = torch.linalg.eigh(covariance)
    precision = 1 / variances.clamp_min(torch.finfo(variances.dtype).tiny)
    # What the rows say without the prior, along each eigenvector: the precision of their estimate, and that times the estimate.
    row_precision = (precision - price[:, None]).maximum(_ROUNDING * precision)
    row_pull = precision * (vectors.mT @ mean[..., None])[..., 0]
    decades = torch.linspace(-_DECADES, _DECADES, 2 * _DECADES * _EACH + 1, dtype=price.dtype, device=price.device)
    prices = 10 ** decades[:, None] / squared_scale  # (prices, parts)
    # Precision of the coordinates under each of these prices, and the logarithm of the evidence of each.
    precisions = row_precision + prices[..., None]
    evidence = (prices.log()[..., None] - precisions.log() + row_pull.square() / precisions).sum(-1) / 2
    # The standard deviation of each price in units of the prior's scale. Prices are even in its logarithm, so that the density
    # of the half-Cauchy prior, 1/(1 + ratio²), is multiplied by the ratio.
    ratio = (prices * squared_scale).rsqrt()
    log_present = evidence + (ratio / (1 + ratio.square())).log().log_softmax(0)
    # That the part is 0 is an endless price, whose evidence is 1.
    log_absent = torch.full_like(log_present[:1], math.log(_ABSENT / (1 - _ABSENT)))
    probability = torch.cat([log_present, log_absent]).softmax(0)[:-1]  # of each price; a part of 0 has the rest
    # How large the part is under each price. Of what the rows ask for along an eigenvector a price leaves row_precision/precisions. These
    # shares are added up with the weights χ² + 1, χ² = row_pull²/row_precision the square of the rows' estimate by its variance: where the
    # rows ask for nothing the sum is the degrees of freedom.
    extent = ((row_pull.square() + row_precision) / precisions).sum(-1)
    average = (probability * extent).sum(0)
    # The extent falls from one price to the next: the price with the average extent is between two of them, by linear interpolation.
    above = (extent > average).sum(0).clamp(1, len(prices) - 1)
    before, after = (extent.gather(0, place[None])[0] for place in (above - 1, above))
    between = ((before - average) / (before - after).clamp_min(torch.finfo(before.dtype).tiny)).clamp(0, 1)
    return 10 ** (decades[above - 1] + between / _EACH) / squared_scale


# ---- which parts say anything


class _Part(NamedTuple):
    """A part that stands or goes."""

    edge: EdgeRef
    """The first of its edges."""
    says: Tensor
    """The answers of its block, `(edges, 2)`, of which these rows and this column are its own; changed in place."""
    edges: list[int]
    column: int
    """0 for wiggle, 1 for the straight part."""
    modes: Tensor
    """Their places among all modes, `(width,)`."""
    units: Tensor
    """Square root of the prior's precision of each, `(width,)`."""


def say_something(
    blocks: Sequence[Block],
    index: int,
    prices: Tensor,
    root: Tensor,
    modes: Tensor,
    *,
    layers: Sequence[Tensor],
    by_source: bool,
) -> Tensor:
    """Whether the evidence is clearly larger with an edge's wiggle, and with its straight part, than without: `(edges, 2)`, block by block.

    Of two columns that say the same neither is needed beside the other: that is why a part that goes is gone before the next is judged.
    A layer is judged while the others stay as they are.

    Args:
        blocks: The edges.
        index: Number of the network.
        prices: Precisions of the priors of wiggle and straight part, `(networks, edges, 2)`, the edges block by block.
        root: R, upper triangular, with R·Rᵀ the covariance of the modes, the coordinates in which the prior is diagonal, `(size, size)`.
        modes: Their values, `(size,)`.
        layers: For each layer the indices of its free parameters, and so of its modes.
        by_source: Whether edges out of one node stand or go together, as they do where the outputs are scores of classes.
    """
    says, counts = torch.zeros_like(prices[index], dtype=torch.bool), [len(block.edges) for block in blocks]
    parts: list[_Part] = []
    for block, own, said in zip(blocks, prices.split(counts, 1), says.split(counts), strict=True):
        # Which modes of each edge are of the wiggle: those with roughness. A spline's first mode is its straight part; edges of a column of
        # words (texts) have none.
        units, wiggles = block.precision(own)[index].sqrt(), block.roughness[index] > 0
        straight = torch.zeros_like(wiggles)
        straight[:, 0] = not block.is_of_words
        said[:] = torch.stack([wiggles.any(1), straight.any(1)], 1)
        groups: dict[object, list[int]] = {}
        for number, edge in enumerate(block.edges):
            groups.setdefault(edge.source if by_source else edge, []).append(number)
        for members in groups.values():
            first = block.edges[members[0]]
            for column, chosen in enumerate((wiggles[members], straight[members])):
                if bool(chosen.any()):
                    # The part's entries of the answers `said`, which `_let_go` may set to False, are in these rows and this column.
                    places = block.columns[members][chosen]
                    parts.append(_Part(first, said, members, column, places, units[members][chosen]))
    for layer in range(len(layers)):
        of_layer = [part for part in parts if part.edge.layer == layer]
        others = [places for other, places in enumerate(layers) if other != layer]
        covariance = _beside(root, torch.cat(others)) if others else root @ root.mT
        _let_go(of_layer, covariance, modes, are_alike=layer < len(layers) - 1)
    return says


def _beside(root: Tensor, fixed: Tensor) -> Tensor:
    """The covariance of the modes while those with the indices `fixed` stay as they are, `(size, size)`, with zeros for these.

    `root` is R, upper triangular, with R·Rᵀ the covariance of all modes, coordinates of the parameters. To fix some is to leave out their
    rows and columns of its inverse. One layer is judged beside fixed others: to first order f of f(g(x)) could say what g says, and one of
    them would seem needless.
    """
    free = torch.ones(len(root), dtype=torch.bool, device=root.device)
    free[fixed] = False
    identity = torch.eye(len(root), dtype=root.dtype, device=root.device)
    # With the columns F of the free modes in R⁻¹ their precision is FᵀF. By QR it isn't formed, which would cost digits.
    factor = torch.linalg.qr(torch.linalg.solve_triangular(root, identity, upper=True)[:, free], mode="r").R
    inverse = torch.linalg.solve_triangular(factor, identity[: len(factor), : len(factor)], upper=True)
    covariance = torch.zeros_like(root)
    covariance[free.nonzero(), free.nonzero()[:, 0]] = inverse @ inverse.mT
    return covariance


def _let_go(parts: list[_Part], covariance: Tensor, modes: Tensor, *, are_alike: bool) -> None:
    """Set the answers of parts that hardly raise the evidence to False, the least first, each gone before the next is judged.

    Args:
        parts: Those of a layer: the wiggle or the straight part of an edge, or of all edges from a node.
        covariance: Of the modes, coordinates of the parameters, `(size, size)`.
        modes: The values of the modes, `(size,)`.
        are_alike: Whether the parts of edges from one node could all say the same, as those to hidden nodes could: by chance one of m seems
            to say something, so that each has to raise the evidence by log m more.
    """
    # `asked` are the parts that are judged next: after the first round the weak ones alone, which is quicker, and at the end all once more.
    asked, alike = parts, Counter(part.edge.source for part in parts)
    while parts:
        spare = [  # by how much each part raises the logarithm of the evidence beyond what it has to
            gain - _WORTH_A_PART - (math.log(alike[part.edge.source]) if are_alike else 0.0)
            for gain, part in zip(_gains(covariance, modes, asked), asked, strict=True)
        ]
        weak = [pair for pair in zip(spare, asked, strict=True) if pair[0] < 0]
        if not weak and len(asked) == len(parts):
            break
        if not weak:  # what said something beside the others may not without them
            asked = parts
            continue
        _, least = min(weak, key=lambda pair: pair[0])
        asked = [part for _, part in weak if part is not least]
        parts = [part for part in parts if part is not least]
        least.says[least.edges, least.column] = False  # `says` has the answers of all edges of a block, `(edges, 2)`
        # Where the least part is 0, the other modes follow by their regression on it.
        gain = torch.linalg.solve(covariance[least.modes][:, least.modes], covariance[least.modes]).mT
        modes = modes - gain @ modes[least.modes]
        covariance = covariance - gain @ covariance[least.modes]


def _gains(covariance: Tensor, modes: Tensor, parts: list[_Part]) -> list[float]:
    """By how much each part raises the logarithm of the evidence over a network without it, one number a part: ½·(zᵀA⁻¹z + log|A|).

    z and A are the part's values and their covariance, in standard deviations of the prior (Savage-Dickey: the densities at 0 after and
    before the data). `covariance` and `modes`, the values, are of all modes, coordinates of the parameters.
    """
    gains = [0.0] * len(parts)
    for width in {len(part.modes) for part in parts}:
        # Parts of one width at a time, so that they fit into one tensor.
        places = [place for place, part in enumerate(parts) if len(part.modes) == width]
        columns = torch.stack([parts[place].modes for place in places])
        units = torch.stack([parts[place].units for place in places])
        scaled = units[:, :, None] * covariance[columns[:, :, None], columns[:, None]] * units[:, None]
        scaled.diagonal(dim1=1, dim2=2).add_(_COVARIANCE_ROUNDING)
        factor, info = torch.linalg.cholesky_ex(scaled)
        point = torch.linalg.solve_triangular(factor, (units * modes[columns])[..., None], upper=False)[..., 0]
        values = point.square().sum(1) / 2 + factor.diagonal(dim1=1, dim2=2).log().sum(1)
        # Without a factor rounding is all that the rows leave open.
        for place, value in zip(places, torch.where(info == 0, values, torch.inf).tolist(), strict=True):
            gains[place] = value
    return gains


# ---- which edges that say something are heard


def heard(network: Network, freedom: Mapping[EdgeRef, Freedom]) -> dict[EdgeRef, Freedom]:
    """Degrees of freedom of edges, 0 for those that no path of edges with freedom joins to an input and to an output.

    By chance a hidden node follows noise that nothing makes use of, and its columns would seem to matter. `freedom` has the edges whose
    smoothness evidence sets, and so has the result. Other edges, of functions for instance, count as if they had some.

    Examples:
        >>> from kanwidget import KAN
        >>> says, silent = Freedom(1.0, 2.0), Freedom(0.0, 0.0)
        >>> heard(KAN([1, 1, 1]), {EdgeRef(0, 0, 0): says, EdgeRef(1, 0, 0): silent})[EdgeRef(0, 0, 0)].total
        0.0
    """
    edges = [edge for edge in network.edge_refs(active=True) if edge not in freedom or freedom[edge].total > 0]
    ends = {edge: (edge.layer + 1, network.node_of(edge.layer + 1, edge.target)) for edge in edges}
    # Nodes `(level, node)` that an input reaches, then those that reach an output.
    varied = {(0, node) for node in range(network.n_in)}
    for edge in sorted(edges, key=lambda edge: edge.layer):
        if (edge.layer, edge.source) in varied:
            varied.add(ends[edge])
    used = {(network.depth, node) for node in range(network.n_out)}
    for edge in sorted(edges, key=lambda edge: -edge.layer):
        if ends[edge] in used:
            used.add((edge.layer, edge.source))
    joined = {edge for edge in edges if (edge.layer, edge.source) in varied and ends[edge] in used}
    return {edge: parts if edge in joined else Freedom(0.0, 0.0) for edge, parts in freedom.items()}
