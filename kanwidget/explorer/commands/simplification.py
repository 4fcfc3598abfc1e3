"""`Simplification`: the second of the three steps, in bits: each is shown, and one undo takes back all of them.

In a script it is one line, with the number of its bits if it was paused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, cast

from kanwidget.explorer.commands.processes import GroupedProcess
from kanwidget.explorer.guide.progress import SIMPLIFIED
from kanwidget.explorer.protocol.topics import Topics
from kanwidget.explorer.session.command import Command
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import SettingChange, copied
from kanwidget.growth.richer import is_formula
from kanwidget.kan import KAN
from kanwidget.simplification import SimplificationStep, simplify_steps
from kanwidget.simplification.laws import Rival

#: The penalty's weight where none is set.
LAMB = 1e-3
#: Labels of the chips by the kinds of bits.
_LABELS: Final[dict[str, str]] = {
    "train": "λ = {lamb:g}",
    "prune": "prune",
    "shape": "smaller shape",
    "replace": "functions",
    "refit": "simplified",
}


class Simplification(GroupedProcess[SimplificationStep]):
    """Simplifies the network of a session, bit by bit.

    Args:
        session: The session.
        most: Bits after which it is paused; None for all.
        written: The command of the script for so many bits, None for all.
    """

    step, word = "simplify", "simplifying"

    def __init__(self, session: Session, most: int | None, written: Callable[[int | None], Command]) -> None:
        super().__init__(session, most, written)
        self._lamb = session.run.trainer.settings.lamb or LAMB
        data, library = session.run.trainer.data, session.candidates.lib
        model = session.run.copy()
        # What the training has asked already: of a formula it has asked the network that the formula was made from.
        richer = None if session.richer.is_open or is_formula(model) else session.richer.answer
        self.sentence = "Simplifying: needless edges go first."
        steps = simplify_steps(model, data, lamb=self._lamb, lib=library, richer=richer)
        # Each with a network of its own: the work goes on with the one that it gave.
        self.begin(replace(step, network=copied(cast(KAN, step.network))) for step in steps)

    @property
    def stopped(self) -> str:
        return "The best network so far is kept." if self._done else "It had found nothing yet."

    def take(self, step: SimplificationStep) -> Topics:
        """Take over the best network so far."""
        session = self._session
        self._done += 1
        self.sentence = f"Simplifying. {step.text[:1].upper()}{step.text[1:]}."
        last = step.kind == "refit"
        self._complete = last
        session.view.keep_nearest_law(step.nearest)
        if not step.improved and not last:
            return frozenset(("guide",))
        label = _LABELS.get(step.kind, step.kind).format(lamb=self._lamb)
        kind = SIMPLIFIED if last else step.kind
        former = session.run.trainer.settings.lamb
        if last:
            session.run.set({"lamb": 0.0})  # the constants of the functions are to fit, not to fade
            session.run.unmark(session.run.events[:-1])
        topics = self.adopt(cast(KAN, step.network), kind, label)
        if last:
            session.state_rows.rivals[session.state] = tuple(map(_as_on_the_page, step.rivals))
            session.tree.note_settings(SettingChange(session.run.problem, {"lamb": former}, {"lamb": 0.0}))
        return topics


def _as_on_the_page(rival: Rival) -> Rival:
    """A rival with the signs that formulas have on the page."""
    text, sentence = (words.replace("**", "^").replace("*", "·") for words in (rival.text, rival.sentence))
    return Rival(text, sentence)
