"""What is minimised: the weighted sum over all residuals of their mean squares, in the network's parameters and unknown constants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kanwidget.core.jets import Jet, JetPass, jet_pass
from kanwidget.core.network import Network
from kanwidget.training.jacobian.parameter_vector import ParameterMap, parameter_map
from kanwidget.training.jacobian.stack import Stack
from kanwidget.training.residuals.jet_jacobian import jet_jacobian
from kanwidget.training.residuals.terms import Linear, Term

#: Bytes of one chunk of the Jacobian, and of what is kept from step to step of the first layer's designs.
_CHUNK_BYTES, _KEPT_BYTES = 1 << 25, 1 << 28
#: How far along a step residuals are looked at for their second derivative.
_STRIDE = 0.1


@dataclass(frozen=True, slots=True)
class ResidualValue:
    """The objective at one point."""

    jets: tuple[Jet, ...]
    """Of each term, at all of its points."""
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


class Positions:
    """The free parameters of a network and, behind them, the unknown constants, as one vector: see `ParameterMap`.

    Args:
        network: The network.
        constants: The unknown constants, `(count,)`, changed in place.
    """

    def __init__(self, network: Network, constants: Tensor) -> None:
        self._map: ParameterMap = parameter_map(network)
        self.constants = constants
        self.layers = self._map.layers
        self.own = self._map.size
        """Parameters of the network."""
        self.size = self.own + len(constants)

    @property
    def network(self) -> ParameterMap:
        """Without the constants."""
        return self._map

    def read(self, stack: Stack) -> Tensor:
        """The vector, `(1, size)`."""
        return torch.cat([self._map.read(stack), self.constants[None]], dim=1)

    def write(self, stack: Stack, vector: Tensor) -> None:
        """Set all from a vector."""
        self._map.write(stack, vector[:, : self.own])
        self.constants.copy_(vector[0, self.own :])


class ResidualObjective:
    """The objective of one network.

    Args:
        network: The network; its parameters change under the objective.
        terms: What is to vanish.
        unknowns: Unknown constants by name with their present values; `constants` holds them.
    """

    def __init__(self, network: Network, terms: Sequence[Term], unknowns: dict[str, float]) -> None:
        self.stack = Stack([network])
        self.terms = list(terms)
        self.names = list(unknowns)
        coef = network.layer(0).coef
        self.constants = torch.tensor(list(unknowns.values()), dtype=coef.dtype, device=coef.device)
        self.device = coef.device
        self.lamb = torch.zeros(1, dtype=torch.float64, device=self.device)
        self.sizes = self.constants.abs().where(self.constants != 0, 1.0)
        self._designs: dict[str, _Kept] = {}
        self._linears: tuple[ResidualValue, list[Linear]] | None = None

    def positions(self) -> Positions:
        """Where parameters and constants stand."""
        return Positions(self.stack.shape, self.constants)

    def named(self, constants: Tensor | None = None) -> dict[str, Tensor]:
        """The constants by name."""
        return dict(zip(self.names, (self.constants if constants is None else constants).unbind(0), strict=True))

    # ---- values

    def __getitem__(self, networks: Tensor) -> ResidualObjective:
        """Itself: there is one network."""
        return self

    def value(self, *, slopes: bool = True) -> ResidualValue:
        """The mean squares at the present parameters."""
        with torch.no_grad():
            jets = tuple(self.jet(term) for term in self.terms)
            return self._value(jets)

    def _value(self, jets: tuple[Jet, ...]) -> ResidualValue:
        named = self.named()
        residuals = [term.residual(jet, named) for term, jet in zip(self.terms, jets, strict=True)]
        squares = torch.stack([residual.double().square().mean() for residual in residuals])
        weights = torch.tensor([term.weight for term in self.terms], dtype=torch.float64, device=self.device)
        loss = (weights * squares).sum()[None]
        return ResidualValue(jets, tuple(squares.tolist()), loss, torch.zeros_like(loss))

    def loss_of_zero(self) -> Tensor:
        """The loss of a network that is 0 everywhere, `(1,)`."""
        with torch.no_grad():
            return self._value(tuple(_zero(jet) for jet in self._empty_jets())).loss

    def trivial_loss(self) -> Tensor:
        """The loss of a network that is 0 everywhere, `(1,)`, above 0: what one that has learnt something must beat."""
        least = torch.finfo(torch.float64).tiny
        return self.loss_of_zero().nan_to_num(nan=least, posinf=least).clamp_min(least)

    def _empty_jets(self) -> Iterator[Jet]:
        outputs = self.stack.shape.n_out
        for term in self.terms:
            empty = self.constants.new_zeros
            rows, wanted = len(term.x), term.wanted
            yield Jet(
                wanted,
                empty(rows, outputs),
                empty(rows, len(wanted.firsts), outputs),
                empty(rows, len(wanted.seconds), outputs),
            )

    def jet(self, term: Term, *, keep: bool = True) -> Jet:
        """The outputs' jet at all points of a term, without the leading axis; `keep` the first layer's designs."""
        parts = [self._run(term, rows, keep=keep).output for rows in self._chunks(term)]
        return Jet(term.wanted, *(torch.cat([getattr(p, n)[0] for p in parts]) for n in ("value", "first", "second")))

    def _run(self, term: Term, rows: slice, *, adjoint: bool = False, keep: bool = True) -> JetPass:
        x = self.stack.select([term.x[rows]])
        known = tuple(design[:, rows] for design in self._first_designs(term)) if keep else ()
        return jet_pass(self.stack.shape, self.stack.layers, x, term.wanted, first_designs=known, adjoint=adjoint)

    def _first_designs(self, term: Term) -> tuple[Tensor, ...]:
        """The first layer's designs at points that stay the same, made anew only when its knots have changed."""
        layer = self.stack.layers[0]
        row = (term.wanted.order + 1) * layer.in_dim * (layer.grid_size + layer.k + 1)
        if len(term.x) * row * layer.coef.element_size() > _KEPT_BYTES:
            return ()
        kept = self._designs.get(term.name)
        if kept is None or kept.x is not term.x or not torch.equal(kept.knots, layer.knots):
            designs = layer.designs(self.stack.select([term.x]), term.wanted.order)
            kept = self._designs[term.name] = _Kept(term.x, layer.knots.clone(), designs)
        return kept.designs

    def _chunks(self, term: Term, size: int | None = None) -> Iterator[slice]:
        """Slices of rows so short that a chunk's Jacobian, or without one its designs, stay within bounds."""
        columns = size or 4 * max(layer.in_dim * layer.coef.shape[-1] for layer in self.stack.layers)
        rows = max(1, _CHUNK_BYTES // (columns * self.constants.element_size()))
        return (slice(first, min(first + rows, len(term.x))) for first in range(0, len(term.x), rows))

    # ---- the linearisation

    def linear(self, term: Term, jet: Jet) -> Linear:
        """A term's derivatives at the present parameters."""
        return term.linear(jet, self.named())

    def linears(self, value: ResidualValue) -> list[Linear]:
        """Every term's derivatives, remembered for the last value."""
        if self._linears is None or self._linears[0] is not value:
            found = [self.linear(term, jet) for term, jet in zip(self.terms, value.jets, strict=True)]
            self._linears = value, found
        return self._linears[1]

    def jacobians(self, term: Term, linear: Linear, positions: Positions) -> Iterator[tuple[slice, Tensor]]:
        """Chunks of rows with the Jacobian `(rows * columns, size)` of their residuals."""
        columns = linear.residual.shape[1]
        whole = replace(term, x=term.x[: term.rows])
        for rows in self._chunks(whole, columns * positions.size * term.sets):
            full = linear.residual.new_zeros(rows.stop - rows.start, columns, positions.size)
            for place in range(term.sets):
                here = slice(rows.start + place * term.rows, rows.stop + place * term.rows)
                run = self._run(term, here, adjoint=True)
                adjoint = linear.adjoint
                part = Jet(adjoint.wanted, adjoint.value[:, here], adjoint.first[:, here], adjoint.second[:, here])
                full[..., : positions.own] += jet_jacobian(self.stack, positions.network, run, part)[0]
            full[..., positions.own :] = linear.constants[rows]
            yield rows, full.flatten(0, 1)

    def normal(self, positions: Positions, value: ResidualValue, check: Callable[[], None]) -> tuple[Tensor, Tensor]:
        """The Gauss-Newton matrix `(1, size, size)` and the gradient `(1, size)`; `check` may raise between chunks."""
        matrix = torch.zeros(1, positions.size, positions.size, dtype=torch.float64, device=self.device)
        gradient = matrix.new_zeros(1, positions.size)
        for term, linear in zip(self.terms, self.linears(value), strict=True):
            scale = 2 * term.weight / linear.residual.numel()
            for rows, jac in self.jacobians(term, linear, positions):
                check()
                jac, residual = jac.double(), linear.residual[rows].flatten().double()
                matrix[0].addmm_(jac.T, jac, alpha=scale)
                gradient[0].addmv_(jac.T, residual, alpha=scale)
        return matrix, gradient

    def bend(self, positions: Positions, value: ResidualValue, start: Tensor, step: Tensor) -> Tensor:
        """Σ 2wᵢ/nᵢ·Jᵢᵀr̈ᵢ with r̈ the second derivative of the residuals along a step, `(1, size)`; from differences.

        The parameters are those of the start before and after.
        """
        total = start.new_zeros(1, positions.size, dtype=torch.float64)
        ahead, behind = (self._residuals(positions, start + sign * _STRIDE * step) for sign in (1, -1))
        positions.write(self.stack, start)
        for term, linear, up, down in zip(self.terms, self.linears(value), ahead, behind, strict=True):
            second = (up - 2 * linear.residual + down) / _STRIDE**2
            scale = 2 * term.weight / second.numel()
            for _, jac in self.jacobians(term, linear.along(second), positions):
                total[0] += scale * jac.double().sum(0)
        return total

    def _residuals(self, positions: Positions, vector: Tensor) -> list[Tensor]:
        positions.write(self.stack, vector)
        named = self.named()
        return [term.residual(self.jet(term), named) for term in self.terms]

    def add_penalty(self, matrix: Tensor, gradient: Tensor, positions: Positions, value: ResidualValue) -> None:
        """Nothing: there is none."""

    def units(self, positions: Positions, trivial: Tensor) -> tuple[Tensor, Tensor]:
        """What each parameter is measured in, as 1/unit: unknown constants in their first size, the others as they are."""
        sizes = torch.ones(1, positions.size, dtype=torch.float64, device=self.device)
        sizes[0, positions.own :] = 1 / self.sizes
        return sizes, sizes

    def row_square(self, term: Term, jet: Jet, positions: Positions) -> float:
        """The mean square of the Jacobian's rows: of a term's tangent kernel the trace, divided by its size."""
        with torch.no_grad():
            linear = self.linear(term, jet)
            total = sum(float(jac.square().sum()) for _, jac in self.jacobians(term, linear, positions))
        return total / linear.residual.numel()


@dataclass(frozen=True, slots=True)
class _Kept:
    """The first layer's designs, and what they are of."""

    x: Tensor
    knots: Tensor
    designs: tuple[Tensor, ...]


def _zero(jet: Jet) -> Jet:
    return Jet(jet.wanted, *(torch.zeros_like(part) for part in (jet.value, jet.first, jet.second)))
