"""The quadratic model of objectives on data: Gauss-Newton matrix and gradient of the loss, and the penalty's part in both.

The matrix is summed over chunks of rows, so memory is bounded. The penalty R isn't a sum of squares: it
enters with its exact gradient, and for curvature with the majorizer of each edge's standard deviation s = √(wᵀMw),
s ≤ wᵀMw/(2s₀) + s₀/2, M the covariance of the edge's basis functions: an iteratively reweighted group lasso. The gradient takes one
backward sweep over the trace that the Jacobian uses too: autograd differentiates only the step from deviations to importances, one
number an edge, and from there the chain rule goes through the designs and derivatives of the trace.

References:
    Yuan and Lin, "Model selection and estimation in regression with grouped variables", JRSS B 68 (2006).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from kanwidget.training.jacobian.forward import ForwardTrace
from kanwidget.training.jacobian.jacobian import affine_derivatives, jacobian, to_subnodes
from kanwidget.training.jacobian.parameter_vector import LayerIndex, ParameterVector
from kanwidget.training.jacobian.stack import LayerStack, Stack
from kanwidget.training.objective.batch import Batch
from kanwidget.training.objective.penalty import INPUT_FLOOR, METRICS
from kanwidget.training.objective.standard_deviations import Deviations, Kind

#: Bytes of one chunk of the Jacobian of a network, and of small networks that share a chunk.
_CHUNK_BYTES, _SHARED_BYTES = 1 << 25, 1 << 22
#: A matrix FᵀF of more columns is made in strips of the second number of columns.
_LARGE_SQUARE, _SQUARE_COLUMNS = 150, 64
#: Labels with a smaller mean square count as 0 and have no unit.
_SMALLEST_SQUARE = 1e-200
#: A smaller spread, in parts of the mean square, counts as this.
_SMALLEST_SPREAD = 1e-12


def normal_equations(
    batch: Batch, parameters: ParameterVector, trace: ForwardTrace, check: Callable[[], None]
) -> tuple[Tensor, Tensor]:
    """Gauss-Newton matrices of the mean losses, `(networks, size, size)`, and their gradients in the free parameters, `(networks, size)`.

    Args:
        batch: Networks, data and loss.
        parameters: Layout of the free parameters.
        trace: A trace with derivatives, at the networks' current parameters. One without inner values is made anew, chunk by chunk.
        check: Called between chunks. It may raise, to interrupt.
    """
    size = parameters.size
    count, n_rows, outputs = trace.output.shape
    matrix = torch.zeros(count, size, size, dtype=torch.float64, device=trace.output.device)
    gradient = matrix.new_zeros(count, size)
    loss, row_bytes = batch.loss, max(1, size * outputs * trace.output.element_size())
    assert loss.gradient is not None and loss.factor is not None  # the table of optimizers allows no other loss
    chunk_rows = max(1, min(n_rows, _CHUNK_BYTES // row_bytes))
    for networks in _slices(count, max(1, min(count, _SHARED_BYTES // (chunk_rows * row_bytes)))):
        for rows in _slices(n_rows, chunk_rows):
            check()
            stack = batch.stack[networks]
            part = (
                trace.part(networks, rows)
                if trace.is_whole
                else batch.first_design.part_of(stack, networks, rows, derivatives=True)
            )
            weight = None if batch.weight is None else batch.weight[networks, rows]
            # Gradient and residual of a chunk are of the chunk's mean loss, which counts by its part of all rows.
            of_rows, share = (part.output, batch.y[networks, rows], weight), part.output.shape[1] / n_rows
            # S·J, with SᵀS the curvature of the rows' losses in their outputs: its square is their Gauss-Newton matrix.
            factor = jacobian(stack, parameters, part, loss.factor(part.output, weight)).flatten(1, 2)
            add_square(matrix[networks], factor)
            if loss.residual is None:
                gradient[networks] += share * _backward(stack, parameters, part, loss.gradient(*of_rows))
            else:
                gradient[networks] += share * (loss.residual(*of_rows).flatten(1)[:, None] @ factor)[:, 0]
    matrix /= n_rows
    return matrix, gradient


def add_square(matrix: Tensor, factor: Tensor) -> None:
    """Add FᵀF. In place.

    Args:
        matrix: Symmetric, `(networks, size, size)`.
        factor: F, `(networks, rows, size)`.
    """
    size = matrix.shape[-1]
    # Of a symmetric matrix half is enough, where it is large: the strips begin on the diagonal.
    for part in _slices(size, _SQUARE_COLUMNS if size > _LARGE_SQUARE else max(1, size)):
        strip = torch.bmm(factor[..., part].mT, factor[..., part.start :])
        matrix[:, part, part.start :] += strip
        matrix[:, part.stop :, part] += strip[..., strip.shape[1] :].mT


def add_penalty(
    matrix: Tensor, gradient: Tensor, batch: Batch, parameters: ParameterVector, trace: ForwardTrace
) -> None:
    """Add lamb times the penalties' gradients to `gradient`, `(networks, size)`, and a curvature to `matrix`. In place.

    The curvature is that of majorizers, quadratics that are nowhere below the penalties; see `add_curvature`.

    Args:
        matrix: Gauss-Newton matrices of the losses, `(networks, size, size)`.
        gradient: Gradients of the losses, `(networks, size)`.
        batch: Networks, data and penalty.
        parameters: Layout of the free parameters.
        trace: A whole trace with derivatives, at the current parameters.
    """
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
    """Add the curvature of a quadratic that is nowhere below the penalty lamb·R, one block an edge; where ∂R/∂V < 0 it is 0. In place.

    Args:
        matrix: `(networks, size, size)`.
        batch: Networks and penalty, whose metric looks forward.
        parameters: Layout of the free parameters.
        trace: The trace, with the designs.
        deviations: Deviations of that trace.
        in_importance: Derivatives of R in the importances V, per layer, `(networks, out, in)`.
    """
    # With w the weights of an edge's basis functions, and M their covariance over the rows, the edge's standard deviation is s = √(wᵀMw).
    for index, derivative in enumerate(in_importance):
        root = deviations.root if index == 0 else None
        covariance = _covariance(trace.designs[index]) if root is None else root.double().mT @ root.double()
        # It is at most wᵀMw/(2s₀) + s₀/2, s₀ being s as it is now, whose second derivative is M/s₀. V is s, or s by the input's deviation.
        factor = batch.lamb[:, None, None] * derivative.clamp_min(0) / deviations.of("splines")[index].clamp_min(1e-7)
        if batch.penalty.metric != "edge_forward_spline_u":
            factor = factor / (deviations.of("nodes")[index] + INPUT_FLOOR)[:, None]
        add_blocks(matrix, parameters.layers[index].numeric, factor[..., None, None] * covariance[:, None])


def _covariance(design: Tensor) -> Tensor:
    """Covariance of each input's basis functions over the rows of a design, `(networks, in, B + 1, B + 1)`, float64.

    Why float64: the basis functions' sum is constant, and the round-off of its variance is divided by deviations, which may be small.
    """
    rows = max(1, design.shape[1] - 1)
    centered = design.double() - design.double().mean(1, keepdim=True)
    # Input by input: a product takes these views without a copy, where one call for all would copy the design.
    return torch.stack([torch.bmm(part.mT, part) for part in centered.unbind(2)], 1) / rows


def units(batch: Batch, parameters: ParameterVector, spread: Tensor) -> tuple[Tensor, Tensor]:
    """Weights of each parameter's magnitude and of second differences: 1/its unit, both `(networks, size)`.

    Those in which the outputs are linear (coefficients, base weights, c and d of the last layer) have the labels' unit. All others have the
    weight 1, and so have all where labels are class numbers.
    With these weights a training in other units takes the same steps.

    Args:
        batch: Networks, labels and weights.
        parameters: Layout of the free parameters.
        spread: Variance of the labels, `(networks,)`.

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
    """Add a block `(networks, out, in, n, n)` for every edge whose n parameters have the index `(out, in, n)`. In place.

    The matrix is `(networks, size, size)`. Rows and columns of parameters with the index -1, which aren't free, are left out.
    """
    size = matrix.shape[-1]
    rows, columns = index[..., :, None], index[..., None, :]
    free = (rows >= 0) & (columns >= 0)
    flat = (rows * size + columns)[free]
    values = blocks.expand(len(matrix), *index.shape[:2], -1, -1)[:, free]
    matrix.view(len(matrix), -1).index_add_(1, flat, values.to(matrix.dtype))


