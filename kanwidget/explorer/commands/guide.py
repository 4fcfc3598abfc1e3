"""Commands of the three steps, and of the notices beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, cast

from kanwidget.datasets import Dataset
from kanwidget.explorer.commands import fields
from kanwidget.explorer.commands.base import act
from kanwidget.explorer.commands.history import keep_best
from kanwidget.explorer.commands.processes import BackgroundProcess, GroupedProcess
from kanwidget.explorer.guide.learning import flat_steps
from kanwidget.explorer.guide.progress import SIMPLIFIED
from kanwidget.explorer.guide.steps import LABELS, working
from kanwidget.explorer.protocol.topics import Notice, Topics
from kanwidget.explorer.session.command import Command, Process
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import SettingChange, copied
from kanwidget.growth.grow import ENOUGH, ROUNDS
from kanwidget.growth.richer import is_formula
from kanwidget.kan import KAN
from kanwidget.simplification import SimplificationStep, simplify_steps
from kanwidget.simplification.laws import Rival

#: Most steps of one training until the error is flat.
_MOST_STEPS = 300
#: The penalty's weight where none is set.
LAMB = 1e-3
#: Labels of the chips by the kinds of bits, where these aren't the labels.
_LABELS: Final = {"train": "λ = {lamb:g}", "shape": "smaller shape", "replace": "functions", "refit": "simplified"}


class StepCommand(Command):
    """One of the three steps. A click on one that comes while another is at work was meant for what the page showed before."""

    __slots__ = ()

    def repeats(self, session: Any) -> bool:
        """Whether this step is at work already: a second click came before the page had heard of the first.

        A process (a longer act in progress) has the action or kind of the command that has begun it, `begun_by`; a plain training has no
        process: `working` then names the step at work, `train` or None.
        """
        begun_by = working(session) if session.process is None else session.process.begun_by
        return begun_by == (self.action or self.kind)

    def check_stamps(self, session: Any, stamps: Mapping[str, int]) -> None:
        """Refuse this step of the guide, such as Train or Simplify, while another is at work.

        It is also refused on another structure than that of the `stamps`, the versions of the network that the user saw.
        """
        super().check_stamps(session, stamps)
        name = working(session)
        if name is not None:
            raise ValueError(f"{LABELS[name]} is at work, so nothing was done. Wait for its end, or stop it first.")


@dataclass(frozen=True, slots=True)
class Train(StepCommand):
    """Train until the error is flat; the training pauses by itself then, and goes back to its best step.

    Where the data decide about the network's shape it becomes richer then, as long as the evidence asks for that.
    """

    kind, action = "control", "train"

    def perform(self, session: Session) -> Topics:
        """Begin to train; the session takes the steps afterwards. Returns the topics that changed."""
        # `grows`: nobody has chosen the network's shape. Then a richer network may be taken, so many times; else never.
        _train(session, ROUNDS if session.grows else 0)
        return frozenset(("status",))


def _train(session: Session, rounds: int) -> None:
    """Begin a training that pauses once the error is flat, goes back to its best step, and then may make the network richer.

    Args:
        session: The session.
        rounds: How often, at most, a richer network is taken and trained in turn, as the evidence asks for it; 0 for never.
    """
    run = session.run
    first = len(run.records)  # only records of this training say whether the error is flat

    def follows() -> Topics:
        """After the training, go back to its best step, and begin to try richer networks. Returns the topics that changed."""
        topics = keep_best(session)
        if rounds:
            Growth(session, rounds)  # a process: it makes itself that of the session
        return topics

    # `flat_steps`: for how many steps the error has been flat, 0 while it falls.
    run.start(session.steps or _MOST_STEPS, pauses_when=lambda: flat_steps(run.records[first:]) > 0, follows=follows)


@dataclass(frozen=True, slots=True)
class Grow(Command):
    """Take the richer network that the evidence asks for, as it was trained beside the session; an act, which undo takes back."""

    kind, action = "control", "grow"
    statement = "explorer.grow()"

    def perform(self, session: Session) -> Topics:
        """Finish the comparison with richer networks and adopt the one that explains more; a notice says so where none does.

        Returns the topics that changed.
        """
        session.run.pause()
        session.richer.finish()
        answer = session.richer.answer
        if answer is None or answer.better is None:
            text = "Finer grids, products of two columns and hidden nodes were tried, where there are few enough parameters."
            if session.data.is_classification and is_formula(session.model):
                text = "A formula of classes isn't made richer. Undo brings its curves back."
            session.view.notify(Notice("Nothing richer explains more", text))
            return frozenset(("status",))
        better, network = answer.better, copied(cast("KAN", answer.network))
        # It was trained on a sample; queries ask the same rows as before.
        network.reference = session.x.clone()
        network.take_names(session.model)
        names = [session.in_vars[column] for column in session.model.columns[list(better.columns or ())].tolist()]
        label = {
            "grid": f"grid {answer.now.grid} → {better.grid}",
            "pair": f"add a product of {' and '.join(names)}",
            "hidden": "add a node" if better.nodes == 1 else f"add {better.nodes} nodes",
        }[better.kind]
        return act(session, self, "grow", label, lambda: session.adopt(network))


class Growth(Process):
    """Tries richer networks after a training; where the evidence asks for one, the session takes it and trains on.

    Args:
        session: The session.
        rounds: How often at most, ≥ 1.
    """

    step, begun_by, word = "train", "train", "growing"
    sentence = "Trying whether a finer grid, a pair of columns or hidden nodes would explain more."
    stopped = "The network stays as it was trained: nothing richer was tried to the end."

    def __init__(self, session: Session, rounds: int) -> None:
        self._session, self._rounds = session, rounds  # how often at most a richer network is taken
        session.begin_process(self)  # which calls `advance` from now on
        session.richer.begin()  # the comparison with richer networks (finer grids, more nodes)

    def advance(self) -> Topics:
        """Try a bit of the richer networks. Once all were tried, end the process; take a network that explains more, and train it.

        Not in the place of a formula, since the richer network is made from what the formula was made from: only a person asks for that.
        Nor where next to all is explained: the comparison is then for those who look at it.
        """
        session = self._session
        if session.richer.is_open:
            session.richer.advance()
            return frozenset()
        topics = session.end_process()
        answer = session.richer.answer
        if answer is None or answer.better is None or answer.now.explained >= ENOUGH or is_formula(session.model):
            return topics
        topics |= session.apply(Grow())
        _train(session, self._rounds - 1)
        return topics | frozenset(("status",))

    def end(self) -> Topics:
        """End here: nothing is to be taken back, since the session's own network hasn't changed. Returns the topics that changed."""
        return frozenset(("status", "guide"))


@dataclass(frozen=True, slots=True)
class Simplify(StepCommand):
    """Remove needless edges and put functions in place of curves, as far as the held-out error allows it; live, and one undo."""

    kind, action = "control", "simplify"

    bits: int | None = None
    """Bits after which it is paused, None for all: a script repeats a simplification that was paused."""

    def call(self) -> str | None:
        """The line of the script, with the number of bits (its steps, such as one pruning) after which it was paused.

        Without a number (`bits` None) it goes to its end. None, so no line, where it was paused before the first bit.
        """
        if self.bits == 0:
            return None
        return f"explorer.simplify({'' if self.bits is None else f'bits={self.bits}'})"

    def perform(self, session: Session) -> Topics:
        """Begin the simplification, which the session carries out as a process from now on. Returns the topics that changed."""
        # Makes itself the process; `bits`: the steps after which it pauses, None for all.
        Simplification(session, self.bits)
        return frozenset(("status",))


class Simplification(GroupedProcess[SimplificationStep]):
    """Simplifies the network of a session, in bits: each is shown, and one undo takes back all of them.

    Args:
        session: The session.
        most: Bits after which it is paused; None for all.
    """

    step, begun_by, word = "simplify", "simplify", "simplifying"

    def __init__(self, session: Session, most: int | None) -> None:
        # It is paused after `most` steps, None for all; the script has a `Simplify`.
        super().__init__(session, most, Simplify)
        self._lamb = session.run.trainer.settings.lamb or LAMB  # the penalty's weight λ
        data, library = session.run.trainer.data, session.candidates.lib
        model = session.run.copy()
        # Whether richer networks explain more, where a training has tried all (`is_open`: not yet); for a formula it has tried those of the
        # network before it.
        richer = None if session.richer.is_open or is_formula(model) else session.richer.answer
        self.sentence = "Simplifying: needless edges go first."
        steps = simplify_steps(model, data, lamb=self._lamb, lib=library, richer=richer)
        # Each step with a copy of its network, since the work goes on with the one that it gave.
        self.begin(replace(step, network=copied(cast(KAN, step.network))) for step in steps)

    @property
    def stopped(self) -> str:
        """What is kept where another act stops it, as a sentence."""
        return "The best network so far is kept." if self._done else "It had found nothing yet."

    def take(self, step: SimplificationStep) -> Topics:
        """Adopt the best network so far, where this step has improved it or is the last one, the refit. Returns the topics that changed.

        The last one also sets λ to 0, which undo takes back with it, and brings the rivals: formulas that the rows can't tell from its own.
        """
        session = self._session
        self._done += 1
        self.sentence = f"Simplifying. {step.text[:1].upper()}{step.text[1:]}."
        self._complete = last = step.kind == "refit"
        session.view.keep_nearest_law(step.nearest)  # the best short formula that was not taken
        if not step.improved and not last:
            return frozenset(("guide",))
        label = _LABELS.get(step.kind, step.kind).format(lamb=self._lamb)
        kind = SIMPLIFIED if last else step.kind
        former = session.run.trainer.settings.lamb
        if last:
            session.run.set({"lamb": 0.0})  # the constants of the functions are to fit, not to fade
            session.run.unmark(session.run.events[:-1])  # the act has a mark of its own
        topics = self.adopt(cast(KAN, step.network), kind, label)
        if last:
            session.state_rows.rivals[session.state] = tuple(map(_as_on_the_page, step.rivals))
            session.tree.note_settings(SettingChange(session.run.problem, {"lamb": former}, {"lamb": 0.0}))
        return topics


def _as_on_the_page(rival: Rival) -> Rival:
    """A rival, a formula that the rows can't tell from the one that was chosen, with the signs that formulas have on the page."""
    text, sentence = (words.replace("**", "^").replace("*", "·") for words in (rival.text, rival.sentence))
    return Rival(text, sentence)


