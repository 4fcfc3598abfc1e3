"""`Extend`: finer grids as long as that helps on held-out rows; each is shown, and one undo takes back all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from kanwidget.explorer.commands.fields import LARGEST_GRID
from kanwidget.explorer.commands.guide import StepCommand
from kanwidget.explorer.commands.processes import GroupedProcess
from kanwidget.explorer.guide.progress import EXTENDED
from kanwidget.explorer.protocol.topics import Topics
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import copied
from kanwidget.kan import KAN
from kanwidget.training.extension import REASONS, doubled_grids, extend_steps
from kanwidget.training.extension_trainings import ExtensionStep

#: Settings of the session's training that its trainings have, too.
_OPTIONS = (
    "opt", "lr", "batch", "loss", "lamb", "lamb_l1", "lamb_entropy", "lamb_coef", "lamb_coefdiff", "reg_metric",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Extend(StepCommand):
    """Refine the grid and train, again and again, as long as the error on held-out rows becomes smaller."""

    kind = "extend"

    grids: int | None = None
    """Grids after which it is paused, None for all: a script repeats an extension that was paused."""

    def call(self) -> str | None:
        """The line of the script, with the number of grids that were tried before it was paused (None: it went to its end).

        None, so no line, where it was paused before the first one.
        """
        if self.grids == 0:
            return None
        return f"explorer.extend({'' if self.grids is None else f'grids={self.grids}'})"

    def perform(self, session: Session) -> Topics:
        """Begin the extension, which the session carries out as a process from now on. Returns the topics that changed."""
        # Makes itself the process; `grids`: how many it tries before it pauses, None for all.
        Extension(session, self.grids)
        return frozenset(("status",))


class Extension(GroupedProcess[ExtensionStep]):
    """Extends the grids of a session's network, one after the other.

    Args:
        session: The session.
        most: Grids after which it is paused; None for all.
    """

    step, begun_by, word = "train", "extend", "extending"

    def __init__(self, session: Session, most: int | None) -> None:
        super().__init__(session, most, Extend)  # paused after `most` grids, None for all; the script has an `Extend`
        #: Whether a better network was taken over.
        self._helped = False
        # The trainer's data have the label noise that the page shows.
        model, data, settings = session.model, session.run.trainer.data, session.run.trainer.settings
        # The grids (numbers of intervals) to try: the network's own, then twice as many again and again.
        ladder = doubled_grids(model, len(data.train_input), LARGEST_GRID)
        options = {name: getattr(settings, name) for name in _OPTIONS}
        # One start is the network as it is: further ones would begin with random curves.
        steps = extend_steps(copied(model), data, ladder, starts=1, **options)
        self.sentence = f"Extending: training with grid {ladder[0]}."
        # Each step with a copy of its network, since the work goes on with the one that it gave.
        self.begin(replace(step, networks=(copied(cast(KAN, step.network)),)) for step in steps)

    @property
    def stopped(self) -> str:
        """What is kept where another act stops it, as a sentence."""
        return "The best grid so far is kept." if self._helped else "It had found nothing yet."

    def take(self, step: ExtensionStep) -> Topics:
        """Adopt a finer grid that helps, and at the end the last network, which has seen all rows. Returns the topics that changed.

        A step is a training with one grid; it has helped where its held-out error is smaller than all before. The first one has the grid
        as it is, to be compared with.
        """
        session = self._session
        self._done += 1
        self._complete = last = step.stop_reason is not None
        what = f"grid {step.grid}: held-out error {step.validation_loss:.3g}"
        self.sentence = f"Extending: {what}. Trying a finer grid."
        if not last and (not step.helped or step.grid == session.model.grid):
            return frozenset(("guide",))
        self._helped = True
        label = f"grid {step.grid}" if not last else f"grid {step.grid}: {REASONS[str(step.stop_reason)]}"
        return self.adopt(cast(KAN, step.network), EXTENDED if last else "refine", label)
