"""Levenberg-Marquardt: Gauss-Newton steps, damped until they decrease the true objective.

References:
    Marquardt, "An algorithm for least-squares estimation of nonlinear parameters", SIAM Journal 11 (1963).
    Transtrum and Sethna, "Improvements to the Levenberg-Marquardt algorithm for nonlinear least-squares minimization", arXiv:1201.5885.
    Nielsen, "Damping parameter in Marquardt's method", IMM-REP-1999-05 (the update of the damping).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from kanwidget.core.records import Posterior
from kanwidget.training.evidence.evidence import Evidence
from kanwidget.training.evidence.prices import heard
from kanwidget.training.jacobian.stack import select_networks
from kanwidget.training.optimizers.base import Interrupted, Optimizer, Outcome
from kanwidget.training.optimizers.least_squares import LeastSquares, damping_metric, ridge

#: Damping at the start, relative to the mean diagonal of the normal matrix, for a network that has learnt nothing; one that fits
#: already starts with proportionally less. Of forty seeds of [2, 1, 1] one ends in a poor minimum with 10, six with 1. With a penalty
#: a slower start lets it choose: of thirty seeds of [2, 5, 1] one keeps a superfluous node with 100, five with 10.
_DAMPING, _DAMPING_SPARSE = 10.0, 100.0
#: Beyond this damping a step is too short to matter.
_LARGEST_DAMPING = 1e10
#: The largest 2·|a|/|δ| of an acceleration that is trusted; α of Transtrum and Sethna.
_LARGEST_ACCELERATION = 0.75
#: A network has converged after this many steps in a row with less relative gain than this.
_SMALL_GAIN, _SMALL_GAINS = 1e-10, 5
#: Once evidence has settled, a gain of so little in the logarithm of the probability is small, too.
_SMALL_LIKELIHOOD = 1e-3
#: What a step changes, and an interrupted one must not.
_MEMORY = ("damping", "_growth", "_small_gains", "_evidence_age", "_ridge", "evidence")

MakeEvidence = Callable[[Any, tuple[Tensor, Tensor], Tensor, Tensor], Evidence]


class LevenbergMarquardt(Optimizer):
    """Minimizes objectives whose loss has a Gauss-Newton factor, step by step.

    Each network has its own damping and accepts or refuses a step by itself; a single network takes the same steps.

    Args:
        objective: The objectives to minimize.
        anchored: Whether the ridge pulls to the parameters at the start, so that directions which the data leave undetermined keep
            what they had; else to small and smooth ones.
        smoothness: Weight of the splines' roughness in the ridge, see `ridge`.
        evidence: Makes the `Evidence` by which the data set the ridge of networks without a penalty, from the layout of the parameters,
            their units, the loss of the best constant, and the loss at the start.
    """

    def __init__(
        self,
        objective: LeastSquares,
        *,
        anchored: bool = False,
        smoothness: float = 0.0,
        evidence: MakeEvidence | None = None,
    ) -> None:
        # The ridge pulls to the parameters at the start if `anchored`, else to 0; `smoothness`: weight of the splines' roughness in it.
        self.objective, self._anchored, self._smoothness = objective, anchored, smoothness
        self._lowest = objective.trivial_loss()  # the last factor of the ridge, see `_model`
        #: Noise and smoothness as the data set them; None where they don't. `reload` makes it, by the function `evidence`.
        self.evidence: Evidence | None = None
        # `_evidence_age`: steps so far with evidence; `_small_gains`: steps in a row that have gained next to nothing.
        self._make_evidence, self._evidence_age = evidence, torch.zeros_like(self._lowest)
        self._small_gains, self.damping = torch.zeros_like(self._lowest), torch.ones_like(self._lowest)
        self.reload()
        self.damping = self._start_damping = self._first_damping()  # networks whose search finds no step return to it

    def reload(self, networks: Sequence[int] | None = None) -> None:
        """Re-read parameters, knots and settings of all networks; restart the count of small gains of these (indices), or of all.

        The damping stays; where the last gain was next to nothing it begins anew: it is so large by then that no step would reach far.
        """
        objective = self.objective
        self.parameters = objective.parameter_vector()
        self._trivial_loss = objective.trivial_loss()  # of the best constant; for equations of u = 0
        self._units, spread = objective.units(self.parameters, self._trivial_loss)
        # 1/unit of each parameter, and of the differences of neighbouring coefficients; a single row if all networks have the same.
        units, spreads = common(self._units, spread)
        count = len(self._units)
        metric = damping_metric(objective, self.parameters)
        self._metric = (metric * units[:, :, None] * units[:, None]).expand(count, -1, -1)
        self._plain_ridge = ridge(objective, self.parameters, units, spreads, self._smoothness).expand(count, -1, -1)
        self._growth = torch.full_like(self._trivial_loss, 2.0)  # the factor of the damping at the next refusal
        self.current = objective.value(derivatives=True)  # at the current parameters
        self._reload_evidence(spread)
        again = torch.full_like(self._small_gains, networks is None, dtype=torch.bool)
        again[list(networks or ())] = True
        self.damping = torch.where(again & (self._small_gains > 0), self._first_damping(), self.damping)
        self._small_gains = torch.where(again, 0.0, self._small_gains)
        self._vector = self.parameters.read(objective.stack)  # others, or other knots, mean a change from outside
        #: Where the ridge pulls to: the parameters now, or 0.
        self._anchor = self._vector.clone() if self._anchored else torch.zeros_like(self._vector)
        self._knots = [layer.knots.clone() for layer in objective.stack.layers]

    def _reload_evidence(self, spread: Tensor) -> None:
        """Make the evidence, or let it see new grids; only networks without a penalty have it. `spread`: 1/unit of differences."""
        self._ridge = self._plain_ridge
        # A spline of one coefficient has no straight part.
        single = any(layer.spline_coef.shape[-1] < 2 for layer in self.objective.stack.layers)
        if self._make_evidence is None or not self.parameters.size or single:
            return
        if self.evidence is None:
            self.evidence = self._make_evidence(
                self.parameters, (self._units, spread), self._trivial_loss, self.current.loss
            )
        else:
            self.evidence.reload(self.objective.stack, self.parameters, (self._units, spread))
        self._has_evidence = self.objective.lamb == 0  # networks whose ridge evidence sets
        self._ridge = self._evidence_ridge()

    def _evidence_ridge(self) -> Tensor:
        """The ridge's matrices, `(networks, size, size)`: those of the evidence's prior, and plain ones for networks with a penalty."""
        assert self.evidence is not None
        if bool(self._has_evidence.all()):
            return self.evidence.matrix()
        return torch.where(self._has_evidence[:, None, None], self.evidence.matrix(), self._plain_ridge)

    def _ridge_times(self, vector: Tensor, part: Subset) -> Tensor:
        """The ridge's matrices times vectors of a part of the networks, `(networks, size)`; `Evidence.pull` rounds less than its matrix."""
        if self.evidence is None:
            return _times(part(self._ridge), vector)
        mask, pull = part(self._has_evidence), self.evidence.pull(vector, part.networks)
        return pull if bool(mask.all()) else torch.where(mask[:, None], pull, _times(part(self._ridge), vector))

    def _ask_evidence(self, matrix: Tensor, gradient: Tensor, start: Tensor, ridge_scale: Tensor) -> Tensor:
        """Let the data set the ridge, once the coarse shape is there; returns the ridge's factor, `(networks,)`: the noise with evidence.

        `matrix`, `gradient` are those of the mean losses, `start` the parameters, `ridge_scale` the factor of networks without evidence.
        """
        if self.evidence is None or not bool(self._has_evidence.any()):
            return ridge_scale
        ready = self.evidence.ready(self.current.loss, self._evidence_age)
        if bool(ready.any()):
            begins = self.evidence.update(matrix, gradient, start, self.current.loss, ready)
            # Where there was nothing to gain steps had become too short for what there is now.
            self.damping = torch.where(begins, self._first_damping(), self.damping)
            self._ridge = self._evidence_ridge()
        self._evidence_age = self._evidence_age + 1
        return torch.where(self._has_evidence, self.evidence.noise, ridge_scale)

    def _first_damping(self) -> Tensor:
        """The damping of a training that begins here, `(networks,)`: in proportion to the loss in parts of the best constant's."""
        unexplained = (self.current.loss / self._trivial_loss).nan_to_num(1.0).clamp(1e-8, 1.0)
        return torch.where(self.objective.lamb > 0, _DAMPING_SPARSE, _DAMPING) * unexplained

    def inherit(self, previous: Optimizer, networks: Sequence[int]) -> None:
        """Copy damping, counters and evidence of the networks with these indices in `previous`, the optimizer of a larger batch."""
        assert isinstance(previous, LevenbergMarquardt)  # one row of the table of optimizers makes both
        for name in ("damping", "_growth", "_start_damping", "_small_gains", "_lowest", "_evidence_age"):
            setattr(self, name, getattr(previous, name)[list(networks)])
        if self.evidence is not None and previous.evidence is not None:
            self.evidence.inherit(previous.evidence, networks)
            self._ridge = self._evidence_ridge()

    def state_dict(self) -> dict[str, Any]:
        """Damping, its growth at the next refusal, and the number of small gains in a row, of each network; and its evidence."""
        small_gains = [int(count) for count in self._small_gains.tolist()]
        state = {"damping": self.damping.tolist(), "growth": self._growth.tolist(), "small_steps": small_gains}
        if self.evidence is None:
            return state
        return state | {"age": [int(age) for age in self._evidence_age.tolist()]} | self.evidence.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Return to a state of `state_dict`: damping, its factor at the next refusal, the number of small gains in a row, and evidence."""
        names = ("damping", "growth", "small_steps")
        if not set(names) <= set(state) or any(len(state[name]) != len(self.damping) for name in names):
            raise ValueError(f"{state} is no state of Levenberg-Marquardt for a batch of {len(self.damping)}")
        self.damping, self._growth, self._small_gains = (self.damping.new_tensor(state[name]) for name in names)
        if self.evidence is not None and "likeliest" in state:  # states of earlier versions have none
            self._evidence_age = self._evidence_age.new_tensor(state["age"])
            self.evidence.load_state_dict(state)
            self._ridge = self._evidence_ridge()

    def step(self, interrupted: Callable[[], bool] = lambda: False) -> list[Outcome]:
        """One accepted step of every network, or the outcome that there is none."""
        stack, parameters = self.objective.stack, self.parameters
        start = parameters.read(stack)
        moved = not all(map(torch.equal, self._knots, (layer.knots for layer in stack.layers)))
        if moved or not torch.equal(start, self._vector):  # not as the last step left them: by a callback, for instance
            self.reload()
        # What a step changes, for an interruption. Tensors are replaced, never changed.
        memory = {name: getattr(self, name) for name in _MEMORY} | {"evidence": copy.copy(self.evidence)}
        try:
            return self._search(start, interrupted)
        except BaseException:
            parameters.write(stack, start)
            vars(self).update(memory)
            raise

    def _search(self, start: Tensor, interrupted: Callable[[], bool]) -> list[Outcome]:
        """Raise the damping of every network until its step from `start` decreases the objective, or is too short to matter.

        `remaining` are the indices of the networks that still search; `accepted` gathers values of the others, `end` their parameters.
        """
        model = self._model(start, interrupted)
        remaining = torch.arange(len(start), device=start.device)
        accepted, end = AcceptedSteps(self.current), start
        while self.parameters.size and len(remaining := remaining[self.damping[remaining] < _LARGEST_DAMPING]):
            if interrupted():
                raise Interrupted
            part = Subset(remaining, len(start))
            objective = self.objective if part.all else self.objective[part.networks]
            matrix, metric, gradient, origin = map(part, (model.matrix, model.metric, model.gradient, start))
            damping = part(self.damping * model.scale)[:, None, None]
            factor, info = torch.linalg.cholesky_ex(torch.addcmul(matrix, metric, damping))
            step = -solve(factor, gradient)
            solved = (info == 0) & torch.isfinite(step).all(-1)
            step = self._accelerate(objective, origin, torch.where(solved[:, None], step, 0.0), factor, metric)
            moved = origin + step.to(start.dtype)
            value = self._move_and_evaluate(objective, moved)
            twice = (origin + moved - 2 * part(self._anchor)).double()  # bᵀRb - aᵀRa = (b - a)ᵀR(b + a)
            ridge_growth = _dot(step, self._ridge_times(twice, part)) * part(model.ridge_scale) / 2
            gain = part(self.current.total) - value.total - ridge_growth
            helps = solved & torch.isfinite(value.total) & (gain > 0)
            predicted = -_dot(gradient, step) - _dot(step, _times(matrix, step)) / 2  # the quadratic model's gain
            accepted_part = Subset(helps.nonzero()[:, 0], len(remaining))
            self._accept(accepted_part(remaining), accepted_part(gain), accepted_part(predicted))
            end = put(end, accepted_part(remaining), accepted_part(moved))
            accepted.add(remaining, value, accepted_part.networks)
            if accepted_part.all:
                break
            remaining = remaining[~helps]
            self._refuse(remaining)
        return self._finish(end, accepted)

    def _accelerate(
        self, objective: LeastSquares, start: Tensor, step: Tensor, factor: Tensor, metric: Tensor
    ) -> Tensor:
        """Steps with the geodesic acceleration added, where that is a small correction; others as they are.

        Small is at most 3/8 of the step's length by `metric` (Transtrum and Sethna). `factor` are Cholesky factors of the damped matrices.
        """
        with torch.no_grad():
            curvature = objective.acceleration(self.parameters, self.current, start, step.to(start.dtype))
        if curvature is None:
            return step
        correction = -solve(factor, curvature) / 2
        size, length = (torch.einsum("si,sij,sj->s", v, metric, v) for v in (correction, step))
        trusted = 4 * size <= _LARGEST_ACCELERATION**2 * length
        return torch.where(trusted[:, None], step + correction, step)

    def _damping_metric(self, matrix: Tensor, scale: Tensor) -> Tensor:
        """M of the damping, `(networks, size, size)`: a step δ costs δᵀMδ. Subclasses may use the Gauss-Newton `matrix` and `scale`."""
        return self._metric

    def _move_and_evaluate(self, objective: LeastSquares, vector: Tensor) -> Any:
        """Write parameters, `(networks, size)`, into the networks, and evaluate their objectives: a `LeastSquares.value`."""
        self.parameters.write(objective.stack, vector)
        return objective.value(derivatives=True)

    def _accept(self, networks: Tensor, gain: Tensor, predicted: Tensor) -> None:
        """Change damping of networks (indices) that took a step, by Nielsen's rule from its gain and that predicted; count small ones."""
        if len(networks) == 0:
            return
        part = Subset(networks, len(self.damping))
        ratio = torch.where(predicted > 0, (gain / predicted).clamp(max=1.0), 0.0)
        lowered = part(self.damping) * (1 - (2 * ratio - 1) ** 3).clamp_min(0.1)
        self.damping = put(self.damping, networks, lowered.clamp_min(1e-15))
        self._growth = put(self._growth, networks, torch.full_like(lowered, 2.0))
        small = gain <= self._smallest_gain(part)
        self._small_gains = put(self._small_gains, networks, torch.where(small, part(self._small_gains) + 1, 0.0))

    def _smallest_gain(self, part: Subset) -> Tensor:
        """Gains of the objective up to which a step of these networks counts as small; `nat` is a gain of 1 in the log-likelihood."""
        smallest = _SMALL_GAIN * part(self.current.total)
        if self.evidence is None:
            return smallest
        settled = part(self._has_evidence & self.evidence.settled)  # then 0.001 in the log-likelihood is small, too
        return torch.where(settled, smallest.maximum(_SMALL_LIKELIHOOD * part(self.evidence.nat)), smallest)

    def _refuse(self, networks: Tensor) -> None:
        """Raise the damping of these networks (indices): by 2 at first, with each refusal in a row by twice the factor (Nielsen)."""
        part = Subset(networks, len(self.damping))
        growth = part(self._growth)
        self.damping = put(self.damping, networks, part(self.damping) * growth)
        self._growth = put(self._growth, networks, 2 * growth)

    def _finish(self, end: Tensor, accepted: AcceptedSteps) -> list[Outcome]:
        """Leave every network at the end of its step, the parameters `end`, and return the outcomes.

        A network without a step starts again with its first damping: it has converged, or stalled if its objective isn't finite.
        """
        stuck = (~accepted.networks).nonzero()[:, 0]
        if len(stuck) or not accepted.complete:  # else the last trial has written `end` already
            self.parameters.write(self.objective.stack, end)
        if len(stuck):
            self.damping = self.damping.index_copy(0, stuck, self._start_damping[stuck])
            self._growth = self._growth.index_fill(0, stuck, 2.0)
        self.current, self._vector = accepted.value(), end
        finite = torch.isfinite(self.current.total)
        networks = zip(
            accepted.networks.tolist(), (self._small_gains >= _SMALL_GAINS).tolist(), finite.tolist(), strict=True
        )
        stops = [
            ("converged" if small else None) if moved else "converged" if is_finite else "stalled"
            for moved, small, is_finite in networks
        ]
        columns = (self.current.loss, self.current.penalty, self.damping)
        rows = zip(*(column.tolist() for column in columns), stops, strict=True)
        return [
            Outcome(loss, penalty, damping, stop, *self._evidence_numbers(index))
            for index, (loss, penalty, damping, stop) in enumerate(rows)
        ]

    def _evidence_numbers(self, index: int) -> tuple[float | None, float | None, float | None]:
        """Noise (None for classes), logarithm of the evidence and degrees of freedom of a network; None before evidence has an update."""
        evidence = self.evidence
        if evidence is None or not bool(self._has_evidence[index] & evidence.has_spoken[index]):
            return None, None, None
        noise = None if evidence.classes else float(evidence.noise[index])
        return noise, float(evidence.log_evidence[index]), float(evidence.freedom[index])

    def posterior(self, index: int) -> Posterior | None:
        """The parameters of a network given the data, under the evidence's priors as they are; None where it has had no update."""
        if self._evidence_numbers(index)[1] is None or self.evidence is None:
            return None
        with torch.no_grad():
            matrix, _ = self.objective.normal(self.parameters, self.objective.value(derivatives=True), lambda: None)
        posterior = self.evidence.posterior(index, matrix, self.parameters.read(self.objective.stack))
        if posterior is None:
            return None
        return replace(posterior, freedom=heard(self.objective.stack.template, posterior.freedom))  # 0 of idle edges

    def _model(self, start: Tensor, interrupted: Callable[[], bool]) -> _Model:
        """The quadratic model of every objective at `start`, with the ridge times the loss, or times the noise where there is evidence.

        The ridge pulls to `_anchor`; its factor is at most `_trivial_loss` (of the best constant), with `smoothness` the last, `_lowest`.
        """
        objective, size = self.objective, self.parameters.size

        def check() -> None:
            if interrupted():
                raise Interrupted

        with torch.no_grad():
            matrix, gradient = objective.normal(self.parameters, self.current, check)
        scale = (matrix.diagonal(dim1=1, dim2=2) / self._units**2).mean(1) if size else self._trivial_loss
        scale = scale.clamp_min(torch.finfo(torch.float64).tiny)  # damping is relative to it; `_units`: 1/unit
        metric = self._damping_metric(matrix, scale)
        if size:
            objective.add_penalty(matrix, gradient, self.parameters, self.current)
        ridge_scale = torch.minimum(self.current.loss, self._lowest if self._smoothness else self._trivial_loss)
        self._lowest = ridge_scale
        ridge_scale = self._ask_evidence(matrix, gradient, start, ridge_scale)
        everywhere = Subset(torch.arange(len(start), device=start.device), len(start))
        gradient += ridge_scale[:, None] * self._ridge_times((start - self._anchor).double(), everywhere)
        return _Model(matrix.addcmul_(self._ridge, ridge_scale[:, None, None]), gradient, scale, ridge_scale, metric)


