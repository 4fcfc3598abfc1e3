"""Notices: what a person should know about their data or their training, each with the act that mends it, where there is one.

A notice is no error: nothing has failed. It stands until it no longer holds or is dismissed, and a dismissed one stays away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
    now = progress(session)  # how far the session has come
    # What is worth saying about the table; of an example (`preset`) nothing, since it is as it is meant to be.
    of_data = [] if session.preset is not None else session.data_notices()
    of_table = [SessionNotice(f"{row.kind}:{row.column}", row.sentence) for row in of_data if row.kind != "logarithm"]
    logarithms = _logarithms(session, now, of_data)
    # Of a target that never changes nothing can be learnt: that comes first, then the training, then the rest about the table.
    held = [*(notice for notice in of_table if notice.name.startswith(_FIRST)), *_of_session(session, now)]
    held += [notice for notice in of_table if not notice.name.startswith(_FIRST)]
    held += [] if logarithms is None else [logarithms]
    return [notice for notice in held if notice.name not in session.view.dismissed]


#: Notices about a table that make all others pointless.
_FIRST = "constant target"


def _logarithms(session: Session, now: Progress, of_data: Sequence[DataNotice]) -> SessionNotice | None:
    """One notice about all columns whose logarithms may be simpler, while beginning again with them may be worth it.

    That is no longer so once only noise is left, or after a simplification, whichever of its states is the current one. None then, and
    where there are no such columns, or where logarithms are in use.

    Args:
        session: The session.
        now: How far it has come.
        of_data: All notices about its data.
    """
    names = [notice.column for notice in of_data if notice.kind == "logarithm"]
    simplified = any(node.kind == SIMPLIFIED for node in session.tree.nodes.values())
    if not names or any(session.model.scaling.has_logs) or session.running or simplified:
        return None
    if now.steps >= _SOME_STEPS and noise_sentence(session) is not None:
        return None
    is_single, more = len(names) == 1, len(names) - _NAMED
    listed = [f"“{name}”" for name in names[:_NAMED]] + ([f"{more} more of {len(names)}"] if more > 0 else [])
    subject = listed[0] if is_single else f"{', '.join(listed[:-1])} and {listed[-1]}"
    sentence = (
        f"{subject} {'is' if is_single else 'are'} spread over decades: "
        f"Simplify tries {'its logarithm' if is_single else 'their logarithms'}, too."
    )
    label = f"Use log {names[0]}" if is_single else "Use logarithms"
    return SessionNotice("logarithm:" + ",".join(names), sentence, label, {"kind": "use_log", "names": names})


def _of_session(session: Session, now: Progress) -> Iterator[SessionNotice]:
    """Notices about the training and the last act, the most important first; `now` is how far the session has come.

    They are: an act that raised the error, overfitting, a richer network, edges without a function, and noise.
    """
    run, record, node = session.run, session.run.last_record, session.tree.nodes[session.tree.current]
    has_steps = now.steps >= _SOME_STEPS
    # An act that made the error clearly worse, as long as nothing follows it; not one of the parts of a longer act (`group`).
    # `before` is the state that the act began with.
    if node.before is not None and node.group is None and node.kind not in (TRAIN, RETURN, *BEGINNINGS):
        before, error = error_of(node.before.last_record), error_of(record)
        if error > _WORSE * before:
            name = "training" if record.test_loss is None else "test"
            text = f"{node.label}: the {name} error has risen from {before:.3g} to {error:.3g}. Training may mend it."
            yield SessionNotice(f"risen:{node.id}", text, "Undo", {"kind": "undo"})
    if (best := now.overfit) is not None:
        text = (
            f"Overfitting: the test error has risen from {best.best_error:.2g} at step {best.best_step:,} to {best.error:.2g}, "
            "while the training error falls."
        )
        yield SessionNotice("overfitting", text, "Back to best", {"kind": "back_to_best"})
    if (better := richer_act(session)) is not None:
        yield SessionNotice("richer", better.sentence, better.label or None, better.message)
    # Edges that have remained curves.
    if now.simplified and now.splines and not session.running:
        edges = "1 edge has" if now.splines == 1 else f"{now.splines} edges have"
        text = f"{edges} no function: none comes as close to the data as its curve. Click an edge to see what comes closest."
        yield SessionNotice("unexplained", text)
    # Noise was added to the training labels only.
    if run.noise and record.test_loss is not None and record.test_loss < record.train_loss and has_steps:
        part = f"{100 * run.noise:.3g} %"
        text = (
            f"The training labels carry noise of {part}, the test labels don't: so the test error is the smaller one."
        )
        yield SessionNotice("label_noise", text)
    if has_steps and not session.running and (now.trained or now.simplified) and (sentence := noise_sentence(session)):
        yield SessionNotice("noise_level", f"{sentence} More training or larger networks would only learn it.")
