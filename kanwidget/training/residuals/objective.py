"""The number to minimize: the weighted sum of the residuals' mean squares, in the network's parameters and unknown constants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kanwidget.core.jets import Jet, JetTrace, combine_adjoint, jet_pass
from kanwidget.core.layer import row_bytes
from kanwidget.core.network import Network
from kanwidget.training.jacobian.jacobian import add_edges
from kanwidget.training.jacobian.parameter_vector import ParameterVector
from kanwidget.training.jacobian.stack import LayerStack, Stack
from kanwidget.training.residuals.terms import Linearization, ResidualTerm

#: Bytes of one chunk of the Jacobian, and of the cached first designs of a term.
_CHUNK_BYTES, _CACHE_BYTES = 1 << 25, 1 << 28
#: Distance, in parts of a step, of the evaluations for a second derivative.
_STRIDE = 0.1


@dataclass(frozen=True, slots=True)
class ResidualValue:
    """The objective at one point."""

    jets: tuple[Jet, ...]
    """The jet of each term, at all of its points."""
    squares: tuple[float, ...]
    """Each term's mean square, without its weight."""
    loss: Tensor
    """`(1,)`, float64"""
    penalty: Tensor
    """0, `(1,)`"""

    @property
    def total(self) -> Tensor:
        """The loss."""
        return self.loss


@dataclass(frozen=True, slots=True)
class ResidualVector(ParameterVector):
    """The free parameters of a network and, behind them, the unknown constants, as one vector."""

    constants: Tensor
    """The unknown constants, `(count,)`, changed in place."""

    @property
    def n_network(self) -> int:
        """Number of parameters of the network."""
        return self.size - len(self.constants)

    def read(self, stack: Stack) -> Tensor:
        """The network's free parameters and, from `n_network` on, the unknown constants, `(1, size)`."""
        vector = ParameterVector.read(self, stack)
        vector[0, self.n_network :] = self.constants
        return vector

    def write(self, stack: Stack, vector: Tensor) -> None:
        """Set the network's free parameters and the unknown constants from a vector, `(1, size)`. In place."""
        ParameterVector.write(self, stack, vector)  # the first `n_network` numbers
        self.constants.copy_(vector[0, self.n_network :])


