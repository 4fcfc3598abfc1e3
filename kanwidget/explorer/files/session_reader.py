"""A saved session, read back. Reading runs no code.

Parameters and data are safetensors in base64, and the script is checked line by line. Functions of the user can't be stored: `load`
takes them as arguments.
"""

from __future__ import annotations

import ast
import base64
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from kanwidget import _check
from kanwidget.core import Event, StepRecord
from kanwidget.core.storage import load
from kanwidget.datasets import Dataset
from kanwidget.datasets.encoding import Encoding
from kanwidget.explorer.describe.equations import EquationWriter, FormulaRow
from kanwidget.explorer.files.session_writer import FORMAT, KIND, RECORD, TREE_NODE, Check, optional, real, text, whole
from kanwidget.explorer.guide.discovery import hall_of
from kanwidget.explorer.session.command import Statement
from kanwidget.explorer.session.presets import PRESETS
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import Checkpoint, TreeNode
from kanwidget.kan import KAN
from kanwidget.training.optimizers.settings import Settings
from kanwidget.training.steps.settings import make_settings

_SETTINGS = frozenset(field.name for field in fields(Settings))
#: Arguments of `KANExplorer` that a file may hold.
_ARGUMENTS = _SETTINGS | {"in_vars", "out_vars", "lib", "steps"}
#: Settings of the data, which stay the same during a training.
_CONSTANT_SETTINGS = ("loss", "sample_weight", "metrics")
#: Formulas of the hall of fame that are read.
_MOST_FORMULAS = 200


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The JSON of a file that `save_json` wrote. Only its kind and format are checked here, what it holds by `SavedSession`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it isn't such a file, is damaged, or was written by a later version.
    """
    file = _check.path(path, "load")
    if not file.is_file():
        _check.refuse(FileNotFoundError(f"there is no file {os.fspath(path)}"))
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):  # no JSON, no UTF-8, or an integer with too many digits
        content = None
    if not isinstance(content, dict) or content.get("kind") != KIND:
        _check.refuse(ValueError(f"{os.fspath(path)} has no session in it. Give a file that save_json wrote."))
    if content.get("version") != FORMAT:
        version = content.get("version")
        advice = " Update kanwidget." if isinstance(version, int) and version > FORMAT else ""
        found = f"has format {version!r}, this kanwidget reads format {FORMAT}.{advice}"
        _check.refuse(ValueError(f"{os.fspath(path)} {found}"))
    return content


class SavedSession:
    """The content of a file, checked.

    Args:
        content: The JSON from `read`.
        path: The file, for errors.
    """

    def __init__(self, content: dict[str, Any], path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        with self._names_damage():
            stored = content["session"]
            #: Arguments of `KANExplorer`, and names of those that can't be stored, such as functions.
            self.arguments = _arguments(stored["arguments"])
            self.missing_arguments = [_listed(name, _ARGUMENTS) for name in stored["missing_arguments"]]
            #: Settings of the training, by name, and its progress with the memory of its optimizer.
            self.settings = _settings(stored["settings"])
            self.trainer_state = _trainer_state(stored["trainer"])
            self.state, self.stop_reason = stored["state"], optional(text)(stored["stop_reason"])
            #: Noise on the training labels in their standard deviations, and the seed of the last reset.
            self.noise, self.seed = real(stored["noise"]), whole(stored["seed"], high=2**64)
            #: The problem of `KANExplorer.demo` that it has now, None for own data; and network and problem that it began with, if others.
            self.preset = stored["preset"] if stored["preset"] in PRESETS else None
            self.origin = _origin(stored["origin"])
            self.records = [_record(row) for row in stored["records"]]
            self.last_record = _record(stored["last_record"])
            self.events = tuple(Event(whole(step), text(kind), text(label)) for step, kind, label in stored["events"])
            #: The undo tree, and the number of its current node.
            self.nodes = _tree(stored["tree"])
            self.current_node = whole(content["history"]["current"], high=len(self.nodes) - 1)
            #: The lines of the script that replays it, and the formulas that searches have found.
            self.log = [log_entry(line) for line in stored["script"]]
            self.formulas = [_formula(row) for row in stored["formulas"][-_MOST_FORMULAS:]]
            #: The network that it began with, and the one that it has now.
            self.initial, self.model = _model(stored["initial_model"]), _model(stored["model"])
            self.data = None if stored["data"] is None else _dataset(stored["data"])
            _check.choice(self.state, "state", "load", ("idle", "paused", "done", "error"))
            _check.real(self.noise, "noise", "load", low=0)
            if (self.model.n_features, self.model.n_out) != (self.initial.n_features, self.initial.n_out):
                raise ValueError("its networks have different inputs or outputs")

    @contextmanager
    def _names_damage(self) -> Iterator[None]:
        """A context in which any error becomes a ValueError that says that this file is damaged."""
        try:
            yield
        except Exception as error:
            raise ValueError(f"{self.path} is damaged: {type(error).__name__}: {error}") from error

    @contextmanager
    def names_file(self) -> Iterator[None]:
        """A context in which errors about data and arguments become a ValueError that names this file."""
        try:
            yield
        except (ValueError, TypeError) as error:
            raise ValueError(f"{self.path} can't be continued: {error}") from error

    def choose_data(self, data: Any, options: dict[str, Any]) -> Any:
        """The data to go on with: those that `load` was called with, if any, else those of the file.

        Args:
            data: The argument `data` of `load`, None for the file's.
            options: Its further arguments by name.

        Raises:
            ValueError: If there are no data, or if functions or tensors of the session are missing in `options`; it names them.
        """
        if missing := [name for name in self.missing_arguments if name not in options]:
            names = ", ".join(f"{name}=…" for name in missing)
            _check.refuse(
                ValueError(f"{self.path} can't hold functions and tensors: give load {names} as the session had them.")
            )
        if data is None and self.data is None:
            _check.fail("data", "load", "given, because the data were too large to be stored", None)
        return self.data if data is None else data

    def restore(self, session: Session) -> None:
        """Bring a new session, made of the file's initial network, data and arguments, to the saved state. In place."""
        with self._names_damage():
            count = len(self.records)
            # The state of the run; 0 is the id of its structure, which `resume` sets.
            checkpoint = Checkpoint(
                self.model, self.trainer_state, self.records, count, self.events, self.last_record, 0, self.seed
            )
            # Those that can't change during a training came as arguments.
            settings = {name: value for name, value in self.settings.items() if name not in _CONSTANT_SETTINGS}
            session.run.resume(checkpoint, settings, self.noise, self.state, self.stop_reason)
            session.preset = self.preset
            if self.origin is not None:  # another problem than the current one, for the script
                session.set_origin(*self.origin)
            session.tree.resume(self.nodes, self.current_node)
            session.script.resume(self.log)
            if self.formulas:  # of their texts, which are read and not executed, the errors follow from the data
                formulas = EquationWriter(session).from_file(session, [row for row, _ in self.formulas])
                best = next((row[0] for row, is_best in self.formulas if is_best), "")
                hall_of(session).show(formulas, best)
            # The memory of Adam and LBFGS isn't stored: they begin afresh, and so they do in the script, which gets a line for that.
            session.run.forget_momentum()


