"""What each command does to a session. Acts on the network become nodes of the undo tree; settings and looks don't."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from kanwidget import _check
from kanwidget.core import Event
from kanwidget.explorer import commands as c
from kanwidget.explorer import jumps, memory
from kanwidget.explorer.session import Session
from kanwidget.explorer.topics import CHANGED, Notice, Topics

_NOTHING: Topics = frozenset()


def perform(session: Session, command: c.Command) -> Topics:
    """Carry out a command, or leave the session as it was."""
    if session.dragging is not None and not isinstance(command, c.Drag):
        _end_drag(session)
    notice, session.notice = session.notice, None
    try:
        topics = _PERFORM[type(command)](session, command)
    except BaseException:
        session.notice = notice
        raise
    return topics


# ---- the frame of every act


def _act(
    session: Session,
    command: c.Command,
    kind: str,
    label: str | Callable[[], str],
    change: Callable[[], Any],
    task: str | None = None,
) -> Topics:
    """Do it between a checkpoint and a node of the tree; undone whole if it fails."""
    before = session.checkpoint()
    if task:
        session.on_task(task)
    try:
        change()
        session.touched()
    except BaseException:
        session.restore(before)
        raise
    finally:
        if task:
            session.on_task(None)
    jumps.commit(session, kind, label if isinstance(label, str) else label(), before)
    session.log.add(command)
    return CHANGED


def _each(change: Callable[[int, int, int], None], edges: Sequence[c.Edge]) -> None:
    for edge in edges:
        change(*edge)


def edge_name(edge: tuple[int, ...]) -> str:
    """`φ₀,₀,₁`"""
    return "φ" + ",".join(subscript(index) for index in edge)


def subscript(number: int) -> str:
    """A number in subscript digits."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


# ---- settings and looks


def _set(session: Session, command: c.Set) -> Topics:
    trainer = session.trainer
    old, known = trainer.settings, memory.take(trainer)
    given = {"lamb": command.lamb, "opt": command.opt, "lr": command.lr}
    changes = {name: value for name, value in given.items() if value is not None}
    try:
        trainer.configure(**changes)
        if command.opt is not None:
            trainer.reset()
    except Exception:
        # An optimiser that this loss can't use is noticed only when it is made.
        trainer.settings = old
        memory.put(trainer, known)
        raise
    events = [Event(session.now.step, name, f"{name} = {_shown(value)}") for name, value in changes.items()]
    trainer.events.clear()
    session.events = [*session.events, *events]
    trainer.reason = ""
    session.now = replace(trainer.record(), step=session.now.step, stopped=None)
    session.log.add(command)
    return frozenset(("settings", "history", "status"))


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _start(session: Session, command: c.Start) -> Topics:
    steps = session.steps if command.steps is None else command.steps
    if steps is not None:
        _check.integer(steps, "steps", "start", low=1)
    return _run(session, steps)


def _run(session: Session, steps: int | None) -> Topics:
    if session.trainer.reason:
        session.log.cut()
    session.trainer.reason = ""
    session.state, session.reason, session.left, session.pausing = "running", None, steps, False
    return frozenset(("status",))


def _step(session: Session, command: c.Step) -> Topics:
    n, running = _check.integer(command.n, "n", "step", low=1), session.running
    topics = _run(session, n)
    session.pausing = running
    return topics


def _pause(session: Session, _: c.Pause) -> Topics:
    if not session.running:
        return _NOTHING
    session.state, session.reason, session.left = "paused", None, None
    return frozenset(("status", "curves", "selection", "candidates", "formula", "metrics"))


def _select(session: Session, command: c.Select) -> Topics:
    session.selection = tuple(dict.fromkeys(session.check_edge(edge, "select") for edge in command.edges))
    return frozenset(("selection", "candidates"))


def _rank(session: Session, command: c.Rank) -> Topics:
    session.simplicity = _check.real(command.weight, "weight", "rank", low=0, high=1)
    session._fits = None
    session.best.forget()
    session.seen = None
    return frozenset(("settings", "candidates"))


# ---- acts


def _fix(session: Session, command: c.Fix) -> Topics:
    edges = _several(session, command, "fix")
    name = command.name
    if name is None:
        fits = session.candidates(edges[0])
        if not fits:
            _check.fail("name", "fix", "given: no function of the library fits this edge", None)
        name = fits[0].name
    label = f"{_edges_name(edges)} = {name}" + (" + spline" if command.keep_spline else "")

    def change() -> None:
        # Lower layers first: what is above is fitted on the values that they produce then.
        for edge in sorted(edges):
            session.model.fix_symbolic(*edge, name, keep_spline=command.keep_spline)

    done = c.Fix(edges[0], name, command.keep_spline, tuple(edges[1:]))
    return _act(session, done, "fix", label, change)


def _unfix(session: Session, command: c.Unfix) -> Topics:
    edges = _several(session, command, "unfix")
    for layer, source, target in edges:
        found = session.model.layer(layer)
        if found.symbol(source, target) is None:
            state = found.state(source, target)
            edge = (layer, source, target)
            _check.fail("edge", "unfix", "one that has a symbolic function", f"{edge}, which is {state}")
    change = lambda: _each(session.model.unfix_symbolic, edges)  # noqa: E731
    return _act(session, command, "unfix", f"unfix {_edges_name(edges)}", change)


def _several(session: Session, command: c.Fix | c.Unfix, where: str) -> list[c.Edge]:
    """The edges of a command, each once, if they exist."""
    return list(dict.fromkeys(session.check_edge(edge, where) for edge in (command.edge, *command.more)))


