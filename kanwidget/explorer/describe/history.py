"""The undo tree, the marks on the curves, and the Pareto front of the states."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kanwidget.core import Event
from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.protocol.buffers import finite
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import BEGINNINGS, TreeNode, error_of, label_of

#: Marks in a message at most.
_MAX_MARKS = 400
#: Edges of an act in a message at most: nobody looks for its effect in the inspector of more.
_MAX_EDGES = 20
#: Change of an error, as a logarithm, that can be seen on a chart.
_SEEN = 0.02
#: Kinds of marks that are changed settings, no acts.
_SETTINGS = frozenset(("lamb", "opt", "lr", "batch", "noise", "grid"))


def history(session: Session) -> p.History:
    """The undo tree, the marks on the curves and, as `acts`, the errors before and after the acts that have changed them: a payload."""
    tree = session.tree
    states = [_state(session, node) for node in tree.nodes.values()]
    payload: p.History = {
        "states": states,
        "current": tree.current,
        "can_undo": tree.can_undo,
        "can_redo": tree.can_redo,
        "events": [
            # A label may end in indices of edges or nodes, `…: (0, 0, 1), …`, which say nothing to a reader.
            {"step": e.step, "label": e.label.split(": (")[0], "kind": e.kind}
            for e in _marks(session.run.events)
        ],
    }
    acts = act_errors(session)
    return {**payload, "acts": acts} if acts else payload


def act_errors(session: Session) -> list[list[float]]:
    """Steps with the errors before and after the acts there that have changed the error, on the way to the current state, the newest first.

    Each is `[step, error before, error after]`; acts at the same step make one row. Changes that a chart can't show are left out.
    """
    tree, rows = session.tree, dict[int, list[float]]()
    # A node is an act with the state after it; its parent has the state before.
    for node in tree.path():  # the newest act first
        parent = tree.nodes[-1 if node.parent is None else node.parent]  # all nodes of a path have a parent
        before, after = state_error(session, parent), state_error(session, node)
        # With a reset, other logarithms or other data (`BEGINNINGS`) a training begins anew: such errors aren't compared.
        if node.kind in BEGINNINGS or before is None or after is None:
            continue
        # A later act at this step has a row already: the error after all acts of the step is the one after that.
        later = rows.get(node.step)
        rows[node.step] = [node.step, before, after if later is None else later[2]]
    return [row for row in rows.values() if min(row[1:]) > 0 and abs(math.log(row[2] / row[1])) > _SEEN]


def _state(session: Session, node: TreeNode) -> p.StateInfo:
    """A node of the undo tree as a page gets it; the current one with its error, label and size as they are now."""
    record = session.run.last_record if node.id == session.tree.current else None
    error = finite(state_error(session, node))
    state: p.StateInfo = {
        "id": node.id,
        "parent": node.parent,
        "label": node.label if record is None else label_of(node, record),
        "kind": node.kind,
        "step": node.step,
        "error": error,
        "kept": session.tree.can_go(node.id),  # False once its checkpoint, to which a click would lead, was dropped
        "latest": error,  # always the same as `error`
        "complexity": node.complexity if record is None else session.model.n_parameters,
    }
    if node.group is not None:  # the first node of a longer act that this act is a part of
        state["group"] = node.group
    if 0 < len(node.edges) <= _MAX_EDGES:
        state["edges"] = [list(edge) for edge in node.edges]
    return state


def state_error(session: Session, node: TreeNode) -> float | None:
    """The error of the state that a click on a tree node restores, the same wherever it is shown; None where it isn't known.

    That is the error now of the current node, of another one the error when the session last left it.
    """
    if node.id == session.tree.current:
        return error_of(session.run.last_record)
    # `error` is the one when its act began: all there is of a node that was never left.
    return node.error if node.last_error is None else node.last_error


def _marks(events: Sequence[Event]) -> Sequence[Event]:
    """The events that curves can show as marks, in order: of more than 400 at most 400.

    These are the latest acts, 200 at most, and for the rest changes of settings, evenly picked.
    """
    if len(events) <= _MAX_MARKS:
        return events
    acts = [i for i, event in enumerate(events) if event.kind not in _SETTINGS][-_MAX_MARKS // 2 :]
    changes = [i for i, event in enumerate(events) if event.kind in _SETTINGS]
    room = _MAX_MARKS - len(acts)
    if len(changes) > room:  # evenly picked, the first and the last one among them
        changes = [changes[round(i * (len(changes) - 1) / (room - 1))] for i in range(room)]
    return [events[i] for i in sorted({*acts, *changes})]


def pareto_front(session: Session) -> list[dict[str, Any]]:
    """The states of the current data and target that none beats in both error and complexity, simplest first; each a `StateInfo`."""
    own = session.tree.problem_states()
    # `latest` is a state's error, None where it isn't known or not finite.
    finite_states = [s for s in history(session)["states"] if s["latest"] is not None and s["id"] in own]
    best: list[dict[str, Any]] = []
    for state in sorted(finite_states, key=lambda state: (state["complexity"], state["latest"], state["id"])):
        if not best or state["latest"] < best[-1]["latest"]:
            best.append(dict(state))
    return best