@dataclass(frozen=True, slots=True)
class FitFormula(StepCommand):
    """Fit the constants of the formula to the data; the network stays as it is."""

    kind, action = "control", "formula"
    statement = "explorer.fit_formula()"

    def perform(self, session: Session) -> Topics:
        """Begin the fit, which the session carries out as a process from now on. Returns the topics that changed."""
        session.run.pause()
        FormulaFit(session)  # makes itself the process
        return frozenset(("status",))


@dataclass(frozen=True, slots=True)
class FormulaResult:
    """A fitted formula, or why there is none."""

    fitted: Any = None
    """A `FittedFormula`, or several of them."""
    text: str = ""
    """The equation as text."""
    error: str | None = None

    @property
    def sentence(self) -> str:
        """The formula, or why there is none; the constants with their errors stand in the formula's panel."""
        return self.error or f"{self.text}."


class FormulaFit(BackgroundProcess[FormulaResult]):
    """Fits the constants of a session's formula.

    Args:
        session: The session.
    """

    step, begun_by, word = "formula", "formula", "fitting the formula"
    sentence = "Fitting the formula's constants to the data."
    stopped = "The formula's constants were not fitted."

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        # A generator evaluates its list at once and the rest when it is asked for: the copy is made here, the fit on another thread.
        self.begin(fit_formula(model, data) for model, data in [(session.run.copy(), session.run.trainer.data)])

    def take(self, result: FormulaResult) -> Topics:
        """Keep the formula, or why there is none; only a formula is a line of the script. Returns the topics that changed."""
        self._session.keep_formula(result)
        if result.error is None:
            self._session.script.add(FitFormula())
        return self.close()

    def close(self) -> Topics:
        """The topics that changed, with those of open panels that show formulas; the session was paused before the fit."""
        return frozenset(("status", "formula")) | self._session.view.panels & {"forms", "front"}


@dataclass(frozen=True, slots=True)
class Dismiss(Command):
    """Keep a notice away from now on."""

    kind = "dismiss"
    continues_process = True
    keeps_notice = True
    reads: ClassVar = {"notice": fields.text}

    notice: str

    def perform(self, session: Session) -> Topics:
        session.view.dismiss(self.notice)
        return frozenset(("guide",))


def fit_formula(model: KAN, data: Dataset) -> FormulaResult:
    """Fit the constants of a network's formula to the training data; changes nothing. Where that can't be done the result says why."""
    try:
        fitted = model.fit_formula(data)
    except ValueError as error:
        return FormulaResult(error=str(error))
    # sympy, which writes it, is there already: it has fitted the formula.
    from kanwidget.symbolic import function_names, to_text

    functions = function_names(model)  # of edges that are still splines: f, g, …
    # One formula for each output. `as_read`: 4·f(town) of a column of words is written as f(town), with values four times as large.
    formulas = fitted if isinstance(fitted, tuple) else (fitted,)
    texts = [f"{formula.name} = {to_text(formula.as_read.expression, functions=functions)}" for formula in formulas]
    return FormulaResult(fitted, "; ".join(texts))
