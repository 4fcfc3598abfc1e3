"""The records of a view's settings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SurfaceView:
    """One or two inputs (columns of the data) over which an output is drawn, and the values of all others, None for medians."""

    x: int
    y: int | None = None
    output: int = 0
    at: tuple[float | None, ...] = ()
