"""Levenberg-Marquardt: Gauss-Newton steps, damped until they decrease the true objective.

Damping is measured in a metric that also counts second differences of the coefficients: far from a minimum a fine
grid then moves like a coarse one, where plain damping lets neighbouring coefficients run apart into local minima.

References:
    Marquardt, "An algorithm for least-squares estimation of nonlinear parameters", SIAM Journal 11 (1963).
    Transtrum and Sethna, "Improvements to the Levenberg-Marquardt algorithm for nonlinear least-squares minimization", arXiv:1201.5885
    (steps that follow the bend of a valley).
    Nielsen, "Damping parameter in Marquardt's method", IMM-REP-1999-05 (the update of the damping).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from kanwidget.training.jacobian.stack import LayerStack, some_of
from kanwidget.training.objective.gauss_newton import add_blocks
from kanwidget.training.optimizers.least_squares import LeastSquares, Places

#: Damping at the start, relative to the mean diagonal of the normal matrix, for a network that has learnt nothing; one that fits
#: already starts with proportionally less. Of forty seeds of [2, 1, 1] one ends in a poor minimum with 10, six with 1. With a penalty
#: a slower start lets it choose: of thirty seeds of [2, 5, 1] one keeps a superfluous node with 100, five with 10.
_DAMPING, _DAMPING_SPARSE = 10.0, 100.0
#: Weight of second differences in the metric, times G⁴ (their square is the fourth power of the spacing).
_ROUGHNESS = 1e-5
#: What holds directions that the data don't determine, in parts of the loss: on the squares of the coefficients (in their units),
#: and on those of their second differences. See ARCHITECTURE.md for what they do.
_HOLD_SIZE, _HOLD_ROUGHNESS = 1e-6, 1e-6
#: Beyond this damping a step is too short to matter.
_LARGEST_DAMPING = 1e10
#: The largest 2·|a|/|δ| of a correction that is trusted; α of Transtrum and Sethna.
_LARGEST_BEND = 0.75
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
    stop_reason: str | None = None
    """`converged` or `stalled` when another step can't help."""


