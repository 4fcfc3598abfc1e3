"""`Batch`: networks side by side with their training data, all that an objective is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from typing_extensions import Self

from kanwidget.training.jacobian.forward import ForwardTrace, forward_pass, rows_at_once
from kanwidget.training.jacobian.stack import Stack, select_networks
from kanwidget.training.objective.loss import Loss
from kanwidget.training.objective.penalty import Penalty
from kanwidget.training.objective.standard_deviations import Deviations, input_deviation, root_of_covariance

#: A first design of more bytes isn't made for passes that need the outputs alone: they then take half as long again.
_LARGEST_BYTES = 1 << 30


class FirstDesign:
    """Passes over fixed rows: the first layer's design is kept, and computed again only when the layer's knots have changed.

    Networks that have their inputs and knots in common share it: its first axis then has a stride of 0.

    Args:
        stack: The networks.
        x: Values of the input nodes, `(networks, batch, n_in)`.
    """

    def __init__(self, stack: Stack, x: Tensor) -> None:
        self.stack, self.x = stack, x
        #: The first layer's basis functions at x; the knots that they were computed with; the root of their covariance; the inputs'
        #: standard deviations. All empty until they are asked for.
        self._knots = self._design = self._root = self._deviation = x.new_zeros(0)

    def __call__(self) -> Tensor:
        """The first layer's design, its basis functions and base function at all rows, `(networks, batch, n_in, B + 1)`."""
        layer = self.stack.layers[0]
        if not self._is_made:  # for the knots as they are
            with torch.no_grad():
                knots = layer.knots.clone()
                design = layer[:1].design(self.x[:1]) if self._is_shared else layer.design(self.x)
                # Last, all at once: the design may be interrupted.
                self._design, self._root = design.expand(len(self.x), -1, -1, -1), self.x.new_zeros(0)
                self._knots = knots
        return self._design

    def pass_of(self, stack: Stack, *, derivatives: bool = False, whole: bool = True) -> ForwardTrace:
        """A forward pass of networks of the same knots over all rows, with or without the `derivatives` that a Jacobian needs.

        With `whole` it holds the values of all layers, as autograd and penalties need them. Else, where rows are many, it holds inputs
        and outputs alone: it is made part by part, to need less memory.
        """
        count = rows_at_once(stack, self.x)
        if whole or count >= self.x.shape[1]:
            return forward_pass(stack, self.x, self(), derivatives=derivatives)  # `self()`: the first layer's design
        starts = range(0, self.x.shape[1], count)
        outputs = [self.part_of(stack, slice(None), slice(start, start + count)).output for start in starts]
        return ForwardTrace((self.x, torch.cat(outputs, 1)), (), ())

    def part_of(self, stack: Stack, networks: slice, rows: slice, *, derivatives: bool = False) -> ForwardTrace:
        """A forward pass over a slice of the rows, by a slice of the networks, which alone are in `stack`; see `pass_of`."""
        # `self()` is the first layer's design at all rows: taken if it is made already, or small enough to be.
        first = self()[networks, rows] if self._is_made or self._is_affordable else None
        return forward_pass(stack, self.x[networks, rows], first, derivatives=derivatives)

    @property
    def _is_made(self) -> bool:
        """Whether the design (the first layer's basis functions at the rows) is computed, for the knots as they are."""
        return torch.equal(self._knots, self.stack.layers[0].knots)

    @property
    def _is_shared(self) -> bool:
        """Whether one design (basis functions at the rows) serves all networks: inputs, with a stride of 0, and knots are the same."""
        knots = self.stack.layers[0].knots
        return self.x.stride(0) == 0 and bool((knots == knots[0]).all())

    @property
    def _is_affordable(self) -> bool:
        """Whether the design, the first layer's basis functions at all rows, takes at most 1 GiB."""
        coef, x = self.stack.layers[0].coef, self.x[:1] if self._is_shared else self.x
        return x.numel() * (coef.shape[-1] + 1) * coef.element_size() <= _LARGEST_BYTES

    def root(self) -> Tensor:
        """R with RᵀR the covariance of the first layer's basis functions, `(networks, in, rank, B + 1)`, see `root_of_covariance`."""
        design = self()  # the basis functions at the rows; where they had to be made anew `_root` is empty
        if not self._root.numel():
            part = design[:1] if design.stride(0) == 0 else design
            self._root = root_of_covariance(part).expand(len(design), -1, -1, -1)
        return self._root

    def deviation(self) -> Tensor:
        """Standard deviations of the inputs, `(networks, n_in)`, computed once."""
        if not self._deviation.numel():
            part = self.x[:1] if self.x.stride(0) == 0 else self.x
            self._deviation = input_deviation(self.stack, part).expand(len(self.x), -1)
        return self._deviation

    def of(self, stack: Stack, networks: Tensor) -> FirstDesign:
        """The same for the networks with the indices `networks` alone, of which `stack` holds copies.

        What is kept of them comes along, so that it isn't computed again: basis functions of the first layer at the rows (computed now, if
        they aren't too large), the root of their covariance, and the inputs' deviations.
        """
        part = FirstDesign(stack, select_networks(self.x, networks))
        if not (self._is_made or self._is_affordable):
            return part
        self()  # the design is made
        part._knots, part._design = self._knots[networks], select_networks(self._design, networks)
        part._root, part._deviation = (
            select_networks(cached, networks) if cached.numel() else cached for cached in (self._root, self._deviation)
        )
        return part


