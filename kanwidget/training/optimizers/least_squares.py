"""`LeastSquares`: the objectives that Levenberg-Marquardt can minimize."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from torch import Tensor

from kanwidget.training.jacobian.parameter_vector import LayerIndex
from kanwidget.training.jacobian.stack import Stack


class Parameters(Protocol):
    """Layout of the free parameters of networks as a vector each, see `ParameterVector`."""

    @property
    def layers(self) -> tuple[LayerIndex, ...]:
        """The index of each layer."""

    @property
    def size(self) -> int:
        """Length of a vector."""

    def read(self, stack: Stack) -> Tensor:
        """The vectors, `(networks, size)`."""

    def write(self, stack: Stack, vector: Tensor) -> None:
        """Set the parameters from vectors."""


class LeastSquares(Protocol):
    """Objectives of networks side by side, each a sum of squares or close to one."""

    @property
    def stack(self) -> Stack:
        """The networks."""

    @property
    def lamb(self) -> Tensor:
        """Weights of the penalties, `(networks,)`."""

    def parameter_vector(self) -> Any:
        """`Parameters` that may be moved."""

    def trivial_loss(self) -> Tensor:
        """A loss that a network beats once it has learnt anything, `(networks,)`."""

    def units(self, parameters: Any, trivial: Tensor) -> tuple[Tensor, Tensor]:
        """Weights of each parameter's magnitude and of second differences: 1/its unit, both `(networks, size)`."""

    def value(self, *, derivatives: bool) -> Any:
        """The objectives at the current parameters: `loss`, `penalty` and `total`, `(networks,)`, and `put`."""

    def normal(self, parameters: Any, value: Any, check: Callable[[], None]) -> tuple[Tensor, Tensor]:
        """Gauss-Newton matrices and gradients of the losses; `check` may raise between chunks."""

    def add_penalty(self, matrix: Tensor, gradient: Tensor, parameters: Any, value: Any) -> None:
        """Add gradient and curvature of the penalties."""

    def acceleration(self, parameters: Any, value: Any, start: Tensor, step: Tensor) -> Tensor | None:
        """Jᵀ·H·f″, `(networks, size)`, with f″ the second derivative of outputs or residuals along steps; None for straight steps.

        The parameters are those of the start before and after. Only a single network's `value` is that of its start.
        """

    def __getitem__(self, networks: Tensor) -> LeastSquares:
        """The objectives of copies of a part of the networks."""
