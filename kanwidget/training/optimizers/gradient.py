"""Gradient methods: torch's own LBFGS and Adam, guarded so that no step leaves a non-finite value behind."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from kanwidget.core.network import Network
from kanwidget.training.jacobian.parameter_vector import ParameterMap, network_parameters, parameter_map
from kanwidget.training.objective.objective import Objective, Value
from kanwidget.training.optimizers.levenberg_marquardt import Interrupted, Outcome

#: A step that takes as many seconds may be broken off anywhere within; a shorter one needn't be, and asking costs a little.
_LONG_STEP = 0.05


class GradientMethod:
    """Minimises any differentiable objective with an optimiser of torch.

    Args:
        objective: What to minimise, of one network.
        make: Makes the optimiser from a list of parameters and a learning rate.
        lr: Learning rate; halved when a step fails.
        batch: Samples of each step, drawn without replacement, None for all. The loss reported is theirs.
        seed: Of the choice of samples.
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
        #: How long the last step took; the first one may be long.
        self._seconds = math.inf
        rows = objective.y.shape[1]
        self.batch = None if batch is None or batch >= rows else batch
        self._generator = torch.Generator().manual_seed(seed)
        self.reset()

    def reset(self) -> None:
        """Forget curvature and momentum: parameters, knots or structure have changed."""
        self.lr = self._start_lr
        self.renew()

    def renew(self, places: Sequence[int] | None = None) -> None:
        """As `reset`, but a learning rate that was lowered stays low."""
        self.positions: ParameterMap = parameter_map(self.objective.stack.shape)
        # The network's own, since a loss of the user's may read the network itself.
        self._parameters = [p for p in network_parameters(self.objective.stack.shape) if p.requires_grad]
        self._forget()

    def _forget(self) -> None:
        # Without parameters torch makes no optimiser.
        self._optimizer = self._make(self._parameters or [torch.zeros(1)], self.lr)

    def step(self, interrupted: Callable[[], bool] = lambda: False) -> list[Outcome]:
        """One step of the optimiser; refused, with a lower rate for the next, if it gave a non-finite value.

        Whatever interrupts it, parameters and optimiser are those of before the step.
        """
        if not self._parameters:
            return _outcome(self.objective.value(), "converged")
        start = [p.detach().clone() for p in self._parameters]
        drawn, known = self._generator.get_state(), copy.deepcopy(self._optimizer.state_dict())
        started = time.perf_counter()
        try:
            with asking(interrupted) if self._seconds > _LONG_STEP else nullcontext():
                rows = self._rows()
                self._optimizer.step(self._closure(rows, interrupted))
                value = self.objective.value(rows)
            self._seconds = time.perf_counter() - started
        except BaseException:
            self._restore(start)
            self._generator.set_state(drawn)
            self._forget()
            self._optimizer.load_state_dict(known)
            raise
        if math.isfinite(value.total) and all(bool(torch.isfinite(p).all()) for p in self._parameters):
            moved = any(not torch.equal(p, old) for p, old in zip(self._parameters, start, strict=True))
            return _outcome(value, None if moved else "converged")
        self._restore(start)
        self.lr /= 4
        self._forget()
        value = self.objective.value(rows)
        # Where the step began the loss is no number either: a shorter one can't help (another batch might).
        hopeless = rows is None and not math.isfinite(value.total)
        stalled = hopeless or self.lr < 1e-6 * self._start_lr
        return _outcome(value, "stalled" if stalled else None)

    def _restore(self, values: list[Tensor]) -> None:
        with torch.no_grad():
            for parameter, value in zip(self._parameters, values, strict=True):
                parameter.copy_(value)

    def _rows(self) -> Tensor | None:
        if self.batch is None:
            return None
        return torch.randperm(self.objective.y.shape[1], generator=self._generator)[: self.batch]

    def _closure(self, rows: Tensor | None, interrupted: Callable[[], bool]) -> Callable[[], Any]:
        def closure() -> Tensor:
            if interrupted():
                raise Interrupted
            self._optimizer.zero_grad()
            total = self.objective.differentiable(rows)
            total.backward()
            _keep_free(self.objective.stack.shape, self.positions)
            return total.detach()

        return closure


class _Asking(TorchFunctionMode):
    """Asks before every operation on a tensor whether to break off, until it has.

    What switches gradients back on when `no_grad` is left is no such operation: broken off, it would leave them off.
    """

    def __init__(self, interrupted: Callable[[], bool]) -> None:
        super().__init__()
        self._interrupted, self._over = interrupted, False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if args and isinstance(args[0], Tensor) and not self._over and self._interrupted():
            self._over = True
            raise Interrupted
        return func(*args, **(kwargs or {}))


@contextmanager
def asking(interrupted: Callable[[], bool]) -> Iterator[None]:
    """Within, every operation (on the way back the use of every tensor that was kept for it) may break off: `Interrupted`."""

    def used(value: Tensor) -> Tensor:
        if interrupted():
            raise Interrupted
        return value

    with torch.autograd.graph.saved_tensors_hooks(lambda value: value, used), _Asking(interrupted):
        yield


def _outcome(value: Value, stop_reason: str | None) -> list[Outcome]:
    return [Outcome(float(value.loss), float(value.penalty), None, stop_reason)]


def _keep_free(network: Network, positions: ParameterMap) -> None:
    """Set the gradients of parameters that aren't free to zero."""
    for index, layer_map in enumerate(positions.layers):
        layer = network.layer(index)
        for parameter, position in (
            (layer.coef, layer_map.numeric[..., :-1]),
            (layer.base, layer_map.numeric[..., -1]),
            (layer.affine, layer_map.affine),
        ):
            if parameter.grad is not None:
                parameter.grad[position < 0] = 0.0


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
