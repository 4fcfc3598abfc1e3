"""The film of a training in a saved page: the curves of every edge and the panels in every frame, and edge details just before each act.

A curve is stored as its importance, the ends of x and of y, and its samples as 16-bit fractions of the range of y: a screen shows no
more. Arrays of a panel, which has fewer points in a frame, are stored alike; those that never change, such as the points of the data, stand
once and in full. At the end panels stand in full, with the forms of the formula, as far as they were worked out, and the formulas of
searches.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kanwidget.core import EdgeRef, StepRecord
from kanwidget.explorer.describe.forms import FormRow
from kanwidget.explorer.describe.formula import formula
from kanwidget.explorer.describe.panels.discovery import discovery
from kanwidget.explorer.describe.panels.forms import FormsPanel, computed_forms
from kanwidget.explorer.describe.panels.parity import parity
from kanwidget.explorer.describe.panels.surface import surface
from kanwidget.explorer.describe.structure import structure
from kanwidget.explorer.files.edge_details import base64_text, edge_details, strongest_edges
from kanwidget.explorer.guide.discovery import hall_of, result_sentence
from kanwidget.explorer.protocol.buffers import finite, pack
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
#: The 16-bit value of a number that isn't finite.
NOT_FINITE = 65535
#: Rows of each part of the data, and values an axis, that panels have in a frame.
_ROWS, _SIDE = 100, 20
#: Characters of all forms of a formula; longer ones nobody reads, and they would make the file large.
_MOST_OF_FORMS = 100_000


def film_content(session: Session, frames: Sequence[Frame]) -> dict[str, Any]:
    """The film as JSON.

    Args:
        session: The end of the film, with names, data and history.
        frames: The states of the film, in order.

    Returns:
        `steps`, `losses` and `scene` have an entry a frame; `scene` is an index in `scenes`, the structures, and in `nodes`, the identities
        of their nodes. `heads` (importance and ends) and `values` (`samples` 16-bit numbers) have a row an edge, frame after frame.
        `panels` has the panels in each frame, `acts` and `stored` what `_acts` returns.
    """
    edges = max(1, len(session.model.edge_refs()))
    # Curves get so few samples that twice the fewest frames have room; with the fewest samples the fewest frames are still shown.
    samples = max(_MIN_SAMPLES, min(THUMB_SAMPLES, _MAX_SAMPLES // (edges * 2 * _MIN_FRAMES)))
    frames = thinned(frames, max(_MIN_FRAMES, _MAX_SAMPLES // (edges * samples)))
    x, networks = session.x.cpu(), [frame.network() for frame in frames]
    # Each structure once, and the first and the last network of each.
    numbers: dict[str, int] = {}
    scenes: list[Any] = []
    ends: list[tuple[KAN, KAN]] = []
    scene, heads, values = [], [], []
    for network in networks:
        if network is not session.model:
            network.reference = x  # a network made from recorded parameters has no reference data
        number = numbers.setdefault(_structure_key(network), len(scenes))
        if number == len(scenes):
            scenes.append({**structure(session_at(session, network)), "version": number})
            ends.append((network, network))
        elif number == len(scenes) - 1:  # the newest structure goes on; one that comes back later keeps its ends
            ends[number] = (ends[number][0], network)
        scene.append(number)
        head, value = _encoded_curves(sampled(network, x, samples).thumbnails)
        heads.append(head)
        values.append(value)
    return {
        "steps": [frame.step for frame in frames],
        "losses": _losses(session.run.records, frames),
        "scenes": scenes,
        "scene": scene,
        "nodes": identities(ends, x),
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


def _structure_key(network: KAN) -> str:
    """What two networks of one structure agree in, as a text to compare: all that a page's structure follows from, without parameters.

    It holds width, columns, grid sizes, functions, ties, splines and frozen edges.
    """
    parts = [
        (layer.grid_size, sorted(layer.symbols.items()), layer.ties, layer.spline_on.tolist(), layer.frozen.tolist())
        for layer in network.layers
    ]
    return repr((network.width, network.arities, network.columns.tolist(), parts))


def session_at(session: Session, network: KAN) -> Session:
    """A session with the same data and names as `session`, for `network`, another state of its network; `session` itself for its own."""
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
    other.candidates.rank_by(session.candidates.simplicity)  # candidates come in the same order as on the page
    return other


def _losses(records: Sequence[StepRecord], frames: Sequence[Frame]) -> list[list[float | None]]:
    """Train loss, test loss and penalty of every frame; None where there is no record of its step, or the number isn't finite."""
    by_step = {record.step: record for record in records}
    rows = [by_step.get(frame.step) for frame in frames]
    return [[None] * 3 if r is None else [finite(v) for v in (r.train_loss, r.test_loss, r.penalty)] for r in rows]


