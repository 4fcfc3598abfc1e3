"""Gradient methods: torch's LBFGS and Adam, guarded so that no step leaves a non-finite value behind."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.training.jacobian.parameter_vector import ParameterVector, network_parameters
from kanwidget.training.objective.objective import Objective, Value
from kanwidget.training.optimizers.base import Interrupted, Optimizer, Outcome
from kanwidget.training.optimizers.interruptions import interruptible

#: A step of more seconds may be interrupted anywhere within; in a shorter one the checks would cost more than they gain.
_LONG_STEP = 0.05


class GradientMethod(Optimizer):
    """Minimizes any differentiable objective with an optimizer of torch.

    Args:
        objective: The objective of one network.
        make: Makes the optimizer of torch from a list of parameters and a learning rate.
        lr: Learning rate; divided by 4 when a step fails.
        batch: Rows of each step, drawn without replacement, None for all. The loss reported is theirs.
        seed: Seed of the choice of rows.
    """

    def __init__(
        self,
        objective: Objective,
        make: Callable[[list[Tensor], float], torch.optim.Optimizer],
        *,
        lr: float,
        batch: int | None = None,
        seed: int = 0,
    ) -> None:
        self.objective, self._make, self._start_lr = objective, make, lr
        #: Duration of the last step; the first one may be long.
        self._seconds = math.inf
        self.batch = None if batch is None or batch >= objective.rows else batch
        self._generator = torch.Generator().manual_seed(seed)
        self.lr = lr
        self.reload()

    def reload(self, networks: Sequence[int] | None = None) -> None:
        """Re-read the parameters, and forget curvature and momentum. A lowered learning rate stays low."""
        self.parameters = ParameterVector.of(self.objective.stack.template)
        # Parameters of the network rather than of a copy: a loss of the user may read the network.
        self._tensors = [p for p in network_parameters(self.objective.stack.template) if p.requires_grad]
        self._make_optimizer()

    def _make_optimizer(self) -> None:
        # Without parameters torch makes no optimizer.
        self._optimizer = self._make(self._tensors or [torch.zeros(1)], self.lr)

    def state_dict(self) -> dict[str, Any]:
        """Learning rate, generator of the rows, and the state of torch's optimizer."""
        return {
            "lr": self.lr,
            "generator": self._generator.get_state(),
            "optimizer": copy.deepcopy(self._optimizer.state_dict()),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Return to a state of `state_dict`."""
        if self.lr != state["lr"]:
            self.lr = state["lr"]
            self._make_optimizer()
        self._generator.set_state(state["generator"])
        self._optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))

    def step(self, interrupted: Callable[[], bool] = lambda: False) -> list[Outcome]:
        """One step of the optimizer; refused, with a lower rate for the next, if it gave a non-finite value."""
        if not self._tensors:
            return _outcome(self.objective.value(), "converged")
        start = [p.detach().clone() for p in self._tensors]
        state = self.state_dict()
        started = time.perf_counter()
        try:
            with interruptible(interrupted) if self._seconds > _LONG_STEP else nullcontext():
                rows = self._rows()
                self._optimizer.step(self._closure(rows, interrupted))
                value = self.objective.value(rows)
            self._seconds = time.perf_counter() - started
        except BaseException:
            self._restore(start)
            self._make_optimizer()
            self.load_state_dict(state)
            raise
        if math.isfinite(value.total) and all(bool(torch.isfinite(p).all()) for p in self._tensors):
            moved = any(not torch.equal(p, old) for p, old in zip(self._tensors, start, strict=True))
            return _outcome(value, None if moved else "converged")
        self._restore(start)
        self.lr /= 4
        self._make_optimizer()
        value = self.objective.value(rows)
        # Where the step began the loss isn't finite either: a shorter step can't help (another minibatch might).
        hopeless = rows is None and not math.isfinite(value.total)
        stalled = hopeless or self.lr < 1e-6 * self._start_lr
        return _outcome(value, "stalled" if stalled else None)

    def _restore(self, values: list[Tensor]) -> None:
        with torch.no_grad():
            for parameter, value in zip(self._tensors, values, strict=True):
                parameter.copy_(value)

    def _rows(self) -> Tensor | None:
        if self.batch is None:
            return None
        return torch.randperm(self.objective.rows, generator=self._generator)[: self.batch]

    def _closure(self, rows: Tensor | None, interrupted: Callable[[], bool]) -> Callable[[], Any]:
        """The function that torch's optimizer calls for the objective on these rows (None: all), with gradients in the parameters."""

        def closure() -> Tensor:
            """The objective on the rows, with gradients in the parameters; raises `Interrupted` where a pause waits."""
            if interrupted():
                raise Interrupted
            self._optimizer.zero_grad()
            total = self.objective.differentiable(rows)
            total.backward()
            _zero_fixed(self.objective.stack.template, self.parameters)
            return total.detach()

        return closure


def _outcome(value: Value, stop_reason: str | None) -> list[Outcome]:
    return [Outcome(float(value.loss), float(value.penalty), None, stop_reason)]


def _zero_fixed(network: Network, parameters: ParameterVector) -> None:
    """Set the gradients of parameters that aren't free to zero."""
    for number, index in enumerate(parameters.layers):
        layer = network.layer(number)
        for parameter, columns in (
            (layer.coef, index.numeric[..., :-1]),
            (layer.base, index.numeric[..., -1]),
            (layer.affine, index.affine),
        ):
            if parameter.grad is not None:
                parameter.grad[columns < 0] = 0.0


def lbfgs(parameters: list[Tensor], lr: float) -> torch.optim.Optimizer:
    """LBFGS as pykan's users know it: twenty inner iterations a step, strong Wolfe line search."""
    return torch.optim.LBFGS(
        parameters,
        lr=lr,
        max_iter=20,
        history_size=10,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-32,
        tolerance_change=1e-32,
    )


def adam(parameters: list[Tensor], lr: float) -> torch.optim.Optimizer:
    """Adam with torch's defaults."""
    return torch.optim.Adam(parameters, lr=lr)
