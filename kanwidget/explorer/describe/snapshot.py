"""A session in the words of the protocol: each part of it as the `TypedDict` that the browser is told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from kanwidget.core import Event, StepRecord, SymbolicFit, primitive
from kanwidget.core.primitives import primitives
from kanwidget.explorer.describe import curves
from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.protocol.labels import subscript
from kanwidget.explorer.session import live_candidates as live
from kanwidget.explorer.session.presets import PRESETS
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import error_of
from kanwidget.symbolic.fits.custom import BrokenPrimitive, blamed, called
from kanwidget.symbolic.fits.ranking import TWINS
from kanwidget.symbolic.writing.mathml import candidate_tree

#: Candidates told at least, where there are so many, and at most.
_FEWEST_CANDIDATES, _MOST_CANDIDATES = 12, 24
#: Marks on the curves told at most, and the kinds of those that aren't acts.
_MOST_EVENTS = 400
_SETTINGS = frozenset(("lamb", "opt", "lr", "batch", "noise", "grid"))


def structure(session: Session) -> p.Structure:
    """Nodes, edges and sizes."""
    model, edges = session.model, _edges(session)
    known = {tuple(one["key"]): one for one in best(session)}
    for edge in edges if known else ():
        if (one := known.get(tuple(edge["key"]))) is not None:
            edge["best"] = one["best"]
            if one["best_r2"] is not None:
                edge["best_r2"] = one["best_r2"]
    return {
        "version": session.layout,
        "width": [list(pair) for pair in model.width],
        "k": model.k,
        "grid": model.grid,
        "nodes": _nodes(session),
        "edges": edges,
        "n_parameters": model.n_parameters,
    }


def _nodes(session: Session) -> list[p.NodeInfo]:
    model, scores = session.model, session.scores()
    nodes: list[p.NodeInfo] = []
    for level, (n_sum, _) in enumerate(model.width):
        for index in range(model.nodes_in(level)):
            kind: p.NodeKind = "sum" if index < n_sum else "product"
            if level in (0, model.depth):
                kind = "input" if level == 0 else "output" if index < n_sum else "product"
            subnodes = [] if level == 0 else list(model.subnodes_of(level, index))
            value = finite(float(scores.node_scores[level][index])) or 0.0
            name = node_name(session, level, index)
            nodes.append({"key": [level, index], "name": name, "kind": kind, "subnodes": subnodes, "importance": value})
    return nodes


def node_name(session: Session, level: int, index: int) -> str:
    """What a node is called: the user's name, or `h₁,₂`."""
    if level == 0:
        return session.in_vars[int(session.model.columns[index])]
    if level == session.model.depth:
        return session.out_vars[index]
    return f"h{subscript(level)},{subscript(index + 1)}"


def _edges(session: Session) -> list[p.EdgeInfo]:
    """All edges, in the order of `edge_refs`: columns first, for there may be thousands."""
    found: list[p.EdgeInfo] = []
    groups = 0
    for index in range(session.model.depth):
        layer = session.model.layer(index)
        numeric, frozen = layer.spline_on.flatten().tolist(), layer.frozen.flatten().tolist()
        functions = {flat: name for name, members in layer.symbols.items() for flat in members}
        ties = {flat: number for number, tie in enumerate(layer.ties, groups) for flat in tie}
        groups += len(layer.ties)
        for flat in range(layer.out_dim * layer.in_dim):
            target, source = divmod(flat, layer.in_dim)
            function = functions.get(flat)
            state: p.EdgeState = "spline" if numeric[flat] else "pruned"
            if function is not None:
                state = "both" if numeric[flat] else "symbolic"
            told: p.EdgeInfo = {"key": [index, source, target], "state": state}
            if function is not None:
                told["function"] = function
            if frozen[flat]:
                told["frozen"] = True
            if flat in ties:
                told["tied"] = ties[flat]
            found.append(told)
    return found