@dataclass(slots=True, eq=False)
class Batch:
    """Networks side by side, each with its own fixed training data. The networks' parameters change within the stack."""

    stack: Stack
    x: Tensor
    """Values of the input nodes, `(networks, batch, n_in)`."""
    y: Tensor
    """Labels, `(networks, batch, outputs)`, or class numbers, `(networks, batch, 1)`."""
    weight: Tensor | None
    """Weights of the rows with mean 1, `(networks, batch, 1)`."""
    loss: Loss
    penalty: Penalty
    """Of the first network; the penalties differ in `lamb` only."""
    lamb: Tensor
    """Weight of each network's penalty, `(networks,)`, float64."""
    penalized: bool
    """Whether any of these weights is above 0."""
    first_design: FirstDesign

    @classmethod
    def of(
        cls,
        stack: Stack,
        x: Sequence[Tensor],
        y: Tensor,
        weight: Tensor | None,
        loss: Loss,
        penalties: Sequence[Penalty],
    ) -> Self:
        """The batch of a stack.

        Args:
            stack: The networks.
            x: Inputs of each network, `(batch, n_features)`, in own units.
            y: Labels of all networks, `(networks, batch, outputs)`, or class numbers, `(networks, batch, 1)`.
            weight: Weights of the rows with mean 1, `(networks, batch, 1)`; None for equal ones.
            loss: The loss of all networks.
            penalties: The penalty of each network; they differ in `lamb` only.
        """
        nodes = stack.select(x)
        # `FirstDesign` makes forward passes on these inputs, and keeps the first layer's basis functions there.
        return cls(stack, nodes, y, weight, loss, *_terms(penalties, y), FirstDesign(stack, nodes))

    def penalize(self, penalties: Sequence[Penalty]) -> None:
        """Take other penalties, one for each network, which differ in `lamb` only. In place."""
        self.penalty, self.lamb, self.penalized = _terms(penalties, self.y)

    def __getitem__(self, networks: Tensor) -> Self:
        """The batch of copies of the networks with these indices."""
        stack = self.stack[networks]
        # The first layer's inputs and basis functions, which are computed once, of these networks.
        first_design = self.first_design.of(stack, networks)
        return replace(
            self,
            stack=stack,
            x=first_design.x,
            y=select_networks(self.y, networks),
            weight=None if self.weight is None else select_networks(self.weight, networks),
            lamb=self.lamb[networks],
            first_design=first_design,
        )

    def deviations(self, trace: ForwardTrace, stack: Stack | None = None) -> Deviations:
        """Standard deviations over the rows of the values in `trace`, a forward pass on all rows.

        `stack` has the networks if the pass was made with another stack than the batch's.
        """
        first = self.first_design  # it keeps what the first layer adds: the root of its covariance, inputs' deviations
        return Deviations(stack or self.stack, trace, first.root(), first.deviation())


def _terms(penalties: Sequence[Penalty], like: Tensor) -> tuple[Penalty, Tensor, bool]:
    """`penalty`, `lamb` and `penalized` of a `Batch`, from the penalties of its networks, which differ in `lamb` only.

    They are the first penalty, the `lamb` of each on the device of `like`, `(networks,)`, and whether one is above 0.
    """
    lamb = torch.tensor([penalty.lamb for penalty in penalties], dtype=torch.float64, device=like.device)
    return penalties[0], lamb, any(penalty.lamb > 0 for penalty in penalties)