def _origin(stored: dict[str, Any] | None) -> tuple[KAN, str] | None:
    """Initial network and name of the preset that the session began with; None where the file says that it is still the current one.

    `stored` has the name and the seed, from which the network is made again.
    """
    if stored is None:
        return None
    name = _check.choice(stored["preset"], "origin", "load", PRESETS)
    return PRESETS[name].network(whole(stored["seed"], high=2**64)), name


def _listed(name: Any, names: Iterable[str]) -> str:
    """The name of an argument, if it is one of `names`; a ValueError else."""
    if name not in names:
        raise ValueError(f"an explorer has no argument {_check.describe(name)}")
    return text(name)


def _settings(values: dict[str, Any]) -> dict[str, Any]:
    """The settings of a training in a file, by name; an error for an unknown name or a wrong value."""
    settings = {_listed(name, _SETTINGS): value for name, value in values.items()}
    make_settings(**settings)  # only for its checks
    return settings


def _arguments(values: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `KANExplorer` in a file, by name; an error for an unknown name or a wrong value."""
    arguments = {_listed(name, _ARGUMENTS): value for name, value in values.items()}
    # Only for its checks: a wrong value raises an error.
    _settings({name: value for name, value in arguments.items() if name in _SETTINGS})
    for name in ("in_vars", "out_vars", "lib"):
        if name in arguments:
            arguments[name] = [text(entry) for entry in arguments[name]]
    if "steps" in arguments:
        whole(arguments["steps"], low=1)
    return arguments


def _formula(row: list[Any]) -> tuple[FormulaRow, bool]:
    """A formula of a file, checked: text, complexity and error on held-out rows, None without; and whether it is the likeliest one.

    `row` is text, complexity, likeliest and error.
    """
    source, complexity, best, held_out = row
    return (text(source), real(complexity), optional(real)(held_out)), best is True


def _trainer_state(values: dict[str, Any]) -> dict[str, Any]:
    """The state of a trainer in a file, checked: steps and seconds so far, why it stopped, and its optimizer.

    `opt` is the optimizer's name and `optimizer` its memory, by name lists of numbers; None where it isn't stored.
    """
    optimizer = values["optimizer"]
    if optimizer is not None:
        optimizer = {text(name): [real(number) for number in numbers] for name, numbers in optimizer.items()}
    return {
        "step_count": whole(values["step_count"]),
        "seconds": real(values["seconds"]),
        "stop_reason": text(values["stop_reason"]),
        "opt": text(values["opt"]),
        "optimizer": optimizer,
    }


def _record(row: list[Any]) -> StepRecord:
    """The record of a step from its values in the order of `RECORD`, checked."""
    return StepRecord(**_fields(RECORD, row))


def _fields(checks: dict[str, Check], row: list[Any]) -> dict[str, Any]:
    """The values of a row by name; `checks` has in the same order the name and the check of each, which returns the value or raises."""
    return {name: check(value) for (name, check), value in zip(checks.items(), row, strict=True)}


def _tree(rows: list[Any]) -> list[TreeNode]:
    """The nodes of the undo tree from their rows, each a list of values in the order of `TREE_NODE`.

    Raises:
        ValueError: If they make no tree: ids count from 0, node 0 has no parent, others have one before them, and redo leads to a child.
    """
    nodes = [TreeNode(**_fields(TREE_NODE, row)) for row in rows]
    for number, node in enumerate(nodes):
        parent, child = node.parent, node.forward  # `forward` is the child that redo goes to, if any
        has_parent = parent is None if number == 0 else parent is not None and parent < number
        has_child = child is None or (child < len(nodes) and nodes[child].parent == number)
        if node.id != number or not has_parent or not has_child:
            raise ValueError(f"state {number} of its history has no place in it")
    return nodes


def _model(content: str) -> KAN:
    """The network of which a file holds the `.kan` file in base64. `load` takes a path only, hence the folder."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.kan")
        path.write_bytes(base64.b64decode(content, validate=True))
        return load(path, KAN)


