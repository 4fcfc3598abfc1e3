"""The wire: golden messages, and that each of them is what `protocol.py` says."""

import base64
import json
from itertools import pairwise
from typing import Any, Literal, TypedDict, get_args, get_origin, get_type_hints, is_typeddict

import numpy as np
import pytest
import torch
from typing_extensions import NotRequired

from kanwidget.explorer.describe.panels.table import PANELS
from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.protocol.buffers import pack
from kanwidget.explorer.protocol.messages import EVERY, TO_BROWSER, TO_PYTHON
from kanwidget.explorer.session.command import COMMANDS, Command
from tests.unit.explorer import golden

MADE = golden.messages()


def stored(name):
    content = json.loads((golden.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return content["message"], None if content["buffer"] is None else base64.b64decode(content["buffer"])


def test_the_files_are_those_that_python_makes():
    assert {path.stem for path in golden.FOLDER.glob("*.json")} == set(MADE), (
        "run: python -m tests.unit.explorer.golden"
    )


@pytest.mark.parametrize("name", sorted(MADE))
def test_golden(name):
    message, buffer = MADE[name]
    kept, bytes_kept = stored(name)
    assert json.loads(json.dumps(message)) == kept
    assert (buffer is None) == (bytes_kept is None)
    if buffer is not None and "png" not in name:
        # Sums may be rounded in another order on another processor.
        found, wanted = np.frombuffer(buffer, "<f4"), np.frombuffer(bytes_kept, "<f4")
        assert np.allclose(found, wanted, rtol=1e-5, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize(("name", "found"), golden.commands().items())
def test_messages_to_python_are_understood(name, found):
    answered = {"hello", "export", "pump", "frame_ack"}
    assert bool(found) == (name not in answered)
    assert all(isinstance(command, Command) for command in found)


@pytest.mark.parametrize("name", [name for name in MADE if name.startswith("to_browser")])
def test_messages_to_the_browser_are_what_the_protocol_says(name):
    message, _ = MADE[name]
    kind = message["kind"]
    if kind in PANELS:
        assert set(message) == {"v", "seq", "kind", kind, "arrays"}
        check(message[kind], PANELS[kind].payload)
    else:
        check(message, message_of(kind, TO_BROWSER))


@pytest.mark.parametrize("kind", TO_PYTHON)
def test_messages_to_python_that_are_no_commands_are_what_the_protocol_says(kind):
    check(MADE[f"to_python.{kind}"][0], message_of(kind, TO_PYTHON))


def test_every_message_of_the_protocol_has_a_file():
    assert {MADE[name][0]["kind"] for name in MADE if name.startswith("to_browser")} == {*TO_BROWSER, *PANELS}
    assert {message["kind"] for message in golden.TO_PYTHON.values()} == {*TO_PYTHON, *COMMANDS}


def test_the_snapshot_is_what_the_protocol_says():
    check({**MADE["trait.snapshot"][0], "buffer": b""}, p.Snapshot)


@pytest.mark.parametrize("name", [name for name in MADE if "arrays" in MADE[name][0]])
def test_arrays_lie_within_their_buffer_and_do_not_overlap(name):
    message, buffer = MADE[name]
    places = sorted((offset, offset + int(np.prod(shape))) for offset, shape in message["arrays"].values())
    assert all(before[1] == after[0] for before, after in pairwise(places))
    assert not places or (places[0][0], places[-1][1] * 4) == (0, len(buffer))


def message_of(kind: str, fields: dict[str, Any]) -> Any:
    """The type of a message of this kind."""
    return TypedDict("Message", EVERY | {"kind": Literal[kind]} | fields[kind])


def check(value: Any, kind: Any) -> None:
    """A value against a type of the protocol, all the way down."""
    origin = get_origin(kind)
    if kind is Any:
        return
    if is_typeddict(kind):
        hints = get_type_hints(kind, include_extras=True)
        assert set(value) <= set(hints)
        assert {name for name, hint in hints.items() if get_origin(hint) is not NotRequired} <= set(value)
        for name, one in value.items():
            check(one, hints[name])
    elif origin is NotRequired:
        check(value, get_args(kind)[0])
    elif origin is Literal:
        assert value in get_args(kind)
    elif origin is list:
        assert isinstance(value, list)
        for one in value:
            check(one, get_args(kind)[0])
    elif origin is dict:
        for one in value.values():
            check(one, get_args(kind)[1])
    elif type(None) in get_args(kind):
        if value is not None:
            check(value, next(one for one in get_args(kind) if one is not type(None)))
    elif kind is float:
        assert isinstance(value, (int, float))
        assert not isinstance(value, bool)
        assert np.isfinite(value)
    elif kind is int:
        assert isinstance(value, int)
        assert not isinstance(value, bool)
    else:
        assert isinstance(value, kind), (value, kind)


def test_arrays_of_a_message_stand_one_after_the_other():
    arrays, buffer = pack({"a": torch.arange(6.0).view(2, 3), "b": torch.tensor([7.0])})
    assert arrays == {"a": [0, [2, 3]], "b": [6, [1]]}
    assert torch.frombuffer(bytearray(buffer), dtype=torch.float32).tolist() == [0, 1, 2, 3, 4, 5, 7]
