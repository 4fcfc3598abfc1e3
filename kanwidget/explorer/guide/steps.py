"""The three steps from data to a formula, and the next sensible act with a sentence why.

An act is a message to the session, as a button sends it: the page and `KANExplorer.follow` do the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from kanwidget.explorer.guide.discovery import hall_of, network_error
from kanwidget.explorer.guide.progress import Progress, progress, since_act
from kanwidget.explorer.guide.richer import RicherAct, compares_richer, richer_act, search_act
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import error_of
from kanwidget.training.steps.trainer import NOT_FINITE

StepName = Literal["train", "simplify", "formula", "discover"]
Message = Mapping[str, Any]

#: The steps in their order: name, label, and the message that carries the step out.
STEPS: Final[tuple[tuple[StepName, str, Message], ...]] = (
    ("train", "Train", {"kind": "control", "action": "train"}),
    ("simplify", "Simplify", {"kind": "control", "action": "simplify"}),
    ("formula", "Formula", {"kind": "control", "action": "formula"}),
)
_MESSAGES: Final[dict[StepName, Message]] = {name: message for name, _, message in STEPS}
LABELS: Final[dict[StepName, str]] = {name: label for name, label, _ in STEPS} | {"discover": "Find formulas"}
#: Where curves explain this part a longer search for a formula may find what they follow; a formula whose error is at most so many times
#: theirs is one.
_EXPLAINS_MUCH, _NEAR = 0.75, 1.05
#: What stops the step at work; the best so far is kept.
STOP: Final[Message] = {"kind": "control", "action": "pause"}


@dataclass(frozen=True, slots=True)
class Act:
    """A sensible next act."""

    step: StepName
    label: str
    """On its button."""
    sentence: str
    """Why, or what it does."""
    message: Message
    """What asks for it."""


@dataclass(frozen=True, slots=True)
class Guidance:
    """What stands beside the steps: a sentence and, unless the session works or is done, the next act."""

    sentence: str
    act: Act | None = None


def working(session: Session) -> StepName | None:
    """The step at work, None where none is. A plain training, which doesn't pause by itself once the error is flat, is no step."""
    if session.process is not None:  # a longer act in progress, such as a simplification
        return session.process.step
    # `pauses_when` is asked after each step whether the training pauses by itself.
    return "train" if session.running and session.run.pauses_when is not None else None


def guidance(session: Session) -> Guidance:
    """The sentence beside the steps, and the next sensible act, if there is one; changes nothing but caches."""
    if session.process is not None:  # a longer act in progress, such as a simplification
        return Guidance(session.process.sentence)
    return next(_applicable(session, progress(session)))


def _act(step: StepName, sentence: str, label: str | None = None) -> Guidance:
    """A sentence with the act that carries out a step; on its button stands the label, by default that of the step."""
    return Guidance(sentence, Act(step, label or LABELS[step], sentence, _MESSAGES[step]))


# ---- the rules


def _applicable(session: Session, now: Progress) -> Iterator[Guidance]:
    """What the rules say that apply; only the first one counts, and the last one always applies. `now`: how far the session has come.

    The order says what matters more: an error that isn't finite, a training at work, a network that was never trained, curves beside a
    formula, an error that still falls, richer networks, the curves that are left, and at last the formula.
    """
    # Edges without a function that nobody has tried to simplify yet: those that a simplification leaves stay curves.
    result, has_curves = session.formula_result, bool(now.splines) and not now.simplified
    if session.run.stop_reason == NOT_FINITE:
        yield Guidance("The error is not finite: undo, or start again with other settings.")
    if session.running:
        if session.run.pauses_when is not None:
            yield Guidance("Training. It pauses by itself once the error is flat.")
        elif not now.flat:
            yield Guidance("Training. Pause it once the error is low enough.")
        elif has_curves:
            yield _simplification(session, now)
    elif now.splines and not now.steps:
        yield _act("train", "Train: the curves bend until they fit the data.")
    if result is not None and has_curves:
        have = "1 edge has" if now.splines == 1 else f"{now.splines} edges have"
        yield _act("simplify", f"{have} no function yet, so the formula only names curves: simplify first.")
    if has_curves and not now.trained:
        yield _act("train", "The error still falls: train on, or simplify now.", "Train on")
    if (richer := _richer(session, now)) is not None:
        yield richer
    if has_curves:
        yield _simplification(session, now)
    yield _done(session, now) if result is not None else _formula(session, now)


def _simplification(session: Session, now: Progress) -> Guidance:
    """How the training stands, and that its curves may be simplified, with that act."""
    return _act("simplify", f"{_trained(session, now)}: simplify, or stop here.")


