"""Commands from the messages of the browser, every field checked; nothing that a page sends is evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

from kanwidget import _check
from kanwidget.explorer.commands import base as c
from kanwidget.explorer.commands.base import Edge, Node

#: Largest number of grid intervals that is offered.
LARGEST_GRID = 200
#: Most edges that one message may name.
_MOST_EDGES = 10_000


def parse(message: Mapping[str, Any]) -> list[c.Command]:
    """The commands that a message from the browser means; `[]` for one that isn't a command.

    Raises:
        ValueError: Naming the field that is wrong.
    """
    kind = message.get("kind")
    return _READERS[kind](message) if isinstance(kind, str) and kind in _READERS else []


def _control(message: Mapping[str, Any]) -> list[c.Command]:
    seed = message.get("seed")
    reset = c.Reset(None if seed is None else whole(seed, "seed", "reset"))
    made: dict[str, c.Command] = {"start": c.Start(), "pause": c.Pause(), "step": c.Step(1), "reset": reset}
    return [made[_check.choice(message.get("action"), "action", "control", made)]]


def _set(message: Mapping[str, Any]) -> list[c.Command]:
    given = message.get("settings")
    if not isinstance(given, Mapping) or not given:
        _check.fail("settings", "set", f"an object with some of {', '.join(_SETTINGS)}", given)
    read = {name: _SETTINGS[_check.choice(name, "settings", "set", _SETTINGS)](value) for name, value in given.items()}
    grid = read.pop("grid", None)
    # What may still be refused comes first: then nothing of the message is done.
    made: list[c.Command] = [c.Set(**read)] if read else []
    return made if grid is None else [*made, c.Refine(grid)]


_SETTINGS: dict[str, Callable[[Any], Any]] = {
    "lamb": lambda value: _check.real(value, "lamb", "set", low=0),
    "grid": lambda value: grid_of(value),
    "opt": lambda value: _text(value, "opt", "set"),
    "lr": lambda value: _check.real(value, "lr", "set", low=0, open_low=True),
    "batch": lambda value: -1 if value is None else _check.integer(value, "batch", "set", low=1),
    "noise": lambda value: _check.real(value, "noise", "set", low=0),
}


def _prune(message: Mapping[str, Any]) -> list[c.Command]:
    if message.get("edges") is not None:
        return [c.Prune(edges=_edges(message["edges"], "prune"))]
    if message.get("node") is not None:
        return [c.Prune(node=node_of(message["node"], "prune"))]
    return [c.Prune()]


def _auto(message: Mapping[str, Any]) -> list[c.Command]:
    threshold, edges = message.get("r2_threshold"), message.get("edges")
    picked = None if edges is None else _edges(edges, "auto")
    if threshold is None:
        return [c.Auto(edges=picked)]
    return [c.Auto(_check.real(threshold, "r2_threshold", "auto", high=1), edges=picked)]


def _drag(message: Mapping[str, Any]) -> list[c.Command]:
    index = _check.integer(message.get("index"), "index", "drag", low=0)
    value = _check.real(message.get("value"), "value", "drag")
    return [c.Drag(_edge(message, "drag"), index, value, _flag(message, "commit", "drag"))]


def _fix(message: Mapping[str, Any]) -> list[c.Command]:
    edge, *more = _one_or_more(message, "fix")
    return [c.Fix(edge, _text(message.get("name"), "name", "fix"), _flag(message, "keep_spline", "fix"), tuple(more))]


def _unfix(message: Mapping[str, Any]) -> list[c.Command]:
    edge, *more = _one_or_more(message, "unfix")
    return [c.Unfix(edge, tuple(more))]


def _freeze(message: Mapping[str, Any]) -> list[c.Command]:
    edge, *more = _one_or_more(message, "freeze")
    return [c.Freeze(edge, _flag(message, "on", "freeze"), tuple(more))]


def _lock(message: Mapping[str, Any]) -> list[c.Command]:
    edges = _edges(message.get("edges"), "lock")
    if len({layer for layer, _, _ in edges}) != 1:
        _check.fail("edges", "lock", "edges of one layer", [list(edge) for edge in edges])
    return [c.Lock(edges[0][0], tuple((source, target) for _, source, target in edges), _flag(message, "on", "lock"))]


def _watch(message: Mapping[str, Any]) -> list[c.Command]:
    panels = message.get("panels")
    if not isinstance(panels, (list, tuple)) or len(panels) > 10:
        _check.fail("panels", "watch", "a list of panels", panels)
    picked: Any = tuple(_check.choice(panel, "panels", "watch", get_args(c.Panel)) for panel in panels)
    return [c.Watch(_text(message.get("view"), "view", "watch"), picked)]


def _surface(message: Mapping[str, Any]) -> list[c.Command]:
    y, at = message.get("y"), message.get("at") or ()
    if not isinstance(at, (list, tuple)) or len(at) > _MOST_EDGES:
        _check.fail("at", "surface", "a list of numbers, one an input", at)
    return [
        c.LookAt(
            whole(message.get("x"), "x", "surface"),
            None if y is None else whole(y, "y", "surface"),
            whole(message.get("output", 0), "output", "surface"),
            tuple(None if value is None else _check.real(value, "at", "surface") for value in at),
        )
    ]


def _add_node(message: Mapping[str, Any]) -> list[c.Command]:
    return [c.AddNode(whole(message.get("level"), "level", "add_node"), _flag(message, "product", "add_node"))]


def whole(value: Any, name: str, where: str) -> int:
    """An integer ≥ 0."""
    return _check.integer(value, name, where, low=0)


def grid_of(value: Any, where: str = "refine") -> int:
    """A number of grid intervals within what is offered."""
    too_many = isinstance(value, (int, float)) and value > LARGEST_GRID
    advice = "More intervals than that take the data apart." if too_many else ""
    return _check.integer(value, "grid", where, low=1, high=LARGEST_GRID, advice=advice)


def node_of(value: Any, where: str) -> Node:
    """A hidden node."""
    return _indices(value, 2, "node", where)  # type: ignore[return-value]


def pairs_of(value: Any, where: str) -> tuple[Node, ...]:
    """Edges of one layer."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        _check.fail("edges", where, "a list of edges (input, output)", value)
    return tuple(_indices(edge, 2, "edges", where) for edge in value)  # type: ignore[misc]


