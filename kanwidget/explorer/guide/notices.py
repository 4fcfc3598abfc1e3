"""Notices: what a person should know about their data or their training, each with the act that mends it, where there is one.

A notice is no error: nothing has failed. It stands until it no longer holds or is dismissed, and a dismissed one stays away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from kanwidget.datasets.notices import DataNotice
from kanwidget.explorer.guide.noise import noise_sentence
from kanwidget.explorer.guide.progress import SIMPLIFIED, Progress, progress
from kanwidget.explorer.guide.richer import richer_act
from kanwidget.explorer.guide.steps import Message
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import BEGINNINGS, RETURN, TRAIN, error_of

#: Steps of training from which on the errors say something about the rows.
_SOME_STEPS = 5
#: Columns that one notice names.
_NAMED = 3
#: The factor by which an act must raise the error to be said.
_WORSE = 1.2


@dataclass(frozen=True, slots=True)
class SessionNotice:
    """A notice."""

    name: str
    """By which it is dismissed."""
    text: str
    label: str | None = None
    """On the button of the act that mends it."""
    message: Message | None = None
    """What asks for that act."""


def notices(session: Session) -> list[SessionNotice]:
    """The notices that hold and weren't dismissed, the most important first."""
    now = progress(session)
    # An example is as it is meant to be.
    found = [] if session.preset is not None else session.data_notices()
    of_table = [_of_table(notice) for notice in found if notice.kind != "logarithm"]
    logarithms = _logarithms(session, now, found)
    of_session = [notice for row in NOTICES.values() if (notice := row(session, now)) is not None]
    held = [*(one for one in of_table if one.name.startswith(_FIRST)), *of_session]
    held += [one for one in of_table if not one.name.startswith(_FIRST)]
    held += [] if logarithms is None else [logarithms]
    return [notice for notice in held if notice.name not in session.view.dismissed]


#: Notices about a table that make all others pointless.
_FIRST = "constant target"


def _of_table(notice: DataNotice) -> SessionNotice:
    return SessionNotice(f"{notice.kind}:{notice.column}", notice.sentence)


def _logarithms(session: Session, now: Progress, found: Sequence[DataNotice]) -> SessionNotice | None:
    """One notice about all columns whose logarithms may be simpler, while beginning again with them may be worth it.

    That is no longer so once only noise is left, or after a simplification, whichever of its states is the current one.
    """
    names = [notice.column for notice in found if notice.kind == "logarithm"]
    simplified = any(node.kind == SIMPLIFIED for node in session.tree.nodes.values())
    if not names or any(session.model.scaling.has_logs) or session.running or simplified:
        return None
    if now.steps >= _SOME_STEPS and noise_sentence(session) is not None:
        return None
    one, more = len(names) == 1, len(names) - _NAMED
    listed = [f"“{name}”" for name in names[:_NAMED]] + ([f"{more} more of {len(names)}"] if more > 0 else [])
    subject = listed[0] if one else f"{', '.join(listed[:-1])} and {listed[-1]}"
    sentence = (
        f"{subject} {'is' if one else 'are'} spread over decades: "
        f"Simplify tries {'its logarithm' if one else 'their logarithms'}, too."
    )
    label = f"Use log {names[0]}" if one else "Use logarithms"
    return SessionNotice("logarithm:" + ",".join(names), sentence, label, {"kind": "use_log", "names": names})


def _risen(session: Session, _: Progress) -> SessionNotice | None:
    """An act that made the error clearly worse, as long as nothing follows it."""
    node, record = session.tree.nodes[session.tree.current], session.run.last_record
    if node.before is None or node.group is not None or node.kind in (TRAIN, RETURN, *BEGINNINGS):
        return None
    before, now = error_of(node.before.last_record), error_of(record)
    if not now > _WORSE * before:
        return None
    name = "training" if record.test_loss is None else "test"
    text = f"{node.label}: the {name} error has risen from {before:.3g} to {now:.3g}. Training may mend it."
    return SessionNotice(f"risen:{node.id}", text, "Undo", {"kind": "undo"})


def _overfitting(_: Session, now: Progress) -> SessionNotice | None:
    """That the test error rises while the training error falls, with the way back to the best step."""
    if now.overfit is None:
        return None
    best = now.overfit
    text = (
        f"Overfitting: the test error has risen from {best.best_error:.2g} at step {best.best_step:,} to {best.error:.2g}, "
        "while the training error falls."
    )
    return SessionNotice("overfitting", text, "Back to best", {"kind": "back_to_best"})


def _label_noise(session: Session, now: Progress) -> SessionNotice | None:
    """That noise was added to the training labels only, where the test error is the smaller one."""
    record = session.run.last_record
    if not session.run.noise or record.test_loss is None or record.test_loss >= record.train_loss:
        return None
    if now.steps < _SOME_STEPS:
        return None
    part = f"{100 * session.run.noise:.3g} %"
    text = f"The training labels carry noise of {part}, the test labels don't: so the test error is the smaller one."
    return SessionNotice("label_noise", text)


def _noise_level(session: Session, now: Progress) -> SessionNotice | None:
    """How large the noise in the data is, once the training or a simplification has come to its end."""
    if session.running or now.steps < _SOME_STEPS or not (now.trained or now.simplified):
        return None
    sentence = noise_sentence(session)
    if sentence is None:
        return None
    return SessionNotice("noise_level", f"{sentence} More training or larger networks would only learn it.")


def _richer(session: Session, _: Progress) -> SessionNotice | None:
    better = richer_act(session)
    return None if better is None else SessionNotice("richer", better.sentence, better.label or None, better.message)


def _unexplained(session: Session, now: Progress) -> SessionNotice | None:
    """That edges have remained curves after a simplification."""
    if not now.simplified or not now.splines or session.running:
        return None
    edges = "1 edge has" if now.splines == 1 else f"{now.splines} edges have"
    text = (
        f"{edges} no function: none comes as close to the data as its curve. Click an edge to see what comes closest."
    )
    return SessionNotice("unexplained", text)


#: One row a kind of notice about the training, the most important first.
NOTICES: Final[dict[str, Callable[[Session, Progress], SessionNotice | None]]] = {
    "risen": _risen,
    "overfitting": _overfitting,
    "richer": _richer,
    "unexplained": _unexplained,
    "label_noise": _label_noise,
    "noise_level": _noise_level,
}
