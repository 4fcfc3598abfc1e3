"""The data of several edges, scaled so that every fit is the same problem: x to [-1, 1], y to mean 0 and variance 1."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget import _check

_WHERE = "fit_primitives"


@dataclass(frozen=True, slots=True)
class Curves:
    """Samples of several edges; the first axis is the edge."""

    x: Tensor
    """Inputs, `(edges, n)`, float64."""
    y: Tensor
    """Values, `(edges, n)`, float64."""
    weight: Tensor
    """Weights of the samples, which add up to 1, `(edges, n)` or `(1, n)`."""
    middle: Tensor
    """Of the range of x, `(edges,)`."""
    half: Tensor
    """Half of the range of x, `(edges,)`."""
    t: Tensor
    """(x - middle)/half, `(edges, n)`."""
    z: Tensor
    """(y - mean)/standard deviation, `(edges, n)`."""
    constant: Tensor
    """Whether y is constant to round-off, `(edges,)`."""
    nearly_constant: Tensor
    """Whether y varies by less than 1e-4 of its size, `(edges,)`."""

    @property
    def count(self) -> int:
        """Number of samples."""
        return self.x.shape[1]

    def at(self, edges: Tensor) -> Curves:
        """The samples of the edges with these indices."""
        scales = (getattr(self, name)[edges] for name in ("middle", "half", "t", "z", "constant", "nearly_constant"))
        return Curves(self.x[edges], self.y[edges], self.weight_of(edges), *scales)

    def weight_of(self, edges: Tensor) -> Tensor:
        """The weights of the samples of the edges with these indices, `(edges, n)`; `(1, n)` where all edges have the same."""
        return self.weight if self.weight.shape[0] == 1 else self.weight[edges]


def curves(x: Tensor, y: Tensor, weights: Tensor | None = None) -> Curves:
    """The samples of edges, checked and scaled for a fit: x to [-1, 1] and y to mean 0 and variance 1 for each edge.

    Args:
        x: Inputs of the edges, `(n, edges)`.
        y: Their values, `(n, edges)`.
        weights: Of the samples, `(n,)`, ≥ 0; None where all count the same.
    """
    for name, value in (("x", x), ("y", y)):
        if not isinstance(value, Tensor) or value.ndim != 2 or value.shape[0] < 1:
            _check.fail(name, _WHERE, "a tensor of shape (samples, edges)", value)
        if not bool(torch.isfinite(value).all()):
            _check.fail(name, _WHERE, "finite everywhere", value, "Leave out samples that are NaN or infinite.")
    if x.shape != y.shape:
        _check.fail("y", _WHERE, f"of the same shape as x, {tuple(x.shape)}", y)
    xs, ys = (value.detach().to("cpu", torch.float64).T.contiguous() for value in (x, y))
    weight = _normalized_weights(weights, x.shape[0])
    low, high = xs.amin(1), xs.amax(1)
    middle, half = (low + high) / 2, (high - low) / 2
    half = torch.where(half > 0, half, 1.0)  # of an input that is the same for all samples
    mean = (weight * ys).sum(1, keepdim=True)
    centered = ys - mean
    deviation = (weight * centered**2).sum(1, keepdim=True).sqrt()
    size = ys.abs().amax(1)
    round_off = 64 * torch.finfo(y.dtype).eps  # of the type in which y was computed
    constant = deviation[:, 0] <= round_off * size
    z = centered / torch.where(constant[:, None], 1.0, deviation)
    t = ((xs - middle[:, None]) / half[:, None]).clamp(-1, 1)
    return Curves(xs, ys, weight, middle, half, t, z, constant, deviation[:, 0] <= 1e-4 * size)


def _normalized_weights(weights: Tensor | None, n: int) -> Tensor:
    """Weights of the samples that add up to 1, `(1, n)`."""
    if weights is None:
        return torch.full((1, n), 1 / n, dtype=torch.float64)
    are_numbers = isinstance(weights, Tensor) and weights.shape == (n,)
    if not are_numbers or bool((weights < 0).any()) or float(weights.sum()) <= 0:
        _check.fail("weights", _WHERE, f"{n} numbers ≥ 0, one a sample, not all 0", weights)
    weight = weights.detach().to("cpu", torch.float64)[None]
    return weight / weight.sum()


def thin(data: Curves, count: int) -> Curves:
    """At most `count` representative samples of each edge: half of them evenly by the rank of x, half evenly over its range.

    Ranks are dense where samples are, and the range has samples where these are rare.
    """
    if data.count <= count:
        return data
    order = data.t.argsort(1)
    t = data.t.gather(1, order)  # x scaled to [-1, 1]
    half = count // 2
    by_rank = torch.linspace(0, data.count - 1, half, dtype=torch.float64).round().long().expand(t.shape[0], -1)
    targets = torch.linspace(-1, 1, count - half, dtype=torch.float64).expand(t.shape[0], -1).contiguous()
    by_range = torch.searchsorted(t, targets).clamp(max=data.count - 1)
    index = order.gather(1, torch.cat([by_rank, by_range], dim=1))
    # The mix of ranks and range is a weighting of its own; the samples' weights multiply it.
    weight = data.weight.expand(t.shape[0], -1).gather(1, index)
    weight = weight / weight.sum(1, keepdim=True).clamp(min=1e-300)
    x, y, t, z = (value.gather(1, index) for value in (data.x, data.y, data.t, data.z))
    mean = (weight * z).sum(1, keepdim=True)  # the mean of z is 0 for these samples, too
    return Curves(x, y, weight, data.middle, data.half, t, z - mean, data.constant, data.nearly_constant)


def cells(data: Curves, count: int) -> tuple[Tensor, Tensor]:
    """Means of z, and weights, over `count` equal cells of t, each `(edges, count)`; both are 0 of cells without samples.

    t is the edge's input scaled to [-1, 1], z its value scaled to mean 0 and variance 1.
    Half the weight is that of the samples, half is the same for each cell that has any: so cells with few samples count, too.
    """
    cell = ((data.t + 1) * (count / 2)).long().clamp(0, count - 1)  # t lies in [-1, 1]
    zero = torch.zeros(data.t.shape[0], count, dtype=torch.float64)
    weight = data.weight.expand(data.t.shape[0], -1)
    mass = zero.scatter_add(1, cell, weight)
    total = zero.scatter_add(1, cell, weight * data.z)
    used = mass > 0
    mean = torch.where(used, total / torch.where(used, mass, 1.0), 0.0)
    return mean, 0.5 * mass + 0.5 * used / used.sum(1, keepdim=True)


def best_split(data: Curves) -> Tensor:
    """The t between two samples at which two constants fit z best, `(edges,)`: the largest variance between the two parts.

    t is the edge's input scaled to [-1, 1], z its value scaled to mean 0 and variance 1.
    """
    order = data.t.argsort(1)
    t, z, weight = (value.gather(1, order) for value in (data.t, data.z, data.weight.expand_as(data.t)))
    mass, total = weight.cumsum(1), (weight * z).cumsum(1)
    share, whole = mass[:, :-1], total[:, -1:]
    # The variance between the parts before and after each sample; all weights add up to 1. Equal t aren't split: -1 is below all others.
    between = (total[:, :-1] - share * whole) ** 2 / (share * (1 - share)).clamp(min=1e-15)
    between = torch.where(t[:, 1:] > t[:, :-1], between, -1.0)
    split = between.argmax(1, keepdim=True)
    return (t.gather(1, split) + t.gather(1, split + 1))[:, 0] / 2
