"""The quadratic model of objectives on data: Gauss-Newton matrix and gradient of the loss, and the penalty's part in both.

The matrix is summed over chunks of rows, so memory is bounded. The penalty R isn't a sum of squares: it
enters with its exact gradient, and for curvature with the majorizer of each edge's standard deviation s = √(wᵀMw),
s ≤ wᵀMw/(2s₀) + s₀/2, M the covariance of the edge's basis functions: an iteratively reweighted group lasso.

References:
    Yuan and Lin, "Model selection and estimation in regression with grouped variables", JRSS B 68 (2006).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from kanwidget.training.jacobian.forward import ForwardTrace
from kanwidget.training.jacobian.jacobian import jacobian
from kanwidget.training.jacobian.parameter_vector import ParameterVector
from kanwidget.training.objective.batch import Batch
from kanwidget.training.objective.penalty import INPUT_FLOOR
from kanwidget.training.objective.penalty_gradient import penalty_gradient
from kanwidget.training.objective.standard_deviations import Deviations

#: Bytes of one chunk of the Jacobian of a network, and of small networks that share a chunk.
_CHUNK_BYTES, _SHARED_BYTES = 1 << 25, 1 << 22
#: Labels with a smaller mean square count as 0 and have no unit.
_SMALLEST_SQUARE = 1e-200
#: A smaller spread, in parts of the mean square, counts as this.
_SMALLEST_SPREAD = 1e-12


def normal_equations(
    batch: Batch, parameters: ParameterVector, trace: ForwardTrace, check: Callable[[], None]
) -> tuple[Tensor, Tensor]:
    """Gauss-Newton matrices of the losses, `(networks, size, size)`, and gradients; `check` may raise between chunks."""
    size = parameters.size
    count, n_rows, outputs = trace.output.shape
    matrix = torch.zeros(count, size, size, dtype=torch.float64, device=trace.output.device)
    gradient = matrix.new_zeros(count, size)
    chunk_networks, chunk_rows = _chunk(count, n_rows, size * outputs * trace.output.element_size())
    for networks in _slices(count, chunk_networks):
        for rows in _slices(n_rows, chunk_rows):
            check()
            _add_chunk(matrix[networks], gradient[networks], batch, parameters, trace, networks, rows)
    matrix /= n_rows
    return matrix, gradient


def _add_chunk(
    matrix: Tensor,
    gradient: Tensor,
    batch: Batch,
    parameters: ParameterVector,
    trace: ForwardTrace,
    networks: slice,
    rows: slice,
) -> None:
    loss, part = batch.loss, trace.part(networks, rows)
    assert loss.gradient is not None and loss.factor is not None  # the table of optimizers allows no other loss
    weight = None if batch.weight is None else batch.weight[networks, rows]
    share = part.output.shape[1] / batch.y.shape[1]
    in_outputs = loss.gradient(part.output, batch.y[networks, rows], weight) * share
    jac = jacobian(batch.stack[networks], parameters, part)
    gradient += (in_outputs.flatten(1)[:, None] @ jac.flatten(1, 2))[:, 0]
    factor = loss.factor(part.output, weight, jac).flatten(1, 2)
    if factor.dtype == matrix.dtype:
        matrix.baddbmm_(factor.mT, factor)
    else:
        matrix += torch.bmm(factor.mT, factor)


def add_penalty(
    matrix: Tensor, gradient: Tensor, batch: Batch, parameters: ParameterVector, trace: ForwardTrace
) -> None:
    """Add the penalties' gradients and the majorizers' curvature."""
    with torch.no_grad():
        deviations = batch.deviations(trace)
        in_parameters, in_importance = penalty_gradient(batch, parameters, trace, deviations)
        gradient += batch.lamb[:, None] * in_parameters
        # Only forward metrics are proportional to an edge's own deviation.
        if batch.penalty.metric.startswith("edge_forward"):
            add_curvature(matrix, batch, parameters, trace, deviations, in_importance)


def add_curvature(
    matrix: Tensor,
    batch: Batch,
    parameters: ParameterVector,
    trace: ForwardTrace,
    deviations: Deviations,
    in_importance: list[Tensor],
) -> None:
    """Add the majorizer's curvature, one block an edge; concave parts (∂R/∂V < 0) add nothing."""
    for index, derivative in enumerate(in_importance):
        root = deviations.root if index == 0 else None
        covariance = _covariance(trace.designs[index]) if root is None else root.double().mT @ root.double()
        factor = batch.lamb[:, None, None] * derivative.clamp_min(0) / deviations.of("splines")[index].clamp_min(1e-7)
        if batch.penalty.metric != "edge_forward_spline_u":
            factor = factor / (deviations.of("nodes")[index] + INPUT_FLOOR)[:, None]
        add_blocks(matrix, parameters.layers[index].numeric, factor[..., None, None] * covariance[:, None])


def _covariance(design: Tensor) -> Tensor:
    """Covariance of each input's basis functions over the rows, `(networks, in, G + k + 1, G + k + 1)`, float64.

    The basis functions' sum is constant: the round-off of its variance is divided by deviations, which may be small.
    """
    rows = max(1, design.shape[1] - 1)
    centered = design.double() - design.double().mean(1, keepdim=True)
    # Input by input: a product takes these views without a copy, where one call for all would copy the design.
    return torch.stack([torch.bmm(part.mT, part) for part in centered.unbind(2)], 1) / rows


def units(batch: Batch, parameters: ParameterVector, spread: Tensor) -> tuple[Tensor, Tensor]:
    """Weights of each parameter's magnitude and of second differences: 1/its unit, both `(networks, size)`.

    Parameters that multiply the outputs have the labels' unit. With these weights a training in other units takes the same steps.

    Returns:
        By the labels' root mean square, since the outputs have to carry their mean too; and by their standard deviation, for second
        differences, in which a mean has no part.
    """
    sizes = spread.new_ones(len(spread), parameters.size)
    deviations = sizes.clone()
    if batch.loss.classes:
        return sizes, deviations
    squares = batch.y.double().square()
    square = (squares if batch.weight is None else squares * batch.weight).mean((1, 2))
    has_unit = square > _SMALLEST_SQUARE
    last = parameters.layers[-1]
    for part in (last.numeric, last.affine[..., 2:]):
        factors = part[part >= 0]
        sizes[:, factors] = torch.where(has_unit, square**-0.5, 1.0)[:, None]
        bounded = torch.maximum(spread, _SMALLEST_SPREAD * square)
        deviations[:, factors] = torch.where(has_unit, bounded**-0.5, 1.0)[:, None]
    return sizes, deviations


def add_blocks(matrix: Tensor, index: Tensor, blocks: Tensor) -> None:
    """Add a block `(networks, out, in, n, n)` for every edge whose n parameters have the index `(out, in, n)`."""
    size = matrix.shape[-1]
    rows, columns = index[..., :, None], index[..., None, :]
    free = (rows >= 0) & (columns >= 0)
    flat = (rows * size + columns)[free]
    values = blocks.expand(len(matrix), *index.shape[:2], -1, -1)[:, free]
    matrix.view(len(matrix), -1).index_add_(1, flat, values.to(matrix.dtype))


def _chunk(count: int, batch: int, row_bytes: int) -> tuple[int, int]:
    """Number of networks, and of rows of each, in a chunk of the Jacobian."""
    rows = max(1, min(batch, _CHUNK_BYTES // max(1, row_bytes)))
    return max(1, min(count, _SHARED_BYTES // max(1, rows * row_bytes))), rows


def _slices(length: int, step: int) -> Iterator[slice]:
    return (slice(first, min(first + step, length)) for first in range(0, length, step))
