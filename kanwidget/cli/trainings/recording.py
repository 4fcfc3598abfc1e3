"""A recorder of trainings, as the training of a table uses it: whoever wants a film passes one in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from kanwidget.kan import KAN


class Recorder(Protocol):
    """A callback of trainings that keeps the network's states."""

    def __call__(self, network: Any, record: Any) -> Any:
        """Record a step."""

    def keep(self, network: KAN, label: str) -> None:
        """Record a network before an act."""

    def convert(self, change: Callable[[KAN], KAN], since: int = 0) -> None:
        """Replace the recorded networks from an index on."""
