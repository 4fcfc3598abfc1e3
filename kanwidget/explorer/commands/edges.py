"""Commands on edges: fix and unfix, restore, drag, freeze, lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from kanwidget import _check
from kanwidget.core import EdgeRef
from kanwidget.explorer.commands import fields
from kanwidget.explorer.commands.base import act, change_edges, listed
from kanwidget.explorer.commands.fields import Pair
from kanwidget.explorer.describe.labels import edges_name
from kanwidget.explorer.protocol.topics import CHANGED, Topics
from kanwidget.explorer.session.command import Command
from kanwidget.explorer.session.session import Session
from kanwidget.kan.words import level_numbers
from kanwidget.surgery.locks import firsts_of
from kanwidget.training import Trainer
from kanwidget.training.evidence.merges import merge

#: Steps that values take which levels get anew.
_SPLIT_STEPS = 10


class EdgeCommand(Command):
    """A command on an edge, and on `further` edges alike, as one act."""

    __slots__ = ()

    edge: EdgeRef
    further: tuple[EdgeRef, ...]

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Sequence[Command]:
        """The command of a message with the field `edge`, or `edges`: the first one is its `edge`, the others are `further`."""
        edge, *further = fields.edge_or_edges(message, cls.kind)
        named = {"edge": edge, "further": tuple(further)}
        return [cls(**named, **cls.fields_of(message))]

    @property
    def argument(self) -> str:
        """One edge or several as an argument in a script."""
        return f"edges={listed([self.edge, *self.further])}" if self.further else f"edge={tuple(self.edge)}"

    def edges_in(self, session: Session) -> list[EdgeRef]:
        """The edges of the command, each once; an error where the session's network doesn't have one."""
        return list(dict.fromkeys(session.check_edge(edge, self.kind) for edge in (self.edge, *self.further)))


@dataclass(frozen=True, slots=True)
class Fix(EdgeCommand):
    """Replace an edge, and further edges, by one symbolic function; without a name by the best candidate of the first edge."""

    kind = "fix"
    reads: ClassVar = {"name": fields.text, "keep_spline": fields.flag}

    edge: EdgeRef
    name: str | None = None
    keep_spline: bool = False
    further: tuple[EdgeRef, ...] = ()

    def call(self) -> str:
        """The line of the script that repeats it: the function, the edges, and whether a spline is added to it (`keep_spline`)."""
        keep = ", keep_spline=True" if self.keep_spline else ""
        return f"explorer.fix({self.name!r}, {self.argument}{keep})"

    def perform(self, session: Session) -> Topics:
        """Put the function `name` in place of the edges, as one act; None takes the first edge's best candidate, which the script names.

        Returns the topics that changed.
        """
        edges = self.edges_in(session)
        name = self.name
        if name is None:
            fits = session.candidates.of(edges[0])
            if not fits:
                _check.fail("name", "fix", "given: no function of the library fits this edge", None)
            name = fits[0].name
        label = f"{edges_name(session, edges)}: {name}" + (" + spline" if self.keep_spline else "")
        # None for an edge with a spline: the constants are then fitted to its curve.
        params = {edge: session.candidates.params_for_data(edge, name) for edge in edges}

        def change() -> None:
            # Lower layers first: an edge above them is fitted on the values that they produce then.
            for edge in sorted(edges):
                session.model.fix_symbolic(*edge, name, params=params[edge], keep_spline=self.keep_spline)

        return act(session, Fix(edges[0], name, self.keep_spline, tuple(edges[1:])), "fix", label, change)


@dataclass(frozen=True, slots=True)
class Unfix(EdgeCommand):
    """Bring the spline of an edge back, or of several."""

    kind = "unfix"
    statement = "explorer.unfix({self.argument})"

    edge: EdgeRef
    further: tuple[EdgeRef, ...] = ()

    def perform(self, session: Session) -> Topics:
        """Bring the splines back as one act; refused where an edge has no symbolic function. Returns the topics that changed."""
        edges = self.edges_in(session)
        for edge in edges:
            layer = session.model.layer(edge.layer)
            if layer.symbol(edge.source, edge.target) is None:
                state = layer.state(edge.source, edge.target)
                _check.fail("edge", "unfix", "one that has a symbolic function", f"{tuple(edge)}, which is {state}")
        change = lambda: change_edges(session.model.unfix_symbolic, edges)  # noqa: E731
        return act(session, self, "unfix", f"unfix {edges_name(session, edges)}", change)


@dataclass(frozen=True, slots=True)
class Restore(Command):
    """Bring pruned edges back."""

    kind = "restore"
    reads: ClassVar = {"edges": fields.edges}

    edges: tuple[EdgeRef, ...]

    def call(self) -> str:
        """The line of the script that repeats it."""
        return f"explorer.restore({listed(self.edges)[1:-1]})"

    def perform(self, session: Session) -> Topics:
        """Bring those of the edges back that are pruned, as one act; refused where none is. Returns the topics that changed."""
        edges = [session.check_edge(edge, "restore") for edge in self.edges]
        pruned = [edge for edge in edges if session.model.layer(edge.layer).state(edge.source, edge.target) == "pruned"]
        if not pruned:
            _check.fail("edges", "restore", "edges that are pruned", [tuple(edge) for edge in self.edges])
        label = f"restore {edges_name(session, pruned)}"
        return act(session, self, "restore", label, lambda: change_edges(session.model.restore_edge, pruned))


@dataclass(frozen=True, slots=True)
class Drag(Command):
    """Move one coefficient of an edge's spline; `commit` ends the gesture, which is one act."""

    kind = "drag"
    stamps = ("structure", "grid")
    continues_drag = True
    reads: ClassVar = {"edge": fields.edge, "index": fields.whole, "value": _check.real, "commit": fields.flag}

    edge: EdgeRef
    index: int
    value: float
    commit: bool = True

    def check_stamps(self, session: Session, stamps: Mapping[str, int]) -> None:
        """Refuse a drag on another structure, or on a grid of another size: `index` would mean another place there."""
        Command.check_stamps(self, session, stamps)
        if "grid" in stamps:
            edge = session.check_edge(self.edge, "drag")
            if session.model.layer(edge.layer).grid_size != stamps["grid"]:
                raise ValueError("the grid has changed since this was dragged. Nothing was done; look, and drag again.")

    def call(self) -> str:
        """The line of the script that repeats it: edge, number of the coefficient, its value, and whether more moves follow (no commit)."""
        commit = "" if self.commit else ", commit=False"
        return f"explorer.drag({tuple(self.edge)}, {self.index}, {self.value!r}{commit})"

    def supersedes(self, previous: Command) -> bool:
        """Whether the previous command is an interim one that moves the same coefficient: only its last value counts."""
        is_same = isinstance(previous, Drag) and (previous.edge, previous.index) == (self.edge, self.index)
        return is_same and previous.interim

    def commutes(self, previous: Command) -> bool:
        """Whether the previous command is an interim drag: of a drag only the last place of each coefficient matters, not the order."""
        return isinstance(previous, Drag) and previous.interim

    @property
    def interim(self) -> bool:
        """Whether more moves of the same drag follow, so that the script needs only the last one."""
        return not self.commit

    def perform(self, session: Session) -> Topics:
        """Give the coefficient number `index` of the edge's spline this `value`; only a commit ends the drag, as one act.

        Where that fails all moves of the drag are taken back. Returns the topics that changed.
        """
        edge = session.check_edge(self.edge, "drag")
        layer = session.model.layer(edge.layer)
        if not bool(layer.spline_on[edge.target, edge.source]):
            advice = "Bring its spline back (unfix) or restore it first."
            _check.fail("edge", "drag", "one that has a spline", tuple(edge), advice)
        # An edge of words has one coefficient for each of them.
        count = layer.levels[edge.source] or layer.grid_size + layer.k
        _check.integer(self.index, "k", "drag", low=0, high=count - 1)  # `k` is its name in `explorer.drag`
        value = _check.real(self.value, "value", "drag")
        session.tree.begin_drag(session.run.checkpoint)
        # Edges of a layer are numbered target by target; `owner` has the coefficients: of tied edges, which share them, the first.
        flat = edge.target * layer.in_dim + edge.source
        owner = int(layer.tie_index()[flat]) if layer.ties else flat
        try:
            with torch.no_grad():
                # `value` is in the unit of the data, coefficients are scaled numbers. `flatten` gives a view.
                layer.coef.flatten(0, 1)[owner, self.index] = value / session.model.edge_units(edge).y_size
            session.run.network_changed()
        except BaseException:
            session.restore(session.tree.end_drag())
            raise
        session.script.add(self)
        if self.commit:
            session.end_drag(f"drag {edges_name(session, [edge])}", [edge])
        # Within a drag only topics of the next frame: a hand moves faster than a page draws.
        return CHANGED if self.commit else frozenset(("curves", "status"))