class LevenbergMarquardt:
    """Minimises objectives whose loss has a Gauss-Newton factor, step by step.

    Each network has its own damping and takes or refuses a step by itself; one alone takes the same steps.

    Args:
        objective: What to minimise.
    """

    def __init__(self, objective: LeastSquares) -> None:
        self.objective = objective
        self.reset()

    def reset(self) -> None:
        """Forget what was learnt about the surroundings: parameters, knots or structure have changed."""
        self.renew()
        unexplained = (self._current.loss / self._trivial).nan_to_num(1.0).clamp(1e-8, 1.0)
        self._start = torch.where(self.objective.lamb > 0, _DAMPING_SPARSE, _DAMPING) * unexplained
        self.damping = self._start

    def renew(self, places: Sequence[int] | None = None) -> None:
        """Take notice of changed knots, parameters or settings of all networks or of some, and keep the damping."""
        objective = self.objective
        self.positions: Places = objective.positions()
        self._trivial = objective.trivial_loss()
        self._units, spread = objective.units(self.positions, self._trivial)
        units, spreads = _common(self._units, spread)
        count = len(self._units)
        self._metric = (_metric(objective, self.positions) * units[:, :, None] * units[:, None]).expand(count, -1, -1)
        self._hold = _hold(objective, self.positions, units, spreads).expand(count, -1, -1)
        self._growth = torch.full_like(self._trivial, 2.0)
        if places is None:
            self._small = torch.zeros_like(self._trivial)
        else:
            self._small[list(places)] = 0.0
        self._current = objective.value(slopes=True)
        self._known = self.positions.read(objective.stack)
        self._knots = [layer.knots.clone() for layer in objective.stack.layers]

    @property
    def current(self) -> Any:
        """The objectives' value at the present parameters."""
        return self._current

    def inherit(self, other: LevenbergMarquardt, places: Sequence[int]) -> None:
        """Take over what another one knows of some of its networks, which are mine."""
        for name in ("damping", "_growth", "_start", "_small"):
            setattr(self, name, getattr(other, name)[list(places)])

    def step(self, interrupted: Callable[[], bool] = lambda: False) -> list[Outcome]:
        """One accepted step of every network, or the news that there is none.

        Whatever interrupts it, the parameters and the damping are those of before the step.
        """
        stack, positions = self.objective.stack, self.positions
        start = positions.read(stack)
        moved = not all(map(torch.equal, self._knots, (layer.knots for layer in stack.layers)))
        if moved or not torch.equal(start, self._known):  # by somebody else, a callback say
            self.renew()
        before = self.damping, self._growth, self._small
        try:
            return self._search(start, interrupted)
        except BaseException:
            positions.write(stack, start)
            self.damping, self._growth, self._small = before
            raise

    def _search(self, start: Tensor, interrupted: Callable[[], bool]) -> list[Outcome]:
        """Raise the damping of every network until its step helps, or can't."""
        model = self._model(start, interrupted)
        everybody = torch.arange(len(start), device=start.device)
        left, found, known = everybody, _Found(self._current), start
        while self.positions.size and len(left := left[self.damping[left] < _LARGEST_DAMPING]):
            if interrupted():
                raise Interrupted
            some = _Some(left, len(start))
            objective = self.objective if some.all else self.objective[some.places]
            matrix, metric, gradient, origin = map(some, (model.matrix, model.metric, model.gradient, start))
            damping = some(self.damping * model.scale)[:, None, None]
            factor, info = torch.linalg.cholesky_ex(torch.addcmul(matrix, metric, damping))
            step = -solve(factor, gradient)
            solved = (info == 0) & torch.isfinite(step).all(-1)
            step = self._bent(objective, origin, torch.where(solved[:, None], step, 0.0), factor, metric)
            moved = origin + step.to(start.dtype)
            value = self._value_at(objective, moved)
            held = _dot(step, _times(some(self._hold), (origin + moved).double())) * some(model.held) / 2
            gain = some(self._current.total) - value.total - held
            good = solved & torch.isfinite(value.total) & (gain > 0)
            predicted = -_dot(gradient, step) - _dot(step, _times(matrix, step)) / 2
            took = _Some(good.nonzero()[:, 0], len(left))
            self._accept(took(left), took(gain), took(predicted))
            known = _put(known, took(left), took(moved))
            found.add(left, value, took.places)
            if took.all:
                break
            left = left[~good]
            self._refuse(left)
        return self._finish(known, found)

    def _bent(self, objective: LeastSquares, start: Tensor, step: Tensor, factor: Tensor, metric: Tensor) -> Tensor:
        """The steps, corrected by half the acceleration of the geodesic along them, unless it is no small correction."""
        with torch.no_grad():
            bend = objective.bend(self.positions, self._current, start, step.to(start.dtype))
        if bend is None:
            return step
        correction = -solve(factor, bend) / 2
        size, length = (torch.einsum("si,sij,sj->s", v, metric, v) for v in (correction, step))
        trusted = 4 * size <= _LARGEST_BEND**2 * length
        return torch.where(trusted[:, None], step + correction, step)

    def _damping_metric(self, matrix: Tensor, scale: Tensor) -> Tensor:
        """What damping is measured in, at a Gauss-Newton matrix."""
        return self._metric

    def _value_at(self, objective: LeastSquares, vector: Tensor) -> Any:
        """The objectives of networks with other parameters, which become their own."""
        self.positions.write(objective.stack, vector)
        return objective.value(slopes=True)

    def _accept(self, places: Tensor, gain: Tensor, predicted: Tensor) -> None:
        if len(places) == 0:
            return
        some = _Some(places, len(self.damping))
        ratio = torch.where(predicted > 0, (gain / predicted).clamp(max=1.0), 0.0)
        lowered = some(self.damping) * (1 - (2 * ratio - 1) ** 3).clamp_min(0.1)
        self.damping = _put(self.damping, places, lowered.clamp_min(1e-15))
        self._growth = _put(self._growth, places, torch.full_like(lowered, 2.0))
        little = gain <= _SMALL_GAIN * some(self._current.total)
        self._small = _put(self._small, places, torch.where(little, some(self._small) + 1, 0.0))

    def _refuse(self, places: Tensor) -> None:
        some = _Some(places, len(self.damping))
        growth = some(self._growth)
        self.damping = _put(self.damping, places, some(self.damping) * growth)
        self._growth = _put(self._growth, places, 2 * growth)

    def _finish(self, known: Tensor, found: _Found) -> list[Outcome]:
        """Leave every network where its step has led; those that found none start again with their first damping."""
        stuck = (~found.places).nonzero()[:, 0]
        if len(stuck) or not found.whole:
            self.positions.write(self.objective.stack, known)
        if len(stuck):
            self.damping = self.damping.index_copy(0, stuck, self._start[stuck])
            self._growth = self._growth.index_fill(0, stuck, 2.0)
        self._current, self._known = found.value(), known
        numbers = torch.isfinite(self._current.total)
        rows = zip(found.places.tolist(), (self._small >= _SMALL_STEPS).tolist(), numbers.tolist(), strict=True)
        stops = [
            ("converged" if small else None) if moved else "converged" if number else "stalled"
            for moved, small, number in rows
        ]
        columns = (self._current.loss, self._current.penalty, self.damping)
        return [Outcome(*row) for row in zip(*(column.tolist() for column in columns), stops, strict=True)]

    # ---- the quadratic model

    def _model(self, start: Tensor, interrupted: Callable[[], bool]) -> _Model:
        """The quadratic model of every network's objective, the hold included."""
        objective, size = self.objective, self.positions.size

        def check() -> None:
            if interrupted():
                raise Interrupted

        with torch.no_grad():
            matrix, gradient = objective.normal(self.positions, self._current, check)
        scale = (matrix.diagonal(dim1=1, dim2=2) / self._units**2).mean(1) if size else self._trivial
        scale = scale.clamp_min(torch.finfo(torch.float64).tiny)
        metric = self._damping_metric(matrix, scale)
        if size:
            objective.add_penalty(matrix, gradient, self.positions, self._current)
        held = torch.minimum(self._current.loss, self._trivial)
        gradient += held[:, None] * _times(self._hold, start.double())
        return _Model(matrix.addcmul_(self._hold, held[:, None, None]), gradient, scale, held, metric)


