"""`PANELS`: a row for each panel, a tab whose content the kernel computes while a view has it open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from kanwidget.explorer.describe.panels.discovery import DiscoveryPanel, discovery
from kanwidget.explorer.describe.panels.forms import FormsPanel, forms
from kanwidget.explorer.describe.panels.front import FrontPanel, front
from kanwidget.explorer.describe.panels.parity import ParityPanel, parity
from kanwidget.explorer.describe.panels.surface import SurfacePanel, surface
from kanwidget.explorer.session.session import Session


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel."""

    name: str
    """Its topic, the kind of its messages, and the key of their payload."""
    payload: type
    """A `TypedDict`; `js/src/tabs/` has the guard that checks it."""
    content: Callable[[Session], tuple[Mapping[str, Any], dict[str, Tensor]]]
    """Payload and arrays of a message."""
    seconds: float
    """Between two messages while training."""
    share: float
    """Of the time of a training that it may take."""
    follows: str = "curves"
    """The topic with which it changes; others it marks by itself."""


#: By name.
PANELS: dict[str, Panel] = {
    row.name: row
    for row in (
        Panel("parity", ParityPanel, parity, 0.5, 0.01),
        Panel("surface", SurfacePanel, surface, 0.25, 0.04),
        Panel("front", FrontPanel, front, 1.0, 0.02),
        Panel("forms", FormsPanel, forms, 0.5, 0.01),
        Panel("discovery", DiscoveryPanel, discovery, 0.25, 0.03, follows="history"),
    )
}
