"""`TrainingRun`: a network in training, with its trainer, records, events and film. It alone assigns its attributes."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from kanwidget.core import EdgeRef, Event, History, StepRecord
from kanwidget.core.records import Posterior
from kanwidget.datasets import Dataset
from kanwidget.explorer.protocol.topics import STEPPED, Notice, Topics
from kanwidget.explorer.session.command import Statement
from kanwidget.explorer.session.script import ScriptLog
from kanwidget.explorer.session.states.run_states import Lagging, RunStates
from kanwidget.explorer.session.undo import copied
from kanwidget.kan import KAN
from kanwidget.symbolic.candidates.partial_residuals import dots
from kanwidget.training import OPTIMIZERS, Settings
from kanwidget.training.evidence.errors import valid_posterior
from kanwidget.training.steps.loop import append_history
from kanwidget.training.steps.trainer import NOT_FINITE, NOT_FINITE_ADVICE

#: Seconds of a step from which on it can be interrupted; shorter ones are always finished.
_LONG_STEP = 0.05
#: Rows that are drawn beside the curve of an edge.
_DOTS = 200
#: Stop reason of a training that has paused by itself.
FLAT = "the error is flat"

StepCallback = Callable[[StepRecord], Any]


class TrainingRun(RunStates):
    """A network in training.

    Args:
        model: The network; the run trains a copy.
        data: The data.
        settings: Of the training.
        script: Counts the steps.
        announce: Takes notices that no command has caused.
    """

    def __init__(
        self, model: KAN, data: Dataset, settings: Settings, script: ScriptLog, announce: Callable[[Notice], None]
    ) -> None:
        self._script, self._announce = script, announce  # counts the steps; shows a notice that no command has caused
        self._callbacks: list[StepCallback] = []  # called with the record of each step
        #: Whether a pause waits for the training.
        self.interrupted: Callable[[], bool] = lambda: False
        #: When the last step began, by `time.perf_counter`.
        self._step_started = 0.0
        # Both are computed once for each version of the network; while it trains they may be a moment old.
        #: The posterior (the parameters given the data, which gives standard errors); None where a training without evidence has none.
        self.posterior: Callable[[], Posterior | None] = Lagging(
            self, lambda: self.trainer.posterior() or valid_posterior(self.model)
        )
        #: Dots beside an edge's curve, see the method `dots`; asked for by edge and by the noise on the labels, on which they depend.
        self._dots = Lagging(self, lambda edge, _: dots(self.model, edge, self.trainer.data, _DOTS))
        super().__init__(model, data, settings, self._abandon_step)

    # ---- queries

    @property
    def optimizers(self) -> list[str]:
        """The optimizers that can be chosen."""
        return ["auto", *OPTIMIZERS]

    def history(self) -> History:
        """A copy of the records and events of this run; its stop reason is the state, such as `running`, while there is none."""
        return History(list(self.records), list(self.events), self.trainer.opt, self.stop_reason or self.state)

    def copy(self) -> KAN:
        """A copy of the network, with its posterior."""
        model = copied(self.model)
        model.posterior = self.posterior()
        return model

    def model_with_history(self) -> KAN:
        """A copy of the network, with its posterior. Its history is that of the original network, then this run's."""
        model, history, previous = self.copy(), self.history(), self.previous_history
        if previous.records:
            model.history = History(list(previous.records), list(previous.events))
            append_history(model, history)
        else:  # the first training: no step gets another number, so that the records of a long one aren't gone through
            model.history = replace(history, events=[*previous.events, *history.events])
        return model

    def dots(self, edge: EdgeRef) -> Tensor:
        """What at most 200 training rows ask of an edge, as dots beside its curve, `(2, n)` in units of the data.

        The first row has the edge's inputs, the second the values with which the network's outputs there would be the labels.
        """
        return self._dots(edge, self.noise)

    # ---- callbacks and interruptions

    def add_callback(self, callback: StepCallback, first: bool = False) -> Callable[[], None]:
        """Call a function with every record, before those that were added earlier if `first`.

        Returns:
            A function that removes the callback.
        """
        # A new entry each time: a function that is added twice is called twice, and each entry is removed by itself.
        entry = lambda record: callback(record)  # noqa: E731
        callbacks = self._callbacks
        callbacks.insert(0 if first else len(callbacks), entry)

        def remove() -> None:
            with contextlib.suppress(ValueError):
                callbacks.remove(entry)

        return remove

    def interrupt_with(self, interrupted: Callable[[], bool]) -> None:
        """Let this function be asked within long steps whether a pause waits: True abandons the step."""
        self.interrupted = interrupted

    def _abandon_step(self) -> bool:
        """Whether the step in progress is abandoned: a pause waits, and the step takes more than 0.05 s, so that this would be noticed."""
        return time.perf_counter() - self._step_started > _LONG_STEP and self.interrupted()

    # ---- settings

    def set(self, values: Mapping[str, Any]) -> None:
        """Change settings, one after the other; all of them or none.

        Args:
            values: By name: settings of the trainer, such as `lamb`, `opt`, `lr` or `batch`, and `noise`, that on the training labels.
        """
        trainer = self.trainer
        self._take_events()  # the trainer's events so far become this run's
        settings, state, noise, data = trainer.settings, trainer.state_dict(), self.noise, trainer.data
        rows = copy.copy(trainer.rows)
        # A large table's training begins with a sample of the rows again: on all of them it would take seconds until a slider acts.
        # Progress and optimizer stay.
        if trainer.rows.sampled:
            trainer.rows.restart(self.model)
            trainer.load_state_dict(state)
        try:
            for name, value in values.items():
                if name == "noise":
                    self._set_noise(value)
                else:
                    trainer.configure(**{name: value})
                # The optimizer begins anew, also with the same value: a script sets `opt` again where its memory was lost.
                if name in ("opt", "batch"):
                    trainer.rebuild()
        except Exception:
            # An optimizer that this loss can't use is noticed only when it is made.
            trainer.settings, trainer.data, trainer.rows, self.noise = settings, data, rows, noise
            trainer.replace_labels(data.train_label)
            trainer.load_state_dict(state)
            trainer.events.clear()
            raise
        step = self.last_record.step
        events = [Event(step, name, f"{name} = {_setting_text(value)}") for name, value in values.items()]
        trainer.events.clear()
        # A slider sends many values: a value that no step was taken with leaves no mark.
        marks = {(event.step, event.kind) for event in events}
        self.events = [*(event for event in self.events if (event.step, event.kind) not in marks), *events]
        self._evaluate()

    # ---- training

    def start(
        self,
        steps: int | None,
        pauses_after: bool = False,
        pauses_when: Callable[[], bool] | None = None,
        follows: Callable[[], Topics] | None = None,
    ) -> None:
        """Train from now on; the steps are taken by `step`.

        Args:
            steps: How many; None for as many as it takes to converge.
            pauses_after: Whether the training is paused after these, rather than done.
            pauses_when: Asked after each step: True pauses the training.
            follows: Called once the training has ended by itself; returns the topics that it has changed.
        """
        if self.trainer.stop_reason:
            self._script.cut()  # in the script one call with all steps would stop at that end
        self.trainer.stop_reason = ""
        self.state, self.stop_reason = "running", None
        self.remaining_steps, self.pauses_after, self.pauses_when = steps, pauses_after, pauses_when
        self.follows = follows

    def pause(self) -> None:
        """Stop training and keep all that it has done, so that it can go on; nothing happens where it doesn't train."""
        if self.running:
            self._finish("paused", None)

    def step(self) -> Topics:
        """Take one step, keep its record, and end or pause the training where that was the last one; callbacks come after that.

        Returns:
            The topics that changed.
        """
        self._step_started = time.perf_counter()
        try:
            record = next(self.trainer)
        except StopIteration:
            return self._without_record()
        except BaseException:
            self._after_exception()
            raise
        ms = (time.perf_counter() - self._step_started) * 1e3
        # A running mean over about five steps.
        self.ms_per_step = ms if self.ms_per_step is None else 0.8 * self.ms_per_step + 0.2 * ms
        self._append(record)
        topics = STEPPED | self._take_events()  # what every step changes, and `history` for marks such as a moved grid
        if self.trainer.stop_reason == NOT_FINITE:
            message = f"The loss is not finite since step {record.step}: training has stopped."
            self._announce(Notice("Stalled", message, NOT_FINITE_ADVICE))
        if self.remaining_steps is not None:
            self.remaining_steps -= 1
        if record.stop_reason:
            self._finish("done", record.stop_reason)
        elif self.remaining_steps == 0:
            self._finish(*(("paused", None) if self.pauses_after else ("done", "steps done")))
        elif self.pauses_when is not None and self.pauses_when():
            self._finish("paused", FLAT)
        self._call(record)
        return topics if self.running else topics | {"history", "formula", "candidates", "selection"}

    def _append(self, record: StepRecord) -> None:
        """Keep a step's record, and a copy of its network where the film needs it; count the step in the script."""
        self.records.append(record)
        self.recorder.take(self.model, self.records, self.structure_id)
        self.last_record = record
        self.version += 1  # what was computed from the parameters before is out of date
        self._script.step()

    def _without_record(self) -> Topics:
        """End or pause the training after a step without a record: it was interrupted, or there are no more steps.

        Returns:
            The topics that changed.
        """
        if self.trainer.stop_reason == "interrupted":
            self.trainer.stop_reason = ""
            self.forget_momentum()
            self._finish("paused", None)
        else:
            self._finish("done", self.trainer.stop_reason)
        return frozenset(("status",))

    def _after_exception(self) -> None:
        """Pause after an exception within a step, and keep the record of the step where it was done before that."""
        self.forget_momentum()
        if self.trainer.step_count > self.last_record.step:
            self._append(self.trainer.record())
        self._finish("paused", None)

    def forget_momentum(self) -> None:
        """Make a gradient method anew, whose memory is lost with an abandoned step; a line of the script does the same by setting `opt`.

        `plain_state` marks Levenberg-Marquardt, whose memory is a few numbers and isn't lost.
        """
        if not OPTIMIZERS[self.trainer.opt].plain_state:
            self.trainer.rebuild()
            self._script.add(Statement(f"explorer.opt = {self.trainer.settings.opt!r}"))

    def _call(self, record: StepRecord) -> None:
        """Call all callbacks with a record; an error in one ends the training and is raised."""
        for callback in tuple(self._callbacks):
            try:
                callback(record)
            except Exception:
                self._finish("error", "an error in a callback")
                raise

    def _take_events(self) -> Topics:
        """Move the events of the trainer, such as moved grids, to those of this run; returns the topics that changed."""
        if not self.trainer.events:
            return frozenset()
        self.events = [*self.events, *self.trainer.events]
        self.trainer.events.clear()
        return frozenset(("history",))


def _setting_text(value: Any) -> str:
    """A setting's value in the label of an event; -1, which only `batch` has, stands for all rows."""
    return f"{value:g}" if isinstance(value, float) else "all" if value == -1 else str(value)