@dataclass(frozen=True, slots=True)
class _Model:
    """matrix, gradient: of the quadratic model, hold included; scale: what damping is relative to."""

    matrix: Tensor
    """`(networks, size, size)`"""
    gradient: Tensor
    """`(networks, size)`"""
    scale: Tensor
    """The mean diagonal, `(networks,)`."""
    held: Tensor
    """What the hold is multiplied with, `(networks,)`."""
    metric: Tensor
    """What damping is measured in, `(networks, size, size)`."""


class _Some:
    """Takes some networks' part of a tensor; of all of them the tensor itself."""

    def __init__(self, places: Tensor, count: int) -> None:
        self.places, self.all = places, len(places) == count

    def __call__(self, tensor: Tensor) -> Tensor:
        return tensor if self.all else some_of(tensor, self.places)


def _put(tensor: Tensor, places: Tensor, values: Tensor) -> Tensor:
    """The tensor with some networks' part replaced, of all of them the values themselves."""
    return values if len(places) == len(tensor) else tensor.index_copy(0, places, values)


class _Found:
    """The values at the steps that helped, gathered over rounds in which fewer and fewer networks try."""

    def __init__(self, before: Any) -> None:
        self.before, self.places = before, torch.zeros_like(before.loss, dtype=torch.bool)
        #: Whether the last round was one of all networks, and all of them took its step.
        self.whole = False
        self._value: Any | None = None

    def add(self, tried: Tensor, value: Any, places: Tensor) -> None:
        """Take the good ones, at these places, of those that tried."""
        if len(places):
            if self._value is None and len(tried) == len(self.places):
                self._value, self.whole = value, len(places) == len(self.places)
            else:
                # Some may have given up before any other found a step.
                self._value = self._value or copy.deepcopy(self.before)
                self._value.put(tried[places], value, places)
            self.places[tried[places]] = True

    def value(self) -> Any:
        """Of all networks: where no step helped the value is that of before."""
        if self._value is None:
            return self.before
        stuck = (~self.places).nonzero()[:, 0]
        if len(stuck):
            self._value.put(stuck, self.before, stuck)
        return self._value


