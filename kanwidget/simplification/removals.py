"""Edges and nodes that aren't needed: removed one after the other, as long as the description becomes shorter."""

from __future__ import annotations

import copy

from kanwidget.core.network import Network
from kanwidget.core.records import EdgeRef
from kanwidget.core.scores import attribute
from kanwidget.simplification.description import description_length
from kanwidget.simplification.held_out import HeldOut
from kanwidget.simplification.refits import refit
from kanwidget.surgery._structure import add_constant, cut
from kanwidget.surgery.prune import edge_means

#: Removals that are tried in a row without success.
_PATIENCE = 4
#: Steps of the refit after a removal.
_STEPS = 8


def without_needless_edges(network: Network, held: HeldOut) -> Network:
    """A network without the edges that the data can do without, the weakest first. A subnode keeps its last edge."""
    best, length, failures = network, description_length(network, held), 0
    refused: set[EdgeRef] = set()
    while failures < _PATIENCE and (ref := _weakest(best, held, refused)) is not None:
        trial = _without(best, ref, held)
        refit(trial, held, _STEPS)
        shorter = description_length(trial, held)
        if shorter < length:
            best, length, failures = trial, shorter, 0
        else:
            refused.add(ref)
            failures += 1
    return best


def _weakest(network: Network, held: HeldOut, refused: set[EdgeRef]) -> EdgeRef | None:
    scores = attribute(network, held.data.train_input).edge_scores
    lonely = [network.layer(index).active().sum(1) < 2 for index in range(network.depth)]
    refs = [
        ref for ref in network.edge_refs(active=True) if ref not in refused and not bool(lonely[ref.layer][ref.target])
    ]
    return min(refs, key=lambda ref: float(scores[ref.layer][ref.target, ref.source]), default=None)


def _without(network: Network, ref: EdgeRef, held: HeldOut) -> Network:
    """A copy without an edge, whose mean contribution stays as a constant."""
    trial = copy.deepcopy(network)
    mean = float(edge_means(network, held.data.train_input)[ref.layer][ref.target, ref.source])
    layer = trial.layer(ref.layer)
    cut(layer, ref.source, ref.target)
    add_constant(layer, ref.target, mean)
    return trial
