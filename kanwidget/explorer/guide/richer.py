"""What a richer network would explain, with the act that makes the network richer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kanwidget.explorer.guide.progress import progress
from kanwidget.explorer.session.session import Session
from kanwidget.growth.grow import ENOUGH
from kanwidget.growth.richer import HIDDEN_NODES
from kanwidget.insight.numbers import percent

#: Steps of training from which on it is asked.
_SOME_STEPS = 5
#: Who explains so much can be simplified: a formula does the rest better than a finer grid.
_ENOUGH = 0.98
_SEARCH: Final[Mapping[str, Any]] = {"kind": "discover", "action": "start"}


@dataclass(frozen=True, slots=True)
class RicherAct:
    """What would explain more."""

    what: str
    """`a finer grid`"""
    sentence: str
    label: str
    """On the button."""
    message: Mapping[str, Any]
    """What asks for it."""


def asks_for_richer(session: Session) -> bool:
    """Whether the network has come so far that the rest of the errors is either noise, or asks for a richer one."""
    now = progress(session)
    return not session.running and now.steps >= _SOME_STEPS and (now.trained or now.simplified)


def richer_act(session: Session) -> RicherAct | None:
    """The act by which the network would explain more; None where nothing does, or nothing is tried yet."""
    answer = session.richer.answer if asks_for_richer(session) else None
    if answer is None or answer.better is None or answer.now.explained >= (ENOUGH if session.grows else _ENOUGH):
        return None
    better, model = answer.better, session.model
    explains = f"{percent(better.explained)} instead of {percent(answer.now.explained)}"
    if any(model.layer(index).symbols for index in range(model.depth)):
        sentence = f"This formula isn't all: curves explain {explains}."
        return RicherAct("a search for formulas", sentence, "Find formulas", _SEARCH)
    if better.kind == "wave":
        sentence = f"A wave would help: with it the network explains {explains}."
        return RicherAct("a wave", sentence, "Find formulas", _SEARCH)
    if better.kind == "grid":
        sentence = f"A finer grid would help: it explains {explains}."
        return RicherAct("a finer grid", sentence, f"Grid {better.grid}", {"kind": "refine", "grid": better.grid})
    if better.columns is not None:
        first, second = (session.in_vars[column] for column in model.columns[list(better.columns)].tolist())
        sentence = f"{first} and {second} act together: a product of both explains {explains}."
        message = {"kind": "add_node", "level": 1, "product": True, "columns": list(better.columns)}
        return RicherAct(f"a product of {first} and {second}", sentence, "Add a product", message)
    sentence = f"Hidden nodes would help: they explain {explains}."
    message = {"kind": "add_node", "level": 1, "nodes": HIDDEN_NODES}
    return RicherAct("hidden nodes", sentence, f"Add {HIDDEN_NODES} nodes", message)