def _common(*values: Tensor) -> list[Tensor]:
    """Each with one network only, if all have the same: what follows from them is then the same too, and is stored once."""
    same = all(bool((value == value[:1]).all()) for value in values)
    return [value[:1] for value in values] if same else list(values)


def _dot(one: Tensor, other: Tensor) -> Tensor:
    return (one * other).sum(-1)


def _times(matrix: Tensor, vector: Tensor) -> Tensor:
    return torch.bmm(matrix, vector[..., None])[..., 0]


def _metric(objective: LeastSquares, positions: Places) -> Tensor:
    """What damping is measured in: the identity and, for splines, second differences of the coefficients."""
    metric = torch.eye(positions.size, dtype=torch.float64, device=objective.lamb.device)
    _add_roughness(metric, objective, positions, lambda layer: _ROUGHNESS * layer.grid_size**4)
    return metric


def _hold(objective: LeastSquares, positions: Places, size: Tensor, spread: Tensor) -> Tensor:
    """The matrices of a ridge so small that data which say anything at all outweigh it, per unit of loss.

    Splines have directions that no data determine: a constant moved from one edge of a sum to the next, a base function
    that the spline can imitate, an interval without samples. Without a hold steps go far along them for gains of
    round-off, and the curve between two samples may be anything: the default KAN([1, 1]) on the 12 measurements of puromycin dips
    to -113 between rates that rise from 50 to 200. In parts of the present loss it vanishes where the fit is exact.

    Sizes and second differences are measured in the units of `LeastSquares.units`.
    """
    rough = torch.zeros(positions.size, positions.size, dtype=torch.float64, device=objective.lamb.device)
    _add_roughness(rough, objective, positions, lambda _: _HOLD_ROUGHNESS)
    hold = rough * spread[:, :, None] * spread[:, None]
    for layer_map in positions.layers:
        numeric = layer_map.numeric[layer_map.numeric >= 0]
        hold[:, numeric, numeric] += _HOLD_SIZE * size[:, numeric] ** 2
    return hold


def _add_roughness(
    matrix: Tensor, objective: LeastSquares, positions: Places, weight: Callable[[LayerStack], float]
) -> None:
    """Add squares of the second differences of every edge's coefficients."""
    for layer, layer_map in zip(objective.stack.layers, positions.layers, strict=True):
        count = layer.coef.shape[-1]
        if count > 2:
            second = torch.eye(count, dtype=torch.float64, device=matrix.device).diff(n=2, dim=0)
            add_blocks(matrix[None], layer_map.numeric[..., :count], second.T @ second * weight(layer))


def solve(factor: Tensor, vector: Tensor) -> Tensor:
    """Solutions of systems from their matrices' Cholesky factors."""
    # `cholesky_solve` does the same, for many small systems in twice the time.
    half = torch.linalg.solve_triangular(factor, vector[..., None], upper=False)
    return torch.linalg.solve_triangular(factor.mT, half, upper=True)[..., 0]
