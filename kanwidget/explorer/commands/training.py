"""Commands on the training: settings, start, step, pause, and another problem. Only the last is a node of the undo tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from kanwidget import _check
from kanwidget.explorer.commands import fields
from kanwidget.explorer.commands.network import SetGrid
from kanwidget.explorer.protocol.topics import EVERYTHING, Topics
from kanwidget.explorer.session.command import Command, Setting
from kanwidget.explorer.session.presets import preset
from kanwidget.explorer.session.session import Session


@dataclass(frozen=True, slots=True)
class Set(Setting):
    """Change settings, which act on the next step; None leaves a setting as it is."""

    kind = "set"

    lamb: float | None = None
    opt: str | None = None
    lr: float | None = None
    batch: int | None = None
    """-1 is all rows."""
    noise: float | None = None

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Sequence[Command]:
        """The settings of a message in one command, each read by its reader in `_READ`; `grid` becomes a command of its own."""
        settings = message.get("settings")
        if not isinstance(settings, Mapping) or not settings:
            _check.fail("settings", "set", f"an object with some of {', '.join(_READ)}", settings)
        values = {name: _READ[_check.choice(name, "settings", "set", _READ)](value) for name, value in settings.items()}
        grid = values.pop("grid", None)
        # What may still be refused comes first: then nothing of the message is done.
        commands: list[Command] = [cls(**values)] if values else []
        return commands if grid is None else [*commands, SetGrid(grid)]

    @property
    def values(self) -> dict[str, Any]:
        """The settings that change, in the order in which they can be changed one after the other."""
        # Levenberg-Marquardt is refused with a part of the rows. So all rows (`batch` -1) are set before `opt`, which may choose it, and a
        # part of them after `opt`, which may leave it.
        order = ("lamb", "batch", "opt", "lr") if self.batch == -1 else ("lamb", "opt", "lr", "batch")
        return {name: value for name in (*order, "noise") if (value := getattr(self, name)) is not None}

    def call(self) -> str | None:
        """Assignments to the explorer's settings, `explorer.lamb = 0.01; explorer.batch = None`; None where no setting changes."""
        texts = {name: "None" if (name, value) == ("batch", -1) else repr(value) for name, value in self.values.items()}
        return "; ".join(f"explorer.{name} = {text}" for name, text in texts.items()) or None

    def supersedes(self, previous: Command) -> bool:
        """Whether the previous command changes the same settings: only their last values count."""
        return isinstance(previous, Set) and self.values.keys() == previous.values.keys()

    def perform(self, session: Session) -> Topics:
        """Change all of the settings, or none where one is refused. Returns the topics that changed."""
        session.run.set(self.values)
        session.script.add(self)
        topics: Topics = frozenset(("settings", "history", "status"))
        # Noise changes the labels, which panels draw: with the topic `curves` they are drawn anew.
        return topics | {"curves"} if self.noise is not None else topics


#: The settings of a message, and how each is read.
_READ: dict[str, Callable[[Any], Any]] = {
    "lamb": lambda value: _check.real(value, "lamb", "set", low=0),
    "grid": fields.grid,
    "opt": lambda value: fields.text(value, "opt", "set"),
    "lr": lambda value: _check.real(value, "lr", "set", low=0, open_low=True),
    "batch": lambda value: -1 if value is None else _check.integer(value, "batch", "set", low=1),
    "noise": lambda value: _check.real(value, "noise", "set", low=0),
}


@dataclass(frozen=True, slots=True)
class Start(Command):
    """Train, until it has converged or this many steps are done."""

    kind, action = "control", "start"

    steps: int | None = None

    def perform(self, session: Session) -> Topics:
        """Begin to train; the session takes the steps afterwards. Returns the topics that changed.

        Without a number of steps the session's own counts; None for both goes on until the training has converged.
        """
        steps = session.steps if self.steps is None else self.steps
        if steps is not None:
            _check.integer(steps, "steps", "start", low=1)
        session.run.start(steps)
        return frozenset(("status",))


@dataclass(frozen=True, slots=True)
class Pause(Command):
    """Stop training, keep everything."""

    kind, action = "control", "pause"
    interrupts = True
    #: What a pause has ended says so.
    keeps_notice = True

    def perform(self, session: Session) -> Topics:
        """Pause the training; a longer act was ended before, by `Session.apply`. Returns the topics that changed: none where it rests."""
        if not session.running:
            return frozenset()
        session.run.pause()
        return frozenset(("status", "curves", "selection", "candidates", "formula", "metrics"))


@dataclass(frozen=True, slots=True)
class Step(Command):
    """Train n steps; a training that was going on is paused afterwards."""

    kind, action = "control", "step"

    n: int = 1

    def perform(self, session: Session) -> Topics:
        """Begin to train n steps, which the session takes afterwards. Returns the topics that changed.

        A training that goes on is paused after them (`pauses_after`), and can go on again; else they are a training that is done then.
        """
        session.run.start(_check.integer(self.n, "n", "step", low=1), pauses_after=session.running)
        return frozenset(("status",))


@dataclass(frozen=True, slots=True)
class UsePreset(Command):
    """Begin anew with a preset, in place of the current problem: an act, which undo takes back."""

    kind = "preset"
    statement = "explorer.use_example({self.name!r})"
    reads: ClassVar = {"name": fields.text}

    name: str

    def perform(self, session: Session) -> Topics:
        """Begin with the preset's network, data and settings. Returns the topics that changed.

        It is a node of the undo tree, as it takes the place of all that was there; not by `act`, which changes the network of one problem.
        """
        if session.preset is None:  # the session has data of one's own, which presets don't replace
            _check.fail("name", "preset", "asked for in KANExplorer.demo() only", self.name)
        name, row = preset(self.name, "preset")
        checkpoint = session.run.checkpoint()
        session.begin(name, row.network(), row.data(), replace(session.run.trainer.settings, lamb=row.lamb))
        session.tree.add(f"load {name}", "load", session.run.last_record, checkpoint, session.model.n_parameters)
        session.script.add(replace(self, name=name))
        return EVERYTHING
