"""The front: the formula of every state, as far as it has one, beside the errors and sizes that the undo tree has."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypedDict

from torch import Tensor

from kanwidget.explorer.describe.errors import error_name
from kanwidget.explorer.describe.forms import fitted_form, form_figures
from kanwidget.explorer.describe.formula import Writing, writing
from kanwidget.explorer.describe.history import history
from kanwidget.explorer.guide.noise import session_noise
from kanwidget.explorer.session.session import Session
from kanwidget.kan import KAN

#: Seconds after which the formulas of further states wait for the next message.
_SECONDS = 0.1
#: Characters of a formula that is written out, and edges of a network that is composed.
_MAX_TEXT, _MAX_EDGES = 160, 40


class FrontState(Writing):
    """A state on the front: its formula, or as `text` alone how far it is one."""

    id: int
    """Of its tree node."""


class FrontLaw(FrontState):
    """The formula of a state with as few constants as the data need, fitted to them: smaller than its network."""

    error: float
    """As that of the state."""
    size: int
    """Its fitted constants, and the free values of its words."""
    as_good: bool
    """Whether it is as good as the state's network within the noise: the network then says nothing more."""


class FrontPanel(TypedDict):
    """The formulas of the states."""

    states: list[FrontState]
    laws: list[FrontLaw]
    """Of the states whose formula was fitted."""
    noise: float | None
    """The least error that looked like noise in the labels, null where none did."""
    busy: bool
    """Whether formulas of further states are still to come."""


def front(session: Session, clock: Callable[[], float] = time.monotonic) -> tuple[FrontPanel, dict[str, Tensor]]:
    """The formulas of the current problem's states; those that there is no time for now come with a further call.

    A state in training is skipped. The payload is `busy` if the time ran out before all others had a formula.

    Args:
        session: The session; what is worked out is kept in its `state_rows`.
        clock: Seconds, which limit the time of a call; one that stands still sets no limit.

    Returns:
        The payload, and no arrays.
    """
    tree, version, rows = session.tree, session.version, session.state_rows
    deadline, busy = clock() + _SECONDS, False
    for node, model in rows.missing(tree, session.model, version):  # states without their formula
        if node == tree.current and session.running:
            continue
        if busy := clock() > deadline:
            break
        if node == tree.current:
            _look_for_noise(session)
        rows.put(node, state_formula(session, model, node), tree, version)
    noise = rows.noise.get(session.run.problem)
    return {"states": rows.values(), "laws": front_laws(session), "noise": noise, "busy": busy}, {}


def _look_for_noise(session: Session) -> None:
    """Note the error of the current state where its residuals look like noise: the least one of the problem is what the panel shows.

    Errors of a logarithm aren't noted, since they count in another unit than those of other states.
    """
    noise = None if session.model.scaling.has_logs[1] else session_noise(session)
    if noise is not None and noise.is_noise:
        # The number of the current problem, data with their network, by which `noise` has the least error.
        levels, problem = session.state_rows.noise, session.run.problem
        levels[problem] = min(noise.level, levels.get(problem, noise.level))


def front_laws(session: Session) -> list[FrontLaw]:
    """The rows of the fitted formulas of the current problem's states, in the order of the states; each is worked out once."""
    tree, rows, laws = session.tree, session.state_rows, []
    for node in sorted(tree.problem_states()):
        state = session.run if node == tree.current else tree.nodes[node].latest
        if state is None:  # its checkpoint was dropped
            continue
        key = (node, state.last_record.step)
        result = rows.fitted.get(key)  # what the formula step has fitted in this state
        if result is None or result.fitted is None:
            continue
        if key not in rows.laws:
            rows.laws[key] = _law(session, state.model, node, result.fitted)
        laws.append(rows.laws[key])
    return [law for law in laws if law is not None]