def status(session: Session, driver: p.DriverKind, task: str | None = None) -> p.Status:
    """What the training does now."""
    now = session.now
    return {
        "state": session.state,
        "step": now.step,
        "train": finite(now.train_loss),
        "test": finite(now.test_loss),
        "penalty": finite(now.penalty),
        "ms_per_step": finite(session.ms_per_step),
        "stop_reason": session.stop_reason,
        "driver": driver,
        "task": task,
    }


def settings(session: Session) -> p.Settings:
    """The accepted values."""
    given = session.trainer.settings
    return {
        "lamb": given.lamb,
        "grid": session.model.grid,
        "opt": given.opt,
        "opts": session.opts,
        "lr": given.lr,
        "simplicity": session.simplicity,
        "loss": loss_name(session),
        "batch": given.batch,
        "noise": session.noise,
        "seed": session.seed,
        "rows": len(session.data.train_input),
        "presets": [] if session.preset is None else list(PRESETS),
        "preset": session.preset,
    }


def loss_name(session: Session) -> str:
    """What the losses are."""
    row = session.trainer.loss
    return "RMSE" if row.root else row.name.replace("cross_entropy", "cross-entropy")


def selection(session: Session) -> tuple[p.Selection, dict[str, Tensor]]:
    """The selected edges, and the first one's arrays."""
    if not session.selection:
        return {"edges": []}, {}
    edge = session.selection[0]
    arrays, data_range = curves.detail(session.model, edge, session.x)
    layer, source, target = edge
    told: p.Selection = {
        "edges": [list(one) for one in session.selection],
        "x_name": node_name(session, layer, source),
        "importance": finite(float(session.scores().edge_scores[layer][target, source])) or 0.0,
        "k": session.model.layer(layer).k,
    }
    if all(map(math.isfinite, data_range)):
        told["data_range"] = data_range
    return told, arrays


def candidates(session: Session, busy: bool = False) -> tuple[p.Candidates, dict[str, Tensor]]:
    """The functions that could replace the first selected edge; with `busy` only the news that they are searched."""
    if not session.selection:
        return {"edge": None, "busy": False, "version": session.version, "rows": [], "best": best(session)}, {}
    edge = session.selection[0]
    if busy:
        return {"edge": list(edge), "busy": True, "version": session.version, "rows": []}, {}
    fits = _different(live.candidates(session, edge))
    inputs = curves.edge_inputs(session.model, edge, session.x)
    x = torch.linspace(float(inputs.min()), float(inputs.max()), p.DETAIL_SAMPLES, dtype=inputs.dtype)
    y = session.model.curve(edge, x.to(inputs.device)).y
    name = node_name(session, edge[0], edge[1])
    shown = [one for fit in fits if (one := _shown(fit, name, x)) is not None]
    told: p.Candidates = {
        "edge": list(edge),
        "busy": False,
        "version": session.version,
        "rows": [row for row, _ in shown],
        "best": best(session),
    }
    drawn = torch.stack([curve for _, curve in shown]) if shown else x.new_zeros(0, len(x))
    return told, {"x": x, "y": y, "fits": drawn}


def best(session: Session) -> list[p.BestOf]:
    """The best candidate of every edge of which one is known for the present state."""
    known = [(ref, session.best_known(ref)) for ref in session.best.edges()]
    return [{"key": list(ref), "best": fit.name, "best_r2": finite(fit.r2)} for ref, fit in known if fit is not None]


def _different(fits: Sequence[SymbolicFit]) -> list[SymbolicFit]:
    """The fits worth showing: each function once; those that only imitate a simpler one where there are few others."""
    sound = [fit for fit in fits if math.isfinite(fit.r2)]
    found = [fit for fit in sound if fit.imitates is None]
    twins = [any({fit.name, fit.imitates} == set(pair) for pair in TWINS) for fit in sound]
    others = [fit for fit, twin in zip(sound, twins, strict=True) if fit.imitates is not None and not twin]
    return [*found, *others[: max(0, _FEWEST_CANDIDATES - len(found))]][:_MOST_CANDIDATES]


