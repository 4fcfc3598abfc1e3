"""A session as JSON, for people, for other programs, and to go on with: `save_json` and `load`.

Reading runs no code: parameters and data are safetensors in base64, what was done is checked word by word to be calls of the explorer with
plain values, and functions of the user's own, which can't be stored, have to be given again.
"""

from __future__ import annotations

import ast
import base64
import json
import math
import os
import re
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor

from kanwidget import _check
from kanwidget.core import Event, StepRecord
from kanwidget.core.storage import load, save
from kanwidget.datasets import Dataset
from kanwidget.explorer.commands.base import Command
from kanwidget.explorer.describe import snapshot as describe
from kanwidget.explorer.files.edge_details import text_of
from kanwidget.explorer.files.old_format import upgraded
from kanwidget.explorer.session.label_noise import noisy
from kanwidget.explorer.session.presets import PRESETS
from kanwidget.explorer.session.script import Log, literal
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import Checkpoint, TreeNode, copied
from kanwidget.kan import KAN
from kanwidget.training import OPTIMIZERS, Settings, Trainer, make_settings

T = TypeVar("T")

#: Version of the format. A change that older code can't read raises it.
FORMAT = 2
#: Bytes of data that are stored; more have to be given again.
_MOST_DATA = 16_000_000
_SETTINGS = frozenset(field.name for field in fields(Settings))
#: Arguments of `KANExplorer` that a file may hold.
_ARGUMENTS = _SETTINGS | {"in_vars", "out_vars", "lib", "steps"}


def state(session: Session) -> str:
    """Structure, settings, status, history and all that `restore` needs, as JSON."""
    told = {
        "kind": "kanwidget session",
        "version": FORMAT,
        "structure": describe.structure(session),
        "settings": describe.settings(session),
        "status": describe.status(session, "blocking"),
        "history": describe.history(session),
        "session": _session(session),
    }
    return json.dumps(told, ensure_ascii=False, allow_nan=False, indent=1)


def _session(session: Session) -> dict[str, Any]:
    arguments = {name: literal(value) for name, value in session.arguments.items()}
    settings = {field.name: literal(getattr(session.trainer.settings, field.name)) for field in fields(Settings)}
    current = copied(session.model)
    current.history = session.past
    return {
        "arguments": _values(arguments),
        "given_again": [name for name, text in arguments.items() if text is None],
        "current": _values(settings),
        "trainer": _plain(_trainer_state(session.trainer)),
        "state": "paused" if session.running else session.state,
        "stop_reason": session.stop_reason,
        "noise": session.noise,
        "seed": session.seed,
        "preset": session.preset,
        "records": [_plain([getattr(record, name) for name in _RECORD]) for record in session.records],
        "now": _plain([getattr(session.now, name) for name in _RECORD]),
        "events": [[event.step, event.kind, event.label] for event in session.events],
        "tree": [_plain([getattr(node, name) for name in _NODE]) for node in session.tree.nodes.values()],
        "done": session.log.statements(),
        "initial": _packed(session.initial),
        "model": _packed(current),
        "data": _data(session.data),
    }


def _trainer_state(trainer: Trainer) -> dict[str, Any]:
    """Progress, and the optimizer's state if it is plain numbers."""
    state = trainer.state_dict()
    return state if OPTIMIZERS[trainer.opt].plain_state else state | {"optimizer": None}


def _values(texts: dict[str, str | None]) -> dict[str, Any]:
    """The plain values of literals: a scalar of NumPy is a number."""
    return {name: ast.literal_eval(text) for name, text in texts.items() if text is not None}


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become texts, which `_number` reads back."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value}"
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def _real(value: Any) -> float:
    """A number that `_plain` has written."""
    if isinstance(value, bool) or not (isinstance(value, (int, float)) or value in ("nan", "inf", "-inf")):
        raise ValueError(f"{_check.describe(value)} is no number")
    return float(value)


def _real_or_none(value: Any) -> float | None:
    return None if value is None else _real(value)


def _whole(value: Any, low: int = 0, high: int = 2**53) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{_check.describe(value)} is no integer from {low} to {high}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{_check.describe(value)} is no text")
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _packed(model: KAN) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.kan")
        save(model, path)
        return text_of(path.read_bytes())


def _data(data: Dataset) -> dict[str, Any] | None:
    """The data, unless they are large."""
    from safetensors.torch import save as to_bytes

    tensors = {field.name: getattr(data, field.name) for field in fields(Dataset)}
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items() if isinstance(value, Tensor)}
    if sum(value.numel() * value.element_size() for value in tensors.values()) > _MOST_DATA:
        return None
    names = list(data.in_vars) if data.has_names else []  # those of columns without names are made anew
    return {"in_vars": names, "out_vars": list(data.out_vars), "tensors": text_of(to_bytes(tensors))}