@dataclass(frozen=True, slots=True)
class _Model:
    """The quadratic model of the objectives with the ridge, `(networks, size, size)` and `(networks, size)`."""

    matrix: Tensor
    gradient: Tensor
    scale: Tensor
    """The mean diagonal, to which damping is relative, `(networks,)`."""
    ridge_scale: Tensor
    """The factor of the ridge, `(networks,)`."""
    metric: Tensor
    """The metric of the damping, `(networks, size, size)`."""


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Products a·b of vectors, `(networks,)`."""
    return (a * b).sum(-1)


def _times(matrix: Tensor, vector: Tensor) -> Tensor:
    """Products of matrices and vectors, `(networks, size)`."""
    return torch.bmm(matrix, vector[..., None])[..., 0]


def solve(factor: Tensor, vector: Tensor) -> Tensor:
    """Solutions x of L·Lᵀ·x = vector, `(networks, size)`, from Cholesky factors L, `(networks, size, size)`."""
    # `cholesky_solve` does the same, for many small systems in twice the time.
    half = torch.linalg.solve_triangular(factor, vector[..., None], upper=False)
    return torch.linalg.solve_triangular(factor.mT, half, upper=True)[..., 0]


# ---- values of a part of the networks: a step tries ever fewer of them until each has taken its step


class Subset:
    """When called, selects the networks with these indices out of a tensor `(count, …)`; for all networks it returns the tensor itself."""

    def __init__(self, networks: Tensor, count: int) -> None:
        self.networks, self.all = networks, len(networks) == count  # of `count` networks

    def __call__(self, tensor: Tensor) -> Tensor:
        return tensor if self.all else select_networks(tensor, self.networks)


def put(tensor: Tensor, networks: Tensor, values: Tensor) -> Tensor:
    """The tensor `(networks, …)` with those at the indices `networks` replaced by values; for all networks the values themselves."""
    return values if len(networks) == len(tensor) else tensor.index_copy(0, networks, values)


class AcceptedSteps:
    """The objectives' values at accepted steps, gathered over the rounds of a search, each of networks that haven't found a step yet.

    Args:
        start: The objectives' value before the step, which stays that of networks without a step.
    """

    def __init__(self, start: Any) -> None:
        # `start`: the objectives' value before the step; `networks`: which have accepted one; `_value`: all values, None before the first.
        self.start, self.networks = start, torch.zeros_like(start.loss, dtype=torch.bool)
        #: Whether the last round was one of all networks, and all of them took its step.
        self.complete = False
        self._value: Any | None = None

    def add(self, trial: Tensor, value: Any, accepted: Tensor) -> None:
        """Take the values, into `_value`, of those networks of a trial whose step was accepted; `self.networks` says which have one.

        `trial` are indices of the networks that tried a step, `value` is their objectives' value after it, and `accepted` says which of
        them accepted it: indices within `trial`.
        """
        if len(accepted):
            if self._value is None and len(trial) == len(self.networks):
                # Values of refused steps come along: a later round overwrites them, or `value` does.
                self._value, self.complete = value, len(accepted) == len(self.networks)
            else:  # a later round; or networks gave up before the first step was found, and keep the start's values
                self._value = self._value or copy.deepcopy(self.start)
                self._value.put(trial[accepted], value, accepted)
            self.networks[trial[accepted]] = True

    def value(self) -> Any:
        """The objectives' value of all networks: at the accepted step, for networks without one (`stuck`) as at the start."""
        if self._value is None:
            return self.start
        stuck = (~self.networks).nonzero()[:, 0]
        if len(stuck):
            self._value.put(stuck, self.start, stuck)
        return self._value


def common(*values: Tensor) -> list[Tensor]:
    """Each value with one network only, if all networks have the same: what is made of them is then computed and stored once."""
    equal = all(bool((value == value[:1]).all()) for value in values)
    return [value[:1] for value in values] if equal else list(values)
