"""Values with first and second derivatives in the features, carried forward through the layers.

For a sum of edges s = Σᵢ φᵢ(hᵢ): ∂ₐs = Σ φᵢ′ ∂ₐhᵢ and ∂ₐᵦs = Σ φᵢ′ ∂ₐᵦhᵢ + φᵢ″ ∂ₐhᵢ ∂ᵦhᵢ; a product follows the product rule. Only
requested derivatives are carried: a second derivative needs its two first derivatives and nothing else.

`…` in a shape is the number of networks, if there are several side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations_with_replacement

import torch
from torch import Tensor

from kanwidget.core.layer import Edges
from kanwidget.core.network import Network
from kanwidget.core.scales import Scaling


@dataclass(frozen=True, slots=True)
class DerivativeSet:
    """The derivatives that a jet carries."""

    firsts: tuple[int, ...]
    """Features of the first derivatives, increasing; those of all `seconds` are among them."""
    seconds: tuple[tuple[int, int], ...]
    """Pairs of features a ≤ b of the second derivatives."""

    @staticmethod
    def of(derivatives: set[tuple[int, ...]]) -> DerivativeSet:
        """The set from tuples of features: `(a,)` for a first derivative, `(a, b)` for a second one.

        Examples:
            >>> DerivativeSet.of({(1,), (0, 0)})
            DerivativeSet(firsts=(0, 1), seconds=((0, 0),))
        """
        firsts = sorted({feature for features in derivatives for feature in features})
        pairs = sorted({(min(f), max(f)) for f in derivatives if len(f) == 2})
        return DerivativeSet(tuple(firsts), tuple(pairs))

    @staticmethod
    def all(features: int, order: int) -> DerivativeSet:
        """All derivatives up to `order`, 1 or 2, in so many `features`."""
        orders = range(1, order + 1)
        return DerivativeSet.of({c for n in orders for c in combinations_with_replacement(range(features), n)})

    @property
    def order(self) -> int:
        """The highest order of a derivative: 0, 1 or 2."""
        return 2 if self.seconds else 1 if self.firsts else 0

    @property
    def first_index(self) -> list[int]:
        """Index among `firsts` of the first feature of each pair."""
        return [self.firsts.index(a) for a, _ in self.seconds]

    @property
    def second_index(self) -> list[int]:
        """Index among `firsts` of the second feature of each pair."""
        return [self.firsts.index(b) for _, b in self.seconds]


@dataclass(frozen=True, slots=True)
class Jet:
    """Values and derivatives of nodes; as an adjoint the derivatives of an output or residual with respect to each of these."""

    derivatives: DerivativeSet
    value: Tensor
    """`(…, batch, nodes)`"""
    first: Tensor
    """`(…, batch, firsts, nodes)`"""
    second: Tensor
    """`(…, batch, seconds, nodes)`"""

    def columns(self, nodes: Sequence[int] | slice) -> Jet:
        """The jet of the nodes with these indices alone, in this order."""
        return Jet(self.derivatives, self.value[..., nodes], self.first[..., nodes], self.second[..., nodes])

    def times(self, factor: Jet) -> Jet:
        """The product with another jet, node by node, by the product rule: (v·w)ₐ = vₐ·w + v·wₐ, and (v·w)ₐᵦ has vₐ·wᵦ + vᵦ·wₐ, too."""
        # For each pair of features the indices of its first derivatives.
        a, b = self.derivatives.first_index, self.derivatives.second_index
        v, w = self.value[..., None, :], factor.value[..., None, :]
        f, g = self.first, factor.first
        cross = f[..., a, :] * g[..., b, :] + f[..., b, :] * g[..., a, :]
        return Jet(
            self.derivatives, self.value * factor.value, f * w + g * v, self.second * w + factor.second * v + cross
        )

    def times_adjoint(self, cofactor: Jet) -> Jet:
        """The adjoint of a factor; `self` is the adjoint of the product, `cofactor` the jet of the product of the other factors.

        An adjoint has the derivatives of some result by each entry of a jet (value, first and second derivatives). So an entry of the
        factor gets the sum, over the entries of the product that depend on it, of their adjoints times their derivatives by it.
        """
        w, g = cofactor.value[..., None, :], cofactor.first
        value = self.value * cofactor.value + (self.first * g).sum(-2) + (self.second * cofactor.second).sum(-2)
        first = self.first * w
        pairs = zip(self.derivatives.first_index, self.derivatives.second_index, strict=True)
        for pair, (a, b) in enumerate(pairs):  # one by one: several pairs add to the same first derivative
            first[..., a, :] += self.second[..., pair, :] * g[..., b, :]
            first[..., b, :] += self.second[..., pair, :] * g[..., a, :]
        return Jet(self.derivatives, value, first, self.second * w)


def join_nodes(jets: Sequence[Jet]) -> Jet:
    """One jet (values and derivatives of nodes) with the nodes of several jets side by side; all carry the same derivatives."""
    parts = [torch.cat([getattr(jet, name) for jet in jets], dim=-1) for name in ("value", "first", "second")]
    return Jet(jets[0].derivatives, *parts)


def in_own_units(jet: Jet, scaling: Scaling, x: Tensor) -> Jet:
    """Outputs and their derivatives in the units of the data, by the chain rule through the network's scales.

    The layers compute from u = (x - centre)/size, or (log x - centre)/size, a value v, and the output is centre + size·v, or its
    exponential.

    Args:
        jet: Of v, with derivatives by u, for one network: its value is `(batch, outputs)`.
        scaling: The scales: centres, sizes, and masks of the columns and outputs with a logarithm.
        x: The points in the units of the data, `(batch, n_features)`.
    """
    if not (scaling.scales_input or scaling.scales_output):
        return jet
    # `size` and `log` are those of the outputs, `(outputs,)`; `sizes` those of the features, dx/du: size·x of a logged x.
    carried, log, size = jet.derivatives, scaling.output_log, scaling.output_size
    a, b, firsts = carried.first_index, carried.second_index, list(carried.firsts)
    logged = torch.where(scaling.input_log, x, 1.0) if scaling.has_logs[0] else torch.ones_like(scaling.input_size)
    sizes = (scaling.input_size * logged)[..., firsts]
    first = size / sizes[..., None] * jet.first
    second = size / (sizes[..., a] * sizes[..., b])[..., None] * jet.second
    if scaling.has_logs[0]:
        # Of a logarithm u″ = -u′/x: each second derivative by the same logged feature twice has this term.
        squares = torch.tensor([f == g for f, g in carried.seconds], dtype=torch.bool, device=x.device)
        bent = squares & scaling.input_log[firsts][a]
        second = second - torch.where(bent[:, None], first[:, a] / logged[:, firsts][:, a, None], 0.0)
    value = scaling.own_outputs(jet.value)
    if scaling.has_logs[1]:
        # Of y = exp(v): y′ = y·v′ and y″ = y·(v″ + v′·v′).
        factor = torch.where(log, value, 1.0)[:, None]
        second = factor * torch.where(log, second + first[:, a] * first[:, b], second)
        first = factor * first
    return Jet(carried, value, first, second)


@dataclass(frozen=True, slots=True)
class JetTrace:
    """The jets of a forward pass, with designs and edge derivatives for a backward pass."""

    nodes: tuple[Jet, ...]
    """Per level, inputs first."""
    subnodes: tuple[Jet, ...]
    """Per layer."""
    designs: tuple[tuple[Tensor, ...], ...]
    """Per layer the design and its derivatives, `(…, batch, in, B + 1)` each."""
    edges: tuple[tuple[Tensor, ...], ...]
    """Per layer φ′ and φ″, each only where a carried derivative needs it, `(…, batch, out, in)` each."""

    @property
    def output(self) -> Jet:
        """The jet of the outputs."""
        return self.nodes[-1]


def start_jet(network: Network, nodes: Tensor, carried: DerivativeSet) -> Jet:
    """The jet of the input nodes with the values `nodes`, `(…, batch, n_in)`: each has the derivative 1 by the feature that it reads.

    `carried` says which derivatives it has. Several inputs may read one feature; second derivatives are 0.
    """
    unit = torch.zeros(len(carried.firsts), network.n_in, dtype=nodes.dtype, device=nodes.device)
    for row, feature in enumerate(carried.firsts):
        unit[row] = (network.columns == feature).to(nodes)
    first = unit.expand(*nodes.shape[:-1], -1, -1)
    return Jet(carried, nodes, first, nodes.new_zeros(*nodes.shape[:-1], len(carried.seconds), network.n_in))


def jet_pass(
    network: Network,
    layers: Sequence[Edges],
    nodes: Tensor,
    carried: DerivativeSet,
    *,
    first_designs: tuple[Tensor, ...] = (),
    adjoint: bool = False,
) -> JetTrace:
    """Carry values and derivatives from the inputs to the outputs: the jets of all levels. Differentiable where gradients are enabled.

    A layer's *design* has the values of its basis functions and, last, of its base function, `(…, batch, in, B + 1)`.

    Args:
        network: Gives widths and arities.
        layers: The layers, of one network or of several side by side.
        nodes: Values of the input nodes, `(…, batch, n_in)`.
        carried: The derivatives to carry.
        first_designs: The first layer's design and its derivatives up to `carried.order`, if the caller has them.
        adjoint: Whether to keep derivatives of designs of one order more, of all layers but the first, for a backward pass.
    """
    jets: list[Jet] = [start_jet(network, nodes, carried)]
    subnodes, designs, edges = [], [], []
    for index, layer in enumerate(layers):
        highest = carried.order + (1 if adjoint and index else 0)
        own_designs = first_designs if index == 0 and first_designs else layer.designs(jets[-1].value, highest)
        sums, derivatives = _sums(layer, jets[-1], own_designs)  # of the edges: φ′ and φ″, as far as they were needed
        designs.append(own_designs)
        edges.append(derivatives)
        subnodes.append(sums)
        jets.append(combine(network, index + 1, sums))
    return JetTrace(tuple(jets), tuple(subnodes), tuple(designs), tuple(edges))


def _sums(layer: Edges, nodes: Jet, designs: tuple[Tensor, ...]) -> tuple[Jet, tuple[Tensor, ...]]:
    """The jet of a layer's subnodes, and the derivatives of its edges that it took: none, (φ′,) or (φ′, φ″), `(…, batch, out, in)` each.

    Args:
        layer: The layer.
        nodes: The jet of the nodes below.
        designs: The layer's basis functions and, last, base function at these nodes, and their derivatives up to the highest order of
            the jet, `(…, batch, in, B + 1)` each.
    """
    carried = nodes.derivatives
    value = layer.sums(nodes.value, designs[0])
    if not carried.firsts:
        empty = value.new_zeros(*value.shape[:-1], 0, value.shape[-1])
        return Jet(carried, value, empty, empty), ()
    phi_first = layer.edges_of(nodes.value, designs[1], 1)
    first = nodes.first @ phi_first.mT
    if not carried.seconds:
        return Jet(carried, value, first, first[..., :0, :]), (phi_first,)
    phi_second = layer.edges_of(nodes.value, designs[2], 2)
    squares = nodes.first[..., carried.first_index, :] * nodes.first[..., carried.second_index, :]
    second = nodes.second @ phi_first.mT + squares @ phi_second.mT
    return Jet(carried, value, first, second), (phi_first, phi_second)


def combine(network: Network, level: int, subnodes: Jet) -> Jet:
    """The jet of the nodes of a level from that of its subnodes: sums stay, and each product node is the product of its factors."""
    n_sum, n_mult = network.width[level]
    if n_mult == 0:
        return subnodes
    parts = [subnodes.columns(slice(n_sum))]
    parts += [_product(subnodes, network.subnodes_of(level, node)) for node in range(n_sum, n_sum + n_mult)]
    return join_nodes(parts)


def _product(subnodes: Jet, factors: Sequence[int]) -> Jet:
    """The jet of one node, the product of the subnodes with the indices `factors`."""
    return reduce(Jet.times, (subnodes.columns([factor]) for factor in factors))


def combine_adjoint(network: Network, level: int, subnodes: Jet, adjoint: Jet) -> Jet:
    """The adjoint of a level's subnodes from that of its nodes: a sum hands it on, a factor gets it by the product of its cofactors.

    An adjoint has the derivatives of residuals by each entry of a jet, with one more axis, for the residuals, after the batch axis; the
    jet `subnodes` has it too, with length 1. Subnodes stand in the order of the nodes, and so are the parts joined.
    """
    n_sum, n_mult = network.width[level]
    if n_mult == 0:
        return adjoint
    parts = [adjoint.columns(slice(n_sum))]
    for node in range(n_sum, n_sum + n_mult):
        factors = network.subnodes_of(level, node)
        for factor in factors:
            cofactors = [cofactor for cofactor in factors if cofactor != factor]
            parts.append(adjoint.columns([node]).times_adjoint(_product(subnodes, cofactors)))
    return join_nodes(parts)
