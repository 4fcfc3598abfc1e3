"""Moving through the undo tree: new nodes, undo, redo, goto, and the beginning again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kanwidget import _check
from kanwidget.core import Event
from kanwidget.explorer.commands import base as c
from kanwidget.explorer.protocol.topics import EVERYTHING, Topics
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import Checkpoint, copied
from kanwidget.kan import KAN


def commit(session: Session, kind: str, label: str, before: Checkpoint) -> None:
    """A new node of the tree, and a mark on the curves."""
    session.events = [*session.events, Event(session.now.step, kind, label)]
    session.tree.add(label, kind, session.now, before, session.model.n_parameters)
    session.selection = tuple(edge for edge in session.selection if exists(session.model, edge))


def exists(model: KAN, edge: c.Edge) -> bool:
    """Whether the network has such an edge."""
    layer, source, target = edge
    return layer < model.depth and source < model.layer(layer).in_dim and target < model.layer(layer).out_dim


def reset(session: Session, command: c.Reset) -> Topics:
    """Begin again."""
    before = session.checkpoint()
    model = copied(session.initial) if command.seed is None else reseeded(session.initial, command.seed)
    try:
        model.reference = session.model.reference.clone()
        session.adopt(model)
        session.layout = session.first_layout
        session.trainer.step_count, session.trainer.seconds = 0, 0.0
        session.records, session.events = [], []
        session.now = replace(session.now, step=0)
        session.touched()
        session.now = session.trainer.record()
    except BaseException:
        session.restore(before)
        raise
    session.seed = session.initial.seed if command.seed is None else command.seed
    label = "reset" if command.seed is None else f"seed {command.seed}"
    commit(session, "reset", label, before)
    if session.state != "running":
        session.state, session.stop_reason = "idle", None
    session.log.add(command)
    return EVERYTHING


# ---- going through the tree


def _jump(session: Session, command: c.Command, move: Callable[[Checkpoint], Checkpoint | None]) -> Topics:
    tree = session.tree
    nodes, current = tree.nodes, tree.current
    state = move(session.checkpoint())
    if state is None:
        return frozenset()
    try:
        session.restore(state)
    except BaseException:
        tree.nodes, tree.current = nodes, current
        raise
    session.selection = tuple(edge for edge in session.selection if exists(session.model, edge))
    if session.running:
        session.trainer.stop_reason = ""
    else:
        session.state, session.stop_reason = ("paused" if session.records else "idle"), None
    session.log.add(command)
    return EVERYTHING


def undo(session: Session, command: c.Undo) -> Topics:
    """Back to just before the last act."""
    return _jump(session, command, session.tree.undo)


def redo(session: Session, command: c.Redo) -> Topics:
    """Forward to what was undone."""
    return _jump(session, command, session.tree.redo)


def goto(session: Session, command: c.Goto) -> Topics:
    """To any state."""
    return _jump(session, command, lambda present: session.tree.goto(command.state, present))


def reseeded(model: KAN, seed: int) -> KAN:
    """A fresh network with the model's shape, grids and data columns, and nothing that was trained."""
    layers = [model.layer(index) for index in range(model.depth)]
    fresh = KAN(
        model.width,
        [layer.grid_size for layer in layers],
        model.k,
        mult_arity=model.arities,
        base_fun=layers[0].base_fun,
        grid_eps=model.grid_eps,
        seed=_check.integer(seed, "seed", "reset", low=0),
        dtype=model.dtype,
        device=model.device,
    )
    fresh.n_features = model.n_features
    fresh.columns = model.columns.clone()
    for index, layer in enumerate(layers):
        fresh.layer(index).knots = layer.knots.clone()
    return fresh
