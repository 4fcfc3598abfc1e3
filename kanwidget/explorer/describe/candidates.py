"""The candidates of an edge, and the best one of every edge."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from kanwidget.core import EdgeRef, SymbolicFit, primitive
from kanwidget.explorer.describe.labels import node_name
from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.protocol.buffers import finite
from kanwidget.explorer.session.background.trials import error_after_lock
from kanwidget.explorer.session.samples import band, edge_inputs
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import error_of
from kanwidget.kan.words import MergedLevels
from kanwidget.symbolic.candidates.suggest import function_in_place
from kanwidget.symbolic.fits.custom import BrokenPrimitive, blamed, called
from kanwidget.symbolic.fits.ranking import TWINS
from kanwidget.symbolic.writing.mathml import candidate_tree
from kanwidget.training.evidence.merges import is_judged, partitions

#: Most candidates in a message.
_MAX_CANDIDATES = 16
#: Groupings of levels in a message at most, and the logarithm of the odds below which none is worth showing.
_MOST_MERGES, _UNLIKELY = 5, -3.0


def candidates(session: Session, edge: EdgeRef | None, busy: bool = False) -> tuple[p.Candidates, dict[str, Tensor]]:
    """The functions that could replace an edge, the best first.

    Args:
        session: The session.
        edge: The edge; None where none is selected.
        busy: Whether they are still searched for: the payload then says so, and has none.

    Returns:
        The payload, and the arrays: `x` (n,), `y` (n,) the edge and `fits` (rows, n) the candidates there. There are no arrays without an
        edge, with `busy`, and of an edge of words, which can only have fewer values.
    """
    if edge is None:
        return {**without_rows(session, None), "best": best_candidates(session)}, {}
    if busy:
        return without_rows(session, edge, busy=True), {}
    fits = _worth_showing(session.candidates.for_view(edge))
    if session.model.layer(edge.layer).levels[edge.source]:
        return _of_words(session, edge), {}
    inputs = edge_inputs(session.model, edge, session.x)
    x = torch.linspace(float(inputs.min()), float(inputs.max()), p.DETAIL_SAMPLES, dtype=inputs.dtype)
    y = session.model.curve(edge, x.to(inputs.device)).y
    name = node_name(session, edge.layer, edge.source)
    # By name, the network's error on held-out rows with a candidate in the edge's place, as far as that was tried.
    errors = session.swap_errors.of(edge)
    drawn = [row for fit in fits if (row := _drawn(fit, name, x)) is not None]
    in_place = function_in_place(session.model, edge)  # what the edge is now, if it is a function already
    # Two standard errors of the edge's curve.
    width = band(session.model, session.run.posterior(), edge, x.to(inputs.device))
    for candidate, curve in drawn:
        error = errors.get(candidate["name"])
        if in_place is not None and candidate["name"] == in_place[0].name:
            candidate["in_place"] = True
            error = error_of(session.run.last_record)
        # Nowhere farther from the edge's curve than the width of its band.
        if width is not None and bool(((curve - y.cpu()).abs() <= width.cpu()).all()):
            candidate["in_band"] = True
        if (shown_error := finite(error)) is not None:
            candidate["error"] = shown_error
    rows = [candidate for candidate, _ in drawn]
    payload: p.Candidates = {**without_rows(session, edge), "rows": rows, "best": best_candidates(session)}
    # The error if all selected edges shared one function; None where they can't, as for a single one.
    lock = None if session.running else finite(error_after_lock(session.run, session.view.selection))
    if lock is not None:
        payload["lock"] = lock
    curves = torch.stack([curve for _, curve in drawn]) if drawn else x.new_zeros(0, len(x))
    return payload, {"x": x, "y": y, "fits": curves}


def without_rows(session: Session, edge: EdgeRef | None, busy: bool = False) -> p.Candidates:
    """The payload of an edge without candidates; with `busy` they are still searched for. `edge` is None where none is selected."""
    return {"edge": None if edge is None else list(edge), "busy": busy, "version": session.version, "rows": []}


def _of_words(session: Session, edge: EdgeRef) -> p.Candidates:
    """The payload of an edge of words, which has a value for each level: as `merges` the likeliest groupings of levels with one value.

    There is no `merges` where nothing can judge them, as without a posterior.
    """
    model, posterior = session.model, session.run.posterior()
    payload: p.Candidates = {
        **without_rows(session, edge),
        "merged": edge.source in model.layer(0).merged,
        "best": best_candidates(session),
    }
    if posterior is None or not is_judged(model, edge.source):
        return payload
    names = session.data.levels[int(model.columns[edge.source])]
    # `gain` is the logarithm of the odds that the levels of each group have one value, against a value for each level.
    likely = [one for one in partitions(model, posterior, edge.source) if one.gain > _UNLIKELY][:_MOST_MERGES]
    rows: list[p.Merge] = []
    for partition in likely:
        grouping = MergedLevels.of(partition, names)
        groups = [[*group] for group in partition.groups if len(group) > 1]
        rows.append({"groups": groups, "text": str(grouping), "odds": grouping.odds, "r2": grouping.r2})
    return payload | {"merges": rows}


def best_candidates(session: Session) -> list[p.BestOf]:
    """Name and R² of the best candidate of each edge for which the cache has one that holds for the current state."""
    best = [(ref, session.candidates.best_of(ref)) for ref in session.candidates.best.edges()]
    return [{"key": list(ref), "best": fit.name, "best_r2": finite(fit.r2)} for ref, fit in best if fit is not None]


def _worth_showing(fits: Sequence[SymbolicFit]) -> list[SymbolicFit]:
    """The first 16 fits worth showing: each function once, then fits that only imitate a simpler one, which a page folds under it.

    Args:
        fits: All of an edge, the best first.
    """
    # A sine that imitates a cosine is the same function, with another b.
    twins = [set(pair) for pair in TWINS]
    sound = [fit for fit in fits if math.isfinite(fit.r2) and {fit.name, fit.imitates} not in twins]
    return sorted(sound, key=lambda fit: fit.imitates is not None)[:_MAX_CANDIDATES]


def held_out(session: Session) -> p.HeldOut | None:
    """The network's errors on held-out rows with a candidate in the place of an edge's curve, after a short training, by its name.

    Of those candidates that were tried so far; None where no edge's candidates are tried.
    """
    edge = session.swap_errors.edge
    if edge is None:
        return None
    errors = {name: error for name, error in session.swap_errors.of(edge).items() if math.isfinite(error)}
    return {"edge": list(edge), "version": session.version, "errors": errors}


def _drawn(fit: SymbolicFit, variable: str, x: Tensor) -> tuple[p.Candidate, Tensor] | None:
    """A candidate, c·f(a·x + b) + d, as the page gets it, and its curve; None where f, which somebody has registered, can't be drawn.

    Args:
        fit: The candidate.
        variable: The name of its argument in print.
        x: Where its curve is drawn, `(n,)`; the curve has the same shape.
    """
    row, (a, b, c, d) = primitive(fit.name), fit.params
    try:
        with blamed(row):  # any error of such a function becomes a `BrokenPrimitive`
            formula, curve = candidate_tree(fit, variable), c * called(row, row.fn, a * x.cpu() + b) + d
    except BrokenPrimitive:
        return None
    ends = [finite(end) for end in fit.valid]  # of the interval on which it is defined, None for infinity
    candidate: p.Candidate = {
        "name": fit.name,
        "formula": formula,
        "text": fit.equation,
        "params": list(fit.params),
        "r2": fit.r2,
        "complexity": fit.complexity,
        "imitates": fit.imitates,  # the name of a simpler function with the same curve on the data, None without one
        "misfit": finite(fit.misfit),  # in bits: the accuracy that the ranking weighs against complexity
        "valid": None if ends == [None, None] else ends,
    }
    return candidate, curve
