"""The film of a training for a page: curves of every edge at every shot, and at the acts what selecting an edge shows.

A curve is stored as its importance, the ends of x and of y, and its samples as 16-bit parts of the range of y: a screen shows no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from kanwidget.core import EdgeRef, StepRecord
from kanwidget.explorer.describe import curves
from kanwidget.explorer.describe import snapshot as describe
from kanwidget.explorer.describe.formula import formula
from kanwidget.explorer.files.edge_details import stored_edges, strongest, text_of
from kanwidget.explorer.protocol.records import THUMB_SAMPLES
from kanwidget.explorer.session.recorder import Shot
from kanwidget.explorer.session.session import Session
from kanwidget.kan import KAN

#: Samples of all curves together: large networks have fewer shots, and coarser curves.
_MOST_SAMPLES = 400_000
_FEWEST_SHOTS, _FEWEST_SAMPLES = 16, 9
#: Acts whose candidates are stored, edges of each, and searches for candidates altogether.
_MOST_ACTS, _ACT_EDGES, _MOST_SEARCHES = 12, 40, 240
#: The 16-bit value of what isn't a finite number.
_NO_NUMBER = 65535


def movie(session: Session, shots: Sequence[Shot]) -> dict[str, Any]:
    """The film as JSON.

    Args:
        session: The end of the film, with names, data and history.
        shots: The states of the film, in order.
    """
    edges = max(1, len(session.model.edge_refs()))
    samples = max(_FEWEST_SAMPLES, min(THUMB_SAMPLES, _MOST_SAMPLES // (edges * 2 * _FEWEST_SHOTS)))
    shots = picked(shots, max(_FEWEST_SHOTS, _MOST_SAMPLES // (edges * samples)))
    scenes, heads, values = _Scenes(session), [], []
    at, x = [], session.x.cpu()
    for shot in shots:
        network = _with_reference(shot.network(), session)
        at.append(scenes.of(network))
        head, value = _coded(curves.thumbnails(network, x, curves.scores(network, x), samples))
        heads.append(head)
        values.append(value)
    return {
        "steps": [shot.step for shot in shots],
        "losses": _losses(session.records, shots),
        "scenes": scenes.told,
        "scene": at,
        "samples": samples,
        "heads": text_of(np.concatenate(heads).astype("<f4").tobytes()),
        "values": text_of(np.concatenate(values).astype("<u2").tobytes()),
        **_acts(session, shots),
    }


def picked(shots: Sequence[Shot], most: int) -> list[Shot]:
    """At most so many shots, evenly; the first, the last and those before acts stay."""
    needed = {0, len(shots) - 1} | {i for i, shot in enumerate(shots) if shot.label is not None}
    others = [i for i in range(len(shots)) if i not in needed]
    room = max(0, most - len(needed))
    if len(others) > room:
        places = np.linspace(0, len(others) - 1, room).round().astype(int) if room else []
        others = [others[place] for place in places]
    return [shots[i] for i in sorted({*needed, *others})]


def _with_reference(network: KAN, session: Session) -> KAN:
    if network is not session.model:
        network.reference = session.x.cpu()
    return network


class _Scenes:
    """The structures of a film, each told once."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.told: list[Any] = []
        self._known: dict[Any, int] = {}

    def of(self, network: KAN) -> int:
        """Number of the structure of a network."""
        layers = [network.layer(index) for index in range(network.depth)]
        key = (
            repr(network.width),
            tuple(network.columns.tolist()),
            *(
                (layer.grid_size, repr(sorted(layer.symbols.items())), layer.spline_on.cpu().numpy().tobytes())
                for layer in layers
            ),
        )
        if key not in self._known:
            self._known[key] = len(self.told)
            self.told.append({**describe.structure(at(self.session, network)), "version": len(self.told)})
        return self._known[key]


def at(session: Session, network: KAN) -> Session:
    """A session like the given one in another state."""
    if network is session.model:
        return session
    made = Session(
        network,
        session.data,
        in_vars=session.in_vars,
        out_vars=session.out_vars,
        lib=session.lib,
        loss=session.trainer.settings.loss,
    )
    made.simplicity = session.simplicity
    return made


def _coded(rows: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Rows of `thumbnails` as heads (importance, x_min, x_max, y_min, y_max) and 16-bit samples."""
    table = rows.detach().cpu().double().numpy()
    head, y = table[:, :3], table[:, 3:]
    finite = np.isfinite(y)
    low = np.where(finite, y, np.inf).min(1, keepdims=True)
    high = np.where(finite, y, -np.inf).max(1, keepdims=True)
    low, high = (np.where(np.isfinite(end), end, 0.0) for end in (low, high))
    span = np.where(high > low, high - low, 1.0)
    part = np.where(finite, (y - low) / span * (_NO_NUMBER - 1), _NO_NUMBER)
    return np.nan_to_num(np.concatenate([head, low, high], axis=1)), part.round()


def _losses(records: Sequence[StepRecord], shots: Sequence[Shot]) -> list[list[float | None]]:
    """Train, test and penalty at every shot, as far as they are known."""
    known = {record.step: record for record in records}
    found = [known.get(shot.step) for shot in shots]
    return [
        [None] * 3 if r is None else [describe.finite(v) for v in (r.train_loss, r.test_loss, r.penalty)] for r in found
    ]


def _acts(session: Session, shots: Sequence[Shot]) -> dict[str, list[Any]]:
    """What selecting an edge shows just before every act; of many acts the last ones."""
    acts = [(i, shot) for i, shot in enumerate(shots) if shot.label is not None]
    told: list[Any] = []
    stored: list[Any] = []
    # What didn't change from one act to the next is searched and stored once.
    known: dict[tuple[EdgeRef, bytes], int] = {}
    for i, shot in reversed(acts[-_MOST_ACTS:]):
        then = at(session, shot.network())
        keys: dict[str, int] = {}
        fresh: list[EdgeRef] = []
        for edge in strongest(then, _ACT_EDGES):
            key = edge, curves.edge_samples(then.model, edge, then.x).cpu().numpy().tobytes()
            if key not in known and len(stored) + len(fresh) < _MOST_SEARCHES:
                known[key] = len(stored) + len(fresh)
                fresh.append(edge)
            if key in known:
                keys["-".join(map(str, edge))] = known[key]
        stored += stored_edges(then, fresh, brief=True)
        told.append({"shot": i, "state": shot.act, "label": shot.label, "formula": formula(then), "edges": keys})
    return {"acts": told[::-1], "stored": stored}
