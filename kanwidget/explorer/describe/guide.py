"""The three steps, the next act and the notices, for the browser."""

from __future__ import annotations

from typing import Final

from kanwidget.explorer.guide.discovery import obstacle, search_of
from kanwidget.explorer.guide.notices import notices
from kanwidget.explorer.guide.progress import progress
from kanwidget.explorer.guide.steps import LABELS, STEPS, STOP, StepName, guidance, working
from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.session.session import Session


def guide(session: Session) -> p.Guide:
    """The three steps with their states and the search for formulas, a sentence, and the notices that hold.

    The sentence is the advice, and what simpler networks explain of the same rows (yardsticks).
    """
    now, done = guidance(session), _done(session)
    act, at_work = now.act, working(session)  # the next sensible act, and the step at work; None without one
    steps: list[p.GuideStep] = []
    for name, label, message in STEPS:
        # Whether the step is the next act, which may have a label of its own, such as `Train on`.
        following = act is not None and act.step == name
        row: p.GuideStep = {
            "name": name,
            "label": act.label if act is not None and following else label,
            "next": following,
            "done": done[name] and not following,
            "command": dict(act.message if act is not None and following else message),
        }
        if at_work == name:  # its button stops it, and those of the others wait
            row |= {
                "label": "Stop",
                "working": True,
                "done": False,
                "hint": "Stop here: the best so far is kept",
                "command": dict(STOP),
            }
        elif at_work is not None:
            row["hint"] = f"{LABELS[at_work]} is at work: wait for its end, or stop it first"
        steps.append(row)
    return {
        "steps": steps,
        "search": {**_search(session), "next": act is not None and act.step == "discover"},
        "sentence": f"{now.sentence} {yardstick_sentence(session)}".rstrip(),
        "notices": [
            {
                "name": notice.name,
                "text": notice.text,
                "label": notice.label,
                "command": None if notice.message is None else dict(notice.message),
            }
            for notice in notices(session)
        ],
    }


def yardstick_sentence(session: Session) -> str:
    """What the network and simpler ones explain, in a sentence; "" while it trains, and before simpler networks were tried."""
    sticks = session.richer.yardsticks
    return "" if sticks is None or session.running else f"{sticks.sentence[:1].upper()}{sticks.sentence[1:]}."


def _search(session: Session) -> p.GuideStep:
    """The button of the search for formulas, which goes beside the three steps: begin, hold, go on."""
    search = search_of(session)
    state = "" if search is None else search.state
    label, action = _SEARCH.get(state, (LABELS["discover"], "start"))
    row: p.GuideStep = {
        "name": "discover",
        "label": label,
        "next": False,
        "done": False,
        "command": {"kind": "discover", "action": action},
    }
    if search is not None and search.busy:
        row["working"] = True
    elif hint := obstacle(session):
        row["hint"] = hint
    return row


#: Label and action of the button while there is a search.
_SEARCH: Final[dict[str, tuple[str, str]]] = {
    "searching": ("Pause search", "pause"),
    "finishing": ("Finishing", "pause"),
    "paused": ("Search on", "resume"),
}


def _done(session: Session) -> dict[StepName, bool]:
    """Whether each of the three steps, by its name, is done; where no curves are left, training and simplifying count as done."""
    now, result = progress(session), session.formula_result
    return {
        "train": now.steps > 0 or not now.splines,
        "simplify": now.simplified or not now.splines,
        "formula": not now.splines and result is not None and result.error is None,
    }