# ---- reading


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The JSON of a file that `save_json` wrote.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it isn't such a file, is damaged, or was written by a later version.
    """
    if not isinstance(path, (str, os.PathLike)):
        _check.fail("path", "load", "a path", path, error=TypeError)
    if not Path(path).is_file():
        _check.refuse(FileNotFoundError(f"there is no file {os.fspath(path)}"))
    try:
        told = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError):  # of other text, of other bytes, of integers that are too long to be any
        told = None
    if not isinstance(told, dict) or told.get("kind") != "kanwidget session":
        _check.refuse(ValueError(f"{os.fspath(path)} has no session in it. Give a file that save_json wrote."))
    if told.get("version") not in (1, FORMAT):
        found = f"format {told.get('version')!r}, this kanwidget reads up to {FORMAT}"
        _check.refuse(ValueError(f"{os.fspath(path)} has {found}. Update kanwidget."))
    return told


class Saved:
    """What a file holds, checked.

    Args:
        told: What `read` gave.
        path: The file, for errors.
    """

    def __init__(self, told: dict[str, Any], path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        try:
            part = upgraded(told["session"]) if told["version"] == 1 else told["session"]
            self.arguments = _arguments(part["arguments"])
            self.given_again = [_known(name, _ARGUMENTS) for name in part["given_again"]]
            self.current = _settings(part["current"])
            self.trainer = _trainer(part["trainer"])
            self.state, self.stop_reason = part["state"], _text_or_none(part["stop_reason"])
            self.noise, self.seed = _real(part["noise"]), _whole(part["seed"], high=2**64)
            self.preset = part["preset"] if part["preset"] in PRESETS else None
            self.records = [_record(row) for row in part["records"]]
            self.now = _record(part["now"])
            self.events = [Event(_whole(step), _text(kind), _text(label)) for step, kind, label in part["events"]]
            self.nodes = _tree(part["tree"])
            self.tree_current = _whole(told["history"]["current"], high=len(self.nodes) - 1)
            self.done = [_done(line) for line in part["done"]]
            self.initial, self.model = _model(part["initial"]), _model(part["model"])
            self.data = None if part["data"] is None else _dataset(part["data"])
            _check.choice(self.state, "state", "load", ("idle", "paused", "done", "error"))
            _check.real(self.noise, "noise", "load", low=0)
            if (self.model.n_features, self.model.n_out) != (self.initial.n_features, self.initial.n_out):
                raise ValueError("its networks have different inputs or outputs")
        except Exception as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> ValueError:
        return ValueError(f"{self.path} is damaged: {type(error).__name__}: {error}")

    def begun(self, begin: Callable[[], T]) -> T:
        """What begins a session with the network and the arguments, or an error that says that they are this file's."""
        try:
            return begin()
        except (ValueError, TypeError) as error:
            raise ValueError(f"{self.path} can't be gone on with: {error}") from error

    def check(self, data: Any, options: dict[str, Any]) -> Any:
        """The data to go on with, or an error that says what has to be given again."""
        if missing := [name for name in self.given_again if name not in options]:
            names = ", ".join(f"{name}=…" for name in missing)
            _check.refuse(
                ValueError(f"{self.path} can't hold functions and tensors: give load {names} as the session had them.")
            )
        if data is None and self.data is None:
            _check.fail("data", "load", "given, because the data were too large to be stored", None)
        return self.data if data is None else data

    def restore(self, session: Session) -> None:
        """Bring a session that was made of `initial`, `data` and `arguments` to where it was."""
        try:
            self._restore(session)
        except Exception as error:
            raise self._damaged(error) from error

    def _restore(self, session: Session) -> None:
        session.trainer.configure(**{name: value for name, value in self.current.items() if name not in _FIXED})
        session.trainer.relabel(noisy(session.data, self.noise).train_label)
        session.trainer.events.clear()
        session.noise, session.preset = self.noise, self.preset
        session.past = self.model.history
        model, records = copied(self.model), self.records
        events = tuple(self.events)
        session.restore(Checkpoint(model, self.trainer, records, len(records), events, self.now, 0, self.seed))
        session.layout = session._layouts  # another one where the shape is no longer the first one's
        session.state, session.stop_reason = self.state, self.stop_reason
        session.tree.nodes = {node.id: node for node in self.nodes}
        session.tree.current = self.tree_current
        session.log = Log(list(self.done), False)
        # The state of gradient methods isn't stored: the script loses it here, too.
        session.forget_momentum()


#: Settings that belong to the data, which no training changes on its way.
_FIXED = ("loss", "sample_weight", "metrics")


@dataclass(frozen=True, slots=True)
class Done(Command):
    """A line of a session's script, as it stood in a file: a call of the explorer, or a setting, with plain values.

    Examples:
        >>> Done("explorer.fix('sin', edge=(0, 0, 1))").call()
        "explorer.fix('sin', edge=(0, 0, 1))"
        >>> Done("explorer.fix(open('x'))")
        Traceback (most recent call last):
        ...
        ValueError: "explorer.fix(open('x'))" is no act of an explorer
    """

    line: str

    def __post_init__(self) -> None:
        try:
            statements = ast.parse(self.line).body
            sound = bool(statements) and all(map(_is_act, statements))
        except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
            sound = False
        if not sound:
            raise ValueError(f"{self.line!r} is no act of an explorer")

    def call(self) -> str:
        """The line."""
        return self.line