def _slices(length: int, step: int) -> Iterator[slice]:
    """Slices of at most `step` places that follow each other from 0 to `length`."""
    return (slice(first, min(first + step, length)) for first in range(0, length, step))


# ---- gradients by one sweep: the penalty's, and that of a loss without residuals


def penalty_gradient(
    batch: Batch, parameters: ParameterVector, trace: ForwardTrace, deviations: Deviations
) -> tuple[Tensor, list[Tensor]]:
    """Gradients of the penalty R, without its weight lamb.

    Args:
        batch: Networks and penalty.
        parameters: Layout of the free parameters.
        trace: A trace with derivatives, at the current parameters.
        deviations: Deviations of that trace.

    Returns:
        In the free parameters, `(networks, size)`, and in the importances V of each layer.
    """
    penalty = batch.penalty
    in_values, in_weights, in_importance = _direct(batch, deviations)
    vector = _backward(batch.stack, parameters, trace, torch.zeros_like(trace.output), in_values, in_weights)
    if penalty.coef > 0 or penalty.coefdiff > 0:
        vector = vector + _of_coefficients(batch, parameters)
    return vector, in_importance


def _backward(
    stack: Stack,
    parameters: ParameterVector,
    trace: ForwardTrace,
    in_outputs: Tensor,
    in_values: Mapping[tuple[Kind, int], Tensor] = MappingProxyType({}),
    in_weights: Tensor | None = None,
) -> Tensor:
    """The gradient in the free parameters, `(networks, size)`, by one sweep over the layers.

    Args:
        stack: The networks.
        parameters: Layout of the free parameters.
        trace: A trace with derivatives.
        in_outputs: Derivatives in the outputs, `(networks, batch, outputs)`.
        in_values: Partial derivatives in values at the rows, `(networks, batch, …)`, by their kind (nodes, subnodes, edges, or splines
            without functions) and layer; others are 0.
        in_weights: Those in the weights of the first layer, `(networks, out, in, B + 1)`; None for 0.
    """
    # `down` are the derivatives in the nodes above a layer.
    vector, down = in_outputs.new_zeros(len(in_outputs), parameters.size), in_outputs
    for index in reversed(range(len(stack.layers))):
        layer, layer_index = stack.layers[index], parameters.layers[index]
        subnodes = to_subnodes(stack, index + 1, trace.subnodes[index], down[:, :, None])[:, :, 0]
        subnodes = _sum(subnodes, in_values.get(("subnodes", index)))
        edges = _sum(subnodes[..., None], in_values.get(("edges", index)))
        numeric = _sum(edges, in_values.get(("splines", index)))
        _add_numeric(vector, layer_index, numeric, trace.designs[index], in_weights if index == 0 else None)
        _add_symbolic(vector, layer_index, layer, edges.expand(*subnodes.shape, layer.in_dim), trace.nodes[index])
        if index > 0:
            phi_derivatives = torch.einsum("snib,soib->snoi", trace.derivatives[index - 1], layer.weight().detach())
            down = _sum((numeric * phi_derivatives).sum(-2), in_values.get(("nodes", index)))
            if layer.symbols:
                down = down + (edges * layer.symbolic_edges(trace.nodes[index], 1).detach()).sum(-2)
    return vector


