"""A session as JSON: for people, for other programs, and for `KANExplorer.load`, which goes on with it."""

from __future__ import annotations

import ast
import json
import math
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from torch import Tensor

from kanwidget import _check
from kanwidget.core.storage import save
from kanwidget.datasets import Dataset
from kanwidget.explorer.describe.history import history
from kanwidget.explorer.describe.snapshot import settings, status
from kanwidget.explorer.describe.structure import structure
from kanwidget.explorer.files.edge_details import base64_text
from kanwidget.explorer.guide.discovery import hall_of
from kanwidget.explorer.session.script import literal
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import copied
from kanwidget.kan import KAN
from kanwidget.training import OPTIMIZERS, Settings, Trainer

#: Bytes of data that are stored; for larger data `load` needs the argument `data`.
_MAX_DATA = 16_000_000
#: Version of the format. A change that older code can't read raises it.
FORMAT = 2
KIND = "kanwidget session"
Check = Callable[[Any], Any]


def session_json(session: Session, rows: bool = True) -> str:
    """Structure, settings, status and history for other programs, and under `session` all that `load` restores.

    Args:
        session: The session.
        rows: Whether the data are stored, too, unless they are large; else `load` needs them.
    """
    content = {
        "kind": KIND,
        "version": FORMAT,
        "structure": structure(session),
        "settings": settings(session),
        "status": status(session, "blocking"),
        "history": history(session),
        "session": _session(session, rows),
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1)


def _session(session: Session, rows: bool) -> dict[str, Any]:
    """What `load` restores of a session, as JSON; without `rows`, or for large data, `load` needs the data."""
    initial, _, preset = session.origin  # network and preset that the session began with
    is_first = initial is session.run.initial  # else another problem was loaded meanwhile
    # The names in the arguments are those of the first problem's columns: another problem has its own.
    names = () if is_first else ("in_vars", "out_vars")
    # `literal` is a value as Python writes it, None for a function or a tensor: `missing_arguments` names those.
    arguments = {name: literal(value) for name, value in session.arguments.items() if name not in names}
    settings = {field.name: literal(getattr(session.run.trainer.settings, field.name)) for field in fields(Settings)}
    model = copied(session.model)
    model.history = session.run.previous_history  # from before this session, whose own records stand below
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
        "data": _data(session.data) if rows else None,
    }


def _formulas(session: Session) -> list[Any]:
    """The formulas that searches have found: of each its text with all digits, its complexity, whether it is the likeliest, and its error.

    That error is the one on the rows that the search had held out, None where it isn't known: it can't be computed again later.
    """
    hall = hall_of(session)
    return [
        [one.source, one.complexity, one.source == hall.best, getattr(one.equation, "rmse_test", None)]
        for one in hall.front
    ]


def _trainer_state(trainer: Trainer) -> dict[str, Any]:
    """The state of a trainer: its progress, and the memory of its optimizer, None where that is more than plain numbers."""
    state = trainer.state_dict()
    return state if OPTIMIZERS[trainer.opt].plain_state else state | {"optimizer": None}


def _values(literals: dict[str, str | None]) -> dict[str, Any]:
    """Values from their texts in Python, by name, without those that have no text (None).

    By way of a text a scalar of NumPy becomes a plain number, which JSON can hold.
    """
    return {name: ast.literal_eval(source) for name, source in literals.items() if source is not None}


def _model(model: KAN) -> str:
    """The content of a network's `.kan` file in base64. `save` takes a path only, hence the folder."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.kan")
        save(model, path)
        return base64_text(path.read_bytes())


def _data(data: Dataset) -> dict[str, Any] | None:
    """The data as JSON, None for large data: names of inputs and outputs, and the tensors as safetensors in base64.

    Of a data frame also the `encoding`: how its columns of words, dates and gaps became numbers.
    """
    from safetensors.torch import save as to_bytes

    tensors = {field.name: getattr(data, field.name) for field in fields(Dataset)}
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items() if isinstance(value, Tensor)}
    if sum(value.numel() * value.element_size() for value in tensors.values()) > _MAX_DATA:
        return None
    names = list(data.in_vars) if data.has_names else []  # default names are made anew
    # Classes without names have only numbers, so their names are made anew, too.
    outputs = [] if data.is_classification and not data.classes else list(data.out_vars)
    encoding = None if data.encoding is None else data.encoding.to_dict()
    return {"in_vars": names, "out_vars": outputs, "encoding": encoding, "tensors": base64_text(to_bytes(tensors))}


# ---- fields of a saved session: plain JSON values, and the checks with which they are read back


def plain(value: Any) -> Any:
    """A value as JSON holds it, which has no NaN and no infinity: they become texts, which `real` reads back.

    Examples:
        >>> plain({"loss": float("nan"), "rows": (1, 2.5)})
        {'loss': 'nan', 'rows': [1, 2.5]}
    """
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value}"
    if isinstance(value, dict):
        return {str(name): plain(entry) for name, entry in value.items()}
    return [plain(entry) for entry in value] if isinstance(value, (list, tuple)) else value


def real(value: Any) -> float:
    """A number that `plain` has written, with NaN and infinities as texts; a ValueError for any other value."""
    if isinstance(value, bool) or not (isinstance(value, (int, float)) or value in ("nan", "inf", "-inf")):
        raise ValueError(f"{_check.describe(value)} is no number")
    return float(value)


def whole(value: Any, low: int = 0, high: int = 2**53) -> int:
    """The value, if it is an integer from `low` to `high`; a ValueError else. Up to 2**53 a float, too, holds every integer exactly."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{_check.describe(value)} is no integer from {low} to {high}")
    return value


def text(value: Any) -> str:
    """The value, if it is a text; a ValueError else."""
    if not isinstance(value, str):
        raise ValueError(f"{_check.describe(value)} is no text")
    return value


def optional(check: Check) -> Check:
    """The same check, which lets None pass as well. A check takes a value and returns it, or raises a ValueError."""
    return lambda value: None if value is None else check(value)


def metrics(values: dict[str, Any]) -> dict[str, float]:
    """The metrics of a step by name, checked: names are texts, values are numbers."""
    return {text(name): real(value) for name, value in values.items()}


#: Fields of a `StepRecord`, in the order in which they are stored.
RECORD: dict[str, Check] = {
    "step": whole,
    "train_loss": real,
    "test_loss": optional(real),
    "penalty": real,
    "seconds": real,
    "damping": optional(real),
    "validation_loss": optional(real),
    "metrics": metrics,
    "stop_reason": optional(text),
    "noise": optional(real),
    "log_evidence": optional(real),
    "freedom": optional(real),
}


#: Fields of a `TreeNode`, in the order in which they are stored.
TREE_NODE: dict[str, Check] = {
    "id": whole,
    "parent": optional(whole),
    "label": text,
    "kind": text,
    "step": whole,
    "error": optional(real),
    "forward": optional(whole),
    "last_error": optional(real),
    "complexity": whole,
}
