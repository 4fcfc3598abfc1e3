"""Panels of a saved page: parity and surface in full at the end, and with fewer points in every frame of the film; at the end also the
forms of the formula, as far as they were worked out, and the formulas of searches.

Arrays of a frame are stored as their lowest and highest value and 16-bit fractions between them; those that never change, such as the
points of the data, stand once and in full.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kanwidget.explorer.describe.forms import FormRow
from kanwidget.explorer.describe.panels.discovery import discovery
from kanwidget.explorer.describe.panels.forms import Forms, computed_forms
from kanwidget.explorer.describe.panels.parity import parity
from kanwidget.explorer.describe.panels.surface import surface
from kanwidget.explorer.files.edge_details import base64_text
from kanwidget.explorer.guide.discovery import result_sentence
from kanwidget.explorer.protocol.buffers import pack
from kanwidget.explorer.session.session import Session
from kanwidget.kan import KAN

#: The 16-bit value of a number that isn't finite.
NOT_FINITE = 65535
#: Rows of each part and values an axis in a frame of the film.
_ROWS, _SIDE = 100, 20
_PANELS = ("parity", "surface")
#: Characters of all forms of a formula; longer ones nobody reads, and they would make the file large.
_MOST_OF_FORMS = 100_000
#: Between the first frame and the end no forms were worked out.
_NO_FORMS: Forms = {"forms": [], "busy": False, "current": False}


def last_panels(session: Session) -> list[dict[str, Any]]:
    """The messages of all panels at the end: `message`, and `buffer` as base64."""
    messages = []
    for name, (payload, arrays) in _contents(session, session.model).items():
        offsets, buffer = pack(arrays)
        messages.append({"message": {"kind": name, name: payload, "arrays": offsets}, "buffer": base64_text(buffer)})
    if (forms := last_forms(session)) is not None:
        messages.append({"message": {"kind": "forms", "forms": forms, "arrays": {}}, "buffer": ""})
    if session.discoveries.hall(session.run.problem).front:
        payload, arrays = discovery(session)
        # Without a kernel nothing goes on, and a click has no effect.
        payload |= {"state": "done", "sentence": result_sentence(session)}
        offsets, buffer = pack(arrays)
        message = {"kind": "discovery", "discovery": payload, "arrays": offsets}
        messages.append({"message": message, "buffer": base64_text(buffer)})
    return messages


def last_forms(session: Session) -> Forms | None:
    """The forms of the formula at the end that were worked out, the first ones of many; None without any."""
    rows: list[FormRow] = []
    length = 0
    for row in computed_forms(session)["forms"]:
        length += len(json.dumps(row))
        if length <= _MOST_OF_FORMS:
            rows.append(row)
    return {"forms": rows, "busy": False, "current": True} if rows else None


def film_panels(session: Session, networks: Sequence[KAN]) -> dict[str, Any]:
    """All panels in every frame.

    Args:
        session: The end of the film, with data, names and the surface's axes.
        networks: The network of each frame.

    Returns:
        By the panel's name `payload`, and `arrays`: for each array its `shape`, and `ends` and `values` of all frames, or
        `constant`, if it never changes.
    """
    frames = [_contents(session, network, rows=_ROWS, side=_SIDE) for network in networks]
    panels: dict[str, Any] = {}
    for name in _PANELS:
        payload, first = frames[0][name]
        stacks = {key: [frame[name][1][key] for frame in frames] for key in first}
        panels[name] = {"payload": payload, "arrays": {key: _encoded(stack) for key, stack in stacks.items()}}
    if last_forms(session) is not None:
        panels["forms"] = {"payload": _NO_FORMS, "arrays": {}}
    return panels


def _contents(session: Session, network: KAN, **points: int) -> dict[str, tuple[Any, dict[str, Tensor]]]:
    rows = {"most_rows": points["rows"]} if points else {}
    side = {"side": points["side"]} if points else {}
    return {
        "parity": parity(session, network, **rows),
        "surface": surface(session, session.view.surface, network, **side),
    }


def _encoded(frames: Sequence[Tensor]) -> dict[str, Any]:
    """An array of every frame, or once, if all are equal."""
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
    """Rows of numbers as the ends of each row, `(rows, 2)`, and 16-bit fractions between them.

    Examples:
        >>> ends, fractions = encoded(np.array([[1.0, 3.0, 2.0, np.nan]]))
        >>> ends.tolist(), fractions.tolist()
        ([[1.0, 3.0]], [[0.0, 65534.0, 32767.0, 65535.0]])
    """
    finite = np.isfinite(table)
    low = np.where(finite, table, np.inf).min(1, keepdims=True)
    high = np.where(finite, table, -np.inf).max(1, keepdims=True)
    low, high = (np.where(np.isfinite(end), end, 0.0) for end in (low, high))
    span = np.where(high > low, high - low, 1.0)
    # What isn't finite has no fraction.
    parts = np.where(finite, table, low) - low
    return np.concatenate([low, high], axis=1), np.where(finite, parts / span * (NOT_FINITE - 1), NOT_FINITE).round()
