"""Edges and columns that aren't needed: removed as long as the description becomes shorter, of large networks many at once;
and functions that give way to simpler ones.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch

from kanwidget.core.network import Network
from kanwidget.core.primitives import primitive
from kanwidget.core.records import EdgeRef
from kanwidget.core.scores import attribute, feature_score
from kanwidget.simplification.description import description_length
from kanwidget.simplification.held_out import HeldOutRows
from kanwidget.simplification.refits import refit
from kanwidget.surgery._structure import add_constant, cut
from kanwidget.surgery.prune import edge_means
from kanwidget.symbolic.edges import fix_symbolic

#: Removals that are tried in a row without success.
_PATIENCE = 4
#: Steps of the refit after a removal.
_STEPS = 8
#: In larger networks a part of the edges goes at once: this one at first, then smaller ones.
_ONE_BY_ONE, _PART = 12, 4
#: An edge whose values spread less than this part of their size over the rows is a constant.
_CONSTANT = 1e-9
#: What is tried in place of other functions, the simplest first.
_SIMPLEST = ("x", "x^2")
#: Functions with a further constant that says something, their frequency: they give way to any of those.
_WAVES = ("sin", "cos")
#: Steps of a refit. A parabola that begins as the best one of a wave needs some.
_SIMPLER_STEPS = 30
#: A formula of more functions isn't read.
_MOST_EDGES = 12


def without_needless_edges(network: Network, held: HeldOutRows) -> Network:
    """A network without the edges that the data can do without, the weakest first. A subnode keeps its last edge.

    Of a large network a quarter of the edges is tried at once, then half as many while that fails: the number of refits grows with the
    logarithm of the edges.
    """
    best, failures = without_constants(network, held), 0
    length, refused = description_length(best, held), set[EdgeRef]()
    while failures < _PATIENCE:
        edges = len(best.edge_refs(active=True))
        count = 1 if edges <= _ONE_BY_ONE else max(1, edges // _PART >> failures)
        refs = _weakest(best, held, refused, count)
        if not refs:
            break
        trial = without(best, refs, held)
        refit(trial, held, _STEPS)
        shorter = description_length(trial, held)
        if shorter < length:
            best, length, failures = trial, shorter, 0
        else:
            refused |= set(refs) if count == 1 else set()
            failures += 1
    return best


def without_constants(network: Network, held: HeldOutRows) -> Network:
    """A network without functions that are constant over the rows, as a step outside of the data is: their value stays as a constant."""
    with torch.no_grad():
        traces = network.scaled_trace(held.data.train_input).edges
    refs = []
    for ref in network.edge_refs(active=True):
        values = traces[ref.layer][:, ref.target, ref.source]
        lonely = int(network.layer(ref.layer).active()[ref.target].sum()) < 2  # a subnode keeps its last edge
        if not lonely and float(values.std(correction=0)) <= _CONSTANT * (1 + float(values.abs().amax())):
            refs.append(ref)
    return without(network, removable(network, refs), held) if refs else network


def without_needless_inputs(network: Network, held: HeldOutRows) -> Network:
    """A network that doesn't read the columns that say nothing: as many of the weakest as the held-out rows allow, by bisection.

    Columns go only if the mean loss grows by a standard error at most: the 5 % that are allowed elsewhere may be all that a weak one says.
    """
    order = torch.argsort(feature_score(network, held.data.train_input)).tolist()
    order = [column for column in order if column in network.columns.tolist()]
    best = copy.deepcopy(network)
    before = refit(best, held, _STEPS)
    first = [ref for ref in network.edge_refs(active=True) if ref.layer == 0]
    # The number of columns that can go lies between these two; one column has to stay.
    fewest, most = 0, len(order) - 1
    while fewest < most:
        count = (fewest + most + 1) // 2
        refs = [ref for ref in first if int(network.columns[ref.source]) in order[:count]]
        trial = without(network, removable(network, refs), held)
        losses = refit(trial, held, _STEPS)
        change = losses - before
        if float(change.mean()) <= float(change.std()) / math.sqrt(len(change)):
            fewest, best = count, trial
        else:
            most = count - 1
    return best


def removable(network: Network, refs: Sequence[EdgeRef]) -> list[EdgeRef]:
    """Those of these edges that can go together: each subnode keeps an edge, the earlier ones of the list go first."""
    chosen: list[EdgeRef] = []
    rest = [layer.active().sum(1).tolist() for layer in network.layers]
    for ref in refs:
        if rest[ref.layer][ref.target] > 1:
            rest[ref.layer][ref.target] -= 1
            chosen.append(ref)
    return chosen


def _weakest(network: Network, held: HeldOutRows, refused: set[EdgeRef], count: int) -> list[EdgeRef]:
    """At most `count` edges of the lowest scores that can go together, the weakest first, but for those that were refused before."""
    scores = attribute(network, held.data.train_input).edge_scores
    refs = [ref for ref in network.edge_refs(active=True) if ref not in refused]
    refs.sort(key=lambda ref: float(scores[ref.layer][ref.target, ref.source]))
    return removable(network, refs)[:count]


def without(network: Network, refs: Sequence[EdgeRef], held: HeldOutRows) -> Network:
    """A copy without some edges, whose mean contributions stay as constants."""
    trial, means = copy.deepcopy(network), edge_means(network, held.data.train_input)
    for ref in refs:
        layer = trial.layer(ref.layer)
        cut(layer, ref.source, ref.target)
        add_constant(layer, ref.target, float(means[ref.layer][ref.target, ref.source]))
    return trial


# ---- simpler functions in place of those that were chosen: the score of a class may be a cosine where a parabola says as much
#
# A curve of scores is known only as well as the rows near the boundary tell it, and a candidate is fitted to the curve. So lines and
# parabolas are asked for by the loss itself.


def with_simpler_functions(network: Network, held: HeldOutRows) -> Network:
    """A network with lines and parabolas in place of other functions, as far as the loss allows it within its noise."""
    edges = [ref for ref in network.edge_refs(active=True) if _complexity(network, ref) > 0]
    if len(edges) > _MOST_EDGES:
        return network
    best = network
    for ref in sorted(edges, key=lambda ref: -_complexity(network, ref)):
        for name in _SIMPLEST:
            if primitive(name).complexity >= _complexity(best, ref):
                break
            trial = copy.deepcopy(best)
            try:
                fix_symbolic(trial, *ref, name, held.data.train_input)
            except ValueError:  # the edge is locked to others, say
                continue
            refit(trial, held, _SIMPLER_STEPS)
            if _says_the_same(best, trial, held):
                best = trial
                break
    return best


def _says_the_same(before: Network, after: Network, held: HeldOutRows) -> bool:
    """Whether losses after a change are as good as before, but for chance, on the held-out rows and on all rows."""
    for everywhere in (False, True):
        losses = [held.row_losses(network, everywhere=everywhere) for network in (before, after)]
        if not held.allows(*losses):
            return False
    return True


def _complexity(network: Network, ref: EdgeRef) -> float:
    """The complexity of an edge's function; a wave has 1 more for its frequency, a spline 0."""
    name = network.layer(ref.layer).symbol(ref.source, ref.target)
    return 0.0 if name is None else primitive(name).complexity + (name in _WAVES)
