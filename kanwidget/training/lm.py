"""Levenberg-Marquardt: Gauss-Newton steps, damped until they decrease the true objective.

The normal matrix is summed over chunks of samples, so memory is bounded. The penalty R isn't a sum of squares: it
enters with its exact gradient, and for curvature with the majoriser of each edge's standard deviation s = √(wᵀMw),
s ≤ wᵀMw/(2s₀) + s₀/2, M the covariance of the edge's basis functions: an iteratively reweighted group lasso.

Damping is measured in a metric that also counts second differences of the coefficients: far from a minimum a fine
grid then moves like a coarse one, where plain damping lets neighbouring coefficients run apart into local minima.

References:
    Marquardt, "An algorithm for least-squares estimation of nonlinear parameters", SIAM Journal 11 (1963).
    Nielsen, "Damping parameter in Marquardt's method", IMM-REP-1999-05 (the update of the damping).
    Yuan and Lin, "Model selection and estimation in regression with grouped variables", JRSS B 68 (2006).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.core.layer import Layer
from kanwidget.training.jacobian import Pass, jacobian
from kanwidget.training.objective import Objective, Value
from kanwidget.training.parameters import ParameterMap, parameter_map
from kanwidget.training.penalty import INPUT_FLOOR, deviation

#: Bytes of one chunk of the Jacobian.
_CHUNK_BYTES = 1 << 25
#: Damping at the start, relative to the mean diagonal of the normal matrix, for a network that has learnt nothing; one that fits
#: already starts with proportionally less. Of forty seeds of [2, 1, 1] one ends in a poor minimum with 10, six with 1. With a penalty
#: a slower start lets it choose: of thirty seeds of [2, 5, 1] one keeps a superfluous node with 100, five with 10.
_DAMPING, _DAMPING_SPARSE = 10.0, 100.0
#: Weight of second differences in the metric, times G⁴ (their square is the fourth power of the spacing).
_ROUGHNESS = 1e-5
#: What holds directions that the data don't determine, in parts of the loss: on the squares of the coefficients (in their units),
#: and on those of their second differences. See ARCHITECTURE.md for what they do.
_HOLD_SIZE, _HOLD_ROUGHNESS = 1e-6, 1e-6
#: Labels whose mean square is below are 0: they have no unit.
_SMALLEST_SQUARE = 1e-200
#: And a spread below this part of it is counted as this.
_SMALLEST_SPREAD = 1e-12
#: Beyond this damping a step is too short to matter.
_LARGEST_DAMPING = 1e10
#: So many steps in a row with less relative gain than this, and it has converged.
_SMALL_GAIN, _SMALL_STEPS = 1e-10, 5


class Interrupted(Exception):
    """A step was interrupted; the parameters are those of before it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one step did."""

    loss: float
    penalty: float
    damping: float | None = None
    stopped: str | None = None
    """`converged` or `stalled` when another step can't help."""


