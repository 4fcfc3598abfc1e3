"""What can be asked of a session: one frozen record a command, checked when it is read from a message.

A command knows the line of Python that does the same (`call`), so that a session can be written down as a script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from kanwidget import _check

Edge: TypeAlias = tuple[int, int, int]
Node: TypeAlias = tuple[int, int]
#: Largest number of grid intervals that is offered.
LARGEST_GRID = 200
#: Most edges that one message may name.
_MOST_EDGES = 10_000


@dataclass(frozen=True, slots=True)
class Command:
    """What all commands have in common."""

    def call(self) -> str | None:
        """The same as a statement on `explorer`, None where nothing needs to be replayed."""
        return None


@dataclass(frozen=True, slots=True)
class Set(Command):
    """Change settings; None leaves one as it is."""

    lamb: float | None = None
    opt: str | None = None
    lr: float | None = None

    def call(self) -> str | None:
        given = (("lamb", self.lamb), ("opt", self.opt), ("lr", self.lr))
        return "; ".join(f"explorer.{name} = {value!r}" for name, value in given if value is not None) or None


@dataclass(frozen=True, slots=True)
class Start(Command):
    """Train, until it has converged or this many steps are done."""

    steps: int | None = None


@dataclass(frozen=True, slots=True)
class Step(Command):
    """Train n steps; a training that was going on is paused afterwards."""

    n: int = 1


@dataclass(frozen=True, slots=True)
class Pause(Command):
    """Stop training, keep everything."""


@dataclass(frozen=True, slots=True)
class Reset(Command):
    """Begin again, from the network that was given or from another seed."""

    seed: int | None = None

    def call(self) -> str:
        return "explorer.reset()" if self.seed is None else f"explorer.reset(seed={self.seed})"


@dataclass(frozen=True, slots=True)
class Select(Command):
    """Look at edges; the first one in detail."""

    edges: tuple[Edge, ...] = ()


@dataclass(frozen=True, slots=True)
class Fix(Command):
    """Replace an edge by a symbolic function, the best one without a name; with further edges all by the same one."""

    edge: Edge
    name: str | None = None
    keep_spline: bool = False
    more: tuple[Edge, ...] = ()

    def call(self) -> str:
        keep = ", keep_spline=True" if self.keep_spline else ""
        return f"explorer.fix({self.name!r}, {_named(self.edge, self.more)}{keep})"


@dataclass(frozen=True, slots=True)
class Unfix(Command):
    """Bring the spline of an edge back, or of several."""

    edge: Edge
    more: tuple[Edge, ...] = ()

    def call(self) -> str:
        return f"explorer.unfix({_named(self.edge, self.more)})"


@dataclass(frozen=True, slots=True)
class Prune(Command):
    """Prune edges, or a node; without both everything that scores below the thresholds."""

    edges: tuple[Edge, ...] | None = None
    node: Node | None = None
    node_th: float = 1e-2
    edge_th: float = 3e-2

    def call(self) -> str:
        if self.edges is not None:
            return f"explorer.prune(edges={list(self.edges)})"
        if self.node is not None:
            return f"explorer.prune(node={self.node})"
        return f"explorer.prune(node_th={self.node_th!r}, edge_th={self.edge_th!r})"


@dataclass(frozen=True, slots=True)
class Restore(Command):
    """Bring pruned edges back."""

    edges: tuple[Edge, ...]

    def call(self) -> str:
        return f"explorer.restore({', '.join(map(str, self.edges))})"


@dataclass(frozen=True, slots=True)
class Refine(Command):
    """Change the number of grid intervals."""

    grid: int

    def call(self) -> str:
        return f"explorer.refine({self.grid})"


@dataclass(frozen=True, slots=True)
class Auto(Command):
    """Fix every numeric edge whose best candidate is good enough."""

    r2: float = 0.9
    weight_simple: float | None = None
    """None takes the session's weight."""
    lib: tuple[str, ...] | None = None
    """None takes the session's library."""

    def call(self) -> str:
        lib = "" if self.lib is None else f", lib={list(self.lib)}"
        return f"explorer.auto_symbolic(r2={self.r2!r}, weight_simple={self.weight_simple!r}{lib})"


@dataclass(frozen=True, slots=True)
class Drag(Command):
    """Move one coefficient of an edge's spline; `commit` ends the gesture."""

    edge: Edge
    index: int
    value: float
    commit: bool = True

    def call(self) -> str:
        more = "" if self.commit else ", commit=False"
        return f"explorer.drag({self.edge}, {self.index}, {self.value!r}{more})"


@dataclass(frozen=True, slots=True)
class Pin(Command):
    """Keep an edge out of training, or let it train again."""

    edge: Edge
    on: bool = True

    def call(self) -> str:
        return f"explorer.{'pin' if self.on else 'unpin'}(edge={self.edge})"


