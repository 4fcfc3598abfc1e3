"""A session as JSON: for people, for other programs, and for `KANExplorer.load`, which goes on with it."""

from __future__ import annotations

import ast
import json
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

from torch import Tensor

from kanwidget.core.storage import save
from kanwidget.datasets import Dataset
from kanwidget.explorer.describe.history import history
from kanwidget.explorer.describe.snapshot import settings, status
from kanwidget.explorer.describe.structure import structure
from kanwidget.explorer.files.edge_details import base64_text
from kanwidget.explorer.files.session_fields import FORMAT, KIND, RECORD, TREE_NODE, plain
from kanwidget.explorer.session.script import literal
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import copied
from kanwidget.kan import KAN
from kanwidget.training import OPTIMIZERS, Settings, Trainer

#: Bytes of data that are stored; for larger data `load` needs the argument `data`.
_MAX_DATA = 16_000_000


def session_json(session: Session) -> str:
    """Structure, settings, status and history for other programs, and under `session` all that `load` restores."""
    content = {
        "kind": KIND,
        "version": FORMAT,
        "structure": structure(session),
        "settings": settings(session),
        "status": status(session, "blocking"),
        "history": history(session),
        "session": _session(session),
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1)


def _session(session: Session) -> dict[str, Any]:
    initial, _, preset = session.origin
    is_first = initial is session.run.initial
    # Names of the columns are those of the first problem.
    names = () if is_first else ("in_vars", "out_vars")
    arguments = {name: literal(value) for name, value in session.arguments.items() if name not in names}
    settings = {field.name: literal(getattr(session.run.trainer.settings, field.name)) for field in fields(Settings)}
    model = copied(session.model)
    model.history = session.run.previous_history
    return {
        "arguments": _values(arguments),
        "missing_arguments": [name for name, source in arguments.items() if source is None],
        "settings": _values(settings),
        "trainer": plain(_trainer_state(session.run.trainer)),
        "state": "paused" if session.running else session.run.state,
        "stop_reason": session.run.stop_reason,
        "noise": session.run.noise,
        "seed": session.run.seed,
        "preset": session.preset,
        "origin": None if is_first else {"preset": preset, "seed": initial.seed},
        "records": [plain([getattr(record, name) for name in RECORD]) for record in session.run.records],
        "last_record": plain([getattr(session.run.last_record, name) for name in RECORD]),
        "events": [[event.step, event.kind, event.label] for event in session.run.events],
        "tree": [plain([getattr(node, name) for name in TREE_NODE]) for node in session.tree.nodes.values()],
        "script": session.script.statements(),
        "formulas": _formulas(session),
        "initial_model": _model(session.run.initial),
        "model": _model(model),
        "data": _data(session.data),
    }


def _formulas(session: Session) -> list[Any]:
    """The hall of fame: of each formula its text with all digits, its complexity, whether it is the likeliest, and its error on rows that
    were held out, which can't be had again.
    """
    hall = session.discoveries.hall(session.run.problem)
    return [
        [one.source, one.complexity, one.source == hall.best, getattr(one.equation, "rmse_test", None)]
        for one in hall.front
    ]


def _trainer_state(trainer: Trainer) -> dict[str, Any]:
    """Progress, and the optimizer's state if it is plain numbers."""
    state = trainer.state_dict()
    return state if OPTIMIZERS[trainer.opt].plain_state else state | {"optimizer": None}


def _values(literals: dict[str, str | None]) -> dict[str, Any]:
    """The plain values of literals: a scalar of NumPy is a number."""
    return {name: ast.literal_eval(source) for name, source in literals.items() if source is not None}


def _model(model: KAN) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.kan")
        save(model, path)
        return base64_text(path.read_bytes())


def _data(data: Dataset) -> dict[str, Any] | None:
    """The data, unless they are large."""
    from safetensors.torch import save as to_bytes

    tensors = {field.name: getattr(data, field.name) for field in fields(Dataset)}
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items() if isinstance(value, Tensor)}
    if sum(value.numel() * value.element_size() for value in tensors.values()) > _MAX_DATA:
        return None
    names = list(data.in_vars) if data.has_names else []  # default names are made anew
    outputs = [] if data.is_classification and not data.classes else list(data.out_vars)
    encoding = None if data.encoding is None else data.encoding.to_dict()
    return {"in_vars": names, "out_vars": outputs, "encoding": encoding, "tensors": base64_text(to_bytes(tensors))}
