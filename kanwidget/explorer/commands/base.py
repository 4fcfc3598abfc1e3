"""What can be asked of a session: one frozen record a command.

A command knows the line of Python that does the same (`call`), so that a session can be written down as a script.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from kanwidget.symbolic.fits.ranking import R2_THRESHOLD

Edge: TypeAlias = tuple[int, int, int]
Node: TypeAlias = tuple[int, int]
#: Parts of a view that cost something to fill: only those that somebody looks at are.
Panel = Literal["parity", "surface"]


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
    batch: int | None = None
    """-1 is all rows."""
    noise: float | None = None

    @property
    def given(self) -> dict[str, Any]:
        """The settings that change, in the order in which they can be changed one after the other."""
        # LM takes all rows: they are there before it is, and a part of them only after it.
        order = ("lamb", "batch", "opt", "lr") if self.batch == -1 else ("lamb", "opt", "lr", "batch")
        return {name: value for name in (*order, "noise") if (value := getattr(self, name)) is not None}

    def call(self) -> str | None:
        texts = {name: "None" if (name, value) == ("batch", -1) else repr(value) for name, value in self.given.items()}
        return "; ".join(f"explorer.{name} = {text}" for name, text in texts.items()) or None


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
class UsePreset(Command):
    """Begin with another of the problems to play with."""

    name: str


@dataclass(frozen=True, slots=True)
class Watch(Command):
    """What one view has open."""

    view: str
    panels: tuple[Panel, ...] = ()


@dataclass(frozen=True, slots=True)
class LookAt(Command):
    """What the surface shows: one or two inputs (columns of the data), an output, and where the others are held."""

    x: int
    y: int | None = None
    output: int = 0
    at: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Look(Command):
    """Find the best candidates of all splines, or don't any more, as far as this view is concerned."""

    on: bool = True
    view: str = ""


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
    """Prune edges, or remove a node; without both everything that scores below the thresholds."""

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

    r2_threshold: float = R2_THRESHOLD
    simplicity: float | None = None
    """None takes the session's weight."""
    lib: tuple[str, ...] | None = None
    """None takes the session's library."""
    edges: tuple[Edge, ...] | None = None
    """None takes all."""

    def call(self) -> str:
        lib = "" if self.lib is None else f", lib={list(self.lib)}"
        edges = "" if self.edges is None else f", edges={list(self.edges)}"
        return f"explorer.auto_symbolic(r2_threshold={self.r2_threshold!r}, simplicity={self.simplicity!r}{lib}{edges})"


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
class Freeze(Command):
    """Keep an edge out of training, or several, or let them train again."""

    edge: Edge
    on: bool = True
    more: tuple[Edge, ...] = ()

    def call(self) -> str:
        return f"explorer.{'freeze' if self.on else 'unfreeze'}({_named(self.edge, self.more)})"


@dataclass(frozen=True, slots=True)
class Lock(Command):
    """Let edges `(input, output)` of a layer share one function, or no longer."""

    layer: int
    edges: tuple[Node, ...]
    on: bool = True

    def call(self) -> str:
        return f"explorer.{'lock' if self.on else 'unlock'}({self.layer}, {list(self.edges)})"


@dataclass(frozen=True, slots=True)
class AddNode(Command):
    """A new node on a hidden level."""

    level: int
    product: bool = False

    def call(self) -> str:
        return f"explorer.add_node({self.level}{', product=True' if self.product else ''})"


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

    simplicity: float


def _named(edge: Edge, more: tuple[Edge, ...]) -> str:
    """One edge or several as an argument."""
    return f"edges={[edge, *more]}" if more else f"edge={edge}"
