"""Commands on the whole network: pruning, nodes, grids, formulas for many edges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from kanwidget import _check
from kanwidget.core import EdgeRef
from kanwidget.explorer.commands import fields
from kanwidget.explorer.commands.base import act, change_edges, listed
from kanwidget.explorer.commands.fields import Pair
from kanwidget.explorer.describe.labels import edges_name, node_name
from kanwidget.explorer.protocol.topics import Notice, Topics
from kanwidget.explorer.session.background.breaks import BrokenOff, breakable
from kanwidget.explorer.session.command import Command, Setting
from kanwidget.explorer.session.session import Session
from kanwidget.growth.richer import with_hidden_nodes
from kanwidget.simplification import SymbolicStep, auto_symbolic_steps
from kanwidget.symbolic.edges import numeric_edges, tied_edges
from kanwidget.symbolic.fits.ranking import R2_THRESHOLD


@dataclass(frozen=True, slots=True)
class Prune(Command):
    """Prune edges, or remove a node; by default prune everything that scores below the thresholds."""

    kind = "prune"
    reads: ClassVar = {"edges": fields.optional(fields.edges), "node": fields.optional(fields.node)}

    edges: tuple[EdgeRef, ...] | None = None
    node: Pair | None = None
    node_th: float = 1e-2
    edge_th: float = 3e-2

    def call(self) -> str:
        """The call with what is pruned: edges, a node, or the thresholds."""
        if self.edges is not None:
            return f"explorer.prune(edges={listed(self.edges)})"
        if self.node is not None:
            return f"explorer.prune(node={self.node})"
        return f"explorer.prune(node_th={self.node_th!r}, edge_th={self.edge_th!r})"

    def perform(self, session: Session) -> Topics:
        """Prune as an act; a notice, and no topics, where nothing scores below the thresholds. Returns the topics that changed."""
        if self.edges is not None:
            return self._prune_edges(session, self.edges)
        model = session.model
        if self.node is not None:
            level, node = self.node
            smaller = model.remove_node(level, node)  # which refuses a node that isn't there
            label = f"remove {node_name(session, level, node)}"
            return act(session, self, "prune", label, lambda: session.adopt(smaller))
        pruned = model.prune(self.node_th, self.edge_th)
        count = len(model.edge_refs(active=True)) - len(pruned.edge_refs(active=True))
        if count == 0 and pruned.width == model.width:
            text = f"All nodes score above {self.node_th:g} and all edges above {self.edge_th:g}."
            advice = "A penalty (lamb) and some steps of training make the useless ones fade."
            session.view.notify(Notice("Nothing to prune", text, advice))
            return frozenset()
        label = f"prune {count} edge" + ("" if count == 1 else "s")
        return act(session, self, "prune", label, lambda: session.adopt(pruned))

    def _prune_edges(self, session: Session, edges: tuple[EdgeRef, ...]) -> Topics:
        """Prune these edges as an act. An empty list is refused: it asks for nothing, while no list at all asks for the thresholds."""
        if not edges:
            advice = "Leave it out to prune everything that scores below the thresholds."
            _check.fail("edges", "prune", "a list of at least one edge (layer, input, output)", [], advice)
        refs = [session.check_edge(edge, "prune") for edge in edges]
        change = lambda: change_edges(session.model.remove_edge, refs)  # noqa: E731
        return act(session, self, "prune", f"prune {edges_name(session, refs)}", change)


@dataclass(frozen=True, slots=True)
class AddNode(Command):
    """Add a node, a sum or a product, on a hidden level, which comes first where there is none; the function stays."""

    kind = "add_node"
    reads: ClassVar = {"level": fields.whole, "product": fields.flag}

    level: int
    product: bool = False

    def call(self) -> str:
        """The line of the script that repeats it."""
        return f"explorer.add_node({self.level}{', product=True' if self.product else ''})"

    def perform(self, session: Session) -> Topics:
        """Add the node as an act. Returns the topics that changed.

        Hidden levels are those from 1 to depth - 1. A network of depth 1 has none; it gets level 1, so that one is always allowed.
        """
        model, level = session.model, self.level
        advice = "Only hidden levels can grow."
        _check.integer(level, "level", "add_node", low=1, high=max(1, model.depth - 1), advice=advice)
        kind = "product" if self.product else "node"
        change = lambda: session.adopt(with_hidden_nodes(model, 1, level, product=self.product))  # noqa: E731
        return act(session, self, "grow", f"add a {kind} on level {level}", change)


@dataclass(frozen=True, slots=True)
class Refine(Command):
    """Change the number of grid intervals."""

    kind = "refine"
    statement = "explorer.refine({self.grid})"
    reads: ClassVar = {"grid": fields.grid}

    grid: int

    def perform(self, session: Session) -> Topics:
        """Give all layers `grid` intervals, as an act. Returns the topics that changed.

        Where they have as many already that is `settings` alone, for a page that shows another number.
        """
        grid = fields.grid(self.grid)
        model = session.model
        if {model.layer(index).grid_size for index in range(model.depth)} == {grid}:
            return frozenset(("settings",))
        label = f"grid {model.grid} → {grid}"
        return act(session, self, "refine", label, lambda: session.adopt(model.refine(grid)))


@dataclass(frozen=True, slots=True)
class SetGrid(Refine, Setting):
    """`Refine` from a slider, which sends many values: only the last waiting one counts."""


@dataclass(frozen=True, slots=True)
class AutoSymbolic(Command):
    """Fix every spline, or some splines, whose best candidate is good enough. A pause ends the search; fixed edges stay fixed."""

    kind = "auto"
    reads: ClassVar = {
        "r2_threshold": fields.optional(partial(_check.real, high=1), R2_THRESHOLD),
        "edges": fields.optional(fields.edges),
    }

    r2_threshold: float = R2_THRESHOLD
    simplicity: float | None = None
    """None takes the session's simplicity."""
    lib: tuple[str, ...] | None = None
    """None takes the session's library."""
    edges: tuple[EdgeRef, ...] | None = None
    """None takes all splines."""

    def call(self) -> str:
        """The line of the script that repeats it."""
        lib = "" if self.lib is None else f", lib={list(self.lib)}"
        edges = "" if self.edges is None else f", edges={listed(self.edges)}"
        return f"explorer.auto_symbolic(r2_threshold={self.r2_threshold!r}, simplicity={self.simplicity!r}{lib}{edges})"

    def perform(self, session: Session) -> Topics:
        """Put functions in place of splines, as one act, until a pause comes; a notice says what stays. Returns the topics that changed."""
        simplicity = session.candidates.simplicity if self.simplicity is None else self.simplicity
        refs = self._edges(session)
        steps = auto_symbolic_steps(
            session.model,
            session.run.data,
            edges=refs,
            lib=session.candidates.lib if self.lib is None else self.lib,
            simplicity=simplicity,
            r2_threshold=self.r2_threshold,
            on_broken=session.candidates.record_broken,
        )
        #: Edge → the last step that has searched a function for it; `numeric` of a step: the searched edges that stay splines.
        searched: dict[EdgeRef, SymbolicStep] = {}

        def check() -> None:
            """Break off where a pause waits, as long as not all edges were asked once."""
            # Edges that are asked once more are asked to the end: no list of edges would say for the script how far it came.
            if session.run.interrupted() and len(searched) < len(refs):
                raise BrokenOff

        def change() -> None:
            """Replace edges until all were asked or a pause comes."""
            # A refit works on a copy: where it breaks off, the network has the functions so far.
            with breakable(check):
                session.view.task(f"replacing edges: 0 of {len(refs)}")
                for step in steps:
                    searched.update(dict.fromkeys(step.searched, step))
                    session.view.task(f"replacing edges: {len(searched)} of {len(refs)}")
                    check()

        def repeated() -> AutoSymbolic:
            """The command for the script: after a pause only the edges that were replaced, since the others changed nothing."""
            replaced = tuple(ref for ref, step in searched.items() if ref not in step.numeric)
            edges = self.edges if len(searched) == len(refs) else replaced or tuple(searched)
            return replace(self, simplicity=simplicity, edges=edges)

        def label() -> str:
            fixed = sum(ref not in step.numeric for ref, step in searched.items())
            return f"replace {fixed} edge" + ("" if fixed == 1 else "s")

        topics = act(session, repeated, "auto", label, change, "searching formulas")
        if notice := self._notice(session, searched, len(refs)):
            session.view.notify(notice)
        return topics

    def _edges(self, session: Session) -> list[EdgeRef]:
        """The splines to search, in the order of the structure; of tied edges, which share one function, only the first."""
        model = session.model
        if self.edges is None:
            return numeric_edges(model)
        owners = set()
        for edge in self.edges:
            ref = session.check_edge(edge, "auto")
            owners.add(EdgeRef(ref.layer, *tied_edges(model.layer(ref.layer), ref.source, ref.target)[0]))
        return [ref for ref in numeric_edges(model) if ref in owners]

    def _notice(self, session: Session, searched: Mapping[EdgeRef, SymbolicStep], total: int) -> Notice | None:
        """A notice about a pause, or about edges that stay splines, with the reason of the first; None where there is nothing to say.

        Args:
            session: The session.
            searched: The edges that were asked, each with the last step that asked it.
            total: Number of edges to ask.
        """
        if len(searched) < total:
            advice = "Nothing is lost: replace again to go on."
            return Notice("Paused", f"{len(searched)} of {total} edges were looked at.", advice)
        if reasons := {ref: step.reasons[ref] for ref, step in searched.items() if ref in step.reasons}:
            ref, reason = next(iter(reasons.items()))
            message = f"{len(reasons)} of {total} edges. {edges_name(session, [ref])}: {reason}."
            return Notice("Some edges stay splines", message, "Train further, prune, or replace them by hand.")
        return None