def _dataset(content: dict[str, Any]) -> Dataset:
    """The data of a file.

    Args:
        content: The tensors as safetensors in base64, names of inputs and outputs, and the encoding, how columns of a data frame became
            numbers (None for other data).

    Raises:
        ValueError: If the tensors can't be read.
    """
    from safetensors.torch import load as from_bytes

    try:
        tensors = from_bytes(base64.b64decode(content["tensors"], validate=True))
    except Exception as error:
        raise ValueError(f"its data can't be read ({error})") from error
    stored = content["encoding"]
    encoding = None if stored is None else Encoding.from_dict(stored)
    fields: dict[str, Any] = {**tensors, "encoding": encoding}
    return Dataset(**fields, in_vars=tuple(content["in_vars"]), out_vars=tuple(content["out_vars"]))


# ---- lines of the script


def log_entry(line: str) -> Statement | int:
    """An entry of the log: a number of steps, or calls of the explorer and settings with plain values.

    Raises:
        ValueError: For a line that is anything else.

    Examples:
        >>> log_entry("explorer.step(3)"), log_entry("explorer.fix('sin', edge=(0, 0, 1))").call()
        (3, "explorer.fix('sin', edge=(0, 0, 1))")
        >>> log_entry("explorer.fix(open('x'))")
        Traceback (most recent call last):
        ...
        ValueError: "explorer.fix(open('x'))" is no act of an explorer
    """
    if steps := re.fullmatch(r"explorer\.step\((\d{1,9})\)", line):
        return int(steps[1])
    try:
        statements = ast.parse(line).body
        sound = bool(statements) and all(map(_is_act, statements))
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        sound = False
    if not sound:
        raise ValueError(f"{line!r} is no act of an explorer")
    return Statement(line)


def _is_act(statement: ast.stmt) -> bool:
    """Whether a statement is `explorer.method(plain values)` or `explorer.setting = plain value`, so that a script may contain it.

    Raises:
        ValueError: For an argument that is more than a plain value.
    """
    match statement:
        case ast.Expr(ast.Call(ast.Attribute(ast.Name("explorer"), name), arguments, keywords)):
            values = [*arguments, *(keyword.value for keyword in keywords)]
            if any(keyword.arg is None for keyword in keywords):  # `**options`
                return False
        case ast.Assign([ast.Attribute(ast.Name("explorer"), name)], assigned):
            values = [assigned]
        case _:
            return False
    for value in values:
        ast.literal_eval(value)  # raises ValueError for anything that is more than a value
    return not name.startswith(("_", "save", "load", "code"))  # private ones, and those that read or write files
