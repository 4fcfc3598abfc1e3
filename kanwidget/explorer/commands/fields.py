"""Fields of messages from the browser, every one checked; nothing that a page sends is evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from kanwidget import _check
from kanwidget.core import EdgeRef

#: Two indices: a node `(level, index)`, or an edge `(input, output)` of a layer.
Pair: TypeAlias = tuple[int, int]
#: Reads a field from its value, its name and the command that asks.
Read: TypeAlias = Callable[[Any, str, str], Any]

#: Largest number of grid intervals that is offered.
LARGEST_GRID = 200
#: Most edges, or other items of a list, that one message may name.
MOST_ITEMS = 10_000


def optional(read: Read, default: Any = None) -> Read:
    """A reader for a field that may be missing, or None: it is then the default; else `read` reads it.

    A reader takes a field's value, its name and the command that asks, these two for errors, and returns what the command gets.
    """
    return lambda value, name, where: default if value is None else read(value, name, where)


def whole(value: Any, name: str, where: str) -> int:
    """The value of a field, if it is an integer ≥ 0; else an error that names the field and the command `where`."""
    return _check.integer(value, name, where, low=0)


def grid(value: Any, name: str = "grid", where: str = "refine") -> int:
    """A number of grid intervals, if it is one from 1 to 200; else an error that names the field and the command `where`."""
    too_many = isinstance(value, (int, float)) and value > LARGEST_GRID
    advice = "More intervals than that take the data apart." if too_many else ""
    return _check.integer(value, name, where, low=1, high=LARGEST_GRID, advice=advice)


def node(value: Any, name: str, where: str) -> Pair:
    """A node from a field `[level, index]`, both ≥ 0; else an error that names the field and the command `where`."""
    return _indices(value, 2, name, where)  # type: ignore[return-value]


def pairs(value: Any, where: str) -> tuple[Pair, ...]:
    """Edges `(input, output)` of one layer from an argument `edges`; else an error that names the call `where`."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        _check.fail("edges", where, "a list of edges (input, output)", value)
    return tuple(_indices(pair, 2, "edges", where) for pair in value)  # type: ignore[misc]


def edge(value: Any, name: str, where: str) -> EdgeRef:
    """An edge from a field `[layer, input, output]`, all ≥ 0; else an error that names the field and the command `where`.

    Whether the network has it is checked later.
    """
    return EdgeRef(*_indices(value, 3, name, where))


def edge_or_edges(message: Mapping[str, Any], where: str) -> tuple[EdgeRef, ...]:
    """The edges of a message: those of the field `edges`, at least one, or the single one of the field `edge`; not of both.

    `where` is the command, for errors.
    """
    if message.get("edges") is None:
        return (edge(message.get("edge"), "edge", where),)
    if message.get("edge") is not None:
        _check.fail("edges", where, "left out where `edge` is given", message["edges"])
    several = edges(message["edges"], "edges", where)
    return several if several else _check.fail("edges", where, "a list of at least one edge [layer, input, output]", [])


def several(read: Read, expected: str, most: int = MOST_ITEMS) -> Read:
    """A reader for a list of at most `most` items, which may be empty, as a tuple: `read` reads each of them.

    `expected` says in errors what the field should be.
    """

    def read_all(value: Any, name: str, where: str) -> tuple[Any, ...]:
        """The items of the list `value`; else an error that names the field and the command `where`."""
        if not isinstance(value, (list, tuple)) or len(value) > most:
            _check.fail(name, where, expected, value)
        return tuple(read(item, name, where) for item in value)

    return read_all


#: Reads a list of edges.
edges = several(edge, "a list of edges [layer, input, output]")


def text(value: Any, name: str, where: str) -> str:
    """The value of a field, if it is a text of 1 to 200 characters; else an error that names the field and the command `where`."""
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        _check.fail(name, where, "a short text", value)
    return value


def flag(value: Any, name: str, where: str) -> bool:
    """A truth value; None, of a field that is missing, is false. Else an error that names the field and the command `where`."""
    value = False if value is None else value
    if not isinstance(value, bool):
        _check.fail(name, where, "true or false", value)
    return value


def _indices(value: Any, count: int, name: str, where: str) -> tuple[int, ...]:
    """A list of exactly `count` integers ≥ 0, as a tuple; else an error that names the field and the command `where`."""
    if not isinstance(value, (list, tuple)) or len(value) != count:
        _check.fail(name, where, f"{count} integers ≥ 0", value)
    return tuple(_check.integer(index, name, where, low=0) for index in value)