def _direct(batch: Batch, deviations: Deviations) -> tuple[dict[tuple[Kind, int], Tensor], Tensor | None, list[Tensor]]:
    """Derivatives of the penalty in the values whose standard deviations it is made of, by which `_backward` goes on through the layers.

    The penalty R depends on importances V of the edges, and V on standard deviations over the rows.

    Returns:
        Those in values at the rows, by kind and layer; those in the first layer's weights, `(networks, out, in, B + 1)`, None where it
        enters by its values or not at all; and those in the importances V, per layer.
    """
    metric = METRICS[batch.penalty.metric]
    leaves = {kind: [t.detach().requires_grad_(True) for t in deviations.of(kind)] for kind in metric.kinds}
    # Autograd goes from the deviations, as leaves, to V alone; the derivatives of R in V are formulas.
    flat = [t for part in leaves.values() for t in part]
    with torch.enable_grad():
        importance = metric.importance(batch.stack.template, *leaves.values())
    derivatives = batch.penalty.derivatives([v.detach() for v in importance])
    moving = [(v, derivative) for v, derivative in zip(importance, derivatives, strict=True) if v.requires_grad]
    gradients = torch.autograd.grad(
        [v for v, _ in moving], flat, [derivative for _, derivative in moving], allow_unused=True
    )
    by_leaf = {id(t): gradient for t, gradient in zip(flat, gradients, strict=True) if gradient is not None}
    in_values: dict[tuple[Kind, int], Tensor] = {}
    in_weights: Tensor | None = None
    for kind, part in leaves.items():
        for index, leaf in enumerate(part):
            # Nothing moves the inputs.
            if id(leaf) in by_leaf and (kind, index) != ("nodes", 0):
                values, weights = deviations.derivatives(kind, index, by_leaf[id(leaf)])
                in_weights = in_weights if weights is None else weights
                if values is not None:
                    in_values[kind, index] = values
    return in_values, in_weights, derivatives