@dataclass(frozen=True, slots=True)
class Freeze(EdgeCommand):
    """Keep an edge out of training, or several, or let them train again."""

    kind = "freeze"
    statement = "explorer.{self._verb}({self.argument})"
    reads: ClassVar = {"on": fields.flag}

    edge: EdgeRef
    on: bool = True
    further: tuple[EdgeRef, ...] = ()

    @property
    def _verb(self) -> str:
        return "freeze" if self.on else "unfreeze"

    def perform(self, session: Session) -> Topics:
        """Keep the edges out of training, as one act, or with `on` False let them train again. Returns the topics that changed."""
        edges, model = self.edges_in(session), session.model
        change = lambda: change_edges(model.freeze if self.on else model.unfreeze, edges)  # noqa: E731
        return act(session, self, "lock", f"{self._verb} {edges_name(session, edges)}", change)


@dataclass(frozen=True, slots=True)
class Lock(Command):
    """Let edges `(input, output)` of a layer share one function, or no longer."""

    kind = "lock"

    layer: int
    edges: tuple[Pair, ...]
    on: bool = True

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Sequence[Command]:
        """The lock of a message, or with its field `on` false the end of one; its edges must be of one layer."""
        edges = fields.edges(message.get("edges"), "edges", "lock")
        if len({edge.layer for edge in edges}) != 1:
            _check.fail("edges", "lock", "edges of one layer", [list(edge) for edge in edges])
        pairs = tuple((edge.source, edge.target) for edge in edges)
        return [cls(edges[0].layer, pairs, fields.flag(message.get("on"), "on", "lock"))]

    def call(self) -> str:
        """The line of the script that repeats it."""
        return f"explorer.{self._verb}({self.layer}, {listed(self.edges)})"

    @property
    def _verb(self) -> str:
        return "lock" if self.on else "unlock"

    def perform(self, session: Session) -> Topics:
        """Let the edges share one function, as one act, or with `on` False no longer. Returns the topics that changed."""
        model = session.model
        change = model.lock if self.on else model.unlock
        label = f"{self._verb} {len(self.edges)} edges"
        return act(session, self, "lock", label, lambda: change(self.layer, list(self.edges)))


