"""How far a session has come on the way from data to a formula."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from kanwidget.core import StepRecord
from kanwidget.explorer.guide.learning import Overfit, flat_steps, overfit
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import RETURN

#: Kind of the tree node at the end of a simplification.
SIMPLIFIED = "simplify"
#: Kind of the tree node at the end of an extension of the grids.
EXTENDED = "extend"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a session has come."""

    steps: int
    """Steps of training in all."""
    flat: int
    """For how many steps the error has been flat; 0 while it falls."""
    overfit: Overfit | None
    splines: int
    """Active edges that a formula has no function for: curves."""
    trained: bool
    """Whether more training has little to offer: it has ended, the error is flat or rises, evidence has come to rest, or somebody has
    gone back to a step."""
    returned: bool
    """Whether the current state is an earlier step of the training, to which somebody has gone back."""
    simplified: bool
    """Whether the current state comes from a simplification."""


def progress(session: Session) -> Progress:
    """How far a session has come; changes nothing.

    Returns:
        Steps in all; for how many the error has been flat; whether the test error rises (`overfit`, None if not); the number of curves;
        and whether the training is about done, was taken back to an earlier step, and was followed by a simplification.
    """
    records, model = since_act(session), session.model
    states = [model.layer(ref.layer).state(ref.source, ref.target) for ref in model.edge_refs(active=True)]
    splines = sum(state not in ("symbolic", "levels") for state in states)  # curves: words (`levels`) need no function
    kind = session.tree.nodes[session.tree.current].kind  # of the act, or training, that led to the current state
    returned = kind == RETURN
    simplified = any(node.kind == SIMPLIFIED for node in session.tree.path())
    flat, rising = flat_steps(records), overfit(records)
    # After an undo of an act the run has no stop reason: the last record of a training that had ended has it.
    reasons = (session.run.stop_reason, session.run.last_record.stop_reason)
    ended = session.run.state == "done" or any(reason is not None for reason in reasons)
    # More training has little to offer, also after grids were refined as long as it helped (`EXTENDED`).
    trained = bool(flat or rising or returned or ended or kind == EXTENDED or (not records and _is_settled(session)))
    steps = len(session.run.records)
    return Progress(steps, flat, rising, splines, trained, returned, simplified)


def _is_settled(session: Session) -> bool:
    """Whether evidence, which sets how smooth the curves are, has come to rest: more training has little to offer.

    An act, or taking one back, may leave it there without a step.
    """
    posterior = session.run.posterior()
    return posterior is not None and posterior.settled


def since_act(session: Session) -> Sequence[StepRecord]:
    """The records since the last act that has changed the network, or since the start."""
    step, records = session.tree.last_act().step, session.run.records
    return records[bisect_right(records, step, key=lambda record: record.step) :]
