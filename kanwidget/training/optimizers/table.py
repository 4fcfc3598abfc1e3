"""The optimizers, one row each: how to make it, what it can do, and which options have no meaning for it.

A new optimizer is a class and a row here. The names that `opt` takes, the choice of `auto`, the refusals of options and losses,
and training in batches follow from the row.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.training.evidence.evidence import Evidence
from kanwidget.training.jacobian.parameter_vector import ParameterVector, network_parameters
from kanwidget.training.objective.loss import Loss
from kanwidget.training.objective.objective import Objective, Value
from kanwidget.training.optimizers.base import Interrupted, Optimizer, Outcome
from kanwidget.training.optimizers.interruptions import interruptible
from kanwidget.training.optimizers.levenberg_marquardt import LevenbergMarquardt
from kanwidget.training.optimizers.settings import Settings

#: From a list of parameters and a learning rate.
MakeOptimizer = Callable[[list[Tensor], float], torch.optim.Optimizer]

# ---- gradient methods, guarded so that no step leaves a non-finite value behind

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
        make: MakeOptimizer,
        *,
        lr: float,
        batch: int | None = None,
        seed: int = 0,
    ) -> None:
        # `make` makes an optimizer of torch from parameters and a learning rate, `lr`, which is divided by 4 whenever a step fails.
        self.objective, self._make, self._start_lr = objective, make, lr
        #: Seconds of the last step: after a long one, and in the first, checks for an interruption are made within.
        self._seconds = math.inf
        self.batch = None if batch is None or batch >= objective.rows else batch  # rows of each step, None for all
        self._generator = torch.Generator().manual_seed(seed)  # of the choice of rows
        self.lr = lr
        self.reload()

    def reload(self, networks: Sequence[int] | None = None) -> None:
        """Re-read the parameters, and forget curvature and momentum. A lowered learning rate stays low."""
        self.parameters = ParameterVector.of(self.objective.stack.template)
        # Parameters of the network rather than of a copy: a loss of the user may read the network.
        self._tensors = [p for p in network_parameters(self.objective.stack.template) if p.requires_grad]
        self._make_optimizer()

    def _make_optimizer(self) -> None:
        """A new optimizer of torch with the learning rate as it is, without memory."""
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
        """Return to a state of `state_dict`: learning rate, generator of the choice of rows, and the state of torch's optimizer."""
        if self.lr != state["lr"]:
            self.lr = state["lr"]
            self._make_optimizer()
        self._generator.set_state(state["generator"])
        self._optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))

    def step(self, interrupted: Callable[[], bool] = lambda: False) -> list[Outcome]:
        """One step of torch's optimizer; refused, with a lower learning rate for the next, if it gave a non-finite value.

        An interruption, or another error, takes it back.
        """
        if not self._tensors:
            return _outcome(self.objective.value(), "converged")
        start = [p.detach().clone() for p in self._tensors]
        state = self.state_dict()
        started = time.perf_counter()
        try:
            with interruptible(interrupted) if self._seconds > _LONG_STEP else nullcontext():
                rows = self._rows()  # the indices of a minibatch; None for all rows
                self._optimizer.step(self._closure(rows, interrupted))
                value = self.objective.value(rows)
            # Whether the next step is long enough for checks within.
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
        """Set the parameters to earlier copies of them, in the order of `_tensors`. In place."""
        with torch.no_grad():
            for parameter, value in zip(self._tensors, values, strict=True):
                parameter.copy_(value)

    def _rows(self) -> Tensor | None:
        """Indices of the rows of a step, `(batch,)`, drawn anew; None for all."""
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
    """The outcome of a step of a single network, in a list as `Optimizer.step` returns it."""
    return [Outcome(float(value.loss), float(value.penalty), None, stop_reason)]


def _zero_fixed(network: Network, parameters: ParameterVector) -> None:
    """Set the gradients of parameters that aren't free, with the index -1, to zero: torch's optimizers would move them, too.

    `numeric` has the indices of an edge's coefficients and, last, its base weight; `affine` those of the constants of its function.
    """
    for number, index in enumerate(parameters.layers):
        layer = network.layer(number)
        for parameter, columns in (
            (layer.coef, index.numeric[..., :-1]),
            (layer.base, index.numeric[..., -1]),
            (layer.affine, index.affine),
        ):
            if parameter.grad is not None:
                parameter.grad[columns < 0] = 0.0


#: LBFGS as pykan's users know it: twenty inner iterations a step, strong Wolfe line search.
_LBFGS = partial(
    torch.optim.LBFGS,
    max_iter=20,
    history_size=10,
    line_search_fn="strong_wolfe",
    tolerance_grad=1e-32,
    tolerance_change=1e-32,
)