class ResidualObjective:
    """The objective of one network. It changes with the network's parameters.

    Args:
        network: The network.
        terms: The residuals that are to vanish.
        unknowns: Unknown constants by name with their current values; `constants` holds them.
    """

    def __init__(self, network: Network, terms: Sequence[ResidualTerm], unknowns: dict[str, float]) -> None:
        self.stack = Stack([network])
        self.terms = list(terms)  # the residuals, with points and weights
        self.names = list(unknowns)  # of the unknown constants
        coef = network.layer(0).coef
        self.constants = torch.tensor(list(unknowns.values()), dtype=coef.dtype, device=coef.device)
        self.device = coef.device
        self.lamb = torch.zeros(1, dtype=torch.float64, device=self.device)  # weight of the penalty: there is none
        self.sizes = self.constants.abs().where(self.constants != 0, 1.0)  # of the first values: the constants' units
        #: For each term its points, the knots, and the first layer's designs there.
        self._designs: dict[str, tuple[Tensor, Tensor, tuple[Tensor, ...]]] = {}
        #: The last value and, of each term, the residual and its derivatives there.
        self._linearizations: tuple[ResidualValue, list[Linearization]] | None = None

    def parameter_vector(self) -> ResidualVector:
        """The layout of the network's free parameters and, behind them, the unknown constants, as one vector."""
        network = ParameterVector.of(self.stack.template)
        return ResidualVector(network.layers, network.size + len(self.constants), self.constants)

    def named(self) -> dict[str, Tensor]:
        """The constants by name."""
        return dict(zip(self.names, self.constants.unbind(0), strict=True))

    # ---- values

    def __getitem__(self, networks: Tensor) -> ResidualObjective:
        """Itself: there is one network."""
        return self

    def value(self, *, derivatives: bool = True) -> ResidualValue:
        """Jets, mean squares and loss at the current parameters; `derivatives` has no effect: Jacobians make their own passes."""
        with torch.no_grad():
            jets = tuple(self.jet(term) for term in self.terms)
            return self._value(jets)

    def _value(self, jets: tuple[Jet, ...]) -> ResidualValue:
        """Loss, penalty (0) and each term's mean square, from the jet of each term: the outputs with their derivatives at its points."""
        named = self.named()
        residuals = [term.residual(jet, named) for term, jet in zip(self.terms, jets, strict=True)]
        squares = torch.stack([residual.double().square().mean() for residual in residuals])
        weights = torch.tensor([term.weight for term in self.terms], dtype=torch.float64, device=self.device)
        loss = (weights * squares).sum()[None]
        return ResidualValue(jets, tuple(squares.tolist()), loss, torch.zeros_like(loss))

    def loss_of_zero(self) -> Tensor:
        """The loss of a network that is 0 everywhere, `(1,)`."""
        jets = []
        for term in self.terms:
            carried = term.derivatives
            shapes = ((), (len(carried.firsts),), (len(carried.seconds),))
            parts = (self.constants.new_zeros(len(term.x), *shape, self.stack.template.n_out) for shape in shapes)
            jets.append(Jet(carried, *parts))
        with torch.no_grad():
            return self._value(tuple(jets)).loss

    def trivial_loss(self) -> Tensor:
        """The loss of a network that is 0 everywhere, `(1,)`, above 0: a network that has learnt anything beats it."""
        tiny = torch.finfo(torch.float64).tiny
        return self.loss_of_zero().nan_to_num(nan=tiny, posinf=tiny).clamp_min(tiny)

    def jet(self, term: ResidualTerm, *, cache: bool = True) -> Jet:
        """The outputs' jet at all points of a term: their values, and the first and second derivatives in the inputs that the term reads.

        It has no axis of networks. `cache` says whether the first layer's designs (basis functions at the points) are kept.
        """
        parts = [self._trace(term, rows, cache=cache).output for rows in self._chunks(term)]
        return Jet(
            term.derivatives, *(torch.cat([getattr(p, n)[0] for p in parts]) for n in ("value", "first", "second"))
        )

    def _trace(self, term: ResidualTerm, rows: slice, *, adjoint: bool = False, cache: bool = True) -> JetTrace:
        """A forward pass of jets, values with derivatives in the inputs, at some points of a term.

        Args:
            term: The residual, with the derivatives to carry.
            rows: Which of its points.
            adjoint: Whether to keep what a Jacobian needs, see `jet_pass`.
            cache: Whether to use the first layer's cached designs.
        """
        x = self.stack.select([term.x[rows]])
        first = tuple(design[:, rows] for design in self._first_designs(term)) if cache else ()
        return jet_pass(
            self.stack.template, self.stack.layers, x, term.derivatives, first_designs=first, adjoint=adjoint
        )

    def _first_designs(self, term: ResidualTerm) -> tuple[Tensor, ...]:
        """The first layer's designs at a term's points: basis functions and as many of their derivatives as the term needs.

        They are kept, and computed again only when points or knots have changed; where that takes more than 256 MiB there are none, `()`.
        """
        layer = self.stack.layers[0]
        if len(term.x) * (term.derivatives.order + 1) * row_bytes([layer]) > _CACHE_BYTES:
            return ()
        cached = self._designs.get(term.name)
        if cached is None or cached[0] is not term.x or not torch.equal(cached[1], layer.knots):
            designs = layer.designs(self.stack.select([term.x]), term.derivatives.order)
            cached = self._designs[term.name] = term.x, layer.knots.clone(), designs
        return cached[2]

    def _chunks(self, term: ResidualTerm, size: int | None = None) -> Iterator[slice]:
        """Slices of the term's points so short that a chunk's Jacobian, or without one its basis functions, take at most 32 MiB.

        `size` is how many numbers of the Jacobian a row of the term takes; None where no Jacobian is made.
        """
        columns = size or 4 * max(layer.in_dim * layer.coef.shape[-1] for layer in self.stack.layers)
        rows = max(1, _CHUNK_BYTES // (columns * self.constants.element_size()))
        return (slice(first, min(first + rows, len(term.x))) for first in range(0, len(term.x), rows))

    # ---- the linearization

    def linearizations(self, value: ResidualValue) -> list[Linearization]:
        """Every term's residual and its derivatives in the outputs' jet and in the unknown constants, cached for the last value."""
        if self._linearizations is None or self._linearizations[0] is not value:
            pairs = zip(self.terms, value.jets, strict=True)
            self._linearizations = value, [term.linear(jet, self.named()) for term, jet in pairs]
        return self._linearizations[1]

    def jacobians(
        self, term: ResidualTerm, linear: Linearization, parameters: ResidualVector
    ) -> Iterator[tuple[slice, Tensor]]:
        """Yield chunks of a term's rows, each with the Jacobian of their residuals, `(rows * columns, size)`.

        Args:
            term: The residual. The points of all its sets add to a row's derivatives.
            linear: Its linearization at the current parameters.
            parameters: Layout of the parameters and, behind them, the unknown constants.
        """
        columns = linear.residual.shape[1]
        first_set = replace(term, x=term.x[: term.rows])
        for rows in self._chunks(first_set, columns * parameters.size * term.sets):
            full = linear.residual.new_zeros(rows.stop - rows.start, columns, parameters.size)
            for number in range(term.sets):
                part = slice(rows.start + number * term.rows, rows.stop + number * term.rows)
                trace = self._trace(term, part, adjoint=True)
                whole = linear.adjoint
                adjoint = Jet(whole.derivatives, whole.value[:, part], whole.first[:, part], whole.second[:, part])
                full += jet_jacobian(self.stack, parameters, trace, adjoint)[0]
            full[..., parameters.n_network :] = linear.constants[rows]
            yield rows, full.flatten(0, 1)

    def normal(
        self, parameters: ResidualVector, value: ResidualValue, check: Callable[[], None]
    ) -> tuple[Tensor, Tensor]:
        """The Gauss-Newton matrix `(1, size, size)` and the gradient `(1, size)` of the loss; `check` may raise between chunks of rows."""
        matrix = torch.zeros(1, parameters.size, parameters.size, dtype=torch.float64, device=self.device)
        gradient = matrix.new_zeros(1, parameters.size)
        for term, linear in zip(self.terms, self.linearizations(value), strict=True):
            scale = 2 * term.weight / linear.residual.numel()  # the loss is the mean square times the weight
            for rows, jac in self.jacobians(term, linear, parameters):
                check()
                jac, residual = jac.double(), linear.residual[rows].flatten().double()
                matrix[0].addmm_(jac.T, jac, alpha=scale)
                gradient[0].addmv_(jac.T, residual, alpha=scale)
        return matrix, gradient

    def acceleration(self, parameters: ResidualVector, value: ResidualValue, start: Tensor, step: Tensor) -> Tensor:
        """Σ 2wᵢ/nᵢ·Jᵢᵀr̈ᵢ with r̈ the second derivative of the residuals along a step, `(1, size)`; from differences.

        wᵢ is the weight of a term, nᵢ the number of its residuals; a step is corrected by the sum (geodesic acceleration). The parameters
        are those of the start before and after. `start` and `step` are parameter vectors, `(1, size)`.
        """
        total = start.new_zeros(1, parameters.size, dtype=torch.float64)
        ahead, behind = (self._residuals(parameters, start + sign * _STRIDE * step) for sign in (1, -1))
        parameters.write(self.stack, start)
        for term, linear, up, down in zip(self.terms, self.linearizations(value), ahead, behind, strict=True):
            second = (up - 2 * linear.residual + down) / _STRIDE**2
            scale = 2 * term.weight / second.numel()
            for _, jac in self.jacobians(term, linear.along(second), parameters):
                total[0] += scale * jac.double().sum(0)
        return total

    def _residuals(self, parameters: ResidualVector, vector: Tensor) -> list[Tensor]:
        """Each term's residuals, `(rows, columns)`, at a parameter vector, `(1, size)`, which the network has from then on."""
        parameters.write(self.stack, vector)
        named = self.named()
        return [term.residual(self.jet(term), named) for term in self.terms]

    def add_penalty(self, matrix: Tensor, gradient: Tensor, parameters: ResidualVector, value: ResidualValue) -> None:
        """Do nothing: residuals have no penalty."""

    def units(self, parameters: ResidualVector, trivial: Tensor) -> tuple[Tensor, Tensor]:
        """Weights of each parameter's magnitude: 1/first size for unknown constants, 1 for all others; `(1, size)`, twice.

        The second one is that of second differences, as other objectives have it. `trivial` has no effect here.
        """
        sizes = torch.ones(1, parameters.size, dtype=torch.float64, device=self.device)
        sizes[0, parameters.n_network :] = 1 / self.sizes
        return sizes, sizes

    def row_square(self, term: ResidualTerm, jet: Jet, parameters: ResidualVector) -> float:
        """Mean squared length of the rows of a term's Jacobian: the trace of its tangent kernel J·Jᵀ, divided by the number of rows.

        `jet` is that of the outputs at the term's points.
        """
        with torch.no_grad():
            linear = term.linear(jet, self.named())
            total = sum(float(jac.square().sum()) for _, jac in self.jacobians(term, linear, parameters))
        return total / linear.residual.numel()


# ---- Jacobian of functions of a network's values and derivatives in its parameters, without autograd
#
# With s̄, s̄ₐ, s̄ₐᵦ the adjoints of a subnode's value, first and second derivatives, computed by one backward sweep over the layers, the
# derivative in the coefficient b of the edge i → o is A₀·B_b + A₁·B_b′ + A₂·B_b″ at the edge's input h, where A₀ = s̄,
# A₁ = Σₐ s̄ₐ ∂ₐh + Σ s̄ₐᵦ ∂ₐᵦh and A₂ = Σ s̄ₐᵦ ∂ₐh ∂ᵦh: three outer products, however many derivatives are carried.
#
# Axes: networks, rows, residuals, then those of the quantity.


def _edge_factors(adjoint: Jet, nodes: Jet) -> list[Tensor]:
    """The factors A₀, A₁ and A₂ of edges, as many as orders are carried, `(networks, batch, residuals, out, in or 1)` each.

    The derivative of a residual in an edge's coefficient b is A₀·B_b + A₁·B_b′ + A₂·B_b″, with the basis function B_b at the edge's input.
    A₀ is the same for all edges to a subnode: its last axis is 1.

    Args:
        adjoint: Derivatives of the residuals in the jet (value and derivatives in the inputs) of the subnodes above, the sums of edges.
        nodes: The jet of the nodes below.
    """
    carried, first = nodes.derivatives, nodes.first
    # s: networks, n: rows, m: residuals, f: first and p: second derivatives, o: subnodes above, i: nodes below.
    factors = [adjoint.value[..., None]]
    if carried.firsts:
        factors.append(torch.einsum("snmfo,snfi->snmoi", adjoint.first, first))
    if carried.seconds:
        squares = first[..., carried.first_index, :] * first[..., carried.second_index, :]
        factors[1] = factors[1] + torch.einsum("snmpo,snpi->snmoi", adjoint.second, nodes.second)
        factors.append(torch.einsum("snmpo,snpi->snmoi", adjoint.second, squares))
    return factors


def jet_jacobian(stack: Stack, parameters: ParameterVector, trace: JetTrace, adjoint: Jet) -> Tensor:
    """Derivatives in all free parameters, `(networks, batch, residuals, size)`.

    Args:
        stack: The networks.
        parameters: Layout of their free parameters.
        trace: A forward pass of jets (values with derivatives in the inputs), with `adjoint=True`: with all that a backward sweep needs.
        adjoint: Derivatives of the residuals in the outputs' jet: value `(networks, batch, residuals, outputs)`, first and
            second with a further axis before the last.
    """
    full = adjoint.value.new_zeros(*adjoint.value.shape[:-1], parameters.size)
    for index in reversed(range(len(stack.layers))):
        layer, nodes = stack.layers[index], trace.nodes[index]
        adjoint = combine_adjoint(stack.template, index + 1, _with_residuals(trace.subnodes[index]), adjoint)
        factors = _edge_factors(adjoint, nodes)
        add_edges(full, layer, parameters.layers[index], nodes.value, trace.designs[index], factors)
        if index > 0:
            adjoint = _to_nodes(layer, trace, index, adjoint, factors)
    return full


def _with_residuals(jet: Jet) -> Jet:
    """The jet with an axis of length 1 for the residuals."""
    return Jet(jet.derivatives, jet.value.unsqueeze(2), jet.first.unsqueeze(2), jet.second.unsqueeze(2))


def _to_nodes(layer: LayerStack, trace: JetTrace, index: int, adjoint: Jet, factors: list[Tensor]) -> Jet:
    """The adjoint of the nodes below a layer, by the chain rule through its edges.

    Args:
        layer: The layer.
        trace: A forward pass of jets (values with derivatives in the inputs), with `adjoint=True`.
        index: The number of the layer, ≥ 1.
        adjoint: Derivatives of the residuals in the jet of the layer's subnodes, the sums of its edges.
        factors: Derivatives of the residuals in φ, φ′ and φ″ of the edges, by `_edge_factors` of the same adjoint.
    """
    nodes, carried = trace.nodes[index], trace.nodes[index].derivatives
    last = layer.edges_of(nodes.value, trace.designs[index][carried.order + 1], carried.order + 1)
    phi_derivatives = [part[:, :, None] for part in (*trace.edges[index], last)]
    value = adjoint.value @ phi_derivatives[0][:, :, 0]
    for part, derivative in zip(factors[1:], phi_derivatives[1:], strict=True):
        value = value + (part * derivative).sum(-2)
    first, second = adjoint.first @ phi_derivatives[0], adjoint.second @ phi_derivatives[0]
    if carried.seconds:
        # Second derivatives of a subnode have the term φ″ ∂ₐh ∂ᵦh, whose derivatives are φ″ ∂ᵦh in ∂ₐh and φ″ ∂ₐh in ∂ᵦh.
        curvatures = adjoint.second @ phi_derivatives[1]
        for pair, (a, b) in enumerate(zip(carried.first_index, carried.second_index, strict=True)):
            first[..., a, :] += curvatures[..., pair, :] * nodes.first[:, :, None, b]
            first[..., b, :] += curvatures[..., pair, :] * nodes.first[:, :, None, a]
    return Jet(carried, value, first, second)
