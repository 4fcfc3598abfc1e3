"""Values with first and second derivatives in the features, carried forward through the layers.

For a sum of edges s = Σᵢ φᵢ(hᵢ): ∂ₐs = Σ φᵢ′ ∂ₐhᵢ and ∂ₐᵦs = Σ φᵢ′ ∂ₐᵦhᵢ + φᵢ″ ∂ₐhᵢ ∂ᵦhᵢ; a product follows the product rule. Only the
derivatives that are asked for are carried: each needs its own two slopes and nothing else.

Where a shape says `…`, a single network has nothing and many side by side have their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.core.layer import Edges
from kanwidget.core.network import Network


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which derivatives are carried."""

    firsts: tuple[int, ...]
    """Features of the slopes, increasing; those of all `seconds` are among them."""
    seconds: tuple[tuple[int, int], ...]
    """Pairs of features a ≤ b of the second derivatives."""

    @staticmethod
    def of(derivatives: set[tuple[int, ...]]) -> Wanted:
        """From features: `(a,)` for a slope, `(a, b)` for a second derivative.

        Examples:
            >>> Wanted.of({(1,), (0, 0)})
            Wanted(firsts=(0, 1), seconds=((0, 0),))
        """
        firsts = sorted({feature for features in derivatives for feature in features})
        pairs = sorted({(min(f), max(f)) for f in derivatives if len(f) == 2})
        return Wanted(tuple(firsts), tuple(pairs))

    @staticmethod
    def all(features: int, order: int) -> Wanted:
        """All of an order and below."""
        every = range(features if order else 0)
        return Wanted(tuple(every), tuple((a, b) for a in every for b in every if a <= b) if order == 2 else ())

    @property
    def order(self) -> int:
        """0, 1 or 2."""
        return 2 if self.seconds else 1 if self.firsts else 0

    @property
    def left(self) -> list[int]:
        """Where the first feature of each pair stands among `firsts`."""
        return [self.firsts.index(a) for a, _ in self.seconds]

    @property
    def right(self) -> list[int]:
        """Where the second one stands."""
        return [self.firsts.index(b) for _, b in self.seconds]


@dataclass(frozen=True, slots=True)
class Jet:
    """Values and derivatives of some nodes, or the adjoint of them: derivatives of something in each."""

    wanted: Wanted
    value: Tensor
    """`(…, batch, nodes)`"""
    first: Tensor
    """`(…, batch, firsts, nodes)`"""
    second: Tensor
    """`(…, batch, seconds, nodes)`"""

    def columns(self, where: Sequence[int] | slice) -> Jet:
        """Some of the nodes."""
        return Jet(self.wanted, self.value[..., where], self.first[..., where], self.second[..., where])

    def times(self, other: Jet) -> Jet:
        """The product, node by node."""
        left, right = self.wanted.left, self.wanted.right
        v, w = self.value[..., None, :], other.value[..., None, :]
        f, g = self.first, other.first
        cross = f[..., left, :] * g[..., right, :] + f[..., right, :] * g[..., left, :]
        return Jet(self.wanted, self.value * other.value, f * w + g * v, self.second * w + other.second * v + cross)

    def times_adjoint(self, other: Jet) -> Jet:
        """With self the adjoint of a product, that of one factor when `other` is the second one."""
        w, g = other.value[..., None, :], other.first
        value = self.value * other.value + (self.first * g).sum(-2) + (self.second * other.second).sum(-2)
        first = self.first * w
        for place, (a, b) in enumerate(zip(self.wanted.left, self.wanted.right, strict=True)):
            first[..., a, :] += self.second[..., place, :] * g[..., b, :]
            first[..., b, :] += self.second[..., place, :] * g[..., a, :]
        return Jet(self.wanted, value, first, self.second * w)


def joined(jets: Sequence[Jet]) -> Jet:
    """The nodes of several jets side by side."""
    if len(jets) == 1:
        return jets[0]
    parts = [torch.cat([getattr(jet, name) for jet in jets], dim=-1) for name in ("value", "first", "second")]
    return Jet(jets[0].wanted, *parts)


@dataclass(frozen=True, slots=True)
class JetPass:
    """One forward pass, with what a backward sweep needs."""

    nodes: tuple[Jet, ...]
    """Per layer of nodes, inputs first."""
    subnodes: tuple[Jet, ...]
    """Per layer of edges."""
    designs: tuple[tuple[Tensor, ...], ...]
    """Per layer of edges the design and its derivatives, `(…, batch, in, G + k + 1)` each."""
    slopes: tuple[tuple[Tensor, ...], ...]
    """Per layer of edges φ′ and φ″ as far as they were needed, `(…, batch, out, in)` each."""

    @property
    def output(self) -> Jet:
        """The outputs."""
        return self.nodes[-1]


