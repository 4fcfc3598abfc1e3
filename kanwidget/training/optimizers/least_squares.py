"""What Levenberg-Marquardt can minimise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from torch import Tensor

from kanwidget.training.jacobian.parameter_vector import LayerMap
from kanwidget.training.jacobian.stack import Stack


class Places(Protocol):
    """Where the free parameters of networks stand in a vector each, see `ParameterMap`."""

    @property
    def layers(self) -> tuple[LayerMap, ...]:
        """Those of the layers."""

    @property
    def size(self) -> int:
        """Length of a vector."""

    def read(self, stack: Stack) -> Tensor:
        """The vectors, `(networks, size)`."""

    def write(self, stack: Stack, vector: Tensor) -> None:
        """Set the parameters from vectors."""


class LeastSquares(Protocol):
    """What `LevenbergMarquardt` can minimise: objectives of networks side by side."""

    stack: Stack
    lamb: Tensor
    """Weights of the penalties, `(networks,)`."""

    def positions(self) -> Any:
        """`Places` of what may be moved."""

    def trivial_loss(self) -> Tensor:
        """What a network that has learnt something must beat, `(networks,)`."""

    def units(self, positions: Any, trivial: Tensor) -> tuple[Tensor, Tensor]:
        """What each parameter is measured in, `(networks, size)`, as 1/unit: in sizes, and in second differences."""

    def value(self, *, slopes: bool) -> Any:
        """The objectives at the present parameters: `loss`, `penalty` and `total`, `(networks,)`, and `put`."""

    def normal(self, positions: Any, value: Any, check: Callable[[], None]) -> tuple[Tensor, Tensor]:
        """Gauss-Newton matrices and gradients of the losses; `check` may raise between chunks."""

    def add_penalty(self, matrix: Tensor, gradient: Tensor, positions: Any, value: Any) -> None:
        """Add gradient and curvature of the penalties."""

    def bend(self, positions: Any, value: Any, start: Tensor, step: Tensor) -> Tensor | None:
        """Jᵀ·H·f″ with f″ the second derivative of outputs or residuals along steps, `(networks, size)`; None for steps that stay straight.

        The parameters are those of the start before and after. Only a single network's `value` is that of its start.
        """

    def __getitem__(self, networks: Tensor) -> LeastSquares:
        """The objectives of copies of some of the networks."""
