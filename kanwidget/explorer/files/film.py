"""The film of a training in a saved page: the curves of every edge in every frame, and edge details just before each act.

A curve is stored as its importance, the ends of x and of y, and its samples as 16-bit fractions of the range of y: a screen shows no
more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from kanwidget.core import EdgeRef, StepRecord
from kanwidget.explorer.describe.formula import formula
from kanwidget.explorer.describe.structure import structure
from kanwidget.explorer.files.edge_details import base64_text, edge_details, strongest_edges
from kanwidget.explorer.files.film_panels import encoded, film_panels
from kanwidget.explorer.protocol.buffers import finite
from kanwidget.explorer.protocol.records import THUMB_SAMPLES
from kanwidget.explorer.session.recorder import Frame
from kanwidget.explorer.session.samples import sampled
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.states.node_identity import identities
from kanwidget.kan import KAN

#: Samples of all curves together: large networks have fewer frames, and coarser curves.
_MAX_SAMPLES = 400_000
_MIN_FRAMES, _MIN_SAMPLES = 16, 9
#: Acts whose candidates are stored, edges of each, and searches for candidates altogether.
_MAX_ACTS, _ACT_EDGES, _MAX_SEARCHES = 12, 40, 240


def film_content(session: Session, frames: Sequence[Frame]) -> dict[str, Any]:
    """The film as JSON.

    Args:
        session: The end of the film, with names, data and history.
        frames: The states of the film, in order.
    """
    edges = max(1, len(session.model.edge_refs()))
    samples = max(_MIN_SAMPLES, min(THUMB_SAMPLES, _MAX_SAMPLES // (edges * 2 * _MIN_FRAMES)))
    frames = thinned(frames, max(_MIN_FRAMES, _MAX_SAMPLES // (edges * samples)))
    structures, heads, values = _Structures(session), [], []
    numbers, x = [], session.x.cpu()
    networks = [_with_reference(frame.network(), session) for frame in frames]
    for network in networks:
        numbers.append(structures.number(network))
        head, value = _encoded(sampled(network, x, samples).thumbnails)
        heads.append(head)
        values.append(value)
    return {
        "steps": [frame.step for frame in frames],
        "losses": _losses(session.run.records, frames),
        "scenes": structures.content,
        "scene": numbers,
        "nodes": identities(structures.networks, x),
        "panels": film_panels(session, networks),
        "samples": samples,
        "heads": base64_text(np.concatenate(heads).astype("<f4").tobytes()),
        "values": base64_text(np.concatenate(values).astype("<u2").tobytes()),
        **_acts(session, frames),
    }


def thinned(frames: Sequence[Frame], limit: int) -> list[Frame]:
    """At most `limit` frames, evenly; the first, the last and those before acts stay."""
    needed = {0, len(frames) - 1} | {i for i, frame in enumerate(frames) if frame.label is not None}
    rest = [i for i in range(len(frames)) if i not in needed]
    room = max(0, limit - len(needed))
    if len(rest) > room:
        picked = np.linspace(0, len(rest) - 1, room).round().astype(int) if room else []
        rest = [rest[i] for i in picked]
    return [frames[i] for i in sorted({*needed, *rest})]


def _with_reference(network: KAN, session: Session) -> KAN:
    if network is not session.model:
        network.reference = session.x.cpu()
    return network


class _Structures:
    """The structures of a film, each stored once."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.content: list[Any] = []
        #: The first and the last network of each structure.
        self.networks: list[tuple[KAN, KAN]] = []
        self._numbers: dict[Any, int] = {}

    def number(self, network: KAN) -> int:
        """Index of a network's structure in `content`."""
        layers = [network.layer(index) for index in range(network.depth)]
        key = (
            repr(network.width),
            tuple(network.columns.tolist()),
            *(
                (layer.grid_size, repr(sorted(layer.symbols.items())), layer.spline_on.cpu().numpy().tobytes())
                for layer in layers
            ),
        )
        if key not in self._numbers:
            number = self._numbers[key] = len(self.content)
            self.networks.append((network, network))
            self.content.append({**structure(session_at(self.session, network)), "version": number})
        number = self._numbers[key]
        if number == len(self.networks) - 1:
            self.networks[number] = (self.networks[number][0], network)
        return number


def session_at(session: Session, network: KAN) -> Session:
    """A session with the same data and names, and another state of the network."""
    if network is session.model:
        return session
    other = Session(
        network,
        session.data,
        in_vars=session.in_vars,
        out_vars=session.out_vars,
        lib=session.candidates.lib,
        loss=session.run.trainer.settings.loss,
    )
    other.candidates.rank_by(session.candidates.simplicity)
    return other


def _encoded(rows: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Rows of `thumbnails` as heads (importance, x_min, x_max, y_min, y_max) and 16-bit samples."""
    table = rows.detach().cpu().double().numpy()
    ends, fractions = encoded(table[:, 3:])
    return np.nan_to_num(np.concatenate([table[:, :3], ends], axis=1)), fractions


def _losses(records: Sequence[StepRecord], frames: Sequence[Frame]) -> list[list[float | None]]:
    """Train, test and penalty of every frame, None where there is no record."""
    by_step = {record.step: record for record in records}
    rows = [by_step.get(frame.step) for frame in frames]
    return [[None] * 3 if r is None else [finite(v) for v in (r.train_loss, r.test_loss, r.penalty)] for r in rows]


def _acts(session: Session, frames: Sequence[Frame]) -> dict[str, list[Any]]:
    """Edge details just before every act; of many acts the last ones."""
    acts = [(i, frame) for i, frame in enumerate(frames) if frame.label is not None]
    content: list[Any] = []
    details: list[Any] = []
    # An edge that doesn't change between two acts is searched and stored once.
    numbers: dict[tuple[EdgeRef, bytes], int] = {}
    for i, frame in reversed(acts[-_MAX_ACTS:]):
        state = session_at(session, frame.network())
        keys: dict[str, int] = {}
        fresh: list[EdgeRef] = []
        for edge in strongest_edges(state, _ACT_EDGES):
            key = edge, state.candidates.samples(edge).cpu().numpy().tobytes()
            if key not in numbers and len(details) + len(fresh) < _MAX_SEARCHES:
                numbers[key] = len(details) + len(fresh)
                fresh.append(edge)
            if key in numbers:
                keys["-".join(map(str, edge))] = numbers[key]
        details += edge_details(state, fresh, compact=True)
        content.append({"shot": i, "state": frame.act, "label": frame.label, "formula": formula(state), "edges": keys})
    return {"acts": content[::-1], "stored": details}
