"""A recorder of trainings, as discovery uses it: whoever wants a film passes one in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from kanwidget.kan import KAN


class RecordedFrame(Protocol):
    """The network at one step."""

    @property
    def step(self) -> int:
        """Number of the step."""

    @property
    def label(self) -> str | None:
        """Label of an act; None for a step."""

    def network(self) -> KAN:
        """A copy of the network at that step."""


class Recorder(Protocol):
    """A callback of trainings that keeps the network's states."""

    def __call__(self, network: Any, record: Any) -> Any:
        """Record a step."""

    def keep(self, network: KAN, label: str) -> None:
        """Record a network before an act."""

    def convert(self, change: Callable[[KAN], KAN], since: int = 0) -> None:
        """Replace the recorded networks from an index on."""

    def frames(self) -> Sequence[RecordedFrame]:
        """All that was recorded, in order."""
