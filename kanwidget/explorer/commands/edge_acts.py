"""Acts on single edges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from kanwidget import _check
from kanwidget.explorer.commands import base as c
from kanwidget.explorer.commands import jumps
from kanwidget.explorer.commands.acting import act, each
from kanwidget.explorer.protocol.labels import edge_name, edges_name
from kanwidget.explorer.protocol.topics import CHANGED, Topics
from kanwidget.explorer.session.session import Session


def fix(session: Session, command: c.Fix) -> Topics:
    """Replace edges by one symbolic function."""
    edges = _several(session, command, "fix")
    name = command.name
    if name is None:
        fits = session.candidates(edges[0])
        if not fits:
            _check.fail("name", "fix", "given: no function of the library fits this edge", None)
        name = fits[0].name
    label = f"{edges_name(edges)} = {name}" + (" + spline" if command.keep_spline else "")

    def change() -> None:
        # Lower layers first: what is above is fitted on the values that they produce then.
        for edge in sorted(edges):
            session.model.fix_symbolic(*edge, name, keep_spline=command.keep_spline)

    done = c.Fix(edges[0], name, command.keep_spline, tuple(edges[1:]))
    return act(session, done, "fix", label, change)


def unfix(session: Session, command: c.Unfix) -> Topics:
    """Bring splines back."""
    edges = _several(session, command, "unfix")
    for layer, source, target in edges:
        found = session.model.layer(layer)
        if found.symbol(source, target) is None:
            state = found.state(source, target)
            edge = (layer, source, target)
            _check.fail("edge", "unfix", "one that has a symbolic function", f"{edge}, which is {state}")
    change = lambda: each(session.model.unfix_symbolic, edges)  # noqa: E731
    return act(session, command, "unfix", f"unfix {edges_name(edges)}", change)


def restore(session: Session, command: c.Restore) -> Topics:
    """Bring pruned edges back."""
    edges = [session.check_edge(edge, "restore") for edge in command.edges]
    gone = [edge for edge in edges if session.model.layer(edge[0]).state(edge[1], edge[2]) == "pruned"]
    if not gone:
        _check.fail("edges", "restore", "edges that are pruned", list(command.edges))
    label = f"restore {edges_name(gone)}"
    return act(session, command, "restore", label, lambda: each(session.model.restore_edge, gone))


def drag(session: Session, command: c.Drag) -> Topics:
    """Move one coefficient of an edge's spline."""
    layer, source, target = edge = session.check_edge(command.edge, "drag")
    found = session.model.layer(layer)
    if not bool(found.spline_on[target, source]):
        _check.fail("edge", "drag", "one that has a spline", edge, "Unfix or restore it first.")
    _check.integer(command.index, "k", "drag", low=0, high=found.coef.shape[2] - 1)
    value = _check.real(command.value, "value", "drag")
    if session.dragging is None:
        session.dragging = session.checkpoint()
    flat = target * found.in_dim + source
    owner = int(found.tie_index()[flat]) if found.ties else flat
    try:
        with torch.no_grad():
            found.coef.flatten(0, 1)[owner, command.index] = value
        session.touched()
    except BaseException:
        session.restore(session.dragging)
        session.dragging = None
        raise
    session.log.add(command)
    if command.commit:
        end_drag(session, edge)
    # On the way only what comes with the next frame: a hand moves faster than a page draws.
    return CHANGED if command.commit else frozenset(("curves", "status"))


def end_drag(session: Session, edge: c.Edge | None = None) -> Callable[[], None]:
    """A gesture becomes one act; the function that comes back lets it go on as if it hadn't been one yet."""
    before, session.dragging = session.dragging, None
    assert before is not None  # callers see to it
    tree, events, selection = session.tree, session.events, session.selection
    nodes, current = {number: replace(node) for number, node in tree.nodes.items()}, tree.current

    def go_on() -> None:
        tree.nodes, tree.current = nodes, current
        session.dragging, session.events, session.selection = before, events, selection

    jumps.commit(session, "drag", "drag a curve" if edge is None else f"drag {edge_name(edge)}", before)
    return go_on


def freeze(session: Session, command: c.Freeze) -> Topics:
    """Keep edges out of training, or let them train again."""
    edges = _several(session, command, "freeze")
    model = session.model
    label = f"{'freeze' if command.on else 'unfreeze'} {edges_name(edges)}"
    return act(session, command, "lock", label, lambda: each(model.freeze if command.on else model.unfreeze, edges))


def lock(session: Session, command: c.Lock) -> Topics:
    """Let edges share one function, or no longer."""
    model = session.model
    label = f"{'lock' if command.on else 'unlock'} {len(command.edges)} edges"
    change = model.lock if command.on else model.unlock
    return act(session, command, "lock", label, lambda: change(command.layer, list(command.edges)))


def _several(session: Session, command: c.Fix | c.Unfix | c.Freeze, where: str) -> list[c.Edge]:
    """The edges of a command, each once, if they exist."""
    return list(dict.fromkeys(session.check_edge(edge, where) for edge in (command.edge, *command.more)))