def _is_act(statement: ast.stmt) -> bool:
    """Whether a statement is `explorer.method(plain values)` or `explorer.setting = plain value`."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        target: ast.expr = statement.value.func
        values = [*statement.value.args, *(keyword.value for keyword in statement.value.keywords)]
        if any(keyword.arg is None for keyword in statement.value.keywords):
            return False
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, values = statement.targets[0], [statement.value]
    else:
        return False
    for value in values:
        ast.literal_eval(value)  # raises ValueError for anything that is more than a value
    named = isinstance(target, ast.Attribute) and not target.attr.startswith(("_", "save", "load", "code"))
    return named and isinstance(target.value, ast.Name) and target.value.id == "explorer"  # type: ignore[attr-defined]


def _done(line: str) -> Done | int:
    """An act, or a number of steps."""
    steps = re.fullmatch(r"explorer\.step\((\d{1,9})\)", line)
    return int(steps[1]) if steps else Done(line)


def _known(name: Any, names: Iterable[str]) -> str:
    if name not in names:
        raise ValueError(f"an explorer has no argument {_check.describe(name)}")
    return _text(name)


def _settings(told: dict[str, Any]) -> dict[str, Any]:
    """Settings by name, each of which can be one."""
    found = {_known(name, _SETTINGS): value for name, value in told.items()}
    make_settings(**found)
    return found


def _arguments(told: dict[str, Any]) -> dict[str, Any]:
    """Arguments of `KANExplorer` that a session may have been given."""
    found = {_known(name, _ARGUMENTS): value for name, value in told.items()}
    _settings({name: value for name, value in found.items() if name in _SETTINGS})
    for name in ("in_vars", "out_vars", "lib"):
        if name in found:
            found[name] = [_text(one) for one in found[name]]
    if "steps" in found:
        _whole(found["steps"], low=1)
    return found


def _trainer(state: dict[str, Any]) -> dict[str, Any]:
    optimizer = state["optimizer"]
    if optimizer is not None:
        optimizer = {_text(name): [_real(value) for value in values] for name, values in optimizer.items()}
    return {
        "step_count": _whole(state["step_count"]),
        "seconds": _real(state["seconds"]),
        "stop_reason": _text(state["stop_reason"]),
        "opt": _text(state["opt"]),
        "optimizer": optimizer,
    }


def _record(row: list[Any]) -> StepRecord:
    return StepRecord(**{name: cast(value) for (name, cast), value in zip(_RECORD.items(), row, strict=True)})


def _metrics(told: dict[str, Any]) -> dict[str, float]:
    return {_text(name): _real(value) for name, value in told.items()}


def _tree(rows: list[Any]) -> list[TreeNode]:
    """The nodes in order, each but the first one with a parent before it."""
    nodes = [
        TreeNode(**{name: cast(value) for (name, cast), value in zip(_NODE.items(), row, strict=True)}) for row in rows
    ]
    for number, node in enumerate(nodes):
        parent, ahead = node.parent, node.forward
        hangs = parent is None if number == 0 else parent is not None and parent < number
        leads = ahead is None or (ahead < len(nodes) and nodes[ahead].parent == number)
        if node.id != number or not hangs or not leads:
            raise ValueError(f"state {number} of its history has no place in it")
    return nodes


def _whole_or_none(value: Any) -> int | None:
    return None if value is None else _whole(value)


#: What the fields are, in the order in which they are stored.
_RECORD: dict[str, Callable[[Any], Any]] = {
    "step": _whole,
    "train_loss": _real,
    "test_loss": _real_or_none,
    "penalty": _real,
    "seconds": _real,
    "damping": _real_or_none,
    "validation_loss": _real_or_none,
    "metrics": _metrics,
    "stop_reason": _text_or_none,
}
_NODE: dict[str, Callable[[Any], Any]] = {
    "id": _whole,
    "parent": _whole_or_none,
    "label": _text,
    "kind": _text,
    "step": _whole,
    "error": _real_or_none,
    "forward": _whole_or_none,
    "left": _real_or_none,
    "complexity": _whole,
}


def _model(text: str) -> KAN:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.kan")
        path.write_bytes(base64.b64decode(text, validate=True))
        return load(path, KAN)


def _dataset(told: dict[str, Any]) -> Dataset:
    from safetensors.torch import load as from_bytes

    try:
        tensors = from_bytes(base64.b64decode(told["tensors"], validate=True))
    except Exception as error:
        raise ValueError(f"its data can't be read ({error})") from error
    return Dataset(**tensors, in_vars=tuple(told["in_vars"]), out_vars=tuple(told["out_vars"]))