@dataclass(frozen=True, slots=True)
class Lock(Command):
    """Let edges `(input, output)` of a layer share one function, or no longer."""

    layer: int
    edges: tuple[Node, ...]
    on: bool = True

    def call(self) -> str:
        return f"explorer.{'lock' if self.on else 'unlock'}({self.layer}, {list(self.edges)})"


@dataclass(frozen=True, slots=True)
class Undo(Command):
    """Go back to before the last act."""

    def call(self) -> str:
        return "explorer.undo()"


@dataclass(frozen=True, slots=True)
class Redo(Command):
    """Go forward to what was undone last."""

    def call(self) -> str:
        return "explorer.redo()"


@dataclass(frozen=True, slots=True)
class Goto(Command):
    """Go to any state of the history."""

    state: int

    def call(self) -> str:
        return f"explorer.goto({self.state})"


@dataclass(frozen=True, slots=True)
class Rank(Command):
    """Weigh simplicity (1) against accuracy (0) in the order of candidates."""

    weight: float


# ---- from messages


def parse(message: Mapping[str, Any]) -> list[Command]:
    """The commands that a message from the browser means; `[]` for one that isn't a command.

    Raises:
        ValueError: Naming the field that is wrong.
    """
    kind = message.get("kind")
    return _READERS[kind](message) if isinstance(kind, str) and kind in _READERS else []


def _control(message: Mapping[str, Any]) -> list[Command]:
    made: dict[str, Command] = {"start": Start(), "pause": Pause(), "step": Step(1), "reset": Reset()}
    return [made[_check.choice(message.get("action"), "action", "control", made)]]


def _set(message: Mapping[str, Any]) -> list[Command]:
    given = message.get("settings")
    if not isinstance(given, Mapping) or not given:
        _check.fail("settings", "set", "an object with lamb, grid, opt or lr", given)
    commands: list[Command] = []
    for name, value in given.items():
        _check.choice(name, "settings", "set", ("lamb", "grid", "opt", "lr"))
        if name == "grid":
            commands.append(Refine(grid_of(value)))
        elif name == "lamb":
            commands.append(Set(lamb=_check.real(value, "lamb", "set", low=0)))
        elif name == "opt":
            commands.append(Set(opt=_text(value, "opt", "set")))
        else:
            commands.append(Set(lr=_check.real(value, "lr", "set", low=0, open_low=True)))
    return commands


def _prune(message: Mapping[str, Any]) -> list[Command]:
    if message.get("edges") is not None:
        return [Prune(edges=_edges(message["edges"], "prune"))]
    if message.get("node") is not None:
        return [Prune(node=node_of(message["node"], "prune"))]
    return [Prune()]


def _auto(message: Mapping[str, Any]) -> list[Command]:
    r2 = message.get("r2")
    return [Auto() if r2 is None else Auto(_check.real(r2, "r2", "auto", high=1))]


def _drag(message: Mapping[str, Any]) -> list[Command]:
    index = _check.integer(message.get("index"), "index", "drag", low=0)
    value = _check.real(message.get("value"), "value", "drag")
    return [Drag(_edge(message, "drag"), index, value, _flag(message, "commit", "drag"))]


def _fix(message: Mapping[str, Any]) -> list[Command]:
    edge, *more = _one_or_more(message, "fix")
    return [Fix(edge, _text(message.get("name"), "name", "fix"), _flag(message, "keep_spline", "fix"), tuple(more))]


def _unfix(message: Mapping[str, Any]) -> list[Command]:
    edge, *more = _one_or_more(message, "unfix")
    return [Unfix(edge, tuple(more))]


def whole(value: Any, name: str, where: str) -> int:
    """An integer ≥ 0."""
    return _check.integer(value, name, where, low=0)


def grid_of(value: Any, where: str = "refine") -> int:
    """A number of grid intervals within what is offered."""
    advice = "More intervals than that take the data apart."
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


def _named(edge: Edge, more: tuple[Edge, ...]) -> str:
    """One edge or several as an argument."""
    return f"edges={[edge, *more]}" if more else f"edge={edge}"


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


_READERS: dict[str, Callable[[Mapping[str, Any]], list[Command]]] = {
    "set": _set,
    "control": _control,
    "select": lambda m: [Select(_edges(m.get("edges"), "select"))],
    "fix": _fix,
    "unfix": _unfix,
    "prune": _prune,
    "restore": lambda m: [Restore(_edges(m.get("edges"), "restore"))],
    "refine": lambda m: [Refine(grid_of(m.get("grid")))],
    "auto": _auto,
    "drag": _drag,
    "undo": lambda _: [Undo()],
    "redo": lambda _: [Redo()],
    "goto": lambda m: [Goto(_check.integer(m.get("state"), "state", "goto", low=0))],
    "rank": lambda m: [Rank(_check.real(m.get("weight"), "weight", "rank", low=0, high=1))],
}