def _richer(session: Session, now: Progress) -> Guidance | None:
    """What to do about richer networks (a finer grid, more nodes): wait while they are tried, or take the one that explains more.

    None where that is settled. A richer network comes before a simplification, and before a formula counts as the result.
    """
    if now.simplified and session.formula_result is None:  # after a simplification the formula is next
        return None
    if compares_richer(session):
        state = _trained(session, now) if session.formula_result is None else "The formula is fitted"
        return Guidance(f"{state}. Trying whether a richer network explains more …")
    better = richer_act(session)
    if better is None:
        return None
    sentence = better.sentence
    if better.what:  # what is richer in the network, such as `a finer grid`; without it a formula is searched for
        sentence = f"{_trained(session, now)}, but {better.what} would explain more: take it, then train."
    return _proposal(better, sentence)


def _proposal(act: RicherAct, sentence: str) -> Guidance:
    """A sentence with an act: a richer network, or the search for formulas; there is no act while that search is at work."""
    # `what` says what is richer in a network, which is part of the first step; "" for the search.
    step: StepName = "train" if act.what else "discover"
    return Guidance(sentence, None if act.message is None else Act(step, act.label, sentence, act.message))


def _formula(session: Session, now: Progress) -> Guidance:
    """The formula step; where edges are still curves it says so, with the short law that came nearest in the simplification."""
    if now.splines:
        return _act("formula", _no_formula(session, now))
    states = {session.model.layer(ref.layer).state(*ref[1:]) for ref in session.model.edge_refs(active=True)}
    words = " or has a value for each level" if "levels" in states else ""
    return _act("formula", f"Every edge is a function{words}: fit the formula's constants to the data.")


def _no_formula(session: Session, now: Progress) -> str:
    """A sentence: edges stay curves, and the best short law that the simplification has tried and not taken, if there is one."""
    stay = "1 edge stays a curve" if now.splines == 1 else f"{now.splines} edges stay curves"
    nearest = f" Nearest law: {session.view.nearest_law}." if session.view.nearest_law else ""
    return f"No short formula found: {stay}.{nearest}"


def _done(session: Session, now: Progress) -> Guidance:
    """The result of the formula step, or why there is no formula; with an act only where a longer search may find one."""
    # Its `error` says in words why no constants were fitted; None where they were.
    result = session.formula_result
    if now.splines and result.error is None:  # there are edges that are still curves
        sentence = _no_formula(session, now)
        return _longer_search(session, sentence) or Guidance(sentence)
    sticks = session.richer.yardsticks  # what simpler networks explain; None until they are tried
    if sticks is not None and sticks.is_nothing and result.error is None:
        best = "the most frequent class" if session.data.is_classification else "the mean"
        return Guidance(f"No column helps: {best} is as good as {result.sentence}")
    opening = "Done: " if result.error is None else "No fitted constants: "
    return Guidance(f"{opening}{result.sentence}{_rivals(session)}")


def _rivals(session: Session) -> str:
    """The sentence about the rivals of the formula, others that the rows can't tell from it: the likeliest one, and how many more.

    "" without any.
    """
    rivals = session.state_rows.rivals.get(session.state, ())
    if not rivals:
        return ""
    more = f", and {len(rivals) - 1} more" if len(rivals) > 1 else ""
    return f" Also possible by these rows: {rivals[0].text}{more}: see Formula."


def _longer_search(session: Session, sentence: str) -> Guidance | None:
    """The search for formulas, where curves explain so much that it may find what they follow, or the formula that it has found.

    None where they explain too little, where there is nothing to do, and where its formula errs clearly more than the curves.

    Args:
        session: The session.
        sentence: That curves stay, for the beginning.
    """
    sticks = session.richer.yardsticks  # what it and simpler networks explain; None until they are tried
    if sticks is None or sticks.network.explained < _EXPLAINS_MUCH:
        return None
    act = search_act(session, f"{sentence} A longer search may find one.")
    if act is None or (act.message is not None and act.message["kind"] == "use_formula" and not _is_near(session)):
        return None
    return _proposal(act, act.sentence)


def _is_near(session: Session) -> bool:
    """Whether the likeliest formula of the search explains about what the curves do: its error is at most 1.05 times the network's."""
    best = hall_of(session).likeliest
    return best is not None and best.error <= _NEAR * network_error(session)


def _trained(session: Session, now: Progress) -> str:
    """How the training stands, as the beginning of a sentence."""
    name = "Training error" if session.run.last_record.test_loss is None else "Test error"
    if now.returned:
        record = session.run.last_record
        # Whether no step of this training, before the return or after it, had a smaller error.
        least = all(error_of(record) <= error_of(other) for other in [*since_act(session), *session.later_records()])
        kept = f", where the {name[:1].lower()}{name[1:]} was least"
        return f"Kept step {record.step:,}{kept}" if least else f"Back at step {record.step:,}"
    if now.overfit:
        return f"{name} has risen since step {now.overfit.best_step:,}"
    if now.flat:
        return f"{name} has been flat for {now.flat} steps"
    if session.run.stop_reason in ("converged", "stalled"):
        return f"The training has {session.run.stop_reason}"
    return "The training is done"