def _law(session: Session, model: KAN, node: int, fitted: Any) -> FrontLaw | None:
    """A fitted formula as a row of the front; None where it is several, holds curves, or has no error to compare with those of states.

    Args:
        session: It has data, names and the loss.
        model: The network of the state, which the formula is compared with.
        node: Number of the state's tree node.
        fitted: A `FittedFormula`, or several.
    """
    from kanwidget.symbolic import FittedFormula

    loss = session.run.trainer.loss
    if not isinstance(fitted, FittedFormula) or fitted.curves or not (loss.root or loss.classes):
        return None
    error, as_good = form_figures(fitted_form(fitted), model, session.data)
    if error is None:
        return None
    names = dict(zip((symbol.name for symbol in fitted.variables), session.in_vars, strict=True))
    expression = fitted.as_read.expression  # of columns of words: 4·f(town) is f(town) with values four times as large
    # The size of a formula is the number of its constants, as a network's is that of its free parameters.
    size = sum(atom.is_Float for atom in expression.atoms())
    # Words have a value for each level, one of which the constant summand takes along.
    size += fitted.words.free_values
    written = writing(expression, names, fitted.names, most=_MAX_TEXT, wrap=False)
    return {"id": node, **written, "error": error, "size": size, "as_good": as_good}


def state_formula(session: Session, model: KAN, node: int) -> FrontState:
    """The formula of a network in a line, or in words how far it is one: `3 of 11 curves`.

    Of more than 40 edges, and of several outputs, only the number of functions is said. `node` is the number of the state's tree node.
    """
    refs = model.edge_refs(active=True)
    # Curves: edges without a function that aren't values of words (`levels`) either.
    numeric = sum(model.layer(ref.layer).state(ref.source, ref.target) not in ("symbolic", "levels") for ref in refs)
    if numeric:
        edges = f"{len(refs)} curve" + ("" if len(refs) == 1 else "s")
        text = edges if numeric == len(refs) else f"{numeric} of {edges}"
        return {"id": node, "text": text, "formula": None}
    if len(refs) > _MAX_EDGES or model.n_out > 1:
        return {"id": node, "text": f"{len(refs)} functions", "formula": None}
    # sympy is only needed here, and takes a while to import.
    from kanwidget.symbolic import function_names
    from kanwidget.symbolic.writing.tidy import tidy

    symbols = [f"x_{index + 1}" for index in range(model.n_features)]
    expressions, variables = model.symbolic_formula(symbols)
    # How large each column is says which terms are round-off, which `tidy` leaves out.
    largest = session.x.detach().abs().amax(0).tolist()
    sizes = dict(zip((symbol.name for symbol in variables), largest, strict=True))
    names = dict(zip((symbol.name for symbol in variables), session.in_vars, strict=True))
    written = writing(tidy(expressions[0], sizes=sizes), names, function_names(model), most=_MAX_TEXT, wrap=False)
    return {"id": node, **written}


Point = tuple[float, float]


def front_points(session: Session) -> tuple[list[Point], list[tuple[float, float, str]], str]:
    """What a figure of the front draws.

    Returns:
        Size and error of every state and every fitted formula; size, error and label of those on the front; and the name of the error.
    """
    front(session, clock=lambda: 0.0)  # works out all formulas: a clock that stands still sets no limit
    texts = {row["id"]: row["text"] for row in session.state_rows.values() if row["formula"] is not None}
    own = session.tree.problem_states()
    states = [state for state in history(session)["states"] if state["id"] in own and state["error"]]
    # At least 1, as an axis of logarithms has no 0.
    marks = [
        (float(max(1, state["complexity"])), state["error"] or 0.0, texts.get(state["id"], state["label"]))
        for state in states
    ]
    laws = [law for law in front_laws(session) if law["error"]]
    of_laws = [(float(max(1, law["size"])), law["error"], law["text"]) for law in laws]
    # A network that its own law equals within the noise says nothing more.
    beaten = {law["id"] for law in laws if law["as_good"]}
    unbeaten = [mark for mark, state in zip(marks, states, strict=True) if state["id"] not in beaten]
    # From small to large, and of one size the smallest error first: each that errs less than all before is on the front.
    best: list[tuple[float, float, str]] = []
    for mark in sorted([*unbeaten, *of_laws], key=lambda mark: mark[:2]):
        if not best or mark[1] < best[-1][1]:
            best.append(mark)
    return [mark[:2] for mark in (*marks, *of_laws)], best, error_name(session)
