"""Commands on the undo tree: undo, redo, any state of it, and the beginning."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kanwidget import _check
from kanwidget.explorer.commands import fields
from kanwidget.explorer.protocol.topics import EVERYTHING, Topics
from kanwidget.explorer.session.command import Command
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import Checkpoint, copied
from kanwidget.kan import KAN


@dataclass(frozen=True, slots=True)
class Undo(Command):
    """Go back to the state before the last act."""

    kind = "undo"

    def call(self) -> str:
        return "explorer.undo()"

    def perform(self, session: Session) -> Topics:
        return _jump(session, self, session.tree.undo)


@dataclass(frozen=True, slots=True)
class Redo(Command):
    """Go forward to the state that was undone last."""

    kind = "redo"

    def call(self) -> str:
        return "explorer.redo()"

    def perform(self, session: Session) -> Topics:
        return _jump(session, self, session.tree.redo)


@dataclass(frozen=True, slots=True)
class Goto(Command):
    """Go to any state of the undo tree."""

    kind = "goto"

    state: int

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Sequence[Command]:
        return [cls(fields.whole(message.get("state"), "state", "goto"))]

    def call(self) -> str:
        return f"explorer.goto({self.state})"

    def perform(self, session: Session) -> Topics:
        return _jump(session, self, lambda latest: session.tree.goto(self.state, latest))


def _jump(session: Session, command: Command, move: Callable[[Checkpoint], Checkpoint | None]) -> Topics:
    if not session.jump(move):
        return frozenset()
    session.script.add(command)
    return EVERYTHING


@dataclass(frozen=True, slots=True)
class Reset(Command):
    """Begin again, with the initial network or another seed."""

    kind, action = "control", "reset"

    seed: int | None = None

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Sequence[Command]:
        seed = message.get("seed")
        return [cls(None if seed is None else fields.whole(seed, "seed", "reset"))]

    def call(self) -> str:
        return "explorer.reset()" if self.seed is None else f"explorer.reset(seed={self.seed})"

    def perform(self, session: Session) -> Topics:
        run = session.run
        checkpoint, initial = run.checkpoint(), run.initial
        model = copied(initial) if self.seed is None else reseeded(initial, self.seed)
        try:
            model.reference = run.x.clone()
            session.restart(model, initial.seed if self.seed is None else self.seed)
        except BaseException:
            session.restore(checkpoint)
            raise
        session.commit("reset", "reset" if self.seed is None else f"seed {self.seed}", checkpoint)
        session.script.add(self)
        return EVERYTHING


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
    fresh.scaling, fresh.log = copy.deepcopy(model.scaling), model.log
    for index, layer in enumerate(layers):
        fresh.layer(index).knots = layer.knots.clone()
    return fresh