class LevenbergMarquardt:
    """Minimises an objective whose loss has a Gauss-Newton factor, step by step.

    Args:
        objective: What to minimise.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.reset()

    def reset(self) -> None:
        """Forget what was learnt about the surroundings: parameters, knots or structure have changed."""
        self.renew()
        unexplained = min(1.0, self._current.loss / self._trivial)
        fresh = _DAMPING_SPARSE if self.objective.penalty.lamb > 0 else _DAMPING
        self.damping = self._start = fresh * max(unexplained, 1e-8)

    def renew(self) -> None:
        """Take notice of changed knots, parameters or settings, and keep the damping."""
        self.positions: ParameterMap = parameter_map(self.objective.network)
        self._trivial = self.objective.trivial_loss()
        self._units, spread = _units(self.objective, self.positions, self._trivial)
        self._metric = _metric(self.objective, self.positions) * self._units[:, None] * self._units
        self._hold = _hold(self.objective, self.positions, self._units, spread)
        self._growth = 2.0
        self._small = 0
        self._current = self.objective.value(slopes=True)
        self._known = self.positions.read(self.objective.network)

    def step(self, interrupted: Callable[[], bool] = lambda: False) -> Outcome:
        """One accepted step, or the news that there is none.

        Whatever interrupts it, the parameters and the damping are those of before the step.
        """
        network, positions = self.objective.network, self.positions
        start = positions.read(network)
        if not torch.equal(start, self._known):  # somebody else, a callback say, has moved them
            self.renew()
        before = self.damping, self._growth
        try:
            return self._search(start, interrupted)
        except BaseException:
            positions.write(network, start)
            self.damping, self._growth = before
            raise

    def _search(self, start: Tensor, interrupted: Callable[[], bool]) -> Outcome:
        network, positions = self.objective.network, self.positions
        matrix, gradient, scale = self._model(interrupted)
        hold = self._hold * min(self._current.loss, self._trivial)
        matrix, gradient = matrix + hold, gradient + hold @ start.to(gradient.dtype)
        while positions.size and self.damping < _LARGEST_DAMPING:
            if interrupted():
                raise Interrupted
            step = _solve(matrix, gradient, self._metric * (self.damping * scale))
            if step is not None:
                moved = start + step.to(start.dtype)
                positions.write(network, moved)
                value = self.objective.value(slopes=True)
                held = float(step @ (hold @ (start + moved).to(step.dtype))) / 2
                gain = self._current.total - value.total - held
                if math.isfinite(value.total) and gain > 0:
                    self._known = moved
                    return self._accept(value, gain, -float(gradient @ step + step @ (matrix @ step) / 2))
            self.damping *= self._growth
            self._growth *= 2
        positions.write(network, start)
        self.damping, self._growth = self._start, 2.0
        return self._outcome("converged" if math.isfinite(self._current.total) else "stalled")

    def _accept(self, value: Value, gain: float, predicted: float) -> Outcome:
        ratio = min(gain / predicted, 1.0) if predicted > 0 else 0.0
        self.damping = max(self.damping * max(0.1, 1 - (2 * ratio - 1) ** 3), 1e-15)
        self._growth = 2.0
        self._small = self._small + 1 if gain <= _SMALL_GAIN * self._current.total else 0
        self._current = value
        return self._outcome("converged" if self._small >= _SMALL_STEPS else None)

    def _outcome(self, stopped: str | None) -> Outcome:
        return Outcome(self._current.loss, self._current.penalty, self.damping, stopped)

    def _model(self, interrupted: Callable[[], bool]) -> tuple[Tensor, Tensor, float]:
        """Matrix and gradient of the quadratic model, and the mean diagonal that damping is relative to."""
        objective, run, size = self.objective, self._current.run, self.positions.size
        batch, outputs = run.output.shape
        matrix = torch.zeros(size, size, dtype=torch.float64, device=run.output.device)
        gradient = matrix.new_zeros(size)
        rows = max(1, _CHUNK_BYTES // max(1, size * outputs * run.output.element_size()))
        with torch.no_grad():
            for first in range(0, batch, rows):
                if interrupted():
                    raise Interrupted
                self._add_chunk(matrix, gradient, slice(first, first + rows))
        matrix /= batch
        scale = float((matrix.diagonal() / self._units**2).mean()) if size else 0.0
        if objective.penalty.lamb > 0 and size:
            slopes, in_importance = objective.penalty_slopes()
            gradient += objective.penalty.lamb * self.positions.gradient(objective.network, slopes)
            # Only forward metrics are proportional to an edge's own deviation.
            if objective.penalty.metric.startswith("edge_forward"):
                self._add_curvature(matrix, in_importance)
        return matrix, gradient, max(scale, torch.finfo(torch.float64).tiny)

    def _add_chunk(self, matrix: Tensor, gradient: Tensor, part: slice) -> None:
        objective = self.objective
        loss, run = objective.loss, _rows(self._current.run, part)
        assert loss.gradient is not None and loss.factor is not None  # `OPTIMIZERS` sees to it
        weight = None if objective.weight is None else objective.weight[part]
        slopes = loss.gradient(run.output, objective.y[part], weight) * (run.output.shape[0] / len(objective.y))
        jac = jacobian(objective.network, self.positions, run)
        gradient += torch.einsum("nkp,nk->p", jac, slopes)
        factor = loss.factor(run.output, weight, jac).flatten(0, 1)
        matrix += factor.T @ factor

    def _add_curvature(self, matrix: Tensor, in_importance: list[Tensor]) -> None:
        """Add the majoriser's curvature, one block an edge; concave parts (∂R/∂V < 0) add nothing."""
        objective, run = self.objective, self._current.run
        for index, slope in enumerate(in_importance):
            layer, design = objective.network.layer(index), run.designs[index]
            centred = design - design.mean(0)
            covariance = torch.einsum("nib,nic->ibc", centred, centred) / max(1, design.shape[0] - 1)
            weight = layer.weight().detach()
            spread = torch.einsum("oib,ibc,oic->oi", weight, covariance, weight).clamp_min(0).sqrt()
            factor = objective.penalty.lamb * slope.clamp_min(0) / spread.clamp_min(1e-7)
            if objective.penalty.metric != "edge_forward_spline_u":
                factor = factor / (deviation(run.nodes[index]) + INPUT_FLOOR)
            blocks = factor[..., None, None] * covariance
            _add_blocks(matrix, self.positions.layers[index].numeric, blocks)


