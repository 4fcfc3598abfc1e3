"""The optimizers, one row each: how to make it, what it can do, and which options have no meaning for it.

A new optimizer is a class and a row here. The names that `opt` takes, the choice of `auto`, the refusals of options and losses,
and training in batches follow from the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.training.evidence.evidence import Evidence
from kanwidget.training.objective.loss import Loss
from kanwidget.training.objective.objective import Objective
from kanwidget.training.optimizers.base import Optimizer
from kanwidget.training.optimizers.gradient import GradientMethod, adam, lbfgs
from kanwidget.training.optimizers.levenberg_marquardt import LevenbergMarquardt
from kanwidget.training.optimizers.settings import Settings

#: LM forms a square matrix of the parameters at each step: above these it is no longer the fastest.
_LM_PARAMETERS, _LM_WORK = 3000, 1e11
_ONLY_LM = "It is about the steps of opt='LM'."


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


OPTIMIZERS: dict[str, Method] = {
    row.name: row
    for row in (
        Method(
            "LM",
            lambda objective, o: LevenbergMarquardt(
                objective,
                anchored=o.continual,
                smoothness=o.smoothness,
                evidence=partial(Evidence, objective.batch, averages=o.averages, coarse=o.coarse)
                if o.with_evidence
                else None,
            ),
            auto=lambda size, rows, _: size <= _LM_PARAMETERS and rows * size**2 <= _LM_WORK,
            any_loss=False,
            several=True,
            plain_state=True,
            unused={
                "lr": "LM finds the length of its steps by itself; opt='Adam' and opt='LBFGS' have a learning rate."
            },
            all_rows="LM sums over all rows in chunks: take all of them (batch=None), or another optimizer.",
        ),
        Method(
            "LBFGS",
            lambda objective, o: GradientMethod(
                objective, lbfgs, lr=1.0 if o.lr is None else o.lr, batch=o.batch, seed=o.seed
            ),
            auto=lambda size, rows, o: o.batch is None,
            unused={"geodesic_acceleration": _ONLY_LM, "smoothness": _ONLY_LM},
        ),
        Method(
            "Adam",
            lambda objective, o: GradientMethod(
                objective, adam, lr=1e-2 if o.lr is None else o.lr, batch=o.batch, seed=o.seed
            ),
            auto=lambda size, rows, o: True,
            unused={"geodesic_acceleration": _ONLY_LM, "smoothness": _ONLY_LM},
        ),
    )
}


def pick_optimizer(settings: Settings, network: Network, loss: Loss, rows: int) -> Method:
    """The row of that name, or with `auto` the first one that suits network, loss and rows.

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
    return (method.any_loss or loss.factor is not None) and (settings.batch is None or not method.all_rows)


def _check_method(method: Method, settings: Settings, loss: Loss) -> None:
    """An error if the method can't minimize this loss or take batches, wherever the settings come from."""
    if not method.any_loss and loss.factor is None:
        names = " or ".join(repr(row.name) for row in OPTIMIZERS.values() if row.any_loss)
        advice = f"Use opt={names} for your own loss, or loss='mse' or 'cross_entropy'."
        _check.fail("opt", "fit", f"{names} with this loss", method.name, advice)
    if settings.batch is not None and method.all_rows:
        _check.fail("batch", "fit", f"left out with opt={method.name!r}", settings.batch, method.all_rows)