def _edges_name(edges: Sequence[c.Edge]) -> str:
    return edge_name(edges[0]) if len(edges) == 1 else f"{len(edges)} edges"


def _prune(session: Session, command: c.Prune) -> Topics:
    model = session.model
    if command.edges is not None:
        if not command.edges:
            advice = "Leave it out to prune everything that scores below the thresholds."
            _check.fail("edges", "prune", "a list of at least one edge (layer, input, output)", [], advice)
        edges = [session.check_edge(edge, "prune") for edge in command.edges]
        label = f"prune {_edges_name(edges)}"
        return _act(session, command, "prune", label, lambda: _each(model.remove_edge, edges))
    if command.node is not None:
        level, node = command.node
        label = f"remove node {level},{node}"
        return _act(session, command, "prune", label, lambda: session.adopt(model.remove_node(level, node)))
    pruned = model.prune(command.node_th, command.edge_th)
    count = len(model.edge_refs(active=True)) - len(pruned.edge_refs(active=True))
    if count == 0 and pruned.width == model.width:
        session.notice = Notice(
            "Nothing to prune",
            f"All nodes score above {command.node_th:g} and all edges above {command.edge_th:g}.",
            "A penalty (lamb) and some steps of training make the useless ones fade.",
        )
        return _NOTHING
    label = f"prune {count} edge" + ("" if count == 1 else "s")
    return _act(session, command, "prune", label, lambda: session.adopt(pruned))


def _restore(session: Session, command: c.Restore) -> Topics:
    edges = [session.check_edge(edge, "restore") for edge in command.edges]
    gone = [edge for edge in edges if session.model.layer(edge[0]).state(edge[1], edge[2]) == "pruned"]
    if not gone:
        _check.fail("edges", "restore", "edges that are pruned", list(command.edges))
    label = f"restore {_edges_name(gone)}"
    return _act(session, command, "restore", label, lambda: _each(session.model.restore_edge, gone))


def _refine(session: Session, command: c.Refine) -> Topics:
    grid = c.grid_of(command.grid)
    model = session.model
    before = {model.layer(index).grid_size for index in range(model.depth)}
    if before == {grid}:
        return frozenset(("settings",))
    label = f"grid {model.grid} → {grid}"
    return _act(session, command, "refine", label, lambda: session.adopt(model.refine(grid)))


def _auto(session: Session, command: c.Auto) -> Topics:
    weight = session.simplicity if command.weight_simple is None else command.weight_simple
    lib = session.lib if command.lib is None else command.lib
    done: list[Any] = []

    def change() -> None:
        done.extend(session.model.auto_symbolic(lib=lib, weight_simple=weight, r2_threshold=command.r2))

    topics = _act(
        session,
        replace(command, weight_simple=weight),
        "auto",
        lambda: f"fix {len(done)} edge" + ("" if len(done) == 1 else "s"),
        change,
        "searching formulas",
    )
    left = [
        ref for ref in session.model.edge_refs(active=True) if session.model.layer(ref.layer).spline_on[ref[2], ref[1]]
    ]
    if left:
        session.notice = Notice(
            "Some edges stay splines",
            f"{len(left)} of them have no candidate with R² ≥ {command.r2:g}.",
            "Train further, prune, or fix them by hand.",
        )
    return topics


def _drag(session: Session, command: c.Drag) -> Topics:
    layer, source, target = edge = session.check_edge(command.edge, "drag")
    found = session.model.layer(layer)
    if not bool(found.spline_on[target, source]):
        _check.fail("edge", "drag", "one that has a spline", edge, "Unfix or restore it first.")
    _check.integer(command.index, "index", "drag", low=0, high=found.coef.shape[2] - 1)
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
        _end_drag(session, edge)
    # On the way only what comes with the next frame: a hand moves faster than a page draws.
    return CHANGED if command.commit else frozenset(("curves", "status"))


def _end_drag(session: Session, edge: c.Edge | None = None) -> None:
    """A gesture becomes one act."""
    before, session.dragging = session.dragging, None
    assert before is not None  # callers see to it
    jumps.commit(session, "drag", "drag a curve" if edge is None else f"drag {edge_name(edge)}", before)


def _pin(session: Session, command: c.Pin) -> Topics:
    edge = session.check_edge(command.edge, "pin")
    model = session.model
    label = f"{'pin' if command.on else 'unpin'} {edge_name(edge)}"
    return _act(session, command, "lock", label, lambda: (model.pin if command.on else model.unpin)(*edge))


def _lock(session: Session, command: c.Lock) -> Topics:
    model = session.model
    label = f"{'lock' if command.on else 'unlock'} {len(command.edges)} edges"
    change = model.lock if command.on else model.unlock
    return _act(session, command, "lock", label, lambda: change(command.layer, list(command.edges)))


_PERFORM: dict[type[c.Command], Callable[[Session, Any], Topics]] = {
    c.Set: _set,
    c.Start: _start,
    c.Step: _step,
    c.Pause: _pause,
    c.Reset: jumps.reset,
    c.Select: _select,
    c.Fix: _fix,
    c.Unfix: _unfix,
    c.Prune: _prune,
    c.Restore: _restore,
    c.Refine: _refine,
    c.Auto: _auto,
    c.Drag: _drag,
    c.Pin: _pin,
    c.Lock: _lock,
    c.Undo: jumps.undo,
    c.Redo: jumps.redo,
    c.Goto: jumps.goto,
    c.Rank: _rank,
}
