"""Acts on the whole network: pruning, nodes, grids, formulas for many edges."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from kanwidget import _check
from kanwidget.core import EdgeRef
from kanwidget.core.primitives import primitives
from kanwidget.explorer.commands import base as c
from kanwidget.explorer.commands.acting import act, each
from kanwidget.explorer.commands.fields import grid_of
from kanwidget.explorer.protocol.labels import edges_name
from kanwidget.explorer.protocol.topics import Notice, Topics
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.survey import AT_ONCE, best, splines
from kanwidget.symbolic.edges import tied_edges


def prune(session: Session, command: c.Prune) -> Topics:
    """Remove edges, a node, or what scores below the thresholds."""
    model = session.model
    if command.edges is not None:
        if not command.edges:
            advice = "Leave it out to prune everything that scores below the thresholds."
            _check.fail("edges", "prune", "a list of at least one edge (layer, input, output)", [], advice)
        edges = [session.check_edge(edge, "prune") for edge in command.edges]
        label = f"prune {edges_name(edges)}"
        return act(session, command, "prune", label, lambda: each(model.remove_edge, edges))
    if command.node is not None:
        level, node = command.node
        label = f"remove node {level},{node}"
        return act(session, command, "prune", label, lambda: session.adopt(model.remove_node(level, node)))
    pruned = model.prune(command.node_th, command.edge_th)
    count = len(model.edge_refs(active=True)) - len(pruned.edge_refs(active=True))
    if count == 0 and pruned.width == model.width:
        session.notice = Notice(
            "Nothing to prune",
            f"All nodes score above {command.node_th:g} and all edges above {command.edge_th:g}.",
            "A penalty (lamb) and some steps of training make the useless ones fade.",
        )
        return frozenset()
    label = f"prune {count} edge" + ("" if count == 1 else "s")
    return act(session, command, "prune", label, lambda: session.adopt(pruned))


def refine(session: Session, command: c.Refine) -> Topics:
    """Change the number of grid intervals."""
    grid = grid_of(command.grid)
    model = session.model
    before = {model.layer(index).grid_size for index in range(model.depth)}
    if before == {grid}:
        return frozenset(("settings",))
    label = f"grid {model.grid} → {grid}"
    return act(session, command, "refine", label, lambda: session.adopt(model.refine(grid)))


def add_node(session: Session, command: c.AddNode) -> Topics:
    """One more node on a hidden level; the function stays."""
    model, level = session.model, command.level
    if model.depth < 2:
        _check.fail("level", "add_node", "a hidden level, and this network has none", level)
    _check.integer(level, "level", "add_node", low=1, high=model.depth - 1, advice="Only hidden levels can grow.")
    label = f"add a {'product' if command.product else 'node'} on level {level}"
    change = lambda: session.adopt(model.expand_width(level, 1, product=command.product))  # noqa: E731
    return act(session, command, "grow", label, change)


def auto(session: Session, command: c.Auto) -> Topics:
    """Fix every spline, or some, whose best candidate is good enough; a pause ends it, and keeps what was fixed."""
    simplicity = session.simplicity if command.simplicity is None else command.simplicity
    _check.real(simplicity, "simplicity", "auto_symbolic", low=0, high=1)
    _check.real(command.r2_threshold, "r2_threshold", "auto_symbolic", high=1)
    if command.lib is not None:
        primitives(command.lib, "auto_symbolic")
    wanted, done = _wanted(session, command), []
    looked = 0

    def change() -> None:
        nonlocal looked
        # Layer by layer: a layer is fitted on the values that the symbols before it produce.
        for _, layer in groupby(wanted, key=lambda ref: ref.layer):
            refs = list(layer)
            for first in range(0, len(refs), AT_ONCE):
                if session.interrupted():
                    return
                session.on_task(f"searching formulas: edge {looked + 1} of {len(wanted)}")
                done.extend(_fix_best(session, refs[first : first + AT_ONCE], command, simplicity))
                looked += len(refs[first : first + AT_ONCE])

    def repeated() -> c.Auto:
        """What was looked at before a pause is all that a script has to do."""
        seen = tuple((ref.layer, ref.source, ref.target) for ref in wanted[:looked])
        return replace(command, simplicity=simplicity, edges=command.edges if looked == len(wanted) else seen)

    label = lambda: f"fix {len(done)} edge" + ("" if len(done) == 1 else "s")  # noqa: E731
    topics = act(session, repeated, "auto", label, change, "searching formulas")
    if looked < len(wanted):
        advice = "Nothing is lost: fix them all again to go on."
        session.notice = Notice("Paused", f"{looked} of {len(wanted)} edges were looked at.", advice)
    elif len(done) < len(wanted):
        session.notice = Notice(
            "Some edges stay splines",
            f"{len(wanted) - len(done)} of them have no candidate with R² ≥ {command.r2_threshold:.12g}.",
            "Train further, prune, or fix them by hand.",
        )
    return topics


def _wanted(session: Session, command: c.Auto) -> list[EdgeRef]:
    """The splines in question, in the order of the structure."""
    found = splines(session)
    if command.edges is None:
        return found
    model, picked = session.model, set()
    for layer, source, target in (session.check_edge(edge, "auto") for edge in command.edges):
        picked.add(EdgeRef(layer, *tied_edges(model.layer(layer), source, target)[0]))
    return [ref for ref in found if ref in picked]


def _fix_best(session: Session, refs: list[EdgeRef], command: c.Auto, simplicity: float) -> list[EdgeRef]:
    """Fix some edges of one layer to their best candidates where these are good enough; those that were fixed."""
    done = []
    for ref, fit in zip(refs, best(session, refs, command.lib, simplicity), strict=True):
        if fit is not None and fit.r2 >= command.r2_threshold:
            tied = len(tied_edges(session.model.layer(ref.layer), ref.source, ref.target)) > 1
            session.model.fix_symbolic(*ref, fit.name, params=None if tied else fit.params)
            done.append(ref)
    return done