def _edge(message: Mapping[str, Any], where: str) -> Edge:
    return _indices(message.get("edge"), 3, "edge", where)  # type: ignore[return-value]


def _one_or_more(message: Mapping[str, Any], where: str) -> tuple[Edge, ...]:
    """What stands under `edges`, or the one under `edge`."""
    if message.get("edges") is None:
        return (_edge(message, where),)
    if message.get("edge") is not None:
        _check.fail("edges", where, "left out where `edge` is given", message["edges"])
    edges = _edges(message["edges"], where)
    return edges if edges else _check.fail("edges", where, "a list of at least one edge [layer, input, output]", [])


def _edges(value: Any, where: str) -> tuple[Edge, ...]:
    if not isinstance(value, (list, tuple)) or len(value) > _MOST_EDGES:
        _check.fail("edges", where, "a list of edges [layer, input, output]", value)
    return tuple(_indices(edge, 3, "edges", where) for edge in value)  # type: ignore[misc]


def _indices(value: Any, count: int, name: str, where: str) -> tuple[int, ...]:
    if not isinstance(value, (list, tuple)) or len(value) != count:
        _check.fail(name, where, f"{count} integers ≥ 0", value)
    return tuple(_check.integer(index, name, where, low=0) for index in value)


def _text(value: Any, name: str, where: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        _check.fail(name, where, "a short text", value)
    return value


def _flag(message: Mapping[str, Any], name: str, where: str) -> bool:
    value = message.get(name, False)
    if not isinstance(value, bool):
        _check.fail(name, where, "true or false", value)
    return value


_READERS: dict[str, Callable[[Mapping[str, Any]], list[c.Command]]] = {
    "set": _set,
    "control": _control,
    "select": lambda m: [c.Select(_edges(m.get("edges"), "select"))],
    "fix": _fix,
    "unfix": _unfix,
    "prune": _prune,
    "restore": lambda m: [c.Restore(_edges(m.get("edges"), "restore"))],
    "refine": lambda m: [c.Refine(grid_of(m.get("grid")))],
    "auto": _auto,
    "drag": _drag,
    "freeze": _freeze,
    "lock": _lock,
    "add_node": _add_node,
    "watch": _watch,
    "surface": _surface,
    "survey": lambda m: [c.Look(_flag(m, "on", "survey"), _text(m.get("view", "page"), "view", "survey"))],
    "preset": lambda m: [c.UsePreset(_text(m.get("name"), "name", "preset"))],
    "undo": lambda _: [c.Undo()],
    "redo": lambda _: [c.Redo()],
    "goto": lambda m: [c.Goto(_check.integer(m.get("state"), "state", "goto", low=0))],
    "rank": lambda m: [c.Rank(_check.real(m.get("simplicity"), "simplicity", "rank", low=0, high=1))],
}