# ---- the rows

#: LM forms a square matrix of the parameters at each step: above these it is no longer the fastest.
_LM_PARAMETERS, _LM_WORK = 3000, 1e11
_LM_OPTIONS = dict.fromkeys(("geodesic_acceleration", "smoothness"), "It is about the steps of opt='LM'.")


@dataclass(frozen=True, slots=True)
class Method:
    """One row of the table."""

    name: str
    make: Callable[[Objective, Settings], Optimizer]
    auto: Callable[[int, int, Settings], bool]
    """Whether `auto` takes it, from the numbers of parameters and rows, unless a row above is taken."""
    any_loss: bool = True
    """Whether it takes losses without a Gauss-Newton factor, such as a function of the user's."""
    several: bool = False
    """Whether it steps several networks at once."""
    plain_state: bool = False
    """Whether its state is lists of numbers: a session file then stores it, and an interruption doesn't lose it."""
    unused: Mapping[str, str] = field(default_factory=dict)
    """Options without a meaning for it, with the reason."""
    all_rows: str = ""
    """Why it can't take a `batch` of the rows; empty if it can."""


def _levenberg_marquardt(objective: Objective, o: Settings) -> Optimizer:
    """Levenberg-Marquardt for an objective under the settings `o`; with evidence the data set how smooth splines are.

    `averages` and `coarse` are details of the evidence, `smoothness` is set by hand; with `continual` parameters stay where they are unless
    the data say otherwise (`anchored`).
    """
    evidence = partial(Evidence, objective, averages=o.averages, coarse=o.coarse) if o.with_evidence else None
    return LevenbergMarquardt(objective, anchored=o.continual, smoothness=o.smoothness, evidence=evidence)


def _gradient_method(make: MakeOptimizer, lr: float) -> Callable[[Objective, Settings], Optimizer]:
    """A function that makes the optimizer for an objective under settings: one of torch's, which `make` makes.

    `lr` is its learning rate unless the settings have one.
    """
    return lambda objective, o: GradientMethod(
        objective, make, lr=lr if o.lr is None else o.lr, batch=o.batch, seed=o.seed
    )


OPTIMIZERS: dict[str, Method] = {
    row.name: row
    for row in (
        Method(
            "LM",
            _levenberg_marquardt,
            auto=lambda size, rows, _: size <= _LM_PARAMETERS and rows * size**2 <= _LM_WORK,
            any_loss=False,
            several=True,
            plain_state=True,
            unused={
                "lr": "LM finds the length of its steps by itself; opt='Adam' and opt='LBFGS' have a learning rate."
            },
            all_rows="LM sums over all rows in chunks: take all of them (batch=None), or another optimizer.",
        ),
        Method("LBFGS", _gradient_method(_LBFGS, 1.0), auto=lambda size, rows, o: o.batch is None, unused=_LM_OPTIONS),
        Method("Adam", _gradient_method(torch.optim.Adam, 1e-2), auto=lambda size, rows, o: True, unused=_LM_OPTIONS),
    )
}


def pick_optimizer(settings: Settings, network: Network, loss: Loss, rows: int) -> Method:
    """The row of the name `settings.opt`, or with `auto` the first one that suits network, loss and the number `rows` of rows.

    Raises:
        ValueError: If the loss or `batch` doesn't go with the name.
    """
    if settings.opt != "auto":
        method = OPTIMIZERS[settings.opt]
        _check_method(method, settings, loss)
        return method
    size = network.n_parameters
    return next(row for row in OPTIMIZERS.values() if _possible(row, settings, loss) and row.auto(size, rows, settings))


def _possible(method: Method, settings: Settings, loss: Loss) -> bool:
    """Whether the method can minimize this loss, and take the `batch` of the settings if they have one."""
    return (method.any_loss or loss.factor is not None) and (settings.batch is None or not method.all_rows)


def _check_method(method: Method, settings: Settings, loss: Loss) -> None:
    """An error if the method can't minimize this loss or take batches, wherever the settings come from."""
    if not method.any_loss and loss.factor is None:
        names = " or ".join(repr(row.name) for row in OPTIMIZERS.values() if row.any_loss)
        advice = f"Use opt={names} for your own loss, or loss='mse' or 'cross_entropy'."
        _check.fail("opt", "fit", f"{names} with this loss", method.name, advice)
    if settings.batch is not None and method.all_rows:
        # `all_rows` says why the method takes no minibatches: it is the advice.
        _check.fail("batch", "fit", f"left out with opt={method.name!r}", settings.batch, method.all_rows)
