"""A training as a film before it is drawn: the curves of every moment, and their losses."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.core.records import History
from kanwidget.insight.plot.layout import Layout, arrange
from kanwidget.insight.plot.network import Edge, edges_of

#: Edges of one picture; more could not be distinguished in a moving one.
_MOST_EDGES = 400
#: Decades of the losses below their maximum; smaller ones are cut off.
_DECADES = 16

FilmFrame = tuple[int, Network]


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of the film with the same nodes and edges in the same states."""

    network: Network
    layout: Layout
    key: Any


class Film:
    """The edges of every frame, with their layout and time."""

    def __init__(
        self,
        frames: Sequence[FilmFrame],
        x: Tensor,
        history: History,
    ) -> None:
        self.history = history
        self.steps = [step for step, _ in frames]
        # Without bands: only the last frame could have them.
        frame_edges = (edges_of(network, x, "backward", 3.0) for _, network in frames)
        self.edges = [_strongest([replace(edge, band=None) for edge in edges]) for edges in frame_edges]
        self.sections: list[Section] = []
        for (_, network), edges in zip(frames, self.edges, strict=True):
            key = (network.width, [(edge.ref, edge.state, edge.symbol) for edge in edges])
            if self.sections and self.sections[-1].key == key:
                self.sections.append(self.sections[-1])
            else:
                head = 0.3 if network.width[-1][1] else 0.0
                self.sections.append(Section(network, arrange(network, [e.ref for e in edges], head=head), key))
        self.losses = _losses(history)
        #: The step of each row of the losses, and the ends of their axis: a history may begin later, and leave steps out.
        self.rows = np.array([record.step for record in history.records], dtype=float)
        self.span = (self.rows[0] - 1, self.rows[-1]) if self.rows.size else (0.0, 1.0)
        self.times = self._times()

    def _times(self) -> np.ndarray:
        """The time of each frame, from 0 to 1: intervals grow with the changes in them."""
        changes = np.array([self._change(k) for k in range(1, len(self.steps))]) ** 0.7
        if not changes.size:
            return np.zeros(1)
        changes += 0.35 * changes.mean() + 1e-9
        times = np.concatenate([[0.0], np.cumsum(changes)])
        return times / times[-1]

    def _change(self, k: int) -> float:
        """How much changes between frames k - 1 and k."""
        fall = abs(math.log10(self._loss(self.steps[k]) / self._loss(self.steps[k - 1])))
        if self.sections[k] is not self.sections[k - 1]:
            return 0.3 + 0.1 * fall
        pairs = list(zip(self.edges[k - 1], self.edges[k], strict=True))
        moved = [b.opacity * np.abs(_shape(b) - _shape(a)).mean() + abs(b.opacity - a.opacity) for a, b in pairs]
        return float(np.mean(moved or [0.0])) + 0.1 * fall

    def _loss(self, step: float) -> float:
        """The loss at a step, which only paces the film: 1 if there is none."""
        at = self.records_until(step) - 1
        value = self.history.records[at].train_loss if at >= 0 else math.nan
        return value if math.isfinite(value) and value > 0 else 1.0

    def records_until(self, step: float) -> int:
        """Number of records up to a step."""
        return int(np.searchsorted(self.rows, step, side="right"))

    def moments(self, count: int) -> Iterator[tuple[Section, list[Edge], float]]:
        """The film at evenly spaced times: section, edges and step of each."""
        if len(self.steps) == 1:
            yield self.sections[0], self.edges[0], self.steps[0]
            return
        for time in np.linspace(0, 1, count):
            k = min(max(int(np.searchsorted(self.times, time, side="right")) - 1, 0), len(self.steps) - 2)
            part = float((time - self.times[k]) / (self.times[k + 1] - self.times[k]))
            if self.sections[k] is self.sections[k + 1]:
                edges = [_between(a, b, part) for a, b in zip(self.edges[k], self.edges[k + 1], strict=True)]
                yield self.sections[k], edges, self.steps[k] + part * (self.steps[k + 1] - self.steps[k])
            else:
                late = k + (part >= 0.5)
                yield self.sections[late], self.edges[late], self.steps[late]


def _losses(history: History) -> dict[str, np.ndarray]:
    """The losses that can be drawn, by name; NaN where they aren't positive."""
    lines = {}
    for name in ("train", "test"):
        values = np.array([math.nan if v is None else v for v in history[f"{name}_loss"]], dtype=float)
        values = np.where(np.isfinite(values) & (values > 0), values, math.nan)
        if np.isfinite(values).any():
            lines[name] = np.where(values > np.nanmax(values) * 10.0**-_DECADES, values, math.nan)
    return lines


def _strongest(edges: list[Edge]) -> list[Edge]:
    """The edges of a large network that are drawn, in their order."""
    if len(edges) <= _MOST_EDGES:
        return edges
    return sorted(sorted(edges, key=lambda edge: -edge.opacity)[:_MOST_EDGES], key=lambda edge: edge.ref)


def _shape(edge: Edge) -> np.ndarray:
    """A curve as it looks in its box, from 0 to 1."""
    y = np.nan_to_num(edge.y, posinf=0.0, neginf=0.0)
    span = np.ptp(y)
    return (y - y.min()) / span if span > 0 else np.full_like(y, 0.5)


def _between(a: Edge, b: Edge, part: float) -> Edge:
    """An edge between two frames."""
    mix = lambda p, q: p + part * (q - p)  # noqa: E731
    return replace(b, opacity=mix(a.opacity, b.opacity), x=mix(a.x, b.x), y=mix(a.y, b.y))
