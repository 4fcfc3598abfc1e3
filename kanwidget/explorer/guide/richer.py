"""What a richer network would explain, with the act that makes the network richer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kanwidget.explorer.guide.discovery import hall_of, obstacle, search_of
from kanwidget.explorer.guide.progress import progress
from kanwidget.explorer.session.session import Session
from kanwidget.growth.richer import is_formula
from kanwidget.insight.numbers import percent

#: Steps of training from which on it is asked.
_SOME_STEPS = 5
#: Who explains so much can be simplified: a formula does the rest better than a finer grid.
_ENOUGH = 0.98
_SEARCH: Final[Mapping[str, Any]] = {"kind": "discover", "action": "start"}
_SEARCH_ON: Final[Mapping[str, Any]] = {"kind": "discover", "action": "resume"}
_GROW: Final[Mapping[str, Any]] = {"kind": "control", "action": "grow"}


@dataclass(frozen=True, slots=True)
class RicherAct:
    """What would explain more."""

    sentence: str
    label: str
    """On the button."""
    message: Mapping[str, Any] | None
    """What asks for it; None while the search for formulas is at work."""
    what: str = ""
    """Of a network: `a finer grid`; "" of a formula."""


def asks_for_richer(session: Session) -> bool:
    """Whether it is time to try richer networks (a finer grid, more nodes): nothing trains, and more training has little to offer.

    What errors are left are then either noise, or what such a network would explain.
    """
    now = progress(session)
    return not session.running and now.steps >= _SOME_STEPS and (now.trained or now.simplified)


def compares_richer(session: Session) -> bool:
    """Whether the guide's next advice waits: richer networks are being tried in the background, and may still explain more.

    `asks_for_richer` says whether it is time for them (nothing trains, and more training has little to offer); `is_looking` that the
    background is at work on this state of the network, and hasn't found yet that the network itself explains 98 % (`_ENOUGH`) of the
    labels' variance (for classes of their log loss).
    """
    return asks_for_richer(session) and session.richer.is_looking(_ENOUGH)


def richer_act(session: Session) -> RicherAct | None:
    """The act by which the network would explain more: a richer network, or for a wave and in place of a formula the search for formulas.

    None where nothing explains more, where the network explains enough, and where richer networks aren't tried yet.
    """
    # `now` is the network as it is, `better` a richer one that the data ask for, `wave` a wave of a column that explains still more.
    answer, model = session.richer.answer if asks_for_richer(session) else None, session.model
    if answer is None or answer.now.explained >= _ENOUGH:
        return None
    # A wave is found by the search for formulas, where there is one.
    better = answer.better if answer.wave is None or obstacle(session) else answer.wave
    if better is None:
        return None
    if session.data.is_classification:  # `noise` is then the log loss
        best, worse, explains = f"{better.noise:.2g}", f"{answer.now.noise:.2g}", "a log loss of {} instead of {}"
    else:
        best, worse, explains = percent(better.explained), percent(answer.now.explained), "{} explained instead of {}"
    explains = explains.format(best, worse)
    if is_formula(model):
        # Evidence may tell them apart where nobody would give up a formula for it.
        sentence = f"This formula isn't all: curves would help, {explains}."
        return None if best == worse else search_act(session, sentence)
    if better.kind == "wave":
        return search_act(session, f"A wave would help: {explains}.")
    what, sentence, label = _ACTS[better.kind]  # what is richer, what it would do, and the button
    names = [session.in_vars[column] for column in model.columns[list(better.columns or ())].tolist()]
    words = {
        "names": " and ".join(names),
        "grid": better.grid,
        "nodes": "a node" if better.nodes == 1 else f"{better.nodes} nodes",
    }
    return RicherAct(sentence.format(**words, explains=explains), label.format(**words), _GROW, what.format(**words))


#: Of each kind of richer network: what it is, what it would do, and its button.
_ACTS: Final[Mapping[str, tuple[str, str, str]]] = {
    "grid": ("a finer grid", "A finer grid would help: {explains}.", "Grid {grid}"),
    "pair": (
        "a product of {names}",
        "{names} act together: a product of both would help, {explains}.",
        "Add a product",
    ),
    "hidden": ("hidden nodes", "Hidden nodes would help: {explains}.", "Add {nodes}"),
}


def search_act(session: Session, sentence: str) -> RicherAct | None:
    """The act of the search for formulas: to begin it, to go on with one that is paused, and once it is over to use its likeliest formula.

    While it is at work there is a sentence alone, without an act. None once that formula is the network, where nothing was found, and
    for data without a search, such as classes. `sentence` says what it would help.
    """
    if obstacle(session):
        return None
    search, hall = search_of(session), hall_of(session)
    if search is None:
        return RicherAct(sentence, "Find formulas", _SEARCH)
    if search.state == "paused":
        return RicherAct(sentence, "Search on", _SEARCH_ON)
    if search.busy:
        return RicherAct(f"{sentence} The search for formulas is at work.", "", None)
    number = hall.number_of(hall.best)
    if number is None or session.discoveries.loaded.get(session.tree.current) == number:
        return None
    count = len(hall.front)
    found = "A formula was found" if count == 1 else f"{count} formulas were found, the likeliest marked"
    message = {"kind": "use_formula", "id": number}
    return RicherAct(f"{found}: take it, and undo brings the network back.", "Use the formula", message)
