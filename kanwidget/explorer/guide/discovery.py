"""What a page says about the search for formulas: why there can't be one, what it does, and what to do with its formulas."""

from __future__ import annotations

import math

from kanwidget.explorer.session.background.formula_search import FormulaSearch
from kanwidget.explorer.session.samples import judged_rows, mean_of_rows
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.states.hall_of_fame import HallOfFame
from kanwidget.explorer.session.undo import error_of


def search_of(session: Session) -> FormulaSearch | None:
    """The search for formulas of the current problem, None where there was none."""
    return session.discoveries.search_of(session.run.problem)


def hall_of(session: Session) -> HallOfFame:
    """The formulas that searches have found for the current problem."""
    return session.discoveries.hall(session.run.problem)


def obstacle(session: Session) -> str:
    """Why no formulas can be searched for, "" where they can.

    Examples:
        >>> from kanwidget import KAN, Dataset
        >>> obstacle(Session(KAN([1, 1]), Dataset([[1.0], [2.0], [3.0]], [[1.0], [4.0], [9.0]])))
        ''
    """
    if session.data.is_classification:
        return "Formulas are searched for numbers, and this target has classes. Train, Simplify and Formula find their scores."
    if all(session.data.levels):
        return "Formulas are searched for columns of numbers, and this table has words alone."
    if session.model.n_out > 1:
        names = ", ".join(session.out_vars[:3]) + (", …" if len(session.out_vars) > 3 else "")
        return f"Formulas are searched for one target, and this table has {session.model.n_out}: {names}. Begin with one of them."
    return ""


def network_error(session: Session) -> float:
    """The network's error as formulas have theirs: a root mean square in the target's own unit, on the test rows if there are any.

    Rows count by their weights.
    """
    if session.run.trainer.loss.root and not session.model.scaling.has_logs[1]:
        return error_of(session.run.last_record)
    # That of the record is one of the target's logarithm, or none of squares.
    x, label, weight = judged_rows(session.data)
    return math.sqrt(mean_of_rows((session.model.predict(x) - label).square().mean(1), weight))


def search_sentence(session: Session) -> str:
    """What the search does or has done, and what comes next."""
    search, count = search_of(session), len(hall_of(session).front)
    if search is not None:
        seconds = _seconds(search.elapsed)
        sentences = {
            "searching": search.sentence or "Looking at the table",
            "finishing": "Finishing the constants: exact numbers where they are as good. Stop again to skip that",
            "paused": f"Paused after {seconds}: {_formulas(count)} so far",
            "failed": f"The search has failed: {search.error}",
        }
        if search.state in sentences:
            return sentences[search.state]
        if not count:
            return f"No formula in {seconds}. Give it more time"
    elif not count:
        return obstacle(session) or "Formulas of your table, from simple to accurate"
    return f"{result_sentence(session)}{_marked(session)}. {_next(session)}"


def _next(session: Session) -> str:
    """The sentence about what comes next: that one of the formulas is the network now, or that a click makes it the network."""
    # `loaded`: by tree node, the number of the formula that a click has made the network there.
    number, front = session.discoveries.loaded.get(session.tree.current), hall_of(session).front
    if any(formula.number == number for formula in front):
        return "The highlighted one is the network now, and undo brings yours back"
    return f"Click {'it' if len(front) == 1 else 'one'}: it becomes the network, and undo brings yours back"


def _marked(session: Session) -> str:
    """The part of the sentence that says that a page marks the likeliest of several formulas; "" where none is marked."""
    hall = hall_of(session)
    return ", the likeliest marked" if hall.likeliest and len(hall.front) > 1 else ""


def result_sentence(session: Session) -> str:
    """How many formulas there are, and how long the last search took, as `3 formulas in 12 s`; no time in a session without a search."""
    search, count = search_of(session), len(hall_of(session).front)
    return _formulas(count) if search is None else f"{_formulas(count)} in {_seconds(search.elapsed)}"


def _formulas(count: int) -> str:
    """A number of formulas in words."""
    return "1 formula" if count == 1 else f"{count} formulas"


def _seconds(seconds: float) -> str:
    """A time in words, in whole seconds."""
    return f"{seconds:.0f} s" if seconds >= 1 else "less than 1 s"