def _candidate(fit: SymbolicFit, variable: str) -> p.Candidate:
    ends = [end if math.isfinite(end) else None for end in fit.valid]
    return {
        "name": fit.name,
        "formula": candidate_tree(fit, variable),
        "text": fit.equation,
        "params": list(fit.params),
        "r2": fit.r2,
        "complexity": fit.complexity,
        "imitates": fit.imitates,
        "valid": None if ends == [None, None] else ends,
    }


def _shown(fit: SymbolicFit, variable: str, x: Tensor) -> tuple[p.Candidate, Tensor] | None:
    """A candidate and its curve; None where its function, which somebody has registered, can't be drawn."""
    row, (a, b, c, d) = primitive(fit.name), fit.params
    try:
        with blamed(row):
            return _candidate(fit, variable), c * called(row, row.fn, a * x.cpu() + b) + d
    except BrokenPrimitive:
        return None


def history(session: Session) -> p.History:
    """The undo tree and the marks on the curves."""
    tree = session.tree
    states: list[p.StateInfo] = [
        {
            "id": node.id,
            "parent": node.parent,
            "label": node.label,
            "kind": node.kind,
            "step": node.step,
            "error": finite(node.error),
            "kept": tree.can_go(node.id),
            "latest": finite(error_of(session.now) if node.id == tree.current else node.left),
            "complexity": node.complexity,
        }
        for node in tree.nodes.values()
    ]
    return {
        "states": states,
        "current": tree.current,
        "can_undo": tree.can_undo,
        "can_redo": tree.can_redo,
        "events": [{"step": e.step, "label": e.label, "kind": e.kind} for e in _marks(session.events)],
    }


def _marks(events: Sequence[Event]) -> Sequence[Event]:
    """The events that curves can show: where there are too many, the latest acts, and some of the changed settings."""
    if len(events) <= _MOST_EVENTS:
        return events
    acts = [i for i, event in enumerate(events) if event.kind not in _SETTINGS][-_MOST_EVENTS // 2 :]
    others = [i for i, event in enumerate(events) if event.kind in _SETTINGS]
    room = _MOST_EVENTS - len(acts)
    picked = others if len(others) <= room else [others[round(i * (len(others) - 1) / (room - 1))] for i in range(room)]
    return [events[i] for i in sorted({*acts, *picked})]


def pareto_front(session: Session) -> list[dict[str, Any]]:
    """The states that no other one beats in both error and complexity, simplest first."""
    known = [state for state in history(session)["states"] if state["latest"] is not None]
    best: list[dict[str, Any]] = []
    for state in sorted(known, key=lambda state: (state["complexity"], state["latest"], state["id"])):
        if not best or state["latest"] < best[-1]["latest"]:
            best.append(dict(state))
    return best


def metrics(records: Sequence[StepRecord], most: int | None = None) -> Tensor:
    """Rows of `METRIC_COLUMNS`, thinned evenly (the last one kept) where there are too many, `(n, 5)`."""
    if most is not None and len(records) > most:
        picked = torch.linspace(0, len(records) - 1, most, dtype=torch.float64).round().long().tolist()
        records = [records[index] for index in picked]
    rows = [(r.step, r.seconds, r.train_loss, _or_nan(r.test_loss), r.penalty) for r in records]
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, len(p.METRIC_COLUMNS))


def error(session: Session) -> p.ErrorInfo | None:
    """The notice, if there is one."""
    notice = session.notice
    return None if notice is None else {"title": notice.title, "message": notice.message, "hint": notice.hint}


def primitive_names() -> list[str]:
    """Names of the whole library."""
    return [row.name for row in primitives()]


def finite(value: float | None) -> float | None:
    """JSON knows neither NaN nor infinity."""
    return value if value is not None and math.isfinite(value) else None


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
