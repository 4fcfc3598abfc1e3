"""Settings, training and looks: what isn't an act on the network and has no node in the undo tree."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from kanwidget import _check
from kanwidget.core import Event
from kanwidget.explorer.commands import base as c
from kanwidget.explorer.describe.panels.surface import checked
from kanwidget.explorer.protocol.topics import EVERYTHING, Topics
from kanwidget.explorer.session.label_noise import noisy
from kanwidget.explorer.session.presets import preset
from kanwidget.explorer.session.session import Session
from kanwidget.training import make_settings

NOTHING: Topics = frozenset()
#: Settings of the training that can be changed on its way.
CHANGEABLE = ("lamb", "opt", "lr", "batch")


def set_(session: Session, command: c.Set) -> Topics:
    """Change settings; they act on the next step."""
    trainer = session.trainer
    old, state, noise, data = trainer.settings, trainer.state_dict(), session.noise, trainer.data
    try:
        # One after the other, as the script repeats them.
        for name, value in command.given.items():
            if name == "noise":
                most = 1 if session.data.is_classification else math.inf  # of classes it is a part of the rows
                session.noise = _check.real(value, "noise", "set", low=0, high=most)
                trainer.relabel(noisy(session.data, session.noise).train_label)
            else:
                trainer.configure(**{name: value})
            if name in ("opt", "batch"):
                trainer.reset()
    except Exception:
        # An optimiser that this loss can't use is noticed only when it is made.
        trainer.settings, trainer.data, session.noise = old, data, noise
        trainer.relabel(data.train_label)
        trainer.load_state_dict(state)
        trainer.events.clear()
        raise
    events = [Event(session.now.step, name, f"{name} = {_shown(value)}") for name, value in command.given.items()]
    trainer.events.clear()
    # A slider says many values: those with which no step was taken leave no mark.
    anew = {(event.step, event.kind) for event in events}
    session.events = [*(event for event in session.events if (event.step, event.kind) not in anew), *events]
    trainer.stop_reason = ""
    session.now = replace(trainer.record(), step=session.now.step, stop_reason=None)
    session.log.add(command)
    topics: Topics = frozenset(("settings", "history", "status"))
    return topics | {"curves"} if command.noise is not None else topics


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else "all" if value == -1 else str(value)


def start(session: Session, command: c.Start) -> Topics:
    """Train."""
    steps = session.steps if command.steps is None else command.steps
    if steps is not None:
        _check.integer(steps, "steps", "start", low=1)
    return _run(session, steps)


def _run(session: Session, steps: int | None) -> Topics:
    if session.trainer.stop_reason:
        session.log.cut()
    session.trainer.stop_reason = ""
    session.state, session.stop_reason, session.left, session.pausing = "running", None, steps, False
    return frozenset(("status",))


def step(session: Session, command: c.Step) -> Topics:
    """Train some steps."""
    n, running = _check.integer(command.n, "n", "step", low=1), session.running
    topics = _run(session, n)
    session.pausing = running
    return topics


def pause(session: Session, _: c.Pause) -> Topics:
    """Stop training, keep everything."""
    if not session.running:
        return NOTHING
    session.state, session.stop_reason, session.left = "paused", None, None
    return frozenset(("status", "curves", "selection", "candidates", "formula", "metrics"))


def select(session: Session, command: c.Select) -> Topics:
    """Look at edges."""
    session.selection = tuple(dict.fromkeys(session.check_edge(edge, "select") for edge in command.edges))
    return frozenset(("selection", "candidates"))


def rank(session: Session, command: c.Rank) -> Topics:
    """Weigh simplicity in the order of candidates."""
    session.simplicity = _check.real(command.simplicity, "simplicity", "rank", low=0, high=1)
    session.fits.forget()
    session.best.forget()
    session.seen = None
    return frozenset(("settings", "candidates"))


def use_preset(session: Session, command: c.UsePreset) -> Topics:
    """Begin anew with another of the problems to play with; what was done is left behind."""
    if session.preset is None:
        _check.fail("name", "preset", "asked for in KANExplorer.demo() only", command.name)
    name, row = preset(command.name, "preset")
    session.begin(row.network(), row.data(), None, None, session.trainer.settings)
    session.preset = name
    for gone in ("in_vars", "out_vars"):  # names of the problem before
        session.arguments.pop(gone, None)
    for one in _carried(session):
        session.log.add(one)
    return EVERYTHING


def _carried(session: Session) -> list[c.Set]:
    """What brings the settings that the session's arguments mean to those that it has: the script begins with the arguments."""
    now = session.trainer.settings
    given = {name: session.arguments[name] for name in CHANGEABLE if name in session.arguments}
    meant = make_settings(**given)
    changed = {name: getattr(now, name) for name in CHANGEABLE if getattr(now, name) != getattr(meant, name)}
    if "batch" in changed and changed["batch"] is None:
        changed["batch"] = -1
    return [c.Set(**{name: value}) for name, value in c.Set(**changed).given.items()]


def watch(session: Session, command: c.Watch) -> Topics:
    """Somebody opens a panel, or closes it."""
    before = session.panels
    session.watched.pop(command.view, None)
    if command.panels:
        session.watched[command.view] = command.panels
    if len(session.watched) > MOST_VIEWS:
        del session.watched[next(iter(session.watched))]
    return frozenset(session.panels - before)


def look_at(session: Session, command: c.LookAt) -> Topics:
    """The surface shows something else."""
    session.view = checked(session, command)
    return frozenset(("surface",))


def look(session: Session, command: c.Look) -> Topics:
    """The best candidates of all splines are wanted, or no longer."""
    session.survey.switch(command.on, command.view)
    return frozenset(("survey",))


#: Views whose open panels are remembered; the longest known one is forgotten first.
MOST_VIEWS = 8