def _add_blocks(matrix: Tensor, positions: Tensor, blocks: Tensor) -> None:
    """Add a block `(out, in, n, n)` for every edge whose n parameters stand at `positions`, `(out, in, n)`."""
    size = matrix.shape[0]
    rows, columns = positions[..., :, None], positions[..., None, :]
    free = (rows >= 0) & (columns >= 0)
    flat = (rows * size + columns)[free]
    matrix.view(-1).index_add_(0, flat, blocks.expand(*positions.shape[:2], -1, -1)[free].to(matrix.dtype))


def _units(objective: Objective, positions: ParameterMap, spread: float) -> tuple[Tensor, Tensor]:
    """What each parameter is measured in, `(size,)`, as 1/unit: those that multiply the outputs in the labels' unit.

    With it a training in other units takes the same steps.

    Returns:
        By the labels' root mean square, since the outputs have to carry their mean too; and by their standard deviation, for second
        differences, in which a mean has no part.
    """
    sizes = torch.ones(positions.size, dtype=torch.float64, device=objective.network.device)
    deviations = sizes.clone()
    square = 0.0
    if not objective.loss.classes:
        squares = objective.y.double().square()
        square = float((squares if objective.weight is None else squares * objective.weight).mean())
    if square > _SMALLEST_SQUARE:
        last = positions.layers[-1]
        for part in (last.numeric, last.affine[..., 2:]):
            multiplies = part[part >= 0]
            sizes[multiplies] = square**-0.5
            deviations[multiplies] = max(spread, _SMALLEST_SPREAD * square) ** -0.5
    return sizes, deviations


def _metric(objective: Objective, positions: ParameterMap) -> Tensor:
    """What damping is measured in: the identity and, for splines, second differences of the coefficients."""
    metric = torch.eye(positions.size, dtype=torch.float64, device=objective.network.device)
    _add_roughness(metric, objective, positions, lambda layer: _ROUGHNESS * layer.grid_size**4)
    return metric


def _hold(objective: Objective, positions: ParameterMap, size: Tensor, spread: Tensor) -> Tensor:
    """The matrix of a ridge so small that data which say anything at all outweigh it, per unit of loss.

    Splines have directions that no data determine: a constant moved from one edge of a sum to the next, a base function
    that the spline can imitate, an interval without samples. Without a hold steps go far along them for gains of
    round-off, and the curve between two samples may be anything: the default KAN([1, 1]) on the 12 measurements of puromycin dips
    to -113 between rates that rise from 50 to 200. In parts of the present loss it vanishes where the fit is exact.

    Sizes and second differences are measured in the units of `_units`.
    """
    network = objective.network
    hold = torch.zeros(positions.size, positions.size, dtype=torch.float64, device=network.device)
    _add_roughness(hold, objective, positions, lambda _: _HOLD_ROUGHNESS)
    hold = hold * spread[:, None] * spread
    for layer_map in positions.layers:
        numeric = layer_map.numeric[layer_map.numeric >= 0]
        hold[numeric, numeric] += _HOLD_SIZE * size[numeric] ** 2
    return hold


def _add_roughness(
    matrix: Tensor, objective: Objective, positions: ParameterMap, weight: Callable[[Layer], float]
) -> None:
    """Add squares of the second differences of every edge's coefficients."""
    for index, layer_map in enumerate(positions.layers):
        layer = objective.network.layer(index)
        count = layer.coef.shape[-1]
        if count > 2:
            second = torch.eye(count, dtype=torch.float64, device=matrix.device).diff(n=2, dim=0)
            _add_blocks(matrix, layer_map.numeric[..., :count], second.T @ second * weight(layer))


def _rows(run: Pass, part: slice) -> Pass:
    """Some samples of a pass."""
    kinds = (run.nodes, run.subnodes, run.designs, run.slopes)
    return Pass(*(tuple(value[part] for value in values) for values in kinds))


def _solve(matrix: Tensor, gradient: Tensor, damping: Tensor) -> Tensor | None:
    """The step -(matrix + damping)⁻¹·gradient, or None where that isn't positive definite or finite."""
    factor, info = torch.linalg.cholesky_ex(matrix + damping)
    if int(info) != 0:
        return None
    step = -torch.cholesky_solve(gradient[:, None], factor)[:, 0]
    return step if bool(torch.isfinite(step).all()) else None
