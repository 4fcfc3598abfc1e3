"""The quadratic model of objectives on data: Gauss-Newton matrix, gradient, and what the penalty adds to both.

The matrix is summed over chunks of samples, so memory is bounded. The penalty R isn't a sum of squares: it
enters with its exact gradient, and for curvature with the majoriser of each edge's standard deviation s = √(wᵀMw),
s ≤ wᵀMw/(2s₀) + s₀/2, M the covariance of the edge's basis functions: an iteratively reweighted group lasso.

References:
    Yuan and Lin, "Model selection and estimation in regression with grouped variables", JRSS B 68 (2006).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanwidget.training.jacobian.jacobian import jacobian
from kanwidget.training.jacobian.parameter_vector import ParameterMap
from kanwidget.training.objective.penalty import INPUT_FLOOR
from kanwidget.training.objective.penalty_gradient import penalty_gradient
from kanwidget.training.objective.standard_deviations import Deviations

if TYPE_CHECKING:
    from kanwidget.training.objective.objective import Objective, Value

#: Bytes of one chunk of the Jacobian of a network, and of small ones that share a chunk.
_CHUNK_BYTES, _TOGETHER_BYTES = 1 << 25, 1 << 22
#: Labels whose mean square is below are 0: they have no unit.
_SMALLEST_SQUARE = 1e-200
#: And a spread below this part of it is counted as this.
_SMALLEST_SPREAD = 1e-12


def normal_equations(
    objective: Objective, positions: ParameterMap, value: Value, check: Callable[[], None]
) -> tuple[Tensor, Tensor]:
    """Gauss-Newton matrices of the losses, `(networks, size, size)`, and gradients; `check` may raise between chunks."""
    run, size = value.run, positions.size
    count, batch, outputs = run.output.shape
    matrix = torch.zeros(count, size, size, dtype=torch.float64, device=run.output.device)
    gradient = matrix.new_zeros(count, size)
    together, rows = _chunk(count, batch, size * outputs * run.output.element_size())
    for some in _slices(count, together):
        for part in _slices(batch, rows):
            check()
            _add_chunk(matrix[some], gradient[some], objective, positions, value, some, part)
    matrix /= batch
    return matrix, gradient


def _add_chunk(
    matrix: Tensor,
    gradient: Tensor,
    objective: Objective,
    positions: ParameterMap,
    value: Value,
    some: slice,
    part: slice,
) -> None:
    loss, run = objective.loss, value.run.part(some, part)
    assert loss.gradient is not None and loss.factor is not None  # `OPTIMIZERS` sees to it
    weight = None if objective.weight is None else objective.weight[some, part]
    share = run.output.shape[1] / objective.y.shape[1]
    slopes = loss.gradient(run.output, objective.y[some, part], weight) * share
    jac = jacobian(objective.stack[some], positions, run)
    gradient += (slopes.flatten(1)[:, None] @ jac.flatten(1, 2))[:, 0]
    factor = loss.factor(run.output, weight, jac).flatten(1, 2)
    if factor.dtype == matrix.dtype:
        matrix.baddbmm_(factor.mT, factor)
    else:
        matrix += torch.bmm(factor.mT, factor)


def add_penalty(matrix: Tensor, gradient: Tensor, objective: Objective, positions: ParameterMap, value: Value) -> None:
    """Add the penalties' gradients and the majorisers' curvature."""
    with torch.no_grad():
        deviations = objective.deviations(value.run)
        slopes, in_importance = penalty_gradient(objective, positions, value.run, deviations)
        gradient += objective.lamb[:, None] * slopes
        # Only forward metrics are proportional to an edge's own deviation.
        if objective.penalty.metric.startswith("edge_forward"):
            add_curvature(matrix, objective, positions, value, deviations, in_importance)


def add_curvature(
    matrix: Tensor,
    objective: Objective,
    positions: ParameterMap,
    value: Value,
    deviations: Deviations,
    in_importance: list[Tensor],
) -> None:
    """Add the majoriser's curvature, one block an edge; concave parts (∂R/∂V < 0) add nothing."""
    for index, slope in enumerate(in_importance):
        root = deviations.root if index == 0 else None
        covariance = _covariance(value.run.designs[index]) if root is None else root.double().mT @ root.double()
        factor = objective.lamb[:, None, None] * slope.clamp_min(0) / deviations.of("splines")[index].clamp_min(1e-7)
        if objective.penalty.metric != "edge_forward_spline_u":
            factor = factor / (deviations.of("nodes")[index] + INPUT_FLOOR)[:, None]
        add_blocks(matrix, positions.layers[index].numeric, factor[..., None, None] * covariance[:, None])


def _covariance(design: Tensor) -> Tensor:
    """Of each input's basis functions over the samples, `(networks, in, G + k + 1, G + k + 1)`, float64.

    The basis functions' sum is constant: what rounding leaves of its variance is divided by deviations, which may be small.
    """
    rows = max(1, design.shape[1] - 1)
    centred = design.double() - design.double().mean(1, keepdim=True)
    # Input by input: views that a product takes as they are, where one call for all would copy the design.
    return torch.stack([torch.bmm(part.mT, part) for part in centred.unbind(2)], 1) / rows


def units(objective: Objective, positions: ParameterMap, spread: Tensor) -> tuple[Tensor, Tensor]:
    """What each parameter is measured in, `(networks, size)`, as 1/unit: those that multiply the outputs in the labels' unit.

    With it a training in other units takes the same steps.

    Returns:
        By the labels' root mean square, since the outputs have to carry their mean too; and by their standard deviation, for second
        differences, in which a mean has no part.
    """
    sizes = spread.new_ones(len(spread), positions.size)
    deviations = sizes.clone()
    if objective.loss.classes:
        return sizes, deviations
    squares = objective.y.double().square()
    square = (squares if objective.weight is None else squares * objective.weight).mean((1, 2))
    some = square > _SMALLEST_SQUARE  # labels of 0 have no unit
    last = positions.layers[-1]
    for part in (last.numeric, last.affine[..., 2:]):
        multiplies = part[part >= 0]
        sizes[:, multiplies] = torch.where(some, square**-0.5, 1.0)[:, None]
        least = torch.maximum(spread, _SMALLEST_SPREAD * square)
        deviations[:, multiplies] = torch.where(some, least**-0.5, 1.0)[:, None]
    return sizes, deviations


def add_blocks(matrix: Tensor, positions: Tensor, blocks: Tensor) -> None:
    """Add a block `(networks, out, in, n, n)` for every edge whose n parameters stand at `positions`, `(out, in, n)`."""
    size = matrix.shape[-1]
    rows, columns = positions[..., :, None], positions[..., None, :]
    free = (rows >= 0) & (columns >= 0)
    flat = (rows * size + columns)[free]
    every = blocks.expand(len(matrix), *positions.shape[:2], -1, -1)[:, free]
    matrix.view(len(matrix), -1).index_add_(1, flat, every.to(matrix.dtype))


def _chunk(count: int, batch: int, row_bytes: int) -> tuple[int, int]:
    """How many networks, and how many rows of each, make a chunk of the Jacobian."""
    rows = max(1, min(batch, _CHUNK_BYTES // max(1, row_bytes)))
    return max(1, min(count, _TOGETHER_BYTES // max(1, rows * row_bytes))), rows


def _slices(length: int, step: int) -> Iterator[slice]:
    return (slice(first, min(first + step, length)) for first in range(0, length, step))
