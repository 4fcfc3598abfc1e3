"""`Optimizer`: a method that takes steps, and the outcome of a step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kanwidget.core.records import Posterior


class Interrupted(Exception):
    """A step was interrupted; the parameters are as before the step."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one step."""

    loss: float
    """Mean loss on the rows of the step."""
    penalty: float
    """lamb times penalty."""
    damping: float | None = None
    """Damping for the next step of Levenberg-Marquardt; None for other optimizers."""
    stop_reason: str | None = None
    """`converged` or `stalled` when another step can't help."""
    noise: float | None = None
    """Variance of the noise in scaled numbers, where the data have set it; None for classes."""
    log_evidence: float | None = None
    """Logarithm of the evidence, see `Evidence`."""
    freedom: float | None = None
    """Degrees of freedom."""


class Optimizer(ABC):
    """Takes the steps of one network, or of several at once, on a fixed objective."""

    @abstractmethod
    def step(self, interrupted: Callable[[], bool] = lambda: False) -> list[Outcome]:
        """Take one step of every network, and return an outcome for each.

        Args:
            interrupted: Called within long steps. True raises `Interrupted`; parameters and optimizer are then as before the
                step.
        """

    @abstractmethod
    def reload(self, networks: Sequence[int] | None = None) -> None:
        """Re-read parameters, knots and settings of all networks.

        Args:
            networks: Indices of the networks that have changed; None for all.
        """

    def inherit(self, previous: Optimizer, networks: Sequence[int]) -> None:
        """Continue with the networks of `previous` at these indices. Only optimizers of several networks need this."""
        raise NotImplementedError(f"{type(self).__name__} steps one network at a time")

    def posterior(self, index: int) -> Posterior | None:
        """The parameters of network `index` given the data; None for an optimizer without evidence."""
        return None

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """A copy of the state that later steps depend on, to go on from there bit for bit.

        An optimizer whose row of the table of optimizers has `plain_state` gives lists of numbers, which a file can hold.
        """

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Return to a state of `state_dict`; parameters and structure must be as at that moment.

        Raises:
            ValueError: If `state` isn't the state of such an optimizer.
        """
