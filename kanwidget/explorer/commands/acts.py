"""What each command does to a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kanwidget.explorer.commands import base as c
from kanwidget.explorer.commands import edge_acts, jumps, network_acts, settings_acts
from kanwidget.explorer.protocol.topics import Topics
from kanwidget.explorer.session.session import Session


def perform(session: Session, command: c.Command) -> Topics:
    """Carry out a command, or leave the session as it was."""
    ends = session.dragging is not None and not isinstance(command, c.Drag)
    go_on = edge_acts.end_drag(session) if ends else None
    notice = session.notice
    if not isinstance(command, c.Pause):  # what a pause has ended says so
        session.notice = None
    try:
        return _PERFORM[type(command)](session, command)
    except BaseException:
        session.notice = notice
        if go_on is not None:
            go_on()
        raise


_PERFORM: dict[type[c.Command], Callable[[Session, Any], Topics]] = {
    c.Set: settings_acts.set_,
    c.Start: settings_acts.start,
    c.Step: settings_acts.step,
    c.Pause: settings_acts.pause,
    c.Select: settings_acts.select,
    c.Rank: settings_acts.rank,
    c.UsePreset: settings_acts.use_preset,
    c.Watch: settings_acts.watch,
    c.LookAt: settings_acts.look_at,
    c.Look: settings_acts.look,
    c.Fix: edge_acts.fix,
    c.Unfix: edge_acts.unfix,
    c.Restore: edge_acts.restore,
    c.Drag: edge_acts.drag,
    c.Freeze: edge_acts.freeze,
    c.Lock: edge_acts.lock,
    c.Prune: network_acts.prune,
    c.AddNode: network_acts.add_node,
    c.Refine: network_acts.refine,
    c.Auto: network_acts.auto,
    c.Reset: jumps.reset,
    c.Undo: jumps.undo,
    c.Redo: jumps.redo,
    c.Goto: jumps.goto,
}
