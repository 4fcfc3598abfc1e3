"""`LeastSquares`: the objectives that Levenberg-Marquardt can minimize, and two quadratic terms beside them: damping metric and ridge.

Both penalize second differences of the coefficients of a spline. Far from a minimum a fine grid then moves like a coarse one, where
plain damping lets neighboring coefficients run apart into local minima.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from kanwidget.training.jacobian.parameter_vector import ParameterVector
from kanwidget.training.jacobian.stack import LayerStack, Stack
from kanwidget.training.objective.gauss_newton import add_blocks

#: Weight of second differences in the metric, times G⁴ (their square is the fourth power of the spacing).
_ROUGHNESS = 1e-5
#: Weight of the ridge in parts of the loss: of squares of the coefficients (in their units), and of their second differences.
_RIDGE_SIZE, _RIDGE_ROUGHNESS = 1e-6, 1e-6
#: Order of the differences that `smoothness` weighs: what the data leave undetermined continues as a polynomial of one degree less.
_SMOOTH_ORDER = 6


class LeastSquares(Protocol):
    """Objectives of networks side by side, each a sum of squares or close to one."""

    stack: Stack
    """The networks."""
    lamb: Tensor
    """Weights of the penalties, `(networks,)`."""

    def parameter_vector(self) -> Any:
        """The layout of the parameters that may be moved, a `ParameterVector`."""

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

        J is the Jacobian of outputs or residuals, H the loss's curvature in them; a step is corrected by it (geodesic acceleration). The
        parameters are those of the start before and after. Only a single network's `value` is that of its start.
        """

    def __getitem__(self, networks: Tensor) -> LeastSquares:
        """The objectives of copies of a part of the networks."""


def damping_metric(objective: LeastSquares, parameters: ParameterVector) -> Tensor:
    """The metric of the damping, `(size, size)`: the identity and, for splines, second differences of the coefficients.

    A step δ costs in proportion to the damping and to δᵀMδ. Times G⁴, G the number of intervals, squared second differences are as squared
    second derivatives. `parameters` is the layout of the vector.
    """
    metric = torch.eye(parameters.size, dtype=torch.float64, device=objective.lamb.device)
    _add_roughness(metric, objective, parameters, 2, lambda layer: _ROUGHNESS * layer.grid_size**4)
    return metric


def ridge(
    objective: LeastSquares, parameters: ParameterVector, size: Tensor, spread: Tensor, smoothness: float = 0.0
) -> Tensor:
    """Ridge matrices, `(networks, size, size)`, to be multiplied by the loss.

    At 1e-6 they decide only directions that the data leave undetermined.
    Splines have such directions: a constant moved from one edge of a sum to the next, a base function that the spline can
    imitate, an interval without samples. Without a ridge steps go far along them for gains of round-off, and the curve between
    two samples may be anything: the default KAN([1, 1]) on the 12 measurements of puromycin dips to -113 between rates that
    rise from 50 to 200. Multiplied by the loss, the ridge vanishes where the fit is exact.

    Args:
        objective: The networks.
        parameters: Layout of their free parameters.
        size: Weight of each parameter's magnitude (1/its unit), `(networks, size)`, see `LeastSquares.units`.
        spread: The same for second differences.
        smoothness: Weight of the mean square of every spline's sixth derivative, over a grid of length 1.
    """
    rough = torch.zeros(parameters.size, parameters.size, dtype=torch.float64, device=objective.lamb.device)
    _add_roughness(rough, objective, parameters, 2, lambda _: _RIDGE_ROUGHNESS)
    if smoothness:
        # A sixth derivative is a difference of the coefficients by the sixth power of the spacing, whose inverse is the grid size G.
        # Its square has G¹², and the mean over the G intervals takes one away.
        power = 2 * _SMOOTH_ORDER - 1
        _add_roughness(rough, objective, parameters, _SMOOTH_ORDER, lambda layer: smoothness * layer.grid_size**power)
    matrices = rough * spread[:, :, None] * spread[:, None]
    for index in parameters.layers:
        numeric = index.numeric[index.numeric >= 0]  # coefficients and base weights that are free
        matrices[:, numeric, numeric] += _RIDGE_SIZE * size[:, numeric] ** 2
    return matrices


def _add_roughness(
    matrix: Tensor,
    objective: LeastSquares,
    parameters: ParameterVector,
    order: int,
    weight: Callable[[LayerStack], float],
) -> None:
    """Add the squares of the differences of every spline's coefficients to a quadratic form. In place.

    Left out are edges of a column of words (texts): their coefficients, a value for each word (`levels`), have no neighbours.

    Args:
        matrix: The form, `(size, size)`.
        objective: The networks.
        parameters: Layout of their free parameters.
        order: Order of the differences.
        weight: Gives the squares' factor for a layer.
    """
    for layer, index in zip(objective.stack.layers, parameters.layers, strict=True):
        count = layer.grid_size + layer.k
        if count > order:
            difference = torch.eye(count, dtype=torch.float64, device=matrix.device).diff(n=order, dim=0)
            numbers = [source for source, levels in enumerate(layer.levels) if not levels]
            add_blocks(matrix[None], index.numeric[:, numbers, :count], difference.T @ difference * weight(layer))