@dataclass(frozen=True, slots=True)
class MergeLevels(Command):
    """Give the levels of each group of a column of words one value, and all others one each."""

    kind = "merge_levels"

    column: str | int
    """Its name, or the number of the input that reads it."""
    groups: tuple[Any, ...]
    """Tuples of names of levels, or of their numbers."""
    by_number: bool = False

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Sequence[Command]:
        """The merge of a message: `edge` reads the column, and `groups` are numbers of levels."""
        groups = message.get("groups")
        if not isinstance(groups, list) or not all(isinstance(group, list) for group in groups):
            _check.fail("groups", "merge_levels", "lists of levels", groups)
        edge = fields.edge(message.get("edge"), "edge", "merge_levels")
        if edge.layer != 0:
            _check.fail("edge", "merge_levels", "one of the first layer, which reads the columns", edge)
        whole = tuple(tuple(fields.whole(level, "groups", "merge_levels") for level in group) for group in groups)
        return [cls(edge.source, whole, by_number=True)]

    def call(self) -> str:
        """The line of the script that repeats it."""
        return f"explorer.merge_levels({self.column!r}, {[[*group] for group in self.groups]!r})"

    def perform(self, session: Session) -> Topics:
        """Give the levels (words) of each group one value, as an act; the script names column and levels. Returns the topics that changed.

        Refused are a column of numbers, and groups that aren't made of levels of the column.
        """
        source = self._source(session)
        column = int(session.model.columns[source])
        levels, name = session.data.levels[column], session.in_vars[column]
        if not levels:
            _check.fail("column", "merge_levels", "a column of words", name, "It holds numbers, which have a curve.")
        # `groups` has numbers of levels from a page (`by_number`), else their words.
        numbers = self.groups if self.by_number else level_numbers(self.groups, levels, "merge_levels")
        groups = [[int(level) for level in group] for group in numbers]
        # Only for its checks, so that nothing has begun where the groups are wrong.
        firsts_of(session.model, source, groups)
        named = tuple(tuple(levels[level] for level in group) for group in groups)
        label = f"{name}: {', '.join(' or '.join(group) for group in named) or 'a value for each level'}"
        posterior, settings = session.run.posterior(), session.run.trainer.settings

        def change() -> None:
            """Adopt a copy with merged levels; where the merge leaves it without a posterior, it is trained for some steps before."""
            model = session.run.copy()
            merge(model, posterior, source, groups)
            if posterior is not None and model.posterior is None:
                # Values that the data haven't judged yet are trained, or levels that are split would stay alike.
                trainer = Trainer(model, session.run.trainer.data, _SPLIT_STEPS, settings)
                for _ in trainer:
                    pass
                model.posterior = trainer.posterior()
            session.adopt(model)

        return act(session, MergeLevels(name, named), "merge", label, change, "merging levels")

    def _source(self, session: Session) -> int:
        """The input of the network, from 0, that reads the column: `self.column` is the column's name, or the number of this input.

        Refused are a column that no input reads, and a number that is no input's.
        """
        columns = session.model.columns.tolist()  # of each input the number of the column that it reads
        if isinstance(self.column, int):
            return _check.integer(self.column, "column", "merge_levels", low=0, high=len(columns) - 1)
        number = session.in_vars.index(_check.choice(self.column, "column", "merge_levels", session.in_vars))
        if number not in columns:
            _check.fail("column", "merge_levels", "one that the network still reads", self.column)
        return columns.index(number)