def _sum(value: Tensor, summand: Tensor | None) -> Tensor:
    """The sum of both; None counts as 0."""
    return value if summand is None else value + summand


def _add_numeric(vector: Tensor, index: LayerIndex, numeric: Tensor, design: Tensor, in_weights: Tensor | None) -> None:
    """Add a layer's derivatives in coefficients and base weights to `vector`, `(networks, size)`. In place.

    Args:
        vector: The gradient so far.
        index: Where the layer's parameters stand in it; -1 for fixed ones.
        numeric: Derivatives in the splines' values, `(networks, batch, out, in)`, or `(…, 1)` if they are the same for all inputs.
        design: The layer's basis functions at the rows, `(networks, batch, in, B + 1)`.
        in_weights: Derivatives in the weights themselves, `(networks, out, in, B + 1)`; None for 0.
    """
    free = index.numeric >= 0
    if not bool(free.any()):
        return
    if numeric.shape[-1] == 1:  # the same for all edges to a subnode
        weights = torch.bmm(numeric[..., 0].mT, design.flatten(2)).unflatten(-1, design.shape[2:])
    else:
        weights = torch.einsum("snoi,snib->soib", numeric, design)
    vector.index_add_(1, index.numeric[free], _sum(weights, in_weights)[:, free])


def _add_symbolic(vector: Tensor, index: LayerIndex, layer: LayerStack, symbolic: Tensor, nodes: Tensor) -> None:
    """Add derivatives in the constants of symbolic edges. In place.

    Args:
        vector: `(networks, size)`.
        index: Where the layer's parameters stand in it; -1 for fixed ones.
        layer: The layer.
        symbolic: Derivatives in the edges' values, `(networks, batch, out, in)`.
        nodes: The edges' inputs, `(networks, batch, in)`.
    """
    for name, target, source, affine in layer.symbolic_groups():
        derivatives = affine_derivatives(name, affine.detach()[:, None], nodes[..., source])
        constants = (symbolic[:, :, target, source, None] * derivatives).sum(1)
        free = index.affine[target, source] >= 0
        vector.index_add_(1, index.affine[target, source][free], constants[:, free])


def _of_coefficients(batch: Batch, parameters: ParameterVector) -> Tensor:
    """Gradient of the penalty's terms in the coefficients themselves (`coef`, `coefdiff`), `(networks, size)`."""
    with torch.enable_grad():
        return parameters.gradient(batch.penalty.of_coefficients(batch.stack).sum(), batch.stack)
