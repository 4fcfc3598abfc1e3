"""Notices: what a person should know about their data or their training, each with the act that mends it, where there is one.

A notice is no error: nothing has failed. It stands until it no longer holds or is dismissed, and a dismissed one stays away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kanwidget.explorer.guide.noise import noise_sentence
from kanwidget.explorer.guide.progress import Progress, progress
from kanwidget.explorer.guide.steps import Message
from kanwidget.explorer.session.command import COMMANDS
from kanwidget.explorer.session.session import Session

#: Steps of training from which on the errors say something about the rows.
_SOME_STEPS = 20


@dataclass(frozen=True, slots=True)
class GuideNotice:
    """A notice."""

    name: str
    """By which it is dismissed."""
    text: str
    label: str | None = None
    """On the button of the act that mends it."""
    message: Message | None = None
    """What asks for that act."""


def notices(session: Session) -> list[GuideNotice]:
    """The notices that hold and weren't dismissed, the most important first."""
    now = progress(session)
    held = (row(session, now) for row in NOTICES.values())
    return [notice for notice in held if notice is not None and notice.name not in session.view.dismissed]


def _constant_target(session: Session, _: Progress) -> GuideNotice | None:
    label = session.data.train_label
    if session.data.is_classification:
        if label.min() < label.max():
            return None
        return GuideNotice("constant_target", "All rows are of one class: there is nothing to tell apart.")
    constant = [name for name, column in zip(session.out_vars, label.T, strict=False) if column.min() == column.max()]
    if not constant:
        return None
    text = f"{constant[0]} has the same value in every row: there is nothing to learn."
    return GuideNotice("constant_target", text)


def _few_rows(session: Session, _: Progress) -> GuideNotice | None:
    rows, numbers = len(session.data.train_input), session.model.n_parameters
    if rows >= numbers:
        return None
    text = (
        f"{rows:,} rows for {numbers:,} numbers of the network: it can learn every row by heart, noise included. "
        "A smaller network, a coarser grid or Simplify helps."
    )
    return GuideNotice("few_rows", text)


def _overfitting(_: Session, now: Progress) -> GuideNotice | None:
    if now.overfit is None:
        return None
    best = now.overfit
    text = (
        f"Overfitting: the test error has risen from {best.best_error:.2g} at step {best.best_step:,} to {best.error:.2g}, "
        "while the training error falls."
    )
    if "back_to_best" not in COMMANDS:
        return GuideNotice("overfitting", text)
    return GuideNotice("overfitting", text, "Back to best", {"kind": "back_to_best"})


def _label_noise(session: Session, now: Progress) -> GuideNotice | None:
    record = session.run.last_record
    if not session.run.noise or record.test_loss is None or record.test_loss >= record.train_loss:
        return None
    if now.steps < _SOME_STEPS:
        return None
    part = f"{100 * session.run.noise:.3g} %"
    text = f"The training labels carry noise of {part}, the test labels don't: so the test error is the smaller one."
    return GuideNotice("label_noise", text)


def _noise_level(session: Session, now: Progress) -> GuideNotice | None:
    if session.running or now.steps < _SOME_STEPS or not (now.flat or now.simplified):
        return None
    sentence = noise_sentence(session)
    if sentence is None:
        return None
    return GuideNotice("noise_level", f"{sentence} More training or larger networks would only learn it.")


def _unexplained(session: Session, now: Progress) -> GuideNotice | None:
    if not now.simplified or not now.splines or session.running:
        return None
    edges = "1 edge has" if now.splines == 1 else f"{now.splines} edges have"
    text = f"{edges} no function: none fits within the noise. Click an edge to see what comes closest."
    return GuideNotice("unexplained", text)


#: One row a kind, the most important first.
NOTICES: Final[dict[str, Callable[[Session, Progress], GuideNotice | None]]] = {
    "constant_target": _constant_target,
    "overfitting": _overfitting,
    "unexplained": _unexplained,
    "few_rows": _few_rows,
    "label_noise": _label_noise,
    "noise_level": _noise_level,
}