def start_jet(network: Network, nodes: Tensor, wanted: Wanted) -> Jet:
    """The inputs: each has slope 1 in the feature that it reads."""
    unit = torch.zeros(len(wanted.firsts), network.n_in, dtype=nodes.dtype, device=nodes.device)
    for place, feature in enumerate(wanted.firsts):
        unit[place] = (network.columns == feature).to(nodes)
    first = unit.expand(*nodes.shape[:-1], -1, -1)
    return Jet(wanted, nodes, first, nodes.new_zeros(*nodes.shape[:-1], len(wanted.seconds), network.n_in))


def jet_pass(
    network: Network,
    layers: Sequence[Edges],
    nodes: Tensor,
    wanted: Wanted,
    *,
    first_designs: tuple[Tensor, ...] = (),
    adjoint: bool = False,
) -> JetPass:
    """Carry derivatives from the inputs to the outputs; differentiable where gradients are enabled.

    Args:
        network: What tells widths and arities.
        layers: The edges, of one network or of many side by side.
        nodes: Values of the input nodes, `(…, batch, n_in)`.
        wanted: What is carried.
        first_designs: The first layer's designs of orders 0 to `wanted.order`, where they are known.
        adjoint: Whether to keep the designs of one order more, of all layers but the first, for a backward sweep.
    """
    run: list[Jet] = [start_jet(network, nodes, wanted)]
    subnodes, designs, slopes = [], [], []
    for index, layer in enumerate(layers):
        highest = wanted.order + (1 if adjoint and index else 0)
        known = first_designs if index == 0 and first_designs else layer.designs(run[-1].value, highest)
        sums, edges = _sums(layer, run[-1], known)
        designs.append(known)
        slopes.append(edges)
        subnodes.append(sums)
        run.append(combine(network, index + 1, sums))
    return JetPass(tuple(run), tuple(subnodes), tuple(designs), tuple(slopes))


def _sums(layer: Edges, nodes: Jet, designs: tuple[Tensor, ...]) -> tuple[Jet, tuple[Tensor, ...]]:
    """Sums of a layer's edges, and the φ′ and φ″ that they needed."""
    wanted = nodes.wanted
    value = layer.sums(nodes.value, designs[0])
    if not wanted.firsts:
        empty = value.new_zeros(*value.shape[:-1], 0, value.shape[-1])
        return Jet(wanted, value, empty, empty), ()
    slope = layer.edges_of(nodes.value, designs[1], 1)
    first = nodes.first @ slope.mT
    if not wanted.seconds:
        return Jet(wanted, value, first, first[..., :0, :]), (slope,)
    bend = layer.edges_of(nodes.value, designs[2], 2)
    squares = nodes.first[..., wanted.left, :] * nodes.first[..., wanted.right, :]
    second = nodes.second @ slope.mT + squares @ bend.mT
    return Jet(wanted, value, first, second), (slope, bend)


def combine(network: Network, level: int, subnodes: Jet) -> Jet:
    """`Network.combine` for jets: factors are multiplied one after the other."""
    n_sum, n_mult = network.width[level]
    if n_mult == 0:
        return subnodes
    parts = [subnodes.columns(slice(n_sum))]
    for node in range(n_sum, n_sum + n_mult):
        head, *rest = (subnodes.columns([factor]) for factor in network.subnodes_of(level, node))
        for factor in rest:
            head = head.times(factor)
        parts.append(head)
    return joined(parts)


def combine_adjoint(network: Network, level: int, subnodes: Jet, adjoint: Jet) -> Jet:
    """The subnodes' adjoint from the nodes': a factor of a product gets the product of the others.

    Adjoints have a further axis, the residuals', behind the batch's: `subnodes` has it too, with length 1.
    """
    n_sum, n_mult = network.width[level]
    if n_mult == 0:
        return adjoint
    parts = [adjoint.columns(slice(n_sum))]
    for node in range(n_sum, n_sum + n_mult):
        factors = network.subnodes_of(level, node)
        for factor in factors:
            head, *rest = (subnodes.columns([other]) for other in factors if other != factor)
            for other in rest:
                head = head.times(other)
            parts.append(adjoint.columns([node]).times_adjoint(head))
    return joined(parts)