def _acts(session: Session, frames: Sequence[Frame]) -> dict[str, list[Any]]:
    """What a page shows of edges (curves and candidates) just before each act that has changed the network; of the last 12 acts.

    A frame before an act has a label. Of each the 40 strongest edges are stored, at most 240 edges in all, the last acts first.

    Returns:
        `acts`, in order: of each the index of its frame (`shot`), tree node (`state`), label, formula, and by edge an index in `stored`.
        `stored`: the details, each once, also where an edge is the same before several acts.
    """
    acts = [(i, frame) for i, frame in enumerate(frames) if frame.label is not None]
    content: list[Any] = []
    details: list[Any] = []
    # An edge that doesn't change between two acts is searched and stored once.
    numbers: dict[tuple[EdgeRef, bytes], int] = {}
    # The last acts come first: where the number of searches reaches its limit the oldest ones go without.
    for i, frame in reversed(acts[-_MAX_ACTS:]):
        state = session_at(session, frame.network())
        keys: dict[str, int] = {}
        fresh: list[EdgeRef] = []
        for edge in strongest_edges(state, _ACT_EDGES):
            # What an edge is fitted to: where these bytes are equal, so are its candidates.
            key = edge, state.candidates.samples(edge).cpu().numpy().tobytes()
            if key not in numbers and len(details) + len(fresh) < _MAX_SEARCHES:
                numbers[key] = len(details) + len(fresh)
                fresh.append(edge)
            if key in numbers:
                keys["-".join(map(str, edge))] = numbers[key]
        details += edge_details(state, fresh, compact=True)
        content.append({"shot": i, "state": frame.act, "label": frame.label, "formula": formula(state), "edges": keys})
    return {"acts": content[::-1], "stored": details}


# ---- panels


def last_panels(session: Session) -> list[dict[str, Any]]:
    """The messages of all panels at the end: `message`, and `buffer` as base64."""
    contents: dict[str, tuple[Any, dict[str, Tensor]]] = {"parity": parity(session), "surface": surface(session)}
    if (forms := last_forms(session)) is not None:
        contents["forms"] = forms, {}
    if hall_of(session).front:
        payload, arrays = discovery(session)
        # Without a kernel nothing goes on, and a click has no effect.
        contents["discovery"] = payload | {"state": "done", "sentence": result_sentence(session)}, arrays
    return [_message(name, payload, arrays) for name, (payload, arrays) in contents.items()]


def _message(name: str, payload: Any, arrays: dict[str, Tensor]) -> dict[str, Any]:
    """The message that a kernel would send about the panel `name`, and its buffer of all `arrays` as base64, for JSON."""
    offsets, buffer = pack(arrays)
    return {"message": {"kind": name, name: payload, "arrays": offsets}, "buffer": base64_text(buffer)}


def last_forms(session: Session) -> FormsPanel | None:
    """The payload of the panel of formula forms, with those that are worked out already; None without any.

    Forms that would make the file too large are left out.
    """
    rows: list[FormRow] = []
    length = 0  # characters of all forms so far
    for row in computed_forms(session)["forms"]:
        length += len(json.dumps(row))
        if length <= _MOST_OF_FORMS:
            rows.append(row)
    return {"forms": rows, "busy": False, "current": True} if rows else None


def film_panels(session: Session, networks: Sequence[KAN]) -> dict[str, Any]:
    """The panels parity and surface in every frame, and an empty panel of forms where the end of the film has forms.

    Args:
        session: The end of the film, with data, names and the surface's axes.
        networks: The network of each frame.

    Returns:
        By the panel's name `payload`, that of the first frame, and `arrays`: for each array its `shape`, and `ends` and `values` of all
        frames, or `constant`, if it never changes; see `_encoded_array`.
    """
    contents: dict[str, list[tuple[Any, dict[str, Tensor]]]] = {
        "parity": [parity(session, network, _ROWS) for network in networks],
        "surface": [surface(session, network=network, side=_SIDE) for network in networks],
    }
    panels: dict[str, Any] = {}
    for name, frames in contents.items():
        payload, first = frames[0]
        stacks = {key: [arrays[key] for _, arrays in frames] for key in first}
        panels[name] = {"payload": payload, "arrays": {key: _encoded_array(stack) for key, stack in stacks.items()}}
    if last_forms(session) is not None:
        # Between the first frame and the end none were worked out.
        panels["forms"] = {"payload": {"forms": [], "busy": False, "current": False}, "arrays": {}}
    return panels


# ---- 16-bit fractions


def _encoded_curves(rows: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Thumbnails `rows`, `(edges, 3 + samples)`: importance, x_min, x_max and samples, as two arrays for a file.

    The first one, `(edges, 5)`, has importance, x_min, x_max, y_min and y_max; the second one, `(edges, samples)`, the samples as whole
    numbers, see `encoded`.
    """
    table = rows.detach().cpu().double().numpy()
    ends, fractions = encoded(table[:, 3:])
    return np.nan_to_num(np.concatenate([table[:, :3], ends], axis=1)), fractions


def _encoded_array(frames: Sequence[Tensor]) -> dict[str, Any]:
    """An array of a panel in every frame, all of one shape, as JSON with the numbers in base64.

    If all frames are equal, `constant` has it once, as float32. Else `ends` has the smallest and largest number of each frame, as float32,
    and `values` 16-bit fractions between them, see `encoded`.
    """
    if all(torch.equal(frame, frames[0]) for frame in frames):
        floats = frames[0].detach().cpu().float().numpy().astype("<f4")
        return {"shape": list(frames[0].shape), "constant": base64_text(floats.tobytes())}
    table = np.stack([frame.detach().cpu().double().numpy().ravel() for frame in frames])
    ends, fractions = encoded(table)
    return {
        "shape": list(frames[0].shape),
        "ends": base64_text(ends.astype("<f4").tobytes()),
        "values": base64_text(fractions.astype("<u2").tobytes()),
    }


def encoded(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of numbers as the smallest and largest finite number of each row, `(rows, 2)`, and where each number stands between them.

    The second array has the shape of `table`: whole numbers from 0 (the smallest) to 65534 (the largest), which 16 bits hold. 65535 stands
    for a number that isn't finite.

    Examples:
        >>> ends, fractions = encoded(np.array([[1.0, 3.0, 2.0, np.nan]]))
        >>> ends.tolist(), fractions.tolist()
        ([[1.0, 3.0]], [[0.0, 65534.0, 32767.0, 65535.0]])
    """
    is_finite = np.isfinite(table)
    low = np.where(is_finite, table, np.inf).min(1, keepdims=True)
    high = np.where(is_finite, table, -np.inf).max(1, keepdims=True)
    low, high = (np.where(np.isfinite(end), end, 0.0) for end in (low, high))  # ±inf: the row has no finite number
    span = np.where(high > low, high - low, 1.0)
    # What isn't finite has no fraction: it counts as the smallest number here, and becomes `NOT_FINITE` below.
    parts = np.where(is_finite, table, low) - low
    return np.concatenate([low, high], axis=1), np.where(is_finite, parts / span * (NOT_FINITE - 1), NOT_FINITE).round()
